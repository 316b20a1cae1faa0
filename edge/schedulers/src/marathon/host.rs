//! What the machine asks for, done.

use std::sync::Arc;

use longshore_marathon::{Answer, Event, Input, Marathon, Output, Probe, Reply, Request};
use longshore_server::{Host, Means, Probed, Prober};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::MarathonError;
use super::events::Events;
use super::front::Known;
use crate::calls::Waiting;
use crate::framework::Link;
use crate::service::Leave;
use crate::store::Store;

/// Probes that are made at a time. Source: chosen by us, as many as a master makes.
const PROBES_MAX: usize = 512;

/// Performs the outputs of the machine.
pub(super) struct MarathonHost {
    store: Store,
    link: Link<Input>,
    waiting: Waiting<Reply>,
    events: Events,
    known: Arc<Known>,
    inputs: mpsc::Sender<Input>,
    prober: Prober,
    places: Arc<Semaphore>,
    probes: JoinSet<()>,
}

impl MarathonHost {
    pub(super) fn new(
        store: Store,
        link: Link<Input>,
        waiting: Waiting<Reply>,
        events: Events,
        known: Arc<Known>,
        inputs: mpsc::Sender<Input>,
    ) -> Self {
        Self {
            store,
            link,
            waiting,
            events,
            known,
            inputs,
            prober: Prober::default(),
            places: Arc::new(Semaphore::new(PROBES_MAX)),
            probes: JoinSet::new(),
        }
    }

    fn probe(&mut self, probe: Probe) {
        while self.probes.try_join_next().is_some() {}
        let (prober, places, inputs) =
            (self.prober.clone(), self.places.clone(), self.inputs.clone());
        self.probes.spawn(async move {
            let Probe { task, purpose, request, host, port, timeout_ms } = probe;
            let means = match request {
                Request::Tcp => Means::Tcp,
                Request::Http { is_https, path } => {
                    Means::Http { tls: is_https, path: path.as_str().into() }
                }
            };
            let place = places.acquire().await;
            let answer = match prober.probe(&host, port, means, timeout_ms).await {
                Probed::Status(status) => Answer::Status(status),
                Probed::Connected => Answer::Connected,
                Probed::Failed(_) | Probed::TimedOut | Probed::Unreached(_) => Answer::Silent,
            };
            drop(place);
            // A machine that ended does not wait for it.
            let _ = inputs.send(Input::Probed { task, purpose, answer }).await;
        });
    }

    fn happened(&self, event: &Event) {
        match event {
            Event::Registered { framework } => self.known.registered(framework),
            Event::Reregistered => self.known.subscribed(true),
            Event::Disconnected => self.known.subscribed(false),
            _ => {}
        }
        self.events.tell(event);
    }
}

impl Leave for MarathonHost {
    async fn leave(self) {
        self.link.leave().await;
        self.store.close().await;
    }
}

impl Host<Marathon> for MarathonHost {
    type Error = MarathonError;

    async fn perform(&mut self, out: &mut Vec<Output>) -> Result<(), MarathonError> {
        let mut changes = Vec::new();
        for output in out.iter_mut() {
            if let Output::Store(stored) = output {
                changes.append(stored);
            }
        }
        // All of them, before anything else of these steps.
        self.store.commit(changes).await?;
        for output in out.drain(..) {
            match output {
                Output::Store(_) => {}
                Output::Connect { framework } => self.link.connect(framework).await?,
                Output::Say(command) => self.link.say(command).await,
                Output::Reply { ticket, reply } => self.waiting.tell(ticket.0, reply),
                Output::Probe(probe) => self.probe(probe),
                Output::Event(event) => self.happened(&event),
                Output::Failed(text) => return Err(MarathonError::Driver(text)),
            }
        }
        Ok(())
    }
}
