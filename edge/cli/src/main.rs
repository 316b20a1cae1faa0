//! `longshore`: Apache Mesos frameworks, unmodified, on Amazon ECS.
//!
//! This is the only crate that reads flags and environment variables, prints, and exits the
//! process. Exit codes: 0 success, 1 failure (the message says why), 2 invalid command line, 3 the
//! requested object does not exist.
#![forbid(unsafe_code)]

mod args;
mod blox;
mod chronos;
mod cluster;
mod data_dir;
mod demo;
mod dev;
mod events;
mod explain;
mod feed;
mod fetch;
mod find;
mod hints;
mod instance_group;
mod libmesos;
mod list;
mod local;
mod logging;
mod logs;
mod marathon;
mod master;
mod mesos;
mod other_words;
mod output;
mod rehearse;
mod scale;
mod serve;
mod tasks;
mod terminal;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Args, Command};

/// Records are constantly allocated by one thread and freed by another, which causes lock
/// contention in the system allocator (ADR 0013).
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The requested object does not exist.
#[derive(Debug)]
struct NotFound(String);

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotFound {}

/// Raises the limit on open files to the maximum: connections and containers need many.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // The default is enough for most uses.
    let _ = setrlimit(Resource::Nofile, limit);
}

fn main() -> ExitCode {
    // First of all: they are started once per container, and need none of what follows.
    let mut words = std::env::args_os().skip(1);
    match words.next() {
        Some(word) if word == "supervise" => return longshore_agent::supervise::main(words),
        Some(word) if word == "fetch" => return fetch::main(),
        _ => {}
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            let typed = std::env::args_os().skip(1);
            let typed: Vec<String> =
                typed.map(|word| word.to_string_lossy().into_owned()).collect();
            other_words::with_tip(error, &typed).exit();
        }
    };
    raise_file_limit();
    // Dropped last, to flush all log lines.
    let _log = logging::start(&args);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("longshore: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(args)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("longshore: {}", output::message(&error));
            if error.downcast_ref::<NotFound>().is_some() {
                ExitCode::from(3)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let json = args.json;
    match args.command {
        Command::Demo(demo) => Box::pin(demo::run(demo, json)).await,
        Command::Dev(dev) => Box::pin(dev::run(*dev, json)).await,
        Command::Serve(serve) => serve::run(*serve, json).await,
        Command::Marathon(marathon) => Box::pin(marathon::run(*marathon, json)).await,
        Command::Chronos(chronos) => Box::pin(chronos::run(*chronos, json)).await,
        Command::Run(run) => tasks::run(run, json).await,
        Command::Stop(stop) => tasks::stop(stop, json).await,
        Command::Ps(ps) => list::tasks(ps, json).await,
        Command::Instances(instances) => match instances.action {
            Some(action) => rehearse::run(action, &instances.cluster, json).await,
            None => list::instances(instances, json).await,
        },
        Command::Scale(args) => scale::run(args, json).await,
        Command::TaskDefinitions(definitions) => list::definitions(definitions, json).await,
        Command::Frameworks(args) => list::frameworks(args, json).await,
        Command::Agents(args) => list::agents(args, json).await,
        Command::Offers(args) => list::offers(args, json).await,
        Command::Roles(args) => list::roles(args, json).await,
        Command::Explain(args) => explain::run(*args, json).await,
        Command::Events(events) => events::run(events, json).await,
        Command::Logs(logs) => logs::run(logs, json).await,
        Command::Blox(args) => blox::run(*args, json).await,
        Command::Libmesos(args) => libmesos::run(&args, json),
        Command::Completions(completions) => {
            let mut command = Args::command();
            clap_complete::generate(
                completions.shell,
                &mut command,
                "longshore",
                &mut std::io::stdout(),
            );
            Ok(ExitCode::SUCCESS)
        }
    }
}
