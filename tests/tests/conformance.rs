//! Every definition against every case of its exchange: the answers of a small world, and what is to be made of them.
//!
//! `cases/EXCHANGE.json` holds the routes of the world and the cases, which ccxt was asked for on the same answers.

use std::collections::BTreeSet;
use std::path::Path;

use marketd_core::Exchange;
use marketd_plugins::built_in;
use marketd_plugins::conformance::{Report, World, run};
use marketd_plugins::definition::Definition;

fn cases(folder: &str, id: &str) -> Option<World> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(format!("{id}.json"));
    let text = std::fs::read_to_string(file).ok()?;
    Some(World::parse(&text).unwrap_or_else(|error| panic!("{id}: {error}")))
}

/// Every definition with the reports of its cases: those that ccxt was asked for, and our own of what ccxt does not ask.
fn reports() -> Vec<(Definition, Vec<Report>)> {
    let of = |(id, _): &(&str, &str)| {
        let definition = built_in::definition(id).expect("listed").unwrap_or_else(|error| panic!("{error}"));
        let worlds = ["cases", "cases/own"].into_iter().filter_map(|folder| cases(folder, id));
        let reports = worlds.map(|world| run(&definition, &world)).collect();
        (definition, reports)
    };
    built_in::TEXTS.iter().map(of).collect()
}

#[test]
fn every_definition_passes_every_case_of_its_exchange_and_has_one_for_whatever_it_can_do() {
    let mut failed = Vec::new();
    for (definition, reports) in reports() {
        let about = definition.about();
        failed.extend(reports.iter().filter(|report| !report.is_whole()).map(|report| format!("{report:.20}")));
        let asked: BTreeSet<&str> =
            reports.iter().flat_map(|report| &report.outcomes).map(|outcome| outcome.kind).collect();
        let without = about.capabilities.iter().filter(|capability| !asked.contains(capability.name()));
        failed.extend(without.map(|capability| format!("{} claims {capability} without a case", about.id)));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn every_case_file_is_of_a_definition() {
    let definitions: BTreeSet<&str> = built_in::TEXTS.iter().map(|(id, _)| *id).collect();
    for folder in ["cases", "cases/own"] {
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("cases") {
            let name = entry.expect("a file").file_name().into_string().expect("a name");
            let is_case = name.strip_suffix(".json").is_none_or(|id| definitions.contains(id));
            assert!(is_case, "{folder}/{name} has no definition");
        }
    }
}
