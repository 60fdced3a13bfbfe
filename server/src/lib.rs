//! The server: config, the one way to the exchanges, and the REST and WebSocket API.
pub mod answer;
pub mod config;
