//! The recovery key: shown once, written down on paper, typed back years later when the keychain is gone.
//!
//! It is 130 random bits in an alphabet without look-alikes, with two check characters. Those are a Reed-Solomon code over
//! the 32 letters, so *any* one or two wrong characters and any two that changed places are noticed with certainty, before
//! the key is tried on anything. Its strength is the randomness, so no slow key derivation is needed.

use crate::{
    cipher::{self, KEY_LEN, NONCE_LEN, random},
    failure::{RecoveryKeyTypo, VaultError},
    keys::DatabaseKey,
};
use hkdf::Hkdf;
use model::{id::WorkspaceId, secret::Secret};
use sha2::Sha256;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Random characters of a key: 26 of 5 bits each.
const RANDOM_LEN: usize = 26;
/// All characters of a key: the random ones and two to check them.
const LEN: usize = RANDOM_LEN + 2;
/// Characters between two dashes.
const GROUP: usize = 4;
/// Crockford's alphabet (<https://www.crockford.com/base32.html>): no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// First bytes of a sealed database key: what it is, and the version of its form.
const MAGIC: [u8; 5] = *b"SDRK\x01";
/// Separates this use of key derivation and cipher from every other.
const LABEL: &[u8] = b"syncdeck-recovery-v1";

/// A recovery key. Wiped when dropped; its `Debug` is a mask.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RecoveryKey([u8; RANDOM_LEN]);

impl RecoveryKey {
    /// A new random key.
    pub fn generate() -> Result<Self, VaultError> {
        let mut symbols = random::<RANDOM_LEN>()?;
        for symbol in &mut symbols {
            *symbol &= 31;
        }
        Ok(Self(symbols))
    }

    /// The key as it is shown to the person: `7QKD-M4XR-...`, seven groups of four.
    pub fn to_text(&self) -> Secret {
        let mut text = String::with_capacity(LEN + LEN / GROUP);
        for (index, symbol) in self.0.iter().copied().chain(check_symbols(&self.0)).enumerate() {
            if index > 0 && index % GROUP == 0 {
                text.push('-');
            }
            text.push(char::from(ALPHABET[usize::from(symbol & 31)]));
        }
        Secret::new(text)
    }

    /// [`RecoveryKey::to_text`] for the one screen that shows it, at the creation of a workspace: the only secret that ever goes to a
    /// screen, because the person must write it down.
    pub fn show_once(&self) -> String {
        self.to_text().expose().to_owned()
    }

    /// Reads a key as people type it: any case, spaces and dashes anywhere or nowhere, O for 0, I or L for 1, and the
    /// Cyrillic letters that look like Latin ones.
    pub fn parse(typed: &Secret) -> Result<Self, VaultError> {
        let typo = |what| Err(VaultError::RecoveryKeyTypo(what));
        let mut symbols = Zeroizing::new(Vec::with_capacity(typed.expose().len()));
        let letters = typed.expose().chars().filter(|c| !c.is_whitespace() && !is_dash(*c));
        for (index, letter) in letters.enumerate() {
            match symbol(letter) {
                Some(symbol) => symbols.push(symbol),
                None => return typo(RecoveryKeyTypo::Character { position: index + 1 }),
            }
        }
        let found = symbols.len();
        let Ok(all) = <&[u8; LEN]>::try_from(symbols.as_slice()) else {
            return typo(RecoveryKeyTypo::Length { found, expected: LEN });
        };
        let mut key = Self([0; RANDOM_LEN]);
        key.0.copy_from_slice(&all[..RANDOM_LEN]);
        if check_symbols(&key.0) == all[RANDOM_LEN..] { Ok(key) } else { typo(RecoveryKeyTypo::Checksum) }
    }

    fn sealing_key(&self, workspace: WorkspaceId) -> Result<Zeroizing<[u8; KEY_LEN]>, VaultError> {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        Hkdf::<Sha256>::new(Some(workspace.as_bytes()), &self.0)
            .expand(LABEL, &mut *key)
            .map_err(|_| VaultError::Crypto("key derivation refused its length"))?;
        Ok(key)
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKey(***)")
    }
}

/// Seals the database key with the recovery key. The bytes may lie beside the database.
pub fn seal_recovery(key: &RecoveryKey, database: &DatabaseKey, workspace: WorkspaceId) -> Result<Vec<u8>, VaultError> {
    let nonce = random::<NONCE_LEN>()?;
    let clear = Zeroizing::new(database.as_bytes().to_vec());
    let sealed = cipher::seal(&*key.sealing_key(workspace)?, &nonce, &bound_to(workspace), clear)?;
    Ok([&MAGIC[..], &nonce, &sealed].concat())
}

/// Opens what [`seal_recovery`] sealed. A well-formed key that does not fit is [`VaultError::WrongPassphrase`].
pub fn open_recovery(bytes: &[u8], key: &RecoveryKey, workspace: WorkspaceId) -> Result<DatabaseKey, VaultError> {
    let parts = bytes.strip_prefix(&MAGIC).and_then(<[u8]>::split_first_chunk::<NONCE_LEN>);
    let (nonce, sealed) = parts.ok_or(VaultError::RecoveryDamaged)?;
    if sealed.len() != KEY_LEN + cipher::TAG_LEN {
        return Err(VaultError::RecoveryDamaged);
    }
    let clear = cipher::open(&*key.sealing_key(workspace)?, nonce, &bound_to(workspace), sealed);
    let clear = clear.ok_or(VaultError::WrongPassphrase)?;
    let bytes = clear.as_slice().try_into().map_err(|_| VaultError::RecoveryDamaged)?;
    Ok(DatabaseKey::from_bytes(bytes))
}

