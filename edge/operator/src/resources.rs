//! Resources in the two forms that operators read: an object of numbers, and a list of `Resource`. Source: \[P5\].

use std::collections::BTreeMap;

use longshore_bridge::operator::{AgentEntry, AgentView, FrameworkEntry};
use longshore_bridge::{Amounts, Role};
use longshore_wire_mesos::v1::{Resource, resource, value};

use crate::sheet::Sheet;

/// The four that an object always has, in the order in which Mesos writes them.
const ALWAYS: [&str; 4] = ["disk", "mem", "gpus", "cpus"];
/// Those that stand first in a list.
const FIRST: [&str; 4] = ["cpus", "mem", "disk", "gpus"];

/// As numbers by name; ports are text.
pub(crate) fn object(sheet: &mut Sheet<'_>, name: &str, amounts: &Amounts) {
    sheet.holds(name, |sheet| {
        for name in ALWAYS {
            let found = amounts.scalars().find(|(other, _)| *other == name);
            sheet.measures(name, found.map_or(0.0, |(_, amount)| amount));
        }
        for (name, amount) in amounts.scalars().filter(|(name, _)| !ALWAYS.contains(name)) {
            sheet.measures(name, amount);
        }
        if !amounts.ports().is_empty() {
            sheet.says("ports", &amounts.ports().to_string());
        }
    });
}

/// How a list of resources is written. Source: which of the two members stands where differs from answer to answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Form<'a> {
    /// Whether `role` says that nothing is reserved.
    pub(crate) role: bool,
    /// For which role they are, or were, offered.
    pub(crate) allocated: Option<&'a str>,
}

/// As a list.
pub(crate) fn list(amounts: &Amounts, form: Form<'_>) -> Vec<Resource> {
    let blank = |name: &str| Resource {
        name: name.to_owned(),
        role: form.role.then(|| "*".to_owned()),
        allocation_info: form
            .allocated
            .map(|role| resource::AllocationInfo { role: Some(role.to_owned()) }),
        ..Default::default()
    };
    let scalar = |(name, amount): (&str, f64)| Resource {
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value: amount }),
        ..blank(name)
    };
    let first = FIRST.iter().filter_map(|name| amounts.scalars().find(|(other, _)| other == name));
    let others = amounts.scalars().filter(|(name, _)| !FIRST.contains(name));
    let mut all: Vec<Resource> = first.chain(others).map(scalar).collect();
    if !amounts.ports().is_empty() {
        let range = amounts.ports().as_slice().iter();
        let range = range.map(|(begin, end)| value::Range { begin: *begin, end: *end }).collect();
        all.push(Resource {
            r#type: value::Type::Ranges.into(),
            ranges: Some(value::Ranges { range }),
            ..blank("ports")
        });
    }
    all
}

/// Amounts apart by the role that they are allocated to.
pub(crate) type ByRole = Vec<(Role, Amounts)>;

/// Adds up what belongs to the same role.
pub(crate) fn by_role<'a>(parts: impl Iterator<Item = (&'a Role, &'a Amounts)>) -> ByRole {
    let mut sorted: BTreeMap<&Role, Vec<&Amounts>> = BTreeMap::new();
    for (role, amounts) in parts {
        sorted.entry(role).or_default().push(amounts);
    }
    sorted.into_iter().map(|(role, all)| (role.clone(), Amounts::sum(all))).collect()
}

/// All of it together.
pub(crate) fn sum(parts: &ByRole) -> Amounts {
    Amounts::sum(parts.iter().map(|(_, amounts)| amounts))
}

/// As a list that names each role.
pub(crate) fn list_by_role(parts: &ByRole) -> Vec<Resource> {
    parts
        .iter()
        .flat_map(|(role, amounts)| list(amounts, Form { role: true, allocated: Some(role) }))
        .collect()
}

/// What is offered to a framework.
pub(crate) fn offered_to(framework: &FrameworkEntry) -> ByRole {
    by_role(framework.offers().map(|offer| (&offer.role, &offer.resources)))
}

/// What tasks of frameworks use on an agent.
pub(crate) fn used_on(agent: &AgentEntry) -> ByRole {
    by_role(agent.used())
}

/// What is offered of an agent.
pub(crate) fn offered_of(agent: &AgentEntry) -> ByRole {
    by_role(agent.offers().map(|offer| (&offer.role, &offer.resources)))
}

/// What anybody uses on an agent.
pub(crate) fn all_used_on(agent: &AgentView, entry: &AgentEntry) -> Amounts {
    let used = entry.used().map(|(_, amounts)| amounts);
    Amounts::sum(std::iter::once(&agent.foreign).chain(used))
}
