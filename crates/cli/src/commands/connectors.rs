//! `syncdeckctl connectors`.

use super::call;
use crate::output::{Output, table};
use api::{host::Host, wire::Connector};
use serde_json::json;

#[derive(clap::Args)]
pub struct Args {}

pub async fn run(host: &Host, output: Output, _: Args) -> anyhow::Result<()> {
    let connectors: Vec<Connector> = call(host, "connectors_list", json!({})).await?;
    output.result(&connectors, |connectors| table(&HEAD, HEAD.len(), &connectors.iter().map(row).collect::<Vec<_>>()))
}

const HEAD: [&str; 7] = ["id", "name", "shelf", "can do", "streams", "history, days", "documentation"];

fn row(connector: &Connector) -> Vec<String> {
    vec![
        connector.id.clone(),
        connector.name.en.clone(),
        connector.category.to_string(),
        connector.capabilities.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        connector.streams.len().to_string(),
        connector.max_history_days.to_string(),
        connector.docs_url.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}
