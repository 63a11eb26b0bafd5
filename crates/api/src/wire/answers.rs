//! What a platform's answers really contain, on the wire: changes of form, rows in quarantine, the platform's own sums.

use chrono::{DateTime, Utc};
use model::{
    ad::RejectReason,
    id::{ClientId, ConnectionId, RunId},
    money::{Currency, Micros},
    shape::{DriftKind, DriftState},
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{FileKind, QuarantineRow};

wire! {
    /// Which changes of form.
    DriftList {
        /// Of one connection, or of all.
        connection_id: Option<ConnectionId>,
        /// Also those that were decided or are over.
        all: bool,
    }
    /// A change of form: the same change of the same system is one, however many connections met it.
    DriftRow {
        /// Its numbers, one per connection: a decision names them.
        numbers: Vec<i32>,
        /// The system.
        connector: String,
        /// The stream.
        stream: String,
        /// What kind.
        kind: DriftKind,
        /// The field: names with points between them, `[]` for elements of a list.
        path: String,
        /// Types or words before, by commas; empty when there was nothing.
        before: String,
        /// Types or the word now; empty when nothing is left.
        after: String,
        /// Records that showed it, of those that were looked at.
        records: u32,
        /// What became of it.
        state: DriftState,
        /// When it was met first.
        first_seen: DateTime<Utc>,
        /// When it was met last.
        last_seen: DateTime<Utc>,
        /// Who met it, in the order of the numbers.
        connections: Vec<DriftConnection>,
    }
    /// A connection that met a change of form.
    DriftConnection {
        /// Its id.
        id: ConnectionId,
        /// Its client.
        client_id: ClientId,
        /// The client's name.
        client_name: String,
        /// The account.
        account_name: String,
        /// The run that met it first.
        run_id: Option<RunId>,
    }
    /// A decision about changes of form.
    DriftDecision {
        /// Their numbers.
        numbers: Vec<i32>,
        /// Whether they are the form from now on; else they are ignored.
        accept: bool,
    }
    /// What a decision did.
    DriftDecided {
        /// Connections it was about.
        connections: u32,
    }
    /// Which open rows of a connection's quarantine.
    OpenQuarantineRequest {
        /// The connection.
        connection_id: ConnectionId,
        /// Only those with this reason.
        reason: Option<RejectReason>,
        /// Skip this many.
        skip: u32,
        /// At most this many, up to 500.
        limit: u32,
    }
    /// Rows that are in quarantine now: those whose day was not read well since.
    OpenQuarantine {
        /// The rows, the latest first.
        rows: Vec<OpenQuarantineRow>,
        /// How many there are with this reason.
        total: u32,
        /// How many there are by reason, the most frequent first.
        reasons: Vec<ReasonCount>,
    }
    /// An open row.
    OpenQuarantineRow {
        /// The run that read it last.
        run_id: RunId,
        /// When that run began.
        found_at: DateTime<Utc>,
        /// The row.
        row: QuarantineRow,
    }
    /// How many rows have a reason.
    ReasonCount {
        /// The reason.
        reason: RejectReason,
        /// How many.
        count: u32,
    }
    /// Open rows as a file.
    QuarantineExport {
        /// The connection.
        connection_id: ConnectionId,
        /// Only those with this reason.
        reason: Option<RejectReason>,
        /// `csv`, or `json` for one object per line.
        kind: FileKind,
    }
    /// A day's sums beside the platform's own.
    DayTotals {
        /// Currency of both.
        currency: Currency,
        /// Our impressions.
        #[ts(type = "number | null")]
        impressions: Option<i64>,
        /// The platform's.
        #[ts(type = "number | null")]
        their_impressions: Option<i64>,
        /// Our clicks.
        #[ts(type = "number | null")]
        clicks: Option<i64>,
        /// The platform's.
        #[ts(type = "number | null")]
        their_clicks: Option<i64>,
        /// Our spend.
        spend: Option<Micros>,
        /// The platform's.
        their_spend: Option<Micros>,
        /// Whether they differ by more than rounding, and on a moving day than the minutes between two requests, explain.
        differ: bool,
    }
}
