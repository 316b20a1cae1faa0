//! The placement engine alone: the cost per task, decided and made real, in clusters of three
//! sizes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use longshore_placement::query::Expression;
use longshore_placement::{
    ClusterView, Constraint, InstanceView, Needs, Request, Resource, Spread, Strategy,
    ZONE_ATTRIBUTE, place,
};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;

use crate::report;

/// Number of tasks placed in each cluster.
const TASKS: u32 = 200_000;
/// Number of tasks that fit on an instance.
const ROOM: u32 = 64;

fn cluster(instances: u32) -> ClusterView {
    let mut view = ClusterView::default();
    for number in 0..instances {
        let pair = |name: &str, value: String| (Str::from(name), Some(Str::from(value)));
        let attributes = [
            pair(ZONE_ATTRIBUTE, format!("us-east-1{}", ["a", "b", "c"][number as usize % 3])),
            pair("ecs.instance-type", format!("m{}.large", 4 + number % 4)),
            pair("stack", ["prod", "test"][number as usize % 2].to_owned()),
        ];
        let instance = InstanceView {
            cpu: ROOM * 10,
            memory_mib: ROOM * 10,
            attributes: Arc::new(attributes.into()),
            active: true,
            connected: true,
            ..InstanceView::default()
        };
        view.put_instance(ResourceId(u128::from(number)), instance);
    }
    view
}

/// Microseconds per task, placed `count` at a time, for several groups in turn. Once half of the
/// room permitted by the constraint is used, the oldest task ends for each one placed, which is
/// included in the cost.
fn cost(view: &mut ClusterView, count: u32, groups: u32, tasks: u32) -> Result<f64> {
    let needs = Arc::new(Needs { cpu: 10, memory_mib: 10, ..Needs::default() });
    let expression = "attribute:stack == prod and attribute:ecs.instance-type =~ m[45].*";
    let constraints = [Constraint::MemberOf(Arc::new(Expression::parse(expression)?))];
    let strategies = [
        Strategy::Spread(Spread::Attribute(ZONE_ATTRIBUTE.into())),
        Strategy::Binpack(Resource::Memory),
    ];
    let groups: Vec<Str> = (0..groups).map(|group| format!("service:{group}").into()).collect();
    let mut running = VecDeque::new();
    let most = view.instances().count() * ROOM as usize / 8;
    let began = Instant::now();
    for (seed, group) in (0..tasks / count).zip(groups.iter().cycle()) {
        let (constraints, strategies) = (&constraints[..], &strategies[..]);
        let seed = u64::from(seed);
        let request = Request { needs: &needs, group, constraints, strategies, count, seed };
        for id in place(view, &request).placed {
            view.reserve(id, &needs);
            view.join_group(group, id);
            running.push_back((id, group));
        }
        while running.len() > most {
            let Some((id, group)) = running.pop_front() else { break };
            view.leave_group(group, id);
            view.release(id, &needs);
        }
    }
    let elapsed = began.elapsed();
    for (id, group) in running {
        view.leave_group(group, id);
        view.release(id, &needs);
    }
    Ok(elapsed.as_secs_f64() * 1e6 / f64::from(tasks))
}

pub(crate) fn run() -> Result<()> {
    let mut figures = Vec::new();
    for instances in [100, 1_000, 10_000] {
        let mut view = cluster(instances);
        // Excludes the higher cost of the first request of a kind.
        cost(&mut view, 10, 1, 100)?;
        let each = cost(&mut view, 10, 1, TASKS)?;
        let alone = cost(&mut view, 1, 1, TASKS)?;
        report(
            &format!("place(), count=10, {instances} instances"),
            &format!("{each:.2} us"),
            "5 us",
        );
        report(&format!("place(), count=1, {instances} instances"), &format!("{alone:.2} us"), "");
        figures.push(each);
    }
    let ratio = figures.last().context("there are figures")? / figures[0];
    report("  10,000 instances to 100", &format!("{ratio:.2} x"), "2 x");
    let mut view = cluster(10_000);
    let cold = cost(&mut view, 100, 1_000, 100_000)?;
    report("place(), 1,000 groups of 100, once each", &format!("{cold:.2} us"), "");
    Ok(())
}
