//! What the driver calls back with.

use std::sync::Arc;

use longshore_driver_machine::framework::GivenUp;
use longshore_driver_machine::{Callback, Command};
use longshore_wire_mesos::v1::{AgentId, MasterInfo, TaskId, TaskState, TaskStatus};

use super::{Context, Marathon, Output};
use crate::events::Event;
use crate::limits;
use crate::timers::Due;

impl Marathon {
    pub(super) fn hears(&mut self, cx: &mut Context, callback: Callback) {
        match callback {
            Callback::Registered(id, master) => {
                cx.tell(Event::Registered { framework: id.value.clone() });
                self.opens(cx, Some(id.value), &master);
            }
            Callback::Reregistered(master) => {
                cx.tell(Event::Reregistered);
                self.opens(cx, None, &master);
            }
            Callback::Disconnected => {
                cx.tell(Event::Disconnected);
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

    fn opens(&mut self, cx: &mut Context, framework: Option<String>, master: &MasterInfo) {
        self.offers.clear();
        let fault = master.domain.as_ref().and_then(|domain| domain.fault_domain.as_ref());
        self.session.is_in(fault.map(|fault| fault.region.name.clone()));
        cx.framework = self.session.opens(cx.now, framework);
        // What was said without a subscription was lost.
        let out: Vec<Arc<str>> = self.kills.out().iter().cloned().collect();
        for id in out {
            self.timers.set(Due::Kill(id), cx.now);
        }
    }

    /// The driver has given up: another one takes its place, or the scheduler ends.
    fn failed(&mut self, cx: &mut Context, text: String) {
        self.offers.clear();
        match self.session.gives_up(cx.now, &text) {
            GivenUp::Removed => {
                cx.framework = true;
                self.all_killed(cx);
            }
            GivenUp::Again => {}
            GivenUp::Over => cx.said.push(Output::Failed(text)),
        }
    }

    /// The master has killed all tasks with the framework, and tells nobody.
    fn all_killed(&mut self, cx: &mut Context) {
        let all: Vec<Arc<str>> = self.instances.all().map(|(id, _)| id.clone()).collect();
        for id in all {
            let Some(instance) = self.instances.get(&id) else { continue };
            let agent = instance.agent.clone();
            for value in instance.tasks(&id) {
                let status = TaskStatus {
                    task_id: TaskId { value },
                    agent_id: Some(AgentId { value: agent.clone() }),
                    state: TaskState::TaskKilled.into(),
                    message: Some("The framework was removed from the master".to_owned()),
                    ..TaskStatus::default()
                };
                self.updated(cx, &status);
            }
        }
    }

    /// Asks for the states of tasks that are out, and for those of all others that the master knows.
    pub(super) fn reconciles(&mut self, cx: &mut Context) {
        if !self.session.reconciles(cx.now) {
            return;
        }
        let status = |value: String, agent: &str| TaskStatus {
            task_id: TaskId { value },
            agent_id: Some(AgentId { value: agent.to_owned() }),
            state: TaskState::TaskStaging.into(),
            ..TaskStatus::default()
        };
        let all = self.instances.all();
        let tasks = all.flat_map(|(id, one)| one.tasks(id).into_iter().map(|id| (id, &one.agent)));
        let asked: Vec<TaskStatus> = tasks.map(|(id, agent)| status(id, agent)).collect();
        for some in asked.chunks(limits::RECONCILED_TASKS_MAX) {
            cx.say(Command::Reconcile(some.to_vec()));
        }
        // Source: no tasks mean all that the master knows.
        cx.say(Command::Reconcile(Vec::new()));
    }
}
