//! The keys that are plain random bytes: the workspace's database key, a client's key and a channel's. All are wiped when dropped
//! and cannot be printed.

use crate::{
    cipher::{KEY_LEN, random},
    failure::VaultError,
};
use data_encoding::HEXLOWER;
use model::secret::Secret;
use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
        pub struct $name([u8; KEY_LEN]);

        impl $name {
            /// A new random key.
            pub fn generate() -> Result<Self, VaultError> {
                random().map(Self)
            }
            /// The key whose bytes these are. The caller wipes its own copy.
            pub fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
                Self(bytes)
            }
            /// The thirty-two bytes in the clear. Every call of this is a place to review.
            pub fn as_bytes(&self) -> &[u8; KEY_LEN] {
                &self.0
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(***)"))
            }
        }
    )*};
}

keys! {
    /// Opens the workspace's database. It lies in the keychain, and sealed with the recovery key beside the database.
    DatabaseKey;
    /// Seals the credentials of one client. It lies in the encrypted database; when it is deleted there, every credential
    /// of the client is unreadable for ever.
    ClientKey;
    /// Seals the secret of one channel. It lies in the encrypted database, as a client's does.
    ChannelKey;
    /// Seals what the connections of one sign-in share. It lies in the encrypted database, sealed with the key of each client that uses
    /// the sign-in, so that it is gone with the last of them.
    SignInKey;
}

impl DatabaseKey {
    /// The key as the 64 hexadecimal digits that SQLCipher's raw key form takes (`PRAGMA key = "x'...'"`,
    /// <https://www.zetetic.net/sqlcipher/sqlcipher-api/#key>).
    pub fn to_hex_secret(&self) -> Secret {
        Secret::new(HEXLOWER.encode(&self.0))
    }
}
