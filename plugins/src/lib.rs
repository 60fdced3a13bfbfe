//! Exchange adapters: definitions and the engine that reads them, native adapters, the loader of dynamic ones, and the demo
//! exchange.

pub mod built_in;
pub mod conformance;
pub mod definition;
pub mod demo;
pub mod dynamic;
