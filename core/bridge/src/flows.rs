//! What one input leads to across the parts. A flow holds no state: it asks one part, tells another, and pushes effects.
//!
//! Parts do not know each other, but for the cluster, which reads launches. Whatever concerns two of them is here, so that each
//! can be read, tested and audited alone. At the end of each step [`Parts::settle`] brings the sums of the allocator up to what
//! launches and instances have become.

mod accepting;
mod allocating;
mod calling;
mod checking;
mod commanding;
mod deciding;
mod deferring;
mod ending;
mod grouping;
mod hearing;
mod jobs;
mod launching;
mod leaving;
mod maintaining;
mod minding;
mod observing;
mod recovering;
mod showing;
mod stopping;
mod subscribing;
mod telling;

use longshore_machine::Timestamp;

use self::allocating::Tempo;
use self::deferring::Deferred;
use self::jobs::Jobs;
use crate::agenda::Timer;
use crate::agents::Agents;
use crate::allocator::Allocator;
use crate::checks::Checks;
use crate::cluster::Cluster;
use crate::config::Config;
use crate::context::Context;
use crate::frameworks::Frameworks;
use crate::launches::Launches;
use crate::maintenance::Maintenance;
use crate::operator::ReadModel;
use crate::updates::Updates;

/// The parts of the bridge.
#[derive(Debug)]
pub(crate) struct Parts {
    config: Config,
    /// Id of this master, new with every start.
    master_id: String,
    frameworks: Frameworks,
    allocator: Allocator,
    launches: Launches,
    updates: Updates,
    checks: Checks,
    cluster: Cluster,
    agents: Agents,
    maintenance: Maintenance,
    operator: ReadModel,
    jobs: Jobs,
    tempo: Tempo,
    deferred: Deferred,
}

impl Parts {
    pub(crate) fn new(config: Config, master_id: String) -> Self {
        let allocator = allocating::allocator(&config, &master_id);
        let mut parts = Self {
            config,
            master_id,
            frameworks: Frameworks::default(),
            allocator,
            launches: Launches::default(),
            updates: Updates::default(),
            checks: Checks::default(),
            cluster: Cluster::default(),
            agents: Agents::default(),
            maintenance: Maintenance::default(),
            operator: ReadModel::default(),
            jobs: Jobs::default(),
            tempo: Tempo::default(),
            deferred: Deferred::default(),
        };
        parts.show_master();
        parts
    }

    /// Whether the cluster has been read since the start.
    pub(crate) fn is_recovered(&self) -> bool {
        self.cluster.is_recovered()
    }

    /// Does what is due.
    pub(crate) fn due(&mut self, cx: &mut Context<'_>, timer: Timer) {
        match timer {
            Timer::Heartbeat(stream) => self.frameworks.heartbeat(cx, stream),
            Timer::Failover(framework) => self.failover_expired(cx, &framework),
            Timer::Repeat(launch) => self.repeat(cx, &launch),
            Timer::Settle(launch) => self.settle_launch(cx, &launch),
            Timer::Starting(launch) => self.starting(cx, &launch),
            Timer::Stop(launch) => self.stop_again(cx, &launch),
            Timer::Probe(launch, which) => self.probe(cx, &launch, which),
            Timer::Late(launch) => self.late(cx, &launch),
            Timer::Recover => self.cluster.recover(cx),
            Timer::Strays => self.cluster.look_for_strays(cx),
            Timer::StraysOver => self.strays_are_over(cx),
            Timer::Unlisten => self.cluster.unlisten(cx, &self.launches),
            Timer::EventDue(arn) => {
                if self.cluster.event_due(cx, &arn, &self.launches) {
                    self.wants_allocation(cx.now);
                }
            }
            Timer::Definitions => self.look_for_definitions(cx),
            Timer::Decide(agent) => self.agents.decisions.ask(cx, &agent),
            Timer::Doubt(agent) => self.look_again(cx, &agent),
            Timer::Away(agent) => self.away_for_long(cx, &agent),
            Timer::Ask(agent, framework) => {
                self.maintenance.inverse.may_ask_again(&agent, &framework);
                self.ask_to_leave(cx, &agent);
            }
            Timer::AskedLong(offer) => self.asked_long(cx, &offer),
        }
    }

    /// Goes on with what takes several steps.
    pub(crate) fn go_on(&mut self, cx: &mut Context<'_>) {
        self.allocate(cx);
        self.next_job(cx);
    }

    /// What every step ends with.
    pub(crate) fn settle(&mut self, cx: &mut Context<'_>) {
        self.balance(cx);
        self.allocate_if_due(cx);
        self.cluster.has_audience(self.frameworks.is_anyone_there());
        self.cluster.read_if_due(cx, &self.launches);
        self.cluster.listen(cx, &self.launches);
        self.tell_watchers(cx);
    }

    /// Whether a tick would do something at any time.
    pub(crate) fn is_busy(&self) -> bool {
        self.jobs.is_ready() || self.tempo.is_running()
    }

    /// When something is due that no timer tells.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        let reading = self.cluster.next_at(&self.launches);
        let allocation = [self.tempo.next_at(), self.offers_due_at()];
        allocation.into_iter().chain([reading]).flatten().min()
    }

    /// How much is kept, by what it is.
    pub(crate) fn sizes(&self) -> Vec<(&'static str, usize)> {
        let [launches, by_task, given_up, questions, definitions] = self.launches.sizes();
        let [checks, probes] = self.checks.sizes();
        let [instances, tasks, asked, stale] = self.cluster.sizes();
        let [standing, decisions] = self.agents.sizes();
        vec![
            ("frameworks", self.frameworks.len()),
            ("offers", self.allocator.offers_len()),
            ("filters", self.allocator.filters_len()),
            ("launches", launches),
            ("frameworks with launches", by_task),
            ("launches given up", given_up),
            ("questions about launches", questions),
            ("definitions", definitions),
            ("updates", self.updates.len()),
            ("launches with checks", checks),
            ("probes", probes),
            ("instances", instances),
            ("tasks", tasks),
            ("questions about the cluster", asked),
            ("stale tasks", stale),
            ("agents that stand out", standing),
            ("decisions about agents", decisions),
            ("agents under maintenance", self.maintenance.len()),
            ("jobs", self.jobs.len()),
        ]
    }

    /// What does not hold of the parts, each by itself and together.
    pub(crate) fn audit(&self) -> Vec<String> {
        let mut wrong = self.frameworks.audit();
        wrong.extend(self.launches.audit());
        wrong.extend(self.updates.audit(|id| self.launches.get(id).is_some()));
        wrong.extend(self.checks.audit(|id| self.launches.get(id).is_some()));
        wrong.extend(self.allocator.audit());
        wrong.extend(self.operator.audit());
        wrong.extend(self.agents.audit());
        wrong.extend(self.maintenance.audit());
        wrong.extend(self.audit_balance());
        wrong
    }
}
