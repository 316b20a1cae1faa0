//! After a start: the cluster is read before anyone is answered. Source: \[R4\], \[T9\], \[F22\].
//!
//! Which tasks are ours stands in their environment overrides. A task that has ended is told once more, since nobody knows
//! whether its end was acknowledged; of several with one id only the latest counts.

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_replica::{Answer, Ask, Failure, LastStatus, Task};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::TaskState;

use crate::amounts::{self};
use crate::framework::Framework;
use crate::launch::{Launch, Phase};
use crate::machine::Output;
use crate::mapping::{
    CLAIM_VARIABLE, FRAMEWORK_VARIABLE, ROLE_VARIABLE, TASK_VARIABLE, cpu_units, memory_mib,
};
use crate::state::{Bridge, Purpose, Timer};
use crate::status::Updates;
use crate::stop::KILL_REASON;
use crate::work::{self, Job, Slice, Units};
use crate::{limits, observe, stray, sweep};

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
            out.push(Output::Note(format!("cannot read the cluster yet, will retry: {failure}")));
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
    let tasks = std::mem::take(&mut bridge.recovery.tasks).into_iter();
    let adoption = Adoption { tasks, latest: BTreeMap::new() };
    work::begin(bridge, now, Job::Adopt(Box::new(adoption)), out);
}

/// The tasks of ours are taken over, the latest of each id.
#[derive(Debug)]
pub(crate) struct Adoption {
    /// Those that have not been looked at.
    tasks: std::vec::IntoIter<Task>,
    latest: BTreeMap<(Str, Str), Task>,
}

impl Adoption {
    /// The next slice.
    pub(crate) fn go_on(
        &mut self,
        bridge: &mut Bridge,
        now: Timestamp,
        units: &mut Units,
        out: &mut Vec<Output>,
    ) -> Slice {
        while self.tasks.len() > 0 {
            if !units.take(5) {
                return Slice::Open;
            }
            let Some(task) = self.tasks.next() else { break };
            self.look(bridge, now, task, out);
        }
        while !self.latest.is_empty() {
            if !units.take(25) {
                return Slice::Open;
            }
            let Some(((framework, id), task)) = self.latest.pop_first() else { break };
            adopt(bridge, now, &framework, &id, task, out);
        }
        stray::watch(bridge, now);
        bridge.recovery.done = true;
        out.push(Output::Recovered);
        bridge.listed_at = now;
        sweep::was_done(bridge, now);
        bridge.wants_allocation(now);
        Slice::Done
    }

    fn look(&mut self, bridge: &mut Bridge, now: Timestamp, task: Task, out: &mut Vec<Output>) {
        stray::saw(bridge, &task);
        let Some(key) = identity(&task) else { return };
        let rank = |task: &Task| (task.last_status != LastStatus::Stopped, task.created_at_ms);
        let older = match self.latest.get(&key) {
            Some(known) if rank(known) >= rank(&task) => Some(task),
            _ => self.latest.insert(key, task),
        };
        // Two of one id run only if the first was given up as lost: its framework knows of the second.
        if let Some(older) = older.filter(|task| task.last_status != LastStatus::Stopped) {
            stray::stop(bridge, now, older, out);
        }
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
        framework: framework.into(),
        task: id.to_owned(),
        name: id.to_owned(),
        role: task.environment.get(ROLE_VARIABLE).cloned().unwrap_or_else(|| "*".into()),
        agent: instance.rsplit('/').next().unwrap_or_default().into(),
        instance,
        cpu_units: cpu_units(&claim),
        memory_mib: memory_mib(&claim),
        claim,
        shown: None,
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
    bridge.frameworks.entry(framework.into()).or_insert_with(|| {
        let mut framework = Framework::new(framework.into(), now);
        framework.recovered = true;
        framework
    });
    bridge.by_arn.insert(task.arn.clone(), launch_id);
    bridge.add_launch(launch);
    observe::task(bridge, now, task, out);
}
