//! What there is to look at: agents that something has changed of, and clients that have begun to want offers.

use std::collections::BTreeSet;

use longshore_machine::Ids;

use super::agents::Key;
use super::tree::{Among, Client};

/// Agents to be looked at, and on whose behalf.
type Queue = Vec<(Key, Among)>;

/// An allocation that goes on.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// To be looked at for unmet guarantees.
    first: Queue,
    /// To be looked at for everyone.
    second: Queue,
}

impl Run {
    /// Of agents to be looked at, in two stages if any guarantees are unmet.
    pub(super) fn new(queue: Queue, has_unmet: bool) -> Self {
        if has_unmet {
            Self { first: queue, second: Vec::new() }
        } else {
            Self { first: Vec::new(), second: queue }
        }
    }

    /// The next agent; whether it is looked at for unmet guarantees. Source: \[O23\]: they are drawn, so that no agent is
    /// always the last one, and drawn again for the second stage.
    pub(super) fn next(&mut self, ids: &mut Ids) -> Option<(Key, Among, bool)> {
        if let Some((key, among)) = draw(&mut self.first, ids) {
            self.second.push((key, among));
            return Some((key, among, true));
        }
        draw(&mut self.second, ids).map(|(key, among)| (key, among, false))
    }
}

fn draw<T>(queue: &mut Vec<T>, ids: &mut Ids) -> Option<T> {
    let at = usize::try_from(ids.below("allocation", queue.len() as u64)).unwrap_or(0);
    (!queue.is_empty()).then(|| queue.swap_remove(at))
}

#[derive(Debug, Default)]
pub(super) struct Work {
    /// Agents with something free that was not, or that someone did not want and may want now.
    changed: BTreeSet<Key>,
    /// Clients that have begun to want offers.
    arrived: BTreeSet<Client>,
    /// Agents of which something was not offered because of a limit or of what others are guaranteed.
    held_back: BTreeSet<Key>,
    held_back_changed: bool,
    pub(super) run: Option<Run>,
}

impl Work {
    pub(super) fn look_at(&mut self, agent: Key) {
        self.changed.insert(agent);
    }

    /// Roles may have more than before, or there is more beyond what others are guaranteed.
    pub(super) fn look_at_what_was_held_back(&mut self) {
        self.held_back_changed = !self.held_back.is_empty();
    }

    pub(super) fn hold_back(&mut self, agent: Key) {
        self.held_back.insert(agent);
    }

    pub(super) fn forget_agent(&mut self, agent: Key) {
        self.changed.remove(&agent);
        self.held_back.remove(&agent);
    }

    /// A client wants offers.
    pub(super) fn welcome(&mut self, client: Client) {
        self.arrived.insert(client);
    }

    /// A client does not want offers any more.
    pub(super) fn dismiss(&mut self, client: Client) {
        self.arrived.remove(&client);
    }

    pub(super) fn next_arrival(&mut self) -> Option<Client> {
        self.arrived.pop_first()
    }

    pub(super) fn has_arrivals(&self) -> bool {
        !self.arrived.is_empty()
    }

    /// Agents to be looked at on behalf of everyone.
    pub(super) fn take_changed(&mut self) -> BTreeSet<Key> {
        if std::mem::take(&mut self.held_back_changed) {
            self.changed.append(&mut self.held_back);
        }
        std::mem::take(&mut self.changed)
    }

    /// Whether there is anything to do.
    pub(super) fn is_waiting(&self) -> bool {
        let is_waiting = !self.changed.is_empty() || self.has_arrivals();
        is_waiting || self.held_back_changed || self.run.is_some()
    }

    /// Agents that are to be looked at and are not known.
    pub(super) fn audit(&self, is_known: impl Fn(Key) -> bool) -> Vec<String> {
        let agents = self.changed.union(&self.held_back).filter(|key| !is_known(**key));
        agents.map(|key| format!("{key:?} is gone and to be looked at")).collect()
    }
}
