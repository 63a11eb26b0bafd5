//! Sums of the screens always equal the rows, whatever was committed, in whatever order.

use crate::{Home, connected, day, days, write};
use model::{
    ad::{CampaignStat, Level, Visits},
    money::{Micros, VatState},
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use store::{Scope, daily_rollups::Sums};

/// What the store should hold, kept in the simplest way there is.
type Mirror = BTreeMap<(usize, Level, u32, String, String), CampaignStat>;

fn a_stat() -> impl Strategy<Value = (u32, u8, u8, CampaignStat)> {
    let metric = || prop::option::weighted(0.7, 0..1_000_i64);
    let words =
        (prop::sample::select(vec!["RUB", "KZT"]), prop::sample::select(vec![VatState::Included, VatState::Unknown]));
    (1..=8_u32, 0..4_u8, 0..3_u8, metric(), metric(), metric(), metric(), metric(), words).prop_map(
        |(date, object, split, impressions, clicks, cost, revenue, visits, (currency, vat))| {
            let stat = CampaignStat {
                level: Level::Campaign,
                external_id: object.to_string(),
                date: day(date),
                breakdown: if split == 0 { String::new() } else { format!("device={split}") },
                impressions,
                clicks,
                cost: cost.map(Micros),
                currency: currency.parse().unwrap(),
                vat,
                conversions: None,
                revenue: revenue.map(Micros),
                visits: Visits { count: visits, users: clicks, page_views: revenue, bounces: cost },
            };
            (date, object, split, stat)
        },
    )
}

type Step = (usize, bool, u32, u32, Vec<(u32, u8, u8, CampaignStat)>);

fn a_step() -> impl Strategy<Value = Step> {
    (0..2_usize, any::<bool>(), 1..=8_u32, 0..4_u32, prop::collection::vec(a_stat(), 0..12))
}

fn plus(sum: &mut Option<i64>, value: Option<i64>) {
    if let Some(value) = value {
        *sum = Some(sum.unwrap_or(0) + value);
    }
}

fn expected(mirror: &Mirror, connection: usize) -> BTreeMap<(String, u8), Sums> {
    let mut sums: BTreeMap<_, Sums> = BTreeMap::new();
    for ((owner, level, date, object, split), stat) in mirror {
        let whole = (*owner, *level, *date, object.clone(), String::new());
        if *owner != connection || *level != Level::Campaign || (!split.is_empty() && mirror.contains_key(&whole)) {
            continue;
        }
        let sum = sums.entry((stat.currency.to_string(), stat.vat as u8)).or_default();
        let (mut cost, mut revenue) = (sum.cost.map(|m| m.0), sum.revenue.map(|m| m.0));
        plus(&mut sum.impressions, stat.impressions);
        plus(&mut sum.clicks, stat.clicks);
        plus(&mut cost, stat.cost.map(|m| m.0));
        plus(&mut revenue, stat.revenue.map(|m| m.0));
        plus(&mut sum.visits, stat.visits.count);
        plus(&mut sum.page_views, stat.visits.page_views);
        plus(&mut sum.bounces, stat.visits.bounces);
        (sum.cost, sum.revenue) = (cost.map(Micros), revenue.map(Micros));
        sum.rows += 1;
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn sums_equal_the_rows_after_any_commits(steps in prop::collection::vec(a_step(), 1..8)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let home = Home::new().await;
            let owners = [connected(&home.store, "acme").await, connected(&home.store, "other").await];
            let mut mirror = Mirror::new();
            for (owner, ads, from, length, stats) in steps {
                let (level, to) = (if ads { Level::Ad } else { Level::Campaign }, (from + length).min(8));
                let stats: Vec<_> = stats.into_iter().map(|(_, _, _, stat)| CampaignStat { level, ..stat }).collect();
                mirror.retain(|key, _| key.0 != owner || key.1 != level || !(from..=to).contains(&key.2));
                for stat in stats.iter().filter(|stat| days(from, to).contains(stat.date)) {
                    use chrono::Datelike;
                    let key = (owner, level, stat.date.day(), stat.external_id.clone(), stat.breakdown.clone());
                    mirror.insert(key, stat.clone());
                }
                write(&home.store, owners[owner].1, level, days(from, to), stats).await;
            }
            assert_eq!(home.store.rollup_differences().await.unwrap(), 0);
            for (number, (client, _)) in owners.into_iter().enumerate() {
                let found = home.store.client_sums(Scope::Client(client), days(1, 30)).await.unwrap();
                let found: BTreeMap<_, _> =
                    found.into_iter().map(|one| ((one.currency.to_string(), one.vat as u8), one.sums)).collect();
                assert_eq!(found, expected(&mirror, number));
            }
            assert_eq!(home.store.stat_counts(Scope::Portfolio).await.unwrap().iter().map(|c| c.1).sum::<u64>(), mirror.len() as u64);
        });
    }
}
