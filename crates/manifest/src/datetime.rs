//! Dates as the manifest format writes them: strftime and strptime directives with the format's own additions
//! (`%s`, `%s_as_float`, `%ms`, `%epoch_microseconds`, `%_ms`), ISO 8601 texts and ISO 8601 durations
//! (connector-format.md, section 2.7).
//!
//! Own code on top of chrono's calendar, because the format promises Python's behaviour and not chrono's: `%f` reads one
//! to six digits, names are read in any case, a literal `Z` is a letter and no zone, what follows the format is an error.

use chrono::{
    DateTime, Datelike, Days, FixedOffset, Months, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone,
    Timelike, Utc,
};
use regex::Regex;
use std::{cell::RefCell, collections::HashMap, fmt::Write, sync::Arc};

/// A text is not a date, a duration or a format that can be read. The message names the text and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DateError(pub String);

/// A point on the clock with an optional offset. Without one it is a wall-clock time of no particular place, which the
/// format treats as UTC wherever it has to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub local: NaiveDateTime,
    /// Its distance from UTC, if stated.
    pub offset: Option<FixedOffset>,
}

impl Moment {
    /// An instant, shown in UTC.
    pub fn utc(at: DateTime<Utc>) -> Self {
        Self { local: at.naive_utc(), offset: Some(Utc.fix()) }
    }
    /// The same wall clock, taken for UTC when no offset was stated.
    #[must_use]
    pub fn or_utc(self) -> Self {
        Self { local: self.local, offset: Some(self.offset.unwrap_or(Utc.fix())) }
    }
    /// The instant; without an offset the wall clock is UTC.
    pub fn instant(self) -> DateTime<Utc> {
        let shift = self.offset.map_or(0, |offset| offset.local_minus_utc());
        Utc.from_utc_datetime(&(self.local - TimeDelta::seconds(i64::from(shift))))
    }
    /// The same instant, shown in UTC.
    #[must_use]
    pub fn to_utc(self) -> Self {
        Self::utc(self.instant())
    }
    /// Seconds since the epoch with their fraction, as Python's `timestamp()` gives them.
    pub fn timestamp(self) -> f64 {
        let at = self.instant();
        at.timestamp() as f64 + f64::from(at.timestamp_subsec_micros()) / 1e6
    }
    /// The same with the wall clock moved.
    pub fn shifted(self, by: TimeDelta) -> Option<Self> {
        Some(Self { local: self.local.checked_add_signed(by)?, offset: self.offset })
    }
}

/// A span of calendar months and of exact time. Months come first when it is added, then the exact part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IsoDuration {
    /// Whole months; a year is twelve.
    pub months: i64,
    /// The exact part: weeks, days, hours, minutes, seconds.
    pub exact: TimeDelta,
}

