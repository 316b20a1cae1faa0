//! `longshore dev`: a local ECS with the Mesos master API in front of it, and schedulers beside that.

mod schedulers;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use longshore_client::{Client, FeedOptions, HostCredentials, Options};
use longshore_server::dev::{Config, LocalEcs};
use longshore_server::{
    AgentDoors, Credentials, Durability, Fleet, INSTANCES_MAX, InstanceConfig, Keys, Listener,
    MesosMaster, Metrics, Place, Policy, Port, Provisions, RuntimeChoice, Scratch, bind,
};
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::fetch::{FetchCache, FetchS3, FetchSettings};

use self::schedulers::{Ground, Schedulers};
use crate::args::{DevArgs, DurabilityArg, ProvisionArgs, RuntimeArg};
use crate::instance_types::InstanceGroup;

/// Runs until Ctrl-C or SIGTERM, or until the disk cannot be written.
pub(crate) async fn run(args: DevArgs, json: bool) -> anyhow::Result<ExitCode> {
    if let Some((after, by)) = args.clock_step {
        longshore_server::clock::rehearse_step(after, by);
    }
    let orphaned = stdin_ended(args.until_stdin_ends);
    tokio::pin!(orphaned);
    let mut local = tokio::select! {
        local = Local::start(&args) => local?,
        // Nothing was announced yet, so nobody needs a graceful shutdown.
        () = interrupted() => return Ok(ExitCode::SUCCESS),
        () = &mut orphaned => return Ok(ExitCode::SUCCESS),
    };
    local.announce(&args, json);
    let stopped = async {
        tokio::select! {
            () = interrupted() => {}
            () = &mut orphaned => {}
        }
    };
    tokio::select! {
        () = stopped => {
            local.stop().await;
            Ok(ExitCode::SUCCESS)
        }
        error = local.ecs.failure() => {
            // Let pending answers reach their clients.
            tokio::time::sleep(LAST_ANSWERS).await;
            Err(error.into())
        }
    }
}

/// How long to wait for the master to read its cluster before announcing `ready` anyway.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// The key that the master signs with if signatures are not checked.
const OWN_KEY: (&str, &str) = ("longshore", "longshore");

/// How long pending answers may take when the program has to exit.
const LAST_ANSWERS: std::time::Duration = std::time::Duration::from_millis(250);

/// A local ECS with a Mesos master in front of it, and schedulers.
pub(crate) struct Local {
    pub(crate) ecs: LocalEcs,
    /// `None` if the ECS API has keys but access to the master is not configured.
    mesos: Option<MesosMaster>,
    schedulers: Schedulers,
    /// URL of the ECS API.
    pub(crate) ecs_url: String,
    /// URL of the Mesos master, if there is one.
    pub(crate) mesos_url: Option<String>,
    /// Ids of the access keys that requests must be signed with.
    keys: Vec<String>,
    /// Where the state is stored, for people.
    place: String,
    runtime: RuntimeChoice,
    /// The choice made before the data of an earlier run was read.
    guessed: Option<RuntimeChoice>,
    instances: usize,
    /// Temporary files, removed on exit.
    _scratch: Option<Scratch>,
}

