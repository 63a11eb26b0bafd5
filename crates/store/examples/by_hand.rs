//! The peer of `cargo xtask bench`: the least a program must do to get a platform's daily statistics into the same encrypted table, written
//! by hand for this one platform and nothing else. Sign in, list the ads, ask for their days, parse into structs, multi-row upsert.
//!
//! No retries, budgets, quarantine, names, rollups, progress or resuming: what those cost is what the comparison is about. It is not a straw
//! man: replies are parsed into typed structs and rows go in by hundreds in large transactions.
//!
//! `by_hand URL CLIENT_ID FROM TO DATABASE`, the secret in `SYNCDECK_BENCH_SECRET`; prints `{"rows": n, "secs": n}`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measuring program may print and panic"
)]

use chrono::NaiveDate;
use serde::Deserialize;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};
use std::{collections::HashMap, str::FromStr, time::Instant};

/// Ads per request and rows per statement: the platform's most, and what SQLite's limit of parameters allows.
const IDS: usize = 200;
const ROWS: usize = 1_000;
const DAYS: u32 = 30;

#[derive(Deserialize)]
struct Token {
    access_token: String,
}
#[derive(Deserialize)]
struct Page<T> {
    count: usize,
    items: Vec<T>,
}
#[derive(Deserialize)]
struct Banner {
    id: u64,
}
#[derive(Deserialize)]
struct Reply {
    items: Vec<Item>,
}
#[derive(Deserialize)]
struct Item {
    id: u64,
    rows: Vec<Row>,
}
#[derive(Deserialize)]
struct Row {
    date: NaiveDate,
    base: Base,
}
#[derive(Deserialize)]
struct Base {
    shows: i64,
    clicks: i64,
    spent: String,
    vk: Goals,
}
#[derive(Deserialize)]
struct Goals {
    goals: i64,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, client_id, from, to, database] =
        <[String; 5]>::try_from(arguments).expect("URL CLIENT_ID FROM TO DATABASE");
    let secret = std::env::var("SYNCDECK_BENCH_SECRET").expect("the secret in the environment");
    let range = model::date::DateRange::new(from.parse().unwrap(), to.parse().unwrap()).unwrap();

    let began = Instant::now();
    let mut connection = open(&database).await;
    let http = reqwest::Client::new();
    let form = [("grant_type", "client_credentials"), ("client_id", &client_id), ("client_secret", &secret)];
    let token = http.post(format!("{url}/api/v2/oauth2/token.json")).form(&form).send().await.unwrap();
    let token = token.json::<Token>().await.unwrap().access_token;

    let mut ids = Vec::new();
    loop {
        let page = http
            .get(format!("{url}/api/v2/banners.json"))
            .query(&[
                ("fields", "id"),
                ("limit", "250"),
                ("offset", &ids.len().to_string()),
                ("_status__in", "active,blocked,deleted"),
            ])
            .bearer_auth(&token);
        let page: Page<Banner> = page.send().await.unwrap().json().await.unwrap();
        ids.extend(page.items.iter().map(|banner| banner.id));
        if ids.len() >= page.count || page.items.is_empty() {
            break;
        }
    }
    let numbers: HashMap<u64, i64> = ids.iter().copied().zip(1..).collect();

    let mut rows = 0_usize;
    for window in range.windows(DAYS) {
        let mut transaction = connection.begin().await.unwrap();
        for ids in ids.chunks(IDS) {
            let ids = ids.iter().map(u64::to_string).collect::<Vec<_>>().join(",");
            let (from, to) = (window.from().to_string(), window.to().to_string());
            let reply = http
                .get(format!("{url}/api/v2/statistics/banners/day.json"))
                .query(&[("id", &*ids), ("date_from", &from), ("date_to", &to), ("metrics", "base,romi")])
                .bearer_auth(&token);
            let reply: Reply = serde_json::from_slice(&reply.send().await.unwrap().bytes().await.unwrap()).unwrap();
            let found: Vec<(i64, &Row)> =
                reply.items.iter().flat_map(|item| item.rows.iter().map(|row| (numbers[&item.id], row))).collect();
            rows += found.len();
            for some in found.chunks(ROWS) {
                upsert(&mut transaction, some).await;
            }
        }
        transaction.commit().await.unwrap();
    }
    println!("{}", serde_json::json!({ "rows": rows, "secs": began.elapsed().as_secs_f64() }));
}

async fn open(database: &str) -> SqliteConnection {
    let mut connection = SqliteConnectOptions::from_str(database)
        .unwrap()
        .create_if_missing(true)
        .pragma("key", format!("\"x'{}'\"", "42".repeat(32)))
        .pragma("journal_mode", "WAL")
        .pragma("synchronous", "NORMAL")
        .pragma("cache_size", "-24000")
        .connect()
        .await
        .unwrap();
    connection.execute(include_str!("../../../migrations/0001_first.sql")).await.unwrap();
    connection
}

async fn upsert(connection: &mut SqliteConnection, rows: &[(i64, &Row)]) {
    let marks = vec!["(1, 4, ?, ?, '', ?, ?, ?, 'RUB', 2, ?, NULL)"; rows.len()].join(", ");
    let statement = format!(
        "INSERT INTO campaign_stats (connection, level, date, object, breakdown, impressions, clicks, cost_micros, currency, vat,
             conversions_micros, revenue_micros) VALUES {marks}
         ON CONFLICT (connection, level, date, object, breakdown) DO UPDATE SET impressions = excluded.impressions,
             clicks = excluded.clicks, cost_micros = excluded.cost_micros, conversions_micros = excluded.conversions_micros"
    );
    // Only question marks were added to a fixed text.
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for (number, row) in rows {
        query = query
            .bind(row.date.signed_duration_since(NaiveDate::default()).num_days())
            .bind(*number)
            .bind(row.base.shows)
            .bind(row.base.clicks)
            .bind(row.base.spent.parse::<model::money::Micros>().unwrap().0)
            .bind(row.base.vk.goals * 1_000_000);
    }
    query.execute(connection).await.unwrap();
}
