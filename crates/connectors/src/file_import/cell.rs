//! Reads single cells: numbers as people and cabinets write them, and days.
//!
//! Both readers are exact or refuse. A number keeps its decimal text, so that money never passes through a float; a date
//! whose day and month could change places is read in the order decided for its whole column.

use chrono::{Days, NaiveDate};

/// What a cell that should hold a number holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing, or a sign for "not known": unknown, which is not zero.
    Unknown,
    /// A number; its plain decimal text (sign, digits, point, digits) was written to the buffer.
    Number {
        /// Whether it could as well be a decimal: `1,234`, read as thousands.
        ambiguous: bool,
    },
    /// Something else.
    Other,
}

/// White space as spreadsheets and typographers use it, including the narrow and the no-break spaces.
pub(super) fn is_space(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{feff}' | '\u{200b}' | '\u{2060}')
}

/// The text without white space around it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// Whether a cell of names or ids says nothing. Narrower than [`is_unknown`]: a campaign may well be called "NA".
pub(super) fn is_nameless(text: &str) -> bool {
    let text = trim(text);
    text.chars().all(|c| matches!(c, '-' | '–' | '—' | '−' | '‒' | '…'))
        || (text.len() <= 8 && matches!(text.to_lowercase().as_str(), "н/д" | "#н/д" | "n/a" | "#n/a" | "null" | "\\n"))
}

/// Whether a cell of numbers or days says that its value is not known.
pub(super) fn is_unknown(text: &str) -> bool {
    let text = trim(text);
    is_nameless(text)
        || (text.len() <= 24
            && matches!(text.to_lowercase().as_str(), "нд" | "нет данных" | "na" | "none" | "nan" | "undefined"))
}

const MINUS: [char; 6] = ['-', '−', '–', '‒', '‑', '﹣'];
const CURRENCY_MARKS: [&str; 24] = [
    "₽",
    "$",
    "€",
    "£",
    "₸",
    "₴",
    "₺",
    "¥",
    "руб.",
    "руб",
    "рублей",
    "р.",
    "р",
    "rub",
    "rur",
    "usd",
    "eur",
    "kzt",
    "byn",
    "uah",
    "gbp",
    "ton",
    "тнг.",
    "тг",
];

/// Takes currency marks and one minus sign off both ends; the sum is below zero when the answer is `true`.
fn strip_marks(text: &str) -> (bool, &str) {
    let mut negative = false;
    let mut rest = trim(text);
    if let Some(inner) = rest.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
        // Accountants write a sum below zero in brackets.
        negative = true;
        rest = trim(inner);
    }
    loop {
        let before = rest.len();
        if !negative && let Some(after) = rest.strip_prefix(MINUS) {
            negative = true;
            rest = trim(after);
        }
        if rest.starts_with(|c: char| c.is_ascii_digit()) && rest.ends_with(|c: char| c.is_ascii_digit()) {
            return (negative, rest);
        }
        for mark in CURRENCY_MARKS {
            if let Some(head) = rest.get(..mark.len().min(rest.len()))
                && head.to_lowercase() == mark
            {
                rest = trim(&rest[head.len()..]);
            }
            let tail_at = rest.len().saturating_sub(mark.len());
            if let Some(tail) = rest.get(tail_at..)
                && tail.to_lowercase() == mark
            {
                rest = trim(&rest[..tail_at]);
            }
        }
        if rest.len() == before {
            return (negative, rest);
        }
    }
}

