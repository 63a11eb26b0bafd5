//! What a pivot is made of: sums of a client's connections over pieces of time, per ad object where it is asked for. One reading for a
//! whole table, so that what stands in different levels of it is of one moment.
//!
//! Levels are never added up here: each layer is of one level of each connection, and which one it is stands beside it. Whole months of
//! objects that do not move any more come from `monthly_objects`.

use crate::{
    Result, Store,
    ad_objects::Landing,
    codec::{Read, day_code, json, level_code},
    daily_rollups::{Sums, sums_of},
    monthly_objects,
    monthly_rollups::Pieces,
    slices::Part,
};
use chrono::NaiveDate;
use model::{
    ad::Level,
    date::DateRange,
    id::{ClientId, ConnectionId},
    money::{Currency, VatState},
};
use sqlx::{SqliteConnection, sqlite::SqliteRow};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// Which rows of each connection are added up to cells.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LayerAsked {
    /// Per ad object of this level; `None` takes the totals of the connection.
    pub level: Option<Level>,
    /// Splits of this kind (`goal`) instead of whole rows, each value by itself.
    pub kind: Option<String>,
}

/// What is read for a pivot.
#[derive(Debug, Clone)]
pub struct CellsAsked {
    /// Of which client.
    pub client: ClientId,
    /// In which currency.
    pub currency: Currency,
    /// The period.
    pub range: DateRange,
    /// The pieces of the period that are told apart, in order.
    pub pieces: Vec<DateRange>,
    /// The layers.
    pub layers: Vec<LayerAsked>,
}

/// Sums of one ad object, or of a connection, over one piece of time or a part of it: there may be several of one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Which piece, from 0.
    pub piece: usize,
    /// The object's number, a key of [`ConnectionCells::objects`]; `None` in a layer of totals.
    pub object: Option<i64>,
    /// The split as `kind=value`; empty in a layer of whole rows.
    pub breakdown: String,
    /// Whether the sums contain VAT: those that do and those that do not stand in cells of their own.
    pub vat: VatState,
    /// The last day with a row; of what does not move any more, the last day there could be one.
    pub last: NaiveDate,
    /// The sums.
    pub sums: Sums,
}

/// Cells of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The level whose rows were read: the one asked for, or the nearest below it that has rows.
    pub level: Level,
    /// The cells.
    pub cells: Arc<Vec<Cell>>,
}

/// An ad object that cells refer to, or that stands above one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellObject {
    /// How deep it stands.
    pub level: Level,
    /// The vendor's id.
    pub external_id: String,
    /// Its name; `None` until its dictionary was read.
    pub name: Option<String>,
    /// Where it leads; of ads alone.
    pub landing: Landing,
    /// The number of the object above it, where the platform said it.
    pub parent: Option<i64>,
}

/// What was read of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionCells {
    /// Which one.
    pub connection_id: ConnectionId,
    /// The first day of the period that may still change.
    pub moving_from: Option<NaiveDate>,
    /// As asked, in order; `None` where the connection has no such rows.
    pub layers: Vec<Option<Layer>>,
    /// Objects of the cells and all that stand above them, by number.
    pub objects: HashMap<i64, CellObject>,
}

/// A connection while it is read.
struct Known {
    num: i64,
    id: ConnectionId,
    totals: Level,
    moving_from: Option<NaiveDate>,
}

const LEVELS: [Level; 4] = [Level::Account, Level::Campaign, Level::AdGroup, Level::Ad];

macro_rules! pieces {
    () => {
        "WITH pieces (number, first, last) AS (
             SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?4)) "
    };
}

