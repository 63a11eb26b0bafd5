//! What alerts say outside the window, in both languages. One `match` per question, without a wildcard: a kind of alert without a text
//! in Russian and in English does not compile. What a failure is called comes from the screens' own texts, so that it has one name.
//!
//! A parameter that is missing or is not what it should be makes a shorter sentence, never a broken one: a telling may have been made by
//! another version.

use crate::format::{Format, Forms};
use chrono::{DateTime, NaiveDate, Utc};
use model::{
    alert::{AlertAction, AlertKind, AlertState, Severity, ToldAlert},
    channel::Language,
    money::Micros,
};
use serde_json::Value;
use std::sync::LazyLock;

/// The texts of failures as the screens have them, Russian and English.
static FAILURES: LazyLock<[Value; 2]> = LazyLock::new(|| {
    [
        include_str!("../../../ui/src/shared/errors/texts/ru.json"),
        include_str!("../../../ui/src/shared/errors/texts/en.json"),
    ]
    .map(|text| serde_json::from_str(text).unwrap_or_default())
});

const TIMES: Forms = Forms { one: "раз", few: "раза", many: "раз", single: "time", plural: "times" };
const DAYS: Forms = Forms { one: "день", few: "дня", many: "дней", single: "day", plural: "days" };
const ROWS: Forms =
    Forms { one: "строку", few: "строки", many: "строк", single: "row", plural: "rows" };
const CHANGES: Forms =
    Forms {
        one: "изменение", few: "изменения", many: "изменений", single: "change", plural: "changes"
    };
const REQUESTS: Forms =
    Forms {
        one: "запроса", few: "запросов", many: "запросов", single: "request", plural: "requests"
    };
pub(crate) const ALERTS: Forms =
    Forms {
        one: "предупреждение", few: "предупреждения", many: "предупреждений", single: "alert", plural: "alerts"
    };
pub(crate) const CLIENTS: Forms =
    Forms { one: "клиент", few: "клиента", many: "клиентов", single: "client", plural: "clients" };

/// What it is about, in a few words.
pub fn headline(kind: AlertKind, format: Format) -> &'static str {
    let (ru, en) = match kind {
        AlertKind::SignInNeeded => ("Нужен вход", "Sign-in needed"),
        AlertKind::Failing => ("Синхронизация не удаётся", "Sync keeps failing"),
        AlertKind::SignInEnds => ("Вход скоро закончится", "The sign-in ends soon"),
        AlertKind::Stale => ("Данные отстают", "Data are late"),
        AlertKind::EmptyDay => ("День без данных", "A day without data"),
        AlertKind::UnusualVolume => ("Необычный день", "An unusual day"),
        AlertKind::RepeatedDay => ("День повторяет другой", "A day repeats another one"),
        AlertKind::ShrunkDay => ("Данных стало меньше", "A day has shrunk"),
        AlertKind::SpendWithoutConversions => ("Расход без конверсий", "Spend without conversions"),
        AlertKind::QuarantineGrowing => ("Карантин растёт", "Quarantine is growing"),
        AlertKind::ErrorShare => ("Запросы не проходят", "Requests fail"),
        AlertKind::SchemaDrift => ("Площадка сменила формат", "The platform changed its format"),
        AlertKind::TotalsDiffer => ("Итоги расходятся", "Totals differ"),
    };
    format.say(ru, en)
}

/// The word of a severity.
pub fn severity(severity: Severity, format: Format) -> &'static str {
    let (ru, en) = match severity {
        Severity::Critical => ("Срочно", "Critical"),
        Severity::Warning => ("Внимание", "Warning"),
        Severity::Notice => ("К сведению", "Notice"),
    };
    format.say(ru, en)
}

