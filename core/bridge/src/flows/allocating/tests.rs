//! Offers that are made and cannot be told.

use longshore_machine::Ids;

use super::*;
use crate::agenda::Agenda;
use crate::allocator::Profile;
use crate::context::Asking;

#[test]
fn an_offer_that_nobody_can_be_told_of_is_taken_back() {
    let mut parts = Parts::new(Config::example(), "m".to_owned());
    let (mut ids, mut agenda, mut asking) = (Ids::new(1), Agenda::default(), Asking::default());
    let (now, mut out) = (Timestamp::from_millis(1), Vec::new());
    let mut cx =
        Context { now, ids: &mut ids, agenda: &mut agenda, asking: &mut asking, out: &mut out };
    let (framework, agent) = (FrameworkId::from("f"), AgentId::from("a"));
    let (roles, all) =
        ([Role::from("*")].into(), Amounts::of(1_000, 1_024_000, 0, Ranges::default()));
    parts.allocator.add_framework(&framework, Profile { roles, ..Profile::default() });
    parts.allocator.activate_framework(&framework);
    parts.allocator.put_agent(&agent, Facts::new("host", all.clone()), true);
    parts.allocator.set_available(&agent, all);
    let made = parts.allocator.run(now, &mut 1_000, cx.ids);
    assert_eq!(made.offers.len(), 1);
    parts.tell_offers(&mut cx, made.offers);
    assert!(parts.allocator.run(now, &mut 1_000, cx.ids).offers.is_empty());
    let (wrong, left) = (parts.allocator.audit(), parts.allocator.offers_len());
    assert_eq!((wrong, left, out.len()), (Vec::new(), 0, 0));
}
