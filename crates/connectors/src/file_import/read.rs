//! Turns the rows of a table into campaign statistics under a mapping.
//!
//! One pass after the order of day and month is decided for the date column. A row is taken whole or rejected whole, with
//! its line, the first field that is wrong and what stood there. Rows of the same day and object are added up exactly, since
//! exports are often finer than we keep (by placement, by hour); a row that repeats another to the letter is rejected as
//! a duplicate, because that is a file pasted together and not a finer one.

use super::{
    Field, Import, Mapping, Note, STREAM, Table, Totals, cell,
    cell::{Order, Shape},
    headers,
    table::{self, DecimalSign},
};
use chrono::NaiveDate;
use model::{
    ad::{AdObject, CampaignStat, Level, ObjectStatus, RejectReason, Rejected, Visits},
    date::DateRange,
    failure::{Code, Failure},
    money::{Currency, Micros},
};
use std::{
    collections::{
        HashMap, HashSet,
        hash_map::{DefaultHasher, Entry},
    },
    hash::Hasher,
};

/// Characters of a wrong value that are kept.
const VALUE_CHARS: usize = 500;
/// Characters of a rejected row that are kept.
const RAW_CHARS: usize = 4_000;

/// Reads all rows under the mapping.
///
/// # Errors
/// `ColumnMissing` with `field` when no column is the date, or none is spend, impressions or clicks; `BadRequest` with
/// `field` when the mapping has another number of columns than the table or uses a meaning twice.
pub fn read(table: &Table, mapping: &Mapping) -> Result<Import, Failure> {
    let columns = Columns::new(table, &mapping.fields)?;
    let mut notes = table.notes.clone();
    let day_first = day_order(table, columns.date, &mut notes);
    let level = columns.level();
    let mut rows = Rows {
        table,
        mapping,
        level,
        columns,
        day_first,
        last_date: None,
        plain: String::new(),
        objects: Objects::default(),
        breakdowns: HashMap::from([(String::new(), 0)]),
        breakdown_names: vec![String::new()],
        stats: Vec::new(),
        places: HashMap::new(),
        seen: HashSet::new(),
        totals: Totals::default(),
        currencies: HashSet::new(),
        ambiguous: 0,
        merged: 0,
        merged_unknown: 0,
        object_days: 0,
        total_lines: Vec::new(),
    };
    let mut rejected = Vec::new();
    let mut good = 0u64;
    for row in 0..table.rows() {
        match rows.take(row) {
            Ok(Taken::Kept) => good += 1,
            Ok(Taken::Total) => {}
            Err(refusal) => rejected.push(Rejected {
                stream: STREAM.to_owned(),
                date: refusal.date,
                reason: refusal.reason,
                field: refusal.field.to_owned(),
                value: refusal.value.chars().take(VALUE_CHARS).collect(),
                line: Some(table.line(row)),
                raw: table.raw(row, RAW_CHARS),
            }),
        }
    }
    if rows.ambiguous > 0 && table.decimal == DecimalSign::Unproven {
        notes.push(Note::ThousandsAssumed { cells: rows.ambiguous });
    }
    if rows.merged > 0 {
        notes.push(Note::RowsMerged { rows: good, into: rows.object_days, unknown: rows.merged_unknown });
    }
    if rows.columns.names_as_ids(level) {
        notes.push(Note::NamesAsIds { level });
    }
    add_totals(&mut notes, &rows.total_lines);
    if rows.currencies.len() > 1 {
        rows.totals.cost = None;
        rows.totals.revenue = None;
    }
    let first = rows.stats.iter().map(|stat| stat.date).min();
    let last = rows.stats.iter().map(|stat| stat.date).max();
    Ok(Import {
        range: first.zip(last).and_then(|(first, last)| DateRange::new(first, last).ok()),
        stats: rows.stats,
        objects: rows.objects.list,
        rejected,
        good,
        level,
        totals: rows.totals,
        notes,
    })
}

