//! Offers become tasks. Source: frameworks.md 5 and 2.1.

use super::*;

#[test]
fn the_readmes_nginx_is_launched_as_marathon_does() {
    let mut world = World::new();
    world.put(nginx());
    world.offer();
    let task = world.launched.pop().unwrap();
    assert_eq!(task.name, "nginx");
    let id = &task.task_id.value;
    assert!(id.starts_with("nginx.instance-") && id.ends_with("._app.1"), "{id}");
    let amounts: Vec<_> = task.resources.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(amounts, ["cpus", "mem", "ports"], "no disk is asked for");
    let range = &task.resources[2].ranges.as_ref().unwrap().range;
    assert_eq!((range[0].begin, range[0].end), (80, 80));
    let command = task.command.unwrap();
    assert_eq!((command.shell, command.value.as_deref()), (Some(true), Some("nginx:2")));
    let variables = command.environment.unwrap().variables;
    let variable = |name: &str| {
        let of = variables.iter().find(|one| one.name == name);
        of.and_then(|one| one.value.clone()).unwrap_or_default()
    };
    for name in ["PORT", "PORT0", "PORTS", "PORT_80"] {
        assert_eq!(variable(name), "80", "{name}");
    }
    assert_eq!(variable("MESOS_TASK_ID"), *id);
    assert_eq!(variable("MARATHON_APP_ID"), "/nginx");
    assert_eq!(variable("MARATHON_APP_VERSION"), "2026-11-21T11:42:55.000Z");
    assert_eq!(variable("HOST"), "host-1");
    let docker = task.container.unwrap().docker.unwrap();
    assert_eq!((docker.image.as_str(), docker.network), ("ignore", Some(2)));
    let mapping = &docker.port_mappings[0];
    assert_eq!((mapping.host_port, mapping.container_port), (80, 80));
    assert_eq!(docker.parameters[0].value, format!("MESOS_TASK_ID={id}"));
    let discovery = task.discovery.unwrap();
    assert_eq!(discovery.name.as_deref(), Some("nginx"));
    assert_eq!(discovery.ports.unwrap().ports[0].number, 80);
}

#[test]
fn an_idle_scheduler_asks_for_no_framework_and_for_no_offers() {
    let mut world = World::new();
    assert_eq!(world.connects, 0);
    assert!(world.said.contains(&Command::Suppress(None)));
    world.offer();
    assert!(matches!(&world.said[world.said.len() - 1], Command::Decline(_, filters)
        if filters.refuse_seconds == Some(120.0)));
    world.put(nginx());
    assert_eq!(world.connects, 1);
    assert!(world.said.contains(&Command::Revive(None)));
    world.supplies();
    assert_eq!(world.said.last(), Some(&Command::Suppress(None)));
}

#[test]
fn an_offer_without_the_port_is_not_used_and_the_queue_says_why() {
    let mut world = World::new();
    world.put(App { instances: 2, ..nginx() });
    let mut offer = an_offer(7, 4.0);
    offer.resources.retain(|one| one.name != "ports");
    world.hears(Callback::ResourceOffers(vec![offer]));
    world.hears(Callback::ResourceOffers(vec![an_offer(8, 0.05)]));
    assert!(world.launched.is_empty());
    let Reply::Queue(queue) = world.call(Call::Queue) else { panic!() };
    assert_eq!((queue[0].count, queue[0].tally.processed, queue[0].tally.unused), (2, 2, 2));
    let why: Vec<_> = crate::Unfit::ALL.iter().zip(queue[0].tally.reasons).collect();
    let why = |one: crate::Unfit| why.iter().find(|(unfit, _)| **unfit == one).unwrap().1;
    assert_eq!((why(crate::Unfit::Ports), why(crate::Unfit::Cpus)), (1, 1));
}

#[test]
fn a_fixed_port_goes_to_one_instance_of_an_agent_and_any_ports_to_several() {
    let mut world = World::new();
    world.put(App { instances: 3, ..nginx() });
    world.offer();
    assert_eq!(world.new_tasks().len(), 1);
    let mut world = World::new();
    world.put(an_app("/web", 9));
    world.offer();
    assert_eq!(world.new_tasks().len(), limits::LAUNCHES_PER_OFFER);
    let ports: Vec<u16> = world.tasks("/web").iter().map(|one| one.instance.ports[0]).collect();
    let mut apart = ports.clone();
    apart.sort_unstable();
    apart.dedup();
    assert_eq!(apart.len(), ports.len());
}

#[test]
fn any_port_is_not_one_that_a_service_is_known_by_unless_there_is_no_other() {
    let mut world = World::new();
    world.put(an_app("/web", 3));
    let mut offer = an_offer(9, 4.0);
    let ports = offer.resources.iter_mut().find(|one| one.name == "ports").unwrap();
    let range = |begin, end| Range { begin, end };
    let range = vec![range(80, 80), range(443, 443), range(5_000, 5_001)];
    ports.ranges = Some(Ranges { range });
    world.hears(Callback::ResourceOffers(vec![offer]));
    let given = |task: TaskInfo| task.discovery.unwrap().ports.unwrap().ports[0].number;
    let given: Vec<u32> = world.launched.drain(..).map(given).collect();
    assert_eq!(given, [5_000, 5_001, 80]);
}