/// What to do about it.
pub fn action(action: AlertAction, format: Format) -> &'static str {
    let (ru, en) = match action {
        AlertAction::SignIn => ("Войдите снова", "Sign in again"),
        AlertAction::SyncNow => ("Запустите синхронизацию", "Sync now"),
        AlertAction::Recollect => ("Соберите эти дни заново", "Collect these days again"),
        AlertAction::OpenRun => ("Посмотрите журнал синхронизации", "Look at the sync"),
        AlertAction::OpenDrift => ("Посмотрите изменения формата", "Look at the changes of format"),
        AlertAction::OpenClient => ("Посмотрите статистику клиента", "Look at the client's statistics"),
    };
    format.say(ru, en)
}

/// What happened, in a sentence or two.
pub fn sentence(alert: &ToldAlert, format: Format) -> String {
    let facts = Facts { alert, format };
    let ru = format.language == Language::Ru;
    match alert.kind {
        AlertKind::SignInNeeded => {
            let why = facts.failure().map(|why| format!("{why}. ")).unwrap_or_default();
            let rest = format.say(
                "Новые данные не собираются, собранные целы.",
                "No new data are collected; what was collected is kept.",
            );
            format!("{why}{rest}")
        }
        AlertKind::Failing => {
            let times = facts.number("failures").map(|times| format.counted(times, TIMES));
            let why = facts.failure().map(|why| format!(": {}", lower(&why))).unwrap_or_default();
            match (times, ru) {
                (Some(times), true) => format!("Не удалось {times} подряд{why}."),
                (Some(times), false) => format!("Failed {times} in a row{why}."),
                (None, true) => format!("Не удаётся раз за разом{why}."),
                (None, false) => format!("Fails again and again{why}."),
            }
        }
        AlertKind::SignInEnds => match (facts.time("until"), ru) {
            (Some(until), true) => format!("Доступ действует до {until}. После этого данные не соберутся."),
            (Some(until), false) => format!("Access ends on {until}. After that no data are collected."),
            (None, true) => "Доступ скоро перестанет действовать.".to_owned(),
            (None, false) => "Access ends soon.".to_owned(),
        },
        AlertKind::Stale => match (facts.time("data_through"), facts.time("expected"), ru) {
            (Some(through), Some(expected), true) => {
                format!("Данные есть по {through}, а по расписанию должны быть по {expected}.")
            }
            (Some(through), Some(expected), false) => {
                format!("There are data through {through}; by the schedule there should be through {expected}.")
            }
            (Some(through), None, true) => format!("Данные есть только по {through}."),
            (Some(through), None, false) => format!("There are data through {through} only."),
            (None, Some(expected), true) => format!("Данных ещё нет, а по расписанию должны быть по {expected}."),
            (None, Some(expected), false) => {
                format!("There are no data yet; by the schedule there should be through {expected}.")
            }
            (None, None, true) => "Данные старше, чем обещает расписание.".to_owned(),
            (None, None, false) => "Data are older than the schedule promises.".to_owned(),
        },
        AlertKind::EmptyDay => {
            let day = facts.day();
            let usual = facts.decimal("usual");
            match (usual, ru) {
                (Some(usual), true) => format!("{day}: данных нет, обычно в такой день около {usual} показов."),
                (Some(usual), false) => format!("{day}: no data, where such a day has about {usual} impressions."),
                (None, true) => format!("{day}: данных нет, хотя обычно они есть."),
                (None, false) => format!("{day}: no data, where there usually are some."),
            }
        }
        AlertKind::UnusualVolume => {
            let (day, metric) = (facts.day(), facts.metric());
            match (facts.quantity("found"), facts.quantity("usual"), ru) {
                (Some(found), Some(usual), true) => format!("{day}, {metric}: {found}, обычно около {usual}."),
                (Some(found), Some(usual), false) => format!("{day}, {metric}: {found}, usually about {usual}."),
                (.., true) => format!("{day}, {metric}: далеко от обычного."),
                (.., false) => format!("{day}, {metric}: far from the usual."),
            }
        }
        AlertKind::RepeatedDay => {
            let day = facts.day();
            match (facts.time("same_as"), ru) {
                (Some(other), true) => format!("{day}: все числа те же, что за {other}."),
                (Some(other), false) => format!("{day}: every number is that of {other}."),
                (None, true) => format!("{day}: все числа те же, что за другой день."),
                (None, false) => format!("{day}: every number is that of another day."),
            }
        }
        AlertKind::ShrunkDay => {
            let (day, metric) = (facts.day(), facts.metric());
            match (facts.quantity("before"), facts.quantity("after"), ru) {
                (Some(before), Some(after), true) => format!("{day}, {metric}: было {before}, стало {after}."),
                (Some(before), Some(after), false) => format!("{day}, {metric}: {before} before, {after} now."),
                (.., true) => format!("{day}: после повторного сбора стало намного меньше."),
                (.., false) => format!("{day}: much less after it was read again."),
            }
        }
        AlertKind::SpendWithoutConversions => {
            let days = facts.number("days").map(|days| format.counted(days, DAYS));
            let spend = facts.money("spend");
            match (days, spend, ru) {
                (Some(days), Some(spend), true) => format!("За {days} потрачено {spend}, ни одной конверсии."),
                (Some(days), Some(spend), false) => format!("{spend} spent in {days}, not one conversion."),
                (.., true) => "Деньги тратятся, конверсий нет, хотя раньше были.".to_owned(),
                (.., false) => "Money is spent and nothing converts, where it did before.".to_owned(),
            }
        }
        AlertKind::QuarantineGrowing => {
            let rows = facts.number("rows").map(|rows| format.counted(rows, ROWS));
            let usual = facts.decimal("usual");
            match (rows, usual, ru) {
                (Some(rows), Some(usual), true) => format!("Не удалось разобрать {rows}, обычно {usual}."),
                (Some(rows), Some(usual), false) => format!("{rows} could not be understood, usually {usual}."),
                (Some(rows), None, true) => format!("Не удалось разобрать {rows}."),
                (Some(rows), None, false) => format!("{rows} could not be understood."),
                (None, _, true) => "Не удалось разобрать больше строк, чем обычно.".to_owned(),
                (None, _, false) => "More rows than usual could not be understood.".to_owned(),
            }
        }
        AlertKind::ErrorShare => {
            let percent = facts.decimal("percent");
            let requests = facts.number("requests").map(|requests| format.counted(requests, REQUESTS));
            match (percent, requests, ru) {
                (Some(percent), Some(requests), true) => format!("Не прошло {percent}\u{a0}% из {requests}."),
                (Some(percent), Some(requests), false) => format!("{percent}% of {requests} failed."),
                (.., true) => "Не проходит слишком много запросов.".to_owned(),
                (.., false) => "Too many requests fail.".to_owned(),
            }
        }
        AlertKind::SchemaDrift => {
            let changes = facts.number("changes").map(|changes| format.counted(changes, CHANGES));
            let stream = facts.text("stream").or(alert.stream.as_deref());
            match (stream, changes, ru) {
                (Some(stream), Some(changes), true) => format!("Поток {stream}: {changes} в ответах."),
                (Some(stream), Some(changes), false) => format!("Stream {stream}: {changes} in the answers."),
                (Some(stream), None, true) => format!("Поток {stream}: ответы выглядят иначе."),
                (Some(stream), None, false) => format!("Stream {stream}: answers look different."),
                (None, _, true) => "Ответы площадки выглядят иначе.".to_owned(),
                (None, _, false) => "The platform's answers look different.".to_owned(),
            }
        }
        AlertKind::TotalsDiffer => {
            let (day, metric) = (facts.day(), facts.metric());
            match (facts.quantity("ours"), facts.quantity("theirs"), ru) {
                (Some(ours), Some(theirs), true) => format!("{day}, {metric}: у нас {ours}, у площадки {theirs}."),
                (Some(ours), Some(theirs), false) => {
                    format!("{day}, {metric}: {ours} here, {theirs} on the platform.")
                }
                (.., true) => format!("{day}: наш итог не равен итогу площадки."),
                (.., false) => format!("{day}: our total is not the platform's."),
            }
        }
    }
}

