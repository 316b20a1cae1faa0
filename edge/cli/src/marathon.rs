//! `longshore marathon`: apps that are kept running, with Marathon's REST API.

use std::net::SocketAddr;
use std::process::ExitCode;

use longshore_schedulers::marathon::{MarathonApi, MarathonOptions};
use longshore_server::{Port, bind};

use crate::args::scheduler::{SchedulerArgs, until_over};

#[derive(Debug, clap::Args)]
pub(crate) struct MarathonArgs {
    /// Listen address of Marathon's API. Port 0 picks a free port.
    #[arg(long, default_value = "127.0.0.1:8080")]
    marathon_listen: SocketAddr,
    /// Name of the framework.
    #[arg(long, default_value = "marathon", value_name = "NAME")]
    framework_name: String,
    /// Role whose resources are used.
    #[arg(long, default_value = "*", value_name = "ROLE")]
    mesos_role: String,
    /// User that the framework says its tasks run as.
    #[arg(long, default_value = "root")]
    mesos_user: String,
    #[command(flatten)]
    scheduler: SchedulerArgs,
}

/// Runs until Ctrl-C or SIGTERM, or until it cannot go on.
pub(crate) async fn run(args: MarathonArgs, json: bool) -> anyhow::Result<ExitCode> {
    let MarathonArgs { marathon_listen, framework_name, mesos_role, mesos_user, scheduler } = args;
    let options = MarathonOptions {
        name: framework_name,
        user: mesos_user,
        role: mesos_role,
        credentials: scheduler.credentials()?,
        ..MarathonOptions::new(scheduler.cluster()?)
    };
    let (keep, callers) = (scheduler.keep()?, options.credentials.callers());
    let listener = bind(Port::Marathon, marathon_listen, callers, &scheduler.rules()).await?;
    let url = format!("http://{}", listener.address());
    let service = MarathonApi::start(options, &keep, listener).await?;
    let name = ("Marathon's API", "marathon");
    until_over(service, name, &url, &scheduler.master, json).await
}
