//! Every definition against every case of its exchange: the answers of a small world, and what is to be made of them.
//!
//! `cases/EXCHANGE.json` holds the routes of the world and the cases, which ccxt was asked for on the same answers.

use std::collections::BTreeSet;
use std::path::Path;

use marketd_plugins::built_in;
use marketd_plugins::conformance::{World, run};

fn cases(id: &str) -> Option<World> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(format!("{id}.json"));
    let text = std::fs::read_to_string(file).ok()?;
    Some(World::parse(&text).unwrap_or_else(|error| panic!("{id}: {error}")))
}

#[test]
fn every_definition_passes_every_case_of_its_exchange() {
    let mut failed = Vec::new();
    for (id, _) in built_in::TEXTS {
        let Some(world) = cases(id) else {
            failed.push(format!("{id} has no cases"));
            continue;
        };
        let definition = built_in::definition(id).expect("listed").unwrap_or_else(|error| panic!("{error}"));
        let report = run(&definition, &world);
        if !report.is_whole() {
            failed.push(format!("{report:.20}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn every_case_file_is_of_a_definition() {
    let definitions: BTreeSet<&str> = built_in::TEXTS.iter().map(|(id, _)| *id).collect();
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")).expect("cases") {
        let name = entry.expect("a file").file_name().into_string().expect("a name");
        assert!(definitions.contains(name.trim_end_matches(".json")), "{name} has no definition");
    }
}
