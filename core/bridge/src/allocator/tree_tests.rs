//! The tree by itself: its places come and go with those who have something to do there.

use super::*;
use crate::ranges::Ranges;

#[test]
fn a_role_has_a_path_for_each_level() {
    assert_eq!(paths("a/b/c").collect::<Vec<_>>(), ["a", "a/b", "a/b/c"]);
    assert_eq!(paths("*").collect::<Vec<_>>(), ["*"]);
    assert_eq!(paths(&vec!["x"; 100].join("/")).count(), limits::ROLE_DEPTH_MAX);
    assert_eq!((top("a/b"), top("a")), ("a", "a"));
}

#[test]
fn places_that_lead_nowhere_are_taken_away() {
    let mut tree = Tree::default();
    let client = tree.client(&"a/b".into(), &"f1".into());
    tree.subscribe(client, true);
    let amounts = Amounts::of(1_000, 0, 0, Ranges::default());
    tree.charge(client, &amounts, As::Launched, true);
    tree.subscribe(client, false);
    assert_eq!(tree.held("a"), Quantities::of(&amounts));
    tree.discharge(client, &amounts, As::Launched);
    assert_eq!((tree.nodes.len(), tree.find("a/b", "f1")), (1, None));
    assert_eq!(tree.audit(&Uses::new()), Vec::<String>::new());
}

/// \[O24\]
#[test]
fn ranks_are_refreshed_a_slice_at_a_time() {
    let mut tree = Tree::default();
    let amounts = Amounts::of(1_000, 0, 0, Ranges::default());
    let mut uses = Uses::new();
    for at in 0..200 {
        let client = tree.client(&"web".into(), &format!("f{at}").into());
        tree.subscribe(client, true);
        tree.join(client, Among::Everyone);
        tree.charge(client, &amounts, As::Launched, true);
        uses.insert(client, (Quantities::of(&amounts), Quantities::default(), 1));
    }
    tree.set_total(|total| total.add(&Amounts::of(400_000, 0, 0, Ranges::default())));
    assert!(!tree.refresh(&mut 1) && tree.is_stale());
    assert!(tree.refresh(&mut 1_000) && !tree.is_stale());
    assert_eq!(tree.audit(&uses), Vec::<String>::new());
}