impl Local {
    /// Starts all. They communicate through the ECS API, as with AWS.
    pub(crate) async fn start(args: &DevArgs) -> anyhow::Result<Self> {
        let (keys, credentials) = (args.keys.keys()?, args.mesos_door.credentials()?);
        let has_master = keys.is_empty() || args.mesos_open || !credentials.is_empty();
        let rules = args.door.rules(None);
        let ecs_listener = bind(Port::Ecs, args.ecs_listen, keys.callers(), &rules).await?;
        let mut mesos_listener = None;
        if has_master {
            let rules = args.door.rules(args.master.mesos_hostname.as_deref());
            let (at, callers) = (args.master.mesos_listen, credentials.callers());
            mesos_listener = Some(bind(Port::Mesos, at, callers, &rules).await?);
        }
        let url = |listener: &Listener| format!("http://{}", listener.address());
        let (ecs_url, mesos_url) = (url(&ecs_listener), mesos_listener.as_ref().map(url));
        let (mut config, scratch) = config(args, keys.clone()).await?;
        config.fleet.agents = has_master.then(|| AgentDoors {
            port: args.agent_port,
            rules: args.door.rules(None),
            credentials: credentials.clone(),
        });
        let metrics = config.metrics.clone();
        let instances = config.instances.len();
        let guessed = config.instances.first().map(|instance| instance.runtime);
        let kept = config.place.clone();
        let ecs = LocalEcs::start(config, ecs_listener).await?;
        let runtime = ecs.runtime();
        let (mut mesos, mut ours) = (None, None);
        if let Some(listener) = mesos_listener {
            let client = client(args, &ecs_url, &keys).await?;
            ours = Some(client.clone()).filter(|_| keys.is_empty() || args.mesos_open);
            let credentials = credentials.clone();
            mesos = Some(master(args, runtime, client, listener, credentials, &metrics).await?);
        }
        let credential = args.mesos_door.first()?;
        let schedulers = Schedulers::start(Ground {
            args: &args.schedulers,
            rules: &rules,
            place: &kept,
            master: mesos_url.as_deref().map(reachable),
            credentials: &credentials,
            credential,
            client: ours,
        })
        .await?;
        let keys = keys.ids().map(str::to_owned).collect();
        Ok(Self {
            ecs,
            mesos,
            schedulers,
            ecs_url,
            mesos_url,
            keys,
            place: shown(&kept),
            runtime,
            guessed,
            instances,
            _scratch: scratch,
        })
    }

    fn announce(&self, args: &DevArgs, json: bool) {
        let (ecs, mesos) = (&self.ecs_url, self.mesos_url.as_deref());
        if json {
            let mut ready = serde_json::json!({
                "ready": true, "ecs": ecs, "mesos": mesos, "cluster": args.cluster
            });
            for (name, url) in self.schedulers.urls() {
                ready[name] = url;
            }
            crate::output::say!("{ready}");
            return;
        }
        crate::output::say!(
            "ECS API       {ecs}   (cluster {}, region {})",
            args.cluster,
            args.region
        );
        crate::output::say!(
            "Mesos master  {}",
            mesos.unwrap_or(
                "none: with access keys it needs --mesos-credentials FILE or --mesos-open"
            )
        );
        for line in self.schedulers.lines() {
            crate::output::say!("{line}");
        }
        crate::output::say!("Data          {}", self.place);
        crate::output::say!("{}", self.runs(args));
        crate::output::say!("");
        crate::output::say!("{}", crate::hints::of_local(ecs, mesos, &args.region, &self.keys));
        crate::output::say!(
            "Ctrl-C stops it{}.",
            if args.in_memory {
                "; all tasks stop, too"
            } else {
                "; tasks keep running and are found again at the next start"
            }
        );
    }

    /// How many instances use which runtime, and why.
    fn runs(&self, args: &DevArgs) -> String {
        let containers = self.runtime.describe();
        let why = match (args.runtime, self.runtime) {
            (RuntimeArg::Auto, RuntimeChoice::Docker) => " (a Docker daemon responds)",
            (RuntimeArg::Auto, RuntimeChoice::Process)
                if self.guessed == Some(RuntimeChoice::Docker) =>
            {
                " (as before in this data directory)"
            }
            (RuntimeArg::Auto, RuntimeChoice::Process) => " (no Docker daemon responds)",
            _ => "",
        };
        match self.instances {
            0 => "No container instances: add some with `longshore instances add N`".to_owned(),
            1 => format!("1 container instance runs {containers}{why}"),
            count => format!("{count} container instances run {containers}{why}"),
        }
    }

    /// Stops all, whoever uses something else first.
    pub(crate) async fn stop(self) {
        self.schedulers.stop().await;
        if let Some(mesos) = self.mesos {
            mesos.stop().await;
        }
        self.ecs.stop().await;
    }
}

/// Where state is kept, for people.
fn shown(place: &Place) -> String {
    match place {
        Place::Directory(directory) => directory.folder().path().display().to_string(),
        Place::Memory => "in memory only: discarded on exit".to_owned(),
    }
}

