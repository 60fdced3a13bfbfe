//! How an exchange does, as far as we asked it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use marketd_core::{Code, Error, Millis};
use serde::Serialize;

use crate::clock;

/// How an exchange does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// In a word.
    pub state: State,
    /// When a question was last answered.
    pub last_success: Option<Millis>,
    /// When the exchange last failed.
    pub last_failure: Option<Millis>,
    /// How it failed then.
    pub last_error: Option<LastError>,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// Until when the exchange told us not to ask, if it did.
    pub paused_until: Option<Millis>,
}

/// How an exchange does, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not asked yet.
    Unknown,
    /// The last question was answered.
    Up,
    /// The last question or two failed.
    Degraded,
    /// Three questions or more failed in a row.
    Down,
    /// There is nothing to ask: its file is broken, or it is switched off.
    Failed,
}

/// How an exchange failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastError {
    /// As in the problem that clients got.
    pub code: Code,
    /// In a sentence.
    pub message: String,
}

/// Failures in a row that make an exchange count as down.
const DOWN_AFTER: u32 = 3;

/// Takes down how questions end.
#[derive(Default)]
pub(crate) struct Record(Mutex<Entries>);

#[derive(Clone, Default)]
struct Entries {
    last_success: Option<Millis>,
    last_failure: Option<Millis>,
    last_error: Option<Error>,
    consecutive_failures: u32,
}

impl Health {
    /// Of an exchange that there is only a broken file of.
    pub(crate) fn failed() -> Self {
        Self { state: State::Failed, ..Record::default().health(None) }
    }
}

impl Record {
    /// A question was answered.
    pub(crate) fn success(&self) {
        self.change(|entries| {
            entries.last_success = Some(clock::now());
            entries.consecutive_failures = 0;
        });
    }

    /// The exchange failed.
    pub(crate) fn failure(&self, error: &Error) {
        self.change(|entries| {
            entries.last_failure = Some(clock::now());
            entries.last_error = Some(error.clone());
            entries.consecutive_failures = entries.consecutive_failures.saturating_add(1);
        });
    }

    /// How the exchange does; `paused` is how long it is not to be asked from now.
    pub(crate) fn health(&self, paused: Option<Duration>) -> Health {
        let entries = self.change(|entries| entries.clone());
        let state = match entries.consecutive_failures {
            0 if entries.last_success.is_none() => State::Unknown,
            0 => State::Up,
            DOWN_AFTER.. => State::Down,
            _ => State::Degraded,
        };
        Health {
            state,
            last_success: entries.last_success,
            last_failure: entries.last_failure,
            last_error: entries
                .last_error
                .map(|error| LastError { code: error.code(), message: error.message().to_owned() }),
            consecutive_failures: entries.consecutive_failures,
            paused_until: paused.map(|paused| clock::now().saturating_add(clock::millis(paused))),
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_follows_from_how_the_last_questions_ended() {
        let record = Record::default();
        let state = || record.health(None).state;
        let error = Error::bad_response("broken");
        assert_eq!(state(), State::Unknown);
        record.failure(&error);
        assert_eq!(state(), State::Degraded);
        record.failure(&error);
        record.failure(&error);
        assert_eq!(state(), State::Down);
        record.success();
        assert_eq!(state(), State::Up);
        assert_eq!(record.health(None).last_error.expect("kept").code, Code::BadResponse);
    }

    #[test]
    fn a_pause_is_told_as_the_moment_of_its_end() {
        let until = Record::default().health(Some(Duration::from_secs(60))).paused_until.expect("paused");
        assert!((59_000..=60_000).contains(&(until - clock::now())));
    }
}
