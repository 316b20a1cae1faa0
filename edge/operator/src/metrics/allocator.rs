//! Numbers of the allocator: what roles have, and may have.

use longshore_bridge::operator::{Quantities, RoleEntry, View};

use super::{Sample, master};

/// Resources that are counted here. Source: Mesos, the allocator's metrics know no ports.
const COUNTED: [&str; 3] = ["cpus", "disk", "mem"];

pub(super) fn samples(view: &View) -> Vec<Sample> {
    let total = master::total(view);
    let (mut allocated, mut offered) = (Quantities::default(), Quantities::default());
    let mut samples = Vec::new();
    for (role, entry) in view.roles() {
        allocated.add_all(entry.allocated());
        offered.add_all(entry.offered());
        of_role(&mut samples, view, role, entry, &total);
    }
    for name in COUNTED {
        let taken = allocated.of(name) + offered.of(name);
        let key = |what: &str| format!("allocator/mesos/resources/{name}/{what}");
        samples.push(Sample::plain(key("total"), total.of(name)));
        samples.push(Sample::plain(key("offered_or_allocated"), taken));
    }
    // Source: the sum of all roles is that of the role without a name, from which all others descend.
    consumed(&mut samples, "", &allocated);
    samples
}

fn of_role(
    samples: &mut Vec<Sample>,
    view: &View,
    role: &str,
    entry: &RoleEntry,
    total: &Quantities,
) {
    let set = entry.view();
    let mut taken = entry.allocated().clone();
    taken.add_all(entry.offered());
    if entry.frameworks().next().is_some() {
        let filters = format!("allocator/mesos/offer_filters/roles/{role}/active");
        if view.number(&filters).is_none() {
            samples.push(Sample {
                family: Some("mesos_allocator_offer_filters_active"),
                labels: vec![("role", role.to_owned())],
                ..Sample::plain(filters, 0.0)
            });
        }
        let weight = set.and_then(|set| set.weight).unwrap_or(1.0);
        let share = COUNTED
            .iter()
            .filter(|name| total.of(name) > 0.0)
            .map(|name| taken.of(name) / total.of(name));
        let dominant = share.fold(0.0, f64::max) / weight;
        samples.push(Sample {
            family: Some("mesos_allocator_role_dominant_share"),
            labels: vec![("role", role.to_owned())],
            ..Sample::plain(format!("allocator/mesos/roles/{role}/shares/dominant"), dominant)
        });
    }
    consumed(samples, role, entry.allocated());
    let Some(quota) = set.and_then(|set| set.quota.as_ref()) else { return };
    for (name, amount) in &quota.guarantees {
        samples.push(of_quota(role, name, "guarantee", *amount));
    }
    for (name, amount) in &quota.limits {
        samples.push(of_quota(role, name, "limit", *amount));
    }
    let names = quota.guarantees.keys().chain(quota.limits.keys());
    for name in names.collect::<std::collections::BTreeSet<_>>() {
        samples.push(of_quota(role, name, "offered_or_allocated", taken.of(name)));
    }
}

fn consumed(samples: &mut Vec<Sample>, role: &str, allocated: &Quantities) {
    for (name, amount) in allocated.iter().filter(|(name, _)| COUNTED.contains(name)) {
        samples.push(of_quota(role, name, "consumed", amount));
    }
}

fn of_quota(role: &str, resource: &str, what: &'static str, value: f64) -> Sample {
    Sample {
        key: format!("allocator/mesos/quota/roles/{role}/resources/{resource}/{what}"),
        family: Some(match what {
            "guarantee" => "mesos_allocator_quota_guarantee",
            "limit" => "mesos_allocator_quota_limit",
            "consumed" => "mesos_allocator_quota_consumed",
            _ => "mesos_allocator_quota_offered_or_allocated",
        }),
        labels: vec![("role", role.to_owned()), ("resource", resource.to_owned())],
        value,
    }
}
