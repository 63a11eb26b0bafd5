//! Money is an integer number of millionths with an ISO 4217 currency and a word on VAT; never a float.
//! Vendors send money as decimal text ("23328.92"), so the way in is [`Micros::parse`], which is exact or refuses.

use serde::{Deserialize, Serialize};
use std::{
    fmt,
    ops::{Add, AddAssign, Sub},
    str::FromStr,
};
use ts_rs::TS;

/// A decimal number kept as an integer of millionths: 1.5 is 1,500,000. Used for money and for conversions, which
/// platforms with data-driven attribution count in fractions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(type = "number")]
pub struct Micros(pub i64);

/// The text is not a decimal number that fits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a number with at most six decimals: {0:?}")]
pub struct ParseMicrosError(pub String);

impl Micros {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// Millionths in one.
    pub const ONE: Self = Self(1_000_000);

    /// A whole number.
    pub fn whole(units: i64) -> Option<Self> {
        units.checked_mul(1_000_000).map(Self)
    }

    /// Reads a plain decimal text with a point: optional sign, digits, at most 18 decimals of which those after the
    /// sixth are rounded half away from zero. No spaces, no thousands separators, no exponent: a vendor that sends those
    /// has changed, and guessing would change somebody's money.
    pub fn parse(text: &str) -> Result<Self, ParseMicrosError> {
        let fail = || ParseMicrosError(text.chars().take(40).collect());
        let (negative, digits) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let numeric = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && decimals.is_empty()) || !numeric(whole) || !numeric(decimals) || decimals.len() > 18 {
            return Err(fail());
        }
        let mut value: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| fail())? };
        value = value.checked_mul(1_000_000).ok_or_else(fail)?;
        let mut unit = 100_000;
        let mut fraction = 0;
        for digit in decimals.bytes().take(6) {
            fraction += i64::from(digit - b'0') * unit;
            unit /= 10;
        }
        if decimals.as_bytes().get(6).is_some_and(|digit| *digit >= b'5') {
            fraction += 1;
        }
        value = value.checked_add(fraction).ok_or_else(fail)?;
        Ok(Self(if negative { -value } else { value }))
    }

    /// For ratios and charts only; never for a sum.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl FromStr for Micros {
    type Err = ParseMicrosError;
    fn from_str(text: &str) -> Result<Self, ParseMicrosError> {
        Self::parse(text)
    }
}

/// The shortest exact decimal: `1284300.5`, `-312.4`, `7`.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let value = self.0.unsigned_abs();
        let (whole, fraction) = (value / 1_000_000, value % 1_000_000);
        if fraction == 0 {
            write!(f, "{sign}{whole}")
        } else {
            let decimals = format!("{fraction:06}");
            write!(f, "{sign}{whole}.{}", decimals.trim_end_matches('0'))
        }
    }
}

impl Add for Micros {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl AddAssign for Micros {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl Sub for Micros {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}
impl std::iter::Sum for Micros {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

/// An ISO 4217 code such as `RUB`: three capital Latin letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(try_from = "String", into = "String")]
#[ts(type = "string")]
pub struct Currency([u8; 3]);

/// The text is not three Latin letters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an ISO 4217 currency code: {0:?}")]
pub struct ParseCurrencyError(String);

impl Currency {
    /// The Russian rouble, the default of a new workspace.
    pub const RUB: Self = Self(*b"RUB");
    /// The code as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}
impl FromStr for Currency {
    type Err = ParseCurrencyError;
    fn from_str(text: &str) -> Result<Self, ParseCurrencyError> {
        let upper = text.trim().to_ascii_uppercase();
        // The retired code of the rouble is still sent by some Russian exports.
        let upper = if upper == "RUR" { "RUB".to_owned() } else { upper };
        match upper.as_bytes() {
            [a, b, c] if upper.bytes().all(|l| l.is_ascii_uppercase()) => Ok(Self([*a, *b, *c])),
            _ => Err(ParseCurrencyError(text.chars().take(12).collect())),
        }
    }
}
impl TryFrom<String> for Currency {
    type Error = ParseCurrencyError;
    fn try_from(text: String) -> Result<Self, ParseCurrencyError> {
        text.parse()
    }
}
impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}
impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether sums contain value added tax. Platforms rarely say; the person declares it per connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum VatState {
    /// The sums contain VAT.
    Included,
    /// The sums are without VAT.
    Excluded,
    /// Nobody has said yet.
    #[default]
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimal_text_is_read_exactly_or_refused() {
        for (text, expected) in [
            ("23328.92", Some(23_328_920_000)),
            ("0", Some(0)),
            ("-312.40", Some(-312_400_000)),
            (".5", Some(500_000)),
            ("7.", Some(7_000_000)),
            ("0.0000005", Some(1)),
            ("0.00000049", Some(0)),
            ("9223372036854.775807", Some(i64::MAX)),
            ("9223372036854.775808", None),
            ("1e5", None),
            ("1 000", None),
            ("1,5", None),
            ("", None),
            (".", None),
            ("-", None),
            ("NaN", None),
            ("١", None),
        ] {
            assert_eq!(Micros::parse(text).ok().map(|m| m.0), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn display_and_parse_are_inverse(value in -9_000_000_000_000_000_000i64..9_000_000_000_000_000_000) {
            prop_assert_eq!(Micros::parse(&Micros(value).to_string()), Ok(Micros(value)));
        }
    }
}