fn bound_to(workspace: WorkspaceId) -> Vec<u8> {
    [LABEL, &MAGIC, workspace.as_bytes()].concat()
}

fn is_dash(letter: char) -> bool {
    matches!(letter, '-' | '_' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// The five bits a typed letter stands for.
fn symbol(letter: char) -> Option<u8> {
    let upper = letter.to_uppercase().next()?;
    let latin = match upper {
        'O' | 'О' => '0',
        'I' | 'L' | 'І' => '1',
        'А' => 'A',
        'В' => 'B',
        'Е' => 'E',
        'К' => 'K',
        'М' => 'M',
        'Н' => 'H',
        'Р' => 'P',
        'С' => 'C',
        'Т' => 'T',
        'У' => 'Y',
        'Х' => 'X',
        other => other,
    };
    let index = ALPHABET.iter().position(|known| char::from(*known) == latin)?;
    u8::try_from(index).ok()
}

/// The remainder of the key, read as a polynomial over the field of 32 elements, by `(x + 2)(x + 4) = x² + 6x + 8`.
///
/// The roots 2 and 4 are consecutive powers of the field's generator, which gives the code its distance of three.
fn check_symbols(symbols: &[u8; RANDOM_LEN]) -> [u8; 2] {
    symbols.iter().fold([0, 0], |[high, low], symbol| {
        let feedback = high ^ symbol;
        [low ^ times(feedback, 6), times(feedback, 8)]
    })
}

/// Multiplication in the field of 32 elements with the polynomial x⁵ + x² + 1.
fn times(a: u8, b: u8) -> u8 {
    let mut product = 0;
    let mut shifted = a;
    for bit in 0..5 {
        if b >> bit & 1 == 1 {
            product ^= shifted;
        }
        shifted <<= 1;
        if shifted & 0b10_0000 != 0 {
            shifted ^= 0b10_0101;
        }
    }
    product
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    fn parse(text: &str) -> Result<RecoveryKey, RecoveryKeyTypo> {
        RecoveryKey::parse(&Secret::new(text)).map_err(|error| match error {
            VaultError::RecoveryKeyTypo(typo) => typo,
            other => panic!("{other}"),
        })
    }

    #[test]
    fn a_key_is_read_back_as_people_type_it() {
        for _ in 0..50 {
            let key = RecoveryKey::generate().unwrap();
            let shown = key.to_text().expose().to_owned();
            assert_eq!(shown.len(), 34);
            assert!(shown.split('-').all(|group| group.len() == 4));
            let cyrillic: String = shown
                .chars()
                .map(|c| "ABEKMHPCTYX".find(c).map_or(c, |at| "АВЕКМНРСТУХ".chars().nth(at).unwrap()))
                .collect();
            for typed in [
                shown.clone(),
                shown.to_lowercase(),
                shown.replace('-', ""),
                shown.replace('-', " — "),
                format!("  {shown}\n"),
                shown.replace('0', "O").replace('1', "l"),
                shown.replace('0', "о").replace('1', "I"),
                cyrillic,
            ] {
                assert_eq!(parse(&typed), Ok(key.clone()), "{typed}");
            }
        }
    }

    #[test]
    fn every_single_and_double_typo_and_every_swap_is_noticed() {
        let letters: Vec<char> =
            RecoveryKey::generate().unwrap().to_text().expose().chars().filter(|c| *c != '-').collect();
        let check = |changed: &[char]| {
            if changed != letters {
                let text: String = changed.iter().collect();
                assert_eq!(parse(&text), Err(RecoveryKeyTypo::Checksum), "{text}");
            }
        };
        for first in 0..LEN {
            for letter in ALPHABET {
                let mut changed = letters.clone();
                changed[first] = char::from(*letter);
                check(&changed);
                for second in first + 1..LEN {
                    let mut changed = changed.clone();
                    changed[second] = if changed[second] == 'Z' { '7' } else { 'Z' };
                    check(&changed);
                }
            }
            for second in 0..first {
                let mut changed = letters.clone();
                changed.swap(first, second);
                check(&changed);
            }
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_told_apart() {
        let shown = RecoveryKey::generate().unwrap().to_text().expose().to_owned();
        let length = |found| Err(RecoveryKeyTypo::Length { found, expected: 28 });
        assert_eq!(parse(""), length(0));
        assert_eq!(parse(&shown[..33]), length(27));
        assert_eq!(parse(&format!("{shown}A")), length(29));
        assert_eq!(parse(&format!("AB-U{}", &shown[4..])), Err(RecoveryKeyTypo::Character { position: 3 }));
        assert_eq!(parse("Ж"), Err(RecoveryKeyTypo::Character { position: 1 }));
    }

    #[test]
    fn the_database_key_opens_with_its_recovery_key_and_in_its_workspace_only() {
        let (key, database, workspace) =
            (RecoveryKey::generate().unwrap(), DatabaseKey::generate().unwrap(), WorkspaceId::new());
        let sealed = seal_recovery(&key, &database, workspace).unwrap();
        let typed = RecoveryKey::parse(&key.to_text()).unwrap();
        assert_eq!(open_recovery(&sealed, &typed, workspace).unwrap(), database);

        let wrong = |outcome| assert!(matches!(outcome, Err(VaultError::WrongPassphrase)));
        wrong(open_recovery(&sealed, &RecoveryKey::generate().unwrap(), workspace));
        wrong(open_recovery(&sealed, &key, WorkspaceId::new()));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open_recovery(&changed, &key, workspace).is_err(), "byte {at}");
            assert!(matches!(open_recovery(&sealed[..at], &key, workspace), Err(VaultError::RecoveryDamaged)));
        }
        assert!(!sealed.windows(8).any(|window| database.as_bytes().starts_with(window)));
    }
}
