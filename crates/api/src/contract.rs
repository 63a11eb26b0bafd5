//! THE ONLY SURFACE: one list of commands with their request and response, and the cache tags they provide or change.
//!
//! The desktop shell, `syncdeckctl serve` and the TypeScript client are all made from [`with_commands!`]; a command that is
//! not in the list does not exist, and one without a handler does not compile. To add one: add its line, add its types to
//! `wire.rs`, write its handler (`handlers/`), run `cargo xtask gen`.
//!
//! `read` commands provide the tags: their cached answer is stale as soon as something changes one of them.
//! `change` commands change the tags. An [`Event::Changed`] changes tags from the background.

use crate::wire::Progress;
use model::id::{ClientId, ConnectionId, DraftId, RunId};
use model::run::RunState;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What cached answers are about. A screen refreshes when a tag of its answer changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    /// Whether a workspace is there and open, and its name.
    Workspace,
    /// The list of clients.
    Clients,
    /// Connections, their settings and health; the catalogue's counts.
    Connections,
    /// Runs, their progress and the day strips.
    Runs,
    /// Statistics and records.
    Stats,
    /// The audit log.
    Audit,
    /// Sign-ins being tested.
    Drafts,
    /// The connectors of the catalogue and their manifests.
    Connectors,
    /// Channels that carry alerts to people, and how each of them does.
    Channels,
    /// Alerts and their rules.
    Alerts,
    /// Anomalies and what people said of them.
    Anomalies,
    /// Changes of the form of answers.
    Drift,
    /// Plans of spend.
    Plans,
}

impl Tag {
    /// Every tag: what a host sends after it lost events, because then nothing the screens hold is known to be fresh.
    pub const ALL: &'static [Self] = &[
        Self::Workspace,
        Self::Clients,
        Self::Connections,
        Self::Runs,
        Self::Stats,
        Self::Audit,
        Self::Drafts,
        Self::Connectors,
        Self::Channels,
        Self::Alerts,
        Self::Anomalies,
        Self::Drift,
        Self::Plans,
    ];
}

/// What the backend tells the screens without being asked. There is one stream of these and nothing else crosses.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A run moved. Sent at most five times a second per run, and always at its end.
    RunProgress {
        /// Which run.
        run_id: RunId,
        /// Of which connection.
        connection_id: ConnectionId,
        /// Of which client.
        client_id: ClientId,
        /// What it does now.
        state: RunState,
        /// How far it is.
        progress: Progress,
    },
    /// A step of a sign-in test began, moved or ended; read the draft again.
    DraftStep {
        /// Which draft.
        draft_id: DraftId,
    },
    /// Something that the shell shows in the system's own way, whether or not the window is in sight.
    Notify {
        /// One line.
        title: String,
        /// A few lines.
        body: String,
        /// The client it is about, when it is about one.
        client_id: Option<ClientId>,
    },
    /// Answers with these tags are stale.
    Changed {
        /// The tags.
        tags: Vec<Tag>,
    },
}

