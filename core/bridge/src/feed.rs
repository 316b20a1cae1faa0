//! Events of the cluster: what they tell, and whether they can be relied on.
//!
//! While events arrive, they are how changes are known: readings only check, seldom, and ask about what events do not tell.
//! Without them everything is read. Events may come late, twice, in any order, or not at all: nothing here makes a record
//! older, an instance that no reading has shown is read before it is offered, and a change that is read and that no event
//! tells in time makes the feed *deaf* until one arrives again.
//!
//! Source: design decision 5: events first, reads as a net.

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_replica::{Instance, News, Task, Told};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::TaskState;

use crate::launch::Phase;
use crate::machine::Output;
use crate::state::{Bridge, Timer};
use crate::{limits, observe, sweep};

/// How far events can be relied on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Hearing {
    /// There is no feed.
    #[default]
    Off,
    /// Events arrive.
    Live,
    /// The feed is there, and changes are not told.
    Deaf,
}

/// What is known of the feed.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    hearing: Hearing,
    /// Whether events were asked for.
    listens: bool,
    /// Whether the end of that is planned.
    ends: bool,
    /// Versions that were read, and by when events should have told them; by ARN.
    owed: BTreeMap<Str, (i64, Timestamp)>,
    /// When ECS last changed an instance, as an event told it, in ms since the epoch; by ARN.
    told_at: BTreeMap<Str, u64>,
}

impl Feed {
    /// Whether what events told is what is known.
    pub(crate) fn is_live(&self) -> bool {
        self.hearing == Hearing::Live
    }
}

/// Asks for events while somebody is there to be told, and for a while after.
pub(crate) fn listen(bridge: &mut Bridge, now: Timestamp, out: &mut Vec<Output>) {
    let wanted = !bridge.streams.is_empty() || !bridge.live.is_empty();
    if wanted && !bridge.feed.listens {
        bridge.feed.listens = true;
        out.push(Output::Listen(true));
    }
    if !wanted && bridge.feed.listens && !bridge.feed.ends {
        bridge.feed.ends = true;
        bridge.at(now + limits::FEED_LINGER_MS, Timer::Unlisten);
    }
}

/// Nobody was there to be told for a while, unless somebody came back.
pub(crate) fn unlisten(bridge: &mut Bridge, out: &mut Vec<Output>) {
    bridge.feed.ends = false;
    if bridge.streams.is_empty() && bridge.live.is_empty() && bridge.feed.listens {
        bridge.feed = Feed::default();
        out.push(Output::Listen(false));
    }
}

/// Events arrive from now on. What happened before is read once more.
pub(crate) fn up(bridge: &mut Bridge, now: Timestamp) {
    if !bridge.feed.listens {
        return;
    }
    bridge.feed.hearing = Hearing::Live;
    bridge.feed.owed.clear();
    read_all(bridge, now);
}

/// The feed is gone: everything is read.
pub(crate) fn down(bridge: &mut Bridge, now: Timestamp, why: &str, out: &mut Vec<Output>) {
    if bridge.feed.hearing == Hearing::Live {
        read_all(bridge, now);
    }
    bridge.feed.hearing = Hearing::Off;
    out.push(Output::Note(format!("cannot receive events, so the cluster is polled: {why}")));
}

fn read_all(bridge: &mut Bridge, now: Timestamp) {
    bridge.needs_listing = true;
    bridge.needs_reading = true;
    if !bridge.live.is_empty() {
        sweep::at_once(bridge);
    }
    // What was allocated of what is known now would be allocated of old news.
    bridge.wants_allocation(now);
}

/// Takes in events.
pub(crate) fn told(bridge: &mut Bridge, now: Timestamp, news: Vec<News>, out: &mut Vec<Output>) {
    if !bridge.is_recovered() {
        // Recovery reads everything, and what it reads is no older than this.
        return;
    }
    if bridge.feed.hearing == Hearing::Deaf {
        bridge.feed.hearing = Hearing::Live;
        read_all(bridge, now);
    }
    for one in news {
        bridge.counters.events += 1;
        let (arn, version) = one.subject();
        if bridge.feed.owed.get(arn).is_some_and(|(owed, _)| *owed <= version) {
            let arn = arn.clone();
            bridge.feed.owed.remove(&arn);
        }
        match one {
            News::Instance(told, at_ms) => instance(bridge, now, told, at_ms, out),
            News::Task(told) => task(bridge, now, told, out),
        }
    }
}

