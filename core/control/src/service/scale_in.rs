//! Which task to stop first when there are more than desired.
//!
//! Source: ECS developer guide, *Task placement strategies*, and ECS API reference,
//! `UpdateService`: without a strategy, the zone with the most tasks of the service loses one, from
//! the instance with the most. Chosen by us: unhealthy tasks go before healthy ones, and among
//! equals the youngest goes first.

use std::collections::{BTreeMap, BTreeSet};

use longshore_placement::ClusterView;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::shape::task::PlacementStrategy;

use super::census::{Member, Standing};

/// The order in which tasks are chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order<'a> {
    /// Zones and instances with the most tasks lose theirs first.
    Balance,
    /// The instance with the most free resources loses its tasks first, so that the others stay
    /// full.
    MostFree(&'a ClusterView, Resource),
}

/// The resource that `binpack` packs by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resource {
    /// CPU units.
    Cpu,
    /// Memory.
    Memory,
}

impl<'a> Order<'a> {
    /// The order matching a service's first strategy. `random` leaves the choice to us.
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

/// The members in the order in which they are stopped.
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

/// The tasks in one zone.
#[derive(Debug, Default)]
struct ZoneTasks<'m> {
    count: usize,
    on: BTreeMap<ResourceId, Vec<&'m Member>>,
    /// Its instances, ordered by number of tasks.
    by_load: BTreeSet<(usize, ResourceId)>,
}

/// Repeatedly takes a task from where there are the most. Each choice costs a tree lookup rather
/// than a scan.
fn balanced<'m>(well: &[&'m Member]) -> Vec<&'m Member> {
    let mut zones: BTreeMap<Option<&Str>, ZoneTasks<'m>> = BTreeMap::new();
    for one in well {
        let zone = zones.entry(one.zone.as_ref()).or_default();
        zone.count += 1;
        zone.on.entry(one.instance).or_default().push(one);
    }
    // Each zone once, with its fullest instance.
    let mut fullest = BTreeSet::new();
    for (name, zone) in &mut zones {
        for (instance, tasks) in &mut zone.on {
            tasks.sort_by_key(|one| (one.created_at, one.id));
            zone.by_load.insert((tasks.len(), *instance));
        }
        fullest.extend(zone.by_load.last().map(|top| (zone.count, *top, *name)));
    }
    let mut order = Vec::with_capacity(well.len());
    while let Some((_, top, name)) = fullest.pop_last() {
        let Some(zone) = zones.get_mut(&name) else { continue };
        zone.by_load.remove(&top);
        let (_, instance) = top;
        let Some(tasks) = zone.on.get_mut(&instance) else { continue };
        order.extend(tasks.pop());
        zone.count -= 1;
        if !tasks.is_empty() {
            zone.by_load.insert((tasks.len(), instance));
        }
        fullest.extend(zone.by_load.last().map(|top| (zone.count, *top, name)));
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
