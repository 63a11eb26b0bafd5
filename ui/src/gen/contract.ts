/**
 * The surface of the backend: generated from `crates/api/src/contract.rs` by `cargo xtask gen`. Do not edit:
 * `cargo xtask check` compares it with the Rust side.
 */

/**
 * An account and the client it belongs to.
 */
export type AccountPick = { 
/**
 * The account.
 */
external_id: string, 
/**
 * An existing client.
 */
client_id: ClientId | null, 
/**
 * Or the name of one to create.
 */
new_client_name: string | null, };

/**
 * The one thing to do about an alert.
 */
export type AlertAction = "sign_in" | "sync_now" | "recollect" | "open_run" | "open_drift" | "open_client";

/**
 * The alerts of one client, the open ones first, and among them the worst.
 */
export type AlertGroup = { 
/**
 * Which client.
 */
client_id: ClientId, 
/**
 * Its name.
 */
client_name: string, 
/**
 * Its alerts.
 */
alerts: Array<AlertRow>, };

/**
 * Something a person should know.
 */
export type AlertId = string;

/**
 * What an alert is about.
 */
export type AlertKind = "sign_in_needed" | "failing" | "sign_in_ends" | "stale" | "empty_day" | "unusual_volume" | "repeated_day" | "shrunk_day" | "spend_without_conversions" | "quarantine_growing" | "error_share" | "schema_drift" | "totals_differ";

/**
 * Whose alerts.
 */
export type AlertList = { 
/**
 * One client's, or everybody's.
 */
client_id: ClientId | null, };

/**
 * Whether a person wants to hear of an alert.
 */
export type AlertMute = { 
/**
 * Which one.
 */
id: AlertId, 
/**
 * Hear no more of it, or again.
 */
muted: boolean, };

/**
 * An alert.
 */
export type AlertRow = { 
/**
 * Its id.
 */
id: AlertId, 
/**
 * What it is about.
 */
kind: AlertKind, 
/**
 * How urgent it is.
 */
severity: Severity, 
/**
 * Where it stands.
 */
state: AlertState, 
/**
 * Whose.
 */
client_id: ClientId, 
/**
 * The client's name.
 */
client_name: string, 
/**
 * Which connection.
 */
connection_id: ConnectionId, 
/**
 * Its connector.
 */
connector: string, 
/**
 * Its account's name.
 */
account_name: string, 
/**
 * The days it is about: those that its action collects again.
 */
days: DateRange | null, 
/**
 * Parameters of its text, by the names that `AlertKind` tells.
 */
params: { [key in string]: string }, 
/**
 * The run that brought it to light, if it is still kept.
 */
run_id: RunId | null, 
/**
 * The one thing to do about it.
 */
action: AlertAction, 
/**
 * When it was found.
 */
opened_at: string, 
/**
 * When its facts were over.
 */
settled_at: string | null, };

/**
 * What a rule of one kind does.
 */
export type AlertRule = { 
/**
 * Which kind.
 */
kind: AlertKind, 
/**
 * Whether it looks at all.
 */
enabled: boolean, 
/**
 * How urgent what it finds is.
 */
severity: Severity, 
/**
 * Its numbers, all of [`AlertKind::thresholds`].
 */
thresholds: { [key in Threshold]?: number }, };

/**
 * A rule and how far it can be changed.
 */
export type AlertRuleRow = { 
/**
 * The rule in force.
 */
rule: AlertRule, 
/**
 * What it does by itself.
 */
default: AlertRule, 
/**
 * Its numbers.
 */
numbers: Array<RuleNumber>, };

/**
 * Where an alert stands.
 */
export type AlertState = "open" | "muted" | "settled";

/**
 * Alerts that are open or muted, and those settled lately.
 */
export type Alerts = { 
/**
 * By client: whose is worst first.
 */
groups: Array<AlertGroup>, 
/**
 * How many are open.
 */
open: number, };

/**
 * What a person says of an anomaly.
 */
export type AnomalyAnswer = { 
/**
 * Of which connection.
 */
connection_id: ConnectionId, 
/**
 * Of which metric.
 */
metric: AnomalyMetric, 
/**
 * Of which day.
 */
date: string, 
/**
 * What; nothing takes back what was said.
 */
feedback: AnomalyVerdict | null, };

/**
 * Which anomalies.
 */
export type AnomalyList = { 
/**
 * Of one client, or of all.
 */
client_id: ClientId | null, 
/**
 * Every settled day of a period; without one the newest settled day of each connection, which is what the overview counts.
 */
period: DateRange | null, };

/**
 * A metric whose days are watched. Impressions and clicks are not among them: an account that spends as usual and whose CTR and CPC are
 * as usual has as many as usual.
 */
export type AnomalyMetric = "spend" | "conversions" | "revenue" | "ctr" | "cpc" | "cr" | "cpa" | "roas";

/**
 * A day of a connection that is far from its usual.
 */
export type AnomalyRow = { 
/**
 * The client.
 */
client_id: ClientId, 
/**
 * Its name.
 */
client_name: string, 
/**
 * The connection.
 */
connection_id: ConnectionId, 
/**
 * Its connector.
 */
connector: string, 
/**
 * Its account.
 */
account_name: string, 
/**
 * Of which metric.
 */
metric: AnomalyMetric, 
/**
 * How to print it.
 */
unit: Unit, 
/**
 * Currency of money in it.
 */
currency: Currency, 
/**
 * The day.
 */
date: string, 
/**
 * Its value.
 */
value: Micros, 
/**
 * The median of its weekday over the weeks before.
 */
usual: Micros, 
/**
 * Value by usual; unknown when usual is nothing.
 */
factor: Micros | null, 
/**
 * Robust z-score, told beyond 3.5; negative below the usual.
 */
score: Micros, 
/**
 * From how many days of its weekday the usual is known.
 */
weeks: number, 
/**
 * Whether it is good news.
 */
verdict: Verdict, 
/**
 * What a person said of it.
 */
feedback: AnomalyVerdict | null, };

/**
 * What a person says of an anomaly.
 */
export type AnomalyVerdict = "ignored" | "expected";

/**
 * A failure as it crosses the surface.
 */
export type ApiError = { 
/**
 * What happened.
 */
code: Code, 
/**
 * What it asks for: decides colour and button.
 */
kind: FailureKind, 
/**
 * Parameters of the text.
 */
params: { [key in string]: string }, 
/**
 * For the specialist; redacted.
 */
detail: string | null, 
/**
 * When waiting ends.
 */
retry_at: string | null, };

/**
 * The state of the program.
 */
export type AppStatus = { 
/**
 * Whether there is a workspace.
 */
workspace: WorkspaceState, 
/**
 * Its name, when open.
 */
workspace_name: string | null, 
/**
 * Where its key is kept, when there is one.
 */
lock: Lock | null, 
/**
 * Whether it is the demo.
 */
demo: boolean, 
/**
 * The keychain of this computer.
 */
keychain: KeychainState, 
/**
 * Why it could not be opened, when locked.
 */
failure: ApiError | null, 
/**
 * Default currency.
 */
currency: Currency, 
/**
 * Default time zone.
 */
time_zone: string, 
/**
 * When the next connection is collected by itself.
 */
next_sync_at: string | null, 
/**
 * Today in the workspace's time zone.
 */
today: string, 
/**
 * Clients.
 */
clients: number, 
/**
 * Connections.
 */
connections: number, 
/**
 * Connections that need a person.
 */
problems: number, 
/**
 * Open alerts.
 */
alerts: number, 
/**
 * Runs under way; parked ones are not.
 */
running: number, 
/**
 * Which other program collects, when it is not this one.
 */
on_duty: string | null, 
/**
 * Version of this build.
 */
version: string, };

/**
 * Something a person did that the audit log keeps.
 */
export type AuditAction = "workspace_created" | "workspace_recovered" | "demo_furnished" | "client_created" | "client_updated" | "client_deleted" | "plan_changed" | "margin_changed" | "connection_created" | "connection_updated" | "template_created" | "template_updated" | "template_applied" | "template_deleted" | "connection_deleted" | "credential_replaced" | "run_started" | "run_cancelled" | "run_paused" | "run_resumed" | "import_committed" | "stats_exported" | "connector_imported" | "connector_updated" | "connector_removed" | "alert_muted" | "alert_rule_changed" | "battery_saver_changed" | "diagnostics_exported" | "records_exported" | "channel_created" | "channel_updated" | "channel_deleted" | "drift_accepted" | "drift_ignored" | "anomaly_judged" | "quarantine_exported";

/**
 * An entry of the audit log.
 */
export type AuditEntry = { 
/**
 * Its number.
 */
number: number, 
/**
 * When.
 */
at: string, 
/**
 * Who: the operating system's user.
 */
actor: string, 
/**
 * What: `client_created`, `connection_created` ...
 */
action: string, 
/**
 * Of what, in words.
 */
subject: string, };

/**
 * Which entries of the audit log.
 */
export type AuditList = { 
/**
 * Entries before this number.
 */
before: number | null, 
/**
 * At most this many, up to 500.
 */
limit: number, };

/**
 * Entries of the audit log.
 */
export type AuditPage = { 
/**
 * Newest first.
 */
entries: Array<AuditEntry>, 
/**
 * Whether the hash chain is whole.
 */
intact: boolean, };

/**
 * What a person wants to be spared on a low battery.
 */
export type BatterySaver = { 
/**
 * Whether anything waits.
 */
enabled: boolean, 
/**
 * The charge at and below which it does, percent.
 */
percent: number, };

/**
 * What the board shows.
 */
export type BoardRequest = { 
/**
 * One client, or all.
 */
client_id: ClientId | null, 
/**
 * Days of the strips.
 */
days: number, };

/**
 * What a client's rows of a period are split by.
 */
export type BreakdownsRequest = { 
/**
 * The client.
 */
client_id: ClientId, 
/**
 * The period.
 */
period: DateRange, };

/**
 * A request for one thing by its id.
 */
export type ById<T> = { 
/**
 * Its id.
 */
id: T, };

/**
 * How an object is read off a platform's help: what a connector can do.
 */
export type Capability = "statistics" | "costs" | "audiences" | "leads" | "webhooks";

/**
 * Shelf of the catalogue.
 */
export type Category = "ads" | "analytics" | "audiences" | "crm" | "files" | "imported";

/**
 * Which bot is asked for its chats.
 */
export type ChannelChats = { 
/**
 * The channel whose stored token is used when none is given.
 */
id: ChannelId | null, 
/**
 * Another server of the same interface.
 */
server: string | null, 
/**
 * The bot's token.
 */
secret: string | null, };

/**
 * A way in which alerts reach people.
 */
export type ChannelId = string;

/**
 * A way to reach people.
 */
export type ChannelKind = "desktop" | "telegram" | "email" | "slack";

/**
 * A channel and how it does.
 */
export type ChannelRow = { 
/**
 * Identity.
 */
id: ChannelId, 
/**
 * Which way it is.
 */
kind: ChannelKind, 
/**
 * The name people gave it.
 */
name: string, 
/**
 * Where it leads, without its secret.
 */
settings: ChannelSettings, 
/**
 * What its messages are written in.
 */
language: Language, 
/**
 * IANA time zone of its quiet hours.
 */
time_zone: string, 
/**
 * When it is silent.
 */
quiet: QuietHours | null, 
/**
 * Whether a critical alert may break the silence.
 */
critical_at_night: boolean, 
/**
 * What it carries.
 */
wants: ChannelWants, 
/**
 * Whether it carries anything now.
 */
enabled: boolean, 
/**
 * How it does.
 */
state: ChannelState, 
/**
 * Why the last attempt failed.
 */
failure: ApiError | null, 
/**
 * When that was.
 */
failed_at: string | null, 
/**
 * When it is tried again.
 */
retry_at: string | null, 
/**
 * When a message last arrived.
 */
delivered_at: string | null, 
/**
 * Messages that wait for it.
 */
waiting: number, };

/**
 * A channel as a person wants it.
 */
export type ChannelSave = { 
/**
 * Which one; absent for a new one.
 */
id: ChannelId | null, 
/**
 * Its name.
 */
name: string, 
/**
 * Where it leads.
 */
settings: ChannelSettings, 
/**
 * The bot's token, the password or the webhook's address; absent to keep the one that is stored.
 */
secret: string | null, 
/**
 * What its messages are written in.
 */
language: Language, 
/**
 * IANA time zone of its quiet hours.
 */
time_zone: string, 
/**
 * When it is silent.
 */
quiet: QuietHours | null, 
/**
 * Whether a critical alert may break the silence.
 */
critical_at_night: boolean, 
/**
 * What it carries.
 */
wants: ChannelWants, 
/**
 * Whether it carries anything now.
 */
enabled: boolean, };

/**
 * Where a channel leads.
 */
export type ChannelSettings = { "kind": "desktop", } | { "kind": "telegram", 
/**
 * The chat's number or `@name`.
 */
chat_id: string, 
/**
 * The topic of a group that has topics.
 */
topic: number | null, 
/**
 * Another server of the same interface, for networks that do not reach Telegram's own; its address.
 */
server: string | null, } | { "kind": "email", 
/**
 * The server's name.
 */
host: string, 
/**
 * Its port.
 */
port: number, 
/**
 * How it is spoken to.
 */
tls: MailTls, 
/**
 * Who signs in; often the address itself.
 */
user: string, 
/**
 * The sender's address.
 */
from: string, 
/**
 * The readers' addresses.
 */
to: Array<string>, } | { "kind": "slack", };

/**
 * How a channel does.
 */
export type ChannelState = "off" | "new" | "works" | "trying" | "broken";

/**
 * Which alerts a channel carries.
 */
export type ChannelWants = { 
/**
 * Critical alerts at once.
 */
critical: boolean, 
/**
 * A digest a day per client with alerts of at least this severity; `None`: no digest.
 */
digest: Severity | null, 
/**
 * Of these clients only; `None`: of all, also of those to come.
 */
clients: Array<ClientId> | null, };

/**
 * What was deleted.
 */
export type ClientDeleted = { 
/**
 * Connections.
 */
connections: number, 
/**
 * Statistics rows.
 */
rows: number, };

/**
 * A client with its connections.
 */
export type ClientDetail = { 
/**
 * The client.
 */
client: ClientRow, 
/**
 * Its connections.
 */
connections: Array<ConnectionRow>, };

/**
 * A client of the agency.
 */
export type ClientId = string;

/**
 * The plans of a client in a month.
 */
export type ClientPlans = { 
/**
 * The month.
 */
month: Month, 
/**
 * The client's currency, in which a new plan is made.
 */
currency: Currency, 
/**
 * The systems of which a plan can be made: those that count toward the client's totals.
 */
channels: Array<string>, 
/**
 * The share of its revenue that the client keeps after what was sold has cost, in millionths; absent: nobody said.
 */
margin: Micros | null, 
/**
 * The client's own plan first, then those of its systems, then of campaigns.
 */
plans: Array<PlanRow>, };

