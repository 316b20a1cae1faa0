//! The program under test: started on free ports with its own directory, and stopped when dropped.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{self, Reply};

/// Timeout of every wait in a test.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
/// Prefix of operation names.
pub(crate) const TARGET: &str = "AmazonEC2ContainerServiceV20141113.";
/// The media type of AWS JSON 1.1.
pub(crate) const MEDIA: &str = "application/x-amz-json-1.1";

/// Polls until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A data directory. Processes below it are killed on drop.
#[derive(Debug)]
pub(crate) struct Home {
    directory: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        let directory =
            TempDir::with_prefix("longshore-e2e-").expect("the temporary directory can be written");
        let home = Self { directory };
        fs::create_dir(home.tmp()).expect("it is ours");
        home
    }

    /// The program's directory for temporary files.
    pub(crate) fn tmp(&self) -> PathBuf {
        self.path("tmp")
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where the program keeps its state.
    pub(crate) fn state(&self) -> PathBuf {
        self.path("state")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.state().join("longshore.db")
    }

    /// The lines that commands appended to a file in this directory.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        fs::read_to_string(self.path(name)).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// The supervisor of a task, by the task's ARN or id.
    pub(crate) fn pid(&self, task: &str) -> Option<u32> {
        pid_in(&self.container(task)?, 0)
    }

    /// The directory of a task's container.
    pub(crate) fn container(&self, task: &str) -> Option<PathBuf> {
        let id = task.rsplit('/').next().expect("a split has a last part");
        let is_of = |path: &PathBuf| path.iter().any(|part| part == id);
        // Beside its containers a task may have a sandbox.
        self.containers().into_iter().find(|path| is_of(path) && path.join("record").exists())
    }

    /// Whether a process started below this directory still runs.
    pub(crate) fn runs(&self, pid: u32) -> bool {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(&*self.state().join("hosts").to_string_lossy())
    }

    /// The directories of all containers: `hosts/<instance>/<task>/<container>`.
    fn containers(&self) -> Vec<PathBuf> {
        let mut level = vec![self.state().join("hosts")];
        for _ in 0..3 {
            level = level
                .iter()
                .filter_map(|path| fs::read_dir(path).ok())
                .flatten()
                .flatten()
                .map(|entry| entry.path())
                .collect();
        }
        level
    }
}

/// The process in a line of the record: first the supervisor's, then the command's.
fn pid_in(container: &Path, line: usize) -> Option<u32> {
    let record = fs::read_to_string(container.join("record")).ok()?;
    record.lines().nth(line)?.split(' ').next()?.parse().ok()
}

impl Drop for Home {
    fn drop(&mut self) {
        for container in self.containers() {
            let supervisor = pid_in(&container, 0).filter(|pid| self.runs(*pid));
            if let (Some(_), Some(command)) = (supervisor, pid_in(&container, 1)) {
                // It may have ended already; its descendants end with it.
                let _ = Command::new("kill")
                    .args(["-9", "--", &format!("-{command}")])
                    .stderr(Stdio::null())
                    .status();
            }
        }
    }
}

/// Calls an operation of the ECS API at a host and port; does not check the result.
pub(crate) fn call(ecs: &str, operation: &str, body: &Value) -> io::Result<Reply> {
    let target = format!("{TARGET}{operation}");
    let headers = [("X-Amz-Target", target.as_str()), ("Content-Type", MEDIA)];
    http::post(ecs, "/", &headers, body.to_string().as_bytes())
}

/// `longshore dev` on free ports. Flags given again override the defaults.
pub(crate) fn command(home: &Home, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longshore"));
    command.args(["dev", "--json", "--data-dir"]).arg(home.state());
    for (flag, value) in [
        ("--runtime", "process"),
        ("--ecs-listen", "127.0.0.1:0"),
        ("--mesos-listen", "127.0.0.1:0"),
    ] {
        if !more.contains(&flag) {
            command.args([flag, value]);
        }
    }
    command
        .args(more)
        .env_remove("AWS_ECS_CLUSTER")
        .env_remove("LONGSHORE_ACCESS_KEYS")
        .env_remove("RUST_LOG")
        .stdin(Stdio::null());
    command.env("XDG_STATE_HOME", home.path("notes")).env("TMPDIR", home.tmp());
    command
}

