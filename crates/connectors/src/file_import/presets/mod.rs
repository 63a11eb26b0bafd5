//! Systems that publish no interface and whose statistics a person brings as a file: what each is, and what the columns of its usual export
//! mean. A system is one file here and its name in [`PRESETS`].
//!
//! A preset is a better guess and no more: the person sees the mapping, changes it, and what was agreed is kept with the connection
//! ([`super::Layout`]).

use super::{Field, Table, headers};
use model::{ad::Level, money::Currency};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::LazyLock};

macro_rules! presets {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!($name, ".yaml")))),*] };
}

/// The presets, in the order of the catalogue.
const PRESETS: &[(&str, &str)] = presets!["mts_rtb", "roxot", "gnezdo", "weborama", "trackad"];

/// A system whose statistics come as files.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Its id, which is the name of its file, too.
    pub id: String,
    /// Shelf of the catalogue. `analytics` only measures what others bill, and stands apart from a client's totals.
    pub category: String,
    /// The letter of its icon and the ground it stands on: we have no drawing of it.
    mark: String,
    colour: String,
    /// The level of its usual export.
    pub level: Level,
    /// The currency its sums are always in; `None`: the person says which.
    pub currency: Option<Currency>,
    /// Whether the person must say if sums contain VAT.
    pub asks_vat: bool,
    /// Texts by language and key, as a [`kit::source::Descriptor`] has them.
    pub texts: BTreeMap<String, BTreeMap<String, String>>,
    /// What its columns mean.
    pub columns: Vec<Column>,
}

/// A meaning with the headers that have it, the better ones first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The meaning; `ignore` for what looks like one of ours and is none.
    pub field: Field,
    /// Its headers, in Russian and English.
    pub headers: Vec<String>,
}

static ALL: LazyLock<Vec<Preset>> =
    LazyLock::new(|| PRESETS.iter().filter_map(|(name, text)| loaded(name, text)).collect());

/// A preset that is broken is left out and named in the log; a test makes sure that none is.
fn loaded(name: &str, text: &str) -> Option<Preset> {
    serde_saphyr::from_str(text)
        .inspect_err(|error| tracing::error!(name, %error, "a preset of file import cannot be read"))
        .ok()
}

/// Every preset, in the order of the catalogue.
pub fn presets() -> &'static [Preset] {
    &ALL
}

/// One of them.
pub fn preset(id: &str) -> Option<&'static Preset> {
    ALL.iter().find(|preset| preset.id == id)
}

impl Preset {
    /// Proposes the meaning of every column: what this system calls it first, then what anybody does.
    pub fn guess(&self, table: &Table) -> Vec<Field> {
        headers::propose(table, &|header| self.meaning(header))
    }

    /// What a header means here, with its place among the words for it.
    fn meaning(&self, header: &str) -> Option<(Field, usize)> {
        let wanted = headers::phrase(header);
        self.columns.iter().find_map(|column| {
            let place = column.headers.iter().position(|known| headers::phrase(known) == wanted)?;
            Some((column.field, place))
        })
    }

