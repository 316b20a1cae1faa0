//! Callers who prove who they are speak for the frameworks of their principal and for no other. Rows 8 and 12, \[H13\].

use longshore_wire_mesos::v1::FrameworkInfo;
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::event::Type as EventType;
use longshore_wire_mesos::v1::scheduler::{Call, call};

use super::world::{World, framework, kind, returning};
use crate::check;
use crate::machine::Response;

fn of(principal: &str) -> FrameworkInfo {
    FrameworkInfo { principal: Some(principal.to_owned()), ..framework("one") }
}

fn as_(world: &mut World, principal: &str) {
    world.principal = Some(principal.to_owned());
}

#[test]
fn nobody_subscribes_in_the_name_of_another_principal() {
    let subscribe = call::Subscribe { framework_info: of("alice"), ..Default::default() };
    let call = Call { subscribe: Some(subscribe), ..kind(Type::Subscribe) };
    assert!(check(call.clone(), None).is_ok());
    assert!(check(call.clone(), Some("alice")).is_ok());
    let why = check(call, Some("mallory")).expect_err("it is refused");
    assert!(why.contains("'mallory' does not match principal 'alice'"), "{why}");
}

#[test]
fn a_framework_that_names_no_principal_has_that_of_its_caller() {
    let mut world = World::new(&[]);
    as_(&mut world, "alice");
    let client = world.subscribe(framework("one"));
    assert_eq!(world.seen(&client).view().info.principal.as_deref(), Some("alice"));
    assert_eq!(world.call(&client, kind(Type::Revive)), Response::Accepted);
}

#[test]
fn nobody_calls_for_the_framework_of_another_principal() {
    let mut world = World::new(&[(4096, 4096)]);
    as_(&mut world, "alice");
    let client = world.subscribe(framework("one"));
    let arn = world.running(&client, "t1");
    as_(&mut world, "mallory");
    for kind in [kind(Type::Teardown), kind(Type::Revive)] {
        let Response::Refused(400, why) = world.call(&client, kind) else { panic!("it was done") };
        assert!(why.contains("'mallory' does not match principal 'alice'"), "{why}");
    }
    let Response::Stream(stream, _) = world.open(returning(&client)) else { panic!("no stream") };
    let error = world.take(stream, EventType::Error).pop().expect("it is refused").1;
    let why = error.error.expect("it has its part").message;
    assert!(why.contains("principal is not allowed") && !why.contains("alice"), "{why}");
    assert!(!world.closed.contains(&client.stream), "its own stream goes on");
    assert!(world.cluster.stops.is_empty(), "{arn} runs on");
    as_(&mut world, "alice");
    assert_eq!(world.call(&client, kind(Type::Revive)), Response::Accepted);
}
