//! `longshore blox serve`: both services of Blox in front of ECS, Amazon's or a local one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use longshore_client::{Client, FeedOptions, Options};
use longshore_schedulers::blox::{self, Blox, Wakes};
use longshore_server::{Callers, Place, Port, bind};

use crate::args::door::DoorArgs;
use crate::dev::interrupted;

/// Keys for a local ECS, which by default does not check them.
const LOCAL_KEYS: (&str, &str) = ("longshore", "longshore");
/// The queue and the rule that are made unless they are named.
pub(crate) const QUEUE: &str = "longshore-blox";

/// What `longshore blox serve` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeBloxArgs {
    /// URL of the ECS API [default: the endpoint that the AWS SDK is configured with].
    #[arg(long, env = "AWS_ECS_ENDPOINT")]
    endpoint: Option<String>,
    /// Region [default: the one that the AWS SDK is configured with].
    #[arg(long)]
    region: Option<String>,
    /// Watch only this cluster, by name or ARN; may be given more than once. Clusters of environments are always watched
    /// [default: all clusters of account and region].
    #[arg(long = "watch", value_name = "CLUSTER")]
    clusters: Vec<String>,
    /// Follow the events of all clusters from this SQS queue. An EventBridge rule must send them there, and the queue must have
    /// no other consumer.
    #[arg(long, value_name = "NAME|URL", env = "LONGSHORE_BLOX_QUEUE")]
    queue: Option<String>,
    /// Create the queue and the rule. --queue names both [default: longshore-blox].
    #[arg(long)]
    make_queue: bool,
    /// Address of the daemon scheduler.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:2000")]
    blox_listen: SocketAddr,
    /// Address of the cluster state service.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    cluster_state_listen: SocketAddr,
    /// Directory in which environments are kept.
    #[arg(long, default_value = ".longshore-blox")]
    data_dir: PathBuf,
    /// Open a data directory that this user did not create on this machine.
    #[arg(long)]
    trust_data_dir: bool,
    /// Keep environments in memory only.
    #[arg(long, conflicts_with = "data_dir")]
    in_memory: bool,
    #[command(flatten)]
    door: DoorArgs,
}

impl ServeBloxArgs {
    fn feed(&self) -> Option<FeedOptions> {
        let queue = self.queue.clone().or_else(|| self.make_queue.then(|| QUEUE.to_owned()));
        queue.map(|queue| FeedOptions { queue, makes: self.make_queue })
    }
}

/// Runs until Ctrl-C or SIGTERM, or until the disk cannot be written.
pub(super) async fn run(args: ServeBloxArgs, json: bool) -> anyhow::Result<ExitCode> {
    let place = if args.in_memory {
        Place::Memory
    } else {
        Place::Directory(crate::data_dir::trusted(&args.data_dir, args.trust_data_dir)?)
    };
    let local = args.endpoint.as_deref().is_some_and(|url| url.starts_with("http://"));
    let has_keys = std::env::var_os("AWS_ACCESS_KEY_ID").is_some()
        || std::env::var_os("AWS_PROFILE").is_some();
    let keys = (local && !has_keys).then(|| (LOCAL_KEYS.0.to_owned(), LOCAL_KEYS.1.to_owned()));
    let client = Client::new(Options {
        cluster: "default".to_owned(),
        endpoint: args.endpoint.clone(),
        region: args.region.clone(),
        keys,
        budget: !local,
    })
    .await?;
    let region = client.sdk().config().region().map(ToString::to_string).unwrap_or_default();
    let rules = args.door.rules(None);
    let feed = args.feed().map(|options| client.feed_of_all(options));
    let hears = feed.is_some();
    let options = blox::Options {
        client,
        feed,
        clusters: args.clusters.clone(),
        place,
        scheduler: bind(Port::Blox, args.blox_listen, Callers::Anybody, &rules).await?,
        state: bind(Port::ClusterState, args.cluster_state_listen, Callers::Anybody, &rules)
            .await?,
        wakes: Wakes::AtOnce,
    };
    let blox = Blox::start(options).await?;
    announce(&blox, &region, hears, json);
    tokio::select! {
        () = interrupted() => {
            blox.stop().await;
            Ok(ExitCode::SUCCESS)
        }
        error = blox.failure() => Err(error.into()),
    }
}

fn announce(blox: &Blox, region: &str, hears: bool, json: bool) {
    let (scheduler, state) = blox.addresses();
    let (scheduler, state) = (format!("http://{scheduler}"), format!("http://{state}"));
    if json {
        let ready = serde_json::json!({
            "ready": true, "blox": scheduler, "clusterState": state, "region": region
        });
        crate::output::say!("{ready}");
        return;
    }
    crate::output::say!("Daemon scheduler       {scheduler}   (region {region})");
    crate::output::say!("Cluster state service  {state}");
    if !hears {
        crate::output::say!(
            "Clusters are read every few seconds: with --make-queue or --queue events tell of changes at once."
        );
    }
    crate::output::say!("Ctrl-C stops it; tasks keep running, and environments are found again.");
}
