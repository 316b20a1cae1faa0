//! Requests to the cluster that are under way.
//!
//! Each kind has its own slots, so that no kind waits behind another: a kill is sent however many
//! launches and reads are under way. Within the token bucket that all kinds share, the client
//! serves the more urgent first.
//!
//! Invariant: a request with a slot is a tokio task; a request that waits for one is data, in the
//! order of arrival.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use longshore_bridge::Input;
use longshore_client::Client;
use longshore_replica::{Answered, Question, TasksAsk};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::limits::{
    ASKS_CHANGE_MAX, ASKS_DEFINE_MAX, ASKS_FIND_MAX, ASKS_READ_MAX, ASKS_START_MAX, ASKS_STOP_MAX,
};

/// The kind of a request, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Stop,
    Start,
    Define,
    Find,
    Change,
    Read,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::Stop, Self::Start, Self::Define, Self::Find, Self::Change, Self::Read];

    fn of(question: &Question) -> Self {
        match question {
            Question::Stop(..) => Self::Stop,
            Question::Start(..) => Self::Start,
            Question::Definition(..) => Self::Define,
            Question::Change(..) => Self::Change,
            Question::Tasks(_, TasksAsk::Find(_)) => Self::Find,
            Question::Instances(..) | Question::Tasks(..) => Self::Read,
        }
    }

    const fn places(self) -> usize {
        match self {
            Self::Stop => ASKS_STOP_MAX,
            Self::Start => ASKS_START_MAX,
            Self::Define => ASKS_DEFINE_MAX,
            Self::Find => ASKS_FIND_MAX,
            Self::Change => ASKS_CHANGE_MAX,
            Self::Read => ASKS_READ_MAX,
        }
    }
}

/// A cluster that answers requests.
pub(super) trait Cluster: Clone + Send + 'static {
    fn ask(&self, question: Question) -> impl Future<Output = Answered> + Send;
}

impl Cluster for Client {
    fn ask(&self, question: Question) -> impl Future<Output = Answered> + Send {
        Self::ask(self, question)
    }
}

/// A request that changes something, until the bridge has its answer.
struct Changing(Arc<AtomicUsize>);

impl Changing {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Changing {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Queue {
    waiting: VecDeque<(Question, Option<Changing>)>,
    places: Arc<Semaphore>,
}

/// All unanswered requests.
pub(super) struct Asks<C> {
    cluster: C,
    inputs: mpsc::Sender<Input>,
    queues: [Queue; Kind::ALL.len()],
    under_way: JoinSet<()>,
    changes: Arc<AtomicUsize>,
}

impl<C: Cluster> Asks<C> {
    pub(super) fn new(cluster: C, inputs: mpsc::Sender<Input>) -> Self {
        let queues = Kind::ALL.map(|kind| Queue {
            waiting: VecDeque::new(),
            places: Arc::new(Semaphore::new(kind.places())),
        });
        Self { cluster, inputs, queues, under_way: JoinSet::new(), changes: Arc::default() }
    }

    /// How many requests that change something wait or are under way.
    pub(super) fn changes(&self) -> Arc<AtomicUsize> {
        self.changes.clone()
    }

    /// One more question. It goes out with the next [`Asks::send`].
    pub(super) fn push(&mut self, question: Question) {
        let kind = Kind::of(&question);
        let index = Kind::ALL.iter().position(|one| *one == kind).unwrap_or_default();
        let changing =
            (kind != Kind::Read && kind != Kind::Find).then(|| Changing::new(&self.changes));
        self.queues[index].waiting.push_back((question, changing));
    }

    /// Sends queued requests while slots are free. Call after every input: a slot is freed before
    /// its answer becomes an input.
    pub(super) fn send(&mut self) {
        while self.under_way.try_join_next().is_some() {}
        for queue in &mut self.queues {
            while !queue.waiting.is_empty() {
                let Ok(place) = queue.places.clone().try_acquire_owned() else { break };
                let Some((question, changing)) = queue.waiting.pop_front() else { break };
                let (cluster, inputs) = (self.cluster.clone(), self.inputs.clone());
                self.under_way.spawn(async move {
                    let answered = cluster.ask(question).await;
                    drop(place);
                    // A bridge that ended does not wait for it.
                    let _ = inputs.send(Input::Answered(answered)).await;
                    drop(changing);
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use longshore_replica::{
        Alteration, Asked, DefinitionAsk, Failure, InstanceChange, InstancesAsk, StopTask,
    };
    use tokio::sync::mpsc::{Receiver, UnboundedSender, unbounded_channel};

    use super::*;

    /// A cluster that records requests and answers only those that stop tasks.
    #[derive(Clone)]
    struct Silent(UnboundedSender<Kind>);

    impl Cluster for Silent {
        async fn ask(&self, question: Question) -> Answered {
            let kind = Kind::of(&question);
            self.0.send(kind).expect("the test listens");
            match kind {
                Kind::Stop => question.fails(Failure::Throttled),
                _ => std::future::pending().await,
            }
        }
    }

    fn stop(number: u64) -> Question {
        let stop = StopTask { task: "t".into(), reason: "a test".into() };
        Question::Stop(Asked::new(number), stop)
    }

    async fn answers(inbox: &mut Receiver<Input>, asks: &mut Asks<Silent>, count: usize) {
        for _ in 0..count {
            asks.send();
            let told = inbox.recv().await.expect("an answer comes");
            assert!(
                matches!(told, Input::Answered(Answered::Stop(_, Err(Failure::Throttled)))),
                "{told:?}"
            );
        }
    }

    #[tokio::test]
    async fn kills_go_out_however_many_others_are_never_answered() {
        let (tell, mut told) = unbounded_channel();
        let (inputs, mut inbox) = mpsc::channel(8);
        let mut asks = Asks::new(Silent(tell), inputs);
        for number in 0..1_000 {
            asks.push(Question::Instances(Asked::new(number), InstancesAsk::List));
            let named = DefinitionAsk::Describe("d".into());
            asks.push(Question::Definition(Asked::new(number), named));
            asks.push(Question::Tasks(Asked::new(number), TasksAsk::Find("ls-1".into())));
            asks.push(Question::Start(Asked::new(number), Box::default()));
            let change = InstanceChange { instance: "i".into(), to: Alteration::Active(false) };
            asks.push(Question::Change(Asked::new(number), change));
        }
        asks.send();
        for number in 0..100 {
            asks.push(stop(number));
        }
        answers(&mut inbox, &mut asks, 100).await;
        drop(asks);
        let mut sent = Vec::new();
        while let Some(kind) = told.recv().await {
            sent.push(kind);
        }
        for kind in Kind::ALL {
            let most = if kind == Kind::Stop { 100 } else { kind.places() };
            assert_eq!(sent.iter().filter(|one| **one == kind).count(), most, "{kind:?}");
        }
    }
}
