//! What plain paths cannot say, evaluated by jaq.

use std::fmt;
use std::sync::OnceLock;

use jaq_core::data::JustLut;
use jaq_core::load::{self, Arena, File, Loader};
use jaq_core::native::{bome, v};
use jaq_core::{Compiler, Ctx, Cv, Native, RunPtr, ValXs, Vars};
use jaq_json::{Val, read};

use super::functions::{FUNCTIONS, is_jq};
use super::value::Value;

type Data = JustLut<Val>;
type Filter = jaq_core::Filter<Data>;

/// What a program must not use: its environment, other inputs, the process, and whatever has no bound on its time.
const FORBIDDEN: [&str; 19] = [
    "def",
    "range",
    "repeat",
    "recurse",
    "recurse_down",
    "while",
    "until",
    "limit",
    "input",
    "inputs",
    "input_filename",
    "env",
    "now",
    "localtime",
    "strflocaltime",
    "halt",
    "halt_error",
    "debug",
    "stderr",
];

/// What jq has and jaq has not: rows by a key, for joins.
const PRELUDE: &str = "def INDEX(f): map({key: (f | tostring), value: .}) | from_entries;";

/// How deep arrays and objects may be nested before jaq sees them: it parses and drops recursively.
const MAX_DEPTH: usize = 128;

/// How many results a program may give for one input.
const MAX_RESULTS: usize = 200_000;

/// A jq program. Its syntax is checked when it is read; it is compiled when it is first needed.
pub(crate) struct Jaq {
    code: Box<str>,
    /// The variables it is given, in their order, without `$`.
    variables: Vec<String>,
    filter: OnceLock<Result<Filter, String>>,
}

impl Jaq {
    /// Reads a program that may use these variables.
    ///
    /// # Errors
    /// A sentence about wrong syntax or a forbidden word.
    pub(crate) fn parse(code: &str, variables: &[String]) -> Result<Self, String> {
        if let Some(word) = words(code).find(|word| FORBIDDEN.contains(word)) {
            return Err(format!("`{word}` is not available in definitions"));
        }
        // Words that the program does not mention need not be given values.
        let variables = variables.iter().filter(|name| mentions(code, name)).cloned().collect();
        let jaq = Self { code: code.into(), variables, filter: OnceLock::new() };
        if load::parse(code, |parser| parser.term()).is_none() {
            // Compiling says where the syntax is wrong, which the quick look does not.
            jaq.check()?;
            return Err("wrong jq syntax".to_owned());
        }
        Ok(jaq)
    }

    /// The program's text.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// The variables that the program mentions, without `$`.
    pub(crate) fn variables(&self) -> &[String] {
        &self.variables
    }

    /// Compiles the program, which finds names that do not exist.
    ///
    /// # Errors
    /// A sentence about what is wrong.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.compiled().map(|_| ())
    }

    /// Runs the program and hands on each result as JSON text.
    ///
    /// # Errors
    /// What the program failed with, cut to a line.
    pub(crate) fn run(&self, input: Val, variables: Vec<Val>) -> Result<Vec<Val>, String> {
        let filter = self.compiled()?;
        let ctx = Ctx::<Data>::new(&filter.lut, Vars::new(variables));
        let mut results = Vec::new();
        for result in filter.id.run((ctx, input)) {
            match result {
                Ok(value) if results.len() < MAX_RESULTS => results.push(value),
                Ok(_) => return Err(format!("more than {MAX_RESULTS} results")),
                Err(error) => {
                    let text = error.get_err().map_or_else(|_| "it ended early".to_owned(), |error| error.to_string());
                    return Err(text.chars().take(120).collect());
                }
            }
        }
        Ok(results)
    }

    fn compiled(&self) -> Result<&Filter, String> {
        self.filter.get_or_init(|| compile(&self.code, &self.variables)).as_ref().map_err(Clone::clone)
    }
}

/// Reads JSON for a program to work on.
///
/// # Errors
/// A sentence about what is no JSON, or nested too deep.
pub(crate) fn parse_json(json: &str) -> Result<Val, String> {
    if depth(json) > MAX_DEPTH {
        return Err(format!("nested more than {MAX_DEPTH} deep"));
    }
    read::parse_single(json.as_bytes()).map_err(|error| error.to_string())
}

/// A value as jaq has it.
pub(crate) fn to_val(value: &Value<'_>) -> Val {
    match value {
        Value::Null => Val::Null,
        Value::Bool(truth) => Val::Bool(*truth),
        Value::Text(text) => Val::from(text.clone().into_owned()),
        other => parse_json(&other.to_json()).unwrap_or_default(),
    }
}

/// A value of jaq as ours.
pub(crate) fn from_val(value: &Val) -> Value<'static> {
    Value::from_json(&value.to_string()).into_owned()
}

fn compile(code: &str, variables: &[String]) -> Result<Filter, String> {
    let arena = Arena::default();
    let ours = load::parse(PRELUDE, |parser| parser.defs()).unwrap_or_default();
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs()).chain(ours);
    let modules = Loader::new(defs).load(&arena, File { code, path: () }).map_err(|errors| load_error(&errors))?;
    let globals: Vec<String> = variables.iter().map(|name| format!("${name}")).collect();
    let ours = FUNCTIONS.iter().zip(natives()).filter(|(function, _)| !is_jq(function.name));
    let ours = ours.map(|(function, run)| (function.name, v(function.arity), Native::<Data>::new(run)));
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs()).chain(ours);
    Compiler::default().with_funs(funs).with_global_vars(globals.iter().map(String::as_str)).compile(modules).map_err(
        |errors| {
            let names = errors
                .iter()
                .flat_map(|(_, undefined)| undefined)
                .map(|(name, kind)| format!("there is no {} `{name}`", kind.as_str()));
            names.collect::<Vec<_>>().join(", ")
        },
    )
}