    /// Its icon.
    pub fn icon_svg(&self) -> String {
        let Self { mark, colour, .. } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><rect width=\"32\" height=\"32\" rx=\"8\" fill=\"{colour}\"/><text x=\"16\" y=\"21.5\" font-family=\"sans-serif\" font-size=\"16\" font-weight=\"600\" text-anchor=\"middle\" fill=\"#fff\">{mark}</text></svg>"
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::file_import::{Layout, Mapping, open, read, source::FileImport};
    use kit::source::Source;
    use model::{
        money::{Micros, VatState},
        settings::InTotals,
    };

    #[test]
    fn every_preset_is_read_and_says_what_it_must() {
        let names: Vec<_> = PRESETS.iter().map(|(name, _)| *name).collect();
        let ids: Vec<_> = presets().iter().map(|preset| preset.id.as_str()).collect();
        assert_eq!(ids, names, "every file is read, and its id is its name");
        let apart = |preset: &&Preset| FileImport::of(preset).descriptor().in_totals() == InTotals::Apart;
        let apart: Vec<_> = presets().iter().filter(apart).map(|preset| preset.id.as_str()).collect();
        assert_eq!(apart, ["weborama", "trackad"], "what measures is not added to what was billed");
        for preset in presets() {
            let id = &preset.id;
            for (language, unproven) in [("en", "not checked"), ("ru", "не проверены")] {
                let texts = &preset.texts[language];
                assert_eq!(texts.keys().collect::<Vec<_>>(), ["name", "sign_in_help", "summary"], "{id} {language}");
                assert!(texts["sign_in_help"].contains(unproven), "{id} {language}: nobody has seen its export");
            }
            // A header that is written twice would hide its later meaning.
            for column in &preset.columns {
                for header in &column.headers {
                    assert_eq!(preset.meaning(header).map(|(field, _)| field), Some(column.field), "{id}: {header}");
                }
            }
        }
    }

    /// The export that a preset expects, with its first or its last words, is read as it says: level, sums, and nothing of what it leaves out.
    #[test]
    fn the_usual_export_of_every_preset_is_read_by_it() {
        for preset in presets() {
            for first in [true, false] {
                let pick = |column: &Column| {
                    let headers = &column.headers;
                    if first { headers[0].clone() } else { headers[headers.len() - 1].clone() }
                };
                let value = |field: Field| match field {
                    Field::Date => "01.11.2026",
                    Field::CampaignId | Field::AdGroupId | Field::AdId => "77",
                    Field::CampaignName | Field::AdGroupName | Field::AdName | Field::Breakdown => "Осень",
                    Field::Clicks => "12",
                    Field::Impressions => "3400",
                    Field::Cost => "1 250,50",
                    // What is left out is a number that would do harm.
                    _ => "999999",
                };
                let headers: Vec<_> = preset.columns.iter().map(pick).collect();
                let row: Vec<_> = preset.columns.iter().map(|column| value(column.field)).collect();
                let text = format!("{}\n{}\n", headers.join(";"), row.join(";")).replace("руб.", "руб");
                let table = open("export.csv", text.as_bytes()).unwrap();
                let fields = preset.guess(&table);
                let expected: Vec<_> = preset.columns.iter().map(|column| column.field).collect();
                assert_eq!(fields, expected, "{}: {headers:?}", preset.id);
                let import = read(
                    &table,
                    &Mapping {
                        fields: fields.clone(),
                        currency: Currency::RUB,
                        vat: VatState::Included,
                        source_name: preset.id.clone(),
                    },
                )
                .unwrap();
                assert_eq!((import.good, import.level), (1, preset.level), "{}", preset.id);
                assert_eq!(import.totals.clicks, Some(12), "{}", preset.id);
                let has_cost = expected.contains(&Field::Cost);
                assert_eq!(import.totals.cost, has_cost.then_some(Micros(1_250_500_000)), "{}", preset.id);
                assert_eq!(Layout::of(&table, &fields).fields(&table).unwrap(), fields, "{}", preset.id);
            }
        }
    }

    #[test]
    fn what_is_no_spend_is_never_taken_for_spend() {
        for (id, headers, expected) in [
            (
                "roxot",
                "Date;Campaign;Impressions;Revenue",
                vec![Field::Date, Field::CampaignName, Field::Impressions, Field::Ignore],
            ),
            (
                "mts_rtb",
                "Дата;Кампания;Бюджет;Расход",
                vec![Field::Date, Field::CampaignName, Field::Ignore, Field::Cost],
            ),
            // What the preset does not know, anybody's words do.
            (
                "gnezdo",
                "Дата;Название кампании;Кол-во кликов;Затраты",
                vec![Field::Date, Field::CampaignName, Field::Clicks, Field::Cost],
            ),
            // Its own word wins over a better known one.
            (
                "weborama",
                "Date;Campaign;Conversions;Post-click conversions",
                vec![Field::Date, Field::CampaignName, Field::Ignore, Field::Conversions],
            ),
        ] {
            let table = open("a.csv", format!("{headers}\n01.11.2026;Осень;5;7\n").as_bytes()).unwrap();
            assert_eq!(preset(id).unwrap().guess(&table), expected, "{id}: {headers}");
        }
    }
}
