//! After a start: the cluster is read before anyone is answered. Source: \[R4\], \[T9\], section 7.4.
//!
//! Which tasks are ours stands in their environment overrides. A task that has ended is told once more, since nobody knows
//! whether its end was acknowledged; of several with one id only the latest counts.

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_replica::{Answer, Ask, Failure, LastStatus, Task};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::{FrameworkInfo, TaskState};

use crate::amounts::{self};
use crate::framework::Framework;
use crate::launch::{KILL_REASON, Launch, Phase};
use crate::machine::Output;
use crate::mapping::{
    CLAIM_VARIABLE, FRAMEWORK_VARIABLE, ROLE_VARIABLE, TASK_VARIABLE, cpu_units, memory_mib,
};
use crate::state::{Bridge, Purpose, Timer};
use crate::status::Updates;
use crate::{limits, observe, stray};

/// How far recovery has come.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    waiting: usize,
    tasks: Vec<Task>,
    failed: bool,
    done: bool,
}

impl Recovery {
    pub(crate) fn is_done(&self) -> bool {
        self.done
    }
}

/// Asks for everything.
pub(crate) fn begin(bridge: &mut Bridge, out: &mut Vec<Output>) {
    if bridge.recovery.done {
        return;
    }
    let asks = [
        Ask::ListInstances,
        Ask::ListTasks { desired_running: true, except: BTreeSet::new() },
        Ask::ListTasks { desired_running: false, except: BTreeSet::new() },
    ];
    bridge.recovery = Recovery { waiting: asks.len(), ..Recovery::default() };
    for ask in asks {
        bridge.ask(Purpose::Recover, ask, out);
    }
}

pub(crate) fn answered(
    bridge: &mut Bridge,
    now: Timestamp,
    result: Result<Answer, Failure>,
    out: &mut Vec<Output>,
) {
    match result {
        Ok(Answer::Instances(read)) => {
            let news = bridge.replica.merge_instances(read, true);
            observe::instances(bridge, now, news, out);
        }
        Ok(Answer::Tasks { found, .. }) => bridge.recovery.tasks.extend(found),
        Ok(_) => {}
        Err(failure) => {
            out.push(Output::Note(format!("the cluster cannot be read yet: {failure}")));
            bridge.recovery.failed = true;
        }
    }
    bridge.recovery.waiting = bridge.recovery.waiting.saturating_sub(1);
    if bridge.recovery.waiting > 0 {
        return;
    }
    if bridge.recovery.failed {
        bridge.at(now + limits::READ_RETRY_MS, Timer::Recover);
        return;
    }
    let tasks = std::mem::take(&mut bridge.recovery.tasks);
    stray::watch(bridge, now, &tasks);
    adopt_all(bridge, now, tasks, out);
    bridge.recovery.done = true;
    out.push(Output::Recovered);
    bridge.listed_at = now;
    bridge.swept_at = now;
    bridge.wants_allocation(now);
}

/// Takes over the tasks of ours, the latest of each id.
fn adopt_all(bridge: &mut Bridge, now: Timestamp, tasks: Vec<Task>, out: &mut Vec<Output>) {
    let mut latest: BTreeMap<(Str, Str), Task> = BTreeMap::new();
    for task in tasks {
        let Some(key) = identity(&task) else { continue };
        let rank = |task: &Task| (task.last_status != LastStatus::Stopped, task.created_at_ms);
        let older = match latest.get(&key) {
            Some(known) if rank(known) >= rank(&task) => Some(task),
            _ => latest.insert(key, task),
        };
        // Two of one id run only if the first was given up as lost: its framework knows of the second.
        if let Some(older) = older.filter(|task| task.last_status != LastStatus::Stopped) {
            stray::stop(bridge, now, older, out);
        }
    }
    for ((framework, id), task) in latest {
        adopt(bridge, now, &framework, &id, task, out);
    }
}

/// Framework id and task id of a task of ours.
pub(crate) fn identity(task: &Task) -> Option<(Str, Str)> {
    let variable = |name: &str| task.environment.get(name).cloned();
    Some((variable(FRAMEWORK_VARIABLE)?, variable(TASK_VARIABLE)?))
}

/// Takes over a task.
pub(crate) fn adopt(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    id: &str,
    task: Task,
    out: &mut Vec<Output>,
) {
    let (Some(launch_id), Some(instance)) = (task.started_by.clone(), task.instance_arn.clone())
    else {
        return;
    };
    let claim = task.environment.get(CLAIM_VARIABLE).and_then(|text| amounts::parse(text));
    let claim = claim.unwrap_or_default();
    let launch = Launch {
        id: launch_id.clone(),
        framework: framework.to_owned(),
        task: id.to_owned(),
        name: id.to_owned(),
        role: task.environment.get(ROLE_VARIABLE).map_or("*", |role| role).to_owned(),
        agent: instance.rsplit('/').next().unwrap_or_default().into(),
        instance,
        cpu_units: cpu_units(&claim),
        memory_mib: memory_mib(&claim),
        claim,
        info: None,
        plan: None,
        phase: Phase::Known,
        arn: Some(task.arn.clone()),
        // The readings of recovery show it.
        unseen: false,
        seen_after: 0,
        version_before: 0,
        accepted_at_ms: None,
        began_at: now,
        kill: !task.desired_running && task.stopped_reason.as_deref() == Some(KILL_REASON),
        state: TaskState::TaskStaging,
        updates: Updates::default(),
        note: None,
    };
    let known = bridge.frameworks.entry(framework.to_owned()).or_insert_with(|| {
        let mut framework = Framework::new(framework.to_owned(), FrameworkInfo::default(), now);
        framework.recovered = true;
        framework
    });
    known.tasks.insert(id.to_owned(), launch_id.clone());
    bridge.by_arn.insert(task.arn.clone(), launch_id.clone());
    bridge.launches.insert(launch_id.clone(), launch);
    bridge.reindex(&launch_id);
    observe::task(bridge, now, task, out);
}