impl Store {
    /// Reads the cells of a pivot. Connections without a row in the period are absent; the others stand in the order they were created.
    pub async fn stat_cells(&self, asked: &CellsAsked) -> Result<Vec<ConnectionCells>> {
        let mut reading = self.readers.begin().await?;
        let mut found = Vec::new();
        for connection in connections(&mut reading, asked).await? {
            let whole = levels_with_rows(&mut reading, connection.num, asked, None).await?;
            // Splits may stand without whole rows.
            if whole.is_empty() && asked.layers.iter().all(|layer| layer.kind.is_none()) {
                continue;
            }
            let mut split: HashMap<&str, BTreeSet<Level>> = HashMap::new();
            let mut read: HashMap<(Option<Level>, Option<&str>), Layer> = HashMap::new();
            let mut layers = Vec::with_capacity(asked.layers.len());
            for layer in &asked.layers {
                let kind = layer.kind.as_deref();
                if let Some(kind) = kind
                    && !split.contains_key(kind)
                {
                    let levels = levels_with_rows(&mut reading, connection.num, asked, Some(kind)).await?;
                    split.insert(kind, levels);
                }
                let there = kind.map_or(&whole, |kind| &split[kind]);
                let level = match layer.level {
                    Some(level) => there.range(level..).next().copied(),
                    None if kind.is_none() => Some(connection.totals),
                    None => there.get(&connection.totals).or_else(|| there.first()).copied(),
                };
                let Some(level) = level else {
                    layers.push(None);
                    continue;
                };
                // Two layers asked for may turn out to be one.
                let key = (layer.level.map(|_| level), kind);
                let layer = if let Some(known) = read.get(&key) {
                    known.clone()
                } else {
                    let by_object = layer.level.is_some();
                    let cells = cells(&mut reading, &connection, level, by_object, kind, asked).await?;
                    Layer { level, cells: Arc::new(cells) }
                };
                read.insert(key, layer.clone());
                layers.push(Some(layer));
            }
            if layers.iter().flatten().all(|layer| layer.cells.is_empty()) {
                continue;
            }
            let objects = objects(&mut reading, connection.num, &layers).await?;
            found.push(ConnectionCells {
                connection_id: connection.id,
                moving_from: connection.moving_from,
                layers,
                objects,
            });
        }
        Ok(found)
    }

    /// What rows of a client's period are split by (`goal`, `device`), by name.
    pub async fn breakdown_kinds(&self, client: ClientId, range: DateRange) -> Result<Vec<String>> {
        let rows = sqlx::query(
            "SELECT DISTINCT substr(s.breakdown, 1, instr(s.breakdown, '=') - 1) AS kind FROM connections AS c
             CROSS JOIN (SELECT 1 AS level UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) AS l
             CROSS JOIN campaign_stats AS s ON s.connection = c.num AND s.level = l.level AND s.date BETWEEN ?2 AND ?3
             WHERE c.client_id = ?1 AND instr(s.breakdown, '=') > 1 ORDER BY kind",
        )
        .bind(client.to_string())
        .bind(day_code(range.from()))
        .bind(day_code(range.to()))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(|row| row.value("kind")).collect()
    }
}

async fn connections(reading: &mut SqliteConnection, asked: &CellsAsked) -> Result<Vec<Known>> {
    let rows = sqlx::query(
        "SELECT c.num, c.id, c.totals_level,
                (SELECT min(d.date) FROM day_reads AS d WHERE d.connection = c.num AND d.date BETWEEN ?2 AND ?3 AND d.state = 'moving'
                     AND NOT EXISTS (SELECT 1 FROM streams AS s
                                     WHERE s.connection = c.num AND s.name = d.stream AND s.enabled = 0)) AS moving_from
         FROM connections AS c WHERE c.client_id = ?1 ORDER BY c.num",
    )
    .bind(asked.client.to_string())
    .bind(day_code(asked.range.from()))
    .bind(day_code(asked.range.to()))
    .fetch_all(reading)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Known {
                num: row.value("num")?,
                id: row.word("id")?,
                totals: row.level("totals_level")?,
                moving_from: row.day_or_none("moving_from")?,
            })
        })
        .collect()
}

/// The levels at which a connection has rows in the period: whole ones, which have daily totals, or splits of a kind.
async fn levels_with_rows(
    reading: &mut SqliteConnection,
    num: i64,
    asked: &CellsAsked,
    kind: Option<&str>,
) -> Result<BTreeSet<Level>> {
    let mut levels = BTreeSet::new();
    for level in LEVELS {
        let query = match kind {
            None => sqlx::query(
                "SELECT EXISTS (SELECT 1 FROM daily_rollups WHERE connection = ?1 AND level = ?2 AND date BETWEEN ?3 AND ?4
                     AND currency = ?5) AS there",
            ),
            Some(_) => sqlx::query(
                "SELECT EXISTS (SELECT 1 FROM campaign_stats WHERE connection = ?1 AND level = ?2 AND date BETWEEN ?3 AND ?4
                     AND currency = ?5 AND breakdown >= ?6 AND breakdown < ?7) AS there",
            ),
        };
        let mut query = query
            .bind(num)
            .bind(level_code(level))
            .bind(day_code(asked.range.from()))
            .bind(day_code(asked.range.to()))
            .bind(asked.currency.to_string());
        if let Some(kind) = kind {
            let (from, to) = Part::Split(kind.to_owned()).bounds();
            query = query.bind(from).bind(to);
        }
        if query.fetch_one(&mut *reading).await?.value::<i64>("there")? == 1 {
            levels.insert(level);
        }
    }
    Ok(levels)
}