/// Joins totals met while reading (named in the column of names) with those found when the file was opened.
fn add_totals(notes: &mut Vec<Note>, found: &[u64]) {
    if found.is_empty() {
        return;
    }
    let more = u64::try_from(found.len()).unwrap_or(u64::MAX);
    for note in notes.iter_mut() {
        if let Note::TotalsSkipped { count, lines } = note {
            *count += more;
            lines.extend(found);
            lines.sort_unstable();
            lines.truncate(20);
            return;
        }
    }
    notes.push(Note::TotalsSkipped { count: more, lines: found.iter().take(20).copied().collect() });
}

/// Where each meaning stands.
struct Columns {
    date: usize,
    single: HashMap<Field, usize>,
    breakdowns: Vec<(usize, String)>,
    /// Columns that may hold words: all but the day and the numbers.
    words: Vec<usize>,
    /// Fewest and most cells a row of text may have.
    narrowest: usize,
    widest: usize,
}

impl Columns {
    fn new(table: &Table, fields: &[Field]) -> Result<Self, Failure> {
        if fields.len() != table.headers.len() {
            return Err(Failure::new(Code::BadRequest).with("field", "fields"));
        }
        let mut single = HashMap::new();
        let mut breakdowns = Vec::new();
        for (column, field) in fields.iter().enumerate() {
            match field {
                Field::Ignore => {}
                Field::Breakdown => breakdowns.push((column, table.headers[column].to_lowercase())),
                _ => {
                    let both = single.contains_key(&Field::Cost) && *field == Field::CostMicros
                        || single.contains_key(&Field::CostMicros) && *field == Field::Cost;
                    if both || single.insert(*field, column).is_some() {
                        return Err(Failure::new(Code::BadRequest).with("field", field.as_str()));
                    }
                }
            }
        }
        let missing = |field: Field| Failure::new(Code::ColumnMissing).with("field", field.as_str());
        let date = *single.get(&Field::Date).ok_or_else(|| missing(Field::Date))?;
        if ![Field::Cost, Field::CostMicros, Field::Impressions, Field::Clicks]
            .iter()
            .any(|field| single.contains_key(field))
        {
            return Err(missing(Field::Cost));
        }
        let is_word = |field: &Field| {
            use Field::{Clicks, Conversions, Cost, CostMicros, Date, Impressions, Revenue};
            !matches!(field, Date | Impressions | Clicks | Cost | CostMicros | Conversions | Revenue)
        };
        let words = (0..fields.len()).filter(|column| is_word(&fields[*column])).collect();
        let named = table.headers.iter().rposition(|header| !header.is_empty()).map_or(0, |last| last + 1);
        // The cells of a workbook that are empty at the end of a row are not stored; in text every separator is there.
        let narrowest = if table.delimiter.is_some() { named } else { 0 };
        Ok(Self { date, single, breakdowns, words, narrowest, widest: table.headers.len() })
    }

    fn get(&self, field: Field) -> Option<usize> {
        self.single.get(&field).copied()
    }

    /// The deepest level that has a column.
    fn level(&self) -> Level {
        TREE.iter()
            .rev()
            .find(|(_, id, name)| self.get(*id).is_some() || self.get(*name).is_some())
            .map_or(Level::Account, |(level, _, _)| *level)
    }

    fn names_as_ids(&self, level: Level) -> bool {
        TREE.iter().any(|(at, id, name)| *at == level && self.get(*id).is_none() && self.get(*name).is_some())
    }
}

/// The levels from the top with their columns.
const TREE: [(Level, Field, Field); 3] = [
    (Level::Campaign, Field::CampaignId, Field::CampaignName),
    (Level::AdGroup, Field::AdGroupId, Field::AdGroupName),
    (Level::Ad, Field::AdId, Field::AdName),
];

