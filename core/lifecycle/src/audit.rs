//! What must hold on a host at any time.

use crate::container::Phase;
use crate::machine::Lifecycle;

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

/// Every invariant that does not hold; empty when all is well.
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
