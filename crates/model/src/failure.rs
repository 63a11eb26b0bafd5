//! Failures. A [`Code`] says what happened; its [`FailureKind`] says what happens next, and the kind alone decides retry,
//! colour, button and alert (one `match`, here). Texts live in the UI: a code without a text in both languages does not compile.
//!
//! Nobody matches on message text. `detail` is for the specialist and is redacted before it gets here.

use crate::run::words;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, error::Error, fmt, sync::Arc};
use ts_rs::TS;

words! {
    /// What a failure asks for.
    FailureKind {
        /// A person must sign in again.
        SignInAgain = "sign_in_again",
        /// A person must change a setting, or free something on this computer.
        FixSettings = "fix_settings",
        /// Only time is needed and we know how long: the platform's quota.
        WaitUntil = "wait_until",
        /// Only time is needed: it will be tried again.
        Retry = "retry",
        /// The platform answers in a way this version does not understand.
        VendorChanged = "vendor_changed",
        /// A defect of ours.
        OurFault = "our_fault",
        /// A person stopped it.
        Cancelled = "cancelled",
    }
    /// What happened. The parameters each code carries are named in its comment.
    Code {
        /// The platform refused the key or token. `system`, `account`.
        SignInRejected = "sign_in_rejected",
        /// The access was taken back in the platform. `system`, `account`.
        SignInRevoked = "sign_in_revoked",
        /// The platform's limit of tokens per user is reached. `system`, `account`.
        TokenLimit = "token_limit",
        /// The sign-in lacks a right. `system`, `account`.
        PermissionDenied = "permission_denied",
        /// A setting of the connection is missing or wrong. `field`.
        SettingInvalid = "setting_invalid",
        /// The quota is used up until `until`. `system`, `until`.
        QuotaWait = "quota_wait",
        /// The platform asks to slow down and did not stop asking. `system`.
        TooManyRequests = "too_many_requests",
        /// The platform answers with a server error. `system`, `status`.
        PlatformDown = "platform_down",
        /// No answer in time. `system`, `secs`.
        Timeout = "timeout",
        /// The platform cannot be reached; the laptop may be offline. `system`.
        Offline = "offline",
        /// The answer broke off or is not what its headers promise. `system`.
        BodyTruncated = "body_truncated",
        /// The answer is not JSON, though JSON was promised. `system`, `found`.
        NotJson = "not_json",
        /// The answer is larger than allowed. `system`, `bytes`, `limit`.
        BodyTooLarge = "body_too_large",
        /// The platform's own total and its rows do not agree. `system`, `expected`, `found`.
        TotalMismatch = "total_mismatch",
        /// A resource or a field that should exist does not. `system`, `what`.
        VendorChanged = "vendor_changed",
        /// The platform refused the request. `system`, `status`.
        RequestRefused = "request_refused",
        /// The same page came again and again. `system`.
        PagingLoop = "paging_loop",
        /// The manifest of the connector is not valid. `path`.
        ManifestInvalid = "manifest_invalid",
        /// A stream needs something that this version does not run. `stream`, `component`, `path`.
        StreamUnavailable = "stream_unavailable",
        /// The mapping of a connector is not valid. `path`.
        MappingInvalid = "mapping_invalid",
        /// An imported connector still has connections. `connector`, `connections`.
        ConnectorInUse = "connector_in_use",
        /// A person stopped it.
        Cancelled = "cancelled",
        /// The keychain is locked.
        KeychainLocked = "keychain_locked",
        /// This computer has no keychain service.
        KeychainMissing = "keychain_missing",
        /// The keychain refused this program.
        KeychainDenied = "keychain_denied",
        /// The keychain holds nothing for this connection. `account`.
        CredentialMissing = "credential_missing",
        /// The passphrase or recovery key is wrong.
        WrongPassphrase = "wrong_passphrase",
        /// The passphrase vault's file, or a recovery file, is damaged. `path`, unless it is a recovery file.
        VaultDamaged = "vault_damaged",
        /// A sealed credential does not open: it was changed, or belongs to another client.
        SealBroken = "seal_broken",
        /// The workspace is locked.
        WorkspaceLocked = "workspace_locked",
        /// Neither keychain nor passphrase file holds the key of this workspace; the recovery key brings it back.
        WorkspaceKeyMissing = "workspace_key_missing",
        /// There is no workspace here yet.
        WorkspaceMissing = "workspace_missing",
        /// There is a workspace here already.
        WorkspaceExists = "workspace_exists",
        /// The key does not open the database.
        DatabaseWrongKey = "database_wrong_key",
        /// The database file is damaged. `backup` = newest good backup, if any.
        DatabaseDamaged = "database_damaged",
        /// The database was written by a newer version. `found`, `known`.
        DatabaseNewer = "database_newer",
        /// Another process has the workspace open.
        DatabaseBusy = "database_busy",
        /// No space left on the disk. `path`.
        DiskFull = "disk_full",
        /// The file or folder cannot be read or written. `path`.
        FileAccess = "file_access",
        /// The file is not a table we can read. `found`.
        FileFormat = "file_format",
        /// A column that is needed was not chosen. `field`.
        ColumnMissing = "column_missing",
        /// The headers of a file are not those that were agreed for its source. `missing`, `added`; either may be empty.
        FileColumnsChanged = "file_columns_changed",
        /// The file is larger than allowed. `bytes`, `limit`.
        FileTooLarge = "file_too_large",
        /// What was asked for does not exist (any more). `what`.
        NotFound = "not_found",
        /// What was decided about is not what there is any more; nothing was written. `what`.
        ChangedMeanwhile = "changed_meanwhile",
        /// The request does not fit the command. `field`.
        BadRequest = "bad_request",
        /// The connection runs already.
        AlreadyRunning = "already_running",
        /// The service refused a channel's token, password or webhook. `system`.
        ChannelRejected = "channel_rejected",
        /// The place a channel writes to does not take messages: no such chat or mailbox, blocked, archived. `system`.
        ChannelClosed = "channel_closed",
        /// The service refused a message itself. `system`.
        MessageRefused = "message_refused",
        /// A mail server cannot prove that it is who it says, or does not encrypt. `system`.
        MailNotSecure = "mail_not_secure",
        /// Something broke inside Syncdeck.
        Internal = "internal",
    }
}

