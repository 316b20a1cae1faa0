//! `longshore blox`: Blox's daemon scheduler and cluster state service, and the commands of its demo.
//!
//! The commands and what they print are those of Blox's own scripts (`deploy/demo-cli`): a title, the status of the response,
//! and its JSON. Source: blox.md 3.1.

mod demo;
mod http;
mod options;
mod serve;

use std::process::ExitCode;

use self::demo::DemoCommand;
pub(crate) use self::serve::QUEUE;
use self::serve::ServeBloxArgs;

/// Commands of Blox.
#[derive(Debug, clap::Args)]
pub(crate) struct BloxArgs {
    #[command(subcommand)]
    command: BloxCommand,
}

#[derive(Debug, clap::Subcommand)]
enum BloxCommand {
    /// Run the daemon scheduler (port 2000) and the cluster state service (port 3000) in front of ECS, until Ctrl-C.
    #[command(
        after_help = "Examples:\n  longshore blox serve --endpoint http://127.0.0.1:5080 --region us-east-1 --make-queue\n  AWS_PROFILE=prod longshore blox serve --watch WebCluster --queue blox_queue"
    )]
    Serve(Box<ServeBloxArgs>),
    #[command(flatten)]
    Demo(DemoCommand),
}

/// Runs one.
pub(crate) async fn run(args: BloxArgs, json: bool) -> anyhow::Result<ExitCode> {
    match args.command {
        BloxCommand::Serve(serve) => Box::pin(serve::run(*serve, json)).await,
        BloxCommand::Demo(command) => demo::run(command, json).await,
    }
}