/// A client of the local ECS.
async fn client(args: &DevArgs, ecs_url: &str, keys: &Keys) -> anyhow::Result<Client> {
    let (key, secret) = keys.first().unwrap_or(OWN_KEY);
    let client = Client::new(Options {
        cluster: args.cluster.clone(),
        endpoint: Some(reachable(ecs_url)),
        region: Some(args.region.clone()),
        keys: Some((key.to_owned(), secret.to_owned())),
        budget: false,
    });
    Ok(client.await?)
}

/// Starts the Mesos master in front of the local ECS.
async fn master(
    args: &DevArgs,
    runtime: RuntimeChoice,
    client: Client,
    listener: Listener,
    credentials: Credentials,
    metrics: &Metrics,
) -> anyhow::Result<MesosMaster> {
    let mut flags = args.master.clone();
    if runtime != RuntimeChoice::Docker && flags.default_image.is_none() {
        // Processes and simulated containers need no image; the name shows where the command runs.
        flags.default_image = Some("host".to_owned());
    }
    if runtime != RuntimeChoice::Docker && flags.fetch.fetcher_image.is_none() {
        flags.fetch.fetcher_image = Some("host".to_owned());
    }
    let bridge = crate::master::config(&flags, listener.address(), &args.region, &args.cluster)?;
    let queue = crate::feed::queue_name(&args.cluster).filter(|_| !args.without_events);
    let feed = queue.map(|queue| client.feed(FeedOptions { queue, makes: true }));
    let mesos = MesosMaster::start(bridge, client, feed, listener, credentials, metrics);
    // If our own cluster does not answer, frameworks get a 503.
    let _ = tokio::time::timeout(PATIENCE, mesos.ready()).await;
    Ok(mesos)
}

/// Replaces a wildcard address by the loopback address.
fn reachable(url: &str) -> String {
    url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                // If the handler for Ctrl-C cannot be installed, Ctrl-C ends the program anyway.
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

/// Waits for the end of standard input, or for ever if nobody asked for that.
async fn stdin_ended(is_asked: bool) {
    if !is_asked {
        return std::future::pending().await;
    }
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    // A thread of its own: reading cannot be interrupted, and nobody waits for it at exit.
    let reads = std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let read = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        if let Err(why) = read {
            tracing::warn!("standard input cannot be read, which is taken for its end: {why}");
        }
        drop(tell);
    });
    if let Err(why) = reads {
        tracing::error!("cannot wait for the end of standard input: {why}");
    }
    // It says nothing and is dropped.
    let _ = told.await;
}

/// Builds the configuration from the flags and their defaults.
async fn config(args: &DevArgs, keys: Keys) -> anyhow::Result<(Config, Option<Scratch>)> {
    let zones = if args.zones.is_empty() {
        ["a", "b", "c"].map(|letter| format!("{}{letter}", args.region)).to_vec()
    } else {
        args.zones.clone()
    };
    let instances = instances(args).await?;
    let provisions = provisions(&args.provisions).await?;
    let runtime = choose(args.runtime).await;
    let (place, mut processes, scratch) = crate::data_dir::open(args).await?;
    processes.fetch = fetch_settings(args, &provisions)?;
    processes.sandbox_kept = Duration::from_secs(args.gc_delay);
    let config = Config {
        fleet: Fleet {
            home: Realm::new(args.region.as_str(), args.account.as_str()),
            cluster: args.cluster.as_str().into(),
            processes,
            zones: zones.iter().map(|zone| zone.as_str().into()).collect(),
            hostname_attribute: args.master.hostname_attribute.as_str().into(),
            runtime,
            provisions,
            agents: None,
        },
        place,
        durability: match args.durability {
            DurabilityArg::Full => Durability::Full,
            DurabilityArg::Normal => Durability::Normal,
        },
        pages_max: args.database_pages,
        policy: Policy { breaker_counts_exits: args.breaker_counts_exits },
        keys,
        instances,
        metrics: Metrics::default(),
    };
    Ok((config, scratch))
}

