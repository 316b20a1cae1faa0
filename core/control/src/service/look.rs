//! One look at a service: census, plan, and the plan carried out.
//!
//! A look is cheap when there is nothing to do, and does a bounded part when there is much; what is left is done by the
//! next one.

mod tell;

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_placement::Refusal;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{Realm, ResourceId};

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
use crate::expiry::Visible;
use crate::launch;
use crate::limits;
use crate::machine::{Control, Output};
use crate::placing::{Rules, fits, place};
use crate::record::{StopCode, Task, TaskDefinition, TaskTemplate};

/// Looks at the services that are due, as many as one tick may.
pub(crate) fn look_at_due(control: &mut Control, now: Timestamp, out: &mut Vec<Output>) {
    let (mut actions, mut looks) = (0, 0);
    while let Some(matter) = control.state.agenda.take(now) {
        match matter {
            Matter::Service(realm, cluster, name) => {
                actions += look_at(control, now, &realm, &cluster, &name, out);
                looks += 1;
            }
            Matter::Zones(realm, cluster) => {
                let Some(home) = control.state.cluster(&realm, &cluster) else { continue };
                let known = home.services.values().map(|known| &known.record);
                let uneven = known.filter(|service| zones::is_eligible(service));
                for name in uneven.map(|service| service.name.clone()).collect::<Vec<_>>() {
                    let matter = Matter::Service(realm.clone(), cluster.clone(), name);
                    control.state.agenda.schedule(matter, now);
                }
            }
            Matter::Waiting(realm, cluster) => {
                let Some(home) = control.state.cluster(&realm, &cluster) else { continue };
                for name in home.waiting_services.clone() {
                    let matter = Matter::Service(realm.clone(), cluster.clone(), name);
                    control.state.agenda.schedule(matter, now);
                }
            }
        }
        if actions >= limits::SERVICE_ACTIONS_PER_TICK_MAX
            || looks >= limits::SERVICE_LOOKS_PER_TICK_MAX
        {
            control.state.agenda.pause(now + limits::SERVICE_PAUSE_MS);
            return;
        }
    }
}

/// Looks at one service; gives the number of tasks started and stopped.
fn look_at(
    control: &mut Control,
    now: Timestamp,
    realm: &Realm,
    cluster_name: &Str,
    name: &Str,
    out: &mut Vec<Output>,
) -> usize {
    let (state, ids) = (&mut control.state, &mut control.ids);
    let known = state.cluster(realm, cluster_name).and_then(|home| home.services.get(name));
    let Some(service) = known.map(|known| known.record.clone()) else { return 0 };
    let primary = service.primary();
    let definition = primary.and_then(|one| state.definition(realm, &one.family, one.revision));
    let definition = definition.cloned();
    let Some(cluster) = state.cluster_mut(realm, cluster_name) else { return 0 };
    let voice = Voice::new(ids, now);
    let mut look = Look { cluster, name, voice, tasks: Vec::new(), again_at: None };
    match service.status {
        ServiceStatus::Active => look.tend(service, definition.as_ref()),
        ServiceStatus::Draining => look.drain(service),
        ServiceStatus::Inactive => {}
    }
    let over = look.over();
    let Look { voice, tasks, again_at, .. } = look;
    state.announced.extend(voice.announced);
    launch::order(state, &tasks, out);
    let (realm, cluster, name) = (realm.clone(), cluster_name.clone(), name.clone());
    if over {
        let gone = now + limits::INACTIVE_SERVICE_VISIBLE_MS;
        state.expire_at(gone, realm.clone(), cluster.clone(), Visible::Service(name.clone()));
    }
    if let Some(at) = again_at {
        let at = at.max(now + limits::SERVICE_SETTLE_MS);
        state.agenda.schedule(Matter::Service(realm, cluster, name), at);
    }
    tasks.len()
}

fn bounds(service: &Service, desired: u32) -> Bounds {
    Bounds::of(desired, service.minimum_healthy_percent, service.maximum_percent)
}

/// What could not be placed: instances and the check that each failed. No instance at all is possible.
type Unplaced = Option<Vec<(ResourceId, Refusal)>>;

/// A look in progress.
struct Look<'c, 'v> {
    cluster: &'c mut ClusterState,
    name: &'c Str,
    voice: Voice<'v>,
    /// Tasks that were started or stopped.
    tasks: Vec<Arc<Task>>,
    again_at: Option<Timestamp>,
}

