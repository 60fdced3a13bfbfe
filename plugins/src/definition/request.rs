//! Requests as a definition writes them: `get = "/ohlc/{id}?step={timeframe}&limit={limit}"`.

use std::fmt::Write;
use std::sync::Arc;

use marketd_core::{Code, Error, Method, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::context::Asked;
use super::expr::{Context, ContextScope, Expr, Value};
use super::source::{Content, Node, Reader, Result};
use super::template::{Piece, Template};

/// What stays as it is in a path: RFC 3986's `pchar`. A slash in a value is not the path's.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=');

/// What stays as it is in a query.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'@')
    .remove(b'/')
    .remove(b',')
    .remove(b'*');

/// Where requests go: what a path that begins with `/` is put behind, and the hosts that have a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    /// `base-url`
    pub(crate) base: Option<String>,
    /// `[hosts]`: `fapi:/v1/depth` goes to the host named `fapi`.
    pub(crate) named: Vec<(String, String)>,
    /// `[headers]`, sent with every request.
    pub(crate) headers: Vec<(String, String)>,
}

/// What a request may be put behind: the hosts, and the kinds of markets that it is for, from general to particular.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) hosts: Arc<Hosts>,
    pub(crate) kinds: Vec<String>,
}

impl Hosts {
    fn named(&self, name: &str) -> Option<&str> {
        self.named.iter().find(|(known, _)| known == name).map(|(_, host)| host.as_str())
    }
}

impl Target {
    /// The whole URL. A path goes to the host that is named like the most particular of the kinds, else behind `base-url`.
    fn resolve(&self, url: &str) -> std::result::Result<String, String> {
        if url.starts_with("https://") || url.starts_with("http://") {
            return Ok(url.to_owned());
        }
        if url.starts_with('/') {
            let of_kind = self.kinds.iter().rev().find_map(|kind| self.hosts.named(kind));
            let base = of_kind.or(self.hosts.base.as_deref()).ok_or("begins with `/`, but there is no base-url")?;
            return Ok(format!("{base}{url}"));
        }
        let (name, rest) =
            url.split_once(':').ok_or("must begin with `/`, `https://`, or a name of [hosts] and `:`")?;
        match self.hosts.named(name) {
            Some(host) => Ok(format!("{host}{rest}")),
            None => Err(format!("there is no host `{name}` in [hosts]")),
        }
    }
}

/// A request with holes in it.
#[derive(Debug)]
pub(crate) struct RequestTemplate {
    method: Method,
    /// The URL up to the query.
    url: Template,
    parameters: Vec<(String, Template)>,
    body: Option<Body>,
    headers: Vec<(String, String)>,
    weight: Weight,
}

/// What a request costs of the budget.
#[derive(Debug)]
enum Weight {
    Always(u32),
    /// By how much is asked for, up to each count; the last also for more, and for everything.
    UpTo(Vec<(i64, u32)>),
}

/// A JSON body with holes in its texts.
#[derive(Debug)]
enum Body {
    Hole(Template),
    Constant(String),
    List(Vec<Body>),
    Object(Vec<(String, Body)>),
}

impl RequestTemplate {
    /// Reads `get` or `post`, `body` and `weight` out of a table; `None` when it has neither.
    pub(crate) fn read(table: &mut Reader, target: &Target) -> Result<Option<Self>> {
        let (get, post) = (table.optional("get"), table.optional("post"));
        let body = table.optional("body");
        let weight = table.optional("weight").map_or(Ok(Weight::Always(1)), Weight::read)?;
        let (method, node) = match (get, post) {
            (None, None) => return Ok(None),
            (Some(node), None) => (Method::Get, node),
            (None, Some(node)) => (Method::Post, node),
            (Some(_), Some(post)) => return Err(post.place.error("there is `get` already; one of them only")),
        };
        let full = target.resolve(node.text()?).map_err(|problem| node.place.error(problem))?;
        let (url, parameters) = read_url(&full).map_err(|problem| node.place.error(problem))?;
        let body = body.map(|node| Body::read(&node)).transpose()?;
        if let (Some(_), Method::Get) = (&body, method) {
            return Err(table.place().inner("body").error("a GET has no body"));
        }
        Ok(Some(Self { method, url, parameters, body, headers: target.hosts.headers.clone(), weight }))
    }

