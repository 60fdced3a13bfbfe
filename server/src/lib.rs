//! The server: config, the one way to the exchanges, and the REST and WebSocket API.

pub mod answer;
mod api;
pub mod config;
mod idle;
mod server;
pub mod service;
mod ws;

pub use server::Server;
