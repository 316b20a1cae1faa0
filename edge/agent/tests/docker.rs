//! Tests the Docker runtime against a real daemon.
//!
//! Requires a daemon with the image `longshore/busybox:latest`, which `conformance/docker_image.sh`
//! builds; without it each test reports on standard error that it was skipped. Every test uses a
//! container instance of its own, so they can run in parallel.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_agent::Runtime;
use longshore_agent::docker::{self, PullPolicy};
use longshore_lifecycle::{ContainerRef, Event, FoundState};
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{
    ContainerSpec, Namespace, Namespaces, NetworkMode, TaskAbout, TaskSpec,
};
use longshore_wire_ecs::shape::container_definition::{
    ContainerDefinition, HealthCheck, MountPoint, PortMapping, Volume,
};
use tokio::sync::mpsc;

const IMAGE: &str = "longshore/busybox:latest";

/// Timeout of every step.
const PATIENCE: Duration = Duration::from_mins(1);

/// Exits with its own code when stopped. It announces when its trap is set, since an earlier stop
/// would be lost.
const OBEDIENT: &str = "trap 'exit 5' TERM; echo ready; sleep 600 & wait";

type Told = mpsc::UnboundedReceiver<(ContainerRef, Event)>;

/// A container instance with one task.
struct Bench {
    instance: ResourceId,
    runtime: Runtime,
    told: Told,
    spec: Arc<TaskSpec>,
    container: ContainerRef,
}

/// An id unused by this and earlier runs.
fn fresh() -> ResourceId {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
    ResourceId((now.as_nanos() << 32) | u128::from(NEXT.fetch_add(1, Ordering::Relaxed)))
}

async fn has_image() -> bool {
    let Ok(daemon) = bollard::Docker::connect_with_defaults() else {
        return false;
    };
    docker::answers().await && daemon.inspect_image(IMAGE).await.is_ok()
}

async fn open(instance: ResourceId) -> (Runtime, Told) {
    let (events, told) = mpsc::unbounded_channel();
    let docker = docker::connect(instance, events, PullPolicy::PreferCached).await;
    (Runtime::Docker(docker.expect("a daemon answered just now")), told)
}

/// A task with one container that runs `script`; `None`, after reporting it, if it cannot run here.
async fn bench(
    script: &str,
    definition: ContainerDefinition,
    volumes: Vec<Volume>,
) -> Option<Bench> {
    if !has_image().await {
        // Bypasses the harness, which hides the output of passing tests. A failure is harmless.
        let _ =
            writeln!(std::io::stderr(), "skipped: no Docker daemon with the image {IMAGE} answers");
        return None;
    }
    let (instance, id) = (fresh(), fresh());
    let definition =
        ContainerDefinition { name: Some("web".into()), image: Some(IMAGE.into()), ..definition };
    let container = ContainerSpec {
        definition: Arc::new(definition),
        command: Some(Arc::new(vec!["sh".into(), "-c".into(), script.into()])),
        environment: Arc::default(),
        cpu: 0,
        memory_mib: 0,
        memory_reservation_mib: 0,
    };
    let spec = TaskSpec {
        id,
        arn: format!("arn:aws:ecs:eu-west-1:123456789012:task/test/{id}").into(),
        cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/test".into(),
        family: "test".into(),
        revision: 1,
        network_mode: NetworkMode::Bridge,
        namespaces: Namespaces::default(),
        containers: Arc::new(vec![container]),
        volumes: Arc::new(volumes),
        about: TaskAbout::default(),
    };
    let (runtime, told) = open(instance).await;
    let container = ContainerRef { task: id, index: 0 };
    Some(Bench { instance, runtime, told, spec: Arc::new(spec), container })
}

async fn next(told: &mut Told) -> Event {
    let heard =
        tokio::time::timeout(PATIENCE, told.recv()).await.expect("something happens in time");
    heard.expect("the runtime is there").1
}

impl Bench {
    /// Starts the container and returns the event that it runs.
    async fn start(&mut self) -> Event {
        self.runtime.start(self.container, self.spec.clone());
        assert_eq!(next(&mut self.told).await, Event::PullStarted);
        assert_eq!(next(&mut self.told).await, Event::PullStopped);
        next(&mut self.told).await
    }

    async fn output(&self) -> String {
        self.output_of("web").await
    }

    async fn output_of(&self, container: &str) -> String {
        let output = self.runtime.logs(self.spec.id, container).await;
        let output = output.expect("the daemon answers").unwrap_or_default();
        String::from_utf8_lossy(&output).into_owned()
    }

