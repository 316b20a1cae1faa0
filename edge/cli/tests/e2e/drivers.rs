//! Schedulers in Rust, over both drivers.

mod local;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use longshore_driver::resources::claim;
use longshore_driver::v1::{
    CommandInfo, FrameworkId, FrameworkInfo, MasterInfo, Offer, TaskId, TaskInfo, TaskState,
    TaskStatus,
};
use longshore_driver::{
    Credential, DriverOptions, EcsOptions, EcsSchedulerDriver, Handle, HttpSchedulerDriver,
    Scheduler, SchedulerDriver, Status,
};
use longshore_examples::batch::{Batch, Report};
use longshore_examples::hello::{Hello, Job, News};
use longshore_examples::spread::{Spread, Zones};
use serde_json::json;

use crate::server::{DEADLINE, Home, Server, until};

/// What a scheduler was called with.
#[derive(Clone, Debug, PartialEq)]
enum Called {
    Registered(String),
    Reregistered,
    Disconnected,
    Offers(Vec<Offer>),
    Update(String, TaskState),
    Error(String),
}

type Act = dyn FnMut(&dyn SchedulerDriver, &Called) + Send;

/// A scheduler that says what it is called with, and does what it is told at some of that.
struct Probe {
    told: Sender<Called>,
    act: Box<Act>,
}

impl Probe {
    fn new(
        act: impl FnMut(&dyn SchedulerDriver, &Called) + Send + 'static,
    ) -> (Self, Receiver<Called>) {
        let (told, heard) = channel();
        (Self { told, act: Box::new(act) }, heard)
    }

    fn called(&mut self, driver: &dyn SchedulerDriver, what: Called) {
        // A test that has ended listens no more.
        let _ = self.told.send(what.clone());
        (self.act)(driver, &what);
    }
}

impl Scheduler for Probe {
    fn registered(&mut self, driver: &dyn SchedulerDriver, id: &FrameworkId, _: &MasterInfo) {
        self.called(driver, Called::Registered(id.value.clone()));
    }

    fn reregistered(&mut self, driver: &dyn SchedulerDriver, _: &MasterInfo) {
        self.called(driver, Called::Reregistered);
    }

    fn disconnected(&mut self, driver: &dyn SchedulerDriver) {
        self.called(driver, Called::Disconnected);
    }

    fn resource_offers(&mut self, driver: &dyn SchedulerDriver, offers: Vec<Offer>) {
        self.called(driver, Called::Offers(offers));
    }

    fn status_update(&mut self, driver: &dyn SchedulerDriver, status: &TaskStatus) {
        self.called(driver, Called::Update(status.task_id.value.clone(), status.state()));
    }

    fn error(&mut self, driver: &dyn SchedulerDriver, message: &str) {
        self.called(driver, Called::Error(message.to_owned()));
    }
}

fn info(name: &str) -> FrameworkInfo {
    let failover_timeout = Some(600.0);
    FrameworkInfo { name: name.to_owned(), failover_timeout, ..FrameworkInfo::default() }
}

/// The first thing that a scheduler is called with of which this is true.
fn first(heard: &Receiver<Called>, mut is_it: impl FnMut(&Called) -> bool) -> Called {
    let end = Instant::now() + DEADLINE;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let called = heard.recv_timeout(left).expect("it is called in time");
        if is_it(&called) {
            return called;
        }
    }
}

fn is_state(task: &'static str, state: TaskState) -> impl Fn(&Called) -> bool {
    move |called| *called == Called::Update(task.to_owned(), state)
}

fn task(id: &str, offer: &Offer, command: &str) -> TaskInfo {
    TaskInfo {
        name: id.to_owned(),
        task_id: TaskId { value: id.to_owned() },
        agent_id: offer.agent_id.clone(),
        resources: claim(0.1, 32.0),
        command: Some(CommandInfo { value: Some(command.to_owned()), ..CommandInfo::default() }),
        ..TaskInfo::default()
    }
}

