//! A container instance with one task.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use longshore_agent::Runtime;
use longshore_agent::files::Folder;
use longshore_agent::process::{Key, Ports, Processes, SANDBOX_KEPT, Setup, Supervisor};
use longshore_lifecycle::{ContainerRef, Event, Found};
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::fetch::FetchSettings;
use longshore_wire_ecs::host::{ContainerSpec, Namespaces, NetworkMode, TaskAbout, TaskSpec};
use longshore_wire_ecs::shape::container_definition::{ContainerDefinition, Volume};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Timeout of every step.
const PATIENCE: Duration = Duration::from_secs(20);

const TASK: ResourceId = ResourceId(0xabc);
const INSTANCE: ResourceId = ResourceId(0xdef);

/// A container instance with one task of one container, `web`.
pub(crate) struct Bench {
    /// Where the instance keeps its files, separate from the test's own.
    pub(crate) home: TempDir,
    pub(crate) setup: Setup,
    pub(crate) runtime: Runtime,
    told: mpsc::UnboundedReceiver<(ContainerRef, Event)>,
    spec: Arc<TaskSpec>,
}

/// Reports that a test is skipped. Bypasses the harness, which hides the output of passing tests.
pub(crate) fn skipped(why: &str) {
    // A failure is harmless.
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A container that runs `script` in a shell.
pub(crate) fn container(script: &str, definition: ContainerDefinition) -> ContainerSpec {
    let definition =
        ContainerDefinition { name: Some("web".into()), image: Some("none".into()), ..definition };
    ContainerSpec {
        definition: Arc::new(definition),
        command: Some(Arc::new(vec!["sh".into(), "-c".into(), script.into()])),
        ..ContainerSpec::default()
    }
}

impl Bench {
    pub(crate) fn new(script: &str) -> Self {
        Self::with(script, ContainerDefinition::default())
    }

    pub(crate) fn with(script: &str, definition: ContainerDefinition) -> Self {
        let home = TempDir::with_prefix("agent-").expect("a directory can be made");
        Self::at(home, container(script, definition), false)
    }

    pub(crate) fn at(home: TempDir, container: ContainerSpec, ends_with_us: bool) -> Self {
        Self::of(home, vec![container], Vec::new(), ends_with_us)
    }

    pub(crate) fn of(
        home: TempDir,
        containers: Vec<ContainerSpec>,
        volumes: Vec<Volume>,
        ends_with_us: bool,
    ) -> Self {
        let hosts = Folder::open(home.path()).and_then(|home| home.make("hosts"));
        let setup = Setup {
            hosts: hosts.expect("it can be made"),
            key: Key::random(),
            supervisor: Supervisor {
                program: env!("CARGO_BIN_EXE_longshore-supervise").into(),
                words: Vec::new(),
                fetch_words: vec!["fetch".to_owned()],
            },
            ports: Ports::default(),
            ends_with_us,
            fetch: FetchSettings::default(),
            sandbox_kept: SANDBOX_KEPT,
        };
        let spec = TaskSpec {
            id: TASK,
            arn: format!("arn:aws:ecs:eu-west-1:123456789012:task/test/{TASK}").into(),
            cluster: "arn:aws:ecs:eu-west-1:123456789012:cluster/test".into(),
            family: "test".into(),
            revision: 1,
            network_mode: NetworkMode::Host,
            namespaces: Namespaces::default(),
            containers: Arc::new(containers),
            volumes: Arc::new(volumes),
            about: TaskAbout::default(),
        };
        let (runtime, told) = open(&setup);
        Self { home, setup, runtime, told, spec: Arc::new(spec) }
    }

    pub(crate) fn container(&self) -> ContainerRef {
        ContainerRef { task: self.spec.id, index: 0 }
    }

    /// Replaces the agent, as after a restart. Returns what the new one finds.
    pub(crate) async fn restart(&mut self) -> Vec<Found> {
        (self.runtime, self.told) = open(&self.setup);
        let found = self.runtime.inventory().await.expect("it can be told");
        self.runtime.adopt(&self.spec);
        found
    }

    pub(crate) async fn next(&mut self) -> Event {
        let heard = tokio::time::timeout(PATIENCE, self.told.recv()).await;
        heard.expect("something happens in time").expect("the runtime is there").1
    }

    /// Starts the container, and returns the event.
    pub(crate) async fn start(&mut self) -> Event {
        self.start_at(0).await
    }

    /// Starts a container, and returns the event.
    pub(crate) async fn start_at(&mut self, index: usize) -> Event {
        let container = ContainerRef { task: self.spec.id, index };
        self.runtime.start(container, self.spec.clone());
        assert_eq!(self.next().await, Event::PullStarted);
        assert_eq!(self.next().await, Event::PullStopped);
        self.next().await
    }

    /// Starts the container and asserts that it runs.
    pub(crate) async fn run(&mut self) {
        let news = self.start().await;
        assert!(matches!(news, Event::Started { .. }), "{news:?}");
    }

    /// Waits for the end, and returns the exit code.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        match self.next().await {
            Event::Exited { code, .. } => code,
            other => panic!("it ended otherwise: {other:?}"),
        }
    }

    /// Runs the container to its end; returns its exit code and output.
    pub(crate) async fn whole(&mut self) -> (Option<i32>, String) {
        self.run().await;
        (self.ended().await, self.output().await)
    }

    pub(crate) async fn output(&self) -> String {
        let output = self.runtime.logs(TASK, "web").await.expect("it can be read");
        String::from_utf8_lossy(&output.unwrap_or_default()).into_owned()
    }

    pub(crate) async fn until_output(&self, wanted: &str) {
        let read = async {
            while !self.output().await.contains(wanted) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the container writes in time");
    }

    /// A file of the container's directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        let own = format!("hosts/{INSTANCE}/{TASK}/web");
        self.home.path().join(own).join(name)
    }

    /// A file of the task's sandbox.
    pub(crate) fn inside(&self, name: &str) -> PathBuf {
        let own = format!("hosts/{INSTANCE}/{TASK}/.sandbox");
        self.home.path().join(own).join(name)
    }

    /// A file that only the test and its commands use.
    pub(crate) fn own(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The first number in a file, once it exists.
    pub(crate) async fn pid_in(&self, path: PathBuf) -> i32 {
        until("a process id is written", || {
            fs::read_to_string(&path).ok()?.split_whitespace().next()?.parse().ok()
        })
        .await
    }

    pub(crate) async fn supervisor(&self) -> i32 {
        self.pid_in(self.file("record")).await
    }

    /// The second line of the record.
    pub(crate) async fn command_line(&self) -> String {
        let record = self.file("record");
        let line = || Some(fs::read_to_string(&record).ok()?.lines().nth(1)?.to_owned());
        until("the command is named", line).await
    }

    pub(crate) async fn command(&self) -> i32 {
        let line = self.command_line().await;
        line.split(' ').next().and_then(|pid| pid.parse().ok()).expect("it begins with a number")
    }
}

fn open(setup: &Setup) -> (Runtime, mpsc::UnboundedReceiver<(ContainerRef, Event)>) {
    let (events, told) = mpsc::unbounded_channel();
    let processes = Processes::new(setup.clone(), INSTANCE, events);
    (Runtime::Process(processes.expect("it can be made")), told)
}

/// Polls until there is an answer.
pub(crate) async fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let asked = async {
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let answer = tokio::time::timeout(PATIENCE, asked).await;
    answer.unwrap_or_else(|_| panic!("not in time: {what}"))
}

/// Whether a process runs; false for zombies.
pub(crate) fn runs(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.trim_start().chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

pub(crate) fn signal(pid: i32, name: &str) {
    let mut command = std::process::Command::new("kill");
    command.args([format!("-{name}"), pid.to_string()]);
    assert!(command.status().expect("there is such a command").success());
}
