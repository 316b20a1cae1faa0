//! Sandboxes of tasks, and what is fetched into them.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;

use longshore_lifecycle::Event;
use longshore_wire_ecs::fetch::{self, FAILURE, FetchOrder, FetchUri, exit_code};
use longshore_wire_ecs::host::ContainerSpec;
use longshore_wire_ecs::shape::container_definition::{
    ContainerDefinition, HostVolumeProperties, MountPoint, Volume,
};
use longshore_wire_ecs::shape::shared::KeyValuePair;

use crate::bench::{Bench, container, is_root, skipped, until};

fn mount(volume: &str, path: &str, read_only: bool) -> MountPoint {
    MountPoint {
        source_volume: Some(volume.into()),
        container_path: Some(path.into()),
        read_only: Some(read_only),
    }
}

fn variable(name: &str, value: &str) -> KeyValuePair {
    KeyValuePair { name: Some(name.into()), value: Some(value.into()) }
}

fn volume(name: &str, path: Option<&str>) -> Volume {
    let host = HostVolumeProperties { source_path: path.map(Into::into) };
    Volume { name: Some(name.into()), host: Some(host), ..Default::default() }
}

/// A task that runs `script` in its sandbox, and what it mounts beside that.
fn sandboxed(script: &str, definition: ContainerDefinition, more: &[MountPoint]) -> ContainerSpec {
    let mut mounts = vec![mount("sandbox", fetch::SANDBOX, false)];
    mounts.extend(more.iter().cloned());
    let definition = ContainerDefinition {
        mount_points: Some(mounts),
        working_directory: Some(fetch::SANDBOX.into()),
        ..definition
    };
    let environment = vec![
        variable("MESOS_SANDBOX", fetch::SANDBOX),
        variable("MESOS_DIRECTORY", fetch::SANDBOX),
        variable("MESOS_FRAMEWORK_ID", "framework-1"),
        variable("MESOS_TASK_ID", "t1"),
    ];
    ContainerSpec { environment: Arc::new(environment), ..container(script, definition) }
}

fn bench(script: &str) -> Bench {
    let container = sandboxed(script, ContainerDefinition::default(), &[]);
    let home = tempfile::tempdir().expect("a directory can be made");
    Bench::of(home, vec![container], vec![volume("sandbox", None)], false)
}

fn read(path: impl AsRef<std::path::Path>) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// \[A7\], \[A14\]
#[tokio::test]
async fn a_command_runs_in_its_sandbox_where_its_output_is_kept_apart() {
    let script = "test \"$PWD\" = \"$MESOS_SANDBOX\" && pwd -P; echo made > file; echo wrong >&2; echo $MESOS_DIRECTORY";
    let mut bench = bench(script);
    let (code, output) = bench.whole().await;
    let sandbox = bench.inside("").canonicalize().expect("it is there");
    let sandbox = sandbox.display().to_string();
    assert_eq!(code, Some(0), "{output}");
    assert_eq!(read(bench.inside("file")), "made\n");
    let stdout = read(bench.inside("stdout"));
    assert_eq!(stdout.lines().count(), 2, "{stdout}");
    assert!(stdout.lines().all(|line| line.trim_end_matches('/') == sandbox), "{stdout} {sandbox}");
    assert_eq!(read(bench.inside("stderr")), "wrong\n");
    assert!(output.contains("wrong") && output.contains(&sandbox), "the log has both: {output}");
}

/// \[A7\]
#[tokio::test]
async fn a_sandbox_is_found_again_by_whose_it_is_and_outlives_its_task_for_a_while() {
    let mut bench = bench("echo hello; exit 3");
    bench.whole().await;
    let found = bench.runtime.sandboxes().await;
    let [one] = &found[..] else { panic!("{found:?}") };
    assert_eq!(one.about.framework.as_deref(), Some("framework-1"));
    assert_eq!(
        (one.about.task.as_deref(), one.exit_code, one.is_over),
        (Some("t1"), Some(3), false)
    );
    bench.runtime.remove(bench.container().task);
    until("it is retired", || bench.file("retired").exists().then_some(())).await;
    assert!(bench.runtime.sandboxes().await[0].is_over);
    bench.restart().await;
    assert_eq!(read(bench.inside("stdout")), "hello\n");
    // A link to elsewhere is removed, and nothing behind it.
    let outside = bench.own("outside");
    fs::create_dir(&outside).expect("it can be made");
    fs::write(outside.join("kept"), "").expect("it can be written");
    std::os::unix::fs::symlink(&outside, bench.inside("link")).expect("it can be made");
    bench.setup.sandbox_kept = Duration::ZERO;
    tokio::time::sleep(Duration::from_millis(20)).await;
    bench.restart().await;
    assert!(!bench.inside("").exists() && bench.runtime.sandboxes().await.is_empty());
    assert!(outside.join("kept").exists());
}

