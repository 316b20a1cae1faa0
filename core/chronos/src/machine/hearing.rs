//! What the driver calls back with.

use longshore_driver_machine::framework::GivenUp;
use longshore_driver_machine::{Callback, Command};
use longshore_wire_mesos::is_terminal;
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{AgentId, TaskId as MesosTaskId, TaskState, TaskStatus};

use super::{Chronos, Context, Output};
use crate::limits;
use crate::runs::{End, Stage, TaskId};

impl Chronos {
    pub(super) fn hears(&mut self, cx: &mut Context, callback: Callback) {
        match callback {
            Callback::Registered(id, _) => self.opens(cx, Some(id.value)),
            Callback::Reregistered(_) => self.opens(cx, None),
            Callback::Disconnected => {
                self.offers.clear();
                self.session.closes();
            }
            Callback::ResourceOffers(offers) => {
                if let Some(decline) = self.offers.hold(offers) {
                    cx.say(decline);
                }
            }
            Callback::OfferRescinded(id) => self.offers.rescind(&id),
            Callback::StatusUpdate(status) => {
                self.updated(cx, &status);
                // Said after the changes of this step are stored.
                if status.uuid.is_some() {
                    cx.say(Command::Acknowledge(status));
                }
            }
            Callback::Error(text) => self.failed(cx, text),
            // Tasks of an agent that is left or gone are told by updates of their own, and there are no executors.
            Callback::InverseOffers(_)
            | Callback::InverseOfferRescinded(_)
            | Callback::FrameworkMessage(..)
            | Callback::AgentLost(_)
            | Callback::ExecutorLost(..) => {}
        }
    }

    fn opens(&mut self, cx: &mut Context, framework: Option<String>) {
        self.offers.clear();
        cx.framework = self.session.opens(cx.now, framework);
        // What was said without a subscription was lost.
        let is_there = |stage| matches!(stage, Stage::Launched | Stage::Running);
        let killed = self.runs.all().filter(|(_, run)| is_there(run.stage) && run.is_killed);
        let killed: Vec<TaskId> = killed.map(|(id, _)| id.clone()).collect();
        for id in killed {
            self.runs.timer(&id, Some(cx.now));
        }
    }

    /// The driver has given up: another one takes its place, or the scheduler ends.
    fn failed(&mut self, cx: &mut Context, text: String) {
        self.offers.clear();
        match self.session.gives_up(cx.now, &text) {
            GivenUp::Removed => {
                cx.framework = true;
                self.all_lost(cx);
            }
            GivenUp::Again => {}
            GivenUp::Over => cx.said.push(Output::Failed(text)),
        }
    }

    /// The master has killed all tasks with the framework, and tells nobody.
    fn all_lost(&mut self, cx: &mut Context) {
        let out = self.runs.all().filter(|(_, run)| run.stage.is_out());
        let out: Vec<TaskId> = out.map(|(id, _)| id.clone()).collect();
        for id in out {
            self.concludes(cx, &id, End::Lost, "the framework was removed from the master");
        }
    }

    /// Asks for the states of tasks that are out, and for those of all others that the master knows.
    pub(super) fn reconciles(&mut self, cx: &mut Context) {
        if !self.session.reconciles(cx.now) {
            return;
        }
        let status = |id: &TaskId, agent: &str| TaskStatus {
            task_id: MesosTaskId { value: id.to_string() },
            agent_id: Some(AgentId { value: agent.to_owned() }).filter(|one| !one.value.is_empty()),
            state: TaskState::TaskStaging.into(),
            ..TaskStatus::default()
        };
        let out = self.runs.all().filter(|(_, run)| run.stage.is_out());
        let asked: Vec<TaskStatus> = out.map(|(id, run)| status(id, &run.agent)).collect();
        for some in asked.chunks(limits::RECONCILED_TASKS_MAX) {
            cx.say(Command::Reconcile(some.to_vec()));
        }
        // Source: no tasks mean all that the master knows.
        cx.say(Command::Reconcile(Vec::new()));
    }

    fn updated(&mut self, cx: &mut Context, status: &TaskStatus) {
        let id = TaskId::from(status.task_id.value.as_str());
        let state = status.state();
        let Some(run) = self.runs.get(&id).filter(|run| run.stage.is_out()) else {
            // A task that we gave up, or whose job is gone; an end that is told twice needs nothing.
            if !is_terminal(state) && state != TaskState::TaskUnknown {
                cx.say(Command::Kill(status.task_id.clone()));
            }
            return;
        };
        let (stage, is_killed) = (run.stage, run.is_killed);
        let end = match state {
            TaskState::TaskStaging
            | TaskState::TaskStarting
            | TaskState::TaskRunning
            | TaskState::TaskKilling => {
                if stage != Stage::Running {
                    let again = is_killed.then(|| cx.now + limits::KILL_AGAIN_MS);
                    self.runs.timer(&id, again);
                    self.runs.edit(&id, |run| run.stage = Stage::Running);
                }
                return;
            }
            TaskState::TaskUnreachable => {
                // Told again it is no news.
                if stage != Stage::Unreachable {
                    self.runs.timer(&id, Some(cx.now + limits::UNREACHABLE_MS));
                    self.runs.edit(&id, |run| run.stage = Stage::Unreachable);
                }
                return;
            }
            TaskState::TaskFinished => End::Finished,
            TaskState::TaskKilled => End::Killed,
            TaskState::TaskFailed | TaskState::TaskError => End::Failed,
            _ if stage == Stage::Launched && did_nothing(status) => End::NotLaunched,
            _ => End::Lost,
        };
        self.concludes(cx, &id, end, status.message.as_deref().unwrap_or_default());
    }
}

/// Whether a master says that a launch of which nothing else was heard did nothing. Source: Mesos: what is dropped was never launched,
/// and a master that knows an agent and not the task has not launched it.
fn did_nothing(status: &TaskStatus) -> bool {
    let by_reason = matches!(
        status.reason(),
        Reason::Reconciliation
            | Reason::InvalidOffers
            | Reason::MasterDisconnected
            | Reason::TaskKilledDuringLaunch
    );
    match status.state() {
        TaskState::TaskDropped => true,
        TaskState::TaskLost | TaskState::TaskUnknown | TaskState::TaskGone => {
            status.reason.is_some() && by_reason
        }
        _ => false,
    }
}
