//! From what slots were told to what is done: plans are made and carried out.

use longshore_replica::{FleetQuestion, Question, START_ON_MAX, StartOn, StopTask};
use longshore_wire_ecs::Str;

use crate::agenda::Timer;
use crate::limits;
use crate::machine::{Daemon, Starting};
use crate::roster::{Attempt, Plan, Slot};

impl Daemon {
    /// Looks at the slots of an environment that something was told of, and does what is to be done.
    pub(crate) fn act(&mut self, name: &Str) {
        let Some(environment) = self.environments.any_mut(name) else { return };
        if !self.clusters.is_ready(&environment.settings.cluster) {
            return;
        }
        let looked_at = environment.roster.dirty();
        let percent = environment.settings.min_healthy_percent;
        let plan = environment.roster.plan(self.cx.now, percent);
        for (at, instance) in environment.roster.waits(&looked_at) {
            if at > self.cx.now {
                self.cx.agenda.at(at, Timer::Slot(name.clone(), instance));
            }
        }
        self.carry_out(name, plan);
        if let Some(environment) = self.environments.any_mut(name) {
            // What was just begun needs no second look.
            let begun = environment.roster.dirty();
            environment.roster.looked_at(&begun);
        }
        self.progress(name);
    }

    fn carry_out(&mut self, name: &Str, plan: Plan) {
        for (instance, task, why) in plan.stops {
            let Some(environment) = self.environments.any_mut(name) else { return };
            environment.roster.change(&instance, |slot| slot.tell(&task));
            let cluster = environment.settings.cluster.clone();
            let stop = StopTask { task: task.clone(), reason: why.text().into() };
            let asked = self.cx.ask(&cluster, |asked| Question::Stop(asked, stop));
            self.tally.stopped += 1;
            self.stops.insert(asked, (name.clone(), instance, task));
        }
        let Some(environment) = self.environments.any(name) else { return };
        let is_alone = |arn: &Str| environment.roster.slot(arn).is_some_and(|slot| slot.alone);
        let (alone, together): (Vec<Str>, Vec<Str>) = plan.starts.into_iter().partition(is_alone);
        for instances in together.chunks(START_ON_MAX).chain(alone.chunks(1)) {
            self.start_on(name, instances.to_vec());
        }
    }

    fn start_on(&mut self, name: &Str, instances: Vec<Str>) {
        let now = self.cx.now;
        let Some(environment) = self.environments.any_mut(name) else { return };
        let cluster = environment.settings.cluster.clone();
        let Some(last) = environment.last_mut() else { return };
        let (deployment, definition) = (last.id.clone(), last.definition.clone());
        if !last.is_open {
            // A crash from here on is a lost reply.
            last.is_open = true;
            self.cx.store(last.put());
        }
        for instance in &instances {
            environment.roster.change(instance, |slot| slot.begin(now, deployment.clone()));
        }
        let start = StartOn {
            cluster,
            instances: instances.clone(),
            definition,
            started_by: deployment.clone(),
        };
        let start = Box::new(start);
        let asked = self.cx.ask_fleet(|asked| FleetQuestion::Start(asked, start));
        self.starts.insert(asked, Starting { environment: name.clone(), deployment, instances });
    }

    /// Has a slot looked at.
    pub(crate) fn touch(&mut self, name: &Str, instance: &Str) {
        if let Some(environment) = self.environments.any_mut(name) {
            environment.roster.touch(instance);
            self.marked.insert(name.clone());
        }
    }

    /// Changes a slot, and has it looked at.
    pub(super) fn change_slot(
        &mut self,
        name: &Str,
        instance: &Str,
        change: impl FnOnce(&mut Slot),
    ) {
        if let Some(environment) = self.environments.any_mut(name) {
            environment.roster.change(instance, change);
            self.marked.insert(name.clone());
        }
    }

    /// The attempt of a slot, if it is one of this deployment.
    pub(super) fn attempt(&self, name: &str, instance: &str, deployment: &str) -> Option<&Attempt> {
        let slot = self.environments.any(name)?.roster.slot(instance)?;
        slot.attempt().filter(|attempt| *attempt.deployment == *deployment)
    }

    /// A task that could not be told to stop is told once more, if it is still to stop.
    pub(crate) fn stop_again(&mut self, name: &Str, instance: &Str, task: &Str) {
        self.change_slot(name, instance, |slot| slot.untell(task));
    }

    /// Plans to write down that no start of a deployment is under way.
    pub(super) fn close_later(&mut self, deployment: &Str) {
        self.cx.after(limits::CLOSE_MS, Timer::Close(deployment.clone()));
    }

    /// Writes down that no start of a deployment is under way, if that is so.
    pub(crate) fn close(&mut self, deployment: &Str) {
        let Some(name) = self.environments.owner(deployment).cloned() else { return };
        let is_out = self.starts.values().any(|one| one.deployment == *deployment);
        let Some(environment) = self.environments.any_mut(&name) else { return };
        let is_unsure = environment.roster.has_attempt_of(deployment);
        let Some(one) = environment.deployment_mut(deployment) else { return };
        if one.is_open && !is_out && !is_unsure {
            one.is_open = false;
            self.cx.store(one.put());
        }
    }

    /// Looks for tasks of a deployment whose starts were not answered.
    pub(crate) fn look_for(&mut self, deployment: &Str) {
        if !self.settling.is_due(deployment) {
            return;
        }
        let name = self.environments.owner(deployment).cloned();
        let environment = name.and_then(|name| self.environments.any(&name));
        let Some(environment) = environment else { return self.settling.end(deployment) };
        if environment.roster.unsure(deployment).is_empty() {
            self.settling.end(deployment);
            self.close_later(deployment);
            return;
        }
        let cluster = environment.settings.cluster.clone();
        self.settling.looks(self.cx.now, deployment);
        self.clusters.find(&mut self.cx, &cluster, deployment);
    }
}