/**
 * A client in the list.
 */
export type ClientRow = { 
/**
 * Identity.
 */
id: ClientId, 
/**
 * Name.
 */
name: string, 
/**
 * Currency of its totals.
 */
currency: Currency, 
/**
 * IANA time zone.
 */
time_zone: string, 
/**
 * Health.
 */
health: Health, 
/**
 * Connections.
 */
connections: number, 
/**
 * Connections that need a person.
 */
problems: number, 
/**
 * Connector ids in use, for tiles.
 */
connectors: Array<string>, 
/**
 * Spend of the last 30 days with data.
 */
spend_30d: Micros | null, 
/**
 * Last day with data.
 */
data_through: string | null, 
/**
 * Last successful sync.
 */
synced_at: string | null, 
/**
 * When it was created.
 */
created_at: string, };

/**
 * Statistics of a client.
 */
export type ClientStats = { 
/**
 * Currency of the sums.
 */
currency: Currency, 
/**
 * Over the period.
 */
total: StatsSums, 
/**
 * Over the comparison period.
 */
compare_total: StatsSums | null, 
/**
 * A piece of time after the other.
 */
points: Array<StatsPoint>, 
/**
 * The pieces of the comparison period; none without one. The first stands for the first of the period.
 */
compare_points: Array<StatsPoint>, 
/**
 * A row per connection.
 */
connections: Array<StatsRow>, 
/**
 * A row per ad object of the level, highest spend first.
 */
objects: Array<StatsRow>, };

/**
 * Which statistics of a client.
 */
export type ClientStatsRequest = { 
/**
 * The client.
 */
client_id: ClientId, 
/**
 * The period.
 */
period: DateRange, 
/**
 * What to compare it with.
 */
compare: DateRange | null, 
/**
 * How deep the list of objects goes; without it none is listed, and an export takes each connection's totals level.
 */
level: Level | null, 
/**
 * How long the pieces of time are.
 */
grain: Grain, };

/**
 * What happened. The parameters each code carries are named in its comment.
 */
export type Code = "sign_in_rejected" | "sign_in_revoked" | "token_limit" | "permission_denied" | "setting_invalid" | "quota_wait" | "too_many_requests" | "platform_down" | "timeout" | "offline" | "body_truncated" | "not_json" | "body_too_large" | "total_mismatch" | "vendor_changed" | "request_refused" | "paging_loop" | "manifest_invalid" | "stream_unavailable" | "mapping_invalid" | "connector_in_use" | "cancelled" | "keychain_locked" | "keychain_missing" | "keychain_denied" | "credential_missing" | "wrong_passphrase" | "vault_damaged" | "seal_broken" | "workspace_locked" | "workspace_key_missing" | "workspace_missing" | "workspace_exists" | "database_wrong_key" | "database_damaged" | "database_newer" | "database_busy" | "disk_full" | "file_access" | "file_format" | "column_missing" | "file_columns_changed" | "file_too_large" | "not_found" | "changed_meanwhile" | "bad_request" | "already_running" | "channel_rejected" | "channel_closed" | "message_refused" | "mail_not_secure" | "internal";

/**
 * Which runs to start.
 */
export type CollectRequest = { 
/**
 * One connection.
 */
connection_id: ConnectionId | null, 
/**
 * Or all of a client; with neither, all of the workspace.
 */
client_id: ClientId | null, 
/**
 * Days to read again; absent for an ordinary run.
 */
range: DateRange | null, 
/**
 * Only these streams of the one connection, on or off; absent: all that are on.
 */
streams: Array<string> | null, };

/**
 * A connection with its settings.
 */
export type ConnectionDetail = { 
/**
 * The row.
 */
connection: ConnectionRow, 
/**
 * The template it follows.
 */
template: FollowedTemplate | null, 
/**
 * Days of the first run.
 */
first_load_days: number, 
/**
 * The time zone of its schedule: its client's.
 */
time_zone: string, 
/**
 * Statistics rows kept.
 */
rows: number, 
/**
 * The sign-in.
 */
credential: CredentialHealth, 
/**
 * What is known of its files, when its statistics come so.
 */
files: FileSource | null, 
/**
 * How many requests the platform still allows, window by window, shortest first; empty while it has not said.
 */
quota: Array<QuotaWindow>, 
/**
 * What it cost its platform in the last thirty days, oldest first; days without a request are not in it.
 */
traffic: Array<TrafficDay>, 
/**
 * Which streams are read, in the order of the connector.
 */
streams: Array<StreamChoice>, 
/**
 * When it is collected by itself, in the client's time zone.
 */
schedule: Schedule, 
/**
 * How far back streams are read again where a person wants it otherwise than their connector suggests, by stream.
 */
lookbacks: { [key in string]: Lookback }, 
/**
 * Whether the platform's sums contain VAT, as the person declared.
 */
vat: VatState, 
/**
 * What becomes of rows in which nothing happened.
 */
zero_rows: ZeroRows, 
/**
 * Whether it is added to its client's totals.
 */
in_totals: InTotals, };

/**
 * One account of one system, connected for one client.
 */
export type ConnectionId = string;

/**
 * A connection in a list.
 */
export type ConnectionRow = { 
/**
 * Identity.
 */
id: ConnectionId, 
/**
 * Whose.
 */
client_id: ClientId, 
/**
 * The client's name.
 */
client_name: string, 
/**
 * Connector.
 */
connector: string, 
/**
 * The vendor's id of the account.
 */
account_external_id: string, 
/**
 * The account's name.
 */
account_name: string, 
/**
 * Currency.
 */
currency: Currency, 
/**
 * VAT, as declared.
 */
vat: VatState, 
/**
 * Whether it may run.
 */
state: ConnectionState, 
/**
 * Its health.
 */
health: Health, 
/**
 * Why it is not healthy.
 */
failure: ApiError | null, 
/**
 * Last day with data.
 */
data_through: string | null, 
/**
 * Last successful sync.
 */
synced_at: string | null, 
/**
 * The run under way.
 */
running: RunId | null, 
/**
 * The newest run, under way or over.
 */
latest_run: RunId | null, 
/**
 * When the schedule collects it next.
 */
next_at: string | null, 
/**
 * When it is tried again after a failure that time alone may heal: until then its sync is pending.
 */
retry_at: string | null, 
/**
 * Failed attempts in a row.
 */
failures: number, };

/**
 * Whether a connection may run.
 */
export type ConnectionState = "active" | "paused" | "sign_in_needed";

/**
 * Changes of a connection; absent fields stay. What is changed here of one that follows a template is its own value from then on.
 */
export type ConnectionUpdate = { 
/**
 * Which.
 */
id: ConnectionId, 
/**
 * Settings that go back to what its template says.
 */
returned: Array<Setting> | null, 
/**
 * `true` pauses, `false` resumes.
 */
paused: boolean | null, 
/**
 * Which streams are read, in the order of the connector.
 */
streams: Array<StreamChoice> | null, 
/**
 * When it is collected by itself, in the client's time zone.
 */
schedule: Schedule | null, 
/**
 * How far back streams are read again where a person wants it otherwise than their connector suggests, by stream.
 */
lookbacks: { [key in string]: Lookback } | null, 
/**
 * Whether the platform's sums contain VAT, as the person declared.
 */
vat: VatState | null, 
/**
 * What becomes of rows in which nothing happened.
 */
zero_rows: ZeroRows | null, 
/**
 * Whether it is added to its client's totals.
 */
in_totals: InTotals | null, };

/**
 * A connector of the catalogue.
 */
export type Connector = { 
/**
 * Its id, such as `vk_ads`.
 */
id: string, 
/**
 * Its name by language.
 */
name: LocalText, 
/**
 * One sentence by language.
 */
summary: LocalText, 
/**
 * Where to get what the form asks for, by language.
 */
sign_in_help: LocalText, 
/**
 * Shelf.
 */
category: Category, 
/**
 * What it can do.
 */
capabilities: Array<Capability>, 
/**
 * Its icon: an SVG of ours, not the vendor's logo.
 */
icon_svg: string, 
/**
 * JSON Schema of the form. Titles and descriptions are keys of `texts`; secrets are marked `airbyte_secret`.
 */
form: unknown, 
/**
 * Texts of form and streams by key, by language.
 */
texts: { [key in string]: LocalText }, 
/**
 * Streams.
 */
streams: Array<StreamInfo>, 
/**
 * Days the first run reads unless the person says otherwise.
 */
first_load_days: number, 
/**
 * Days back beyond which the platform has nothing.
 */
max_history_days: number, 
/**
 * The age in days at which the platform no longer changes a day.
 */
final_after_days: number, 
/**
 * Whether its connections count toward their clients' totals unless a person says otherwise.
 */
in_totals: InTotals, 
/**
 * The vendor's documentation.
 */
docs_url: string | null, 
/**
 * Connections made with it.
 */
connected: number, 
/**
 * Of these, how many need a person.
 */
problems: number, 
/**
 * Whether it has a manifest to read and to copy.
 */
declarative: boolean, 
/**
 * What is known of its files, when a person brings its statistics as files; `null` when it is asked over the network.
 */
files: FileSystem | null, 
/**
 * What is known of it when it was imported; `null` for our own.
 */
imported: ImportedInfo | null, };

/**
 * A request for one connector.
 */
export type ConnectorRequest = { 
/**
 * Its id.
 */
connector: string, 
/**
 * One of its revisions; the newest when absent.
 */
revision: number | null, };

/**
 * How money runs against a plan.
 */
export type Course = "on_plan" | "under" | "over";

/**
 * What can be said of a connection's sign-in without showing it.
 */
export type CredentialHealth = { 
/**
 * Whether the vault holds it and it opens.
 */
present: boolean, 
/**
 * The sign-in; absent when the connection has none.
 */
sign_in: SignInRow | null, };

/**
 * An ISO 4217 code such as `RUB`: three capital Latin letters.
 */
export type Currency = string;

/**
 * Whole days from `from` to `to`, both included. An empty range cannot be built.
 */
export type DateRange = { 
/**
 * First day.
 */
from: string, 
/**
 * Last day.
 */
to: string, };

/**
 * One day of one connection.
 */
export type DayCell = { 
/**
 * The day.
 */
date: string, 
/**
 * Its state.
 */
state: DayState, 
/**
 * Times read.
 */
reads: number, 
/**
 * Last read.
 */
read_at: string | null, 
/**
 * Rows kept.
 */
rows: number, 
/**
 * How much the day changed when it was last read again; absent when it was read once.
 */
change: DayChange | null, 
/**
 * Rows that could not be understood when it was read last: its sums lack them.
 */
rejected: number, 
/**
 * Our sums beside the platform's own; absent when it has none, or when the day was read again since it said them.
 */
totals: DayTotals | null, };

/**
 * How much a day changed when it was read again.
 */
export type DayChange = { 
/**
 * Of what: spend, or impressions where no spend is known.
 */
metric: Metric, 
/**
 * By how much, in millionths of what it was before.
 */
change: Micros, };

/**
 * How far a day of data of one connection can be trusted.
 */
export type DayState = "missing" | "moving" | "partial" | "final" | "failed";

/**
 * A day's sums beside the platform's own.
 */
export type DayTotals = { 
/**
 * Currency of both.
 */
currency: Currency, 
/**
 * Our impressions.
 */
impressions: number | null, 
/**
 * The platform's.
 */
their_impressions: number | null, 
/**
 * Our clicks.
 */
clicks: number | null, 
/**
 * The platform's.
 */
their_clicks: number | null, 
/**
 * Our spend.
 */
spend: Micros | null, 
/**
 * The platform's.
 */
their_spend: Micros | null, 
/**
 * Whether they differ by more than rounding, and on a moving day than the minutes between two requests, explain.
 */
differ: boolean, };

/**
 * A client to delete.
 */
export type DeleteClient = { 
/**
 * Which.
 */
id: ClientId, 
/**
 * Its name typed by the person, as consent.
 */
confirm_name: string, };

/**
 * One thing the doctor looked at.
 */
export type DoctorCheck = { 
/**
 * Which: `database`, `rollups`, `audit_log`, `disk`, `clock`, `keychain`, `credentials`, `schedule`, `platforms`.
 */
id: string, 
/**
 * Whether it is as it should be.
 */
fine: boolean, 
/**
 * What is wrong, a line each.
 */
findings: Array<string>, 
/**
 * What was done to find out, where that is more than looking.
 */
notes: Array<string>, };

/**
 * What the doctor found.
 */
export type DoctorReport = { 
/**
 * The folder of the workspace.
 */
workspace_dir: string, 
/**
 * Size of the database, in bytes.
 */
database_bytes: number, 
/**
 * Version of the database's tables.
 */
schema: number, 
/**
 * Free space on its disk, in bytes; absent when the system does not say.
 */
free_bytes: number | null, 
/**
 * What was looked at.
 */
checks: Array<DoctorCheck>, };

/**
 * A sign-in being tested.
 */
export type Draft = { 
/**
 * Identity.
 */
id: DraftId, 
/**
 * Connector.
 */
connector: string, 
/**
 * Where it stands.
 */
state: DraftState, 
/**
 * Who signed in, once known.
 */
signed_in_as: string | null, 
/**
 * The steps in order.
 */
steps: Array<TestStep>, 
/**
 * Accounts found so far.
 */
accounts: Array<FoundAccount>, };

/**
 * Saves a tested sign-in.
 */
export type DraftCommit = { 
/**
 * The draft.
 */
draft_id: DraftId, 
/**
 * The chosen accounts. Ignored when an existing connection signs in again.
 */
picks: Array<AccountPick>, 
/**
 * Streams.
 */
streams: Array<StreamChoice>, 
/**
 * Lookbacks of their own, by stream; the connector's where there is none.
 */
lookbacks: { [key in string]: Lookback }, 
/**
 * Days of the first run.
 */
first_load_days: number, 
/**
 * VAT.
 */
vat: VatState, 
/**
 * What becomes of rows in which nothing happened; absent: they are kept.
 */
zero_rows: ZeroRows | null, 
/**
 * Whether they count toward their clients' totals; absent: as the connector suggests.
 */
in_totals: InTotals | null, 
/**
 * When the connections are collected by themselves; absent: every morning.
 */
schedule: Schedule | null, 
/**
 * The template they follow from the start. Where the choices above say something else, that is their own value.
 */
template: TemplateId | null, };

/**
 * What was saved and started.
 */
export type DraftCommitted = { 
/**
 * Connections.
 */
connection_ids: Array<ConnectionId>, 
/**
 * Their first runs.
 */
run_ids: Array<RunId>, };

