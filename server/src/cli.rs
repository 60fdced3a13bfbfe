//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use marketd::config::Inputs;

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
enum Command {
    /// Serves until it is stopped
    Serve,
}

impl Cli {
    /// Where the configuration comes from, the environment included.
    pub(crate) fn into_inputs(self) -> Inputs {
        match self.command.unwrap_or(Command::Serve) {
            Command::Serve => {}
        }
        let env =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Inputs { file: self.config, env: env.collect(), set: self.set }
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
    fn settings_may_stand_before_and_after_the_command() {
        let before = Cli::try_parse_from(["marketd", "--set", "a.b=1", "serve", "--config", "x.toml"]).expect("parses");
        assert_eq!(before.set, ["a.b=1"]);
        assert_eq!(before.config, Some(PathBuf::from("x.toml")));
    }
}
