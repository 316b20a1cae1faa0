//! Whether the containers that one depends on have come far enough.
//!
//! Source: ECS API reference, `ContainerDependency.condition`.

use longshore_wire_ecs::host::{Health, TaskSpec};
use longshore_wire_ecs::shape::container_definition::ContainerDefinition;

use crate::container::{ContainerState, Phase};

/// Whether a container may start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All conditions hold.
    Met,
    /// Some do not hold yet.
    NotYet,
    /// One can never hold; why, for people.
    Never(String),
}

/// The containers that one depends on, and the condition that each has to reach.
fn dependencies(of: &ContainerDefinition) -> impl Iterator<Item = (&str, &str)> {
    let told = of.depends_on.iter().flatten().map(|dependency| {
        let on = dependency.container_name.as_deref().unwrap_or_default();
        (on, dependency.condition.as_deref().unwrap_or("START"))
    });
    told.chain(of.made_after().map(|on| (on, "START")))
}

/// Looks at each dependency of the container at `index`.
pub(crate) fn check(spec: &TaskSpec, containers: &[ContainerState], index: usize) -> Verdict {
    let mut verdict = Verdict::Met;
    for (on, condition) in dependencies(&spec.containers[index].definition) {
        let Some(target) = spec.containers.iter().position(|container| container.name() == on)
        else {
            continue;
        };
        match one(condition, &containers[target]) {
            Verdict::Met => {}
            Verdict::NotYet => verdict = Verdict::NotYet,
            Verdict::Never(why) => {
                return Verdict::Never(format!("dependency {on} did not reach {condition}: {why}"));
            }
        }
    }
    verdict
}

fn one(condition: &str, target: &ContainerState) -> Verdict {
    let over = target.phase == Phase::Over;
    let never = |why: &str| Verdict::Never(why.to_owned());
    match condition {
        "START" if target.ran => Verdict::Met,
        "COMPLETE" | "SUCCESS" if over && !target.ran => never("it never started"),
        "COMPLETE" if over => Verdict::Met,
        "SUCCESS" if over => match target.exit_code {
            Some(0) => Verdict::Met,
            Some(code) => never(&format!("it exited with code {code}")),
            None => never("its exit code is unknown"),
        },
        "HEALTHY" if over => never("it ended"),
        "HEALTHY" => match target.health() {
            Health::Healthy => Verdict::Met,
            Health::Unhealthy => never("it is unhealthy"),
            Health::Unknown => Verdict::NotYet,
        },
        _ if over => never("it never started"),
        _ => Verdict::NotYet,
    }
}

/// Whether another running container still depends on the one at `index`: it is stopped after that one.
pub(crate) fn is_needed(spec: &TaskSpec, containers: &[ContainerState], index: usize) -> bool {
    let name = spec.containers[index].name();
    spec.containers.iter().zip(containers).any(|(container, state)| {
        let alive = matches!(state.phase, Phase::Starting | Phase::Running);
        alive && dependencies(&container.definition).any(|(on, _)| on == name)
    })
}
