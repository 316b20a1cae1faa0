//! The schedulers of `longshore dev`: Marathon's API and Chronos's as frameworks of its Mesos master, Blox as a client of its ECS.
//!
//! They use the public protocols like anybody's, and nothing of them is to be seen until somebody uses them: the frameworks register once
//! they have something to run, and Blox reads clusters once it is called.
//!
//! Invariant: who may call them is who may call what they drive. With credentials for the master, theirs are the same ones; with access
//! keys for ECS, Blox, whose API knows none, is not started.

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

/// The queue and the rule for events that Blox makes.
const QUEUE: &str = "longshore-blox";

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
    /// Reaches the ECS; none if Blox is not to be started.
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
    /// What was not started and why, for people.
    notes: Vec<String>,
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
        if let Some(master) = &ground.master {
            let credential = ground.credential.clone();
            let credential = credential.map(|(principal, secret)| Credential { principal, secret });
            let master = master.trim_start_matches("http://").to_owned();
            let cluster = Cluster::Named { master, credential };
            all.marathon(&ground, cluster.clone()).await?;
            all.chronos(&ground, cluster).await?;
        }
        if let Some(client) = ground.client.clone() {
            all.blox(&ground, client).await?;
        }
        Ok(all)
    }

    async fn marathon(&mut self, ground: &Ground<'_>, cluster: Cluster) -> anyhow::Result<()> {
        let callers = ground.credentials.callers();
        let at = ground.args.marathon();
        let Some(listener) = self.listens(Port::Marathon, at, callers, ground).await? else {
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
        let callers = ground.credentials.callers();
        let at = ground.args.chronos();
        let Some(listener) = self.listens(Port::Chronos, at, callers, ground).await? else {
            return Ok(());
        };
        let credentials = ground.credentials.clone();
        let options = ChronosOptions { credentials, ..ChronosOptions::new(cluster) };
        let address = listener.address();
        let service = ChronosApi::start(options, &ground.keep(), listener).await?;
        self.chronos = Some((address, service));
        Ok(())
    }

    async fn blox(&mut self, ground: &Ground<'_>, client: Client) -> anyhow::Result<()> {
        let (scheduler, state) = ground.args.blox();
        let scheduler = self.listens(Port::Blox, scheduler, Callers::Anybody, ground).await?;
        let state = self.listens(Port::ClusterState, state, Callers::Anybody, ground).await?;
        let (Some(scheduler), Some(state)) = (scheduler, state) else { return Ok(()) };
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

    /// A port; none, and a note, if somebody has the usual one.
    async fn listens(
        &mut self,
        port: Port,
        at: ListenAt,
        callers: Callers,
        ground: &Ground<'_>,
    ) -> anyhow::Result<Option<Listener>> {
        match bind(port, at.address, callers, ground.rules).await {
            Ok(listener) => Ok(Some(listener)),
            Err(why) if at.is_asked => Err(why.into()),
            Err(BindError::Taken { address, what, flag, .. }) => {
                let note = format!("{what} is not served: {address} is taken ({flag})");
                self.notes.push(note);
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

    /// What is to be said of them to people.
    pub(super) fn lines(&self) -> Vec<String> {
        let names = ["Marathon", "Chronos", "Blox", "Cluster state"];
        let urls = self.urls().into_iter().zip(names);
        let urls =
            urls.filter_map(|((_, url), name)| Some(format!("{name:<13} {}", url.as_str()?)));
        urls.chain(self.notes.iter().cloned()).collect()
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
