//! Log lines go to standard error, so that standard output holds only the result.
//!
//! A separate thread writes them, so that a stopped terminal or a pipe without a reader does not
//! delay any machine. Lines that it cannot keep up with are dropped.

use std::io::IsTerminal;

use clap::ValueEnum;
use longshore_server::log_level_by;
use longshore_server::trace::TARGET;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::args::{Args, Command};

/// Maximum number of log lines waiting to be written. Chosen by us: some seconds' worth of a busy
/// master, in a few MiB.
const LINES_WAITING_MAX: usize = 16_384;

/// What is logged at level 1 and above, as an operator of the master may ask for a while.
const MORE: &str = "info,longshore_server=debug,longshore_client=debug,longshore_agent=debug";
const MOST: &str = "debug,longshore_server=trace,longshore_client=trace,longshore_agent=trace";

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON document per line
    Json,
}

/// Starts logging. Waiting lines are written when the guard is dropped.
pub(crate) fn start(args: &Args) -> WorkerGuard {
    let (writer, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(LINES_WAITING_MAX)
        .lossy(true)
        .thread_name("log")
        .finish(std::io::stderr());
    let given = std::env::var(EnvFilter::DEFAULT_ENV).ok();
    let default = default_filter(args);
    let filter = move || {
        let own = given.as_deref().and_then(|given| EnvFilter::try_new(given).ok());
        own.unwrap_or_else(|| default.clone().into())
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter()).with_writer(writer);
    let at = move |level: u32| match level {
        0 => filter(),
        1 => EnvFilter::new(MORE),
        _ => EnvFilter::new(MOST),
    };
    match args.log_format {
        LogFormat::Text => {
            let lines = lines.with_ansi(std::io::stderr().is_terminal()).with_target(false);
            let lines = lines.with_filter_reloading();
            let handle = lines.reload_handle();
            lines.init();
            // It fails only if there is no log any more.
            log_level_by(move |level| drop(handle.reload(at(level))));
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_filter_reloading();
            let handle = lines.reload_handle();
            lines.init();
            log_level_by(move |level| drop(handle.reload(at(level))));
        }
    }
    guard
}

/// The default filter if `RUST_LOG` is not set: servers log events, other commands only problems.
fn default_filter(args: &Args) -> String {
    if args.verbose {
        return "info,longshore_server=debug".to_owned();
    }
    // Missing credentials are reported once, in our own words.
    let quiet = "warn,aws_config=off";
    match args.command {
        Command::Dev(_) | Command::Serve(_) => format!("{quiet},{TARGET}=info"),
        _ => quiet.to_owned(),
    }
}
