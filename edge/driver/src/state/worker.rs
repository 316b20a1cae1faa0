//! The thread that speaks to ZooKeeper, for one state.
//!
//! A connection that breaks before the answer leaves open whether a change was made. It is made again, and its own version tells whether
//! it had been.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;
use zookeeper_client::{Acl, Acls, Client, CreateMode, Error, Permission};

use super::entry::{Change, Entry};
use super::zookeeper::{Load, Operation, ZooKeeperOptions};
use super::{Pending, StateError, Variable};

/// How long to wait before ZooKeeper is tried again. Source: chosen by us.
const PAUSE: Duration = Duration::from_secs(1);
/// How often to look whether an operation was cancelled while ZooKeeper does not answer. Source: chosen by us.
const LOOK: Duration = Duration::from_millis(100);
/// Source: Mesos: everybody may read what only its writer may change.
static OWN: [Acl; 2] = [
    Acl::new_const(Permission::ALL, "auth", ""),
    Acl::new_const(Permission::READ, "world", "anyone"),
];

/// Starts the thread, which ends when nobody can ask any more.
pub(super) fn start(
    options: ZooKeeperOptions,
    operations: UnboundedReceiver<Operation>,
    load: Arc<Load>,
) {
    let farewell = Farewell { patience: options.farewell, closed_at: None };
    let worker = Worker { options, client: None, load, farewell };
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        match runtime {
            Ok(runtime) => runtime.block_on(worker.run(operations)),
            Err(why) => tracing::error!(target: "longshore_driver", "no state: {why}"),
        }
    };
    // Without a thread there is nobody to receive, and each operation says that the state is closed.
    let started = std::thread::Builder::new().name("longshore-state".to_owned()).spawn(run);
    if let Err(why) = started {
        tracing::error!(target: "longshore_driver", "cannot start a thread for state: {why}");
    }
}

struct Worker {
    options: ZooKeeperOptions,
    client: Option<Client>,
    load: Arc<Load>,
    farewell: Farewell,
}

/// What became of an attempt.
enum Failed {
    /// ZooKeeper cannot be reached: to be tried again.
    Away(Error),
    /// It will not be otherwise.
    Final(StateError),
}

type Tried<T> = Result<T, Failed>;

/// Waits until an operation was cancelled, or until nobody has referred to the state for long enough.
async fn given_up<T: Clone>(
    pending: &Pending<T>,
    others: &UnboundedReceiver<Operation>,
    farewell: &mut Farewell,
) {
    while !pending.is_done() && !farewell.is_over(others) {
        tokio::time::sleep(LOOK).await;
    }
}

/// How long is left for what was asked once nobody refers to the state any more.
#[derive(Clone, Copy)]
struct Farewell {
    patience: Duration,
    closed_at: Option<Instant>,
}

impl Farewell {
    /// Whether that is long ago enough.
    fn is_over(&mut self, others: &UnboundedReceiver<Operation>) -> bool {
        let now = Instant::now();
        others.is_closed() && now - *self.closed_at.get_or_insert(now) > self.patience
    }
}

impl Worker {
    async fn run(mut self, mut operations: UnboundedReceiver<Operation>) {
        while let Some(operation) = operations.recv().await {
            self.perform(&operation, &operations).await;
            self.load.done(&operation);
        }
        tracing::debug!(target: "longshore_driver", "state under {} is closed", self.options.path);
    }

    async fn perform(&mut self, operation: &Operation, others: &UnboundedReceiver<Operation>) {
        match operation {
            Operation::Fetch(name, pending) => {
                self.until_done(pending, others, async |this| this.fetch(name).await).await;
            }
            Operation::Store(change, pending) => {
                self.until_done(pending, others, async |this| this.store(change).await).await;
            }
            Operation::Expunge(variable, pending) => {
                let mut was_sent = false;
                let act = async |this: &mut Self| this.expunge(variable, &mut was_sent).await;
                self.until_done(pending, others, act).await;
            }
            Operation::Names(pending) => {
                self.until_done(pending, others, async |this| this.names().await).await;
            }
        }
    }