fn sleeper(id: &str, offer: &Offer, seconds: u32) -> TaskInfo {
    task(id, offer, &format!("sleep {seconds}"))
}

/// Launches a task for each command, `t0` and so on, and declines all other offers.
fn launch(commands: &[&str]) -> impl FnMut(&dyn SchedulerDriver, &Called) + Send + use<> {
    let mut commands: Vec<String> = commands.iter().map(ToString::to_string).collect();
    move |driver, called| {
        let Called::Offers(offers) = called else { return };
        for offer in offers {
            let commands = std::mem::take(&mut commands);
            let numbered = commands.iter().enumerate();
            let tasks = numbered.map(|(number, line)| task(&format!("t{number}"), offer, line));
            driver.launch_tasks_on(offer.id.clone(), tasks.collect(), None);
        }
    }
}

/// Launches one task that sleeps, and declines all other offers.
fn launch_once(seconds: u32) -> impl FnMut(&dyn SchedulerDriver, &Called) + Send {
    let mut is_launched = false;
    move |driver, called| {
        let Called::Offers(offers) = called else { return };
        for offer in offers {
            let tasks = if std::mem::replace(&mut is_launched, true) {
                Vec::new()
            } else {
                vec![sleeper("t", offer, seconds)]
            };
            driver.launch_tasks_on(offer.id.clone(), tasks, None);
        }
    }
}

/// What speaks to the local ECS without a master.
fn options(server: &Server) -> EcsOptions {
    EcsOptions {
        cluster: Some("default".to_owned()),
        endpoint: Some(format!("http://{}", server.ecs)),
        region: Some("us-east-1".to_owned()),
        keys: Some(("key".to_owned(), "secret".to_owned())),
        default_image: Some("none".to_owned()),
        ..EcsOptions::default()
    }
}

/// Both drivers, for the same scheduler.
fn both<S: Scheduler + 'static>(
    server: &Server,
    mut scheduler: impl FnMut() -> S,
    framework: &FrameworkInfo,
) -> [Box<dyn SchedulerDriver>; 2] {
    let http = HttpSchedulerDriver::new(scheduler(), framework.clone(), &server.mesos);
    let ecs = EcsSchedulerDriver::new(scheduler(), framework.clone(), options(server));
    [Box::new(http.expect("it is an address")), Box::new(ecs)]
}

fn jobs() -> Vec<Job> {
    let job = |name: &str, command: &str, kill| Job {
        name: name.to_owned(),
        command: command.to_owned(),
        is_definition: false,
        cpus: 0.1,
        mem: 32.0,
        kill,
    };
    vec![job("good", "exit 0", false), job("bad", "exit 7", false), job("long", "sleep 600", true)]
}

#[test]
fn a_framework_runs_its_tasks_with_either_driver_and_leaves_nothing() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "2"]);
    let (tell, heard) = channel();
    let hello = || {
        let tell = tell.clone();
        Hello::new(jobs(), move |news| drop(tell.send(news)))
    };
    for driver in both(&server, hello, &Hello::info("hello")) {
        assert_eq!(driver.run(), Status::Stopped);
        let mut last = std::collections::BTreeMap::new();
        for news in heard.try_iter() {
            if let News::Update(task, state, _) = news {
                last.insert(task, state);
            }
        }
        let states: Vec<TaskState> = last.into_values().collect();
        let expected = [TaskState::TaskFailed, TaskState::TaskFinished, TaskState::TaskKilled];
        assert_eq!(states, expected);
        let running = json!({"cluster": "default", "desiredStatus": "RUNNING"});
        assert_eq!(server.ecs("ListTasks", &running)["taskArns"], json!([]));
    }
    let frameworks = crate::http::get(&server.mesos, "/frameworks").expect("it answers").json();
    assert_eq!(frameworks["frameworks"], json!([]));
}