/// Reads a number into `plain`. `decimal_comma` says what the file as a whole uses; a single number may overrule it where
/// it can be read in one way only.
pub(super) fn number(text: &str, decimal_comma: bool, plain: &mut String) -> Shape {
    plain.clear();
    let text = trim(text);
    if !text.is_empty() && text.len() <= 18 && text.bytes().all(|b| b.is_ascii_digit()) {
        plain.push_str(text);
        return Shape::Number { ambiguous: false };
    }
    if is_unknown(text) {
        return Shape::Unknown;
    }
    if text.len() > 400 {
        return Shape::Other;
    }
    let (negative, body) = strip_marks(text);
    let body = body.strip_prefix('+').unwrap_or(body);
    let is_group = |c: char| is_space(c) || matches!(c, '\'' | '’');
    if !body.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','))
        || !body.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',') || is_group(c))
    {
        return Shape::Other;
    }
    let commas = body.matches(',').count();
    let points = body.matches('.').count();
    let mut ambiguous = false;
    let decimal = match (commas, points) {
        (1.., 1..) => {
            // The last of the two is the decimal sign, and it stands once.
            let last = if body.rfind(',') > body.rfind('.') { ',' } else { '.' };
            if body.matches(last).count() != 1 {
                return Shape::Other;
            }
            Some(last)
        }
        (1, 0) | (0, 1) => {
            let sign = if commas == 1 { ',' } else { '.' };
            let (whole, after) = body.split_once(sign).unwrap_or((body, ""));
            let may_be_group = after.len() == 3
                && (1..=3).contains(&whole.len())
                && !whole.starts_with('0')
                && whole.bytes().all(|b| b.is_ascii_digit());
            let is_decimal = !may_be_group || (sign == ',') == decimal_comma;
            ambiguous = may_be_group && sign == ',' && !decimal_comma;
            if is_decimal { Some(sign) } else { None }
        }
        _ => None,
    };
    let (whole, fraction) = match decimal {
        Some(sign) => body.rsplit_once(sign).unwrap_or((body, "")),
        None => (body, ""),
    };
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Shape::Other;
    }
    if negative {
        plain.push('-');
    }
    let mut groups = whole.split(|c: char| is_group(c) || matches!(c, '.' | ','));
    let first = groups.next().unwrap_or("");
    plain.push_str(first);
    let mut grouped = false;
    for group in groups {
        if group.len() != 3 {
            return Shape::Other;
        }
        grouped = true;
        plain.push_str(group);
    }
    if (grouped && !(1..=3).contains(&first.len())) || (first.is_empty() && fraction.is_empty()) {
        return Shape::Other;
    }
    if first.is_empty() {
        plain.push('0');
    }
    if !fraction.is_empty() {
        plain.push('.');
        // Beyond eighteen decimals there is only the noise of a float.
        plain.push_str(&fraction[..fraction.len().min(18)]);
    }
    Shape::Number { ambiguous }
}

/// Which decimal sign a cell proves, if any: `Some(true)` for a comma.
pub(super) fn decimal_evidence(text: &str) -> Option<bool> {
    let (_, body) = strip_marks(text.trim_end_matches(['%', ' ']));
    if body.len() > 40 || !body.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',') || is_space(c)) {
        return None;
    }
    let commas = body.matches(',').count();
    let points = body.matches('.').count();
    let proves = |sign: char| {
        body.split_once(sign).is_some_and(|(whole, after)| {
            after.len() != 3
                || whole.starts_with('0')
                || whole.is_empty()
                || whole.len() > 3
                || whole.contains(is_space)
        })
    };
    match (commas, points) {
        (1, 0) if proves(',') => Some(true),
        (0, 1) if proves('.') => Some(false),
        (1, 1..) if body.rfind(',') > body.rfind('.') => Some(true),
        (1.., 1) if body.rfind('.') > body.rfind(',') => Some(false),
        _ => None,
    }
}

/// Whether the text is a number in exponent form, such as `6,23E+12`: what a spreadsheet leaves of a long id.
pub(super) fn is_exponent(text: &str) -> bool {
    let text = trim(text);
    text.split_once(['E', 'e']).is_some_and(|(mantissa, exponent)| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        mantissa.starts_with(|c: char| c.is_ascii_digit())
            && mantissa.contains(['.', ','])
            && mantissa.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b','))
            && !exponent.is_empty()
            && exponent.len() <= 3
            && exponent.bytes().all(|b| b.is_ascii_digit())
    })
}

/// What a date says about the order of day and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Nothing: the form itself is clear (with points the day always comes first), or this is not a date.
    Clear,
    /// The first number is above twelve.
    DayFirst,
    /// The second number is above twelve.
    MonthFirst,
    /// It could be either.
    Either,
}

