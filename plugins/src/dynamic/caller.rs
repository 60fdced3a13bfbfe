//! Calls into a library: one at a time, on a thread of their own, and with a time limit.
//!
//! A call that does not return cannot be ended. Its thread is left to it, and no other begins before it is back, so that an
//! exchange never costs more than one thread. Time-outs in a row switch the exchange off, for as long as the process lives; a call
//! that is still not back counts as one more whenever the limit has passed again.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use marketd_core::{Capability, Code, Error, Result};

/// Time-outs in a row that switch an exchange off.
const MOST_TIMEOUTS: u32 = 3;

type Answer = Result<Vec<u8>>;

/// The way into a library for one of its exchanges.
pub(super) struct Caller {
    /// What errors and the thread are named by.
    plugin: String,
    limit: Duration,
    /// Held for the time of a call.
    thread: Mutex<Option<Sender<Job>>>,
    /// Held for a moment only.
    standing: Mutex<Standing>,
}

struct Job {
    work: Box<dyn FnOnce() -> Answer + Send>,
    done: SyncSender<Answer>,
}

/// How the calls went.
#[derive(Default)]
struct Standing {
    timeouts: u32,
    overdue: Option<Overdue>,
    /// Why no call is made any more.
    off: Option<String>,
}

/// A call that is not back although its time has passed.
struct Overdue {
    began: Instant,
    operation: Capability,
    done: Receiver<Answer>,
}

impl Caller {
    pub(super) fn new(plugin: &str, limit: Duration) -> Self {
        Self { plugin: plugin.to_owned(), limit, thread: Mutex::default(), standing: Mutex::default() }
    }

    /// What errors name it by.
    pub(super) fn plugin(&self) -> &str {
        &self.plugin
    }

    /// Why no call is made any more, if it is so.
    pub(super) fn off(&self) -> Option<String> {
        self.standing().off.clone()
    }

    /// Makes a call. Blocks until it is back or its time has passed, and while another one is under way.
    ///
    /// # Errors
    /// `RequestTimeout` if it is not back in time; `ExchangeNotAvailable` without a call while an earlier one is not back, and
    /// when the exchange is switched off; else what `work` gives.
    pub(super) fn call(&self, operation: Capability, work: impl FnOnce() -> Answer + Send + 'static) -> Answer {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        self.standing().check(&self.plugin)?;
        let sender = match thread.take() {
            Some(sender) => sender,
            None => spawn(&self.plugin).map_err(|error| self.no_thread().with_source(error))?,
        };
        let (done, answer) = sync_channel(1);
        let began = Instant::now();
        // A thread that has ended drops the job, which then is never done.
        let _ = sender.send(Job { work: Box::new(work), done });
        match answer.recv_timeout(self.limit) {
            Ok(answer) => {
                *thread = Some(sender);
                self.standing().timeouts = 0;
                answer
            }
            Err(RecvTimeoutError::Timeout) => {
                *thread = Some(sender);
                self.standing().timed_out(&self.plugin, Overdue { began, operation, done: answer });
                let message = format!("{} did not return from {operation} within {:?}", self.plugin, self.limit);
                Err(Error::new(Code::RequestTimeout, message))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.no_thread()),
        }
    }

    fn no_thread(&self) -> Error {
        Error::new(Code::ExchangeNotAvailable, format!("there is no thread to call {} on", self.plugin))
    }

    /// The standing, as it is now.
    fn standing(&self) -> MutexGuard<'_, Standing> {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.look(&self.plugin, self.limit);
        standing
    }
}

impl Standing {
    /// Looks after the call that is not back.
    fn look(&mut self, plugin: &str, limit: Duration) {
        let Some(overdue) = &self.overdue else { return };
        if !matches!(overdue.done.try_recv(), Err(TryRecvError::Empty)) {
            self.overdue = None;
        } else if overdue.began.elapsed() >= limit * MOST_TIMEOUTS {
            self.switch_off(plugin);
        }
    }

    fn timed_out(&mut self, plugin: &str, overdue: Overdue) {
        self.timeouts += 1;
        self.overdue = Some(overdue);
        if self.timeouts >= MOST_TIMEOUTS {
            self.switch_off(plugin);
        }
    }

    fn switch_off(&mut self, plugin: &str) {
        let operation = self.overdue.as_ref().map_or("a call", |overdue| overdue.operation.name());
        self.off.get_or_insert_with(|| {
            format!(
                "switched off: {plugin} did not return in time, {MOST_TIMEOUTS} times in a row, last from {operation}; \
                 replace it or restart the server"
            )
        });
    }

    fn check(&self, plugin: &str) -> Result<()> {
        let message = match (&self.off, &self.overdue) {
            (Some(off), _) => off.clone(),
            (None, Some(Overdue { began, operation, .. })) => {
                format!("{plugin} has not returned from {operation} for {} seconds", began.elapsed().as_secs())
            }
            (None, None) => return Ok(()),
        };
        Err(Error::new(Code::ExchangeNotAvailable, message))
    }
}

