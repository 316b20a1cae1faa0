//! What is wrong with a group is told of each of its tasks. Rules \[L4\], \[C8\], \[C12\], \[C13\], \[C18\].

use longshore_wire_mesos::v1::offer::operation::LaunchGroup;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{
    CommandInfo, ContainerInfo, ExecutorInfo, FrameworkId, LinuxInfo, NetworkInfo, Offer,
    OperationId, TaskInfo, TaskState, container_info, executor_info, resource,
};

use super::{operation, taken, two};
use crate::machine::tests::pieces::{group, scalar};
use crate::machine::tests::world::{World, made_up, sleeper};

type Change = fn(&mut LaunchGroup);

/// What each task of a group is told that is launched so.
fn told(change: Change) -> Vec<String> {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    let mut asked = two(&offer);
    change(&mut asked);
    world.accept(&client, &[&offer], operation(asked));
    let told = taken(&mut world, &client);
    for status in &told {
        assert_eq!(status.state(), TaskState::TaskError, "{status:?}");
        assert_eq!(status.reason(), Reason::TaskGroupInvalid);
        assert_eq!((status.source(), &status.uuid), (Source::Master, &None));
    }
    assert!(world.cluster.starts.is_empty() && world.size("launches") == 0);
    told.into_iter().filter_map(|status| status.message).collect()
}

fn task(group: &mut LaunchGroup) -> &mut TaskInfo {
    &mut group.task_group.tasks[1]
}

fn executor(group: &mut LaunchGroup) -> &mut ExecutorInfo {
    &mut group.executor
}

