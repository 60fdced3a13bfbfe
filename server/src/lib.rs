//! The server: config, the one way to the exchanges, and the REST and WebSocket API.
pub mod answer;
mod cache;
mod clock;
pub mod config;
pub mod health;
mod markets;
pub mod service;
#[cfg(test)]
mod testing;
mod upstream;
