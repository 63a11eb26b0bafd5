//! Statistics of one client, on screen and as a file.

use crate::{
    host::{Host, Workspace},
    wire::{self, ClientStats, ClientStatsRequest, ExportRequest, ExportedFile, FileKind, StatsPoint, StatsRow},
};
use chrono::NaiveDate;
use insight::metric::Sums;
use model::{
    ad::Level,
    audit::AuditAction,
    connection::Connection,
    date::{DateRange, Grain},
    failure::{Code, Failure},
    id::{ClientId, ConnectionId},
    money::{Currency, Micros},
    run::DayState,
    vat,
};
use std::collections::{BTreeMap, HashMap, hash_map::Entry};
use store::{Scope, campaign_stats::ObjectSums};

/// Most ad objects shown; a table of 100,000 rows scrolls, a longer one helps nobody.
const OBJECTS: u32 = 100_000;

pub(crate) async fn client_stats(host: &Host, request: ClientStatsRequest) -> Result<ClientStats, Failure> {
    let workspace = host.workspace().await?;
    let store = &workspace.store;
    let client = store.client(request.client_id).await?;
    let scope = Scope::Client(client.id);
    let points = points(&workspace, client.id, client.currency, request.period, request.grain).await?;
    let before = match request.compare {
        Some(compare) => Some(self::points(&workspace, client.id, client.currency, compare, request.grain).await?),
        None => None,
    };
    let known: HashMap<ConnectionId, Connection> =
        store.connections(scope).await?.into_iter().map(|connection| (connection.id, connection)).collect();
    let mut connections: BTreeMap<ConnectionId, Sums> = BTreeMap::new();
    for window in vat::windows(request.period, client.currency) {
        for row in store.connection_sums(scope, window).await? {
            if row.currency == client.currency {
                let sums = connections.entry(row.connection_id).or_default();
                *sums = *sums + Sums::counted(row.sums, row.currency, row.vat, window.from());
            }
        }
    }
    let objects = match request.level {
        Some(level) => objects(&workspace, client.id, client.currency, level, request.period).await?,
        None => Vec::new(),
    };
    let level = request.level.unwrap_or(Level::Account);
    let margin = store.margins(scope).await?.remove(&client.id);
    Ok(ClientStats {
        currency: client.currency,
        total: sum_of(&points, margin),
        compare_total: before.as_deref().map(|points| sum_of(points, margin)),
        points: points.into_iter().map(|it| point(it, margin)).collect(),
        compare_points: before.into_iter().flatten().map(|it| point(it, margin)).collect(),
        connections: connections
            .into_iter()
            .filter_map(|(id, sums)| {
                let connection = known.get(&id)?;
                Some(StatsRow {
                    connection_id: id,
                    connector: connection.connector.clone(),
                    level: Level::Account,
                    external_id: connection.account_external_id.clone(),
                    parent_external_id: None,
                    name: connection.account_name.clone(),
                    in_totals: connection.settings.in_totals,
                    landing_url: None,
                    utm: None,
                    sums: sums.at_margin(margin).into(),
                })
            })
            .collect(),
        objects: objects
            .into_iter()
            .filter_map(|(object, sums)| {
                let connection = known.get(&object.connection_id)?;
                Some(StatsRow {
                    connection_id: object.connection_id,
                    connector: connection.connector.clone(),
                    level,
                    name: object.name.unwrap_or_else(|| object.external_id.clone()),
                    external_id: object.external_id,
                    parent_external_id: object.parent_external_id,
                    in_totals: connection.settings.in_totals,
                    landing_url: object.landing.url,
                    utm: object.landing.utm.known(),
                    sums: sums.at_margin(margin).into(),
                })
            })
            .collect(),
    })
}

