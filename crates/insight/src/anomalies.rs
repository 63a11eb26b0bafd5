//! The anomalies of a portfolio: reads the days that stand still and what people said, and lets [`crate::anomaly`] judge.

use crate::{
    anomaly::{Anomaly, Day, Expected, MEMORY_DAYS, Series, Settled},
    metric::Verdict,
};
use chrono::{DateTime, Days, NaiveDate, Utc};
use model::{
    anomaly::{AnomalyMetric, AnomalyVerdict},
    date::{self, DateRange},
    id::{ClientId, ConnectionId},
    money::Currency,
};
use std::{cmp::Reverse, collections::HashMap};
use store::{
    Result, Scope, Store,
    anomaly_feedback::AnomalyKey,
    standing_days::{StandingDays, Stands},
};

/// Days back from today within which a connection's newest settled day is news.
pub const NEWS_DAYS: u32 = 14;

/// Which days are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// Of each connection and metric the newest day that is settled, when it lies within the last [`NEWS_DAYS`].
    Newest,
    /// Every settled day of a period.
    Within(DateRange),
}

/// An anomaly with what it belongs to and what was said of it.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// Of which connection.
    pub connection_id: ConnectionId,
    /// Of which client.
    pub client_id: ClientId,
    /// Currency of money in it.
    pub currency: Currency,
    /// The anomaly.
    pub anomaly: Anomaly,
    /// What a person said of it.
    pub verdict: Option<AnomalyVerdict>,
}

impl Told {
    /// Which one it is.
    pub fn key(&self) -> AnomalyKey {
        AnomalyKey { connection_id: self.connection_id, metric: self.anomaly.metric, date: self.anomaly.date }
    }
}

/// Anomalies of a client or of everybody: those of which nobody has said anything first, among them bad news first, the farthest from
/// the usual first.
pub async fn told(store: &Store, scope: Scope, judged: Judged, now: DateTime<Utc>) -> Result<Vec<Told>> {
    // The day after in UTC is the latest day anywhere.
    let latest = now.date_naive().succ_opt().unwrap_or(now.date_naive());
    let period = match judged {
        Judged::Newest => DateRange::ending(latest, NEWS_DAYS + 1),
        Judged::Within(period) => period,
    };
    let memory = period.from().checked_sub_days(Days::new(u64::from(MEMORY_DAYS))).unwrap_or(period.from());
    let range = DateRange::new(memory, period.to()).unwrap_or(period);
    let mut said: HashMap<(ConnectionId, AnomalyMetric), Said> = HashMap::new();
    for feedback in store.anomaly_feedback(scope, range).await? {
        let said = said.entry((feedback.key.connection_id, feedback.key.metric)).or_default();
        if let (AnomalyVerdict::Expected, Some(factor)) = (feedback.verdict, feedback.factor) {
            said.expected.push(Expected { date: feedback.key.date, factor });
        }
        said.verdicts.insert(feedback.key.date, feedback.verdict);
    }
    let mut told = Vec::new();
    for connection in store.standing_days(scope, range).await? {
        let today = date::today(now, &connection.time_zone);
        let days = days(&connection, today);
        for &metric in AnomalyMetric::ALL {
            let none = Said::default();
            let said = said.get(&(connection.connection_id, metric)).unwrap_or(&none);
            let series = Series::new(metric, &days);
            let dates = match judged {
                Judged::Newest => {
                    let newest = series.last().filter(|last| (today - *last).num_days() <= i64::from(NEWS_DAYS));
                    newest.map(DateRange::day)
                }
                Judged::Within(period) => Some(period),
            };
            let found = dates.iter().flat_map(DateRange::days).filter_map(|date| series.judge(date, &said.expected));
            told.extend(found.map(|anomaly| Told {
                connection_id: connection.connection_id,
                client_id: connection.client_id,
                currency: connection.currency,
                verdict: said.verdicts.get(&anomaly.date).copied(),
                anomaly,
            }));
        }
    }
    told.sort_by_key(|told| {
        let (anomaly, news) = (&told.anomaly, told.anomaly.verdict != Verdict::Worse);
        (
            told.verdict.is_some(),
            news,
            Reverse(anomaly.score.0.abs()),
            Reverse(anomaly.date),
            told.connection_id,
            anomaly.metric,
        )
    });
    Ok(told)
}

/// What was said of a connection's metric.
#[derive(Debug, Default)]
struct Said {
    expected: Vec<Expected>,
    verdicts: HashMap<NaiveDate, AnomalyVerdict>,
}

/// The days of a connection as they are judged. A day that was read while it lasted is not over, even if two readings found the same.
fn days(connection: &StandingDays, today: NaiveDate) -> Vec<Day> {
    let over = |date: NaiveDate, read_at| date < today && date < date::today(read_at, &connection.time_zone);
    let settled = |date, stands| match stands {
        Stands::Final => Settled::All,
        Stands::All(read_at) if over(date, read_at) => Settled::All,
        Stands::Delivery(read_at) if over(date, read_at) => Settled::Delivery,
        Stands::All(_) | Stands::Delivery(_) => Settled::No,
    };
    let day = |day: &store::standing_days::StandingDay| Day {
        date: day.date,
        settled: settled(day.date, day.stands),
        sums: day.sums.into(),
    };
    connection.days.iter().map(day).collect()
}

/// How many anomalies of a client nobody has said anything of, and the worst of them.
#[derive(Debug, Clone, Copy)]
pub struct Unanswered {
    /// How many.
    pub count: u32,
    /// The worst.
    pub worst: Told,
}

/// By client, from anomalies in their order.
pub fn unanswered(told: &[Told]) -> HashMap<ClientId, Unanswered> {
    let mut clients: HashMap<ClientId, Unanswered> = HashMap::new();
    for told in told.iter().filter(|told| told.verdict.is_none()) {
        let client = clients.entry(told.client_id).or_insert(Unanswered { count: 0, worst: *told });
        client.count += 1;
    }
    clients
}

/// One anomaly; nothing when its day is none (any more).
pub async fn find(store: &Store, client: ClientId, key: AnomalyKey, now: DateTime<Utc>) -> Result<Option<Told>> {
    let told = told(store, Scope::Client(client), Judged::Within(DateRange::day(key.date)), now).await?;
    Ok(told.into_iter().find(|told| told.key() == key))
}
