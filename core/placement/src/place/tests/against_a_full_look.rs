//! Compares the engine with the simplest one, which checks every instance for every copy, while the
//! cluster changes at random.

use longshore_machine::Ids;
use longshore_wire_ecs::host::MACHINE_ATTRIBUTE;

use super::*;
use crate::query::{Effort, Expression};

/// Selects the best of the fitting instances, strategy by strategy.
fn best(
    fits: Vec<ResourceId>,
    view: &ClusterView,
    group: &str,
    strategies: &[Strategy],
) -> Vec<ResourceId> {
    let value = |id: ResourceId, name: &str| {
        let held = view.instance(id).unwrap().attributes.get(name);
        held.map(|value| value.clone().unwrap_or_default())
    };
    let around = |id: ResourceId, name: &str| {
        let same = view.instances().filter(|(other, _)| value(*other, name) == value(id, name));
        let count: u32 = same.map(|(other, _)| view.in_group(group, other)).sum();
        (value(id, name).is_none(), count)
    };
    let mut left = fits;
    for strategy in strategies {
        let rank = |id: &ResourceId| {
            let one = view.instance(*id).unwrap();
            match strategy {
                Strategy::Random => (false, 0),
                Strategy::Spread(Spread::Instance) => (false, view.in_group(group, *id)),
                Strategy::Spread(Spread::Attribute(name)) => around(*id, name),
                Strategy::Binpack(Resource::Cpu) => (false, one.cpu),
                Strategy::Binpack(Resource::Memory) => (false, one.memory_mib),
            }
        };
        let lowest = left.iter().map(rank).min();
        left.retain(|id| Some(rank(id)) == lowest);
        if *strategy == Strategy::Random {
            break;
        }
    }
    left
}

struct World {
    view: ClusterView,
    ids: Ids,
    tasks: Vec<(ResourceId, Needs, Str)>,
}

impl World {
    fn below(&mut self, bound: u64) -> u64 {
        self.ids.below("test", bound)
    }

    fn any_instance(&mut self) -> InstanceView {
        let mut attributes = BTreeMap::new();
        for (name, values) in
            [(ZONE_ATTRIBUTE, 4), ("rack", 7), ("stack", 3), (MACHINE_ATTRIBUTE, 6)]
        {
            let value = self.below(values);
            if value > 0 {
                attributes.insert(Str::from(name), Some(Str::from(format!("v{value}"))));
            }
        }
        InstanceView {
            cpu: u32::try_from(self.below(8) * 100).unwrap(),
            memory_mib: u32::try_from(self.below(8) * 100).unwrap(),
            attributes: Arc::new(attributes),
            active: self.below(10) > 0,
            connected: self.below(10) > 0,
            ..InstanceView::default()
        }
    }

    fn disturb(&mut self) {
        let id = ResourceId(u128::from(self.below(30)) + 1);
        match self.below(8) {
            0 | 1 => {
                let instance = self.any_instance();
                let (gone, left) = self.tasks.drain(..).partition(|(on, ..)| *on == id);
                self.tasks = left;
                let gone: Vec<(ResourceId, Needs, Str)> = gone;
                for (on, _, group) in gone {
                    self.view.leave_group(&group, on);
                }
                self.view.put_instance(id, instance);
            }
            2 if self.below(3) == 0 => {
                self.view.remove_instance(id);
            }
            3 => {
                let connected = self.below(3) > 0;
                self.view.set_connected(id, connected);
            }
            4 | 5 if !self.tasks.is_empty() => {
                let count = self.tasks.len() as u64;
                let index = usize::try_from(self.below(count)).unwrap();
                let (on, needs, group) = self.tasks.swap_remove(index);
                self.view.leave_group(&group, on);
                self.view.release(on, &needs);
            }
            _ => {}
        }
    }

