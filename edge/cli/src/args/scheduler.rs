//! What the built-in frameworks are told: where their tasks run, what they keep, and who may call.

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use longshore_driver::{Credential, Master, ZooKeeper};
use longshore_schedulers::Service;
use longshore_schedulers::framework::Cluster;
use longshore_schedulers::store::Keep;
use longshore_server::{Credentials, Place, Rules};

use super::door::{DoorArgs, SchedulerDoorArgs};
use super::first_credential;

/// What Marathon's API and Chronos's are both told.
#[derive(Debug, clap::Args)]
pub(crate) struct SchedulerArgs {
    /// Where tasks run: HOST:PORT or `zk://HOST/PATH` of a Mesos master, or `ecs://CLUSTER` for Amazon ECS itself.
    #[arg(long, default_value = "127.0.0.1:5050")]
    pub(crate) master: String,
    /// File with the principal and secret for a Mesos master that asks for one: Mesos's JSON format, or both on one line.
    #[arg(long, value_name = "FILE")]
    master_credentials: Option<PathBuf>,
    /// Directory for its database.
    #[arg(long, default_value = ".longshore")]
    data_dir: PathBuf,
    /// Open a data directory that this user did not create on this machine. What is in it will be run.
    #[arg(long)]
    trust_data_dir: bool,
    /// Keep everything in memory only: it is lost at the end.
    #[arg(long, conflicts_with = "data_dir")]
    in_memory: bool,
    /// Keep everything in ZooKeeper instead of a directory: `zk://[USER:PASSWORD@]HOST:PORT,.../PATH`. To keep a password out of the
    /// process list, use `LONGSHORE_STORE`.
    #[arg(long, env = "LONGSHORE_STORE", hide_env_values = true, value_name = "URL", conflicts_with_all = ["data_dir", "in_memory"])]
    store: Option<String>,
    #[command(flatten)]
    callers: SchedulerDoorArgs,
    #[command(flatten)]
    door: DoorArgs,
}

impl SchedulerArgs {
    /// Where it keeps what it must not forget.
    ///
    /// # Errors
    /// Why the directory is not opened.
    pub(crate) fn keep(&self) -> anyhow::Result<Keep> {
        if let Some(store) = &self.store {
            return Ok(Keep::ZooKeeper(zookeeper(store)?));
        }
        if self.in_memory {
            return Ok(Keep::Here(Place::Memory));
        }
        let directory = crate::data_dir::trusted(&self.data_dir, self.trust_data_dir)?;
        Ok(Keep::Here(Place::Directory(directory)))
    }

    /// Where its tasks run.
    ///
    /// # Errors
    /// What cannot be read of the credential.
    pub(crate) fn cluster(&self) -> anyhow::Result<Cluster> {
        let file = self.master_credentials.as_deref();
        let read = file.map(|path| first_credential(path, "--master-credentials")).transpose()?;
        let credential = read.map(|(principal, secret)| Credential { principal, secret });
        Ok(Cluster::Named { master: self.master.clone(), credential })
    }

    /// Who may call.
    ///
    /// # Errors
    /// What cannot be read, without the secrets.
    pub(crate) fn credentials(&self) -> anyhow::Result<Credentials> {
        self.callers.credentials()
    }

    /// The rules of its port.
    pub(crate) fn rules(&self) -> Rules {
        self.door.rules(None)
    }
}

/// A place in `ZooKeeper`. What was given is not in the error, as it may have a password.
fn zookeeper(text: &str) -> anyhow::Result<ZooKeeper> {
    match Master::read(text) {
        Ok(Master::ZooKeeper(zookeeper)) => Ok(zookeeper),
        _ => anyhow::bail!(
            "--store names no place in ZooKeeper: write zk://HOST:PORT,HOST:PORT/PATH, with USER:PASSWORD@ before the hosts if they ask for it"
        ),
    }
}

/// Says that a scheduler is ready, and runs it until Ctrl-C or SIGTERM, or until it cannot go on.
pub(crate) async fn until_over<E: Display + Send + Sync + 'static>(
    service: Service<E>,
    (name, key): (&str, &str),
    url: &str,
    master: &str,
    json: bool,
) -> anyhow::Result<ExitCode> {
    if json {
        let ready = serde_json::json!({"ready": true, key: url, "master": master});
        crate::output::say!("{ready}");
    } else {
        crate::output::say!("{name}  {url}   (tasks run on {master})");
        crate::output::say!(
            "Ctrl-C stops it; tasks keep running, and are found again at the next start."
        );
    }
    tokio::select! {
        () = crate::dev::interrupted() => {
            service.stop().await;
            Ok(ExitCode::SUCCESS)
        }
        why = service.failure() => {
            let why = anyhow::anyhow!("{why}");
            service.stop().await;
            Err(why)
        }
    }
}
