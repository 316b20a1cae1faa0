//! Log lines go to standard error, so that standard output holds only the result.
//!
//! A separate thread writes them, so that a stopped terminal or a pipe without a reader does not
//! delay any machine. Lines that it cannot keep up with are dropped.

use std::io::IsTerminal;

use clap::ValueEnum;
use longshore_server::trace::TARGET;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use crate::args::{Args, Command};

/// Maximum number of log lines waiting to be written. Chosen by us: some seconds' worth of a busy
/// master, in a few MiB.
const LINES_WAITING_MAX: usize = 16_384;

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
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| default_filter(args).into());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match args.log_format {
        LogFormat::Text => {
            lines.with_ansi(std::io::stderr().is_terminal()).with_target(false).init();
        }
        LogFormat::Json => lines.json().flatten_event(true).init(),
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
