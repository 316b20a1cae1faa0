//! Invariants of a host.

use crate::container::Phase;
use crate::machine::Lifecycle;

/// A violated invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

/// Returns every violated invariant; empty if there is none.
pub fn audit(host: &Lifecycle) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (id, task) in &host.tasks {
        for (index, container) in task.containers.iter().enumerate() {
            if container.phase == Phase::Running && !container.ran {
                violations.push(Violation(format!(
                    "container {index} of task {id} runs and never started"
                )));
            }
            if container.killed && container.kill_at.is_none() && container.phase != Phase::Over {
                violations
                    .push(Violation(format!("container {index} of task {id} was killed unasked")));
            }
        }
    }
    violations
}
