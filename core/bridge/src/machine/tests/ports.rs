//! The ports of container instances that are on one machine.

use std::collections::BTreeMap;

use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::MACHINE_ATTRIBUTE;
use longshore_wire_mesos::v1::{Offer, Resource, value};

use super::world::{Client, World, framework, sleeper};
use crate::ranges::Ranges;

/// Longer than a quiet cluster goes unread.
const NOTICED_MS: u64 = 6_000;

fn on_machine(world: &mut World, machine: &str) -> Str {
    let arn = world.cluster.add_instance(4096, 4096);
    world.cluster.change(&arn, |instance| {
        instance.attributes.insert(MACHINE_ATTRIBUTE.into(), Some(machine.into()));
    });
    arn
}

fn ports(offer: &Offer) -> Ranges {
    let ports = offer.resources.iter().filter(|resource| resource.name == "ports");
    let ranges = ports.flat_map(|ports| &ports.ranges).flat_map(|ranges| &ranges.range);
    Ranges::new(ranges.map(|range| (range.begin, range.end)).collect()).expect("they are apart")
}

/// The ports on offer by agent, each offer given back at once.
fn offered(world: &mut World, client: &Client) -> BTreeMap<String, String> {
    let offers = world.offers(client);
    let told = offers.iter().map(|offer| (offer.agent_id.value.clone(), ports(offer).to_string()));
    let told = told.collect();
    for offer in &offers {
        world.decline(client, offer, 0.0);
    }
    world.run_for(NOTICED_MS);
    told
}

fn texts(told: &BTreeMap<String, String>) -> Vec<&str> {
    told.values().map(String::as_str).collect()
}

#[test]
fn each_is_offered_a_part_of_its_own() {
    let mut world = World::new(&[]);
    for machine in ["one", "one", "other"] {
        on_machine(&mut world, machine);
    }
    let client = world.subscribe(framework("ports"));
    world.run_for(NOTICED_MS);
    let all = offered(&mut world, &client);
    assert_eq!(texts(&all), ["[31000-31049]", "[31050-31099]", "[31000-31099]"]);
    // A third one is there, and then one less.
    let third = on_machine(&mut world, "one");
    world.run_for(NOTICED_MS);
    offered(&mut world, &client);
    let all = offered(&mut world, &client);
    let parts = ["[31000-31032]", "[31033-31065]", "[31000-31099]", "[31066-31099]"];
    assert_eq!(texts(&all), parts);
    world.cluster.lose(&third);
    world.run_for(NOTICED_MS);
    offered(&mut world, &client);
    let all = offered(&mut world, &client);
    assert_eq!(texts(&all), ["[31000-31049]", "[31050-31099]", "[31000-31099]"]);
}

#[test]
fn what_a_task_has_on_one_is_offered_on_none() {
    let mut world = World::new(&[]);
    let first = on_machine(&mut world, "one");
    let client = world.subscribe(framework("ports"));
    world.run_for(NOTICED_MS);
    let offer = world.offer(&client);
    let mut task = sleeper("t", &offer, 1.0, 128.0);
    let range = value::Range { begin: 31_070, end: 31_079 };
    task.resources.push(Resource {
        name: "ports".to_owned(),
        r#type: value::Type::Ranges.into(),
        ranges: Some(value::Ranges { range: vec![range] }),
        ..task.resources[0].clone()
    });
    task.resources.last_mut().expect("it was added").scalar = None;
    world.launch(&client, &[&offer], vec![task]);
    world.soon();
    // It was launched when there was one instance, and its ports are in the part of the other.
    on_machine(&mut world, "one");
    world.run_for(NOTICED_MS);
    offered(&mut world, &client);
    let all = offered(&mut world, &client);
    assert_eq!(texts(&all), ["[31000-31049]", "[31050-31069, 31080-31099]"]);
    assert!(first.ends_with(all.keys().next().expect("one")));
}
