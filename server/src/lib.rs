//! The server: config, the one way to the exchanges, and the REST and WebSocket API.

pub mod answer;
mod api;
mod cache;
mod clock;
pub mod config;
pub mod health;
mod idle;
mod markets;
pub mod registry;
pub mod reload;
mod server;
pub mod service;
#[cfg(test)]
mod testing;
pub mod tools;
mod upstream;
mod ws;

pub use clock::now;
pub use server::Server;
