//! Calls of the scheduler: what is sent, and what becomes of it.

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::scheduler::Call;
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{Filters, TaskState};

use crate::callbacks::Callback;
use crate::command::{self, Command};
use crate::lane::{Answer, Broken, CallNumber, Pending};
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
        if let Command::Acknowledge(status) = &command {
            self.ends.acknowledged(status);
        }
        let Some(call) = command.call() else { return };
        for launch in command::launches(&call) {
            self.ends.launches(&launch.task.value);
        }
        if self.session.is_open() {
            self.pushes(call);
            self.sends(now, out);
        } else {
            self.misses(now, &call, out);
        }
    }

    /// Puts a call of this framework on its way.
    pub(crate) fn pushes(&mut self, call: Call) {
        self.lane.push(Call { framework_id: self.profile.id().cloned(), ..call });
    }

    /// Sends what may be sent.
    pub(crate) fn sends(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        if !self.session.is_open() {
            return;
        }
        let Some(address) = self.session.address().map(str::to_owned) else { return };
        while let Some((number, call)) = self.lane.next(now) {
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
            Answer::Unsure(text) => self.unsure_of(now, pending, &text, out),
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
        pending: Pending,
        text: &str,
        out: &mut Vec<Output>,
    ) {
        let what = pending.call.r#type().as_str_name();
        out.push(Output::Note(format!("nobody knows whether {what} arrived: {text}")));
        match pending.call.r#type() {
            Type::Accept => {
                self.unsure.add(now, command::launches(&pending.call));
                // If it did not arrive, nobody else gets what was offered; and if it arrives after this, it is refused with updates.
                let offers = pending.call.accept.iter().flat_map(|accept| accept.offer_ids.clone());
                let decline = Command::Decline(offers.collect(), Filters::default());
                if let Some(decline) = decline.call() {
                    self.pushes(decline);
                }
            }
            // An update comes again, and a message may be lost at any master.
            Type::Acknowledge | Type::Message => {}
            // To say the rest twice is to say it once.
            _ => self.lane.again(now, pending),
        }
    }

    pub(crate) fn refused(
        &mut self,
        now: Timestamp,
        call: &Call,
        status: u16,
        text: &str,
        out: &mut Vec<Output>,
    ) {
        if self.status != Status::Running && call.r#type() == Type::Acknowledge {
            // It went out beside the last word, after which the master knows the framework no more.
            return;
        }
        let is_unknown = is_unsubscribed(status, text);
        let what = call.r#type().as_str_name();
        out.push(Output::Note(format!("the master refused {what}: {status} {text}")));
        if !is_unknown {
            if let Some(update) = &call.update_framework {
                self.profile.not_updated(update);
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
    let is_stranger = || text.contains("not subscribed") || text.contains("not connected via HTTP");
    let is_forgotten =
        || ["tream ID", "Stream-Id", "cannot be found"].iter().any(|known| text.contains(known));
    match status {
        // It does not lead.
        300..400 => true,
        403 => is_stranger(),
        400 => is_forgotten(),
        _ => false,
    }
}