/// Decides for the whole column whether the day comes first, and says so when nothing proves it.
fn day_order(table: &Table, column: usize, notes: &mut Vec<Note>) -> bool {
    let (mut day, mut month, mut either) = (0u64, 0u64, 0u64);
    let mut before = "";
    for row in 0..table.rows() {
        let text = table.cell(row, column);
        if text == before {
            continue;
        }
        before = text;
        match cell::order(text) {
            Order::DayFirst => day += 1,
            Order::MonthFirst => month += 1,
            Order::Either => either += 1,
            Order::Clear => {}
        }
    }
    if day == 0 && month == 0 && either > 0 {
        // Days of a report follow each other closely, so the reading that spans fewer days is the likelier one.
        let span = |day_first: bool| {
            let dates =
                (0..table.rows()).filter_map(|row| cell::date(table.cell(row, column), day_first, table.from_1904));
            let (first, last) =
                dates.fold((None, None), |(first, last): (Option<NaiveDate>, Option<NaiveDate>), date| {
                    (Some(first.map_or(date, |first| first.min(date))), Some(last.map_or(date, |last| last.max(date))))
                });
            first.zip(last).map_or(0, |(first, last)| (last - first).num_days())
        };
        let day_first = span(true) <= span(false);
        notes.push(Note::DayOrderAssumed { day_first });
        return day_first;
    }
    day >= month
}

/// Why a row is not taken.
struct Refusal {
    reason: RejectReason,
    field: &'static str,
    value: String,
    date: Option<NaiveDate>,
}

/// Why a row cannot be taken: the reason, the field, and what stood there.
type Problem<'t> = (RejectReason, &'static str, &'t str);

/// A step from the campaign down to the level of the import: level, external id, name.
type Step<'t> = (Level, String, &'t str);

enum Taken {
    Kept,
    Total,
}

#[derive(Default)]
struct Objects {
    list: Vec<AdObject>,
    places: HashMap<(Level, String), usize>,
}

impl Objects {
    /// The place of an object; a later name replaces an earlier one.
    fn place(&mut self, level: Level, external_id: &str, parent: Option<&str>, name: &str) -> usize {
        // The key is owned by the map; looking it up costs one allocation for each row and level.
        match self.places.entry((level, external_id.to_owned())) {
            Entry::Occupied(entry) => {
                let place = *entry.get();
                let object = &mut self.list[place];
                if object.name != name {
                    name.clone_into(&mut object.name);
                }
                place
            }
            Entry::Vacant(entry) => {
                let place = self.list.len();
                entry.insert(place);
                self.list.push(AdObject {
                    level,
                    external_id: external_id.to_owned(),
                    parent_external_id: parent.map(str::to_owned),
                    name: name.to_owned(),
                    status: ObjectStatus::Unknown,
                    landing_url: None,
                });
                place
            }
        }
    }
}

struct Rows<'a> {
    table: &'a Table,
    mapping: &'a Mapping,
    level: Level,
    columns: Columns,
    day_first: bool,
    /// The last date cell and what it is: rows of a day usually stand together.
    last_date: Option<(&'a str, NaiveDate)>,
    plain: String,
    objects: Objects,
    breakdowns: HashMap<String, u32>,
    breakdown_names: Vec<String>,
    stats: Vec<CampaignStat>,
    /// Object, day and breakdown to the place in `stats`.
    places: HashMap<(usize, NaiveDate, u32), usize>,
    /// Fingerprints of rows, to know a repeated one.
    seen: HashSet<u64>,
    totals: Totals,
    currencies: HashSet<Currency>,
    ambiguous: u64,
    merged: u64,
    merged_unknown: u64,
    /// Days of objects at the finest key.
    object_days: u64,
    total_lines: Vec<u64>,
}

