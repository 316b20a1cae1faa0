//! Which containers of a task are the Mesos master's own: those that fetch files for others.
//!
//! Their names alone do not tell, since anybody may call a container `fetch`, and `DescribeTasks` does not show the label that the master gives
//! them. So everything that it does show has to fit: a Mesos master registered the task definition, so that it chose the names of the
//! containers, and the container that the files are for is a task of a framework.

use aws_sdk_ecs::types::{Container, Task};
use longshore_wire_ecs::fetch;

use super::mesos_ids;

/// Digits of a digest in the name of a family that a Mesos master registered, and what is before them.
const FAMILY: (&str, usize) = ("longshore-", 32);

/// Whether a container only fetches files for another one of a framework's task.
pub(crate) fn is_fetcher(task: &Task, container: &Container) -> bool {
    let Some(name) = container.name().filter(|name| fetch::is_container(name)) else {
        return false;
    };
    let is_there = |wanted: &str| task.containers().iter().any(|one| one.name() == Some(wanted));
    let fetches_for = |own: &str| name == fetch::CONTAINER || name == fetch::container_for(own);
    is_of_master(task.task_definition_arn().unwrap_or_default())
        && mesos_ids(task).any(|(own, _)| own != name && is_there(own) && fetches_for(own))
}

/// Whether a Mesos master registered a task definition. Source: `core/bridge/src/launches/mapping/family.rs`.
fn is_of_master(definition: &str) -> bool {
    let family = definition.rsplit('/').next().unwrap_or_default().split(':').next();
    let (prefix, digits) = FAMILY;
    let digest = family.and_then(|family| family.strip_prefix(prefix)).unwrap_or_default();
    digest.len() == digits && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{ContainerOverride, KeyValuePair, TaskOverride};

    use super::*;
    use crate::list::exit_code;

    const OURS: &str =
        "arn:aws:ecs:us-east-1:1:task-definition/longshore-0123456789abcdef0123456789abcdef:1";

    /// A task with these containers and exit codes; those of `tasks` are of a framework.
    fn task(definition: &str, containers: &[(&str, i32)], tasks: &[&str]) -> Task {
        let container =
            |(name, code): &(&str, i32)| Container::builder().name(*name).exit_code(*code).build();
        let id = KeyValuePair::builder().name("MESOS_TASK_ID").value("t").build();
        let of =
            |name: &&str| ContainerOverride::builder().name(*name).environment(id.clone()).build();
        let overrides = TaskOverride::builder()
            .set_container_overrides(Some(tasks.iter().map(of).collect()))
            .build();
        Task::builder()
            .task_definition_arn(definition)
            .set_containers(Some(containers.iter().map(container).collect()))
            .overrides(overrides)
            .build()
    }

    fn fetchers(task: &Task) -> Vec<&str> {
        let all = task.containers().iter().filter(|one| is_fetcher(task, one));
        all.filter_map(Container::name).collect()
    }

    #[test]
    fn only_what_the_master_put_beside_a_task_of_a_framework_is_a_fetcher() {
        let both = [("fetch", 0), ("task", 0)];
        assert_eq!(fetchers(&task(OURS, &both, &["task"])), ["fetch"]);
        let group = [("executor", 0), ("web", 0), ("fetch-web", 0), ("fetch-other", 0)];
        assert_eq!(fetchers(&task(OURS, &group, &["executor", "web"])), ["fetch-web"]);
        for (definition, containers, tasks) in [
            ("web:1", &both[..], &["task"][..]),
            ("longshore-1:1", &both, &["task"]),
            (OURS, &both, &[]),
            (OURS, &both, &["fetch"]),
            (OURS, &both[..1], &["task"]),
            (OURS, &both[..1], &["fetch"]),
        ] {
            let task = task(definition, containers, tasks);
            assert!(fetchers(&task).is_empty(), "{definition} {containers:?} {tasks:?}");
        }
    }

    #[test]
    fn a_container_of_anybody_that_is_called_fetch_has_an_exit_code() {
        assert_eq!(exit_code(&task("web:1", &[("fetch", 0)], &[])), Some(0));
        assert_eq!(exit_code(&task("web:1", &[("fetch-news", 0)], &[])), Some(0));
        let killed = Task::builder()
            .task_definition_arn(OURS)
            .containers(Container::builder().name("fetch").exit_code(0).build())
            .containers(Container::builder().name("task").build());
        assert_eq!(exit_code(&killed.build()), Some(0), "nobody said that it is of a framework");
        let unfetched = task(OURS, &[("fetch", 3), ("task", 0)], &["task"]);
        assert_eq!(exit_code(&unfetched), Some(3), "a failure of it is one of the task");
    }
}