impl IsoDuration {
    /// Reads `P1Y2M3W4DT5H6M7.5S`, with an optional sign in front.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let fail = || DateError(format!("{text:?} is not an ISO 8601 duration such as P1D or PT1H"));
        let (negative, rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        let mut rest = rest.strip_prefix('P').ok_or_else(fail)?;
        let (mut months, mut micros, mut in_time, mut any) = (0i64, 0i64, false, false);
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('T') {
                if in_time {
                    return Err(fail());
                }
                in_time = true;
                rest = after;
                continue;
            }
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').ok_or_else(fail)?;
            let number: f64 = rest[..end].replace(',', ".").parse().map_err(|_| fail())?;
            let unit = rest[end..].chars().next().ok_or_else(fail)?;
            rest = &rest[end + unit.len_utf8()..];
            any = true;
            let seconds = match (unit, in_time) {
                ('Y', false) => {
                    months += whole(number).ok_or_else(fail)? * 12;
                    continue;
                }
                ('M', false) => {
                    months += whole(number).ok_or_else(fail)?;
                    continue;
                }
                ('W', false) => 604_800.0,
                ('D', false) => 86_400.0,
                ('H', true) => 3_600.0,
                ('M', true) => 60.0,
                ('S', true) => 1.0,
                _ => return Err(fail()),
            };
            micros += whole((number * seconds * 1e6).round()).ok_or_else(fail)?;
        }
        if !any {
            return Err(fail());
        }
        let sign = if negative { -1 } else { 1 };
        Ok(Self { months: sign * months, exact: TimeDelta::microseconds(sign * micros) })
    }
    /// Backwards.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { months: -self.months, exact: -self.exact }
    }
    /// Whether it is no time at all.
    pub fn is_zero(self) -> bool {
        self.months == 0 && self.exact.is_zero()
    }
    /// `date` moved by the whole days of this duration; hours do not move a date, as in Python.
    pub fn add_to_date(self, date: NaiveDate) -> Option<NaiveDate> {
        add_months(date, self.months)?
            .checked_add_signed(TimeDelta::days(self.exact.num_microseconds()?.div_euclid(DAY)))
    }
    /// `moment` moved: months with the day clipped to the end of the month, then the exact part.
    pub fn add_to(self, moment: Moment) -> Option<Moment> {
        let date = add_months(moment.local.date(), self.months)?;
        Moment { local: date.and_time(moment.local.time()), offset: moment.offset }.shifted(self.exact)
    }
}

const DAY: i64 = 86_400_000_000;

/// A float that is a whole number within what a duration can hold.
#[allow(clippy::cast_possible_truncation, reason = "the range is checked before the cast")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e18).then_some(number as i64)
}

fn add_months(date: NaiveDate, months: i64) -> Option<NaiveDate> {
    let count = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    if months < 0 { date.checked_sub_months(count) } else { date.checked_add_months(count) }
}

const DAY_NAMES: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTH_NAMES: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Writes a moment in a format of the manifest language: the four whole-format directives, `%_ms`, and strftime.
pub fn format(moment: Moment, format: &str) -> String {
    let at = moment.instant();
    match format {
        "%s" => at.timestamp().to_string(),
        "%s_as_float" => crate::template::float_text(moment.timestamp()),
        "%ms" => at.timestamp_millis().to_string(),
        "%epoch_microseconds" => at.timestamp_micros().to_string(),
        _ => strftime(moment, format),
    }
}

/// Plain strftime, plus `%_ms` for three digits of milliseconds.
pub fn strftime(moment: Moment, format: &str) -> String {
    let mut out = String::with_capacity(format.len() + 16);
    let (date, time) = (moment.local.date(), moment.local.time());
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix("_ms") {
            let _ = write!(out, "{:03}", time.nanosecond() / 1_000_000 % 1000);
            rest = after;
            continue;
        }
        let Some(letter) = rest.chars().next() else {
            out.push('%');
            return out;
        };
        rest = &rest[letter.len_utf8()..];
        directive(&mut out, letter, date, time, moment);
    }
    out.push_str(rest);
    out
}

