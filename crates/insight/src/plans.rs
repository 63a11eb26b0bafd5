//! Plans of a month beside what was spent: finds the days that [`crate::pacing`] compares. Only days up to which all that a plan is about was
//! read are compared, and the day is told: spend that has not been collected yet must not look like spend that did not happen.

use crate::{
    pacing::{self, Pace},
    portfolio::{ConnectionView, counts_for_completeness},
};
use chrono::{DateTime, Days, NaiveDate, Utc};
use model::{
    connection::{Client, ConnectionState},
    date::{self, DateRange, Month},
    id::ClientId,
    money::{Currency, Micros},
    plan::{Plan, PlanScope},
    settings::InTotals,
};
use std::collections::{BTreeMap, HashMap};
use store::{Result, Scope, Store, plans::ChannelDay};

/// Days before a month from which its weekdays and its rate are learned.
const BEFORE: u64 = 28;
/// Days that the newest data may lie behind the day asked about: in the morning yesterday is on its way.
const FRESH_DAYS: u64 = 1;

/// How a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The comparison.
    pub pace: Pace,
    /// The last day that was compared; `None`: nothing is complete yet.
    pub through: Option<NaiveDate>,
    /// Whether that day is so long ago that the comparison says little of today.
    pub stale: bool,
}

/// A plan with how it stands.
#[derive(Debug, Clone)]
pub struct PlanView {
    /// The plan.
    pub plan: Plan,
    /// The name of its campaign.
    pub campaign: Option<String>,
    /// How it stands.
    pub standing: Standing,
}

/// How clients stand in the month of `until`, up to that day. A client's own plan is what counts; where it has none, those of its systems
/// together, against the spend of these systems. Clients without either are absent, and so are those whose currency has changed since.
pub(crate) async fn standings(
    store: &Store,
    until: NaiveDate,
    clients: &[Client],
    views: &HashMap<ClientId, Vec<ConnectionView>>,
    now: DateTime<Utc>,
) -> Result<HashMap<ClientId, Standing>> {
    let month = Month::of(until);
    let mut plans: HashMap<ClientId, Vec<Plan>> = HashMap::new();
    for plan in store.plans(Scope::Portfolio, month).await? {
        plans.entry(plan.client_id).or_default().push(plan);
    }
    if plans.is_empty() {
        return Ok(HashMap::new());
    }
    let mut days: HashMap<ClientId, Vec<ChannelDay>> = HashMap::new();
    for day in store.channel_days(Scope::Portfolio, window(month)).await? {
        days.entry(day.client_id).or_default().push(day);
    }
    let mut standings = HashMap::new();
    for client in clients {
        let Some(plans) = plans.remove(&client.id) else { continue };
        let days = days.remove(&client.id).unwrap_or_default();
        let views = views.get(&client.id).map(Vec::as_slice).unwrap_or_default();
        let until = until.min(yesterday(client, now));
        let of = |wanted: fn(&PlanScope) -> bool| {
            let plans = plans.iter().filter(move |plan| wanted(&plan.scope) && plan.currency == client.currency);
            plans.map(|plan| Basis::of_rollups(plan, &days, views, until)).reduce(Basis::and)
        };
        let basis = of(|scope| matches!(scope, PlanScope::Client))
            .or_else(|| of(|scope| matches!(scope, PlanScope::Channel { .. })));
        standings.extend(basis.map(|basis| (client.id, basis.standing(month, until))));
    }
    Ok(standings)
}

/// The plans of a client in a month, each with how it stands up to yesterday or the end of the month.
pub async fn of_client(
    store: &Store,
    client: &Client,
    month: Month,
    views: &[ConnectionView],
    now: DateTime<Utc>,
) -> Result<Vec<PlanView>> {
    let days = store.channel_days(Scope::Client(client.id), window(month)).await?;
    let until = month.days().to().min(yesterday(client, now));
    let mut found = Vec::new();
    for plan in store.plans(Scope::Client(client.id), month).await? {
        let (basis, campaign) = match &plan.scope {
            PlanScope::Client | PlanScope::Channel { .. } => (Basis::of_rollups(&plan, &days, views, until), None),
            PlanScope::Campaign { connection_id, external_id } => {
                let spends = store.campaign_days(*connection_id, external_id, window(month), plan.currency).await?;
                let own = views.iter().filter(|view| view.connection.id == *connection_id);
                let basis = Basis {
                    planned: pacing::daily(plan.amount, &plan.phasing, month),
                    spends: spends.into_iter().filter_map(|(day, spend)| Some((day, spend?))).collect(),
                    through: through(own, until),
                };
                (basis, store.campaign_name(*connection_id, external_id).await?)
            }
        };
        found.push(PlanView { standing: basis.standing(month, until), campaign, plan });
    }
    Ok(found)
}

