//! Tests of file import, as tables: what stands in a cell or a file, and what it must become.
//!
//! The real exports are read from the shared data folder beside the project; a run without it says so and goes on.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![allow(clippy::print_stdout, reason = "a skipped test says why")]
#![allow(
    clippy::format_collect,
    clippy::format_push_string,
    reason = "test files are built for reading, not for speed"
)]
#![allow(clippy::cast_possible_truncation, reason = "sums of a small file, taken by another reader as floats")]

use super::{cell::Shape, *};
use chrono::NaiveDate;
use model::ad::RejectReason;
use rust_xlsxwriter::{Format, Workbook};
use std::{collections::BTreeMap, path::PathBuf};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn mapping(table: &Table, fields: Vec<Field>) -> Mapping {
    assert_eq!(fields.len(), table.headers.len());
    Mapping {
        fields, currency: Currency::RUB, vat: VatState::Unknown, source_name: "Яндекс Директ".to_owned()
    }
}

fn opened(name: &str, text: &str) -> Table {
    open(name, text.as_bytes()).unwrap()
}

fn guessed(table: &Table) -> Import {
    read(table, &mapping(table, guess(table))).unwrap()
}

fn imported(text: &str) -> Import {
    guessed(&opened("report.csv", text))
}

fn refusal(name: &str, bytes: &[u8]) -> String {
    let failure = open(name, bytes).unwrap_err();
    assert_eq!(failure.code, Code::FileFormat, "{failure}");
    failure.params["found"].clone()
}

/// Rejections as (line, field, reason), for comparing whole lists.
fn rejections(import: &Import) -> Vec<(u64, &str, RejectReason)> {
    import.rejected.iter().map(|r| (r.line.unwrap(), r.field.as_str(), r.reason)).collect()
}

#[test]
fn a_header_is_known_in_both_languages_and_in_the_words_of_each_cabinet() {
    use Field::*;
    for (header, expected) in [
        ("Дата", Some(Date)),
        ("День", Some(Date)),
        ("date", Some(Date)),
        ("Day", Some(Date)),
        ("date_start", Some(Date)),
        ("segments.date", Some(Date)),
        ("Reporting starts", Some(Date)),
        ("Начало отчётного периода", Some(Date)),
        ("Кампания", Some(CampaignName)),
        ("Название кампании", Some(CampaignName)),
        ("CampaignName", Some(CampaignName)),
        ("Campaign name", Some(CampaignName)),
        ("campaign_name", Some(CampaignName)),
        ("№ кампании", Some(CampaignId)),
        ("№ Кампании", Some(CampaignId)),
        ("ID кампании", Some(CampaignId)),
        ("CampaignId", Some(CampaignId)),
        ("Campaign ID", Some(CampaignId)),
        ("ad_plan_id", Some(CampaignId)),
        ("Название группы объявлений", Some(AdGroupName)),
        ("Группа", Some(AdGroupName)),
        ("Ad set name", Some(AdGroupName)),
        ("ad_group_id", Some(AdGroupId)),
        ("ID группы", Some(AdGroupId)),
        ("Объявление", Some(AdName)),
        ("Баннер", Some(AdName)),
        ("№ объявления", Some(AdId)),
        ("ad_id", Some(AdId)),
        ("Показы", Some(Impressions)),
        ("Показы, шт.", Some(Impressions)),
        ("Impr.", Some(Impressions)),
        ("Impressions", Some(Impressions)),
        ("Views", Some(Impressions)),
        ("Клики", Some(Clicks)),
        ("Клики (все)", Some(Clicks)),
        ("inline_link_clicks", Some(Clicks)),
        ("Link clicks", Some(Clicks)),
        ("Переходы", Some(Clicks)),
        ("Расход (руб.)", Some(Cost)),
        ("Расход, ₽", Some(Cost)),
        ("Расход, ₽, с НДС", Some(Cost)),
        ("Расход ₽ с НДС", Some(Cost)),
        ("Расход с НДС", Some(Cost)),
        ("Расход без НДС", Some(Cost)),
        ("Затраты", Some(Cost)),
        ("Сумма затрат (RUB)", Some(Cost)),
        ("Потрачено, руб.", Some(Cost)),
        ("Spend", Some(Cost)),
        ("Amount spent (RUB)", Some(Cost)),
        ("Amount spent (USD)", Some(Cost)),
        ("Cost", Some(Cost)),
        ("Spent budget, TON", Some(Cost)),
        ("moneySpent", Some(Cost)),
        ("cost_micros", Some(CostMicros)),
        ("metrics.cost_micros", Some(CostMicros)),
        ("Конверсии", Some(Conversions)),
        ("Конверсии (все цели)", Some(Conversions)),
        ("Conversions", Some(Conversions)),
        ("Results", Some(Conversions)),
        ("Заказы", Some(Conversions)),
        ("Joined", Some(Conversions)),
        ("Выручка, ₽", Some(Revenue)),
        ("Доход", Some(Revenue)),
        ("conversions_value", Some(Revenue)),
        ("Conv. value", Some(Revenue)),
        ("Currency code", Some(Currency)),
        ("Валюта", Some(Currency)),
        ("Device", Some(Breakdown)),
        ("Тип устройства", Some(Breakdown)),
        ("Показы / всего", Some(Impressions)),
        ("Показатели / Клики", Some(Clicks)),
        // What looks like one of ours and is not.
        ("CTR (%)", None),
        ("Конверсия (%)", None),
        ("Клики, %", None),
        ("Ср. цена клика ₽", None),
        ("Cost per click", None),
        ("Avg. CPC", None),
        ("Расход за минусом бонусов ₽ с НДС", None),
        ("active_view_impressions", None),
        ("date_stop", None),
        ("Охват", None),
        ("reach", None),
        ("", None),
        ("₽", None),
    ] {
        assert_eq!(headers::meaning(header).map(|(field, _)| field), expected, "{header:?}");
    }
}

