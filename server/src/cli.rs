//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use marketd::config::Inputs;
use marketd::tools::{Check, NewExchange, Try};

/// One self-hosted server for the market data of every crypto exchange, over REST and WebSocket.
#[derive(Debug, Parser)]
#[command(name = "marketd", version)]
pub(crate) struct Cli {
    /// What to do; `serve` when left out
    #[command(subcommand)]
    command: Option<Command>,

    /// The configuration; `config.toml` in the working directory, if there is one, when left out
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Sets any key of the configuration, as in `--set server.port=8001`; can be there many times
    #[arg(long, global = true, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serves until it is stopped
    Serve,
    NewExchange(NewExchange),
    Check(Check),
    Try(Try),
}

impl Cli {
    /// What to do, and where the configuration comes from, the environment included.
    pub(crate) fn into_parts(self) -> (Command, Inputs) {
        let env =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let inputs = Inputs { file: self.config, env: env.collect(), set: self.set };
        (self.command.unwrap_or(Command::Serve), inputs)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_command_it_serves() {
        let (command, _) = Cli::try_parse_from(["marketd"]).expect("parses").into_parts();
        assert!(matches!(command, Command::Serve));
    }

    #[test]
    fn a_question_that_there_is_not_names_those_that_there_are() {
        let error = Cli::try_parse_from(["marketd", "try", "demo", "tikcer"]).expect_err("refused").to_string();
        assert!(error.contains("must be one of markets, ticker, tickers, candles, orderbook, trades"), "{error}");
    }

    #[test]
    fn settings_may_stand_before_and_after_the_command() {
        let before = Cli::try_parse_from(["marketd", "--set", "a.b=1", "serve", "--config", "x.toml"]).expect("parses");
        assert_eq!(before.set, ["a.b=1"]);
        assert_eq!(before.config, Some(PathBuf::from("x.toml")));
    }
}