async fn cells(
    reading: &mut SqliteConnection,
    connection: &Known,
    level: Level,
    by_object: bool,
    kind: Option<&str>,
    asked: &CellsAsked,
) -> Result<Vec<Cell>> {
    let monthly = kind.is_none() && by_object;
    let (days, months) = divided(&asked.pieces, level, connection.moving_from, monthly);
    // CROSS JOIN is SQLite's way to fix the order: a piece is one contiguous run of the key.
    let query = match (kind.is_some(), by_object) {
        (false, false) => sqlx::query(concat!(
            pieces!(),
            "SELECT p.number, NULL AS object, '' AS breakdown, r.vat, max(r.date) AS last, sum(r.row_count) AS row_count, ",
            sums_of!("r."),
            " FROM pieces AS p CROSS JOIN daily_rollups AS r
              ON r.connection = ?1 AND r.level = ?2 AND r.date BETWEEN p.first AND p.last AND r.currency = ?3
              GROUP BY p.number, r.vat"
        )),
        (false, true) => sqlx::query(concat!(
            pieces!(),
            "SELECT p.number, s.object, '' AS breakdown, s.vat, max(s.date) AS last, count(*) AS row_count, ",
            sums_of!("s."),
            " FROM pieces AS p CROSS JOIN total_stats AS s
              ON s.connection = ?1 AND s.level = ?2 AND s.date BETWEEN p.first AND p.last AND s.currency = ?3
              GROUP BY p.number, s.object, s.vat"
        )),
        (true, false) => sqlx::query(concat!(
            pieces!(),
            "SELECT p.number, NULL AS object, s.breakdown, s.vat, max(s.date) AS last, count(*) AS row_count, ",
            sums_of!("s."),
            " FROM pieces AS p CROSS JOIN campaign_stats AS s
              ON s.connection = ?1 AND s.level = ?2 AND s.date BETWEEN p.first AND p.last AND s.currency = ?3
                 AND s.breakdown >= ?5 AND s.breakdown < ?6
              GROUP BY p.number, s.breakdown, s.vat"
        )),
        (true, true) => sqlx::query(concat!(
            pieces!(),
            "SELECT p.number, s.object, s.breakdown, s.vat, max(s.date) AS last, count(*) AS row_count, ",
            sums_of!("s."),
            " FROM pieces AS p CROSS JOIN campaign_stats AS s
              ON s.connection = ?1 AND s.level = ?2 AND s.date BETWEEN p.first AND p.last AND s.currency = ?3
                 AND s.breakdown >= ?5 AND s.breakdown < ?6
              GROUP BY p.number, s.object, s.breakdown, s.vat"
        )),
    };
    let mut query =
        query.bind(connection.num).bind(level_code(level)).bind(asked.currency.to_string()).bind(json(&days)?);
    if let Some(kind) = kind {
        let (from, to) = Part::Split(kind.to_owned()).bounds();
        query = query.bind(from).bind(to);
    }
    let mut rows = query.fetch_all(&mut *reading).await?;
    if !months.is_empty() {
        let query = sqlx::query(concat!(
            pieces!(),
            "SELECT p.number, m.object, '' AS breakdown, m.vat, p.last, sum(m.row_count) AS row_count, ",
            sums_of!("m."),
            " FROM pieces AS p CROSS JOIN monthly_objects AS m
              ON m.connection = ?1 AND m.level = ?2 AND m.month BETWEEN p.first AND p.last AND m.currency = ?3
              GROUP BY p.number, m.object, m.vat"
        ));
        let query =
            query.bind(connection.num).bind(level_code(level)).bind(asked.currency.to_string()).bind(json(&months)?);
        rows.extend(query.fetch_all(reading).await?);
    }
    rows.iter().map(cell).collect()
}

