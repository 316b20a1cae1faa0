//! What frameworks have declined, and until when it is not offered to them again. Source: \[O13\], \[O14\].

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;

use crate::amounts::Amounts;
use crate::limits;
use crate::state::{Bridge, Timer};

/// Amounts that are not wanted for a while.
#[derive(Clone, Debug)]
struct Filter {
    until: Timestamp,
    refused: Amounts,
}

/// The filters of one framework.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filters {
    /// By ARN of the instance, then by role.
    all: BTreeMap<Str, BTreeMap<Str, Vec<Filter>>>,
    /// When filters of an instance and a role end.
    ends: BTreeSet<(Timestamp, Str, Str)>,
    count: usize,
    /// When the timer of this framework's filters goes off.
    timer_at: Option<Timestamp>,
}

impl Filters {
    /// Amounts are not wanted until then. A filter for less that ends later gives way to it.
    fn refuse(&mut self, now: Timestamp, role: &Str, instance: &Str, filter: Filter) {
        let mut kept = self.take(role, instance);
        kept.retain(|one| one.until > now && !filter.refused.contains(&one.refused));
        if kept.len() >= limits::FILTERS_PER_OFFER_MAX {
            let ends_first = (0..kept.len()).min_by_key(|at| kept[*at].until);
            kept.remove(ends_first.unwrap_or_default());
        }
        if self.count + kept.len() < limits::FILTERS_PER_FRAMEWORK_MAX {
            kept.push(filter);
        }
        self.put(role, instance, kept);
    }

    /// Takes out what is declined of an instance by a role.
    fn take(&mut self, role: &str, instance: &str) -> Vec<Filter> {
        let Some(roles) = self.all.get_mut(instance) else { return Vec::new() };
        let Some((role, filters)) = roles.remove_entry(role) else { return Vec::new() };
        if roles.is_empty() {
            self.all.remove(instance);
        }
        for filter in &filters {
            self.ends.remove(&(filter.until, instance.into(), role.clone()));
        }
        self.count -= filters.len();
        filters
    }

    fn put(&mut self, role: &Str, instance: &Str, filters: Vec<Filter>) {
        if filters.is_empty() {
            return;
        }
        self.count += filters.len();
        self.ends.extend(filters.iter().map(|one| (one.until, instance.clone(), role.clone())));
        self.all.entry(instance.clone()).or_default().insert(role.clone(), filters);
    }

    /// Whether these amounts of an instance are not wanted now.
    pub(crate) fn refuses(
        &self,
        now: Timestamp,
        role: &str,
        instance: &str,
        amounts: &Amounts,
    ) -> bool {
        let filters = self.all.get(instance).and_then(|roles| roles.get(role));
        filters
            .into_iter()
            .flatten()
            .any(|filter| filter.until > now && filter.refused.contains(amounts))
    }

    /// Forgets what is declined, of all roles.
    pub(crate) fn clear(&mut self) {
        self.all.clear();
        self.ends.clear();
        self.count = 0;
    }

    /// Forgets what these roles declined.
    pub(crate) fn clear_roles(&mut self, roles: &BTreeSet<Str>) {
        let declined = self.all.iter().flat_map(|(instance, by_role)| {
            by_role.keys().filter(|role| roles.contains(*role)).map(move |role| (role, instance))
        });
        let declined: Vec<(Str, Str)> =
            declined.map(|(role, instance)| (role.clone(), instance.clone())).collect();
        for (role, instance) in declined {
            self.take(&role, &instance);
        }
    }

    /// Forgets filters that have ended, up to so many.
    fn end(&mut self, now: Timestamp, most: usize) {
        for _ in 0..most {
            let first = self.ends.first().filter(|(until, ..)| *until <= now).cloned();
            let Some((_, instance, role)) = first else { return };
            let mut kept = self.take(&role, &instance);
            kept.retain(|filter| filter.until > now);
            self.put(&role, &instance, kept);
        }
    }

    /// What is counted or indexed wrongly.
    pub(crate) fn audit(&self) -> Option<String> {
        let mut ends = BTreeSet::new();
        let mut count = 0;
        for (instance, roles) in &self.all {
            for (role, filters) in roles {
                count += filters.len();
                ends.extend(filters.iter().map(|one| (one.until, instance.clone(), role.clone())));
            }
        }
        let is_right = ends == self.ends && count == self.count;
        (!is_right).then(|| format!("{count} filters are counted as {}", self.count))
    }
}

/// Remembers that a framework does not want these amounts for so many seconds.
pub(crate) fn refuse(
    bridge: &mut Bridge,
    now: Timestamp,
    framework: &str,
    role: &Str,
    instance: &Str,
    refused: Amounts,
    seconds: f64,
) {
    let ms = milliseconds(seconds);
    if ms == 0 || refused.is_empty() {
        return;
    }
    if let Some(known) = bridge.frameworks.get_mut(framework) {
        known.filters.refuse(now, role, instance, Filter { until: now + ms, refused });
    }
    wake(bridge, framework, now);
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "cut to the longest filter first"
)]
fn milliseconds(seconds: f64) -> u64 {
    if seconds >= 0.0 && seconds.is_finite() {
        (seconds * 1000.0).min(limits::REFUSE_MS_MAX as f64) as u64
    } else if seconds == f64::INFINITY {
        limits::REFUSE_MS_MAX
    } else {
        limits::REFUSE_MS
    }
}

/// Wakes when the first filter of a framework ends, but not before `earliest`. One timer is enough for all of them.
fn wake(bridge: &mut Bridge, framework: &str, earliest: Timestamp) {
    let Some(known) = bridge.frameworks.get_mut(framework) else { return };
    let next = known.filters.ends.first().map(|(until, ..)| *until).map(|at| at.max(earliest));
    if next == known.filters.timer_at {
        return;
    }
    let timer = Timer::Filters(known.id.clone());
    if let Some(held) = std::mem::replace(&mut known.filters.timer_at, next) {
        bridge.timers.remove(&(held, timer.clone()));
    }
    if let Some(at) = next {
        bridge.at(at, timer);
    }
}

/// Some filters of a framework have ended: what they kept back may be offered.
pub(crate) fn ended(bridge: &mut Bridge, now: Timestamp, framework: &str) {
    let Some(known) = bridge.frameworks.get_mut(framework) else { return };
    known.filters.timer_at = None;
    known.filters.end(now, limits::ENDS_TOGETHER_MAX);
    // What is left to end waits for its own turn.
    wake(bridge, framework, now + 1);
    bridge.wants_allocation(now);
}
