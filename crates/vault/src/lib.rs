//! The vault: the only room that sees a credential in the clear on its way to rest, and the only one that knows the keychain.
//!
//! A connection's secret fields are sealed with the key of its client ([`keys::ClientKey`]), bound to the ids of workspace,
//! client and connection, and laid into a [`store::SecretStore`]: the operating system's keychain, or a passphrase file the
//! person chose. The client's key lies elsewhere, in the encrypted database, so neither place alone opens anything, and
//! destroying the client's key destroys every credential of that client wherever copies of it may lie.
//!
//! What is deliberately absent: a store in clear text, and a fallback from one store to another. Where there is no keychain
//! the person is told so and chooses.
//!
//! Everything here blocks (a keychain may ask the person for a password); asynchronous callers use a blocking thread.

pub mod credential;
pub mod failure;
pub mod keychain;
pub mod keys;
pub mod passphrase_file;
pub mod recovery;
pub mod store;

mod chunks;
mod cipher;
mod pairs;
