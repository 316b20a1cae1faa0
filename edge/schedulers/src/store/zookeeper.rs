//! Rows in `ZooKeeper`, for those who have an ensemble and no disk that they trust.
//!
//! Below the path of a store are the rows, an ephemeral node that says who writes, and while a large commit is under way what it is:
//!
//! - What fits in one request is one transaction of `ZooKeeper`'s. More than that is written down first, in `redo`; the node
//!   `redo-count` commits it; then it is carried out, by the next writer if this one dies.
//! - A connection that breaks before the answer leaves open whether a transaction was made. Every operation says what a node is to hold,
//!   so it is made again, after a look at which nodes there are.
//! - A session that has ended is never taken up again: somebody else may write by then.

mod nodes;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use longshore_driver::ZooKeeper;
use longshore_machine::Row;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use zookeeper_client::{Acl, Acls, Client, CreateMode, CreateOptions, Error, Permission};

use self::nodes::{Op, ROWS, buckets};
use super::{Asked, Store, StoreError, WAITING_MAX, Writer};

/// The version of what is written.
const VERSION: i64 = 1;
/// How long a session outlives its connection. Source: chosen by us: an ensemble elects a leader in less.
const SESSION: Duration = Duration::from_secs(10);
/// How long to wait for an answer at the start, and for the session of a writer that was killed to end. Source: chosen by us.
const PATIENCE: Duration = Duration::from_secs(20);
/// Until something is tried again. Source: chosen by us.
const PAUSE: Duration = Duration::from_millis(250);
/// How often a transaction may be refused because of nodes that are not as they were known. Source: chosen by us: once would do.
const SURPRISES_MAX: u32 = 5;
/// Bytes of a transaction. Source: chosen by us: written down as JSON it is less than `jute.maxbuffer`, a megabyte.
const COMMIT_BYTES_MAX: usize = 256 * 1024;
/// Requests that are under way at a time while rows are read. Source: chosen by us.
const READS_MAX: usize = 128;

/// The node that is there while somebody writes.
const WRITER: &str = "writer";
/// The folder of what a large commit is to do.
const REDO: &str = "redo";
/// The node that commits it.
const REDO_COUNT: &str = "redo-count";

/// Only whoever knows the password may read: environments hold secrets.
static OWN: [Acl; 1] = [Acl::new_const(Permission::ALL, "auth", "")];

/// Opens the store `name` below a path, or makes it, and reads all its rows.
pub(super) async fn open(
    at: &ZooKeeper,
    name: &'static str,
) -> Result<(Store, Vec<Row>), StoreError> {
    let base = format!("{}/{name}", at.path);
    let place = format!("zk://{}{base}", at.servers);
    let away = |why: String| StoreError::Away { place: place.clone(), why };
    let connecting = tokio::time::timeout(PATIENCE, connect(at));
    let client = match connecting.await {
        Ok(client) => client.map_err(|why| away(why.to_string()))?,
        Err(_) => return Err(away(format!("no answer within {} s", PATIENCE.as_secs()))),
    };
    let mut nodes = Nodes { client, base, is_ours: at.digest.is_some(), known: BTreeSet::new() };
    let prepared = nodes.prepare().await;
    let found = prepared.map_err(|why| away(why.to_string()))?;
    if found > VERSION {
        return Err(StoreError::TooNew { place, found, known: VERSION });
    }
    if !nodes.takes().await.map_err(|why| away(why.to_string()))? {
        return Err(StoreError::InUse { place, flag: "--store" });
    }
    nodes.recover().await.map_err(|why| away(why.to_string()))?;
    let held = nodes.read().await.map_err(|why| away(why.to_string()))?;
    let rows = nodes::rows(&held).map_err(away)?;
    let (asked, inbox) = mpsc::channel(WAITING_MAX);
    let mut tasks = JoinSet::new();
    tasks.spawn(write(nodes, inbox));
    let writer = Some(Writer::Task(tasks));
    Ok((Store { place, asked: Some(asked), writer }, rows))
}

async fn connect(at: &ZooKeeper) -> Result<Client, Error> {
    // Servers since 3.4, of the time of Mesos, know all that is asked then.
    let mut connector =
        Client::connector().with_session_timeout(SESSION).with_server_version(3, 4, 0);
    if let Some(digest) = &at.digest {
        connector = connector.with_auth("digest", digest.as_bytes());
    }
    connector.connect(&at.servers).await
}

/// Writes what is asked for, until nobody can ask any more, or it cannot be written.
async fn write(mut nodes: Nodes, mut inbox: mpsc::Receiver<Asked>) {
    while let Some(asked) = inbox.recv().await {
        let written = nodes.commit(&asked.changes).await;
        let failed = written.err().map(|why| why.to_string());
        // Whoever waited may be gone.
        let _ = asked.done.send(failed.clone().map_or(Ok(()), Err));
        if let Some(why) = failed {
            tracing::error!("cannot write what must not be forgotten: {why}");
            return;
        }
    }
    // Whoever comes next need not wait for the session to end.
    let _ = nodes.client.delete(&nodes.path(WRITER), None).await;
}