impl<'a> Rows<'a> {
    fn take(&mut self, row: usize) -> Result<Taken, Refusal> {
        let table = self.table;
        self.shape(row)?;
        if self.is_subtotal(row) {
            self.total_lines.push(table.line(row));
            return Ok(Taken::Total);
        }
        let date = self.date(row)?;
        let refuse =
            |(reason, field, value): Problem<'_>| Refusal { reason, field, value: value.to_owned(), date: Some(date) };
        let path = self.path(row).map_err(refuse)?;
        let currency = self.currency(row).map_err(refuse)?;
        let metrics = self.metrics(row).map_err(refuse)?;
        if !self.seen.insert(self.fingerprint(row)) {
            return Err(refuse((RejectReason::Duplicate, Field::Date.as_str(), table.label(row, self.columns.date))));
        }
        let object = self.place(&path);
        let breakdown = self.breakdown(row);
        self.add(object, date, breakdown, currency, &metrics).map_err(refuse)?;
        Ok(Taken::Kept)
    }

    /// A row of text must be as wide as the header: a shorter one was cut off, and its last number may be half a number.
    fn shape(&self, row: usize) -> Result<(), Refusal> {
        let width = self.table.width(row);
        let overhang = (self.columns.widest..width).any(|column| !cell::trim(self.table.cell(row, column)).is_empty());
        if width < self.columns.narrowest || overhang {
            return Err(Refusal { reason: RejectReason::WrongShape, field: "", value: width.to_string(), date: None });
        }
        Ok(())
    }

    /// A total between the rows: such a word stands where a name or a split should. Columns that are not used count too,
    /// since "all devices" beside each device would be added to them.
    fn is_subtotal(&self, row: usize) -> bool {
        self.columns.words.iter().any(|column| table::is_total_word(self.table.cell(row, *column), false))
    }

    fn date(&mut self, row: usize) -> Result<NaiveDate, Refusal> {
        let text = self.table.label(row, self.columns.date);
        if let Some((before, date)) = self.last_date
            && before == text
        {
            return Ok(date);
        }
        if let Some(date) = cell::date(text, self.day_first, self.table.from_1904) {
            self.last_date = Some((text, date));
            Ok(date)
        } else {
            let reason = if cell::is_unknown(text) { RejectReason::Missing } else { RejectReason::NotADate };
            Err(Refusal { reason, field: Field::Date.as_str(), value: text.to_owned(), date: None })
        }
    }

    /// The ids and names of the row from the campaign down to the level of the import.
    fn path(&self, row: usize) -> Result<Vec<Step<'a>>, Problem<'a>> {
        let table = self.table;
        let mut path: Vec<Step<'a>> = Vec::with_capacity(3);
        for (level, id_field, name_field) in TREE {
            let text = |field| self.columns.get(field).map(|column| cell::trim(table.label(row, column)));
            let known = |text: &&str| !cell::is_nameless(text);
            let (id, name) = (text(id_field), text(name_field));
            if id.is_none() && name.is_none() {
                continue;
            }
            let field = if id.is_some() { id_field } else { name_field };
            let Some(own) = id.or(name).filter(known) else {
                if level == self.level {
                    return Err((RejectReason::Missing, field.as_str(), id.or(name).unwrap_or("")));
                }
                continue;
            };
            if id.is_some() && cell::is_exponent(own) {
                return Err((RejectReason::NotANumber, field.as_str(), own));
            }
            // Names of groups and ads repeat in different campaigns, so without an id the name of the parent belongs to it.
            let external_id = match path.last() {
                Some((_, parent, _)) if id.is_none() => format!("{parent} / {own}"),
                _ => own.to_owned(),
            };
            path.push((level, external_id, name.filter(known).unwrap_or(own)));
        }
        Ok(path)
    }

    fn place(&mut self, path: &[Step<'_>]) -> usize {
        let mut parent: Option<&str> = None;
        let mut place = None;
        for (level, external_id, name) in path {
            place = Some(self.objects.place(*level, external_id, parent, name));
            parent = Some(external_id);
        }
        place.unwrap_or_else(|| {
            let source = self.mapping.source_name.trim();
            self.objects.place(Level::Account, source, None, source)
        })
    }

    fn currency(&self, row: usize) -> Result<Currency, Problem<'a>> {
        let Some(column) = self.columns.get(Field::Currency) else { return Ok(self.mapping.currency) };
        let text = self.table.label(row, column);
        if cell::is_unknown(text) {
            return Ok(self.mapping.currency);
        }
        headers::currency(text).ok_or((RejectReason::UnknownWord, Field::Currency.as_str(), text))
    }