#[test]
fn a_number_is_read_exactly_or_refused() {
    for (text, comma, expected) in [
        ("1234", false, Some("1234")),
        ("0", false, Some("0")),
        ("144.", false, Some("144")),
        (".5", false, Some("0.5")),
        ("12,5", true, Some("12.5")),
        ("12,5", false, Some("12.5")),
        ("12.5", true, Some("12.5")),
        ("1 234,56", true, Some("1234.56")),
        ("1\u{a0}234\u{a0}567,89", true, Some("1234567.89")),
        ("1\u{202f}234,5", true, Some("1234.5")),
        ("1\u{2009}234", false, Some("1234")),
        ("1'234.50", false, Some("1234.50")),
        ("1,234.56", false, Some("1234.56")),
        ("1,234.56", true, Some("1234.56")),
        ("1.234,56", true, Some("1234.56")),
        ("1.234.567,89", true, Some("1234567.89")),
        ("1,234,567", false, Some("1234567")),
        ("1,234", false, Some("1234")),
        ("1,234", true, Some("1.234")),
        ("1.234", true, Some("1234")),
        ("1.234", false, Some("1.234")),
        ("0,125", false, Some("0.125")),
        ("1234,567", false, Some("1234.567")),
        ("12,50 ₽", true, Some("12.50")),
        ("12,50 руб.", true, Some("12.50")),
        ("12,50р.", true, Some("12.50")),
        ("₽12.50", false, Some("12.50")),
        ("$1,234.50", false, Some("1234.50")),
        ("-$5.00", false, Some("-5.00")),
        ("5 USD", false, Some("5")),
        ("−5", false, Some("-5")),
        ("–5,5", true, Some("-5.5")),
        ("(7.25)", false, Some("-7.25")),
        ("+3", false, Some("3")),
        ("  42  ", false, Some("42")),
        ("0.30000000000000004441", false, Some("0.300000000000000044")),
    ] {
        let mut plain = String::new();
        let shape = cell::number(text, comma, &mut plain);
        assert!(matches!(shape, Shape::Number { .. }), "{text:?} is {shape:?}");
        assert_eq!(Some(plain.as_str()), expected, "{text:?}");
    }
    for text in ["", " ", "-", "--", "---", "—", "–", "н/д", "Н/Д", "N/A", "#N/A", "null", "NaN", "\u{a0}"] {
        assert_eq!(cell::number(text, false, &mut String::new()), Shape::Unknown, "{text:?}");
    }
    for text in [
        "12%",
        "1,2%",
        "abc",
        "12abc",
        "1e5",
        "1,23E+05",
        "1 2",
        "12 34",
        "1,23,45",
        "1.2.3",
        "1,234.5.6",
        "1..2",
        "<10",
        "#DIV/0!",
        ".",
        ",",
        "$",
        "1 234 5",
        "٣",
        "1,234,5.0",
        "--5",
        "2024-05-01",
    ] {
        assert_eq!(cell::number(text, false, &mut String::new()), Shape::Other, "{text:?}");
    }
}

#[test]
fn a_day_is_read_in_every_way_cabinets_write_it() {
    for (text, day_first, expected) in [
        ("2024-05-01", true, Some("2024-05-01")),
        ("2024/5/1", true, Some("2024-05-01")),
        ("20240501", true, Some("2024-05-01")),
        ("01.05.2024", true, Some("2024-05-01")),
        ("01.05.2024", false, Some("2024-05-01")),
        ("1.5.24", true, Some("2024-05-01")),
        ("01/05/2024", true, Some("2024-05-01")),
        ("01/05/2024", false, Some("2024-01-05")),
        ("31/05/2024", false, None),
        ("5/31/24", false, Some("2024-05-31")),
        ("01-05-2024", true, Some("2024-05-01")),
        ("1 мая 2024", true, Some("2024-05-01")),
        ("1 мая 2024 г.", true, Some("2024-05-01")),
        ("12 янв. 2024", true, Some("2024-01-12")),
        ("3 сентября 2024 года", true, Some("2024-09-03")),
        ("08 May 2025", true, Some("2025-05-08")),
        ("8-Dec-24", true, Some("2024-12-08")),
        ("May 8, 2025", true, Some("2025-05-08")),
        ("Sept 8 2025", true, Some("2025-09-08")),
        ("пн, 01.05.2024", true, Some("2024-05-01")),
        ("01.05.2024 (ср)", true, Some("2024-05-01")),
        ("Wednesday, May 1, 2024", true, Some("2024-05-01")),
        ("2024-05-01T10:00:00", true, Some("2024-05-01")),
        ("2024-05-01T10:00:00.000+03:00", true, Some("2024-05-01")),
        ("2024-05-01 23:59:59", true, Some("2024-05-01")),
        ("01.05.2024 0:00", true, Some("2024-05-01")),
        ("5/1/2024 12:00 AM", false, Some("2024-05-01")),
        ("01.05.2024 - 01.05.2024", true, Some("2024-05-01")),
        ("45413", true, Some("2024-05-01")),
        ("45413.75", true, Some("2024-05-01")),
        ("29.02.2024", true, Some("2024-02-29")),
        ("29.02.2023", true, None),
        ("01.05.2024 - 31.05.2024", true, None),
        ("32.01.2024", true, None),
        ("2024-13-01", true, None),
        ("01.05.1999", true, None),
        ("May 2024", true, None),
        ("2024", true, None),
        ("12345", true, None),
        ("Итого", true, None),
        ("", true, None),
        ("-", true, None),
        ("01.05", true, None),
        ("01.05-2024", true, None),
        ("24-05-01", true, None),
        ("24-05-01", false, None),
        ("2024-05-011", true, None),
        ("2024-05-01 abc", true, None),
    ] {
        assert_eq!(cell::date(text, day_first, false), expected.map(day), "{text:?}");
    }
    assert_eq!(cell::date("43951", true, true), Some(day("2024-05-01")), "the Macintosh day zero");
}

#[test]
fn the_order_of_day_and_month_is_decided_for_the_whole_column() {
    let note = |day_first| Some(Note::DayOrderAssumed { day_first });
    for (dates, first, assumed) in [
        (vec!["01/02/2024", "13/02/2024"], "2024-02-01", None),
        (vec!["01/02/2024", "01/13/2024"], "2024-01-02", None),
        (vec!["01/02/2024", "02/02/2024", "03/02/2024"], "2024-02-01", note(true)),
        (vec!["01/02/2024", "01/03/2024", "01/04/2024"], "2024-01-02", note(false)),
        (vec!["01.02.2024", "02.02.2024"], "2024-02-01", None),
    ] {
        let rows: String = dates.iter().map(|date| format!("{date};1\n")).collect();
        let import = imported(&format!("Дата;Клики\n{rows}"));
        assert_eq!(import.range.unwrap().from(), day(first), "{dates:?}");
        let said = import.notes.iter().find(|note| matches!(note, Note::DayOrderAssumed { .. })).cloned();
        assert_eq!(said, assumed, "{dates:?}");
        assert_eq!(import.rejected, vec![], "{dates:?}");
    }
}

const SMALL: &str = "Дата;Кампания;Показы;Клики;Расход (руб.)\r\n01.02.2024;Щётки \"Ёж\";1 200;34;1 234,56\r\n02.02.2024;Бренд;800;—;99,10\r\n";

