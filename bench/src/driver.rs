//! Drivers: how soon a launch is with ECS, how many updates a scheduler takes, and what the library for the JVM costs it.
//!
//! The part for the JVM runs the harness of the conformance suites, where Java and the jars that `conformance/clients.sh` fetches are there.

use std::env;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use longshore_driver::resources::claim;
use longshore_driver::v1::{
    CommandInfo, Filters, FrameworkInfo, Offer, TaskId, TaskInfo, TaskState, TaskStatus,
};
use longshore_driver::{
    EcsOptions, EcsSchedulerDriver, HttpSchedulerDriver, Scheduler, SchedulerDriver,
};
use tempfile::TempDir;

use crate::program::Program;
use crate::report;

const LAUNCHES: usize = 200;
/// Between two launches: Amazon takes twenty a second, and more would wait for that.
const PACE: Duration = Duration::from_millis(100);
const UPDATES: usize = 100_000;
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_mins(1);
const MIB: u64 = 1024 * 1024;

pub(crate) fn run() -> Result<()> {
    launches()?;
    updates()?;
    jvm()
}

/// What a scheduler is called with.
enum Called {
    Offer(Box<Offer>),
    Update,
}

/// A scheduler that passes on what it is called with.
struct Told(Sender<Called>);

impl Scheduler for Told {
    fn resource_offers(&mut self, _: &dyn SchedulerDriver, offers: Vec<Offer>) {
        for offer in offers {
            // Whoever has measured enough listens no more.
            let _ = self.0.send(Called::Offer(Box::new(offer)));
        }
    }

    fn status_update(&mut self, _: &dyn SchedulerDriver, _: &TaskStatus) {
        let _ = self.0.send(Called::Update);
    }

    fn error(&mut self, _: &dyn SchedulerDriver, message: &str) {
        eprintln!("{message}");
    }
}

fn next_offer(heard: &Receiver<Called>) -> Result<Box<Offer>> {
    loop {
        if let Called::Offer(offer) = heard.recv_timeout(PATIENCE)? {
            return Ok(offer);
        }
    }
}

/// From the call of the driver to the `StartTask` that ECS is sent, over `ecs://`.
fn launches() -> Result<()> {
    let program = Program::start(1, "simulated")?;
    let (endpoint, seen) = relay(&program.ecs)?;
    let options = EcsOptions {
        cluster: Some("default".to_owned()),
        endpoint: Some(endpoint),
        region: Some("us-east-1".to_owned()),
        keys: Some(("key".to_owned(), "secret".to_owned())),
        events_queue: Some("longshore-bench".to_owned()),
        default_image: Some("none".to_owned()),
        ..EcsOptions::default()
    };
    let (told, heard) = channel();
    let framework = FrameworkInfo { name: "bench".to_owned(), ..FrameworkInfo::default() };
    let driver = EcsSchedulerDriver::new(Told(told), framework, options);
    driver.start();
    let mut took = Vec::with_capacity(LAUNCHES);
    for number in 0..=LAUNCHES {
        std::thread::sleep(PACE);
        let offer = next_offer(&heard)?;
        let began = Instant::now();
        // What is left is wanted at once.
        let filters = Filters { refuse_seconds: Some(0.0) };
        driver.launch_tasks_on(offer.id.clone(), vec![task(&offer, number)], Some(filters));
        // The first one registers the definition before.
        let at: Instant = seen.recv_timeout(PATIENCE)?;
        if number > 0 {
            took.push(at.duration_since(began));
        }
    }
    driver.stop(false);
    driver.join();
    took.sort_unstable();
    let ms = |share: usize| format!("{:.2} ms", took[LAUNCHES * share / 100].as_secs_f64() * 1e3);
    report("ecs://: launch call to StartTask, median of 200", &ms(50), "");
    report("ecs://: launch call to StartTask, 99 of 100", &ms(99), "5 ms");
    Ok(())
}

fn task(offer: &Offer, number: usize) -> TaskInfo {
    let command = CommandInfo { value: Some("true".to_owned()), ..CommandInfo::default() };
    TaskInfo {
        name: "bench".to_owned(),
        task_id: TaskId { value: format!("bench-{number}") },
        agent_id: offer.agent_id.clone(),
        resources: claim(0.1, 32.0),
        command: Some(command),
        ..TaskInfo::default()
    }
}

