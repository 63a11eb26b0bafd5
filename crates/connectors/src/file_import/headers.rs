//! What a column means, judged by its header and checked against its cells.
//!
//! The dictionary holds the headers of the cabinets' own exports (Yandex Direct, VK Реклама and its predecessor, myTarget,
//! Google Ads, Meta, Telegram Ads, Ozon) in Russian and English, and the plain words of hand-made reports. A header is
//! compared after it was stripped of case, punctuation, units and VAT, and then it must match whole: "Ср. цена клика" holds
//! the word click and is none. Ratios are never taken; they can be computed, and adding them up is nonsense.

use super::{Field, Hints, Table, cell, cell::Shape};
use model::money::{Currency, VatState};

/// How many rows of a column are looked at.
const SAMPLE: usize = 300;

/// Places kept for the words of the system itself, before anybody's.
const OWN_WORDS: usize = 1_000;

/// Headers by meaning, the better ones first: when two columns mean the same, the earlier word in its list wins.
const DICTIONARY: &[(Field, &[&str])] = &[
    (
        Field::Date,
        &[
            "дата",
            "день",
            "date",
            "day",
            "date start",
            "segments date",
            "stat date",
            "report date",
            "дата показа",
            "дата статистики",
            "дата отчета",
            "день статистики",
            "начало отчетного периода",
            "дата начала отчетности",
            "дата начала отчетного периода",
            "reporting starts",
            "by day",
            "по дням",
            "период",
            "дата события",
            "start date",
        ],
    ),
    (
        Field::CampaignId,
        &[
            "id кампании",
            "№ кампании",
            "номер кампании",
            "идентификатор кампании",
            "кампания id",
            "id рекламной кампании",
            "campaign id",
            "campaign external id",
            "ad plan id",
            "ad campaign id",
            "id рк",
            "№ рк",
            "external campaign id",
            "код кампании",
        ],
    ),
    (
        Field::CampaignName,
        &[
            "название кампании",
            "имя кампании",
            "наименование кампании",
            "кампания",
            "рекламная кампания",
            "название рекламной кампании",
            "campaign name",
            "campaign",
            "ad plan name",
            "ad plan",
            "ad campaign",
            "ad campaign name",
            "название рк",
            "рк",
            "кампания название",
            "кампании",
            "campaigns",
        ],
    ),
    (
        Field::AdGroupId,
        &[
            "id группы объявлений",
            "id группы",
            "№ группы",
            "№ группы объявлений",
            "номер группы",
            "номер группы объявлений",
            "идентификатор группы",
            "ad group id",
            "adgroup id",
            "ad set id",
            "adset id",
            "группа id",
            "group id",
        ],
    ),
    (
        Field::AdGroupName,
        &[
            "название группы объявлений",
            "название группы",
            "имя группы",
            "группа объявлений",
            "группа",
            "группы объявлений",
            "ad group name",
            "ad group",
            "adgroup name",
            "adgroup",
            "ad set name",
            "adset name",
            "ad set",
            "adset",
            "наименование группы",
        ],
    ),
    (
        Field::AdId,
        &[
            "id объявления",
            "№ объявления",
            "номер объявления",
            "идентификатор объявления",
            "id баннера",
            "№ баннера",
            "номер баннера",
            "ad id",
            "banner id",
            "объявление id",
        ],
    ),
    (
        Field::AdName,
        &[
            "название объявления",
            "имя объявления",
            "объявление",
            "заголовок объявления",
            "название баннера",
            "баннер",
            "объявления",
            "ad name",
            "ad",
            "banner name",
            "banner",
            "ad title",
        ],
    ),
    (
        Field::Impressions,
        &[
            "показы",
            "показов",
            "impressions",
            "impr",
            "shows",
            "views",
            "количество показов",
            "кол во показов",
            "число показов",
            "показы рекламы",
            "показы объявлений",
            "просмотры",
            "metrics impressions",
        ],
    ),
    (
        Field::Clicks,
        &[
            "клики",
            "кликов",
            "clicks",
            "количество кликов",
            "кол во кликов",
            "число кликов",
            "inline link clicks",
            "link clicks",
            "клики по ссылке",
            "клики на ссылку",
            "переходы",
            "переходы по ссылке",
            "clicks all",
            "клики все",
            "metrics clicks",
            "кликов по ссылке",
        ],
    ),
    (Field::CostMicros, &["cost micros", "metrics cost micros", "spend micros"]),
    (
        Field::Cost,
        &[
            "расход",
            "расходы",
            "cost",
            "spend",
            "amount spent",
            "сумма затрат",
            "потраченная сумма",
            "затраты",
            "потрачено",
            "израсходовано",
            "списано",
            "сумма расходов",
            "сумма расхода",
            "рекламный расход",
            "расход на рекламу",
            "рекламные расходы",
            "costs",
            "spent",
            "total spent",
            "total spend",
            "total cost",
            "money spent",
            "spent budget",
            "budget spent",
            "expense",
            "expenses",
            "ad spend",
            "advertising cost",
            "затрачено",
            "всего потрачено",
            "расход всего",
            "стоимость",
            "сумма",
        ],
    ),
    (
        Field::Conversions,
        &[
            "конверсии",
            "conversions",
            "все конверсии",
            "достижения целей",
            "достижения цели",
            "целевые действия",
            "целевые визиты",
            "количество конверсий",
            "results",
            "результаты",
            "результат",
            "заказы",
            "orders",
            "лиды",
            "leads",
            "заявки",
            "покупки",
            "purchases",
            "установки",
            "installs",
            "metrics conversions",
            "goals",
            "цели",
            "all conv",
            "conv",
            "joined",
            "started bot",
            "вступления",
            "подписки",
        ],
    ),
    (
        Field::Revenue,
        &[
            "доход",
            "выручка",
            "revenue",
            "ценность конверсии",
            "ценность конверсий",
            "conversion value",
            "conversions value",
            "conv value",
            "total conversion value",
            "purchases conversion value",
            "purchase value",
            "доход от конверсий",
            "сумма заказов",
            "orders money",
            "purchase revenue",
            "ценность покупок",
            "sales",
            "продажи",
        ],
    ),
    (Field::Currency, &["валюта", "currency", "currency code", "код валюты", "account currency", "валюта аккаунта"]),
    (
        Field::Breakdown,
        &["device", "устройство", "тип устройства", "устройства", "device type", "ad network type", "тип площадки"],
    ),
];

