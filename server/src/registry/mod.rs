//! Which exchanges there are: those built into the binary, and those of the plugin folder.
//!
//! A file that is broken costs nobody else anything: what was last made of it goes on, and [`ExchangeSet`] says what is wrong.

mod file;
mod set;
mod version;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use marketd_core::Exchange;
use marketd_plugins::definition::DefinitionError;
use marketd_plugins::dynamic::LoadError;
use tracing::{info, warn};

use crate::config;
pub(crate) use file::{PluginFile, Stamp};
pub use set::{Entry, ExchangeSet};
pub(crate) use version::Version;

/// Gathers the exchanges, again and again: what did not change in between is not read anew.
pub struct Registry {
    built_in: Vec<Arc<dyn Exchange>>,
    plugins: config::Plugins,
    /// What was last made of each file, by its name.
    versions: BTreeMap<String, Version>,
}

impl Registry {
    /// With those built into the binary, and where to look for more.
    pub fn new(built_in: Vec<Arc<dyn Exchange>>, plugins: config::Plugins) -> Self {
        Self { built_in, plugins, versions: BTreeMap::new() }
    }

    /// Reads the plugin folder. Blocks on the disk.
    ///
    /// Of two files with one id the first counts, a file before what is built in.
    ///
    /// # Errors
    /// The folder is there but cannot be listed. A file that cannot be read is in the set, with the reason.
    pub fn gather(&mut self) -> io::Result<ExchangeSet> {
        let folder = self.plugins.dir.display();
        let files = PluginFile::all(&self.plugins.dir).map_err(|error| {
            io::Error::new(error.kind(), format!("the plugin folder {folder} (plugins.dir) cannot be read: {error}"))
        })?;
        let (mut set, mut failures, mut versions) = (ExchangeSet::default(), Vec::new(), BTreeMap::new());
        for file in files {
            let old = self.versions.get(file.name());
            let version = match Version::read(&file, &self.plugins.sha256, old) {
                Ok(version) => version,
                Err(refusal) => {
                    failures.extend(ids(&file, old).map(|id| (id, file.kind(), refusal.about(&file))));
                    let Some(old) = old else { continue };
                    old.clone()
                }
            };
            for exchange in &version.exchanges {
                if !set.add(exchange) {
                    let reason = format!("{}: another file has an exchange `{}`", file.name(), exchange.about().id);
                    failures.push((stem_id(&file), file.kind(), reason));
                }
            }
            versions.insert(file.name().to_owned(), version);
        }
        for exchange in &self.built_in {
            if !set.add(exchange) {
                info!("a file of {folder} replaces the built-in exchange `{}`", exchange.about().id);
            }
        }
        for (id, kind, reason) in failures {
            warn!("{folder}/{reason}");
            set.fail(&id, kind, &reason);
        }
        self.versions = versions;
        Ok(set)
    }
}

/// The exchanges that a broken file is about: those that it had, or one of the file's name.
fn ids(file: &PluginFile, old: Option<&Version>) -> impl Iterator<Item = String> + use<> {
    let mut ids: Vec<_> =
        old.iter().flat_map(|old| &old.exchanges).map(|exchange| exchange.about().id.clone()).collect();
    if ids.is_empty() {
        ids.push(stem_id(file));
    }
    ids.into_iter()
}

/// The id of an exchange whose file does not say it.
fn stem_id(file: &PluginFile) -> String {
    file.stem().to_lowercase()
}

/// Why nothing was made of a file.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It could not be read.
    Unreadable(io::Error),
    /// It is a folder, a pipe or the like.
    NoFile,
    /// It is larger than any definition.
    TooLarge,
    /// A definition that is not UTF-8.
    NoText,
    /// A definition that says something wrong.
    Definition(DefinitionError),
    /// A library that could not be loaded.
    Library(LoadError),
    /// A library without a pin, while others have one.
    NotPinned,
    /// A definition whose content is not the pinned one.
    OtherDigest { actual: String, pin: String },
}

impl Refusal {
    /// A sentence that names the file.
    pub(crate) fn about(&self, file: &PluginFile) -> String {
        match self {
            // It names file, line and key itself.
            Self::Definition(error) => error.to_string(),
            other => format!("{}: {other}", file.name()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "it cannot be read: {error}"),
            Self::NoFile => f.write_str("it is no file"),
            Self::TooLarge => f.write_str("it has more than 1 MiB"),
            Self::NoText => f.write_str("it is no UTF-8 text"),
            Self::Definition(error) => error.fmt(f),
            Self::Library(error) => error.fmt(f),
            Self::NotPinned => f.write_str("plugins.sha256 names other files but not this one"),
            Self::OtherDigest { actual, pin } => write!(f, "its SHA-256 is {actual}, but {pin} is expected"),
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl From<DefinitionError> for Refusal {
    fn from(error: DefinitionError) -> Self {
        Self::Definition(error)
    }
}

impl From<LoadError> for Refusal {
    fn from(error: LoadError) -> Self {
        Self::Library(error)
    }
}

#[cfg(test)]
mod tests;
