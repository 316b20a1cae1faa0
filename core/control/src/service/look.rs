//! One pass over a service: takes the census, plans, and carries out the plan.
//!
//! A pass is cheap when there is nothing to do and bounded when there is a lot; the next one does
//! the rest.

mod settle;
mod tell;

use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_placement::Refusal;
use longshore_placement::query::Effort;
use longshore_rollout::Share;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{ArnFormat, Realm, ResourceId};

use super::agenda::Matter;
use super::census::{Census, Standing, census};
use super::daemon::{self, Daemon};
use super::event::{Voice, named};
use super::plan::{Plan, Situation, Why, replica};
use super::scale_in::Order;
use super::start::template_of;
use super::state::Ledger;
use super::{Bounds, RolloutState, Scheduling, Service, ServiceStatus, rollout, zones};
use crate::announce::{ActionName, Level};
use crate::cluster_state::ClusterState;
use crate::expiry::retire_service;
use crate::launch;
use crate::limits;
use crate::machine::{Control, Output};
use crate::placing::{self, Rules, fits, place};
use crate::record::{StopCode, Task, TaskDefinition, TaskTemplate};
use crate::setting::SettingName;
use crate::state::{Agents, Policy};

/// Costs in microseconds, measured and used only for estimates: the base cost of a pass, starting
/// or stopping a task including its events, each instance where a DAEMON may run, and giving up an
/// evaluation. The last is the number of tasks or instances scanned per microsecond.
const LOOK: usize = 10;
const ACTION: usize = 25;
const SITE: usize = 5;
const TOO_COSTLY: usize = 30_000;
const SEEN_AT_ONCE: usize = 4;

/// Prefix of the causes under which a service reports that its tasks keep exiting.
const EXITS: &str = "exits ";

/// Makes a pass over each due service, up to the limit of one tick.
pub(crate) fn look_at_due(control: &mut Control, now: Timestamp, out: &mut Vec<Output>) {
    let mut work = 0;
    while let Some(matter) = control.state.agenda.take(now) {
        match matter {
            Matter::Service(realm, cluster, name) => {
                work += look_at(control, now, &realm, &cluster, &name, out);
            }
            Matter::Zones(realm, cluster) => {
                let Some(home) = control.state.cluster(&realm, &cluster) else { continue };
                let known = home.services.values().map(|known| &known.record);
                let uneven = known.filter(|service| zones::is_eligible(service));
                let uneven: Vec<Str> = uneven.map(|service| service.name.clone()).collect();
                work += uneven.len();
                for name in uneven {
                    let matter = Matter::Service(realm.clone(), cluster.clone(), name);
                    control.state.agenda.schedule(matter, now);
                }
            }
            Matter::Waiting(realm, cluster) => {
                let Some(home) = control.state.cluster(&realm, &cluster) else { continue };
                work += home.waiting_services.len();
                for name in home.waiting_services.clone() {
                    let matter = Matter::Service(realm.clone(), cluster.clone(), name);
                    control.state.agenda.schedule(matter, now);
                }
            }
        }
        if work >= limits::SERVICE_WORK_PER_TICK_MAX {
            control.state.agenda.pause(now + limits::SERVICE_PAUSE_MS);
            return;
        }
    }
}

/// Makes a pass over one service; returns its estimated cost in microseconds.
fn look_at(
    control: &mut Control,
    now: Timestamp,
    realm: &Realm,
    cluster_name: &Str,
    name: &Str,
    out: &mut Vec<Output>,
) -> usize {
    let (state, ids) = (&mut control.state, &mut control.ids);
    if state.agents == Agents::Expected {
        state.agents = Agents::ExpectedUntil(now + limits::AGENTS_RETURN_MS);
    }
    let (policy, agents) = (state.policy, state.agents);
    let known = state.cluster(realm, cluster_name).and_then(|home| home.services.get(name));
    let Some(service) = known.map(|known| known.record.clone()) else { return 1 };
    let primary = service.primary();
    let definition = primary.and_then(|one| state.definition(realm, &one.family, one.revision));
    let definition = definition.cloned();
    let arns = state.arns(realm, SettingName::TaskLongArnFormat);
    let Some(cluster) = state.cluster_mut(realm, cluster_name) else { return 1 };
    let voice = Voice::new(ids, now);
    let mut look = Look {
        cluster,
        name,
        voice,
        policy,
        agents,
        arns,
        tasks: Vec::new(),
        again_at: None,
        over: false,
        work: LOOK,
    };
    match service.status {
        ServiceStatus::Active => look.tend(service, definition.as_ref()),
        ServiceStatus::Draining => look.drain(service),
        ServiceStatus::Inactive => {}
    }
    let Look { voice, tasks, again_at, over, mut work, .. } = look;
    work += tasks.len() * ACTION;
    state.announced.extend(voice.announced);
    launch::order(state, &tasks, out);
    let (realm, cluster, name) = (realm.clone(), cluster_name.clone(), name.clone());
    if over {
        retire_service(state, &realm, &cluster, &name, now);
    }
    if let Some(at) = again_at {
        let at = at.max(now + limits::SERVICE_SETTLE_MS);
        state.agenda.schedule(Matter::Service(realm, cluster, name), at);
    }
    work
}