/// Words in a header that name a unit of money and say nothing about the meaning.
const UNITS: [(&str, Option<&str>); 26] = [
    ("руб", Some("RUB")),
    ("рубли", Some("RUB")),
    ("рублей", Some("RUB")),
    ("рублях", Some("RUB")),
    ("рубль", Some("RUB")),
    ("₽", Some("RUB")),
    ("р", Some("RUB")),
    ("rub", Some("RUB")),
    ("rur", Some("RUB")),
    ("usd", Some("USD")),
    ("$", Some("USD")),
    ("eur", Some("EUR")),
    ("€", Some("EUR")),
    ("gbp", Some("GBP")),
    ("£", Some("GBP")),
    ("kzt", Some("KZT")),
    ("₸", Some("KZT")),
    ("тенге", Some("KZT")),
    ("byn", Some("BYN")),
    ("uah", Some("UAH")),
    ("₴", Some("UAH")),
    ("ton", Some("TON")),
    ("шт", None),
    ("в", None),
    ("in", None),
    ("ед", None),
];

/// A header taken apart.
struct Parsed {
    phrase: String,
    currency: Option<Currency>,
    vat: VatState,
    is_ratio: bool,
}

fn parse(header: &str) -> Parsed {
    let mut text = String::with_capacity(header.len() + 8);
    let mut before = ' ';
    for letter in header.chars() {
        let is_word = letter.is_alphanumeric() || matches!(letter, '№' | '₽' | '$' | '€' | '£' | '₸' | '₴' | '%');
        let is_symbol = is_word && !letter.is_alphanumeric();
        // CampaignName is two words, and so is "₽с".
        if (letter.is_uppercase() && before.is_lowercase()) || is_symbol || !(before.is_alphanumeric() || before == ' ')
        {
            text.push(' ');
        }
        if is_word {
            text.extend(letter.to_lowercase().map(|c| if c == 'ё' { 'е' } else { c }));
        } else {
            text.push(' ');
        }
        before = letter;
    }
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let is_ratio = words.contains(&"%");
    let mut vat = VatState::Unknown;
    for (pattern, state) in [
        (&["с", "ндс"][..], VatState::Included),
        (&["без", "учета", "ндс"], VatState::Excluded),
        (&["без", "ндс"], VatState::Excluded),
        (&["с", "учетом", "ндс"], VatState::Included),
        (&["включая", "ндс"], VatState::Included),
        (&["вкл", "ндс"], VatState::Included),
        (&["не", "включая", "ндс"], VatState::Excluded),
        (&["incl", "vat"], VatState::Included),
        (&["including", "vat"], VatState::Included),
        (&["with", "vat"], VatState::Included),
        (&["excl", "vat"], VatState::Excluded),
        (&["excluding", "vat"], VatState::Excluded),
        (&["without", "vat"], VatState::Excluded),
        (&["no", "vat"], VatState::Excluded),
    ] {
        if let Some(at) = words.windows(pattern.len()).position(|window| window == pattern) {
            if vat == VatState::Unknown || state == VatState::Excluded {
                vat = state;
            }
            words.drain(at..at + pattern.len());
        }
    }
    let mut currency = None;
    if words.len() > 1 {
        words.retain(|word| match UNITS.iter().find(|(unit, _)| unit == word) {
            Some((_, code)) => {
                currency = currency.or_else(|| code.and_then(|code| code.parse().ok()));
                false
            }
            None => true,
        });
    }
    Parsed { phrase: words.join(" "), currency, vat, is_ratio }
}

