//! The way to one exchange below the cache: its budget, then retries, then the wire.

mod budget;
mod retry;
mod transport;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use marketd_core::{Capability, Code, Error, Exchange, Fetch, Request, Response, Result};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use crate::config;
use crate::health::{Health, Record};
use budget::Budget;
pub(crate) use transport::{Http, Transport, client};

/// Rounds that one question may take: the longest market list that is known comes in some thirty pages.
const MOST_ROUNDS: usize = 200;

/// Requests that one question may take.
const MOST_REQUESTS: usize = 2_000;

/// Requests of one question that are under way at once.
const AT_ONCE: usize = 16;

/// Bytes that the responses of one round may have together.
const LARGEST_ROUND: usize = 64 << 20;

/// Bytes that are read on a thread for such work: reading more takes over a millisecond, in which others would wait.
const READ_ASIDE: usize = 256 << 10;

/// How long a step of an adapter that may block waits for those before it, at most.
const LONGEST_TURN: Duration = Duration::from_secs(30);

/// How much of an adapter's message is logged: it may quote the exchange.
const LOGGED: usize = 200;

/// The way to one exchange.
pub(crate) struct Upstream {
    exchange: String,
    transport: Arc<dyn Transport>,
    published: Option<marketd_core::Budget>,
    budget: Arc<Budget>,
    retries: u32,
    /// Whose turn it is, of the steps of an adapter that may block: one at a time, so that it never holds more than one of the
    /// threads on which all exchanges' long answers are read.
    turn: Option<Arc<Semaphore>>,
    record: Record,
}

impl Upstream {
    pub(crate) fn new(exchange: &dyn Exchange, config: &config::Upstream, transport: Arc<dyn Transport>) -> Self {
        let about = exchange.about();
        Self {
            exchange: about.id.clone(),
            transport,
            published: about.budget,
            budget: Arc::new(Budget::new(about.budget, config.rate_limit, config.timeout)),
            retries: config.retries,
            turn: exchange.may_block().then(|| Arc::new(Semaphore::new(1))),
            record: Record::default(),
        }
    }

    /// Goes on with what was spent, and the pause that was ordered, on the way that this one replaces.
    pub(crate) fn succeed(mut self, before: &Self) -> Self {
        if self.published == before.published {
            self.budget = Arc::clone(&before.budget);
        }
        self
    }

    /// How the exchange does.
    pub(crate) fn health(&self) -> Health {
        self.record.health(self.budget.paused_for())
    }

    /// Runs a question to its end. A panic of the adapter is a `BadResponse` of this exchange alone.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        operation: Capability,
        question: impl FnOnce() -> Fetch<T> + Send + 'static,
    ) -> Result<T> {
        let began = Instant::now();
        let mut course = Course::default();
        let rounds = AssertUnwindSafe(self.rounds(operation, question, &mut course)).catch_unwind();
        let result =
            rounds.await.unwrap_or_else(|_| Err(panicked())).map_err(|error| error.with_exchange(&self.exchange));
        match &result {
            Ok(_) => self.record.success(),
            // What we did not let through is no failure of the exchange.
            Err(error) if course.held => debug!(exchange = self.exchange, %operation, %error, "held back"),
            Err(error) if error.code().is_exchange_failure() => {
                self.record.failure(error);
                warn!(
                    exchange = self.exchange,
                    %operation,
                    status = course.status,
                    elapsed = ?began.elapsed(),
                    code = %error.code(),
                    "{:.LOGGED$}",
                    error.message()
                );
            }
            Err(_) => {}
        }
        result
    }

    async fn rounds<T: Send + 'static>(
        &self,
        operation: Capability,
        question: impl FnOnce() -> Fetch<T> + Send + 'static,
        course: &mut Course,
    ) -> Result<T> {
        let mut fetch = self.step(0, question).await?;
        let mut requests = 0;
        for _ in 0..=MOST_ROUNDS {
            let ask = match fetch {
                Fetch::Done(result) => return result,
                Fetch::Ask(ask) => ask,
            };
            requests += ask.requests.len();
            if requests > MOST_REQUESTS {
                break;
            }
            let responses = self.round(operation, &ask.requests, course).await?;
            let bytes = responses.iter().map(|response| response.body.len()).sum();
            fetch = self.step(bytes, move || ask.then(responses)).await?;
        }
        Err(Error::bad_response("the adapter asks without end"))
    }

    /// Lets the adapter go on, having so many bytes to read.
    async fn step<T: Send + 'static>(
        &self,
        bytes: usize,
        step: impl FnOnce() -> Fetch<T> + Send + 'static,
    ) -> Result<Fetch<T>> {
        let turn = match &self.turn {
            None if bytes <= READ_ASIDE => return Ok(step()),
            None => None,
            Some(turn) => match timeout(LONGEST_TURN, Arc::clone(turn).acquire_owned()).await {
                Ok(turn) => turn.ok(),
                Err(_) => {
                    return Err(Error::new(Code::ExchangeNotAvailable, "the adapter is busy with other questions"));
                }
            },
        };
        let step = move || {
            let fetch = step();
            // Held until the step is over, also when nobody waits for it any more.
            drop(turn);
            fetch
        };
        spawn_blocking(step).await.map_err(|_: JoinError| panicked())
    }

    /// Makes the requests of one round, side by side; the first that gets no response ends it.
    async fn round(&self, operation: Capability, requests: &[Request], course: &mut Course) -> Result<Vec<Response>> {
        let sent: Vec<_> = requests.iter().map(|request| self.send(operation, request).boxed()).collect();
        let mut answers = stream::iter(sent).buffered(AT_ONCE);
        let (mut responses, mut bytes) = (Vec::with_capacity(requests.len()), 0);
        while let Some(answer) = answers.next().await {
            let response = answer.map_err(|unanswered| course.end(unanswered))?;
            bytes += response.body.len();
            if bytes > LARGEST_ROUND {
                return Err(Error::bad_response("the answers of the exchange are too large together"));
            }
            if !response.is_success() {
                course.status = Some(response.status);
            }
            responses.push(response);
        }
        Ok(responses)
    }

    async fn send(&self, operation: Capability, request: &Request) -> std::result::Result<Response, Unanswered> {
        self.budget.admit(request.weight).await.map_err(Unanswered::Held)?;
        let began = Instant::now();
        let result = retry::send(&*self.transport, &self.budget, self.retries, request).await;
        debug!(
            exchange = self.exchange,
            %operation,
            // Host and path only: a query may hold a secret.
            url = request.url.split(['?', '#']).next(),
            status = result.as_ref().ok().map(|response| response.status),
            elapsed = ?began.elapsed(),
            "asked"
        );
        result.map_err(Unanswered::Failed)
    }
}

/// What is worth telling of how a question went.
#[derive(Default)]
struct Course {
    /// The last status that was no success.
    status: Option<u16>,
    /// Whether it ended because we did not let a request through.
    held: bool,
}

impl Course {
    fn end(&mut self, unanswered: Unanswered) -> Error {
        match unanswered {
            Unanswered::Held(error) => {
                self.held = true;
                error
            }
            Unanswered::Failed(error) => error,
        }
    }
}

/// Why a request got no response.
enum Unanswered {
    /// The budget did not let it through.
    Held(Error),
    /// It failed on the wire.
    Failed(Error),
}

/// The panic hook has written where and why.
fn panicked() -> Error {
    Error::bad_response("the adapter failed: a fault of its own, not of the exchange")
}

#[cfg(test)]
mod tests;
