//! How a Mesos task becomes a definition, a command and an environment, or a refusal that says why.

use std::collections::BTreeMap;

use longshore_replica::{CONTENT_LABEL, DefinitionContent, Mount, MountSource};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::NetworkMode;
use longshore_wire_mesos::v1::container_info::docker_info::{Network, PortMapping};
use longshore_wire_mesos::v1::container_info::{DockerInfo, MesosInfo, Type as ContainerType};
use longshore_wire_mesos::v1::environment::Variable;
use longshore_wire_mesos::v1::volume::Mode;
use longshore_wire_mesos::v1::{
    CommandInfo, ContainerInfo, DurationInfo, Environment, ExecutorInfo, Image, KillPolicy, Label,
    Labels, Parameter, TaskId, TaskInfo, Volume, image,
};

use super::super::reach::Reach;
use super::{Memory, Plan, cpu_units, memory_mib, plan};
use crate::amounts::Amounts;
use crate::config::{CheckMode, Config, DefaultImage, Fetching};
use crate::limits;
use crate::ranges::Ranges;

fn config(default_image: DefaultImage) -> Config {
    Config { default_image, ..Config::example() }
}

/// An agent that does not say its address.
fn nowhere() -> Reach {
    Reach::of(&config(DefaultImage::None), None)
}

fn try_plan(task: &TaskInfo) -> Result<Plan, String> {
    try_plan_of(task, &claim())
}

fn try_plan_of(task: &TaskInfo, claim: &Amounts) -> Result<Plan, String> {
    let config = config(DefaultImage::Image("alpine".into()));
    plan(&config, &nowhere(), "framework-1", "batch", task, claim)
}

fn planned(task: &TaskInfo) -> Plan {
    try_plan(task).expect("it can be mapped")
}

fn claim() -> Amounts {
    Amounts::of(500, 64_000, 0, Ranges::default())
}

fn shell(value: &str) -> CommandInfo {
    CommandInfo { value: Some(value.to_owned()), ..Default::default() }
}

/// A program with its arguments, not a shell command.
fn program(value: Option<&str>, arguments: &[&str]) -> CommandInfo {
    CommandInfo {
        shell: Some(false),
        value: value.map(str::to_owned),
        arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        ..Default::default()
    }
}

fn task(command: CommandInfo) -> TaskInfo {
    TaskInfo {
        task_id: TaskId { value: "t1".to_owned() },
        command: Some(command),
        ..Default::default()
    }
}

fn docker(image: &str) -> ContainerInfo {
    ContainerInfo {
        r#type: ContainerType::Docker.into(),
        docker: Some(DockerInfo { image: image.to_owned(), ..Default::default() }),
        ..Default::default()
    }
}

