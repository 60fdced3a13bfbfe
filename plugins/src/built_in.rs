//! The adapters that are built into the binary.

use std::sync::Arc;

use marketd_core::{Exchange, Millis};

use crate::definition::{Definition, DefinitionError};
use crate::demo::Demo;

include!(concat!(env!("OUT_DIR"), "/definitions.rs"));

/// The text of a built-in definition.
pub fn text_of(id: &str) -> Option<String> {
    let at = TEXTS.binary_search_by_key(&id, |(known, _)| known).ok()?;
    Some(TEXTS[at].1.to_owned())
}

/// Reads one built-in definition.
///
/// # Errors
/// What is wrong with it, with file, line and key; the tests see to it that nothing is.
pub fn definition(id: &str) -> Option<Result<Definition, DefinitionError>> {
    let text = text_of(id)?;
    Some(Definition::parse(&format!("{id}.toml"), &text, &text_of))
}

/// Every adapter that is built into the binary. The demo exchange alone has to be told the time.
///
/// # Errors
/// What is wrong with the first broken definition.
pub fn all(clock: fn() -> Millis) -> Result<Vec<Arc<dyn Exchange>>, DefinitionError> {
    let mut all: Vec<Arc<dyn Exchange>> = vec![Arc::new(Demo::new(clock))];
    for (id, text) in TEXTS {
        all.push(Arc::new(Definition::parse(&format!("{id}.toml"), text, &text_of)?));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definitions() -> Vec<Definition> {
        TEXTS.iter().map(|(id, _)| definition(id).expect("listed").unwrap_or_else(|error| panic!("{error}"))).collect()
    }

    #[test]
    fn every_definition_is_read_and_named_by_its_id() {
        for (definition, (id, _)) in definitions().iter().zip(TEXTS) {
            assert_eq!(definition.about().id, *id);
        }
    }

    #[test]
    fn every_program_of_every_definition_compiles() {
        for (id, text) in TEXTS {
            let whole = Definition::parse_whole(&format!("{id}.toml"), text, &text_of);
            whole.unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn every_definition_has_a_documentation_link_a_budget_and_something_beside_markets() {
        for definition in definitions() {
            let about = definition.about();
            assert!(about.links.doc.as_deref().is_some_and(|doc| doc.starts_with("http")), "{}: doc", about.id);
            assert!(about.budget.is_some(), "{}: budget", about.id);
            assert!(about.capabilities.len() > 1, "{}: {:?}", about.id, about.capabilities);
        }
    }
}
