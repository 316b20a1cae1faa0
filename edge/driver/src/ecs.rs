//! A driver that speaks to Amazon ECS by itself: the contract of the ECS Scheduler Driver.
//!
//! The bridge, a whole Mesos master, is in the process of the scheduler; calls and events go to it and come from it as they are, without
//! a port and without being encoded.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_bridge::{Config as BridgeConfig, DefaultImage};
use longshore_client::{Client, FeedOptions, Options, OptionsError};
use longshore_driver_machine::{Answer, Detection, Ending, Leader};
use longshore_server::{Events as Inside, InsideDoor, InsideMaster, Metrics};
use longshore_wire_mesos::v1::scheduler::{Call, Event};
use tokio::sync::OnceCell;

use crate::network::{Events, Transport};
use crate::options::DriverOptions;
use crate::owner::{Owner, through_handle};
use crate::scheduler::Scheduler;
use crate::v1::FrameworkInfo;

/// The port that the master in the process would have. It has none; frameworks read the number from `MasterInfo`.
const PORT: u16 = 5050;
/// How long to wait for the cluster to be read before the framework subscribes. Source: chosen by us.
const READ: Duration = Duration::from_secs(5);

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
    /// The attribute of an instance that tells its host name; else `LONGSHORE_HOSTNAME_ATTRIBUTE`, else `longshore.hostname`.
    pub hostname_attribute: Option<String>,
}

impl fmt::Debug for EcsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EcsOptions")
            .field("cluster", &self.cluster)
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl EcsOptions {
    /// The options for a cluster, by its name or ARN.
    pub fn cluster(name: impl Into<String>) -> Self {
        Self { cluster: Some(name.into()), ..Self::default() }
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
/// most.
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
        let ecs = Ecs { options: cluster, master: OnceCell::new() };
        Self { owner: Owner::new(options.config(framework), Box::new(scheduler), ecs) }
    }
}

through_handle!(EcsSchedulerDriver);

/// A master in the process.
struct Ecs {
    options: EcsOptions,
    master: OnceCell<InsideMaster>,
}

impl Ecs {
    async fn begin(&self) -> Result<InsideMaster, OptionsError> {
        let given = &self.options;
        let cluster = given.named_cluster();
        let endpoint = given_or(given.endpoint.as_ref(), "AWS_ECS_ENDPOINT");
        let client = Client::new(Options {
            cluster: cluster.clone(),
            endpoint,
            region: given.region.clone(),
            keys: given.keys.clone(),
            budget: true,
        });
        let client = client.await?;
        let region = client.sdk().config().region().map(ToString::to_string).unwrap_or_default();
        let queue = given_or(given.events_queue.as_ref(), "LONGSHORE_EVENTS_QUEUE");
        let feed = queue.map(|queue| client.feed(FeedOptions { queue, makes: true }));
        let config = self.config(cluster, region);
        Ok(InsideMaster::start(config, client, feed, &Metrics::default()))
    }

    fn config(&self, cluster: String, region: String) -> BridgeConfig {
        let given = &self.options;
        let address = Ipv4Addr::LOCALHOST;
        let hostname = address.to_string();
        let mut config = BridgeConfig::usual(
            hostname.into(),
            address.octets(),
            PORT,
            cluster.into(),
            region.into(),
        );
        if let Some(image) = given_or(given.default_image.as_ref(), "LONGSHORE_DEFAULT_IMAGE") {
            config.default_image = DefaultImage::Image(image.as_str().into());
        }
        let fetcher = given_or(given.fetcher_image.as_ref(), "LONGSHORE_FETCHER_IMAGE");
        config.fetching.image = fetcher.map(Into::into);
        let attribute = given.hostname_attribute.as_ref();
        if let Some(attribute) = given_or(attribute, "LONGSHORE_HOSTNAME_ATTRIBUTE") {
            config.hostname_attribute = attribute.as_str().into();
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        config.started_at_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        config
    }

    fn door(&self) -> Option<InsideDoor> {
        self.master.get().map(InsideMaster::door)
    }
}

impl Transport for Ecs {
    type Events = Inside;

    async fn detect(&self, tell: impl Fn(Detection) + Send + Sync) {
        match self.master.get_or_try_init(|| self.begin()).await {
            Ok(master) => {
                // Until then every SUBSCRIBE is refused. A cluster that cannot be read is told by those refusals.
                let _ = tokio::time::timeout(READ, master.ready()).await;
                let address = format!("ecs://{}", self.options.named_cluster());
                tell(Detection::Leader(Leader { address, info: None }));
            }
            Err(why) => tell(Detection::Failed(why.to_string())),
        }
    }

    async fn ends(&self) {
        if let Some(master) = self.master.get() {
            master.settled().await;
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