/// Hands the list of commands to the macro `$then`. Each line: `read|change name(Request) -> Response [Tags]`.
#[macro_export]
macro_rules! with_commands {
    ($then:ident) => {
        $then! {
            /// State of the program: workspace, keychain, background runs. Works without a workspace.
            read app_status(Empty) -> AppStatus [Workspace, Runs, Connections, Clients, Alerts];
            /// A person presses something in the window: for a moment syncs begin nothing new, so that the press is answered at once.
            change app_pressed(Empty) -> Empty [];
            /// Prepares a new workspace and hands out its recovery key, the only time it is shown. Nothing is written.
            change workspace_draft(Empty) -> NewWorkspaceDraft [];
            /// Creates the workspace that was prepared.
            change workspace_create(NewWorkspace) -> WorkspaceCreated [Workspace, Clients, Connections, Runs, Stats, Audit, Connectors, Alerts];
            /// Opens a workspace that is locked by a passphrase, or tries the keychain again.
            change workspace_unlock(UnlockWorkspace) -> AppStatus [Workspace, Clients, Connections, Runs, Stats, Audit, Connectors, Alerts];
            /// Puts the workspace's key back into this computer's keychain with the recovery key.
            change workspace_recover(RecoverWorkspace) -> AppStatus [Workspace, Clients, Connections, Runs, Stats, Audit, Connectors, Alerts];
            /// Opens the demo workspace, creating it over the built-in simulator when it is not there.
            change workspace_open_demo(Empty) -> AppStatus [Workspace, Clients, Connections, Runs, Stats, Audit, Connectors, Alerts];

            /// The nine o'clock screen.
            read overview_get(OverviewRequest) -> Overview [Clients, Connections, Stats, Runs, Alerts, Anomalies, Plans];

            /// All clients with their health.
            read clients_list(Empty) -> Vec<ClientRow> [Clients, Connections, Stats, Runs];
            /// One client with its connections.
            read client_get(ById<ClientId>) -> ClientDetail [Clients, Connections, Stats, Runs];
            /// Statistics of one client: by day, week or month, by connection and by ad object.
            read client_stats(ClientStatsRequest) -> ClientStats [Stats, Connections];
            /// Statistics of one client as a tree of up to four dimensions.
            read stats_pivot(StatsPivotRequest) -> StatsPivot [Stats, Connections];
            /// What a client's statistics are split by, besides objects and time.
            read stats_breakdowns(BreakdownsRequest) -> Vec<String> [Stats, Connections];
            /// Adds a client.
            change client_create(NewClient) -> ClientRow [Clients, Audit];
            /// Renames a client or changes its currency or time zone.
            change client_update(UpdateClient) -> ClientRow [Clients, Audit, Alerts];
            /// Deletes a client, its data and, by destroying its key, all its credentials.
            change client_delete(DeleteClient) -> ClientDeleted [Clients, Connections, Stats, Runs, Audit, Alerts];
            /// A client's plans of a month, and how they stand.
            read plan_list(PlanList) -> ClientPlans [Plans, Clients, Connections, Stats, Runs];
            /// Makes a plan, changes it or takes it back.
            change plan_set(PlanSet) -> ClientPlans [Plans, Audit];
            /// Says what share of its revenue a client keeps.
            change margin_set(MarginSet) -> Empty [Plans, Stats, Audit];
            /// A client's statistics as a file.
            read stats_export(ExportRequest) -> ExportedFile [Stats];

            /// The catalogue: every connector this build has, and those that were imported.
            read connectors_list(Empty) -> Vec<Connector> [Connections, Connectors];
            /// All connections.
            read connections_list(Empty) -> Vec<ConnectionRow> [Connections, Runs, Stats];
            /// One connection with its streams and credential health.
            read connection_get(ById<ConnectionId>) -> ConnectionDetail [Connections, Runs, Stats];
            /// Changes streams, lookback, VAT or pauses a connection.
            change connection_update(ConnectionUpdate) -> ConnectionDetail [Connections, Audit, Alerts];
            /// Every template with the connections that follow it.
            read templates_list(Empty) -> Vec<TemplateRow> [Connections, Clients];
            /// Saves a connection's settings as a template, which it follows from then on.
            change template_create(NewTemplate) -> TemplateRow [Connections, Audit];
            /// Renames a template or changes its settings. Its connections keep what they have until it is applied to them.
            change template_update(TemplateUpdate) -> TemplateRow [Connections, Audit];
            /// What applying a template would change, connection by connection. Nothing is written.
            read template_preview(TemplateUse) -> TemplatePreview [Connections, Clients];
            /// Applies a template to connections of its system, which follow it from then on, exactly as the preview said or not at all.
            change template_apply(TemplateApply) -> TemplateRow [Connections, Audit, Alerts];
            /// Lets a connection follow nothing; its settings stay.
            change template_leave(ById<ConnectionId>) -> ConnectionDetail [Connections, Audit];
            /// Deletes a template; its connections keep their settings and follow nothing.
            change template_delete(ById<TemplateId>) -> Empty [Connections, Audit];
            /// Every sign-in with what lives by it, the most urgent first.
            read sign_ins_list(Empty) -> Vec<SignInRow> [Connections, Clients, Runs];
            /// Deletes a connection, its data and its credential.
            change connection_delete(ById<ConnectionId>) -> Empty [Connections, Stats, Runs, Audit, Alerts];

            /// What a manifest would do here, stream by stream, and what its mapping says. Nothing is saved.
            read manifest_inspect(ManifestText) -> ManifestReport [];
            /// Keeps a manifest as a connector of the catalogue.
            change manifest_import(ManifestImport) -> ManifestSaved [Connectors, Audit];
            /// Saves a new revision of an imported connector.
            change manifest_update(ManifestUpdate) -> ManifestSaved [Connectors, Connections, Audit];
            /// Removes an imported connector that has no connections.
            change manifest_remove(ConnectorRequest) -> Empty [Connectors, Audit];
            /// The files of a declarative connector, our own ones too: to read, and to copy and edit.
            read manifest_source(ConnectorRequest) -> ManifestSource [Connectors];
            /// A manifest to begin a source of one's own with, in both languages.
            read manifest_starter(Empty) -> ManifestStarter [];
            /// Reads a little of one stream and shows everything about it: slices, requests, answers, records, state. Nothing is kept.
            change manifest_test_read(TestReadRequest) -> TestRead [];
            /// What a mapping makes of these records.
            read mapping_preview(MappingPreviewRequest) -> MappingPreview [];

            /// The streams of a connection that are kept as they come.
            read record_streams(ById<ConnectionId>) -> Vec<RecordStream> [Stats, Connections, Connectors];
            /// A page of the records of a stream.
            read records_list(RecordList) -> RecordPage [Stats];
            /// The records of a stream as a file.
            read records_export(RecordExport) -> ExportedFile [Stats];

            /// Begins testing a sign-in; steps come as events and in `draft_get`. Nothing is saved.
            change draft_start(DraftStart) -> Draft [Drafts];
            /// The steps so far and the accounts found.
            read draft_get(ById<DraftId>) -> Draft [Drafts];
            /// Saves the chosen accounts as connections (or the new sign-in of an existing one) and starts their first sync.
            change draft_commit(DraftCommit) -> DraftCommitted [Clients, Connections, Runs, Audit, Drafts];
            /// Forgets a draft and its secrets.
            change draft_discard(ById<DraftId>) -> Empty [Drafts];

            /// Running, queued, and a strip of days per connection.
            read syncs_board(BoardRequest) -> SyncBoard [Runs, Connections, Stats];
            /// Starts what waits for power, though the battery is low.
            change waiting_start(Empty) -> RunStarted [Runs, Connections, Audit];
            /// History of runs, newest first.
            read runs_list(RunList) -> RunPage [Runs];
            /// One run: slices, waits, quarantine, requests, log.
            read run_get(ById<RunId>) -> RunDetail [Runs];
            /// Quarantined rows of a run.
            read quarantine_list(QuarantineRequest) -> QuarantinePage [Runs];
            /// What a run would take that is not started: slices, requests, time, and where the quota stops it.
            read run_estimate(CollectRequest) -> RunEstimate [Runs, Connections];
            /// Rows of a connection that are in quarantine now.
            read quarantine_open(OpenQuarantineRequest) -> OpenQuarantine [Runs, Stats];
            /// Rows of a connection that are in quarantine now, as a file.
            read quarantine_export(QuarantineExport) -> ExportedFile [Runs, Stats];
            /// Collects the days of a connection's quarantined rows again, with today's mapping. What comes out clean is healed.
            change quarantine_retry(ById<ConnectionId>) -> RunStarted [Runs, Audit];
            /// Changes of the form of answers that wait for a decision.
            read drift_list(DriftList) -> Vec<DriftRow> [Drift, Runs, Connections];
            /// Makes changes of form the form from now on, or ignores them.
            change drift_decide(DriftDecision) -> DriftDecided [Drift, Alerts, Audit];
            /// Starts runs: of one connection, of a client, or of all; with a range, re-collects these days.
            change run_start(CollectRequest) -> RunStarted [Runs, Audit];
            /// Stops a run; what it committed stays.
            change run_cancel(ById<RunId>) -> Empty [Runs, Audit];
            /// Holds a run until it is resumed, over restarts as well; what it committed stays.
            change run_pause(ById<RunId>) -> Empty [Runs, Audit];
            /// Lets a held run go on from where it stood.
            change run_resume(ById<RunId>) -> Empty [Runs, Audit];

            /// Reads a file handed over for import and guesses what its columns mean.
            change import_open(ImportOpen) -> ImportPreview [];
            /// Applies a mapping without writing: good rows, bad rows with line numbers, the range that would be replaced.
            read import_check(ImportCheck) -> ImportChecked [Stats];
            /// Writes the good rows in one transaction.
            change import_commit(ImportCommit) -> RunStarted [Clients, Connections, Stats, Runs, Audit];
            /// Names the folder from which a connection takes files by itself, or lets it have none.
            change folder_watch(FolderWatch) -> ConnectionDetail [Connections, Audit, Alerts];

            /// The channels that carry alerts to people.
            read channels_list(Empty) -> Vec<ChannelRow> [Channels, Clients];
            /// Adds a channel or changes one.
            change channel_save(ChannelSave) -> ChannelRow [Channels, Audit];
            /// Sends a test with these settings, saved or not. Ends well when the service took the message.
            change channel_test(ChannelSave) -> Empty [Channels];
            /// Deletes a channel with its secret.
            change channel_delete(ById<ChannelId>) -> Empty [Channels, Audit];
            /// The chats that have written to a Telegram bot in the last day.
            change channel_chats(ChannelChats) -> Vec<TelegramChat> [];
            /// What people should know without looking: alerts that are open, muted or settled lately.
            read alerts_list(AlertList) -> Alerts [Alerts, Clients, Connections];
            /// Says that a person wants to hear no more of an alert until its facts are over, or does again.
            change alert_mute(AlertMute) -> Empty [Alerts, Audit];
            /// Days that are far from what such days are, with what people said of them: what nobody has answered first, bad news first.
            read anomalies_list(AnomalyList) -> Vec<AnomalyRow> [Anomalies, Stats, Clients, Connections];
            /// Says what to think of an anomaly, or takes that back.
            change anomaly_feedback(AnomalyAnswer) -> Empty [Anomalies, Audit];
            /// The rules of alerts.
            read alert_rules_get(Empty) -> Vec<AlertRuleRow> [Alerts];
            /// Changes one rule; all connections are judged by it anew.
            change alert_rules_update(AlertRule) -> Vec<AlertRuleRow> [Alerts, Audit];

            /// What waits on a low battery.
            read battery_saver_get(Empty) -> BatterySaver [Workspace];
            /// Changes what waits on a low battery.
            change battery_saver_update(BatterySaver) -> BatterySaver [Workspace, Runs, Audit];
            /// Looks the whole workspace over: database, sums, credentials, keychain. Takes seconds on a large workspace.
            read doctor_run(Empty) -> DoctorReport [];
            /// A file for whoever helps: versions, states, runs, requests, counters; no secrets, no names of people or businesses.
            read diagnostics_export(Empty) -> ExportedFile [];
            /// Who did what, newest first, with the state of the hash chain.
            read audit_list(AuditList) -> AuditPage [Audit];
        }
    };
}
