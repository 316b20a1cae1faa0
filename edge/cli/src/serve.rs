//! `longshore serve`: the Mesos master API in front of an existing cluster.

use std::process::ExitCode;

use longshore_client::{Client, Options};
use longshore_server::{MesosMaster, Metrics, Port, bind};

use crate::args::ServeArgs;
use crate::dev::interrupted;

/// Runs until Ctrl-C or SIGTERM.
pub(crate) async fn run(args: ServeArgs, json: bool) -> anyhow::Result<ExitCode> {
    let credentials = args.mesos_door.credentials()?;
    let rules = args.door.rules(args.master.mesos_hostname.as_deref());
    let address = args.master.mesos_listen;
    let listener = bind(Port::Mesos, address, credentials.callers(), &rules).await?;
    let url = format!("http://{}", listener.address());
    let cluster = args.cluster.cluster.clone();
    let client = Client::new(Options {
        cluster: cluster.clone(),
        endpoint: args.cluster.endpoint.clone(),
        region: args.cluster.region.clone(),
        keys: None,
        budget: true,
    })
    .await?;
    let region = client.sdk().config().region().map(ToString::to_string).unwrap_or_default();
    let bridge = crate::master::config(&args.master, listener.address(), &region, &cluster)?;
    let feed = args.feed.options(&cluster)?.map(|options| client.feed(options));
    let master =
        MesosMaster::start(bridge, client, feed, listener, credentials, &Metrics::default());
    if json {
        crate::output::say!(
            "{}",
            serde_json::json!({"ready": true, "mesos": url, "cluster": cluster, "region": region})
        );
    } else {
        crate::output::say!("Mesos master  {url}   (cluster {cluster}, region {region})");
        crate::output::say!(
            "Frameworks can subscribe once the cluster has been read. Ctrl-C stops it; tasks keep running."
        );
    }
    interrupted().await;
    master.stop().await;
    Ok(ExitCode::SUCCESS)
}
