//! Calls of the scheduler: what is sent, and what becomes of it.

use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::TaskState;
use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::task_status::Reason;

use crate::callbacks::Callback;
use crate::command::{self, Command};
use crate::lane::{Answer, Broken, CallNumber};
use crate::losses::Loss;
use crate::machine::{Driver, Output};
use crate::session::Ending;
use crate::status::Status;

impl Driver {
    /// A call of a scheduler whose driver runs.
    pub(crate) fn wanted(&mut self, now: Timestamp, command: Command, out: &mut Vec<Output>) {
        match &command {
            Command::Acknowledge(_) if self.implicit_acknowledgements => {
                let text = "updates are acknowledged by the driver: acknowledge_status_update does nothing";
                return out.push(Output::Note(text.to_owned()));
            }
            // Source: Mesos 1.9: no roles are not all roles.
            Command::Revive(Some(roles)) | Command::Suppress(Some(roles)) if roles.is_empty() => {
                return;
            }
            Command::Revive(roles) => {
                self.profile.revive(roles.as_deref(), self.session.is_open());
            }
            Command::Suppress(roles) => {
                self.profile.suppress(roles.as_deref(), self.session.is_open());
            }
            Command::Update { framework, suppressed_roles, constraints } => {
                let (framework, suppressed) = ((**framework).clone(), suppressed_roles.clone());
                self.profile.update(framework, suppressed, constraints.clone());
            }
            _ => {}
        }
        let command = match command {
            Command::Update { suppressed_roles, constraints, .. } => {
                let framework = Box::new(self.profile.framework().clone());
                Command::Update { framework, suppressed_roles, constraints }
            }
            other => other,
        };
        let Some(call) = command.call() else { return };
        if self.session.is_open() {
            self.lane.push(call);
            self.sends(now, out);
        } else {
            self.misses(now, &call, out);
        }
    }

    /// Sends what may be sent.
    pub(crate) fn sends(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        if !self.session.is_open() {
            return;
        }
        let Some(address) = self.session.address().map(str::to_owned) else { return };
        let id = self.profile.id().cloned();
        while let Some((number, mut call)) = self.lane.next(now) {
            Arc::make_mut(&mut call).framework_id.clone_from(&id);
            let stream_id = self.session.stream_id().map(str::to_owned);
            out.push(Output::Send { number, address: address.clone(), stream_id, call });
        }
    }

    /// A call cannot be sent: there is no subscription. Source: Mesos: its driver says that tasks are lost, and drops the rest.
    pub(crate) fn misses(&mut self, now: Timestamp, call: &Call, out: &mut Vec<Output>) {
        let is_aware = self.profile.is_partition_aware();
        let state = if is_aware { TaskState::TaskDropped } else { TaskState::TaskLost };
        let reason = Reason::MasterDisconnected;
        self.loses(now, call, Loss { state, reason, message: "Master disconnected" }, out);
        let is_kept = matches!(
            call.r#type(),
            Type::Accept | Type::Decline | Type::Acknowledge | Type::Revive | Type::Suppress
        );
        if !is_kept && call.r#type() != Type::UpdateFramework {
            let text = format!("not subscribed: {} is dropped", call.r#type().as_str_name());
            out.push(Output::Note(text));
        }
    }

    /// Tells the scheduler of each task that a call would have launched.
    pub(crate) fn loses(
        &mut self,
        now: Timestamp,
        call: &Call,
        loss: Loss<'_>,
        out: &mut Vec<Output>,
    ) {
        if self.status == Status::Running {
            for launch in command::launches(call) {
                let status = loss.status(now, launch);
                self.calls_back(Callback::StatusUpdate(Box::new(status)), out);
            }
        }
    }

    /// The subscription is over.
    pub(crate) fn lost(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let Broken { unsent, unsure } = self.lane.breaks();
        if self.status != Status::Running {
            return self.finishes(out);
        }
        self.calls_back(Callback::Disconnected, out);
        for call in unsent {
            self.misses(now, &call, out);
        }
        if let Some(call) = unsure {
            self.unsure.add(now, command::launches(&call));
        }
    }

    pub(crate) fn answered(
        &mut self,
        now: Timestamp,
        number: CallNumber,
        answer: Answer,
        out: &mut Vec<Output>,
    ) {
        let Some(pending) = self.lane.take(number) else { return };
        match answer {
            Answer::Done => {
                if let Some(update) = &pending.call.update_framework {
                    self.profile.updated(update);
                }
            }
            Answer::Busy(_) => self.lane.again(now, pending),
            Answer::Unsure(text) => self.unsure_of(now, &pending.call, &text, out),
            Answer::Refused { status, text } => {
                self.refused(now, &pending.call, status, &text, out);
            }
        }
        self.sends(now, out);
        if self.leaves_until.is_some() && self.lane.is_empty() {
            self.finishes(out);
        }
    }

    pub(crate) fn unsure_of(
        &mut self,
        now: Timestamp,
        call: &Call,
        text: &str,
        out: &mut Vec<Output>,
    ) {
        self.unsure.add(now, command::launches(call));
        if call.r#type() == Type::Reconcile {
            self.unsure.subscribed(now);
        }
        let what = call.r#type().as_str_name();
        out.push(Output::Note(format!("nobody knows whether {what} arrived: {text}")));
    }

    pub(crate) fn refused(
        &mut self,
        now: Timestamp,
        call: &Call,
        status: u16,
        text: &str,
        out: &mut Vec<Output>,
    ) {
        let is_unknown = is_unsubscribed(status, text);
        let what = call.r#type().as_str_name();
        out.push(Output::Note(format!("the master refused {what}: {status} {text}")));
        if !is_unknown {
            if call.r#type() == Type::UpdateFramework {
                self.profile.not_updated();
            }
            let reason = Reason::TaskInvalid;
            let loss = Loss { state: TaskState::TaskError, reason, message: text };
            return self.loses(now, call, loss, out);
        }
        self.misses(now, call, out);
        let attempt = self.session.attempt();
        out.push(Output::HangUp(attempt));
        self.ended(now, attempt, Ending::Broken(text.to_owned()), out);
    }
}

/// Source: \[H4\]: what a master answers to whom it does not know, or knows by another stream.
fn is_unsubscribed(status: u16, text: &str) -> bool {
    (status == 403 && text.contains("not subscribed"))
        || (status == 400 && text.contains("stream ID"))
}
