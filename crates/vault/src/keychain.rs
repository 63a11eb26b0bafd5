//! The operating system's keychain: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows.
//!
//! A keychain may wait for its owner to type a password, for ever, in a call that cannot be taken back. So one thread makes
//! all calls, one after the other, and a caller waits for a bounded time. While an unanswered question stands on the screen,
//! further callers are told at once that the keychain is locked, and no second question is asked.

use crate::{
    failure::VaultError,
    store::{SecretStore, StoreKind},
};
use keyring_core::{Entry, Error as KeyringError};
use std::{
    error::Error,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// The service under which entries lie in the keychain; people see it in the keychain's own program.
const SERVICE: &str = "Syncdeck";
/// How long a person has for the keychain's question before a call gives up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Windows keeps at most 2,560 bytes in a credential (`CRED_MAX_CREDENTIAL_BLOB_SIZE`,
/// <https://learn.microsoft.com/windows/win32/api/wincred/ns-wincred-credentialw>); we stay clear of the edge.
const MAX_LEN: Option<usize> = if cfg!(windows) { Some(2_400) } else { None };

/// Whether the keychain can be used, found out without asking the person anything where the platform allows that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeychainStatus {
    /// It is there and open.
    Available,
    /// It is there and waits for its owner's password.
    Locked,
    /// There is none, or it is not running or has never been set up.
    Missing,
    /// It is there and refuses this program.
    Denied,
}

/// The operating system's keychain.
pub struct Keychain {
    patience: Duration,
    worker: Mutex<Option<Worker>>,
}

impl Keychain {
    /// The keychain of the person who runs this program. Nothing is opened yet.
    pub fn new() -> Self {
        Self::with_patience(PATIENCE)
    }

    /// As [`Keychain::new`], with another time to wait for the person.
    pub fn with_patience(patience: Duration) -> Self {
        Self { patience, worker: Mutex::new(None) }
    }

    /// Whether the keychain can be used now.
    pub fn probe(&self) -> KeychainStatus {
        match self.call(|_| platform::probe()) {
            Ok(()) => KeychainStatus::Available,
            Err(VaultError::KeychainLocked(_)) => KeychainStatus::Locked,
            Err(VaultError::KeychainDenied(_)) => KeychainStatus::Denied,
            Err(error) => {
                tracing::info!(%error, "no usable keychain");
                KeychainStatus::Missing
            }
        }
    }

    /// Runs `act` on an entry. When a connection made earlier has gone stale (the keychain was restarted, for instance),
    /// a new one is made and `act` runs once more; every operation here may be repeated.
    fn on_entry<T: Send + 'static>(
        &self,
        name: &str,
        act: impl Fn(&Entry) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let name = name.to_owned();
        self.call(move |link| {
            let is_old = link.is_some();
            let attempt = |link: &mut Option<platform::Link>| {
                let connected = match link {
                    Some(connected) => connected,
                    None => link.insert(platform::connect()?),
                };
                act(&platform::entry(connected, &name)?)
            };
            match attempt(link).map_err(name_error) {
                Err(VaultError::KeychainMissing(_) | VaultError::KeychainFailed(_)) if is_old => {
                    *link = None;
                    attempt(link).map_err(name_error)
                }
                outcome => outcome,
            }
        })
    }

    /// Has the worker run `act`, and waits for it as long as the person may take.
    fn call<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut Option<platform::Link>) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let ended = || VaultError::KeychainFailed("the call ended without an outcome".into());
        let (answer, answered) = mpsc::sync_channel(1);
        let given_up = Arc::new(AtomicBool::new(false));
        let job: Job = {
            let given_up = Arc::clone(&given_up);
            Box::new(move |link| {
                // What waited behind a question until its caller gave up is not done behind the caller's back.
                if !given_up.load(Ordering::Acquire) {
                    // When the caller gives up during the call, the outcome is dropped and its memory wiped.
                    let _ = answer.send(act(link));
                }
            })
        };
        self.jobs()?.send(job).map_err(|_| ended())?;
        answered.recv_timeout(self.patience).unwrap_or_else(|error| match error {
            RecvTimeoutError::Timeout => {
                given_up.store(true, Ordering::Release);
                Err(waits_for_person())
            }
            RecvTimeoutError::Disconnected => Err(ended()),
        })
    }

    /// The way to the worker, which is started at the first call and after a call that panicked.
    fn jobs(&self) -> Result<Sender<Job>, VaultError> {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        match worker.as_ref().filter(|worker| !worker.thread.is_finished()) {
            Some(running) if running.is_stuck(self.patience) => Err(waits_for_person()),
            Some(running) => Ok(running.jobs.clone()),
            None => Ok(worker.insert(Worker::start()?).jobs.clone()),
        }
    }
}

