//! Container instances on one machine share its ports.

use longshore_wire_ecs::host::MACHINE_ATTRIBUTE;

use super::*;
use crate::explain::explain;

fn on(machine: Option<&str>) -> InstanceView {
    let name = Str::from(MACHINE_ATTRIBUTE);
    let attributes = machine.map(|machine| (name, Some(Str::from(machine))));
    InstanceView {
        attributes: Arc::new(attributes.into_iter().collect()),
        ..instance(None, 1000, 1000)
    }
}

fn wants(number: u16) -> Needs {
    Needs { ports: vec![port(number)], ..small() }
}

fn in_use(view: &ClusterView, id: u128) -> Vec<u16> {
    view.ports_in_use(ResourceId(id)).expect("it is there").iter().map(|port| port.number).collect()
}

fn beside(view: &ClusterView, id: u128) -> Vec<u128> {
    view.beside(ResourceId(id)).map(|id| id.0).collect()
}

#[test]
fn a_port_is_given_once_on_each_machine() {
    let mut view = cluster(vec![on(Some("a")), on(Some("a")), on(Some("b")), on(None), on(None)]);
    let plan = plan(&mut view, &wants(80), &[], &[], 5);
    let mut placed: Vec<u128> = plan.placed.iter().map(|id| id.0).collect();
    placed.sort_unstable();
    assert_eq!(placed, [1, 3, 4, 5]);
    let refused: BTreeMap<u128, &Refusal> =
        plan.refused.iter().map(|(id, refusal)| (id.0, refusal)).collect();
    assert_eq!(refused[&1], &Refusal::Port(port(80)));
    assert_eq!(refused[&2], &Refusal::MachinePort(port(80)));
    assert_eq!(beside(&view, 1), [2]);
    assert_eq!((beside(&view, 3), beside(&view, 4)), (vec![], vec![]));
}

#[test]
fn udp_and_tcp_are_apart_and_what_needs_no_port_goes_anywhere() {
    let mut view = cluster(vec![on(Some("a")), on(Some("a"))]);
    view.reserve(ResourceId(1), &wants(53));
    let udp = Port { protocol: Protocol::Udp, number: 53 };
    assert_eq!(placed(&mut view, &Needs { ports: vec![udp], ..small() }, 1).len(), 1);
    assert_eq!(placed(&mut view, &small(), 4).len(), 4);
}

#[test]
fn a_port_that_is_given_back_is_free_on_the_whole_machine() {
    let mut view = cluster(vec![on(Some("a")), on(Some("a"))]);
    // A ranking that has seen both must learn about both.
    assert_eq!(placed(&mut view, &wants(80), 2), [1]);
    view.reserve(ResourceId(1), &wants(80));
    assert_eq!((in_use(&view, 1), in_use(&view, 2)), (vec![80], vec![80]));
    assert!(placed(&mut view, &wants(80), 1).is_empty());
    view.release(ResourceId(1), &wants(80));
    assert_eq!(placed(&mut view, &wants(80), 2), [1]);
    assert!(in_use(&view, 2).is_empty());
}

#[test]
fn what_an_instance_keeps_for_itself_is_in_use_on_its_machine_until_the_last_one_leaves() {
    let keeps = InstanceView { ports: [port(22)].into(), ..on(Some("a")) };
    let mut view = cluster(vec![keeps.clone(), keeps, on(Some("a"))]);
    assert_eq!(in_use(&view, 3), [22]);
    view.remove_instance(ResourceId(1));
    assert_eq!((in_use(&view, 3), beside(&view, 3)), (vec![22], vec![2]));
    // An instance that moves to another machine takes its ports along.
    view.put_instance(ResourceId(2), InstanceView { ports: [port(22)].into(), ..on(Some("b")) });
    assert!(in_use(&view, 3).is_empty());
    assert_eq!(placed(&mut view, &wants(22), 1), [3]);
}

#[test]
fn two_that_held_one_port_before_they_were_known_to_share_a_machine_give_it_back_one_by_one() {
    let mut view = cluster(vec![on(None), on(None), on(Some("a"))]);
    for id in [1, 2] {
        view.reserve(ResourceId(id), &wants(80));
        let held = view.instance(ResourceId(id)).expect("it is there").clone();
        let attributes = on(Some("a")).attributes;
        view.put_instance(ResourceId(id), InstanceView { attributes, ..held });
    }
    view.release(ResourceId(1), &wants(80));
    assert_eq!(in_use(&view, 3), [80]);
    view.release(ResourceId(2), &wants(80));
    assert!(in_use(&view, 3).is_empty());
}

#[test]
fn an_explanation_says_that_the_machine_is_in_the_way() {
    let mut view = cluster(vec![on(Some("a")), on(Some("a"))]);
    let (needs, group) = (Arc::new(wants(80)), "g".into());
    let request = Request {
        needs: &needs,
        group: &group,
        constraints: &[],
        strategies: &[],
        count: 2,
        seed: 0,
    };
    let explanation = explain(&mut view, &request);
    assert_eq!(explanation.placed, [ResourceId(1)]);
    let obstacles: Vec<_> = explanation.refused.iter().map(|one| one.obstacles.clone()).collect();
    assert_eq!(obstacles, [[Refusal::Port(port(80))], [Refusal::MachinePort(port(80))]]);
}
