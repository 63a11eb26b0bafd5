//! Sign-ins as the screens see them: everything but the secrets.

use chrono::{DateTime, Utc};
use model::{
    connection::ConnectionState,
    id::{ClientId, ConnectionId, SignInId},
    sign_in::SignInState,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

wire! {
    /// A sign-in and what lives by it.
    SignInRow {
        /// Its id.
        id: SignInId,
        /// Of which system.
        connector: String,
        /// Who authorised it, as the platform calls them; absent when it does not say.
        owner: Option<String>,
        /// What it may do, in the platform's words; absent when it does not say.
        scopes: Option<Vec<String>>,
        /// When a person signed in.
        issued_at: DateTime<Utc>,
        /// When the access token in use ends; it renews itself.
        access_until: Option<DateTime<Utc>>,
        /// When it ends for good unless a person signs in again; absent: no end is known.
        ends_at: Option<DateTime<Utc>>,
        /// When a run last went in with it.
        used_at: Option<DateTime<Utc>>,
        /// When its tokens were last renewed.
        refreshed_at: Option<DateTime<Utc>>,
        /// How it stands.
        state: SignInState,
        /// The connections that stop when it dies.
        uses: Vec<SignInUse>,
        /// How many clients these are.
        clients: u32,
        /// The connection to sign in for: one that waits for it, else any. One sign-in repairs all.
        renew: Option<ConnectionId>,
    }
    /// A connection that lives by a sign-in.
    SignInUse {
        /// Which.
        connection_id: ConnectionId,
        /// Whose.
        client_id: ClientId,
        /// Its client's name.
        client_name: String,
        /// The account's name.
        account_name: String,
        /// Whether it may run.
        state: ConnectionState,
    }
    /// What can be said of a connection's sign-in without showing it.
    CredentialHealth {
        /// Whether the vault holds it and it opens.
        present: bool,
        /// The sign-in; absent when the connection has none.
        sign_in: Option<SignInRow>,
    }
}
