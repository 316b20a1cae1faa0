//! What is promised, checked against the truth of the model.

use std::collections::BTreeMap;

use longshore_daemon::{Call, Reply};
use longshore_replica::{Instance, LastStatus, Task};
use longshore_wire_blox::route::{InstanceFilter, SchedulerCall, StateCall, TaskFilter};
use longshore_wire_blox::scheduler::{
    Deployment, DeploymentStatus, Environment, EnvironmentChange,
};

use super::world::World;

/// Time after which everything has come right: lost replies are settled, what waits has been tried again, and readings have
/// made up for lost events.
const QUIET_MS: u64 = 10 * 60 * 1_000;

impl World {
    /// An instance never has two tasks of an environment.
    pub(super) fn check_tasks(&mut self) {
        let mut seen = BTreeMap::new();
        let mut twice = None;
        for task in self.ecs.tasks().filter(|task| task.last_status != LastStatus::Stopped) {
            let owner = task.started_by.as_ref().and_then(|by| self.owners.get(by));
            let (Some(owner), Some(instance)) = (owner, &task.instance_arn) else { continue };
            if let Some(other) = seen.insert((owner, instance), &task.arn) {
                twice =
                    Some(format!("{instance} has two tasks of {owner:?}: {other}, {}", task.arn));
            }
        }
        if let Some(why) = twice {
            self.breaks(why);
        }
    }

    /// The storm is over.
    pub(super) fn quiet(&mut self) -> Result<(), String> {
        self.storm = false;
        self.ecs.refusals.clear();
        // The scheduler may be away still.
        self.pass(QUIET_MS);
        // Of few instances, or with some away, a percentage allows no replacement: that is kept to for ever.
        self.allow_everything();
        self.pass(QUIET_MS);
        if let Some(why) = self.broken.take() {
            return Err(why);
        }
        if !self.waiting.is_empty() {
            return Err(format!("never replied to: {:?}", self.waiting));
        }
        self.check_view()?;
        let call = Call::Scheduler(SchedulerCall::ListEnvironments(None));
        let Some(Reply::Environments(environments)) = self.call(call) else {
            return Err("environments cannot be listed".to_owned());
        };
        let rows = self.rows.keys().filter(|(kind, _)| *kind == "environment").count();
        if rows != environments.len() {
            return Err(format!("{rows} environments are stored, {} shown", environments.len()));
        }
        for environment in &environments {
            self.check_environment(environment)?;
        }
        Ok(())
    }

    fn allow_everything(&mut self) {
        for name in self.rows.keys().map(|(_, id)| id.clone()).collect::<Vec<_>>() {
            let change =
                EnvironmentChange { min_healthy_percent: Some(0), ..EnvironmentChange::default() };
            let change = Box::new(change);
            self.call(Call::Scheduler(SchedulerCall::UpdateEnvironment { name, change }));
        }
    }

    /// The cluster state service shows the truth, but for tasks that stopped.
    fn check_view(&mut self) -> Result<(), String> {
        let call = Call::State(StateCall::Tasks(TaskFilter::default()));
        let Some(Reply::Tasks(shown)) = self.call(call) else {
            return Err("tasks cannot be listed".to_owned());
        };
        let mut shown: Vec<Task> = shown.iter().map(|entity| entity.record.clone()).collect();
        shown.retain(|task| task.last_status != LastStatus::Stopped);
        let is_live = |task: &&Task| task.last_status != LastStatus::Stopped;
        let mut there: Vec<Task> = self.ecs.tasks().filter(is_live).cloned().collect();
        shown.sort_by(|one, other| one.arn.cmp(&other.arn));
        there.sort_by(|one, other| one.arn.cmp(&other.arn));
        if shown != there {
            return Err(format!("tasks: shown {shown:?}, there are {there:?}"));
        }
        let call = Call::State(StateCall::Instances(InstanceFilter::default()));
        let Some(Reply::Instances(shown)) = self.call(call) else {
            return Err("instances cannot be listed".to_owned());
        };
        let mut shown: Vec<Instance> = shown.iter().map(|entity| entity.record.clone()).collect();
        shown.sort_by(|one, other| one.arn.cmp(&other.arn));
        let mut there: Vec<Instance> = self.ecs.instances().cloned().collect();
        there.sort_by(|one, other| one.arn.cmp(&other.arn));
        if shown != there {
            return Err(format!("instances: shown {shown:?}, there are {there:?}"));
        }
        Ok(())
    }

    fn last_deployment(&mut self, name: &str) -> Option<Deployment> {
        let call = Call::Scheduler(SchedulerCall::ListDeployments(name.to_owned()));
        match self.call(call)? {
            Reply::Deployments(all) => all.into_iter().next(),
            _ => None,
        }
    }

    fn check_environment(&mut self, environment: &Environment) -> Result<(), String> {
        let name = environment.name.as_str();
        let last = self.last_deployment(name);
        if let Some(last) = &last
            && last.status != DeploymentStatus::Completed
        {
            return Err(format!("{name}: {} is {:?}", last.id, last.status));
        }
        let which = self.incarnations.get(name).copied().unwrap_or(0);
        let owner = (name.to_owned(), which);
        for instance in self.ecs.instances() {
            let has = |wanted: &longshore_wire_blox::scheduler::GroupAttribute| {
                let there = instance.attributes.get(wanted.name.as_str());
                there.is_some_and(|value| {
                    wanted.value.is_none() || value.as_deref() == wanted.value.as_deref()
                })
            };
            let wanted = instance.active && environment.instance_group.attributes.iter().all(has);
            let is_own = |task: &&Task| {
                task.last_status != LastStatus::Stopped
                    && task.instance_arn.as_ref() == Some(&instance.arn)
                    && task.started_by.as_ref().and_then(|by| self.owners.get(by)) == Some(&owner)
            };
            let own: Vec<&Task> = self.ecs.tasks().filter(is_own).collect();
            let Some(last) = last.as_ref().filter(|_| wanted) else {
                if !own.is_empty() {
                    return Err(format!("{name}: {} has {own:?} and should not", instance.arn));
                }
                continue;
            };
            let is_right = match own.as_slice() {
                [one] => {
                    *one.definition_arn == *last.task_definition
                        && one.last_status == LastStatus::Running
                }
                // Nothing can be started on it.
                [] => {
                    !instance.connected && last.failed_instances.contains(&instance.arn.to_string())
                }
                _ => false,
            };
            if !is_right {
                return Err(format!("{name}: {} has {own:?}, wanted {last:?}", instance.arn));
            }
        }
        Ok(())
    }
}
