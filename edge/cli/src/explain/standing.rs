//! Whether tasks can be started at all: deleted services and deregistered definitions are never
//! placed, even if there is room.

use super::read::Described;
use crate::args::ExplainArgs;
use crate::output::short;

/// What the status of a service and of its task definition means for new tasks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Why no task would be started.
    pub(super) blocked: Option<String>,
    /// A warning, although tasks would be started.
    pub(super) note: Option<String>,
}

impl Standing {
    /// Evaluates the description.
    pub(super) fn of(args: &ExplainArgs, described: &Described) -> Self {
        let service = described.service.as_ref();
        if let Some(service) = service.filter(|service| service.status != "ACTIVE") {
            let blocked = format!(
                "service {} is {}: it was deleted and cannot start tasks",
                service.name, service.status
            );
            return Self { blocked: Some(blocked), note: None };
        }
        let definition = &described.task_definition;
        let name = short(definition.task_definition_arn.as_deref().unwrap_or("task"));
        let what = match definition.status.as_deref() {
            Some("INACTIVE") => "it was deregistered",
            Some("DELETE_IN_PROGRESS") => "it is being deleted",
            _ => return Self::default(),
        };
        let status = definition.status.as_deref().unwrap_or_default();
        let wrong = format!("task definition {name} is {status}: {what}");
        // Source: ECS API reference, `DeregisterTaskDefinition`: services that use it keep running,
        // and scale.
        if service.is_some() && args.task_definition.is_none() {
            let note = format!(
                "{wrong}. The service keeps starting tasks from it; RunTask and new deployments need an ACTIVE revision"
            );
            return Self { blocked: None, note: Some(note) };
        }
        Self {
            blocked: Some(format!(
                "{wrong}, and no task can be started from it. Choose an ACTIVE revision, or register a new one"
            )),
            note: None,
        }
    }
}
