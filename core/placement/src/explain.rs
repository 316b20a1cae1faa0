//! What a placement would be and why, as data: the funnel of checks, and for each rejected instance
//! every reason.

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::place::{Plan, Refusal, place_within, rules};
use crate::query::Effort;
use crate::request::Request;
use crate::slot::Rules;
use crate::view::ClusterView;

/// A check, in the order in which checks are made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Status ACTIVE.
    Active,
    /// The agent is connected.
    Connected,
    /// The attributes that the task definition requires.
    Attributes,
    /// Enough CPU units.
    Cpu,
    /// Enough memory.
    Memory,
    /// The ports are free.
    Ports,
    /// Enough GPUs.
    Gpus,
    /// A constraint, by its index.
    Constraint(usize),
}

impl Step {
    /// The check that a refusal belongs to.
    fn of(refusal: &Refusal, rules: &Rules<'_>) -> Self {
        match refusal {
            Refusal::NotActive => Self::Active,
            Refusal::NotConnected => Self::Connected,
            Refusal::Attribute(_) => Self::Attributes,
            Refusal::Cpu(_) => Self::Cpu,
            Refusal::Memory(_) => Self::Memory,
            Refusal::Port(_) | Refusal::MachinePort(_) => Self::Ports,
            Refusal::Gpu(_) => Self::Gpus,
            Refusal::MemberOf(number) => Self::Constraint(*number),
            Refusal::DistinctInstance => Self::Constraint(rules.distinct_at().unwrap_or(0)),
        }
    }
}

/// A rejected instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The instance.
    pub instance: ResourceId,
    /// All checks that it fails, in order: what would have to change for it to be chosen.
    pub obstacles: Vec<Refusal>,
}

/// A hypothetical placement, explained.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// Number of known instances.
    pub instances: usize,
    /// How many instances passed each check and all before it, before anything was placed.
    pub funnel: Vec<(Step, usize)>,
    /// Where the copies would go, in order.
    pub placed: Vec<ResourceId>,
    /// If a copy could not be placed: every instance, the closest match first.
    pub refused: Vec<Refused>,
}

/// Explains what [`place()`](crate::place()) would decide. Nothing is placed.
pub fn explain(cluster: &mut ClusterView, request: &Request<'_>) -> Explanation {
    let effort = Effort::unbounded();
    let rules = rules(request, &effort);
    let instances = cluster.known().count();
    let funnel = funnel(cluster, &rules);
    let Plan { placed, .. } = place_within(cluster, request, &effort);
    let mut refused = Vec::new();
    if placed.len() < usize::try_from(request.count).unwrap_or(usize::MAX) {
        with_placed(cluster, request, &placed, |cluster| refused = obstacles(cluster, &rules));
    }
    Explanation { instances, funnel, placed, refused }
}

/// Calls `look` with the copies temporarily placed.
fn with_placed(
    cluster: &mut ClusterView,
    request: &Request<'_>,
    placed: &[ResourceId],
    look: impl FnOnce(&ClusterView),
) {
    for id in placed {
        cluster.reserve(*id, request.needs);
        cluster.join_group(request.group, *id);
    }
    look(cluster);
    for id in placed {
        cluster.leave_group(request.group, *id);
        cluster.release(*id, request.needs);
    }
}

fn funnel(cluster: &ClusterView, rules: &Rules<'_>) -> Vec<(Step, usize)> {
    let mut steps =
        vec![Step::Active, Step::Connected, Step::Attributes, Step::Cpu, Step::Memory, Step::Ports];
    // Shown only if the request needs GPUs.
    steps.extend((rules.needs.gpus > 0).then_some(Step::Gpus));
    steps.extend((0..rules.constraints.len()).map(Step::Constraint));
    let views = cluster.known().filter_map(|slot| Some((slot, slot.view.as_ref()?)));
    let failed: Vec<Option<Step>> = views
        .map(|(slot, view)| rules.check(slot, view).err().map(|refusal| Step::of(&refusal, rules)))
        .collect();
    let passed = |step: &Step| {
        failed.iter().filter(|failed| failed.as_ref().is_none_or(|failed| failed > step)).count()
    };
    steps.into_iter().map(|step| (step.clone(), passed(&step))).collect()
}

/// All instances that fail a check, with every check they fail, the closest match first.
fn obstacles(cluster: &ClusterView, rules: &Rules<'_>) -> Vec<Refused> {
    let views = cluster.known().filter_map(|slot| Some((slot, slot.view.as_ref()?)));
    let mut refused: Vec<Refused> = views
        .map(|(slot, view)| Refused { instance: slot.id, obstacles: rules.check_all(slot, view) })
        .filter(|refused| !refused.obstacles.is_empty())
        .collect();
    refused.sort_by_cached_key(|one| {
        let shortage: u64 = one.obstacles.iter().map(|one| shortage(one, rules)).sum();
        (one.obstacles.len(), shortage, one.instance)
    });
    refused
}

