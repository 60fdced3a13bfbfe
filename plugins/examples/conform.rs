//! Holds definitions against conformance cases, without building them in: the loop of whoever writes one.
//!
//! `cargo run -p marketd-plugins --example conform -- DEFINITIONS CASES [ID…]`

use std::path::Path;
use std::process::ExitCode;

use marketd_plugins::conformance::{World, run};
use marketd_plugins::definition::Definition;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [definitions, cases, ids @ ..] = args.as_slice() else {
        eprintln!("conform DEFINITIONS CASES [ID…]");
        return ExitCode::from(2);
    };
    let text_of = |id: &str| std::fs::read_to_string(Path::new(definitions).join(format!("{id}.toml"))).ok();
    let mut all: Vec<String> = ids.to_vec();
    if all.is_empty() {
        let files = std::fs::read_dir(definitions).into_iter().flatten().flatten();
        all = files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned)).collect();
        all.sort();
    }
    let mut whole = 0;
    for id in &all {
        match check(id, &text_of, Path::new(cases), ids.len() == 1) {
            Ok(true) => whole += 1,
            Ok(false) => {}
            Err(problem) => eprintln!("{id}: {problem}"),
        }
    }
    eprintln!("{whole} of {} whole", all.len());
    ExitCode::from(u8::from(whole != all.len()))
}

fn check(id: &str, text_of: &dyn Fn(&str) -> Option<String>, cases: &Path, every: bool) -> Result<bool, String> {
    let text = text_of(id).ok_or("no such definition")?;
    let definition = Definition::parse(&format!("{id}.toml"), &text, text_of).map_err(|error| error.to_string())?;
    definition.check()?;
    let corpus = std::fs::read_to_string(cases.join(format!("{id}.json"))).map_err(|error| error.to_string())?;
    let world = World::parse(&corpus).map_err(|error| error.to_string())?;
    let report = run(&definition, &world);
    if every {
        eprintln!("{report:#}");
    } else {
        eprintln!("{report}");
    }
    Ok(report.is_whole())
}