/// \[A8\]
#[tokio::test]
async fn directories_of_the_machine_are_links_in_the_sandbox_and_other_mounts_are_refused() {
    let home = tempfile::tempdir().expect("a directory can be made");
    let own = home.path().join("own");
    fs::create_dir(&own).expect("it can be made");
    let volumes = vec![volume("sandbox", None), volume("own", own.to_str())];
    let inside = format!("{}/data/mine", fetch::SANDBOX);
    let same = own.to_str().expect("it is text").to_owned();
    let mounts = [mount("own", &inside, false), mount("own", &same, false)];
    let with = |mounts: &[MountPoint]| {
        sandboxed("echo here > data/mine/file", ContainerDefinition::default(), mounts)
    };
    let mut bench = Bench::of(home, vec![with(&mounts)], volumes.clone(), false);
    assert_eq!(bench.whole().await.0, Some(0));
    assert_eq!(read(own.join("file")), "here\n");
    for refused in [
        mount("own", "/elsewhere", false),
        mount("own", &inside, true),
        mount("own", &format!("{}/../x", fetch::SANDBOX), false),
    ] {
        let home = tempfile::tempdir().expect("a directory can be made");
        let mut bench = Bench::of(home, vec![with(&[refused])], volumes.clone(), false);
        let news = bench.start().await;
        assert!(
            matches!(&news, Event::StartFailed(why) if why.contains("needs Docker")),
            "{news:?}"
        );
    }
}

#[tokio::test]
async fn the_sandbox_of_another_user_is_theirs_with_the_output_in_it() {
    if !is_root() {
        return skipped("only root can run a task as another user");
    }
    let definition = ContainerDefinition { user: Some("nobody".into()), ..Default::default() };
    let container = sandboxed("id -un; echo mine > file; cat stdout", definition, &[]);
    let home = tempfile::tempdir().expect("a directory can be made");
    let mut bench = Bench::of(home, vec![container], vec![volume("sandbox", None)], false);
    let (code, output) = bench.whole().await;
    assert_eq!((code, read(bench.inside("file"))), (Some(0), "mine\n".to_owned()), "{output}");
    assert!(read(bench.inside("stdout")).starts_with("nobody\n"));
}

#[tokio::test]
async fn volumes_in_the_sandbox_of_another_user_are_theirs() {
    if !is_root() {
        return skipped("only root can run a task as another user");
    }
    let definition = ContainerDefinition { user: Some("nobody".into()), ..Default::default() };
    let inside = format!("{}/data/mine", fetch::SANDBOX);
    let mounts = [mount("more", &inside, false)];
    let script = "echo here > data/mine/file && echo beside > data/file";
    let container = sandboxed(script, definition, &mounts);
    let home = tempfile::tempdir().expect("a directory can be made");
    let volumes = vec![volume("sandbox", None), volume("more", None)];
    let mut bench = Bench::of(home, vec![container], volumes, false);
    let (code, output) = bench.whole().await;
    assert_eq!(
        (code, read(bench.inside("data/mine/file"))),
        (Some(0), "here\n".to_owned()),
        "{output}"
    );
}

