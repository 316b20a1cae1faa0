//! Offers after they are made: declined, rescinded, withdrawn; and roles that want more or none. Source: \[O6\]
//! to \[O16\], \[C30\], \[C31\].

use std::collections::BTreeSet;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::OfferId;
use longshore_wire_mesos::v1::scheduler::{Event, event};

use crate::filter;
use crate::machine::{CallId, Output, Response};
use crate::state::Bridge;
use crate::subscribe::event;
use crate::work::{self, Job, Slice, Units};

/// A DECLINE that goes on.
#[derive(Debug)]
pub(crate) struct Declining {
    call: CallId,
    framework: Str,
    offers: std::vec::IntoIter<OfferId>,
    refuse_seconds: f64,
}

/// Source: \[C30\]: offers that are not there any more are skipped.
pub(crate) fn decline(
    bridge: &mut Bridge,
    now: Timestamp,
    call: CallId,
    framework: &Str,
    offers: Vec<OfferId>,
    refuse_seconds: f64,
    out: &mut Vec<Output>,
) {
    bridge.count("messages_decline_offers");
    let (framework, offers) = (framework.clone(), offers.into_iter());
    let declining = Declining { call, framework, offers, refuse_seconds };
    work::begin(bridge, now, Job::Decline(Box::new(declining)), out);
}

impl Declining {
    /// The next slice.
    pub(crate) fn go_on(
        &mut self,
        bridge: &mut Bridge,
        now: Timestamp,
        units: &mut Units,
        out: &mut Vec<Output>,
    ) -> Slice {
        while self.offers.len() > 0 {
            if !units.take(4) {
                return Slice::Open;
            }
            let Some(OfferId { value: id }) = self.offers.next() else { break };
            if bridge.offers.get(&id).is_none_or(|held| held.framework != self.framework) {
                continue;
            }
            if let Some(offered) = bridge.take_offer(&id) {
                let (role, instance) = (&offered.role, &offered.instance);
                let (framework, seconds) = (&self.framework, self.refuse_seconds);
                filter::refuse(bridge, now, framework, role, instance, offered.amounts, seconds);
            }
        }
        bridge.wants_allocation(now);
        out.push(Output::Respond(self.call, Response::Accepted));
        Slice::Done
    }
}

/// Whether each role that a call names is the framework's own. Source: \[C31\].
fn are_own(bridge: &Bridge, id: &str, given: &BTreeSet<Str>) -> bool {
    bridge.frameworks.get(id).is_some_and(|framework| given.is_subset(&framework.roles))
}

/// Offers for these roles are wanted again; for all if none is named.
pub(crate) fn revive(bridge: &mut Bridge, now: Timestamp, id: &str, given: &BTreeSet<Str>) {
    bridge.count("messages_revive_offers");
    if !are_own(bridge, id, given) {
        return;
    }
    if let Some(framework) = bridge.frameworks.get_mut(id) {
        if given.is_empty() {
            framework.suppressed.clear();
            framework.filters.clear();
        } else {
            framework.suppressed.retain(|role| !given.contains(role));
            framework.filters.clear_roles(given);
        }
    }
    bridge.wants_allocation(now);
}

/// No offers for these roles are wanted; for none at all if none is named.
pub(crate) fn suppress(bridge: &mut Bridge, id: &str, given: BTreeSet<Str>) {
    bridge.count("messages_suppress_offers");
    if !are_own(bridge, id, &given) {
        return;
    }
    if let Some(framework) = bridge.frameworks.get_mut(id) {
        if given.is_empty() {
            framework.suppressed = framework.roles.clone();
        } else {
            framework.suppressed.extend(given);
        }
    }
}

/// Takes an offer back and says so.
pub(crate) fn rescind(bridge: &mut Bridge, now: Timestamp, offer: &str, out: &mut Vec<Output>) {
    // One that was withdrawn is not the framework's any more.
    let is_held = bridge.offers.get(offer).is_some();
    let Some(offered) = bridge.take_offer(offer) else { return };
    let stream = bridge.frameworks.get(&offered.framework).and_then(|framework| framework.stream);
    if let Some(stream) = stream.filter(|_| is_held) {
        let rescind = event::Rescind { offer_id: OfferId { value: offer.to_owned() } };
        let event = Event { rescind: Some(rescind), ..event(event::Type::Rescind) };
        out.push(Output::Send(stream, Box::new(event)));
    }
    bridge.wants_allocation(now);
}

/// Takes all offers of an instance back.
pub(crate) fn rescind_instance(
    bridge: &mut Bridge,
    now: Timestamp,
    instance: &str,
    out: &mut Vec<Output>,
) {
    let of: Vec<Str> = bridge.offers.of_instance(instance).map(|(id, _)| id.clone()).collect();
    for offer in of {
        rescind(bridge, now, &offer, out);
    }
}

/// Takes all offers of a framework back without a word: nobody is there to hear it. Source: \[O8\].
pub(crate) fn withdraw_all(bridge: &mut Bridge, now: Timestamp, id: &str, out: &mut Vec<Output>) {
    let withdrawn = bridge.offers.withdraw(id);
    if !withdrawn.is_empty() {
        work::begin(bridge, now, Job::Free(withdrawn.into_iter()), out);
    }
}