fn container(kind: container_info::Type) -> ContainerInfo {
    ContainerInfo { r#type: kind.into(), ..ContainerInfo::default() }
}

fn sharing(shares: bool) -> ContainerInfo {
    let linux_info = LinuxInfo { share_cgroups: Some(shares), ..LinuxInfo::default() };
    ContainerInfo { linux_info: Some(linux_info), ..container(container_info::Type::Mesos) }
}

/// \[C18\], \[L4\]: the text is that of the recorded master.
#[test]
fn a_group_with_one_task_that_is_too_large_is_refused_as_a_whole() {
    let messages = told(|group| {
        task(group).resources = vec![scalar("cpus", 400.0), scalar("mem", 32.0)];
    });
    let expected = "Total resources cpus(allocated: *):400.6; mem(allocated: *):128; disk(allocated: *):32 required by task group and its executor are more than available ports(allocated: *):[31000-31099]; cpus(allocated: *):4; mem(allocated: *):4096; disk(allocated: *):10000";
    assert_eq!(messages, [expected; 2]);
}

/// Each change makes the group wrong, and both its tasks are told why.
fn each_tells<const N: usize>(cases: [(Change, &str); N]) {
    for (change, expected) in cases {
        let messages = told(change);
        assert_eq!(messages.len(), 2, "{expected}: {messages:?}");
        assert!(messages.iter().all(|one| one.contains(expected)), "{expected}: {messages:?}");
    }
}

/// \[L4\], \[L8\]
#[test]
fn what_is_wrong_with_a_task_is_wrong_with_its_group() {
    let cases: [(Change, &str); 9] = [
        (|group| task(group).task_id.value = "a/b".to_owned(), "'a/b' contains invalid characters"),
        (|group| task(group).task_id.value = "g1".to_owned(), "Task has duplicate ID: g1"),
        (|group| task(group).agent_id.value = "x".to_owned(), "Task uses invalid agent x"),
        (|group| task(group).resources.clear(), "Task uses no resources"),
        (
            |group| {
                task(group).container = Some(container(container_info::Type::Docker));
                let container = task(group).container.as_mut().expect("it was put there");
                container.docker = Some(container_info::DockerInfo::default());
            },
            "Docker ContainerInfo is not supported on the task",
        ),
        (
            |group| {
                let other =
                    ExecutorInfo { name: Some("other".to_owned()), ..group.executor.clone() };
                task(group).executor = Some(other);
            },
            "'TaskInfo.executor' is not the executor of the task group",
        ),
        (
            |group| task(group).container = Some(sharing(false)),
            "All tasks of a group must have the same value of 'share_cgroups'",
        ),
        (|group| task(group).resources[0].scalar = None, "Task group uses invalid resources"),
        (|group| task(group).command = None, "give the task a command"),
    ];
    each_tells(cases);
}

/// \[L4\], \[L8\]
#[test]
fn what_is_wrong_with_an_executor_is_wrong_with_its_group() {
    let cases: [(Change, &str); 12] = [
        (|group| executor(group).r#type = None, "'ExecutorInfo.type' must be set"),
        (
            |group| executor(group).r#type = Some(executor_info::Type::Custom.into()),
            "CUSTOM executors cannot be mapped to Amazon ECS",
        ),
        (
            |group| executor(group).command = Some(CommandInfo::default()),
            "'ExecutorInfo.command' must not be set",
        ),
        (
            |group| executor(group).executor_id.value = String::new(),
            "Executor has invalid ExecutorID ''",
        ),
        (
            |group| executor(group).framework_id = Some(FrameworkId { value: "f".to_owned() }),
            "ExecutorInfo has an invalid FrameworkID (Actual: f",
        ),
        (
            |group| executor(group).container = Some(container(container_info::Type::Docker)),
            "Executor's container is invalid: DockerInfo 'docker' is not set",
        ),
        (
            |group| executor(group).container = Some(sharing(true)),
            "'share_cgroups' of an executor must not be set to true",
        ),
        (|group| executor(group).resources[0] = scalar("cpus", 0.001), "uses less cpus"),
        (|group| executor(group).resources[1] = scalar("mem", 31.0), "uses less mem"),
        (|group| drop(executor(group).resources.pop()), "uses less disk"),
        (
            |group| {
                let other = resource::AllocationInfo { role: Some("other".to_owned()) };
                executor(group).resources[0].allocation_info = Some(other);
            },
            "Total resources cpus(allocated: other):1.1",
        ),
        (
            |group| {
                let name = Some("net".to_owned());
                let mut networked = container(container_info::Type::Mesos);
                networked.network_infos = vec![NetworkInfo { name, ..NetworkInfo::default() }];
                executor(group).container = Some(networked);
            },
            "the container network 'net' of the executor cannot be mapped",
        ),
    ];
    each_tells(cases);
}

/// \[C15\]
#[test]
fn a_task_may_name_the_executor_of_its_group_in_its_own_words() {
    let messages = told(|group| {
        let own = ExecutorInfo { framework_id: None, ..group.executor.clone() };
        task(group).executor = Some(own);
        // So that it is refused for another reason, which comes later.
        task(group).resources = vec![scalar("cpus", 400.0)];
    });
    assert!(messages[0].starts_with("Total resources"), "{messages:?}");
}

/// A task definition of ECS has ten containers.
#[test]
fn a_group_of_ten_tasks_is_refused_and_one_of_nine_is_not() {
    let (mut world, client) = World::with_client(&[(8192, 8192)]);
    for (number, starts) in [(10, 0), (9, 1)] {
        // What is refused without a filter comes again a second later.
        world.run_for(1_000);
        let offer = world.offer(&client);
        let tasks = (0..number).map(|id| sleeper(&format!("g{id}"), &offer, 0.1, 32.0));
        world.accept(&client, &[&offer], operation(group("grp", tasks.collect())));
        assert_eq!(world.cluster.starts.len(), starts);
        let told = taken(&mut world, &client);
        assert_eq!(told.len(), if starts == 0 { number } else { 0 });
    }
}

/// \[C13\]
#[test]
fn an_operation_with_an_id_launches_no_group() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    let mut operation = operation(two(&offer));
    operation.id = Some(OperationId { value: "op".to_owned() });
    world.accept(&client, &[&offer], operation);
    let told = taken(&mut world, &client);
    let message = |one: &longshore_wire_mesos::v1::TaskStatus| one.message.clone();
    assert!(
        told.iter().all(|one| message(one).as_deref() == Some("LAUNCH_GROUP must not have an id"))
    );
    assert_eq!(told.len(), 2);
}

/// \[C8\]
#[test]
fn a_group_on_an_offer_that_is_not_there_is_lost_task_by_task() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    let gone: Offer = made_up("gone", &offer);
    world.accept(&client, &[&gone], operation(two(&offer)));
    let told = taken(&mut world, &client);
    let reasons: Vec<_> = told.iter().map(|one| (one.state(), one.reason())).collect();
    assert_eq!(reasons, [(TaskState::TaskLost, Reason::InvalidOffers); 2]);
}

/// Amazon ECS cannot add containers to a task that runs.
#[test]
fn a_second_group_of_an_executor_that_runs_is_refused_by_name() {
    let (mut world, client) = World::with_client(&[(8192, 8192)]);
    super::running(&mut world, &client);
    let offer = world.offers(&client).pop().expect("the rest is offered");
    let tasks = vec![sleeper("g3", &offer, 0.1, 32.0)];
    world.accept(&client, &[&offer], operation(group("grp", tasks)));
    let [told] = &*taken(&mut world, &client) else { panic!("one answer") };
    let message = told.message.clone().unwrap_or_default();
    assert!(message.contains("Executor 'grp' already runs a group"), "{message}");
}

/// \[L8\], row 17
#[test]
fn a_task_by_itself_shares_its_control_groups() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    let mut task = sleeper("t1", &offer, 0.5, 64.0);
    task.container = Some(sharing(false));
    world.launch(&client, &[&offer], vec![task]);
    let told = world.update(&client);
    assert_eq!((told.state(), told.reason()), (TaskState::TaskError, Reason::TaskInvalid));
    assert!(told.message.unwrap_or_default().contains("share_cgroups"));
}
