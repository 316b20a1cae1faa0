//! The schedulers of `longshore dev`: Marathon's API and Chronos's as frameworks of its Mesos master, Blox as a client of its ECS.
//!
//! They use the public protocols like anybody's, and nothing of them is to be seen until somebody uses them: the frameworks register once
//! they have something to run, and Blox reads clusters once it is called.
//!
//! Invariant: who may call them is who may call what they drive. With credentials for the master, theirs are the same ones; with access
//! keys for ECS, Blox, whose API knows none, is not started.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use longshore_client::{Client, FeedOptions};
use longshore_driver::Credential;
use longshore_schedulers::Service;
use longshore_schedulers::blox::{self, Blox, Wakes};
use longshore_schedulers::chronos::{ChronosApi, ChronosError, ChronosOptions};
use longshore_schedulers::framework::Cluster;
use longshore_schedulers::marathon::{MarathonApi, MarathonError, MarathonOptions};
use longshore_schedulers::store::Keep;
use longshore_server::{BindError, Callers, Credentials, Listener, Place, Port, Rules, bind};
use serde_json::{Value, json};

use crate::args::{DevSchedulerArgs, ListenAt};
use crate::blox::QUEUE;

/// What they are called where people read of them.
const MARATHON: &str = "Marathon";
const CHRONOS: &str = "Chronos";
const BLOX: &str = "Blox";
const STATE: &str = "Cluster state";

/// What the schedulers are started with.
pub(super) struct Ground<'a> {
    pub(super) args: &'a DevSchedulerArgs,
    pub(super) rules: &'a Rules,
    pub(super) place: &'a Place,
    /// URL of the Mesos master, if there is one.
    pub(super) master: Option<String>,
    /// Who may call the master.
    pub(super) credentials: &'a Credentials,
    /// Principal and secret that the master is shown.
    pub(super) credential: Option<(String, String)>,
    /// Reaches the ECS; none if its callers need access keys, which Blox's do not have.
    pub(super) client: Option<Client>,
}

impl Ground<'_> {
    fn keep(&self) -> Keep {
        Keep::Here(self.place.clone())
    }
}

/// The schedulers that run.
#[derive(Default)]
pub(super) struct Schedulers {
    marathon: Option<(SocketAddr, Service<MarathonError>)>,
    chronos: Option<(SocketAddr, Service<ChronosError>)>,
    blox: Option<Blox>,
    /// What is not served, and why.
    missing: BTreeMap<&'static str, String>,
}

impl Schedulers {
    /// Starts those that have a port.
    ///
    /// # Errors
    /// An address that was asked for and cannot be had; what was stored and cannot be read.
    pub(super) async fn start(ground: Ground<'_>) -> anyhow::Result<Self> {
        let mut all = Self::default();
        if ground.args.without_schedulers {
            return Ok(all);
        }
        all.frameworks(&ground).await?;
        if let Some(client) = ground.client.clone() {
            all.blox(&ground, client).await?;
        } else {
            let (scheduler, state) = ground.args.blox();
            let why = "it knows no access keys (--mesos-open)";
            all.lacks(BLOX, scheduler, why)?;
            all.lacks(STATE, state, why)?;
        }
        Ok(all)
    }

    async fn frameworks(&mut self, ground: &Ground<'_>) -> anyhow::Result<()> {
        let Some(master) = &ground.master else {
            let why = "there is no Mesos master";
            self.lacks(MARATHON, ground.args.marathon(), why)?;
            return self.lacks(CHRONOS, ground.args.chronos(), why);
        };
        let credential = ground.credential.clone();
        let credential = credential.map(|(principal, secret)| Credential { principal, secret });
        let master = master.trim_start_matches("http://").to_owned();
        let cluster = Cluster::Named { master, credential };
        self.marathon(ground, cluster.clone()).await?;
        self.chronos(ground, cluster).await
    }

    /// Something is not served, which nobody asked for.
    ///
    /// # Errors
    /// That somebody did.
    fn lacks(&mut self, name: &'static str, at: ListenAt, why: &str) -> anyhow::Result<()> {
        if at.is_asked {
            anyhow::bail!("{name} cannot be served on {}: {why}", at.address);
        }
        self.missing.insert(name, why.to_owned());
        Ok(())
    }