/// A thread that does one job after the other, until nobody can send any more.
fn spawn(plugin: &str) -> io::Result<Sender<Job>> {
    let (sender, jobs) = channel::<Job>();
    thread::Builder::new().name(plugin.to_owned()).spawn(move || {
        for Job { work, done } in jobs {
            // Whoever waited may have given up.
            let _ = done.send(work());
        }
    })?;
    Ok(sender)
}

/// Does something on a thread of its own; `None` if it is not done in time, or never.
pub(super) fn within<T: Send + 'static>(
    limit: Duration,
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, answer) = sync_channel(1);
    // Whoever waited may have given up.
    thread::Builder::new().name(name.to_owned()).spawn(move || drop(done.send(work()))).ok()?;
    answer.recv_timeout(limit).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(20);

    fn ok(caller: &Caller) -> Answer {
        caller.call(Capability::Ticker, || Ok(vec![1]))
    }

    /// Calls, and lets the call hang until the sender is dropped.
    fn hang(caller: &Caller) -> (Code, Sender<()>) {
        let (release, held) = channel::<()>();
        let error = caller.call(Capability::Ticker, move || {
            let _ = held.recv();
            Ok(Vec::new())
        });
        (error.expect_err("no answer").code(), release)
    }

    fn wait_until_back(caller: &Caller) {
        while ok(caller).is_err() {
            thread::yield_now();
        }
    }

    #[test]
    fn calls_are_made_on_one_thread_that_is_not_the_callers() {
        let caller = Caller::new("libx.so", LONG);
        let name = || caller.call(Capability::Ticker, || Ok(format!("{:?}", thread::current().id()).into_bytes()));
        let first = name().expect("an answer");
        assert_eq!(name().expect("an answer"), first);
        assert_ne!(first, format!("{:?}", thread::current().id()).into_bytes());
    }

    #[test]
    fn while_a_call_is_not_back_others_fail_without_one_and_then_go_on() {
        let caller = Caller::new("libx.so", LONG);
        let short = Caller { limit: SHORT, ..caller };
        let (code, release) = hang(&short);
        assert_eq!(code, Code::RequestTimeout);
        let caller = Caller { limit: LONG, ..short };
        let error = ok(&caller).expect_err("refused");
        assert_eq!(error.code(), Code::ExchangeNotAvailable);
        assert!(error.message().starts_with("libx.so has not returned from ticker for"), "{error}");
        assert_eq!(caller.off(), None);
        drop(release);
        wait_until_back(&caller);
    }

    #[test]
    fn time_outs_in_a_row_switch_off_for_good() {
        let mut caller = Caller::new("libx.so", LONG);
        for time in 1..=MOST_TIMEOUTS {
            caller.limit = SHORT;
            let (code, release) = hang(&caller);
            assert_eq!(code, Code::RequestTimeout);
            caller.limit = LONG;
            assert_eq!(caller.off().is_some(), time == MOST_TIMEOUTS);
            drop(release);
            // Until it is seen to be back, without an answer in between.
            while caller.standing().overdue.is_some() {
                thread::yield_now();
            }
        }
        let error = ok(&caller).expect_err("off");
        assert_eq!(error.code(), Code::ExchangeNotAvailable);
        assert_eq!(Some(error.message()), caller.off().as_deref());
    }

    #[test]
    fn an_answer_in_between_is_a_new_beginning() {
        let mut caller = Caller::new("libx.so", LONG);
        for _ in 0..2 * MOST_TIMEOUTS {
            caller.limit = SHORT;
            let (_, release) = hang(&caller);
            caller.limit = LONG;
            drop(release);
            wait_until_back(&caller);
        }
        assert_eq!(caller.off(), None);
    }

    #[test]
    fn a_call_that_never_returns_switches_off_by_itself() {
        let caller = Caller::new("libx.so", SHORT);
        let (_, release) = hang(&caller);
        while caller.off().is_none() {
            thread::yield_now();
        }
        assert!(caller.off().is_some_and(|why| why.contains("last from ticker")));
        drop(release);
    }

    #[test]
    fn callers_at_once_take_turns() {
        let caller = Arc::new(Caller::new("libx.so", LONG));
        let others = (0..8).map(|_| Arc::clone(&caller)).map(|caller| thread::spawn(move || ok(&caller).is_ok()));
        assert!(others.collect::<Vec<_>>().into_iter().all(|other| other.join().expect("no panic")));
    }

    #[test]
    fn a_thread_that_died_is_replaced() {
        let caller = Caller::new("libx.so", LONG);
        let error = caller.call(Capability::Ticker, || panic!("on purpose")).expect_err("died");
        assert_eq!(error.code(), Code::ExchangeNotAvailable);
        assert!(ok(&caller).is_ok());
    }
}
