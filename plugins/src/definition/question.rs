//! What is asked for an answer: a request and those beside it, once a value of a list, page after page.

use std::sync::Arc;

use bytes::Bytes;
use marketd_core::{Code, Error, Fetch, Request, Response};

use super::context::Asked;
use super::errors::ErrorRules;
use super::expr::{Expr, Picks, Scope, Value};
use super::request::{Hosts, RequestTemplate, Target};
use super::source::{Node, Reader, Result};

/// How many pages an answer may have.
const MAX_PAGES: i64 = 100;

/// What a definition shares among its questions.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) errors: Arc<ErrorRules>,
}

impl Shared {
    /// The names of hosts.
    pub(crate) fn host_names(&self) -> Vec<String> {
        self.hosts.named.iter().map(|(name, _)| name.clone()).collect()
    }

    /// For the requests of one kind of markets.
    fn target(&self, kinds: &[String]) -> Target {
        Target { hosts: self.hosts.clone(), kinds: kinds.to_vec() }
    }
}

/// The requests of one answer.
#[derive(Debug)]
pub(crate) struct Question {
    request: RequestTemplate,
    /// `[….with.NAME]`: requests made together with the first, whose answers are `$NAME`.
    beside: Vec<(String, RequestTemplate)>,
    /// `[….page]`: how the next page is asked for.
    pages: Option<Pages>,
    /// `needs-key`: what must be configured before the exchange answers this.
    needs_key: Option<String>,
    errors: Arc<ErrorRules>,
}

/// `next` is evaluated on each answer: null, false or an empty text ends it; else the same request is made again, with the
/// value as `{cursor}` and the number of the page, from 1, as `{page}`.
#[derive(Debug)]
struct Pages {
    picks: Picks,
    next: Expr,
}

/// The bodies that answer a question: the main one first, then those beside it.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    pub(crate) asked: Asked,
    bodies: Vec<Bytes>,
}

impl Answers {
    /// An answer to a question that nobody needs to be asked.
    pub(crate) fn none(asked: Asked) -> Self {
        Self { asked, bodies: Vec::new() }
    }

    /// The bodies as texts.
    ///
    /// # Errors
    /// `BadResponse` when one is no UTF-8.
    pub(crate) fn texts(&self) -> marketd_core::Result<Vec<&str>> {
        self.bodies.iter().map(|body| text(body)).collect()
    }
}

fn text(body: &Bytes) -> marketd_core::Result<&str> {
    let text = std::str::from_utf8(body)
        .map_err(|error| Error::bad_response("the answer is no UTF-8 text").with_source(error))?;
    Ok(text.trim_start_matches('\u{feff}'))
}

impl Question {
    /// Reads the requests out of a table; `None` when it asks nothing.
    pub(crate) fn read(table: &mut Reader, shared: &Shared, kinds: &[String]) -> Result<Option<Self>> {
        let target = shared.target(kinds);
        let request = RequestTemplate::read(table, &target)?;
        let beside = match table.optional("with") {
            Some(node) => node.reader()?.rest(),
            None => Vec::new(),
        };
        let beside = beside.into_iter().map(|(name, node)| {
            let mut table = node.reader()?;
            let request = RequestTemplate::read(&mut table, &target)?;
            let request = request.ok_or_else(|| table.place().inner("get").error("is missing"))?;
            table.finish()?;
            Ok((name, request))
        });
        let beside = beside.collect::<Result<Vec<_>>>()?;
        let pages = table.optional("page").map(Pages::read).transpose()?;
        let needs_key = table.optional("needs-key").map(|node| node.text().map(str::to_owned)).transpose()?;
        let errors = shared.errors.clone();
        Ok(request.map(|request| Self { request, beside, pages, needs_key, errors }))
    }