#[test]
fn jobs_are_tried_again_until_they_succeed_or_failed_too_often() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let mark = home.path("mark");
    let second = format!("test -e {0} || {{ touch {0}; exit 3; }}", mark.display());
    let commands = vec!["exit 0".to_owned(), "exit 3".to_owned(), second.clone()];
    let (tell, heard) = channel();
    let batch = Batch::new(commands, 2, move |report| drop(tell.send(report)));
    let driver = HttpSchedulerDriver::new(batch, Batch::info(), &server.mesos);
    assert_eq!(driver.expect("it is an address").run(), Status::Stopped);
    let reports: Vec<Report> = heard.try_iter().collect();
    let has = |is_it: &dyn Fn(&Report) -> bool| reports.iter().filter(|one| is_it(one)).count();
    assert_eq!(has(&|one| matches!(one, Report::Succeeded(job) if job.command == second)), 1);
    assert_eq!(has(&|one| matches!(one, Report::Succeeded(job) if job.command == "exit 0")), 1);
    assert_eq!(has(&|one| matches!(one, Report::Failed(..))), 2);
    assert_eq!(has(&|one| matches!(one, Report::GivenUp(job, _) if job.command == "exit 3")), 1);
}

#[test]
fn copies_are_spread_evenly_over_zones_and_replaced() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "3"]);
    let (tell, heard) = channel();
    let spread = Spread::new("sleep 600", 6, move |zones| drop(tell.send(zones.clone())));
    let driver = HttpSchedulerDriver::new(spread, Spread::info(), &server.mesos);
    let driver = driver.expect("it is an address");
    driver.start();
    let two_each = |what: &str| {
        let is_even = |zones: &Zones| zones.len() == 3 && zones.values().all(|count| *count == 2);
        until(what, || heard.try_iter().any(|zones| is_even(&zones)).then_some(()));
    };
    two_each("two copies in each zone");
    let tasks = server.ecs("ListTasks", &json!({}))["taskArns"].clone();
    assert_eq!(tasks.as_array().expect("a list").len(), 6);
    server.ecs("StopTask", &json!({"task": tasks[0]}));
    two_each("the copy that was stopped is replaced");
    driver.stop(false);
    assert_eq!(driver.join(), Status::Stopped);
}

#[test]
fn a_driver_finds_its_master_again_and_its_task_with_it() {
    let home = Home::new();
    let mut server = Server::start(&home, &[]);
    let (ecs, mesos) = (server.ecs.clone(), server.mesos.clone());
    let (probe, heard) = Probe::new(launch_once(600));
    let driver = HttpSchedulerDriver::new(probe, info("again"), &mesos).expect("it is an address");
    driver.start();
    first(&heard, is_state("t", TaskState::TaskRunning));
    server.kill();
    first(&heard, |called| *called == Called::Disconnected);
    let _again = Server::start(&home, &["--ecs-listen", &ecs, "--mesos-listen", &mesos]);
    first(&heard, |called| *called == Called::Reregistered);
    driver.reconcile_tasks(Vec::new());
    first(&heard, is_state("t", TaskState::TaskRunning));
    driver.kill_task(TaskId { value: "t".to_owned() });
    first(&heard, is_state("t", TaskState::TaskKilled));
    driver.stop(false);
    assert_eq!(driver.join(), Status::Stopped);
}

#[test]
fn another_scheduler_goes_on_with_the_tasks_and_the_first_is_told() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let (probe, heard) = Probe::new(launch_once(600));
    let one = HttpSchedulerDriver::new(probe, info("pair"), &server.mesos).expect("an address");
    one.start();
    let Called::Registered(id) = first(&heard, |one| matches!(one, Called::Registered(_))) else {
        unreachable!("it is what was waited for")
    };
    first(&heard, is_state("t", TaskState::TaskRunning));
    let id = Some(FrameworkId { value: id });
    let (probe, heard_by_other) = Probe::new(|_, _| {});
    let framework = FrameworkInfo { id, ..info("pair") };
    let other = HttpSchedulerDriver::new(probe, framework, &server.mesos).expect("an address");
    other.start();
    first(&heard_by_other, |one| matches!(one, Called::Registered(_)));
    let error = first(&heard, |one| matches!(one, Called::Error(_)));
    assert_eq!(error, Called::Error("Framework failed over".to_owned()));
    assert_eq!(one.join(), Status::Aborted);
    other.reconcile_tasks(Vec::new());
    first(&heard_by_other, is_state("t", TaskState::TaskRunning));
    other.stop(false);
    other.join();
}

