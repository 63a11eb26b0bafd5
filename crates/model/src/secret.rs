//! A secret that cannot be printed. It has no `Display`, its `Debug` is a mask, it is not serializable, and its memory is
//! wiped when it is dropped. A walls test allows [`Secret::expose`] in `vault` and in `kit`'s request signing only.

use std::fmt;
use zeroize::Zeroizing;

/// A token, key or password in the clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over; the caller's copy is gone.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }
    /// The clear text. Every call of this is a place to review.
    pub fn expose(&self) -> &str {
        &self.0
    }
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// The secret fields of one connection by the names of the connector's form, such as `client_secret` or `refresh_token`.
pub type SecretFields = std::collections::BTreeMap<String, Secret>;