    /// The request to make.
    ///
    /// # Errors
    /// `NotSupported` when the path needs something that is not known of the market.
    pub(crate) fn fill(&self, asked: &Asked) -> marketd_core::Result<Request> {
        let mut url = String::new();
        for piece in &self.url.pieces {
            match piece {
                Piece::Text(text) => url.push_str(text),
                Piece::Hole(expr) => {
                    let scope = super::expr::Scope::of_context(asked);
                    let text = expr.eval(&scope).string().ok_or_else(|| unknown(expr, asked))?;
                    // A timeframe is the definition's own text, and may hold several segments: `minutes/60`.
                    if expr.code() == "timeframe" {
                        url.push_str(&text);
                    } else {
                        url.extend(utf8_percent_encode(&text, PATH));
                    }
                }
            }
        }
        let mut separator = '?';
        let mut push = |name: &str, text: &str| {
            // Writing to a String cannot fail.
            let _ = write!(url, "{separator}{name}={}", utf8_percent_encode(text, QUERY));
            separator = '&';
        };
        for (name, template) in &self.parameters {
            match template.fill(asked) {
                Value::Json(list) => texts(&list).iter().for_each(|text| push(name, text)),
                value => value.string().into_iter().for_each(|text| push(name, &text)),
            }
        }
        let body = self.body.as_ref().map(|body| body.fill(asked).unwrap_or_else(|| "{}".to_owned()));
        let mut headers = self.headers.clone();
        if self.method == Method::Post {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        Ok(Request { method: self.method, url, headers, body, weight: self.weight.of(asked) })
    }

    /// Every expression in it.
    pub(crate) fn expressions(&self) -> Vec<&Expr> {
        let mut all: Vec<&Expr> = self.url.expressions().collect();
        all.extend(self.parameters.iter().flat_map(|(_, template)| template.expressions()));
        if let Some(body) = &self.body {
            body.expressions(&mut all);
        }
        all
    }
}

impl Weight {
    fn read(node: Node) -> Result<Self> {
        let Content::Table(_) = node.content else { return node.count().map(Self::Always) };
        let mut steps = Vec::new();
        for (count, weight) in node.reader()?.rest() {
            let count = count
                .parse()
                .map_err(|_| weight.place.error("is no count; weights stand by the count they hold up to"))?;
            steps.push((count, weight.count()?));
        }
        steps.sort_unstable();
        Ok(Self::UpTo(steps))
    }

    /// By the `limit` of a question, or by the number of its `ids`.
    fn of(&self, asked: &Asked) -> u32 {
        let steps = match self {
            Self::Always(weight) => return *weight,
            Self::UpTo(steps) => steps,
        };
        let count = match (asked.get(ContextScope::Query, "limit"), asked.get(ContextScope::Query, "ids")) {
            (Value::Null, Value::Json(ids)) => i64::try_from(texts(&ids).len()).ok(),
            (limit, _) => limit.integer(),
        };
        let fitting = steps.iter().find(|(most, _)| count.is_some_and(|count| count <= *most));
        fitting.or(steps.last()).map_or(1, |(_, weight)| *weight)
    }
}

fn unknown(expr: &Expr, asked: &Asked) -> Error {
    let symbol = asked.market().map_or("this market", |market| &market.symbol);
    Error::new(Code::NotSupported, format!("the request needs `{}`, which is not known of {symbol}", expr.code()))
}

/// Splits a URL with holes into its path and its parameters.
fn read_url(url: &str) -> std::result::Result<(Template, Vec<(String, Template)>), String> {
    // A `?` or `&` inside a hole is the expression's.
    let mut depth = 0_usize;
    let mut cuts = Vec::new();
    for (at, byte) in url.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'?' if depth == 0 && cuts.is_empty() => cuts.push(at),
            b'&' if depth == 0 && !cuts.is_empty() => cuts.push(at),
            _ => {}
        }
    }
    let path = Template::parse(&url[..cuts.first().copied().unwrap_or(url.len())])?;
    let mut parameters = Vec::new();
    for (index, start) in cuts.iter().enumerate() {
        let pair = &url[start + 1..cuts.get(index + 1).copied().unwrap_or(url.len())];
        let (name, value) = pair.split_once('=').ok_or_else(|| format!("the parameter `{pair}` has no `=`"))?;
        parameters.push((name.to_owned(), Template::parse(value)?));
    }
    Ok((path, parameters))
}

fn texts(list: &str) -> Vec<String> {
    let elements: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(list).unwrap_or_default();
    elements.iter().filter_map(|raw| Value::from_json(raw.get()).string()).collect()
}

impl Body {
    fn read(node: &Node) -> Result<Self> {
        Ok(match &node.content {
            Content::Text(text) => Self::Hole(Template::parse(text).map_err(|problem| node.place.error(problem))?),
            Content::Number(number) => Self::Constant(number.to_string()),
            Content::Bool(truth) => Self::Constant(truth.to_string()),
            Content::List(list) => Self::List(list.iter().map(Self::read).collect::<Result<_>>()?),
            Content::Table(table) => Self::Object(
                table
                    .clone()
                    .into_entries()
                    .iter()
                    .map(|(key, node)| Ok((key.clone(), Self::read(node)?)))
                    .collect::<Result<_>>()?,
            ),
        })
    }