/// A header without what says nothing about its meaning: case, punctuation, units, VAT.
pub(super) fn phrase(header: &str) -> String {
    parse(header).phrase
}

/// What a header means, with its place among the words for it (0 is the best); `None` when it is not known.
pub(super) fn meaning(header: &str) -> Option<(Field, usize)> {
    if header.len() > 400 || cell::trim(header).is_empty() {
        return None;
    }
    let whole = look_up(header);
    if whole.is_some() || !header.contains(" / ") {
        return whole;
    }
    // A header of two lines: what the lower line says counts more than its group, unless it only qualifies the group.
    let parts: Vec<&str> = header.split(" / ").collect();
    parts.iter().rev().find_map(|part| look_up(part)).map(|(field, rank)| (field, rank + 100))
}

fn look_up(header: &str) -> Option<(Field, usize)> {
    let parsed = parse(header);
    if parsed.is_ratio {
        return None;
    }
    let find = |phrase: &str| {
        DICTIONARY
            .iter()
            .find_map(|(field, words)| words.iter().position(|word| *word == phrase).map(|rank| (*field, rank)))
    };
    find(&parsed.phrase).or_else(|| {
        // "Conversions (all goals)": what stands in brackets narrows the meaning, so such a column comes after a plain one.
        let (before, _) = header.split_once(['(', '['])?;
        let before = parse(before).phrase;
        find(&before).map(|(field, rank)| (field, rank + 50))
    })
}

/// Proposes the meaning of every column. Each meaning is given to one column at most, [`Field::Breakdown`] excepted, and
/// only to a column whose cells agree: a date column holds dates.
pub fn guess(table: &Table) -> Vec<Field> {
    propose(table, &|_| None)
}

/// The same where `own` knows some headers better than anybody; what it says to ignore is not guessed at.
pub(super) fn propose(table: &Table, own: &dyn Fn(&str) -> Option<(Field, usize)>) -> Vec<Field> {
    let mut fields = vec![Field::Ignore; table.headers.len()];
    let anybody = |header: &str| meaning(header).map(|(field, rank)| (field, rank + OWN_WORDS));
    let mut proposals: Vec<(usize, usize, Field)> = table
        .headers
        .iter()
        .enumerate()
        .filter_map(|(column, header)| {
            own(header).or_else(|| anybody(header)).map(|(field, rank)| (rank, column, field))
        })
        .filter(|(_, column, field)| *field != Field::Ignore && agrees(table, *column, *field))
        .collect();
    proposals.sort_unstable();
    for (_, column, field) in proposals {
        let taken = |wanted: Field| fields.contains(&wanted);
        let is_free = match field {
            Field::Breakdown => true,
            // Both are the spend; a file that has both says the same twice.
            Field::Cost | Field::CostMicros => !taken(Field::Cost) && !taken(Field::CostMicros),
            _ => !taken(field),
        };
        if is_free {
            fields[column] = field;
        }
    }
    bare_id_and_name(table, &mut fields);
    if !fields.contains(&Field::Date) {
        // A file without a word for it still shows which column holds days.
        let written = |column: &usize| fields[*column] == Field::Ignore && holds(table, *column, cell::is_written_date);
        if let Some(column) = (0..fields.len()).find(written) {
            fields[column] = Field::Date;
        }
    }
    fields
}