#[test]
fn the_encoding_is_recognised() {
    let utf16 = |big: bool, mark: bool| {
        let units = mark.then_some(0xFEFF).into_iter().chain(SMALL.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect::<Vec<u8>>()
    };
    let coded = |encoding: &'static encoding_rs::Encoding, text: &str| {
        let (bytes, _, broken) = encoding.encode(text);
        assert!(!broken);
        bytes.into_owned()
    };
    // The dash of the table exists in Windows-1251 only.
    let plain = SMALL.replace('—', "-");
    let mut cut = SMALL.as_bytes().to_vec();
    cut.extend_from_slice("03.02.2024;Бр".as_bytes());
    cut.pop();
    for (bytes, expected) in [
        (SMALL.as_bytes().to_vec(), "UTF-8"),
        (format!("\u{feff}{SMALL}").into_bytes(), "UTF-8"),
        (cut, "UTF-8"),
        (utf16(false, true), "UTF-16LE"),
        (utf16(true, true), "UTF-16BE"),
        (utf16(false, false), "UTF-16LE"),
        (utf16(true, false), "UTF-16BE"),
        (coded(encoding_rs::WINDOWS_1251, SMALL), "windows-1251"),
        (coded(encoding_rs::KOI8_R, &plain), "KOI8-R"),
        (coded(encoding_rs::IBM866, &plain), "IBM866"),
    ] {
        let table = open("отчёт.csv", &bytes).unwrap();
        assert_eq!(table.encoding.as_deref(), Some(expected));
        assert_eq!(table.headers, ["Дата", "Кампания", "Показы", "Клики", "Расход (руб.)"], "{expected}");
        let import = guessed(&table);
        assert_eq!(import.stats[0].external_id, "Щётки \"Ёж\"", "{expected}");
        assert_eq!(import.totals.cost, Some(Micros(1_333_660_000)), "{expected}");
        assert_eq!(import.stats[1].clicks, None, "{expected}: a dash is not zero");
    }
    let german = "Datum;Kampagne;Spend\n01.02.2024;Für Mädchen;1,5\n02.02.2024;Größe Öl;2,5\n";
    let table = open("g.csv", &coded(encoding_rs::WINDOWS_1252, german)).unwrap();
    assert_eq!((table.encoding.as_deref(), table.cell(0, 1)), (Some("windows-1252"), "Für Mädchen"));
}

#[test]
fn a_windows_1251_file_with_semicolons_and_decimal_commas_gives_exact_sums() {
    let mut text = "Отчёт за период 01.01.2024 - 31.03.2024\r\n\r\nДень;№ кампании;Название кампании;Показы;Клики;CTR (%);Расход, ₽, с НДС;Конверсии\r\n"
        .replace('₽', "руб.");
    let mut kopecks = 0i64;
    let mut shown = 0i64;
    for row in 0..910i64 {
        let date = day("2024-01-01") + chrono::Days::new(u64::try_from(row / 10).unwrap());
        let (cost, views) = (row * 7_919 % 1_000_000, row * 37);
        kopecks += cost;
        shown += views;
        let thousands = if cost >= 100_000 {
            format!("{}\u{a0}{:03}", cost / 100_000, cost / 100 % 1000)
        } else {
            (cost / 100).to_string()
        };
        text += &format!(
            "{};{};\"Кампания; №{}\";{views};{};0,{:02};{thousands},{:02};--\r\n",
            date.format("%d.%m.%Y"),
            700_000 + row % 10,
            row % 10,
            row % 7,
            row % 100,
            cost % 100
        );
    }
    text += "Итого;;;999999;1;;1,00;\r\n";
    let (bytes, _, broken) = encoding_rs::WINDOWS_1251.encode(&text);
    assert!(!broken);
    let table = open("direct.csv", &bytes).unwrap();
    assert_eq!(
        (table.encoding.as_deref(), table.delimiter, table.decimal_comma()),
        (Some("windows-1251"), Some(';'), true)
    );
    assert_eq!((table.header_line, table.rows()), (3, 910));
    let fields = guess(&table);
    assert_eq!(hints(&table, &fields), Hints { currency: Some(Currency::RUB), vat: VatState::Included });
    let import = guessed(&table);
    assert_eq!(import.rejected, vec![]);
    assert_eq!((import.good, import.stats.len(), import.objects.len()), (910, 910, 10));
    assert_eq!(import.totals.cost, Some(Micros(kopecks * 10_000)));
    assert_eq!(import.totals.impressions, Some(shown));
    assert_eq!(import.totals.conversions, None, "all unknown is unknown");
    assert_eq!(import.range, DateRange::new(day("2024-01-01"), day("2024-03-31")).ok());
    assert_eq!(import.level, Level::Campaign);
    assert_eq!(import.notes, [Note::TotalsSkipped { count: 1, lines: vec![914] }]);
    assert_eq!(import.objects[3].name, "Кампания; №3");
}

#[test]
fn the_separator_is_chosen_by_how_evenly_it_divides() {
    for (text, delimiter, width) in [
        ("date,clicks\n2024-01-01,5\n", ',', 2),
        ("date\tclicks\n2024-01-01\t5\n", '\t', 2),
        ("date|clicks\n2024-01-01|5\n", '|', 2),
        ("Дата;Расход, руб.;Доход, руб.\n01.02.2024;1,5;2,5\n02.02.2024;1,5;3,5\n", ';', 3),
        ("Расход, руб.;Дата\n1,5;01.02.2024\n2,5;02.02.2024\n", ';', 2),
        ("Дата,Кампания,Клики\n2024-01-01,\"Окна; двери; пол\",5\n2024-01-02,Окна,6\n", ',', 3),
        ("sep=|\nДата|Клики;x\n01.02.2024|5\n", '|', 2),
        ("\"Отчёт, май; июнь\"\nДата;Клики\n01.02.2024;5\n02.02.2024;5\n", ';', 2),
        ("одно\nдва\n", ',', 1),
    ] {
        let table = opened("x.csv", text);
        assert_eq!((table.delimiter, table.headers.len()), (Some(delimiter), width), "{text:?}");
    }
    assert_eq!(opened("x.txt", "date\tclicks\n2024-01-01\t5\n").kind, Kind::Tsv);
    assert_eq!(opened("x.tsv", "date;clicks\n2024-01-01;5\n").kind, Kind::Csv);
}

#[test]
fn lines_are_those_of_the_file() {
    let text = "Отчёт\n\nДата;Кампания;Клики\n01.02.2024;\"две\nстроки\r\nимени\";x\n\n;;\n02.02.2024;Б;y\r03.02.2024;\"с \"\"кавычкой\"\"\";5\n";
    let table = opened("report.csv", text);
    let fields = vec![Field::Date, Field::CampaignName, Field::Clicks];
    let import = read(&table, &mapping(&table, fields)).unwrap();
    assert_eq!(rejections(&import), [(4, "clicks", RejectReason::NotANumber), (9, "clicks", RejectReason::NotANumber)]);
    assert_eq!(import.stats[0].external_id, "с \"кавычкой\"");
    assert_eq!((import.rejected[1].value.as_str(), import.rejected[1].raw.as_str()), ("y", "02.02.2024;Б;y"));
    assert_eq!(import.rejected[0].date, Some(day("2024-02-01")));
}

