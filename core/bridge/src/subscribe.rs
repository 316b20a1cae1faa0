//! Frameworks come, go, come back and are removed. Source: \[H9\] to \[H19\], \[F1\] to \[F11\].

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::scheduler::{Event, call, event};
use longshore_wire_mesos::v1::{FrameworkId, FrameworkInfo};

use crate::framework::Framework;
use crate::machine::{Output, StreamKey};
use crate::state::{Bridge, Timer};
use crate::{description, endpoint, launch, limits, offer, status, stray};

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
    subscribe: call::Subscribe,
    out: &mut Vec<Output>,
) {
    bridge.streams_made += 1;
    let stream = StreamKey(bridge.streams_made);
    let stream_id = bridge.ids.uuid("stream");
    bridge.opening = Some((stream, stream_id.clone()));
    let info = subscribe.framework_info;
    let id = info.id.as_ref().map(|id| id.value.clone()).filter(|id| !id.is_empty());
    if id.is_some() {
        stray::expect(bridge);
    }
    if let Err(why) = admit(bridge, &info, &subscribe.suppressed_roles, id.as_deref()) {
        out.push(Output::Send(stream, Box::new(error(why))));
        out.push(Output::Close(stream));
        return;
    }
    let id = id.unwrap_or_else(|| {
        let id = format!("{}-{:04}", bridge.master_id, bridge.frameworks_made);
        bridge.frameworks_made += 1;
        id
    });
    attach(bridge, now, &id, info, stream, stream_id, out);
    let suppressed = subscribe.suppressed_roles.into_iter().collect();
    if let Some(framework) = bridge.frameworks.get_mut(&id) {
        framework.suppressed = suppressed;
    }
    bridge.count("messages_register_framework");
    let subscribed = event::Subscribed {
        framework_id: FrameworkId { value: id.clone() },
        #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
        heartbeat_interval_seconds: Some(limits::HEARTBEAT_MS as f64 / 1000.0),
        master_info: Some(endpoint::master_info(bridge)),
    };
    let first = Event { subscribed: Some(subscribed), ..event(event::Type::Subscribed) };
    out.push(Output::Send(stream, Box::new(first)));
    heartbeat(bridge, now, stream, out);
    status::resend_all(bridge, now, &id, out);
    bridge.wants_allocation(now);
}

fn admit(
    bridge: &Bridge,
    info: &FrameworkInfo,
    suppressed: &[String],
    id: Option<&str>,
) -> Result<(), String> {
    description::validate(info, suppressed)?;
    let Some(id) = id else {
        let room = bridge.frameworks.len() < limits::FRAMEWORKS_MAX;
        return if room {
            Ok(())
        } else {
            Err("Too many frameworks are known to this master".to_owned())
        };
    };
    if bridge.completed.iter().any(|framework| framework.id == id) {
        return Err("Framework has been removed".to_owned());
    }
    match bridge.frameworks.get(id) {
        Some(known) if !known.recovered && known.info.principal != info.principal => {
            Err("Changing framework's principal is not allowed".to_owned())
        }
        _ => Ok(()),
    }
}

/// Connects a framework to its stream, whoever had it before. Source: \[H14\], \[H15\]: the newest wins.
fn attach(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &str,
    mut info: FrameworkInfo,
    stream: StreamKey,
    stream_id: String,
    out: &mut Vec<Output>,
) {
    if let Some(known) = bridge.frameworks.get(id) {
        if !known.recovered {
            // [C6]: these two are silently kept.
            info.user.clone_from(&known.info.user);
            info.checkpoint = known.info.checkpoint;
        }
        if let Some(old) = known.stream {
            out.push(Output::Send(old, Box::new(error("Framework failed over".to_owned()))));
            out.push(Output::Close(old));
            bridge.streams.remove(&old);
        }
    }
    offer::withdraw_all(bridge, now, id);
    let framework = bridge
        .frameworks
        .entry(id.to_owned())
        .or_insert_with(|| Framework::new(id.to_owned(), FrameworkInfo::default(), now));
    if framework.recovered {
        framework.registered_at = now;
        framework.recovered = false;
    }
    framework.describe(info);
    framework.reregistered_at = now;
    framework.stream = Some(stream);
    framework.stream_id = stream_id;
    framework.filters.clear();
    bridge.streams.insert(stream, id.to_owned());
    let id = id.to_owned();
    bridge.timers.retain(|(_, timer)| !matches!(timer, Timer::Failover(of) if *of == id));
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
    let Some(id) = bridge.streams.remove(&stream) else { return };
    let Some(framework) = bridge.frameworks.get_mut(&id) else { return };
    framework.stream = None;
    framework.filters.clear();
    let away = framework.failover_ms();
    offer::withdraw_all(bridge, now, &id);
    if away == 0 {
        remove(bridge, now, &id, out);
    } else {
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
        out.push(Output::Note(format!("framework {id} did not come back in time and is removed")));
        remove(bridge, now, id, out);
    }
}

/// Ends a framework and all its tasks. Source: \[F10\]: it is told nothing any more.
pub(crate) fn remove(bridge: &mut Bridge, now: Timestamp, id: &str, out: &mut Vec<Output>) {
    offer::withdraw_all(bridge, now, id);
    let Some(mut framework) = bridge.frameworks.remove(id) else { return };
    if let Some(stream) = framework.stream.take() {
        bridge.streams.remove(&stream);
        out.push(Output::Close(stream));
    }
    for launch in std::mem::take(&mut framework.tasks).into_values() {
        framework
            .completed
            .extend(bridge.launches.get(&launch).map(|launch| status::removed(now, launch)));
        launch::abandon(bridge, now, &launch, out);
    }
    framework.ended_at = Some(now);
    bridge.completed.push_back(framework);
    if bridge.completed.len() > limits::COMPLETED_FRAMEWORKS_MAX {
        bridge.completed.pop_front();
    }
    bridge.wants_allocation(now);
}

/// Takes over what `UPDATE_FRAMEWORK` says. Offers of roles that are dropped are rescinded.
pub(crate) fn redescribe(
    bridge: &mut Bridge,
    now: Timestamp,
    id: &str,
    info: FrameworkInfo,
    suppressed: Vec<String>,
    out: &mut Vec<Output>,
) {
    let Some(framework) = bridge.frameworks.get_mut(id) else { return };
    framework.describe(info);
    framework.suppressed = suppressed.into_iter().collect();
    let roles = framework.roles.clone();
    let dropped = bridge
        .offers
        .iter()
        .filter(|(_, offer)| offer.framework == id && !roles.contains(&offer.role));
    let dropped: Vec<String> = dropped.map(|(offer, _)| offer.clone()).collect();
    for offer in dropped {
        offer::rescind(bridge, now, &offer, out);
    }
    bridge.wants_allocation(now);
}
