//! How an adapter did.

use std::fmt;

/// How an adapter did in every case of its exchange.
///
/// Its `Display` is that of `conform.py`: the score, and the first differences of the first 3 failures. A precision shows
/// that many failures (`{report:.20}`), and `#` every difference of each.
#[derive(Debug)]
pub struct Report {
    /// The id of the exchange.
    pub exchange: String,
    /// One for every case.
    pub outcomes: Vec<Outcome>,
}

/// How one case went.
#[derive(Debug)]
pub struct Outcome {
    /// The question: `candles BTC/USDT 1h`.
    pub label: String,
    /// `error` where one was expected, else the name of the question.
    pub kind: &'static str,
    /// What was wrong, one line each; nothing when the case passed.
    pub differences: Vec<String>,
    /// The requests that the world had no route for.
    pub unmatched: Vec<String>,
    /// Whether the adapter asked for what ccxt asks; `None` where ccxt asks nothing. Counts in no total.
    pub same_request: Option<bool>,
}

impl Outcome {
    /// Whether the case passed.
    pub fn is_pass(&self) -> bool {
        self.differences.is_empty()
    }
}

impl Report {
    /// How many cases passed.
    pub fn passed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.is_pass()).count()
    }

    /// Whether every case passed, and there was one.
    pub fn is_whole(&self) -> bool {
        !self.outcomes.is_empty() && self.passed() == self.outcomes.len()
    }

    /// How many cases asked for what ccxt asks, of those in which it asks.
    pub fn same_requests(&self) -> (usize, usize) {
        let told = || self.outcomes.iter().filter_map(|outcome| outcome.same_request);
        (told().filter(|same| *same).count(), told().count())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, total) = (self.passed(), self.outcomes.len());
        let (same, asked) = self.same_requests();
        let all = if self.is_whole() { "all" } else { "" };
        writeln!(f, "{:24} {passed:3}/{total:<3} {all:4}requests as ccxt asks {same}/{asked}", self.exchange)?;
        let failures = self.outcomes.iter().filter(|outcome| !outcome.is_pass());
        for outcome in failures.take(f.precision().unwrap_or(3)) {
            let shown = if f.alternate() { outcome.differences.len() } else { 1 };
            let more = outcome.differences.len() - shown.min(outcome.differences.len());
            for difference in outcome.differences.iter().take(shown) {
                writeln!(f, "    {}: {difference}", outcome.label)?;
            }
            if more > 0 {
                writeln!(f, "        and {more} more")?;
            }
            for request in &outcome.unmatched {
                writeln!(f, "        no route for {request}")?;
            }
        }
        Ok(())
    }
}
