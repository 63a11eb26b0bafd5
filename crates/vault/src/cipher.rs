//! The one cipher of the vault, XChaCha20-Poly1305, and the one source of randomness. Its 24-byte nonce is long enough to
//! be drawn at random for every sealing without counting.

use crate::failure::VaultError;
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use zeroize::Zeroizing;

/// Length of a key in bytes.
pub(crate) const KEY_LEN: usize = 32;
/// Length of a nonce in bytes.
pub(crate) const NONCE_LEN: usize = 24;
/// How much longer a sealed text is than the clear one, in bytes.
pub(crate) const TAG_LEN: usize = 16;

/// Fresh random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| VaultError::Crypto("no random bytes from the operating system"))?;
    Ok(bytes)
}

/// Seals `clear` in place, so that no second copy of the clear text comes into being.
pub(crate) fn seal(
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    bound_to: &[u8],
    mut clear: Zeroizing<Vec<u8>>,
) -> Result<Vec<u8>, VaultError> {
    if clear.capacity() < clear.len() + TAG_LEN {
        // Growing inside the cipher would free the clear text without wiping it.
        let mut roomy = Zeroizing::new(Vec::with_capacity(clear.len() + TAG_LEN));
        roomy.extend_from_slice(&clear);
        clear = roomy;
    }
    XChaCha20Poly1305::new(key.into())
        .encrypt_in_place(nonce.into(), bound_to, &mut *clear)
        .map_err(|_| VaultError::Crypto("the text is too long to seal"))?;
    Ok(std::mem::take(&mut *clear))
}

/// Opens what [`seal`] sealed. `None`: wrong key, wrong associated data, or changed bytes; nobody can tell which.
pub(crate) fn open(
    key: &[u8; KEY_LEN],
    nonce: &[u8; NONCE_LEN],
    bound_to: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let mut text = Zeroizing::new(sealed.to_vec());
    XChaCha20Poly1305::new(key.into()).decrypt_in_place(nonce.into(), bound_to, &mut *text).ok()?;
    Some(text)
}