#[test]
fn a_cell_that_only_begins_with_a_quote_swallows_nothing() {
    let text = "Date\tCampaignName\tClicks\n2024-05-01\t\"Brand\" sale\t1\n2024-05-02\t\"open\t2\n2024-05-03\tplain\t4\nTotal rows: 3\n";
    let import = imported(text);
    assert_eq!((import.good, import.totals.clicks), (3, Some(7)));
    let names: Vec<&str> = import.objects.iter().map(|object| object.name.as_str()).collect();
    assert_eq!(names, ["\"Brand\" sale", "\"open", "plain"]);
    assert_eq!(import.rejected, vec![]);
}

#[test]
fn rows_that_cannot_be_read_are_rejected_with_their_lines_and_the_rest_is_kept() {
    use RejectReason::*;
    let text = "\
date;campaign id;impressions;clicks;cost;conversions;currency
2024-05-01;1;100;10;5.50;0.5;RUB
2024-05-01;2;100.5;10;5.50;;
2024-05-01;3;100;-1;5.50;;
2024-05-01;4;100;10;12%;;
2024-05-01;;100;10;5.50;;
32.05.2024;5;100;10;5.50;;
;6;100;10;5.50;;
2024-05-01;7;99999999999999999999;1;1;;
2024-05-01;8;1;1;99999999999999;;
2024-05-01;9;1;1;1;;ZZZZ
2024-05-01;10;1;1
2024-05-01;11;1;1;1;;;лишнее
2024-05-01;6,22E+12;1;1;1;;
2024-05-01;1;100;10;5.50;0.5;RUB
2024-05-01;1;1;1;1;;USD
2024-05-01;12;--;—;н/д;-;
2024-05-02;1;100.0;0;0;1,25;руб.
2024-05-02;13;1;1;-0.00;;
";
    let import = imported(text);
    assert_eq!(
        rejections(&import),
        [
            (3, "impressions", NotANumber),
            (4, "clicks", Negative),
            (5, "cost", NotANumber),
            (6, "campaign_id", Missing),
            (7, "date", NotADate),
            (8, "date", Missing),
            (9, "impressions", TooLarge),
            (10, "cost", TooLarge),
            (11, "currency", UnknownWord),
            (12, "", WrongShape),
            (13, "", WrongShape),
            (14, "campaign_id", NotANumber),
            (15, "date", Duplicate),
            (16, "currency", CurrencyMismatch),
        ]
    );
    assert_eq!(import.good, 4);
    assert_eq!(import.totals.cost, Some(Micros(5_500_000)));
    assert_eq!(import.totals.conversions, Some(Micros(1_750_000)));
    let unknown = import.stats.iter().find(|stat| stat.external_id == "12").unwrap();
    assert_eq!((unknown.impressions, unknown.clicks, unknown.cost, unknown.conversions), (None, None, None, None));
}

#[test]
fn a_finer_file_is_added_up_exactly_and_says_so() {
    let text = "date,campaign,placement,clicks,cost\n2024-05-01,A,x,1,0.1\n2024-05-01,A,y,2,0.2\n2024-05-01,A,z,-,0.3\n2024-05-02,A,x,4,0.7\n";
    let import = imported(text);
    assert_eq!((import.good, import.stats.len()), (4, 2));
    assert_eq!((import.stats[0].clicks, import.stats[0].cost), (Some(3), Some(Micros(600_000))));
    assert!(import.notes.contains(&Note::RowsMerged { rows: 4, into: 2, unknown: 1 }));
    assert!(import.notes.contains(&Note::NamesAsIds { level: Level::Campaign }));
    let full = "date,clicks\n2024-05-01,9223372036854775807\n2024-05-01,1\n";
    assert_eq!(rejections(&imported(full)), [(3, "clicks", RejectReason::TooLarge)]);
}

#[test]
fn a_breakdown_keeps_the_whole_beside_its_parts() {
    let text = "date,campaign,device,clicks\n2024-05-01,A,MOBILE,1\n2024-05-01,A,DESKTOP,2\n2024-05-01,A,MOBILE,4\n";
    let import = imported(text);
    let rows: BTreeMap<&str, Option<i64>> = import.stats.iter().map(|s| (s.breakdown.as_str(), s.clicks)).collect();
    assert_eq!(rows, BTreeMap::from([("", Some(7)), ("device=MOBILE", Some(5)), ("device=DESKTOP", Some(2))]));
    assert_eq!(import.totals.clicks, Some(7));
}

#[test]
fn the_level_is_the_deepest_that_is_mapped() {
    use Field::*;
    let text = "date,campaign,ad group,ad id,ad name,clicks\n2024-05-01,A,G,1,one,1\n2024-05-01,B,G,2,two,2\n";
    let table = opened("x.csv", text);
    let fields = guess(&table);
    assert_eq!(fields, [Date, CampaignName, AdGroupName, AdId, AdName, Clicks]);
    for (dropped, level, ids, parents) in [
        (vec![], Level::Ad, vec!["1", "2"], vec![Some("A / G"), Some("B / G")]),
        (vec![AdId, AdName], Level::AdGroup, vec!["A / G", "B / G"], vec![Some("A"), Some("B")]),
        (vec![AdId, AdName, AdGroupName], Level::Campaign, vec!["A", "B"], vec![None, None]),
        (vec![AdId, AdName, AdGroupName, CampaignName], Level::Account, vec!["Яндекс Директ"], vec![None]),
    ] {
        let fields = fields.iter().map(|field| if dropped.contains(field) { Ignore } else { *field }).collect();
        let import = read(&table, &mapping(&table, fields)).unwrap();
        assert_eq!(import.level, level);
        assert_eq!(import.stats.iter().map(|stat| stat.external_id.as_str()).collect::<Vec<_>>(), ids);
        let of_level = import.objects.iter().filter(|object| object.level == level);
        assert_eq!(of_level.map(|object| object.parent_external_id.as_deref()).collect::<Vec<_>>(), parents);
        assert_eq!(import.totals.clicks, Some(3), "{level}");
    }
}