/**
 * A sign-in being tested, before any connection exists.
 */
export type DraftId = string;

/**
 * Begins a test of a sign-in.
 */
export type DraftStart = { 
/**
 * Connector.
 */
connector: string, 
/**
 * The form's answers; fields marked secret are taken out at once and never answered back.
 */
answers: Record<string, unknown>, 
/**
 * The connection that signs in again; absent for a new one.
 */
connection_id: ConnectionId | null, };

/**
 * Where a sign-in test stands.
 */
export type DraftState = "testing" | "ready" | "failed";

/**
 * A connection that met a change of form.
 */
export type DriftConnection = { 
/**
 * Its id.
 */
id: ConnectionId, 
/**
 * Its client.
 */
client_id: ClientId, 
/**
 * The client's name.
 */
client_name: string, 
/**
 * The account.
 */
account_name: string, 
/**
 * The run that met it first.
 */
run_id: RunId | null, };

/**
 * What a decision did.
 */
export type DriftDecided = { 
/**
 * Connections it was about.
 */
connections: number, };

/**
 * A decision about changes of form.
 */
export type DriftDecision = { 
/**
 * Their numbers.
 */
numbers: Array<number>, 
/**
 * Whether they are the form from now on; else they are ignored.
 */
accept: boolean, };

/**
 * How the form of a stream's answers changed.
 */
export type DriftKind = "new_field" | "removed_field" | "changed_type" | "new_value";

/**
 * Which changes of form.
 */
export type DriftList = { 
/**
 * Of one connection, or of all.
 */
connection_id: ConnectionId | null, 
/**
 * Also those that were decided or are over.
 */
all: boolean, };

/**
 * A change of form: the same change of the same system is one, however many connections met it.
 */
export type DriftRow = { 
/**
 * Its numbers, one per connection: a decision names them.
 */
numbers: Array<number>, 
/**
 * The system.
 */
connector: string, 
/**
 * The stream.
 */
stream: string, 
/**
 * What kind.
 */
kind: DriftKind, 
/**
 * The field: names with points between them, `[]` for elements of a list.
 */
path: string, 
/**
 * Types or words before, by commas; empty when there was nothing.
 */
before: string, 
/**
 * Types or the word now; empty when nothing is left.
 */
after: string, 
/**
 * Records that showed it, of those that were looked at.
 */
records: number, 
/**
 * What became of it.
 */
state: DriftState, 
/**
 * When it was met first.
 */
first_seen: string, 
/**
 * When it was met last.
 */
last_seen: string, 
/**
 * Who met it, in the order of the numbers.
 */
connections: Array<DriftConnection>, };

/**
 * What became of a change of form.
 */
export type DriftState = "open" | "accepted" | "ignored" | "over";

/**
 * Nothing.
 */
export type Empty = Record<symbol, never>;

/**
 * What the backend tells the screens without being asked. There is one stream of these and nothing else crosses.
 */
export type Event = { "type": "run_progress", 
/**
 * Which run.
 */
run_id: RunId, 
/**
 * Of which connection.
 */
connection_id: ConnectionId, 
/**
 * Of which client.
 */
client_id: ClientId, 
/**
 * What it does now.
 */
state: RunState, 
/**
 * How far it is.
 */
progress: Progress, } | { "type": "draft_step", 
/**
 * Which draft.
 */
draft_id: DraftId, } | { "type": "notify", 
/**
 * One line.
 */
title: string, 
/**
 * A few lines.
 */
body: string, 
/**
 * The client it is about, when it is about one.
 */
client_id: ClientId | null, } | { "type": "changed", 
/**
 * The tags.
 */
tags: Array<Tag>, };

/**
 * Statistics as a file.
 */
export type ExportRequest = { 
/**
 * Which.
 */
stats: ClientStatsRequest, 
/**
 * `csv` or `json`.
 */
kind: FileKind, };

/**
 * A file to save.
 */
export type ExportedFile = { 
/**
 * Suggested name.
 */
name: string, 
/**
 * MIME type.
 */
mime: string, 
/**
 * UTF-8 content.
 */
content: string, };

/**
 * What a failure asks for.
 */
export type FailureKind = "sign_in_again" | "fix_settings" | "wait_until" | "retry" | "vendor_changed" | "our_fault" | "cancelled";

/**
 * How true a stream is to its manifest.
 */
export type Fidelity = "runs" | "runs_without" | "unavailable";

/**
 * A field of records.
 */
export type FieldInfo = { 
/**
 * Names from the outside in, with points.
 */
path: string, 
/**
 * Its types in JSON Schema's words, joined by `|`; may be empty.
 */
kind: string, };

/**
 * A meaning with the headers that usually have it.
 */
export type FileColumn = { 
/**
 * The meaning; `ignore` for what looks like one of ours and is none.
 */
field: ImportField, 
/**
 * Its headers, in Russian and English.
 */
headers: Array<string>, };

/**
 * Kinds of file that can be imported or exported.
 */
export type FileKind = "csv" | "tsv" | "xlsx" | "json";

/**
 * How a connection gets its files.
 */
export type FileSource = { 
/**
 * Whether a file was brought by hand, so that it is agreed what columns mean.
 */
agreed: boolean, 
/**
 * The folder from which it takes files by itself.
 */
folder: FolderState | null, };

/**
 * A system whose statistics come as files.
 */
export type FileSystem = { 
/**
 * The level of its usual export; `null` for files from any system.
 */
level: Level | null, 
/**
 * The currency its sums are always in.
 */
currency: Currency | null, 
/**
 * Whether the person must say which currency sums are in.
 */
asks_currency: boolean, 
/**
 * Whether the person must say if sums contain VAT.
 */
asks_vat: boolean, 
/**
 * What the columns of its usual export mean.
 */
columns: Array<FileColumn>, };

/**
 * A folder that is watched.
 */
export type FolderState = { 
/**
 * Where it is.
 */
path: string, 
/**
 * Why it cannot be looked into.
 */
failure: ApiError | null, 
/**
 * Files that were taken from it.
 */
taken: number, 
/**
 * Files that do not fit, by name.
 */
refused: Array<RefusedFile>, };

/**
 * A folder to watch.
 */
export type FolderWatch = { 
/**
 * The connection that takes its files.
 */
id: ConnectionId, 
/**
 * Its full path; absent: none is watched any more.
 */
path: string | null, };

/**
 * The template of a connection.
 */
export type FollowedTemplate = { 
/**
 * Its id.
 */
id: TemplateId, 
/**
 * Its name.
 */
name: string, 
/**
 * What it gives.
 */
settings: Settings, 
/**
 * The settings in which the connection keeps a value of its own.
 */
own: Array<Setting>, 
/**
 * The settings in which the connection still has what the template said formerly.
 */
behind: Array<Setting>, };

/**
 * A connection that follows a template.
 */
export type Follower = { 
/**
 * Which.
 */
connection_id: ConnectionId, 
/**
 * Its client's name.
 */
client_name: string, 
/**
 * The account's name.
 */
account_name: string, 
/**
 * The settings in which it keeps a value of its own.
 */
own: Array<Setting>, 
/**
 * The settings in which it still has what the template said formerly.
 */
behind: Array<Setting>, };

/**
 * An account the sign-in can see.
 */
export type FoundAccount = { 
/**
 * The vendor's id.
 */
external_id: string, 
/**
 * Name.
 */
name: string, 
/**
 * Currency.
 */
currency: Currency | null, 
/**
 * Campaigns, once read.
 */
campaigns: number | null, 
/**
 * Spend of the last 30 days, once read.
 */
spend_30d: Micros | null, 
/**
 * Last day with data, once read.
 */
last_data: string | null, 
/**
 * Whether it delivered in the last 30 days, or keeps only records, of which nobody can tell.
 */
active: boolean, 
/**
 * How far its own test is.
 */
state: StepState, 
/**
 * The client whose name fits best.
 */
suggested_client: ClientId | null, 
/**
 * The connection it already is.
 */
connected_as: ConnectionId | null, };

/**
 * How long a piece of time is that sums are shown for.
 */
export type Grain = "day" | "week" | "month";

/**
 * Health of a client or a connection, in the order of sorting.
 */
export type Health = "act" | "watch" | "good" | "off";

/**
 * How many clients are how well.
 */
export type HealthCount = { 
/**
 * Need a person.
 */
act: number, 
/**
 * Worth a look.
 */
watch: number, 
/**
 * Fine.
 */
good: number, 
/**
 * Without connections.
 */
off: number, };

/**
 * A mapping to try.
 */
export type ImportCheck = { 
/**
 * The file.
 */
upload_id: UploadId, 
/**
 * The client it belongs to.
 */
client_id: ClientId, 
/**
 * The system it is from; `file_import` for any.
 */
connector: string, 
/**
 * Which platform the numbers are from; free text such as `Яндекс Директ`. Becomes the account name.
 */
source_name: string, 
/**
 * Meaning of each column, in the order of the columns.
 */
fields: Array<ImportField>, 
/**
 * Currency when the file has no column for it.
 */
currency: Currency, 
/**
 * VAT.
 */
vat: VatState, };

/**
 * What an import would do.
 */
export type ImportChecked = { 
/**
 * Rows that can be written.
 */
good: number, 
/**
 * Rows that cannot.
 */
bad: number, 
/**
 * The first of them, with line numbers.
 */
bad_rows: Array<QuarantineRow>, 
/**
 * Days of the file.
 */
range: DateRange | null, 
/**
 * Level of the rows.
 */
level: Level | null, 
/**
 * Rows that stand in this range already and would be replaced.
 */
replaces: number, 
/**
 * Spend of the good rows.
 */
spend: Micros | null, 
/**
 * Clicks of the good rows.
 */
clicks: number | null, 
/**
 * Impressions of the good rows.
 */
impressions: number | null, };

/**
 * A column of the file.
 */
export type ImportColumn = { 
/**
 * Its header.
 */
header: string, 
/**
 * What it probably means.
 */
guess: ImportField, };

/**
 * Writes a checked import.
 */
export type ImportCommit = { 
/**
 * The same mapping.
 */
check: ImportCheck, };

/**
 * What a column of an imported file means.
 */
export type ImportField = "ignore" | "date" | "campaign_id" | "campaign_name" | "ad_group_id" | "ad_group_name" | "ad_id" | "ad_name" | "impressions" | "clicks" | "cost" | "cost_micros" | "conversions" | "revenue" | "currency" | "breakdown";

/**
 * A file to import.
 */
export type ImportOpen = { 
/**
 * Its name.
 */
name: string, 
/**
 * Its bytes in base64; at most 64 MiB before encoding.
 */
content_base64: string, 
/**
 * The system it is from, when the person has said so: its words are looked for first.
 */
connector: string | null, };

/**
 * What a file holds.
 */
export type ImportPreview = { 
/**
 * Its handle until the program ends.
 */
upload_id: UploadId, 
/**
 * Kind.
 */
kind: FileKind, 
/**
 * Encoding that was recognised, for text.
 */
encoding: string | null, 
/**
 * Separator that was recognised, for text.
 */
delimiter: string | null, 
/**
 * Whether numbers use a decimal comma.
 */
decimal_comma: boolean, 
/**
 * Sheets, for workbooks; the first with data is read.
 */
sheets: Array<string>, 
/**
 * The line the header stands on, from 1.
 */
header_line: number, 
/**
 * Columns.
 */
columns: Array<ImportColumn>, 
/**
 * The first rows as text.
 */
sample: Array<Array<string>>, 
/**
 * Data rows.
 */
rows: number, 
/**
 * The sources whose earlier files had the same headers, with what was agreed about them.
 */
known: Array<KnownSource>, };

/**
 * What is known of an imported connector.
 */
export type ImportedInfo = { 
/**
 * The revision in use.
 */
revision: number, 
/**
 * When it was saved.
 */
saved_at: string, 
/**
 * Licence of the manifest, as whoever brought it said.
 */
licence: string | null, 
/**
 * Where the manifest is from.
 */
origin: string | null, 
/**
 * The connector of ours that this is a copy of.
 */
copy_of: string | null, };

/**
 * Whether what a connection says is added to its client's totals.
 */
export type InTotals = "counts" | "apart";

/**
 * State of the operating system's keychain.
 */
export type KeychainState = "available" | "locked" | "missing" | "denied";

/**
 * A source that brought files before.
 */
export type KnownSource = { 
/**
 * Its connection.
 */
connection_id: ConnectionId, 
/**
 * Whose it is.
 */
client_id: ClientId, 
/**
 * The system.
 */
connector: string, 
/**
 * Where its numbers are from.
 */
source_name: string, 
/**
 * What was agreed about this file's columns, in their order.
 */
fields: Array<ImportField>, 
/**
 * Currency.
 */
currency: Currency, 
/**
 * VAT.
 */
vat: VatState, };

/**
 * One tile of the strip.
 */
export type Kpi = { 
/**
 * Which metric.
 */
metric: Metric, 
/**
 * How to print it.
 */
unit: Unit, 
/**
 * Value over the period.
 */
value: Micros | null, 
/**
 * Value over the comparison period.
 */
compare: Micros | null, 
/**
 * Relative change in millionths (62,000 = +6.2 %); for percent metrics the difference of the ratios.
 */
change: Micros | null, 
/**
 * Whether the change is good.
 */
verdict: Verdict, 
/**
 * A value per day of the period, per month of one that is longer than half a year.
 */
series: Array<Micros | null>, 
/**
 * The same of the comparison period.
 */
compare_series: Array<Micros | null>, };

/**
 * A language messages are written in.
 */
export type Language = "ru" | "en";

/**
 * Clients that the strip leaves out.
 */
export type LeftOut = { 
/**
 * Their currency.
 */
currency: Currency, 
/**
 * How many.
 */
clients: number, 
/**
 * Their spend.
 */
spend: Micros | null, };

/**
 * The depth of a row in a platform's tree. Platforms name them differently (VK: ad plan, group, banner); these are ours.
 */
export type Level = "account" | "campaign" | "ad_group" | "ad";

/**
 * A header about limits.
 */
export type LimitSaid = { 
/**
 * Its name.
 */
name: string, 
/**
 * What it says.
 */
value: string, };

/**
 * A text in both languages.
 */
export type LocalText = { 
/**
 * Russian.
 */
ru: string, 
/**
 * English.
 */
en: string, };

/**
 * Where the workspace key and the credentials are kept.
 */
export type Lock = "keychain" | "passphrase";

/**
 * A line of a run's log.
 */
export type LogRow = { 
/**
 * When.
 */
at: string, 
/**
 * What, in one of our words: `slice_started`, `page_read`, `slice_committed`, `waiting`, `retry`, `failed`, `ended` ...
 */
event: string, 
/**
 * Its values by name.
 */
params: { [key in string]: string }, };

