//! What model frameworks say of themselves: roles, which of them they want offers for, of which agents, and how much at least.

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_mesos::v1::framework_info::Capability;
use longshore_wire_mesos::v1::framework_info::capability::Type as CapabilityType;
use longshore_wire_mesos::v1::offer_filters::{MinAllocatableResources, ResourceQuantities};
use longshore_wire_mesos::v1::scheduler::attribute_constraint::{Predicate, Selector, predicate};
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::offer_constraints::RoleConstraints;
use longshore_wire_mesos::v1::scheduler::offer_constraints::role_constraints::Group;
use longshore_wire_mesos::v1::scheduler::{AttributeConstraint, Call, OfferConstraints, call};
use longshore_wire_mesos::v1::{FrameworkId, FrameworkInfo, Offer, OfferFilters, value};

use super::forms::kind;
use super::promises::milli;
use crate::chance::Chance;

/// Roles of frameworks.
pub(super) const ROLES: [&str; 5] = ["*", "a", "b", "a/x", "b/y/z"];
/// What is offered at least if nothing else is said. Source: Mesos, `min_allocatable_resources`.
const LEAST: Least = Least { cpus_milli: 10, mem_milli: 32_000 };

/// The role at the top of a role's branch.
pub(super) fn top(role: &str) -> &str {
    role.split('/').next().unwrap_or(role)
}

/// Which agents are wanted, by the rack that they are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Rule {
    #[default]
    Any,
    In(&'static str),
    NotIn(&'static str),
    /// Of those that a pattern matches.
    Matching,
    /// Whatever has no such attribute as none has.
    Without,
}

/// One of these is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Least {
    pub(super) cpus_milli: u64,
    pub(super) mem_milli: u64,
}

/// What a framework says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Description {
    /// One, unless it knows `MULTI_ROLE`.
    pub(super) roles: BTreeSet<&'static str>,
    pub(super) is_multi: bool,
    pub(super) suppressed: BTreeSet<&'static str>,
    pub(super) rule: Rule,
    pub(super) least: Option<Least>,
}

impl Description {
    /// Drawn, for the framework of this number: plain frameworks have each role in turn.
    pub(super) fn drawn(chance: &mut Chance, number: u64) -> Self {
        let number = usize::try_from(number).unwrap_or(0);
        let mut drawn = Self { is_multi: chance.one_in(2), ..Self::default() };
        drawn.roles.insert(ROLES[number % ROLES.len()]);
        drawn.redraw(chance);
        drawn
    }

    /// Drawn anew, as `UPDATE_FRAMEWORK` may change it.
    pub(super) fn redraw(&mut self, chance: &mut Chance) {
        if self.is_multi {
            self.roles = ROLES.into_iter().filter(|_| chance.one_in(2)).collect();
            self.roles.insert(*chance.pick(&ROLES));
        }
        let roles = &self.roles;
        self.suppressed = roles.iter().copied().filter(|_| chance.one_in(5)).collect();
        self.rule = match chance.below(9) {
            0 => Rule::In("a"),
            1 => Rule::NotIn("b"),
            2 => Rule::Matching,
            3 => Rule::Without,
            _ => Rule::Any,
        };
        let least = Least { cpus_milli: 500, mem_milli: 600_000 };
        self.least = chance.one_in(4).then_some(least);
    }