    async fn until_output(&self, wanted: &str) {
        let read = async {
            while !self.output().await.contains(wanted) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the container writes in time");
    }

    /// Removes the task and waits until the daemon has nothing left of it.
    async fn clear(&self) {
        self.runtime.remove(self.spec.id);
        let gone = async {
            while self.runtime.inventory().await != Ok(Vec::new()) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.expect("the container goes in time");
    }
}

fn exited(code: i32) -> Event {
    Event::Exited { code: Some(code), reason: None }
}

#[tokio::test]
async fn a_container_runs_and_its_exit_code_is_told() {
    let script = "echo out; echo err >&2; sleep 1; exit 7";
    let Some(mut bench) = bench(script, ContainerDefinition::default(), Vec::new()).await else {
        return;
    };
    let started = bench.start().await;
    let Event::Started { runtime_id, bindings, .. } = started else { panic!("{started:?}") };
    assert_eq!((runtime_id.len(), bindings), (64, Vec::new()));
    assert_eq!(next(&mut bench.told).await, exited(7));
    let output = bench.output().await;
    assert!(output.contains("out\n") && output.contains("err\n"), "{output:?}");
    bench.clear().await;
    assert_eq!(bench.output().await, output, "what a removed task wrote can still be read");
}

#[tokio::test]
async fn a_dynamic_port_is_told_as_it_is_bound() {
    let mapping = PortMapping { container_port: Some(80), ..Default::default() };
    let definition =
        ContainerDefinition { port_mappings: Some(vec![mapping]), ..Default::default() };
    let Some(mut bench) = bench("sleep 600", definition, Vec::new()).await else {
        return;
    };
    let started = bench.start().await;
    let Event::Started { bindings, .. } = started else { panic!("{started:?}") };
    let [binding] = &bindings[..] else { panic!("{bindings:?}") };
    assert_eq!((binding.container_port, &*binding.protocol), (80, "tcp"));
    assert!(binding.host_port > 0);
    bench.clear().await;
}

#[tokio::test]
async fn a_stop_reaches_the_container_as_a_signal() {
    let Some(mut bench) = bench(OBEDIENT, ContainerDefinition::default(), Vec::new()).await else {
        return;
    };
    bench.start().await;
    bench.until_output("ready").await;
    bench.runtime.stop(bench.container);
    assert_eq!(next(&mut bench.told).await, exited(5));
    bench.clear().await;
}

#[tokio::test]
async fn a_kill_ends_what_ignores_a_stop() {
    let script = "trap '' TERM; echo ready; while :; do sleep 1; done";
    let Some(mut bench) = bench(script, ContainerDefinition::default(), Vec::new()).await else {
        return;
    };
    bench.start().await;
    bench.until_output("ready").await;
    bench.runtime.stop(bench.container);
    let early = tokio::time::timeout(Duration::from_secs(2), bench.told.recv()).await;
    assert!(early.is_err(), "{early:?}");
    bench.runtime.kill(bench.container);
    assert_eq!(next(&mut bench.told).await, exited(137));
    bench.clear().await;
}

#[tokio::test]
async fn a_later_agent_finds_a_running_container_and_tells_its_exit() {
    let Some(mut bench) = bench(OBEDIENT, ContainerDefinition::default(), Vec::new()).await else {
        return;
    };
    let started = bench.start().await;
    let Event::Started { runtime_id, .. } = started else { panic!("{started:?}") };
    bench.until_output("ready").await;
    let (later, mut told) = open(bench.instance).await;
    let found = later.inventory().await.expect("the daemon answers");
    let [one] = &found[..] else { panic!("{found:?}") };
    assert_eq!((one.task, &*one.container, &one.runtime_id), (bench.spec.id, "web", &runtime_id));
    assert_eq!(one.state, FoundState::Running);
    later.adopt(&bench.spec);
    later.stop(bench.container);
    assert_eq!(next(&mut told).await, exited(5));
    let found = later.inventory().await.expect("the daemon answers");
    assert_eq!(found.first().map(|one| one.state), Some(FoundState::Exited(Some(5))));
    bench.clear().await;
}

#[tokio::test]
async fn an_exit_before_the_adoption_is_kept() {
    let Some(mut bench) = bench(OBEDIENT, ContainerDefinition::default(), Vec::new()).await else {
        return;
    };
    bench.start().await;
    bench.until_output("ready").await;
    let (later, mut told) = open(bench.instance).await;
    assert_eq!(later.inventory().await.map(|found| found.len()), Ok(1));
    bench.runtime.stop(bench.container);
    assert_eq!(next(&mut bench.told).await, exited(5));
    tokio::time::sleep(Duration::from_secs(1)).await;
    later.adopt(&bench.spec);
    assert_eq!(next(&mut told).await, exited(5));
    bench.clear().await;
}

#[tokio::test]
async fn a_health_check_runs_inside_the_container() {
    let words = vec!["CMD-SHELL".into(), "test -e /tmp/healthy".into()];
    let check = HealthCheck { command: Some(words), ..Default::default() };
    let definition = ContainerDefinition { health_check: Some(check), ..Default::default() };
    let script = "sleep 2; touch /tmp/healthy; echo ready; sleep 600";
    let Some(mut bench) = bench(script, definition, Vec::new()).await else {
        return;
    };
    bench.start().await;
    bench.runtime.probe(bench.container);
    assert_eq!(next(&mut bench.told).await, Event::Probed { passed: false });
    bench.until_output("ready").await;
    bench.runtime.probe(bench.container);
    assert_eq!(next(&mut bench.told).await, Event::Probed { passed: true });
    bench.clear().await;
}

#[tokio::test]
async fn a_volume_of_the_task_goes_with_the_task() {
    let mount = MountPoint {
        source_volume: Some("data".into()),
        container_path: Some("/data".into()),
        read_only: None,
    };
    let definition = ContainerDefinition { mount_points: Some(vec![mount]), ..Default::default() };
    let volumes = vec![Volume { name: Some("data".into()), ..Default::default() }];
    let script = "touch /data/x && exit 3";
    let Some(mut bench) = bench(script, definition, volumes).await else {
        return;
    };
    let started = bench.start().await;
    assert!(matches!(started, Event::Started { .. }), "{started:?}");
    assert_eq!(next(&mut bench.told).await, exited(3));
    bench.clear().await;
    let daemon = bollard::Docker::connect_with_defaults().expect("a daemon answered just now");
    let task = bench.spec.id.to_string();
    let left = async {
        loop {
            let all =
                daemon.list_volumes(None::<bollard::query_parameters::ListVolumesOptions>).await;
            let all = all.expect("the daemon answers").volumes.unwrap_or_default();
            if !all.iter().any(|volume| volume.labels.values().any(|label| *label == task)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, left).await.expect("the volume goes in time");
}

/// The second container sees the first one's process and shared memory.
#[tokio::test]
async fn containers_of_a_task_share_processes_and_memory_when_it_says_so() {
    let script = "echo here > /dev/shm/word; exec sleep 623";
    let Some(mut bench) = bench(script, ContainerDefinition::default(), Vec::new()).await else {
        return;
    };
    let mut spec = (*bench.spec).clone();
    spec.namespaces = Namespaces { pid: Some(Namespace::Task), ipc: Some(Namespace::Task) };
    let mut second = spec.containers[0].clone();
    second.definition =
        Arc::new(ContainerDefinition { name: Some("log".into()), ..(*second.definition).clone() });
    let look = "until test -e /dev/shm/word; do sleep 0.1; done; cat /dev/shm/word; ps | grep 'sleep 62[3]'; (sh -c 'sleep 0.1 &'; sleep 1); ps; echo end";
    second.command = Some(Arc::new(["sh", "-c", look].map(Into::into).to_vec()));
    Arc::make_mut(&mut spec.containers).push(second);
    bench.spec = Arc::new(spec);
    // Concurrently: one of them creates the container whose namespaces they share.
    for index in 0..2 {
        bench.runtime.start(ContainerRef { index, ..bench.container }, bench.spec.clone());
    }
    let mut started = 0;
    let ended = loop {
        match next(&mut bench.told).await {
            Event::Started { .. } => started += 1,
            Event::PullStarted | Event::PullStopped => {}
            other => break other,
        }
    };
    assert_eq!((started, ended), (2, exited(0)));
    let seen = bench.output_of("log").await;
    assert!(seen.starts_with("here\n") && seen.contains("sleep 623"), "{seen}");
    assert!(!seen.contains("[sleep]"), "an orphan that ended is waited for: {seen}");
    // A later agent may be asked to start what is missing: the shared container exists already.
    let (later, mut told) = open(bench.instance).await;
    later.inventory().await.expect("the daemon answers");
    later.start(ContainerRef { index: 1, ..bench.container }, bench.spec.clone());
    while !matches!(next(&mut told).await, Event::Exited { code: Some(0), .. }) {}
    bench.clear().await;
}

#[tokio::test]
async fn a_missing_command_and_a_missing_image_fail_with_the_agents_words() {
    let image = Some("longshore/there-is-no-such-image:1".into());
    let Some(mut bench) = bench("true", ContainerDefinition::default(), Vec::new()).await else {
        return;
    };
    let mut spec = (*bench.spec).clone();
    Arc::make_mut(&mut spec.containers)[0].command =
        Some(Arc::new(vec!["there-is-no-such-command".into()]));
    bench.spec = Arc::new(spec.clone());
    let failed = bench.start().await;
    let Event::StartFailed(reason) = &failed else { panic!("{failed:?}") };
    assert!(reason.starts_with("CannotStartContainerError: "), "{reason}");
    bench.clear().await;
    spec.id = fresh();
    Arc::make_mut(&mut spec.containers)[0].definition =
        Arc::new(ContainerDefinition { image, ..(*spec.containers[0].definition).clone() });
    bench.container = ContainerRef { task: spec.id, index: 0 };
    bench.spec = Arc::new(spec);
    let failed = bench.start().await;
    let Event::StartFailed(reason) = &failed else { panic!("{failed:?}") };
    assert!(reason.starts_with("CannotPullContainerError: "), "{reason}");
    bench.clear().await;
}

#[tokio::test]
async fn removing_all_leaves_nothing_once_it_is_settled() {
    let Some(mut bench) = bench("sleep 600", ContainerDefinition::default(), Vec::new()).await
    else {
        return;
    };
    bench.start().await;
    bench.runtime.remove_all();
    bench.runtime.settle().await;
    assert_eq!(bench.runtime.inventory().await, Ok(Vec::new()));
}