/// The days that are needed of a month.
fn window(month: Month) -> DateRange {
    let days = month.days();
    let from = days.from().checked_sub_days(Days::new(BEFORE)).unwrap_or(days.from());
    DateRange::new(from, days.to()).unwrap_or(days)
}

fn yesterday(client: &Client, now: DateTime<Utc>) -> NaiveDate {
    let today = date::today(now, &client.time_zone);
    today.pred_opt().unwrap_or(today)
}

/// The last day, `until` at most, up to which all of these that count are complete. What nobody reads by itself is as complete as it will be.
fn through<'a>(views: impl Iterator<Item = &'a ConnectionView>, until: NaiveDate) -> Option<NaiveDate> {
    let counted = views
        .filter(|view| view.connection.settings.in_totals == InTotals::Counts)
        .filter(|view| view.connection.state != ConnectionState::Paused && counts_for_completeness(view));
    match counted.map(|view| view.data_through).min() {
        None => Some(until),
        Some(through) => through.map(|through| through.min(until)),
    }
}

/// What a plan is compared with.
struct Basis {
    planned: Vec<Micros>,
    spends: BTreeMap<NaiveDate, Micros>,
    through: Option<NaiveDate>,
}

impl Basis {
    /// Of a plan of a client or of one of its systems.
    fn of_rollups(plan: &Plan, days: &[ChannelDay], views: &[ConnectionView], until: NaiveDate) -> Self {
        let wanted = |connector: &str| match &plan.scope {
            PlanScope::Channel { connector: own } => own == connector,
            PlanScope::Client | PlanScope::Campaign { .. } => true,
        };
        Self {
            planned: pacing::daily(plan.amount, &plan.phasing, plan.month),
            spends: spends(days.iter().filter(|day| wanted(&day.connector)), plan.currency),
            through: through(views.iter().filter(|view| wanted(&view.connection.connector)), until),
        }
    }

    /// Two plans of one month as one.
    fn and(mut self, other: Self) -> Self {
        for (one, other) in self.planned.iter_mut().zip(other.planned) {
            *one += other;
        }
        for (day, spend) in other.spends {
            *self.spends.entry(day).or_default() += spend;
        }
        self.through = self.through.min(other.through);
        self
    }

    fn standing(&self, month: Month, until: NaiveDate) -> Standing {
        let days = month.days();
        let eve = days.from().pred_opt();
        let until = until.min(days.to());
        // What ended before the eve of the month does not meet it: neither a rate nor a weekday could be carried over the gap.
        let met = self.through.filter(|through| Some(*through) >= eve).map(|through| through.min(days.to()));
        let elapsed = met.map_or(0, |through| (through - days.from()).num_days() + 1);
        let first = self.spends.keys().next().copied();
        let known = first.zip(met).and_then(|(first, through)| DateRange::new(first, through).ok());
        let spend = |day| self.spends.get(&day).copied().unwrap_or_default();
        let history: Vec<Micros> = known.iter().flat_map(DateRange::days).map(spend).collect();
        let fresh = until.checked_sub_days(Days::new(FRESH_DAYS));
        Standing {
            pace: pacing::pace(&self.planned, usize::try_from(elapsed).unwrap_or_default(), &history),
            through: self.through,
            stale: self.through < fresh,
        }
    }
}