/// Whether it will not be otherwise if it is tried again.
fn is_lasting(why: &Error) -> bool {
    matches!(
        why,
        Error::SessionExpired
            | Error::ClientClosed
            | Error::NoHosts
            | Error::NoAuth
            | Error::AuthFailed
            | Error::InvalidAcl
            | Error::QuotaExceeded
            | Error::BadArguments(_)
            | Error::MarshallingError
            | Error::Unimplemented
    )
}

/// The nodes of a store, for the one who writes them.
struct Nodes {
    client: Client,
    base: String,
    /// Whether only we may read and write them.
    is_ours: bool,
    /// Those that are there.
    known: BTreeSet<String>,
}

impl Nodes {
    fn path(&self, node: &str) -> String {
        format!("{}/{node}", self.base)
    }

    fn options(&self, mode: CreateMode) -> CreateOptions<'static> {
        mode.with_acls(if self.is_ours { Acls::new(&OWN) } else { Acls::anyone_all() })
    }

    /// Makes the folders, and returns the version of what is there.
    async fn prepare(&self) -> Result<i64, Error> {
        let options = self.options(CreateMode::Persistent);
        self.client.mkdir(&self.path(REDO), &options).await?;
        let folders = std::iter::once(ROWS.to_owned()).chain(buckets());
        for folder in folders {
            match self.client.create(&self.path(&folder), b"", &options).await {
                Ok(_) | Err(Error::NodeExists) => {}
                Err(why) => return Err(why),
            }
        }
        let (data, _) = self.client.get_data(&self.base).await?;
        if data.is_empty() {
            self.client.set_data(&self.base, VERSION.to_string().as_bytes(), None).await?;
            return Ok(VERSION);
        }
        Ok(std::str::from_utf8(&data).ok().and_then(|text| text.parse().ok()).unwrap_or(i64::MAX))
    }

    /// Becomes the writer, once the session of one that was killed is over. Returns whether it is.
    async fn takes(&self) -> Result<bool, Error> {
        let until = Instant::now() + PATIENCE;
        let path = self.path(WRITER);
        loop {
            match self.client.create(&path, b"", &self.options(CreateMode::Ephemeral)).await {
                Ok(_) => return Ok(true),
                Err(Error::NodeExists) => {}
                Err(why) if is_lasting(&why) => return Err(why),
                Err(_) => {}
            }
            let stat = self.client.check_stat(&path).await;
            let session = self.client.session_id().0;
            if matches!(&stat, Ok(Some(stat)) if stat.ephemeral_owner == session) {
                return Ok(true);
            }
            if Instant::now() > until {
                return Ok(false);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Carries out what a writer before had committed, and forgets what it had not.
    async fn recover(&mut self) -> Result<(), Error> {
        let mut written = self.client.list_children(&self.path(REDO)).await?;
        written.sort_unstable();
        let written: Vec<String> = written.iter().map(|name| format!("{REDO}/{name}")).collect();
        self.known.extend(written.iter().cloned());
        if self.client.check_stat(&self.path(REDO_COUNT)).await?.is_some() {
            self.known.insert(REDO_COUNT.to_owned());
            for node in &written {
                let (data, _) = self.client.get_data(&self.path(node)).await?;
                let damaged = |why: serde_json::Error| Error::UnexpectedError(why.to_string());
                let ops: Vec<Op> = serde_json::from_slice(&data).map_err(damaged)?;
                self.look_at(&ops).await?;
                self.apply(&ops).await?;
            }
        }
        self.forgets_redo(&written).await
    }

    /// What was written down is done, or is not to be done.
    async fn forgets_redo(&mut self, written: &[String]) -> Result<(), Error> {
        // First the node that says that it is to be done.
        let gone = |node: &String| Op { node: node.clone(), data: None };
        self.apply(&[gone(&REDO_COUNT.to_owned())]).await?;
        let gone: Vec<Op> = written.iter().map(gone).collect();
        self.apply(&gone).await
    }

    /// What all nodes of rows hold.
    async fn read(&mut self) -> Result<BTreeMap<String, String>, Error> {
        let client = &self.client;
        let base = &self.base;
        let lists = stream::iter(buckets()).map(|bucket| async move {
            let names = client.list_children(&format!("{base}/{bucket}")).await?;
            Ok::<_, Error>(
                names.into_iter().map(|name| format!("{bucket}/{name}")).collect::<Vec<_>>(),
            )
        });
        let lists: Vec<Vec<String>> = lists.buffer_unordered(READS_MAX).try_collect().await?;
        let held = stream::iter(lists.into_iter().flatten()).map(|node| async move {
            let (data, _) = client.get_data(&format!("{base}/{node}")).await?;
            let strange = || Error::UnexpectedError(format!("{node} holds no text"));
            let text = String::from_utf8(data).map_err(|_| strange())?;
            Ok::<_, Error>((node, text))
        });
        let held: BTreeMap<String, String> = held.buffer_unordered(READS_MAX).try_collect().await?;
        self.known.extend(held.keys().cloned());
        Ok(held)
    }

    /// Makes changes, all or none.
    async fn commit(&mut self, changes: &[longshore_machine::Change]) -> Result<(), Error> {
        let ops = nodes::ops(&self.known, changes);
        let chunks = chunks(ops);
        if let [only] = chunks.as_slice() {
            return self.apply(only).await;
        }
        let mut written = Vec::new();
        for (at, chunk) in chunks.iter().enumerate() {
            let node = format!("{REDO}/{at:06}");
            let text = serde_json::to_string(chunk);
            let text = text.map_err(|why| Error::UnexpectedError(why.to_string()))?;
            self.apply(&[Op { node: node.clone(), data: Some(text) }]).await?;
            written.push(node);
        }
        let count = Some(written.len().to_string());
        self.apply(&[Op { node: REDO_COUNT.to_owned(), data: count }]).await?;
        for chunk in &chunks {
            self.apply(chunk).await?;
        }
        self.forgets_redo(&written).await
    }

    /// Does operations in one transaction, again until it is known that they are done.
    async fn apply(&mut self, ops: &[Op]) -> Result<(), Error> {
        let mut surprises = 0;
        loop {
            let why = match self.attempt(ops).await {
                Ok(()) => break,
                Err(why) => why,
            };
            surprises += u32::from(matches!(why, Error::NodeExists | Error::NoNode));
            if is_lasting(&why) || surprises > SURPRISES_MAX {
                return Err(why);
            }
            tracing::warn!("ZooKeeper: {why}; trying again");
            tokio::time::sleep(PAUSE).await;
            self.look_at(ops).await?;
        }
        for op in ops {
            if op.data.is_some() {
                self.known.insert(op.node.clone());
            } else {
                self.known.remove(&op.node);
            }
        }
        Ok(())
    }

    async fn attempt(&self, ops: &[Op]) -> Result<(), Error> {
        let options = self.options(CreateMode::Persistent);
        let mut writer = self.client.new_multi_writer();
        let mut is_empty = true;
        for Op { node, data } in ops {
            let path = self.path(node);
            let is_known = self.known.contains(node);
            match data {
                Some(data) if is_known => writer.add_set_data(&path, data.as_bytes(), None)?,
                Some(data) => writer.add_create(&path, data.as_bytes(), &options)?,
                None if is_known => writer.add_delete(&path, None)?,
                None => continue,
            }
            is_empty = false;
        }
        if is_empty {
            return Ok(());
        }
        writer.commit().await.map(drop).map_err(Error::from)
    }

    /// Looks which of the nodes there are.
    async fn look_at(&mut self, ops: &[Op]) -> Result<(), Error> {
        for op in ops {
            let path = self.path(&op.node);
            let is_there = loop {
                match self.client.check_stat(&path).await {
                    Ok(stat) => break stat.is_some(),
                    Err(why) if is_lasting(&why) => return Err(why),
                    // The session ends if this goes on for long.
                    Err(_) => tokio::time::sleep(PAUSE).await,
                }
            };
            if is_there {
                self.known.insert(op.node.clone());
            } else {
                self.known.remove(&op.node);
            }
        }
        Ok(())
    }
}

/// Operations in as many transactions as they need; one if there are none.
fn chunks(ops: Vec<Op>) -> Vec<Vec<Op>> {
    let mut chunks = vec![Vec::new()];
    let mut bytes = 0;
    for op in ops {
        let cost = op.cost();
        if bytes + cost > COMMIT_BYTES_MAX && bytes > 0 {
            chunks.push(Vec::new());
            bytes = 0;
        }
        bytes += cost;
        chunks.last_mut().expect("there is one").push(op);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_one_transaction_unless_it_is_too_large_for_one() {
        let op = |bytes: usize| Op { node: "rows/00/a".to_owned(), data: Some("x".repeat(bytes)) };
        assert_eq!(chunks(Vec::new()).len(), 1);
        assert_eq!(chunks(vec![op(100); 1_000]).len(), 1);
        let many = chunks(vec![op(100_000); 7]);
        assert_eq!(many.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2, 1]);
        for chunk in &many {
            assert!(chunk.iter().map(Op::cost).sum::<usize>() <= COMMIT_BYTES_MAX);
        }
    }
}
