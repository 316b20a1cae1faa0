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
use longshore_replica::{Instance, InstanceNews, News, Task, Told};
use longshore_wire_ecs::Str;

use super::Cluster;
use crate::agenda::Timer;
use crate::context::Context;
use crate::ids::LaunchId;
use crate::launches::{Launch, Launches, Phase};
use crate::limits;

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
pub(super) struct Feed {
    hearing: Hearing,
    /// Whether events were asked for.
    listens: bool,
    /// Whether the end of that is planned.
    ends: bool,
    /// Versions that were read, and by when events should have told them; by ARN.
    owed: BTreeMap<Str, (i64, Timestamp)>,
    /// When ECS last changed an instance, as an event told it, in ms since the epoch; by ARN.
    told_at: BTreeMap<Str, u64>,
    /// Events that were told.
    events: u64,
    /// Events between which versions were missing.
    gaps: u64,
}

/// What an event tells that is news.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Of an instance, and whether events before it were missed; launches that show in its figures now.
    Instance(Option<(InstanceNews, bool)>, Vec<LaunchId>),
    /// Of a task.
    Task(Box<Task>),
}

impl Cluster {
    /// Whether what events told is what is known.
    pub(crate) fn hears(&self) -> bool {
        self.feed.hearing == Hearing::Live
    }

    /// Events that were told, and gaps between them.
    pub(crate) fn heard(&self) -> (u64, u64) {
        (self.feed.events, self.feed.gaps)
    }

    /// Asks for events while somebody is there to be told, and for a while after.
    pub(crate) fn listen(&mut self, cx: &mut Context<'_>, launches: &Launches) {
        let wanted = self.audience || !launches.live().is_empty();
        if wanted && !self.feed.listens {
            self.feed.listens = true;
            cx.listen(true);
        }
        if !wanted && self.feed.listens && !self.feed.ends {
            self.feed.ends = true;
            cx.after(limits::FEED_LINGER_MS, Timer::Unlisten);
        }
    }

    /// Nobody was there to be told for a while, unless somebody came back.
    pub(crate) fn unlisten(&mut self, cx: &mut Context<'_>, launches: &Launches) {
        self.feed.ends = false;
        if !self.audience && launches.live().is_empty() && self.feed.listens {
            let Feed { events, gaps, .. } = self.feed;
            self.feed = Feed { events, gaps, ..Feed::default() };
            cx.listen(false);
        }
    }

    /// Events arrive from now on; whether what happened before is to be read once more.
    pub(crate) fn feed_up(&mut self, launches: &Launches) -> bool {
        if self.feed.listens {
            self.feed.hearing = Hearing::Live;
            self.feed.owed.clear();
            self.read_all(launches);
        }
        self.feed.listens
    }

    /// The feed is gone, and everything is read; whether that is news.
    pub(crate) fn feed_down(
        &mut self,
        cx: &mut Context<'_>,
        why: &str,
        launches: &Launches,
    ) -> bool {
        let was_live = self.hears();
        if was_live {
            self.read_all(launches);
        }
        self.feed.hearing = Hearing::Off;
        cx.note(format!("cannot receive events, so the cluster is polled: {why}"));
        was_live
    }

    fn read_all(&mut self, launches: &Launches) {
        self.needs_listing = true;
        self.needs_reading = true;
        if !launches.live().is_empty() {
            self.sweep.at_once();
        }
    }

    /// Events arrive; whether they did not before, so that everything is read.
    pub(crate) fn hears_again(&mut self, launches: &Launches) -> bool {
        let was_deaf = self.feed.hearing == Hearing::Deaf;
        if was_deaf {
            self.feed.hearing = Hearing::Live;
            self.read_all(launches);
        }
        was_deaf
    }

    /// Takes in one event.
    pub(crate) fn hear(&mut self, news: News, launches: &Launches) -> Option<Heard> {
        self.feed.events += 1;
        let (arn, version) = news.subject();
        if self.feed.owed.get(arn).is_some_and(|(owed, _)| *owed <= version) {
            let arn = arn.clone();
            self.feed.owed.remove(&arn);
        }
        match news {
            News::Instance(told, at_ms) => self.hear_instance(told, at_ms, launches),
            News::Task(told) => self.hear_task(told),
        }
    }