#[tokio::test]
async fn a_task_of_another_user_cannot_have_a_file_given_to_it_by_linking_its_output() {
    if !is_root() {
        return skipped("only root can run a task as another user");
    }
    let definition = ContainerDefinition { user: Some("nobody".into()), ..Default::default() };
    let script = "mv stdout old; while test ! -e stdout; do sleep 0.01; done; sleep 1.2; echo secret; sleep 0.2";
    let container = sandboxed(script, definition, &[]);
    let home = tempfile::tempdir().expect("a directory can be made");
    let mut bench = Bench::of(home, vec![container], vec![volume("sandbox", None)], false);
    let foreign = bench.own("foreign");
    fs::write(&foreign, "theirs").expect("it can be written");
    bench.run().await;
    until("its output is away", || bench.inside("old").exists().then_some(())).await;
    fs::hard_link(&foreign, bench.inside("stdout")).expect("it is linked");
    assert_eq!(bench.ended().await, Some(0));
    assert_eq!(read(&foreign), "theirs");
    let about = fs::metadata(&foreign).expect("it is there");
    assert_eq!((about.uid(), about.nlink()), (0, 1));
    let stdout = read(bench.inside("stdout"));
    assert!(stdout.starts_with("[longshore: ") && stdout.ends_with("secret\n"), "{stdout}");
}

/// A container that fetches for a task.
fn fetcher(uris: &[String]) -> ContainerSpec {
    let one = |value: &String| FetchUri {
        value: value.as_str().into(),
        executable: true,
        ..Default::default()
    };
    let order = FetchOrder { uris: uris.iter().map(one).collect(), user: None };
    let order = serde_json::to_string(&order).expect("it is text");
    let definition = ContainerDefinition {
        name: Some("fetch".into()),
        image: Some("none".into()),
        essential: Some(false),
        mount_points: Some(vec![mount("sandbox", fetch::SANDBOX, false)]),
        working_directory: Some(fetch::SANDBOX.into()),
        docker_labels: Some([(fetch::LABEL.into(), "1".into())].into()),
        ..Default::default()
    };
    // What a framework would like the operator to have decided.
    let settings = r#"{"link_local":true,"directories":["/"]}"#;
    let environment =
        vec![variable(fetch::ORDER_VARIABLE, &order), variable(fetch::SETTINGS_VARIABLE, settings)];
    ContainerSpec {
        definition: Arc::new(definition),
        command: Some(Arc::new(fetch::COMMAND.map(Into::into).to_vec())),
        environment: Arc::new(environment),
        ..Default::default()
    }
}

fn fetching(uris: &[String]) -> Bench {
    let task = sandboxed("./run.sh", ContainerDefinition::default(), &[]);
    let home = tempfile::tempdir().expect("a directory can be made");
    Bench::of(home, vec![task, fetcher(uris)], vec![volume("sandbox", None)], false)
}

/// Serves a script once.
fn served() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody asks");
        let mut head = [0; 4_096];
        let _ = stream.read(&mut head);
        let body = "#!/bin/sh\necho fetched\n";
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let _ = stream.write_all((head + body).as_bytes());
    });
    format!("http://{address}/run.sh")
}

/// \[A2\]
#[tokio::test]
async fn what_is_fetched_is_there_before_the_command_starts() {
    let mut bench = fetching(&[served()]);
    let news = bench.start_at(1).await;
    assert!(matches!(news, Event::Started { .. }), "{news:?}");
    assert_eq!(bench.next().await, Event::Exited { code: Some(0), reason: None });
    let (code, output) = bench.whole().await;
    assert_eq!((code, &*output), (Some(0), "fetched\n"));
    let stderr = read(bench.inside("stderr"));
    assert!(stderr.starts_with("Fetching http://127.0.0.1:"), "{stderr}");
}

/// \[A2\]
#[tokio::test]
async fn what_cannot_be_fetched_is_named_and_only_the_operator_says_what_may_be() {
    for (wrong, why) in [
        ("http://127.0.0.1:1/run.sh", "refused"),
        ("file:///etc/passwd", "--fetch-dir"),
        ("http://169.254.169.254/latest", "link-local"),
    ] {
        let mut bench = fetching(&[served(), wrong.to_owned()]);
        bench.start_at(1).await;
        let Event::Exited { code, reason } = bench.next().await else {
            panic!("it ended otherwise")
        };
        assert_eq!(code, Some(i32::from(exit_code(1))));
        let reason = reason.expect("it says why");
        assert!(
            reason.starts_with(&format!("{FAILURE}{wrong}: ")) && reason.contains(why),
            "{reason}"
        );
    }
}
