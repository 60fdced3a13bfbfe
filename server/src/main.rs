//! The binary: reads the configuration, gathers the exchanges, and serves until it is told to stop; or runs a tool.

use std::error::Error;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use futures_util::{Stream, stream};
use marketd::Server;
use marketd::config::{Config, Inputs, Loaded};
use marketd::registry::Registry;
use marketd::reload::{Reloader, Watch};
use marketd::service::Service;
use marketd::tools::Verdict;
use marketd_plugins::built_in;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};

mod cli;

#[tokio::main]
async fn main() -> ExitCode {
    let (command, inputs) = Cli::parse().into_parts();
    // The tools say everything themselves.
    start_log(if matches!(command, Command::Serve) { "info,poem=warn" } else { "off" });
    match run(command, &inputs).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("marketd: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all went well.
async fn run(command: Command, inputs: &Inputs) -> Verdict {
    let config = || Loaded::read(inputs).map(|loaded| loaded.config);
    match command {
        Command::Serve => serve(Loaded::read(inputs)?).await.map(|()| true),
        Command::NewExchange(new) => new.run(&mut io::stdout()),
        Command::Check(check) if check.names_paths() => check.run(&Config::default().plugins, &mut io::stdout()),
        Command::Check(check) => check.run(&config()?.plugins, &mut io::stdout()),
        Command::Try(one) => one.run(config()?, io::stdout()).await,
    }
}

async fn serve(loaded: Loaded) -> Result<(), Box<dyn Error>> {
    let plugins = &loaded.config.plugins;
    let watch = Watch::begin(plugins);
    let mut registry = Registry::new(built_in::all(marketd::now)?, plugins.clone());
    let exchanges = registry.gather()?;
    match loaded.check_exchanges(exchanges.ids()) {
        // What is missing may be what a broken file should have defined, and that stops nobody.
        Err(error) if exchanges.has_failures() => tracing::warn!("{error}"),
        checked => checked?,
    }
    let service = Arc::new(Service::new(exchanges, &loaded.config)?);
    let exchanges = service.exchanges().len();
    let reloader = Reloader::new(registry, Arc::clone(&service), watch);
    let server = Server::bind(loaded.config, service).await?;
    let address = server.address();
    let stop = stop_signal()?;
    tokio::spawn(reloader.run(reload_signals()?));
    tracing::info!("listening on http://{address} for {exchanges} exchanges; documentation at http://{address}/docs");
    server.run(stop).await?;
    tracing::info!("stopped");
    Ok(())
}

/// Ctrl-C or, as service managers send it, SIGTERM. From the call on, neither ends the process by itself.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: running requests may end");
    })
}

/// SIGHUP, as often as it comes.
#[cfg(unix)]
fn reload_signals() -> io::Result<impl Stream<Item = ()> + Unpin> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(stream::poll_fn(move |context| hangup.poll_recv(context)))
}

#[cfg(not(unix))]
fn reload_signals() -> io::Result<impl Stream<Item = ()> + Unpin> {
    Ok(stream::pending())
}

#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a handler the system ends the process, which is what the signal is for.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        tracing::info!("stopping: running requests may end");
    })
}

fn start_log(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
}