fn directive(out: &mut String, letter: char, date: NaiveDate, time: NaiveTime, moment: Moment) {
    let weekday = date.weekday().num_days_from_monday() as usize;
    let month = date.month0() as usize;
    let hour12 = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    // Writing to a String cannot fail.
    let _ = match letter {
        'Y' => write!(out, "{}", date.year()),
        'm' => write!(out, "{:02}", date.month()),
        'd' => write!(out, "{:02}", date.day()),
        'e' => write!(out, "{:2}", date.day()),
        'H' => write!(out, "{:02}", time.hour()),
        'k' => write!(out, "{:2}", time.hour()),
        'I' => write!(out, "{hour12:02}"),
        'l' => write!(out, "{hour12:2}"),
        'M' => write!(out, "{:02}", time.minute()),
        'S' => write!(out, "{:02}", time.second()),
        'f' => write!(out, "{:06}", time.nanosecond() / 1000 % 1_000_000),
        'z' => match moment.offset {
            None => Ok(()),
            Some(offset) => {
                let seconds = offset.local_minus_utc();
                let sign = if seconds < 0 { '-' } else { '+' };
                write!(out, "{sign}{:02}{:02}", seconds.abs() / 3600, seconds.abs() / 60 % 60)
            }
        },
        'Z' => match moment.offset {
            None => Ok(()),
            Some(offset) if offset.local_minus_utc() == 0 => write!(out, "UTC"),
            Some(offset) => write!(out, "UTC{offset}"),
        },
        'a' => write!(out, "{}", &DAY_NAMES[weekday][..3]),
        'A' => write!(out, "{}", DAY_NAMES[weekday]),
        'b' | 'h' => write!(out, "{}", &MONTH_NAMES[month][..3]),
        'B' => write!(out, "{}", MONTH_NAMES[month]),
        'p' => write!(out, "{}", if time.hour() < 12 { "AM" } else { "PM" }),
        'P' => write!(out, "{}", if time.hour() < 12 { "am" } else { "pm" }),
        'y' => write!(out, "{:02}", date.year().rem_euclid(100)),
        'C' => write!(out, "{:02}", date.year().div_euclid(100)),
        'j' => write!(out, "{:03}", date.ordinal()),
        'u' => write!(out, "{}", weekday + 1),
        'w' => write!(out, "{}", date.weekday().num_days_from_sunday()),
        'U' => write!(out, "{:02}", (date.ordinal() + 6 - date.weekday().num_days_from_sunday()) / 7),
        'W' => write!(out, "{:02}", (date.ordinal() + 6 - date.weekday().num_days_from_monday()) / 7),
        'V' => write!(out, "{:02}", date.iso_week().week()),
        'G' => write!(out, "{}", date.iso_week().year()),
        'g' => write!(out, "{:02}", date.iso_week().year().rem_euclid(100)),
        's' => write!(out, "{}", moment.instant().timestamp()),
        'D' | 'x' => write!(out, "{:02}/{:02}/{:02}", date.month(), date.day(), date.year().rem_euclid(100)),
        'F' => write!(out, "{}-{:02}-{:02}", date.year(), date.month(), date.day()),
        'T' | 'X' => write!(out, "{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second()),
        'R' => write!(out, "{:02}:{:02}", time.hour(), time.minute()),
        'c' => write!(
            out,
            "{} {} {:2} {:02}:{:02}:{:02} {}",
            &DAY_NAMES[weekday][..3],
            &MONTH_NAMES[month][..3],
            date.day(),
            time.hour(),
            time.minute(),
            time.second(),
            date.year()
        ),
        'n' => writeln!(out),
        't' => write!(out, "\t"),
        '%' => write!(out, "%"),
        other => write!(out, "%{other}"),
    };
}

/// Reads a text in a format of the manifest language. A text without a zone is UTC.
pub fn parse(text: &str, format: &str) -> Result<Moment, DateError> {
    let number = || text.trim().parse::<i64>().map_err(|_| mismatch(text, format));
    let at = match format {
        "%s" => DateTime::from_timestamp(number()?, 0),
        "%ms" => DateTime::from_timestamp_millis(number()?),
        "%epoch_microseconds" => DateTime::from_timestamp_micros(number()?),
        "%s_as_float" => {
            let seconds: f64 = text.trim().parse().map_err(|_| mismatch(text, format))?;
            whole((seconds * 1e6).round()).and_then(DateTime::from_timestamp_micros)
        }
        _ if format.contains("%_ms") => return Ok(strptime(text, &format.replace("%_ms", "%f"))?.or_utc()),
        _ => return Ok(strptime(text, format)?.or_utc()),
    };
    at.map(Moment::utc).ok_or_else(|| mismatch(text, format))
}

fn mismatch(text: &str, format: &str) -> DateError {
    DateError(format!("time data {text:?} does not match format {format:?}"))
}

thread_local! {
    /// Compiled formats of this thread. A manifest has a handful; the bound only protects against a template that makes them up.
    static FORMATS: RefCell<HashMap<String, Arc<Pattern>>> = RefCell::new(HashMap::new());
}

struct Pattern {
    regex: Regex,
    letters: Vec<char>,
}

impl Pattern {
    fn compiled(format: &str) -> Result<Arc<Self>, DateError> {
        if let Some(found) = FORMATS.with_borrow(|formats| formats.get(format).cloned()) {
            return Ok(found);
        }
        let pattern = Arc::new(Self::compile(format)?);
        FORMATS.with_borrow_mut(|formats| {
            if formats.len() >= 256 {
                formats.clear();
            }
            formats.insert(format.to_owned(), Arc::clone(&pattern));
        });
        Ok(pattern)
    }

    fn compile(format: &str) -> Result<Self, DateError> {
        let mut source = String::from("(?i)^");
        let mut letters = Vec::new();
        let mut chars = format.chars().peekable();
        while let Some(c) = chars.next() {
            if c.is_whitespace() {
                while chars.next_if(|next| next.is_whitespace()).is_some() {}
                source.push_str(r"\s+");
                continue;
            }
            if c != '%' {
                source.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
                continue;
            }
            let letter = chars.next().ok_or_else(|| DateError(format!("stray % in format {format:?}")))?;
            let names = |names: &[&str], cut: usize| {
                names.iter().map(|name| &name[..cut.min(name.len())]).collect::<Vec<_>>().join("|")
            };
            let body = match letter {
                'Y' | 'G' => r"[0-9]{4}".to_owned(),
                'm' | 'I' => "1[0-2]|0[1-9]|[1-9]".to_owned(),
                'd' => "3[0-1]|[1-2][0-9]|0[1-9]|[1-9]| [1-9]".to_owned(),
                'H' => "2[0-3]|[0-1][0-9]|[0-9]".to_owned(),
                'M' => "[0-5][0-9]|[0-9]".to_owned(),
                'S' => "6[0-1]|[0-5][0-9]|[0-9]".to_owned(),
                'f' => "[0-9]{1,6}".to_owned(),
                'y' => "[0-9]{2}".to_owned(),
                'j' => "36[0-6]|3[0-5][0-9]|[1-2][0-9][0-9]|0[1-9][0-9]|00[1-9]|[1-9][0-9]|0[1-9]|[1-9]".to_owned(),
                'z' => r"[+-][0-9]{2}:?[0-5][0-9](?::?[0-5][0-9](?:\.[0-9]{1,6})?)?|(?-i:Z)".to_owned(),
                'Z' => "utc|gmt".to_owned(),
                'p' => "am|pm".to_owned(),
                'a' => names(&DAY_NAMES, 3),
                'A' => names(&DAY_NAMES, 99),
                'b' => names(&MONTH_NAMES, 3),
                'B' => names(&MONTH_NAMES, 99),
                'u' => "[1-7]".to_owned(),
                'w' => "[0-6]".to_owned(),
                'U' | 'W' | 'V' => "5[0-3]|0[1-9]|[1-4][0-9]|[0-9]".to_owned(),
                '%' => {
                    source.push('%');
                    continue;
                }
                other => return Err(DateError(format!("{other:?} is a bad directive in format {format:?}"))),
            };
            let _ = write!(source, "({body})");
            letters.push(letter);
        }
        let regex = Regex::new(&source).map_err(|error| DateError(format!("format {format:?}: {error}")))?;
        Ok(Self { regex, letters })
    }
}

/// Plain strptime. The offset is absent when the format has none.
pub fn strptime(text: &str, format: &str) -> Result<Moment, DateError> {
    let pattern = Pattern::compiled(format)?;
    let found = pattern.regex.captures(text).ok_or_else(|| mismatch(text, format))?;
    let end = found.get(0).map_or(0, |whole| whole.end());
    if end != text.len() {
        return Err(DateError(format!("unconverted data remains: {}", &text[end..])));
    }
    let fail = || mismatch(text, format);
    let (mut year, mut month, mut day) = (1900, 1u32, 1u32);
    let (mut hour, mut minute, mut second, mut micro) = (0u32, 0u32, 0u32, 0u32);
    let (mut afternoon, mut ordinal, mut iso_year, mut iso_week, mut weekday) = (None, None, None, None, None);
    let mut offset = None;
    for (index, letter) in pattern.letters.iter().enumerate() {
        let part = found.get(index + 1).map_or("", |group| group.as_str());
        let number = || part.trim().parse::<u32>().map_err(|_| fail());
        match letter {
            'Y' => year = part.parse::<i32>().map_err(|_| fail())?,
            'y' => {
                let short = part.parse::<i32>().map_err(|_| fail())?;
                year = if short <= 68 { 2000 + short } else { 1900 + short };
            }
            'm' => month = number()?,
            'b' | 'B' => {
                let found = MONTH_NAMES.iter().position(|name| name[..3].eq_ignore_ascii_case(&part[..3]));
                month = found.and_then(|index| u32::try_from(index + 1).ok()).ok_or_else(fail)?;
            }
            'd' => day = number()?,
            'H' | 'I' => hour = number()?,
            'p' => afternoon = Some(part.eq_ignore_ascii_case("pm")),
            'M' => minute = number()?,
            'S' => second = number()?,
            'f' => micro = format!("{part:0<6}").parse().map_err(|_| fail())?,
            'j' => ordinal = Some(number()?),
            'G' => iso_year = Some(part.parse::<i32>().map_err(|_| fail())?),
            'V' => iso_week = Some(number()?),
            'u' => weekday = Some(number()? - 1),
            'w' => weekday = Some((number()? + 6) % 7),
            'a' | 'A' => {
                let found = DAY_NAMES.iter().position(|name| name[..3].eq_ignore_ascii_case(&part[..3]));
                weekday = found.and_then(|index| u32::try_from(index).ok());
            }
            'z' => offset = Some(read_offset(part).ok_or_else(fail)?),
            'Z' => offset = Some(Utc.fix()),
            _ => {}
        }
    }
    if let Some(pm) = afternoon {
        hour = hour % 12 + if pm { 12 } else { 0 };
    }
    let date = match (ordinal, iso_year, iso_week, weekday) {
        (_, Some(year), Some(week), Some(weekday)) => {
            let day = chrono::Weekday::try_from(u8::try_from(weekday).unwrap_or(0)).map_err(|_| fail())?;
            NaiveDate::from_isoywd_opt(year, week, day)
        }
        (Some(ordinal), ..) => NaiveDate::from_yo_opt(year, ordinal),
        _ => NaiveDate::from_ymd_opt(year, month, day),
    }
    .ok_or_else(fail)?;
    let time = NaiveTime::from_hms_micro_opt(hour, minute, second.min(59), micro).ok_or_else(fail)?;
    Ok(Moment { local: date.and_time(time), offset })
}

/// `Z`, `+03`, `+0300`, `+03:00`, with seconds if need be.
fn read_offset(text: &str) -> Option<FixedOffset> {
    if text.eq_ignore_ascii_case("z") {
        return Some(Utc.fix());
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text[1..].split('.').next()?.chars().filter(|c| *c != ':').collect();
    let part = |from: usize| match digits.get(from..from + 2) {
        None => Some(0),
        Some(two) => two.parse::<i32>().ok(),
    };
    if !matches!(digits.len(), 2 | 4 | 6) {
        return None;
    }
    let (hours, minutes, seconds) = (part(0)?, part(2)?, part(4)?);
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60 + seconds))
}