    fn metrics(&mut self, row: usize) -> Result<Totals, Problem<'a>> {
        Ok(Totals {
            impressions: self.count(row, Field::Impressions)?,
            clicks: self.count(row, Field::Clicks)?,
            cost: match self.columns.get(Field::CostMicros) {
                Some(_) => self.count(row, Field::CostMicros)?.map(Micros),
                None => self.decimal(row, Field::Cost)?,
            },
            conversions: self.decimal(row, Field::Conversions)?,
            revenue: self.decimal(row, Field::Revenue)?,
        })
    }

    /// Writes the number of a cell to `plain`; `None` when there is no such column or the cell says "unknown".
    fn number(&mut self, row: usize, field: Field) -> Result<Option<&'a str>, Problem<'a>> {
        let Some(column) = self.columns.get(field) else { return Ok(None) };
        let text = self.table.cell(row, column);
        match cell::number(text, self.table.decimal_comma(), &mut self.plain) {
            Shape::Unknown => Ok(None),
            Shape::Other => Err((RejectReason::NotANumber, field.as_str(), text)),
            Shape::Number { ambiguous } => {
                self.ambiguous += u64::from(ambiguous);
                if self.plain.starts_with('-') && self.plain.bytes().any(|b| matches!(b, b'1'..=b'9')) {
                    return Err((RejectReason::Negative, field.as_str(), text));
                }
                Ok(Some(text))
            }
        }
    }

    /// A whole number. `100,00` is whole; `100,5` is not a count.
    fn count(&mut self, row: usize, field: Field) -> Result<Option<i64>, Problem<'a>> {
        let Some(text) = self.number(row, field)? else { return Ok(None) };
        let (whole, fraction) = self.plain.split_once('.').unwrap_or((&self.plain, ""));
        if fraction.bytes().any(|digit| digit != b'0') {
            return Err((RejectReason::NotANumber, field.as_str(), text));
        }
        whole.trim_start_matches('-').parse().map(Some).map_err(|_| (RejectReason::TooLarge, field.as_str(), text))
    }

    fn decimal(&mut self, row: usize, field: Field) -> Result<Option<Micros>, Problem<'a>> {
        let Some(text) = self.number(row, field)? else { return Ok(None) };
        Micros::parse(&self.plain).map(Some).map_err(|_| (RejectReason::TooLarge, field.as_str(), text))
    }

    /// A fingerprint of every cell of the row, with merged cells filled in.
    fn fingerprint(&self, row: usize) -> u64 {
        let mut hasher = DefaultHasher::new();
        for column in 0..self.table.headers.len() {
            hasher.write(self.table.label(row, column).as_bytes());
            hasher.write_u8(0xFF);
        }
        hasher.finish()
    }

    /// The number of the row's breakdown; 0 when none is mapped.
    fn breakdown(&mut self, row: usize) -> u32 {
        if self.columns.breakdowns.is_empty() {
            return 0;
        }
        let mut text = String::new();
        for (column, kind) in &self.columns.breakdowns {
            if !text.is_empty() {
                text.push(';');
            }
            text.push_str(kind);
            text.push('=');
            text.push_str(cell::trim(self.table.label(row, *column)));
        }
        if let Some(number) = self.breakdowns.get(&text) {
            return *number;
        }
        let number = u32::try_from(self.breakdown_names.len()).unwrap_or(u32::MAX);
        self.breakdown_names.push(text.clone());
        self.breakdowns.insert(text, number);
        number
    }

    /// Adds the row to the whole of its object and day, and to its breakdown if there is one. Nothing is changed when a
    /// sum would not fit or the currency is another.
    fn add(
        &mut self,
        object: usize,
        date: NaiveDate,
        breakdown: u32,
        currency: Currency,
        metrics: &Totals,
    ) -> Result<(), Problem<'static>> {
        let keys = [(object, date, 0), (object, date, breakdown)];
        let keys = if breakdown == 0 { &keys[..1] } else { &keys[..] };
        let mut sums = [Totals::default(); 2];
        let mut is_finer = false;
        for (at, key) in keys.iter().enumerate() {
            sums[at] = *metrics;
            if let Some(stat) = self.places.get(key).and_then(|place| self.stats.get(*place)) {
                if stat.currency != currency {
                    return Err((RejectReason::CurrencyMismatch, Field::Currency.as_str(), ""));
                }
                sums[at] = sum(&metrics_of(stat), metrics)?;
                is_finer = at + 1 == keys.len();
            }
        }
        self.totals = sum(&self.totals, metrics)?;
        self.currencies.insert(currency);
        if is_finer {
            self.merged += 1;
            self.merged_unknown += self.unknown_cells(metrics);
        } else {
            self.object_days += 1;
        }
        for (key, sum) in keys.iter().zip(sums) {
            let place = *self.places.entry(*key).or_insert_with(|| {
                self.stats.push(CampaignStat {
                    level: self.level,
                    external_id: self.objects.list[object].external_id.clone(),
                    date,
                    breakdown: self.breakdown_names[key.2 as usize].clone(),
                    impressions: None,
                    clicks: None,
                    cost: None,
                    currency,
                    vat: self.mapping.vat,
                    conversions: None,
                    revenue: None,
                    visits: Visits::default(),
                });
                self.stats.len() - 1
            });
            let stat = &mut self.stats[place];
            stat.impressions = sum.impressions;
            stat.clicks = sum.clicks;
            stat.cost = sum.cost;
            stat.conversions = sum.conversions;
            stat.revenue = sum.revenue;
        }
        Ok(())
    }

    /// Mapped metrics of the row that are unknown.
    fn unknown_cells(&self, metrics: &Totals) -> u64 {
        let mapped = |field| u64::from(self.columns.get(field).is_some());
        let unknown = |is_none: bool, mapped: u64| if is_none { mapped } else { 0 };
        unknown(metrics.impressions.is_none(), mapped(Field::Impressions))
            + unknown(metrics.clicks.is_none(), mapped(Field::Clicks))
            + unknown(metrics.cost.is_none(), mapped(Field::Cost) | mapped(Field::CostMicros))
            + unknown(metrics.conversions.is_none(), mapped(Field::Conversions))
            + unknown(metrics.revenue.is_none(), mapped(Field::Revenue))
    }
}

