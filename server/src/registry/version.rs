//! What is made of one file.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use marketd_core::{Exchange, Kind};
use marketd_plugins::definition::Definition;
use marketd_plugins::{built_in, dynamic};

use super::Refusal;
use super::file::{PluginFile, digest};

/// The exchanges of a file.
#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) exchanges: Vec<Arc<dyn Exchange>>,
    /// What a definition was read from. Libraries are told apart by their loader, which gives the same exchanges again.
    origin: Option<Origin>,
}

#[derive(Clone)]
struct Origin {
    /// Of everything that was read.
    digest: String,
    /// What the definition extends, and what that extends, and so on.
    extended: Vec<String>,
}

impl Version {
    /// Reads a file, whose digest must be that of `pins`. Gives the exchanges of `before` again where nothing changed.
    ///
    /// # Errors
    /// Why nothing can be made of it.
    pub(crate) fn read(
        file: &PluginFile,
        pins: &BTreeMap<String, String>,
        before: Option<&Self>,
    ) -> Result<Self, Refusal> {
        let pin = pins.get(file.name());
        if file.kind() != Kind::Plugin {
            return Self::definition(file, pin, before);
        }
        if pin.is_none() && !pins.is_empty() {
            return Err(Refusal::NotPinned);
        }
        let exchanges = dynamic::load(file.path(), pin.map(String::as_str))?;
        Ok(Self { exchanges, origin: None })
    }

    fn definition(file: &PluginFile, pin: Option<&String>, before: Option<&Self>) -> Result<Self, Refusal> {
        let text = file.text()?;
        let actual = digest([&text]);
        if let Some(pin) = pin.filter(|pin| **pin != actual) {
            return Err(Refusal::OtherDigest { actual, pin: pin.clone() });
        }
        let same = |origin: &Origin| origin.digest == Ancestry::of(file).digest(&text, &origin.extended);
        if let Some(before) = before.filter(|before| before.origin.as_ref().is_some_and(same)) {
            return Ok(before.clone());
        }
        let ancestry = Ancestry::of(file);
        let definition = Definition::parse_whole(file.name(), &text, &|id| ancestry.text_of(id))?;
        let extended = ancestry.asked.into_inner().split_off(1);
        let digest = Ancestry::of(file).digest(&text, &extended);
        Ok(Self { exchanges: vec![Arc::new(definition)], origin: Some(Origin { digest, extended }) })
    }
}

/// Finds what a definition extends: the file of that name beside it, or else the built-in one. A file is found once, so that one
/// which replaces a built-in definition can extend what it replaces.
struct Ancestry<'f> {
    file: &'f PluginFile,
    asked: RefCell<Vec<String>>,
}

impl<'f> Ancestry<'f> {
    fn of(file: &'f PluginFile) -> Self {
        Self { file, asked: vec![file.stem().to_owned()].into() }
    }

    fn text_of(&self, id: &str) -> Option<String> {
        let first = !self.asked.borrow().iter().any(|asked| asked == id);
        self.asked.borrow_mut().push(id.to_owned());
        match self.file.sibling(id).filter(|_| first) {
            Some(sibling) => sibling.text().ok(),
            None => built_in::text_of(id),
        }
    }

    /// The digest of a definition with what it extends.
    fn digest(&self, text: &str, extended: &[String]) -> String {
        let extended = extended.iter().map(|id| self.text_of(id).unwrap_or_default());
        digest(std::iter::once(text.to_owned()).chain(extended))
    }
}