fn instance(
    bridge: &mut Bridge,
    now: Timestamp,
    told: Instance,
    at_ms: u64,
    out: &mut Vec<Output>,
) {
    let (arn, active) = (told.arn.clone(), told.active);
    let was_active = bridge.replica.instances().get(&arn).is_some_and(|held| held.active);
    match bridge.replica.merge_told(told) {
        // It may be new, and it may be long gone: a reading tells.
        Told::Unknown if active => list(bridge),
        Told::Unknown => return,
        Told::Old => {}
        Told::Changed { news, gap } => {
            if gap {
                bridge.counters.event_gaps += 1;
            }
            observe::instances_told(bridge, now, news, gap, out);
            if was_active && !active {
                // It drains, or it is gone.
                list(bridge);
            }
        }
    }
    let latest = bridge.feed.told_at.entry(arn.clone()).or_default();
    *latest = at_ms.max(*latest);
    let on = bridge.by_instance.get(&arn).into_iter().flat_map(|on| &on.unseen).cloned();
    for id in on.collect::<Vec<_>>() {
        shows(bridge, now, &id);
    }
}

fn list(bridge: &mut Bridge) {
    bridge.needs_listing = true;
    bridge.needs_reading = true;
}

/// What a launch reserves shows in the figures of its instance, if ECS changed those after it had accepted the task.
///
/// Two changes within a millisecond cannot be told apart. If the event was of the other one, the event of the launch is
/// on its way, and what was offered meanwhile is taken back by it.
pub(crate) fn shows(bridge: &mut Bridge, now: Timestamp, id: &Str) {
    let Some(launch) = bridge.launches.get(id) else { return };
    let told_at = bridge.feed.told_at.get(&launch.instance).copied().unwrap_or_default();
    if launch.accepted_at_ms.is_some_and(|accepted| accepted <= told_at) {
        bridge.is_seen(now, id);
    }
}

/// Whether an instance is about to show what a launch reserves: what is offered of it now would be half of what can be
/// offered in a moment. Without events that moment is a reading, which offers wait for anyway.
pub(crate) fn is_moving(bridge: &Bridge, now: Timestamp, instance: &str) -> bool {
    let on = bridge.by_instance.get(instance).into_iter().flat_map(|on| &on.unseen);
    let mut launches = on.filter_map(|id| bridge.launches.get(id));
    bridge.feed.is_live()
        && launches.any(|launch| {
            let is_there = matches!(launch.phase, Phase::Starting | Phase::Known);
            is_there && now.since(launch.began_at) < limits::TRUST_MS
        })
}

fn task(bridge: &mut Bridge, now: Timestamp, mut told: Task, out: &mut Vec<Output>) {
    if let Some(held) = bridge.replica.tasks().get(&told.arn) {
        if held.version >= told.version {
            return;
        }
        told.healthy = held.healthy;
    }
    let arn = told.arn.clone();
    let is_running = |bridge: &Bridge| {
        let launch = bridge.by_arn.get(&arn).and_then(|id| bridge.launches.get(id));
        launch.is_some_and(|launch| launch.state == TaskState::TaskRunning)
    };
    let (ran, runs_on) = (is_running(bridge), told.desired_running);
    observe::task(bridge, now, told, out);
    if ran && runs_on && is_running(bridge) {
        // Something changed that events do not tell: health.
        bridge.stale_tasks.insert(arn);
    }
}

/// A reading told a version of a task: an event should have, or should soon.
pub(crate) fn was_read(bridge: &mut Bridge, now: Timestamp, task: &Task) {
    let known = bridge.replica.tasks().get(&task.arn).map(|held| held.version);
    let is_news = known.is_some_and(|known| known < task.version);
    if !is_news || !bridge.feed.is_live() || bridge.feed.owed.len() >= limits::OWED_MAX {
        return;
    }
    let due = now + limits::EVENT_LATE_MS;
    bridge.feed.owed.insert(task.arn.clone(), (task.version, due));
    bridge.at(due, Timer::EventDue(task.arn.clone()));
}

/// An event should have arrived by now.
pub(crate) fn due(bridge: &mut Bridge, now: Timestamp, arn: &Str, out: &mut Vec<Output>) {
    if bridge.feed.owed.get(arn).is_none_or(|(_, due)| *due > now) {
        return;
    }
    bridge.feed.owed.remove(arn);
    if bridge.feed.hearing == Hearing::Live {
        bridge.feed.hearing = Hearing::Deaf;
        read_all(bridge, now);
        out.push(Output::Note(
            "events of the cluster do not arrive, so it is polled: check the rule and its target"
                .to_owned(),
        ));
    }
}

/// Forgets what was told of instances that are gone.
pub(crate) fn instance_gone(bridge: &mut Bridge, arn: &str) {
    bridge.feed.told_at.remove(arn);
}
