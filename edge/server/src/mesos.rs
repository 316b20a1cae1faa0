//! The Mesos master as a service: the bridge's mailbox, its host, and the HTTP front.

mod asks;
mod call;
mod credentials;
mod feed;
mod files;
mod front;
mod inside;
mod libprocess;
mod logging;
mod operator;
mod probes;
mod streams;
mod watchers;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};

use longshore_bridge::operator::Command;
use longshore_bridge::{Bridge, CallId, Config, Input, Origin, Output, Response, ValidCall};
use longshore_client::{Client, Feed};
use longshore_wire_mesos::Media;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use self::asks::Asks;
pub(crate) use self::credentials::authenticated;
pub use self::credentials::{Credentials, CredentialsError, challenged};
pub use self::inside::{Door as InsideDoor, Events, InsideMaster};
pub use self::logging::log_level_by;
pub use self::probes::Prober;
use self::probes::{Network, Probes};
use self::streams::{EventStream, Streams};
use self::watchers::{Watchers, Watching};
use crate::door::{Front, Listener, serve};
use crate::drive::{Host, drive, seed};
use crate::limits;
use crate::metrics::Metrics;
use crate::notes::Notes;
use crate::trace::BridgeWatch;

/// The answer to an HTTP request.
pub(crate) enum Answer {
    /// A response without a stream.
    Plain(Response),
    /// A stream of events, and its `Mesos-Stream-Id`.
    Stream(EventStream, String),
    /// A stream of events for an operator.
    Watching(Box<Watching>),
}

/// A caller waiting for an answer.
struct Caller {
    reply: oneshot::Sender<Answer>,
    media: Media,
    /// The space of the call until it is answered, even if its caller has hung up.
    _room: Option<OwnedSemaphorePermit>,
}

type Waiting = Arc<Mutex<Calls>>;

#[derive(Default)]
struct Calls {
    last: u64,
    waiting: BTreeMap<CallId, Caller>,
}

fn lock(calls: &Waiting) -> std::sync::MutexGuard<'_, Calls> {
    // Each change is one insertion or removal, so a panic elsewhere cannot leave it half done.
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call, with the relevant headers of its request.
struct Called {
    call: ValidCall,
    origin: Origin,
    principal: Option<String>,
}

/// A handle to the bridge.
#[derive(Clone)]
pub(crate) struct BridgeHandle {
    inputs: mpsc::Sender<Input>,
    calls: Waiting,
}

impl BridgeHandle {
    /// Makes a call, and waits for the answer; `None` when the bridge is ending.
    async fn call(
        &self,
        called: Called,
        media: Media,
        room: Option<OwnedSemaphorePermit>,
    ) -> Option<Answer> {
        let Called { call, origin, principal } = called;
        let call = Box::new(call);
        self.ask(media, room, |id| Input::Called { id, call, origin, principal }).await
    }

    /// What operators see.
    async fn inspect(&self) -> Option<Answer> {
        self.ask(Media::Json, None, Input::Inspected).await
    }

    /// Has something done for an operator.
    async fn command(&self, command: Command) -> Option<Answer> {
        self.ask(Media::Json, None, |id| Input::Commanded(id, command)).await
    }

    /// What operators see, and all that happens after it.
    async fn watch(&self, media: Media) -> Option<Answer> {
        self.ask(media, None, Input::Watched).await
    }

    async fn ask(
        &self,
        media: Media,
        room: Option<OwnedSemaphorePermit>,
        input: impl FnOnce(CallId) -> Input,
    ) -> Option<Answer> {
        let (reply, answer) = oneshot::channel();
        let id = {
            let mut calls = lock(&self.calls);
            calls.last += 1;
            let id = CallId(calls.last);
            calls.waiting.insert(id, Caller { reply, media, _room: room });
            id
        };
        if self.inputs.send(input(id)).await.is_err() {
            lock(&self.calls).waiting.remove(&id);
            return None;
        }
        answer.await.ok()
    }
}

/// Performs the outputs of the bridge.
struct BridgeHost {
    calls: Waiting,
    streams: Streams,
    watchers: Watchers,
    asks: Asks<Client>,
    probes: Probes<Network>,
    notes: Arc<Notes>,
    recovered: watch::Sender<bool>,
    listens: watch::Sender<bool>,
}

impl Host<Bridge> for BridgeHost {
    type Error = Infallible;