impl Default for Keychain {
    fn default() -> Self {
        Self::new()
    }
}

impl SecretStore for Keychain {
    fn kind(&self) -> StoreKind {
        StoreKind::Keychain
    }
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        self.on_entry(name, |entry| match entry.get_secret() {
            Ok(bytes) => Ok(Some(Zeroizing::new(bytes))),
            Err(KeyringError::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }
    fn set(&self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        let bytes = Zeroizing::new(bytes.to_vec());
        self.on_entry(name, move |entry| entry.set_secret(&bytes))
    }
    fn delete(&self, name: &str) -> Result<(), VaultError> {
        self.on_entry(name, |entry| match entry.delete_credential() {
            Err(KeyringError::NoEntry) => Ok(()),
            outcome => outcome,
        })
    }
    fn max_len(&self) -> Option<usize> {
        MAX_LEN
    }
}

type Job = Box<dyn FnOnce(&mut Option<platform::Link>) + Send>;

/// The thread that makes the calls. It ends when the [`Keychain`] is dropped and its call, if any, has returned.
struct Worker {
    jobs: Sender<Job>,
    busy_since: Arc<Mutex<Option<Instant>>>,
    thread: JoinHandle<()>,
}

impl Worker {
    fn start() -> Result<Self, VaultError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let busy_since = Arc::new(Mutex::new(None));
        let busy = Arc::clone(&busy_since);
        let thread = thread::Builder::new()
            .name("keychain".into())
            .spawn(move || {
                let note = |since| *busy.lock().unwrap_or_else(PoisonError::into_inner) = since;
                let mut link = None;
                for job in queue {
                    note(Some(Instant::now()));
                    job(&mut link);
                    note(None);
                }
            })
            .map_err(|error| VaultError::KeychainFailed(format!("no thread for it: {error}")))?;
        Ok(Self { jobs, busy_since, thread })
    }

    /// Whether its present call has outlasted a person's patience.
    fn is_stuck(&self, patience: Duration) -> bool {
        let since = *self.busy_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() > patience)
    }
}

fn waits_for_person() -> VaultError {
    VaultError::KeychainLocked("it waits for an answer to its question".into())
}

/// What a refusal of the platform means for the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(windows, allow(dead_code, reason = "the keyring does not tell these refusals of Windows apart"))]
enum Refusal {
    Locked,
    Missing,
    Denied,
    Unknown,
}

impl Refusal {
    fn because(self, detail: String) -> VaultError {
        match self {
            Self::Locked => VaultError::KeychainLocked(detail),
            Self::Missing => VaultError::KeychainMissing(detail),
            Self::Denied => VaultError::KeychainDenied(detail),
            Self::Unknown => VaultError::KeychainFailed(detail),
        }
    }
}

/// Our name for an error of the keyring. Errors that carry the stored bytes are put in words of ours.
fn name_error(error: KeyringError) -> VaultError {
    match error {
        KeyringError::PlatformFailure(cause) => platform::refusal(&*cause, false).because(cause.to_string()),
        KeyringError::NoStorageAccess(cause) => platform::refusal(&*cause, true).because(cause.to_string()),
        KeyringError::NoDefaultStore => VaultError::KeychainMissing("it could not be opened".into()),
        KeyringError::TooLong(what, max) => VaultError::KeychainFailed(format!("{what} is longer than {max}")),
        KeyringError::Ambiguous(entries) => {
            VaultError::KeychainFailed(format!("{} entries have the same name", entries.len()))
        }
        KeyringError::BadEncoding(_) | KeyringError::BadDataFormat(..) | KeyringError::BadStoreFormat(_) => {
            VaultError::KeychainFailed("an entry is not in the form the keychain keeps".into())
        }
        _ => VaultError::KeychainFailed("it cannot do what was asked".into()),
    }
}

/// Linux and the BSDs: the Secret Service (<https://specifications.freedesktop.org/secret-service/latest/>) over D-Bus.
#[cfg(all(unix, not(target_os = "macos")))]
mod platform {
    use super::{Arc, Entry, Error, KeyringError, Refusal, SERVICE, VaultError};
    use keyring_core::api::CredentialStoreApi;
    use secret_service::{EncryptionType, Error as ServiceError, blocking::SecretService};
    use std::io::{self, ErrorKind};
    use zbus::DBusError;
    use zbus_secret_service_keyring_store::Store;

