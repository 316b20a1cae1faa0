//! Pods: groups of tasks that are one instance. Source: Marathon 1.11, its documentation and `TaskGroupBuilder`; ADR 0031.

use longshore_wire_marathon::{
    Amounts, Endpoint, EnvValue, Exec, Pod, PodContainer, PodImage, PodMount, PodVolume,
};
use longshore_wire_mesos::v1::executor_info;
use longshore_wire_mesos::v1::offer::operation::LaunchGroup;
use longshore_wire_mesos::v1::volume::source::sandbox_path;

use super::*;
use crate::instances::{Instance, Stage, Why};
use crate::members::MemberStage;
use crate::{Kind, Sort, Unfit};

mod checks;

fn a_container(name: &str) -> PodContainer {
    PodContainer {
        name: name.to_owned(),
        exec: Some(Exec::Shell("run".to_owned())),
        are_arguments: false,
        amounts: Amounts { cpus_milli: 100, mem_milli: 32_000, disk_milli: 0, gpus: 0 },
        limits: None,
        endpoints: Vec::new(),
        image: None,
        env: BTreeMap::new(),
        user: None,
        check: None,
        mounts: Vec::new(),
        fetch: Vec::new(),
        labels: BTreeMap::new(),
        kill_grace_ms: None,
        tty: false,
    }
}

fn of_containers(id: &str, instances: u32, containers: Vec<PodContainer>) -> App {
    let executor = Amounts { cpus_milli: 100, mem_milli: 32_000, disk_milli: 10_000, gpus: 0 };
    let pod = Pod { containers, volumes: Vec::new(), executor };
    let Amounts { cpus_milli, mem_milli, disk_milli, gpus } = pod.amounts();
    App {
        cmd: None,
        cpus_milli,
        mem_milli,
        disk_milli,
        gpus,
        port_definitions: Vec::new(),
        pod: Some(pod),
        ..an_app(id, instances)
    }
}

/// A pod with two containers.
pub(super) fn a_pod(id: &str, instances: u32) -> App {
    of_containers(id, instances, vec![a_container("web"), a_container("side")])
}

fn endpoint(name: &str, host_port: u16) -> Endpoint {
    Endpoint { name: name.to_owned(), host_port, protocols: Vec::new(), labels: BTreeMap::new() }
}

impl World {
    /// The groups that were launched since this was last asked.
    pub(super) fn new_groups(&mut self) -> Vec<LaunchGroup> {
        std::mem::take(&mut self.groups)
    }

    /// Instances that were launched, with their tasks.
    fn launches(&mut self) -> Vec<[String; 2]> {
        self.supplies();
        let tasks = |group: LaunchGroup| {
            let tasks = group.task_group.tasks.into_iter().map(|task| task.task_id.value);
            tasks.collect::<Vec<_>>().try_into().unwrap()
        };
        self.new_groups().into_iter().map(tasks).collect()
    }

    /// A pod with two containers that runs.
    fn runs_pod(&mut self, pod: App) -> Vec<[String; 2]> {
        self.put(pod);
        let all = self.launches();
        for tasks in &all {
            self.all_run(tasks);
        }
        assert_eq!(self.deployments(), 0);
        all
    }

    pub(super) fn all_killed(&mut self, tasks: &[String]) {
        for task in tasks {
            self.is(task, TaskState::TaskKilled);
        }
    }

    fn stages(&mut self, id: &str) -> Vec<(Stage, Vec<String>)> {
        let words = |one: &Instance| {
            one.members.iter().map(|one| one.stage.word().to_owned()).collect::<Vec<_>>()
        };
        self.tasks(id).iter().map(|one| (one.instance.stage, words(&one.instance))).collect()
    }

