//! Health checks: when they run and how their results are evaluated.

use longshore_wire_ecs::host::{Health, Reported};
use longshore_wire_ecs::shape::container_definition::{ContainerDefinition, HealthCheck};

use super::{World, container, task};
use crate::machine::Event;

fn checked(retries: i32) -> ContainerDefinition {
    let check = HealthCheck {
        command: Some(vec!["CMD-SHELL".into(), "curl localhost".into()]),
        interval: Some(10),
        retries: Some(retries),
        ..Default::default()
    };
    ContainerDefinition { health_check: Some(check), ..container("app") }
}

#[test]
fn checks_run_at_the_interval_and_a_failing_container_is_unhealthy_after_its_retries() {
    let (mut world, web) = (World::new(), task(1, vec![checked(2)]));
    world.run(&web);
    assert_eq!(world.host_wakes_in(), None);
    world.started(&web, "app");
    for expected in [Health::Unknown, Health::Unhealthy] {
        assert_eq!(world.host_wakes_in(), Some(10_000));
        assert!(world.pass(9_999).is_empty());
        assert_eq!(world.pass(1), ["probe app"]);
        assert_eq!(world.host_wakes_in(), None, "one probe is out at a time");
        assert!(world.happened(&web, "app", Event::Probed { passed: false }).is_empty());
        assert_eq!(world.last().containers[0].health, expected);
    }
    assert_eq!(world.last().status, Reported::Running, "what follows is decided elsewhere");
}

#[test]
fn a_pass_makes_it_healthy_and_only_news_is_reported() {
    let (mut world, web) = (World::new(), task(1, vec![checked(1)]));
    world.run(&web);
    world.started(&web, "app");
    let mut told = Vec::new();
    for passed in [true, true, false, false, true] {
        world.pass(10_000);
        world.happened(&web, "app", Event::Probed { passed });
        told.push(
            world
                .new_reports()
                .iter()
                .map(|report| report.containers[0].health)
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(
        told,
        [vec![Health::Healthy], vec![], vec![Health::Unhealthy], vec![], vec![Health::Healthy]]
    );
}

#[test]
fn a_check_of_none_is_no_check() {
    let check = HealthCheck { command: Some(vec!["NONE".into()]), ..Default::default() };
    let unchecked = ContainerDefinition { health_check: Some(check), ..container("app") };
    let (mut world, web) = (World::new(), task(1, vec![unchecked]));
    world.run(&web);
    world.started(&web, "app");
    assert_eq!((world.host_wakes_in(), world.last().containers[0].health), (None, Health::Unknown));
}

#[test]
fn a_container_that_is_over_is_not_probed() {
    let (mut world, web) = (World::new(), task(1, vec![checked(1), container("log")]));
    world.run(&web);
    world.started(&web, "app");
    world.started(&web, "log");
    assert_eq!(world.exited(&web, "app", 0), ["stop log"]);
    assert!(world.pass(10_000).is_empty());
}
