//! Which days stand still, by what their readings found.

use crate::{Home, a_run, a_slice, at, connected, day, days, noon, stat, write};
use chrono::Datelike;
use model::{
    ad::{CampaignStat, Level},
    failure::{Code, Failure},
    money::{Micros, VatState},
};
use store::{
    Scope, Store,
    commit::{Effort, SliceFailure},
    standing_days::Stands,
};

/// Days with what stands of them, their spend and conversions.
async fn standing(store: &Store) -> Vec<(u32, Stands, Option<i64>, Option<i64>)> {
    let found = store.standing_days(Scope::Portfolio, days(1, 30)).await.unwrap();
    let whole = |value: Option<Micros>| value.map(|value| value.0 / 1_000_000);
    let days = found.iter().flat_map(|connection| &connection.days);
    days.map(|day| (day.date.day(), day.stands, whole(day.sums.cost), whole(day.sums.conversions))).collect()
}

#[tokio::test]
async fn a_day_stands_still_when_reading_it_again_changed_nothing() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    let with = |roubles, conversions| {
        let made =
            move |date| CampaignStat { conversions: Micros::whole(conversions), ..stat("1", day(date), roubles) };
        vec![made(16), made(18), made(19)]
    };
    let read = async |stats| write(&home.store, connection, Level::Campaign, days(16, 20), stats).await;
    assert!(standing(&home.store).await.is_empty());

    // Days before the eighteenth are final; the others were read once.
    read(with(10, 1)).await;
    let finals = [(16, Stands::Final, Some(10), Some(1)), (17, Stands::Final, Some(0), Some(0))];
    assert_eq!(standing(&home.store).await, finals, "a day without rows had nothing");

    read(with(10, 2)).await;
    let delivery = |date, conversions| (date, Stands::Delivery(noon()), Some(10), Some(conversions));
    assert_eq!(
        standing(&home.store).await[2..],
        [delivery(18, 2), delivery(19, 2), (20, Stands::All(noon()), Some(0), Some(0))]
    );

    read(with(10, 2)).await;
    let all = |date| (date, Stands::All(noon()), Some(10), Some(2));
    assert_eq!(standing(&home.store).await[2..4], [all(18), all(19)]);

    read(with(11, 2)).await;
    assert_eq!(standing(&home.store).await[2..], [(20, Stands::All(noon()), Some(0), Some(0))], "the spend moved");

    // Of one client, of a range, and with its calendar.
    let found = home.store.standing_days(Scope::Client(client), days(17, 17)).await.unwrap();
    assert_eq!((found.len(), found[0].connection_id, found[0].days.len()), (1, connection, 1));
    assert_eq!((found[0].time_zone.as_str(), found[0].currency.as_str()), ("Europe/Moscow", "RUB"));
    let (nobody, _) = connected(&home.store, "other").await;
    assert!(home.store.standing_days(Scope::Client(nobody), days(1, 30)).await.unwrap().is_empty());
}

#[tokio::test]
async fn only_the_totals_level_in_the_connections_currency_counts() {
    let home = Home::new().await;
    let (_, connection) = connected(&home.store, "acme").await;
    let tenge = CampaignStat { currency: "KZT".parse().unwrap(), ..stat("3", day(10), 5) };
    let without_vat = CampaignStat { vat: VatState::Excluded, ..stat("2", day(10), 5) };
    let rows = vec![stat("1", day(10), 10), without_vat, tenge];
    write(&home.store, connection, Level::Campaign, days(10, 10), rows).await;
    let ads = vec![CampaignStat { level: Level::Ad, ..stat("7", day(10), 3) }];
    write(&home.store, connection, Level::Ad, days(10, 10), ads).await;
    assert_eq!(standing(&home.store).await, [(10, Stands::Final, Some(15), None)]);
}

#[tokio::test]
async fn a_day_that_failed_for_one_stream_does_not_count_unless_the_stream_is_off() {
    let home = Home::new().await;
    let (_, connection) = connected(&home.store, "acme").await;
    write(&home.store, connection, Level::Campaign, days(10, 11), vec![stat("1", day(10), 10)]).await;
    let run = a_run(&home.store, connection).await;
    let failure = SliceFailure {
        run_id: run,
        slice_seq: a_slice(&home.store, run, Level::Ad, days(11, 11)).await,
        failure: Failure::new(Code::NotJson),
        tried_at: at("2026-11-20T15:00:00Z"),
        effort: Effort::default(),
    };
    home.store.fail_slice(failure).await.unwrap();
    let dates = async || standing(&home.store).await.iter().map(|day| day.0).collect::<Vec<_>>();
    assert_eq!(dates().await, [10]);

    let mut off = home.store.connection(connection).await.unwrap();
    off.settings.streams[2].on = false;
    home.store.update_connection(&off).await.unwrap();
    assert_eq!(dates().await, [10, 11]);
}
