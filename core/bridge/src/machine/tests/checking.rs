//! Health checks that are dialled: what is dialled, when, and what frameworks are told.

use longshore_replica::{PortMapping, StopCode};
use longshore_wire_mesos::v1::health_check::{TcpCheckInfo, Type as HealthType};
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{CommandInfo, HealthCheck, TaskInfo, TaskState, check_info, value};

use super::watched::{
    HOST, PORT, check, comes_to, failed, healthy, in_bridge, launch, probe, run, with_port, world,
};
use super::world::{Client, World, returning, sleeper};
use crate::machine::Input;
use crate::{Means, Probe, Probed};

/// The health and the reason of the only update, which is of a task that runs.
fn verdict(world: &mut World, client: &Client) -> (Option<bool>, Reason) {
    let status = world.update(client);
    assert_eq!((status.state(), status.source()), (TaskState::TaskRunning, Source::Executor));
    (status.healthy, status.reason())
}

/// \[A10\], \[T23\]
#[test]
fn a_health_check_is_dialled_after_its_delay_and_the_first_success_is_told() {
    let (mut world, client) = world();
    let arn = launch(&mut world, &client, |task| {
        with_port(TaskInfo { health_check: Some(healthy(PORT)), ..task })
    });
    world.cluster.runs(&arn);
    world.soon();
    let running = world.update(&client);
    assert_eq!((running.state(), running.healthy), (TaskState::TaskRunning, None));
    world.run_for(14_000);
    assert!(world.probes.is_empty());
    world.run_for(1_000);
    let dialled = probe(&mut world);
    let wanted = Probe {
        id: dialled.id,
        framework: client.id.as_str().into(),
        host: HOST.into(),
        port: PORT,
        inside_port: PORT,
        ipv6: false,
        means: Means::Http { tls: false, path: "/ready".into() },
        timeout_ms: 20_000,
    };
    assert_eq!(dialled, wanted);
    // The next one is due an interval after the end of this one.
    world.run_for(60_000);
    assert!(world.probes.is_empty());
    world.step(Input::Probed(dialled.id, Probed::Status(302)));
    let told = (Some(true), Reason::TaskHealthCheckStatusUpdated);
    assert_eq!(verdict(&mut world, &client), told);
    world.run_for(9_000);
    assert!(world.probes.is_empty());
    world.run_for(1_000);
    comes_to(&mut world, Probed::Status(200));
    assert!(world.updates(&client).is_empty(), "that it is still healthy is no news");
}

/// \[A10\], \[T23\]
#[test]
fn each_failure_is_told_and_after_three_in_a_row_the_task_is_stopped_and_told_killed() {
    let (mut world, client) = world();
    let arn = run(&mut world, &client, |task| {
        with_port(TaskInfo { health_check: Some(healthy(PORT)), ..task })
    });
    let unhealthy = (Some(false), Reason::TaskHealthCheckStatusUpdated);
    comes_to(&mut world, Probed::Status(500));
    assert_eq!(verdict(&mut world, &client), unhealthy);
    comes_to(&mut world, failed());
    assert_eq!(verdict(&mut world, &client), unhealthy);
    comes_to(&mut world, Probed::Status(200));
    assert_eq!(verdict(&mut world, &client).0, Some(true), "it recovered");
    for probed in [Probed::TimedOut, Probed::Status(404)] {
        comes_to(&mut world, probed);
        assert_eq!(verdict(&mut world, &client), unhealthy);
        assert!(world.cluster.stops.is_empty());
    }
    comes_to(&mut world, failed());
    assert_eq!(verdict(&mut world, &client), unhealthy);
    assert_eq!(world.cluster.stops, std::slice::from_ref(&arn));
    world.run_for(60_000);
    assert!(world.probes.is_empty(), "whoever ends is not asked any more");
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(143));
    world.soon();
    let killed = world.update(&client);
    assert_eq!((killed.state(), killed.healthy), (TaskState::TaskKilled, Some(false)));
    assert_eq!((killed.source(), killed.reason), (Source::Executor, None));
    assert_eq!((world.size("launches with checks"), world.size("probes")), (0, 0));
}

