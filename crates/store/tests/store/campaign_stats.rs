//! A window is replaced as a whole, exactly once however often, and nothing outside of it moves.

use crate::{Home, a_commit, a_run, a_slice, connected, day, days, noon, object, stat, write};
use model::{
    ad::{CampaignStat, Level, ObjectStatus, RejectReason, Visits},
    connection::Connection,
    date::DateRange,
    failure::{Code, Failure},
    id::{ClientId, ConnectionId},
    money::{Micros, VatState},
    settings::{InTotals, Settings},
};
use store::{
    Scope, Store, StoreError,
    campaign_stats::{LARGEST, StoredStat},
    commit::{Committed, Effort, SliceFailure},
    slices::{NewSlice, Part},
};

async fn rows(store: &Store, client: ClientId, level: Level) -> Vec<StoredStat> {
    let mut rows = Vec::new();
    store.each_stat(client, Some(level), days(1, 30), |row| rows.push(row)).await.unwrap();
    rows
}

async fn short(store: &Store, client: ClientId) -> Vec<(String, u32, Option<i64>)> {
    use chrono::Datelike;
    rows(store, client, Level::Campaign)
        .await
        .into_iter()
        .map(|row| (row.stat.external_id, row.stat.date.day(), row.stat.clicks))
        .collect()
}

fn said(rows: &[(&str, u32, i64)]) -> Vec<(String, u32, Option<i64>)> {
    rows.iter().map(|(id, day, clicks)| ((*id).to_owned(), *day, Some(*clicks))).collect()
}

async fn intact(store: &Store) {
    assert_eq!(store.rollup_differences().await.unwrap(), 0);
    assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_window_is_replaced_and_its_neighbours_stay() {
    let home = Home::new().await;
    let store = &home.store;
    let (client, connection) = connected(store, "acme").await;
    let (other_client, other) = connected(store, "other").await;
    for connection in [connection, other] {
        let stats = (1..=6).map(|number| stat("a", day(number), i64::from(number))).collect();
        write(store, connection, Level::Campaign, days(1, 6), stats).await;
    }
    let mut ad = stat("x", day(3), 70);
    ad.level = Level::Ad;
    write(store, connection, Level::Ad, days(1, 6), vec![ad.clone()]).await;

    // Day 4 is no longer reported, day 3 has another campaign, day 5 another value.
    let committed =
        write(store, connection, Level::Campaign, days(3, 5), vec![stat("b", day(3), 30), stat("a", day(5), 50)]).await;
    assert_eq!(committed, Committed { rows: 2, objects: 0, quarantined: 0, replaced: 3 });
    assert_eq!(short(store, client).await, said(&[("a", 1, 1), ("a", 2, 2), ("b", 3, 30), ("a", 5, 50), ("a", 6, 6)]));
    assert_eq!(short(store, other_client).await.len(), 6);
    assert_eq!(rows(store, client, Level::Ad).await[0].stat, ad);
    assert_eq!(store.stats_in_range(connection, Level::Campaign, &Part::All, days(3, 5)).await.unwrap(), 2);
    assert_eq!(store.stat_counts(Scope::Client(client)).await.unwrap(), [(connection, 6)]);
    assert_eq!(store.stat_days(connection).await.unwrap(), Some((day(1), day(6))));
    intact(store).await;

    // The platform reports nothing any more.
    assert_eq!(write(store, connection, Level::Campaign, days(1, 30), Vec::new()).await.replaced, 5);
    assert!(short(store, client).await.is_empty());
    assert!(store.client_sums(Scope::Client(client), days(1, 30)).await.unwrap().is_empty());
    assert_eq!(store.stat_days(connection).await.unwrap(), None);
    intact(store).await;
}

#[tokio::test]
async fn every_field_comes_back_and_unknown_is_not_zero() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    let full = CampaignStat {
        breakdown: "device=mobile".to_owned(),
        impressions: Some(0),
        cost: Some(Micros(-312_400_001)),
        conversions: Some(Micros(1_500_000)),
        revenue: Some(Micros(LARGEST)),
        visits: Visits { count: Some(7), users: Some(0), page_views: Some(LARGEST), bounces: None },
        vat: VatState::Excluded,
        currency: "KZT".parse().unwrap(),
        ..stat("Кампания\0 🚀 'x' \"y\" \\ \n", day(2), 1)
    };
    let empty =
        CampaignStat { impressions: None, clicks: None, cost: None, vat: VatState::Unknown, ..stat("e", day(1), 1) };
    write(&home.store, connection, Level::Campaign, days(1, 2), vec![full.clone(), empty.clone()]).await;
    let home = home.reopened().await;
    let kept: Vec<_> = rows(&home.store, client, Level::Campaign).await.into_iter().map(|row| row.stat).collect();
    assert_eq!(kept, [empty, full]);

    let sums = home.store.client_sums(Scope::Client(client), days(1, 1)).await.unwrap();
    let nothing = store::daily_rollups::Sums { rows: 1, ..Default::default() };
    assert_eq!((sums.len(), sums[0].sums), (1, nothing));
}