/// A part of a piece as statements know it: the piece's number, its first and its last day.
type Bit = (usize, i64, i64);

/// The pieces as parts that are read by days and, where there are months to read, parts of whole months without a day that moves.
fn divided(pieces: &[DateRange], level: Level, moving_from: Option<NaiveDate>, monthly: bool) -> (Vec<Bit>, Vec<Bit>) {
    let (mut days, mut months) = (Vec::new(), Vec::new());
    for (number, piece) in pieces.iter().enumerate() {
        let settled = match moving_from {
            _ if !monthly => None,
            Some(from) if from <= piece.to() => from.pred_opt().and_then(|eve| DateRange::new(piece.from(), eve).ok()),
            _ => Some(*piece),
        };
        let rest = match settled {
            None => Some(*piece),
            Some(settled) => settled.to().succ_opt().and_then(|next| DateRange::new(next, piece.to()).ok()),
        };
        let cut = settled.map(|settled| monthly_objects::pieces(level, settled));
        let bits = cut.map(|Pieces { head, months, tail }| [(head, false), (months, true), (tail, false)]);
        for ((first, last), whole) in bits.into_iter().flatten().filter(|((first, last), _)| first <= last) {
            if whole { &mut months } else { &mut days }.push((number, first, last));
        }
        days.extend(rest.map(|rest| (number, day_code(rest.from()), day_code(rest.to()))));
    }
    (days, months)
}

fn cell(row: &SqliteRow) -> Result<Cell> {
    Ok(Cell {
        piece: row.small("number")? as usize,
        object: row.value("object")?,
        breakdown: row.value("breakdown")?,
        vat: row.vat("vat")?,
        last: row.day("last")?,
        sums: Sums::read(row)?,
    })
}

/// The objects of these layers and all above them. A parent stands at the nearest level above that has its id: some platforms skip one.
async fn objects(
    reading: &mut SqliteConnection,
    num: i64,
    layers: &[Option<Layer>],
) -> Result<HashMap<i64, CellObject>> {
    let nums: BTreeSet<i64> =
        layers.iter().flatten().flat_map(|layer| layer.cells.iter().filter_map(|cell| cell.object)).collect();
    if nums.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query(
        "WITH RECURSIVE tree (num, level, external_id, name, parent) AS (
             SELECT o.num, o.level, o.external_id, o.name, o.parent_external_id
             FROM json_each(?1) AS ids CROSS JOIN ad_objects AS o ON o.num = ids.value
             UNION
             SELECT o.num, o.level, o.external_id, o.name, o.parent_external_id
             FROM tree AS t CROSS JOIN ad_objects AS o ON o.num = (
                 SELECT a.num FROM ad_objects AS a WHERE a.connection = ?2 AND a.level IN (2, 3) AND +a.level < t.level
                     AND a.external_id = t.parent ORDER BY a.level DESC LIMIT 1))
         SELECT t.*, o.landing_url, o.utm_source, o.utm_medium, o.utm_campaign, o.utm_content, o.utm_term
         FROM tree AS t JOIN ad_objects AS o ON o.num = t.num",
    )
    .bind(json(&nums)?)
    .bind(num)
    .fetch_all(reading)
    .await?;
    let mut parents = Vec::with_capacity(rows.len());
    let mut found = HashMap::with_capacity(rows.len());
    let mut known: HashMap<(Level, String), i64> = HashMap::with_capacity(rows.len());
    for row in &rows {
        let (num, level): (i64, Level) = (row.value("num")?, row.level("level")?);
        let external_id: String = row.value("external_id")?;
        known.insert((level, external_id.clone()), num);
        if let Some(parent) = row.value::<Option<String>>("parent")? {
            parents.push((num, level, parent));
        }
        let landing = Landing::read(row)?;
        found.insert(num, CellObject { level, external_id, name: row.value("name")?, landing, parent: None });
    }
    for (num, level, parent) in parents {
        let mut above = LEVELS.into_iter().rev().filter(|above| *above < level && *above > Level::Account);
        let parent = above.find_map(|above| known.get(&(above, parent.clone())).copied());
        if let Some(object) = found.get_mut(&num) {
            object.parent = parent;
        }
    }
    Ok(found)
}