    /// The JSON; `None` for a hole that stands for nothing.
    fn fill(&self, asked: &Asked) -> Option<String> {
        Some(match self {
            Self::Hole(template) => match template.fill(asked) {
                Value::Null => return None,
                value => value.to_json().into_owned(),
            },
            Self::Constant(json) => json.clone(),
            Self::List(list) => {
                let all: Vec<String> = list.iter().filter_map(|body| body.fill(asked)).collect();
                format!("[{}]", all.join(","))
            }
            Self::Object(entries) => {
                let all = entries.iter().filter_map(|(key, body)| {
                    Some(format!("{}:{}", Value::text(key.as_str()).to_json(), body.fill(asked)?))
                });
                format!("{{{}}}", all.collect::<Vec<_>>().join(","))
            }
        })
    }

    fn expressions<'b>(&'b self, all: &mut Vec<&'b Expr>) {
        match self {
            Self::Hole(template) => all.extend(template.expressions()),
            Self::Constant(_) => {}
            Self::List(list) => list.iter().for_each(|body| body.expressions(all)),
            Self::Object(entries) => entries.iter().for_each(|(_, body)| body.expressions(all)),
        }
    }
}

/// Reads a table of texts, such as `[hosts]` and `[headers]`.
pub(crate) fn read_texts(node: Option<Node>) -> Result<Vec<(String, String)>> {
    let Some(node) = node else { return Ok(Vec::new()) };
    let entries = node.reader()?.rest().into_iter().filter(|(_, node)| !node.is_nothing());
    entries.map(|(key, node)| Ok((key, node.text()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use marketd_core::Market;
    use rstest::rstest;

    use super::*;

    fn request(toml: &str) -> Request {
        let hosts = Hosts {
            base: Some("https://x.test/v1".into()),
            named: vec![("f".into(), "https://f.x.test".into()), ("inverse".into(), "https://i.x.test".into())],
            headers: Vec::new(),
        };
        let mut table = Node::parse("x.toml", toml).expect("TOML").reader().expect("a table");
        let kinds =
            table.optional("kind").map(|kind| vec!["contract".to_owned(), kind.text().expect("a text").to_owned()]);
        let target = Target { hosts: Arc::new(hosts), kinds: kinds.unwrap_or_default() };
        let template = RequestTemplate::read(&mut table, &target).expect("reads").expect("a request");
        let asked = Asked::about(&Arc::new(Market::spot("A/B c", "A", "B")))
            .with("limit", 5)
            .with("timeframe", "minutes/60".to_owned())
            .with("ids", Value::Json("[\"a\",\"b\"]".into()));
        template.fill(&asked).expect("fills")
    }

    #[rstest]
    #[case("get = '/t/{id}'", "https://x.test/v1/t/A%2FB%20c")]
    #[case("get = '/t?s={id}&n={limit}&from={since}'", "https://x.test/v1/t?s=A/B%20c&n=5")]
    #[case("get = '/t'\nkind = 'inverse'", "https://i.x.test/t")]
    #[case("get = '/t'\nkind = 'linear'", "https://x.test/v1/t")]
    #[case("get = 'f:/c/{timeframe}?m=1'", "https://f.x.test/c/minutes/60?m=1")]
    #[case("get = 'https://o.test/{base | ascii_downcase}'", "https://o.test/a")]
    #[case("get = '/t?s={ids}'", "https://x.test/v1/t?s=a&s=b")]
    #[case("get = '/t?s={ids | join(\",\")}'", "https://x.test/v1/t?s=a,b")]
    #[case("get = '/t?s={ids | tojson}'", "https://x.test/v1/t?s=%5B%22a%22,%22b%22%5D")]
    fn a_url_is_filled_and_encoded_and_what_is_not_known_is_left_out(#[case] toml: &str, #[case] url: &str) {
        assert_eq!(request(toml).url, url);
    }

    #[rstest]
    #[case("weight = 7", 7)]
    #[case("weight = { 4 = 1, 10 = 2, 100 = 3 }", 2)]
    #[case("weight = { 1 = 1, 2 = 9 }", 9)]
    fn a_request_weighs_what_its_limit_costs(#[case] weight: &str, #[case] expected: u32) {
        assert_eq!(request(&format!("get = '/t'\n{weight}")).weight, expected);
    }

    #[test]
    fn a_body_keeps_the_types_of_its_values() {
        let request = request(
            "post = '/i'\nbody = { type = 'c', req = { coin = '{base}', n = '{limit}', no = '{since}', k = 1 } }",
        );
        assert_eq!(request.body.as_deref(), Some(r#"{"type":"c","req":{"coin":"A","n":5,"k":1}}"#));
    }
}
