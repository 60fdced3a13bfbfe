//! The conformance cases: what an exchange answered, replayed, and what an adapter must make of it.
//!
//! A [`World`] is one file of a corpus: the routes of an exchange and the cases that were taken from them. [`run`] asks an
//! adapter every case without a socket or a runtime, and judges the answers as `conform.py` judges those of a server.

mod case;
mod judge;
mod parameters;
mod report;
mod run;
mod world;

pub use report::{Outcome, Report};
pub use run::run;
pub use world::World;