/// Source: ECS API reference, `DeploymentConfiguration`.
fn bounds(service: &Service, desired: u32) -> Bounds {
    let share = Share::percent;
    Bounds::of(desired, share(service.minimum_healthy_percent), share(service.maximum_percent))
}

/// Why a task could not be placed: instances and the check that each failed. Empty if there are no
/// instances.
type Unplaced = Option<Vec<(ResourceId, Refusal)>>;

/// A pass in progress.
struct Look<'c, 'v> {
    cluster: &'c mut ClusterState,
    name: &'c Str,
    voice: Voice<'v>,
    policy: Policy,
    agents: Agents,
    /// The form of the ARNs of new tasks.
    arns: ArnFormat,
    /// Tasks started or stopped.
    tasks: Vec<Arc<Task>>,
    again_at: Option<Timestamp>,
    /// Whether the service became INACTIVE.
    over: bool,
    /// The estimated cost so far in microseconds, excluding started and stopped tasks.
    work: usize,
}

impl Look<'_, '_> {
    fn again(&mut self, at: Option<Timestamp>) {
        self.again_at = [self.again_at, at].into_iter().flatten().min();
    }

    /// Changes the service record and reports on the change.
    fn change(&mut self, how: impl FnOnce(&mut Service, &mut Voice<'_>)) {
        if let Some(service) = self.cluster.service_mut(self.name) {
            how(service, &mut self.voice);
        }
    }

    fn record(&self) -> Option<&Arc<Service>> {
        self.cluster.services.get(self.name).map(|known| &known.record)
    }

    /// Keeps an ACTIVE service in its desired state.
    fn tend(&mut self, service: Arc<Service>, definition: Option<&Arc<TaskDefinition>>) {
        let Some(definition) = definition else {
            drop(service);
            return self.configuration_failed("Its task definition no longer exists.");
        };
        let rules = Rules::read(&service.constraints, &service.strategy);
        let rules = match rules.and_then(|rules| rules.and_of(definition)) {
            Ok(rules) => rules,
            // A rollback may restore a definition that no longer fits later changes of the service.
            Err(error) => {
                drop(service);
                return self.configuration_failed(&error.message);
            }
        };
        let now = self.voice.now;
        let census = census(self.cluster, &service, self.policy, now);
        self.saw(census.members.len());
        self.again(census.again_at);
        if self.trip(&service, &census) {
            return self.again(Some(now));
        }
        let Some((plan, sites, desired)) = self.plan(&service, &census, definition, &rules) else {
            drop(service);
            return self.too_costly();
        };
        let ledger = Ledger::of(&census, &plan, bounds(&service, desired), sites.is_some());
        if desired != service.desired_count {
            self.change(|service, _| service.desired_count = desired);
        }
        let idle = plan.start == 0 && plan.held_back == 0 && plan.stop.is_empty();
        let target = desired.saturating_add(service.moves);
        let settled = idle
            && census.members.len() == usize::try_from(target).unwrap_or(usize::MAX)
            && census
                .members
                .iter()
                .all(|one| one.primary && !one.leaving && one.standing == Standing::Healthy);
        if plan.held_back > 0 {
            self.again(Some(service.starts.not_before));
        }
        drop(service);
        self.stop(&plan);
        let missing = self.start(&plan, sites, definition, &rules);
        self.tell(&plan, missing);
        self.tell_stopping(&plan, &census, target);
        if settled && target > desired {
            // The tasks started elsewhere are healthy, so the fullest zones can now lose as many.
            self.change(|service, _| service.moves = 0);
            self.again(Some(now));
        } else if settled {
            self.settle();
            self.even_out(&census, definition, &rules);
        } else {
            self.unsettle(&census);
        }
        if let Some(known) = self.cluster.services.get_mut(self.name) {
            known.ledger = Some(ledger);
        }
    }

    /// Returns the plan, the instances to start on if the service is a DAEMON, and the desired
    /// count. `None` if the constraints are too expensive to evaluate.
    fn plan(
        &mut self,
        service: &Service,
        census: &Census,
        definition: &TaskDefinition,
        rules: &Rules,
    ) -> Option<(Plan, Option<Vec<ResourceId>>, u32)> {
        let failed = service.primary().is_some_and(|one| one.rollout == RolloutState::Failed);
        let may_start = self.voice.now >= service.starts.not_before;
        if service.scheduling == Scheduling::Daemon {
            let (needs, group) = (&definition.needs, service.group());
            self.work += self.cluster.registered * SITE;
            let effort = Effort::of_one_request();
            let sites = daemon::sites(self.cluster, census, needs, &group, rules, &effort);
            self.work += effort.spent_us();
            let sites = sites?;
            let desired = u32::try_from(sites.len()).unwrap_or(u32::MAX);
            let bounds = bounds(service, desired);
            let mut made = daemon::daemon(&sites, census, Daemon { bounds, failed, may_start });
            made.plan.start = u32::try_from(made.start_on.len()).unwrap_or(u32::MAX);
            return Some((made.plan, Some(made.start_on), desired));
        }
        let desired = service.desired_count;
        let plan = replica(&Situation {
            desired: desired.saturating_add(service.moves),
            bounds: bounds(service, desired),
            members: &census.members,
            stopping: census.stopping,
            failed,
            may_start,
            order: Order::of(&service.strategy, &self.cluster.view),
        });
        Some((plan, None, desired))
    }

    /// Accounts for `count` tasks or instances scanned.
    fn saw(&mut self, count: usize) {
        self.work += count / SEEN_AT_ONCE;
    }

    /// Accounts for what placement has scanned since its counter was at `before`.
    fn saw_since(&mut self, before: u64) {
        let seen = self.cluster.view.looked_at() - before;
        self.saw(usize::try_from(seen).unwrap_or(usize::MAX));
    }

    /// Reports that the constraints cannot be evaluated within the time limit of one pass.
    fn too_costly(&mut self) {
        self.work += TOO_COSTLY;
        let error = placing::too_costly(self.cluster);
        self.configuration_failed(&error.message);
    }

    /// Fails the deployment if too many of its tasks failed.
    fn trip(&mut self, service: &Service, census: &Census) -> bool {
        let (Some(primary), Some(breaker)) = (service.primary(), service.breaker) else {
            return false;
        };
        let under_way = primary.rollout == RolloutState::InProgress;
        if !under_way || primary.failed_tasks < breaker.failures(service.desired_count) {
            return false;
        }
        let ran = census.members.iter().any(|one| one.primary) && primary.reached_running;
        let what = if self.policy.breaker_counts_exits && service.starts.exits > 0 {
            "tasks exited"
        } else if ran {
            "tasks failed container health checks"
        } else {
            "tasks failed to start"
        };
        self.change(|service, voice| rollout::fail(service, what, voice));
        true
    }

    /// Stops the planned tasks, up to the limit of one pass.
    fn stop(&mut self, plan: &Plan) {
        let most = usize::try_from(limits::SERVICE_BATCH_MAX).unwrap_or(usize::MAX);
        if plan.stop.len() > most {
            self.again(Some(self.voice.now));
        }
        let some = &plan.stop[..plan.stop.len().min(most)];
        let primary = self.record().and_then(|service| service.primary()).map(|one| one.id.clone());
        let scaling: Str = match primary {
            Some(id) => format!("Scaling activity initiated by (deployment {id})").into(),
            None => "Scaling activity initiated by the service".into(),
        };
        for (id, why) in some {
            let reason = match why {
                Why::Unhealthy => "Task failed container health checks".into(),
                Why::Replaced | Why::TooMany | Why::Draining | Why::Excluded => scaling.clone(),
            };
            self.stop_task(*id, reason);
        }
        let unhealthy = some.iter().filter(|(_, why)| *why == Why::Unhealthy);
        let unhealthy: Vec<ResourceId> = unhealthy.map(|(id, _)| *id).collect();
        if !unhealthy.is_empty() {
            let now = self.voice.now;
            let ran = |id| self.cluster.tasks.get(id).and_then(|task| task.started_at);
            let ran_ms = unhealthy.iter().filter_map(ran).map(|at| now.since(at)).max();
            let tasks = unhealthy.iter().filter_map(|id| self.cluster.tasks.get(id));
            let names: Vec<Str> = tasks.map(|task| task.shown_id().into()).collect();
            self.change(|service, voice| {
                service.starts.ended(ran_ms.unwrap_or(0));
                for name in &names {
                    voice.say(service, &format!("(task {name}) failed container health checks."));
                }
                let failed = u32::try_from(unhealthy.len()).unwrap_or(u32::MAX);
                if let Some(primary) = service.deployments.first_mut() {
                    primary.failed_tasks += failed;
                    primary.updated_at = voice.now;
                }
            });
        }
        if some.iter().any(|(_, why)| *why == Why::Excluded)
            && let Some(service) = self.record().cloned()
        {
            let name = ActionName::DaemonPlacementConstraintViolated;
            self.voice.act(&service, Level::Error, name, None, Vec::new());
        }
        let stopped: Vec<ResourceId> = some.iter().map(|(id, _)| *id).collect();
        self.say_stopped(&stopped);
    }

    fn say_stopped(&mut self, stopped: &[ResourceId]) {
        if !stopped.is_empty() {
            let tasks = stopped.iter().filter_map(|id| self.cluster.tasks.get(id));
            let tasks: Vec<&str> = tasks.map(|task| task.shown_id()).collect();
            let text = format!("has stopped {}", named("running tasks", &tasks));
            self.change(|service, voice| voice.say(service, &text));
        }
    }

    fn stop_task(&mut self, id: ResourceId, reason: Str) {
        let Some(task) = self.cluster.tasks.get(&id) else { return };
        let task = Task {
            desired_running: false,
            stopping_at: Some(self.voice.now),
            stop_code: Some(StopCode::ServiceScheduler),
            stopped_reason: Some(reason),
            ..Task::clone(task)
        };
        self.tasks.push(self.cluster.put_task(task));
    }

    /// Starts the planned tasks, up to the limit of one pass; returns those that could not be
    /// placed.
    fn start(
        &mut self,
        plan: &Plan,
        sites: Option<Vec<ResourceId>>,
        definition: &Arc<TaskDefinition>,
        rules: &Rules,
    ) -> Unplaced {
        let count = plan.start.min(limits::SERVICE_BATCH_MAX);
        if count == 0 {
            return None;
        }
        if plan.start > count {
            self.again(Some(self.voice.now));
        }
        let service = self.record()?;
        let cluster = &self.cluster.record;
        let template = template_of(cluster, service, service.primary()?, definition, self.arns);
        let (template, tags) = match template {
            Ok(template) => template,
            Err(error) => {
                self.configuration_failed(&error.message);
                return None;
            }
        };
        let (placed, refused) = match sites {
            None => {
                let seed = self.voice.ids().below("placement", u64::MAX);
                let before = self.cluster.view.looked_at();
                let plan =
                    place(self.cluster, &template.needs, &template.group, rules, count, seed);
                self.saw_since(before);
                if plan.too_costly {
                    self.too_costly();
                    return None;
                }
                (plan.placed, plan.refused)
            }
            Some(sites) => self.on_sites(&sites, &template, rules),
        };
        self.saw(refused.len());
        let wanted = usize::try_from(count).unwrap_or(usize::MAX);
        let unplaced = (placed.len() < wanted && (!refused.is_empty() || placed.is_empty()))
            .then_some(refused);
        let now = self.voice.now;
        for instance in &placed {
            let ids = self.voice.ids();
            self.tasks.push(launch::start(self.cluster, ids, now, &template, &tags, *instance));
        }
        if !placed.is_empty() {
            let from = self.tasks.len() - placed.len();
            let started: Vec<&str> = self.tasks[from..].iter().map(|one| one.shown_id()).collect();
            let started = named("tasks", &started);
            self.change(|service, voice| {
                voice.say(service, &format!("has started {started}"));
                service.starts.began(now);
            });
        }
        unplaced
    }

    /// Checks for each instance whether the task fits.
    fn on_sites(
        &self,
        sites: &[ResourceId],
        template: &TaskTemplate,
        rules: &Rules,
    ) -> (Vec<ResourceId>, Vec<(ResourceId, Refusal)>) {
        let most = usize::try_from(limits::SERVICE_BATCH_MAX).unwrap_or(usize::MAX);
        let (mut placed, mut refused) = (Vec::new(), Vec::new());
        let effort = Effort::of_one_request();
        for id in sites {
            match fits(self.cluster, *id, &template.needs, &template.group, rules, &effort) {
                Ok(()) if placed.len() < most => placed.push(*id),
                Ok(()) => {}
                Err(refusal) => refused.push((*id, refusal)),
            }
        }
        (placed, refused)
    }

    /// Stops all tasks of a deleted service, which becomes INACTIVE once they have stopped.
    fn drain(&mut self, service: Arc<Service>) {
        let census = census(self.cluster, &service, self.policy, self.voice.now);
        drop(service);
        self.cluster.waiting_services.remove(self.name);
        let stop = census.members.iter().map(|one| (one.id, Why::TooMany)).collect();
        self.stop(&Plan { stop, ..Plan::default() });
        if census.members.is_empty() && census.stopping == 0 {
            self.over = self.cluster.end_service(self.name, self.voice.now);
        }
    }
}