impl FailureKind {
    /// Whether only a person can mend it: the rest needs time.
    pub fn needs_person(self) -> bool {
        match self {
            Self::SignInAgain | Self::FixSettings | Self::VendorChanged | Self::OurFault => true,
            Self::WaitUntil | Self::Retry | Self::Cancelled => false,
        }
    }
}

impl Code {
    /// What this failure asks for: the one `match` that decides retry, colour and button.
    pub fn kind(self) -> FailureKind {
        match self {
            Self::SignInRejected
            | Self::SignInRevoked
            | Self::CredentialMissing
            | Self::SealBroken
            | Self::ChannelRejected => FailureKind::SignInAgain,
            Self::TokenLimit
            | Self::PermissionDenied
            | Self::SettingInvalid
            | Self::ManifestInvalid
            | Self::StreamUnavailable
            | Self::MappingInvalid
            | Self::ConnectorInUse
            | Self::KeychainLocked
            | Self::KeychainMissing
            | Self::KeychainDenied
            | Self::WrongPassphrase
            | Self::VaultDamaged
            | Self::WorkspaceLocked
            | Self::WorkspaceKeyMissing
            | Self::WorkspaceMissing
            | Self::WorkspaceExists
            | Self::DatabaseWrongKey
            | Self::DatabaseDamaged
            | Self::DatabaseNewer
            | Self::DatabaseBusy
            | Self::DiskFull
            | Self::FileAccess
            | Self::FileFormat
            | Self::ColumnMissing
            | Self::FileColumnsChanged
            | Self::FileTooLarge
            | Self::NotFound
            | Self::ChangedMeanwhile
            | Self::BadRequest
            | Self::AlreadyRunning
            | Self::ChannelClosed
            | Self::MailNotSecure => FailureKind::FixSettings,
            Self::QuotaWait => FailureKind::WaitUntil,
            Self::TooManyRequests | Self::PlatformDown | Self::Timeout | Self::Offline | Self::BodyTruncated => {
                FailureKind::Retry
            }
            Self::NotJson
            | Self::BodyTooLarge
            | Self::TotalMismatch
            | Self::VendorChanged
            | Self::RequestRefused
            | Self::PagingLoop
            | Self::MessageRefused => FailureKind::VendorChanged,
            Self::Internal => FailureKind::OurFault,
            Self::Cancelled => FailureKind::Cancelled,
        }
    }
}

/// Something went wrong: which of our words for it, the parameters of its text, and the cause.
#[derive(Clone)]
pub struct Failure {
    /// What happened.
    pub code: Code,
    /// Parameters of the text, by the names in the code's comment.
    pub params: BTreeMap<&'static str, String>,
    /// For the specialist: the vendor's message or the technical cause, redacted, at most 500 characters.
    pub detail: Option<String>,
    /// When waiting ends, for quota waits.
    pub retry_at: Option<DateTime<Utc>>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure of this code, without parameters yet.
    pub fn new(code: Code) -> Self {
        Self { code, params: BTreeMap::new(), detail: None, retry_at: None, source: None }
    }
    /// What it asks for.
    pub fn kind(&self) -> FailureKind {
        self.code.kind()
    }
    /// Adds a parameter of the text.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.params.insert(name, value.to_string());
        self
    }
    /// Adds the technical detail. The caller has redacted it; it is cut at 500 characters.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = Some(detail.to_string().chars().take(500).collect());
        self
    }
    /// Says when waiting ends.
    #[must_use]
    pub fn until(mut self, at: DateTime<Utc>) -> Self {
        self.retry_at = Some(at);
        self.with("until", at.to_rfc3339())
    }
    /// Attaches the cause, so that the chain can be logged.
    #[must_use]
    pub fn caused_by(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.source = Some(Arc::new(source));
        self
    }
}

/// Parameters that are names of people and businesses. Screens show them; a log, which somebody sends along when asking for help, does not.
const NAMES: [&str; 3] = ["account", "taken", "file"];

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())?;
        for (name, value) in self.params.iter().filter(|(name, _)| !NAMES.contains(name)) {
            write!(f, " {name}={value:?}")?;
        }
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure({self})")
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|cause| cause.as_ref() as &(dyn Error + 'static))
    }
}
