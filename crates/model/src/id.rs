//! Identities. Each is a UUID (version 7, so they sort by creation) with a type of its own, so that a client's id
//! cannot be passed where a connection's is expected. They are text on the wire and in the database.
//!
//! A vendor's id is never one of these: vendor ids are opaque text (`external_id`).

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use ts_rs::TS;
use uuid::Uuid;

/// The text is not an id of the expected form.
#[derive(Debug, thiserror::Error)]
#[error("not an id: {0:?}")]
pub struct ParseIdError(String);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
        #[serde(transparent)]
        #[ts(type = "string")]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, unique everywhere, that sorts after all made before it on this machine.
            #[allow(clippy::new_without_default, reason = "a default id would be a different one at each call")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
            /// The sixteen bytes, for sealing data to this id.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Uuid::parse_str(text).map(Self).map_err(|_| ParseIdError(text.to_owned()))
            }
        }
    )*};
}

ids! {
    /// One workspace: an encrypted database and its place in the keychain.
    WorkspaceId;
    /// A client of the agency.
    ClientId;
    /// One account of one system, connected for one client.
    ConnectionId;
    /// One run of a connection.
    RunId;
    /// A sign-in being tested, before any connection exists.
    DraftId;
    /// A file handed over for import.
    UploadId;
    /// Something a person should know.
    AlertId;
    /// Something people outside are told.
    TellingId;
    /// A way in which alerts reach people.
    ChannelId;
    /// One going-in of a person to a platform, shared by the connections made from it.
    SignInId;
    /// Settings that connections follow.
    TemplateId;
}