/// What this cell says about the order of day and month.
pub(super) fn order(text: &str) -> Order {
    let mut rest = without_weekday(text);
    let (Some((first, first_len)), sign) = (take_number(&mut rest), take_sign(&mut rest)) else { return Order::Clear };
    let (Some((second, _)), Some((_, year_len))) = (take_number(&mut rest), {
        take_sign(&mut rest);
        take_number(&mut rest)
    }) else {
        return Order::Clear;
    };
    if first_len > 2 || !matches!(year_len, 2 | 4) || !matches!(sign, Some('/' | '-')) {
        return Order::Clear;
    }
    match (first > 12, second > 12) {
        (true, false) => Order::DayFirst,
        (false, true) => Order::MonthFirst,
        // The same day either way.
        (false, false) if first == second => Order::Clear,
        (false, false) => Order::Either,
        (true, true) => Order::Clear,
    }
}

/// Reads a day. `day_first` decides `01/02/2024`; `from_1904` is the old Macintosh day zero of a workbook's serial numbers.
pub(super) fn date(text: &str, day_first: bool, from_1904: bool) -> Option<NaiveDate> {
    let text = trim(text);
    if text.is_empty() || text.len() > 80 {
        return None;
    }
    let whole = without_weekday(text);
    let mut rest = whole;
    let day = take_date(&mut rest, day_first)
        .filter(|day| is_tail_of_date(rest, *day, day_first))
        .or_else(|| serial(whole, from_1904))?;
    // Statistics of an ad cabinet are of this century; anything else is a number that happens to look like a date.
    (NaiveDate::from_ymd_opt(2000, 1, 1)? <= day && day <= NaiveDate::from_ymd_opt(2099, 12, 31)?).then_some(day)
}

/// Whether this is a day as people write it, and not a number that could be a serial number of one.
pub(super) fn is_written_date(text: &str) -> bool {
    !trim(text).bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b',')) && date(text, true, false).is_some()
        || trim(text).matches('.').count() == 2 && date(text, true, false).is_some()
}

/// Drops a weekday before or after the date: `пн, 01.02.2024`, `01.02.2024 (чт)`.
fn without_weekday(text: &str) -> &str {
    const DAYS: [&str; 17] = [
        "пн",
        "вт",
        "ср",
        "чт",
        "пт",
        "сб",
        "вс",
        "mon",
        "tue",
        "wed",
        "thu",
        "fri",
        "sat",
        "sun",
        "поне",
        "вторник",
        "воскр",
    ];
    let text = trim(text);
    let text = text.split_once('(').map_or(text, |(before, _)| before.trim_end_matches(is_space));
    let word_ends = text.find(|c: char| !c.is_alphabetic()).unwrap_or(0);
    let word = text[..word_ends].to_lowercase();
    let long = ["среда", "четверг", "пятница", "суббота"];
    if DAYS.iter().any(|day| {
        word == *day
            || (day.len() > 4 && word.starts_with(day))
            || (day.is_ascii() && word.starts_with(day) && word.ends_with("day"))
    }) || long.contains(&word.as_str())
    {
        text[word_ends..].trim_start_matches(|c: char| is_space(c) || matches!(c, ',' | '.'))
    } else {
        text
    }
}

fn take_number(rest: &mut &str) -> Option<(u32, usize)> {
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let value = rest[..end].parse().ok()?;
    *rest = &rest[end..];
    Some((value, end))
}

fn take_sign(rest: &mut &str) -> Option<char> {
    let sign = rest.chars().next().filter(|c| matches!(c, '.' | '/' | '-'))?;
    *rest = &rest[sign.len_utf8()..];
    Some(sign)
}

/// Takes a month's name in Russian or English, full or shortened, with what stands around it.
fn take_month(rest: &mut &str) -> Option<u32> {
    const STEMS: [(&str, u32); 25] = [
        ("янв", 1),
        ("фев", 2),
        ("мар", 3),
        ("апр", 4),
        ("май", 5),
        ("мая", 5),
        ("июн", 6),
        ("июл", 7),
        ("авг", 8),
        ("сен", 9),
        ("окт", 10),
        ("ноя", 11),
        ("дек", 12),
        ("jan", 1),
        ("feb", 2),
        ("mar", 3),
        ("apr", 4),
        ("may", 5),
        ("jun", 6),
        ("jul", 7),
        ("aug", 8),
        ("sep", 9),
        ("oct", 10),
        ("nov", 11),
        ("dec", 12),
    ];
    let start = rest.trim_start_matches(|c: char| is_space(c) || matches!(c, '-' | '.' | '/' | ','));
    let end = start.find(|c: char| !c.is_alphabetic()).unwrap_or(start.len());
    let word = start[..end].to_lowercase();
    if word.chars().count() > 9 {
        return None;
    }
    let month = STEMS.iter().find(|(stem, _)| word.starts_with(stem)).map(|(_, month)| *month)?;
    *rest = start[end..].trim_start_matches(|c: char| is_space(c) || matches!(c, '-' | '.' | '/' | ','));
    Some(month)
}