    /// A session with the service; it ends when the service is restarted.
    pub(super) type Link = Arc<Store>;

    pub(super) fn connect() -> Result<Link, KeyringError> {
        Store::new()
    }

    pub(super) fn entry(link: &Link, name: &str) -> Result<Entry, KeyringError> {
        link.build(SERVICE, name, None)
    }

    /// Looks at the lock of the default collection, which raises no question. Nothing secret is asked for, so the session
    /// needs no encryption.
    pub(super) fn probe() -> Result<(), VaultError> {
        let name_error = |error: ServiceError| of_service(&error).because(error.to_string());
        let service = SecretService::connect(EncryptionType::Plain).map_err(name_error)?;
        let collection = service.get_default_collection().map_err(name_error)?;
        if collection.is_locked().map_err(name_error)? { Err(name_error(ServiceError::Locked)) } else { Ok(()) }
    }

    /// What the cause of a keyring error means. All we need is in the cause itself.
    pub(super) fn refusal(cause: &(dyn Error + Send + Sync + 'static), _no_access: bool) -> Refusal {
        cause.downcast_ref().map_or(Refusal::Unknown, of_service)
    }

    fn of_service(error: &ServiceError) -> Refusal {
        match error {
            // A dismissed question leaves the keychain as locked as it was.
            ServiceError::Locked | ServiceError::Prompt | ServiceError::PromptDisconnected => Refusal::Locked,
            // "No result" is the answer for a default collection that was never made.
            ServiceError::Unavailable | ServiceError::NoResult => Refusal::Missing,
            ServiceError::Zbus(error) => of_bus(error),
            ServiceError::ZbusFdo(error) => of_fdo(error),
            _ => Refusal::Unknown,
        }
    }

    fn of_bus(error: &zbus::Error) -> Refusal {
        match error {
            zbus::Error::InterfaceNotFound | zbus::Error::Address(_) => Refusal::Missing,
            zbus::Error::InputOutput(cause) | zbus::Error::Connection(cause, _) => of_io(cause),
            zbus::Error::Handshake(_) => Refusal::Denied,
            zbus::Error::MethodError(name, ..) => of_name(name.as_str()),
            zbus::Error::FDO(error) => of_fdo(error),
            _ => Refusal::Unknown,
        }
    }

    fn of_fdo(error: &zbus::fdo::Error) -> Refusal {
        match error {
            zbus::fdo::Error::ZBus(error) => of_bus(error),
            named => of_name(named.name().as_str()),
        }
    }

    fn of_io(error: &io::Error) -> Refusal {
        match error.kind() {
            ErrorKind::PermissionDenied => Refusal::Denied,
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Refusal::Locked,
            _ => Refusal::Missing,
        }
    }

    /// Names of errors on the bus: <https://dbus.freedesktop.org/doc/api/html/group__DBusProtocol.html> and the Secret
    /// Service's own.
    fn of_name(name: &str) -> Refusal {
        if let Some(own) = name.strip_prefix("org.freedesktop.Secret.Error.") {
            return if own == "IsLocked" { Refusal::Locked } else { Refusal::Unknown };
        }
        match name.strip_prefix("org.freedesktop.DBus.Error.") {
            Some("AccessDenied" | "AuthFailed" | "InteractiveAuthorizationRequired") => Refusal::Denied,
            Some("NoReply" | "Timeout" | "TimedOut") => Refusal::Locked,
            Some(
                "ServiceUnknown" | "NameHasNoOwner" | "NoServer" | "NoNetwork" | "Disconnected" | "BadAddress"
                | "FileNotFound" | "IOError",
            ) => Refusal::Missing,
            Some(other) if other.starts_with("Spawn.") => Refusal::Missing,
            _ => Refusal::Unknown,
        }
    }

    #[cfg(test)]
    mod tests {
        #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
        use super::*;
        use crate::keychain::name_error;
        use zbus::{fdo, message::Message, names::OwnedErrorName};

        fn method_error(name: &str) -> ServiceError {
            let call = Message::method_call("/", "Call").unwrap().build(&()).unwrap();
            let name = OwnedErrorName::try_from(name).unwrap();
            ServiceError::Zbus(zbus::Error::MethodError(name, Some("words".into()), call))
        }

        fn io_error(kind: ErrorKind) -> ServiceError {
            ServiceError::Zbus(zbus::Error::InputOutput(Arc::new(kind.into())))
        }

        #[test]
        fn every_refusal_of_the_secret_service_has_its_message() {
            let rows = [
                (ServiceError::Locked, Refusal::Locked),
                (ServiceError::Prompt, Refusal::Locked),
                (ServiceError::PromptDisconnected, Refusal::Locked),
                (method_error("org.freedesktop.Secret.Error.IsLocked"), Refusal::Locked),
                (method_error("org.freedesktop.DBus.Error.NoReply"), Refusal::Locked),
                (ServiceError::ZbusFdo(fdo::Error::TimedOut(String::new())), Refusal::Locked),
                (ServiceError::Unavailable, Refusal::Missing),
                (ServiceError::NoResult, Refusal::Missing),
                (ServiceError::Zbus(zbus::Error::Address("words".into())), Refusal::Missing),
                (io_error(ErrorKind::NotFound), Refusal::Missing),
                (io_error(ErrorKind::ConnectionRefused), Refusal::Missing),
                (io_error(ErrorKind::BrokenPipe), Refusal::Missing),
                (method_error("org.freedesktop.DBus.Error.ServiceUnknown"), Refusal::Missing),
                (method_error("org.freedesktop.DBus.Error.NameHasNoOwner"), Refusal::Missing),
                (method_error("org.freedesktop.DBus.Error.Spawn.ExecFailed"), Refusal::Missing),
                (ServiceError::ZbusFdo(fdo::Error::ServiceUnknown(String::new())), Refusal::Missing),
                (
                    ServiceError::ZbusFdo(fdo::Error::ZBus(zbus::Error::FDO(Box::new(fdo::Error::NoServer(
                        String::new(),
                    ))))),
                    Refusal::Missing,
                ),
                (io_error(ErrorKind::PermissionDenied), Refusal::Denied),
                (ServiceError::Zbus(zbus::Error::Handshake("words".into())), Refusal::Denied),
                (method_error("org.freedesktop.DBus.Error.AccessDenied"), Refusal::Denied),
                (ServiceError::ZbusFdo(fdo::Error::AuthFailed(String::new())), Refusal::Denied),
                (ServiceError::Crypto("words"), Refusal::Unknown),
                (method_error("org.freedesktop.Secret.Error.NoSession"), Refusal::Unknown),
                (method_error("com.example.Other"), Refusal::Unknown),
            ];
            for (error, expected) in rows {
                let text = format!("{error:?}");
                assert_eq!(of_service(&error), expected, "{text}");
                let named = name_error(KeyringError::PlatformFailure(Box::new(error)));
                let found = match named {
                    VaultError::KeychainLocked(_) => Refusal::Locked,
                    VaultError::KeychainMissing(_) => Refusal::Missing,
                    VaultError::KeychainDenied(_) => Refusal::Denied,
                    _ => Refusal::Unknown,
                };
                assert_eq!(found, expected, "{text} through the keyring");
            }
        }
    }
}

/// macOS and Windows: the `keyring` crate, whose connection cannot go stale there.
#[cfg(any(target_os = "macos", windows))]
mod platform {
    use super::{Entry, Error, KeyringError, Refusal, SERVICE, VaultError, name_error};

