//! A group of tasks that is to be launched, as it was asked for. Source: \[C12\], \[C13\], \[C15\].

use std::sync::Arc;

use longshore_wire_mesos::encoded_bytes;
use longshore_wire_mesos::v1::offer::operation::LaunchGroup;
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{ExecutorInfo, TaskInfo};

use super::{Candidate, Piece, spoiled};
use crate::amounts::Amounts;
use crate::limits;

/// A group to launch.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) executor: ExecutorInfo,
    /// What the executor itself uses.
    pub(crate) claim: Amounts,
    /// The tasks. One that names no executor has that of the group.
    pub(crate) tasks: Vec<Candidate>,
}

/// The group as one piece; or each of its tasks, if it cannot be launched whatever the offers hold.
pub(super) fn pieces(has_id: bool, asked: LaunchGroup) -> Vec<Piece> {
    let LaunchGroup { executor, task_group } = asked;
    let tasks = task_group.tasks;
    match read(has_id, &executor, &tasks) {
        Ok((claim, claims)) => {
            let tasks = tasks.into_iter().zip(claims);
            let tasks =
                tasks.map(|(info, claim)| Candidate { bytes: encoded_bytes(&info), info, claim });
            vec![Piece::Group(Box::new(Group { executor, claim, tasks: tasks.collect() }))]
        }
        Err(why) => {
            let why: Arc<str> = why.into();
            let reason = Reason::TaskGroupInvalid;
            tasks.into_iter().map(|task| spoiled(task, reason, &why)).collect()
        }
    }
}

/// What the executor and the tasks claim.
fn read(
    has_id: bool,
    executor: &ExecutorInfo,
    tasks: &[TaskInfo],
) -> Result<(Amounts, Vec<Amounts>), String> {
    if has_id {
        return Err("LAUNCH_GROUP must not have an id".to_owned());
    }
    let invalid = |why: String| format!("Task group uses invalid resources: {why}");
    let claim = Amounts::read(&executor.resources).map_err(invalid)?;
    let claims: Result<Vec<Amounts>, String> =
        tasks.iter().map(|task| Amounts::read(&task.resources)).collect();
    let claims = claims.map_err(invalid)?;
    let bytes = encoded_bytes(executor) + tasks.iter().map(encoded_bytes).sum::<usize>();
    let most = limits::TASK_BYTES_MAX;
    if bytes > most {
        return Err(format!(
            "Task group has {bytes} bytes; at most {most} can be mapped to Amazon ECS"
        ));
    }
    let most = limits::TASKS_PER_GROUP_MAX;
    if tasks.len() > most {
        let number = tasks.len();
        return Err(format!(
            "Task group has {number} tasks; at most {most} can be mapped to Amazon ECS, whose tasks have {} containers",
            most + 1
        ));
    }
    Ok((claim, claims))
}

impl Group {
    /// How large it is.
    pub(crate) fn bytes(&self) -> usize {
        self.tasks.iter().map(|task| task.bytes).sum()
    }
}
