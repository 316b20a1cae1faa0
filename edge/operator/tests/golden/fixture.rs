//! The state that the golden answers were recorded in: two agents, and one framework with two running tasks and two that ended.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_bridge::operator::{
    AgentView, BuildView, ExecutorView, FrameworkView, MasterView, OfferView, QuotaView, ReadModel,
    RoleView, StatusView, TaskDetail, TaskView,
};
use longshore_bridge::{Amounts, Ranges};
use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::framework_info::Capability;
use longshore_wire_mesos::v1::framework_info::capability::Type;
use longshore_wire_mesos::v1::task_status::Source;
use longshore_wire_mesos::v1::{
    Address, CommandInfo, ContainerInfo, ContainerStatus, DiscoveryInfo, DurationInfo, ExecutorId,
    ExecutorInfo, FrameworkId, FrameworkInfo, HealthCheck, KillPolicy, Label, Labels, MasterInfo,
    NetworkInfo, Port, Ports, TaskState, container_info, discovery_info, executor_info,
    health_check, master_info, network_info,
};

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_123);
pub(crate) const FRAMEWORK: &str = "<master-id>-0000";
pub(crate) const BUSY: &str = "<master-id>-S1";
pub(crate) const EXECUTOR: &str = "group-executor";

fn ports(begin: u64, end: u64) -> Ranges {
    Ranges::new(vec![(begin, end)]).expect("they are in order")
}

fn labels(all: &[(&str, Option<&str>)]) -> Labels {
    let label = |(key, value): &(&str, Option<&str>)| Label {
        key: (*key).to_owned(),
        value: value.map(str::to_owned),
    };
    Labels { labels: all.iter().map(label).collect() }
}

/// Two agents and nothing else.
pub(crate) fn empty() -> ReadModel {
    let mut model = ReadModel::default();
    model.put_master(master());
    model.put_flags(flags());
    for (id, process) in [(BUSY, "slave(1)"), ("<master-id>-S0", "slave(2)")] {
        model.put_agent(agent(id, process));
    }
    model
}