/// What plain processes may have fetched. They are not given the credentials of this machine.
fn fetch_settings(args: &DevArgs, provisions: &Provisions) -> anyhow::Result<FetchSettings> {
    let directory = provisions.s3_dir.as_deref().and_then(std::path::Path::to_str);
    let s3 = directory.map_or(FetchS3::Nowhere, |path| FetchS3::Directory(path.into()));
    let bytes_max = args.fetch_cache.saturating_mul(1024 * 1024);
    let cache = FetchCache { directory: "cache".into(), bytes_max };
    let cache = Some(cache).filter(|_| bytes_max > 0);
    Ok(FetchSettings { cache, ..args.master.fetch.settings(s3)? })
}

/// What is provided to containers. Missing files are reported now rather than by the first task.
async fn provisions(args: &ProvisionArgs) -> anyhow::Result<Provisions> {
    let absolute = |path: &Option<std::path::PathBuf>, flag: &str| {
        let whole = path
            .as_ref()
            .map(|path| path.canonicalize().with_context(|| format!("{flag} {}", path.display())));
        whole.transpose()
    };
    let s3_dir = absolute(&args.s3_dir, "--s3-dir")?;
    if let Some(path) = s3_dir.as_ref().filter(|path| !path.is_dir()) {
        anyhow::bail!("--s3-dir {} is not a directory", path.display());
    }
    let credentials = if args.pass_credentials {
        Some(HostCredentials::find().await.context("--pass-credentials")?)
    } else {
        None
    };
    let secrets = absolute(&args.secrets, "--secrets")?;
    Ok(Provisions { port: args.metadata_port, credentials, s3_dir, secrets })
}

/// All instances, with their types and runtimes.
async fn instances(args: &DevArgs) -> anyhow::Result<Vec<InstanceConfig>> {
    let of = |groups: &[InstanceGroup], runtime| {
        let each = |group: &InstanceGroup| (group.kind.clone(), runtime, group.count);
        groups.iter().map(each).collect::<Vec<_>>()
    };
    let groups = [of(&args.instances, args.runtime), of(&args.simulate, RuntimeArg::Simulated)];
    let total: u64 = groups.iter().flatten().map(|(.., count)| u64::from(*count)).sum();
    if total > u64::from(INSTANCES_MAX) {
        anyhow::bail!(
            "--instances and --simulate add up to {total}; the maximum is {INSTANCES_MAX}"
        );
    }
    let mut instances = Vec::new();
    for (kind, runtime, count) in groups.into_iter().flatten() {
        for _ in 0..count {
            let number = u32::try_from(instances.len()).unwrap_or(INSTANCES_MAX) + 1;
            let own = args.instance_runtime.iter().rev().find(|(of, _)| *of == number);
            let kind = kind.as_ref();
            let given = args.attribute.iter();
            let given = given.filter(|(of, _)| of.is_none_or(|of| of == number));
            instances.push(InstanceConfig {
                ec2_instance_id: format!("i-{number:017x}").into(),
                instance_type: kind.map_or("longshore.local", |kind| &kind.name).into(),
                zone: longshore_wire_ecs::Str::default(),
                cpu: kind.map_or(args.instance_cpu, |kind| kind.cpu),
                memory_mib: kind.map_or(args.instance_memory, |kind| kind.memory_mib),
                gpus: kind.map_or(0, |kind| kind.gpus),
                architecture: kind.map(|kind| kind.architecture.into()),
                attributes: given.map(|(_, attribute)| attribute.clone()).collect(),
                runtime: choose(own.map_or(runtime, |(_, runtime)| *runtime)).await,
                runtime_is_guessed: own.map_or(runtime, |(_, runtime)| *runtime)
                    == RuntimeArg::Auto,
            });
        }
    }
    Ok(instances)
}

async fn choose(runtime: RuntimeArg) -> RuntimeChoice {
    match runtime {
        RuntimeArg::Docker => RuntimeChoice::Docker,
        RuntimeArg::Process => RuntimeChoice::Process,
        RuntimeArg::Simulated => RuntimeChoice::Simulated,
        RuntimeArg::Auto if longshore_agent::docker::answers().await => RuntimeChoice::Docker,
        RuntimeArg::Auto => RuntimeChoice::Process,
    }
}
