//! The query of a request: read once, and refused when it says what no route understands.

use marketd_core::{Code, Error, nearest};
use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem::{Endpoint, EndpointExt, Request, Response, Result};

use super::problem::Problem;

/// The parameters in the query, decoded.
#[derive(Clone)]
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// The text of that parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_str())
    }

    /// Refuses a parameter that is not among the known ones, such as a mistyped `limt`, and one that is there twice.
    fn check(&self, known: &[String]) -> Result<(), Error> {
        for (at, (name, _)) in self.0.iter().enumerate() {
            if !known.contains(name) {
                let all = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let near = nearest(name, known.iter().map(|known| (known, known)));
                let message = format!("`{name:.60}` is no parameter of this route; known here: {all}");
                return Err(Error::new(Code::BadRequest, message).with_suggestions(near.into_iter().cloned().collect()));
            }
            if self.0[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(Error::new(Code::BadRequest, format!("{name} is there twice, but must be there once")));
            }
        }
        Ok(())
    }
}

/// A route that knows its parameters. It answers GET, and HEAD as GET: the server leaves out the body.
pub(super) struct Checked {
    get: BoxEndpoint<'static>,
    /// `None` is a page, which scripts in it may give any query.
    known: Option<Vec<String>>,
}

impl Checked {
    /// A route with these parameters in its query.
    pub(super) fn new(get: BoxEndpoint<'static>, known: Vec<String>) -> Self {
        Self { get, known: Some(known) }
    }

    /// A page.
    pub(super) fn page(get: impl Endpoint<Output = Response> + 'static) -> Self {
        Self { get: get.boxed(), known: None }
    }
}

impl Endpoint for Checked {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        if request.method() != Method::GET {
            if request.method() != Method::HEAD {
                return Err(poem::error::MethodNotAllowedError.into());
            }
            request.set_method(Method::GET);
        }
        if let Some(known) = &self.known
            && request.uri().query().is_some_and(|query| !query.is_empty())
        {
            let pairs = Pairs(request.params()?);
            pairs.check(known).map_err(Problem::from)?;
            request.set_data(pairs);
        }
        self.get.call(request).await
    }
}
