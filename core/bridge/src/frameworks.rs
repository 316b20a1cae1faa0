//! Frameworks: who is known, who is connected, and what waits to be sent to each. Source: \[H9\] to \[H19\], \[F1\] to
//! \[F11\].
//!
//! A framework expires in [`Frameworks::remove`]: when its stream ended and it has no failover time, when that time is over
//! ([`crate::agenda::Timer::Failover`]), when it tears itself down or an operator does, or when it gives way to others.
//!
//! Invariants: a stream belongs to one framework, and the newest stream of a framework is its only one; the sums of roles and
//! of sizes are those of all frameworks.

mod framework;
mod outbox;

use std::collections::{BTreeMap, VecDeque};

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::FrameworkInfo;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::scheduler::{Event, OfferConstraints};

pub(crate) use self::framework::Framework;
use self::outbox::Outbox;
pub(crate) use self::outbox::{Answers, Source};
use crate::agenda::Timer;
use crate::calls::{Description, roles_of};
use crate::context::Context;
use crate::events;
use crate::ids::{FrameworkId, LaunchId};
use crate::limits;
use crate::machine::StreamKey;

/// The stream of a framework.
#[derive(Debug)]
struct Link {
    framework: FrameworkId,
    outbox: Outbox,
}

/// A stream that was opened and is nobody's yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) stream: StreamKey,
    /// Its `Mesos-Stream-Id`.
    pub(crate) stream_id: String,
}

/// All frameworks.
#[derive(Debug, Default)]
pub(crate) struct Frameworks {
    all: BTreeMap<FrameworkId, Framework>,
    links: BTreeMap<StreamKey, Link>,
    /// Ids that were removed, the latest last. Source: \[F11\].
    removed: VecDeque<FrameworkId>,
    made: u64,
    streams_made: u64,
    /// Roles and bytes of all that is in `all`.
    roles: usize,
    bytes: usize,
}

