//! Groups: what their tasks share, and what each has to itself. Rule \[A16\].

use longshore_replica::Instance;
use longshore_wire_mesos::v1::command_info::Uri;
use longshore_wire_mesos::v1::health_check::{TcpCheckInfo, Type as HealthType};
use longshore_wire_mesos::v1::value::Scalar;
use longshore_wire_mesos::v1::volume::Source;
use longshore_wire_mesos::v1::volume::source::sandbox_path::Type as SandboxType;
use longshore_wire_mesos::v1::volume::source::{SandboxPath, Type as SourceType};
use longshore_wire_mesos::v1::{ExecutorId, HealthCheck, executor_info};

use super::*;
use crate::launches::GroupAsked;
use crate::launches::mapping::plan_group;
use crate::launches::mapping::sandbox::FETCH_MEMORY_MIB;

fn executor(volumes: Vec<Volume>) -> ExecutorInfo {
    ExecutorInfo {
        r#type: Some(executor_info::Type::Default.into()),
        executor_id: ExecutorId { value: "grp".to_owned() },
        container: Some(ContainerInfo { volumes, ..contained(None) }),
        ..Default::default()
    }
}

fn contained(image: Option<&str>) -> ContainerInfo {
    let image = image.map(|name| Image {
        r#type: image::Type::Docker.into(),
        docker: Some(image::Docker { name: name.to_owned(), ..Default::default() }),
        ..Default::default()
    });
    ContainerInfo {
        r#type: ContainerType::Mesos.into(),
        mesos: image.map(|image| MesosInfo { image: Some(image) }),
        ..Default::default()
    }
}