/// Reads an ISO 8601 date or date-time: `2024-01`, `2024-01-05`, `20240105`, `2024-W03-2`, `2024-05-30T01:02:03,5+03:00`.
/// Any single character may stand between date and time. Months without a day are the first of it.
pub fn parse_iso(text: &str) -> Result<Moment, DateError> {
    let fail = || DateError(format!("{text:?} is not an ISO 8601 date"));
    if !text.is_ascii() {
        return Err(fail());
    }
    let (date, used) = iso_date(text).ok_or_else(fail)?;
    if used == text.len() {
        return Ok(Moment { local: date.and_time(NaiveTime::MIN), offset: None });
    }
    let clock = &text[used + 1..];
    let zone_at = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(zone_at);
    let offset = if zone.is_empty() { None } else { Some(read_offset(zone).ok_or_else(fail)?) };
    let (whole, fraction) = clock.split_once(['.', ',']).unwrap_or((clock, ""));
    let digits: String = if whole.contains(':') {
        let parts: Vec<&str> = whole.split(':').collect();
        if parts.iter().any(|part| part.len() != 2) {
            return Err(fail());
        }
        parts.concat()
    } else {
        whole.to_owned()
    };
    if !matches!(digits.len(), 2 | 4 | 6) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(fail());
    }
    let part = |from: usize| digits.get(from..from + 2).map_or(Ok(0), |two| two.parse::<u32>().map_err(|_| fail()));
    let (hour, minute, second) = (part(0)?, part(2)?, part(4)?);
    let micro = if fraction.is_empty() {
        0
    } else {
        let six: String = fraction.chars().take(6).collect();
        format!("{six:0<6}").parse::<u32>().map_err(|_| fail())?
    };
    let midnight = hour == 24 && minute == 0 && second == 0 && micro == 0;
    let time =
        NaiveTime::from_hms_micro_opt(if midnight { 0 } else { hour }, minute, second, micro).ok_or_else(fail)?;
    let date = if midnight { date.checked_add_days(Days::new(1)).ok_or_else(fail)? } else { date };
    Ok(Moment { local: date.and_time(time), offset })
}

