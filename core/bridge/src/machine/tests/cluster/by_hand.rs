//! What tests make of tasks without asking.

use std::collections::BTreeMap;

use longshore_replica::{
    Container, ContainerStart, Definition, DefinitionContent, LastStatus, StartTask, Task,
};
use longshore_wire_ecs::{Str, fetch};

use super::{Cluster, PREFIX};

/// The containers of a definition that fetch.
pub(super) fn fetchers(definition: Option<&Definition>) -> Vec<Str> {
    let all = definition.into_iter().flat_map(|one| &one.containers);
    all.filter(|name| fetch::is_container(name)).cloned().collect()
}

/// The name of what fetches for a part of a content.
pub(super) fn fetcher_of(content: &DefinitionContent, part: &DefinitionContent) -> Str {
    if content.others.is_empty() {
        return fetch::CONTAINER.into();
    }
    fetch::container_for(&part.container).into()
}

/// What a start says of a container that fetches.
pub(super) fn ordered(start: &StartTask, name: Str) -> (Str, BTreeMap<Str, Str>) {
    let of = |one: &&ContainerStart| *fetch::container_for(&one.container) == *name;
    let order = start.others.iter().find(of).map_or(&start.fetch, |other| &other.fetch);
    let order = order.iter().map(|order| ("LONGSHORE_FETCH".into(), order.clone()));
    let order = order.collect();
    (name, order)
}

impl Cluster {
    /// A framework's task that a master before this one launched and that runs.
    pub(in crate::machine::tests) fn left_over(&mut self, framework: &str, id: &str) -> Str {
        let instance = self.instances.values_mut().next().expect("there is an instance");
        instance.running_tasks += 1;
        let instance = instance.arn.clone();
        self.made += 1;
        let environment =
            [("MESOS_FRAMEWORK_ID".into(), framework.into()), ("MESOS_TASK_ID".into(), id.into())];
        let task = Task {
            arn: format!("{PREFIX}:task/default/{:032x}", self.made).into(),
            instance_arn: Some(instance),
            last_status: LastStatus::Running,
            desired_running: true,
            started_by: Some(format!("ls-{:032x}", self.made).into()),
            environment: environment.into(),
            containers: vec![Container::default()],
            ran: true,
            version: 2,
            ..Default::default()
        };
        let arn = task.arn.clone();
        self.tasks.insert(arn.clone(), task);
        arn
    }

    /// What fetches for a task ends.
    pub(in crate::machine::tests) fn fetched(
        &mut self,
        arn: &str,
        code: i32,
        reason: Option<&str>,
    ) {
        let task = self.tasks.get_mut(arn).expect("there is such a task");
        let fetch = task.containers.iter_mut().find(|one| fetch::is_container(&one.name));
        let fetch = fetch.expect("it has files fetched");
        (fetch.exit_code, fetch.reason) = (Some(code), reason.map(Into::into));
    }
}