    /// The platform needs no session.
    pub(super) struct Link;

    #[allow(clippy::unnecessary_wraps, reason = "the other platform's connection can fail")]
    pub(super) fn connect() -> Result<Link, KeyringError> {
        Ok(Link)
    }

    pub(super) fn entry(_link: &Link, name: &str) -> Result<Entry, KeyringError> {
        keyring::v1::Entry::new(SERVICE, name).map(|entry| entry.inner)
    }

    /// Reads an entry that never exists.
    pub(super) fn probe() -> Result<(), VaultError> {
        match entry(&Link, "probe").and_then(|entry| entry.get_secret()) {
            Ok(_) | Err(KeyringError::NoEntry) => Ok(()),
            Err(error) => Err(name_error(error)),
        }
    }

    #[cfg(target_os = "macos")]
    pub(super) fn refusal(cause: &(dyn Error + Send + Sync + 'static), no_access: bool) -> Refusal {
        match cause.downcast_ref::<security_framework::base::Error>() {
            Some(error) => super::of_macos(error.code()),
            None if no_access => Refusal::Denied,
            None => Refusal::Unknown,
        }
    }

    /// The keyring says "no access" for one error only: there is no logon session, as in a service or over some remote
    /// shells (<https://learn.microsoft.com/windows/win32/api/wincred/nf-wincred-credreadw>). It keeps the number of every
    /// other error to itself.
    #[cfg(windows)]
    pub(super) fn refusal(_cause: &(dyn Error + Send + Sync + 'static), no_access: bool) -> Refusal {
        if no_access { Refusal::Missing } else { Refusal::Unknown }
    }
}

/// Result codes of Security Services on macOS
/// (<https://developer.apple.com/documentation/security/security-framework-result-codes>).
#[cfg(any(test, target_os = "macos"))]
fn of_macos(code: i32) -> Refusal {
    match code {
        // errSecInteractionNotAllowed, errSecInteractionRequired.
        -25308 | -25315 => Refusal::Locked,
        // errSecNotAvailable, errSecNoSuchKeychain, errSecInvalidKeychain, errSecNoDefaultKeychain.
        -25291 | -25294 | -25295 | -25307 => Refusal::Missing,
        // errSecWrPerm, errSecUserCanceled, errSecInvalidOwnerEdit, errSecReadOnly, errSecAuthFailed, errSecMissingEntitlement.
        -61 | -128 | -25244 | -25292 | -25293 | -34018 => Refusal::Denied,
        _ => Refusal::Unknown,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn errors_that_carry_the_stored_bytes_lose_them() {
        let cause = || Box::new(std::io::Error::other("planted-secret"));
        for error in [
            KeyringError::BadEncoding(b"planted-secret".to_vec()),
            KeyringError::BadDataFormat(b"planted-secret".to_vec(), cause()),
            KeyringError::BadStoreFormat("planted-secret".into()),
            KeyringError::Invalid("planted-secret".into(), "planted-secret".into()),
        ] {
            let named = name_error(error);
            let failure = model::failure::Failure::from(name_error(KeyringError::NoDefaultStore));
            assert_eq!(failure.code, model::failure::Code::KeychainMissing);
            assert!(matches!(named, VaultError::KeychainFailed(_)));
            assert!(!format!("{named} {named:?}").contains("planted"));
        }
    }

    #[test]
    fn result_codes_of_macos_are_told_apart() {
        for (code, expected) in [
            (-25308, Refusal::Locked),
            (-25315, Refusal::Locked),
            (-25291, Refusal::Missing),
            (-25307, Refusal::Missing),
            (-25293, Refusal::Denied),
            (-128, Refusal::Denied),
            (-34018, Refusal::Denied),
            (-50, Refusal::Unknown),
        ] {
            assert_eq!(of_macos(code), expected, "{code}");
        }
    }

    #[test]
    fn an_unanswered_question_is_a_locked_keychain_and_asked_once() {
        let keychain = Keychain::with_patience(Duration::from_millis(50));
        // On a busy computer the worker may come so late that the caller has given up before it began; then once more.
        let answer = loop {
            let (answer, question) = mpsc::channel::<()>();
            let (begin, begun) = mpsc::channel();
            let first = keychain.call(move |_| {
                let _ = begin.send(());
                let _ = question.recv();
                Ok(())
            });
            assert!(matches!(first, Err(VaultError::KeychainLocked(_))), "{first:?}");
            if begun.try_recv().is_ok() {
                break answer;
            }
        };
        thread::sleep(keychain.patience);
        assert!(matches!(keychain.jobs(), Err(VaultError::KeychainLocked(_))), "nothing queues up behind the question");
        let (asked, asked_again) = mpsc::channel::<()>();
        let second = keychain.call(move |_| {
            let _ = asked.send(());
            Ok(())
        });
        assert!(matches!(second, Err(VaultError::KeychainLocked(_))), "{second:?}");

        answer.send(()).unwrap();
        // The worker is free as soon as it has taken the answer; until then callers hear that it waits.
        while keychain.call(|_| Ok(())).is_err() {
            thread::yield_now();
        }
        assert!(asked_again.try_recv().is_err(), "what its caller gave up is not done later");
    }

    #[test]
    fn a_call_that_panics_costs_that_call_only() {
        let keychain = Keychain::new();
        let first = keychain.call::<()>(|_| panic!("on purpose"));
        assert!(matches!(first, Err(VaultError::KeychainFailed(_))));
        while keychain.call(|_| Ok(())).is_err() {
            thread::yield_now();
        }
    }
}