    /// Tries one thing until it is done, cancelled, or nobody refers to the state any more.
    async fn until_done<T: Clone>(
        &mut self,
        pending: &Pending<T>,
        others: &UnboundedReceiver<Operation>,
        mut act: impl AsyncFnMut(&mut Self) -> Tried<T>,
    ) {
        let mut is_told = false;
        let mut farewell = self.farewell;
        while !pending.is_done() {
            if farewell.is_over(others) {
                pending.settle(Err(StateError::Closed));
                break;
            }
            // A session that was good may have ended while nobody asked anything.
            let was_good = self.client.is_some();
            let tried = tokio::select! {
                tried = act(self) => Some(tried),
                () = given_up(pending, others, &mut farewell) => None,
            };
            match tried {
                Some(Ok(done)) => {
                    if is_told {
                        self.warn("answers again");
                    }
                    pending.settle(Ok(done));
                }
                Some(Err(Failed::Final(why))) => {
                    if matches!(why, StateError::Refused { .. }) {
                        // A session whose credentials were refused is of no use any more.
                        self.client = None;
                    }
                    pending.settle(Err(why));
                }
                Some(Err(Failed::Away(why))) => {
                    // A session that is gone does not come back.
                    self.client = None;
                    if was_good {
                        continue;
                    }
                    if !is_told {
                        self.warn(&format!("{why}; trying on"));
                        is_told = true;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                // What was sent may be done all the same, in the session that ends now.
                None => self.client = None,
            }
        }
        self.farewell = farewell;
    }

    fn warn(&self, what: &str) {
        tracing::warn!(target: "longshore_driver", "ZooKeeper at {}: {what}", self.options.servers);
    }

    async fn client(&mut self) -> Tried<Client> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let options = &self.options;
        // Servers since 3.4, of the time of Mesos, know all that is asked then.
        let mut connector =
            Client::connector().with_session_timeout(options.session).with_server_version(3, 4, 0);
        if let Some(digest) = &options.digest {
            connector = connector.with_auth("digest", digest);
        }
        let client = connector.connect(&options.servers).await.map_err(|why| self.failed(why))?;
        self.client = Some(client.clone());
        Ok(client)
    }

    fn failed(&self, why: Error) -> Failed {
        match why {
            Error::NoAuth
            | Error::AuthFailed
            | Error::InvalidAcl
            | Error::BadArguments(_)
            | Error::NoChildrenForEphemerals
            | Error::NotEmpty
            | Error::QuotaExceeded => {
                let servers = self.options.servers.clone();
                Failed::Final(StateError::Refused { servers, why: why.to_string() })
            }
            why => Failed::Away(why),
        }
    }

    fn node(&self, name: &str) -> String {
        format!("{}/{name}", self.options.path)
    }

    /// What a node holds, and the version of the node.
    async fn read(&self, client: &Client, node: &str) -> Tried<Option<(Entry, i32)>> {
        match client.get_data(node).await {
            Ok((data, stat)) => {
                let name = node.rsplit('/').next().unwrap_or_default();
                let entry = Entry::read(name, &data).map(|entry| Some((entry, stat.version)));
                entry.ok_or_else(|| Failed::Final(StateError::NotAnEntry(node.to_owned())))
            }
            Err(Error::NoNode) => Ok(None),
            Err(why) => Err(self.failed(why)),
        }
    }

    async fn fetch(&mut self, name: &str) -> Tried<Variable> {
        let client = self.client().await?;
        let found = self.read(&client, &self.node(name)).await?;
        Ok(found.map_or_else(|| Variable::absent(name.to_owned()), |(entry, _)| Variable { entry }))
    }

    async fn store(&mut self, change: &Change) -> Tried<Option<Variable>> {
        let client = self.client().await?;
        let node = self.node(change.after.name());
        // Whenever something changed meanwhile it is looked at again.
        loop {
            let written = match self.read(&client, &node).await? {
                Some((found, _)) if found.uuid == change.after.entry.uuid => break,
                Some((found, _)) if found.uuid != change.before => return Ok(None),
                Some((_, version)) => {
                    client.set_data(&node, &change.bytes, Some(version)).await.map(drop)
                }
                None => self.create(&client, &node, &change.bytes).await,
            };
            match written {
                Ok(()) => break,
                Err(Error::BadVersion | Error::NodeExists | Error::NoNode) => {}
                Err(why) => return Err(self.failed(why)),
            }
        }
        Ok(Some(change.after.clone()))
    }

    async fn create(&self, client: &Client, node: &str, bytes: &[u8]) -> Result<(), Error> {
        let acls = if self.options.digest.is_some() { Acls::new(&OWN) } else { Acls::anyone_all() };
        let options = CreateMode::Persistent.with_acls(acls);
        match client.create(node, bytes, &options).await {
            Err(Error::NoNode) if !self.options.path.is_empty() => {
                client.mkdir(&self.options.path, &options).await?;
                client.create(node, bytes, &options).await.map(drop)
            }
            created => created.map(drop),
        }
    }

    /// `was_sent`: a removal whose answer was lost. That nothing is there then is its doing.
    async fn expunge(&mut self, variable: &Variable, was_sent: &mut bool) -> Tried<bool> {
        let client = self.client().await?;
        let node = self.node(variable.name());
        loop {
            let version = match self.read(&client, &node).await? {
                None => return Ok(*was_sent),
                Some((found, _)) if found.uuid != variable.entry.uuid => return Ok(false),
                Some((_, version)) => version,
            };
            match client.delete(&node, Some(version)).await {
                Ok(()) => return Ok(true),
                Err(Error::BadVersion | Error::NoNode) => {}
                Err(why) => {
                    *was_sent = true;
                    return Err(self.failed(why));
                }
            }
        }
    }

    async fn names(&mut self) -> Tried<Vec<String>> {
        let client = self.client().await?;
        let path = if self.options.path.is_empty() { "/" } else { &self.options.path };
        match client.list_children(path).await {
            Ok(names) => Ok(names),
            Err(Error::NoNode) => Ok(Vec::new()),
            Err(why) => Err(self.failed(why)),
        }
    }
}
