//! The server as its clients see it, through real sockets. A file for each resource, laid out like the URLs.

mod config;
mod docs;
mod errors;
mod exchanges;
mod headers;
mod health;
mod historical;
mod limit;
mod markets;
mod orderbook;
mod price;
mod reload;
mod shutdown;
mod tickers;
mod trades;
mod upstream;
mod websocket;
