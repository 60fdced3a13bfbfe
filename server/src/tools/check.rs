//! `marketd check PATH…`: whether definitions and libraries are right, what each can do, and how they fare in cases.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use marketd_core::{About, Exchange};
use marketd_plugins::conformance::{World, run};

use super::Verdict;
use crate::config;
use crate::registry::{PluginFile, Version};

/// Checks definitions and libraries, and says what each can do
#[derive(Debug, Args)]
pub struct Check {
    /// Files, or folders of them; the folder that plugins.dir names when left out
    paths: Vec<PathBuf>,

    /// Asks the cases of this file as well; or of ID.json, if it is a folder
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
}

/// What was found out.
#[derive(Default)]
struct Findings {
    exchanges: Vec<(String, Arc<dyn Exchange>)>,
    problems: Vec<String>,
}

impl Check {
    /// Whether nothing has to be configured for it.
    pub fn names_paths(&self) -> bool {
        !self.paths.is_empty()
    }

    /// Checks, and writes what was found.
    ///
    /// # Errors
    /// A folder or a file of cases cannot be read.
    pub fn run(&self, plugins: &config::Plugins, out: &mut dyn Write) -> Verdict {
        let (paths, pins) = if self.paths.is_empty() {
            (std::slice::from_ref(&plugins.dir), plugins.sha256.clone())
        } else {
            (self.paths.as_slice(), BTreeMap::new())
        };
        let mut findings = Findings::default();
        for path in paths {
            match files(path) {
                Err(_) if self.paths.is_empty() && !path.exists() => {
                    writeln!(out, "{} (plugins.dir): there is no such folder yet", path.display())?;
                }
                Ok(files) if files.is_empty() => writeln!(out, "{}: nothing to check", path.display())?,
                Ok(files) => files.iter().for_each(|file| findings.read(file, &pins)),
                Err(problem) => findings.problems.push(problem),
            }
        }
        findings.find_twins();
        table(&findings.exchanges, out)?;
        if let Some(cases) = &self.cases {
            findings.ask(cases, out)?;
        }
        for problem in &findings.problems {
            writeln!(out, "{problem}")?;
        }
        Ok(findings.problems.is_empty())
    }
}

/// The files that a path means.
fn files(path: &Path) -> Result<Vec<PluginFile>, String> {
    let shown = path.display();
    if !path.exists() {
        return Err(format!("{shown}: there is no such file or folder"));
    }
    if path.is_dir() {
        return PluginFile::all(path).map_err(|error| format!("{shown}: the folder cannot be read: {error}"));
    }
    PluginFile::of(path).map(|file| vec![file]).ok_or_else(|| {
        format!("{shown}: must be a definition (*.toml), a library (*.so, *.dylib, *.dll), or a folder of them")
    })
}

impl Findings {
    fn read(&mut self, file: &PluginFile, pins: &BTreeMap<String, String>) {
        match Version::read(file, pins, None) {
            Ok(version) => {
                let shown = file.path().display().to_string();
                self.exchanges.extend(version.exchanges.into_iter().map(|exchange| (shown.clone(), exchange)));
            }
            // The reason begins with the name of the file.
            Err(refusal) => {
                self.problems.push(file.path().with_file_name(refusal.about(file)).display().to_string());
            }
        }
    }

    /// Of two exchanges with one id only one would be served.
    fn find_twins(&mut self) {
        let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
        for (file, exchange) in &self.exchanges {
            let id = exchange.about().id.as_str();
            match seen.get(id) {
                Some(first) => self.problems.push(format!("{file}: id: {first} has an exchange `{id}` as well")),
                None => drop(seen.insert(id, file)),
            }
        }
    }

    fn ask(&mut self, path: &Path, out: &mut dyn Write) -> io::Result<()> {
        let (alone, mut asked) = (self.exchanges.len() == 1, false);
        for (file, exchange) in &self.exchanges {
            let id = &exchange.about().id;
            let world = cases(&if path.is_dir() { path.join(format!("{id}.json")) } else { path.to_owned() });
            let world = match world {
                Ok(world) => world,
                Err(problem) => {
                    self.problems.push(problem);
                    asked = true;
                    continue;
                }
            };
            if !alone && world.exchange() != id {
                continue;
            }
            asked = true;
            let report = run(&**exchange, &world);
            if alone {
                write!(out, "{report:#}")?;
            } else {
                write!(out, "{report}")?;
            }
            if !report.is_whole() {
                let (passed, all) = (report.passed(), report.outcomes.len());
                self.problems.push(format!("{file}: {passed} of {all} cases passed"));
            }
        }
        if !asked {
            self.problems.push(format!("{}: these are the cases of no exchange here", path.display()));
        }
        Ok(())
    }
}

/// The cases of a file.
pub(super) fn cases(file: &Path) -> Result<World, String> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| format!("{shown}: the cases cannot be read: {error}"))?;
    World::parse(&text).map_err(|error| format!("{shown}: these are no cases: {error}"))
}

/// A line for each exchange.
fn table(exchanges: &[(String, Arc<dyn Exchange>)], out: &mut dyn Write) -> io::Result<()> {
    if exchanges.is_empty() {
        return Ok(());
    }
    let head = ["file", "exchange", "budget", "can be asked", "candles of"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(exchanges.iter().map(|(file, of)| row(file, of.about()))).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2), width(3)];
    for [file, id, budget, can, candles] in &rows {
        let [a, b, c, d] = widths;
        let line = format!("{file:a$}  {id:b$}  {budget:c$}  {can:d$}  {candles}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn row(file: &str, about: &About) -> [String; 5] {
    let words = |names: Vec<String>| names.join(" ");
    [
        file.to_owned(),
        about.id.clone(),
        about.budget.map(String::from).unwrap_or_default(),
        words(about.capabilities.iter().map(ToString::to_string).collect()),
        words(about.timeframes.iter().map(ToString::to_string).collect()),
    ]
}