/**
 * How far back a stream is read again, because its platform corrects past days: a little every time, and far enough for what comes
 * late (goals, fraud taken off) once a week.
 */
export type Lookback = { 
/**
 * Past days that every run reads again.
 */
days: number, 
/**
 * Past days that a run reads again once a week.
 */
weekly_days: number, };

/**
 * How a mail server is spoken to. There is no third way: a password is not sent in the clear.
 */
export type MailTls = "implicit" | "starttls";

/**
 * Which file of a connector.
 */
export type ManifestFile = "manifest" | "mapping";

/**
 * A manifest to keep.
 */
export type ManifestImport = { 
/**
 * Its text.
 */
manifest: string, 
/**
 * The mapping's text; empty or absent: every stream is kept as it comes.
 */
mapping: string | null, 
/**
 * The name people will see, 1 to 80 characters.
 */
name: string, 
/**
 * Its licence, as the person says.
 */
licence: string | null, 
/**
 * Where it is from, as the person says.
 */
origin: string | null, 
/**
 * The connector of ours that it is a copy of, whose sign-in it uses.
 */
copy_of: string | null, };

/**
 * Something wrong in a file.
 */
export type ManifestProblem = { 
/**
 * Which file.
 */
file: ManifestFile, 
/**
 * Where in it, such as `streams/0/retriever`; empty: the whole.
 */
path: string, 
/**
 * What is wrong and what was expected, for the specialist.
 */
message: string, };

/**
 * What a manifest would do here.
 */
export type ManifestReport = { 
/**
 * A name for the catalogue; may be empty.
 */
name: string, 
/**
 * The version of the format that it was written for.
 */
version: string, 
/**
 * Its licence, if it says one.
 */
licence: string | null, 
/**
 * Where it is from, if it says so.
 */
origin: string | null, 
/**
 * Documentation that it names.
 */
docs_url: string | null, 
/**
 * What it says of itself.
 */
description: string | null, 
/**
 * JSON Schema of its form.
 */
form: unknown, 
/**
 * Fields of the form that go to the keychain; nested ones with points.
 */
secrets: Array<string>, 
/**
 * Its streams in its order.
 */
streams: Array<StreamReport>, 
/**
 * Whether more streams are found out by asking the platform.
 */
generates_streams: boolean, 
/**
 * What the mapping says, stream by stream.
 */
mapping: Array<StreamMapping>, 
/**
 * The tables that streams can become.
 */
tables: Array<MappingTableInfo>, 
/**
 * What is wrong; with any of these it cannot be imported.
 */
problems: Array<ManifestProblem>, };

/**
 * A revision of an imported connector.
 */
export type ManifestRevision = { 
/**
 * Its number.
 */
revision: number, 
/**
 * When it was saved.
 */
saved_at: string, };

/**
 * What was saved.
 */
export type ManifestSaved = { 
/**
 * Its id in the catalogue.
 */
connector: string, 
/**
 * The revision.
 */
revision: number, 
/**
 * What it does.
 */
report: ManifestReport, };

/**
 * The files of a connector.
 */
export type ManifestSource = { 
/**
 * Its id.
 */
connector: string, 
/**
 * Its name by language.
 */
name: LocalText, 
/**
 * The manifest.
 */
manifest: string, 
/**
 * The mapping; empty when there is none.
 */
mapping: string, 
/**
 * What is known of it when it was imported.
 */
imported: ImportedInfo | null, 
/**
 * Its revisions, newest first; none for our own.
 */
revisions: Array<ManifestRevision>, };

/**
 * A manifest to begin with; its comments say what to change.
 */
export type ManifestStarter = { 
/**
 * The manifest by language.
 */
manifest: LocalText, 
/**
 * Its mapping by language.
 */
mapping: LocalText, };

/**
 * A manifest to look at.
 */
export type ManifestText = { 
/**
 * Its text: YAML or JSON.
 */
manifest: string, 
/**
 * The mapping's text, if there is one; JSON is YAML too.
 */
mapping: string | null, 
/**
 * The name of the file it was dropped as, to guess a name from.
 */
file_name: string | null, 
/**
 * The connector of ours that it is a copy of, whose sign-in it uses.
 */
copy_of: string | null, };

/**
 * A new revision of an imported connector; absent fields stay.
 */
export type ManifestUpdate = { 
/**
 * Its id.
 */
connector: string, 
/**
 * The revision that was edited: a newer one in between refuses the save.
 */
revision: number, 
/**
 * The manifest.
 */
manifest: string | null, 
/**
 * The mapping.
 */
mapping: string | null, 
/**
 * The name.
 */
name: string | null, 
/**
 * The licence.
 */
licence: string | null, 
/**
 * The origin.
 */
origin: string | null, };

/**
 * By what a mapping splits rows.
 */
export type MappingBreakdown = { 
/**
 * Its kind.
 */
kind: string, 
/**
 * Where its value stands in a record.
 */
from: string, };

/**
 * A field of such a table.
 */
export type MappingField = "external_id" | "date" | "impressions" | "clicks" | "cost" | "conversions" | "revenue" | "currency" | "parent" | "name";

/**
 * A field of such a table.
 */
export type MappingFieldInfo = { 
/**
 * Which.
 */
field: MappingField, 
/**
 * Its name in the mapping's text.
 */
name: string, 
/**
 * Whether a mapping cannot do without it.
 */
required: boolean, };

/**
 * What a mapping makes of records. Without a mapping for the stream all lists are empty.
 */
export type MappingPreview = { 
/**
 * Daily rows.
 */
stats: Array<PreviewStat>, 
/**
 * Ad objects.
 */
objects: Array<PreviewObject>, 
/**
 * Rows that would go to quarantine.
 */
rejected: Array<QuarantineRow>, 
/**
 * What is wrong with the mapping itself.
 */
problems: Array<ManifestProblem>, };

/**
 * A mapping to try.
 */
export type MappingPreviewRequest = { 
/**
 * The mapping's text.
 */
mapping: string, 
/**
 * The stream.
 */
stream: string, 
/**
 * Records of it, such as those of a test read.
 */
records: unknown[], 
/**
 * Currency of the account.
 */
currency: Currency, 
/**
 * VAT.
 */
vat: VatState, };

/**
 * Where a mapping finds the state of an ad object.
 */
export type MappingStatus = { 
/**
 * Where it stands in a record.
 */
from: string, 
/**
 * What the platform's words mean.
 */
words: { [key in string]: ObjectStatus }, };

/**
 * A table of ours that a stream can become.
 */
export type MappingTable = "campaign_stats" | "ad_objects";

/**
 * A table that a stream can become.
 */
export type MappingTableInfo = { 
/**
 * The table.
 */
table: MappingTable, 
/**
 * Its fields in order.
 */
fields: Array<MappingFieldInfo>, };

/**
 * The share of its revenue that a client keeps.
 */
export type MarginSet = { 
/**
 * Whose.
 */
client_id: ClientId, 
/**
 * In millionths, from 0 to 1; absent: nobody knows.
 */
margin: Micros | null, };

/**
 * A metric on screen. Each is defined once, in `insight`.
 */
export type Metric = "spend" | "spend_with_vat" | "spend_without_vat" | "impressions" | "clicks" | "conversions" | "revenue" | "ctr" | "cpc" | "cpm" | "cr" | "cpa" | "roas" | "roi" | "romi" | "drr" | "visits" | "page_views" | "bounce_rate";

/**
 * A decimal number kept as an integer of millionths: 1.5 is 1,500,000. Used for money and for conversions, which
 * platforms with data-driven attribution count in fractions.
 */
export type Micros = number;

/**
 * A month of the calendar, `2026-11` as text.
 */
export type Month = string;

/**
 * Something that needs a person.
 */
export type Need = { 
/**
 * What happened.
 */
error: ApiError, 
/**
 * The client.
 */
client_id: ClientId, 
/**
 * Its name.
 */
client_name: string, 
/**
 * The connection.
 */
connection_id: ConnectionId, 
/**
 * Its connector.
 */
connector: string, 
/**
 * Its account.
 */
account_name: string, 
/**
 * The run that failed.
 */
run_id: RunId | null, 
/**
 * Since when.
 */
since: string, 
/**
 * Last day with data.
 */
data_through: string | null, 
/**
 * The one button.
 */
action: NeedAction, };

/**
 * What a person can do about a need, the one button of its row.
 */
export type NeedAction = "sign_in" | "open_settings" | "retry" | "open_run";

/**
 * A client to add.
 */
export type NewClient = { 
/**
 * Name, 1 to 120 characters, unique without regard to case.
 */
name: string, 
/**
 * Currency; the workspace's when absent.
 */
currency: Currency | null, 
/**
 * Time zone; the workspace's when absent.
 */
time_zone: string | null, };

/**
 * Saves a connection's settings as a template.
 */
export type NewTemplate = { 
/**
 * Whose settings.
 */
from: ConnectionId, 
/**
 * Its name.
 */
name: string, };

/**
 * Creates the workspace whose recovery key was shown last.
 */
export type NewWorkspace = { 
/**
 * Name people see.
 */
name: string, 
/**
 * Default currency.
 */
currency: Currency, 
/**
 * Default time zone.
 */
time_zone: string, 
/**
 * Where to keep the key.
 */
lock: Lock, 
/**
 * The passphrase, when `lock` is `passphrase`; at least 10 characters.
 */
passphrase: string | null, };

/**
 * A workspace about to be created.
 */
export type NewWorkspaceDraft = { 
/**
 * The recovery key in groups of four, shown this once.
 */
recovery_key: string, 
/**
 * Suggested currency.
 */
currency: Currency, 
/**
 * Suggested time zone, from the system.
 */
time_zone: string, 
/**
 * Whether the keychain can be chosen.
 */
keychain: KeychainState, };

/**
 * Whether an ad object is delivering, as far as the platform says.
 */
export type ObjectStatus = "active" | "stopped" | "deleted" | "unknown";

/**
 * Rows that are in quarantine now: those whose day was not read well since.
 */
export type OpenQuarantine = { 
/**
 * The rows, the latest first.
 */
rows: Array<OpenQuarantineRow>, 
/**
 * How many there are with this reason.
 */
total: number, 
/**
 * How many there are by reason, the most frequent first.
 */
reasons: Array<ReasonCount>, };

/**
 * Which open rows of a connection's quarantine.
 */
export type OpenQuarantineRequest = { 
/**
 * The connection.
 */
connection_id: ConnectionId, 
/**
 * Only those with this reason.
 */
reason: RejectReason | null, 
/**
 * Skip this many.
 */
skip: number, 
/**
 * At most this many, up to 500.
 */
limit: number, };

/**
 * An open row.
 */
export type OpenQuarantineRow = { 
/**
 * The run that read it last.
 */
run_id: RunId, 
/**
 * When that run began.
 */
found_at: string, 
/**
 * The row.
 */
row: QuarantineRow, };

/**
 * The nine o'clock screen.
 */
export type Overview = { 
/**
 * When it was computed.
 */
as_of: string, 
/**
 * Clients by health.
 */
health: HealthCount, 
/**
 * The strip; sums in `currency`.
 */
kpis: Array<Kpi>, 
/**
 * Currency of the strip.
 */
currency: Currency, 
/**
 * Clients in other currencies, which the strip leaves out because no exchange rate is known.
 */
left_out: Array<LeftOut>, 
/**
 * The last day for which every active connection has data.
 */
complete_through: string | null, 
/**
 * What needs a person, worst first.
 */
needs: Array<Need>, 
/**
 * Urgent alerts that are not about the health of a connection, which `needs` tells.
 */
alerts: Array<AlertRow>, 
/**
 * A row per client, worst health first, then by spend.
 */
rows: Array<PortfolioRow>, 
/**
 * Whether some connection of the period failed, so that sums are lower bounds.
 */
partial: boolean, };

/**
 * Which days the overview is about.
 */
export type OverviewRequest = { 
/**
 * The period.
 */
period: DateRange, 
/**
 * What to compare it with.
 */
compare: DateRange | null, };

/**
 * A month's plan and what has become of it. Shares and ratios are of the plan, in millionths.
 */
export type Pace = { 
/**
 * The whole month's plan.
 */
plan: Micros, 
/**
 * Spend of the days of the month up to `through`.
 */
spent: Micros, 
/**
 * What the plan had for these days.
 */
expected: Micros, 
/**
 * Spend by plan.
 */
spent_share: Micros | null, 
/**
 * Expected by plan.
 */
expected_share: Micros | null, 
/**
 * Spend by expected; unknown where nothing was expected.
 */
pacing: Micros | null, 
/**
 * The word for it; absent before the first day is over.
 */
course: Course | null, 
/**
 * Spend of the whole month, if it goes on as it does.
 */
forecast: Micros | null, 
/**
 * The lower end of what holds it with a probability of 80 %.
 */
forecast_low: Micros | null, 
/**
 * The upper end.
 */
forecast_high: Micros | null, 
/**
 * Forecast by plan.
 */
forecast_share: Micros | null, 
/**
 * The word for the forecast.
 */
outcome: Course | null, 
/**
 * The last day that was compared: up to it all that the plan is about was read.
 */
through: string | null, 
/**
 * Whether that day is too long ago to trust the comparison.
 */
stale: boolean, };

/**
 * How a month's sum is divided among its days.
 */
export type Phasing = { "type": "even" } | { "type": "weekdays", 
/**
 * Weights from Monday on; only their proportions matter.
 */
weights: [number, number, number, number, number, number, number], } | { "type": "days", 
/**
 * Weights from the first of the month on; only their proportions matter. A day that is not in the list has none.
 */
weights: Array<number>, };

/**
 * What the rows of a table are told apart by.
 */
export type PivotDimension = "channel" | "account" | "campaign" | "ad_group" | "ad" | "day" | "week" | "month" | { "breakdown": string };

/**
 * What a row of the table is.
 */
export type PivotKind = "channel" | "account" | "campaign" | "ad_group" | "ad" | "day" | "week" | "month" | "breakdown" | "not_split" | "apart";

/**
 * A row of the tree.
 */
export type PivotNode = { 
/**
 * How deep, from 0.
 */
depth: number, 
/**
 * The place of its parent in the list.
 */
parent: number | null, 
/**
 * Which of its siblings it is, the same in every reading.
 */
key: string, 
/**
 * What it is.
 */
kind: PivotKind, 
/**
 * Its name: of a system its id, of a piece of time its first day.
 */
label: string, 
/**
 * Names of what stands above it and is no dimension here, from the top.
 */
above: Array<string>, 
/**
 * The connector of what belongs to one.
 */
connector: string | null, 
/**
 * The vendor's id.
 */
external_id: string | null, 
/**
 * Address of the page an ad leads to, where the platform says.
 */
landing_url: string | null, 
/**
 * The UTM tags in that address.
 */
utm: Utm | null, 
/**
 * The first day of a piece of time within the period.
 */
from: string | null, 
/**
 * Its last day within the period.
 */
to: string | null, 
/**
 * Whether some of its days may still change.
 */
moving: boolean, 
/**
 * Its sums.
 */
sums: StatsSums, };

