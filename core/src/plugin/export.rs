//! The library's side of a call, and the line that exports it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use super::abi::{RawAnswer, RawBytes, RawResponse, lent};
use super::wire::{AllMarkets, CandleTable, Description, Question, Reply};
use crate::{Error, Exchange, Fetch, Markets, Response, TickersQuery};

/// Makes a library of exchanges a plugin: `export_exchange!(MyExchange);`, or several, `export_exchange!(One, Another);`.
///
/// Takes types that implement [`Exchange`] and [`Default`]; each is made once. To be written once, in a crate of
/// `crate-type = ["cdylib"]`.
///
/// A panic of an adapter becomes an error of its exchange, which takes unwinding: with `panic = "abort"` it does not compile.
#[macro_export]
macro_rules! export_exchange {
    ($($exchange:ty),+ $(,)?) => {
        const _: () = {
            #[cfg(panic = "abort")]
            ::core::compile_error!(
                "a plugin must not be built with `panic = \"abort\"`: a panic would end the whole server"
            );

            struct Library;

            impl $crate::plugin::Library for Library {
                fn exchanges() -> &'static [$crate::plugin::Exported] {
                    static ALL: ::std::sync::OnceLock<::std::vec::Vec<$crate::plugin::Exported>> =
                        ::std::sync::OnceLock::new();
                    ALL.get_or_init(|| {
                        ::std::vec![$($crate::plugin::Exported::new(<$exchange as ::core::default::Default>::default())),+]
                    })
                }
            }

            // The name is `plugin::SYMBOL`, which no other symbol has.
            #[allow(unsafe_code)]
            #[unsafe(export_name = "marketd_plugin")]
            static TABLE: $crate::plugin::Table = $crate::plugin::Table::of::<Library>();
        };
    };
}

/// The exchanges of a library; implemented by [`export_exchange!`].
pub trait Library {
    /// The exchanges, always the same.
    fn exchanges() -> &'static [Exported];
}

/// An exchange of a library.
pub struct Exported {
    exchange: Box<dyn Exchange>,
    /// The last market list that came, and its number.
    markets: Mutex<Option<(u64, Arc<Markets>)>>,
}

impl Exported {
    /// Exports an adapter.
    pub fn new(exchange: impl Exchange + 'static) -> Self {
        Self { exchange: Box::new(exchange), markets: Mutex::default() }
    }

    fn answer(&self, question: Question<'_>, rounds: Vec<Vec<Response>>) -> Vec<u8> {
        let exchange = &self.exchange;
        match question {
            Question::Markets { now } => replay(exchange.markets(now), rounds),
            Question::Ticker { market, now } => replay(exchange.ticker(&Arc::new(market.into_owned()), now), rounds),
            Question::Tickers { markets, wanted, now } => {
                let Some(markets) = self.markets(markets) else { return json(&Reply::<()>::SendMarkets) };
                let wanted =
                    wanted.map(|wanted| wanted.into_iter().map(|market| Arc::new(market.into_owned())).collect());
                replay(exchange.tickers(&TickersQuery { markets, wanted, now }), rounds)
            }
            Question::Candles { market, query } => {
                let candles = exchange.candles(&Arc::new(market.into_owned()), &query);
                replay(candles.map(CandleTable), rounds)
            }
            Question::OrderBook { market, query } => {
                replay(exchange.order_book(&Arc::new(market.into_owned()), &query), rounds)
            }
            Question::Trades { market, query } => {
                replay(exchange.trades(&Arc::new(market.into_owned()), &query), rounds)
            }
        }
    }

    /// The list of that number, if it came along or is the last that did.
    fn markets(&self, all: AllMarkets<'_>) -> Option<Arc<Markets>> {
        let came = all.list.map(|list| {
            let markets = Markets::new(list.into_iter().map(|market| market.into_owned()).collect());
            (all.number, Arc::new(markets))
        });
        let mut kept = self.markets.lock().unwrap_or_else(PoisonError::into_inner);
        if came.is_some() {
            *kept = came;
        }
        kept.as_ref().filter(|(number, _)| *number == all.number).map(|(_, markets)| Arc::clone(markets))
    }
}