/// The sentence of an alert whose facts are over.
pub fn settled(format: Format) -> &'static str {
    format.say("Это позади.", "This is over.")
}

/// Whether its facts are over.
pub(crate) fn is_over(alert: &ToldAlert) -> bool {
    alert.state == AlertState::Settled
}

/// The parameters of one alert, read for one reader.
struct Facts<'a> {
    alert: &'a ToldAlert,
    format: Format,
}

impl Facts<'_> {
    fn text(&self, name: &str) -> Option<&str> {
        self.alert.params.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }
    fn number(&self, name: &str) -> Option<i64> {
        let text = self.text(name)?;
        text.parse().ok().or_else(|| Micros::parse(text).ok().map(|value| value.0 / 1_000_000))
    }
    fn decimal(&self, name: &str) -> Option<String> {
        Micros::parse(self.text(name)?).ok().map(|value| self.format.decimal(value))
    }
    fn money(&self, name: &str) -> Option<String> {
        let value = Micros(self.text(name)?.parse().ok()?);
        Some(match self.text("currency") {
            Some(currency) => self.format.money(value, currency),
            None => self.format.decimal(value),
        })
    }
    /// A number of the alert's metric: a sum when it is one.
    fn quantity(&self, name: &str) -> Option<String> {
        match self.text("metric") {
            Some("cost" | "spend" | "revenue") => self.money(name),
            _ => self.decimal(name),
        }
    }
    /// A day or a moment, whichever it is.
    fn time(&self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        if let Ok(day) = text.parse::<NaiveDate>() {
            return Some(self.format.day(day));
        }
        text.parse::<DateTime<Utc>>().ok().map(|at| self.format.moment(at))
    }
    /// The day it is about, as the begin of a sentence.
    fn day(&self) -> String {
        let own = || self.alert.days.map(|days| self.format.day(days.to()));
        self.time("date").or_else(own).unwrap_or_else(|| self.format.say("Один из дней", "One of the days").to_owned())
    }
    fn metric(&self) -> &str {
        match self.text("metric") {
            Some("impressions") => self.format.say("показы", "impressions"),
            Some("clicks") => self.format.say("клики", "clicks"),
            Some("cost" | "spend") => self.format.say("расход", "spend"),
            Some("conversions") => self.format.say("конверсии", "conversions"),
            Some("revenue") => self.format.say("доход", "revenue"),
            Some("rows") => self.format.say("строки", "rows"),
            Some(other) => other,
            None => self.format.say("значение", "the value"),
        }
    }
    /// What the failure is called that the alert is about.
    fn failure(&self) -> Option<String> {
        failure(self.text("code")?, self.format)
    }
}

/// What a failure is called on the screens; `None` for a code of another version.
fn failure(code: &str, format: Format) -> Option<String> {
    let texts = &FAILURES[usize::from(format.language != Language::Ru)];
    let mut title = texts["codes"][code]["title"].as_str()?.to_owned();
    for (name, instead) in texts["fallback"].as_object()? {
        title = title.replace(&format!("{{{{{name}}}}}"), instead.as_str()?);
    }
    Some(title)
}

/// The same text in the middle of a sentence.
pub(crate) fn lower(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        // A word of two capitals, such as a name, stays.
        Some(first) if !letters.clone().next().is_some_and(char::is_uppercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::failure::Code;

    #[test]
    fn every_failure_has_a_name_without_holes_in_both_languages() {
        for language in [Language::Ru, Language::En] {
            let format = Format::new(language, "UTC", DateTime::UNIX_EPOCH);
            for code in Code::ALL {
                let name = failure(code.as_str(), format).unwrap_or_default();
                assert!(name.len() > 3 && !name.contains("{{"), "{language} {code}: {name:?}");
            }
        }
    }
}