/// `longshore serve` on a free port, with only the given environment.
fn serve_command(home: &Home, environment: &[(&str, &str)], more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longshore"));
    command.args(["serve", "--json"]);
    if !more.contains(&"--mesos-listen") {
        command.args(["--mesos-listen", "127.0.0.1:0"]);
    }
    command
        .args(more)
        .env_clear()
        .env("HOME", home.path("nobody"))
        // Must not be queried even if it exists.
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().copied())
        .stdin(Stdio::null());
    command
}

/// Starts the program, which must fail to start; returns its exit code and messages.
pub(crate) fn refused(home: &Home, more: &[&str]) -> (Option<i32>, String) {
    ended_at_once(command(home, more))
}

/// Like [`refused`], with additional environment variables.
pub(crate) fn refused_in(
    home: &Home,
    more: &[&str],
    environment: &[(&str, &str)],
) -> (Option<i32>, String) {
    let mut command = command(home, more);
    command.envs(environment.iter().copied());
    ended_at_once(command)
}

/// Like [`refused`], for `longshore serve`.
pub(crate) fn serve_refused(
    home: &Home,
    environment: &[(&str, &str)],
    more: &[&str],
) -> (Option<i32>, String) {
    ended_at_once(serve_command(home, environment, more))
}

fn ended_at_once(mut command: Command) -> (Option<i32>, String) {
    let mut child =
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let Some(status) = exit_status(&mut child) else {
        child.kill().expect("it is our child");
        panic!("the program runs on instead of refusing: {command:?}")
    };
    let mut said = String::new();
    child.stderr.take().expect("it is piped").read_to_string(&mut said).expect("messages are text");
    (status.code(), said)
}

/// The exit status of a process; `None` while it runs.
fn exit_status(child: &mut Child) -> Option<ExitStatus> {
    let end = Instant::now() + DEADLINE;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

/// The running program, ready for requests. Killed on drop.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Host and port of the ECS API.
    pub(crate) ecs: String,
    /// Host and port of the Mesos master, empty if there is none.
    pub(crate) mesos: String,
    errors: PathBuf,
}

impl Server {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(home: &Home, more: &[&str]) -> Self {
        Self::start_in(home, more, &[])
    }

