//! A Mesos master inside a program, which is called without a port: what a driver has that speaks to ECS by itself.
//!
//! Calls are checked as those of the v1 API are, and answered with the same statuses and texts.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use longshore_bridge::{Config, Origin, Response, check};
use longshore_client::{Client, Feed};
use longshore_wire_mesos::Media;
use longshore_wire_mesos::v1::scheduler::{Call, Event};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::streams::EventStream;
use super::{Answer, BridgeHandle, Called, Running, run};
use crate::metrics::Metrics;

/// How often in a row nothing has to be under way before all is said to be told, and how long that takes.
const LOOKS: u32 = 5;
const LOOK: Duration = Duration::from_millis(40);

/// Why a call was not taken: the status of HTTP that it would have had, and the text.
type Refused = (u16, String);

/// A Mesos master inside a program. It ends with this value; tasks keep running.
pub struct InsideMaster {
    handle: BridgeHandle,
    recovered: watch::Receiver<bool>,
    changes: Arc<AtomicUsize>,
    /// Ends them when it is dropped.
    _tasks: JoinSet<()>,
}

impl fmt::Debug for InsideMaster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InsideMaster").finish_non_exhaustive()
    }
}

impl InsideMaster {
    /// Starts the master in front of a cluster, which it reads, and whose events it follows if there is a feed.
    pub fn start(config: Config, client: Client, feed: Option<Feed>, metrics: &Metrics) -> Self {
        let Running { tasks, handle, recovered, changes, .. } = run(config, client, feed, metrics);
        Self { handle, recovered, changes, _tasks: tasks }
    }

    /// Waits until the cluster has been read and frameworks are answered.
    pub async fn ready(&self) {
        let mut recovered = self.recovered.clone();
        // An error means that the master is ending, so there is nothing to wait for.
        let _ = recovered.wait_for(|recovered| *recovered).await;
    }

    /// Waits until the cluster has been told all that was decided: what was answered is not yet done there.
    pub async fn settled(&self) {
        let mut quiet = 0;
        // What is decided in several steps asks again within a few milliseconds.
        while quiet < LOOKS {
            tokio::time::sleep(LOOK).await;
            let changes = self.changes.load(Ordering::SeqCst);
            quiet = if changes == 0 { quiet + 1 } else { 0 };
        }
    }

    /// A way in.
    pub fn door(&self) -> Door {
        Door { handle: self.handle.clone() }
    }
}

/// A way into a master inside a program.
#[derive(Clone)]
pub struct Door {
    handle: BridgeHandle,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").finish_non_exhaustive()
    }
}

impl Door {
    /// Makes a SUBSCRIBE: the id of the stream, and its events.
    ///
    /// # Errors
    /// Why the framework is not subscribed: 503 while the cluster is being read.
    pub async fn subscribe(&self, call: Call) -> Result<(String, Events), Refused> {
        match self.make(None, call).await? {
            Answer::Stream(stream, id) => Ok((id, Events(stream))),
            other => Err(refusal(other).unwrap_or_else(|| (500, "no stream".to_owned()))),
        }
    }

    /// Makes any other call, of whoever reads the stream of this id.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn send(&self, stream_id: Option<String>, call: Call) -> Result<(), Refused> {
        let answer = self.make(stream_id, call).await?;
        refusal(answer).map_or(Ok(()), Err)
    }

    async fn make(&self, stream_id: Option<String>, call: Call) -> Result<Answer, Refused> {
        let call = check(call, None).map_err(|why| (400, why))?;
        let called = Called { call, origin: Origin::V1 { stream_id }, principal: None };
        let answer = self.handle.call(called, Media::Protobuf, None).await;
        answer.ok_or_else(|| (503, "The master is shutting down".to_owned()))
    }
}

fn refusal(answer: Answer) -> Option<Refused> {
    match answer {
        Answer::Plain(Response::Refused(status, why)) => Some((status, why)),
        _ => None,
    }
}

/// The events of a subscription, which ends with this value.
pub struct Events(EventStream);

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

impl Events {
    /// The next event; `None` when the master has ended the stream.
    pub async fn next(&mut self) -> Option<Box<Event>> {
        poll_fn(|cx| self.0.next(cx)).await
    }
}
