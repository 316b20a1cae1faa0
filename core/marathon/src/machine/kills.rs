//! Instances that are to end, and which of them. Source: frameworks.md 3.3, 5.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_driver_machine::Command;
use longshore_wire_marathon::{App, KillSelection};
use longshore_wire_mesos::v1::TaskId;

use super::{Context, Marathon};
use crate::instances::{Instance, Stage, Why};
use crate::limits;
use crate::rules::{Rule, of_instance};
use crate::timers::Due;

impl Marathon {
    pub(super) fn kills(&mut self, cx: &mut Context, id: &Arc<str>, why: Why) {
        let Some(instance) = self.instances.get(id) else { return };
        if instance.killing.is_some() {
            return;
        }
        if matches!(instance.stage, Stage::Unreachable { .. }) {
            // Nobody hears it now. If it comes back, it is not known, and killed.
            let tasks = instance.tasks(id);
            drop(self.forgets(id));
            says_kill_of(cx, tasks);
        } else {
            self.instances.edit(id, |one| one.killing = Some(why));
            self.kills.waits(id);
        }
    }

    /// Says the kills that have a place, each again until its task is gone. Without a subscription nobody would hear them.
    pub(super) fn says_kills(&mut self, cx: &mut Context) {
        if !self.session.is_open() {
            return;
        }
        while let Some(id) = self.kills.next() {
            let tasks = self.instances.get(&id).map_or_else(Vec::new, |one| one.tasks(&id));
            says_kill_of(cx, tasks);
            self.timers.set(Due::Kill(id), cx.now + limits::KILL_AGAIN_MS);
        }
    }
}

fn says_kill_of(cx: &mut Context, tasks: Vec<String>) {
    for value in tasks {
        cx.say(Command::Kill(TaskId { value }));
    }
}

/// Orders candidates so that those come first that are to go first.
pub(super) fn ordered(
    app: &App,
    rules: &[Rule],
    mut candidates: Vec<(Arc<str>, &Instance)>,
) -> Vec<Arc<str>> {
    candidates.sort_by(|(_, one), (_, other)| {
        rank(one).cmp(&rank(other)).then_with(|| {
            let ages = one.staged_ms.cmp(&other.staged_ms);
            match app.kill_selection {
                KillSelection::OldestFirst => ages,
                KillSelection::YoungestFirst => ages.reverse(),
            }
        })
    });
    let Some(field) = rules.iter().find_map(Rule::spreads) else {
        return candidates.into_iter().map(|(id, _)| id).collect();
    };
    // Of the fullest group first, so that what stays is even.
    let mut groups: BTreeMap<Option<&str>, Vec<Arc<str>>> = BTreeMap::new();
    let mut places: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    for (place, (id, one)) in candidates.iter().enumerate() {
        groups.entry(of_instance(one, field)).or_default().push(id.clone());
        places.insert(id.clone(), place);
    }
    let mut keyed: Vec<(usize, usize, Arc<str>)> = Vec::new();
    for group in groups.into_values() {
        let many = group.len();
        for (at, id) in group.into_iter().enumerate() {
            // How many its group has when it goes: the more, the sooner.
            keyed.push((usize::MAX - (many - at), places.get(&id).copied().unwrap_or(0), id));
        }
    }
    keyed.sort_unstable();
    keyed.into_iter().map(|(.., id)| id).collect()
}

fn rank(instance: &Instance) -> u8 {
    match instance.stage {
        Stage::Unreachable { .. } => 0,
        Stage::Staging => 1,
        Stage::Starting => 2,
        Stage::Running => 3,
    }
}