/// Stands before ECS and says when a `StartTask` passes.
fn relay(ecs: &str) -> Result<(String, Receiver<Instant>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (tell, seen) = channel();
    let ecs = ecs.to_owned();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(&ecs) else { return };
            let tell = tell.clone();
            let pass = move || -> Result<()> {
                client.set_nodelay(true)?;
                server.set_nodelay(true)?;
                let (back, to) = (server.try_clone()?, client.try_clone()?);
                std::thread::spawn(move || copy(back, to, |_| {}));
                copy(client, server, |bytes| {
                    let target = b"AmazonEC2ContainerServiceV20141113.StartTask";
                    if bytes.windows(target.len()).any(|window| window == target) {
                        let _ = tell.send(Instant::now());
                    }
                });
                Ok(())
            };
            std::thread::spawn(pass);
        }
    });
    Ok((format!("http://{address}"), seen))
}

fn copy(mut from: TcpStream, mut to: TcpStream, mut see: impl FnMut(&[u8])) {
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        see(&bytes[..read]);
        if to.write_all(&bytes[..read]).is_err() {
            return;
        }
    }
}

/// Updates into a scheduler in Rust, which come as answers to one RECONCILE.
fn updates() -> Result<()> {
    let program = Program::start(1, "simulated")?;
    let (told, heard) = channel();
    let framework = FrameworkInfo { name: "bench".to_owned(), ..FrameworkInfo::default() };
    let driver = HttpSchedulerDriver::new(Told(told), framework, &program.mesos)?;
    driver.start();
    next_offer(&heard)?;
    let unknown = (0..UPDATES).map(|number| TaskStatus {
        task_id: TaskId { value: format!("unknown-{number}") },
        state: TaskState::TaskRunning.into(),
        ..TaskStatus::default()
    });
    let unknown: Vec<TaskStatus> = unknown.collect();
    let began = Instant::now();
    driver.reconcile_tasks(unknown);
    let mut left = UPDATES;
    while left > 0 {
        if let Called::Update = heard.recv_timeout(PATIENCE)? {
            left -= 1;
        }
    }
    let rate = 100_000.0 / began.elapsed().as_secs_f64();
    driver.stop(false);
    report("updates into a scheduler in Rust, over HTTP", &format!("{rate:.0}/s"), "10,000/s");
    Ok(())
}

/// The same in Java, and what the library takes there.
fn jvm() -> Result<()> {
    let library = env::var_os("LONGSHORE_LIBRARY").map(PathBuf::from);
    let library = library.context("`cargo xtask bench` builds the library and names it")?;
    let size = library.metadata()?.len();
    let mib = format!("{}.{} MiB", size / MIB, size % MIB * 10 / MIB);
    report("the library for the JVM", &mib, "12 MiB");
    let Some(classes) = classes()? else {
        report("updates into a scheduler in Java", "skipped", "");
        println!("  there is no Java compiler, or no jar of Mesos: run conformance/clients.sh");
        return Ok(());
    };
    let program = Program::start(1, "simulated")?;
    let harness = |scenario: &str, word: &str| -> Result<String> {
        let run = Command::new("java")
            .args(["-cp", &classes.path, "Harness", scenario, &program.mesos])
            .env("MESOS_NATIVE_JAVA_LIBRARY", &library)
            .output()?;
        let said = String::from_utf8_lossy(&run.stdout).into_owned();
        let line = said.lines().find_map(|line| line.strip_prefix(word));
        match line {
            Some(figure) if run.status.success() => Ok(figure.trim().to_owned()),
            _ => bail!("{said}{}", String::from_utf8_lossy(&run.stderr)),
        }
    };
    let rate = harness("speed", "rate ")?;
    report("updates into a scheduler in Java", &rate.replace(" updates", ""), "10,000/s");
    report("  memory of the library and a driver", &harness("memory", "memory ")?, "50 MiB");
    Ok(())
}

/// A class path with the harness, and the folder that it is compiled into.
struct Classes {
    path: String,
    _folder: TempDir,
}

fn classes() -> Result<Option<Classes>> {
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cache"));
    let cache = env::var_os("LONGSHORE_CONFORMANCE_CACHE").map(PathBuf::from);
    let base = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home);
    let cache = cache.or_else(|| Some(base?.join("longshore/conformance")));
    let Some(jars) = cache.map(|cache| cache.join("jars")) else { return Ok(None) };
    let jars = ["mesos-1.11.0.jar", "protobuf-java-3.5.0.jar"].map(|name| jars.join(name));
    if !jars.iter().all(|jar| jar.is_file()) {
        return Ok(None);
    }
    let folder = TempDir::new()?;
    let entries = [folder.path(), &*jars[0], &*jars[1]].map(|path| path.display().to_string());
    let path = entries.join(":");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/jvm/java/Harness.java");
    let compiled = Command::new("javac")
        .args(["-nowarn", "-Xlint:none", "-cp", &path, "-d"])
        .arg(folder.path())
        .arg(source)
        .output();
    match compiled {
        Ok(output) if output.status.success() => Ok(Some(Classes { path, _folder: folder })),
        Ok(output) => bail!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(_) => Ok(None),
    }
}