#[tokio::test]
async fn one_known_value_makes_a_sum_known() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    let unknown = CampaignStat { clicks: None, cost: None, ..stat("b", day(1), 2) };
    write(&home.store, connection, Level::Campaign, days(1, 1), vec![stat("a", day(1), 5), unknown]).await;
    let sums = home.store.client_sums(Scope::Client(client), days(1, 1)).await.unwrap()[0].sums;
    assert_eq!(
        (sums.impressions, sums.clicks, sums.cost, sums.revenue, sums.rows),
        (Some(700), Some(5), Micros::whole(5), None, 2)
    );
}

#[tokio::test]
async fn rows_that_do_not_fit_go_to_quarantine_and_the_others_are_written() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    let run = a_run(&home.store, connection).await;
    let seq = a_slice(&home.store, run, Level::Campaign, days(2, 3)).await;
    let huge = CampaignStat { cost: Some(Micros(i64::MIN)), ..stat("h", day(2), 1) };
    let many = CampaignStat { impressions: Some(LARGEST + 1), ..stat("h", day(3), 1) };
    let stats = vec![stat("a", day(1), 1), stat("a", day(2), 2), huge, many, stat("a", day(4), 4)];
    let committed = home.store.commit_slice(a_commit(run, seq, stats)).await.unwrap();
    assert_eq!((committed.rows, committed.quarantined), (1, 4));
    assert_eq!(short(&home.store, client).await, said(&[("a", 2, 2)]));
    let reasons: Vec<_> = home
        .store
        .quarantine(run, 0, 10)
        .await
        .unwrap()
        .into_iter()
        .map(|row| (row.reason, row.field, row.value))
        .collect();
    let expect = |reason, field: &str, value: &str| (reason, field.to_owned(), value.to_owned());
    assert_eq!(
        reasons,
        [
            expect(RejectReason::OutsideWindow, "date", "2026-11-01"),
            expect(RejectReason::TooLarge, "cost", "-9223372036854775808"),
            expect(RejectReason::TooLarge, "impressions", "10000000000000001"),
            expect(RejectReason::OutsideWindow, "date", "2026-11-04"),
        ]
    );
}

#[tokio::test]
async fn a_row_of_another_level_is_refused_and_the_old_data_stay() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    write(&home.store, connection, Level::Campaign, days(1, 2), vec![stat("a", day(1), 1)]).await;
    let run = a_run(&home.store, connection).await;
    let seq = a_slice(&home.store, run, Level::Campaign, days(1, 2)).await;
    let mut wrong = stat("x", day(1), 9);
    wrong.level = Level::Ad;
    assert!(matches!(home.store.stage(run, seq, vec![wrong.clone()]).await, Err(StoreError::Misuse(_))));
    let commit = a_commit(run, seq, vec![stat("a", day(1), 8), wrong]);
    assert!(matches!(home.store.commit_slice(commit).await, Err(StoreError::Misuse(_))));
    assert_eq!(short(&home.store, client).await, said(&[("a", 1, 1)]));
    assert_eq!(home.store.run(run).await.unwrap().progress.slices_done, 0);
}