/// Every row of a client's period: a day of an ad object. Unknown is an empty cell (CSV) or `null` (JSON).
pub(crate) async fn stats_export(host: &Host, request: ExportRequest) -> Result<ExportedFile, Failure> {
    let workspace = host.workspace().await?;
    let asked = request.stats;
    let client = workspace.store.client(asked.client_id).await?;
    let mut table = match request.kind {
        FileKind::Csv => Table::Csv(Box::new(csv::Writer::from_writer(Vec::new()))),
        FileKind::Json => Table::Json(Vec::new()),
        FileKind::Tsv | FileKind::Xlsx => return Err(Failure::new(Code::BadRequest).with("field", "kind")),
    };
    table.head();
    let mut broken = false;
    workspace.store.each_stat(client.id, asked.level, asked.period, |row| broken |= table.row(&row).is_err()).await?;
    workspace.audit(host.now(), AuditAction::StatsExported, &client.name).await?;
    let (mime, extension) = table.kind();
    let content = table.end().filter(|_| !broken);
    Ok(ExportedFile {
        name: format!("{} {} {}.{extension}", file_name(&client.name), asked.period.from(), asked.period.to()),
        mime: mime.to_owned(),
        content: content.ok_or_else(|| Failure::new(Code::Internal).detail("the export could not be written"))?,
    })
}

enum Table {
    Csv(Box<csv::Writer<Vec<u8>>>),
    Json(Vec<serde_json::Value>),
}

const COLUMNS: [&str; 24] = [
    "date",
    "level",
    "external_id",
    "name",
    "breakdown",
    "impressions",
    "clicks",
    "spend",
    "currency",
    "vat",
    "conversions",
    "revenue",
    "visits",
    "users",
    "page_views",
    "bounces",
    "landing_url",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_content",
    "utm_term",
    "in_totals",
    "connection_id",
];

impl Table {
    fn head(&mut self) {
        if let Self::Csv(writer) = self {
            // Writing into memory does not fail.
            let _ = writer.write_record(COLUMNS);
        }
    }

    fn row(&mut self, row: &store::campaign_stats::StoredStat) -> Result<(), csv::Error> {
        let stat = &row.stat;
        let count = |value: Option<i64>| value.map(|value| value.to_string());
        let decimal = |value: Option<Micros>| value.map(|value| value.to_string());
        let name = row.name.clone().unwrap_or_else(|| stat.external_id.clone());
        let vat = serde_json::to_value(stat.vat).ok().and_then(|word| word.as_str().map(str::to_owned));
        let cells = [
            Some(stat.date.to_string()),
            Some(stat.level.to_string()),
            Some(stat.external_id.clone()),
            Some(name),
            Some(stat.breakdown.clone()),
            count(stat.impressions),
            count(stat.clicks),
            decimal(stat.cost),
            Some(stat.currency.to_string()),
            vat,
            decimal(stat.conversions),
            decimal(stat.revenue),
            count(stat.visits.count),
            count(stat.visits.users),
            count(stat.visits.page_views),
            count(stat.visits.bounces),
            row.landing.url.clone(),
            row.landing.utm.source.clone(),
            row.landing.utm.medium.clone(),
            row.landing.utm.campaign.clone(),
            row.landing.utm.content.clone(),
            row.landing.utm.term.clone(),
            Some(row.in_totals.to_string()),
            Some(row.connection_id.to_string()),
        ];
        match self {
            Self::Csv(writer) => {
                writer.write_record(cells.iter().map(|cell| guarded(cell.as_deref().unwrap_or_default())))?;
            }

            Self::Json(rows) => {
                let pairs = COLUMNS
                    .iter()
                    .zip(cells)
                    .map(|(column, cell)| ((*column).to_owned(), cell.map_or(serde_json::Value::Null, Into::into)));
                rows.push(serde_json::Value::Object(pairs.collect()));
            }
        }
        Ok(())
    }

    fn kind(&self) -> (&'static str, &'static str) {
        match self {
            Self::Csv(_) => ("text/csv", "csv"),
            Self::Json(_) => ("application/json", "json"),
        }
    }