/**
 * Whose plans of which month.
 */
export type PlanList = { 
/**
 * The client.
 */
client_id: ClientId, 
/**
 * The month, as `2026-11`.
 */
month: Month, };

/**
 * A plan.
 */
export type PlanRow = { 
/**
 * Of what.
 */
scope: PlanScope, 
/**
 * The name of its campaign, where it has one.
 */
campaign: string | null, 
/**
 * How much.
 */
amount: Micros, 
/**
 * In which currency.
 */
currency: Currency, 
/**
 * Divided how.
 */
phasing: Phasing, 
/**
 * How it stands.
 */
pace: Pace, };

/**
 * What a plan is for. A client has one plan of each in a month; they stand beside each other and are not made to agree.
 */
export type PlanScope = { "type": "client" } | { "type": "channel", 
/**
 * Which system.
 */
connector: string, } | { "type": "campaign", 
/**
 * In which connection.
 */
connection_id: ConnectionId, 
/**
 * The vendor's id.
 */
external_id: string, };

/**
 * A plan to make, or to take back.
 */
export type PlanSet = { 
/**
 * Whose.
 */
client_id: ClientId, 
/**
 * Of which month.
 */
month: Month, 
/**
 * Of what.
 */
scope: PlanScope, 
/**
 * How much, in the client's currency; absent: it is taken back.
 */
amount: Micros | null, 
/**
 * Divided how.
 */
phasing: Phasing, };

/**
 * A client in the portfolio.
 */
export type PortfolioRow = { 
/**
 * The client.
 */
client_id: ClientId, 
/**
 * Its name.
 */
client_name: string, 
/**
 * Its health.
 */
health: Health, 
/**
 * Its currency.
 */
currency: Currency, 
/**
 * Spend of the period.
 */
spend: Micros | null, 
/**
 * Change of spend against the comparison.
 */
spend_change: Micros | null, 
/**
 * Impressions.
 */
impressions: number | null, 
/**
 * Clicks.
 */
clicks: number | null, 
/**
 * Conversions.
 */
conversions: Micros | null, 
/**
 * Revenue.
 */
revenue: Micros | null, 
/**
 * Clicks per impression.
 */
ctr: Micros | null, 
/**
 * Spend per click.
 */
cpc: Micros | null, 
/**
 * Spend per conversion.
 */
cpa: Micros | null, 
/**
 * Change of CPA.
 */
cpa_change: Micros | null, 
/**
 * Revenue per spend.
 */
roas: Micros | null, 
/**
 * Spend per revenue.
 */
drr: Micros | null, 
/**
 * Spend per day of the period, per month of one that is longer than half a year.
 */
daily_spend: Array<Micros | null>, 
/**
 * Days at the end of the period that may still change.
 */
moving_days: number, 
/**
 * Anomalies of its connections' newest settled days of which nobody has said anything.
 */
anomalies: number, 
/**
 * The worst of them.
 */
worst_anomaly: WorstAnomaly | null, 
/**
 * Last day with data of all its connections.
 */
data_through: string | null, 
/**
 * Last successful sync of its connections.
 */
synced_at: string | null, 
/**
 * Its connections.
 */
connections: number, 
/**
 * Connections that need a person.
 */
problems: number, 
/**
 * How its plan for the month of the period's last day stands, up to that day; absent: it has none.
 */
pace: Pace | null, };

/**
 * An ad object that a mapping made.
 */
export type PreviewObject = { 
/**
 * The vendor's id.
 */
external_id: string, 
/**
 * Depth.
 */
level: Level, 
/**
 * The vendor's id one level up.
 */
parent_external_id: string | null, 
/**
 * Its name.
 */
name: string, 
/**
 * Whether it delivers.
 */
status: ObjectStatus, };

/**
 * A daily row that a mapping made.
 */
export type PreviewStat = { 
/**
 * The vendor's id.
 */
external_id: string, 
/**
 * Depth.
 */
level: Level, 
/**
 * The day.
 */
date: string, 
/**
 * The split, if any.
 */
breakdown: string, 
/**
 * Impressions.
 */
impressions: number | null, 
/**
 * Clicks.
 */
clicks: number | null, 
/**
 * Spend.
 */
cost: Micros | null, 
/**
 * Currency.
 */
currency: Currency, 
/**
 * Conversions.
 */
conversions: Micros | null, 
/**
 * Revenue.
 */
revenue: Micros | null, };

/**
 * How far a run is. `total` is unknown until the platform said it; a bar without a total shows slices instead.
 */
export type Progress = { 
/**
 * Slices committed.
 */
slices_done: number, 
/**
 * Slices planned.
 */
slices_total: number, 
/**
 * Rows written so far.
 */
rows: number, 
/**
 * Rows put into quarantine so far.
 */
quarantined: number, 
/**
 * Requests sent so far, repeats included.
 */
requests: number, 
/**
 * Requests that had to be repeated.
 */
retries: number, 
/**
 * Rows per second over the last seconds, if known.
 */
rows_per_sec: number | null, 
/**
 * Seconds left at the present rate, if known.
 */
remaining_secs: number | null, };

/**
 * Open rows as a file.
 */
export type QuarantineExport = { 
/**
 * The connection.
 */
connection_id: ConnectionId, 
/**
 * Only those with this reason.
 */
reason: RejectReason | null, 
/**
 * `csv`, or `json` for one object per line.
 */
kind: FileKind, };

/**
 * Quarantined rows with the same reason.
 */
export type QuarantineGroup = { 
/**
 * The day, if readable.
 */
date: string | null, 
/**
 * Why.
 */
reason: RejectReason, 
/**
 * The field.
 */
field: string, 
/**
 * An example of the value.
 */
value: string, 
/**
 * How many.
 */
count: number, };

/**
 * Quarantined rows.
 */
export type QuarantinePage = { 
/**
 * The rows.
 */
rows: Array<QuarantineRow>, 
/**
 * How many there are.
 */
total: number, };

/**
 * Which quarantined rows.
 */
export type QuarantineRequest = { 
/**
 * The run.
 */
run_id: RunId, 
/**
 * Skip this many.
 */
offset: number, 
/**
 * At most this many, up to 500.
 */
limit: number, };

/**
 * A quarantined row.
 */
export type QuarantineRow = { 
/**
 * Stream.
 */
stream: string, 
/**
 * Day.
 */
date: string | null, 
/**
 * Why.
 */
reason: RejectReason, 
/**
 * Field.
 */
field: string, 
/**
 * Value.
 */
value: string, 
/**
 * Line of the file, for imports.
 */
line: number | null, 
/**
 * The row as it came.
 */
raw: string, };

/**
 * The hours of the day in which a channel is silent, in its time zone. `from` may be later than `to`: then they go over midnight.
 */
export type QuietHours = { 
/**
 * The first silent minute, `HH:MM`.
 */
from: string, 
/**
 * The first minute that is not, `HH:MM`. The same as `from`: silent round the clock.
 */
to: string, };

/**
 * Requests of an account in one window of a platform's limits.
 */
export type QuotaWindow = { 
/**
 * The part of the platform it counts; empty: all of it.
 */
scope: string, 
/**
 * Length of the window, seconds.
 */
period_secs: number, 
/**
 * Requests allowed.
 */
limit: number, 
/**
 * Requests made.
 */
used: number, 
/**
 * When all of them are free again.
 */
ends: string, };

/**
 * How many rows have a reason.
 */
export type ReasonCount = { 
/**
 * The reason.
 */
reason: RejectReason, 
/**
 * How many.
 */
count: number, };

/**
 * Records as a file.
 */
export type RecordExport = { 
/**
 * Which.
 */
filter: RecordFilter, 
/**
 * `csv` or `json`.
 */
kind: FileKind, };

/**
 * Which records of a stream.
 */
export type RecordFilter = { 
/**
 * The connection.
 */
connection_id: ConnectionId, 
/**
 * The stream.
 */
stream: string, 
/**
 * Only those that contain this text.
 */
text: string | null, 
/**
 * Only in this field, a path with points; absent: anywhere in the record.
 */
field: string | null, };

/**
 * A page of records.
 */
export type RecordList = { 
/**
 * Which.
 */
filter: RecordFilter, 
/**
 * Records after this number.
 */
after: number | null, 
/**
 * Of these, how many to pass over.
 */
skip: number | null, 
/**
 * At most this many, up to 500.
 */
limit: number, };

/**
 * Records in the order they came.
 */
export type RecordPage = { 
/**
 * They.
 */
records: Array<RecordRow>, 
/**
 * How many the filter means.
 */
total: number, 
/**
 * Whether there are more after these.
 */
more: boolean, 
/**
 * Fields that these records have.
 */
fields: Array<FieldInfo>, };

/**
 * A record.
 */
export type RecordRow = { 
/**
 * Its number in the order they came.
 */
number: number, 
/**
 * Its primary key as JSON text.
 */
key: string | null, 
/**
 * It.
 */
data: unknown, 
/**
 * When it was read last.
 */
read_at: string, };

/**
 * A stream kept as it comes.
 */
export type RecordStream = { 
/**
 * Its name.
 */
stream: string, 
/**
 * Records kept.
 */
count: number, 
/**
 * Fields of its schema.
 */
fields: Array<FieldInfo>, 
/**
 * Its primary key.
 */
primary_key: Array<string>, 
/**
 * Whether it continues where it stopped.
 */
incremental: boolean, };

/**
 * Brings a workspace's key back.
 */
export type RecoverWorkspace = { 
/**
 * The recovery key as shown at creation; spaces, dashes and case do not matter.
 */
recovery_key: string, 
/**
 * Where to keep the key from now on.
 */
lock: Lock, 
/**
 * The passphrase, when `lock` is `passphrase`.
 */
passphrase: string | null, };

/**
 * A file of a watched folder that was not taken.
 */
export type RefusedFile = { 
/**
 * Its name.
 */
name: string, 
/**
 * Why.
 */
failure: ApiError, 
/**
 * The run that failed.
 */
run_id: RunId | null, 
/**
 * When it was tried.
 */
at: string, };

/**
 * Why a row was rejected.
 */
export type RejectReason = "missing" | "not_a_number" | "not_a_date" | "negative" | "unknown_word" | "too_large" | "currency_mismatch" | "outside_window" | "duplicate" | "wrong_shape";

/**
 * A request that a run sent; secrets are masked before it is kept.
 */
export type RequestRow = { 
/**
 * When.
 */
at: string, 
/**
 * Method.
 */
method: string, 
/**
 * URL without secrets.
 */
url: string, 
/**
 * Status; absent when no answer came.
 */
status: number | null, 
/**
 * How long.
 */
millis: number, 
/**
 * Bytes of the answer.
 */
bytes: number, 
/**
 * Which attempt, from 1.
 */
attempt: number, 
/**
 * What the platform said of its limits with the answer.
 */
limits: Array<LimitSaid>, 
/**
 * Why no usable answer came; redacted.
 */
failure: string | null, };

/**
 * A number of a rule.
 */
export type RuleNumber = { 
/**
 * Which number.
 */
threshold: Threshold, 
/**
 * The smallest that makes sense.
 */
least: number, 
/**
 * The largest that makes sense.
 */
most: number, };

/**
 * A run with everything known of it.
 */
export type RunDetail = { 
/**
 * The row.
 */
run: RunRow, 
/**
 * Its slices in order.
 */
slices: Array<SliceRow>, 
/**
 * Pauses it made, newest first.
 */
waits: Array<WaitRow>, 
/**
 * Quarantined rows grouped by reason and day.
 */
quarantine: Array<QuarantineGroup>, 
/**
 * Its latest requests, newest first, redacted.
 */
requests: Array<RequestRow>, 
/**
 * Its latest log lines, newest first.
 */
log: Array<LogRow>, };

/**
 * What a run will take, learned from what was read before. Absent is unknown.
 */
export type RunEstimate = { 
/**
 * Slices.
 */
slices: number, 
/**
 * Requests.
 */
requests: number | null, 
/**
 * Seconds of reading, without waiting for a quota.
 */
secs: number | null, 
/**
 * When the quota is used up on the way, if it is.
 */
pause_at: string | null, 
/**
 * When it is free again, and the run goes on by itself.
 */
pause_until: string | null, };

/**
 * Which rows of the run history.
 */
export type RunFilter = "all" | "failed" | "remarks";

/**
 * One run of a connection.
 */
export type RunId = string;

/**
 * Which runs.
 */
export type RunList = { 
/**
 * One client, or all.
 */
client_id: ClientId | null, 
/**
 * One connection, or all.
 */
connection_id: ConnectionId | null, 
/**
 * Which ends.
 */
filter: RunFilter, 
/**
 * Runs that started before this one.
 */
before: RunId | null, 
/**
 * At most this many, up to 500.
 */
limit: number, };

/**
 * A page of history.
 */
export type RunPage = { 
/**
 * Newest first.
 */
runs: Array<RunRow>, 
/**
 * Whether there are older ones.
 */
more: boolean, };

/**
 * A run in a list.
 */
export type RunRow = { 
/**
 * Identity.
 */
id: RunId, 
/**
 * The connection.
 */
connection_id: ConnectionId, 
/**
 * The client.
 */
client_id: ClientId, 
/**
 * Its name.
 */
client_name: string, 
/**
 * Connector.
 */
connector: string, 
/**
 * Account.
 */
account_name: string, 
/**
 * Why it was started.
 */
trigger: RunTrigger, 
/**
 * What it does or how it ended.
 */
state: RunState, 
/**
 * The days it reads.
 */
range: DateRange | null, 
/**
 * The streams that were asked for; absent: all that are on.
 */
streams: Array<string> | null, 
/**
 * How far it is.
 */
progress: Progress, 
/**
 * When it was started.
 */
started_at: string, 
/**
 * When it ended.
 */
ended_at: string | null, 
/**
 * Until when it waits.
 */
waiting_until: string | null, 
/**
 * Why it failed. One that waits and says why is parked: nobody works on it until then.
 */
failure: ApiError | null, };

/**
 * What was started.
 */
export type RunStarted = { 
/**
 * The runs.
 */
run_ids: Array<RunId>, };

/**
 * What a run is doing or how it ended.
 */
export type RunState = "queued" | "running" | "waiting" | "paused" | "done" | "done_with_remarks" | "failed" | "stopped";

/**
 * Why a run was started.
 */
export type RunTrigger = "first" | "manual" | "schedule" | "recollect" | "import";

