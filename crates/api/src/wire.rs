//! The shapes that cross the surface. They belong to the surface alone: rooms below have types of their own.
//!
//! Money and every metric are integers of millionths (`Micros`), dates are `YYYY-MM-DD` in the account's zone, instants are
//! RFC 3339 in UTC, unknown is `null`. Failures carry a code and parameters; their texts live in the UI, in both languages.

use chrono::{DateTime, NaiveDate, Utc};
use model::{
    ad::{Level, ObjectStatus, RejectReason},
    connection::ConnectionState,
    date::DateRange,
    failure::{Code, Failure, FailureKind},
    id::{ClientId, ConnectionId, DraftId, RunId, TemplateId, UploadId},
    money::{Currency, Micros, VatState},
    run::{DayState, Health, RunState, RunTrigger, SliceState},
    schedule::Schedule,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use ts_rs::TS;

pub use model::{date::Grain, power::BatterySaver, run::Progress, settings::Lookback};

/// Declares wire structs: every field public, everything serializable and known to TypeScript.
macro_rules! wire {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize, TS)]
        pub struct $name { $($(#[$fdoc])* pub $field: $ty,)* }
    )*};
}
macro_rules! wire_enum {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl std::fmt::Display for $name {
            /// The word that stands on the wire.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.serialize(f)
            }
        }
    )*};
}

mod answers;
pub use answers::{
    DayTotals, DriftConnection, DriftDecided, DriftDecision, DriftList, DriftRow, OpenQuarantine,
    OpenQuarantineRequest, OpenQuarantineRow, QuarantineExport, ReasonCount,
};
mod channels;
pub use channels::{ChannelChats, ChannelRow, ChannelSave, ChannelState, TelegramChat};
mod anomalies;
pub use anomalies::{AnomalyAnswer, AnomalyList, AnomalyRow, WorstAnomaly};
pub use model::anomaly::{AnomalyMetric, AnomalyVerdict};
mod alerts;
pub use alerts::{AlertGroup, AlertList, AlertMute, AlertRow, AlertRuleRow, Alerts, RuleNumber};
pub use model::alert::AlertRule;
pub use model::utm::Utm;
mod plans;
pub use plans::{ClientPlans, Course, MarginSet, Pace, PlanList, PlanRow, PlanSet};
mod sign_ins;
pub use sign_ins::{CredentialHealth, SignInRow, SignInUse};
mod pivot;
pub use pivot::{BreakdownsRequest, PivotDimension, PivotKind, PivotNode, StatsPivot, StatsPivotRequest};
mod templates;
pub use model::settings::{InTotals, Setting, Settings, SettingsChange, StreamChoice, ZeroRows};
pub use templates::{
    FollowedTemplate, Follower, NewTemplate, TemplateApply, TemplateChange, TemplatePreview, TemplateRow,
    TemplateUpdate, TemplateUse,
};

/// A request for one thing by its id.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ById<T> {
    /// Its id.
    pub id: T,
}

/// A failure as it crosses the surface.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
pub struct ApiError {
    /// What happened.
    pub code: Code,
    /// What it asks for: decides colour and button.
    pub kind: FailureKind,
    /// Parameters of the text.
    pub params: BTreeMap<String, String>,
    /// For the specialist; redacted.
    pub detail: Option<String>,
    /// When waiting ends.
    pub retry_at: Option<DateTime<Utc>>,
}

impl From<&Failure> for ApiError {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.code,
            kind: failure.kind(),
            params: failure.params.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
            detail: failure.detail.clone(),
            retry_at: failure.retry_at,
        }
    }
}

wire_enum! {
    /// Whether there is a workspace and whether it is open.
    WorkspaceState {
        /// None was created yet.
        Absent,
        /// There is one; its key is not available (passphrase needed, keychain locked, missing or denied).
        Locked,
        /// Open.
        Open,
    }
    /// Where the workspace key and the credentials are kept.
    Lock {
        /// The operating system's keychain.
        Keychain,
        /// A file sealed by a passphrase.
        Passphrase,
    }
    /// State of the operating system's keychain.
    KeychainState {
        /// Works.
        Available,
        /// Locked: unlock it in the system.
        Locked,
        /// There is no keychain service on this computer.
        Missing,
        /// The system refused Syncdeck.
        Denied,
    }
    /// A metric on screen. Each is defined once, in `insight`.
    Metric {
        /// Spend as the platforms say it, money.
        Spend,
        /// Spend with VAT, money.
        SpendWithVat,
        /// Spend without VAT, money.
        SpendWithoutVat,
        /// Impressions, count.
        Impressions,
        /// Clicks, count.
        Clicks,
        /// Conversions, count with fractions.
        Conversions,
        /// Revenue, money.
        Revenue,
        /// Clicks per impression, ratio.
        Ctr,
        /// Spend per click, money.
        Cpc,
        /// Spend per thousand impressions, money.
        Cpm,
        /// Conversions per click, ratio.
        Cr,
        /// Spend per conversion, money.
        Cpa,
        /// Revenue per spend, ratio.
        Roas,
        /// Revenue less goods and spend, per goods and spend, ratio.
        Roi,
        /// Revenue less spend, per spend, ratio.
        Romi,
        /// Spend per revenue, ratio (advertising cost share, in Russian ДРР).
        Drr,
        /// Visits, count.
        Visits,
        /// Pages or screens seen, count.
        PageViews,
        /// Visits that ended where they began, per visit, ratio.
        BounceRate,
    }
    /// How to print a metric.
    Unit {
        /// Money in the currency beside it.
        Money,
        /// A count.
        Count,
        /// A ratio shown as percent.
        Percent,
        /// A ratio shown as a plain number.
        Ratio,
    }
    /// Whether a change is good news.
    Verdict {
        /// Favourable.
        Better,
        /// Unfavourable.
        Worse,
        /// Neither: spend, or no change.
        Neutral,
    }
    /// What a person can do about a need, the one button of its row.
    NeedAction {
        /// Open the sign-in form of the connection.
        SignIn,
        /// Open the connection's settings.
        OpenSettings,
        /// Try the run again.
        Retry,
        /// Open the last run.
        OpenRun,
    }
    /// How a stream is read.
    StreamKind {
        /// Names and tree; read whole.
        Dictionary,
        /// Daily rows; read in windows.
        Statistics,
        /// Records kept as they come.
        Records,
    }
    /// Looks of a step in the wizard's test.
    StepState {
        /// Not begun.
        Waiting,
        /// Under way.
        Running,
        /// Done.
        Done,
        /// Failed, see `failure`.
        Failed,
    }
    /// Where a sign-in test stands.
    DraftState {
        /// Steps are running.
        Testing,
        /// All steps done.
        Ready,
        /// A step failed.
        Failed,
    }
    /// Which rows of the run history.
    RunFilter {
        /// All.
        All,
        /// Failed.
        Failed,
        /// Done with remarks.
        Remarks,
    }
    /// What a column of an imported file means.
    ImportField {
        /// Not used.
        Ignore,
        /// The day.
        Date,
        /// Campaign id.
        CampaignId,
        /// Campaign name.
        CampaignName,
        /// Ad group id.
        AdGroupId,
        /// Ad group name.
        AdGroupName,
        /// Ad id.
        AdId,
        /// Ad name.
        AdName,
        /// Impressions.
        Impressions,
        /// Clicks.
        Clicks,
        /// Spend in currency units.
        Cost,
        /// Spend in millionths (Google Ads exports).
        CostMicros,
        /// Conversions.
        Conversions,
        /// Revenue in currency units.
        Revenue,
        /// ISO 4217 code.
        Currency,
        /// A split such as device; kept as breakdown.
        Breakdown,
    }
    /// Kinds of file that can be imported or exported.
    FileKind {
        /// Comma, semicolon or other separated text.
        Csv,
        /// Tab separated text.
        Tsv,
        /// Excel workbook.
        Xlsx,
        /// JSON; export only.
        Json,
    }
    /// How an object is read off a platform's help: what a connector can do.
    Capability {
        /// Reads statistics.
        Statistics,
        /// Sends costs.
        Costs,
        /// Sends audiences.
        Audiences,
        /// Reads leads.
        Leads,
        /// Receives webhooks.
        Webhooks,
    }
    /// Shelf of the catalogue.
    Category {
        /// Advertising platforms.
        Ads,
        /// Analytics.
        Analytics,
        /// Audiences: groups of people to advertise to.
        Audiences,
        /// Customer relations.
        Crm,
        /// Files.
        Files,
        /// Connectors that a person imported.
        Imported,
    }
    /// How true a stream is to its manifest.
    Fidelity {
        /// Runs as it does in the format's own runtime.
        Runs,
        /// Runs; something that does not change its records is left out.
        RunsWithout,
        /// Does not run in this version, or is wrong.
        Unavailable,
    }
    /// Which file of a connector.
    ManifestFile {
        /// The manifest.
        Manifest,
        /// The mapping.
        Mapping,
    }
    /// A table of ours that a stream can become.
    MappingTable {
        /// Daily statistics.
        CampaignStats,
        /// Names and tree.
        AdObjects,
    }
    /// A field of such a table.
    MappingField {
        /// The vendor's id of the ad object.
        ExternalId,
        /// The day.
        Date,
        /// Times shown.
        Impressions,
        /// Clicks.
        Clicks,
        /// Spend, in units of the currency.
        Cost,
        /// Conversions.
        Conversions,
        /// Revenue, in units of the currency.
        Revenue,
        /// ISO 4217 code; rows of another than the account's are refused.
        Currency,
        /// The vendor's id one level up.
        Parent,
        /// The name.
        Name,
    }
}

