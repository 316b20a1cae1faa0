//! Offers after they are made: declined, rescinded, withdrawn; and roles that want more or none. Source: section 4 of
//! the project's reference of the Mesos master.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::scheduler::{Event, call, event};
use longshore_wire_mesos::v1::{Filters, OfferId};

use crate::amounts::Amounts;
use crate::framework::Filter;
use crate::limits;
use crate::machine::Output;
use crate::state::{Bridge, Timer};
use crate::subscribe::event;

/// Source: \[C30\]: offers that are not there any more are skipped.
pub(crate) fn decline(bridge: &mut Bridge, now: Timestamp, id: &str, decline: &call::Decline) {
    bridge.count("messages_decline_offers");
    for offer in &decline.offer_ids {
        if bridge.offers.get(&offer.value).is_none_or(|held| held.framework != id) {
            continue;
        }
        if let Some(offered) = bridge.offers.remove(&offer.value) {
            let (role, instance) = (offered.role.clone(), offered.instance.clone());
            filter(bridge, now, id, &role, &instance, offered.amounts, decline.filters.as_ref());
        }
    }
    bridge.wants_allocation(now);
}

/// Remembers that a framework does not want these amounts for a while. Source: \[O13\], \[O14\].
pub(crate) fn filter(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &str,
    role: &str,
    instance: &Str,
    refused: Amounts,
    filters: Option<&Filters>,
) {
    let seconds = filters.map_or(5.0, Filters::refuse_seconds);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "cut to the longest filter first"
    )]
    let ms = if seconds >= 0.0 && seconds.is_finite() {
        (seconds * 1000.0).min(limits::REFUSE_MS_MAX as f64) as u64
    } else if seconds == f64::INFINITY {
        limits::REFUSE_MS_MAX
    } else {
        limits::REFUSE_MS
    };
    if ms == 0 || refused.is_empty() {
        return;
    }
    let until = now + ms;
    if let Some(framework) = bridge.frameworks.get_mut(id) {
        let all = framework.filters.entry((role.to_owned(), instance.clone())).or_default();
        all.retain(|filter| filter.until > now && !refused.contains(&filter.refused));
        all.push(Filter { until, refused });
    }
    filters_end(bridge, until);
}

/// Wakes when the first filter ends. One timer is enough for all of them.
fn filters_end(bridge: &mut Bridge, at: Timestamp) {
    if bridge.filters_at.is_none_or(|held| at < held) {
        if let Some(held) = bridge.filters_at.replace(at) {
            bridge.timers.remove(&(held, Timer::Filters));
        }
        bridge.at(at, Timer::Filters);
    }
}

/// Some filters have ended: what they kept back may be offered.
pub(crate) fn filters_ended(bridge: &mut Bridge, now: Timestamp) {
    bridge.filters_at = None;
    for framework in bridge.frameworks.values_mut() {
        framework.filters.retain(|_, filters| {
            filters.retain(|filter| filter.until > now);
            !filters.is_empty()
        });
    }
    let all = bridge.frameworks.values().flat_map(|framework| framework.filters.values());
    if let Some(next) = all.flatten().map(|filter| filter.until).min() {
        filters_end(bridge, next);
    }
    bridge.wants_allocation(now);
}

/// The framework's roles that a call is about; `None` if it names one that is not. Source: \[C31\].
fn roles(bridge: &Bridge, id: &str, given: &[String]) -> Option<Vec<String>> {
    let own = &bridge.frameworks.get(id)?.roles;
    if given.is_empty() {
        return Some(own.clone());
    }
    given.iter().all(|role| own.contains(role)).then(|| given.to_vec())
}

pub(crate) fn revive(bridge: &mut Bridge, now: Timestamp, id: &str, given: &[String]) {
    bridge.count("messages_revive_offers");
    let Some(roles) = roles(bridge, id, given) else { return };
    if let Some(framework) = bridge.frameworks.get_mut(id) {
        framework.suppressed.retain(|role| !roles.contains(role));
        framework.filters.retain(|(role, _), _| !roles.contains(role));
    }
    bridge.wants_allocation(now);
}

pub(crate) fn suppress(bridge: &mut Bridge, id: &str, given: &[String]) {
    bridge.count("messages_suppress_offers");
    let Some(roles) = roles(bridge, id, given) else { return };
    if let Some(framework) = bridge.frameworks.get_mut(id) {
        framework.suppressed.extend(roles);
    }
}

/// Takes an offer back and says so.
pub(crate) fn rescind(bridge: &mut Bridge, now: Timestamp, offer: &str, out: &mut Vec<Output>) {
    let Some(offered) = bridge.offers.remove(offer) else { return };
    let stream = bridge.frameworks.get(&offered.framework).and_then(|framework| framework.stream);
    if let Some(stream) = stream {
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
    instance: &Str,
    out: &mut Vec<Output>,
) {
    let of = bridge.offers.iter().filter(|(_, offered)| offered.instance == *instance);
    let of: Vec<String> = of.map(|(id, _)| id.clone()).collect();
    for offer in of {
        rescind(bridge, now, &offer, out);
    }
}

/// Takes all offers of a framework back without a word: nobody is there to hear it. Source: \[O8\].
pub(crate) fn withdraw_all(bridge: &mut Bridge, now: Timestamp, id: &str) {
    let before = bridge.offers.len();
    bridge.offers.retain(|_, offered| offered.framework != id);
    if bridge.offers.len() != before {
        bridge.wants_allocation(now);
    }
}