/// Takes the date at the beginning.
fn take_date(rest: &mut &str, day_first: bool) -> Option<NaiveDate> {
    let century = |year: u32, digits: usize| match digits {
        4 => i32::try_from(year).ok(),
        2 => i32::try_from(2000 + year).ok(),
        _ => None,
    };
    if rest.starts_with(char::is_alphabetic) {
        let month = take_month(rest)?;
        let (day, _) = take_number(rest)?;
        *rest = rest.trim_start_matches(|c: char| is_space(c) || c == ',');
        let (year, digits) = take_number(rest)?;
        return NaiveDate::from_ymd_opt(century(year, digits)?, month, day);
    }
    let (first, digits) = take_number(rest)?;
    if digits == 8 {
        return NaiveDate::from_ymd_opt(i32::try_from(first / 10_000).ok()?, first / 100 % 100, first % 100);
    }
    let before_sign = *rest;
    if let Some(sign) = take_sign(rest)
        && rest.starts_with(|c: char| c.is_ascii_digit())
    {
        let (second, second_digits) = take_number(rest)?;
        if take_sign(rest)? != sign || second_digits > 2 {
            return None;
        }
        let (third, third_digits) = take_number(rest)?;
        return match digits {
            4 if third_digits <= 2 => NaiveDate::from_ymd_opt(i32::try_from(first).ok()?, second, third),
            // Two digits at both ends with dashes may as well be year, month, day.
            1 | 2 if sign != '-' || third_digits == 4 => {
                let (day, month) = if day_first || sign == '.' { (first, second) } else { (second, first) };
                NaiveDate::from_ymd_opt(century(third, third_digits)?, month, day)
            }
            _ => None,
        };
    }
    *rest = before_sign;
    if digits > 2 {
        return None;
    }
    let month = take_month(rest)?;
    let (year, digits) = take_number(rest)?;
    NaiveDate::from_ymd_opt(century(year, digits)?, month, first)
}

/// What may follow a date: nothing, the Russian "year" sign, a time of day, or the same day again as the end of a period.
fn is_tail_of_date(rest: &str, of: NaiveDate, day_first: bool) -> bool {
    let trimmed = trim(rest);
    if let Some(mut end) = trimmed.strip_prefix(MINUS).map(trim)
        && take_date(&mut end, day_first) == Some(of)
        && trim(end).is_empty()
    {
        return true;
    }
    if matches!(trimmed.to_lowercase().as_str(), "" | "г" | "г." | "года" | "год") {
        return true;
    }
    trimmed.starts_with(|c: char| c.is_ascii_digit() || matches!(c, 'T' | 't' | ','))
        && trimmed.contains(':')
        && trimmed.chars().all(|c| {
            c.is_ascii_digit()
                || is_space(c)
                || matches!(c, ':' | '.' | '+' | '-' | ',' | 'T' | 't' | 'Z' | 'A' | 'P' | 'M' | 'a' | 'p' | 'm')
        })
        && (rest.starts_with(is_space) || trimmed.starts_with(['T', 't', ',']))
}

/// A spreadsheet's serial number of a day, between 1954 and 2119; a time of day stands after the point.
fn serial(text: &str, from_1904: bool) -> Option<NaiveDate> {
    let (days, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    if days.len() != 5 || !days.bytes().all(|b| b.is_ascii_digit()) || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let days: u64 = days.parse().ok()?;
    if days < 20_000 {
        return None;
    }
    let zero = if from_1904 { NaiveDate::from_ymd_opt(1904, 1, 1)? } else { NaiveDate::from_ymd_opt(1899, 12, 30)? };
    zero.checked_add_days(Days::new(days))
}
