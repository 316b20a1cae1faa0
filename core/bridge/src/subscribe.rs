//! Frameworks come, go, come back and are removed. Source: \[H9\] to \[H19\], \[F1\] to \[F11\].

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::FrameworkId;
use longshore_wire_mesos::v1::scheduler::{Event, event};

use crate::description::{self, Description};
use crate::framework::Framework;
use crate::happening::Happening;
use crate::machine::{Output, StreamKey};
use crate::outbox::Outbox;
use crate::state::{Bridge, Timer};
use crate::work::{self, Job, Slice, Units};
use crate::{endpoint, launch, limits, offer, status, stray};

/// An event of a kind; its part is filled in by the caller.
pub(crate) fn event(kind: event::Type) -> Event {
    Event { r#type: Some(kind.into()), ..Default::default() }
}

fn error(message: String) -> Event {
    Event { error: Some(event::Error { message }), ..event(event::Type::Error) }
}

/// Opens a stream. A subscription that is refused is a stream as well, of one ERROR event.
pub(crate) fn subscribe(
    bridge: &mut Bridge,
    now: Timestamp,
    description: Description,
    out: &mut Vec<Output>,
) {
    bridge.streams_made += 1;
    let stream = StreamKey(bridge.streams_made);
    let stream_id = bridge.ids.uuid("stream");
    bridge.opening = Some((stream, stream_id.clone()));
    let id = description.info.id.as_ref().map(|id| Str::from(&*id.value));
    let id = id.filter(|id| !id.is_empty());
    if id.is_some() {
        stray::expect(bridge);
    }
    if let Err(why) = admit(bridge, now, &description, id.as_deref(), out) {
        out.push(Output::Send(stream, Box::new(error(why))));
        out.push(Output::Close(stream));
        return;
    }
    let id = id.unwrap_or_else(|| {
        let id = format!("{}-{:04}", bridge.master_id, bridge.frameworks_made);
        bridge.frameworks_made += 1;
        id.into()
    });
    let again = bridge.frameworks.contains_key(&id);
    let name = description.info.name.clone();
    out.push(Output::Happened(Happening::Subscribed { framework: id.clone(), name, again }));
    attach(bridge, now, &id, description, stream, stream_id, out);
    bridge.count("messages_register_framework");
    let subscribed = event::Subscribed {
        framework_id: FrameworkId { value: id.to_string() },
        #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
        heartbeat_interval_seconds: Some(limits::HEARTBEAT_MS as f64 / 1000.0),
        master_info: Some(endpoint::master_info(bridge)),
    };
    let first = Event { subscribed: Some(subscribed), ..event(event::Type::Subscribed) };
    out.push(Output::Send(stream, Box::new(first)));
    heartbeat(bridge, now, stream, out);
    work::begin(bridge, now, Job::Resend(id, None), out);
    bridge.wants_allocation(now);
}

fn admit(
    bridge: &mut Bridge,
    now: Timestamp,
    description: &Description,
    id: Option<&str>,
    out: &mut Vec<Output>,
) -> Result<(), String> {
    description.verdict.clone()?;
    if id.is_some_and(|id| bridge.completed.iter().any(|framework| *framework.id == *id)) {
        return Err("Framework has been removed".to_owned());
    }
    let known = id.and_then(|id| bridge.frameworks.get(id));
    let principal = &description.info.principal;
    if known.is_some_and(|known| !known.recovered && known.info.principal != *principal) {
        return Err("Changing framework's principal is not allowed".to_owned());
    }
    if known.is_none() {
        make_room(bridge, now, out)?;
    }
    fits(bridge, description, id)
}

/// One more framework, whether it brings an id or not, needs room. One that is away and has no tasks gives way, whoever
/// has been away longest.
fn make_room(bridge: &mut Bridge, now: Timestamp, out: &mut Vec<Output>) -> Result<(), String> {
    if bridge.frameworks.len() < limits::FRAMEWORKS_MAX {
        return Ok(());
    }
    let away =
        bridge.frameworks.values().filter(|one| one.stream.is_none() && one.tasks.is_empty());
    let Some(away) = away.min_by_key(|one| one.away_since).map(|one| one.id.clone()) else {
        let most = limits::FRAMEWORKS_MAX;
        return Err(format!("This master has reached its maximum of {most} frameworks"));
    };
    out.push(Output::Note(format!(
        "removing framework {away}, which is disconnected: the maximum of {} frameworks is reached",
        limits::FRAMEWORKS_MAX
    )));
    remove(bridge, now, &away, "the maximum number of frameworks was reached", out);
    Ok(())
}

/// Whether what a framework says of itself fits beside what the others say. `id` is its own, if it is known.
pub(crate) fn fits(
    bridge: &Bridge,
    description: &Description,
    id: Option<&str>,
) -> Result<(), String> {
    let (mut roles, mut bytes) = (description::roles(&description.info).len(), description.bytes);
    for other in bridge.frameworks.values().filter(|other| Some(&*other.id) != id) {
        roles += other.roles.len();
        bytes += other.info_bytes;
    }
    if roles > limits::ROLES_MAX {
        let most = limits::ROLES_MAX;
        return Err(format!("All frameworks together may name at most {most} roles"));
    }
    if bytes > limits::FRAMEWORK_INFOS_BYTES_MAX {
        let most = limits::FRAMEWORK_INFOS_BYTES_MAX;
        return Err(format!("All 'FrameworkInfo' together may have at most {most} bytes"));
    }
    Ok(())
}

/// Connects a framework to its stream, whoever had it before. Source: \[H14\], \[H15\]: the newest wins.
fn attach(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &Str,
    description: Description,
    stream: StreamKey,
    stream_id: String,
    out: &mut Vec<Output>,
) {
    let Description { mut info, suppressed, bytes, .. } = description;
    if let Some(known) = bridge.frameworks.get(id) {
        if !known.recovered {
            // [C6]: these two are silently kept.
            info.user.clone_from(&known.info.user);
            info.checkpoint = known.info.checkpoint;
        }
        if let Some(old) = known.stream {
            out.push(Output::Send(old, Box::new(error("Framework failed over".to_owned()))));
            out.push(Output::Close(old));
            detach(bridge, old);
        }
    }
    offer::withdraw_all(bridge, now, id, out);
    let framework =
        bridge.frameworks.entry(id.clone()).or_insert_with(|| Framework::new(id.clone(), now));
    if framework.recovered {
        framework.registered_at = now;
        framework.recovered = false;
    }
    framework.describe(info, bytes);
    framework.suppressed = suppressed;
    framework.reregistered_at = now;
    framework.stream = Some(stream);
    framework.stream_id = stream_id;
    framework.filters.clear();
    if let Some(at) = framework.fails_over_at.take() {
        bridge.timers.remove(&(at, Timer::Failover(id.clone())));
    }
    bridge.streams.insert(stream, id.clone());
    bridge.outboxes.insert(stream, Outbox::new(id.clone()));
}

/// A stream is nobody's any more. Work that waited for its reader goes on without.
fn detach(bridge: &mut Bridge, stream: StreamKey) -> Option<Str> {
    bridge.outboxes.remove(&stream);
    work::resume(bridge, stream);
    bridge.streams.remove(&stream)
}

/// Source: \[H11\]: the first at once, the others at intervals whatever else is sent.
pub(crate) fn heartbeat(
    bridge: &mut Bridge,
    now: Timestamp,
    stream: StreamKey,
    out: &mut Vec<Output>,
) {
    if bridge.streams.contains_key(&stream) {
        out.push(Output::Send(stream, Box::new(event(event::Type::Heartbeat))));
        bridge.at(now + limits::HEARTBEAT_MS, Timer::Heartbeat(stream));
    }
}

/// Source: \[F1\], \[H18\].
pub(crate) fn stream_ended(
    bridge: &mut Bridge,
    now: Timestamp,
    stream: StreamKey,
    out: &mut Vec<Output>,
) {
    let Some(id) = detach(bridge, stream) else { return };
    let Some(framework) = bridge.frameworks.get_mut(&id) else { return };
    framework.stream = None;
    framework.away_since = now;
    framework.filters.clear();
    let away = framework.failover_ms();
    offer::withdraw_all(bridge, now, &id, out);
    if away == 0 {
        remove(bridge, now, &id, "its stream ended", out);
    } else {
        out.push(Output::Happened(Happening::Away { framework: id.clone(), waits_ms: away }));
        if let Some(framework) = bridge.frameworks.get_mut(&id) {
            framework.fails_over_at = Some(now + away);
        }
        bridge.at(now + away, Timer::Failover(id));
    }
    bridge.wants_allocation(now);
}

pub(crate) fn failover_expired(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &str,
    out: &mut Vec<Output>,
) {
    if bridge.frameworks.get(id).is_some_and(|framework| framework.stream.is_none()) {
        remove(bridge, now, id, "it did not reconnect in time", out);
    }
}

/// Ends a framework and all its tasks. Source: \[F10\]: it is told nothing any more.
pub(crate) fn remove(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &str,
    why: &'static str,
    out: &mut Vec<Output>,
) {
    offer::withdraw_all(bridge, now, id, out);
    let Some(mut framework) = bridge.frameworks.remove(id) else { return };
    if let Some(stream) = framework.stream.take() {
        detach(bridge, stream);
        out.push(Output::Close(stream));
    }
    let happened =
        Happening::Removed { framework: framework.id.clone(), tasks: framework.tasks.len(), why };
    out.push(Output::Happened(happened));
    let tasks = std::mem::take(&mut framework.tasks).into_values();
    let removal = Removal { framework: framework.id.clone(), tasks };
    framework.ended_at = Some(now);
    bridge.completed.push_back(framework);
    if bridge.completed.len() > limits::COMPLETED_FRAMEWORKS_MAX {
        bridge.completed.pop_front();
    }
    work::begin(bridge, now, Job::Remove(Box::new(removal)), out);
    bridge.wants_allocation(now);
}

/// The end of a framework's tasks.
#[derive(Debug)]
pub(crate) struct Removal {
    framework: Str,
    tasks: std::collections::btree_map::IntoValues<String, Str>,
}

impl Removal {
    /// The next slice.
    pub(crate) fn go_on(
        &mut self,
        bridge: &mut Bridge,
        now: Timestamp,
        units: &mut Units,
        out: &mut Vec<Output>,
    ) -> Slice {
        while self.tasks.len() > 0 {
            if !units.take(10) {
                return Slice::Open;
            }
            let Some(launch) = self.tasks.next() else { break };
            let task = bridge.launches.get(&launch).map(|launch| status::removed(now, launch));
            let framework = bridge.completed.iter_mut().find(|one| one.id == self.framework);
            if let (Some(framework), Some(task)) = (framework, task) {
                framework.complete(task);
            }
            launch::abandon(bridge, &launch, out);
        }
        Slice::Done
    }
}

/// Takes over what `UPDATE_FRAMEWORK` says. Offers of roles that are dropped are rescinded.
pub(crate) fn redescribe(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &str,
    description: Description,
    out: &mut Vec<Output>,
) {
    let Some(framework) = bridge.frameworks.get_mut(id) else { return };
    framework.describe(description.info, description.bytes);
    framework.suppressed = description.suppressed;
    let roles = &framework.roles;
    let offers = bridge.offers.of_framework(id);
    let dropped = offers.filter(|(_, offered)| !roles.contains(&offered.role));
    let dropped: Vec<Str> = dropped.map(|(offer, _)| offer.clone()).collect();
    work::begin(bridge, now, Job::Rescind(dropped.into_iter()), out);
    bridge.wants_allocation(now);
}
