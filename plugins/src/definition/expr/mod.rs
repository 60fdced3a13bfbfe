//! Expressions: where a value stands in an answer, in jq's syntax.
//!
//! Plain ones (paths, `//`, comparisons, and the closed set of [`functions`]) are compiled and read the answer's bytes directly;
//! anything more is run by jaq. Both know these variables: `$row` (the row, also behind a pipe), `$doc` (the whole answer), the
//! names of other answers, `$market` and `$query`.

mod functions;
mod jaq;
mod path;
mod rows;
mod syntax;
mod value;

use std::cell::OnceCell;

use jaq_json::Val;
use marketd_core::Decimal;

pub(crate) use jaq::{Jaq, from_val, parse_json};
pub(crate) use path::{RowStep, Shape, Slots, Step, each_row};
pub(crate) use rows::{code_of, row_steps};
pub(crate) use value::Value;

use functions::Function;
use syntax::{Ast, Relation};

/// What `$market` and `$query` say, by name.
pub(crate) trait Context {
    /// The value of `$market.name` or `$query.name`; in templates a bare `name` is either.
    fn get(&self, scope: ContextScope, name: &str) -> Value<'_>;
    /// All of it as JSON, for jaq.
    fn json(&self, scope: ContextScope) -> String;
}

/// Which part of the context is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContextScope {
    Market,
    Query,
    Either,
}

impl ContextScope {
    /// The part that a variable names.
    pub(crate) fn of(variable: &str) -> Option<Self> {
        match variable {
            "market" => Some(Self::Market),
            "query" => Some(Self::Query),
            _ => None,
        }
    }
}

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Expr {
    code: Box<str>,
    node: Node,
}

#[derive(Debug)]
enum Node {
    Literal(Value<'static>),
    /// What was picked into a slot of a document; 0 is the row.
    Slot {
        document: usize,
        slot: usize,
    },
    Context {
        scope: ContextScope,
        name: String,
    },
    Alternative(Box<Node>, Box<Node>),
    Compare {
        left: Box<Node>,
        right: Box<Node>,
        relation: Relation,
    },
    Inside {
        input: Box<Node>,
        shape: Shape,
    },
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Call {
        function: &'static Function,
        input: Box<Node>,
        args: Vec<Node>,
    },
    Jaq {
        program: Jaq,
        row: usize,
        documents: Vec<Option<(usize, usize)>>,
    },
}

/// What expressions pick out of the documents that they read: the row, the whole answer, and the other answers.
#[derive(Debug)]
pub(crate) struct Picks {
    /// Names as variables: `row`, `doc`, then the other answers.
    names: Vec<String>,
    shapes: Vec<(Shape, usize)>,
}

impl Picks {
    /// Picks nothing yet; `others` names the answers that were asked for beside the main one.
    pub(crate) fn new<'n>(others: impl IntoIterator<Item = &'n str>) -> Self {
        let names: Vec<String> = ["row", "doc"].into_iter().chain(others).map(str::to_owned).collect();
        let shapes = names.iter().map(|_| (Shape::default(), 0)).collect();
        Self { names, shapes }
    }

    /// What is picked out of a document, and how many slots that takes.
    pub(crate) fn shape(&self, document: usize) -> (&Shape, usize) {
        let (shape, count) = &self.shapes[document];
        (shape, *count)
    }

    fn add(&mut self, document: usize, steps: &[Step]) -> usize {
        let (shape, next) = &mut self.shapes[document];
        shape.add(steps, next)
    }

    /// Picks something of the row whatever expressions read.
    pub(crate) fn add_to_row(&mut self, steps: &[Step]) -> usize {
        self.add(0, steps)
    }

    /// Which document a variable is, if it is one.
    pub(crate) fn document(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// The variables that jaq programs may use.
    pub(crate) fn variables(&self) -> Vec<String> {
        self.names.iter().map(String::as_str).chain(["market", "query"]).map(str::to_owned).collect()
    }
}

impl Expr {
    /// Compiles an expression, and has what it reads picked.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub(crate) fn compile(code: &str, picks: &mut Picks) -> Result<Self, String> {
        let node = match syntax::parse(code, false) {
            Some(ast) => resolve(ast, picks)?,
            None => {
                let program = Jaq::parse(code, &picks.variables())?;
                let row = picks.add(0, &[]);
                let documents = program.variables().iter().map(|name| {
                    let document = picks.document(name)?;
                    Some((document, picks.add(document, &[])))
                });
                let documents = documents.collect::<Vec<_>>();
                Node::Jaq { program, row, documents }
            }
        };
        Ok(Self { code: code.into(), node })
    }

