//! The server: config, the one way to the exchanges, and the REST and WebSocket API.
pub mod answer;
mod cache;
pub mod config;
