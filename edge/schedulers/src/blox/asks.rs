//! Requests to ECS that are under way.
//!
//! Each kind has its own slots, so that no kind waits behind another. Each cluster is asked by a client of its own, which
//! shares budget and connections with the others.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use longshore_client::Client;
use longshore_daemon::Input;
use longshore_replica::{FleetQuestion, Question, TasksAsk};
use longshore_server::limits;
use longshore_wire_ecs::Str;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

/// Something to ask.
pub(super) enum Ask {
    Cluster(Str, Question),
    Fleet(FleetQuestion),
}

/// The kind of a request, and how many of them may be under way.
const KINDS: [usize; 5] = [
    limits::ASKS_STOP_MAX,
    limits::ASKS_START_MAX,
    limits::ASKS_DEFINE_MAX,
    limits::ASKS_FIND_MAX,
    limits::ASKS_READ_MAX,
];

impl Ask {
    /// The index of its kind.
    fn kind(&self) -> usize {
        match self {
            Self::Cluster(_, Question::Stop(..)) => 0,
            Self::Fleet(FleetQuestion::Start(..)) | Self::Cluster(_, Question::Start(..)) => 1,
            Self::Fleet(FleetQuestion::Cluster(..))
            | Self::Cluster(_, Question::Definition(..) | Question::Change(..)) => 2,
            Self::Cluster(_, Question::Tasks(_, TasksAsk::Find(_) | TasksAsk::Describe(_))) => 3,
            Self::Fleet(FleetQuestion::Clusters(_))
            | Self::Cluster(_, Question::Instances(..) | Question::Tasks(..)) => 4,
        }
    }
}

struct Queue {
    waiting: VecDeque<Ask>,
    places: Arc<Semaphore>,
}

/// All requests that are not answered.
pub(super) struct Asks {
    client: Client,
    clusters: BTreeMap<Str, Client>,
    inputs: mpsc::Sender<Input>,
    queues: [Queue; KINDS.len()],
    under_way: JoinSet<()>,
}

impl Asks {
    pub(super) fn new(client: Client, inputs: mpsc::Sender<Input>) -> Self {
        let queues = KINDS.map(|places| Queue {
            waiting: VecDeque::new(),
            places: Arc::new(Semaphore::new(places)),
        });
        let clusters = BTreeMap::new();
        Self { client, clusters, inputs, queues, under_way: JoinSet::new() }
    }

    /// One more. It goes out with the next [`Asks::send`].
    pub(super) fn push(&mut self, ask: Ask) {
        self.queues[ask.kind()].waiting.push_back(ask);
    }

    /// Sends what waits while there are slots. Call after every input: a slot is freed before its answer becomes one.
    pub(super) fn send(&mut self) {
        while self.under_way.try_join_next().is_some() {}
        for queue in &mut self.queues {
            while !queue.waiting.is_empty() {
                let Ok(place) = queue.places.clone().try_acquire_owned() else { break };
                let Some(ask) = queue.waiting.pop_front() else { break };
                let client = match &ask {
                    Ask::Fleet(_) => self.client.clone(),
                    Ask::Cluster(arn, _) => {
                        let made = self.clusters.entry(arn.clone());
                        made.or_insert_with(|| self.client.showing(arn)).clone()
                    }
                };
                let inputs = self.inputs.clone();
                self.under_way.spawn(async move {
                    let answered = match ask {
                        Ask::Cluster(_, question) => Input::Answered(client.ask(question).await),
                        Ask::Fleet(question) => {
                            Input::FleetAnswered(client.ask_fleet(question).await)
                        }
                    };
                    drop(place);
                    // A machine that has ended does not wait for it.
                    let _ = inputs.send(answered).await;
                });
            }
        }
    }
}
