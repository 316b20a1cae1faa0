//! Manages the container instances on this machine: starts them, adds more while the program runs,
//! and simulates their failures.
//!
//! One task owns all of them and does one thing at a time, in the order of the requests.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use longshore_agent::process::Setup;
use longshore_wire_ecs::arn::{Realm, ResourceId};
use longshore_wire_ecs::host::{AGENT_PORT_ATTRIBUTE, MACHINE_ATTRIBUTE, Order};
use longshore_wire_ecs::shape::container_instance::DeregisterContainerInstanceRequest;
use longshore_wire_ecs::shape::shared::Attribute;
use longshore_wire_ecs::{ApiError, ErrorCode, Request, Str};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use super::members::Members;
use super::{
    InstanceConfig, Known, Outbox, RuntimeChoice, Runtimes, Surroundings, register, start_fleet,
    start_host, without_docker,
};
use crate::agent::{About, AgentDoors, Cluster};
use crate::door::Listener;
use crate::ecs::{ControlHandle, Routes};
use crate::limits;
use crate::metadata::{Metadata, Provisions};
use crate::pages::Pages;

/// Maximum number of instances of a local ECS. Source: *Amazon ECS service quotas*: container
/// instances of a cluster.
pub const INSTANCES_MAX: u32 = 5_000;
/// Maximum number of waiting commands. Source: chosen by us.
const COMMANDS_MAX: usize = 64;

/// Settings shared by all instances of this machine.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// Account and region.
    pub home: Realm,
    /// The cluster that they join.
    pub cluster: Str,
    /// How containers run as plain processes, and where their files are kept.
    pub processes: Setup,
    /// Zones of instances without one.
    pub zones: Vec<Str>,
    /// The attribute that gives frameworks the address of an instance.
    pub hostname_attribute: Str,
    /// The default runtime.
    pub runtime: RuntimeChoice,
    /// What is provided to containers.
    pub provisions: Provisions,
    /// Where instances tell about their tasks as Mesos agents do, if they do.
    pub agents: Option<AgentDoors>,
}

impl Fleet {
    /// The capabilities of an instance, as attributes with the names that the real container agent
    /// registers. Environment files, secrets and role credentials are included only if configured:
    /// otherwise tasks that need them cannot be placed.
    fn capabilities(&self, runtime: RuntimeChoice) -> Vec<Attribute> {
        let mut all = longshore_agent::capabilities(runtime == RuntimeChoice::Docker);
        let Provisions { credentials, s3_dir, secrets, .. } = &self.provisions;
        let provided = [
            (credentials.is_some(), "com.amazonaws.ecs.capability.task-iam-role"),
            (credentials.is_some(), "com.amazonaws.ecs.capability.task-iam-role-network-host"),
            (s3_dir.is_some(), "ecs.capability.env-files.s3"),
            (secrets.is_some(), "ecs.capability.secrets.asm.environment-variables"),
            (secrets.is_some(), "ecs.capability.secrets.ssm.environment-variables"),
        ];
        let names = provided.into_iter().filter_map(|(is_given, name)| is_given.then_some(name));
        all.extend(names.map(|name| Attribute { name: Some(name.into()), ..Default::default() }));
        all
    }
}

/// Instances to start.
#[derive(Debug, Default)]
pub(crate) struct Addition {
    /// An existing cluster to join; by default that of all instances.
    pub(crate) cluster: Option<Str>,
    pub(crate) configs: Vec<InstanceConfig>,
    /// The instances of an earlier run.
    pub(crate) known: Known,
}

type Answer<T> = oneshot::Sender<Result<T, ApiError>>;

/// A request to the keeper.
#[derive(Debug)]
pub(crate) enum Command {
    /// Add instances.
    Add(Addition, Answer<Vec<ResourceId>>),
    /// Disconnect or reconnect the agent of an instance.
    Connect(ResourceId, bool, Answer<()>),
    /// Terminate an instance, with everything on it.
    Lose(ResourceId, Answer<()>),
}

/// A handle to the keeper.
#[derive(Clone, Debug)]
pub(crate) struct KeeperHandle(mpsc::Sender<Command>);