#[test]
fn a_mapping_that_cannot_work_is_refused_by_name() {
    use Field::*;
    let table = opened("x.csv", "date,campaign,clicks,cost\n2024-05-01,A,1,1\n");
    for (fields, code, field) in [
        (vec![Ignore, CampaignName, Clicks, Cost], Code::ColumnMissing, "date"),
        (vec![Date, CampaignName, Ignore, Ignore], Code::ColumnMissing, "cost"),
        (vec![Date, CampaignName, Conversions, Ignore], Code::ColumnMissing, "cost"),
        (vec![Date, Date, Clicks, Cost], Code::BadRequest, "date"),
        (vec![Date, CampaignName, CostMicros, Cost], Code::BadRequest, "cost"),
    ] {
        let failure = read(&table, &mapping(&table, fields)).unwrap_err();
        assert_eq!((failure.code, failure.params["field"].as_str()), (code, field));
    }
    let short = Mapping {
        fields: vec![Date],
        currency: model::money::Currency::RUB,
        vat: VatState::Unknown,
        source_name: String::new(),
    };
    assert_eq!(read(&table, &short).unwrap_err().code, Code::BadRequest);
}

#[test]
fn totals_are_left_out_and_campaigns_that_sound_like_totals_stay() {
    let text = "\
Кампания;День;Клики
Total Sport;01.02.2024;1
Итоговая распродажа;01.02.2024;2
Итого;01.02.2024;3
Всего по кампаниям: 2;;3
Общий итог;;3
Grand total;-;3
Total: Account;;3
";
    let import = imported(text);
    assert_eq!(import.totals.clicks, Some(3));
    assert_eq!(import.rejected, vec![]);
    assert!(import.notes.contains(&Note::TotalsSkipped { count: 5, lines: vec![4, 5, 6, 7, 8] }), "{:?}", import.notes);
}

#[test]
fn a_name_is_not_taken_for_a_sign_of_nothing() {
    let import =
        imported("date,campaign,clicks\n2024-02-01,NA,1\n2024-02-01,None,NA\n2024-02-01,--,3\n2024-02-01,n/a,4\n");
    assert_eq!(import.objects.iter().map(|o| o.name.as_str()).collect::<Vec<_>>(), ["NA", "None"]);
    assert_eq!(
        rejections(&import),
        [(4, "campaign_name", RejectReason::Missing), (5, "campaign_name", RejectReason::Missing)]
    );
}

#[test]
fn a_total_over_devices_or_placements_is_not_added_to_its_parts() {
    for text in [
        "Дата;Площадка;Клики\n01.02.2024;Поиск;1\n01.02.2024;Сети;2\n01.02.2024;Всего;3\n",
        "date,device,clicks\n2024-02-01,MOBILE,1\n2024-02-01,DESKTOP,2\n2024-02-01,Total,3\n",
        "date,campaign,clicks\n2024-02-01,A,1\n2024-02-01,Total,3\n2024-02-01,B,2\n",
    ] {
        let import = imported(text);
        assert_eq!((import.good, import.totals.clicks), (2, Some(3)), "{text:?}");
    }
}

#[test]
fn an_id_protected_from_the_spreadsheet_is_read_without_its_wrapping() {
    let import = imported("date,campaign id,clicks\n2024-02-01,\"=\"\"0012\"\"\",1\n2024-02-02,=\"0012\",2\n");
    assert_eq!(import.objects.iter().map(|o| o.external_id.as_str()).collect::<Vec<_>>(), ["0012"]);
}

#[test]
fn a_cover_sheet_does_not_hide_the_data() {
    let mut book = Workbook::new();
    let cover = book.add_worksheet();
    for (row, line) in ["Отчёт агентства", "Период: май 2024", "Составил: Иванова"].iter().enumerate()
    {
        cover.write(u32::try_from(row).unwrap(), 0, *line).unwrap();
    }
    let data = book.add_worksheet().set_name("По дням").unwrap();
    data.write(0, 0, "День").unwrap().write(0, 1, "Расход").unwrap();
    data.write(1, 0, "01.05.2024").unwrap().write(1, 1, "12,125").unwrap();
    let table = open("x.xlsx", &book.save_to_buffer().unwrap()).unwrap();
    assert_eq!(table.sheet.as_deref(), Some("По дням"));
    let import = guessed(&table);
    assert_eq!(import.totals.cost, Some(Micros(12_125_000_000)));
    assert!(import.notes.contains(&Note::ThousandsAssumed { cells: 1 }), "text in a workbook can be ambiguous too");
}

#[test]
fn the_header_is_found_below_titles_and_above_its_second_line() {
    for (text, line, headers) in [
        ("Дата;Клики\n01.02.2024;1\n", 1, vec!["Дата", "Клики"]),
        ("Отчёт;;\nПериод: май;;\n\nДата;Клики;\n01.02.2024;1;\n", 4, vec!["Дата", "Клики", ""]),
        ("\"console-9f2c\" (2025-05-01 - 2025-05-02)\nDate\tClicks\n2025-05-01\t1\n", 2, vec!["Date", "Clicks"]),
        ("Когда;Сколько\n01.02.2024;1\n", 1, vec!["Когда", "Сколько"]),
        (
            "Дата;Показы;;Клики\n;всего;уникальные;\n01.02.2024;5;4;1\n",
            2,
            vec!["Дата", "Показы / всего", "Показы / уникальные", "Клики"],
        ),
        (
            "Дата;Показатели;\n;Показы;Клики\n01.02.2024;5;4\n",
            2,
            vec!["Дата", "Показатели / Показы", "Показатели / Клики"],
        ),
        ("Дата;\"Расход,\nруб.\"\n01.02.2024;5\n", 1, vec!["Дата", "Расход, руб."]),
        ("2024-02-01;5\n2024-02-02;6\n", 0, vec!["A", "B"]),
    ] {
        let table = opened("x.csv", text);
        assert_eq!(
            (table.header_line, &table.headers[..]),
            (line, &headers.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>()[..]),
            "{text:?}"
        );
        assert!(table.rows() >= 1, "{text:?}");
        assert_eq!(table.notes.contains(&Note::NoHeader), line == 0);
    }
}

