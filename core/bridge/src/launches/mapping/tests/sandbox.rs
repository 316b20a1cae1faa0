//! Sandboxes, and what is fetched into them.

use longshore_replica::Fetch;
use longshore_wire_ecs::fetch::{FetchOrder, FetchSettings, FetchUri, SANDBOX};
use longshore_wire_mesos::v1::command_info::Uri;

use super::*;

fn uri(value: &str) -> Uri {
    Uri { value: value.to_owned(), ..Default::default() }
}

fn fetching(uris: Vec<Uri>, value: &str) -> CommandInfo {
    CommandInfo { uris, ..shell(value) }
}

fn order(plan: &Plan) -> FetchOrder {
    serde_json::from_str(plan.fetch.as_deref().expect("it is in the overrides"))
        .expect("it is whole")
}

/// \[A7\], \[A14\]
#[test]
fn every_task_has_a_sandbox_and_is_told_where_it_is() {
    for (task, starts_there) in [
        (task(shell("sleep 1")), true),
        (within(docker("nginx"), shell("sleep 1")), false),
        (within(mesos("nginx"), shell("sleep 1")), false),
    ] {
        let content = content_of(&task);
        let mount = content.mounts.last().expect("it is mounted");
        assert_eq!(
            (&mount.source, &*mount.container_path),
            (&MountSource::Sandbox("".into()), SANDBOX)
        );
        for name in ["MESOS_SANDBOX", "MESOS_DIRECTORY"] {
            assert_eq!(&*content.environment[name], SANDBOX);
        }
        // An image has a directory of its own to start in.
        assert_eq!(content.working_directory.as_deref() == Some(SANDBOX), starts_there);
        assert_eq!(content.fetch, None);
    }
    let mut own = shell("sleep 1");
    own.environment = Some(environment(&[("MESOS_SANDBOX", "/elsewhere")]));
    let plan = planned(&task(own));
    assert_eq!(variable(&plan, "MESOS_SANDBOX"), None, "nobody else says where it is");
    let volume = Volume {
        mode: Mode::Rw.into(),
        container_path: SANDBOX.to_owned(),
        host_path: Some("/srv/own".to_owned()),
        ..Default::default()
    };
    let own = ContainerInfo { volumes: vec![volume], ..docker("nginx") };
    assert_eq!(content_of(&within(own, shell("sleep 1"))).mounts.len(), 1);
}

/// \[A2\]
#[test]
fn uris_become_the_order_of_a_second_container() {
    let uris = vec![
        uri("http://a/b.tgz"),
        Uri {
            executable: Some(true),
            extract: Some(false),
            cache: Some(true),
            output_file: Some("run".to_owned()),
            ..uri("s3://b/k")
        },
    ];
    let mut command = fetching(uris, "./run");
    command.user = Some("nobody".to_owned());
    let plan = planned(&task(command));
    let expected = FetchOrder {
        uris: vec![
            FetchUri { value: "http://a/b.tgz".into(), extract: true, ..Default::default() },
            FetchUri {
                value: "s3://b/k".into(),
                executable: true,
                cache: true,
                output_file: Some("run".into()),
                ..Default::default()
            },
        ],
        user: Some("nobody".into()),
    };
    assert_eq!(order(&plan), expected);
    let settings = serde_json::to_string(&FetchSettings::default()).expect("it is text");
    let fetch =
        Fetch { image: "longshore".into(), settings: settings.into(), ..Default::default() };
    assert_eq!(plan.content.clone().expect("unnamed").fetch, Some(fetch));
    // What is fetched differs from task to task, so it is no part of the definition.
    let mut other = fetching(vec![uri("http://a/other")], "./run");
    other.user = Some("nobody".to_owned());
    assert_eq!(planned(&task(other)).content, plan.content);
}

/// \[A2\]
#[test]
fn a_command_with_uris_is_no_name_of_a_definition() {
    assert!(planned(&task(shell("run"))).named.is_some());
    let plan = planned(&task(fetching(vec![uri("http://a/run")], "run")));
    assert_eq!((plan.named.clone(), order(&plan).uris.len()), (None, 1));
}

/// \[A2\]
#[test]
fn many_uris_go_into_the_definition() {
    let long = "x".repeat(200);
    let uris = (0..60).map(|number| uri(&format!("http://a/{long}/{number}"))).collect();
    let plan = planned(&task(fetching(uris, "./run")));
    let moved = plan.content.expect("unnamed").fetch.expect("it is there").order;
    let moved: FetchOrder =
        serde_json::from_str(&moved.expect("it was moved")).expect("it is whole");
    assert_eq!((plan.fetch, moved.uris.len()), (None, 60));
}

/// \[A2\], \[L5\]
#[test]
fn what_cannot_be_fetched_for_a_task_is_refused_and_what_only_may_fail_is_not() {
    let fetched = |uris| task(fetching(uris, "./run"));
    let many = (0..101).map(|number| uri(&format!("http://a/{number}"))).collect();
    let named = labelled("web:1", fetched(vec![uri("http://a/b")]));
    for (task, why) in [(fetched(many), "at most 100"), (named, "the task definition web:1")] {
        let refused = try_plan(&task).expect_err(why);
        assert!(refused.contains(why), "{refused}");
    }
    let small = Amounts::of(500, 8_000, 0, Ranges::default());
    let refused = try_plan_of(&fetched(vec![uri("http://a/b")]), &small).expect_err("too small");
    assert!(refused.contains("at least 12 MiB"), "{refused}");
    let none =
        Config { fetching: Fetching::default(), ..config(DefaultImage::Image("alpine".into())) };
    let refused =
        plan(&none, &Reach::of(&none, None), "f", "*", &fetched(vec![uri("http://a/b")]), &claim());
    assert!(refused.expect_err("nothing fetches").contains("--fetcher-image"));
    for odd in ["hdfs://nn/a", "nothing", ""] {
        assert!(
            try_plan(&fetched(vec![uri(odd)])).is_ok(),
            "{odd:?} fails the task that it is for"
        );
    }
}