#[test]
fn service_ports_are_drawn_kept_and_never_shared() {
    let mut world = World::new();
    world.put(nginx());
    assert_eq!(world.shown("/nginx").app.port_mappings[0].service_port, 10_000);
    world.put_all(vec![App { cpus_milli: 200, ..nginx() }], true);
    assert_eq!(world.shown("/nginx").app.port_mappings[0].service_port, 10_000);
    world.put(an_app("/web", 0));
    assert_eq!(world.shown("/web").app.port_definitions[0].port, 10_001);
    let mut other = an_app("/other", 0);
    other.port_definitions[0].port = 10_000;
    let Reply::Invalid(problems) = world.put_all(vec![other], false) else { panic!() };
    assert!(problems[0].text.contains("taken by /nginx"), "{problems:?}");
}

#[test]
fn service_ports_are_not_shared_when_a_deployment_is_forced_or_taken_back() {
    let mut world = World::new();
    world.put_all(vec![an_app("/b", 1), an_app("/c", 1)], false);
    let port = |world: &mut World, id: &str| world.shown(id).app.port_definitions[0].port;
    assert_eq!((port(&mut world, "/b"), port(&mut world, "/c")), (10_000, 10_001));
    // The apps of the deployment that is cancelled by it stay as they are.
    world.put_all(vec![an_app("/a", 1), an_app("/b", 2)], true);
    assert_eq!(port(&mut world, "/c"), 10_001);
    assert_eq!((port(&mut world, "/a"), port(&mut world, "/b")), (10_002, 10_000));
    // Its port of before was taken meanwhile.
    world.supplies();
    let mut moved = an_app("/c", 1);
    moved.port_definitions[0].port = 10_500;
    world.put_all(vec![moved], true);
    let mut heir = an_app("/heir", 0);
    heir.port_definitions[0].port = 10_001;
    world.put_all(vec![heir], false);
    let Reply::Deployments(all) = world.call(Call::Deployments) else { panic!() };
    let (deployment, _) =
        all.iter().find(|(_, one)| one.before.keys().any(|id| id.as_str() == "/c")).unwrap();
    world.call(Call::Cancel { deployment: deployment.to_string(), force: false });
    let back = port(&mut world, "/c");
    assert!(back != 10_001 && back >= 10_000, "{back}");
}

#[test]
fn resources_come_from_the_roles_that_an_app_accepts() {
    let mut world = World::new();
    let only = Some(vec!["prod".to_owned()]);
    world.put(App { accepted_resource_roles: only, ..an_app("/web", 1) });
    world.offer();
    assert!(world.new_tasks().is_empty());
    let Reply::Queue(queue) = world.call(Call::Queue) else { panic!("no queue") };
    let why = crate::Unfit::ALL.iter().zip(queue[0].tally.reasons);
    let why: Vec<_> = why.filter(|(_, count)| *count > 0).map(|(why, _)| *why).collect();
    assert_eq!(why, [crate::Unfit::Role], "not for want of CPU");
    let mut offer = an_offer(9, 4.0);
    offer.resources.iter_mut().for_each(|one| one.role = Some("prod".to_owned()));
    world.hears(Callback::ResourceOffers(vec![offer]));
    let task = world.launched.pop().unwrap();
    assert!(task.resources.iter().all(|one| one.role.as_deref() == Some("prod")));
}

#[test]
fn equal_apps_take_turns() {
    let mut world = World::new();
    world.put_all((0..5).map(|one| an_app(&format!("/app-{one}"), 2)).collect(), false);
    world.offer();
    world.offer();
    let tasks = world.new_tasks();
    assert_eq!(tasks.len(), 10);
    assert_eq!(world.deployments(), 1);
}

#[test]
fn a_service_port_that_another_app_keeps_is_not_drawn_in_the_same_change() {
    let mut world = World::new();
    world.put(an_app("/b", 1));
    // It cancels the deployment of /b, and begins before it in the order of names.
    world.put_all(vec![an_app("/a", 1), App { cpus_milli: 200, ..an_app("/b", 1) }], true);
    let port = |world: &mut World, id: &str| world.shown(id).app.port_definitions[0].port;
    assert_eq!((port(&mut world, "/b"), port(&mut world, "/a")), (10_000, 10_001));
}

#[test]
fn an_app_that_returns_gets_another_service_port_if_its_own_is_taken() {
    let mut world = World::new();
    world.runs(an_app("/a", 1));
    let gone =
        world.call(Call::Delete { id: PathId::kept("/a"), sort: crate::Sort::App, force: false });
    let Reply::Done { deployment, .. } = gone else { panic!() };
    world.put(an_app("/b", 0));
    assert_eq!(world.shown("/b").app.port_definitions[0].port, 10_000);
    world.call(Call::Cancel { deployment: deployment.to_string(), force: false });
    assert_eq!(world.shown("/a").app.port_definitions[0].port, 10_001);
}
