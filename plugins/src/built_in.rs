//! The adapters that are built into the binary.

use std::fmt::Write;
use std::sync::Arc;

use marketd_core::{Capability, Exchange};

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

/// Every adapter that is built into the binary.
///
/// # Errors
/// What is wrong with the first broken definition.
pub fn all() -> Result<Vec<Arc<dyn Exchange>>, DefinitionError> {
    let mut all: Vec<Arc<dyn Exchange>> = vec![Arc::new(Demo::default())];
    for (id, text) in TEXTS {
        all.push(Arc::new(Definition::parse(&format!("{id}.toml"), text, &text_of)?));
    }
    Ok(all)
}

/// What every exchange can do, as the Markdown of `EXCHANGES.md`.
pub fn table(exchanges: &[Arc<dyn Exchange>]) -> String {
    let mut text = String::from(TABLE_HEAD);
    for exchange in exchanges {
        let about = exchange.about();
        let can = |capability| if about.can(capability) { "✓" } else { "" };
        let name = match &about.links.doc {
            Some(doc) => format!("[{}]({doc})", about.name),
            None => about.name.clone(),
        };
        let timeframes = match about.timeframes.as_slice() {
            [] => String::new(),
            [only] => only.to_string(),
            [first, .., last] => format!("{} from {first} to {last}", about.timeframes.len()),
        };
        let budget = about.budget.map(String::from).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| `{}` | {name} | {} | {} | {timeframes} | {} | {} | {budget} |",
            about.id,
            can(Capability::Ticker),
            can(Capability::Tickers),
            can(Capability::OrderBook),
            can(Capability::Trades),
        );
    }
    text
}

const TABLE_HEAD: &str = "\
# Exchanges

What each built-in exchange can be asked; all have markets. Made by `UPDATE_SNAPSHOTS=1 cargo test -p marketd-plugins`.

| id | documentation | ticker | tickers | candles | order book | trades | budget |
| --- | --- | --- | --- | --- | --- | --- | --- |
";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    fn definitions() -> Vec<Definition> {
        TEXTS.iter().map(|(id, _)| definition(id).expect("listed").unwrap_or_else(|error| panic!("{error}"))).collect()
    }

    #[test]
    fn ids_are_those_of_the_files_sorted_and_unique() {
        for (definition, (id, _)) in definitions().iter().zip(TEXTS) {
            assert_eq!(definition.about().id, *id);
        }
        assert!(TEXTS.is_sorted_by(|a, b| a.0 < b.0));
        let all = all().unwrap_or_else(|error| panic!("{error}"));
        let ids: BTreeSet<&str> = all.iter().map(|exchange| exchange.about().id.as_str()).collect();
        assert_eq!(ids.len(), all.len());
    }

    #[test]
    fn no_two_exchanges_share_a_name() {
        let definitions = definitions();
        let names: BTreeSet<&str> = definitions.iter().map(|definition| definition.about().name.as_str()).collect();
        assert_eq!(names.len(), definitions.len());
    }

    #[test]
    fn every_program_of_every_definition_compiles() {
        for (id, text) in TEXTS {
            let whole = Definition::parse_whole(&format!("{id}.toml"), text, &text_of);
            whole.unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn every_definition_has_links_a_budget_and_something_beside_markets() {
        for definition in definitions() {
            let about = definition.about();
            for link in [&about.links.doc, &about.links.www] {
                assert!(link.as_deref().is_some_and(|link| link.starts_with("https://")), "{}: {link:?}", about.id);
            }
            assert!(about.budget.is_some(), "{}: budget", about.id);
            assert_eq!(about.can(Capability::Candles), !about.timeframes.is_empty(), "{}", about.id);
        }
    }

    #[test]
    fn every_timeframe_is_a_known_one() {
        let known = [
            "1s", "10s", "30s", "1m", "3m", "5m", "10m", "15m", "30m", "1h", "2h", "3h", "4h", "6h", "8h", "12h", "1d",
            "2d", "3d", "4d", "5d", "7d", "1w", "2w", "3w", "4w", "1M", "3M", "4M", "1y",
        ];
        for definition in definitions() {
            for timeframe in &definition.about().timeframes {
                assert!(known.contains(&timeframe.to_string().as_str()), "{}: {timeframe}", definition.about().id);
            }
        }
    }

    #[test]
    fn the_table_of_exchanges_is_current() {
        let all = all().unwrap_or_else(|error| panic!("{error}"));
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("EXCHANGES.md");
        let table = table(&all);
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(&file, &table).expect("writes");
        }
        let written = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(written == table, "EXCHANGES.md is out of date: UPDATE_SNAPSHOTS=1 cargo test -p marketd-plugins");
    }
}