/// Spend by day in one currency; days of which no row says the spend are absent.
fn spends<'a>(days: impl Iterator<Item = &'a ChannelDay>, currency: Currency) -> BTreeMap<NaiveDate, Micros> {
    let mut spends: BTreeMap<NaiveDate, Micros> = BTreeMap::new();
    for day in days.filter(|day| day.currency == currency) {
        if let Some(spend) = day.spend {
            *spends.entry(day.date).or_default() += spend;
        }
    }
    spends
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::pacing::Course;
    use model::{
        ad::{CampaignStat, Level},
        connection::Connection,
        id::{ConnectionId, RunId},
        run::{RunState, RunTrigger},
        settings::Settings,
    };
    use store::{
        commit::{Effort, SliceCommit},
        runs::NewRun,
        slices::{NewSlice, Part},
    };

    fn basis(through: Option<&str>, from: &str, each: i64) -> (Basis, Month) {
        let month: Month = "2026-11".parse().unwrap();
        let first: NaiveDate = from.parse().unwrap();
        let spends = DateRange::new(first, month.days().to()).unwrap();
        let basis = Basis {
            planned: pacing::daily(Micros::whole(3_000).unwrap(), &model::plan::Phasing::Even, month),
            spends: spends.days().map(|day| (day, Micros::whole(each).unwrap())).collect(),
            through: through.map(|day| day.parse().unwrap()),
        };
        (basis, month)
    }

    /// Up to which day there are data, since when, and then: spend, expected, the word, the end, and whether it is stale. Asked on the 20th.
    #[test]
    fn only_days_that_were_read_are_compared() {
        let units = |units| Micros::whole(units).unwrap();
        for (through, from, spent, expected, course, ends, stale) in [
            (Some("2026-11-19"), "2026-10-04", 1_900, 1_900, Some(Course::OnPlan), Some(3_000), false),
            (Some("2026-11-18"), "2026-10-04", 1_800, 1_800, Some(Course::OnPlan), Some(3_000), false),
            (Some("2026-11-10"), "2026-10-04", 1_000, 1_000, Some(Course::OnPlan), Some(3_000), true),
            // It began in the middle of the month: the days before were planned and nothing was spent.
            (Some("2026-11-19"), "2026-11-10", 1_000, 1_900, Some(Course::Under), Some(2_100), false),
            (Some("2026-10-31"), "2026-10-04", 0, 0, None, Some(3_000), true),
            (Some("2026-10-30"), "2026-10-04", 0, 0, None, None, true),
            (None, "2026-10-04", 0, 0, None, None, true),
        ] {
            let (basis, month) = basis(through, from, 100);
            let found = basis.standing(month, "2026-11-19".parse().unwrap());
            let Pace { spent: sum, expected: due, course: word, forecast, .. } = found.pace;
            assert_eq!((sum, due, word), (units(spent), units(expected), course), "{through:?} since {from}");
            assert_eq!(forecast.map(|found| found.value), ends.map(units), "{through:?} since {from}");
            assert_eq!(found.stale, stale, "{through:?} since {from}");
        }
    }

    #[test]
    fn plans_of_systems_are_one_together() {
        let (ahead, month) = basis(Some("2026-11-19"), "2026-10-04", 150);
        let (behind, _) = basis(Some("2026-11-10"), "2026-10-04", 50);
        let found = ahead.and(behind).standing(month, "2026-11-19".parse().unwrap());
        // Only the ten days that both have.
        assert_eq!(found.pace.spent, Micros::whole(2_000).unwrap());
        assert_eq!((found.pace.plan, found.pace.pacing), (Micros::whole(6_000).unwrap(), Some(Micros::ONE)));
        assert_eq!((found.through, found.stale), ("2026-11-10".parse().ok(), true));
    }

    /// A connection: its system, and the roubles of each day.
    type Spender = (&'static str, i64, InTotals);

    /// A workspace with clients, of which each connection is named by its system and the roubles that it spends on every day from 4 October to
    /// 19 November.
    async fn workspace(clients: &[(&Client, &[Spender])]) -> (tempfile::TempDir, Store, Vec<ConnectionId>) {
        let dir = tempfile::tempdir().unwrap();
        let key = model::secret::Secret::new("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
        let store = Store::create(&dir.path().join("workspace.db"), &key, store::Options::default()).await.unwrap();
        let days = DateRange::new("2026-10-04".parse().unwrap(), "2026-11-19".parse().unwrap()).unwrap();
        let mut made = Vec::new();
        for (client, connections) in clients {
            store.insert_client(client).await.unwrap();
            for (connector, roubles, in_totals) in *connections {
                let connection = Connection {
                    id: ConnectionId::new(),
                    client_id: client.id,
                    connector: (*connector).to_owned(),
                    account_external_id: "1".to_owned(),
                    account_name: "cabinet".to_owned(),
                    currency: Currency::RUB,
                    time_zone: client.time_zone.clone(),
                    config: serde_json::Map::new(),
                    state: ConnectionState::Active,
                    first_load_days: 90,
                    settings: Settings { in_totals: *in_totals, ..Settings::default() },
                    follows: None,
                    created_at: now(),
                };
                store.insert_connection(&connection, Level::Campaign).await.unwrap();
                collect(&store, connection.id, days, *roubles).await;
                made.push(connection.id);
            }
        }
        (dir, store, made)
    }

    /// A run that has read one campaign, `7`, which spends the same each day.
    async fn collect(store: &Store, connection_id: ConnectionId, days: DateRange, roubles: i64) {
        let run_id = RunId::new();
        let run = NewRun {
            id: run_id,
            connection_id,
            trigger: RunTrigger::Manual,
            range: Some(days),
            streams: None,
            state: RunState::Running,
            started_at: now(),
        };
        store.create_run(&run).await.unwrap();
        let stream = "campaign_stats".to_owned();
        let slice = NewSlice { stream, level: Level::Campaign, window: Some(days), part: Part::All };
        let slice_seq = store.plan_slices(run_id, &[slice]).await.unwrap();
        let stat = |date| CampaignStat {
            level: Level::Campaign,
            external_id: "7".to_owned(),
            date,
            breakdown: String::new(),
            impressions: None,
            clicks: None,
            cost: Micros::whole(roubles),
            currency: Currency::RUB,
            vat: model::money::VatState::Included,
            conversions: None,
            revenue: None,
            visits: model::ad::Visits::default(),
        };
        let rows = SliceCommit {
            run_id,
            slice_seq,
            objects: Vec::new(),
            stats: days.days().map(stat).collect(),
            rejected: Vec::new(),
            rejected_more: BTreeMap::new(),
            left_out: BTreeMap::new(),
            read_at: now(),
            final_before: days.to(),
            effort: Effort { requests: 1, retries: 0, millis: 1 },
        };
        store.commit_slice(rows).await.unwrap();
        store.finish_run(run_id, RunState::Done, None, now()).await.unwrap();
    }

    fn now() -> DateTime<Utc> {
        "2026-11-20T06:00:00Z".parse().unwrap()
    }

    fn a_client(name: &str, currency: &str) -> Client {
        Client {
            id: ClientId::new(),
            name: name.to_owned(),
            currency: currency.parse().unwrap(),
            time_zone: "Europe/Moscow".to_owned(),
            created_at: now(),
        }
    }

    /// Spend, expected, plan and the word of a standing, in roubles.
    fn told(standing: &Standing) -> String {
        let Pace { spent, expected, plan, course, .. } = standing.pace;
        format!("{spent} of {expected} of {plan}: {}", course.map_or(String::new(), |course| format!("{course:?}")))
    }

    #[tokio::test]
    async fn a_clients_own_plan_comes_before_those_of_its_systems() {
        use InTotals::{Apart, Counts};
        let (acme, moved, idle) = (a_client("acme", "RUB"), a_client("moved", "KZT"), a_client("idle", "RUB"));
        let (_dir, store, connections) = workspace(&[
            (&acme, &[("vk_ads", 100, Counts), ("yandex_direct", 50, Counts), ("yandex_metrika", 999, Apart)]),
            (&moved, &[("vk_ads", 100, Counts)]),
            (&idle, &[("vk_ads", 100, Counts)]),
        ])
        .await;
        let month: Month = "2026-11".parse().unwrap();
        let plan = |client: &Client, scope, roubles| Plan {
            client_id: client.id,
            month,
            scope,
            amount: Micros::whole(roubles).unwrap(),
            currency: Currency::RUB,
            phasing: model::plan::Phasing::Even,
        };
        let of = |connector: &str| PlanScope::Channel { connector: connector.to_owned() };
        let campaign = PlanScope::Campaign { connection_id: connections[0], external_id: "7".to_owned() };
        // Made when its currency was another one.
        store.set_plan(&plan(&moved, PlanScope::Client, 3_000)).await.unwrap();
        store.set_plan(&plan(&acme, of("vk_ads"), 3_000)).await.unwrap();
        store.set_plan(&plan(&acme, campaign, 300)).await.unwrap();
        let clients = store.clients().await.unwrap();
        let mut views: HashMap<ClientId, Vec<ConnectionView>> = HashMap::new();
        for view in crate::portfolio::connections(&store, Scope::Portfolio, now()).await.unwrap() {
            views.entry(view.connection.client_id).or_default().push(view);
        }
        let until: NaiveDate = "2026-11-25".parse().unwrap();
        let look = async || standings(&store, until, &clients, &views, now()).await.unwrap();
        let found = look().await;
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [acme.id]);
        assert_eq!(told(&found[&acme.id]), "1900 of 1900 of 3000: OnPlan", "the spend of the system that is planned");
        assert_eq!((found[&acme.id].through, found[&acme.id].stale), ("2026-11-19".parse().ok(), false));
        store.set_plan(&plan(&acme, of("yandex_direct"), 3_000)).await.unwrap();
        assert_eq!(told(&look().await[&acme.id]), "2850 of 3800 of 6000: Under", "both together");
        store.set_plan(&plan(&acme, PlanScope::Client, 4_500)).await.unwrap();
        assert_eq!(told(&look().await[&acme.id]), "2850 of 2850 of 4500: OnPlan", "its own, and no analytics");

        let rows = of_client(&store, &acme, month, &views[&acme.id], now()).await.unwrap();
        let rows: Vec<String> = rows.iter().map(|row| told(&row.standing)).collect();
        let expected = [
            "2850 of 2850 of 4500: OnPlan",
            "1900 of 1900 of 3000: OnPlan",
            "950 of 1900 of 3000: Under",
            "1900 of 190 of 300: Over",
        ];
        assert_eq!(rows, expected, "the client, its systems, the campaign");
        let rows = of_client(&store, &moved, month, &views[&moved.id], now()).await.unwrap();
        assert_eq!(rows.iter().map(|row| told(&row.standing)).collect::<Vec<_>>(), ["1900 of 1900 of 3000: OnPlan"]);
    }
}