fn load_error(errors: &load::Errors<&str, ()>) -> String {
    let rest = |text: &str| if text.is_empty() { "the end".to_owned() } else { format!("`{text:.30}`") };
    let mut sentences = errors.iter().flat_map(|(_, error)| match error {
        load::Error::Io(errors) => errors.iter().map(|(_, error)| error.clone()).collect::<Vec<_>>(),
        load::Error::Lex(errors) => {
            errors.iter().map(|(expected, at)| format!("expected {} at {}", expected.as_str(), rest(at))).collect()
        }
        load::Error::Parse(errors) => {
            errors.iter().map(|(expected, at)| format!("expected {} at {}", expected.as_str(), rest(at))).collect()
        }
    });
    format!("wrong jq syntax: {}", sentences.next().unwrap_or_default())
}

/// The run pointers of [`FUNCTIONS`], in their order. jaq takes plain function pointers, so each is its own instance.
fn natives() -> impl Iterator<Item = RunPtr<Data>> {
    fn call<'a, const AT: usize>(mut cv: Cv<'a, Data>) -> ValXs<'a, Val> {
        let function = &FUNCTIONS[AT];
        // The last argument is on top.
        let mut args: Vec<Val> = (0..function.arity).map(|_| cv.0.pop_var()).collect();
        args.reverse();
        let args: Vec<Value<'_>> = args.iter().map(from_val).collect();
        bome(Ok(to_val(&(function.apply)(from_val(&cv.1), &args))))
    }
    macro_rules! table {
        ($($at:literal)*) => { [$(call::<$at> as RunPtr<Data>),*] };
    }
    const TABLE: [RunPtr<Data>; 33] =
        table!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32);
    TABLE.into_iter()
}

/// The words of a program that may call something: outside of string literals, and no field's or variable's name.
fn words(code: &str) -> impl Iterator<Item = &str> {
    let mut in_string = false;
    let mut escaped = false;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let pieces = code.split(move |c: char| {
        let inside = in_string;
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ => {}
        }
        inside || !is_word(c)
    });
    pieces.filter(move |word| {
        let start = word.as_ptr() as usize - code.as_ptr() as usize;
        !word.is_empty() && !code[..start].ends_with(['.', '$'])
    })
}

fn mentions(code: &str, variable: &str) -> bool {
    code.match_indices('$').any(|(at, _)| {
        let name = &code[at + 1..];
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
        &name[..end] == variable
    })
}

/// How deep the brackets of a JSON text are nested.
fn depth(json: &str) -> usize {
    let (mut now, mut most, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' if !in_string => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

impl fmt::Debug for Jaq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Jaq").field(&self.code).finish()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn run(code: &str, input: &str) -> Result<Vec<String>, String> {
        let results = Jaq::parse(code, &[])?.run(parse_json(input)?, Vec::new())?;
        Ok(results.iter().map(ToString::to_string).collect())
    }

    #[rstest]
    #[case("[.a, .b] | transpose[]", r#"{"a":[1,2],"b":["1.50",4]}"#, &[r#"[1,"1.50"]"#, "[2,4]"])]
    #[case(".a[] | select(.k == \"x\") | .v | times(2)", r#"{"a":[{"k":"y"},{"k":"x","v":"0.10"}]}"#, &["0.2"])]
    #[case("INDEX(.k)", r#"[{"k":"a","v":1}]"#, &[r#"{"a":{"k":"a","v":1}}"#])]
    #[case(".until // .now", r#"{"now":1}"#, &["1"])]
    #[case(".a", r#"{"a":1.10}"#, &["1.10"])]
    #[case("\"def range\"", "null", &["\"def range\""])]
    fn programs_have_jqs_functions_and_ours_and_keep_the_digits(
        #[case] code: &str,
        #[case] input: &str,
        #[case] results: &[&str],
    ) {
        assert_eq!(run(code, input).expect("runs"), results);
    }

    #[rstest]
    fn what_has_no_bound_or_looks_outside_is_refused(
        #[values("def f: f; f", "[range(9)]", "[.[] | env]", "input", "now", "last(repeat(1))", "halt", "[recurse]")]
        code: &str,
    ) {
        assert!(run(code, "[]").expect_err("refused").contains("not available"));
    }

    #[rstest]
    #[case(".a |", "wrong jq syntax")]
    #[case(".a | nope", "no filter `nope`")]
    fn what_is_wrong_is_said(#[case] code: &str, #[case] said: &str) {
        let problem = Jaq::parse(code, &[]).and_then(|jaq| jaq.check()).expect_err("refused");
        assert!(problem.contains(said), "{problem}");
    }

    #[test]
    fn deep_nesting_is_an_error_rather_than_the_end_of_the_process() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(run(".", &deep).expect_err("refused").contains("deep"));
    }
}