fn mesos(image: &str) -> ContainerInfo {
    let docker = image::Docker { name: image.to_owned(), ..Default::default() };
    let image =
        Image { r#type: image::Type::Docker.into(), docker: Some(docker), ..Default::default() };
    ContainerInfo {
        r#type: ContainerType::Mesos.into(),
        mesos: Some(MesosInfo { image: Some(image) }),
        ..Default::default()
    }
}

fn within(container: ContainerInfo, command: CommandInfo) -> TaskInfo {
    TaskInfo { container: Some(container), ..task(command) }
}

/// A task in a Docker container that asks for more than an image.
fn dockered(change: impl FnOnce(&mut DockerInfo)) -> TaskInfo {
    let mut info = DockerInfo { image: "nginx".to_owned(), ..Default::default() };
    change(&mut info);
    within(ContainerInfo { docker: Some(info), ..docker("nginx") }, shell("serve all"))
}

fn labelled(definition: &str, task: TaskInfo) -> TaskInfo {
    let label = Label { key: "ecs.task-definition".to_owned(), value: Some(definition.to_owned()) };
    TaskInfo { labels: Some(Labels { labels: vec![label] }), ..task }
}

#[expect(clippy::unnecessary_wraps, reason = "a plan may have none")]
fn words(words: &[&str]) -> Option<Vec<Str>> {
    Some(words.iter().map(|word| Str::from(*word)).collect())
}

fn variable(plan: &Plan, name: &str) -> Option<String> {
    plan.environment.get(name).map(ToString::to_string)
}

/// \[A1\]
#[test]
fn a_shell_command_is_one_word_for_the_shell() {
    for task in [
        task(shell("echo $HOME && sleep 1")),
        within(docker("nginx"), shell("echo $HOME && sleep 1")),
        within(mesos("nginx"), shell("echo $HOME && sleep 1")),
    ] {
        let plan = planned(&task);
        let content = plan.content.expect("nothing is named");
        assert_eq!((plan.named, plan.command), (None, words(&["echo $HOME && sleep 1"])));
        assert_eq!(content.entry_point, words(&["/bin/sh", "-c"]));
        assert_eq!(&*content.image, if task.container.is_some() { "nginx" } else { "alpine" });
        assert_eq!(&*content.container, "task");
    }
}

/// \[A1\]: outside of Docker the arguments include the program's own name.
#[test]
fn a_program_of_the_mesos_containerizer_gets_its_arguments_without_its_name() {
    let plan = planned(&task(program(Some("/bin/echo"), &["echo", "a b", "$HOME"])));
    assert_eq!(plan.command, words(&["/bin/echo", "a b", "$HOME"]));
    let content = plan.content.expect("nothing is named");
    assert_eq!(content.entry_point, words(&["/bin/sh", "-c", "exec \"$0\" \"$@\""]));
}

/// \[A1\]: a Docker image keeps its entry point.
#[test]
fn a_docker_image_keeps_its_entry_point_and_gets_value_and_arguments() {
    for (command, expected) in [
        (program(None, &["-g", "daemon off;"]), words(&["-g", "daemon off;"])),
        (program(Some("serve"), &["--all"]), words(&["serve", "--all"])),
        (program(None, &[]), None),
    ] {
        let plan = planned(&within(docker("nginx"), command));
        assert_eq!(plan.command, expected);
        assert_eq!(plan.content.expect("nothing is named").entry_point, None);
    }
}

/// \[A1\]: so does one of the Mesos containerizer that is given no program instead.
#[test]
fn an_image_without_a_program_runs_its_entry_point_and_gets_the_arguments() {
    for (command, expected) in [
        (program(None, &["-g", "daemon off;"]), words(&["-g", "daemon off;"])),
        (program(None, &[]), None),
    ] {
        let plan = planned(&within(mesos("nginx"), command));
        assert_eq!(plan.command, expected);
        assert_eq!(plan.content.expect("nothing is named").entry_point, None);
    }
}

#[test]
fn a_command_that_can_be_the_name_of_a_definition_is_looked_for_and_else_run() {
    for name in ["web", "web:3", "my_job-2"] {
        let plan = planned(&task(shell(name)));
        assert_eq!(plan.named.as_deref(), Some(name));
        assert_eq!(plan.command, words(&[name]), "it may be a command after all");
        assert_eq!(
            plan.content.map(|content| content.image.to_string()).as_deref(),
            Some("alpine")
        );
    }
    for command in ["web:", "web:x", "sleep 1", "/bin/true", "a.b", "web:3:4", "x | y"] {
        assert_eq!(planned(&task(shell(command))).named, None, "{command}");
    }
}

#[test]
fn the_image_ignore_says_that_the_command_names_a_definition() {
    for container in [docker("ignore"), mesos("ignore")] {
        let plan = planned(&within(container, shell("web:3")));
        assert_eq!(
            (plan.named.as_deref(), plan.content, plan.command),
            (Some("web:3"), None, None)
        );
    }
}

#[test]
fn a_command_in_an_image_is_no_name_but_an_arn_is_one_anywhere() {
    assert_eq!(planned(&within(docker("nginx"), shell("web"))).named, None);
    let arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:3";
    for task in [task(shell(arn)), within(docker("nginx"), shell(arn))] {
        let plan = planned(&task);
        assert_eq!((plan.named.as_deref(), plan.content), (Some(arn), None));
    }
    let other = "arn:aws:ecs:us-east-1:123456789012:cluster/web";
    assert_eq!(planned(&task(shell(other))).named, None);
}

#[test]
fn a_label_names_a_definition_whatever_image_and_command_say() {
    let plan = planned(&labelled("web:7", within(docker("nginx"), shell("sleep 1"))));
    assert_eq!((plan.named.as_deref(), plan.content), (Some("web:7"), None));
}

#[test]
fn without_an_image_and_a_default_for_it_only_names_can_be_run() {
    let config = config(DefaultImage::None);
    let refused = plan(&config, &nowhere(), "f", "*", &task(shell("sleep 1")), &claim())
        .expect_err("there is no image");
    assert!(refused.contains("--default-image"), "{refused}");
    let named = plan(&config, &nowhere(), "f", "*", &task(shell("web")), &claim())
        .expect("a name needs no image");
    assert_eq!((named.named.as_deref(), named.content), (Some("web"), None));
}

#[test]
fn what_cannot_be_mapped_is_refused_in_plain_words() {
    let plain = || task(shell("sleep 1"));
    #[expect(clippy::useless_vec, reason = "an array of them is large for a stack")]
    for (task, why) in vec![
        (
            TaskInfo { command: None, executor: Some(ExecutorInfo::default()), ..plain() },
            "executors cannot be mapped",
        ),
        (dockered(|docker| docker.network = Some(Network::User.into())), "USER networks"),
        (
            dockered(|docker| docker.port_mappings.push(PortMapping::default())),
            "port mappings need network BRIDGE",
        ),
        (
            dockered(|docker| docker.parameters.push(parameter("pid", "host"))),
            "the Docker parameter 'pid' cannot be mapped",
        ),
        (
            dockered(|docker| docker.parameters.push(parameter("env", "nothing"))),
            "the Docker parameter 'env'",
        ),
        (task(CommandInfo::default()), "Shell command is not specified"),
        (task(program(None, &["x"])), "Executable path is not specified"),
    ] {
        let refused = try_plan(&task).expect_err(why);
        assert!(refused.contains(why), "{refused}");
    }
}

#[test]
fn what_docker_is_asked_for_becomes_content() {
    let mut task = dockered(|docker| {
        docker.network = Some(Network::Bridge.into());
        docker.privileged = Some(true);
        docker.port_mappings.push(PortMapping {
            host_port: 31_000,
            container_port: 53,
            protocol: Some("udp".to_owned()),
        });
        let given = [
            ("user", "app"),
            ("workdir", "/srv"),
            ("hostname", "h"),
            ("label", "a=b"),
            ("label", "MESOS_TASK_ID=t1"),
        ];
        docker.parameters.extend(given.map(|(key, value)| parameter(key, value)));
    });
    task.kill_policy =
        Some(KillPolicy { grace_period: Some(DurationInfo { nanoseconds: 1_500_000_000 }) });
    let claim = Amounts::of(500, 64_000, 0, Ranges::of([31_000]));
    let content = try_plan_of(&task, &claim).expect("it can be mapped").content.expect("unnamed");
    assert_eq!((content.network_mode, content.privileged), (Some(NetworkMode::Bridge), true));
    let port = &content.ports[0];
    assert_eq!((port.container_port, port.host_port, port.udp), (53, 31_000, true));
    let texts =
        [&content.user, &content.working_directory, &content.hostname].map(Option::as_deref);
    assert_eq!(texts, [Some("app"), Some("/srv"), Some("h")]);
    // A label of its own for each task would make a definition of its own.
    let mut labels = content.labels.clone();
    labels.remove(CONTENT_LABEL);
    assert_eq!(labels, [("a".into(), "b".into())].into());
    assert_eq!(content.stop_timeout_s, Some(2), "whole seconds, rounded up");
    // [A4]: HOST is the default.
    let default = planned(&dockered(|_| {})).content.expect("nothing is named");
    assert_eq!(default.network_mode, Some(NetworkMode::Host));
}

/// \[A8\]
#[test]
fn directories_of_the_host_are_mounted() {
    let content = planned(&within(with_volume("/var/data", "/data"), shell("sleep 1")))
        .content
        .expect("nothing is named");
    let mount = Mount {
        source: MountSource::Host("/var/data".into()),
        container_path: "/data".into(),
        read_only: true,
    };
    assert_eq!(content.mounts[..1], [mount]);
}

#[test]
fn the_environment_of_the_command_wins_over_dockers_and_ours_over_both() {
    let mut task = dockered(|docker| {
        let given = [("env", "A=docker"), ("env", "B=docker=2"), ("env", "MESOS_TASK_ID=docker")];
        docker.parameters.extend(given.map(|(key, value)| parameter(key, value)));
    });
    let given = environment(&[
        ("A", "first"),
        ("A", "last"),
        ("MESOS_FRAMEWORK_ID", "mine"),
        ("", "nameless"),
    ]);
    task.command.get_or_insert_default().environment = Some(given);
    let plan = planned(&task);
    for (name, value) in [
        ("A", "last"),
        ("B", "docker=2"),
        ("MESOS_TASK_ID", "t1"),
        ("MESOS_FRAMEWORK_ID", "framework-1"),
        ("MESOS_ALLOCATION_ROLE", "batch"),
        ("LONGSHORE_CLAIM", "cpus:0.5; mem:64"),
    ] {
        assert_eq!(variable(&plan, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(plan.environment.len(), 6);
}

#[test]
fn cpu_is_rounded_down_so_that_claims_of_all_fit_and_memory_up_to_what_a_container_has() {
    for (cpus, units) in [(0, 0), (1, 1), (100, 102), (500, 512), (1_000, 1_024), (4_000, 4_096)] {
        assert_eq!(
            cpu_units(&Amounts::of(cpus, 0, 0, Ranges::default())),
            units,
            "{cpus} thousandths"
        );
    }
    for (mem, mib) in [(0, 6), (5_000, 6), (6_001, 7), (64_000, 64)] {
        assert_eq!(
            memory_mib(&Amounts::of(0, mem, 0, Ranges::default())),
            mib,
            "{mem} thousandths"
        );
    }
}

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variable = |(name, value): &(&str, &str)| Variable {
        name: (*name).to_owned(),
        value: Some((*value).to_owned()),
        ..Default::default()
    };
    Environment { variables: variables.iter().map(variable).collect() }
}

fn parameter(key: &str, value: &str) -> Parameter {
    Parameter { key: key.to_owned(), value: value.to_owned() }
}

fn with_volume(host_path: &str, container_path: &str) -> ContainerInfo {
    let volume = Volume {
        mode: Mode::Ro.into(),
        container_path: container_path.to_owned(),
        host_path: Some(host_path.to_owned()),
        ..Default::default()
    };
    ContainerInfo { volumes: vec![volume], ..docker("nginx") }
}

fn content_of(task: &TaskInfo) -> DefinitionContent {
    planned(task).content.expect("nothing is named")
}

mod checks;
mod family;
mod grace;
mod group;
mod inert;
mod overrides;
mod parameters;
mod ports;
mod sandbox;
mod secrets;
mod volumes;