/// \[A10\]
#[test]
fn failures_within_the_grace_period_do_not_count_before_the_first_success() {
    let (mut world, client) = world();
    run(&mut world, &client, |task| {
        let check = HealthCheck {
            delay_seconds: Some(0.0),
            grace_period_seconds: Some(60.0),
            consecutive_failures: Some(1),
            ..healthy(PORT)
        };
        with_port(TaskInfo { health_check: Some(check), ..task })
    });
    for _ in 0..5 {
        comes_to(&mut world, failed());
        assert!(world.updates(&client).is_empty());
    }
    comes_to(&mut world, Probed::Status(200));
    assert_eq!(verdict(&mut world, &client).0, Some(true));
    comes_to(&mut world, failed());
    assert_eq!(verdict(&mut world, &client).0, Some(false), "it has been healthy");
    assert_eq!(world.cluster.stops.len(), 1);
}

/// \[A10\]: here, where the way to an agent may be broken, that nobody was reached is no failure.
#[test]
fn a_task_that_cannot_be_reached_is_never_killed_for_it() {
    let (mut world, client) = world();
    run(&mut world, &client, |task| {
        with_port(TaskInfo { health_check: Some(healthy(PORT)), ..task })
    });
    comes_to(&mut world, Probed::Status(200));
    assert_eq!(verdict(&mut world, &client).0, Some(true));
    for _ in 0..2 {
        comes_to(&mut world, failed());
        assert_eq!(verdict(&mut world, &client).0, Some(false));
    }
    for _ in 0..10 {
        comes_to(&mut world, Probed::Unreached("no route".to_owned()));
    }
    assert!(world.updates(&client).is_empty() && world.cluster.stops.is_empty());
    assert!(world.notes.iter().any(|note| note.contains("no route")), "{:?}", world.notes);
}

/// \[A10\], \[A4\]
#[test]
fn in_a_bridge_the_port_is_the_container_s_and_the_one_that_ecs_shows_is_dialled() {
    let (mut world, client) = world();
    let arn = launch(&mut world, &client, |task| {
        let tcp = TcpCheckInfo { port: 80, ..TcpCheckInfo::default() };
        let check = HealthCheck {
            r#type: Some(HealthType::Tcp.into()),
            tcp: Some(tcp),
            ..HealthCheck::default()
        };
        in_bridge(TaskInfo { health_check: Some(check), ..task })
    });
    let task = world.cluster.tasks.get_mut(&arn).expect("it is there");
    let port = |udp, host_port| PortMapping { container_port: 80, host_port, udp };
    task.containers[0].ports = vec![port(true, 31_099), port(false, PORT)];
    world.cluster.runs(&arn);
    world.soon();
    world.update(&client);
    world.run_for(15_000);
    let dialled = probe(&mut world);
    assert_eq!((dialled.port, dialled.inside_port, &dialled.means), (PORT, 80, &Means::Tcp));
    world.step(Input::Probed(dialled.id, Probed::Connected));
    assert_eq!(verdict(&mut world, &client).0, Some(true));
}

/// Whatever a framework says, nothing is dialled but a port of its own task.
#[test]
fn a_port_that_is_not_the_task_s_is_left_to_its_container_and_never_dialled() {
    let (mut world, client) = world();
    run(&mut world, &client, |task| {
        with_port(TaskInfo { health_check: Some(healthy(22)), ..task })
    });
    world.run_for(120_000);
    assert!(world.probes.is_empty());
    let content = world.cluster.registrations.last().expect("it was registered");
    let check = content.health_check.as_ref().and_then(|check| check.command.clone());
    let command = check.expect("the container checks").concat();
    assert!(command.contains("'http://127.0.0.1:22/ready'"), "{command}");
}

/// \[A10\]: what is to be dialled outlives a master, what was found does not.
#[test]
fn tasks_are_watched_on_after_a_restart_and_not_all_of_them_at_once() {
    let (mut world, client) = world();
    let mut tasks = Vec::new();
    for number in 0..8 {
        let offer = world.offer(&client);
        let task = sleeper(&format!("t{number}"), &offer, 0.25, 32.0);
        let both = TaskInfo {
            health_check: Some(healthy(PORT)),
            check: Some(check(check_info::Type::Tcp)),
            ..task
        };
        let task = if number == 0 { with_port(both) } else { in_bridge_of(both, number) };
        world.launch(&client, &[&offer], vec![task]);
        let arn = world.cluster.arn_of(&format!("t{number}"));
        let port = PortMapping { container_port: PORT, host_port: PORT + number, udp: false };
        world.cluster.tasks.get_mut(&arn).expect("it is there").containers[0].ports = vec![port];
        world.cluster.runs(&arn);
        tasks.push(arn);
        world.soon();
        world.update(&client);
    }
    world.restart();
    let again = world.subscribe(returning(&client));
    world.soon();
    let updates = world.updates(&again);
    assert_eq!(updates.len(), 8);
    assert!(updates.iter().all(|one| one.healthy.is_none() && one.check_status.is_some()));
    for status in &updates {
        world.acknowledge(&again, status);
    }
    let mut times = std::collections::BTreeSet::new();
    for _ in 0..100 {
        world.run_for(100);
        if !world.probes.is_empty() {
            times.insert(world.now);
        }
        for probe in std::mem::take(&mut world.probes) {
            assert_eq!(&*probe.host, HOST);
            world.step(Input::Probed(probe.id, Probed::Status(200)));
        }
    }
    assert!(times.len() >= 8, "{times:?}");
    let mut told_healthy = std::collections::BTreeSet::new();
    for _ in 0..4 {
        for status in world.updates(&again) {
            world.acknowledge(&again, &status);
            told_healthy.extend(status.healthy.filter(|one| *one).map(|_| status.task_id.value));
        }
    }
    assert_eq!(told_healthy.len(), 8, "{told_healthy:?}");
}

