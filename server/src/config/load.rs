//! Reads the configuration: defaults < file < environment < command line.
//!
//! Whatever is wrong becomes one line that names the source, the key, and what is allowed.

use marketd_core::nearest;
use std::fmt;
use std::path::PathBuf;

use figment::error::Kind;
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::Config;
use super::raw::RawConfig;

/// The file that is read when none is named.
const DEFAULT_FILE: &str = "config.toml";

/// The start of the environment variables that are read.
const PREFIX: &str = "MARKETD_";

/// Where the configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The file; `None` is `config.toml` in the working directory, if there is one.
    pub file: Option<PathBuf>,
    /// The environment, of which `MARKETD_A__B` is read.
    pub env: Vec<(String, String)>,
    /// `a.b=value`, as after `--set`.
    pub set: Vec<String>,
}

/// Why the configuration cannot be used, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

/// The configuration, and what is remembered of its sources to name them in later errors.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    sources: Sources,
}

#[derive(Debug)]
struct Sources {
    figment: Figment,
    file: Option<(String, String)>,
}

impl Loaded {
    /// Reads, validates and builds the configuration.
    ///
    /// # Errors
    /// A file that is named but cannot be read, and a key that is unknown or whose value is impossible.
    pub fn read(inputs: &Inputs) -> Result<Self, ConfigError> {
        let file = read_file(inputs.file.as_ref())?;
        let mut figment = Figment::new();
        if let Some((name, text)) = &file {
            figment = figment.merge(Layer { name: name.clone(), inner: Toml::string(text) });
        }
        for (variable, key, value) in variables(&inputs.env)? {
            figment = figment.merge(Layer {
                name: format!("environment variable {variable}"),
                inner: Serialized::default(&key, value),
            });
        }
        for setting in &inputs.set {
            let (key, value) = split_setting(setting)?;
            figment =
                figment.merge(Layer { name: format!("--set {setting:.80}"), inner: Serialized::default(&key, value) });
        }
        let sources = Sources { figment, file };
        match sources.figment.extract::<RawConfig>() {
            Ok(raw) => Ok(Self { config: raw.build(), sources }),
            Err(error) => Err(sources.explain(error)),
        }
    }

    /// Checks the ids of exchanges in the configuration, once it is known which exchanges there are.
    ///
    /// # Errors
    /// An id that is not among `known`, with the nearest ones.
    pub fn check_exchanges<'a>(&self, known: impl IntoIterator<Item = &'a str>) -> Result<(), ConfigError> {
        let known: Vec<&str> = known.into_iter().collect();
        let enabled = self.config.exchanges.enabled.iter().flatten().map(|id| (id, "exchanges.enabled".to_owned()));
        let single = self.config.exchanges.upstream.keys().map(|id| (id, format!("exchanges.{id}")));
        for (id, key) in enabled.chain(single) {
            if !known.contains(&id.as_str()) {
                let hint = did_you_mean(id, &known).unwrap_or_else(|| "see GET /exchanges for all".to_owned());
                let source = self.sources.of(&key);
                return Err(ConfigError::new(format!(
                    "{source}: `{key}` names `{id:.60}`, but there is no such exchange; {hint}"
                )));
            }
        }
        Ok(())
    }
}

impl Sources {
    fn explain(&self, error: figment::Error) -> ConfigError {
        let mut path = error.path.clone();
        let what = match error.kind {
            Kind::UnknownField(field, known) => {
                let hint = did_you_mean(&field, known).map(|hint| format!("; {hint}")).unwrap_or_default();
                if path.last() != Some(&field) {
                    path.push(field);
                }
                format!("is unknown{hint}; known here: {}", known.join(", "))
            }
            Kind::Message(message) => message,
            Kind::InvalidType(actual, _) => format!("is {actual}, but must be a table of keys"),
            other => other.to_string(),
        };
        let key = path.join(".");
        ConfigError::new(format!("{}: `{key}` {what}", self.of(&key)))
    }

    /// Who set this key.
    fn of(&self, key: &str) -> String {
        let name = self.figment.find_metadata(key).map_or("the configuration", |metadata| &metadata.name);
        match &self.file {
            Some((file, text)) if file == name => match line_of(text, key) {
                Some(line) => format!("{file} line {line}"),
                None => file.clone(),
            },
            _ => name.to_owned(),
        }
    }
}

/// A provider under a name of ours.
struct Layer<P> {
    name: String,
    inner: P,
}

impl<P: Provider> Provider for Layer<P> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        self.inner.data()
    }
}

/// The file's name and text; `None` when there is none and none was named.
fn read_file(named: Option<&PathBuf>) -> Result<Option<(String, String)>, ConfigError> {
    let path = named.cloned().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    let name = path.display().to_string();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ConfigError::new(format!("--config {name}: the file cannot be read: {error}"))),
    };
    // Parsed here for a message of one line; figment's own draws the place on several.
    if let Err(error) = toml::de::DeTable::parse(&text) {
        let line = error.span().map(|span| format!(" line {}", line_at(&text, span.start))).unwrap_or_default();
        return Err(ConfigError::new(format!("{name}{line}: this is not TOML: {}", error.message())));
    }
    Ok(Some((name, text)))
}

/// The variables that configure: name, key, value, in the order of their names. Those without `__` are none of ours:
/// Kubernetes sets `MARKETD_PORT=tcp://…` and the like for a service of that name.
fn variables(env: &[(String, String)]) -> Result<Vec<(String, String, Value)>, ConfigError> {
    let mut found = Vec::new();
    for (name, value) in env {
        let Some(rest) = name.strip_prefix(PREFIX).filter(|rest| rest.contains("__")) else { continue };
        let key = rest.to_lowercase().replace("__", ".");
        if key.split('.').any(str::is_empty) {
            return Err(ConfigError::new(format!(
                "environment variable {name}: names no key; write {PREFIX}SERVER__PORT for server.port"
            )));
        }
        found.push((name.clone(), key, typed(value)));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

fn split_setting(setting: &str) -> Result<(String, Value), ConfigError> {
    match setting.split_once('=') {
        Some((key, value)) if key.split('.').all(|part| !part.trim().is_empty()) => {
            Ok((key.trim().to_owned(), typed(value.trim())))
        }
        _ => Err(ConfigError::new(format!("--set {setting:.80}: write it as key=value, as in --set server.port=8001"))),
    }
}

/// Numbers, true, false and [lists] as such, anything else as text.
fn typed(text: &str) -> Value {
    match text.parse() {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

/// The nearest of the known names, as a question.
fn did_you_mean(name: &str, known: &[&str]) -> Option<String> {
    let near = nearest(name, known.iter().map(|known| (*known, *known)));
    let names: Vec<String> = near.iter().take(3).map(|known| format!("`{known}`")).collect();
    (!names.is_empty()).then(|| format!("did you mean {}?", names.join(" or ")))
}

/// The line that a dotted key stands on.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let mut start = None;
    for part in key.split('.') {
        let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref() == part) else { break };
        start = Some(name.span().start);
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    Some(line_at(text, start?))
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}