/// How far an instance is from passing a check, in thousandths of what is needed. Checks that do
/// not depend on tasks count as twice the whole.
fn shortage(refusal: &Refusal, rules: &Rules<'_>) -> u64 {
    const NOT_A_MATTER_OF_TASKS: u64 = 2_000;
    let part = |free: u32, wanted: u32| u64::from(wanted - free) * 1_000 / u64::from(wanted).max(1);
    match refusal {
        Refusal::Cpu(free) => part(*free, rules.needs.cpu),
        Refusal::Memory(free) => part(*free, rules.needs.memory_mib),
        Refusal::Gpu(free) => part(*free, rules.needs.gpus),
        Refusal::Port(_) | Refusal::MachinePort(_) | Refusal::DistinctInstance => 1_000,
        _ => NOT_A_MATTER_OF_TASKS,
    }
}

/// Names of the attributes that strategies and constraints refer to, for display.
pub fn attributes_of(request: &Request<'_>) -> Vec<Str> {
    use crate::request::{Constraint, Spread, Strategy};
    let spread = request.strategies.iter().filter_map(|strategy| match strategy {
        Strategy::Spread(Spread::Attribute(name)) => Some(name.clone()),
        _ => None,
    });
    let asked = request.constraints.iter().flat_map(|constraint| match constraint {
        Constraint::MemberOf(expression) => expression.attributes().map(Str::from).collect(),
        Constraint::DistinctInstance => Vec::new(),
    });
    let mut names: Vec<Str> = spread.chain(asked).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::needs::{Needs, Port, Protocol};
    use crate::query::Expression;
    use crate::request::Constraint;
    use crate::view::InstanceView;

    fn instance(cpu: u32, memory_mib: u32, stack: &str) -> InstanceView {
        let attributes = [(Str::from("stack"), Some(Str::from(stack)))];
        InstanceView {
            cpu,
            memory_mib,
            attributes: Arc::new(attributes.into()),
            active: true,
            connected: true,
            ..InstanceView::default()
        }
    }

    fn explained(instances: Vec<InstanceView>, count: u32) -> Explanation {
        let mut view = ClusterView::default();
        for (number, instance) in (1..).zip(instances) {
            view.put_instance(ResourceId(number), instance);
        }
        let port = Port { protocol: Protocol::Tcp, number: 80 };
        let needs = Needs { cpu: 100, memory_mib: 100, ports: vec![port], ..Needs::default() };
        let prod = Expression::parse("attribute:stack == prod").unwrap();
        let request = Request {
            needs: &Arc::new(needs),
            group: &"g".into(),
            constraints: &[Constraint::DistinctInstance, Constraint::MemberOf(Arc::new(prod))],
            strategies: &[],
            count,
            seed: 0,
        };
        explain(&mut view, &request)
    }

    #[test]
    fn the_funnel_counts_who_passed_each_check_and_all_before_it() {
        let draining = InstanceView { active: false, ..instance(1000, 1000, "prod") };
        let explanation = explained(
            vec![
                draining,
                instance(50, 1000, "prod"),
                instance(1000, 10, "prod"),
                instance(1000, 1000, "test"),
                instance(1000, 1000, "prod"),
            ],
            1,
        );
        let passed: Vec<usize> = explanation.funnel.iter().map(|(_, passed)| *passed).collect();
        assert_eq!((explanation.instances, passed), (5, vec![4, 4, 4, 3, 2, 2, 2, 1]));
        assert_eq!(explanation.placed, [ResourceId(5)]);
        assert_eq!(explanation.refused, []);
    }

    #[test]
    fn who_is_refused_is_told_with_all_obstacles_and_the_nearest_first() {
        let explanation = explained(
            vec![
                instance(10, 10, "test"),
                instance(90, 1000, "prod"),
                instance(1000, 1000, "prod"),
            ],
            2,
        );
        assert_eq!(explanation.placed, [ResourceId(3)]);
        let port = Port { protocol: Protocol::Tcp, number: 80 };
        assert_eq!(
            explanation.refused,
            [
                Refused { instance: ResourceId(2), obstacles: vec![Refusal::Cpu(90)] },
                Refused {
                    instance: ResourceId(3),
                    obstacles: vec![Refusal::Port(port), Refusal::DistinctInstance]
                },
                Refused {
                    instance: ResourceId(1),
                    obstacles: vec![Refusal::Cpu(10), Refusal::Memory(10), Refusal::MemberOf(1)]
                },
            ]
        );
    }

    #[test]
    fn an_explanation_changes_nothing() {
        let twice = |count| explained(vec![instance(1000, 1000, "prod"); 3], count);
        assert_eq!(twice(2).placed, [ResourceId(1), ResourceId(2)]);
        assert_eq!(twice(2), twice(2));
    }
}
