//! What the audit log says was done: a closed list, so that the words in the log, on the screen and in both languages are the same.

use crate::run::words;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

words! {
    /// Something a person did that the audit log keeps.
    AuditAction {
        /// A workspace was created.
        WorkspaceCreated = "workspace_created",
        /// Its key was brought back with the recovery key.
        WorkspaceRecovered = "workspace_recovered",
        /// The demo workspace was filled.
        DemoFurnished = "demo_furnished",
        /// A client was added.
        ClientCreated = "client_created",
        /// Its name, currency or time zone was changed.
        ClientUpdated = "client_updated",
        /// It was deleted with its data and its key.
        ClientDeleted = "client_deleted",
        /// A plan of spend was made, changed or taken back.
        PlanChanged = "plan_changed",
        /// The share of revenue that a client keeps was said.
        MarginChanged = "margin_changed",
        /// An account was connected.
        ConnectionCreated = "connection_created",
        /// Settings of a connection were changed.
        ConnectionUpdated = "connection_updated",
        /// Settings were saved as a template.
        TemplateCreated = "template_created",
        /// Its name or its settings were changed.
        TemplateUpdated = "template_updated",
        /// It was given to connections, or rolled out to those that follow it.
        TemplateApplied = "template_applied",
        /// It was deleted; its connections keep their settings.
        TemplateDeleted = "template_deleted",
        /// A connection was deleted with its data.
        ConnectionDeleted = "connection_deleted",
        /// Somebody signed in again.
        CredentialReplaced = "credential_replaced",
        /// Runs were started by hand.
        RunStarted = "run_started",
        /// A run was stopped.
        RunCancelled = "run_cancelled",
        /// A run was held.
        RunPaused = "run_paused",
        /// A held run was let go on.
        RunResumed = "run_resumed",
        /// A file was imported.
        ImportCommitted = "import_committed",
        /// Statistics were exported.
        StatsExported = "stats_exported",
        /// A manifest became a connector of the catalogue.
        ConnectorImported = "connector_imported",
        /// The manifest or the mapping of an imported connector was changed.
        ConnectorUpdated = "connector_updated",
        /// An imported connector was removed.
        ConnectorRemoved = "connector_removed",
        /// An alert was muted, or is heard again.
        AlertMuted = "alert_muted",
        /// A rule of alerts was changed.
        AlertRuleChanged = "alert_rule_changed",
        /// What waits on a low battery was changed.
        BatterySaverChanged = "battery_saver_changed",
        /// A diagnostic file was made.
        DiagnosticsExported = "diagnostics_exported",
        /// Records were exported.
        RecordsExported = "records_exported",
        /// A channel for alerts was added.
        ChannelCreated = "channel_created",
        /// Its settings were changed.
        ChannelUpdated = "channel_updated",
        /// It was deleted with its secret.
        ChannelDeleted = "channel_deleted",
        /// Changes of form were accepted.
        DriftAccepted = "drift_accepted",
        /// Changes of form are ignored from now on.
        DriftIgnored = "drift_ignored",
        /// Somebody said what to think of an anomaly, or took that back.
        AnomalyJudged = "anomaly_judged",
        /// Quarantined rows were exported.
        QuarantineExported = "quarantine_exported",
    }
}
