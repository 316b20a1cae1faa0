//! `longshore marathon`: apps that are kept running, with Marathon's REST API.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use longshore_driver::Credential;
use longshore_schedulers::framework::Cluster;
use longshore_schedulers::marathon::{MarathonApi, MarathonOptions};
use longshore_server::{Place, Port, Rules, bind};

use crate::args::door::{DoorArgs, SchedulerDoorArgs};
use crate::args::first_credential;
use crate::dev::interrupted;

#[derive(Debug, clap::Args)]
pub(crate) struct MarathonArgs {
    /// Where tasks run: `HOST:PORT` or `zk://...` of a Mesos master, or `ecs://CLUSTER` for Amazon ECS itself.
    #[arg(long, default_value = "127.0.0.1:5050")]
    master: String,
    /// File with the principal and secret for a Mesos master that asks for one: Mesos's JSON format, or both on one line.
    #[arg(long, value_name = "FILE")]
    master_credentials: Option<PathBuf>,
    /// Listen address of Marathon's API. Port 0 picks a free port.
    #[arg(long, default_value = "127.0.0.1:8080")]
    marathon_listen: SocketAddr,
    /// Directory for apps and their instances.
    #[arg(long, default_value = ".longshore")]
    data_dir: PathBuf,
    /// Open a data directory that this user did not create on this machine. The apps in it will be run.
    #[arg(long)]
    trust_data_dir: bool,
    /// Keep apps in memory only: they are lost at the end.
    #[arg(long, conflicts_with = "data_dir")]
    in_memory: bool,
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
    callers: SchedulerDoorArgs,
    #[command(flatten)]
    door: DoorArgs,
}

/// Runs until Ctrl-C or SIGTERM, or until it cannot go on.
pub(crate) async fn run(args: MarathonArgs, json: bool) -> anyhow::Result<ExitCode> {
    let place = if args.in_memory {
        Place::Memory
    } else {
        Place::Directory(crate::data_dir::trusted(&args.data_dir, args.trust_data_dir)?)
    };
    let credential = match &args.master_credentials {
        None => None,
        Some(path) => {
            let (principal, secret) = first_credential(path, "--master-credentials")?;
            Some(Credential { principal, secret })
        }
    };
    let cluster = Cluster::Named { master: args.master.clone(), credential };
    let options = MarathonOptions {
        name: args.framework_name.clone(),
        user: args.mesos_user.clone(),
        role: args.mesos_role.clone(),
        credentials: args.callers.credentials()?,
        ..MarathonOptions::new(cluster)
    };
    let (mut api, url) =
        start(options, &place, args.marathon_listen, &args.door.rules(None)).await?;
    if json {
        let ready = serde_json::json!({"ready": true, "marathon": url, "master": args.master});
        crate::output::say!("{ready}");
    } else {
        crate::output::say!("Marathon's API  {url}   (tasks run on {})", args.master);
        crate::output::say!(
            "Ctrl-C stops it; tasks keep running, and are found again at the next start."
        );
    }
    tokio::select! {
        () = interrupted() => {
            api.stop().await;
            Ok(ExitCode::SUCCESS)
        }
        why = api.failure() => {
            let why = anyhow::anyhow!("{why}");
            api.stop().await;
            Err(why)
        }
    }
}

/// Starts it on an address, and gives its URL.
pub(crate) async fn start(
    options: MarathonOptions,
    place: &Place,
    address: SocketAddr,
    rules: &Rules,
) -> anyhow::Result<(MarathonApi, String)> {
    let listener = bind(Port::Marathon, address, options.credentials.callers(), rules).await?;
    let url = format!("http://{}", listener.address());
    Ok((MarathonApi::start(options, place, listener)?, url))
}
