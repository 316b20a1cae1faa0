//! Drivers that start an ECS of their own.

use longshore_driver::LocalOptions;

use super::*;

/// How one is started so that nobody else's is taken for it.
fn started(flags: &[&str]) -> EcsOptions {
    let flags = Some(flags.iter().map(ToString::to_string).collect());
    let program = Some(env!("CARGO_BIN_EXE_longshore").into());
    EcsOptions::local(LocalOptions { program, flags, folder: None })
}

/// The processes that have this word in their command line.
fn processes(word: &str) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("there is one").flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let says = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|part| part == word.as_bytes())
    };
    pids.filter(says).collect()
}

#[test]
fn a_driver_starts_an_ecs_for_itself_and_leaves_nothing_of_it() {
    let (cpu, task) = ("3771", "87.1253");
    let (probe, heard) = Probe::new(launch(&["exit 0", &format!("sleep {task}")]));
    let driver = EcsSchedulerDriver::new(probe, info("own"), started(&["--instance-cpu", cpu]));
    assert_eq!(driver.start(), Status::Running);
    let is_good = is_state("t0", TaskState::TaskFinished);
    let is_long = is_state("t1", TaskState::TaskRunning);
    let (mut good, mut long) = (false, false);
    first(&heard, |called| {
        (good, long) = (good || is_good(called), long || is_long(called));
        good && long
    });
    assert_eq!((processes(cpu).len(), processes(task).len()), (1, 1));
    // Who has no key gets nothing, and tasks are not given it.
    let keys = |word: &str| {
        let all = std::fs::read(format!("/proc/{}/environ", processes(word)[0])).expect("ours");
        String::from_utf8_lossy(&all).matches("LONGSHORE_ACCESS_KEYS=local:").count()
    };
    assert_eq!((keys(cpu), keys(task)), (1, 0));
    assert_eq!(driver.stop(true), Status::Stopped);
    assert_eq!(driver.join(), Status::Stopped);
    drop(driver);
    assert_eq!((processes(cpu), processes(task)), (vec![], vec![]));
}

#[test]
fn a_driver_whose_ecs_has_ended_says_so() {
    let cpu = "3772";
    let (probe, heard) = Probe::new(|_, _| {});
    let driver = EcsSchedulerDriver::new(probe, info("bereft"), started(&["--instance-cpu", cpu]));
    driver.start();
    first(&heard, |called| matches!(called, Called::Registered(_)));
    for pid in processes(cpu) {
        let pid = rustix::process::Pid::from_raw(pid.cast_signed()).expect("it is one");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is ours");
    }
    let error = first(&heard, |called| matches!(called, Called::Error(_)));
    let text = "the local ECS has ended, and said why on stderr";
    assert_eq!(error, Called::Error(text.to_owned()));
    assert_eq!(driver.join(), Status::Aborted);
}

#[test]
fn an_ecs_that_cannot_be_started_is_told_in_words() {
    let program = Some("/no/such/longshore".into());
    let options = EcsOptions::local(LocalOptions { program, ..LocalOptions::default() });
    let (probe, heard) = Probe::new(|_, _| {});
    let driver = EcsSchedulerDriver::new(probe, info("none"), options);
    assert_eq!(driver.run(), Status::Aborted);
    let Called::Error(text) = first(&heard, |called| matches!(called, Called::Error(_))) else {
        unreachable!("it is what was waited for")
    };
    assert!(text.starts_with("cannot start a local ECS by /no/such/longshore dev: "), "{text}");
}

#[test]
fn a_server_may_end_with_the_program_that_started_it() {
    let home = Home::new();
    let mut command = crate::server::command(&home, &["--until-stdin-ends"]);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().expect("it starts");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(child.try_wait().expect("it is ours"), None);
    drop(child.stdin.take());
    let status = until("it ends", || child.try_wait().expect("it is ours"));
    assert!(status.success(), "{status}");
}
