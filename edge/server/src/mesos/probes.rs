//! Probes of tasks that are under way.
//!
//! So many are made at once, and of each framework so many: whoever has tasks that never answer waits for them alone. What has no place
//! waits in the order of arrival, and frameworks take turns. The time that a probe may take begins when it has its place.
//!
//! Invariant: what waits is bounded by the machine, which has one probe of each check out.

mod dial;
mod names;
mod tls;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use longshore_bridge::{FrameworkId, Input, Means, Probe, ProbeId, Probed};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

pub(super) use self::dial::Network;
use crate::limits::{PROBES_MAX, PROBES_OF_FRAMEWORK_MAX};

/// What dials.
pub(super) trait Dialler: Clone + Send + 'static {
    fn dial(&self, probe: Probe) -> impl Future<Output = Probed> + Send;
}

/// The probes of one framework.
struct Queue {
    waiting: VecDeque<Probe>,
    places: Arc<Semaphore>,
}

/// All probes that nothing has come of yet.
pub(super) struct Probes<D> {
    dialler: D,
    inputs: mpsc::Sender<Input>,
    of: BTreeMap<FrameworkId, Queue>,
    places: Arc<Semaphore>,
    /// The framework whose turn was last.
    last: Option<FrameworkId>,
    under_way: JoinSet<()>,
}

impl<D: Dialler> Probes<D> {
    pub(super) fn new(dialler: D, inputs: mpsc::Sender<Input>) -> Self {
        let places = Arc::new(Semaphore::new(PROBES_MAX));
        Self { dialler, inputs, of: BTreeMap::new(), places, last: None, under_way: JoinSet::new() }
    }

    /// One more probe. It begins with the next [`Probes::send`].
    pub(super) fn push(&mut self, probe: Probe) {
        let queue = self.of.entry(probe.framework.clone()).or_insert_with(|| Queue {
            waiting: VecDeque::new(),
            places: Arc::new(Semaphore::new(PROBES_OF_FRAMEWORK_MAX)),
        });
        queue.waiting.push_back(probe);
    }

    /// Begins probes while there are places. Call after every input: a place is free again before what came of its probe becomes an input.
    pub(super) fn send(&mut self) {
        while self.under_way.try_join_next().is_some() {}
        let mut passed = 0;
        while passed < self.of.len() {
            let Some(framework) = self.turn() else { return };
            if self.begin(&framework) {
                passed = 0;
            } else {
                passed += 1;
            }
            self.last = Some(framework);
        }
        self.of.retain(|_, queue| {
            !queue.waiting.is_empty() || queue.places.available_permits() < PROBES_OF_FRAMEWORK_MAX
        });
    }

    /// The framework whose turn is next; `None` if there are no places.
    fn turn(&self) -> Option<FrameworkId> {
        if self.places.available_permits() == 0 {
            return None;
        }
        let after = self.last.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.of.range::<FrameworkId, _>((after, Bound::Unbounded)).next();
        next.or_else(|| self.of.first_key_value()).map(|(framework, _)| framework.clone())
    }

    /// Begins the first probe of a framework, if it has one and a place.
    fn begin(&mut self, framework: &FrameworkId) -> bool {
        let Some(queue) = self.of.get_mut(framework).filter(|queue| !queue.waiting.is_empty())
        else {
            return false;
        };
        let Ok(own) = queue.places.clone().try_acquire_owned() else { return false };
        let Ok(place) = self.places.clone().try_acquire_owned() else { return false };
        let Some(probe) = queue.waiting.pop_front() else { return false };
        let (dialler, inputs, id) = (self.dialler.clone(), self.inputs.clone(), probe.id);
        self.under_way.spawn(async move {
            let probed = dialler.dial(probe).await;
            drop((own, place));
            // A bridge that ended does not wait for it.
            let _ = inputs.send(Input::Probed(id, probed)).await;
        });
        true
    }
}

/// Dials tasks for a scheduler that checks them itself.
#[derive(Clone)]
pub struct Prober {
    network: Network,
}

impl std::fmt::Debug for Prober {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prober").finish_non_exhaustive()
    }
}

impl Default for Prober {
    fn default() -> Self {
        Self { network: Network::new() }
    }
}

impl Prober {
    /// Makes a probe of a port of a host, which may take so many ms. How many are made at a time is up to the caller.
    pub async fn probe(&self, host: &str, port: u16, means: Means, timeout_ms: u64) -> Probed {
        let probe = Probe {
            id: ProbeId(0),
            framework: FrameworkId::from(""),
            host: host.into(),
            port,
            inside_port: port,
            ipv6: false,
            means,
            timeout_ms,
        };
        self.network.dial(probe).await
    }
}

#[cfg(test)]
mod tests {
    use longshore_bridge::{Means, ProbeId};
    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

    use super::*;

    fn probe(number: u64, framework: &str) -> Probe {
        Probe {
            id: ProbeId(number),
            framework: framework.into(),
            host: "127.0.0.1".into(),
            port: 1,
            inside_port: 1,
            ipv6: false,
            means: Means::Tcp,
            timeout_ms: 1_000,
        }
    }

    /// Records what is dialled; tasks of `tarpit` never answer.
    #[derive(Clone)]
    struct Tarpit(UnboundedSender<Probe>);

    impl Dialler for Tarpit {
        async fn dial(&self, probe: Probe) -> Probed {
            let never = &*probe.framework == "tarpit";
            self.0.send(probe).expect("the test listens");
            if never {
                std::future::pending::<()>().await;
            }
            Probed::Connected
        }
    }

    #[tokio::test]
    async fn tasks_that_never_answer_do_not_take_the_places_of_other_frameworks() {
        let (tell, mut told) = unbounded_channel();
        let (inputs, mut inbox) = mpsc::channel(8);
        let mut probes = Probes::new(Tarpit(tell), inputs);
        for number in 0..2_000 {
            probes.push(probe(number, "tarpit"));
        }
        for number in 2_000..3_000 {
            probes.push(probe(number, "quick"));
        }
        for _ in 0..1_000 {
            probes.send();
            let told = inbox.recv().await.expect("an answer comes");
            assert!(matches!(told, Input::Probed(ProbeId(2_000..), Probed::Connected)), "{told:?}");
        }
        let waiting = probes.of.get("tarpit").expect("they wait").waiting.len();
        assert_eq!(waiting, 2_000 - PROBES_OF_FRAMEWORK_MAX);
        drop(probes);
        let mut dialled = 0;
        while told.recv().await.is_some() {
            dialled += 1;
        }
        assert_eq!(dialled, PROBES_OF_FRAMEWORK_MAX + 1_000);
    }

    #[tokio::test]
    async fn frameworks_take_turns_and_are_forgotten_when_nothing_waits() {
        let (tell, mut told) = unbounded_channel();
        let (inputs, mut inbox) = mpsc::channel(1_024);
        let mut probes = Probes::new(Tarpit(tell), inputs);
        for framework in ["a", "b", "c"] {
            for number in 0..3 {
                probes.push(probe(number, framework));
            }
        }
        probes.send();
        for _ in 0..9 {
            inbox.recv().await.expect("an answer comes");
        }
        let mut order = Vec::new();
        while let Ok(probe) = told.try_recv() {
            order.push(probe.framework.to_string());
        }
        assert_eq!(order.concat(), "abcabcabc");
        probes.send();
        assert!(probes.of.is_empty());
    }
}
