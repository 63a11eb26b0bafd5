//! Numbers, money and dates of messages, as people of either language write them. The screens have the browser's `Intl` for this; a
//! message is written where there is no browser, needs a handful of forms, and follows the same house rules: the currency's sign after
//! the sum, a true minus, no line break within a number.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use model::{channel::Language, money::Micros};

/// What stands between thousands in Russian, and between a number and its unit in both languages.
const NBSP: char = '\u{a0}';

/// Formats for one reader.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Whose words.
    pub language: Language,
    /// Whose clock.
    pub zone: Tz,
    /// This year's dates go without their year.
    pub today: NaiveDate,
}

/// The forms of a noun with a number.
#[derive(Debug, Clone, Copy)]
pub struct Forms {
    /// Russian: 1, 21, 101.
    pub one: &'static str,
    /// Russian: 2, 3, 4, 22.
    pub few: &'static str,
    /// Russian: 0, 5, 11, 12.
    pub many: &'static str,
    /// English: 1.
    pub single: &'static str,
    /// English: everything else.
    pub plural: &'static str,
}

const MONTHS_RU: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

impl Format {
    /// For a reader of this language in this zone (UTC when it is unknown) at this moment.
    pub fn new(language: Language, zone: &str, now: DateTime<Utc>) -> Self {
        let zone: Tz = zone.parse().unwrap_or(Tz::UTC);
        Self { language, zone, today: now.with_timezone(&zone).date_naive() }
    }

    /// One of two texts.
    pub fn say<'a>(self, ru: &'a str, en: &'a str) -> &'a str {
        match self.language {
            Language::Ru => ru,
            Language::En => en,
        }
    }

    /// A whole number: `1 284 300`, `1,284,300`.
    pub fn count(self, value: i64) -> String {
        let digits = value.unsigned_abs().to_string();
        let mut text = String::with_capacity(digits.len() * 4 / 3 + 3);
        if value < 0 {
            text.push('\u{2212}');
        }
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(if self.language == Language::Ru { NBSP } else { ',' });
            }
            text.push(digit);
        }
        text
    }

    /// A decimal, with at most two decimals and without those that are zero: `12,5`.
    pub fn decimal(self, value: Micros) -> String {
        self.parts(value, false)
    }

    /// A sum: `12 300,50 ₽`. Whole sums go without decimals.
    pub fn money(self, value: Micros, currency: &str) -> String {
        format!("{}{NBSP}{}", self.parts(value, true), sign(currency))
    }

    fn parts(self, value: Micros, both_digits: bool) -> String {
        let hundredths = (value.0.unsigned_abs() + 5_000) / 10_000;
        let (whole, rest) = (hundredths / 100, hundredths % 100);
        let minus = if value.0 < 0 && hundredths > 0 { "\u{2212}" } else { "" };
        let whole = self.count(i64::try_from(whole).unwrap_or(i64::MAX));
        let mark = if self.language == Language::Ru { ',' } else { '.' };
        match rest {
            0 => format!("{minus}{whole}"),
            rest if rest % 10 == 0 && !both_digits => format!("{minus}{whole}{mark}{}", rest / 10),
            rest => format!("{minus}{whole}{mark}{rest:02}"),
        }
    }

    /// A day: `20 ноября`, `20 November`; with its year when that is another one.
    pub fn day(self, day: NaiveDate) -> String {
        let month = match self.language {
            Language::Ru => MONTHS_RU.get(day.month0() as usize).copied().unwrap_or_default().to_owned(),
            Language::En => day.format("%B").to_string(),
        };
        let text = format!("{}{NBSP}{month}", day.day());
        if day.year() == self.today.year() { text } else { format!("{text}{NBSP}{}", day.year()) }
    }

    /// A moment in the reader's zone: `20 ноября, 09:15`.
    pub fn moment(self, at: DateTime<Utc>) -> String {
        let here = at.with_timezone(&self.zone);
        format!("{}, {}", self.day(here.date_naive()), here.format("%H:%M"))
    }

    /// A number with its noun: `21 раз`, `22 раза`, `25 раз`.
    pub fn counted(self, value: i64, forms: Forms) -> String {
        let n = value.unsigned_abs();
        let form = match self.language {
            Language::En if n == 1 => forms.single,
            Language::En => forms.plural,
            Language::Ru if n % 10 == 1 && n % 100 != 11 => forms.one,
            Language::Ru if (2..=4).contains(&(n % 10)) && !(12..=14).contains(&(n % 100)) => forms.few,
            Language::Ru => forms.many,
        };
        format!("{}{NBSP}{form}", self.count(value))
    }
}

