//! What a large cluster costs: 10,000 agents and 100,000 tasks. It prints what it measured, and holds the bounds.
//!
//! `cargo test --release -p longshore-operator --test budget -- --ignored --nocapture`

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore_bridge::operator::{
    AgentView, FrameworkView, ReadModel, StatusView, TaskDetail, TaskView,
};
use longshore_bridge::{AgentId, Amounts, FrameworkId, Ranges, Role};
use longshore_machine::Timestamp;
use longshore_operator::{Asked, Call, Request, page, v1};
use longshore_wire_mesos::v1::task_status::Source;
use longshore_wire_mesos::v1::{
    ContainerStatus, FrameworkInfo, Label, Labels, NetworkInfo, TaskState, network_info,
};

const AGENTS: usize = 10_000;
const TASKS: usize = 100_000;
const FRAMEWORKS: usize = 10;
const MIB: u64 = 1024 * 1024;
const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_123);

/// Counts what it is given, and the largest piece of it.
#[derive(Default)]
struct Counted {
    bytes: usize,
    largest: usize,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len();
        self.largest = self.largest.max(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line of `/proc/self/status`, in bytes.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find(|line| line.starts_with(name)).expect("it is there");
    let kib = line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
    kib.expect("a number") * 1024
}

/// How much more memory there was at most while something was done, and how long it took.
fn measured(what: impl FnOnce()) -> (u64, Duration) {
    std::fs::write("/proc/self/clear_refs", "5").expect("the peak can be reset");
    let before = memory("VmRSS:");
    let began = Instant::now();
    what();
    let took = began.elapsed();
    (memory("VmHWM:").saturating_sub(before), took)
}

fn framework(number: usize) -> FrameworkId {
    format!("20261127-000000-0000-{number:04}").into()
}

/// Frameworks and agents.
fn cluster() -> ReadModel {
    let mut model = ReadModel::default();
    for number in 0..FRAMEWORKS {
        let id = framework(number);
        model.put_framework(FrameworkView {
            info: FrameworkInfo { name: format!("marathon-{number}"), ..FrameworkInfo::default() },
            id,
            roles: BTreeSet::from(["web".into()]),
            suppressed: BTreeSet::new(),
            pid: None,
            active: true,
            connected: true,
            recovered: false,
            registered_at: NOW,
            reregistered_at: NOW,
            unregistered_at: None,
            offer_constraints: None,
        });
    }
    for number in 0..AGENTS {
        model.put_agent(AgentView {
            id: format!("{number:032x}").into(),
            hostname: format!("ip-10-0-{}-{}.ec2.internal", number / 256, number % 256).into(),
            ip: "10.0.0.1".into(),
            port: 5051,
            process: "slave(1)".into(),
            attributes: vec![("ecs.availability-zone".into(), "eu-central-1a".into())],
            domain: None,
            registered_at: NOW,
            reregistered_at: None,
            total: Amounts::of(
                16_000,
                65_536_000,
                100_000_000,
                Ranges::new(vec![(31_000, 32_000)]).expect("they are in order"),
            ),
            foreign: Amounts::default(),
            connected: true,
            deactivated: false,
            drain: None,
        });
    }
    model
}

/// Ids are shared, as the machine does it.
fn shared(model: &ReadModel, number: usize) -> (FrameworkId, AgentId, Role) {
    let view = model.snapshot();
    let framework = view.framework(&framework(number % FRAMEWORKS)).expect("it is there").view();
    // Tasks of an agent belong to several frameworks.
    let agent = format!("{:032x}", (number * 7 + number / AGENTS) % AGENTS);
    let (agent, _) = view.agent(&agent).expect("it is there");
    (framework.id.clone(), agent.id.clone(), framework.roles.first().expect("one").clone())
}

fn launch(model: &mut ReadModel, number: usize) {
    let (framework, agent, role) = shared(model, number);
    let id = format!("app_{}.{number:08x}-aaaa-bbbb", number % 500);
    let port = 31_000 + u64::try_from(number / AGENTS).expect("small");
    let labels = vec![Label { key: "app".to_owned(), value: Some(format!("app_{number}")) }];
    model.put_task(TaskView {
        name: format!("app_{}", number % 500).into(),
        id: id.as_str().into(),
        framework: framework.clone(),
        agent,
        executor: None,
        role,
        state: TaskState::TaskStaging,
        resources: Arc::new(Amounts::of(100, 32_000, 0, Ranges::of([port]))),
        statuses: Box::default(),
        detail: Some(Arc::new(TaskDetail {
            labels: Some(Labels { labels }),
            ..TaskDetail::default()
        })),
    });
    let network = NetworkInfo {
        ip_addresses: vec![network_info::IpAddress {
            protocol: None,
            ip_address: Some("10.0.0.1".to_owned()),
        }],
        ..NetworkInfo::default()
    };
    let container =
        Arc::new(ContainerStatus { network_infos: vec![network], ..ContainerStatus::default() });
    for state in [TaskState::TaskStarting, TaskState::TaskRunning] {
        let status = StatusView {
            state,
            timestamp: NOW.seconds(),
            source: Some(Source::Executor),
            reason: None,
            message: None,
            uuid: Some([7; 16]),
            healthy: Some(true),
            check: None,
            labels: None,
            container: Some(container.clone()),
            unreachable_at: None,
        };
        model.put_status(&framework, &id, status);
    }
}

#[test]
#[ignore = "a measurement, which wants a release build"]
fn pages_of_a_large_cluster_keep_to_their_budget() {
    let before = memory("VmRSS:");
    let mut model = cluster();
    let empty = memory("VmRSS:");
    let began = Instant::now();
    (0..TASKS).for_each(|number| launch(&mut model, number));
    let built = began.elapsed();
    let bytes = |to: u64, of: usize| to / u64::try_from(of).expect("small");
    let agent = bytes(empty.saturating_sub(before), AGENTS);
    let task = bytes(memory("VmRSS:").saturating_sub(empty), TASKS);
    println!("{TASKS} launches in {built:?}; {agent} bytes an agent, {task} bytes a task");
    assert!(task < 2_048, "{task} bytes a task");

    let began = Instant::now();
    let view = model.snapshot();
    let snapshot = began.elapsed();
    println!("snapshot in {snapshot:?}");
    assert!(snapshot < Duration::from_millis(1));

    for (path, memory_max, time_max) in [
        ("/state", 64 * MIB, Duration::from_secs(1)),
        ("/state-summary", 64 * MIB, Duration::from_secs(1)),
        ("/slaves", 64 * MIB, Duration::from_secs(1)),
        ("/tasks", 64 * MIB, Duration::from_secs(1)),
        ("/metrics/snapshot", 64 * MIB, Duration::from_secs(1)),
    ] {
        let asked = Asked::of(path, None).ok().flatten().expect("it is a page");
        let mut counted = Counted::default();
        let (more, took) = measured(|| {
            page::render(&view, &asked, NOW, &[], &mut counted).expect("it is written");
        });
        let (size, largest) = (counted.bytes, counted.largest);
        println!("{path}: {size} bytes in {took:?}, {} KiB more, chunks to {largest}", more / 1024);
        assert!(more < memory_max && took < time_max && largest < 128 * 1024, "{path}");
    }
    let body = br#"{"type":"GET_STATE"}"#;
    let request = Request::read("POST", Some("application/json"), None, body).expect("it reads");
    let Call::Read(call) = request.call else { panic!("it reads") };
    let mut counted = Counted::default();
    let (more, took) = measured(|| {
        v1::answer(&view, call, request.media, NOW, &[], &mut counted).expect("it is written");
    });
    println!("GET_STATE: {} bytes in {took:?}, {} KiB more", counted.bytes, more / 1024);
    assert!(more < 64 * MIB);

    // A machine goes on while somebody reads: each change copies the way to what it changes, and nothing else.
    let began = Instant::now();
    for number in 0..10_000 {
        launch(&mut model, TASKS + number);
    }
    println!("10,000 launches beside a snapshot in {:?}", began.elapsed());
    drop(view);
}