#[tokio::test]
async fn the_later_of_two_rows_with_one_key_stays() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    let run = a_run(&home.store, connection).await;
    let seq = a_slice(&home.store, run, Level::Campaign, days(1, 2)).await;
    home.store.stage(run, seq, vec![stat("a", day(1), 1), stat("a", day(1), 2), stat("b", day(1), 3)]).await.unwrap();
    home.store.stage(run, seq, vec![stat("b", day(1), 4), stat("c", day(2), 5)]).await.unwrap();
    let stats = vec![stat("c", day(2), 6), stat("d", day(2), 7), stat("d", day(2), 8)];
    assert_eq!(home.store.commit_slice(a_commit(run, seq, stats)).await.unwrap().rows, 4);
    assert_eq!(short(&home.store, client).await, said(&[("a", 1, 2), ("b", 1, 4), ("c", 2, 6), ("d", 2, 8)]));
    intact(&home.store).await;
}

#[tokio::test]
async fn staged_rows_are_invisible_until_the_commit_and_go_with_a_failure() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    write(&home.store, connection, Level::Campaign, days(1, 3), vec![stat("old", day(1), 1)]).await;
    let run = a_run(&home.store, connection).await;
    let seq = a_slice(&home.store, run, Level::Campaign, days(1, 3)).await;
    home.store.begin_slice(run, seq).await.unwrap();
    let outside = home.store.stage(run, seq, vec![stat("new", day(2), 2), stat("new", day(9), 9)]).await.unwrap();
    assert_eq!(
        outside.iter().map(|row| (row.reason, row.date)).collect::<Vec<_>>(),
        [(RejectReason::OutsideWindow, Some(day(9)))]
    );
    assert_eq!(short(&home.store, client).await, said(&[("old", 1, 1)]));
    assert_eq!(home.store.stat_counts(Scope::Portfolio).await.unwrap(), [(connection, 1)]);

    let failure = SliceFailure {
        run_id: run,
        slice_seq: seq,
        failure: Failure::new(Code::BodyTruncated),
        tried_at: noon(),
        effort: Effort::default(),
    };
    home.store.fail_slice(failure).await.unwrap();
    assert_eq!(short(&home.store, client).await, said(&[("old", 1, 1)]));
    // The second attempt begins with nothing staged.
    home.store.begin_slice(run, seq).await.unwrap();
    home.store.stage(run, seq, vec![stat("new", day(3), 3)]).await.unwrap();
    home.store.commit_slice(a_commit(run, seq, Vec::new())).await.unwrap();
    assert_eq!(short(&home.store, client).await, said(&[("new", 3, 3)]));
    intact(&home.store).await;
}