/// The sign of a currency, or its code where there is none that everybody knows.
fn sign(currency: &str) -> &str {
    match currency {
        "RUB" => "₽",
        "USD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        "KZT" => "₸",
        "UAH" => "₴",
        "TRY" => "₺",
        other => other,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn formats() -> [Format; 2] {
        let now = "2026-11-20T21:30:00Z".parse().unwrap();
        [Language::Ru, Language::En].map(|language| Format::new(language, "Europe/Moscow", now))
    }

    #[test]
    fn numbers_money_and_dates_are_written_as_each_language_writes_them() {
        let [ru, en] = formats();
        let plain = |text: String| text.replace(NBSP, "_");
        for (value, in_ru, in_en) in
            [(0, "0", "0"), (999, "999", "999"), (1_000, "1_000", "1,000"), (-1_284_300, "−1_284_300", "−1,284,300")]
        {
            assert_eq!((plain(ru.count(value)), plain(en.count(value))), (in_ru.to_owned(), in_en.to_owned()));
        }
        for (micros, in_ru, in_en) in [
            (12_300_500_000, "12_300,50_₽", "12,300.50_₽"),
            (12_300_000_000, "12_300_₽", "12,300_₽"),
            (4_999, "0_₽", "0_₽"),
            (-4_999, "0_₽", "0_₽"),
            (-50_000, "−0,05_₽", "−0.05_₽"),
            (999_996_000, "1_000_₽", "1,000_₽"),
        ] {
            let money = |format: Format| plain(format.money(Micros(micros), "RUB"));
            assert_eq!((money(ru), money(en)), (in_ru.to_owned(), in_en.to_owned()));
        }
        assert_eq!(plain(ru.decimal(Micros(12_500_000))), "12,5");
        assert_eq!(plain(en.money(Micros(1_000_000), "BYN")), "1_BYN");
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(plain(ru.day(day("2026-05-09"))), "9_мая");
        assert_eq!(plain(en.day(day("2025-12-31"))), "31_December_2025");
        assert_eq!(plain(ru.moment("2026-11-20T22:05:00Z".parse().unwrap())), "21_ноября, 01:05");
    }

    #[test]
    fn nouns_take_the_form_of_their_number() {
        let [ru, en] = formats();
        let forms = Forms { one: "раз", few: "раза", many: "раз", single: "time", plural: "times" };
        let rows =
            Forms { one: "строка", few: "строки", many: "строк", single: "row", plural: "rows" };
        for (n, in_ru, in_en) in [
            (0, "0_строк", "0_rows"),
            (1, "1_строка", "1_row"),
            (2, "2_строки", "2_rows"),
            (5, "5_строк", "5_rows"),
            (11, "11_строк", "11_rows"),
            (12, "12_строк", "12_rows"),
            (21, "21_строка", "21_rows"),
            (34, "34_строки", "34_rows"),
            (111, "111_строк", "111_rows"),
            (1_121, "1_121_строка", "1,121_rows"),
        ] {
            let said = |format: Format| format.counted(n, rows).replace(NBSP, "_");
            assert_eq!((said(ru), said(en)), (in_ru.to_owned(), in_en.to_owned()));
        }
        assert_eq!(ru.counted(3, forms).replace(NBSP, "_"), "3_раза");
    }
}
