//! Rebuilds a task from its row. What is not stored is derived from its definition and overrides,
//! as at launch.

use std::sync::Arc;

use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::{ApiError, Str};

use super::run_task::{self, overrides};
use crate::record::{Task, TaskRow, TaskTemplate};
use crate::state::State;

/// Rebuilds stored tasks. Tasks of one request are stored separately; the template they shared is
/// found again.
#[derive(Debug, Default)]
pub(crate) struct Templates {
    last: Option<Arc<TaskTemplate>>,
}

impl Templates {
    /// Completes a stored task with what follows from its row, its definition and its overrides.
    ///
    /// # Errors
    /// Names the task whose cluster or definition is missing or does not match.
    pub(crate) fn whole_task(&mut self, state: &State, row: TaskRow<'_>) -> Result<Task, String> {
        let arn = row.arns.arn_of_id(&row.realm, "task", &row.cluster, row.id);
        let home = state.cluster(&row.realm, &row.cluster);
        let home = home.ok_or_else(|| format!("{arn} has no cluster"))?;
        let instance_arn = if let Some(instance) = home.instances.get(&row.instance) {
            instance.arn.clone()
        } else {
            let kind = "container-instance";
            row.instance_arns.arn_of_id(&row.realm, kind, &row.cluster, row.instance)
        };
        let template = if let Some(last) = self.last.take().filter(|last| row.is_of(last)) {
            last
        } else {
            let template = template_of(state, &row, home.record.arn.clone());
            Arc::new(template.map_err(|why| format!("{arn} {why}"))?)
        };
        self.last = Some(template.clone());
        Ok(row.into_task(arn, instance_arn, template))
    }
}

fn template_of(state: &State, row: &TaskRow<'_>, cluster_arn: Str) -> Result<TaskTemplate, String> {
    let definition = state.definition(&row.realm, &row.family, row.revision);
    let definition = definition.ok_or("has no task definition")?.clone();
    let given = row.overrides.as_deref().map(|given| &**given);
    let unfit = |error: ApiError| format!("has overrides that do not fit: {error}");
    let (overrides, containers) = overrides::apply(&definition, given).map_err(unfit)?;
    let needs = run_task::needs(&definition, &containers, given).map_err(unfit)?;
    Ok(TaskTemplate {
        realm: Realm::clone(&row.realm),
        cluster: Str::clone(&row.cluster),
        cluster_arn,
        definition,
        containers,
        overrides: Arc::new(overrides),
        is_overridden: given.is_some(),
        needs,
        group: Str::clone(&row.group),
        started_by: row.started_by.as_deref().cloned(),
        arns: row.arns,
    })
}
