//! A driver that speaks to Amazon ECS by itself: the contract of the ECS Scheduler Driver.
//!
//! The bridge, a whole Mesos master, is in the process of the scheduler; calls and events go to it and come from it as they are, without
//! a port and without being encoded.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_bridge::{Config as BridgeConfig, DefaultImage, Secrets};
use longshore_client::{Client, FeedOptions, Options, OptionsError};
use longshore_driver_machine::{Answer, Detection, Ending, Leader};
use longshore_server::{Events as Inside, InsideDoor, InsideMaster, Metrics};
use longshore_wire_mesos::v1::scheduler::{Call, Event};
use tokio::sync::OnceCell;

use crate::local::{self, LocalEcs, LocalOptions, NoLocalEcs};
use crate::network::{Events, Transport};
use crate::options::DriverOptions;
use crate::owner::{Owner, through_handle};
use crate::scheduler::Scheduler;
use crate::v1::FrameworkInfo;

/// The port that the master in the process would have. It has none; frameworks read the number from `MasterInfo`.
const PORT: u16 = 5050;
/// How long to wait for the cluster to be read before the framework subscribes. Source: chosen by us.
const READ: Duration = Duration::from_secs(5);
/// The variable for the image of tasks that name none.
const IMAGE: &str = "LONGSHORE_DEFAULT_IMAGE";
/// The variable for the image that fetches the URIs of tasks.
const FETCHER: &str = "LONGSHORE_FETCHER_IMAGE";

/// The variable for the role by which secrets are read that tasks refer to.
const ROLE: &str = "LONGSHORE_EXECUTION_ROLE";
/// The variable that allows secrets that tasks bring along to be passed as they are.
const PLAIN: &str = "LONGSHORE_PLAIN_SECRETS";

/// The cluster that a driver speaks to, and how its tasks run.
///
/// Region, credentials, profiles and endpoints are what the AWS SDK finds, unless they are named here.
#[derive(Clone, Default)]
pub struct EcsOptions {
    /// Name or ARN of the cluster; else `AWS_ECS_CLUSTER`, else `default`.
    pub cluster: Option<String>,
    /// The endpoint of the API; else `AWS_ECS_ENDPOINT`, else the SDK's.
    pub endpoint: Option<String>,
    /// The region; else the SDK's.
    pub region: Option<String>,
    /// Access key and secret; else the SDK's.
    pub keys: Option<(String, String)>,
    /// Name or URL of a queue with the cluster's events, which is made if it is missing; else `LONGSHORE_EVENTS_QUEUE`. Without one, the
    /// cluster is read instead.
    pub events_queue: Option<String>,
    /// The image of tasks that name none; else `LONGSHORE_DEFAULT_IMAGE`.
    pub default_image: Option<String>,
    /// The image that fetches the URIs of tasks; else `LONGSHORE_FETCHER_IMAGE`.
    pub fetcher_image: Option<String>,
    /// ARN of the role by which Amazon ECS reads secrets that tasks refer to; else `LONGSHORE_EXECUTION_ROLE`.
    pub execution_role: Option<String>,
    /// Whether secrets that tasks bring along are passed as plain environment variables, which whoever may describe the tasks can read;
    /// else whether `LONGSHORE_PLAIN_SECRETS` is `true`. Otherwise such tasks are refused.
    pub plain_secrets: bool,
    /// The attribute of an instance that tells its host name; else `LONGSHORE_HOSTNAME_ATTRIBUTE`, else `longshore.hostname`.
    pub hostname_attribute: Option<String>,
    /// An ECS is started for this driver, and ends with it. Cluster, endpoint, region, keys and queue are its own then.
    pub local: Option<LocalOptions>,
}

impl fmt::Debug for EcsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EcsOptions")
            .field("cluster", &self.cluster)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

impl EcsOptions {
    /// The options for a cluster, by its name or ARN.
    pub fn cluster(name: impl Into<String>) -> Self {
        Self { cluster: Some(name.into()), ..Self::default() }
    }