/// The same port in another container: 80 there, and one of the agent's that is its own.
fn in_bridge_of(task: TaskInfo, number: u16) -> TaskInfo {
    let mut task = in_bridge(task);
    let own = u64::from(PORT + number);
    for resource in task.resources.iter_mut().filter(|one| one.name == "ports") {
        let range = vec![value::Range { begin: own, end: own }];
        resource.ranges = Some(value::Ranges { range });
    }
    let docker = task.container.as_mut().and_then(|container| container.docker.as_mut());
    let mapping = &mut docker.expect("it has one").port_mappings[0];
    mapping.host_port = u32::from(PORT + number);
    mapping.container_port = u32::from(PORT);
    task
}

/// \[A10\], \[C33\]
#[test]
fn a_task_that_is_killed_is_not_probed_and_a_late_answer_changes_nothing() {
    let (mut world, client) = world();
    let arn = run(&mut world, &client, |task| {
        let check = HealthCheck { consecutive_failures: Some(1), ..healthy(PORT) };
        with_port(TaskInfo { health_check: Some(check), ..task })
    });
    world.run_for(15_000);
    let out = probe(&mut world);
    world.kill(&client, "t1");
    world.step(Input::Probed(out.id, failed()));
    world.step(Input::Probed(out.id, failed()));
    world.run_for(120_000);
    assert!(world.probes.is_empty() && world.updates(&client).is_empty());
    world.cluster.ends(&arn, StopCode::UserInitiated, Some(143));
    world.soon();
    let killed = world.update(&client);
    assert_eq!((killed.state(), killed.healthy), (TaskState::TaskKilled, None));
    assert_eq!(world.size("launches with checks"), 0);
}

/// \[A10\]: an agent that loses its address is an operator's doing, and no task's.
#[test]
fn without_an_address_nothing_is_dialled_and_nobody_is_killed() {
    let (mut world, client) = world();
    run(&mut world, &client, |task| {
        with_port(TaskInfo { health_check: Some(healthy(PORT)), ..task })
    });
    let arn = world.cluster.instances.keys().next().expect("there is one").clone();
    world.cluster.change(&arn, |instance| {
        instance.attributes.remove("hostname");
    });
    world.run_for(120_000);
    assert!(world.probes.is_empty() && world.cluster.stops.is_empty());
}

/// \[A10\]: a definition that an operator registered says itself which port is where.
#[test]
fn a_task_of_a_registered_definition_is_dialled_where_ecs_shows_its_port() {
    for is_mapped in [true, false] {
        let (mut world, client) = world();
        world.cluster.define("web", 256, 128);
        let arn = launch(&mut world, &client, |task| {
            let command = CommandInfo { value: Some("web".to_owned()), ..CommandInfo::default() };
            let check = HealthCheck { consecutive_failures: Some(1), ..healthy(8080) };
            TaskInfo { command: Some(command), health_check: Some(check), ..task }
        });
        if is_mapped {
            let task = world.cluster.tasks.get_mut(&arn).expect("it is there");
            let port = PortMapping { container_port: 8080, host_port: 32_768, udp: false };
            task.containers[0].ports = vec![port];
        }
        world.cluster.runs(&arn);
        world.soon();
        world.update(&client);
        world.run_for(15_000);
        if is_mapped {
            let out = probe(&mut world);
            assert_eq!((out.port, out.inside_port), (32_768, 8080));
        } else {
            assert!(world.probes.is_empty(), "it has no such port");
            assert_eq!(world.cluster.stops, [arn]);
        }
    }
}
