//! One attempt to start one task: from an accepted offer to the end of the ECS task.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::TaskState;

use super::group::Part;
use super::mapping::{self, Plan};
use super::terms::{Terms, Why};
use crate::amounts::Amounts;
use crate::ids::{AgentId, ExecutorId, FrameworkId, LaunchId, Role, TaskId};

/// How far a launch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Its task definition is being found or registered.
    Preparing,
    /// `StartTask` is out.
    Starting,
    /// The reply of `StartTask` was lost; how often the launch has been looked for.
    Unsure(u32),
    /// ECS has the task.
    Known,
    /// It has ended, or never began.
    Over,
}

/// Whose task or executor a launch is, and where it is to run.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) framework: FrameworkId,
    /// The task; of an executor, its own id.
    pub(crate) task: TaskId,
    /// The executor that the framework gave, if it gave one.
    pub(crate) executor: Option<ExecutorId>,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// ARN of the instance.
    pub(crate) instance: Str,
    /// The same as frameworks know it.
    pub(crate) agent: AgentId,
    /// What the framework said that it uses.
    pub(crate) claim: Amounts,
    /// When it is to end without another word.
    pub(crate) terms: Terms,
}

/// What is known of a launch from before this master, that ECS has.
#[derive(Clone, Debug)]
pub(crate) struct Adopted {
    pub(crate) id: LaunchId,
    pub(crate) arn: Str,
    /// Why it is to end, if it is.
    pub(crate) end: Option<Why>,
    /// The container of a group for whose sake all of it is to end, if it is one.
    pub(crate) culprit: Option<Str>,
}

/// `StartTask` was refused, and the definition is looked up once more before the launch is given up.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// ARN of the definition that it was to be started with.
    pub(super) definition: Str,
    pub(super) why: String,
}

/// One attempt to start one task.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The `startedBy` of its ECS task.
    pub(super) id: LaunchId,
    pub(super) origin: Origin,
    pub(super) part: Part,
    /// CPU units that ECS reserves for it.
    pub(super) cpu_units: u32,
    /// MiB that ECS reserves for it.
    pub(super) memory_mib: u32,
    /// GPUs that ECS gives it.
    pub(super) gpus: u32,
    /// How it is to be run, until the cluster has it.
    pub(super) plan: Option<Box<Plan>>,
    pub(super) phase: Phase,
    /// ARN of the definition that it was last to be started with.
    pub(super) definition: Option<Str>,
    pub(super) refusal: Option<Refusal>,
    pub(super) arn: Option<Str>,
    /// Whether what it reserves does not show in the cluster's own figures yet.
    pub(super) unseen: bool,
    /// The first reading of instances that was asked for after ECS accepted it.
    pub(super) seen_after: u64,
    /// The version of its instance when it began.
    pub(super) version_before: i64,
    /// When ECS accepted it, by ECS's clock, in ms since the epoch.
    pub(super) accepted_at_ms: Option<u64>,
    pub(super) began_at: Timestamp,
    /// When it was heard that ECS has it.
    pub(super) known_at: Timestamp,
    /// Why it is to end, if it is.
    pub(super) end: Option<Why>,
    /// When it has taken as long as it may.
    pub(super) late_at: Option<Timestamp>,
    /// Seconds that its definition gives it to end by itself, if it is known to say so.
    pub(super) grace_s: Option<u32>,
    pub(super) state: TaskState,
    /// Something that its framework should hear with the next update.
    pub(super) note: Option<String>,
    /// Whether its agent is unreachable, so that it is none of the live tasks of its framework.
    pub(super) away: bool,
    /// Whether its framework was told that it is over, while ECS may still have it for a moment.
    pub(super) disowned: bool,
    /// Whether it is counted for its framework.
    pub(super) counted: bool,
}

