//! All exchanges that there are, and those that there would be if their files were right.

use std::collections::BTreeMap;
use std::sync::Arc;

use marketd_core::{Exchange, Kind};

/// Exchanges by id. An unchanged exchange is the same `Arc` in the next set: so it is told apart from a changed one.
#[derive(Clone, Default)]
pub struct ExchangeSet(BTreeMap<String, Entry>);

/// What there is under one id.
#[derive(Clone)]
pub enum Entry {
    /// An exchange that can be asked.
    Ready {
        /// The exchange.
        exchange: Arc<dyn Exchange>,
        /// Why this is not what its file says now, if it is not.
        outdated: Option<String>,
    },
    /// A file of which nothing could be made.
    Failed {
        /// What the file was to be.
        kind: Kind,
        /// Why, with the file.
        reason: String,
    },
}

impl ExchangeSet {
    /// Adds an exchange, unless there is one of its id already.
    pub(crate) fn add(&mut self, exchange: &Arc<dyn Exchange>) -> bool {
        let id = &exchange.about().id;
        let free = !self.0.contains_key(id);
        if free {
            self.0.insert(id.clone(), Entry::Ready { exchange: Arc::clone(exchange), outdated: None });
        }
        free
    }

    /// Says that something is wrong with this exchange; what can be asked stays so.
    pub(crate) fn fail(&mut self, id: &str, kind: Kind, why: &str) {
        match self.0.get_mut(id) {
            Some(Entry::Ready { outdated, .. }) => add_reason(outdated.get_or_insert_default(), why),
            Some(Entry::Failed { reason, .. }) => add_reason(reason, why),
            None => drop(self.0.insert(id.to_owned(), Entry::Failed { kind, reason: why.to_owned() })),
        }
    }

    /// Every id, in order.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether a file is broken.
    pub fn has_failures(&self) -> bool {
        self.0.values().any(|entry| !matches!(entry, Entry::Ready { outdated: None, .. }))
    }

    /// What there is under this id.
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.0.get(id)
    }

    /// Every id with what there is under it, in the order of the ids.
    pub fn into_entries(self) -> impl Iterator<Item = (String, Entry)> {
        self.0.into_iter()
    }
}

/// Of several exchanges with one id the first counts.
impl From<Vec<Arc<dyn Exchange>>> for ExchangeSet {
    fn from(exchanges: Vec<Arc<dyn Exchange>>) -> Self {
        let mut set = Self::default();
        for exchange in &exchanges {
            set.add(exchange);
        }
        set
    }
}

/// Two files can be broken for one exchange.
fn add_reason(reason: &mut String, more: &str) {
    if !reason.is_empty() {
        reason.push_str("; ");
    }
    reason.push_str(more);
}
