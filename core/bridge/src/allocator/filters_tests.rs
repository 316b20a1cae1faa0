//! Filters by themselves: what is forgotten at once is gone at once, and none is kept that another covers.

use super::super::agents::Agents;
use super::super::tree::Tree;
use super::*;

fn amounts(cpus: u64) -> Amounts {
    Amounts::of(cpus, cpus, 0, Ranges::default())
}

struct Some2 {
    filters: Filters,
    agents: [Key; 2],
    clients: [Client; 2],
}

fn some() -> Some2 {
    let mut agents = Agents::default();
    let mut tree = Tree::default();
    let facts = |id| super::super::Facts::new(id, amounts(1));
    Some2 {
        filters: Filters::default(),
        agents: ["a", "b"].map(|id| agents.insert(&id.into(), facts(id), Amounts::default())),
        clients: ["f1", "f2"].map(|id| tree.client(&"web".into(), &id.into())),
    }
}

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

/// \[O14\], \[O15\]
#[test]
fn forgotten_filters_block_nothing_and_are_taken_apart_later() {
    let Some2 { mut filters, agents: [a, b], clients: [one, two] } = some();
    for agent in [a, b] {
        for client in [one, two] {
            filters.refuse(NOW, client, agent, &amounts(4), 60.0);
        }
    }
    filters.forget(one);
    assert!(!filters.block(NOW, one, a, &amounts(4)) && filters.block(NOW, two, a, &amounts(4)));
    assert_eq!(filters.audit(), Vec::<String>::new());
    // What is declined after that counts, and stays when the rest is taken apart.
    filters.refuse(NOW, one, b, &amounts(2), 60.0);
    assert!(!filters.clean(&mut 1));
    assert!(filters.clean(&mut 10));
    assert!(filters.block(NOW, one, b, &amounts(2)) && !filters.block(NOW, one, b, &amounts(4)));
    assert_eq!((filters.len(), filters.count_of(one), filters.count_of(two)), (3, 1, 2));
    assert!(filters.forget_agent(b) && !filters.forget_agent(b));
    assert_eq!((filters.len(), filters.audit()), (1, Vec::new()));
}

/// \[O14\]
#[test]
fn a_filter_that_another_covers_is_not_kept_twice() {
    let Some2 { mut filters, agents: [a, _], clients: [one, _] } = some();
    filters.refuse(NOW, one, a, &amounts(2), 5.0);
    filters.refuse(NOW, one, a, &amounts(4), 60.0);
    filters.refuse(NOW, one, a, &amounts(3), 30.0);
    assert_eq!(filters.len(), 1);
    filters.refuse(NOW, one, a, &amounts(3), 90.0);
    assert_eq!(filters.len(), 2);
    assert_eq!(filters.end_one(NOW + 59_999), None);
    assert_eq!(filters.end_one(NOW + 60_000), Some(a));
    assert!(!filters.block(NOW + 60_000, one, a, &amounts(4)));
    assert!(filters.block(NOW + 60_000, one, a, &amounts(3)));
    assert_eq!(filters.audit(), Vec::<String>::new());
}

#[test]
fn a_client_has_only_so_many_filters_for_an_agent() {
    let Some2 { mut filters, agents: [a, _], clients: [one, _] } = some();
    for at in 1..=40_u32 {
        // Each for less, and longer, so that none covers another.
        let (cpus, seconds) = (u64::from(100 - at), f64::from(at * 10));
        filters.refuse(NOW, one, a, &amounts(cpus), seconds);
    }
    assert_eq!(filters.len(), limits::FILTERS_PER_OFFER_MAX);
    assert!(filters.block(NOW, one, a, &amounts(60)) && !filters.block(NOW, one, a, &amounts(99)));
    assert_eq!(filters.audit(), Vec::<String>::new());
}
