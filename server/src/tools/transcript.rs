//! A wire that tells what goes over it, and one that answers from a file.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use marketd_core::{Method, Request, Response, Result};
use marketd_plugins::conformance::World;
use serde::de::IgnoredAny;

use super::json::pretty;
use crate::upstream::Transport;

/// How many letters of a body are shown.
const SHOWN: usize = 2_000;

/// Where a tool writes.
pub(super) type Out = Arc<Mutex<dyn Write + Send>>;

/// Writes every request with its answer.
pub(super) struct Transcript {
    pub(super) wire: Arc<dyn Transport>,
    pub(super) out: Out,
    /// Whether bodies are shown to their end.
    pub(super) raw: bool,
}

impl Transport for Transcript {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        self.wire.send(request).inspect(|result| self.tell(request, result)).boxed()
    }
}

impl Transcript {
    fn tell(&self, request: &Request, result: &Result<Response>) {
        let method = match request.method {
            Method::Get => "GET",
            Method::Post => "POST",
        };
        let mut told = format!("> {method} {}\n", request.url);
        for (name, value) in &request.headers {
            told.push_str(&format!("> {name}: {value}\n"));
        }
        if let Some(body) = &request.body {
            told.push_str(&format!("> {body}\n"));
        }
        match result {
            Ok(response) => {
                told.push_str(&format!("< {}, {} bytes\n", response.status, response.body.len()));
                told.push_str(&self.shown(&String::from_utf8_lossy(&response.body)));
            }
            Err(error) => told.push_str(&format!("< nothing: {error}\n")),
        }
        // What cannot be written now cannot be written later, and the tool then says so.
        let _ = writeln!(self.out.lock().unwrap_or_else(PoisonError::into_inner), "{told}");
    }

    /// As it came, or so that people can read it: JSON in lines, cut, and without what would tell a terminal what to do.
    fn shown(&self, body: &str) -> String {
        if self.raw {
            return format!("{body}\n");
        }
        let lines = match serde_json::from_str::<IgnoredAny>(body) {
            Ok(_) => pretty(body),
            Err(_) => body.trim_end().to_owned(),
        };
        let plain = |letter: char| if letter.is_control() && letter != '\n' { ' ' } else { letter };
        let mut shown: String = lines.chars().take(SHOWN).map(plain).collect();
        if lines.chars().nth(SHOWN).is_some() {
            shown.push_str(&format!("… (cut; --raw shows all {} bytes as they came)", body.len()));
        }
        shown.push('\n');
        shown
    }
}

/// Answers as a file of cases says.
pub(super) struct Replay(pub(super) World);

impl Transport for Replay {
    fn send<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response>> {
        ready(Ok(self.0.answer(request))).boxed()
    }
}