wire! {
    /// Nothing.
    Empty {}

    /// The state of the program.
    AppStatus {
        /// Whether there is a workspace.
        workspace: WorkspaceState,
        /// Its name, when open.
        workspace_name: Option<String>,
        /// Where its key is kept, when there is one.
        lock: Option<Lock>,
        /// Whether it is the demo.
        demo: bool,
        /// The keychain of this computer.
        keychain: KeychainState,
        /// Why it could not be opened, when locked.
        failure: Option<ApiError>,
        /// Default currency.
        currency: Currency,
        /// Default time zone.
        time_zone: String,
        /// When the next connection is collected by itself.
        next_sync_at: Option<DateTime<Utc>>,
        /// Today in the workspace's time zone.
        today: NaiveDate,
        /// Clients.
        clients: u32,
        /// Connections.
        connections: u32,
        /// Connections that need a person.
        problems: u32,
        /// Open alerts.
        alerts: u32,
        /// Runs under way; parked ones are not.
        running: u32,
        /// Which other program collects, when it is not this one.
        on_duty: Option<String>,
        /// Version of this build.
        version: String,
    }
    /// A workspace about to be created.
    NewWorkspaceDraft {
        /// The recovery key in groups of four, shown this once.
        recovery_key: String,
        /// Suggested currency.
        currency: Currency,
        /// Suggested time zone, from the system.
        time_zone: String,
        /// Whether the keychain can be chosen.
        keychain: KeychainState,
    }
    /// Creates the workspace whose recovery key was shown last.
    NewWorkspace {
        /// Name people see.
        name: String,
        /// Default currency.
        currency: Currency,
        /// Default time zone.
        time_zone: String,
        /// Where to keep the key.
        lock: Lock,
        /// The passphrase, when `lock` is `passphrase`; at least 10 characters.
        passphrase: Option<String>,
    }
    /// The workspace is there.
    WorkspaceCreated {
        /// The new state.
        status: AppStatus,
    }
    /// Opens a locked workspace.
    UnlockWorkspace {
        /// The passphrase; absent to try the keychain again.
        passphrase: Option<String>,
    }
    /// Brings a workspace's key back.
    RecoverWorkspace {
        /// The recovery key as shown at creation; spaces, dashes and case do not matter.
        recovery_key: String,
        /// Where to keep the key from now on.
        lock: Lock,
        /// The passphrase, when `lock` is `passphrase`.
        passphrase: Option<String>,
    }

    /// Which days the overview is about.
    OverviewRequest {
        /// The period.
        period: DateRange,
        /// What to compare it with.
        compare: Option<DateRange>,
    }
    /// The nine o'clock screen.
    Overview {
        /// When it was computed.
        as_of: DateTime<Utc>,
        /// Clients by health.
        health: HealthCount,
        /// The strip; sums in `currency`.
        kpis: Vec<Kpi>,
        /// Currency of the strip.
        currency: Currency,
        /// Clients in other currencies, which the strip leaves out because no exchange rate is known.
        left_out: Vec<LeftOut>,
        /// The last day for which every active connection has data.
        complete_through: Option<NaiveDate>,
        /// What needs a person, worst first.
        needs: Vec<Need>,
        /// Urgent alerts that are not about the health of a connection, which `needs` tells.
        alerts: Vec<AlertRow>,
        /// A row per client, worst health first, then by spend.
        rows: Vec<PortfolioRow>,
        /// Whether some connection of the period failed, so that sums are lower bounds.
        partial: bool,
    }
    /// How many clients are how well.
    HealthCount {
        /// Need a person.
        act: u32,
        /// Worth a look.
        watch: u32,
        /// Fine.
        good: u32,
        /// Without connections.
        off: u32,
    }
    /// One tile of the strip.
    Kpi {
        /// Which metric.
        metric: Metric,
        /// How to print it.
        unit: Unit,
        /// Value over the period.
        value: Option<Micros>,
        /// Value over the comparison period.
        compare: Option<Micros>,
        /// Relative change in millionths (62,000 = +6.2 %); for percent metrics the difference of the ratios.
        change: Option<Micros>,
        /// Whether the change is good.
        verdict: Verdict,
        /// A value per day of the period, per month of one that is longer than half a year.
        series: Vec<Option<Micros>>,
        /// The same of the comparison period.
        compare_series: Vec<Option<Micros>>,
    }
    /// Clients that the strip leaves out.
    LeftOut {
        /// Their currency.
        currency: Currency,
        /// How many.
        clients: u32,
        /// Their spend.
        spend: Option<Micros>,
    }
    /// Something that needs a person.
    Need {
        /// What happened.
        error: ApiError,
        /// The client.
        client_id: ClientId,
        /// Its name.
        client_name: String,
        /// The connection.
        connection_id: ConnectionId,
        /// Its connector.
        connector: String,
        /// Its account.
        account_name: String,
        /// The run that failed.
        run_id: Option<RunId>,
        /// Since when.
        since: DateTime<Utc>,
        /// Last day with data.
        data_through: Option<NaiveDate>,
        /// The one button.
        action: NeedAction,
    }
    /// A client in the portfolio.
    PortfolioRow {
        /// The client.
        client_id: ClientId,
        /// Its name.
        client_name: String,
        /// Its health.
        health: Health,
        /// Its currency.
        currency: Currency,
        /// Spend of the period.
        spend: Option<Micros>,
        /// Change of spend against the comparison.
        spend_change: Option<Micros>,
        /// Impressions.
        impressions: Option<i64>,
        /// Clicks.
        clicks: Option<i64>,
        /// Conversions.
        conversions: Option<Micros>,
        /// Revenue.
        revenue: Option<Micros>,
        /// Clicks per impression.
        ctr: Option<Micros>,
        /// Spend per click.
        cpc: Option<Micros>,
        /// Spend per conversion.
        cpa: Option<Micros>,
        /// Change of CPA.
        cpa_change: Option<Micros>,
        /// Revenue per spend.
        roas: Option<Micros>,
        /// Spend per revenue.
        drr: Option<Micros>,
        /// Spend per day of the period, per month of one that is longer than half a year.
        daily_spend: Vec<Option<Micros>>,
        /// Days at the end of the period that may still change.
        moving_days: u32,
        /// Anomalies of its connections' newest settled days of which nobody has said anything.
        anomalies: u32,
        /// The worst of them.
        worst_anomaly: Option<WorstAnomaly>,
        /// Last day with data of all its connections.
        data_through: Option<NaiveDate>,
        /// Last successful sync of its connections.
        synced_at: Option<DateTime<Utc>>,
        /// Its connections.
        connections: u32,
        /// Connections that need a person.
        problems: u32,
        /// How its plan for the month of the period's last day stands, up to that day; absent: it has none.
        pace: Option<Pace>,
    }

    /// A client in the list.
    ClientRow {
        /// Identity.
        id: ClientId,
        /// Name.
        name: String,
        /// Currency of its totals.
        currency: Currency,
        /// IANA time zone.
        time_zone: String,
        /// Health.
        health: Health,
        /// Connections.
        connections: u32,
        /// Connections that need a person.
        problems: u32,
        /// Connector ids in use, for tiles.
        connectors: Vec<String>,
        /// Spend of the last 30 days with data.
        spend_30d: Option<Micros>,
        /// Last day with data.
        data_through: Option<NaiveDate>,
        /// Last successful sync.
        synced_at: Option<DateTime<Utc>>,
        /// When it was created.
        created_at: DateTime<Utc>,
    }
    /// A client with its connections.
    ClientDetail {
        /// The client.
        client: ClientRow,
        /// Its connections.
        connections: Vec<ConnectionRow>,
    }
    /// A client to add.
    NewClient {
        /// Name, 1 to 120 characters, unique without regard to case.
        name: String,
        /// Currency; the workspace's when absent.
        currency: Option<Currency>,
        /// Time zone; the workspace's when absent.
        time_zone: Option<String>,
    }
    /// A client to change.
    UpdateClient {
        /// Which.
        id: ClientId,
        /// New name.
        name: String,
        /// New currency.
        currency: Currency,
        /// New time zone.
        time_zone: String,
    }
    /// A client to delete.
    DeleteClient {
        /// Which.
        id: ClientId,
        /// Its name typed by the person, as consent.
        confirm_name: String,
    }
    /// What was deleted.
    ClientDeleted {
        /// Connections.
        connections: u32,
        /// Statistics rows.
        #[ts(type = "number")]
        rows: u64,
    }

    /// Which statistics of a client.
    ClientStatsRequest {
        /// The client.
        client_id: ClientId,
        /// The period.
        period: DateRange,
        /// What to compare it with.
        compare: Option<DateRange>,
        /// How deep the list of objects goes; without it none is listed, and an export takes each connection's totals level.
        #[serde(default)]
        level: Option<Level>,
        /// How long the pieces of time are.
        #[serde(default)]
        grain: Grain,
    }
    /// Statistics of a client.
    ClientStats {
        /// Currency of the sums.
        currency: Currency,
        /// Over the period.
        total: StatsSums,
        /// Over the comparison period.
        compare_total: Option<StatsSums>,
        /// A piece of time after the other.
        points: Vec<StatsPoint>,
        /// The pieces of the comparison period; none without one. The first stands for the first of the period.
        compare_points: Vec<StatsPoint>,
        /// A row per connection.
        connections: Vec<StatsRow>,
        /// A row per ad object of the level, highest spend first.
        objects: Vec<StatsRow>,
    }
    /// Sums and what follows from them.
    StatsSums {
        /// Impressions.
        impressions: Option<i64>,
        /// Clicks.
        clicks: Option<i64>,
        /// Spend.
        spend: Option<Micros>,
        /// Spend with VAT, at the rate of its days; unknown where a connection does not say whether its sums contain it.
        spend_with_vat: Option<Micros>,
        /// Spend without VAT.
        spend_without_vat: Option<Micros>,
        /// Conversions.
        conversions: Option<Micros>,
        /// Revenue.
        revenue: Option<Micros>,
        /// Clicks per impression.
        ctr: Option<Micros>,
        /// Spend per click.
        cpc: Option<Micros>,
        /// Spend per thousand impressions.
        cpm: Option<Micros>,
        /// Conversions per click.
        cr: Option<Micros>,
        /// Spend per conversion.
        cpa: Option<Micros>,
        /// Revenue per spend.
        roas: Option<Micros>,
        /// Revenue less goods and spend, per goods and spend; unknown until the client's margin is told.
        roi: Option<Micros>,
        /// Revenue less spend, per spend.
        romi: Option<Micros>,
        /// Spend per revenue.
        drr: Option<Micros>,
        /// Visits.
        visits: Option<i64>,
        /// Pages or screens seen.
        page_views: Option<i64>,
        /// Visits that ended where they began, per visit.
        bounce_rate: Option<Micros>,
    }
    /// Sums of a day, week or month.
    StatsPoint {
        /// Its first day within the period.
        from: NaiveDate,
        /// Its last day within the period.
        to: NaiveDate,
        /// How far its worst day can be trusted.
        state: DayState,
        /// Its sums.
        sums: StatsSums,
    }
    /// Sums of one connection or ad object.
    StatsRow {
        /// The connection.
        connection_id: ConnectionId,
        /// Its connector.
        connector: String,
        /// Depth; `account` for the connection itself.
        level: Level,
        /// The vendor's id.
        external_id: String,
        /// The vendor's id one level up.
        parent_external_id: Option<String>,
        /// Name, or the id where the platform gave none.
        name: String,
        /// Whether its connection counts toward the totals.
        in_totals: InTotals,
        /// Address of the page it leads to; of ads alone, where the platform says.
        landing_url: Option<String>,
        /// The UTM tags in that address.
        utm: Option<Utm>,
        /// Its sums.
        sums: StatsSums,
    }
    /// Statistics as a file.
    ExportRequest {
        /// Which.
        stats: ClientStatsRequest,
        /// `csv` or `json`.
        kind: FileKind,
    }
    /// A file to save.
    ExportedFile {
        /// Suggested name.
        name: String,
        /// MIME type.
        mime: String,
        /// UTF-8 content.
        content: String,
    }

    /// A connector of the catalogue.
    Connector {
        /// Its id, such as `vk_ads`.
        id: String,
        /// Its name by language.
        name: LocalText,
        /// One sentence by language.
        summary: LocalText,
        /// Where to get what the form asks for, by language.
        sign_in_help: LocalText,
        /// Shelf.
        category: Category,
        /// What it can do.
        capabilities: Vec<Capability>,
        /// Its icon: an SVG of ours, not the vendor's logo.
        icon_svg: String,
        /// JSON Schema of the form. Titles and descriptions are keys of `texts`; secrets are marked `airbyte_secret`.
        #[ts(type = "unknown")]
        form: serde_json::Value,
        /// Texts of form and streams by key, by language.
        texts: BTreeMap<String, LocalText>,
        /// Streams.
        streams: Vec<StreamInfo>,
        /// Days the first run reads unless the person says otherwise.
        first_load_days: u32,
        /// Days back beyond which the platform has nothing.
        max_history_days: u32,
        /// The age in days at which the platform no longer changes a day.
        final_after_days: u32,
        /// Whether its connections count toward their clients' totals unless a person says otherwise.
        in_totals: InTotals,
        /// The vendor's documentation.
        docs_url: Option<String>,
        /// Connections made with it.
        connected: u32,
        /// Of these, how many need a person.
        problems: u32,
        /// Whether it has a manifest to read and to copy.
        declarative: bool,
        /// What is known of its files, when a person brings its statistics as files; `null` when it is asked over the network.
        files: Option<FileSystem>,
        /// What is known of it when it was imported; `null` for our own.
        imported: Option<ImportedInfo>,
    }
    /// A system whose statistics come as files.
    FileSystem {
        /// The level of its usual export; `null` for files from any system.
        level: Option<Level>,
        /// The currency its sums are always in.
        currency: Option<Currency>,
        /// Whether the person must say which currency sums are in.
        asks_currency: bool,
        /// Whether the person must say if sums contain VAT.
        asks_vat: bool,
        /// What the columns of its usual export mean.
        columns: Vec<FileColumn>,
    }
    /// A meaning with the headers that usually have it.
    FileColumn {
        /// The meaning; `ignore` for what looks like one of ours and is none.
        field: ImportField,
        /// Its headers, in Russian and English.
        headers: Vec<String>,
    }
    /// What is known of an imported connector.
    ImportedInfo {
        /// The revision in use.
        revision: u32,
        /// When it was saved.
        saved_at: DateTime<Utc>,
        /// Licence of the manifest, as whoever brought it said.
        licence: Option<String>,
        /// Where the manifest is from.
        origin: Option<String>,
        /// The connector of ours that this is a copy of.
        copy_of: Option<String>,
    }

    /// A manifest to look at.
    ManifestText {
        /// Its text: YAML or JSON.
        manifest: String,
        /// The mapping's text, if there is one; JSON is YAML too.
        mapping: Option<String>,
        /// The name of the file it was dropped as, to guess a name from.
        file_name: Option<String>,
        /// The connector of ours that it is a copy of, whose sign-in it uses.
        copy_of: Option<String>,
    }
    /// What a manifest would do here.
    ManifestReport {
        /// A name for the catalogue; may be empty.
        name: String,
        /// The version of the format that it was written for.
        version: String,
        /// Its licence, if it says one.
        licence: Option<String>,
        /// Where it is from, if it says so.
        origin: Option<String>,
        /// Documentation that it names.
        docs_url: Option<String>,
        /// What it says of itself.
        description: Option<String>,
        /// JSON Schema of its form.
        #[ts(type = "unknown")]
        form: serde_json::Value,
        /// Fields of the form that go to the keychain; nested ones with points.
        secrets: Vec<String>,
        /// Its streams in its order.
        streams: Vec<StreamReport>,
        /// Whether more streams are found out by asking the platform.
        generates_streams: bool,
        /// What the mapping says, stream by stream.
        mapping: Vec<StreamMapping>,
        /// The tables that streams can become.
        tables: Vec<MappingTableInfo>,
        /// What is wrong; with any of these it cannot be imported.
        problems: Vec<ManifestProblem>,
    }
    /// Something wrong in a file.
    ManifestProblem {
        /// Which file.
        file: ManifestFile,
        /// Where in it, such as `streams/0/retriever`; empty: the whole.
        path: String,
        /// What is wrong and what was expected, for the specialist.
        message: String,
    }
    /// What a stream would do.
    StreamReport {
        /// Its name.
        name: String,
        /// How true it is to the manifest.
        fidelity: Fidelity,
        /// What is left out, or why it does not run.
        remarks: Vec<StreamRemark>,
        /// Fields of its schema.
        fields: Vec<FieldInfo>,
        /// Its primary key.
        primary_key: Vec<String>,
        /// The field its state counts by.
        cursor_field: Option<String>,
        /// Whether it continues where it stopped.
        incremental: bool,
    }
    /// A part of a manifest that is not run.
    StreamRemark {
        /// Its type or class name; `null` when the document is wrong there.
        component: Option<String>,
        /// Where it stands.
        path: String,
        /// What is wrong, for the specialist; may be empty.
        message: String,
    }
    /// A field of records.
    FieldInfo {
        /// Names from the outside in, with points.
        path: String,
        /// Its types in JSON Schema's words, joined by `|`; may be empty.
        kind: String,
    }
    /// How a stream becomes a table of ours.
    StreamMapping {
        /// The stream.
        stream: String,
        /// The table.
        to: MappingTable,
        /// The level of its rows.
        level: Level,
        /// Where each of our fields stands in a record, by our name.
        fields: BTreeMap<String, String>,
        /// Where the state of an ad object stands, and what its words mean.
        status: Option<MappingStatus>,
        /// By what the rows are split.
        breakdown: Option<MappingBreakdown>,
    }
    /// Where a mapping finds the state of an ad object.
    MappingStatus {
        /// Where it stands in a record.
        from: String,
        /// What the platform's words mean.
        words: BTreeMap<String, ObjectStatus>,
    }
    /// By what a mapping splits rows.
    MappingBreakdown {
        /// Its kind.
        kind: String,
        /// Where its value stands in a record.
        from: String,
    }
    /// A table that a stream can become.
    MappingTableInfo {
        /// The table.
        table: MappingTable,
        /// Its fields in order.
        fields: Vec<MappingFieldInfo>,
    }
    /// A field of such a table.
    MappingFieldInfo {
        /// Which.
        field: MappingField,
        /// Its name in the mapping's text.
        name: String,
        /// Whether a mapping cannot do without it.
        required: bool,
    }
    /// A manifest to keep.
    ManifestImport {
        /// Its text.
        manifest: String,
        /// The mapping's text; empty or absent: every stream is kept as it comes.
        mapping: Option<String>,
        /// The name people will see, 1 to 80 characters.
        name: String,
        /// Its licence, as the person says.
        licence: Option<String>,
        /// Where it is from, as the person says.
        origin: Option<String>,
        /// The connector of ours that it is a copy of, whose sign-in it uses.
        copy_of: Option<String>,
    }
    /// A new revision of an imported connector; absent fields stay.
    ManifestUpdate {
        /// Its id.
        connector: String,
        /// The revision that was edited: a newer one in between refuses the save.
        revision: u32,
        /// The manifest.
        manifest: Option<String>,
        /// The mapping.
        mapping: Option<String>,
        /// The name.
        name: Option<String>,
        /// The licence.
        licence: Option<String>,
        /// The origin.
        origin: Option<String>,
    }
    /// What was saved.
    ManifestSaved {
        /// Its id in the catalogue.
        connector: String,
        /// The revision.
        revision: u32,
        /// What it does.
        report: ManifestReport,
    }
    /// A request for one connector.
    ConnectorRequest {
        /// Its id.
        connector: String,
        /// One of its revisions; the newest when absent.
        revision: Option<u32>,
    }
    /// The files of a connector.
    ManifestSource {
        /// Its id.
        connector: String,
        /// Its name by language.
        name: LocalText,
        /// The manifest.
        manifest: String,
        /// The mapping; empty when there is none.
        mapping: String,
        /// What is known of it when it was imported.
        imported: Option<ImportedInfo>,
        /// Its revisions, newest first; none for our own.
        revisions: Vec<ManifestRevision>,
    }
    /// A manifest to begin with; its comments say what to change.
    ManifestStarter {
        /// The manifest by language.
        manifest: LocalText,
        /// Its mapping by language.
        mapping: LocalText,
    }
    /// A revision of an imported connector.
    ManifestRevision {
        /// Its number.
        revision: u32,
        /// When it was saved.
        saved_at: DateTime<Utc>,
    }

    /// A stream to try.
    TestReadRequest {
        /// The connector whose files are used, where no others are given, and whose sign-in.
        connector: Option<String>,
        /// A manifest that is being edited.
        manifest: Option<String>,
        /// The connector of ours that the manifest is a copy of, before it is saved.
        copy_of: Option<String>,
        /// A connection to borrow answers and secrets from. It must be one of the connector's, or of the connector it is a copy of.
        connection_id: Option<ConnectionId>,
        /// Answers to the form; secret ones are used for this read and forgotten.
        #[ts(type = "Record<string, unknown>")]
        answers: serde_json::Map<String, serde_json::Value>,
        /// The stream.
        stream: String,
        /// A state to continue from.
        #[ts(type = "unknown")]
        state: Option<serde_json::Value>,
        /// Most records, up to 1,000.
        records: Option<u32>,
        /// Most pages of a slice, up to 20.
        pages: Option<u32>,
        /// Most slices, up to 20.
        slices: Option<u32>,
    }
    /// What a test read saw. Secrets are masked everywhere.
    TestRead {
        /// Requests before the first slice: signing in, parents.
        before: Vec<TestExchange>,
        /// The slices in the order they were read.
        slices: Vec<TestSlice>,
        /// The last state.
        #[ts(type = "unknown")]
        state: Option<serde_json::Value>,
        /// Fields that the records have.
        fields: Vec<FieldInfo>,
        /// Why it ended early, if it did. What came before is shown.
        failure: Option<ApiError>,
        /// How long it took.
        millis: u32,
    }
    /// A slice of a test read.
    TestSlice {
        /// Its keys.
        #[ts(type = "unknown")]
        slice: serde_json::Value,
        /// Its requests and answers.
        exchanges: Vec<TestExchange>,
        /// Its records.
        #[ts(type = "unknown[]")]
        records: Vec<serde_json::Value>,
        /// The state after it.
        #[ts(type = "unknown")]
        state: Option<serde_json::Value>,
    }
    /// A request and its answer.
    TestExchange {
        /// When it was sent.
        at: DateTime<Utc>,
        /// The verb.
        method: String,
        /// The address.
        url: String,
        /// Headers sent: name and value.
        request_headers: Vec<(String, String)>,
        /// Body sent.
        request_body: String,
        /// Status; `null` when no answer came.
        status: Option<u16>,
        /// Headers received.
        response_headers: Vec<(String, String)>,
        /// The beginning of the body received.
        response_body: String,
        /// Whether there was more of it.
        cut: bool,
        /// Size of the body.
        #[ts(type = "number")]
        bytes: u64,
        /// How long it took.
        millis: u32,
        /// Which attempt it was, from 1.
        attempt: u32,
    }
    /// A mapping to try.
    MappingPreviewRequest {
        /// The mapping's text.
        mapping: String,
        /// The stream.
        stream: String,
        /// Records of it, such as those of a test read.
        #[ts(type = "unknown[]")]
        records: Vec<serde_json::Value>,
        /// Currency of the account.
        currency: Currency,
        /// VAT.
        vat: VatState,
    }
    /// What a mapping makes of records. Without a mapping for the stream all lists are empty.
    MappingPreview {
        /// Daily rows.
        stats: Vec<PreviewStat>,
        /// Ad objects.
        objects: Vec<PreviewObject>,
        /// Rows that would go to quarantine.
        rejected: Vec<QuarantineRow>,
        /// What is wrong with the mapping itself.
        problems: Vec<ManifestProblem>,
    }
    /// A daily row that a mapping made.
    PreviewStat {
        /// The vendor's id.
        external_id: String,
        /// Depth.
        level: Level,
        /// The day.
        date: NaiveDate,
        /// The split, if any.
        breakdown: String,
        /// Impressions.
        impressions: Option<i64>,
        /// Clicks.
        clicks: Option<i64>,
        /// Spend.
        cost: Option<Micros>,
        /// Currency.
        currency: Currency,
        /// Conversions.
        conversions: Option<Micros>,
        /// Revenue.
        revenue: Option<Micros>,
    }
    /// An ad object that a mapping made.
    PreviewObject {
        /// The vendor's id.
        external_id: String,
        /// Depth.
        level: Level,
        /// The vendor's id one level up.
        parent_external_id: Option<String>,
        /// Its name.
        name: String,
        /// Whether it delivers.
        status: ObjectStatus,
    }

    /// A stream kept as it comes.
    RecordStream {
        /// Its name.
        stream: String,
        /// Records kept.
        #[ts(type = "number")]
        count: u64,
        /// Fields of its schema.
        fields: Vec<FieldInfo>,
        /// Its primary key.
        primary_key: Vec<String>,
        /// Whether it continues where it stopped.
        incremental: bool,
    }
    /// Which records of a stream.
    RecordFilter {
        /// The connection.
        connection_id: ConnectionId,
        /// The stream.
        stream: String,
        /// Only those that contain this text.
        text: Option<String>,
        /// Only in this field, a path with points; absent: anywhere in the record.
        field: Option<String>,
    }
    /// A page of records.
    RecordList {
        /// Which.
        filter: RecordFilter,
        /// Records after this number.
        #[ts(type = "number | null")]
        after: Option<i64>,
        /// Of these, how many to pass over.
        skip: Option<u32>,
        /// At most this many, up to 500.
        limit: u32,
    }
    /// Records in the order they came.
    RecordPage {
        /// They.
        records: Vec<RecordRow>,
        /// How many the filter means.
        #[ts(type = "number")]
        total: u64,
        /// Whether there are more after these.
        more: bool,
        /// Fields that these records have.
        fields: Vec<FieldInfo>,
    }
    /// A record.
    RecordRow {
        /// Its number in the order they came.
        #[ts(type = "number")]
        number: i64,
        /// Its primary key as JSON text.
        key: Option<String>,
        /// It.
        #[ts(type = "unknown")]
        data: serde_json::Value,
        /// When it was read last.
        read_at: DateTime<Utc>,
    }
    /// Records as a file.
    RecordExport {
        /// Which.
        filter: RecordFilter,
        /// `csv` or `json`.
        kind: FileKind,
    }
    /// A text in both languages.
    LocalText {
        /// Russian.
        ru: String,
        /// English.
        en: String,
    }
    /// A stream of a connector.
    StreamInfo {
        /// Its name in the manifest.
        name: String,
        /// Its title by language.
        title: LocalText,
        /// How it is read.
        kind: StreamKind,
        /// The level of its rows.
        level: Option<Level>,
        /// Whether it is on unless the person says otherwise.
        on_by_default: bool,
        /// Whether others need it (names), so that it cannot be switched off.
        required: bool,
        /// How far back it is read again unless the person says otherwise; of a stream with days.
        lookback: Option<Lookback>,
    }
    /// A connection in a list.
    ConnectionRow {
        /// Identity.
        id: ConnectionId,
        /// Whose.
        client_id: ClientId,
        /// The client's name.
        client_name: String,
        /// Connector.
        connector: String,
        /// The vendor's id of the account.
        account_external_id: String,
        /// The account's name.
        account_name: String,
        /// Currency.
        currency: Currency,
        /// VAT, as declared.
        vat: VatState,
        /// Whether it may run.
        state: ConnectionState,
        /// Its health.
        health: Health,
        /// Why it is not healthy.
        failure: Option<ApiError>,
        /// Last day with data.
        data_through: Option<NaiveDate>,
        /// Last successful sync.
        synced_at: Option<DateTime<Utc>>,
        /// The run under way.
        running: Option<RunId>,
        /// The newest run, under way or over.
        latest_run: Option<RunId>,
        /// When the schedule collects it next.
        next_at: Option<DateTime<Utc>>,
        /// When it is tried again after a failure that time alone may heal: until then its sync is pending.
        retry_at: Option<DateTime<Utc>>,
        /// Failed attempts in a row.
        failures: u32,
    }
    /// A connection with its settings.
    ConnectionDetail {
        /// The row.
        connection: ConnectionRow,
        /// What others of the same system may share with it.
        #[serde(flatten)]
        settings: Settings,
        /// The template it follows.
        template: Option<FollowedTemplate>,
        /// Days of the first run.
        first_load_days: u32,
        /// The time zone of its schedule: its client's.
        time_zone: String,
        /// Statistics rows kept.
        #[ts(type = "number")]
        rows: u64,
        /// The sign-in.
        credential: CredentialHealth,
        /// What is known of its files, when its statistics come so.
        files: Option<FileSource>,
        /// How many requests the platform still allows, window by window, shortest first; empty while it has not said.
        quota: Vec<QuotaWindow>,
        /// What it cost its platform in the last thirty days, oldest first; days without a request are not in it.
        traffic: Vec<TrafficDay>,
    }
    /// How a connection gets its files.
    FileSource {
        /// Whether a file was brought by hand, so that it is agreed what columns mean.
        agreed: bool,
        /// The folder from which it takes files by itself.
        folder: Option<FolderState>,
    }
    /// A folder that is watched.
    FolderState {
        /// Where it is.
        path: String,
        /// Why it cannot be looked into.
        failure: Option<ApiError>,
        /// Files that were taken from it.
        taken: u32,
        /// Files that do not fit, by name.
        refused: Vec<RefusedFile>,
    }
    /// A file of a watched folder that was not taken.
    RefusedFile {
        /// Its name.
        name: String,
        /// Why.
        failure: ApiError,
        /// The run that failed.
        run_id: Option<RunId>,
        /// When it was tried.
        at: DateTime<Utc>,
    }
    /// A folder to watch.
    FolderWatch {
        /// The connection that takes its files.
        id: ConnectionId,
        /// Its full path; absent: none is watched any more.
        path: Option<String>,
    }
    /// Requests of an account in one window of a platform's limits.
    QuotaWindow {
        /// The part of the platform it counts; empty: all of it.
        scope: String,
        /// Length of the window, seconds.
        #[ts(type = "number")]
        period_secs: i64,
        /// Requests allowed.
        #[ts(type = "number")]
        limit: u64,
        /// Requests made.
        #[ts(type = "number")]
        used: u64,
        /// When all of them are free again.
        ends: DateTime<Utc>,
    }
    /// Changes of a connection; absent fields stay. What is changed here of one that follows a template is its own value from then on.
    ConnectionUpdate {
        /// Which.
        id: ConnectionId,
        /// The settings.
        #[serde(flatten)]
        settings: SettingsChange,
        /// Settings that go back to what its template says.
        returned: Option<Vec<Setting>>,
        /// `true` pauses, `false` resumes.
        paused: Option<bool>,
    }
    /// Begins a test of a sign-in.
    DraftStart {
        /// Connector.
        connector: String,
        /// The form's answers; fields marked secret are taken out at once and never answered back.
        #[ts(type = "Record<string, unknown>")]
        answers: serde_json::Map<String, serde_json::Value>,
        /// The connection that signs in again; absent for a new one.
        connection_id: Option<ConnectionId>,
    }
    /// A sign-in being tested.
    Draft {
        /// Identity.
        id: DraftId,
        /// Connector.
        connector: String,
        /// Where it stands.
        state: DraftState,
        /// Who signed in, once known.
        signed_in_as: Option<String>,
        /// The steps in order.
        steps: Vec<TestStep>,
        /// Accounts found so far.
        accounts: Vec<FoundAccount>,
    }
    /// A step of the test.
    TestStep {
        /// Its id: `sign_in`, `permissions`, `accounts`, `budget`, `sample`, `totals`.
        id: String,
        /// How it looks.
        state: StepState,
        /// Values for its sentence, by name.
        params: BTreeMap<String, String>,
        /// How long it took, or takes so far.
        millis: Option<u32>,
        /// Why it failed.
        failure: Option<ApiError>,
    }
    /// An account the sign-in can see.
    FoundAccount {
        /// The vendor's id.
        external_id: String,
        /// Name.
        name: String,
        /// Currency.
        currency: Option<Currency>,
        /// Campaigns, once read.
        campaigns: Option<u32>,
        /// Spend of the last 30 days, once read.
        spend_30d: Option<Micros>,
        /// Last day with data, once read.
        last_data: Option<NaiveDate>,
        /// Whether it delivered in the last 30 days, or keeps only records, of which nobody can tell.
        active: bool,
        /// How far its own test is.
        state: StepState,
        /// The client whose name fits best.
        suggested_client: Option<ClientId>,
        /// The connection it already is.
        connected_as: Option<ConnectionId>,
    }
    /// Saves a tested sign-in.
    DraftCommit {
        /// The draft.
        draft_id: DraftId,
        /// The chosen accounts. Ignored when an existing connection signs in again.
        picks: Vec<AccountPick>,
        /// Streams.
        streams: Vec<StreamChoice>,
        /// Lookbacks of their own, by stream; the connector's where there is none.
        lookbacks: BTreeMap<String, Lookback>,
        /// Days of the first run.
        first_load_days: u32,
        /// VAT.
        vat: VatState,
        /// What becomes of rows in which nothing happened; absent: they are kept.
        zero_rows: Option<ZeroRows>,
        /// Whether they count toward their clients' totals; absent: as the connector suggests.
        in_totals: Option<InTotals>,
        /// When the connections are collected by themselves; absent: every morning.
        schedule: Option<Schedule>,
        /// The template they follow from the start. Where the choices above say something else, that is their own value.
        template: Option<TemplateId>,
    }
    /// An account and the client it belongs to.
    AccountPick {
        /// The account.
        external_id: String,
        /// An existing client.
        client_id: Option<ClientId>,
        /// Or the name of one to create.
        new_client_name: Option<String>,
    }
    /// What was saved and started.
    DraftCommitted {
        /// Connections.
        connection_ids: Vec<ConnectionId>,
        /// Their first runs.
        run_ids: Vec<RunId>,
    }

    /// What the board shows.
    BoardRequest {
        /// One client, or all.
        client_id: Option<ClientId>,
        /// Days of the strips.
        days: u32,
    }
    /// The board of syncs.
    SyncBoard {
        /// Runs under way, oldest first.
        running: Vec<RunRow>,
        /// Runs that wait for a worker.
        queued: Vec<RunRow>,
        /// The days of all strips.
        days: DateRange,
        /// A strip per connection.
        strips: Vec<Strip>,
        /// What waits because the battery is low, of all clients; `null` while nothing does.
        waiting: Option<WaitingForPower>,
    }
    /// What waits until there is more power.
    WaitingForPower {
        /// What is left in the battery, percent; `null` where the system saves power by itself.
        percent: Option<u32>,
        /// Connections whose sync waits.
        connections: u32,
    }
    /// Thirty days of a connection.
    Strip {
        /// The connection.
        connection: ConnectionRow,
        /// A cell per day of the board, oldest first.
        cells: Vec<DayCell>,
    }
    /// One day of one connection.
    DayCell {
        /// The day.
        date: NaiveDate,
        /// Its state.
        state: DayState,
        /// Times read.
        reads: u32,
        /// Last read.
        read_at: Option<DateTime<Utc>>,
        /// Rows kept.
        rows: u32,
        /// How much the day changed when it was last read again; absent when it was read once.
        change: Option<DayChange>,
        /// Rows that could not be understood when it was read last: its sums lack them.
        rejected: u32,
        /// Our sums beside the platform's own; absent when it has none, or when the day was read again since it said them.
        totals: Option<DayTotals>,
    }
    /// How much a day changed when it was read again.
    DayChange {
        /// Of what: spend, or impressions where no spend is known.
        metric: Metric,
        /// By how much, in millionths of what it was before.
        change: Micros,
    }
    /// A run in a list.
    RunRow {
        /// Identity.
        id: RunId,
        /// The connection.
        connection_id: ConnectionId,
        /// The client.
        client_id: ClientId,
        /// Its name.
        client_name: String,
        /// Connector.
        connector: String,
        /// Account.
        account_name: String,
        /// Why it was started.
        trigger: RunTrigger,
        /// What it does or how it ended.
        state: RunState,
        /// The days it reads.
        range: Option<DateRange>,
        /// The streams that were asked for; absent: all that are on.
        streams: Option<Vec<String>>,
        /// How far it is.
        progress: Progress,
        /// When it was started.
        started_at: DateTime<Utc>,
        /// When it ended.
        ended_at: Option<DateTime<Utc>>,
        /// Until when it waits.
        waiting_until: Option<DateTime<Utc>>,
        /// Why it failed. One that waits and says why is parked: nobody works on it until then.
        failure: Option<ApiError>,
    }
    /// Which runs.
    RunList {
        /// One client, or all.
        client_id: Option<ClientId>,
        /// One connection, or all.
        connection_id: Option<ConnectionId>,
        /// Which ends.
        filter: RunFilter,
        /// Runs that started before this one.
        before: Option<RunId>,
        /// At most this many, up to 500.
        limit: u32,
    }
    /// A page of history.
    RunPage {
        /// Newest first.
        runs: Vec<RunRow>,
        /// Whether there are older ones.
        more: bool,
    }
    /// A run with everything known of it.
    RunDetail {
        /// The row.
        run: RunRow,
        /// Its slices in order.
        slices: Vec<SliceRow>,
        /// Pauses it made, newest first.
        waits: Vec<WaitRow>,
        /// Quarantined rows grouped by reason and day.
        quarantine: Vec<QuarantineGroup>,
        /// Its latest requests, newest first, redacted.
        requests: Vec<RequestRow>,
        /// Its latest log lines, newest first.
        log: Vec<LogRow>,
    }
    /// A slice of a run.
    SliceRow {
        /// The stream.
        stream: String,
        /// Its window; absent for dictionaries.
        window: Option<DateRange>,
        /// What it does.
        state: SliceState,
        /// Rows written.
        rows: u32,
        /// Rows in quarantine.
        quarantined: u32,
        /// Requests.
        requests: u32,
        /// How long it took.
        millis: Option<u32>,
        /// Why it failed.
        failure: Option<ApiError>,
    }
    /// A pause a run made.
    WaitRow {
        /// Why.
        reason: ApiError,
        /// From when.
        at: DateTime<Utc>,
        /// How long, in milliseconds.
        millis: u32,
        /// Until when, while it lasts.
        until: Option<DateTime<Utc>>,
    }
    /// Quarantined rows with the same reason.
    QuarantineGroup {
        /// The day, if readable.
        date: Option<NaiveDate>,
        /// Why.
        reason: RejectReason,
        /// The field.
        field: String,
        /// An example of the value.
        value: String,
        /// How many.
        count: u32,
    }
    /// A request that a run sent; secrets are masked before it is kept.
    RequestRow {
        /// When.
        at: DateTime<Utc>,
        /// Method.
        method: String,
        /// URL without secrets.
        url: String,
        /// Status; absent when no answer came.
        status: Option<u16>,
        /// How long.
        millis: u32,
        /// Bytes of the answer.
        bytes: u32,
        /// Which attempt, from 1.
        attempt: u32,
        /// What the platform said of its limits with the answer.
        limits: Vec<LimitSaid>,
        /// Why no usable answer came; redacted.
        failure: Option<String>,
    }
    /// A header about limits.
    LimitSaid {
        /// Its name.
        name: String,
        /// What it says.
        value: String,
    }
    /// What a connection cost its platform on a day.
    TrafficDay {
        /// The day in UTC.
        date: NaiveDate,
        /// Requests, repeats included.
        requests: u32,
        /// Bytes of their answers.
        #[ts(type = "number")]
        bytes: u64,
        /// Requests that repeated another one.
        retries: u32,
        /// Requests without an answer, or with an error.
        errors: u32,
        /// How long runs waited for the platform.
        #[ts(type = "number")]
        waited_millis: u64,
    }
    /// A line of a run's log.
    LogRow {
        /// When.
        at: DateTime<Utc>,
        /// What, in one of our words: `slice_started`, `page_read`, `slice_committed`, `waiting`, `retry`, `failed`, `ended` ...
        event: String,
        /// Its values by name.
        params: BTreeMap<String, String>,
    }
    /// Which quarantined rows.
    QuarantineRequest {
        /// The run.
        run_id: RunId,
        /// Skip this many.
        offset: u32,
        /// At most this many, up to 500.
        limit: u32,
    }
    /// Quarantined rows.
    QuarantinePage {
        /// The rows.
        rows: Vec<QuarantineRow>,
        /// How many there are.
        total: u32,
    }
    /// A quarantined row.
    QuarantineRow {
        /// Stream.
        stream: String,
        /// Day.
        date: Option<NaiveDate>,
        /// Why.
        reason: RejectReason,
        /// Field.
        field: String,
        /// Value.
        value: String,
        /// Line of the file, for imports.
        #[ts(type = "number | null")]
        line: Option<u64>,
        /// The row as it came.
        raw: String,
    }
    /// Which runs to start.
    CollectRequest {
        /// One connection.
        connection_id: Option<ConnectionId>,
        /// Or all of a client; with neither, all of the workspace.
        client_id: Option<ClientId>,
        /// Days to read again; absent for an ordinary run.
        range: Option<DateRange>,
        /// Only these streams of the one connection, on or off; absent: all that are on.
        streams: Option<Vec<String>>,
    }
    /// What a run will take, learned from what was read before. Absent is unknown.
    RunEstimate {
        /// Slices.
        slices: u32,
        /// Requests.
        #[ts(type = "number | null")]
        requests: Option<u64>,
        /// Seconds of reading, without waiting for a quota.
        secs: Option<f64>,
        /// When the quota is used up on the way, if it is.
        pause_at: Option<DateTime<Utc>>,
        /// When it is free again, and the run goes on by itself.
        pause_until: Option<DateTime<Utc>>,
    }
    /// What was started.
    RunStarted {
        /// The runs.
        run_ids: Vec<RunId>,
    }

    /// A file to import.
    ImportOpen {
        /// Its name.
        name: String,
        /// Its bytes in base64; at most 64 MiB before encoding.
        content_base64: String,
        /// The system it is from, when the person has said so: its words are looked for first.
        connector: Option<String>,
    }
    /// What a file holds.
    ImportPreview {
        /// Its handle until the program ends.
        upload_id: UploadId,
        /// Kind.
        kind: FileKind,
        /// Encoding that was recognised, for text.
        encoding: Option<String>,
        /// Separator that was recognised, for text.
        delimiter: Option<String>,
        /// Whether numbers use a decimal comma.
        decimal_comma: bool,
        /// Sheets, for workbooks; the first with data is read.
        sheets: Vec<String>,
        /// The line the header stands on, from 1.
        #[ts(type = "number")]
        header_line: u64,
        /// Columns.
        columns: Vec<ImportColumn>,
        /// The first rows as text.
        sample: Vec<Vec<String>>,
        /// Data rows.
        #[ts(type = "number")]
        rows: u64,
        /// The sources whose earlier files had the same headers, with what was agreed about them.
        known: Vec<KnownSource>,
    }
    /// A source that brought files before.
    KnownSource {
        /// Its connection.
        connection_id: ConnectionId,
        /// Whose it is.
        client_id: ClientId,
        /// The system.
        connector: String,
        /// Where its numbers are from.
        source_name: String,
        /// What was agreed about this file's columns, in their order.
        fields: Vec<ImportField>,
        /// Currency.
        currency: Currency,
        /// VAT.
        vat: VatState,
    }
    /// A column of the file.
    ImportColumn {
        /// Its header.
        header: String,
        /// What it probably means.
        guess: ImportField,
    }
    /// A mapping to try.
    ImportCheck {
        /// The file.
        upload_id: UploadId,
        /// The client it belongs to.
        client_id: ClientId,
        /// The system it is from; `file_import` for any.
        connector: String,
        /// Which platform the numbers are from; free text such as `Яндекс Директ`. Becomes the account name.
        source_name: String,
        /// Meaning of each column, in the order of the columns.
        fields: Vec<ImportField>,
        /// Currency when the file has no column for it.
        currency: Currency,
        /// VAT.
        vat: VatState,
    }
    /// What an import would do.
    ImportChecked {
        /// Rows that can be written.
        #[ts(type = "number")]
        good: u64,
        /// Rows that cannot.
        #[ts(type = "number")]
        bad: u64,
        /// The first of them, with line numbers.
        bad_rows: Vec<QuarantineRow>,
        /// Days of the file.
        range: Option<DateRange>,
        /// Level of the rows.
        level: Option<Level>,
        /// Rows that stand in this range already and would be replaced.
        #[ts(type = "number")]
        replaces: u64,
        /// Spend of the good rows.
        spend: Option<Micros>,
        /// Clicks of the good rows.
        clicks: Option<i64>,
        /// Impressions of the good rows.
        impressions: Option<i64>,
    }
    /// Writes a checked import.
    ImportCommit {
        /// The same mapping.
        check: ImportCheck,
    }

    /// What the doctor found.
    DoctorReport {
        /// The folder of the workspace.
        workspace_dir: String,
        /// Size of the database, in bytes.
        #[ts(type = "number")]
        database_bytes: u64,
        /// Version of the database's tables.
        #[ts(type = "number")]
        schema: i64,
        /// Free space on its disk, in bytes; absent when the system does not say.
        #[ts(type = "number | null")]
        free_bytes: Option<u64>,
        /// What was looked at.
        checks: Vec<DoctorCheck>,
    }
    /// One thing the doctor looked at.
    DoctorCheck {
        /// Which: `database`, `rollups`, `audit_log`, `disk`, `clock`, `keychain`, `credentials`, `schedule`, `platforms`.
        id: String,
        /// Whether it is as it should be.
        fine: bool,
        /// What is wrong, a line each.
        findings: Vec<String>,
        /// What was done to find out, where that is more than looking.
        notes: Vec<String>,
    }

    /// Which entries of the audit log.
    AuditList {
        /// Entries before this number.
        #[ts(type = "number | null")]
        before: Option<i64>,
        /// At most this many, up to 500.
        limit: u32,
    }
    /// Entries of the audit log.
    AuditPage {
        /// Newest first.
        entries: Vec<AuditEntry>,
        /// Whether the hash chain is whole.
        intact: bool,
    }
    /// An entry of the audit log.
    AuditEntry {
        /// Its number.
        #[ts(type = "number")]
        number: i64,
        /// When.
        at: DateTime<Utc>,
        /// Who: the operating system's user.
        actor: String,
        /// What: `client_created`, `connection_created` ...
        action: String,
        /// Of what, in words.
        subject: String,
    }
}
