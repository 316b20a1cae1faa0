//! Calls: their order of checks, and who does what about them.
//!
//! Source: \[H20\]; the numbers in comments are the rows of its table.

use longshore_wire_mesos::v1::FrameworkInfo;

use super::Parts;
use super::jobs::Job;
use super::maintaining::Answering;
use crate::calls::{Act, Description, ValidCall, What, other_principal};
use crate::context::Context;
use crate::frameworks::Answers;
use crate::ids::FrameworkId;
use crate::machine::{CallId, Origin, Response};
use crate::words::shortened;

impl Parts {
    /// Answers a call. Work is answered once it is done.
    pub(crate) fn called(
        &mut self,
        cx: &mut Context<'_>,
        id: CallId,
        call: ValidCall,
        origin: &Origin,
        principal: Option<String>,
    ) {
        if !self.is_recovered() {
            return refuse(cx, id, 503, "Master has not finished recovery"); // 3
        }
        let kind = call.kind().to_lowercase();
        self.operator.count(&format!("longshore/calls/{kind}"), 1);
        match call.what {
            What::Subscribe(mut description) => {
                let Origin::V1 { stream_id } = origin;
                if stream_id.is_some() {
                    let why = "Subscribe calls should not include the 'Mesos-Stream-Id' header";
                    return refuse(cx, id, 400, why); // 10
                }
                let claimed = &mut description.info.principal;
                // [H13]: who says nothing of itself is who it proved to be.
                *claimed = claimed.take().or(principal);
                self.subscribe(cx, id, *description);
            }
            What::Act(framework, act) => match self.may_act(&framework, origin, principal) {
                Ok(()) => {
                    self.operator.count_for(&framework, &format!("calls/{kind}"));
                    self.act(cx, id, &framework, act);
                }
                Err((status, why)) => refuse(cx, id, status, &why),
            },
        }
    }

    /// Whether a call is that of a framework which has a stream.
    fn may_act(
        &self,
        id: &FrameworkId,
        origin: &Origin,
        principal: Option<String>,
    ) -> Result<(), (u16, String)> {
        let refuse = |status: u16, text: &str| Err((status, text.to_owned()));
        let Some(framework) = self.frameworks.get(id) else {
            return refuse(400, "Framework cannot be found"); // 11
        };
        let claimed = framework.info().principal.as_deref().unwrap_or_default();
        if let Some(proved) = principal.filter(|proved| proved != claimed) {
            return refuse(400, &other_principal(&proved, claimed)); // 12
        }
        if framework.stream().is_none() {
            return refuse(403, "Framework is not subscribed"); // 13
        }
        let Origin::V1 { stream_id } = origin;
        match stream_id.as_deref() {
            None => {
                refuse(400, "All non-subscribe calls should include the 'Mesos-Stream-Id' header")
            } // 15
            Some(given) if given != framework.stream_id() => {
                let given = shortened(given);
                let why = format!(
                    "The stream ID '{given}' included in this request didn't match the stream ID currently associated with framework ID {id}"
                );
                refuse(400, &why)
            } // 16
            Some(_) => Ok(()),
        }
    }

    fn act(&mut self, cx: &mut Context<'_>, call: CallId, id: &FrameworkId, act: Act) {
        let bytes = match &act {
            Act::Kill(_) | Act::Accept(_) => Some(0),
            Act::Reconcile(_, bytes) | Act::ReconcileOperations(_, bytes) => Some(*bytes),
            _ => None,
        };
        if bytes.is_some_and(|bytes| self.frameworks.refuses(id, bytes)) {
            let why = "Too many responses are waiting on the event stream: read them, then retry";
            return refuse(cx, call, 429, why);
        }
        self.count_message(&act);
        match act {
            Act::Unknown => return refuse(cx, call, 501, ""), // 17
            Act::Undeliverable => {}
            Act::Teardown => self.remove_framework(cx, id, "the framework asked for it"),
            Act::Accept(accept) => return self.accept(cx, call, id, *accept),
            Act::Decline { offers, refuse_seconds } => {
                return self.decline(cx, call, id, offers, refuse_seconds);
            }
            Act::Inverse { offers, accepts, refuse_seconds } => {
                let (framework, offers) = (id.clone(), offers.into_iter());
                let answering = Answering { call, framework, offers, accepts, refuse_seconds };
                return self.begin(cx, Job::Answer(Box::new(answering)));
            }
            Act::Revive(roles) => self.revive(cx, id, &roles),
            Act::Suppress(roles) => self.suppress(id, &roles),
            Act::Kill(kill) => self.kill(cx, id, *kill),
            Act::Shutdown(shutdown) => self.shutdown(cx, id, &shutdown),
            Act::Acknowledge(acknowledge) => self.acknowledge(cx, id, &acknowledge),
            Act::Reconcile(tasks, bytes) => self.reconcile(cx, id, tasks, bytes),
            Act::ReconcileOperations(asked, bytes) => {
                self.answer(cx, id, Answers::Operations(asked.into_iter(), bytes));
            }
            Act::UpdateFramework(description) => {
                let response = match self.update_framework(cx, id, *description) {
                    Ok(()) => Response::Done,
                    Err(why) => Response::Refused(400, why),
                };
                return cx.respond(call, response);
            }
        }
        cx.respond(call, Response::Accepted);
    }

    /// Counts a call under the name that Mesos has for it.
    fn count_message(&mut self, act: &Act) {
        let name = match act {
            Act::Accept(_) => "messages_launch_tasks",
            Act::Decline { .. } => "messages_decline_offers",
            Act::Revive(_) => "messages_revive_offers",
            Act::Suppress(_) => "messages_suppress_offers",
            Act::Kill(_) => "messages_kill_task",
            Act::Acknowledge(_) => "messages_status_update_acknowledgement",
            Act::Reconcile(..) => "messages_reconcile_tasks",
            Act::ReconcileOperations(..) => "messages_reconcile_operations",
            Act::Teardown => "messages_unregister_framework",
            Act::UpdateFramework(_)
            | Act::Shutdown(_)
            | Act::Inverse { .. }
            | Act::Undeliverable
            | Act::Unknown => return,
        };
        self.operator.count(name, 1);
    }

    /// Source: \[C60\].
    fn update_framework(
        &mut self,
        cx: &mut Context<'_>,
        id: &FrameworkId,
        description: Description,
    ) -> Result<(), String> {
        let Some(framework) = self.frameworks.get(id) else { return Ok(()) };
        let (known, new) = (framework.info(), &description.info);
        description.verdict.clone()?;
        if known.principal != new.principal {
            return Err("Changing framework's principal is not allowed".to_owned());
        }
        let checkpoints = |info: &FrameworkInfo| info.checkpoint.unwrap_or(false).to_string();
        unchanged("user", &known.user, &new.user)?;
        unchanged("checkpoint", &checkpoints(known), &checkpoints(new))?;
        self.frameworks.fits(&description, Some(id))?;
        self.redescribe(cx, id, description);
        Ok(())
    }
}

/// Source: \[C60\].
fn unchanged(member: &str, before: &str, after: &str) -> Result<(), String> {
    if before == after {
        return Ok(());
    }
    let (before, after) = (shortened(before), shortened(after));
    Err(format!(
        "FrameworkInfo update is not valid: Updating 'FrameworkInfo.{member}' is unsupported; attempted to update from '{before}' to '{after}'"
    ))
}

fn refuse(cx: &mut Context<'_>, call: CallId, status: u16, why: &str) {
    cx.respond(call, Response::Refused(status, why.to_owned()));
}
