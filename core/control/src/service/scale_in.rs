//! Which task goes first when there are more than desired.
//!
//! Source: ECS developer guide, *Task placement strategies*, and ECS API reference, `UpdateService`: without a strategy the
//! zone with most tasks of the service loses one, and in it the instance with most. Chosen by us: what is not well goes
//! before what is; the youngest task goes first among equals.

use std::collections::BTreeMap;

use longshore_placement::ClusterView;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::shape::task::PlacementStrategy;

use super::census::{Member, Standing};

/// By what tasks are chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order<'a> {
    /// Zones and instances with most tasks lose theirs first.
    Balance,
    /// The instance that has most left loses its tasks first, so that the others stay full.
    MostFree(&'a ClusterView, Resource),
}

/// What `binpack` packs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// CPU units.
    Cpu,
    /// Memory.
    Memory,
}

impl<'a> Order<'a> {
    /// The order that goes with the first strategy of a service. `random` leaves the choice to us.
    pub(crate) fn of(strategies: &[PlacementStrategy], view: &'a ClusterView) -> Self {
        let Some(first) = strategies.first() else { return Self::Balance };
        let field = first.field.as_deref().unwrap_or_default();
        match first.kind.as_deref() {
            Some("binpack") if field.eq_ignore_ascii_case("cpu") => {
                Self::MostFree(view, Resource::Cpu)
            }
            Some("binpack") => Self::MostFree(view, Resource::Memory),
            _ => Self::Balance,
        }
    }
}

/// The members in the order in which they go.
pub(crate) fn first_to_go<'m>(members: &[&'m Member], order: Order<'_>) -> Vec<&'m Member> {
    let (well, mut unwell): (Vec<&Member>, Vec<&Member>) =
        members.iter().partition(|one| one.standing == Standing::Healthy);
    unwell.sort_by_key(|one| (one.standing, std::cmp::Reverse((one.created_at, one.id))));
    match order {
        Order::Balance => unwell.extend(balanced(&well)),
        Order::MostFree(view, resource) => unwell.extend(most_free(well, view, resource)),
    }
    unwell
}

/// Takes one after the other from where most are.
fn balanced<'m>(well: &[&'m Member]) -> Vec<&'m Member> {
    let mut sites: BTreeMap<(Option<&Str>, ResourceId), Vec<&Member>> = BTreeMap::new();
    let mut zones: BTreeMap<Option<&Str>, usize> = BTreeMap::new();
    for one in well {
        sites.entry((one.zone.as_ref(), one.instance)).or_default().push(one);
        *zones.entry(one.zone.as_ref()).or_default() += 1;
    }
    for tasks in sites.values_mut() {
        tasks.sort_by_key(|one| (one.created_at, one.id));
    }
    // By load, so that each choice costs the depth of a tree and not a walk.
    let mut by_load: std::collections::BTreeSet<(usize, usize, ResourceId, Option<&Str>)> = sites
        .iter()
        .map(|((zone, instance), tasks)| (zones[zone], tasks.len(), *instance, *zone))
        .collect();
    let mut order = Vec::with_capacity(well.len());
    while let Some((in_zone, here, instance, zone)) = by_load.pop_last() {
        // A zone's other instances learn that it has shrunk when they come up.
        if zones[&zone] != in_zone {
            by_load.insert((zones[&zone], here, instance, zone));
            continue;
        }
        let Some(tasks) = sites.get_mut(&(zone, instance)) else { continue };
        let Some(youngest) = tasks.pop() else { continue };
        order.push(youngest);
        if let Some(in_zone) = zones.get_mut(&zone) {
            *in_zone -= 1;
        }
        if !tasks.is_empty() {
            by_load.insert((in_zone - 1, tasks.len(), instance, zone));
        }
    }
    order
}

fn most_free<'m>(
    mut well: Vec<&'m Member>,
    view: &ClusterView,
    resource: Resource,
) -> Vec<&'m Member> {
    let free = |one: &Member| {
        view.instance(one.instance).map_or(0, |instance| match resource {
            Resource::Cpu => instance.cpu,
            Resource::Memory => instance.memory_mib,
        })
    };
    well.sort_by_key(|one| std::cmp::Reverse((free(one), one.instance, one.created_at, one.id)));
    well
}