#[test]
fn callbacks_may_call_join_stop_and_panic() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let run = |act: fn(&dyn SchedulerDriver)| {
        let (probe, heard) = Probe::new(move |driver, called| {
            if matches!(called, Called::Registered(_)) {
                act(driver);
            }
        });
        let driver = HttpSchedulerDriver::new(probe, info("acts"), &server.mesos);
        (driver.expect("an address").run(), heard.try_iter().count())
    };
    let joins = |driver: &dyn SchedulerDriver| {
        assert_eq!(driver.join(), Status::Running);
        assert_eq!(driver.stop(false), Status::Stopped);
        assert_eq!(driver.join(), Status::Stopped);
    };
    assert_eq!(run(joins), (Status::Stopped, 1));
    let aborts = |driver: &dyn SchedulerDriver| {
        driver.abort();
    };
    assert_eq!(run(aborts), (Status::Aborted, 1));
    assert_eq!(run(|_| panic!("by accident")), (Status::Aborted, 1));
}

#[test]
fn a_driver_waits_for_a_master_that_is_not_there_and_ends_at_once_when_it_is_stopped() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has one").to_string();
    drop(listener);
    let (probe, heard) = Probe::new(|_, _| {});
    let driver = HttpSchedulerDriver::new(probe, info("waits"), &address).expect("an address");
    assert_eq!(driver.join(), Status::NotStarted);
    assert_eq!(driver.start(), Status::Running);
    assert!(heard.recv_timeout(Duration::from_secs(3)).is_err());
    let began = Instant::now();
    driver.stop(false);
    assert_eq!(driver.join(), Status::Stopped);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[test]
fn what_is_wrong_with_a_master_or_a_cluster_is_told_in_words() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let error = |driver: &dyn SchedulerDriver, heard: &Receiver<Called>| {
        assert_eq!(driver.run(), Status::Aborted);
        match first(heard, |one| matches!(one, Called::Error(_))) {
            Called::Error(text) => text,
            other => unreachable!("{other:?}"),
        }
    };
    let (probe, heard) = Probe::new(|_, _| {});
    let driver = HttpSchedulerDriver::new(probe, info("x"), &server.ecs).expect("an address");
    let text = error(&driver, &heard);
    assert!(text.contains("is not a Mesos master") || text.contains("does not accept"), "{text}");
    let (probe, heard) = Probe::new(|_, _| {});
    let nowhere = EcsOptions { cluster: Some("nowhere".to_owned()), ..options(&server) };
    let driver = EcsSchedulerDriver::new(probe, info("x"), nowhere);
    driver.start();
    // A cluster may yet be made.
    assert!(heard.recv_timeout(Duration::from_secs(3)).is_err());
    for (master, why) in [("nowhere", "the port is missing"), ("ecs://web", "EcsSchedulerDriver")] {
        let (probe, _heard) = Probe::new(|_, _| {});
        let refused = HttpSchedulerDriver::new(probe, info("x"), master).expect_err(master);
        assert!(refused.to_string().contains(why), "{refused}");
    }
}