    fn hear_instance(&mut self, told: Instance, at_ms: u64, launches: &Launches) -> Option<Heard> {
        let (arn, active, agent) = (told.arn.clone(), told.active, told.id().to_owned());
        let was_active = self.replica.instances().get(&arn).is_some_and(|held| held.active);
        let news = match self.replica.merge_told(told) {
            // It may be new, and it may be long gone: a reading tells.
            Told::Unknown if active => {
                self.list();
                None
            }
            Told::Unknown => return None,
            Told::Old => None,
            Told::Changed { news, gap } => {
                self.feed.gaps += u64::from(gap);
                if was_active && !active {
                    // It drains, or it is gone.
                    self.list();
                }
                Some((news, gap))
            }
        };
        let latest = self.feed.told_at.entry(arn).or_default();
        *latest = at_ms.max(*latest);
        let shown = launches.unseen_on(&agent).filter(|launch| self.was_told(launch));
        let shown = shown.map(|launch| launch.id().clone()).collect();
        Some(Heard::Instance(news, shown))
    }

    fn hear_task(&self, mut told: Task) -> Option<Heard> {
        if let Some(held) = self.replica.tasks().get(&told.arn) {
            if held.version >= told.version {
                return None;
            }
            told.healthy = held.healthy;
        }
        Some(Heard::Task(Box::new(told)))
    }

    fn list(&mut self) {
        self.needs_listing = true;
        self.needs_reading = true;
    }

    /// Whether what a launch reserves shows in the figures of its instance: ECS changed those after it had accepted the task.
    ///
    /// Two changes within a millisecond cannot be told apart. If the event was of the other one, the event of the launch is
    /// on its way, and what was offered meanwhile is taken back by it.
    pub(crate) fn was_told(&self, launch: &Launch) -> bool {
        let told_at = self.feed.told_at.get(launch.instance()).copied().unwrap_or_default();
        launch.accepted_at_ms().is_some_and(|accepted| accepted <= told_at)
    }

    /// Whether an instance is about to show what a launch reserves: what is offered of it now would be half of what can be
    /// offered in a moment. Without events that moment is a reading, which offers wait for anyway.
    pub(crate) fn is_moving(&self, now: Timestamp, agent: &str, launches: &Launches) -> bool {
        self.hears()
            && launches.unseen_on(agent).any(|launch| {
                let is_there = matches!(launch.phase(), Phase::Starting | Phase::Known);
                is_there && now.since(launch.began_at()) < limits::TRUST_MS
            })
    }

    /// A reading told a version of a task: an event should have, or should soon.
    pub(super) fn expects_event(&mut self, cx: &mut Context<'_>, task: &Task) {
        let known = self.replica.tasks().get(&task.arn).map(|held| held.version);
        let is_news = known.is_some_and(|known| known < task.version);
        if !is_news || !self.hears() || self.feed.owed.len() >= limits::OWED_MAX {
            return;
        }
        let due = cx.now + limits::EVENT_LATE_MS;
        self.feed.owed.insert(task.arn.clone(), (task.version, due));
        cx.agenda.at(due, Timer::EventDue(task.arn.clone()));
    }

    /// An event should have arrived by now; whether it has not, so that everything is read.
    pub(crate) fn event_due(
        &mut self,
        cx: &mut Context<'_>,
        arn: &Str,
        launches: &Launches,
    ) -> bool {
        if self.feed.owed.get(arn).is_none_or(|(_, due)| *due > cx.now) {
            return false;
        }
        self.feed.owed.remove(arn);
        let is_deaf = self.hears();
        if is_deaf {
            self.feed.hearing = Hearing::Deaf;
            self.read_all(launches);
            cx.note(
                "events of the cluster do not arrive, so it is polled: check the rule and its target",
            );
        }
        is_deaf
    }

    /// Forgets what was told of instances that are gone.
    pub(super) fn forget_told(&mut self, arn: &str) {
        self.feed.told_at.remove(arn);
    }
}