    fn end(self) -> Option<String> {
        match self {
            Self::Csv(writer) => String::from_utf8(writer.into_inner().ok()?).ok(),
            Self::Json(rows) => serde_json::to_string(&rows).ok(),
        }
    }
}

/// A campaign's name may begin like a formula, and a spreadsheet would run it. A leading apostrophe makes it text
/// (<https://owasp.org/www-community/attacks/CSV_Injection>). Numbers keep their minus.
pub(crate) fn guarded(cell: &str) -> String {
    let formula =
        cell.starts_with(['=', '+', '@', '\t', '\r']) || (cell.starts_with('-') && cell.parse::<f64>().is_err());
    if formula { format!("'{cell}") } else { cell.to_owned() }
}

/// A name as part of a file's name.
pub(crate) fn file_name(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '_') { c } else { '_' }).collect()
}

/// A piece of time with its state and sums.
type Point = (DateRange, DayState, Sums);

fn sum_of(points: &[Point], margin: Option<Micros>) -> wire::StatsSums {
    points.iter().map(|(_, _, sums)| *sums).sum::<Sums>().at_margin(margin).into()
}

/// The ad objects of a level in the client's currency with their sums, the largest spend first. An object is one row here, though its sums
/// may stand in several there: of another VAT state, or of days of another rate.
async fn objects(
    workspace: &Workspace,
    client: ClientId,
    currency: Currency,
    level: Level,
    range: DateRange,
) -> Result<Vec<(ObjectSums, Sums)>, Failure> {
    let mut places: HashMap<(ConnectionId, String), usize> = HashMap::new();
    let mut objects: Vec<(ObjectSums, Sums)> = Vec::new();
    for window in vat::windows(range, currency) {
        for object in workspace.store.client_objects(client, level, window, OBJECTS).await? {
            if object.currency != currency {
                continue;
            }
            let sums = Sums::counted(object.sums, currency, object.vat, window.from());
            match places.entry((object.connection_id, object.external_id.clone())) {
                Entry::Occupied(place) => {
                    if let Some((_, so_far)) = objects.get_mut(*place.get()) {
                        *so_far = *so_far + sums;
                    }
                }
                Entry::Vacant(place) => {
                    place.insert(objects.len());
                    objects.push((object, sums));
                }
            }
        }
    }
    objects.sort_by_key(|(_, sums)| std::cmp::Reverse(sums.spend));
    objects.truncate(OBJECTS as usize);
    Ok(objects)
}

fn point((days, state, sums): Point, margin: Option<Micros>) -> StatsPoint {
    StatsPoint { from: days.from(), to: days.to(), state, sums: sums.at_margin(margin).into() }
}

/// Sums and state of each piece of time. A piece is as good as the worst day of the worst of the client's connections.
async fn points(
    workspace: &Workspace,
    client: ClientId,
    currency: Currency,
    range: DateRange,
    grain: Grain,
) -> Result<Vec<Point>, Failure> {
    let scope = Scope::Client(client);
    let mut sums: HashMap<NaiveDate, Sums> = HashMap::new();
    for day in workspace.store.client_days(scope, range).await? {
        if day.currency == currency {
            let so_far = sums.entry(grain.first_day(day.date)).or_default();
            *so_far = *so_far + Sums::counted(day.sums, day.currency, day.vat, day.date);
        }
    }
    let mut states: HashMap<NaiveDate, Vec<DayState>> = HashMap::new();
    for cell in workspace.store.day_cells(scope, range).await? {
        states.entry(cell.date).or_default().push(cell.state);
    }
    let state = |date| states.get(&date).map_or(DayState::Missing, |states| insight::health::of_day(states));
    let point = |days: DateRange| {
        let states: Vec<DayState> = days.days().map(state).collect();
        (days, insight::health::of_day(&states), sums.get(&grain.first_day(days.from())).copied().unwrap_or_default())
    };
    Ok(range.pieces(grain).into_iter().map(point).collect())
}
