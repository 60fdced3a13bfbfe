//! `marketd new-exchange ID`: a definition to start from.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use marketd_core::About;
use marketd_plugins::built_in;

use super::Verdict;

/// What is written, with `ID` where the id stands.
const TEMPLATE: &str = include_str!("new_exchange.toml");

/// Writes a commented definition to start from
#[derive(Debug, Args)]
pub struct NewExchange {
    /// The id in paths: lower case letters and digits
    id: String,

    /// The folder to write ID.toml to; the current one when left out
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl NewExchange {
    /// Writes the file, unless there is one.
    ///
    /// # Errors
    /// The id is none, or the file cannot be written.
    pub fn run(&self, out: &mut dyn Write) -> Verdict {
        let id = &self.id;
        if !About::is_id(id) {
            return Err(format!("`{id:.60}` is no id: it must be lower case letters and digits, at most 40").into());
        }
        let path = self.dir.clone().unwrap_or_default().join(format!("{id}.toml"));
        let shown = path.display();
        let explain = |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => format!("{shown} is there already"),
            _ => format!("{shown} cannot be written: {error}"),
        };
        File::create_new(&path).and_then(|mut file| file.write_all(of(id).as_bytes())).map_err(explain)?;
        writeln!(out, "{shown} is written. Put in the exchange's own URLs and fields, then")?;
        writeln!(out, "    marketd check {shown}")?;
        writeln!(out, "    marketd try {shown} ticker BTC/USDT")?;
        writeln!(out, "Moved to the folder that plugins.dir names, it is served.")?;
        if built_in::text_of(id).is_some() {
            writeln!(
                out,
                "There it replaces the built-in `{id}`. If little differs, `extends = \"{id}\"` and that is enough."
            )?;
        }
        Ok(true)
    }
}

fn of(id: &str) -> String {
    TEMPLATE.replace("ID", id)
}

#[cfg(test)]
mod tests {
    use marketd_core::{Capability, Exchange};
    use marketd_plugins::definition::Definition;

    use super::*;

    fn run(id: &str, dir: &std::path::Path) -> Result<String, String> {
        let mut out = Vec::new();
        let tool = NewExchange { id: id.to_owned(), dir: Some(dir.to_owned()) };
        tool.run(&mut out).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(out).expect("UTF-8"))
    }

    #[test]
    fn what_is_written_is_a_whole_definition_that_can_be_asked_everything() {
        let definition = Definition::parse_whole("mine.toml", &of("mine"), &|_| None);
        let definition = definition.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(definition.about().id, "mine");
        assert_eq!(definition.about().capabilities, Capability::ALL);
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(run("mine", folder.path()).expect("written").contains("mine.toml is written"));
        assert!(run("mine", folder.path()).expect_err("refused").ends_with("mine.toml is there already"));
    }

    #[test]
    fn an_id_is_lower_case_letters_and_digits() {
        let folder = tempfile::tempdir().expect("a folder");
        for id in ["", "My", "my-exchange", "../mine", "é"] {
            assert!(run(id, folder.path()).expect_err("refused").contains("is no id"), "{id}");
        }
    }

    #[test]
    fn whoever_replaces_a_built_in_exchange_is_told_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let (built_in, _) = built_in::TEXTS[0];
        assert!(
            run(built_in, folder.path()).expect("written").contains(&format!("replaces the built-in `{built_in}`"))
        );
    }
}
