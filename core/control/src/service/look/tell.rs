//! Reports what keeps a service from its desired state, with limited repetition.

use longshore_placement::Refusal;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use super::{EXITS, Look, Unplaced};
use crate::announce::{ActionName, Level};
use crate::limits;
use crate::placing::reason;
use crate::service::census::Census;
use crate::service::event::{closeness, lack};
use crate::service::plan::Plan;
use crate::state::Agents;

impl Look<'_, '_> {
    /// Reports what keeps the service from its desired state, unless that was reported recently.
    pub(super) fn tell(&mut self, plan: &Plan, unplaced: Unplaced) {
        let waits = unplaced.is_some();
        if waits && self.record().is_some_and(|service| service.moves > 0) {
            // There is no longer room for the tasks to be moved; the service itself lacks nothing.
            self.stop_moving();
            return;
        }
        if let Some(refused) = unplaced {
            self.cluster.waiting_services.insert(self.name.clone());
            self.tell_unplaced(&refused);
        }
        if !waits {
            self.cluster.waiting_services.remove(self.name);
        }
        if plan.stuck {
            self.tell_once(
                "stuck",
                "was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.",
            );
        }
        if plan.protected > 0 {
            let text = format!("was unable to scale in: {} tasks are protected.", plan.protected);
            self.tell_once("protected", &text);
        }
        self.tell_exits();
        let batches = self.record().map_or(0, |service| service.starts.failed_batches);
        if batches >= limits::FAILED_BATCHES_TOLD
            && self.tell_once("impaired", "is unable to consistently start tasks successfully.")
            && let Some(service) = self.record().cloned()
        {
            let name = ActionName::TaskStartImpaired;
            self.voice.act(&service, Level::Warn, name, None, Vec::new());
        }
    }

    /// Reports that the next tasks cannot start until others have stopped, if that takes long. ECS
    /// does not report this.
    pub(super) fn tell_stopping(&mut self, plan: &Plan, census: &Census, target: u32) {
        let waits = plan.start == 0 && plan.held_back == 0 && census.is_short_of(target);
        let Some(since) = census.stopping_since.filter(|_| waits) else { return };
        let due = since + limits::STOPPING_TOLD_MS;
        if self.voice.now < due {
            return self.again(Some(due));
        }
        let tasks = if census.stopping == 1 { "task" } else { "tasks" };
        let text =
            format!("is waiting for {} {tasks} to stop before it starts others.", census.stopping);
        self.tell_once("stopping", &text);
    }

    /// Reports that tasks of the PRIMARY deployment keep running and exiting. ECS does not report
    /// this.
    fn tell_exits(&mut self) {
        let Some(service) = self.record() else { return };
        let starts = &service.starts;
        let Some(exit) = &starts.last_exit else { return };
        if starts.exits < limits::EXITS_TOLD {
            return;
        }
        let cause = match exit.code {
            Some(code) => format!("{EXITS}{code}"),
            None => EXITS.to_owned(),
        };
        let what = exit.text();
        let text = format!(
            "tasks of this deployment keep exiting: {what}. Tasks that exit quickly are restarted with increasing delays."
        );
        if self.tell_once(&cause, &text)
            && let Some(service) = self.record().cloned()
        {
            let name = ActionName::TasksKeepExiting;
            self.voice.act(&service, Level::Warn, name, Some(what.into()), Vec::new());
        }
    }

    fn stop_moving(&mut self) {
        self.change(|service, _| (service.moves, service.telling.rebalancing) = (0, false));
        if let Some(service) = self.record().cloned() {
            let name = ActionName::RebalancingStopped;
            self.voice.act(&service, Level::Info, name, None, Vec::new());
        }
        self.again(Some(self.voice.now));
    }

    /// Adds an event unless it was added recently; returns whether it was added.
    fn tell_once(&mut self, cause: &str, text: &str) -> bool {
        let told = self.record().and_then(|service| service.telling.told.get(cause));
        if told.is_some_and(|at| self.voice.now < *at + limits::SERVICE_REPEAT_MS) {
            return false;
        }
        self.change(|service, voice| {
            service.telling.told.insert(cause.into(), voice.now);
            voice.say(service, text);
        });
        true
    }

    fn tell_unplaced(&mut self, refused: &[(ResourceId, Refusal)]) {
        const UNABLE: &str =
            "was unable to place a task because no container instance met all of its requirements.";
        let reasons = refused.iter().map(|(id, refusal)| (*id, reason(refusal)));
        let closest = reasons.clone().max_by_key(|(_, reason)| closeness(reason));
        if let (Some((_, "AGENT")), Agents::ExpectedUntil(until)) = (closest, self.agents)
            && self.voice.now < until
        {
            return self.again(Some(until));
        }
        let (cause, text) = match closest {
            None => (
                "unplaced".to_owned(),
                format!("{UNABLE} Reason: No Container Instances were found in your cluster."),
            ),
            Some((id, reason)) => (
                format!("unplaced {reason}"),
                format!("{UNABLE} The closest matching (container-instance {id}) {}", lack(reason)),
            ),
        };
        if !self.tell_once(&cause, &text) {
            return;
        }
        let closest = closest.map(|(_, reason)| reason);
        let same = reasons.filter(|(_, reason)| Some(*reason) == closest);
        let arns = same.filter_map(|(id, _)| Some(self.cluster.instances.get(&id)?.arn.clone()));
        let instances: Vec<Str> = arns.take(limits::EVENT_TASKS_MAX).collect();
        if let Some(service) = self.record().cloned() {
            let name = ActionName::TaskPlacementFailure;
            self.voice.act(&service, Level::Error, name, closest.map(Into::into), instances);
        }
    }

    pub(super) fn configuration_failed(&mut self, what: &str) {
        let text = format!("was unable to start a task: {what}");
        if self.tell_once("configuration", &text)
            && let Some(service) = self.record().cloned()
        {
            let name = ActionName::TaskConfigurationFailure;
            self.voice.act(&service, Level::Error, name, Some(what.into()), Vec::new());
        }
    }
}
