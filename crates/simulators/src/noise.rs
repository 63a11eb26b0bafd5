//! Repeatable randomness: a figure of an ad on a day is a pure function of (seed, ad, day).
//!
//! Nothing is stored and nothing depends on the order of questions, so a world of a million banner-days costs no memory,
//! and two processes with the same seed tell the same story. Integers only: a float function may differ between machines.

/// Scrambles one number (the finaliser of SplitMix64).
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number that depends on all three arguments; `salt` keeps different uses of the same pair apart.
pub fn hash(seed: u64, subject: u64, salt: u64) -> u64 {
    mix(mix(seed ^ subject.wrapping_mul(0xA24B_AED4_963E_E407)) ^ salt.wrapping_mul(0x9FB2_1C65_1E98_DF25))
}

/// A whole number of `low..=high` drawn from `hash`; bias is far below what a demo can show.
pub fn between(hash: u64, low: i64, high: i64) -> i64 {
    let span = u64::try_from(high - low).unwrap_or(0) + 1;
    low + i64::try_from(hash % span).unwrap_or(0)
}

/// A sequence of draws for building objects, where order is fixed by the code that builds them.
pub struct Draws {
    state: u64,
}

impl Draws {
    /// A sequence of its own for `subject`.
    pub fn new(seed: u64, subject: u64) -> Self {
        Self { state: hash(seed, subject, 0xD2A3) }
    }

    /// The next scrambled number.
    pub fn next(&mut self) -> u64 {
        self.state = mix(self.state);
        self.state
    }

    /// The next whole number of `low..=high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        between(self.next(), low, high)
    }

    /// Whether an event of this percentage happens.
    pub fn chance(&mut self, percent: i64) -> bool {
        self.between(0, 99) < percent
    }

    /// One of the words; `words` is a constant list and never empty.
    pub fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let last = i64::try_from(words.len()).unwrap_or(1) - 1;
        let index = usize::try_from(self.between(0, last.max(0))).unwrap_or(0);
        words.get(index).copied().unwrap_or("")
    }
}