#[tokio::test]
async fn objects_get_their_names_later_and_are_listed_by_spend() {
    let home = Home::new().await;
    let store = &home.store;
    let (client, connection) = connected(store, "acme").await;
    let unknown = CampaignStat { cost: None, ..stat("u", day(1), 9) };
    let stats = vec![stat("a", day(1), 5), stat("a", day(2), 5), stat("b", day(1), 30), unknown];
    write(store, connection, Level::Campaign, days(1, 2), stats).await;
    let listed = async |limit| {
        let objects = store.client_objects(client, Level::Campaign, days(1, 2), limit).await.unwrap();
        objects.into_iter().map(|o| (o.external_id, o.name, o.sums.cost, o.sums.rows)).collect::<Vec<_>>()
    };
    let line = |id: &str, name: Option<&str>, cost: Option<i64>, rows: u64| {
        (id.to_owned(), name.map(str::to_owned), cost.and_then(Micros::whole), rows)
    };
    assert_eq!(
        listed(10).await,
        [line("b", None, Some(30), 1), line("a", None, Some(10), 2), line("u", None, None, 1)]
    );

    let run = a_run(store, connection).await;
    let names = NewSlice { stream: "campaigns".to_owned(), level: Level::Campaign, window: None, part: Part::Whole };
    let seq = store.plan_slices(run, &[names]).await.unwrap();
    let mut commit = a_commit(run, seq, Vec::new());
    let mut named = object(Level::Campaign, "a", "Old name");
    commit.objects = vec![named.clone(), object(Level::Campaign, "never", "No rows")];
    named.name = "Новая".to_owned();
    named.status = ObjectStatus::Deleted;
    named.parent_external_id = Some("p".to_owned());
    named.landing_url = Some("https://acme.example/?utm_source=one&utm_term=%D0%BE%D0%BA%D0%BD%D0%B0".to_owned());
    commit.objects.push(named.clone());
    assert_eq!(store.commit_slice(commit.clone()).await.unwrap().objects, 3);
    store.commit_slice(commit).await.unwrap();
    assert_eq!(listed(2).await, [line("b", None, Some(30), 1), line("a", Some("Новая"), Some(10), 2)]);
    assert_eq!(store.client_object_count(client, Level::Campaign, days(1, 2)).await.unwrap(), 3);
    let kept = store.ad_objects(connection, Level::Campaign).await.unwrap();
    assert_eq!(kept.iter().map(|o| o.external_id.as_str()).collect::<Vec<_>>(), ["a", "b", "never", "u"]);
    assert_eq!((kept[0].status, kept[0].parent_external_id.as_deref()), (ObjectStatus::Deleted, Some("p")));

    // Where it leads stands beside its sums and rows; the dictionary's last word counts.
    let led = async || {
        let listed = store.client_objects(client, Level::Campaign, days(1, 2), 10).await.unwrap();
        let found = listed.into_iter().find(|object| object.external_id == "a").unwrap().landing;
        let row =
            rows(store, client, Level::Campaign).await.into_iter().find(|row| row.stat.external_id == "a").unwrap();
        assert_eq!((&row.landing, &kept[1].landing), (&found, &store::ad_objects::Landing::default()));
        (found.url, found.utm.source, found.utm.medium, found.utm.term)
    };
    assert_eq!(led().await, (named.landing_url.clone(), Some("one".to_owned()), None, Some("окна".to_owned())));
    named.landing_url = Some("https://acme.example/?utm_medium=cpc".to_owned());
    let seq = store
        .plan_slices(
            run,
            &[NewSlice { stream: "campaigns".to_owned(), level: Level::Campaign, window: None, part: Part::Whole }],
        )
        .await
        .unwrap();
    let mut commit = a_commit(run, seq, Vec::new());
    commit.objects = vec![named.clone()];
    store.commit_slice(commit).await.unwrap();
    assert_eq!(led().await, (named.landing_url, None, Some("cpc".to_owned()), None));
}