    /// Compiles an expression of a request template, in which bare words are variables of the context.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub(crate) fn template(code: &str) -> Result<Self, String> {
        let mut none = Picks { names: Vec::new(), shapes: Vec::new() };
        let node = match syntax::parse(code, true) {
            Some(ast) => resolve_names(ast, &mut none)?,
            None => {
                let variables = ["market", "query"].map(str::to_owned);
                Node::Jaq { program: Jaq::parse(code, &variables)?, row: 0, documents: vec![None; 2] }
            }
        };
        Ok(Self { code: code.into(), node })
    }

    /// The expression's text.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// Whether it is compiled rather than left to jaq.
    pub(crate) fn is_plain(&self) -> bool {
        !matches!(self.node, Node::Jaq { .. })
    }

    /// Compiles what was left to jaq, which finds names that do not exist.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        match &self.node {
            Node::Jaq { program, .. } => program.check(),
            _ => Ok(()),
        }
    }

    /// The number that the expression stands for; as [`Expr::eval`], but without a detour for a plain path to a plain number.
    pub(crate) fn decimal(&self, scope: &Scope<'_, '_>) -> Option<Decimal> {
        if let Node::Slot { document, slot } = &self.node {
            let json = scope.slot(*document, *slot)?;
            let text = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(json);
            if let Some(number) = Decimal::parse(text) {
                return Some(number);
            }
        }
        self.eval(scope).decimal()
    }

    /// The value that the expression stands for.
    pub(crate) fn eval<'a>(&'a self, scope: &Scope<'a, '_>) -> Value<'a> {
        self.node.eval(scope)
    }
}

fn resolve(ast: Ast, picks: &mut Picks) -> Result<Node, String> {
    let resolve_path = |base: Option<String>, steps: &[Step], picks: &mut Picks| {
        let base = base.unwrap_or_else(|| "row".to_owned());
        if let Some(scope) = ContextScope::of(&base) {
            let Some((Step::Key(name), further)) = steps.split_first() else {
                return Err(format!("${base} wants a name, as in ${base}.base"));
            };
            let context = Node::Context { scope, name: name.to_string() };
            if further.is_empty() {
                return Ok(context);
            }
            let mut shape = Shape::default();
            shape.add(further, &mut 0);
            return Ok(Node::Inside { input: Box::new(context), shape });
        }
        let Some(document) = picks.document(&base) else {
            return Err(format!("there is no variable `${base}`; there are ${}", picks.variables().join(", $")));
        };
        Ok(Node::Slot { document, slot: picks.add(document, steps) })
    };
    build(ast, picks, &resolve_path)
}

fn resolve_names(ast: Ast, picks: &mut Picks) -> Result<Node, String> {
    build(ast, picks, &|base: Option<String>, steps: &[Step], _: &mut Picks| {
        let base = base.ok_or("a path has no meaning here; name a variable, as in {id}")?;
        match (ContextScope::of(&base), steps) {
            (Some(scope), [Step::Key(name)]) => Ok(Node::Context { scope, name: name.to_string() }),
            (None, []) => Ok(Node::Context { scope: ContextScope::Either, name: base }),
            _ => Err(format!("`{base}` has nothing inside")),
        }
    })
}

type ResolvePath<'r> = &'r dyn Fn(Option<String>, &[Step], &mut Picks) -> Result<Node, String>;

fn build(ast: Ast, picks: &mut Picks, path: ResolvePath<'_>) -> Result<Node, String> {
    let mut inner = |ast: Box<Ast>| build(*ast, picks, path).map(Box::new);
    Ok(match ast {
        Ast::Literal(value) => Node::Literal(value),
        Ast::Path { base, steps } => path(base, &steps, picks)?,
        Ast::Alternative(a, b) => Node::Alternative(inner(a)?, inner(b)?),
        Ast::Compare { left, right, relation } => Node::Compare { left: inner(left)?, right: inner(right)?, relation },
        Ast::Inside { input, steps } => {
            let mut shape = Shape::default();
            shape.add(&steps, &mut 0);
            Node::Inside { input: inner(input)?, shape }
        }
        Ast::And(a, b) => Node::And(inner(a)?, inner(b)?),
        Ast::Or(a, b) => Node::Or(inner(a)?, inner(b)?),
        Ast::Call { function, input, args } => {
            let input = inner(input)?;
            let args = args.into_iter().map(|arg| build(arg, picks, path)).collect::<Result<_, _>>()?;
            Node::Call { function, input, args }
        }
    })
}

/// What expressions are evaluated on.
pub(crate) struct Scope<'a, 's> {
    /// What was picked out of the row; `None` for templates, which have no row.
    row: Option<&'s Slots<'a>>,
    /// What was picked out of the whole answers.
    documents: &'s [Slots<'a>],
    context: &'a dyn Context,
    /// The row for jaq, parsed once for all programs that read it.
    parsed: OnceCell<Val>,
}