fn metrics_of(stat: &CampaignStat) -> Totals {
    Totals {
        impressions: stat.impressions,
        clicks: stat.clicks,
        cost: stat.cost,
        conversions: stat.conversions,
        revenue: stat.revenue,
    }
}

/// Adds what is known; unknown stays unknown only when both are. Refuses a sum that does not fit, naming the field.
fn sum(a: &Totals, b: &Totals) -> Result<Totals, Problem<'static>> {
    fn add(a: Option<i64>, b: Option<i64>, field: Field) -> Result<Option<i64>, Problem<'static>> {
        match (a, b) {
            (Some(a), Some(b)) => a.checked_add(b).map(Some).ok_or((RejectReason::TooLarge, field.as_str(), "")),
            (known, None) | (None, known) => Ok(known),
        }
    }
    let micros = |a: Option<Micros>, b: Option<Micros>, field| {
        add(a.map(|a| a.0), b.map(|b| b.0), field).map(|sum| sum.map(Micros))
    };
    Ok(Totals {
        impressions: add(a.impressions, b.impressions, Field::Impressions)?,
        clicks: add(a.clicks, b.clicks, Field::Clicks)?,
        cost: micros(a.cost, b.cost, Field::Cost)?,
        conversions: micros(a.conversions, b.conversions, Field::Conversions)?,
        revenue: micros(a.revenue, b.revenue, Field::Revenue)?,
    })
}
