//! The compiled way and jaq read the same: every plain path of every definition, on every answer of its cases.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use jaq_json::Val;

use super::context::Asked;
use super::expr::{Context, ContextScope, Jaq, parse_json};
use super::mapping::Mapping;

#[derive(Default)]
struct Found {
    compared: usize,
    different: Vec<String>,
    programs: HashMap<String, Rc<Jaq>>,
}

thread_local! {
    /// Where comparisons are noted while a test wants them.
    static FOUND: RefCell<Option<Found>> = const { RefCell::new(None) };
}

/// Compares what both read of an answer, if a test wants it.
pub(super) fn verify(mapping: &Mapping, answers: &[&str], asked: &Asked) {
    FOUND.with_borrow_mut(|found| {
        if let (Some(found), Some((rows, _))) = (found.as_mut(), mapping.plain_parts()) {
            found.compare(mapping, &rows, answers, asked);
        }
    });
}

impl Found {
    fn compare(&mut self, mapping: &Mapping, rows: &str, answers: &[&str], asked: &Asked) {
        let Some((_, fields)) = mapping.plain_parts() else { return };
        let documents: Vec<Val> = answers.iter().map(|json| parse_json(json).unwrap_or_default()).collect();
        let main = documents.first().cloned().unwrap_or_default();
        let names = mapping.variables();
        let by_jaq = self.program(rows, &names).run(main, Vec::new()).unwrap_or_default();
        let Ok(compiled) = mapping.plain_values(answers, asked) else { return };
        if by_jaq.len() != compiled.len() {
            self.different.push(format!("{rows}: jaq finds {} rows, compiled {}", by_jaq.len(), compiled.len()));
            return;
        }
        for (row, values) in by_jaq.iter().zip(&compiled) {
            for (expr, value) in fields.iter().zip(values) {
                let program = self.program(expr.code(), &names);
                let variables = program.variables().iter().map(|name| match ContextScope::of(name) {
                    Some(scope) => parse_json(&asked.json(scope)).unwrap_or_default(),
                    None => match names.iter().position(|known| known == name) {
                        Some(0) | None => row.clone(),
                        Some(document) => documents.get(document - 1).cloned().unwrap_or_default(),
                    },
                });
                let variables = variables.collect();
                let results = program.run(row.clone(), variables).unwrap_or_default();
                let expected = results.first().cloned().unwrap_or_default();
                let got = parse_json(value).unwrap_or_default();
                self.compared += 1;
                if expected != got {
                    self.different.push(format!("{}: jaq reads {expected}, compiled {got}", expr.code()));
                }
            }
        }
    }

    fn program(&mut self, code: &str, variables: &[String]) -> Rc<Jaq> {
        let parse = || Jaq::parse(code, variables).unwrap_or_else(|problem| panic!("`{code}`: {problem}"));
        self.programs.entry(code.to_owned()).or_insert_with(|| Rc::new(parse())).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::built_in::{TEXTS, definition};
    use crate::conformance::{World, run};

    #[test]
    fn every_plain_path_of_every_definition_reads_what_jaq_reads() {
        let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases");
        FOUND.set(Some(Found::default()));
        for (id, _) in TEXTS {
            let text = std::fs::read_to_string(cases.join(format!("{id}.json")))
                .unwrap_or_else(|error| panic!("{id}: {error}"));
            let definition = definition(id).expect("listed").unwrap_or_else(|error| panic!("{error}"));
            run(&definition, &World::parse(&text).expect("cases"));
        }
        let found = FOUND.take().expect("was set");
        assert!(found.compared > 100 * TEXTS.len(), "only {} comparisons", found.compared);
        assert!(
            found.different.is_empty(),
            "{} of {}:\n{}",
            found.different.len(),
            found.compared,
            found.different.join("\n")
        );
    }
}
