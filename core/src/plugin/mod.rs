//! The border between the server and a shared library of adapters: a C ABI that carries bytes.
//!
//! A library exports one symbol, [`SYMBOL`]: a [`Table`] of an ABI number and three functions. *describe* tells which exchanges
//! the library brings. *call* takes a [`Question`] and the responses so far and gives a [`Reply`]: what to request next, the
//! answer, or an error. *free* takes back what either gave. Questions and replies are JSON; response bodies are raw bytes beside
//! the question. No Rust type, allocator, panic or future crosses, so library and server need neither the same compiler nor the
//! same crates.
//!
//! A call keeps nothing: the library runs the adapter's [`Fetch`](crate::Fetch) from its beginning with all responses so far, so
//! that adapters must ask the same again when they are told the same. The one thing remembered between calls is the last market
//! list, by a number, since no question about all tickers could afford to carry it (see [`AllMarkets`]).
//!
//! Authors need none of this but [`export_exchange!`](crate::export_exchange).
//!
//! **Compatibility.** Readers on both sides pass over JSON keys that they do not know, and take those that are missing for `None`.
//! Whatever such a reader would get wrong, and any change of the C types, raises [`ABI`]; functions are added at the end of the table.
#![expect(unsafe_code, reason = "the one place, beside the loader, where pointers cross")]

mod abi;
mod export;
mod wire;

pub use abi::{ABI, Answer, MAGIC, Mismatch, SYMBOL, Table};
pub use export::{Exported, Library};
pub use wire::{AllMarkets, CandleTable, Description, Failure, Question, Reply};

#[cfg(test)]
mod tests;
