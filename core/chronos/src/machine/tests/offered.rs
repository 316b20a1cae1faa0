//! Offers, and the tasks that are launched on them.

use longshore_wire_mesos::v1::{Attribute, Filters};

use super::*;

#[test]
fn offers_are_asked_for_only_while_runs_wait() {
    let mut world = World::new();
    assert!(matches!(world.said.last(), Some(Command::Suppress(None))));
    world.job("a", json!({"schedule": "R//PT1H"}));
    assert!(matches!(world.said.last(), Some(Command::Revive(None))));
    world.said.clear();
    world.offer(1.0);
    assert!(matches!(world.said[..], [Command::Accept { .. }, Command::Suppress(None)]));
}

#[test]
fn one_offer_is_used_by_as_many_as_fit_and_those_of_high_priority_come_first() {
    // Source: frameworks.md 4.4.
    let mut world = World::new();
    for name in ["a", "b", "c"] {
        world.job(name, json!({"schedule": "R//PT1H", "cpus": 1, "highPriority": name == "c"}));
    }
    world.offer(2.5);
    let tasks = world.new_tasks();
    assert!(tasks.len() == 2 && tasks[0].contains(":c:") && tasks[1].contains(":a:"), "{tasks:?}");
    let accepts = world.said.iter().filter(|one| matches!(one, Command::Accept { .. })).count();
    assert_eq!(accepts, 1);
}

#[test]
fn an_offer_that_is_of_no_use_is_declined_for_a_while() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R//PT1H", "cpus": 4}));
    world.offer(2.0);
    let declined = world.said.iter().find_map(|one| match one {
        Command::Decline(offers, Filters { refuse_seconds }) => {
            Some((offers.len(), *refuse_seconds))
        }
        _ => None,
    });
    assert_eq!(declined, Some((1, Some(limits::REFUSE_SECONDS))));
}

#[test]
fn a_run_that_never_fits_says_why() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R//PT1H", "cpus": 4}));
    world.job("b", json!({"schedule": "R//PT1H", "constraints": [["rack", "EQUALS", "r2"]]}));
    let why = |world: &mut World, name: &str| {
        let name = name.to_owned();
        let Reply::Stat(stat) = world.call(Call::Stat { name }) else { panic!() };
        stat.task_stat_history[0].message.clone()
    };
    let wanted = "waits for an offer with 4 CPUs, 128 MiB of memory and 256 MiB of disk";
    assert_eq!(why(&mut world, "a"), wanted);
    world.offer(2.0);
    let had = "that of host had 2 CPUs, 65536 MiB of memory and 65536 MiB of disk";
    assert_eq!(why(&mut world, "a"), format!("{wanted}: {had}"));
    let unmet = "waits for an offer that meets its constraints: that of host does not";
    assert_eq!(why(&mut world, "b"), unmet);
    world.hears(Callback::Disconnected);
    assert_eq!(why(&mut world, "a"), "waits for the cluster, which is not reached");
}

#[test]
fn a_job_runs_only_where_its_constraints_allow() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R//PT1H", "constraints": [["rack", "EQUALS", "r2"]]}));
    for rack in ["r1", "r2"] {
        let attribute = Attribute {
            name: "rack".to_owned(),
            r#type: value::Type::Text.into(),
            text: Some(value::Text { value: rack.to_owned() }),
            ..Attribute::default()
        };
        let offer = Offer { attributes: vec![attribute], ..an_offer(rack, 1.0) };
        world.hears(Callback::ResourceOffers(vec![offer]));
        assert_eq!(world.new_tasks().len(), usize::from(rack == "r2"));
    }
}

#[test]
fn an_offer_that_was_rescinded_is_not_used() {
    let mut world = World::new();
    for number in 0..=limits::LAUNCHES_PER_STEP_MAX {
        world.job(
            &format!("a{number}"),
            json!({"schedule": "R//PT1H", "cpus": 0.001, "mem": 1, "disk": 1}),
        );
    }
    world.hears(Callback::ResourceOffers(vec![an_offer("first", 9.0), an_offer("second", 9.0)]));
    assert_eq!(world.new_tasks().len(), limits::LAUNCHES_PER_STEP_MAX);
    world.hears(Callback::OfferRescinded(OfferId { value: "second".to_owned() }));
    assert!(world.new_tasks().is_empty());
}

#[test]
fn a_task_says_what_the_job_says() {
    // Source: frameworks.md 2.2.
    let mut world = World::new();
    world.job(
        "a",
        json!({
            "schedule": "R//PT1H", "command": "sleep360:1", "owner": "ops", "cpus": 0.5,
            "environmentVariables": [{"name": "HOST", "value": "mine"}, {"name": "A", "value": "1"}],
        }),
    );
    world.offer(1.0);
    let task = world.launched.pop().unwrap();
    assert_eq!((task.name.as_str(), task.container.is_none()), ("ChronosTask:a", true));
    let command = task.command.unwrap();
    assert_eq!((command.value.as_deref(), command.shell), (Some("sleep360:1"), Some(true)));
    let variables = command.environment.unwrap().variables;
    let value = |name: &str| {
        let of: Vec<_> = variables.iter().filter(|one| one.name == name).collect();
        assert_eq!(of.len(), 1, "{name}");
        of[0].value.clone().unwrap()
    };
    let names = [
        "HOST",
        "A",
        "CHRONOS_JOB_NAME",
        "CHRONOS_JOB_OWNER",
        "CHRONOS_RESOURCE_CPU",
        "CHRONOS_JOB_RUN_ATTEMPT",
    ];
    assert_eq!(names.map(value), ["mine", "1", "a", "ops", "0.5", "0"]);
    assert_eq!(value("mesos_task_id"), task.task_id.value);
}

#[test]
fn a_job_with_an_image_runs_its_container() {
    let mut world = World::new();
    let container = json!({"type": "DOCKER", "image": "busybox", "network": "BRIDGE",
        "volumes": [{"hostPath": "/a", "containerPath": "/b", "mode": "RO"}]});
    world.job(
        "a",
        json!({"schedule": "R//PT1H", "container": container, "shell": false, "arguments": ["x"]}),
    );
    world.offer(1.0);
    let task = world.launched.pop().unwrap();
    let container = task.container.unwrap();
    assert_eq!(container.docker.unwrap().image, "busybox");
    assert_eq!(container.volumes[0].host_path.as_deref(), Some("/a"));
    assert_eq!(task.command.unwrap().arguments, ["x"]);
    assert!(task.task_id.value.ends_with(":a:x"));
}
