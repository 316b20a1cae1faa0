//! Whether the dependencies of a container are met.
//!
//! Source: ECS API reference, `ContainerDependency.condition` and
//! `ContainerDefinition.startTimeout`; for conditions that can never be met, and the messages about
//! them, the dependency graph of amazon-ecs-agent.

use longshore_machine::Timestamp;
use longshore_wire_ecs::host::{Health, TaskSpec};
use longshore_wire_ecs::shape::container_definition::ContainerDefinition;

use crate::container::{ContainerState, GAVE_UP_CODE, Phase};

/// Whether a container may start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All conditions hold.
    Met,
    /// Some do not hold yet.
    NotYet,
    /// One can never hold; the reason is worded as by the agent.
    Never(String),
}

/// The containers that a container depends on, and the condition that each must reach.
fn dependencies(of: &ContainerDefinition) -> impl Iterator<Item = (&str, &str)> {
    let told = of.depends_on.iter().flatten().map(|dependency| {
        let on = dependency.container_name.as_deref().unwrap_or_default();
        (on, dependency.condition.as_deref().unwrap_or("START"))
    });
    told.chain(of.made_after().map(|on| (on, "START")))
}

/// The same, with the indexes of the containers in the definition.
fn targets(spec: &TaskSpec, index: usize) -> impl Iterator<Item = (usize, &str)> {
    dependencies(&spec.containers[index].definition).filter_map(|(on, condition)| {
        let target = spec.containers.iter().position(|container| container.name() == on)?;
        Some((target, condition))
    })
}

/// Checks each dependency of the container at `index`.
pub(crate) fn check(
    spec: &TaskSpec,
    containers: &[ContainerState],
    index: usize,
    now: Timestamp,
) -> Verdict {
    let mut verdict = Verdict::Met;
    for (on, condition) in targets(spec, index) {
        let pair = || {
            let dependency = told(spec, on, stages(&containers[on]), containers[on].exit_code);
            format!(
                "dependency [{dependency}] for target [{}]",
                told(spec, index, "NONE->RUNNING", None)
            )
        };
        let late = late_at(spec, containers, on, condition).is_some_and(|at| at <= now);
        match one(condition, &containers[on]) {
            Outcome::Met => {}
            Outcome::NotYet if late => {
                return Verdict::Never(format!(
                    "dependency graph: container ordering {} has timed out.",
                    pair()
                ));
            }
            Outcome::NotYet => verdict = Verdict::NotYet,
            Outcome::Never(why) => {
                return Verdict::Never(format!(
                    "dependency graph: failed to resolve container ordering {} {why}",
                    pair()
                ));
            }
        }
    }
    verdict
}

/// Formats a container as the agent does.
fn told(spec: &TaskSpec, index: usize, stages: &str, exit_code: Option<i32>) -> String {
    let spec = &spec.containers[index];
    let image = spec.definition.image.as_deref().unwrap_or_default();
    let exit = exit_code.map(|code| format!(" - Exit: {code}")).unwrap_or_default();
    format!("{}({image}) ({stages}){exit}", spec.name())
}

/// Formats a container's current and desired state as the agent does.
fn stages(container: &ContainerState) -> &'static str {
    match container.phase {
        Phase::Waiting | Phase::Starting => "NONE->RUNNING",
        Phase::Running => "RUNNING->RUNNING",
        Phase::Over if container.ran => "STOPPED->RUNNING",
        Phase::Over if container.exit_code == Some(GAVE_UP_CODE) => "NONE->STOPPED",
        Phase::Over => "CREATED->STOPPED",
    }
}

/// The state of one condition.
enum Outcome {
    Met,
    NotYet,
    /// It can never hold; the end of the sentence that says why.
    Never(&'static str),
}

fn one(condition: &str, target: &ContainerState) -> Outcome {
    let over = target.phase == Phase::Over;
    match condition {
        _ if over && !target.ran => Outcome::Never("because dependency will never start"),
        "SUCCESS" if over && target.exit_code != Some(0) => {
            Outcome::Never("as dependency did not exit successfully.")
        }
        "COMPLETE" | "SUCCESS" if over => Outcome::Met,
        "COMPLETE" | "SUCCESS" => Outcome::NotYet,
        "HEALTHY" if target.health() == Health::Healthy => Outcome::Met,
        // Chosen by us: the ECS agent leaves such a task PENDING forever.
        "HEALTHY" if over => Outcome::Never("as dependency stopped before it was healthy."),
        // An UNHEALTHY container may recover.
        "HEALTHY" => Outcome::NotYet,
        _ if target.ran => Outcome::Met,
        _ => Outcome::NotYet,
    }
}

/// When the container at `target` has taken too long to reach a condition, counted from its start:
/// the dependency's `startTimeout`. Without one there is no limit.
fn late_at(
    spec: &TaskSpec,
    containers: &[ContainerState],
    target: usize,
    condition: &str,
) -> Option<Timestamp> {
    let takes_time = matches!(condition, "COMPLETE" | "SUCCESS" | "HEALTHY");
    let given = spec.containers[target].definition.start_timeout.filter(|_| takes_time)?;
    let seconds = u64::try_from(given).ok().filter(|seconds| *seconds > 0)?;
    Some(containers[target].started_at? + seconds.saturating_mul(1000))
}

/// The earliest time at which a dependency of a waiting container will have taken too long.
pub(crate) fn deadline(
    spec: &TaskSpec,
    containers: &[ContainerState],
    index: usize,
) -> Option<Timestamp> {
    let running =
        targets(spec, index).filter(|(target, _)| containers[*target].phase == Phase::Running);
    running.filter_map(|(target, condition)| late_at(spec, containers, target, condition)).min()
}

/// Whether another running container still depends on the one at `index`, which is therefore
/// stopped later.
pub(crate) fn is_needed(spec: &TaskSpec, containers: &[ContainerState], index: usize) -> bool {
    let name = spec.containers[index].name();
    spec.containers.iter().zip(containers).any(|(container, state)| {
        let alive = matches!(state.phase, Phase::Starting | Phase::Running);
        alive && dependencies(&container.definition).any(|(on, _)| on == name)
    })
}