#[test]
fn guesses_are_checked_against_the_cells_and_never_given_twice() {
    use Field::*;
    for (text, expected) in [
        ("Дата;Клики\nвчера;5\nсегодня;6\n", vec![Ignore, Clicks]),
        ("Дата;Клики\n01.02.2024;много\n02.02.2024;мало\n", vec![Date, Ignore]),
        ("Дата;Расход с НДС;Расход без НДС\n01.02.2024;12,0;10,0\n", vec![Date, Cost, Ignore]),
        ("date,clicks (all),link clicks\n2024-01-01,5,4\n", vec![Date, Ignore, Clicks]),
        ("date,cost_micros,cost\n2024-01-01,5,4\n", vec![Date, CostMicros, Ignore]),
        ("Когда;Клики\n01.02.2024;5\n", vec![Date, Clicks]),
        ("date,ad group id,ad id,clicks\n2024-01-01,,7,5\n", vec![Date, Ignore, AdId, Clicks]),
        ("date,device,ad_network_type,clicks\n2024-01-01,MOBILE,SEARCH,5\n", vec![Date, Breakdown, Breakdown, Clicks]),
        ("date,id,name,clicks\n2024-01-01,7,A,5\n", vec![Date, CampaignId, CampaignName, Clicks]),
        ("date,ad_group_id,id,name,clicks\n2024-01-01,3,7,A,5\n", vec![Date, AdGroupId, AdId, AdName, Clicks]),
        ("date,валюта,clicks\n2024-01-01,RUB,5\n", vec![Date, Currency, Clicks]),
        ("date,валюта,clicks\n2024-01-01,да,5\n", vec![Date, Ignore, Clicks]),
        ("date,clicks\n", vec![Date, Clicks]),
    ] {
        assert_eq!(guess(&opened("x.csv", text)), expected, "{text:?}");
    }
}

#[test]
fn headers_and_cells_tell_currency_and_vat() {
    use VatState::{Excluded, Included, Unknown};
    for (header, value, currency, vat) in [
        ("Расход, ₽", "5", Some("RUB"), Unknown),
        ("Расход (руб.) с НДС", "5", Some("RUB"), Included),
        ("Расход без НДС", "5", None, Excluded),
        ("Расход без учёта НДС, руб.", "5", Some("RUB"), Excluded),
        ("Amount spent (USD)", "5", Some("USD"), Unknown),
        ("Spent budget, TON", "5", Some("TON"), Unknown),
        ("Cost", "$5.00", Some("USD"), Unknown),
        ("Расход", "5 руб.", Some("RUB"), Unknown),
        ("Cost (excl. VAT)", "5", None, Excluded),
    ] {
        let table = opened("x.csv", &format!("date|{header}\n2024-01-01|{value}\n"));
        let expected = Hints { currency: currency.map(|code| code.parse().unwrap()), vat };
        assert_eq!(hints(&table, &guess(&table)), expected, "{header:?}");
    }
}

/// What the cabinet of Telegram Ads saves of an ad: a file of its activity and one of its budget, with tabs, and neither names the ad.
#[test]
fn the_files_of_telegram_ads_are_read_as_they_are() {
    let activity =
        opened("activity.csv", "date\tViews\tJoined\tStarted bot\n08 May 2025\t15230\t41\t0\n09 May 2025\t980\t2\t0\n");
    let budget = opened("budget.csv", "date\tSpent budget, TON\n08 May 2025\t3,21\n09 May 2025\t0,0125\n");
    assert_eq!((activity.kind, budget.kind), (Kind::Tsv, Kind::Tsv));
    assert_eq!(guess(&activity), [Field::Date, Field::Impressions, Field::Conversions, Field::Ignore]);
    assert_eq!(guess(&budget), [Field::Date, Field::Cost]);
    assert_eq!(hints(&budget, &guess(&budget)).currency, Some("TON".parse().unwrap()));
    let days: Vec<_> =
        guessed(&activity).stats.iter().map(|row| (row.date, row.impressions, row.conversions, row.cost)).collect();
    let (first, second) = (day("2025-05-08"), day("2025-05-09"));
    let whole = |count| Micros::whole(count);
    assert_eq!(days, [(first, Some(15_230), whole(41), None), (second, Some(980), whole(2), None)]);
    let import = guessed(&budget);
    assert!(import.rejected.is_empty());
    let spent: Vec<_> = import.stats.iter().map(|row| (row.level, row.date, row.cost)).collect();
    let amount = |text| Micros::parse(text).ok();
    assert_eq!(spent, [(Level::Account, first, amount("3.21")), (Level::Account, second, amount("0.0125"))]);
    // Side by side they are one table, and the ad can be named in it.
    let both = opened("ad.csv", "date\tad id\tViews\tJoined\tSpent budget, TON\n08 May 2025\t7\t15230\t41\t3,21\n");
    let row = guessed(&both).stats.remove(0);
    assert_eq!((row.level, row.external_id.as_str()), (Level::Ad, "7"));
    assert_eq!((row.impressions, row.conversions, row.cost), (Some(15_230), whole(41), amount("3.21")));
}

#[test]
fn thousands_that_nothing_proves_are_noted() {
    let unproven = opened("x.csv", "date;clicks\n2024-01-01;1,234\n2024-01-02;2,345\n");
    let import = guessed(&unproven);
    assert_eq!(import.totals.clicks, Some(3579));
    assert_eq!(import.notes, [Note::ThousandsAssumed { cells: 2 }]);
    let proven = opened("x.csv", "date;clicks;cost\n2024-01-01;1,234;5.50\n2024-01-02;2,345;1.25\n");
    assert_eq!(guessed(&proven).notes, []);
}

/// A sheet with a title over the whole width, a two-line header with merged cells, and days merged over their rows.
fn merged_workbook() -> Vec<u8> {
    let format = Format::new();
    let date = Format::new().set_num_format("dd.mm.yyyy");
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Обложка").unwrap().write(0, 0, "Отчёт").unwrap();
    let sheet = book.add_worksheet().set_name("Статистика").unwrap();
    sheet.merge_range(0, 0, 0, 5, "Отчёт за май 2024: показы и клики", &format).unwrap();
    sheet.merge_range(2, 0, 3, 0, "Дата", &format).unwrap();
    sheet.merge_range(2, 1, 3, 1, "№ кампании", &format).unwrap();
    sheet.merge_range(2, 2, 2, 3, "Показы", &format).unwrap();
    sheet.write(3, 2, "всего").unwrap();
    sheet.write(3, 3, "уникальные").unwrap();
    sheet.merge_range(2, 4, 3, 4, "Клики", &format).unwrap();
    sheet.merge_range(2, 5, 3, 5, "Расход, ₽ (с НДС)", &format).unwrap();
    for index in 0..4u32 {
        let row = 4 + index;
        if index % 2 == 0 {
            sheet.merge_range(row, 0, row + 1, 0, "", &date).unwrap();
            sheet.write_with_format(row, 0, 45_413 + index / 2, &date).unwrap();
        }
        sheet.write(row, 1, 100 + index).unwrap();
        sheet.write(row, 2, 1000 * (index + 1)).unwrap();
        sheet.write(row, 3, 10 * (index + 1)).unwrap();
        sheet.write(row, 4, index).unwrap();
        sheet.write(row, 5, 0.1 + 0.2 + f64::from(index)).unwrap();
    }
    sheet.merge_range(8, 0, 8, 1, "Итого", &format).unwrap();
    sheet.write(8, 2, 10_000).unwrap();
    book.save_to_buffer().unwrap()
}