fn in_sandbox(kind: SandboxType, path: &str, inside: &str) -> Volume {
    Volume {
        mode: Mode::Rw.into(),
        container_path: inside.to_owned(),
        source: Some(Source {
            r#type: Some(SourceType::SandboxPath.into()),
            sandbox_path: Some(SandboxPath { r#type: Some(kind.into()), path: path.to_owned() }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn member(name: &str, container: ContainerInfo) -> TaskInfo {
    TaskInfo { name: name.to_owned(), ..within(container, shell("sleep 1")) }
}

fn try_group(executor: &ExecutorInfo, tasks: &[TaskInfo]) -> Result<Plan, String> {
    try_group_in(&DefaultImage::Image("alpine".into()), executor, tasks)
}

fn try_group_in(
    image: &DefaultImage,
    executor: &ExecutorInfo,
    tasks: &[TaskInfo],
) -> Result<Plan, String> {
    let claim = claim();
    let asked = GroupAsked {
        executor,
        claim: &claim,
        tasks: tasks.iter().map(|task| (task, &claim)).collect(),
    };
    plan_group(
        &config(image.clone()),
        &Reach::of(&config(image.clone()), None),
        "framework-1",
        "batch",
        &asked,
    )
}

fn contents(executor: &ExecutorInfo, tasks: &[TaskInfo]) -> Vec<DefinitionContent> {
    let plan = try_group(executor, tasks).expect("it can be mapped");
    plan.content.expect("a group has one").others
}

#[test]
fn containers_are_called_what_their_tasks_are_called_where_that_can_be() {
    let names = ["web", "web", "executor", "two words", "task-1", ""];
    let tasks = names.map(|name| member(name, contained(None)));
    let contents = contents(&executor(Vec::new()), &tasks);
    let given: Vec<&str> = contents.iter().map(|one| &*one.container).collect();
    assert_eq!(given, ["web", "task-1", "task-2", "task-3", "task-4", "task-5"]);
}

/// \[A16\]
#[test]
fn what_tasks_mount_of_the_sandbox_of_their_group_is_one_volume() {
    let tasks = ["/data", "shared"].map(|inside| {
        let volumes = vec![in_sandbox(SandboxType::Parent, "data", inside)];
        member("t", ContainerInfo { volumes, ..contained(None) })
    });
    let contents = contents(&executor(Vec::new()), &tasks);
    let mounts: Vec<_> = contents
        .iter()
        .map(|one| (&one.mounts[0].source, &*one.mounts[0].container_path))
        .collect();
    let shared = MountSource::Shared("data".into());
    assert_eq!(mounts, [(&shared, "/data"), (&shared, "/mnt/mesos/sandbox/shared")]);
}

#[test]
fn what_a_task_mounts_of_its_own_sandbox_is_its_own() {
    let volumes = vec![in_sandbox(SandboxType::Self_, "data", "/data")];
    let tasks = [member("t", ContainerInfo { volumes, ..contained(None) })];
    let contents = contents(&executor(Vec::new()), &tasks);
    let own = MountSource::Sandbox("data".into());
    let mounts = contents[0].mounts.iter().filter(|mount| mount.source == own);
    let paths: Vec<&str> = mounts.map(|mount| &*mount.container_path).collect();
    assert_eq!(paths, ["/mnt/mesos/sandbox/data", "/data"]);
}

#[test]
fn volumes_of_the_executor_are_those_of_its_tasks() {
    let host = |path: &str, inside: &str| Volume {
        mode: Mode::Ro.into(),
        container_path: inside.to_owned(),
        host_path: Some(path.to_owned()),
        ..Default::default()
    };
    let executor = executor(vec![host("/srv", "data"), host("/etc/ssl", "/ssl")]);
    let volumes = vec![in_sandbox(SandboxType::Parent, "data", "/data")];
    let own = member("own", ContainerInfo { volumes, ..contained(Some("nginx")) });
    let plain = member("plain", contained(None));
    let contents = contents(&executor, &[own, plain]);
    let sources = |at: usize| -> Vec<MountSource> {
        let sources = contents[at].mounts.iter().map(|mount| mount.source.clone());
        sources.filter(|source| *source != MountSource::Sandbox("".into())).collect()
    };
    assert_eq!(sources(0), [MountSource::Host("/srv".into())], "an image has a root of its own");
    assert_eq!(sources(1), [MountSource::Host("/etc/ssl".into())]);
}

#[test]
fn what_the_tasks_of_a_group_cannot_have_is_refused_by_name() {
    let none = executor(Vec::new());
    let mounting = |path: &str| {
        let volumes = vec![in_sandbox(SandboxType::Parent, path, "/data")];
        member("t", ContainerInfo { volumes, ..contained(None) })
    };
    let host = Volume {
        mode: Mode::Rw.into(),
        container_path: "data".to_owned(),
        host_path: Some("/srv".to_owned()),
        ..Default::default()
    };
    let named = TaskInfo {
        container: Some(contained(Some("ignore"))),
        command: Some(shell("web:3")),
        ..Default::default()
    };
    let hostname = ContainerInfo { hostname: Some("h".to_owned()), ..contained(None) };
    for (executor, task, expected) in [
        (&none, mounting("../up"), "'../up' of a volume leads out"),
        (&none, mounting("/abs"), "'/abs' of a volume leads out"),
        (&self::executor(vec![host]), mounting("data/deep"), "is below a volume of the executor"),
        (&none, named, "cannot name a task definition"),
        (&none, member("t", hostname), "Unable to set hostname"),
    ] {
        let why = try_group(executor, &[task]).expect_err(expected);
        assert!(why.contains(expected), "{why}");
    }
    let alone = ContainerInfo {
        volumes: vec![in_sandbox(SandboxType::Parent, "data", "/data")],
        ..contained(Some("nginx"))
    };
    let why = try_plan(&within(alone, shell("sleep 1"))).expect_err("it has no group");
    assert!(why.contains("only tasks of a group"), "{why}");
}

#[test]
fn the_executor_waits_in_the_default_image_or_in_that_of_the_first_task() {
    let tasks = [member("t", contained(Some("nginx")))];
    for (image, expected) in
        [(DefaultImage::Image("alpine".into()), "alpine"), (DefaultImage::None, "nginx")]
    {
        let plan = try_group_in(&image, &executor(Vec::new()), &tasks).expect("it can be mapped");
        let content = plan.content.expect("a group has one");
        assert_eq!((&*content.container, &*content.image), ("executor", expected));
    }
}

#[test]
fn groups_that_differ_in_a_task_have_definitions_of_their_own() {
    let family = |image: &str| {
        let tasks = [member("t", contained(Some(image)))];
        let plan = try_group(&executor(Vec::new()), &tasks).expect("it can be mapped");
        plan.content.expect("a group has one").family
    };
    assert_eq!(family("nginx"), family("nginx"));
    assert_ne!(family("nginx"), family("httpd"));
}

/// All containers of a task share the 8,192 characters that ECS takes.
#[test]
fn what_is_too_large_for_the_overrides_of_all_containers_goes_into_the_definition() {
    let task = |name: &str| {
        let variable = |value: String| Variable {
            name: "LONG".to_owned(),
            value: Some(value),
            ..Default::default()
        };
        let environment = Environment { variables: vec![variable(name.repeat(4_000))] };
        let mut task = member(name, contained(None));
        task.command = Some(CommandInfo { environment: Some(environment), ..shell("sleep 1") });
        task
    };
    let plan = try_group(&executor(Vec::new()), &[task("a"), task("b"), task("c")]);
    let plan = plan.expect("it can be mapped");
    let in_overrides = plan.others.iter().filter(|one| one.start.environment.contains_key("LONG"));
    let content = plan.content.as_ref().expect("a group has one");
    let in_content = content.others.iter().filter(|one| one.environment.contains_key("LONG"));
    assert_eq!((in_overrides.count(), in_content.count()), (1, 2));
}

/// \[A10\], \[A16\]: tasks of a group are on the network of their agent, where each port of the group is dialled.
#[test]
fn a_task_of_a_group_has_checks_and_limits_of_its_own() {
    let tcp = |port: u32| HealthCheck {
        r#type: Some(HealthType::Tcp.into()),
        tcp: Some(TcpCheckInfo { port, ..Default::default() }),
        ..Default::default()
    };
    let checked = |name: &str, port: u32| TaskInfo {
        health_check: Some(tcp(port)),
        limits: [("mem".to_owned(), Scalar { value: 256.0 })].into(),
        ..member(name, contained(None))
    };
    let ports = |port: u64| Amounts { ports: Ranges::of([port]), ..claim() };
    let (own, executor_has, nobody_has) = (ports(31_000), ports(31_001), claim());
    let tasks = [checked("own", 31_000), checked("other", 31_001), checked("none", 31_002)];
    let executor = executor(Vec::new());
    let asked = |tasks| GroupAsked { executor: &executor, claim: &executor_has, tasks };
    let config = config(DefaultImage::Image("alpine".into()));
    let instance = Instance {
        attributes: [("hostname".into(), Some("10.0.1.17".into()))].into(),
        ..Default::default()
    };
    let reach = Reach::of(&config, Some(&instance));
    let all = vec![(&tasks[0], &own), (&tasks[1], &nobody_has), (&tasks[2], &nobody_has)];
    let plan = plan_group(&config, &reach, "framework-1", "batch", &asked(all));
    let plan = plan.expect("it can be mapped");
    let dialled: Vec<_> =
        plan.others.iter().map(|one| one.terms.watches.health.is_some()).collect();
    assert_eq!(dialled, [true, true, false]);
    let told = |at: usize| plan.others[at].start.environment.contains_key("LONGSHORE_CHECKS");
    assert_eq!((told(0), told(1), told(2)), (true, true, false));
    assert!(!plan.environment.contains_key("LONGSHORE_CHECKS"), "the executor is not checked");
    let content = plan.content.expect("a group has one");
    assert!(content.others[2].health_check.is_some(), "its container checks itself");
    let start = &plan.others[0].start;
    assert_eq!(
        (start.memory_mib, start.memory_reservation_mib),
        (Some(256), Some(memory_mib(&own)))
    );
}

/// \[A2\], \[A7\]
#[test]
fn a_task_of_a_group_has_a_sandbox_of_its_own_and_files_fetched_into_it() {
    let contents = contents(&executor(Vec::new()), &[member("t", contained(Some("nginx")))]);
    let sandbox = contents[0].mounts.last().expect("it is mounted");
    assert_eq!(&*sandbox.container_path, "/mnt/mesos/sandbox");
    let mut fetching = member("t", contained(None));
    let uri = Uri { value: "http://a/b".to_owned(), ..Default::default() };
    fetching.command = Some(CommandInfo { uris: vec![uri], ..shell("./b") });
    let tasks = [member("plain", contained(None)), fetching.clone()];
    let plan = try_group(&executor(Vec::new()), &tasks).expect("it can be mapped");
    let content = plan.content.expect("it has one");
    let fetches: Vec<bool> = content.others.iter().map(|one| one.fetch.is_some()).collect();
    assert_eq!(fetches, [false, true]);
    let starts: Vec<_> = plan.others.iter().map(|other| &other.start).collect();
    assert_eq!(starts[0].fetch, None);
    assert!(starts[1].fetch.as_ref().is_some_and(|order| order.contains("http://a/b")));
    // What fetches takes its memory from what the task claims.
    assert_eq!(starts[0].memory_mib, starts[1].memory_mib.map(|own| own + FETCH_MEMORY_MIB));
    // An ECS task has ten containers: five tasks, four of them with files, and the executor.
    let group = |fetching_tasks: usize| {
        let fetching = (0..fetching_tasks)
            .map(|number| TaskInfo { name: format!("f{number}"), ..fetching.clone() });
        let plain = (fetching_tasks..5).map(|n| member(&format!("p{n}"), contained(None)));
        try_group(&executor(Vec::new()), &fetching.chain(plain).collect::<Vec<_>>())
    };
    assert!(group(4).is_ok());
    let why = group(5).expect_err("it has too many");
    assert!(why.contains("needs 11 containers") && why.contains("at most 10"), "{why}");
}

#[test]
fn no_container_of_a_task_has_the_name_of_one_that_fetches() {
    let long = "n".repeat(250);
    let tasks = ["fetch", "fetch-a", "a", &long].map(|name| member(name, contained(None)));
    let contents = contents(&executor(Vec::new()), &tasks);
    let names: Vec<&str> = contents.iter().map(|one| &*one.container).collect();
    assert_eq!(names, ["task-0", "task-1", "a", "task-3"]);
}

/// \[A12\]
#[test]
fn an_executor_has_the_time_to_end_that_it_asks_for() {
    let of = |nanoseconds: Option<i64>| {
        let shutdown_grace_period = nanoseconds.map(|nanoseconds| DurationInfo { nanoseconds });
        let executor = ExecutorInfo { shutdown_grace_period, ..executor(Vec::new()) };
        let plan = try_group(&executor, &[member("t", contained(None))]);
        plan.expect("it can be mapped").content.and_then(|content| content.stop_timeout_s)
    };
    assert_eq!([of(None), of(Some(0)), of(Some(59_500_000_000))], [Some(3), Some(1), Some(60)]);
}

/// \[A1\]
#[test]
fn a_task_of_a_group_may_run_what_its_image_runs() {
    let own = TaskInfo {
        command: Some(program(None, &["-v"])),
        ..member("own", contained(Some("nginx")))
    };
    let plan = try_group(&executor(Vec::new()), std::slice::from_ref(&own));
    let plan = plan.expect("it can be mapped");
    assert_eq!(plan.others[0].start.command, words(&["-v"]));
    let content = plan.content.expect("a group has one");
    assert_eq!(content.others[0].entry_point, None);
    let none = TaskInfo { container: Some(contained(None)), ..own };
    let refused = try_group(&executor(Vec::new()), &[none]).expect_err("there is no program");
    assert!(refused.contains("Executable path is not specified"), "{refused}");
}