/// Extractors name the key of their table `id` and `name`. Which level that is follows from the other columns: the level
/// below the deepest one that is there.
fn bare_id_and_name(table: &Table, fields: &mut [Field]) {
    let has = |fields: &[Field], wanted: [Field; 2]| wanted.iter().any(|field| fields.contains(field));
    let (id, name) = if has(fields, [Field::AdId, Field::AdName]) {
        return;
    } else if has(fields, [Field::AdGroupId, Field::AdGroupName]) {
        (Field::AdId, Field::AdName)
    } else if has(fields, [Field::CampaignId, Field::CampaignName]) {
        return;
    } else {
        (Field::CampaignId, Field::CampaignName)
    };
    for (words, field) in [(["id", "№", "ид"], id), (["name", "название", "title"], name)] {
        let found = table.headers.iter().position(|header| words.contains(&parse(header).phrase.as_str()));
        if let Some(column) = found.filter(|column| fields[*column] == Field::Ignore && agrees(table, *column, field)) {
            fields[column] = field;
        }
    }
}

/// Whether the cells of a column can be what its header says.
fn agrees(table: &Table, column: usize, field: Field) -> bool {
    if table.rows() == 0 {
        return true;
    }
    match field {
        Field::Date => holds(table, column, |text| {
            cell::date(text, true, table.from_1904).is_some() || cell::date(text, false, table.from_1904).is_some()
        }),
        Field::Impressions | Field::Clicks | Field::Cost | Field::CostMicros | Field::Conversions | Field::Revenue => {
            let mut plain = String::new();
            let all_unknown = (0..table.rows().min(SAMPLE)).all(|row| cell::is_unknown(table.cell(row, column)));
            all_unknown
                || holds(table, column, |text| {
                    matches!(cell::number(text, table.decimal_comma(), &mut plain), Shape::Number { .. })
                })
        }
        Field::Currency => holds(table, column, |text| currency(text).is_some()),
        _ => (0..table.rows().min(SAMPLE)).any(|row| !cell::is_nameless(table.cell(row, column))),
    }
}

/// Whether the column has values and at least four of five pass.
fn holds(table: &Table, column: usize, mut passes: impl FnMut(&str) -> bool) -> bool {
    let (mut good, mut all) = (0u32, 0u32);
    for row in 0..table.rows().min(SAMPLE) {
        let text = table.cell(row, column);
        if !cell::is_unknown(text) {
            all += 1;
            good += u32::from(passes(text));
        }
    }
    all > 0 && good * 5 >= all * 4
}

/// A currency as a cell names it: a code, a sign or the Russian word.
pub(super) fn currency(text: &str) -> Option<Currency> {
    let lower = cell::trim(text).trim_end_matches('.').to_lowercase();
    let known = UNITS.iter().find(|(unit, _)| *unit == lower).and_then(|(_, code)| *code);
    known.unwrap_or(&lower).parse().ok()
}

/// What headers and cells say about the currency and VAT of the columns mapped to spend or revenue.
pub fn hints(table: &Table, fields: &[Field]) -> Hints {
    let column = [Field::Cost, Field::CostMicros, Field::Revenue]
        .iter()
        .find_map(|wanted| fields.iter().position(|field| field == wanted));
    let Some(column) = column else { return Hints::default() };
    let parsed = table.headers.get(column).map(|header| parse(header));
    let in_cells = || {
        (0..table.rows().min(SAMPLE)).find_map(|row| {
            let text = table.cell(row, column);
            let sign: String = text
                .chars()
                .filter(|c| !c.is_ascii_digit() && !matches!(c, '.' | ',' | '-') && !cell::is_space(*c))
                .collect();
            if sign.is_empty() { None } else { currency(&sign) }
        })
    };
    Hints {
        currency: parsed.as_ref().and_then(|parsed| parsed.currency).or_else(in_cells),
        vat: parsed.map_or(VatState::Unknown, |parsed| parsed.vat),
    }
}
