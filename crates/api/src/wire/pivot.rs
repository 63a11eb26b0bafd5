//! Statistics of a client as a tree.

use super::StatsSums;
use chrono::NaiveDate;
use model::{date::DateRange, id::ClientId, money::Currency, utm::Utm};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the rows of a table are told apart by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PivotDimension {
    /// The system.
    Channel,
    /// The connection.
    Account,
    /// Campaign.
    Campaign,
    /// Ad group.
    AdGroup,
    /// Ad.
    Ad,
    /// Day.
    Day,
    /// Week, Monday to Sunday.
    Week,
    /// Calendar month.
    Month,
    /// A split, by the name of its kind: `goal`.
    Breakdown(String),
}

wire_enum! {
    /// What a row of the table is.
    PivotKind {
        /// A system.
        Channel,
        /// A connection.
        Account,
        /// A campaign.
        Campaign,
        /// An ad group.
        AdGroup,
        /// An ad.
        Ad,
        /// A day.
        Day,
        /// A week.
        Week,
        /// A month.
        Month,
        /// A split. It overlaps with its siblings, and is part of what stands above it without being added to it.
        Breakdown,
        /// What the level below does not explain.
        NotSplit,
        /// Connections that do not count toward the totals.
        Apart,
    }
}

wire! {
    /// Which tree.
    StatsPivotRequest {
        /// The client.
        client_id: ClientId,
        /// The period.
        period: DateRange,
        /// One to four dimensions, from the outermost; none twice, at most one split.
        dimensions: Vec<PivotDimension>,
    }
    /// Statistics of a client as a tree.
    StatsPivot {
        /// Currency of the sums.
        currency: Currency,
        /// Sums of everything that counts.
        total: StatsSums,
        /// Its dimensions: as asked for, without the innermost ones where the table would have been too long.
        dimensions: Vec<PivotDimension>,
        /// Its rows, each parent before its children; siblings by time, else by spend. The parts of a row are together the row.
        nodes: Vec<PivotNode>,
    }
    /// A row of the tree.
    PivotNode {
        /// How deep, from 0.
        depth: u32,
        /// The place of its parent in the list.
        parent: Option<u32>,
        /// Which of its siblings it is, the same in every reading.
        key: String,
        /// What it is.
        kind: PivotKind,
        /// Its name: of a system its id, of a piece of time its first day.
        label: String,
        /// Names of what stands above it and is no dimension here, from the top.
        above: Vec<String>,
        /// The connector of what belongs to one.
        connector: Option<String>,
        /// The vendor's id.
        external_id: Option<String>,
        /// Address of the page an ad leads to, where the platform says.
        landing_url: Option<String>,
        /// The UTM tags in that address.
        utm: Option<Utm>,
        /// The first day of a piece of time within the period.
        from: Option<NaiveDate>,
        /// Its last day within the period.
        to: Option<NaiveDate>,
        /// Whether some of its days may still change.
        moving: bool,
        /// Its sums.
        sums: StatsSums,
    }
    /// What a client's rows of a period are split by.
    BreakdownsRequest {
        /// The client.
        client_id: ClientId,
        /// The period.
        period: DateRange,
    }
}