impl Launch {
    /// A launch that begins.
    pub(super) fn new(id: LaunchId, origin: Origin, part: Part, now: Timestamp) -> Self {
        Self {
            id,
            cpu_units: mapping::cpu_units(&origin.claim),
            memory_mib: mapping::memory_mib(&origin.claim),
            gpus: mapping::gpus(&origin.claim),
            origin,
            part,
            plan: None,
            phase: Phase::Preparing,
            definition: None,
            refusal: None,
            arn: None,
            unseen: true,
            seen_after: u64::MAX,
            version_before: 0,
            accepted_at_ms: None,
            began_at: now,
            known_at: now,
            end: None,
            late_at: None,
            grace_s: None,
            state: TaskState::TaskStaging,
            note: None,
            away: false,
            disowned: false,
            counted: false,
        }
    }

    pub(crate) fn id(&self) -> &LaunchId {
        &self.id
    }

    pub(crate) fn framework(&self) -> &FrameworkId {
        &self.origin.framework
    }

    pub(crate) fn task(&self) -> &TaskId {
        &self.origin.task
    }

    /// The executor that the framework gave, if it gave one.
    pub(crate) fn executor_id(&self) -> Option<&ExecutorId> {
        self.origin.executor.as_ref()
    }

    pub(crate) fn name(&self) -> &str {
        &self.origin.name
    }

    pub(crate) fn role(&self) -> &Role {
        &self.origin.role
    }

    /// ARN of its instance.
    pub(crate) fn instance(&self) -> &Str {
        &self.origin.instance
    }

    pub(crate) fn agent(&self) -> &AgentId {
        &self.origin.agent
    }

    pub(crate) fn claim(&self) -> &Amounts {
        &self.origin.claim
    }

    pub(crate) fn plan(&self) -> Option<&Plan> {
        self.plan.as_deref()
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// The ARN of its task, once ECS has it.
    pub(crate) fn arn(&self) -> Option<&Str> {
        self.arn.as_ref()
    }

    pub(crate) fn seen_after(&self) -> u64 {
        self.seen_after
    }

    pub(crate) fn version_before(&self) -> i64 {
        self.version_before
    }

    pub(crate) fn accepted_at_ms(&self) -> Option<u64> {
        self.accepted_at_ms
    }

    pub(crate) fn began_at(&self) -> Timestamp {
        self.began_at
    }

    /// When it was heard that ECS has it.
    pub(crate) fn known_at(&self) -> Timestamp {
        self.known_at
    }

    /// Whether it is to end.
    pub(crate) fn is_killed(&self) -> bool {
        self.end.is_some()
    }

    /// Why it is to end, if it is.
    pub(crate) fn end(&self) -> Option<Why> {
        self.end
    }

    /// Whether a master before this one started it: this one starts each with a definition.
    pub(crate) fn is_adopted(&self) -> bool {
        self.definition.is_none()
    }

    /// When it is to end without another word.
    pub(crate) fn terms(&self) -> &Terms {
        &self.origin.terms
    }

    /// When it has taken as long as it may.
    pub(crate) fn late_at(&self) -> Option<Timestamp> {
        self.late_at
    }

    /// The state that its framework is told last.
    pub(crate) fn state(&self) -> TaskState {
        self.state
    }

    /// Whether it has, or may have, something of its instance.
    pub(crate) fn holds(&self) -> bool {
        self.phase != Phase::Over
    }

    /// Whether its agent is unreachable.
    pub(crate) fn is_away(&self) -> bool {
        self.away
    }

    /// Whether its framework was told that it is over, while ECS may still have it.
    pub(crate) fn is_disowned(&self) -> bool {
        self.disowned
    }

    /// Whether what it has counts for its framework. Source: Mesos recovers what tasks on unreachable agents had.
    pub(super) fn counts(&self) -> bool {
        self.holds() && !self.away && !self.disowned
    }

    /// Whether something about it is about to change.
    pub(super) fn is_hot(&self) -> bool {
        let is_member = self.container().is_some();
        let is_settled = self.state == TaskState::TaskRunning && !self.is_killed();
        self.phase == Phase::Known && !self.away && !is_member && !is_settled
    }
}