impl KeeperHandle {
    /// Sends a request, and waits for the answer.
    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(Answer<T>) -> Command,
    ) -> Result<T, ApiError> {
        let (answer, answered) = oneshot::channel();
        let gone =
            || ApiError::new(ErrorCode::Server, "The container instances are shutting down.");
        self.0.send(command(answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// Owns the container instances.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(crate) common: Fleet,
    pub(crate) control: ControlHandle,
    pub(crate) routes: Routes,
    pub(crate) runtimes: Runtimes,
    pub(crate) outbox: Outbox,
    pub(crate) metadata: Metadata,
    /// What all instances share.
    tasks: JoinSet<()>,
    /// What each instance has of its own.
    hosts: BTreeMap<ResourceId, JoinSet<()>>,
    simulated: Option<mpsc::Sender<Vec<Order>>>,
    members: Members,
    /// Those that tell about their tasks, which end when these are dropped.
    agents: BTreeMap<ResourceId, watch::Sender<bool>>,
    /// What they write answers with.
    pages: Pages,
}

impl Keeper {
    pub(crate) fn new(
        common: Fleet,
        control: ControlHandle,
        routes: Routes,
        runtimes: Runtimes,
        outbox: Outbox,
        metadata: Metadata,
    ) -> Self {
        Self {
            common,
            control,
            routes,
            runtimes,
            outbox,
            metadata,
            tasks: JoinSet::new(),
            hosts: BTreeMap::new(),
            simulated: None,
            members: Members::default(),
            agents: BTreeMap::new(),
            pages: Pages::default(),
        }
    }

    /// Starts the keeper. When its task ends, so do all hosts.
    pub(crate) fn start(mut self, tasks: &mut JoinSet<()>) -> KeeperHandle {
        let (commands, mut inbox) = mpsc::channel(COMMANDS_MAX);
        tasks.spawn(async move {
            while let Some(command) = inbox.recv().await {
                self.obey(command).await;
            }
        });
        KeeperHandle(commands)
    }

    async fn obey(&mut self, command: Command) {
        // The request is carried out even if the caller has gone.
        match command {
            Command::Add(Addition { cluster, configs, known }, answer) => {
                let cluster = cluster.unwrap_or_else(|| self.common.cluster.clone());
                let mut added = Ok(Vec::new());
                for config in configs {
                    let one = self.add(&cluster, &config, &known).await;
                    added = match (added, one) {
                        (Ok(mut ids), Ok(id)) => {
                            ids.push(id);
                            Ok(ids)
                        }
                        (Err(error), _) | (_, Err(error)) => Err(error),
                    };
                    if added.is_err() {
                        break;
                    }
                }
                drop(answer.send(added));
            }
            Command::Connect(id, connected, answer) => {
                drop(answer.send(self.connect(id, connected).await));
            }
            Command::Lose(id, answer) => drop(answer.send(self.lose(id).await)),
        }
    }

    async fn add(
        &mut self,
        cluster: &Str,
        config: &InstanceConfig,
        known: &Known,
    ) -> Result<ResourceId, ApiError> {
        let number = self.members.free_number();
        if number > INSTANCES_MAX {
            return Err(ApiError::invalid(format!(
                "A local ECS can have at most {INSTANCES_MAX} container instances."
            )));
        }
        let mut config = self.completed(config);
        let address = own_address(number);
        let hostname = attribute(&self.common.hostname_attribute, &address.to_string());
        config.attributes.insert(0, hostname);
        let listener = self.listen(address, &config).await?;
        if let Some(listener) = &listener {
            let port = listener.address().port().to_string();
            config.attributes.push(attribute(AGENT_PORT_ATTRIBUTE, &port));
        }
        let arn = known.get(&config.ec2_instance_id).map(|before| before.arn.clone());
        let mut told = self.common.capabilities(config.runtime);
        let machine = machine(config.runtime).await;
        told.extend(machine.map_err(|why| ApiError::new(ErrorCode::Server, why))?);
        let (id, shown) =
            register(&self.control, &self.common.home, cluster, &config, told, arn).await?;
        self.members.add(id, cluster.clone());
        if config.runtime == RuntimeChoice::Simulated {
            let mailbox =
                self.simulated.get_or_insert_with(|| start_fleet(&mut self.tasks, &self.outbox));
            self.routes.fleet(id, mailbox.clone());
            self.control.connected(id).await;
            return Ok(id);
        }
        let mut around = Surroundings {
            tasks: &mut self.tasks,
            control: &self.control,
            routes: &self.routes,
            runtimes: &self.runtimes,
            outbox: &self.outbox,
            metadata: &self.metadata,
            processes: &self.common.processes,
        };
        let started = start_host(&mut around, id, &config).await;
        let (runtime, host) = started.map_err(|why| ApiError::new(ErrorCode::Server, why))?;
        self.hosts.insert(id, host);
        if let (Some(listener), Some(agents)) = (listener, &self.common.agents) {
            let hostname = address.to_string().into();
            let InstanceConfig { cpu, memory_mib, .. } = config;
            let cluster = self.cluster(cluster.clone());
            let pages = self.pages.clone();
            let about =
                About { instance: shown, hostname, cpu, memory_mib, runtime, cluster, pages };
            let (over, is_over) = watch::channel(false);
            agents.serve(listener, about, is_over, &mut self.tasks);
            self.agents.insert(id, over);
        }
        Ok(id)
    }

    /// A configuration with an id and a zone.
    fn completed(&self, config: &InstanceConfig) -> InstanceConfig {
        let mut config = config.clone();
        let before = self.members.started();
        if config.ec2_instance_id.is_empty() {
            config.ec2_instance_id = format!("i-{:017x}", u64::from(before) + 1).into();
        }
        let zones = &self.common.zones;
        if let (true, Some(zone)) =
            (config.zone.is_empty(), zones.get(before as usize % zones.len().max(1)))
        {
            config.zone = zone.clone();
        }
        config
    }

    /// Listens for an instance that runs containers.
    async fn listen(
        &self,
        address: Ipv4Addr,
        config: &InstanceConfig,
    ) -> Result<Option<Listener>, ApiError> {
        let Some(agents) = self.common.agents.as_ref() else { return Ok(None) };
        if config.runtime == RuntimeChoice::Simulated {
            return Ok(None);
        }
        let opened = agents.open(self.agents.len(), address.into()).await;
        opened.map_err(|error| ApiError::new(ErrorCode::Server, error.to_string()))
    }

    fn check(&self, id: ResourceId) -> Result<(), ApiError> {
        if self.members.cluster(id).is_some() {
            return Ok(());
        }
        Err(ApiError::invalid(format!("{id} is not a container instance on this machine.")))
    }

    /// Without its agent an instance gets no orders and sends no reports. Its containers keep
    /// running.
    async fn connect(&mut self, id: ResourceId, connected: bool) -> Result<(), ApiError> {
        self.check(id)?;
        self.routes.silence(id, !connected);
        self.outbox.silence(id, !connected);
        if connected {
            self.control.connected(id).await;
        } else {
            self.control.disconnected(id).await;
        }
        Ok(())
    }

    /// Source: what remains of a terminated EC2 instance: its tasks are gone, and ECS deregisters
    /// it.
    async fn lose(&mut self, id: ResourceId) -> Result<(), ApiError> {
        self.check(id)?;
        self.connect(id, false).await?;
        if let Some(runtime) = self.runtimes.take(id) {
            runtime.remove_all();
            runtime.settle().await;
        }
        self.metadata.lost(id);
        if let Some(over) = self.agents.remove(&id) {
            // The next instance may get its address and port.
            over.send_replace(true);
            let _ = tokio::time::timeout(2 * limits::LAST_ANSWERS, over.closed()).await;
        }
        let request = DeregisterContainerInstanceRequest {
            cluster: self.members.cluster(id).cloned(),
            container_instance: Some(id.to_string().into()),
            force: Some(true),
        };
        let request = Request::DeregisterContainerInstance(Box::new(request));
        self.control.call(self.common.home.clone(), request).await?;
        // Instances come and go for ever: nothing is kept of one.
        self.hosts.remove(&id);
        self.routes.remove(id);
        self.outbox.drop_reports(id);
        self.members.remove(id);
        while self.tasks.try_join_next().is_some() {}
        Ok(())
    }

    fn cluster(&self, name: Str) -> Cluster {
        Cluster { control: self.control.clone(), realm: self.common.home.clone(), name }
    }
}

/// The machine of an instance, with whose other instances it shares ports. Simulated instances have
/// their own ports.
///
/// # Errors
/// Why it is unknown, and what can be done about it.
async fn machine(runtime: RuntimeChoice) -> Result<Option<Attribute>, String> {
    let name = match runtime {
        RuntimeChoice::Simulated => return Ok(None),
        RuntimeChoice::Process => longshore_agent::process::machine()?,
        RuntimeChoice::Docker => {
            longshore_agent::docker::machine().await.map_err(|why| without_docker(&why))?
        }
    };
    let valid = |letter: &char| letter.is_ascii_alphanumeric() || "-_.".contains(*letter);
    let name: String = name.chars().filter(valid).take(128).collect();
    Ok((!name.is_empty()).then(|| Attribute {
        name: Some(MACHINE_ATTRIBUTE.into()),
        value: Some(name.into()),
        ..Default::default()
    }))
}

/// Each instance gets its own loopback address: frameworks distinguish agents by it, tasks can bind
/// it, and it reaches every port of this machine.
fn own_address(number: u32) -> Ipv4Addr {
    let [_, _, high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 0, high + 1, low)
}

fn attribute(name: &str, value: &str) -> Attribute {
    Attribute { name: Some(name.into()), value: Some(value.into()), ..Default::default() }
}