impl Frameworks {
    pub(crate) fn get(&self, id: &str) -> Option<&Framework> {
        self.all.get(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The frameworks that have a stream.
    pub(crate) fn connected(&self) -> impl Iterator<Item = &FrameworkId> {
        self.links.values().map(|link| &link.framework)
    }

    /// Whether any framework has a stream.
    pub(crate) fn is_anyone_there(&self) -> bool {
        !self.links.is_empty()
    }

    pub(crate) fn stream_of(&self, id: &str) -> Option<StreamKey> {
        self.all.get(id)?.stream
    }

    /// Whether a framework knows more ends of a task than `TASK_LOST`.
    pub(crate) fn is_aware(&self, id: &str) -> bool {
        self.all.get(id).is_some_and(Framework::is_aware)
    }

    /// The framework that has a stream.
    pub(crate) fn on(&self, stream: StreamKey) -> Option<&FrameworkId> {
        self.links.get(&stream).map(|link| &link.framework)
    }

    pub(crate) fn has(&self, id: &str, capability: Capability) -> bool {
        self.all.get(id).is_some_and(|framework| framework.has(capability))
    }

    /// Whether a framework of this id was removed.
    pub(crate) fn was_removed(&self, id: &str) -> bool {
        self.removed.iter().any(|removed| **removed == *id)
    }

    /// Opens a stream.
    pub(crate) fn open(&mut self, cx: &mut Context<'_>) -> Opened {
        self.streams_made += 1;
        Opened { stream: StreamKey(self.streams_made), stream_id: cx.ids.uuid("stream") }
    }

    /// An id for a framework that brings none.
    pub(crate) fn name(&mut self, master: &str) -> FrameworkId {
        let id = format!("{master}-{:04}", self.made);
        self.made += 1;
        id.into()
    }

    /// Whether a framework that describes itself so may subscribe. `id` is its own, if it brings one.
    ///
    /// # Errors
    /// The text of the ERROR event.
    pub(crate) fn admit(&self, description: &Description, id: Option<&str>) -> Result<(), String> {
        description.verdict.clone()?;
        if id.is_some_and(|id| self.was_removed(id)) {
            return Err("Framework has been removed".to_owned());
        }
        let known = id.and_then(|id| self.all.get(id));
        let principal = &description.info.principal;
        if known.is_some_and(|known| !known.recovered && known.info.principal != *principal) {
            return Err("Changing framework's principal is not allowed".to_owned());
        }
        self.fits(description, id)
    }

    /// Whether one more framework, whether it brings an id or not, needs another to give way; the one that does: it is away
    /// and has no tasks, and has been away longest.
    ///
    /// # Errors
    /// The text of the ERROR event, if nobody can.
    pub(crate) fn gives_way(
        &self,
        id: Option<&str>,
        has_tasks: impl Fn(&FrameworkId) -> bool,
    ) -> Result<Option<FrameworkId>, String> {
        let is_known = id.is_some_and(|id| self.all.contains_key(id));
        if is_known || self.all.len() < limits::FRAMEWORKS_MAX {
            return Ok(None);
        }
        let away = self.all.values().filter(|one| one.stream.is_none() && !has_tasks(&one.id));
        let away = away.min_by_key(|one| one.away_since).map(|away| away.id.clone());
        let most = limits::FRAMEWORKS_MAX;
        away.map(Some)
            .ok_or_else(|| format!("This master has reached its maximum of {most} frameworks"))
    }

    /// Whether what a framework says of itself fits beside what the others say. `id` is its own, if it is known.
    ///
    /// # Errors
    /// What there is too much of.
    pub(crate) fn fits(&self, description: &Description, id: Option<&str>) -> Result<(), String> {
        // One that is known from its tasks alone has not been counted.
        let own = id.and_then(|id| self.all.get(id)).filter(|own| own.info_bytes > 0);
        let (own_roles, own_bytes) = own.map_or((0, 0), |own| (own.roles.len(), own.info_bytes));
        let roles = self.roles - own_roles + roles_of(&description.info).len();
        if roles > limits::ROLES_MAX {
            let most = limits::ROLES_MAX;
            return Err(format!("All frameworks together may name at most {most} roles"));
        }
        if self.bytes - own_bytes + description.bytes > limits::FRAMEWORK_INFOS_BYTES_MAX {
            let most = limits::FRAMEWORK_INFOS_BYTES_MAX;
            return Err(format!("All 'FrameworkInfo' together may have at most {most} bytes"));
        }
        Ok(())
    }

    /// Connects a framework to a stream, whoever had it before. Source: \[H14\], \[H15\]: the newest wins.
    pub(crate) fn attach(
        &mut self,
        cx: &mut Context<'_>,
        id: &FrameworkId,
        description: Description,
        opened: Opened,
    ) {
        let Description { mut info, bytes, offer_constraints, .. } = description;
        let now = cx.now;
        let framework =
            self.all.entry(id.clone()).or_insert_with(|| Framework::new(id.clone(), now));
        if framework.info_bytes > 0 && !framework.recovered {
            // [C6]: these two are silently kept.
            info.user.clone_from(&framework.info.user);
            info.checkpoint = framework.info.checkpoint;
        }
        if framework.recovered {
            framework.registered_at = now;
            framework.recovered = false;
        }
        framework.reregistered_at = now;
        framework.stream = Some(opened.stream);
        framework.stream_id = opened.stream_id;
        if let Some(at) = framework.fails_over_at.take() {
            cx.agenda.cancel(at, Timer::Failover(id.clone()));
        }
        let link = Link { framework: id.clone(), outbox: Outbox::default() };
        self.links.insert(opened.stream, link);
        self.redescribe(id, info, offer_constraints, bytes);
    }

    /// Takes over what a framework says of itself.
    pub(crate) fn redescribe(
        &mut self,
        id: &FrameworkId,
        info: FrameworkInfo,
        offer_constraints: Option<OfferConstraints>,
        bytes: usize,
    ) {
        let Some(framework) = self.all.get_mut(id) else { return };
        // One that is known from its tasks alone has not been counted.
        let counted = if framework.info_bytes > 0 { framework.roles.len() } else { 0 };
        (self.roles, self.bytes) = (self.roles - counted, self.bytes - framework.info_bytes);
        framework.describe(info, bytes.max(1));
        framework.offer_constraints = offer_constraints;
        self.roles += framework.roles.len();
        self.bytes += framework.info_bytes;
    }

    /// A stream is nobody's any more; whose it was.
    pub(crate) fn detach(&mut self, stream: StreamKey) -> Option<FrameworkId> {
        let link = self.links.remove(&stream)?;
        if let Some(framework) = self.all.get_mut(&link.framework)
            && framework.stream == Some(stream)
        {
            framework.stream = None;
        }
        Some(link.framework)
    }

    /// A framework has lost its stream and is waited for. Source: \[F1\], \[H18\].
    pub(crate) fn waits_for(&mut self, cx: &mut Context<'_>, id: &FrameworkId) -> u64 {
        let Some(framework) = self.all.get_mut(id) else { return 0 };
        framework.away_since = cx.now;
        let ms = framework.failover_ms();
        if ms > 0 {
            framework.fails_over_at = Some(cx.now + ms);
            cx.after(ms, Timer::Failover(id.clone()));
        }
        ms
    }

    /// A framework is known from a task of its that runs.
    pub(crate) fn adopt(&mut self, now: Timestamp, id: &FrameworkId) {
        self.all.entry(id.clone()).or_insert_with(|| {
            let mut framework = Framework::new(id.clone(), now);
            framework.recovered = true;
            framework
        });
    }

    /// Forgets a framework, and remembers that it was there.
    pub(crate) fn remove(&mut self, cx: &mut Context<'_>, id: &str) -> Option<Framework> {
        let framework = self.all.remove(id)?;
        if framework.info_bytes > 0 {
            self.roles -= framework.roles.len();
            self.bytes -= framework.info_bytes;
        }
        if let Some(stream) = framework.stream {
            self.links.remove(&stream);
            cx.close(stream);
        }
        if let Some(at) = framework.fails_over_at {
            cx.agenda.cancel(at, Timer::Failover(framework.id.clone()));
        }
        self.removed.push_back(framework.id.clone());
        if self.removed.len() > limits::COMPLETED_FRAMEWORKS_MAX {
            self.removed.pop_front();
        }
        Some(framework)
    }

    /// Sends a heartbeat, and plans the next. Source: \[H11\]: the first at once, the others at intervals whatever else is
    /// sent.
    pub(crate) fn heartbeat(&self, cx: &mut Context<'_>, stream: StreamKey) {
        if self.links.contains_key(&stream) {
            cx.send(stream, events::heartbeat());
            cx.after(limits::HEARTBEAT_MS, Timer::Heartbeat(stream));
        }
    }

    /// The update of a launch is to be sent on a stream.
    pub(crate) fn push_update(&mut self, stream: StreamKey, launch: LaunchId) {
        if let Some(link) = self.links.get_mut(&stream) {
            link.outbox.push_update(launch);
        }
    }

    /// Answers are to be sent to a framework; its stream, if it is there to hear them.
    pub(crate) fn push(&mut self, id: &str, answers: Answers) -> Option<StreamKey> {
        let stream = self.stream_of(id)?;
        self.links.get_mut(&stream)?.outbox.push(answers);
        Some(stream)
    }

    /// The reader of a stream has come to the last mark.
    pub(crate) fn reached(&mut self, cx: &mut Context<'_>, stream: StreamKey) {
        if let Some(link) = self.links.get_mut(&stream) {
            link.outbox.reached();
            if link.outbox.marks() {
                cx.mark(stream);
            }
        }
    }

    /// The next event that there is room for on a stream. It is to be sent before the mark that [`Self::marks`] asks for.
    pub(crate) fn next(&mut self, stream: StreamKey, source: &mut impl Source) -> Option<Event> {
        let link = self.links.get_mut(&stream)?;
        link.outbox.next(&link.framework, source)
    }

    /// Whether a mark is to be sent on a stream now.
    pub(crate) fn marks(&mut self, stream: StreamKey) -> bool {
        self.links.get_mut(&stream).is_some_and(|link| link.outbox.marks())
    }

    /// The stream of a framework, if so much waits on it that work which leads to more should wait, too.
    pub(crate) fn full_stream_of(&self, id: &str) -> Option<StreamKey> {
        let stream = self.stream_of(id)?;
        self.links.get(&stream)?.outbox.is_full().then_some(stream)
    }

    /// Whether too much waits on a stream.
    pub(crate) fn is_full(&self, stream: StreamKey) -> bool {
        self.links.get(&stream).is_some_and(|link| link.outbox.is_full())
    }

    /// Whether a question is refused since its answers would wait behind too many others. `bytes` is what is kept of it
    /// until then.
    pub(crate) fn refuses(&self, id: &str, bytes: usize) -> bool {
        let Some(link) = self.stream_of(id).and_then(|stream| self.links.get(&stream)) else {
            return false;
        };
        let own = link.outbox.bytes();
        let is_large = bytes > limits::QUESTION_BYTES_SMALL;
        let all = || -> usize { self.links.values().map(|link| link.outbox.bytes()).sum() };
        let too_much = own > 0 && own + bytes > limits::QUESTIONS_BYTES_MAX
            || is_large && all() > 0 && all() + bytes > limits::QUESTIONS_BYTES_MAX_ALL;
        link.outbox.is_full() || too_much
    }

    /// What does not hold of it.
    pub(crate) fn audit(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let counted = self.all.values().filter(|one| one.info_bytes > 0);
        let (roles, bytes) = counted
            .fold((0, 0), |(roles, bytes), one| (roles + one.roles.len(), bytes + one.info_bytes));
        if (roles, bytes) != (self.roles, self.bytes) {
            wrong.push(format!(
                "{roles} roles and {bytes} bytes are counted as {} and {}",
                self.roles, self.bytes
            ));
        }
        for (id, framework) in &self.all {
            let link = framework.stream.map(|stream| self.links.get(&stream));
            if link.is_some_and(|link| link.is_none_or(|link| link.framework != *id)) {
                wrong.push(format!("framework {id} has a stream that is not its own"));
            }
        }
        for (stream, link) in &self.links {
            if self.stream_of(&link.framework) != Some(*stream) {
                wrong.push(format!("{stream:?} is not the stream of {}", link.framework));
            }
            wrong.extend(link.outbox.audit().map(|what| format!("{stream:?}: {what}")));
        }
        wrong
    }
}