/// Whole rows and conversions by goal are streams of one level. Each replaces its own rows, knows its own days and is no rival of the other.
#[tokio::test]
async fn a_stream_of_splits_and_one_of_the_whole_leave_each_others_rows_alone() {
    let home = Home::new().await;
    let store = &home.store;
    let (client, connection) = connected(store, "acme").await;
    let put = async |stream: &str, part: Part, window: DateRange, stats: Vec<CampaignStat>| {
        let run = a_run(store, connection).await;
        let slice = NewSlice { stream: stream.to_owned(), level: Level::Campaign, window: Some(window), part };
        let seq = store.plan_slices(run, std::slice::from_ref(&slice)).await.unwrap();
        assert_eq!(store.slices(run).await.unwrap()[0].part, slice.part);
        store.commit_slice(a_commit(run, seq, stats)).await
    };
    let split = |kind: &str, of: &str, number: u32, conversions: i64| CampaignStat {
        breakdown: format!("{kind}={of}"),
        impressions: None,
        clicks: None,
        cost: None,
        revenue: None,
        conversions: Micros::whole(conversions),
        ..stat("a", day(number), 0)
    };
    let goal = |of: &str, number: u32, conversions: i64| split("goal", of, number, conversions);
    let (goals, goal_groups) = (Part::Split("goal".to_owned()), Part::Split("goal_group".to_owned()));
    let whole = vec![stat("a", day(1), 10), stat("a", day(2), 20)];
    put("campaign_stats", Part::Whole, days(1, 2), whole.clone()).await.unwrap();
    put("goal_stats", goals.clone(), days(1, 2), vec![goal("1", 1, 3), goal("2", 1, 4), goal("1", 2, 5)])
        .await
        .unwrap();
    let groups = vec![split("goal_group", "9", 1, 7)];
    put("group_stats", goal_groups, days(1, 2), groups).await.unwrap();
    let kept = async || {
        let rows = rows(store, client, Level::Campaign).await;
        rows.into_iter().map(|row| format!("{} {}", row.stat.date.format("%d"), row.stat.breakdown)).collect::<Vec<_>>()
    };
    assert_eq!(kept().await, ["01 ", "01 goal=1", "01 goal=2", "01 goal_group=9", "02 ", "02 goal=1"]);

    // Read again, goals differ and the whole does not move; then the whole, and goals stay.
    let again = put("goal_stats", goals.clone(), days(1, 2), vec![goal("2", 1, 6)]).await.unwrap();
    assert_eq!((again.replaced, again.rows), (3, 1));
    assert_eq!(put("campaign_stats", Part::Whole, days(1, 1), vec![whole[0].clone()]).await.unwrap().replaced, 1);
    assert_eq!(kept().await, ["01 ", "01 goal=2", "01 goal_group=9", "02 "]);
    assert_eq!(store.stats_in_range(connection, Level::Campaign, &goals, days(1, 2)).await.unwrap(), 1);

    // Totals are the whole's: splits describe the same conversions once more.
    let sums = store.connection_sums(Scope::Portfolio, days(1, 2)).await.unwrap();
    assert_eq!(sums.iter().map(|of| of.sums.clicks).collect::<Vec<_>>(), [Some(30)]);
    // Also of a day that has goals alone: several of them may be met by one conversion, so they are never added up.
    put("goal_stats", goals.clone(), days(9, 9), vec![goal("1", 9, 3), goal("2", 9, 4)]).await.unwrap();
    assert!(store.connection_sums(Scope::Portfolio, days(9, 9)).await.unwrap().is_empty());
    put("goal_stats", goals.clone(), days(9, 9), Vec::new()).await.unwrap();
    // Rows that a slice does not replace are refused, before anything is gone.
    for (part, row) in [(Part::Whole, goal("1", 1, 1)), (goals, stat("a", day(1), 1))] {
        let refused = put("campaign_stats", part, days(1, 2), vec![row]).await;
        assert!(matches!(refused, Err(StoreError::Misuse(_))), "{refused:?}");
    }
    assert_eq!(kept().await.len(), 4);
    // A file is everything there is of its days.
    put("file_import", Part::All, days(1, 1), vec![stat("a", day(1), 1)]).await.unwrap();
    assert_eq!(kept().await, ["01 ", "02 "]);
}

#[tokio::test]
async fn splits_count_only_where_the_whole_is_unknown() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    let split = |id: &str, number: u32, device: &str, clicks: i64| CampaignStat {
        breakdown: format!("device={device}"),
        ..stat(id, day(number), clicks)
    };
    let stats = vec![
        stat("a", day(1), 10),
        split("a", 1, "mobile", 6),
        split("a", 1, "desktop", 4),
        split("a", 2, "mobile", 3),
        split("a", 2, "desktop", 2),
    ];
    assert_eq!(write(&home.store, connection, Level::Campaign, days(1, 2), stats).await.rows, 5);
    let by_day: Vec<_> = home
        .store
        .client_days(Scope::Client(client), days(1, 2))
        .await
        .unwrap()
        .into_iter()
        .map(|one| (one.date, one.sums.clicks))
        .collect();
    assert_eq!(by_day, [(day(1), Some(10)), (day(2), Some(5))]);
    assert_eq!(
        home.store.client_objects(client, Level::Campaign, days(1, 2), 9).await.unwrap()[0].sums.clicks,
        Some(15)
    );
    intact(&home.store).await;
}