fn master() -> MasterView {
    MasterView {
        master: MasterInfo {
            id: "<master-id>".to_owned(),
            ip: 16_777_343,
            port: 5050,
            pid: Some("master@127.0.0.1:5050".to_owned()),
            hostname: Some("localhost".to_owned()),
            version: Some("1.11.0".to_owned()),
            address: Some(Address {
                hostname: Some("localhost".to_owned()),
                ip: Some("127.0.0.1".to_owned()),
                port: 5050,
            }),
            capabilities: [Some(1), Some(2), None]
                .map(|kind| master_info::Capability { r#type: kind })
                .into(),
            ..MasterInfo::default()
        },
        cluster: None,
        started_at: NOW - 60_000,
        elected_at: NOW - 60_000,
        build: BuildView {
            date: "2020-11-24 15:38:37".into(),
            time: 1_606_232_317.0,
            user: "ubuntu".into(),
            git_sha: Some("04bc7ee1".into()),
            git_branch: None,
            git_tag: Some("1.11.0".into()),
        },
        logging_level: 0,
    }
}

/// Names of the flags of a 1.11 master, so that their form can be compared.
fn flags() -> Vec<(Arc<str>, Arc<str>)> {
    let names = include_str!("flags.txt");
    names.lines().map(|name| (name.into(), "false".into())).collect()
}

pub(crate) fn agent(id: &str, process: &str) -> AgentView {
    AgentView {
        id: id.into(),
        hostname: "localhost".into(),
        ip: "127.0.0.1".into(),
        port: 5050,
        process: process.into(),
        attributes: vec![("rack".into(), "r1".into()), ("zone".into(), "a".into())],
        domain: None,
        registered_at: NOW,
        reregistered_at: None,
        total: Amounts::of(4_000, 4_096_000, 8_192_000, ports(31_000, 32_000)),
        foreign: Amounts::default(),
        connected: true,
        deactivated: false,
        drain: None,
    }
}

pub(crate) fn framework(id: &str, name: &str) -> FrameworkView {
    let is_golden = name == "golden";
    let capabilities: &[Type] = if is_golden {
        &[Type::MultiRole, Type::PartitionAware, Type::TaskKillingState]
    } else {
        &[Type::MultiRole]
    };
    let roles: &[&str] = if is_golden { &["web", "batch"] } else { &["web"] };
    let known = |text: &str| is_golden.then(|| text.to_owned());
    FrameworkView {
        id: id.into(),
        info: FrameworkInfo {
            user: "root".to_owned(),
            name: name.to_owned(),
            id: Some(longshore_wire_mesos::v1::FrameworkId { value: id.to_owned() }),
            failover_timeout: is_golden.then_some(60.0),
            checkpoint: is_golden.then_some(true),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            hostname: known("golden.example"),
            principal: known("golden-principal"),
            webui_url: known("http://golden.example/"),
            capabilities: capabilities
                .iter()
                .map(|one| Capability { r#type: Some((*one).into()) })
                .collect(),
            labels: is_golden.then(|| labels(&[("fk", Some("fv"))])),
            ..FrameworkInfo::default()
        },
        roles: roles.iter().map(|role| (*role).into()).collect(),
        suppressed: BTreeSet::from(["batch".into()]),
        pid: None,
        active: true,
        connected: true,
        recovered: false,
        registered_at: NOW,
        reregistered_at: NOW,
        unregistered_at: None,
        offer_constraints: None,
    }
}

/// What running tasks were asked for with.
fn detail(id: &str) -> TaskDetail {
    let number = 31_000;
    TaskDetail {
        user: (id == "run1").then(|| "root".into()),
        labels: Some(labels(&[("app", Some(id)), ("novalue", None)])),
        discovery: Some(Box::new(DiscoveryInfo {
            visibility: discovery_info::Visibility::Cluster.into(),
            name: Some(id.to_owned()),
            environment: Some("test".to_owned()),
            location: Some("here".to_owned()),
            version: Some("1".to_owned()),
            ports: Some(Ports {
                ports: vec![Port {
                    number,
                    name: Some("http".to_owned()),
                    protocol: Some("tcp".to_owned()),
                    visibility: Some(discovery_info::Visibility::External.into()),
                    labels: Some(labels(&[("p", Some("q"))])),
                }],
            }),
            labels: Some(labels(&[("d", Some("e"))])),
        })),
        container: Some(Box::new(ContainerInfo {
            r#type: container_info::Type::Mesos.into(),
            ..ContainerInfo::default()
        })),
        health_check: Some(Box::new(HealthCheck {
            delay_seconds: Some(1.0),
            interval_seconds: Some(5.0),
            r#type: Some(health_check::Type::Command.into()),
            command: Some(CommandInfo { value: Some("true".to_owned()), ..CommandInfo::default() }),
            ..HealthCheck::default()
        })),
        kill_policy: Some(KillPolicy {
            grace_period: Some(DurationInfo { nanoseconds: 3_000_000_000 }),
        }),
        ..TaskDetail::default()
    }
}

/// A task as it was launched.
pub(crate) fn task(id: &str) -> TaskView {
    let ports = if id == "run1" { ports(31_000, 31_001) } else { Ranges::default() };
    TaskView {
        id: id.into(),
        name: format!("task {id}").into(),
        framework: FRAMEWORK.into(),
        agent: BUSY.into(),
        executor: (id == "run2").then(|| EXECUTOR.into()),
        role: "web".into(),
        state: TaskState::TaskStaging,
        resources: Arc::new(Amounts::of(100, 32_000, 0, ports)),
        statuses: Box::default(),
        detail: id.starts_with("run").then(|| Arc::new(detail(id))),
    }
}

/// The executor of the group that one of the tasks is.
fn executor() -> ExecutorView {
    ExecutorView {
        id: EXECUTOR.into(),
        framework: FRAMEWORK.into(),
        agent: BUSY.into(),
        role: "web".into(),
        info: ExecutorInfo {
            r#type: Some(executor_info::Type::Default.into()),
            executor_id: ExecutorId { value: EXECUTOR.to_owned() },
            framework_id: Some(FrameworkId { value: FRAMEWORK.to_owned() }),
            labels: Some(labels(&[("ek", Some("ev"))])),
            ..ExecutorInfo::default()
        },
        resources: Arc::new(Amounts::of(100, 32_000, 32_000, Ranges::default())),
    }
}

pub(crate) fn status(state: TaskState, at: f64, message: Option<&str>) -> StatusView {
    let network = NetworkInfo {
        ip_addresses: vec![network_info::IpAddress {
            protocol: Some(network_info::Protocol::IPv4.into()),
            ip_address: Some("127.0.0.1".to_owned()),
        }],
        ..NetworkInfo::default()
    };
    StatusView {
        state,
        timestamp: NOW.seconds() + at,
        source: Some(Source::Executor),
        reason: None,
        message: message.map(Into::into),
        uuid: Some([1; 16]),
        healthy: None,
        check: None,
        labels: None,
        container: Some(Arc::new(ContainerStatus {
            container_id: Some(longshore_wire_mesos::v1::ContainerId {
                value: "<uuid>".to_owned(),
                parent: None,
            }),
            network_infos: vec![network],
            executor_pid: Some(4242),
            ..ContainerStatus::default()
        })),
        unreachable_at: None,
    }
}

/// With the framework, its tasks and offers, and what operators had set for roles.
pub(crate) fn tasks() -> ReadModel {
    let mut model = empty();
    model.put_framework(framework(FRAMEWORK, "golden"));
    assert!(model.put_executor(executor()));
    for (at, id) in [(0.0, "run2"), (0.1, "bad"), (0.2, "ok"), (0.3, "run1")] {
        assert!(model.put_task(task(id)));
        model.put_status(FRAMEWORK, id, status(TaskState::TaskStarting, at, None));
        model.put_status(FRAMEWORK, id, status(TaskState::TaskRunning, at + 0.5, None));
    }
    for (id, state) in [("bad", TaskState::TaskFailed), ("ok", TaskState::TaskFinished)] {
        model.put_status(FRAMEWORK, id, status(state, 1.0, Some("Command exited with status 3")));
        model.end_task(FRAMEWORK, &id.into());
    }
    for (id, agent) in [("<master-id>-O4", BUSY), ("<master-id>-O3", "<master-id>-S0")] {
        assert!(model.put_offer(offer(id, agent)));
    }
    roles(&mut model);
    model
}

/// What is offered of an agent: all of it, or what tasks leave.
pub(crate) fn offer(id: &str, agent: &str) -> OfferView {
    let rest = Amounts::of(2_700, 4_000_000, 8_160_000, ports(31_002, 32_000));
    let whole = Amounts::of(4_000, 4_096_000, 8_192_000, ports(31_000, 32_000));
    OfferView {
        id: id.into(),
        framework: FRAMEWORK.into(),
        agent: agent.into(),
        role: "web".into(),
        resources: if agent == BUSY { rest } else { whole },
    }
}

fn roles(model: &mut ReadModel) {
    let amounts = |all: &[(&str, f64)]| {
        all.iter().map(|(name, amount)| ((*name).to_owned(), *amount)).collect()
    };
    let quota = QuotaView {
        guarantees: amounts(&[("cpus", 1.0)]),
        limits: amounts(&[("cpus", 2.0), ("mem", 1024.0)]),
    };
    for (role, weight, quota) in [
        ("*", None, Some(QuotaView::default())),
        ("batch", None, Some(quota)),
        ("web", Some(3.0), None),
    ] {
        model.put_role(RoleView { role: role.into(), weight, quota });
    }
}

/// After both frameworks were torn down.
pub(crate) fn torn_down() -> ReadModel {
    let mut model = tasks();
    model.put_framework(framework("<master-id>-0001", "second"));
    model.remove_framework(&"<master-id>-0001".into(), NOW);
    for id in ["run1", "run2"] {
        model.put_status(FRAMEWORK, id, status(TaskState::TaskKilled, 9.0, None));
        model.end_task(FRAMEWORK, &id.into());
    }
    model.remove_framework(&FRAMEWORK.into(), NOW);
    model
}
