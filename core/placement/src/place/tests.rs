//! Tests of `place`, case by case.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_wire_ecs::Str;

use super::*;
use crate::ZONE_ATTRIBUTE;
use crate::needs::{Needs, Protocol, RequiredAttribute};
use crate::request::{Constraint, Resource, Spread, Strategy};
use crate::view::InstanceView;

fn instance(zone: Option<&str>, cpu: u32, memory_mib: u32) -> InstanceView {
    let attributes = zone.map(|zone| (Str::from(ZONE_ATTRIBUTE), Some(Str::from(zone))));
    InstanceView {
        cpu,
        memory_mib,
        ports: BTreeSet::new(),
        attributes: Arc::new(attributes.into_iter().collect()),
        active: true,
        connected: true,
        ..InstanceView::default()
    }
}

fn cluster(instances: Vec<InstanceView>) -> ClusterView {
    let mut view = ClusterView::default();
    for (number, instance) in (1..).zip(instances) {
        view.put_instance(ResourceId(number), instance);
    }
    view
}

fn small() -> Needs {
    Needs { cpu: 100, memory_mib: 100, ..Needs::default() }
}

fn port(number: u16) -> Port {
    Port { protocol: Protocol::Tcp, number }
}

/// Places copies of a group under these rules; returns the numbers of the instances.
fn placed_by(
    view: &mut ClusterView,
    needs: &Needs,
    constraints: &[Constraint],
    strategies: &[Strategy],
    count: u32,
) -> Vec<u128> {
    plan(view, needs, constraints, strategies, count).placed.iter().map(|id| id.0).collect()
}

fn plan(
    view: &mut ClusterView,
    needs: &Needs,
    constraints: &[Constraint],
    strategies: &[Strategy],
    count: u32,
) -> Plan {
    let (needs, group) = (Arc::new(needs.clone()), "g".into());
    place(view, &Request { needs: &needs, group: &group, constraints, strategies, count, seed: 7 })
}

fn placed(view: &mut ClusterView, needs: &Needs, count: u32) -> Vec<u128> {
    placed_by(view, needs, &[], &[], count)
}

#[test]
fn copies_spread_over_zones_first_and_instances_second() {
    let zones = ["a", "a", "a", "b"];
    let mut view = cluster(zones.iter().map(|zone| instance(Some(zone), 1000, 1000)).collect());
    assert_eq!(placed(&mut view, &small(), 4), [1, 4, 2, 4]);
}

#[test]
fn tasks_of_the_group_that_run_already_count_and_others_do_not() {
    let mut view = cluster(vec![instance(Some("a"), 1000, 1000), instance(Some("b"), 1000, 1000)]);
    view.join_group(&Str::from("g"), ResourceId(1));
    view.join_group(&Str::from("other"), ResourceId(2));
    assert_eq!(placed(&mut view, &small(), 1), [2]);
    view.leave_group(&Str::from("g"), ResourceId(1));
    assert_eq!(placed(&mut view, &small(), 1), [1]);
}

#[test]
fn an_instance_without_a_zone_comes_last_but_is_used() {
    let mut view = cluster(vec![instance(None, 1000, 1000), instance(Some("a"), 100, 100)]);
    assert_eq!(placed(&mut view, &small(), 2), [2, 1]);
}

#[test]
fn partial_success_places_what_fits_and_says_why_the_rest_did_not() {
    let mut view = cluster(vec![instance(Some("a"), 150, 1000), instance(Some("b"), 1000, 50)]);
    let plan = plan(&mut view, &small(), &[], &[], 3);
    assert_eq!(plan.placed, [ResourceId(1)]);
    assert_eq!(
        plan.refused,
        [(ResourceId(1), Refusal::Cpu(50)), (ResourceId(2), Refusal::Memory(50))]
    );
}

#[test]
fn a_fixed_port_admits_one_copy_per_instance() {
    let needs = Needs { ports: vec![port(80)], ..small() };
    let mut view = cluster(vec![instance(Some("a"), 1000, 1000)]);
    let plan = plan(&mut view, &needs, &[], &[], 2);
    assert_eq!(plan.placed.len(), 1);
    assert_eq!(plan.counts(), [(&Refusal::Port(port(80)), 1)].into());
}

#[test]
fn the_first_failing_check_is_the_one_told() {
    let needs = Needs {
        attributes: vec![RequiredAttribute { name: "gpu".into(), value: None }],
        cpu: 5000,
        ..small()
    };
    let mut draining = instance(None, 1, 1);
    draining.active = false;
    let mut away = instance(None, 1, 1);
    away.connected = false;
    let mut view = cluster(vec![draining, away, instance(None, 1, 1)]);
    let plan = plan(&mut view, &needs, &[], &[], 1);
    let told: Vec<&Refusal> = plan.refused.iter().map(|(_, refusal)| refusal).collect();
    assert_eq!(
        told,
        [&Refusal::NotActive, &Refusal::NotConnected, &Refusal::Attribute("gpu".into())]
    );
}

#[test]
fn a_required_attribute_with_a_value_must_have_that_value() {
    let needs = Needs {
        attributes: vec![RequiredAttribute {
            name: ZONE_ATTRIBUTE.into(),
            value: Some("b".into()),
        }],
        ..small()
    };
    let mut view = cluster(vec![instance(Some("a"), 1000, 1000), instance(Some("b"), 1000, 1000)]);
    assert_eq!(placed(&mut view, &needs, 2), [2, 2]);
}

#[test]
fn an_empty_cluster_places_nothing_and_refuses_nothing() {
    assert_eq!(plan(&mut ClusterView::default(), &small(), &[], &[], 1), Plan::default());
}

#[test]
fn placing_leaves_the_cluster_as_it_was() {
    let needs = Needs { ports: vec![port(80)], ..small() };
    let mut view = cluster(vec![instance(Some("a"), 1000, 1000), instance(Some("b"), 1000, 1000)]);
    let before: Vec<InstanceView> = view.instances().map(|(_, one)| one.clone()).collect();
    assert_eq!(placed(&mut view, &needs, 5), [1, 2]);
    let after: Vec<InstanceView> = view.instances().map(|(_, one)| one.clone()).collect();
    assert_eq!((after, view.groups().len()), (before, 0));
}

mod against_a_full_look;
mod cost;
mod machines;
mod rules;