    fn pod(&mut self, id: &str) -> crate::PodView {
        match self.call(Call::Pods { within: PathId::kept(id) }) {
            Reply::Pods(mut all) => all.remove(0),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_instance_is_a_group_whose_parts_together_are_what_was_taken() {
    let mut world = World::new();
    let mut web = a_container("web");
    web.exec = Some(Exec::Argv(vec!["serve".to_owned(), "-v".to_owned()]));
    web.endpoints = vec![endpoint("http-api", 80), endpoint("any", 0)];
    web.env = [("A".to_owned(), EnvValue::Plain("web".to_owned()))].into();
    web.mounts = vec![PodMount {
        volume: "data".to_owned(),
        path: "/data".to_owned(),
        is_read_only: Some(true),
    }];
    web.kill_grace_ms = Some(7_500);
    let mut pod = of_containers("/shop/web", 1, vec![web, a_container("side")]);
    pod.env = ["A", "B"].map(|name| (name.to_owned(), EnvValue::Plain("pod".to_owned()))).into();
    pod.user = Some("www".to_owned());
    pod.pod.as_mut().unwrap().volumes = vec![PodVolume { name: "data".to_owned(), host: None }];
    world.put(pod);
    world.offer();
    let LaunchGroup { executor, task_group } = world.new_groups().remove(0);
    assert_eq!(executor.r#type(), executor_info::Type::Default);
    let id = executor.executor_id.value;
    assert!(id.starts_with("instance-shop_web."), "{id}");
    let uuid = id.rsplit_once('.').unwrap().1.to_owned();
    let names: Vec<_> = executor.resources.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["cpus", "mem", "disk", "ports"], "ports are the executor's");
    let [web, side] = <[TaskInfo; 2]>::try_from(task_group.tasks).unwrap();
    assert_eq!(web.task_id.value, format!("shop_web.instance-{uuid}.web.1"));
    assert_eq!(side.task_id.value, format!("shop_web.instance-{uuid}.side.1"));
    let claimed: f64 = [&executor.resources, &web.resources, &side.resources]
        .into_iter()
        .flatten()
        .filter(|one| one.name == "cpus")
        .filter_map(|one| one.scalar.as_ref())
        .map(|one| one.value)
        .sum();
    assert!((claimed - 0.3).abs() < 1e-9, "{claimed}");
    has_what_it_was_given(web, &id);
}

/// The container `web` of that instance.
fn has_what_it_was_given(web: TaskInfo, executor: &str) {
    let command = web.command.unwrap();
    assert_eq!((command.shell, command.value.as_deref()), (Some(false), Some("serve")));
    assert_eq!(
        (command.arguments, command.user.as_deref()),
        (vec!["serve".to_owned(), "-v".to_owned()], Some("www"))
    );
    let variables = command.environment.unwrap().variables;
    let variable = |name: &str| {
        let of = variables.iter().find(|one| one.name == name);
        of.and_then(|one| one.value.clone()).unwrap_or_default()
    };
    for (name, value) in [
        ("A", "web"),
        ("B", "pod"),
        ("HOST", "host-1"),
        ("MARATHON_APP_ID", "/shop/web"),
        ("MARATHON_CONTAINER_ID", "web"),
        ("MARATHON_CONTAINER_RESOURCE_MEM", "32.0"),
        ("MESOS_EXECUTOR_ID", executor),
        ("ENDPOINT_HTTP_API", "80"),
        ("EP_HOST_ANY", "31000"),
    ] {
        assert_eq!(variable(name), value, "{name}");
    }
    let container = web.container.unwrap();
    let path = container.volumes[0].source.as_ref().unwrap().sandbox_path.as_ref().unwrap();
    assert_eq!((path.r#type(), path.path.as_str()), (sandbox_path::Type::Parent, "volumes/data"));
    assert_eq!(web.kill_policy.unwrap().grace_period.unwrap().nanoseconds, 7_500_000_000);
    let ports = web.discovery.unwrap().ports.unwrap().ports;
    assert_eq!((ports[0].number, ports[1].number), (80, 31_000));
}

#[test]
fn an_image_is_given_no_program_unless_the_container_names_one() {
    let mut world = World::new();
    let image = || Some(PodImage { id: "nginx".to_owned(), force_pull: None });
    let own = PodContainer { exec: None, image: image(), ..a_container("own") };
    let mut given = PodContainer { image: image(), are_arguments: true, ..a_container("given") };
    given.exec = Some(Exec::Argv(vec!["-v".to_owned()]));
    world.put(of_containers("/web", 1, vec![own, given]));
    world.offer();
    let tasks = world.new_groups().remove(0).task_group.tasks;
    let commands = tasks.into_iter().filter_map(|task| task.command);
    let told: Vec<_> = commands.map(|one| (one.shell, one.value, one.arguments)).collect();
    assert_eq!(told[0], (Some(false), None, Vec::new()));
    assert_eq!(told[1], (Some(false), None, vec!["-v".to_owned()]));
}

#[test]
fn what_an_offer_lacks_for_the_whole_of_an_instance_keeps_it_waiting() {
    let mut world = World::new();
    world.put(a_pod("/web", 1));
    // Enough for each container, and for the executor, but not for all three.
    world.hears(Callback::ResourceOffers(vec![an_offer(7, 0.25)]));
    assert!(world.new_groups().is_empty());
    let Reply::Queue(queue) = world.call(Call::Queue) else { panic!() };
    let at = Unfit::ALL.iter().position(|one| *one == Unfit::Cpus).unwrap();
    assert_eq!((queue[0].count, queue[0].tally.reasons[at]), (1, 1));
}

#[test]
fn an_instance_runs_when_all_its_containers_do() {
    let mut world = World::new();
    world.put(a_pod("/web", 1));
    let [web, side] = world.launches().remove(0);
    world.is(&web, TaskState::TaskStarting);
    world.is(&web, TaskState::TaskRunning);
    assert_eq!(world.stages("/web")[0].0, Stage::Staging);
    world.is(&side, TaskState::TaskStarting);
    assert_eq!((world.stages("/web")[0].0, world.deployments()), (Stage::Starting, 1));
    world.is(&side, TaskState::TaskRunning);
    assert_eq!((world.stages("/web")[0].0, world.deployments()), (Stage::Running, 0));
    let told = world
        .events
        .iter()
        .filter(|event| matches!(event, Event::Instance { state: TaskState::TaskRunning, .. }));
    assert_eq!(told.count(), 1);
}

#[test]
fn one_that_fails_ends_the_others_and_is_replaced_after_the_delay() {
    let mut world = World::new();
    let [web, side] = world.runs_pod(a_pod("/web", 1)).remove(0);
    world.new_kills();
    world.is(&web, TaskState::TaskFailed);
    assert_eq!(world.new_kills(), [side.as_str()], "of those that have not ended");
    assert_eq!(world.tasks("/web")[0].instance.killing, Some(Why::Broken));
    assert!(world.launches().is_empty(), "it is replaced when it is gone");
    world.is(&side, TaskState::TaskKilled);
    assert!(world.tasks("/web").is_empty() && world.launches().is_empty());
    world.passes(1_000);
    assert_eq!(world.launches().len(), 1);
    let view = world.shown("/web");
    let failure = view.failure.unwrap();
    assert_eq!((failure.task.as_str(), failure.state.as_str()), (web.as_str(), "TASK_FAILED"));
    let ends = world.pod("/web").ends;
    assert_eq!(ends.len(), 1);
    let words: Vec<_> = ends[0].members.iter().map(|one| one.stage.word()).collect();
    assert_eq!(words, ["TASK_FAILED", "TASK_KILLED"]);
}

#[test]
fn one_that_is_killed_by_others_ends_its_instance_and_says_why() {
    let mut world = World::new();
    let [web, side] = world.runs_pod(a_pod("/web", 1)).remove(0);
    for (task, message) in [(&side, "Health check failed"), (&web, "Killed with its group")] {
        world.passes(1_000);
        let message = Some(message.to_owned());
        let status = TaskStatus { message, ..a_status(task, TaskState::TaskKilled) };
        world.hears(Callback::StatusUpdate(Box::new(status)));
    }
    let view = world.pod("/web");
    assert_eq!((view.instances.len(), view.ends[0].message.as_str()), (0, "Health check failed"));
}

#[test]
fn one_that_ends_well_leaves_the_others_alone() {
    let mut world = World::new();
    let [web, side] = world.runs_pod(a_pod("/web", 1)).remove(0);
    world.new_kills();
    world.is(&side, TaskState::TaskFinished);
    assert_eq!(world.new_kills(), [""; 0]);
    assert_eq!(
        world.stages("/web"),
        [(Stage::Running, vec!["TASK_RUNNING".to_owned(), "TASK_FINISHED".to_owned()])]
    );
    // What comes late changes nothing.
    world.is(&side, TaskState::TaskRunning);
    assert_eq!(world.stages("/web")[0].1[1], "TASK_FINISHED");
    world.is(&web, TaskState::TaskFinished);
    assert!(world.tasks("/web").is_empty());
    world.passes(1_000);
    assert_eq!(world.launches().len(), 1);
}

#[test]
fn a_group_that_is_refused_fails_as_one() {
    let mut world = World::new();
    world.put(a_pod("/web", 1));
    let [web, side] = world.launches().remove(0);
    world.is(&web, TaskState::TaskError);
    world.is(&side, TaskState::TaskError);
    assert!(world.tasks("/web").is_empty());
    assert_eq!(world.pod("/web").ends.len(), 1);
    assert!(world.launches().is_empty(), "it waits");
    world.passes(1_000);
    assert_eq!(world.launches().len(), 1);
}

#[test]
fn an_instance_that_is_killed_is_killed_task_by_task_until_all_have_ended() {
    let mut world = World::new();
    let [web, side] = world.runs_pod(a_pod("/web", 1)).remove(0);
    world.new_kills();
    let id = world.tasks("/web")[0].id.to_string();
    let pod = PathId::kept("/web");
    let kill =
        Call::KillInstances { pod: pod.clone(), instances: vec![id, "x".to_owned()], wipe: false };
    let Reply::Killed(told) = world.call(kill) else { panic!() };
    assert_eq!(told.len(), 1);
    assert_eq!(world.new_kills(), [web.clone(), side.clone()]);
    world.is(&web, TaskState::TaskKilled);
    world.passes(limits::KILL_AGAIN_MS);
    assert_eq!(world.new_kills(), [side.as_str()], "again, and only what is left");
    world.is(&side, TaskState::TaskKilled);
    assert!(world.pod("/web").ends.is_empty(), "it was asked for");
    assert_eq!(world.launches().len(), 1, "it is replaced at once");
    let none =
        Call::KillInstances { pod: PathId::kept("/none"), instances: Vec::new(), wipe: false };
    assert_eq!(world.call(none), Reply::NoApp(PathId::kept("/none")));
}

#[test]
fn tasks_of_pods_are_not_killed_as_those_of_apps() {
    let mut world = World::new();
    world.runs_pod(a_pod("/web", 1));
    let tasks = vec![world.tasks("/web")[0].id.to_string()];
    let kill = Call::Kill { tasks, scale: true, wipe: false, force: false };
    let Reply::Done { apps, .. } = world.call(kill) else { panic!() };
    assert!(apps.is_empty() && world.tasks("/web")[0].instance.killing.is_none());
}

#[test]
fn a_new_version_replaces_instances_one_for_one_and_a_smaller_number_ends_some() {
    let mut world = World::new();
    let old = world.runs_pod(App {
        upgrade_strategy: UpgradeStrategy {
            minimum_health_capacity_milli: 1_000,
            maximum_over_capacity_milli: 0,
        },
        ..a_pod("/web", 2)
    });
    world.new_kills();
    let mut next = App::clone(&world.shown("/web").app);
    next.pod.as_mut().unwrap().containers[1].exec = Some(Exec::Shell("run better".to_owned()));
    world.put(next.clone());
    for tasks in &old {
        let new = world.launches().remove(0);
        world.all_run(&new);
        let killed = world.new_kills();
        assert_eq!(killed.len(), 2, "of one instance: {killed:?} of {tasks:?}");
        world.all_killed(&killed);
    }
    assert_eq!((world.deployments(), world.tasks("/web").len()), (0, 2));
    world.put(App { instances: 1, ..next });
    let killed = world.new_kills();
    assert_eq!(killed.len(), 2);
    world.all_killed(&killed);
    assert_eq!((world.deployments(), world.tasks("/web").len()), (0, 1));
}

#[test]
fn after_a_crash_each_task_is_asked_for_and_nothing_is_launched_twice() {
    let mut world = World::new();
    let [web, side] = world.runs_pod(a_pod("/web", 1)).remove(0);
    world.is(&side, TaskState::TaskFinished);
    world.restarts(1_000);
    world.said.clear();
    world.registers();
    let asked: Vec<String> = world
        .said
        .iter()
        .filter_map(|command| match command {
            Command::Reconcile(tasks) => Some(tasks),
            _ => None,
        })
        .flatten()
        .map(|task| task.task_id.value.clone())
        .collect();
    assert_eq!(asked, [web.as_str()], "what has ended is not asked for");
    assert!(world.launches().is_empty());
    world.is(&web, TaskState::TaskRunning);
    assert_eq!((world.stages("/web")[0].0, world.launches().len()), (Stage::Running, 0));
}

#[test]
fn an_agent_out_of_reach_takes_its_instance_along_and_one_that_comes_back_is_killed() {
    let mut world = World::new();
    let [web, side] = world.runs_pod(a_pod("/web", 1)).remove(0);
    world.is(&web, TaskState::TaskUnreachable);
    assert!(world.tasks("/web").is_empty(), "it is given up at once");
    world.new_kills();
    world.is(&side, TaskState::TaskRunning);
    assert_eq!(world.new_kills(), [side]);
    assert_eq!(world.launches().len(), 1);
    // With more patience it is waited for, until all are back.
    let waits = Unreachable::After { inactive_s: 60, expunge_s: 120 };
    let [web, side] =
        world.runs_pod(App { unreachable_strategy: waits, ..a_pod("/patient", 1) }).remove(0);
    world.is(&web, TaskState::TaskUnreachable);
    world.is(&side, TaskState::TaskUnreachable);
    world.is(&web, TaskState::TaskRunning);
    assert!(matches!(world.stages("/patient")[0].0, Stage::Unreachable { .. }));
    world.is(&side, TaskState::TaskRunning);
    assert_eq!(world.stages("/patient")[0].0, Stage::Running);
}

#[test]
fn apps_and_pods_have_their_ids_in_common() {
    let mut world = World::new();
    world.runs_pod(a_pod("/web", 1));
    for mode in [Mode::Create, Mode::Any, Mode::Update] {
        let put = Call::Put { apps: vec![an_app("/web", 1)], mode, force: false };
        assert_eq!(world.call(put), Reply::Exists(PathId::kept("/web"), Sort::Pod), "{mode:?}");
    }
    let group = PathId::kept("/web");
    let apps = vec![an_app("/web", 1)];
    let put = Call::PutGroup { group, apps, force: false, is_dry_run: false };
    assert_eq!(world.call(put), Reply::Exists(PathId::kept("/web"), Sort::Pod));
    let none = Reply::NoApp(PathId::kept("/web"));
    let id = PathId::kept("/web");
    let delete = Call::Delete { id: id.clone(), sort: Sort::App, force: false };
    assert_eq!(world.call(delete), none);
    assert_eq!(world.call(Call::Restart { id: id.clone(), force: false }), none);
    let back = Call::Return { id: id.clone(), version_ms: NOON, force: false };
    assert_eq!(world.call(back), none);
    assert_eq!(world.tasks("/web").len(), 1);
}

#[test]
fn a_pod_that_is_deleted_is_shown_as_going_until_its_last_container_has_ended() {
    let mut world = World::new();
    let [web, side] = world.runs_pod(a_pod("/web", 1)).remove(0);
    let delete = Call::Delete { id: PathId::kept("/web"), sort: Sort::Pod, force: false };
    let Reply::Done { .. } = world.call(delete) else { panic!() };
    let Reply::Deployments(all) = world.call(Call::Deployments) else { panic!() };
    let action = &all[0].1.steps[0].actions[0];
    assert_eq!((action.kind, action.sort, action.word()), (Kind::Stop, Sort::Pod, "StopPod"));
    world.is(&web, TaskState::TaskKilled);
    assert!(world.pod("/web").is_going);
    world.is(&side, TaskState::TaskKilled);
    assert_eq!(world.call(Call::Pods { within: PathId::root() }), Reply::Pods(Vec::new()));
    assert_eq!(
        (
            world.deployments(),
            world.rows.iter().filter(|((kind, _), _)| kind != "framework").count()
        ),
        (0, 0)
    );
}

#[test]
fn a_torn_down_framework_starts_its_pods_anew() {
    let mut world = World::new();
    world.runs_pod(a_pod("/web", 1));
    world.hears(Callback::Error("Framework has been removed".to_owned()));
    assert!(world.tasks("/web").is_empty());
    world.registers();
    assert_eq!(world.launches().len(), 1);
}

#[test]
fn only_the_last_ends_are_remembered_and_outlive_a_restart() {
    let mut world = World::new();
    world.put(a_pod("/web", 1));
    for _ in 0..limits::TERMINATIONS_MAX + 2 {
        let [web, side] = world.launches().remove(0);
        world.is(&web, TaskState::TaskFailed);
        world.is(&side, TaskState::TaskKilled);
        world.passes(600_000);
    }
    world.restarts(1_000);
    let ends = world.pod("/web").ends;
    assert_eq!(ends.len(), limits::TERMINATIONS_MAX);
    assert!(ends[0].ended_ms > ends[1].ended_ms, "newest first");
}