/**
 * When a connection is collected by itself.
 */
export type Schedule = { "kind": "off" } | { "kind": "hourly", 
/**
 * Hours between two starts, counted from midnight: 1, 2, 3, 4, 6, 8 or 12.
 */
every: number, } | { "kind": "daily", 
/**
 * The time, `HH:MM`.
 */
at: string, 
/**
 * The days; at least one.
 */
days: Array<Weekday>, } | { "kind": "cron", 
/**
 * Five fields: minute, hour, day of the month, month, day of the week.
 */
expression: string, };

/**
 * One of the settings.
 */
export type Setting = "streams" | "schedule" | "lookbacks" | "vat" | "zero_rows" | "in_totals";

/**
 * The settings of a connection, or those that a template gives. One that a template does not have yet, because it was saved before
 * there was such a setting, is as it is without anybody's choice.
 */
export type Settings = { 
/**
 * Which streams are read, in the order of the connector.
 */
streams: Array<StreamChoice>, 
/**
 * When it is collected by itself, in the client's time zone.
 */
schedule: Schedule, 
/**
 * How far back streams are read again where a person wants it otherwise than their connector suggests, by stream.
 */
lookbacks: { [key in string]: Lookback }, 
/**
 * Whether the platform's sums contain VAT, as the person declared.
 */
vat: VatState, 
/**
 * What becomes of rows in which nothing happened.
 */
zero_rows: ZeroRows, 
/**
 * Whether it is added to its client's totals.
 */
in_totals: InTotals, };

/**
 * How urgent an alert is.
 */
export type Severity = "critical" | "warning" | "notice";

/**
 * One going-in of a person to a platform, shared by the connections made from it.
 */
export type SignInId = string;

/**
 * A sign-in and what lives by it.
 */
export type SignInRow = { 
/**
 * Its id.
 */
id: SignInId, 
/**
 * Of which system.
 */
connector: string, 
/**
 * Who authorised it, as the platform calls them; absent when it does not say.
 */
owner: string | null, 
/**
 * What it may do, in the platform's words; absent when it does not say.
 */
scopes: Array<string> | null, 
/**
 * When a person signed in.
 */
issued_at: string, 
/**
 * When the access token in use ends; it renews itself.
 */
access_until: string | null, 
/**
 * When it ends for good unless a person signs in again; absent: no end is known.
 */
ends_at: string | null, 
/**
 * When a run last went in with it.
 */
used_at: string | null, 
/**
 * When its tokens were last renewed.
 */
refreshed_at: string | null, 
/**
 * How it stands.
 */
state: SignInState, 
/**
 * The connections that stop when it dies.
 */
uses: Array<SignInUse>, 
/**
 * How many clients these are.
 */
clients: number, 
/**
 * The connection to sign in for: one that waits for it, else any. One sign-in repairs all.
 */
renew: ConnectionId | null, };

/**
 * How a sign-in stands.
 */
export type SignInState = "good" | "ends_soon" | "needed";

/**
 * A connection that lives by a sign-in.
 */
export type SignInUse = { 
/**
 * Which.
 */
connection_id: ConnectionId, 
/**
 * Whose.
 */
client_id: ClientId, 
/**
 * Its client's name.
 */
client_name: string, 
/**
 * The account's name.
 */
account_name: string, 
/**
 * Whether it may run.
 */
state: ConnectionState, };

/**
 * A slice of a run.
 */
export type SliceRow = { 
/**
 * The stream.
 */
stream: string, 
/**
 * Its window; absent for dictionaries.
 */
window: DateRange | null, 
/**
 * What it does.
 */
state: SliceState, 
/**
 * Rows written.
 */
rows: number, 
/**
 * Rows in quarantine.
 */
quarantined: number, 
/**
 * Requests.
 */
requests: number, 
/**
 * How long it took.
 */
millis: number | null, 
/**
 * Why it failed.
 */
failure: ApiError | null, };

/**
 * What one slice of a run is doing.
 */
export type SliceState = "pending" | "running" | "done" | "failed";

/**
 * Statistics of a client as a tree.
 */
export type StatsPivot = { 
/**
 * Currency of the sums.
 */
currency: Currency, 
/**
 * Sums of everything that counts.
 */
total: StatsSums, 
/**
 * Its dimensions: as asked for, without the innermost ones where the table would have been too long.
 */
dimensions: Array<PivotDimension>, 
/**
 * Its rows, each parent before its children; siblings by time, else by spend. The parts of a row are together the row.
 */
nodes: Array<PivotNode>, };

/**
 * Which tree.
 */
export type StatsPivotRequest = { 
/**
 * The client.
 */
client_id: ClientId, 
/**
 * The period.
 */
period: DateRange, 
/**
 * One to four dimensions, from the outermost; none twice, at most one split.
 */
dimensions: Array<PivotDimension>, };

/**
 * Sums of a day, week or month.
 */
export type StatsPoint = { 
/**
 * Its first day within the period.
 */
from: string, 
/**
 * Its last day within the period.
 */
to: string, 
/**
 * How far its worst day can be trusted.
 */
state: DayState, 
/**
 * Its sums.
 */
sums: StatsSums, };

/**
 * Sums of one connection or ad object.
 */
export type StatsRow = { 
/**
 * The connection.
 */
connection_id: ConnectionId, 
/**
 * Its connector.
 */
connector: string, 
/**
 * Depth; `account` for the connection itself.
 */
level: Level, 
/**
 * The vendor's id.
 */
external_id: string, 
/**
 * The vendor's id one level up.
 */
parent_external_id: string | null, 
/**
 * Name, or the id where the platform gave none.
 */
name: string, 
/**
 * Whether its connection counts toward the totals.
 */
in_totals: InTotals, 
/**
 * Address of the page it leads to; of ads alone, where the platform says.
 */
landing_url: string | null, 
/**
 * The UTM tags in that address.
 */
utm: Utm | null, 
/**
 * Its sums.
 */
sums: StatsSums, };

/**
 * Sums and what follows from them.
 */
export type StatsSums = { 
/**
 * Impressions.
 */
impressions: number | null, 
/**
 * Clicks.
 */
clicks: number | null, 
/**
 * Spend.
 */
spend: Micros | null, 
/**
 * Spend with VAT, at the rate of its days; unknown where a connection does not say whether its sums contain it.
 */
spend_with_vat: Micros | null, 
/**
 * Spend without VAT.
 */
spend_without_vat: Micros | null, 
/**
 * Conversions.
 */
conversions: Micros | null, 
/**
 * Revenue.
 */
revenue: Micros | null, 
/**
 * Clicks per impression.
 */
ctr: Micros | null, 
/**
 * Spend per click.
 */
cpc: Micros | null, 
/**
 * Spend per thousand impressions.
 */
cpm: Micros | null, 
/**
 * Conversions per click.
 */
cr: Micros | null, 
/**
 * Spend per conversion.
 */
cpa: Micros | null, 
/**
 * Revenue per spend.
 */
roas: Micros | null, 
/**
 * Revenue less goods and spend, per goods and spend; unknown until the client's margin is told.
 */
roi: Micros | null, 
/**
 * Revenue less spend, per spend.
 */
romi: Micros | null, 
/**
 * Spend per revenue.
 */
drr: Micros | null, 
/**
 * Visits.
 */
visits: number | null, 
/**
 * Pages or screens seen.
 */
page_views: number | null, 
/**
 * Visits that ended where they began, per visit.
 */
bounce_rate: Micros | null, };

/**
 * Looks of a step in the wizard's test.
 */
export type StepState = "waiting" | "running" | "done" | "failed";

/**
 * Whether a stream is read.
 */
export type StreamChoice = { 
/**
 * Its name.
 */
name: string, 
/**
 * On or off.
 */
on: boolean, };

/**
 * A stream of a connector.
 */
export type StreamInfo = { 
/**
 * Its name in the manifest.
 */
name: string, 
/**
 * Its title by language.
 */
title: LocalText, 
/**
 * How it is read.
 */
kind: StreamKind, 
/**
 * The level of its rows.
 */
level: Level | null, 
/**
 * Whether it is on unless the person says otherwise.
 */
on_by_default: boolean, 
/**
 * Whether others need it (names), so that it cannot be switched off.
 */
required: boolean, 
/**
 * How far back it is read again unless the person says otherwise; of a stream with days.
 */
lookback: Lookback | null, };

/**
 * How a stream is read.
 */
export type StreamKind = "dictionary" | "statistics" | "records";

/**
 * How a stream becomes a table of ours.
 */
export type StreamMapping = { 
/**
 * The stream.
 */
stream: string, 
/**
 * The table.
 */
to: MappingTable, 
/**
 * The level of its rows.
 */
level: Level, 
/**
 * Where each of our fields stands in a record, by our name.
 */
fields: { [key in string]: string }, 
/**
 * Where the state of an ad object stands, and what its words mean.
 */
status: MappingStatus | null, 
/**
 * By what the rows are split.
 */
breakdown: MappingBreakdown | null, };

/**
 * A part of a manifest that is not run.
 */
export type StreamRemark = { 
/**
 * Its type or class name; `null` when the document is wrong there.
 */
component: string | null, 
/**
 * Where it stands.
 */
path: string, 
/**
 * What is wrong, for the specialist; may be empty.
 */
message: string, };

/**
 * What a stream would do.
 */
export type StreamReport = { 
/**
 * Its name.
 */
name: string, 
/**
 * How true it is to the manifest.
 */
fidelity: Fidelity, 
/**
 * What is left out, or why it does not run.
 */
remarks: Array<StreamRemark>, 
/**
 * Fields of its schema.
 */
fields: Array<FieldInfo>, 
/**
 * Its primary key.
 */
primary_key: Array<string>, 
/**
 * The field its state counts by.
 */
cursor_field: string | null, 
/**
 * Whether it continues where it stopped.
 */
incremental: boolean, };

/**
 * Thirty days of a connection.
 */
export type Strip = { 
/**
 * The connection.
 */
connection: ConnectionRow, 
/**
 * A cell per day of the board, oldest first.
 */
cells: Array<DayCell>, };

/**
 * The board of syncs.
 */
export type SyncBoard = { 
/**
 * Runs under way, oldest first.
 */
running: Array<RunRow>, 
/**
 * Runs that wait for a worker.
 */
queued: Array<RunRow>, 
/**
 * The days of all strips.
 */
days: DateRange, 
/**
 * A strip per connection.
 */
strips: Array<Strip>, 
/**
 * What waits because the battery is low, of all clients; `null` while nothing does.
 */
waiting: WaitingForPower | null, };

/**
 * What cached answers are about. A screen refreshes when a tag of its answer changes.
 */
export type Tag = "workspace" | "clients" | "connections" | "runs" | "stats" | "audit" | "drafts" | "connectors" | "channels" | "alerts" | "anomalies" | "drift" | "plans";

/**
 * A chat that has written to a bot.
 */
export type TelegramChat = { 
/**
 * Its number.
 */
id: string, 
/**
 * Its title, or the person's name.
 */
title: string, 
/**
 * Whether it is a conversation with one person.
 */
private: boolean, };

/**
 * Applies a template as it was previewed.
 */
export type TemplateApply = { 
/**
 * The stamp of the preview.
 */
stamp: string, 
/**
 * Which.
 */
id: TemplateId, 
/**
 * For whom: connections of its system; absent: those that follow it, which rolls a changed template out.
 */
to: Array<ConnectionId> | null, 
/**
 * Which settings are given; the others stay as they are, as the connection's own where they differ.
 */
settings: Array<Setting>, 
/**
 * Whether connections keep their own values; otherwise these are replaced.
 */
keep_own: boolean, };

/**
 * What applying a template would do to one connection.
 */
export type TemplateChange = { 
/**
 * Which.
 */
connection_id: ConnectionId, 
/**
 * Whose.
 */
client_id: ClientId, 
/**
 * Its client's name.
 */
client_name: string, 
/**
 * The account's name.
 */
account_name: string, 
/**
 * Its settings now.
 */
before: Settings, 
/**
 * And then.
 */
after: Settings, 
/**
 * The settings that change.
 */
changed: Array<Setting>, 
/**
 * The settings in which it keeps a value of its own, other than the template's.
 */
kept: Array<Setting>, 
/**
 * Whether it does not follow the template yet.
 */
joins: boolean, 
/**
 * The name of the template that it leaves for this one.
 */
leaves: string | null, };

/**
 * Settings that connections follow.
 */
export type TemplateId = string;

/**
 * What applying a template would do.
 */
export type TemplatePreview = { 
/**
 * Connection by connection, those that change first, then by the names of their clients.
 */
rows: Array<TemplateChange>, 
/**
 * Connections whose settings change.
 */
changed: number, 
/**
 * Connections whose settings do not.
 */
unchanged: number, 
/**
 * Connections that keep a value of their own.
 */
kept: number, 
/**
 * Connections that anything is written to: those that change, and those that only begin to follow it or lose a value of their own.
 */
written: number, 
/**
 * Stands for all of this: applying names it, and is refused when it would do something else by then.
 */
stamp: string, };

/**
 * A template and who follows it.
 */
export type TemplateRow = { 
/**
 * Its id.
 */
id: TemplateId, 
/**
 * Of which system.
 */
connector: string, 
/**
 * Its name, which no other of the system has.
 */
name: string, 
/**
 * What it gives.
 */
settings: Settings, 
/**
 * The connections that follow it, by the names of their clients.
 */
followers: Array<Follower>, 
/**
 * How many of them still have something of what it said formerly.
 */
behind: number, 
/**
 * When it was saved first.
 */
created_at: string, };

/**
 * Changes of a template; absent fields stay.
 */
export type TemplateUpdate = { 
/**
 * Which.
 */
id: TemplateId, 
/**
 * Its name.
 */
name: string | null, 
/**
 * Which streams are read, in the order of the connector.
 */
streams: Array<StreamChoice> | null, 
/**
 * When it is collected by itself, in the client's time zone.
 */
schedule: Schedule | null, 
/**
 * How far back streams are read again where a person wants it otherwise than their connector suggests, by stream.
 */
lookbacks: { [key in string]: Lookback } | null, 
/**
 * Whether the platform's sums contain VAT, as the person declared.
 */
vat: VatState | null, 
/**
 * What becomes of rows in which nothing happened.
 */
zero_rows: ZeroRows | null, 
/**
 * Whether it is added to its client's totals.
 */
in_totals: InTotals | null, };

/**
 * A template for connections.
 */
export type TemplateUse = { 
/**
 * Which.
 */
id: TemplateId, 
/**
 * For whom: connections of its system; absent: those that follow it, which rolls a changed template out.
 */
to: Array<ConnectionId> | null, 
/**
 * Which settings are given; the others stay as they are, as the connection's own where they differ.
 */
settings: Array<Setting>, 
/**
 * Whether connections keep their own values; otherwise these are replaced.
 */
keep_own: boolean, };