#[test]
fn a_workbook_with_merged_headers_is_read_like_a_plain_one() {
    use Field::*;
    let table = open("отчёт.xlsx", &merged_workbook()).unwrap();
    assert_eq!((table.kind, table.sheet.as_deref()), (Kind::Xlsx, Some("Статистика")));
    assert_eq!(table.sheets, ["Обложка", "Статистика"]);
    assert_eq!(
        table.headers,
        ["Дата", "№ кампании", "Показы / всего", "Показы / уникальные", "Клики", "Расход, ₽ (с НДС)"]
    );
    assert_eq!((table.header_line, table.rows()), (4, 4));
    let fields = guess(&table);
    assert_eq!(fields, [Date, CampaignId, Impressions, Ignore, Clicks, Cost]);
    assert_eq!(hints(&table, &fields), Hints { currency: Some(model::money::Currency::RUB), vat: VatState::Included });
    let import = guessed(&table);
    assert_eq!(import.rejected, vec![]);
    assert_eq!(import.totals.impressions, Some(10_000));
    assert_eq!(import.totals.cost, Some(Micros(7_200_000)));
    let days: Vec<_> = import.stats.iter().map(|stat| stat.date.to_string()).collect();
    assert_eq!(days, ["2024-05-01", "2024-05-01", "2024-05-02", "2024-05-02"]);
    assert_eq!(import.notes, [Note::TotalsSkipped { count: 1, lines: vec![9] }]);
}

#[test]
fn workbook_cells_keep_their_exact_values_and_lines() {
    use RejectReason::*;
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let time = Format::new().set_num_format("yyyy-mm-dd hh:mm");
    for (column, header) in ["Day", "Campaign ID", "Impr.", "Cost"].iter().enumerate() {
        sheet.write(1, u16::try_from(column).unwrap(), *header).unwrap();
    }
    sheet
        .write_with_format(2, 0, 45_413.5, &time)
        .unwrap()
        .write(2, 1, 6_229_007_992_271_i64)
        .unwrap()
        .write(2, 2, 7)
        .unwrap()
        .write(2, 3, 23_328.92)
        .unwrap();
    sheet
        .write(3, 0, "02.05.2024")
        .unwrap()
        .write(3, 1, "23851234567890123")
        .unwrap()
        .write(3, 2, "1 200")
        .unwrap()
        .write(3, 3, "1 234,50 ₽")
        .unwrap();
    sheet
        .write(4, 0, 45_415)
        .unwrap()
        .write(4, 1, 23_851_234_567_890_123_f64)
        .unwrap()
        .write(4, 2, 1)
        .unwrap()
        .write(4, 3, 1)
        .unwrap();
    sheet.write(6, 0, 45_416).unwrap().write(6, 1, 5).unwrap().write(6, 2, 1.5).unwrap().write(6, 3, 1).unwrap();
    sheet.write(7, 0, 45_417).unwrap().write(7, 1, 5).unwrap().write(7, 2, 4).unwrap();
    sheet
        .write(8, 0, 45_418)
        .unwrap()
        .write(8, 1, 5)
        .unwrap()
        .write(8, 2, 1)
        .unwrap()
        .write(8, 3, 1)
        .unwrap()
        .write(8, 6, "сбоку")
        .unwrap();
    let import = guessed(&open("x.xlsx", &book.save_to_buffer().unwrap()).unwrap());
    assert_eq!(
        rejections(&import),
        [(5, "campaign_id", NotANumber), (7, "impressions", NotANumber), (9, "", WrongShape)]
    );
    let rows: Vec<_> = import.stats.iter().map(|s| (s.external_id.as_str(), s.date.to_string(), s.cost)).collect();
    assert_eq!(
        rows,
        [
            ("6229007992271", "2024-05-01".to_owned(), Some(Micros(23_328_920_000))),
            ("23851234567890123", "2024-05-02".to_owned(), Some(Micros(1_234_500_000))),
            ("5", "2024-05-05".to_owned(), None),
        ]
    );
}

#[test]
fn what_is_not_a_table_is_refused_by_what_it_is() {
    let book = merged_workbook();
    let mut old = vec![0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];
    old.resize(2048, 0);
    let mut locked = old.clone();
    locked.extend("EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes));
    let mut empty_book = Workbook::new();
    empty_book.add_worksheet();
    let zip = |name: &str| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.finish().unwrap().into_inner()
    };
    for (name, bytes, found) in [
        ("a.csv", &b""[..], "empty"),
        ("a.csv", b" \r\n\t\n", "empty"),
        ("a.csv", b"\xEF\xBB\xBF", "empty"),
        ("a.xlsx", &empty_book.save_to_buffer().unwrap(), "empty"),
        ("a.xlsx", &book[..book.len() / 2], "damaged xlsx"),
        ("a.xlsx", &book[..40], "damaged xlsx"),
        ("a.csv", &book[..book.len() / 2], "damaged zip"),
        ("a.xls", b"<html><body><table><tr><td>1</td></tr></table>", "html"),
        ("a.xls", b"\xEF\xBB\xBF\n<!DOCTYPE html><html>", "html"),
        ("a.csv", b"<?xml version=\"1.0\"?><Workbook>", "xml"),
        ("a.csv", b"{\"error\":\"unauthorized\"}", "json"),
        ("a.csv", b"[{\"date\":1}]", "json"),
        ("a.xls", &old, "xls"),
        ("a.xlsx", &locked, "encrypted"),
        ("a.csv", b"%PDF-1.7", "pdf"),
        ("a.csv.gz", b"\x1F\x8B\x08\x00", "gzip"),
        ("a.csv", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9][..], "binary"),
        ("a.zip", &zip("5_01.05.csv"), "zip"),
        ("a.xlsx", &zip("xl/workbook.bin"), "xlsb"),
        ("a.xlsx", &zip("xl/workbook.xml"), "damaged xlsx"),
    ] {
        assert_eq!(refusal(name, bytes), found, "{name}");
    }
    assert!(open("book.csv", &book).is_ok(), "a workbook is one under any name");
    let failure = open("big.csv", &vec![b'1'; MAX_BYTES + 1]).unwrap_err();
    assert_eq!((failure.code, failure.params["limit"].as_str()), (Code::FileTooLarge, "67108864"));
}

