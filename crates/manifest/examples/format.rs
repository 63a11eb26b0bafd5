//! Prints what of the connector format this room runs, over the manifests of its own corpus; `cargo xtask gen` puts it into
//! `docs/connector-format.md` or checks that the page is fresh.
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use manifest::{connector::Connector, inventory::take_stock};
use std::{error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let mut texts = Vec::new();
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus"))? {
        let path = file?.path();
        if path.extension().is_some_and(|kind| kind == "yaml") {
            texts.push(fs::read_to_string(path)?);
        }
    }
    let (loaded, inventory) = take_stock(|| texts.iter().try_for_each(|text| Connector::load(text).map(drop)));
    loaded?;
    print!("{}", inventory.table());
    Ok(())
}