#[test]
fn a_master_that_wants_credentials_takes_a_driver_that_has_them_and_no_other() {
    let home = Home::new();
    let file = home.path("credentials");
    std::fs::write(&file, "ops hush\n").expect("it can be written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&file, mode).expect("it is ours");
    let file = file.display().to_string();
    let server = Server::start(&home, &["--mesos-credentials", &file]);
    let framework = FrameworkInfo { principal: Some("ops".to_owned()), ..info("guarded") };
    let run = |secret: &str| {
        let (probe, heard) = Probe::new(|driver, called| {
            if matches!(called, Called::Registered(_)) {
                driver.stop(false);
            }
        });
        let credential = Credential { principal: "ops".to_owned(), secret: secret.to_owned() };
        let options = DriverOptions::default();
        let master = &server.mesos;
        let (framework, credential) = (framework.clone(), Some(&credential));
        let driver = HttpSchedulerDriver::with(probe, framework, master, options, credential);
        (driver.expect("an address").run(), heard.try_iter().last())
    };
    assert_eq!(run("hush").0, Status::Stopped);
    let (status, last) = run("wrong");
    assert_eq!(status, Status::Aborted);
    let Some(Called::Error(text)) = last else { panic!("{last:?}") };
    assert!(
        text.contains("wants a credential, and the framework has none or another one")
            && !text.contains("wrong"),
        "{text}"
    );
}

#[test]
fn many_threads_may_call_a_driver_at_once() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let (probe, heard) = Probe::new(|_, _| {});
    let driver = HttpSchedulerDriver::new(probe, info("many"), &server.mesos).expect("an address");
    driver.start();
    first(&heard, |one| matches!(one, Called::Registered(_)));
    let handle: Handle = driver.handle();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let handle = handle.clone();
            scope.spawn(move || {
                for number in 0..50 {
                    let value = format!("unknown-{thread}-{number}");
                    let task = TaskId { value };
                    let status = TaskStatus { task_id: task, ..TaskStatus::default() };
                    assert_eq!(handle.reconcile_tasks(vec![status]), Status::Running);
                }
            });
        }
    });
    for _ in 0..400 {
        first(&heard, |one| matches!(one, Called::Update(_, TaskState::TaskLost)));
    }
    driver.stop(false);
    assert_eq!(driver.join(), Status::Stopped);
}

#[test]
fn a_framework_that_is_stopped_leaves_nothing_on_ecs_although_no_master_is_left_either() {
    let home = Home::new();
    let server = Server::start(&home, &[]);
    for is_dropped in [false, true] {
        let (probe, heard) = Probe::new(launch_once(600));
        // Without a timeout, a framework that is gone is removed.
        let framework = FrameworkInfo { failover_timeout: None, ..info("last words") };
        let driver = EcsSchedulerDriver::new(probe, framework, options(&server));
        driver.start();
        first(&heard, is_state("t", TaskState::TaskRunning));
        if is_dropped {
            drop(driver);
        } else {
            driver.stop(false);
            assert_eq!(driver.join(), Status::Stopped);
        }
        let wanted = json!({"cluster": "default", "desiredStatus": "RUNNING"});
        assert_eq!(server.ecs("ListTasks", &wanted)["taskArns"], json!([]), "{is_dropped}");
    }
}

#[test]
fn a_callback_may_call_faster_than_the_master_takes() {
    const ASKED: usize = 6_000;
    let home = Home::new();
    let server = Server::start(&home, &[]);
    let scheduler = || {
        let (probe, heard) = Probe::new(|driver, called| {
            if !matches!(called, Called::Registered(_)) {
                return;
            }
            for number in 0..ASKED {
                let task_id = TaskId { value: format!("unknown-{number}") };
                driver.reconcile_tasks(vec![TaskStatus { task_id, ..TaskStatus::default() }]);
            }
        });
        (probe, heard)
    };
    let (probe, heard) = scheduler();
    let http = HttpSchedulerDriver::new(probe, info("fast"), &server.mesos).expect("an address");
    let (probe, heard_of_ecs) = scheduler();
    let ecs = EcsSchedulerDriver::new(probe, info("fast"), options(&server));
    http.start();
    ecs.start();
    for heard in [heard, heard_of_ecs] {
        for _ in 0..ASKED {
            first(&heard, |one| matches!(one, Called::Update(_, TaskState::TaskLost)));
        }
    }
    http.stop(false);
    ecs.stop(false);
}