#[tokio::test]
async fn a_window_of_many_statements_is_whole() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    let run = a_run(&home.store, connection).await;
    let seq = a_slice(&home.store, run, Level::Campaign, days(1, 3)).await;
    let stats: Vec<_> = (0..3_701).map(|n| stat(&format!("id{n}"), day(1 + n % 3), i64::from(n))).collect();
    let (staged, direct) = stats.split_at(2_500);
    home.store.stage(run, seq, staged.to_vec()).await.unwrap();
    assert_eq!(home.store.commit_slice(a_commit(run, seq, direct.to_vec())).await.unwrap().rows, 3_701);
    let sums: Vec<_> = home.store.connection_sums(Scope::Client(client), days(1, 3)).await.unwrap();
    assert_eq!(
        (sums[0].connection_id, sums[0].sums.rows, sums[0].sums.clicks),
        (connection, 3_701, Some((0..3_701).sum()))
    );
    intact(&home.store).await;
}

#[tokio::test]
async fn an_unknown_connection_has_nothing_to_count() {
    let home = Home::new().await;
    let nothing = home.store.stats_in_range(ConnectionId::new(), Level::Ad, &Part::All, days(1, 2)).await;
    assert!(matches!(nothing, Err(StoreError::NotFound { what: "connection" })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_one_state_while_slices_are_written() {
    let home = Home::new().await;
    let (client, connection) = connected(&home.store, "acme").await;
    let generation = |number: i64| (0..1_500).map(|n| stat(&n.to_string(), day(1 + n % 3), number)).collect::<Vec<_>>();
    write(&home.store, connection, Level::Campaign, days(1, 3), generation(1)).await;
    let store = home.store.clone();
    let writer = tokio::spawn(async move {
        for number in 2..8 {
            write(&store, connection, Level::Campaign, days(1, 3), generation(number)).await;
        }
    });
    let mut reads = 0;
    while !writer.is_finished() || reads == 0 {
        let kept = rows(&home.store, client, Level::Campaign).await;
        assert_eq!(kept.len(), 1_500);
        assert!(kept.iter().all(|row| row.stat.clicks == kept[0].stat.clicks), "rows of two generations in one read");
        let sums = home.store.client_sums(Scope::Client(client), days(1, 3)).await.unwrap();
        assert_eq!(sums[0].sums.clicks.unwrap() % 1_500, 0);
        reads += 1;
    }
    writer.await.unwrap();
    assert_eq!(rows(&home.store, client, Level::Campaign).await[0].stat.clicks, Some(7));
}

#[tokio::test]
async fn a_connection_that_stands_apart_is_in_no_total_of_its_client() {
    let home = Home::new().await;
    let (client, ads) = connected(&home.store, "acme").await;
    let counter = Connection {
        connector: "yandex_metrika".to_owned(),
        settings: Settings { in_totals: InTotals::Apart, ..Settings::default() },
        ..crate::a_connection(client, "counter")
    };
    home.store.insert_connection(&counter, Level::Campaign).await.unwrap();
    let seen = Visits { count: Some(40), users: Some(30), page_views: Some(90), bounces: Some(10) };
    let row = CampaignStat { visits: seen, ..stat("yandex / cpc / spring", day(1), 5) };
    write(&home.store, ads, Level::Campaign, days(1, 1), vec![stat("1", day(1), 100)]).await;
    write(&home.store, counter.id, Level::Campaign, days(1, 1), vec![row]).await;

    let scope = Scope::Client(client);
    let own = home.store.connection_sums(scope, days(1, 1)).await.unwrap();
    let own: Vec<_> = own.iter().map(|of| (of.connection_id, of.sums.cost, of.sums.visits)).collect();
    assert_eq!(own, [(ads, Micros::whole(100), None), (counter.id, Micros::whole(5), Some(40))]);
    // The person may decide otherwise, and nothing is read again for it.
    for (in_totals, spend, visits) in
        [(InTotals::Apart, 100, None), (InTotals::Counts, 105, Some(40)), (InTotals::Apart, 100, None)]
    {
        let changed = Connection { settings: Settings { in_totals, ..Settings::default() }, ..counter.clone() };
        home.store.update_connection(&changed).await.unwrap();
        let sums = home.store.client_sums(scope, days(1, 1)).await.unwrap()[0].sums;
        let day = home.store.client_days(scope, days(1, 1)).await.unwrap()[0].sums;
        assert_eq!((sums.cost, sums.visits, sums), (Micros::whole(spend), visits, day), "{in_totals}");
    }
}