/// The date at the start of an ISO text and how many bytes it took.
fn iso_date(text: &str) -> Option<(NaiveDate, usize)> {
    let digits = |from: usize, len: usize| {
        let part = text.get(from..from + len)?;
        part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse::<u32>().ok()).flatten()
    };
    let year = i32::try_from(digits(0, 4)?).ok()?;
    let bytes = text.as_bytes();
    let dash = bytes.get(4) == Some(&b'-');
    let at = if dash { 5 } else { 4 };
    if bytes.get(at) == Some(&b'W') {
        let week = digits(at + 1, 2)?;
        let day_at = at + 3 + usize::from(dash && bytes.get(at + 3) == Some(&b'-'));
        let (day, used) = match digits(day_at, 1) {
            Some(day @ 1..=7) => (day, day_at + 1),
            _ => (1, at + 3),
        };
        let weekday = chrono::Weekday::try_from(u8::try_from(day - 1).ok()?).ok()?;
        return Some((NaiveDate::from_isoywd_opt(year, week, weekday)?, used));
    }
    if dash {
        if let (Some(month), Some(b'-'), Some(day)) = (digits(5, 2), bytes.get(7), digits(8, 2)) {
            return Some((NaiveDate::from_ymd_opt(year, month, day)?, 10));
        }
        if let (Some(ordinal), false) = (digits(5, 3), bytes.get(8).is_some_and(u8::is_ascii_digit)) {
            return Some((NaiveDate::from_yo_opt(year, ordinal)?, 8));
        }
        return Some((NaiveDate::from_ymd_opt(year, digits(5, 2)?, 1)?, 7));
    }
    if text.len() == 4 {
        return Some((NaiveDate::from_ymd_opt(year, 1, 1)?, 4));
    }
    if let (Some(month), Some(day)) = (digits(4, 2), digits(6, 2)) {
        return Some((NaiveDate::from_ymd_opt(year, month, day)?, 8));
    }
    match digits(4, 3) {
        Some(ordinal) => Some((NaiveDate::from_yo_opt(year, ordinal)?, 7)),
        None => Some((NaiveDate::from_ymd_opt(year, digits(4, 2)?, 1)?, 6)),
    }
}