/// Runs a question with the responses that there are.
fn replay<T: Serialize>(mut fetch: Fetch<T>, rounds: Vec<Vec<Response>>) -> Vec<u8> {
    let mut rounds = rounds.into_iter();
    loop {
        let ask = match fetch {
            Fetch::Done(result) => return json(&result.map_or_else(|error| Reply::Failed(error.into()), Reply::Done)),
            Fetch::Ask(ask) => ask,
        };
        // A round without requests is none of the server's business.
        let responses = if ask.requests.is_empty() { Some(Vec::new()) } else { rounds.next() };
        match responses {
            Some(responses) => fetch = ask.then(responses),
            None => return json(&Reply::<T>::Ask(ask.requests)),
        }
    }
}

fn json<T: Serialize>(reply: &Reply<T>) -> Vec<u8> {
    serde_json::to_vec(reply).unwrap_or_else(|error| failed(format!("the answer cannot be written as JSON: {error}")))
}

fn failed(message: String) -> Vec<u8> {
    // Texts and numbers can always be written.
    serde_json::to_vec(&Reply::<()>::Failed(Error::bad_response(message).into())).unwrap_or_default()
}

/// Makes an answer, of a panic too, and gives it away.
fn give(answer: impl FnOnce() -> Vec<u8>) -> RawAnswer {
    let bytes = catch_unwind(AssertUnwindSafe(answer)).unwrap_or_else(|panic| {
        let message = message_of(&*panic);
        // What was thrown may be anything, also something that panics again when it is dropped. That then is let be.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(panic))).map_err(std::mem::forget);
        json(&Reply::<()>::Panicked(message))
    });
    let bytes = Box::into_raw(bytes.into_boxed_slice());
    RawAnswer { data: bytes.cast(), len: bytes.len() }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

/// [`Table`](super::Table)`.describe`.
pub(super) unsafe extern "C" fn describe<L: Library>() -> RawAnswer {
    give(|| {
        let exchanges = L::exchanges().iter().map(|exported| exported.exchange.about().clone());
        json(&Reply::Done(Description { exchanges: exchanges.collect() }))
    })
}

/// [`Table`](super::Table)`.call`.
pub(super) unsafe extern "C" fn call<L: Library>(
    exchange: u32,
    question: RawBytes,
    responses: *const RawResponse,
    count: usize,
) -> RawAnswer {
    give(|| {
        // SAFETY: the server lends the question and the responses, with their bodies, until this returns.
        let (question, rounds) = unsafe { (question.get(), rounds(lent(responses, count))) };
        let Some(exported) = L::exchanges().get(exchange as usize) else {
            return failed(format!("there is no exchange {exchange} in this library"));
        };
        match serde_json::from_slice(question) {
            Ok(question) => exported.answer(question, rounds),
            Err(error) => failed(format!("the question cannot be read: {error}")),
        }
    })
}

/// Copies the responses, as an adapter may keep them for longer than they are lent.
///
/// # Safety
/// The bodies can be read.
unsafe fn rounds(responses: &[RawResponse]) -> Vec<Vec<Response>> {
    let copy = |raw: &RawResponse| Response {
        status: raw.status,
        // SAFETY: the caller promises that it can be read.
        body: Bytes::copy_from_slice(unsafe { raw.body.get() }),
        retry_after: raw.retry_after_ms().map(Duration::from_millis),
    };
    responses.chunk_by(|a, b| a.round == b.round).map(|round| round.iter().map(copy).collect()).collect()
}

/// [`Table`](super::Table)`.free`.
pub(super) unsafe extern "C" fn free(answer: RawAnswer) {
    let bytes = std::ptr::slice_from_raw_parts_mut(answer.data, answer.len);
    // SAFETY: what comes back is what `give` gave away, a box, and comes back once.
    drop(unsafe { Box::from_raw(bytes) });
}