    /// The names of the answers beside the main one.
    pub(crate) fn names(&self) -> Vec<String> {
        self.beside.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Every expression in it.
    pub(crate) fn expressions(&self) -> Vec<&Expr> {
        let mut all = self.request.expressions();
        all.extend(self.beside.iter().flat_map(|(_, request)| request.expressions()));
        all.extend(self.pages.iter().map(|pages| &pages.next));
        all
    }

    /// What must be configured before the exchange answers this.
    pub(crate) fn needs_key(&self) -> Option<&str> {
        self.needs_key.as_deref()
    }

    /// Asks once for each of these; the answers come in their order, pages one after another.
    pub(crate) fn ask_all(self: &Arc<Self>, all: Vec<Asked>) -> Fetch<Vec<Answers>> {
        let fetches = all.into_iter().map(|asked| self.clone().ask_pages(asked, Vec::new())).collect();
        Fetch::all(fetches).then(|result| {
            Fetch::Done(result.and_then(|each| {
                let mut answers = Vec::new();
                for pages in each {
                    answers.extend(pages?);
                }
                Ok(answers)
            }))
        })
    }

    /// The requests that are made at once for these.
    ///
    /// # Errors
    /// `NotSupported` where one cannot be made.
    pub(crate) fn requests(&self, all: &[Asked]) -> marketd_core::Result<Vec<Request>> {
        let mut requests = Vec::new();
        for asked in all {
            requests.extend(self.fill(asked)?);
        }
        Ok(requests)
    }

    fn fill(&self, asked: &Asked) -> marketd_core::Result<Vec<Request>> {
        if let Some(key) = &self.needs_key {
            return Err(Error::new(Code::NotSupported, format!("the exchange answers this only with {key}")));
        }
        let all = std::iter::once(&self.request).chain(self.beside.iter().map(|(_, request)| request));
        all.map(|request| request.fill(asked)).collect()
    }

    /// Asks once, without further pages.
    pub(crate) fn ask(self: &Arc<Self>, asked: Asked) -> Fetch<Answers> {
        match self.fill(&asked) {
            Err(error) => Fetch::fail(error),
            Ok(requests) => {
                let errors = self.errors.clone();
                Fetch::ask(requests, move |responses| Fetch::Done(checked(&errors, asked, &responses)))
            }
        }
    }

    fn ask_pages(self: Arc<Self>, asked: Asked, mut before: Vec<Answers>) -> Fetch<Vec<Answers>> {
        let page = i64::try_from(before.len()).unwrap_or(i64::MAX) + 1;
        let asked = if self.pages.is_some() { asked.with("page", page) } else { asked };
        self.ask(asked.clone()).then(move |result| {
            let answers = match result {
                Ok(answers) => answers,
                Err(error) => return Fetch::fail(error),
            };
            let next = match &self.pages {
                Some(pages) if page < MAX_PAGES => pages.next(&answers),
                _ => Ok(None),
            };
            before.push(answers);
            match next {
                Err(error) => Fetch::fail(error),
                Ok(None) => Fetch::Done(Ok(before)),
                Ok(Some(cursor)) => self.ask_pages(asked.with("cursor", cursor), before),
            }
        })
    }
}

fn checked(errors: &ErrorRules, asked: Asked, responses: &[Response]) -> marketd_core::Result<Answers> {
    for response in responses.iter().filter(|response| !errors.trusts(response)) {
        match text(&response.body) {
            Ok(body) => errors.check(response, body)?,
            // What is no text is read as an error by its status alone.
            Err(unreadable) => errors.check(response, "").and(Err(unreadable))?,
        }
    }
    Ok(Answers { asked, bodies: responses.iter().map(|response| response.body.clone()).collect() })
}

impl Pages {
    fn read(node: Node) -> Result<Self> {
        let mut table = node.reader()?;
        let mut picks = Picks::new([]);
        let next = table.required("next")?;
        let next = Expr::compile(next.text()?, &mut picks).map_err(|problem| next.place.error(problem))?;
        table.finish()?;
        Ok(Self { picks, next })
    }

    fn next(&self, answers: &Answers) -> marketd_core::Result<Option<Value<'static>>> {
        let (shape, count) = self.picks.shape(0);
        let mut slots = vec![None; count];
        let texts = answers.texts()?;
        let main = texts.first().copied().unwrap_or("null");
        shape
            .pick(main, &mut slots)
            .map_err(|error| Error::bad_response("the answer is no JSON").with_source(error))?;
        let value = self.next.eval(&Scope::new(&slots, &[], &answers.asked));
        Ok((value.is_truthy() && value != Value::text("")).then(|| value.into_owned()))
    }
}
