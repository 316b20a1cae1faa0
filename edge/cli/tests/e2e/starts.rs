//! Starting a local ECS: without instances, stopped at once, and on a data directory used with
//! other flags.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::server::{Home, Server, command, refused, until};

#[test]
fn without_instances_it_is_ready_at_once_and_its_cluster_is_there() {
    let home = Home::new();
    let began = Instant::now();
    let server = Server::start(&home, &["--instances", "0"]);
    // Without a cluster to read, the Mesos master would not become ready.
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let clusters = server.ecs("DescribeClusters", &json!({}));
    assert_eq!(clusters["clusters"][0]["status"], "ACTIVE", "{clusters}");
    let ended = Server::start(&Home::new(), &["--instances", "0"]);
    ended.terminate();
    let mut ended = ended;
    assert_eq!(ended.ended(), Some(0), "{}", ended.said());
}

/// Whether a process handles SIGTERM.
fn heeds_term(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    caught.is_some_and(|mask| mask & (1 << 14) != 0)
}

#[test]
fn one_that_is_told_to_stop_while_it_starts_ends_well() {
    let home = Home::new();
    for wait_ms in [0, 20, 100] {
        let mut child = command(&home, &["--instances", "200"]).spawn().expect("it can be started");
        until("it listens for signals", || heeds_term(child.id()).then_some(()));
        std::thread::sleep(Duration::from_millis(wait_ms));
        let pid = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.expect("it has a number");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        let status = until("it ends", || child.try_wait().expect("it is ours"));
        assert!(status.success(), "after {wait_ms} ms: {status}");
    }
}

#[test]
fn instances_are_added_to_the_cluster_that_is_named_or_not_at_all() {
    let home = Home::new();
    let server = Server::start(&home, &["--instances", "1"]);
    let add = |cluster: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_longshore"))
            .args(["instances", "add", "2", "--cluster", cluster])
            .args(["--endpoint", &format!("http://{}", server.ecs)])
            .env_remove("AWS_ECS_CLUSTER")
            .output()
            .expect("the binary runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = add("foo");
    assert!(code != Some(0) && said.contains("Cluster not found"), "{code:?}: {said}");
    server.ecs("CreateCluster", &json!({"clusterName": "foo"}));
    assert_eq!(add("foo"), (Some(0), String::new()));
    let count = |cluster: &str| {
        let body = json!({"cluster": cluster});
        server.ecs("ListContainerInstances", &body)["containerInstanceArns"]
            .as_array()
            .map(Vec::len)
    };
    assert_eq!((count("default"), count("foo")), (Some(1), Some(2)));
}

#[test]
fn a_profile_that_is_not_there_is_named() {
    let home = Home::new();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_longshore"))
        .args(["ps", "--aws", "--region", "us-east-1"])
        .env_clear()
        .env("HOME", home.path("nobody"))
        .env("AWS_PROFILE", "production")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the AWS profile \"production\" (AWS_PROFILE)"), "{said}");
}

#[test]
fn a_data_directory_that_was_used_with_other_flags_says_which() {
    let home = Home::new();
    let mut server = Server::start(&home, &["--instances", "1", "--region", "eu-west-1"]);
    server.terminate();
    assert_eq!(server.ended(), Some(0));
    let (code, said) = refused(&home, &["--instances", "1", "--region", "eu-central-1"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("--region eu-west-1") && said.contains("--data-dir"), "{said}");
    let cpu = ["--instances", "1", "--region", "eu-west-1", "--instance-cpu", "1234"];
    let (code, said) = refused(&home, &cpu);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("--instance-cpu 4096") && said.contains("--data-dir"), "{said}");
    let server = Server::start(&home, &["--instances", "1", "--region", "eu-west-1"]);
    drop(server);
}