    fn rules(&mut self) -> (Vec<Constraint>, Vec<Strategy>) {
        let expressions = [
            "attribute:stack == v1",
            "attribute:rack in [v1, v2, v3] or task:group == h",
            "not(task:group == h)",
            "runningTasksCount < 3 and agentConnected == true",
        ];
        let mut constraints = Vec::new();
        if self.below(3) == 0 {
            constraints.push(Constraint::DistinctInstance);
        }
        if self.below(2) == 0 {
            let text = expressions[usize::try_from(self.below(4)).unwrap()];
            constraints.push(Constraint::MemberOf(Arc::new(Expression::parse(text).unwrap())));
        }
        let mut strategies = Vec::new();
        for _ in 0..=self.below(3) {
            strategies.push(match self.below(6) {
                0 => Strategy::Random,
                1 => Strategy::Spread(Spread::Instance),
                2 => Strategy::Spread(Spread::Attribute(ZONE_ATTRIBUTE.into())),
                3 => Strategy::Spread(Spread::Attribute("rack".into())),
                4 => Strategy::Binpack(Resource::Cpu),
                _ => Strategy::Binpack(Resource::Memory),
            });
        }
        (constraints, strategies)
    }

    /// Places a group, makes the copies real one by one and checks that each went to one of the
    /// best instances. Returns how many were placed.
    fn place(&mut self, needs: &Arc<Needs>) -> usize {
        let (constraints, strategies) = self.rules();
        let group: Str = if self.below(3) == 0 { "h".into() } else { "g".into() };
        let (count, seed) = (u32::try_from(self.below(5)).unwrap() + 1, self.below(u64::MAX));
        let request = Request {
            needs,
            group: &group,
            constraints: &constraints,
            strategies: &strategies,
            count,
            seed,
        };
        let plan = place(&mut self.view, &request);
        for id in &plan.placed {
            let allowed = best(self.fitting(&request), &self.view, &group, &strategies);
            assert!(allowed.contains(id), "{id} is not one of {allowed:?} for {request:?}");
            self.view.reserve(*id, needs);
            self.view.join_group(&group, *id);
            self.tasks.push((*id, Needs::clone(needs), group.clone()));
        }
        self.no_port_is_given_twice();
        if plan.placed.len() < usize::try_from(count).unwrap() {
            assert_eq!(self.fitting(&request), [], "{request:?}");
            assert_eq!(plan.refused.len(), self.view.instances().count());
        }
        plan.placed.len()
    }

    fn no_port_is_given_twice(&self) {
        let mut given = BTreeSet::new();
        for (on, needs, _) in &self.tasks {
            let Some(view) = self.view.instance(*on) else { continue };
            let machine = view.attributes.get(MACHINE_ATTRIBUTE).cloned().flatten();
            let machine = machine.unwrap_or_else(|| on.to_string().into());
            for port in &needs.ports {
                assert!(given.insert((machine.clone(), *port)), "{port:?} twice on {machine}");
            }
        }
    }

    fn fitting(&self, request: &Request<'_>) -> Vec<ResourceId> {
        let all = self.view.instances().map(|(id, _)| id);
        all.filter(|id| check(&self.view, *id, request, &Effort::unbounded()).is_ok()).collect()
    }
}

#[test]
fn a_plan_is_what_looking_at_every_instance_for_every_copy_would_give() {
    let mut placed = 0;
    for seed in 0..40 {
        let ids = Ids::new(seed);
        let mut world = World { view: ClusterView::default(), ids, tasks: Vec::new() };
        let needs =
            [(100, 100, None, None), (100, 0, Some(80), Some("rack")), (0, 200, Some(81), None)]
                .map(|(cpu, memory_mib, number, attribute)| {
                    let ports = number.map(port).into_iter().collect();
                    let required =
                        |name: &str| RequiredAttribute { name: name.into(), value: None };
                    let attributes = attribute.into_iter().map(required).collect();
                    Arc::new(Needs { cpu, memory_mib, ports, attributes, ..Needs::default() })
                });
        // Rankings prepared before there are instances must equal those made on demand.
        if seed % 2 == 0 {
            world.view.prepare(&needs[0], &[]);
        }
        for _ in 0..400 {
            world.disturb();
            if world.below(2) == 0 {
                let number = usize::try_from(world.below(3)).unwrap();
                placed += world.place(&needs[number]);
            }
        }
    }
    assert!(placed > 4_000, "only {placed} copies were placed");
}