#[test]
fn odd_shapes_are_tables_too() {
    let one = opened("x.csv", "Клики\n5\n6\n");
    assert_eq!((one.headers.len(), one.rows(), guess(&one)), (1, 2, vec![Field::Clicks]));
    let header: String = (0..300).map(|column| format!(";m{column}")).collect();
    let cells = ";1".repeat(300);
    let wide = opened("x.csv", &format!("Дата;Клики{header}\n01.02.2024;5{cells}\n"));
    assert_eq!((wide.headers.len(), guessed(&wide).totals.clicks), (302, Some(5)));
    let prose = opened("x.txt", "Просто письмо\nбез таблицы\n");
    assert_eq!(read(&prose, &mapping(&prose, guess(&prose))).unwrap_err().code, Code::ColumnMissing);
}

#[test]
fn half_a_million_lines_are_read_in_one_pass() {
    let mut text = String::from("date,campaign id,impressions,clicks,cost\n");
    for row in 0..500_000u32 {
        text += &format!("2024-{:02}-{:02},{},{},1,0.01\n", 1 + row / 28 % 12, 1 + row % 28, row / 336, row);
    }
    let import = imported(&text);
    assert_eq!((import.good, import.rejected.len()), (500_000, 0));
    assert_eq!(import.totals.cost, Some(Micros(5_000_000_000)));
    assert_eq!(import.totals.impressions, Some((0..500_000i64).sum()));
}

fn shared(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("skipped: {name} is not in the shared data folder");
    }
    bytes
}

/// Sums of the named columns over a file, by a reader that is not ours.
fn sums(bytes: &[u8], columns: &[&str]) -> Vec<f64> {
    let mut reader = csv::Reader::from_reader(bytes);
    let headers = reader.headers().unwrap().clone();
    let places: Vec<usize> = columns.iter().map(|c| headers.iter().position(|h| h == *c).unwrap()).collect();
    let mut sums = vec![0.0; columns.len()];
    for record in reader.records() {
        let record = record.unwrap();
        for (sum, place) in sums.iter_mut().zip(&places) {
            *sum += record[*place].parse::<f64>().unwrap_or(0.0);
        }
    }
    sums
}

#[test]
fn the_real_exports_give_their_own_sums() {
    use Field::*;
    let same = |import: &Import, sums: &[f64], scale: f64| {
        let expected: Vec<i64> = sums.iter().map(|sum| (sum * 1e6).round() as i64).collect();
        let cost = (sums[2] * scale).round() as i64;
        assert_eq!(import.totals.impressions.map(|n| n * 1_000_000), Some(expected[0]));
        assert_eq!(import.totals.clicks.map(|n| n * 1_000_000), Some(expected[1]));
        assert_eq!(import.totals.cost, Some(Micros(cost)));
        let of_rows: Micros = import.stats.iter().filter(|s| s.breakdown.is_empty()).filter_map(|s| s.cost).sum();
        assert_eq!(of_rows, Micros(cost));
        assert_eq!(import.rejected, vec![]);
    };
    if let Some(bytes) = shared("google_ads_campaign_stats_data.csv") {
        let table = open("google_ads_campaign_stats_data.csv", &bytes).unwrap();
        let fields = guess(&table);
        for (column, field) in [
            ("date", Date),
            ("id", CampaignId),
            ("clicks", Clicks),
            ("impressions", Impressions),
            ("cost_micros", CostMicros),
            ("conversions", Conversions),
            ("conversions_value", Revenue),
            ("device", Breakdown),
        ] {
            let at = table.headers.iter().position(|header| header == column).unwrap();
            assert_eq!(fields[at], field, "{column}");
        }
        let import = guessed(&table);
        assert_eq!(import.level, Level::Campaign);
        same(&import, &sums(&bytes, &["impressions", "clicks", "cost_micros"]), 1.0);
    }
    if let Some(bytes) = shared("google_ads_ad_stats_data.csv") {
        let table = open("google_ads_ad_stats_data.csv", &bytes).unwrap();
        let import = guessed(&table);
        assert_eq!(import.level, Level::Ad);
        same(&import, &sums(&bytes, &["impressions", "clicks", "cost_micros"]), 1.0);
    }
    if let Some(bytes) = shared("facebook_ads_basic_ad_data.csv") {
        let table = open("facebook_ads_basic_ad_data.csv", &bytes).unwrap();
        let import = guessed(&table);
        assert_eq!((import.level, import.stats.len()), (Level::Ad, 10));
        same(&import, &sums(&bytes, &["impressions", "inline_link_clicks", "spend"]), 1e6);
    }
    for name in ["facebook_ads_basic_ad_actions_data.csv", "google_ads_ad_history_data.csv"] {
        // Neither holds spend, impressions or clicks: the person is told which column is missing.
        let Some(bytes) = shared(name) else { continue };
        let table = open(name, &bytes).unwrap();
        assert_eq!(table.rows(), 10, "{name}");
        let failure = read(&table, &mapping(&table, guess(&table))).unwrap_err();
        assert_eq!(failure.code, Code::ColumnMissing, "{name}");
    }
}

mod any_bytes {
    use super::*;
    use proptest::prelude::*;

    fn try_all(name: &str, bytes: &[u8]) {
        if let Ok(table) = open(name, bytes) {
            let import = read(&table, &mapping(&table, guess(&table)));
            hints(&table, &guess(&table));
            table.sample(5);
            if let Ok(import) = import {
                assert!(import.good + import.rejected.len() as u64 <= table.rows() as u64);
            }
            // Any meaning for any column: every reader of cells meets every cell.
            for shift in 0..Field::ALL.len() {
                let fields: Vec<Field> =
                    (0..table.headers.len()).map(|c| Field::ALL[(c + shift) % Field::ALL.len()]).collect();
                let _ = read(&table, &mapping(&table, fields));
            }
        }
    }

    proptest! {
        #[test]
        fn never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            try_all("x.csv", &bytes);
            try_all("x.xlsx", &bytes);
        }

        #[test]
        fn text_of_table_letters_never_panics(text in "[0-9.,;|\"\t\r\n /:'()₽$%а-яё№A-F-]{0,300}") {
            try_all("x.csv", format!("Дата;Клики;Расход\n{text}").as_bytes());
            try_all("x.tsv", text.as_bytes());
            cell::order(&text);
            cell::date(&text, true, false);
            headers::meaning(&text);
            let mut plain = String::new();
            if let Shape::Number { .. } = cell::number(&text, true, &mut plain) {
                let digits = plain.trim_start_matches('-').replace('.', "");
                prop_assert!(!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
            }
        }

        #[test]
        fn a_damaged_workbook_never_panics(at in 0usize..6000, byte in any::<u8>(), cut in 0usize..9000) {
            let mut book = merged_workbook();
            let at = at % book.len();
            book[at] = byte;
            try_all("x.xlsx", &book);
            book.truncate(cut);
            try_all("x.xlsx", &book);
        }
    }
}