    /// Like [`Self::start`], with environment variables.
    pub(crate) fn start_in(home: &Home, more: &[&str], environment: &[(&str, &str)]) -> Self {
        let errors = home.path("stderr");
        let file = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&errors)
            .expect("the directory can be written");
        let mut child = command(home, more)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .expect("the binary runs");
        let line = first_line(child.stdout.take().expect("it is piped"));
        let mut server = Self { child, ecs: String::new(), mesos: String::new(), errors };
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            panic!("not ready: {error} in {line:?}; it said: {}", server.said())
        });
        assert_eq!(ready["ready"], true, "{ready}");
        let address = |name: &str| {
            let url = ready[name].as_str()?;
            Some(url.strip_prefix("http://").expect("a URL begins so").to_owned())
        };
        server.ecs = address("ecs").unwrap_or_else(|| panic!("no ECS API in {ready}"));
        server.mesos = address("mesos").unwrap_or_default();
        server
    }

    /// Its standard error, over all starts with its directory.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.errors).unwrap_or_default()
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its peak resident memory, in MiB.
    pub(crate) fn resident_mib_max(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
        kib.expect("the kernel counts it") / 1024
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        let sent = Command::new("kill")
            .arg(self.child.id().to_string())
            .status()
            .expect("there is a kill command");
        assert!(sent.success());
    }

    /// Waits until it exits by itself, and returns its exit code.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        exit_status(&mut self.child).expect("the program ends by itself").code()
    }

    /// Calls an operation; does not check the result.
    pub(crate) fn call(&self, operation: &str, body: &Value) -> io::Result<Reply> {
        call(&self.ecs, operation, body)
    }

    /// Calls an operation, which must succeed.
    pub(crate) fn ecs(&self, operation: &str, body: &Value) -> Value {
        let reply = self
            .call(operation, body)
            .unwrap_or_else(|error| panic!("{operation}: {error}: {}", self.said()));
        assert_eq!(reply.status, 200, "{operation} {body}: {}", reply.text());
        reply.json()
    }

    /// Registers a task definition of one small container that runs `script` in a shell.
    pub(crate) fn define(&self, family: &str, script: &str) {
        let container = json!({
            "name": "main", "image": "none", "cpu": 1, "memory": 6, "stopTimeout": 5, "command": ["sh", "-c", script],
        });
        self.ecs(
            "RegisterTaskDefinition",
            &json!({"family": family, "containerDefinitions": [container]}),
        );
    }

    /// Runs one task and returns its ARN.
    pub(crate) fn run(&self, family: &str) -> String {
        let reply = self.ecs("RunTask", &json!({"taskDefinition": family}));
        assert_eq!(reply["failures"], json!([]));
        reply["tasks"][0]["taskArn"].as_str().expect("a task has an ARN").to_owned()
    }

    /// Describes a task, which must exist.
    pub(crate) fn task(&self, arn: &str) -> Value {
        let reply = self.ecs("DescribeTasks", &json!({"tasks": [arn]}));
        assert_eq!(reply["failures"], json!([]), "{arn}");
        reply["tasks"][0].clone()
    }

    /// Waits until a task has a status, and returns it.
    pub(crate) fn wait(&self, arn: &str, status: &str) -> Value {
        until(&format!("{arn} is {status}"), || {
            let task = self.task(arn);
            assert!(task["lastStatus"] != "STOPPED" || status == "STOPPED", "{task}");
            (task["lastStatus"] == status).then_some(task)
        })
    }
}

/// `longshore serve`, ready or not. Killed on drop.
#[derive(Debug)]
pub(crate) struct Master {
    child: Child,
    /// Host and port of the Mesos master.
    pub(crate) mesos: String,
    errors: PathBuf,
}

impl Master {
    /// Starts it in front of an endpoint and waits until it listens.
    pub(crate) fn start(home: &Home, endpoint: &str) -> Self {
        Self::start_with(home, endpoint, &[])
    }

    /// Like [`Self::start`], with more flags.
    pub(crate) fn start_with(home: &Home, endpoint: &str, more: &[&str]) -> Self {
        let errors = home.path("serve-stderr");
        let file = fs::File::create(&errors).expect("the directory can be written");
        let environment = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ECS_ENDPOINT", endpoint),
        ];
        let mut command = serve_command(home, &environment, more);
        // Commands without an image run on the machine itself.
        command.args(["--default-image", "none"]);
        let mut child =
            command.stdout(Stdio::piped()).stderr(file).spawn().expect("the binary runs");
        let line = first_line(child.stdout.take().expect("it is piped"));
        let mut master = Self { child, mesos: String::new(), errors };
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            panic!("not ready: {error} in {line:?}; it said: {}", master.said())
        });
        let url = ready["mesos"].as_str().unwrap_or_else(|| panic!("no mesos in {ready}"));
        url.strip_prefix("http://").expect("a URL begins so").clone_into(&mut master.mesos);
        master
    }

    /// Its standard error.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.errors).unwrap_or_default()
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line, empty if the program exited or took too long. The rest is read and dropped.
fn first_line(stdout: ChildStdout) -> String {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
        // The test may have given up.
        let _ = tell.send(lines.next().unwrap_or_default());
        lines.for_each(drop);
    });
    told.recv_timeout(DEADLINE).unwrap_or_default()
}