/**
 * A request and its answer.
 */
export type TestExchange = { 
/**
 * When it was sent.
 */
at: string, 
/**
 * The verb.
 */
method: string, 
/**
 * The address.
 */
url: string, 
/**
 * Headers sent: name and value.
 */
request_headers: Array<[string, string]>, 
/**
 * Body sent.
 */
request_body: string, 
/**
 * Status; `null` when no answer came.
 */
status: number | null, 
/**
 * Headers received.
 */
response_headers: Array<[string, string]>, 
/**
 * The beginning of the body received.
 */
response_body: string, 
/**
 * Whether there was more of it.
 */
cut: boolean, 
/**
 * Size of the body.
 */
bytes: number, 
/**
 * How long it took.
 */
millis: number, 
/**
 * Which attempt it was, from 1.
 */
attempt: number, };

/**
 * What a test read saw. Secrets are masked everywhere.
 */
export type TestRead = { 
/**
 * Requests before the first slice: signing in, parents.
 */
before: Array<TestExchange>, 
/**
 * The slices in the order they were read.
 */
slices: Array<TestSlice>, 
/**
 * The last state.
 */
state: unknown, 
/**
 * Fields that the records have.
 */
fields: Array<FieldInfo>, 
/**
 * Why it ended early, if it did. What came before is shown.
 */
failure: ApiError | null, 
/**
 * How long it took.
 */
millis: number, };

/**
 * A stream to try.
 */
export type TestReadRequest = { 
/**
 * The connector whose files are used, where no others are given, and whose sign-in.
 */
connector: string | null, 
/**
 * A manifest that is being edited.
 */
manifest: string | null, 
/**
 * The connector of ours that the manifest is a copy of, before it is saved.
 */
copy_of: string | null, 
/**
 * A connection to borrow answers and secrets from. It must be one of the connector's, or of the connector it is a copy of.
 */
connection_id: ConnectionId | null, 
/**
 * Answers to the form; secret ones are used for this read and forgotten.
 */
answers: Record<string, unknown>, 
/**
 * The stream.
 */
stream: string, 
/**
 * A state to continue from.
 */
state: unknown, 
/**
 * Most records, up to 1,000.
 */
records: number | null, 
/**
 * Most pages of a slice, up to 20.
 */
pages: number | null, 
/**
 * Most slices, up to 20.
 */
slices: number | null, };

/**
 * A slice of a test read.
 */
export type TestSlice = { 
/**
 * Its keys.
 */
slice: unknown, 
/**
 * Its requests and answers.
 */
exchanges: Array<TestExchange>, 
/**
 * Its records.
 */
records: unknown[], 
/**
 * The state after it.
 */
state: unknown, };

/**
 * A step of the test.
 */
export type TestStep = { 
/**
 * Its id: `sign_in`, `permissions`, `accounts`, `budget`, `sample`, `totals`.
 */
id: string, 
/**
 * How it looks.
 */
state: StepState, 
/**
 * Values for its sentence, by name.
 */
params: { [key in string]: string }, 
/**
 * How long it took, or takes so far.
 */
millis: number | null, 
/**
 * Why it failed.
 */
failure: ApiError | null, };

/**
 * A number by which a rule decides.
 */
export type Threshold = "failures" | "hours" | "percent" | "impressions" | "days" | "conversions" | "rows" | "times" | "requests";

/**
 * What a connection cost its platform on a day.
 */
export type TrafficDay = { 
/**
 * The day in UTC.
 */
date: string, 
/**
 * Requests, repeats included.
 */
requests: number, 
/**
 * Bytes of their answers.
 */
bytes: number, 
/**
 * Requests that repeated another one.
 */
retries: number, 
/**
 * Requests without an answer, or with an error.
 */
errors: number, 
/**
 * How long runs waited for the platform.
 */
waited_millis: number, };

/**
 * How to print a metric.
 */
export type Unit = "money" | "count" | "percent" | "ratio";

/**
 * Opens a locked workspace.
 */
export type UnlockWorkspace = { 
/**
 * The passphrase; absent to try the keychain again.
 */
passphrase: string | null, };

/**
 * A client to change.
 */
export type UpdateClient = { 
/**
 * Which.
 */
id: ClientId, 
/**
 * New name.
 */
name: string, 
/**
 * New currency.
 */
currency: Currency, 
/**
 * New time zone.
 */
time_zone: string, };

/**
 * A file handed over for import.
 */
export type UploadId = string;

/**
 * The five tags, `None` where the address has none or an empty one
 * (<https://support.google.com/analytics/answer/10917952>, <https://yandex.ru/support/metrica/general/utm-tags.html>).
 */
export type Utm = { 
/**
 * `utm_source`: the site or platform.
 */
source: string | null, 
/**
 * `utm_medium`: the kind of advertising.
 */
medium: string | null, 
/**
 * `utm_campaign`: the campaign.
 */
campaign: string | null, 
/**
 * `utm_content`: the ad.
 */
content: string | null, 
/**
 * `utm_term`: the keyword.
 */
term: string | null, };

/**
 * Whether sums contain value added tax. Platforms rarely say; the person declares it per connection.
 */
export type VatState = "included" | "excluded" | "unknown";

/**
 * Whether a change is good news.
 */
export type Verdict = "better" | "worse" | "neutral";

/**
 * A pause a run made.
 */
export type WaitRow = { 
/**
 * Why.
 */
reason: ApiError, 
/**
 * From when.
 */
at: string, 
/**
 * How long, in milliseconds.
 */
millis: number, 
/**
 * Until when, while it lasts.
 */
until: string | null, };

/**
 * What waits until there is more power.
 */
export type WaitingForPower = { 
/**
 * What is left in the battery, percent; `null` where the system saves power by itself.
 */
percent: number | null, 
/**
 * Connections whose sync waits.
 */
connections: number, };

/**
 * A day of the week.
 */
export type Weekday = "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";

/**
 * The workspace is there.
 */
export type WorkspaceCreated = { 
/**
 * The new state.
 */
status: AppStatus, };

/**
 * Whether there is a workspace and whether it is open.
 */
export type WorkspaceState = "absent" | "locked" | "open";

/**
 * The worst of a client's anomalies of which nobody has said anything.
 */
export type WorstAnomaly = { 
/**
 * Of which metric.
 */
metric: AnomalyMetric, 
/**
 * Value by usual; unknown when usual is nothing.
 */
factor: Micros | null, 
/**
 * Whether it is good news.
 */
verdict: Verdict, };

/**
 * What becomes of rows in which nothing happened: no spend, no impressions, no clicks, no conversions and no revenue.
 */
export type ZeroRows = "keep" | "leave_out";

/** Every command: what it takes, what it answers, and whether it reads or changes. */
export interface Commands {
  /** State of the program: workspace, keychain, background runs. Works without a workspace. */
  app_status: { request: Empty; response: AppStatus; kind: "read" };
  /** A person presses something in the window: for a moment syncs begin nothing new, so that the press is answered at once. */
  app_pressed: { request: Empty; response: Empty; kind: "change" };
  /** Prepares a new workspace and hands out its recovery key, the only time it is shown. Nothing is written. */
  workspace_draft: { request: Empty; response: NewWorkspaceDraft; kind: "change" };
  /** Creates the workspace that was prepared. */
  workspace_create: { request: NewWorkspace; response: WorkspaceCreated; kind: "change" };
  /** Opens a workspace that is locked by a passphrase, or tries the keychain again. */
  workspace_unlock: { request: UnlockWorkspace; response: AppStatus; kind: "change" };
  /** Puts the workspace's key back into this computer's keychain with the recovery key. */
  workspace_recover: { request: RecoverWorkspace; response: AppStatus; kind: "change" };
  /** Opens the demo workspace, creating it over the built-in simulator when it is not there. */
  workspace_open_demo: { request: Empty; response: AppStatus; kind: "change" };
  /** The nine o'clock screen. */
  overview_get: { request: OverviewRequest; response: Overview; kind: "read" };
  /** All clients with their health. */
  clients_list: { request: Empty; response: Array<ClientRow>; kind: "read" };
  /** One client with its connections. */
  client_get: { request: ById<ClientId>; response: ClientDetail; kind: "read" };
  /** Statistics of one client: by day, week or month, by connection and by ad object. */
  client_stats: { request: ClientStatsRequest; response: ClientStats; kind: "read" };
  /** Statistics of one client as a tree of up to four dimensions. */
  stats_pivot: { request: StatsPivotRequest; response: StatsPivot; kind: "read" };
  /** What a client's statistics are split by, besides objects and time. */
  stats_breakdowns: { request: BreakdownsRequest; response: Array<string>; kind: "read" };
  /** Adds a client. */
  client_create: { request: NewClient; response: ClientRow; kind: "change" };
  /** Renames a client or changes its currency or time zone. */
  client_update: { request: UpdateClient; response: ClientRow; kind: "change" };
  /** Deletes a client, its data and, by destroying its key, all its credentials. */
  client_delete: { request: DeleteClient; response: ClientDeleted; kind: "change" };
  /** A client's plans of a month, and how they stand. */
  plan_list: { request: PlanList; response: ClientPlans; kind: "read" };
  /** Makes a plan, changes it or takes it back. */
  plan_set: { request: PlanSet; response: ClientPlans; kind: "change" };
  /** Says what share of its revenue a client keeps. */
  margin_set: { request: MarginSet; response: Empty; kind: "change" };
  /** A client's statistics as a file. */
  stats_export: { request: ExportRequest; response: ExportedFile; kind: "read" };
  /** The catalogue: every connector this build has, and those that were imported. */
  connectors_list: { request: Empty; response: Array<Connector>; kind: "read" };
  /** All connections. */
  connections_list: { request: Empty; response: Array<ConnectionRow>; kind: "read" };
  /** One connection with its streams and credential health. */
  connection_get: { request: ById<ConnectionId>; response: ConnectionDetail; kind: "read" };
  /** Changes streams, lookback, VAT or pauses a connection. */
  connection_update: { request: ConnectionUpdate; response: ConnectionDetail; kind: "change" };
  /** Every template with the connections that follow it. */
  templates_list: { request: Empty; response: Array<TemplateRow>; kind: "read" };
  /** Saves a connection's settings as a template, which it follows from then on. */
  template_create: { request: NewTemplate; response: TemplateRow; kind: "change" };
  /** Renames a template or changes its settings. Its connections keep what they have until it is applied to them. */
  template_update: { request: TemplateUpdate; response: TemplateRow; kind: "change" };
  /** What applying a template would change, connection by connection. Nothing is written. */
  template_preview: { request: TemplateUse; response: TemplatePreview; kind: "read" };
  /** Applies a template to connections of its system, which follow it from then on, exactly as the preview said or not at all. */
  template_apply: { request: TemplateApply; response: TemplateRow; kind: "change" };
  /** Lets a connection follow nothing; its settings stay. */
  template_leave: { request: ById<ConnectionId>; response: ConnectionDetail; kind: "change" };
  /** Deletes a template; its connections keep their settings and follow nothing. */
  template_delete: { request: ById<TemplateId>; response: Empty; kind: "change" };
  /** Every sign-in with what lives by it, the most urgent first. */
  sign_ins_list: { request: Empty; response: Array<SignInRow>; kind: "read" };
  /** Deletes a connection, its data and its credential. */
  connection_delete: { request: ById<ConnectionId>; response: Empty; kind: "change" };
  /** What a manifest would do here, stream by stream, and what its mapping says. Nothing is saved. */
  manifest_inspect: { request: ManifestText; response: ManifestReport; kind: "read" };
  /** Keeps a manifest as a connector of the catalogue. */
  manifest_import: { request: ManifestImport; response: ManifestSaved; kind: "change" };
  /** Saves a new revision of an imported connector. */
  manifest_update: { request: ManifestUpdate; response: ManifestSaved; kind: "change" };
  /** Removes an imported connector that has no connections. */
  manifest_remove: { request: ConnectorRequest; response: Empty; kind: "change" };
  /** The files of a declarative connector, our own ones too: to read, and to copy and edit. */
  manifest_source: { request: ConnectorRequest; response: ManifestSource; kind: "read" };
  /** A manifest to begin a source of one's own with, in both languages. */
  manifest_starter: { request: Empty; response: ManifestStarter; kind: "read" };
  /** Reads a little of one stream and shows everything about it: slices, requests, answers, records, state. Nothing is kept. */
  manifest_test_read: { request: TestReadRequest; response: TestRead; kind: "change" };
  /** What a mapping makes of these records. */
  mapping_preview: { request: MappingPreviewRequest; response: MappingPreview; kind: "read" };
  /** The streams of a connection that are kept as they come. */
  record_streams: { request: ById<ConnectionId>; response: Array<RecordStream>; kind: "read" };
  /** A page of the records of a stream. */
  records_list: { request: RecordList; response: RecordPage; kind: "read" };
  /** The records of a stream as a file. */
  records_export: { request: RecordExport; response: ExportedFile; kind: "read" };
  /** Begins testing a sign-in; steps come as events and in `draft_get`. Nothing is saved. */
  draft_start: { request: DraftStart; response: Draft; kind: "change" };
  /** The steps so far and the accounts found. */
  draft_get: { request: ById<DraftId>; response: Draft; kind: "read" };
  /** Saves the chosen accounts as connections (or the new sign-in of an existing one) and starts their first sync. */
  draft_commit: { request: DraftCommit; response: DraftCommitted; kind: "change" };
  /** Forgets a draft and its secrets. */
  draft_discard: { request: ById<DraftId>; response: Empty; kind: "change" };
  /** Running, queued, and a strip of days per connection. */
  syncs_board: { request: BoardRequest; response: SyncBoard; kind: "read" };
  /** Starts what waits for power, though the battery is low. */
  waiting_start: { request: Empty; response: RunStarted; kind: "change" };
  /** History of runs, newest first. */
  runs_list: { request: RunList; response: RunPage; kind: "read" };
  /** One run: slices, waits, quarantine, requests, log. */
  run_get: { request: ById<RunId>; response: RunDetail; kind: "read" };
  /** Quarantined rows of a run. */
  quarantine_list: { request: QuarantineRequest; response: QuarantinePage; kind: "read" };
  /** What a run would take that is not started: slices, requests, time, and where the quota stops it. */
  run_estimate: { request: CollectRequest; response: RunEstimate; kind: "read" };
  /** Rows of a connection that are in quarantine now. */
  quarantine_open: { request: OpenQuarantineRequest; response: OpenQuarantine; kind: "read" };
  /** Rows of a connection that are in quarantine now, as a file. */
  quarantine_export: { request: QuarantineExport; response: ExportedFile; kind: "read" };
  /** Collects the days of a connection's quarantined rows again, with today's mapping. What comes out clean is healed. */
  quarantine_retry: { request: ById<ConnectionId>; response: RunStarted; kind: "change" };
  /** Changes of the form of answers that wait for a decision. */
  drift_list: { request: DriftList; response: Array<DriftRow>; kind: "read" };
  /** Makes changes of form the form from now on, or ignores them. */
  drift_decide: { request: DriftDecision; response: DriftDecided; kind: "change" };
  /** Starts runs: of one connection, of a client, or of all; with a range, re-collects these days. */
  run_start: { request: CollectRequest; response: RunStarted; kind: "change" };
  /** Stops a run; what it committed stays. */
  run_cancel: { request: ById<RunId>; response: Empty; kind: "change" };
  /** Holds a run until it is resumed, over restarts as well; what it committed stays. */
  run_pause: { request: ById<RunId>; response: Empty; kind: "change" };
  /** Lets a held run go on from where it stood. */
  run_resume: { request: ById<RunId>; response: Empty; kind: "change" };
  /** Reads a file handed over for import and guesses what its columns mean. */
  import_open: { request: ImportOpen; response: ImportPreview; kind: "change" };
  /** Applies a mapping without writing: good rows, bad rows with line numbers, the range that would be replaced. */
  import_check: { request: ImportCheck; response: ImportChecked; kind: "read" };
  /** Writes the good rows in one transaction. */
  import_commit: { request: ImportCommit; response: RunStarted; kind: "change" };
  /** Names the folder from which a connection takes files by itself, or lets it have none. */
  folder_watch: { request: FolderWatch; response: ConnectionDetail; kind: "change" };
  /** The channels that carry alerts to people. */
  channels_list: { request: Empty; response: Array<ChannelRow>; kind: "read" };
  /** Adds a channel or changes one. */
  channel_save: { request: ChannelSave; response: ChannelRow; kind: "change" };
  /** Sends a test with these settings, saved or not. Ends well when the service took the message. */
  channel_test: { request: ChannelSave; response: Empty; kind: "change" };
  /** Deletes a channel with its secret. */
  channel_delete: { request: ById<ChannelId>; response: Empty; kind: "change" };
  /** The chats that have written to a Telegram bot in the last day. */
  channel_chats: { request: ChannelChats; response: Array<TelegramChat>; kind: "change" };
  /** What people should know without looking: alerts that are open, muted or settled lately. */
  alerts_list: { request: AlertList; response: Alerts; kind: "read" };
  /** Says that a person wants to hear no more of an alert until its facts are over, or does again. */
  alert_mute: { request: AlertMute; response: Empty; kind: "change" };
  /** Days that are far from what such days are, with what people said of them: what nobody has answered first, bad news first. */
  anomalies_list: { request: AnomalyList; response: Array<AnomalyRow>; kind: "read" };
  /** Says what to think of an anomaly, or takes that back. */
  anomaly_feedback: { request: AnomalyAnswer; response: Empty; kind: "change" };
  /** The rules of alerts. */
  alert_rules_get: { request: Empty; response: Array<AlertRuleRow>; kind: "read" };
  /** Changes one rule; all connections are judged by it anew. */
  alert_rules_update: { request: AlertRule; response: Array<AlertRuleRow>; kind: "change" };
  /** What waits on a low battery. */
  battery_saver_get: { request: Empty; response: BatterySaver; kind: "read" };
  /** Changes what waits on a low battery. */
  battery_saver_update: { request: BatterySaver; response: BatterySaver; kind: "change" };
  /** Looks the whole workspace over: database, sums, credentials, keychain. Takes seconds on a large workspace. */
  doctor_run: { request: Empty; response: DoctorReport; kind: "read" };
  /** A file for whoever helps: versions, states, runs, requests, counters; no secrets, no names of people or businesses. */
  diagnostics_export: { request: Empty; response: ExportedFile; kind: "read" };
  /** Who did what, newest first, with the state of the hash chain. */
  audit_list: { request: AuditList; response: AuditPage; kind: "read" };
}

