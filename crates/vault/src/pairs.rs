//! Names and byte strings, one after the other, each with its length before it: the clear form of what gets sealed.
//!
//! It is not JSON because a JSON reader keeps unescaped text in a buffer of its own, which nobody wipes. Here every byte of
//! a secret is written to and read from memory that is wiped.

use zeroize::Zeroizing;

/// Bytes of one length.
const LENGTH: usize = 4;

/// Lays the pairs out. The buffer is made in its full size at once (and `room` bytes larger), so it never moves and leaves
/// no copies behind. `None` when a part is 4 GiB or longer.
pub(crate) fn write<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    room: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    let size: usize = pairs.clone().map(|(name, value)| name.len() + value.len() + 2 * LENGTH).sum();
    let mut bytes = Zeroizing::new(Vec::with_capacity(size + room));
    for (name, value) in pairs {
        for part in [name.as_bytes(), value] {
            bytes.extend_from_slice(&u32::try_from(part.len()).ok()?.to_be_bytes());
            bytes.extend_from_slice(part);
        }
    }
    Some(bytes)
}

/// Reads what [`write`] laid out. `None` when the bytes are something else.
pub(crate) fn read(mut bytes: &[u8]) -> Option<Vec<(&str, &[u8])>> {
    let mut pairs = Vec::new();
    while !bytes.is_empty() {
        let name = std::str::from_utf8(part(&mut bytes)?).ok()?;
        pairs.push((name, part(&mut bytes)?));
    }
    Some(pairs)
}

fn part<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<LENGTH>()?;
    let (part, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *bytes = rest;
    Some(part)
}
