//! The exchanges that are served now, as one set that is swapped at once.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use marketd_core::{About, Code, Error, Exchange, Kind, Links, Result};

use super::ExchangeStatus;
use super::exchange::{Served, unknown};
use crate::config::{self, Config};
use crate::health::{Health, State};
use crate::registry::{Entry, ExchangeSet};
use crate::upstream::Transport;

/// Makes the wire of an exchange.
pub(super) type Wires = dyn Fn(&str, &config::Upstream) -> Arc<dyn Transport> + Send + Sync;

/// The exchanges that are served now. Whoever has taken one keeps it, also when it is replaced.
pub(super) struct Current {
    // Readers hold the lock for as long as a lookup takes, the writer for as long as it takes to put a pointer there.
    set: RwLock<Arc<Slots>>,
    /// The last number that was given; held by whoever builds the next set.
    numbers: Mutex<usize>,
    config: Config,
    wires: Box<Wires>,
}

/// What there is, by id.
type Slots = BTreeMap<String, Slot>;

enum Slot {
    Served { served: Arc<Served>, outdated: Option<String> },
    Failed { kind: Kind, reason: String },
}

/// How a set differs from the one before: ids, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Exchanges that are new.
    pub added: Vec<String>,
    /// Exchanges that are asked in another way than before.
    pub replaced: Vec<String>,
    /// Exchanges that are gone.
    pub removed: Vec<String>,
}

impl Current {
    pub(super) fn new(config: Config, wires: Box<Wires>) -> Self {
        Self { set: RwLock::default(), numbers: Mutex::default(), config, wires }
    }

    /// The exchange of that id, in any case.
    pub(super) fn get(&self, id: &str) -> Result<Arc<Served>> {
        // Looked up under the lock: to clone the set for it would cost as much again.
        let set = self.set.read().unwrap_or_else(PoisonError::into_inner);
        match find(&set, id)? {
            Slot::Served { served, .. } => Ok(Arc::clone(served)),
            Slot::Failed { reason, .. } => {
                let message = format!("there is nothing to ask, as its file is broken: {reason}");
                Err(Error::new(Code::ExchangeNotAvailable, message).with_exchange(&id.to_lowercase()))
            }
        }
    }

    /// Every exchange, in the order of their ids.
    pub(super) fn statuses(&self) -> Vec<ExchangeStatus> {
        self.set().iter().map(|(id, slot)| slot.status(id)).collect()
    }

    pub(super) fn status(&self, id: &str) -> Result<ExchangeStatus> {
        let set = self.set();
        Ok(find(&set, id)?.status(&id.to_lowercase()))
    }

    /// Serves another set from now on, of which those that the configuration enables. An exchange that is the same `Arc` as
    /// before keeps its markets, its health and its answers.
    pub(super) fn swap(&self, exchanges: ExchangeSet) -> Changes {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.set();
        let enabled = |id: &String| self.config.exchanges.enabled.as_ref().is_none_or(|enabled| enabled.contains(id));
        let slots = exchanges.into_entries().filter(|(id, _)| enabled(id)).map(|(id, entry)| {
            let slot = match entry {
                Entry::Ready { exchange, outdated } => {
                    Slot::Served { served: self.serve(exchange, before.get(&id), &mut numbers), outdated }
                }
                Entry::Failed { kind, reason } => Slot::Failed { kind, reason },
            };
            (id, slot)
        });
        let slots: Slots = slots.collect();
        let changes = Changes::between(&before, &slots);
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(slots);
        changes
    }

    fn serve(&self, exchange: Arc<dyn Exchange>, before: Option<&Slot>, numbers: &mut usize) -> Arc<Served> {
        let before = before.and_then(Slot::served);
        if let Some(same) = before.filter(|before| Arc::ptr_eq(&before.exchange, &exchange)) {
            return Arc::clone(same);
        }
        let id = &exchange.about().id;
        let wire = (self.wires)(id, self.config.upstream(id));
        *numbers += 1;
        Arc::new(Served::new(*numbers, exchange, &self.config, wire, before.map(Arc::as_ref)))
    }

    fn set(&self) -> Arc<Slots> {
        Arc::clone(&self.set.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn find<'s>(set: &'s Slots, id: &str) -> Result<&'s Slot> {
    let slot = set.get(id).or_else(|| set.get(&id.to_lowercase()));
    slot.ok_or_else(|| unknown(id, set.keys().map(String::as_str)))
}

impl Slot {
    fn served(&self) -> Option<&Arc<Served>> {
        match self {
            Self::Served { served, .. } => Some(served),
            Self::Failed { .. } => None,
        }
    }

    fn status(&self, id: &str) -> ExchangeStatus {
        match self {
            Self::Served { served, outdated } => {
                let (mut health, disabled) = (served.upstream.health(), served.exchange.disabled());
                if disabled.is_some() {
                    health.state = State::Failed;
                }
                ExchangeStatus {
                    about: served.about().clone(),
                    health,
                    dropped_rows: served.exchange.dropped_rows(),
                    reason: disabled.or_else(|| outdated.clone()),
                }
            }
            Self::Failed { kind, reason } => ExchangeStatus {
                about: nobody(id, *kind),
                health: Health::failed(),
                dropped_rows: 0,
                reason: Some(reason.clone()),
            },
        }
    }
}

/// What is known of an exchange whose file is broken.
fn nobody(id: &str, kind: Kind) -> About {
    About {
        id: id.to_owned(),
        name: id.to_owned(),
        kind,
        capabilities: Vec::new(),
        timeframes: Vec::new(),
        links: Links::default(),
        budget: None,
        synthetic: false,
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { added, replaced, removed } = self;
        let mut parts = [("added", added), ("replaced", replaced), ("removed", removed)]
            .into_iter()
            .filter(|(_, ids)| !ids.is_empty())
            .map(|(what, ids)| format!("{what} {}", ids.join(", ")))
            .peekable();
        if parts.peek().is_none() {
            return f.write_str("nothing changed");
        }
        f.write_str(&parts.collect::<Vec<_>>().join("; "))
    }
}

impl Changes {
    fn between(before: &Slots, after: &Slots) -> Self {
        let mut changes = Self::default();
        for (id, slot) in after {
            let Some(served) = slot.served() else { continue };
            match before.get(id).and_then(Slot::served) {
                None => changes.added.push(id.clone()),
                Some(before) if !Arc::ptr_eq(before, served) => changes.replaced.push(id.clone()),
                Some(_) => {}
            }
        }
        let is_gone = |id: &&String| after.get(*id).and_then(Slot::served).is_none();
        let served_before = before.iter().filter(|(_, slot)| slot.served().is_some()).map(|(id, _)| id);
        changes.removed = served_before.filter(is_gone).cloned().collect();
        changes
    }
}

#[cfg(test)]
mod tests;