/** Whether a command reads or changes, and which cached answers are concerned. */
export const commands = {
  app_status: { kind: "read", tags: ["workspace", "runs", "connections", "clients", "alerts"] },
  app_pressed: { kind: "change", tags: [] },
  workspace_draft: { kind: "change", tags: [] },
  workspace_create: { kind: "change", tags: ["workspace", "clients", "connections", "runs", "stats", "audit", "connectors", "alerts"] },
  workspace_unlock: { kind: "change", tags: ["workspace", "clients", "connections", "runs", "stats", "audit", "connectors", "alerts"] },
  workspace_recover: { kind: "change", tags: ["workspace", "clients", "connections", "runs", "stats", "audit", "connectors", "alerts"] },
  workspace_open_demo: { kind: "change", tags: ["workspace", "clients", "connections", "runs", "stats", "audit", "connectors", "alerts"] },
  overview_get: { kind: "read", tags: ["clients", "connections", "stats", "runs", "alerts", "anomalies", "plans"] },
  clients_list: { kind: "read", tags: ["clients", "connections", "stats", "runs"] },
  client_get: { kind: "read", tags: ["clients", "connections", "stats", "runs"] },
  client_stats: { kind: "read", tags: ["stats", "connections"] },
  stats_pivot: { kind: "read", tags: ["stats", "connections"] },
  stats_breakdowns: { kind: "read", tags: ["stats", "connections"] },
  client_create: { kind: "change", tags: ["clients", "audit"] },
  client_update: { kind: "change", tags: ["clients", "audit", "alerts"] },
  client_delete: { kind: "change", tags: ["clients", "connections", "stats", "runs", "audit", "alerts"] },
  plan_list: { kind: "read", tags: ["plans", "clients", "connections", "stats", "runs"] },
  plan_set: { kind: "change", tags: ["plans", "audit"] },
  margin_set: { kind: "change", tags: ["plans", "stats", "audit"] },
  stats_export: { kind: "read", tags: ["stats"] },
  connectors_list: { kind: "read", tags: ["connections", "connectors"] },
  connections_list: { kind: "read", tags: ["connections", "runs", "stats"] },
  connection_get: { kind: "read", tags: ["connections", "runs", "stats"] },
  connection_update: { kind: "change", tags: ["connections", "audit", "alerts"] },
  templates_list: { kind: "read", tags: ["connections", "clients"] },
  template_create: { kind: "change", tags: ["connections", "audit"] },
  template_update: { kind: "change", tags: ["connections", "audit"] },
  template_preview: { kind: "read", tags: ["connections", "clients"] },
  template_apply: { kind: "change", tags: ["connections", "audit", "alerts"] },
  template_leave: { kind: "change", tags: ["connections", "audit"] },
  template_delete: { kind: "change", tags: ["connections", "audit"] },
  sign_ins_list: { kind: "read", tags: ["connections", "clients", "runs"] },
  connection_delete: { kind: "change", tags: ["connections", "stats", "runs", "audit", "alerts"] },
  manifest_inspect: { kind: "read", tags: [] },
  manifest_import: { kind: "change", tags: ["connectors", "audit"] },
  manifest_update: { kind: "change", tags: ["connectors", "connections", "audit"] },
  manifest_remove: { kind: "change", tags: ["connectors", "audit"] },
  manifest_source: { kind: "read", tags: ["connectors"] },
  manifest_starter: { kind: "read", tags: [] },
  manifest_test_read: { kind: "change", tags: [] },
  mapping_preview: { kind: "read", tags: [] },
  record_streams: { kind: "read", tags: ["stats", "connections", "connectors"] },
  records_list: { kind: "read", tags: ["stats"] },
  records_export: { kind: "read", tags: ["stats"] },
  draft_start: { kind: "change", tags: ["drafts"] },
  draft_get: { kind: "read", tags: ["drafts"] },
  draft_commit: { kind: "change", tags: ["clients", "connections", "runs", "audit", "drafts"] },
  draft_discard: { kind: "change", tags: ["drafts"] },
  syncs_board: { kind: "read", tags: ["runs", "connections", "stats"] },
  waiting_start: { kind: "change", tags: ["runs", "connections", "audit"] },
  runs_list: { kind: "read", tags: ["runs"] },
  run_get: { kind: "read", tags: ["runs"] },
  quarantine_list: { kind: "read", tags: ["runs"] },
  run_estimate: { kind: "read", tags: ["runs", "connections"] },
  quarantine_open: { kind: "read", tags: ["runs", "stats"] },
  quarantine_export: { kind: "read", tags: ["runs", "stats"] },
  quarantine_retry: { kind: "change", tags: ["runs", "audit"] },
  drift_list: { kind: "read", tags: ["drift", "runs", "connections"] },
  drift_decide: { kind: "change", tags: ["drift", "alerts", "audit"] },
  run_start: { kind: "change", tags: ["runs", "audit"] },
  run_cancel: { kind: "change", tags: ["runs", "audit"] },
  run_pause: { kind: "change", tags: ["runs", "audit"] },
  run_resume: { kind: "change", tags: ["runs", "audit"] },
  import_open: { kind: "change", tags: [] },
  import_check: { kind: "read", tags: ["stats"] },
  import_commit: { kind: "change", tags: ["clients", "connections", "stats", "runs", "audit"] },
  folder_watch: { kind: "change", tags: ["connections", "audit", "alerts"] },
  channels_list: { kind: "read", tags: ["channels", "clients"] },
  channel_save: { kind: "change", tags: ["channels", "audit"] },
  channel_test: { kind: "change", tags: ["channels"] },
  channel_delete: { kind: "change", tags: ["channels", "audit"] },
  channel_chats: { kind: "change", tags: [] },
  alerts_list: { kind: "read", tags: ["alerts", "clients", "connections"] },
  alert_mute: { kind: "change", tags: ["alerts", "audit"] },
  anomalies_list: { kind: "read", tags: ["anomalies", "stats", "clients", "connections"] },
  anomaly_feedback: { kind: "change", tags: ["anomalies", "audit"] },
  alert_rules_get: { kind: "read", tags: ["alerts"] },
  alert_rules_update: { kind: "change", tags: ["alerts", "audit"] },
  battery_saver_get: { kind: "read", tags: ["workspace"] },
  battery_saver_update: { kind: "change", tags: ["workspace", "runs", "audit"] },
  doctor_run: { kind: "read", tags: [] },
  diagnostics_export: { kind: "read", tags: [] },
  audit_list: { kind: "read", tags: ["audit"] },
} as const satisfies { [Name in keyof Commands]: { kind: Commands[Name]["kind"]; tags: readonly Tag[] } };

/** Every `Code`, in the order of its declaration. */
export const allCode: readonly Code[] = ["sign_in_rejected", "sign_in_revoked", "token_limit", "permission_denied", "setting_invalid", "quota_wait", "too_many_requests", "platform_down", "timeout", "offline", "body_truncated", "not_json", "body_too_large", "total_mismatch", "vendor_changed", "request_refused", "paging_loop", "manifest_invalid", "stream_unavailable", "mapping_invalid", "connector_in_use", "cancelled", "keychain_locked", "keychain_missing", "keychain_denied", "credential_missing", "wrong_passphrase", "vault_damaged", "seal_broken", "workspace_locked", "workspace_key_missing", "workspace_missing", "workspace_exists", "database_wrong_key", "database_damaged", "database_newer", "database_busy", "disk_full", "file_access", "file_format", "column_missing", "file_columns_changed", "file_too_large", "not_found", "changed_meanwhile", "bad_request", "already_running", "channel_rejected", "channel_closed", "message_refused", "mail_not_secure", "internal"];

/** Every `FailureKind`, in the order of its declaration. */
export const allFailureKind: readonly FailureKind[] = ["sign_in_again", "fix_settings", "wait_until", "retry", "vendor_changed", "our_fault", "cancelled"];

/** Every `Level`, in the order of its declaration. */
export const allLevel: readonly Level[] = ["account", "campaign", "ad_group", "ad"];

/** Every `RejectReason`, in the order of its declaration. */
export const allRejectReason: readonly RejectReason[] = ["missing", "not_a_number", "not_a_date", "negative", "unknown_word", "too_large", "currency_mismatch", "outside_window", "duplicate", "wrong_shape"];

/** Every `RunState`, in the order of its declaration. */
export const allRunState: readonly RunState[] = ["queued", "running", "waiting", "paused", "done", "done_with_remarks", "failed", "stopped"];

/** Every `RunTrigger`, in the order of its declaration. */
export const allRunTrigger: readonly RunTrigger[] = ["first", "manual", "schedule", "recollect", "import"];

/** Every `SliceState`, in the order of its declaration. */
export const allSliceState: readonly SliceState[] = ["pending", "running", "done", "failed"];

/** Every `DayState`, in the order of its declaration. */
export const allDayState: readonly DayState[] = ["missing", "moving", "partial", "final", "failed"];

/** Every `Health`, in the order of its declaration. */
export const allHealth: readonly Health[] = ["act", "watch", "good", "off"];

/** Every `AuditAction`, in the order of its declaration. */
export const allAuditAction: readonly AuditAction[] = ["workspace_created", "workspace_recovered", "demo_furnished", "client_created", "client_updated", "client_deleted", "plan_changed", "margin_changed", "connection_created", "connection_updated", "template_created", "template_updated", "template_applied", "template_deleted", "connection_deleted", "credential_replaced", "run_started", "run_cancelled", "run_paused", "run_resumed", "import_committed", "stats_exported", "connector_imported", "connector_updated", "connector_removed", "alert_muted", "alert_rule_changed", "battery_saver_changed", "diagnostics_exported", "records_exported", "channel_created", "channel_updated", "channel_deleted", "drift_accepted", "drift_ignored", "anomaly_judged", "quarantine_exported"];

/** Every `ChannelKind`, in the order of its declaration. */
export const allChannelKind: readonly ChannelKind[] = ["desktop", "telegram", "email", "slack"];

/** Every `AlertKind`, in the order of its declaration. */
export const allAlertKind: readonly AlertKind[] = ["sign_in_needed", "failing", "sign_in_ends", "stale", "empty_day", "unusual_volume", "repeated_day", "shrunk_day", "spend_without_conversions", "quarantine_growing", "error_share", "schema_drift", "totals_differ"];

/** Every `AnomalyMetric`, in the order of its declaration. */
export const allAnomalyMetric: readonly AnomalyMetric[] = ["spend", "conversions", "revenue", "ctr", "cpc", "cr", "cpa", "roas"];

/** Every `Severity`, in the order of its declaration. */
export const allSeverity: readonly Severity[] = ["critical", "warning", "notice"];

/** Every `Setting`, in the order of its declaration. */
export const allSetting: readonly Setting[] = ["streams", "schedule", "lookbacks", "vat", "zero_rows", "in_totals"];
