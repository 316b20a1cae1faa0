//! Frameworks come, go, come back and are removed. Source: \[H9\] to \[H19\], \[F1\] to \[F11\].

use longshore_wire_mesos::v1;
use longshore_wire_mesos::v1::scheduler::{Event, event};

use super::Parts;
use super::jobs::Job;
use crate::calls::Description;
use crate::context::Context;
use crate::events;
use crate::happening::Happening;
use crate::ids::{FrameworkId, LaunchId};
use crate::limits;
use crate::machine::{CallId, Response, StreamKey};
use crate::work::{Slice, Units};

impl Parts {
    /// Opens a stream. A subscription that is refused is a stream as well, of one ERROR event.
    pub(super) fn subscribe(
        &mut self,
        cx: &mut Context<'_>,
        call: CallId,
        description: Description,
    ) {
        let opened = self.frameworks.open(cx);
        let stream = opened.stream;
        // The answer goes out ahead of the events.
        cx.respond(call, Response::Stream(stream, opened.stream_id.clone()));
        let id = description.info.id.as_ref().map(|id| FrameworkId::from(&*id.value));
        let id = id.filter(|id| !id.is_empty());
        if id.is_some() {
            self.cluster.expects_strays();
        }
        if let Err(why) = self.admit(cx, &description, id.as_deref()) {
            cx.send(stream, events::error(why));
            cx.close(stream);
            return;
        }
        let id = id.unwrap_or_else(|| self.frameworks.name(&self.master_id));
        let again = self.frameworks.get(&id).is_some();
        let name = description.info.name.clone();
        cx.happened(Happening::Subscribed { framework: id.text().clone(), name, again });
        if let Some(old) = self.frameworks.stream_of(&id) {
            cx.send(old, events::error("Framework failed over".to_owned()));
            cx.close(old);
            self.detach(old);
        }
        self.withdraw_all(cx, &id);
        self.allocator.add_framework(&id, description.profile());
        self.allocator.activate_framework(&id);
        self.frameworks.attach(cx, &id, description, opened);
        self.show_description(cx, &id);
        let registration =
            if again { "messages_reregister_framework" } else { "messages_register_framework" };
        self.operator.count(registration, 1);
        cx.send(stream, self.subscribed(&id));
        self.frameworks.heartbeat(cx, stream);
        self.resend(cx, id);
        self.ask_about_all(cx);
        self.wants_allocation(cx.now);
    }

    fn subscribed(&self, id: &FrameworkId) -> Event {
        let subscribed = event::Subscribed {
            framework_id: v1::FrameworkId { value: id.to_string() },
            #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
            heartbeat_interval_seconds: Some(limits::HEARTBEAT_MS as f64 / 1000.0),
            master_info: Some(self.master_info()),
        };
        Event { subscribed: Some(subscribed), ..events::event(event::Type::Subscribed) }
    }

    fn admit(
        &mut self,
        cx: &mut Context<'_>,
        description: &Description,
        id: Option<&str>,
    ) -> Result<(), String> {
        self.frameworks.admit(description, id)?;
        let launches = &self.launches;
        let away = self.frameworks.gives_way(id, |one| launches.count_of(one) > 0)?;
        if let Some(away) = away {
            cx.note(format!(
                "removing framework {away}, which is disconnected: the maximum of {} frameworks is reached",
                limits::FRAMEWORKS_MAX
            ));
            self.remove_framework(cx, &away, "the maximum number of frameworks was reached");
        }
        Ok(())
    }

    /// A stream is nobody's any more. Work that waited for its reader goes on without.
    fn detach(&mut self, stream: StreamKey) -> Option<FrameworkId> {
        let id = self.frameworks.detach(stream);
        self.jobs.resume(stream);
        id
    }

    /// Source: \[F1\], \[H18\].
    pub(crate) fn stream_ended(&mut self, cx: &mut Context<'_>, stream: StreamKey) {
        let Some(id) = self.detach(stream) else { return };
        self.withdraw_all(cx, &id);
        let waits_ms = self.frameworks.waits_for(cx, &id);
        if waits_ms == 0 {
            self.remove_framework(cx, &id, "its stream ended");
        } else {
            cx.happened(Happening::Away { framework: id.text().clone(), waits_ms });
            self.show_framework(&id);
        }
        self.wants_allocation(cx.now);
    }

    pub(super) fn failover_expired(&mut self, cx: &mut Context<'_>, id: &FrameworkId) {
        if self.frameworks.get(id).is_some_and(|framework| framework.stream().is_none()) {
            self.remove_framework(cx, id, "it did not reconnect in time");
        }
    }

    /// Ends a framework and all its tasks. Source: \[F10\]: it is told nothing any more.
    pub(super) fn remove_framework(
        &mut self,
        cx: &mut Context<'_>,
        id: &FrameworkId,
        why: &'static str,
    ) {
        let id = &id.clone();
        self.withdraw_all(cx, id);
        let stream = self.frameworks.stream_of(id);
        if self.frameworks.remove(cx, id).is_none() {
            return;
        }
        if let Some(stream) = stream {
            self.jobs.resume(stream);
        }
        self.allocator.remove_framework(id);
        self.forget_inverse(cx, id);
        self.deferred.forget(id);
        let launches: Vec<LaunchId> = self.launches.of_framework(id).cloned().collect();
        let tasks = launches.len();
        cx.happened(Happening::Removed { framework: id.text().clone(), tasks, why });
        let removal = Removal { framework: id.clone(), launches: launches.into_iter() };
        self.begin(cx, Job::Remove(Box::new(removal)));
        self.wants_allocation(cx.now);
    }

    /// Takes over what `UPDATE_FRAMEWORK` says. Offers of roles that are dropped are rescinded.
    pub(super) fn redescribe(
        &mut self,
        cx: &mut Context<'_>,
        id: &FrameworkId,
        description: Description,
    ) {
        let dropped = self.allocator.update_framework(id, description.profile());
        let Description { info, offer_constraints, bytes, .. } = description;
        self.frameworks.redescribe(id, info, offer_constraints, bytes);
        self.show_description(cx, id);
        self.begin(cx, Job::Rescind(dropped.into_iter()));
        self.wants_allocation(cx.now);
    }
}

/// The end of a framework's tasks.
#[derive(Debug)]
pub(super) struct Removal {
    framework: FrameworkId,
    launches: std::vec::IntoIter<LaunchId>,
}

impl Removal {
    /// The next slice.
    pub(super) fn go_on(
        &mut self,
        parts: &mut Parts,
        cx: &mut Context<'_>,
        units: &mut Units,
    ) -> Slice {
        while self.launches.len() > 0 {
            if !units.take(30) {
                return Slice::Open;
            }
            let Some(launch) = self.launches.next() else { break };
            parts.show_killed(cx.now, &launch);
            parts.abandon(cx, &launch);
        }
        let roles = parts.operator.remove_framework_alone(&self.framework, cx.now);
        parts.begin(cx, Job::Roles(self.framework.clone(), roles.into_iter()));
        Slice::Done
    }
}
