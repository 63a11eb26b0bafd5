//! `syncdeck-simulator vk-ads`, `syncdeck-simulator my-target`: a simulator in a process of its own, for the bench, for crash tests and for trying by hand.
//!
//! The first line printed is the base URL alone, so that a script can read it; then the process serves until it is stopped.

use std::io::Write as _;

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::{Parser, Subcommand, ValueEnum};
use serde_json::json;
use simulators::{
    my_target::MyTarget,
    vk_ads::{Scenario, VkAds},
};

#[derive(Debug, Parser)]
#[command(about = "Vendor simulators of Syncdeck, on 127.0.0.1")]
struct Arguments {
    #[command(subcommand)]
    vendor: Vendor,
}

#[derive(Debug, Subcommand)]
enum Vendor {
    /// VK Реклама.
    VkAds(EngineArguments),
    /// myTarget.
    MyTarget(EngineArguments),
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum World {
    /// Two agencies and an advertiser, eighteen months.
    Demo,
    /// Few objects, ninety days.
    Small,
    /// One advertiser with as many daily rows as `--rows` says, or an agency with `--cabinets` that have them together.
    Large,
}

#[derive(Debug, clap::Args)]
struct EngineArguments {
    /// Port on 127.0.0.1; 0 picks a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Which world to show.
    #[arg(long, value_enum, default_value = "demo")]
    scenario: World,
    /// Decides everything that looks accidental.
    #[arg(long)]
    seed: Option<u64>,
    /// The simulated day; today in Moscow without it.
    #[arg(long)]
    now: Option<NaiveDate>,
    /// Daily rows at the level of ads in the large world.
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// Cabinets of an agency among which the rows of the large world are divided.
    #[arg(long)]
    cabinets: Option<usize>,
    /// Print the truth and the keys as JSON and exit.
    #[arg(long)]
    truth: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (start, arguments): (fn(Scenario) -> _, _) = match Arguments::parse().vendor {
        Vendor::VkAds(arguments) => (VkAds::start, arguments),
        Vendor::MyTarget(arguments) => (MyTarget::start, arguments),
    };
    let today = arguments.now.unwrap_or_else(simulators::calendar::moscow_today);
    let mut scenario = match arguments.scenario {
        World::Demo => Scenario { today: arguments.now, ..Scenario::demo() },
        World::Small => Scenario::small(today),
        World::Large => match arguments.cabinets {
            Some(cabinets) => Scenario::wide(cabinets, arguments.rows, today),
            None => Scenario::large(arguments.rows, today),
        },
    };
    scenario.port = arguments.port;
    scenario.seed = arguments.seed.unwrap_or(scenario.seed);
    let running = start(scenario)?;
    let mut out = std::io::stdout();
    if arguments.truth {
        let truth = running.truth();
        let cabinets: Vec<_> =
            truth.cabinets().into_iter().filter_map(|id| truth.cabinet(id, truth.first_day(), truth.today())).collect();
        let told = json!({
            "today": truth.today(), "first_day": truth.first_day(), "keys": running.keys(), "cabinets": cabinets,
        });
        writeln!(out, "{told:#}").context("cannot print the truth")?;
        return Ok(());
    }
    writeln!(out, "{}", running.base_url).context("cannot print the address")?;
    out.flush().context("cannot print the address")?;
    tokio::signal::ctrl_c().await.context("cannot wait for the end")?;
    running.stop();
    Ok(())
}