    /// The options for an ECS that is started for this driver.
    pub fn local(local: LocalOptions) -> Self {
        Self { local: Some(local), ..Self::default() }
    }

    /// The options that lead to a local ECS. Processes need no image, but a definition names one.
    fn within(self, local: &LocalEcs) -> Self {
        let host = || Some("host".to_owned());
        Self {
            cluster: Some(local::CLUSTER.to_owned()),
            endpoint: Some(local.endpoint.clone()),
            region: Some(local::REGION.to_owned()),
            keys: Some(local.keys()),
            events_queue: Some(local::QUEUE.to_owned()),
            default_image: self.default_image.or_else(|| variable(IMAGE)).or_else(host),
            fetcher_image: self.fetcher_image.or_else(|| variable(FETCHER)).or_else(host),
            ..self
        }
    }

    fn named_cluster(&self) -> String {
        let named = given_or(self.cluster.as_ref(), "AWS_ECS_CLUSTER");
        named.unwrap_or_else(|| "default".to_owned())
    }
}

/// What was chosen, or what the environment says.
fn given_or(given: Option<&String>, name: &str) -> Option<String> {
    given.cloned().or_else(|| variable(name))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A driver that speaks to Amazon ECS, or to Longshore's local ECS, by itself.
///
/// An offer is what is free on a container instance; a task becomes an ECS task that is placed there by `StartTask`. A command may be a
/// shell command of a task with an image, or the name of a registered task definition, `family:revision`.
///
/// [`start`](crate::SchedulerDriver::start) returns at once; what the AWS SDK misses is told to [`error`](Scheduler::error).
///
/// Nobody watches a scheduler over this driver: if its process is killed, its tasks run on, whatever `failover_timeout` says. Another
/// one that brings the framework's id finds them. [`join`](crate::SchedulerDriver::join) after a `stop` waits until ECS was told, 30 s at
/// most, and until a local ECS has ended, 40 s at most.
///
/// Dropped while it runs, it stops as if another scheduler were to take over.
#[derive(Debug)]
pub struct EcsSchedulerDriver {
    owner: Owner<Ecs>,
}

impl EcsSchedulerDriver {
    /// A driver that acknowledges updates by itself.
    pub fn new(
        scheduler: impl Scheduler + 'static,
        framework: FrameworkInfo,
        cluster: EcsOptions,
    ) -> Self {
        Self::with(scheduler, framework, cluster, DriverOptions::default())
    }

    /// A driver with options.
    pub fn with(
        scheduler: impl Scheduler + 'static,
        framework: FrameworkInfo,
        cluster: EcsOptions,
        options: DriverOptions,
    ) -> Self {
        let ecs = Ecs { options: cluster, running: OnceCell::new() };
        Self { owner: Owner::new(options.config(framework), Box::new(scheduler), ecs) }
    }
}

through_handle!(EcsSchedulerDriver);

/// ECS, and the master in the process that speaks to it.
struct Ecs {
    options: EcsOptions,
    running: OnceCell<Running>,
}

/// A master in the process, and what it needs.
struct Running {
    master: InsideMaster,
    cluster: String,
    /// Dropped after the master, which has the last word.
    local: Option<LocalEcs>,
}

/// Why there is no master.
#[derive(Debug, thiserror::Error)]
enum NotRunning {
    #[error(transparent)]
    Options(#[from] OptionsError),
    #[error(transparent)]
    Local(#[from] NoLocalEcs),
    #[error("the thread that starts a local ECS has ended")]
    Thread,
}

impl Running {
    async fn begin(given: EcsOptions) -> Result<Self, NotRunning> {
        let (given, local) = match given.local.clone() {
            Some(options) => {
                let started = tokio::task::spawn_blocking(move || LocalEcs::start(&options)).await;
                let local = started.map_err(|_| NotRunning::Thread)??;
                (given.within(&local), Some(local))
            }
            None => (given, None),
        };
        let cluster = given.named_cluster();
        let endpoint = given_or(given.endpoint.as_ref(), "AWS_ECS_ENDPOINT");
        let client = Client::new(Options {
            cluster: cluster.clone(),
            endpoint,
            region: given.region.clone(),
            keys: given.keys.clone(),
            budget: local.is_none(),
        });
        let client = client.await?;
        let region = client.sdk().config().region().map(ToString::to_string).unwrap_or_default();
        let queue = given_or(given.events_queue.as_ref(), "LONGSHORE_EVENTS_QUEUE");
        let feed = queue.map(|queue| client.feed(FeedOptions { queue, makes: true }));
        let config = given.bridge(&cluster, region);
        let master = InsideMaster::start(config, client, feed, &Metrics::default());
        Ok(Self { master, cluster, local })
    }
}

impl EcsOptions {
    fn bridge(&self, cluster: &str, region: String) -> BridgeConfig {
        let address = Ipv4Addr::LOCALHOST;
        let hostname = address.to_string();
        let mut config = BridgeConfig::usual(
            hostname.into(),
            address.octets(),
            PORT,
            cluster.into(),
            region.into(),
        );
        if let Some(image) = given_or(self.default_image.as_ref(), IMAGE) {
            config.default_image = DefaultImage::Image(image.as_str().into());
        }
        let fetcher = given_or(self.fetcher_image.as_ref(), FETCHER);
        config.fetching.image = fetcher.map(Into::into);
        let role = given_or(self.execution_role.as_ref(), ROLE);
        config.secrets = Secrets {
            execution_role: role.map(Into::into),
            in_plain: self.plain_secrets || variable(PLAIN).is_some_and(|word| word == "true"),
        };
        let attribute = self.hostname_attribute.as_ref();
        if let Some(attribute) = given_or(attribute, "LONGSHORE_HOSTNAME_ATTRIBUTE") {
            config.hostname_attribute = attribute.as_str().into();
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        config.started_at_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        config
    }
}

impl Ecs {
    fn door(&self) -> Option<InsideDoor> {
        self.running.get().map(|running| running.master.door())
    }
}

impl Transport for Ecs {
    type Events = Inside;

    async fn detect(&self, tell: impl Fn(Detection) + Send + Sync) {
        let running = self.running.get_or_try_init(|| Running::begin(self.options.clone()));
        let running = match running.await {
            Ok(running) => running,
            Err(why) => return tell(Detection::Failed(why.to_string())),
        };
        // Until then every SUBSCRIBE is refused. A cluster that cannot be read is told by those refusals.
        let _ = tokio::time::timeout(READ, running.master.ready()).await;
        let address = format!("ecs://{}", running.cluster);
        tell(Detection::Leader(Leader { address, info: None }));
        if let Some(local) = &running.local {
            local.ended().await;
            tell(Detection::Failed("the local ECS has ended, and said why on stderr".to_owned()));
        }
    }

    async fn ends(&self) {
        if let Some(running) = self.running.get() {
            running.master.settled().await;
        }
    }

    async fn subscribe(
        &self,
        _address: String,
        call: Call,
    ) -> Result<(Option<String>, Inside), Ending> {
        let door = self.door().ok_or_else(|| Ending::Broken("not started".to_owned()))?;
        match door.subscribe(call).await {
            Ok((id, events)) => Ok((Some(id), events)),
            Err((status, text)) => Err(Ending::Refused { status, text }),
        }
    }

    async fn send(&self, _address: String, stream_id: Option<String>, call: Arc<Call>) -> Answer {
        let Some(door) = self.door() else { return Answer::Busy("not started".to_owned()) };
        let call = Arc::unwrap_or_clone(call);
        match door.send(stream_id, call).await {
            Ok(()) => Answer::Done,
            Err((503 | 429, text)) => Answer::Busy(text),
            Err((status, text)) => Answer::Refused { status, text },
        }
    }
}

impl Events for Inside {
    async fn next(&mut self) -> Result<Option<Box<Event>>, String> {
        Ok(Inside::next(self).await)
    }
}
