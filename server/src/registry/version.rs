//! What is made of one file.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use marketd_core::{Exchange, Kind};
use marketd_plugins::definition::Definition;
use marketd_plugins::{built_in, dynamic};

use super::Refusal;
use super::file::{PluginFile, digest};

/// The exchanges of a file whose content was this.
#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) exchanges: Vec<Arc<dyn Exchange>>,
    /// Of everything that was read for it.
    digest: String,
    /// What the definition extends, and what that extends, and so on.
    extended: Vec<String>,
}

impl Version {
    /// Reads a file, whose digest must be that of `pins`. Gives `before` again where nothing changed.
    ///
    /// # Errors
    /// Why nothing can be made of it.
    pub(crate) fn read(
        file: &PluginFile,
        pins: &BTreeMap<String, String>,
        before: Option<&Self>,
    ) -> Result<Self, Refusal> {
        if file.kind() == Kind::Plugin {
            Self::library(file, pins, before)
        } else {
            Self::definition(file, pins, before)
        }
    }

    fn definition(file: &PluginFile, pins: &BTreeMap<String, String>, before: Option<&Self>) -> Result<Self, Refusal> {
        let text = file.text()?;
        check_pin(file, &digest([&text]), pins)?;
        if let Some(before) =
            before.filter(|before| before.digest == Ancestry::of(file).digest(&text, &before.extended))
        {
            return Ok(before.clone());
        }
        let ancestry = Ancestry::of(file);
        let definition = Definition::parse_whole(file.name(), &text, &|id| ancestry.text_of(id))?;
        let extended = ancestry.asked.into_inner().split_off(1);
        let digest = Ancestry::of(file).digest(&text, &extended);
        Ok(Self { exchanges: vec![Arc::new(definition)], digest, extended })
    }

    fn library(file: &PluginFile, pins: &BTreeMap<String, String>, before: Option<&Self>) -> Result<Self, Refusal> {
        if file.is_anybodys()? {
            return Err(Refusal::Anybodys);
        }
        let digest = file.digest()?;
        let pin = check_pin(file, &digest, pins)?;
        if pin.is_none() && !pins.is_empty() {
            return Err(Refusal::NotPinned(digest));
        }
        if let Some(before) = before.filter(|before| before.digest == digest) {
            return Ok(before.clone());
        }
        let exchanges = dynamic::load(file.path(), pin)?;
        let wrong = exchanges.iter().map(|exchange| &exchange.about().id).find(|id| !is_id(id));
        match wrong {
            Some(id) => Err(Refusal::NoId(id.clone())),
            None => Ok(Self { exchanges, digest, extended: Vec::new() }),
        }
    }
}

/// Whether this can be the id of an exchange.
fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// The digest that the file must have, if one is named.
fn check_pin<'p>(
    file: &PluginFile,
    digest: &str,
    pins: &'p BTreeMap<String, String>,
) -> Result<Option<&'p str>, Refusal> {
    match pins.get(file.name()) {
        Some(pin) if pin != digest => Err(Refusal::OtherDigest { digest: digest.to_owned(), pin: pin.clone() }),
        pin => Ok(pin.map(String::as_str)),
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