impl Look<'_, '_> {
    fn again(&mut self, at: Option<Timestamp>) {
        self.again_at = [self.again_at, at].into_iter().flatten().min();
    }

    /// Changes the record and tells of it.
    fn change(&mut self, how: impl FnOnce(&mut Service, &mut Voice<'_>)) {
        if let Some(service) = self.cluster.service_mut(self.name) {
            how(service, &mut self.voice);
        }
    }

    fn record(&self) -> Option<&Arc<Service>> {
        self.cluster.services.get(self.name).map(|known| &known.record)
    }

    /// Keeps an ACTIVE service as it should be.
    fn tend(&mut self, service: Arc<Service>, definition: Option<&Arc<TaskDefinition>>) {
        let Some(definition) = definition else {
            drop(service);
            return self.configuration_failed("Its task definition is gone.");
        };
        let rules = Rules::read(&service.constraints, &service.strategy);
        let rules = match rules.and_then(|rules| rules.and_of(definition)) {
            Ok(rules) => rules,
            // A rollback may bring a definition back that does not go with what was changed since.
            Err(error) => {
                drop(service);
                return self.configuration_failed(&error.message);
            }
        };
        let now = self.voice.now;
        let census = census(self.cluster, &service, now);
        self.again(census.again_at);
        if self.trip(&service, &census) {
            return self.again(Some(now));
        }
        let (plan, sites, desired) = self.plan(&service, &census, definition, &rules);
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
        self.tell(&plan, missing, &rules);
        if settled && target > desired {
            // What was started elsewhere is well: now the fullest zones lose as many.
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

    /// The plan; for a DAEMON with the instances to start on; and the desired count.
    fn plan(
        &self,
        service: &Service,
        census: &Census,
        definition: &TaskDefinition,
        rules: &Rules,
    ) -> (Plan, Option<Vec<ResourceId>>, u32) {
        let failed = service.primary().is_some_and(|one| one.rollout == RolloutState::Failed);
        let may_start = self.voice.now >= service.starts.not_before;
        if service.scheduling == Scheduling::Daemon {
            let (needs, group) = (&definition.needs, service.group());
            let sites = daemon::sites(self.cluster, census, needs, &group, rules);
            let desired = u32::try_from(sites.len()).unwrap_or(u32::MAX);
            let bounds = bounds(service, desired);
            let mut made = daemon::daemon(&sites, census, Daemon { bounds, failed, may_start });
            made.plan.start = u32::try_from(made.start_on.len()).unwrap_or(u32::MAX);
            return (made.plan, Some(made.start_on), desired);
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
        (plan, None, desired)
    }

    /// Gives the deployment up if too many of its tasks failed.
    fn trip(&mut self, service: &Service, census: &Census) -> bool {
        let (Some(primary), Some(breaker)) = (service.primary(), service.breaker) else {
            return false;
        };
        let under_way = primary.rollout == RolloutState::InProgress;
        if !under_way || primary.failed_tasks < breaker.failures(service.desired_count) {
            return false;
        }
        let ran = census.members.iter().any(|one| one.primary) && primary.reached_running;
        let what =
            if ran { "tasks failed container health checks" } else { "tasks failed to start" };
        self.change(|service, voice| rollout::fail(service, what, voice));
        true
    }

    /// Stops what the plan says, up to the bound of one look.
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
            self.change(|service, voice| {
                for id in &unhealthy {
                    voice.say(service, &format!("(task {id}) failed container health checks."));
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
            let text = format!("has stopped {}", named("running tasks", stopped));
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

    /// Starts what the plan says, up to the bound of one look; gives what found no place.
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
        let (template, tags) = match template_of(cluster, service, service.primary()?, definition) {
            Ok(template) => template,
            Err(error) => {
                self.configuration_failed(&error.message);
                return None;
            }
        };
        let (placed, refused) = match sites {
            None => {
                let seed = self.voice.ids().below("placement", u64::MAX);
                let plan =
                    place(self.cluster, &template.needs, &template.group, rules, count, seed);
                (plan.placed, plan.refused)
            }
            Some(sites) => self.on_sites(&sites, &template, rules),
        };
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
            let started: Vec<ResourceId> = self.tasks[from..].iter().map(|one| one.id).collect();
            self.change(|service, voice| {
                voice.say(service, &format!("has started {}", named("tasks", &started)));
                service.starts.last_at = now;
                service.starts.fresh = true;
            });
        }
        unplaced
    }

    /// For each instance whether the task fits there.
    fn on_sites(
        &self,
        sites: &[ResourceId],
        template: &TaskTemplate,
        rules: &Rules,
    ) -> (Vec<ResourceId>, Vec<(ResourceId, Refusal)>) {
        let most = usize::try_from(limits::SERVICE_BATCH_MAX).unwrap_or(usize::MAX);
        let (mut placed, mut refused) = (Vec::new(), Vec::new());
        for id in sites {
            match fits(self.cluster, *id, &template.needs, &template.group, rules) {
                Ok(()) if placed.len() < most => placed.push(*id),
                Ok(()) => {}
                Err(refusal) => refused.push((*id, refusal)),
            }
        }
        (placed, refused)
    }

    /// Every task is as it should be.
    fn settle(&mut self) {
        let now = self.voice.now;
        let Some(service) = self.record() else { return };
        let rollout = service.primary().map(|one| one.rollout);
        if rollout == Some(RolloutState::InProgress) {
            self.change(rollout::complete);
        }
        if rollout == Some(RolloutState::Failed) {
            return;
        }
        let told = self.record().and_then(|service| service.telling.steady_at);
        let due = told.map_or(now, |at| at + limits::SERVICE_REPEAT_MS);
        if due > now {
            return self.again(Some(due));
        }
        self.change(|service, voice| {
            service.telling.steady_at = Some(now);
            service.telling.told.clear();
            voice.say(service, "has reached a steady state.");
        });
        if let Some(service) = self.record().cloned() {
            self.voice.act(&service, Level::Info, ActionName::SteadyState, None, Vec::new());
        }
        self.again(Some(now + limits::SERVICE_REPEAT_MS));
    }

    /// Begins to move tasks from zones that have more than their share.
    fn even_out(&mut self, census: &Census, definition: &Arc<TaskDefinition>, rules: &Rules) {
        let Some(service) = self.record().cloned() else { return };
        // What is protected stays where it is, so that others would be moved in its place, for ever.
        if !zones::is_eligible(&service) || census.members.iter().any(|one| one.protected) {
            return;
        }
        let live = super::plan::count(census.members.iter()) + census.stopping;
        let room = bounds(&service, service.desired_count).upper.saturating_sub(live);
        let needs = &definition.needs;
        let moves = zones::moves(self.cluster, &service, census, needs, rules, room);
        let moving = service.telling.rebalancing;
        if moves == 0 && !moving {
            return;
        }
        let name = match (moves, moving) {
            (0, _) => Some(ActionName::RebalancingCompleted),
            (_, false) => Some(ActionName::RebalancingStarted),
            (_, true) => None,
        };
        if let Some(name) = name {
            self.voice.act(&service, Level::Info, name, None, Vec::new());
        }
        drop(service);
        self.change(|service, _| {
            service.moves = moves;
            service.telling.rebalancing = moves > 0;
        });
        self.start(&Plan { start: moves, ..Plan::default() }, None, definition, rules);
    }

    /// Something is not as it should be.
    fn unsettle(&mut self, census: &Census) {
        let in_use: BTreeSet<&Str> =
            census.members.iter().filter_map(|one| one.deployment.as_ref()).collect();
        let Some(service) = self.record() else { return };
        let spent = rollout::spent(service, |id| in_use.contains(id));
        if service.telling.steady_at.is_some() || !spent.is_empty() {
            self.change(|service, _| {
                service.telling.steady_at = None;
                service.deployments.retain(|one| !spent.contains(&one.id));
            });
        }
    }

    /// Stops all tasks of a deleted service; once they have stopped, it is INACTIVE.
    fn drain(&mut self, service: Arc<Service>) {
        let census = census(self.cluster, &service, self.voice.now);
        drop(service);
        self.cluster.waiting_services.remove(self.name);
        let stop = census.members.iter().map(|one| (one.id, Why::TooMany)).collect();
        self.stop(&Plan { stop, ..Plan::default() });
        if census.members.is_empty() && census.stopping == 0 {
            let now = self.voice.now;
            self.change(|service, _| {
                service.status = ServiceStatus::Inactive;
                service.inactive_at = Some(now);
                service.deployments.clear();
            });
            self.cluster.daemons.remove(self.name);
        }
    }

    /// Whether the service became INACTIVE in this look.
    fn over(&self) -> bool {
        self.record().is_some_and(|service| service.inactive_at == Some(self.voice.now))
    }
}