    /// Says what a framework of this name and id, if it has one, is.
    pub(super) fn write(&self, info: FrameworkInfo) -> FrameworkInfo {
        let mut info = info;
        if self.is_multi {
            let kind = CapabilityType::MultiRole;
            info.capabilities.push(Capability { r#type: Some(kind.into()) });
            info.roles = self.roles.iter().map(ToString::to_string).collect();
        } else {
            info.role = self.roles.first().map(ToString::to_string);
        }
        info.offer_filters = self.filters();
        info
    }

    fn filters(&self) -> BTreeMap<String, OfferFilters> {
        let scalar = |name: &str, milli: u64| {
            let value = f64::from(u32::try_from(milli).unwrap_or(0)) / 1000.0;
            ResourceQuantities { quantities: [(name.to_owned(), value::Scalar { value })].into() }
        };
        let written = |least: Least| OfferFilters {
            min_allocatable_resources: Some(MinAllocatableResources {
                quantities: vec![scalar("cpus", least.cpus_milli), scalar("mem", least.mem_milli)],
            }),
        };
        let least = self.least.into_iter();
        least
            .flat_map(|least| {
                self.roles.iter().map(move |role| ((*role).to_owned(), written(least)))
            })
            .collect()
    }

    fn constraints(&self) -> Option<OfferConstraints> {
        let about = |name: &str, predicate: Predicate| AttributeConstraint {
            selector: Selector { attribute_name: Some(name.to_owned()), ..Selector::default() },
            predicate,
        };
        let constraint = match self.rule {
            Rule::Any => return None,
            Rule::In(rack) => {
                let text_equals = Some(predicate::TextEquals { value: rack.to_owned() });
                about("rack", Predicate { text_equals, ..Predicate::default() })
            }
            Rule::NotIn(rack) => {
                let text_not_equals = Some(predicate::TextNotEquals { value: rack.to_owned() });
                about("rack", Predicate { text_not_equals, ..Predicate::default() })
            }
            Rule::Matching => {
                let text_matches = Some(predicate::TextMatches { regex: "[ab]".to_owned() });
                about("rack", Predicate { text_matches, ..Predicate::default() })
            }
            Rule::Without => {
                let not_exists = Some(predicate::NotExists::default());
                about("gpu", Predicate { not_exists, ..Predicate::default() })
            }
        };
        let groups = vec![Group { attribute_constraints: vec![constraint] }];
        let each = |role: &&str| ((*role).to_owned(), RoleConstraints { groups: groups.clone() });
        Some(OfferConstraints { role_constraints: self.roles.iter().map(each).collect() })
    }

    fn suppressed_roles(&self) -> Vec<String> {
        self.suppressed.iter().map(ToString::to_string).collect()
    }

    pub(super) fn subscribe(&self, info: FrameworkInfo) -> Call {
        let framework_id = info.id.clone();
        let subscribe = call::Subscribe {
            framework_info: self.write(info),
            suppressed_roles: self.suppressed_roles(),
            offer_constraints: self.constraints(),
        };
        Call { framework_id, subscribe: Some(subscribe), ..kind(Type::Subscribe) }
    }

    pub(super) fn update(&self, info: FrameworkInfo) -> Call {
        let update = call::UpdateFramework {
            framework_info: self.write(info),
            suppressed_roles: self.suppressed_roles(),
            offer_constraints: self.constraints(),
        };
        Call { update_framework: Some(update), ..kind(Type::UpdateFramework) }
    }

    /// The role that an offer is for.
    pub(super) fn role_of(&self, offer: &Offer) -> String {
        let told = offer.allocation_info.as_ref().and_then(|one| one.role.clone());
        let own = || self.roles.first().map(ToString::to_string).unwrap_or_default();
        told.unwrap_or_else(own)
    }

    /// What is wrong with an offer, for a framework that said this.
    pub(super) fn wrong(&self, offer: &Offer) -> Option<&'static str> {
        let role = self.role_of(offer);
        if !self.roles.contains(&*role) {
            return Some("is for a role that it does not have");
        }
        if self.suppressed.contains(&*role) {
            return Some("is for a role that it suppressed");
        }
        let Least { cpus_milli, mem_milli } = self.least.unwrap_or(LEAST);
        if milli(offer, "cpus") < cpus_milli && milli(offer, "mem") < mem_milli {
            return Some("is less than it wants");
        }
        let rack = offer.attributes.iter().find(|one| one.name == "rack");
        let rack = rack.and_then(|one| one.text.as_ref()).map(|text| text.value.as_str());
        let is_wanted = match self.rule {
            Rule::Any | Rule::Without => true,
            Rule::In(wanted) => rack == Some(wanted),
            Rule::NotIn(unwanted) => rack != Some(unwanted),
            Rule::Matching => rack.is_some_and(|rack| rack == "a" || rack == "b"),
        };
        (!is_wanted).then_some("is of an agent that it does not want")
    }
}

/// No offers for a role are wanted, or for none at all if none is named; or they are again.
pub(super) fn suppress(role: Option<&str>) -> Call {
    let roles = role.into_iter().map(str::to_owned).collect();
    Call { suppress: Some(call::Suppress { roles }), ..kind(Type::Suppress) }
}

pub(super) fn revive(role: Option<&str>) -> Call {
    let roles = role.into_iter().map(str::to_owned).collect();
    Call { revive: Some(call::Revive { roles }), ..kind(Type::Revive) }
}

/// Who calls.
pub(super) fn caller(call: &Call) -> Option<&str> {
    call.framework_id.as_ref().map(|FrameworkId { value }| value.as_str())
}