impl<'a, 's> Scope<'a, 's> {
    /// On what was picked out of a row and the documents.
    pub(crate) fn new(row: &'s Slots<'a>, documents: &'s [Slots<'a>], context: &'a dyn Context) -> Self {
        Self { row: Some(row), documents, context, parsed: OnceCell::new() }
    }

    /// On the context alone, as templates are.
    pub(crate) fn of_context(context: &'a dyn Context) -> Self {
        Self { row: None, documents: &[], context, parsed: OnceCell::new() }
    }

    /// On the same row and documents, in another context.
    pub(crate) fn with_context<'b>(&self, context: &'b dyn Context) -> Scope<'b, 's>
    where
        'a: 'b,
    {
        Scope { row: self.row, documents: self.documents, context, parsed: self.parsed.clone() }
    }

    /// Whether anything was picked out of the row, be it null.
    pub(crate) fn has_row(&self) -> bool {
        self.row.is_some_and(|slots| slots.iter().any(Option::is_some))
    }

    fn slot(&self, document: usize, slot: usize) -> Option<&'a str> {
        let slots = if document == 0 { self.row } else { self.documents.get(document - 1) };
        slots?.get(slot).copied().flatten()
    }
}

impl Node {
    fn eval<'a>(&'a self, scope: &Scope<'a, '_>) -> Value<'a> {
        match self {
            Self::Literal(value) => value.clone(),
            Self::Slot { document, slot } => scope.slot(*document, *slot).map_or(Value::Null, Value::from_json),
            Self::Context { scope: part, name } => scope.context.get(*part, name),
            Self::Alternative(a, b) => Some(a.eval(scope)).filter(Value::is_truthy).unwrap_or_else(|| b.eval(scope)),
            Self::Compare { left, right, relation } => compare(&left.eval(scope), &right.eval(scope), *relation).into(),
            Self::Inside { input, shape } => inside(&input.eval(scope), shape),
            Self::And(a, b) => (a.eval(scope).is_truthy() && b.eval(scope).is_truthy()).into(),
            Self::Or(a, b) => (a.eval(scope).is_truthy() || b.eval(scope).is_truthy()).into(),
            Self::Call { function, input, args } => match args.as_slice() {
                [] => (function.apply)(input.eval(scope), &[]),
                [arg] => (function.apply)(input.eval(scope), &[arg.eval(scope)]),
                args => {
                    let args: Vec<_> = args.iter().map(|arg| arg.eval(scope)).collect();
                    (function.apply)(input.eval(scope), &args)
                }
            },
            Self::Jaq { program, row, documents } => run(program, *row, documents, scope),
        }
    }
}

/// Runs a program on the row; what fails leads nowhere, as a path does.
fn run<'a>(program: &Jaq, row: usize, documents: &[Option<(usize, usize)>], scope: &Scope<'a, '_>) -> Value<'a> {
    let parse = |json: Option<&str>| json.and_then(|json| parse_json(json).ok()).unwrap_or_default();
    let input = scope.parsed.get_or_init(|| match scope.row {
        Some(_) => parse(scope.slot(0, row)),
        None => parse(Some(&scope.context.json(ContextScope::Either))),
    });
    let variables =
        program.variables().iter().zip(documents).map(|(name, document)| match (document, ContextScope::of(name)) {
            (Some((0, _)), _) => input.clone(),
            (Some((document, slot)), _) => parse(scope.slot(*document, *slot)),
            (None, Some(part)) => parse(Some(&scope.context.json(part))),
            (None, None) => Val::Null,
        });
    let results = program.run(input.clone(), variables.collect()).unwrap_or_default();
    results.first().map_or(Value::Null, from_val)
}

/// What stands inside a value; nothing where it is no array or object.
fn inside<'a>(value: &Value<'_>, shape: &Shape) -> Value<'a> {
    let Value::Json(json) = value else { return Value::Null };
    let mut slots = vec![None];
    match shape.pick(json, &mut slots) {
        Ok(()) => slots[0].map_or(Value::Null, |json| Value::from_json(json).into_owned()),
        Err(_) => Value::Null,
    }
}

/// Compares as jq does: numbers by value, texts by their letters, and different kinds in jq's order of kinds.
fn compare(a: &Value<'_>, b: &Value<'_>, relation: Relation) -> bool {
    let is_number = |value: &Value<'_>| matches!(value, Value::Integer(_) | Value::Number(_));
    let order = match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        _ if is_number(a) && is_number(b) => match (a.decimal(), b.decimal()) {
            (Some(a), Some(b)) => a.compare(&b),
            _ => return false,
        },
        _ => jaq::to_val(a).cmp(&jaq::to_val(b)),
    };
    match relation {
        Relation::Equal => order.is_eq(),
        Relation::NotEqual => order.is_ne(),
        Relation::Less => order.is_lt(),
        Relation::LessOrEqual => order.is_le(),
        Relation::Greater => order.is_gt(),
        Relation::GreaterOrEqual => order.is_ge(),
    }
}