    async fn perform(&mut self, out: &mut Vec<Output>) -> Result<(), Infallible> {
        for output in out.drain(..) {
            match output {
                Output::Respond(id, response) => self.respond(id, response),
                Output::Send(stream, event) => self.streams.send(stream, event),
                Output::Mark(stream) => self.streams.mark(stream),
                Output::Close(stream) => self.streams.close(stream),
                // Fails only if there is no receiver.
                Output::Recovered => drop(self.recovered.send(true)),
                // Fails only if there is no feed.
                Output::Listen(wanted) => drop(self.listens.send(wanted)),
                Output::Note(text) => self.notes.warn(&text),
                // Logged by the watch.
                Output::Happened(_) => {}
                Output::Changed(changes) => self.watchers.tell(changes),
                Output::Ask(question) => self.asks.push(question),
                Output::Probe(probe) => self.probes.push(*probe),
            }
        }
        self.asks.send();
        self.probes.send();
        Ok(())
    }
}

impl BridgeHost {
    fn respond(&mut self, id: CallId, response: Response) {
        let Some(caller) = lock(&self.calls).waiting.remove(&id) else { return };
        let answer = match response {
            Response::Stream(key, id) => Answer::Stream(self.streams.open(key, caller.media), id),
            Response::Watched(view) => {
                return self.watchers.join(view, caller.media, caller.reply);
            }
            plain => Answer::Plain(plain),
        };
        // If the caller hung up, a stream for it ends when its receiving half is dropped.
        let _ = caller.reply.send(answer);
    }
}

/// A bridge that runs, with all that it needs but a way in.
struct Running {
    tasks: JoinSet<()>,
    handle: BridgeHandle,
    notes: Arc<Notes>,
    recovered: watch::Receiver<bool>,
    /// How many requests that change something wait or are under way.
    changes: Arc<AtomicUsize>,
}

/// Starts a bridge in front of a cluster.
fn run(config: Config, client: Client, feed: Option<Feed>, metrics: &Metrics) -> Running {
    let (inputs, inbox) = mpsc::channel(limits::MAILBOX_INPUTS_MAX);
    let calls = Waiting::default();
    let (streams, mut news) = Streams::new();
    let (watchers, teller) = Watchers::new(streams.teller());
    let (tell_recovered, recovered) = watch::channel(false);
    let (listens, wanted) = watch::channel(false);
    let notes = Arc::<Notes>::default();
    let handle = BridgeHandle { inputs: inputs.clone(), calls: calls.clone() };
    let mut host = BridgeHost {
        calls,
        streams,
        watchers,
        asks: Asks::new(client, inputs.clone()),
        probes: Probes::new(Network::new(), inputs.clone()),
        notes: notes.clone(),
        recovered: tell_recovered,
        listens,
    };
    let changes = host.asks.changes();
    let mut tasks = JoinSet::new();
    let bridge = Bridge::new(config, seed());
    let mut watch = BridgeWatch::new(metrics);
    tasks.spawn(async move {
        let Ok(_) = drive(bridge, &mut host, &mut watch, inbox).await;
    });
    tasks.spawn(teller.run());
    if let Some(feed) = feed {
        tasks.spawn(feed::run(feed, wanted, inputs.clone()));
    }
    tasks.spawn(async move {
        while let Some(input) = news.recv().await {
            if inputs.send(input).await.is_err() {
                return;
            }
        }
    });
    Running { tasks, handle, notes, recovered, changes }
}

/// A running Mesos master.
#[derive(Debug)]
pub struct MesosMaster {
    tasks: JoinSet<()>,
    closing: watch::Sender<bool>,
    recovered: watch::Receiver<bool>,
}

impl MesosMaster {
    /// Starts the master in front of a cluster, which it reads, and whose events it follows if
    /// there is a feed. Callers must authenticate with one of `credentials`, if there are any.
    pub fn start(
        mut config: Config,
        client: Client,
        feed: Option<Feed>,
        listener: Listener,
        credentials: Credentials,
        metrics: &Metrics,
    ) -> Self {
        config.needs_credentials = !credentials.is_empty();
        let shown = config.clone();
        let Running { mut tasks, handle, notes, recovered, .. } =
            run(config, client, feed, metrics);
        let router = front::router(handle, notes, metrics.clone(), &shown, credentials);
        let (closing, closed) = watch::channel(false);
        let front = Front { router, refusal: front::refusal };
        tasks.spawn(serve(listener, front, closed));
        Self { tasks, closing, recovered }
    }

    /// Waits until the cluster has been read and frameworks get answers.
    pub async fn ready(&self) {
        let mut recovered = self.recovered.clone();
        // An error means that the master is ending, so there is nothing to wait for.
        let _ = recovered.wait_for(|recovered| *recovered).await;
    }

    /// Stops. Tasks keep running; frameworks find the next master in the usual way.
    pub async fn stop(mut self) {
        // Fails only if no receiver is left.
        let _ = self.closing.send(true);
        self.tasks.shutdown().await;
    }
}