    async fn marathon(&mut self, ground: &Ground<'_>, cluster: Cluster) -> anyhow::Result<()> {
        let port = (MARATHON, Port::Marathon, ground.args.marathon());
        let callers = ground.credentials.callers();
        let Some(listener) = self.listens(port, callers, ground.rules).await? else {
            return Ok(());
        };
        let credentials = ground.credentials.clone();
        let options = MarathonOptions { credentials, ..MarathonOptions::new(cluster) };
        let address = listener.address();
        let service = MarathonApi::start(options, &ground.keep(), listener).await?;
        self.marathon = Some((address, service));
        Ok(())
    }

    async fn chronos(&mut self, ground: &Ground<'_>, cluster: Cluster) -> anyhow::Result<()> {
        let port = (CHRONOS, Port::Chronos, ground.args.chronos());
        let callers = ground.credentials.callers();
        let Some(listener) = self.listens(port, callers, ground.rules).await? else {
            return Ok(());
        };
        let credentials = ground.credentials.clone();
        let options = ChronosOptions { credentials, ..ChronosOptions::new(cluster) };
        let address = listener.address();
        let service = ChronosApi::start(options, &ground.keep(), listener).await?;
        self.chronos = Some((address, service));
        Ok(())
    }

    /// Both of Blox's services, or neither.
    async fn blox(&mut self, ground: &Ground<'_>, client: Client) -> anyhow::Result<()> {
        let (scheduler, state) = ground.args.blox();
        let (of_scheduler, of_state) =
            ((BLOX, Port::Blox, scheduler), (STATE, Port::ClusterState, state));
        let scheduler = self.listens(of_scheduler, Callers::Anybody, ground.rules).await?;
        let state = self.listens(of_state, Callers::Anybody, ground.rules).await?;
        let (Some(scheduler), Some(state)) = (scheduler, state) else {
            for name in [BLOX, STATE] {
                self.missing.entry(name).or_insert_with(|| "it needs both of its ports".to_owned());
            }
            return Ok(());
        };
        let feed = client.feed_of_all(FeedOptions { queue: QUEUE.to_owned(), makes: true });
        let place = ground.place.clone();
        let options = blox::Options {
            client,
            feed: Some(feed),
            clusters: Vec::new(),
            place,
            scheduler,
            state,
            wakes: Wakes::WhenUsed,
        };
        self.blox = Some(Blox::start(options).await?);
        Ok(())
    }

    /// A port; none if somebody has the usual one.
    async fn listens(
        &mut self,
        (name, port, at): (&'static str, Port, ListenAt),
        callers: Callers,
        rules: &Rules,
    ) -> anyhow::Result<Option<Listener>> {
        match bind(port, at.address, callers, rules).await {
            Ok(listener) => Ok(Some(listener)),
            Err(BindError::Taken { address, flag, .. }) if !at.is_asked => {
                self.missing.insert(name, format!("{address} is taken ({flag})"));
                Ok(None)
            }
            Err(why) => Err(why.into()),
        }
    }

    /// Their URLs, as members of the line that says that all is ready.
    pub(super) fn urls(&self) -> Vec<(&'static str, Value)> {
        let (scheduler, state) = self.blox.as_ref().map(Blox::addresses).unzip();
        let url = |address: Option<SocketAddr>| json!(address.map(|at| format!("http://{at}")));
        vec![
            ("marathon", url(self.marathon.as_ref().map(|(at, _)| *at))),
            ("chronos", url(self.chronos.as_ref().map(|(at, _)| *at))),
            ("blox", url(scheduler)),
            ("clusterState", url(state)),
        ]
    }

    /// What is to be said of them to people, one to a line.
    pub(super) fn lines(&self) -> Vec<String> {
        let names = [MARATHON, CHRONOS, BLOX, STATE];
        let line = |((_, url), name): ((_, Value), &'static str)| {
            let missing = || Some(format!("not served: {}", self.missing.get(name)?));
            let text = url.as_str().map(str::to_owned).or_else(missing)?;
            Some(format!("{name:<13} {text}"))
        };
        self.urls().into_iter().zip(names).filter_map(line).collect()
    }

    /// Stops them; what they run keeps running.
    pub(super) async fn stop(self) {
        let marathon = async {
            if let Some((_, service)) = self.marathon {
                service.stop().await;
            }
        };
        let chronos = async {
            if let Some((_, service)) = self.chronos {
                service.stop().await;
            }
        };
        let blox = async {
            if let Some(blox) = self.blox {
                blox.stop().await;
            }
        };
        tokio::join!(marathon, chronos, blox);
    }
}
