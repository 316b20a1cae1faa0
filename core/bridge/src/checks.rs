//! Health checks and checks that are dialled: when, and what follows from what is found. Source: \[A10\], \[A11\].
//!
//! One probe of each check is out at a time, and the next is due an interval after its end, so that whoever answers slowly is asked
//! seldom. What is known only of a probe that reached nobody counts neither for nor against a task: the way to it may be broken, which is
//! no reason to end it. Of checks that their container makes, only the last result is kept here.
//!
//! A master keeps none of this over a restart but what is to be dialled: the first verdict after it is news again, and failures are counted
//! anew.
//!
//! Invariant: a check waits for its time, or for its answer, or its task is about to end.

use std::collections::BTreeMap;

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::check_info::Type as CheckType;
use longshore_wire_mesos::v1::check_status_info::{Command, Http, Tcp};
use longshore_wire_mesos::v1::{CheckStatusInfo, check_info};

use crate::agenda::Timer;
use crate::context::Context;
use crate::ids::LaunchId;
use crate::limits;
use crate::probe::{Means, ProbeId, Probed};
use crate::watches::{CheckBy, CheckKind, Dial, HealthDial, Watches, Which};

/// What comes next of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// Nothing: its task ends, or it is not dialled.
    Never,
    At(Timestamp),
    Out(ProbeId),
}

/// The health check of a launch.
#[derive(Debug)]
struct Health {
    of: HealthDial,
    began_at: Timestamp,
    /// Whether it has ever succeeded.
    succeeded: bool,
    /// Failures in a row.
    failures: u32,
    verdict: Option<bool>,
    next: Next,
}

/// The check of a launch.
#[derive(Debug)]
struct Check {
    by: CheckBy,
    found: Option<Found>,
    next: Next,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    ExitCode(i32),
    Status(u16),
    Connected(bool),
}

/// The checks of one launch.
#[derive(Debug)]
struct Watch {
    health: Option<Health>,
    check: Option<Check>,
}

/// What a probe led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing that anyone is told.
    Nothing,
    /// A verdict to be told, and whether the task is to end.
    Health { ends: bool },
    /// A result to be told.
    Check,
}

/// The checks of all launches.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    of: BTreeMap<LaunchId, Watch>,
    /// Probes that are out.
    out: BTreeMap<ProbeId, (LaunchId, Which)>,
    made: u64,
}

impl Checks {
    /// A task runs, and is watched from now on. One that ran before this master is probed at any time within the next interval, so that
    /// not all of them are probed at once.
    pub(crate) fn begin(
        &mut self,
        cx: &mut Context<'_>,
        id: &LaunchId,
        watches: &Watches,
        ran_before: bool,
    ) {
        if watches.is_empty() || self.of.contains_key(id) {
            return;
        }
        let first = |cx: &mut Context<'_>, dial: &Dial, which| {
            let spread = dial.interval_ms.clamp(1, limits::PROBE_SPREAD_MS_MAX);
            let after = if ran_before {
                u64::try_from(cx.ids.bits("probe") % u128::from(spread)).unwrap_or_default()
            } else {
                dial.delay_ms
            };
            plan(cx, id, which, after)
        };
        let health = watches.health.as_ref().map(|of| Health {
            of: of.clone(),
            began_at: cx.now,
            succeeded: false,
            failures: 0,
            verdict: None,
            next: first(cx, &of.dial, Which::Health),
        });
        let check = watches.check.as_ref().map(|by| Check {
            by: by.clone(),
            found: None,
            next: match by {
                CheckBy::Dial(dial) => first(cx, dial, Which::Check),
                CheckBy::Container(_) => Next::Never,
            },
        });
        self.of.insert(id.clone(), Watch { health, check });
    }

    /// What is to be dialled, if its time has come.
    pub(crate) fn due(&self, now: Timestamp, id: &LaunchId, which: Which) -> Option<&Dial> {
        let (next, dial) = self.of.get(id)?.look(which)?;
        matches!(next, Next::At(at) if at <= now).then_some(dial)
    }

    /// It is dialled; the name of the probe.
    pub(crate) fn asks(&mut self, id: &LaunchId, which: Which) -> ProbeId {
        self.made += 1;
        let probe = ProbeId(self.made);
        if let Some(next) = self.of.get_mut(id).and_then(|watch| watch.next(which)) {
            *next = Next::Out(probe);
            self.out.insert(probe, (id.clone(), which));
        }
        probe
    }

    /// Which check a probe is of, if anyone still waits for it.
    pub(crate) fn answered(&mut self, probe: ProbeId) -> Option<(LaunchId, Which)> {
        self.out.remove(&probe)
    }

    /// What follows from what came of a probe; the next one is planned.
    pub(crate) fn came_of(
        &mut self,
        cx: &mut Context<'_>,
        id: &LaunchId,
        which: Which,
        probed: &Probed,
    ) -> News {
        let Some(watch) = self.of.get_mut(id) else { return News::Nothing };
        match which {
            Which::Health => {
                let Some(health) = &mut watch.health else { return News::Nothing };
                health.next = plan(cx, id, which, health.of.dial.interval_ms);
                health.takes(cx.now, probed)
            }
            Which::Check => {
                let Some(check) = &mut watch.check else { return News::Nothing };
                let CheckBy::Dial(dial) = &check.by else { return News::Nothing };
                check.next = plan(cx, id, which, dial.interval_ms);
                check.takes(probed)
            }
        }
    }

    /// What ECS says of the health check of a container, where that is the check of the task; whether it is news.
    pub(crate) fn contained(&mut self, id: &LaunchId, healthy: Option<bool>) -> bool {
        let Some(check) = self.of.get_mut(id).and_then(|watch| watch.check.as_mut()) else {
            return false;
        };
        let CheckBy::Container(kind) = check.by else { return false };
        let found = healthy.map(|passes| match kind {
            CheckKind::Tcp => Found::Connected(passes),
            // ECS tells no more of an exit code than whether it is 0.
            CheckKind::Command | CheckKind::Http => Found::ExitCode(i32::from(!passes)),
        });
        // While its agent is away ECS says nothing, which is no result.
        found.is_some() && std::mem::replace(&mut check.found, found) != found
    }

    /// The verdict of a health check that is dialled.
    pub(crate) fn healthy(&self, id: &LaunchId) -> Option<bool> {
        self.of.get(id)?.health.as_ref()?.verdict
    }

    /// What a check of this kind last found of a launch. Source: \[T23\]: before that, the member of the kind is there and empty.
    pub(crate) fn status(&self, id: &LaunchId, by: &CheckBy) -> CheckStatusInfo {
        let check = self.of.get(id).and_then(|watch| watch.check.as_ref());
        status(by.kind(), check.and_then(|check| check.found))
    }

    /// A task is about to end: it is not probed any more, and what was found last stays known.
    pub(crate) fn pause(&mut self, cx: &mut Context<'_>, id: &LaunchId) {
        let Some(watch) = self.of.get_mut(id) else { return };
        for which in [Which::Health, Which::Check] {
            let Some(next) = watch.next(which) else { continue };
            match std::mem::replace(next, Next::Never) {
                Next::Never => {}
                Next::At(at) => cx.agenda.cancel(at, Timer::Probe(id.clone(), which)),
                Next::Out(probe) => drop(self.out.remove(&probe)),
            }
        }
    }

    /// A launch is forgotten.
    pub(crate) fn forget(&mut self, id: &LaunchId) {
        let Some(mut watch) = self.of.remove(id) else { return };
        for which in [Which::Health, Which::Check] {
            if let Some(Next::Out(probe)) = watch.next(which) {
                self.out.remove(probe);
            }
        }
    }

    /// How many launches are watched, and how many probes are out.
    pub(crate) fn sizes(&self) -> [usize; 2] {
        [self.of.len(), self.out.len()]
    }

    /// What does not hold of it.
    pub(crate) fn audit(&self, is_known: impl Fn(&LaunchId) -> bool) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut out = BTreeMap::new();
        for (id, watch) in &self.of {
            if !is_known(id) {
                wrong.push(format!("checks of {id} are kept, and it is not"));
            }
            for which in [Which::Health, Which::Check] {
                if let Some((Next::Out(probe), _)) = watch.look(which) {
                    out.insert(probe, (id.clone(), which));
                }
            }
        }
        if out != self.out {
            wrong.push(format!("probes {out:?} are waited for, and {:?} are out", self.out));
        }
        wrong
    }
}

/// Plans a probe.
fn plan(cx: &mut Context<'_>, id: &LaunchId, which: Which, after_ms: u64) -> Next {
    cx.after(after_ms, Timer::Probe(id.clone(), which));
    Next::At(cx.now + after_ms)
}

impl Watch {
    fn next(&mut self, which: Which) -> Option<&mut Next> {
        match which {
            Which::Health => self.health.as_mut().map(|health| &mut health.next),
            Which::Check => self.check.as_mut().map(|check| &mut check.next),
        }
    }

    fn look(&self, which: Which) -> Option<(Next, &Dial)> {
        match which {
            Which::Health => self.health.as_ref().map(|health| (health.next, &health.of.dial)),
            Which::Check => {
                let check = self.check.as_ref()?;
                let CheckBy::Dial(dial) = &check.by else { return None };
                Some((check.next, dial))
            }
        }
    }
}

impl Health {
    /// Source: \[A10\]: the first success, each failure and each recovery are told; failures within the grace period do not count before
    /// the first success.
    fn takes(&mut self, now: Timestamp, probed: &Probed) -> News {
        let passes = match (probed, &self.of.dial.means) {
            (Probed::Unreached(_), _) => return News::Nothing,
            (Probed::Status(status), _) => (200..400).contains(status),
            (Probed::Connected, means) => *means == Means::Tcp,
            (Probed::Failed(_) | Probed::TimedOut, _) => false,
        };
        if passes {
            let is_news = !self.succeeded || self.failures > 0;
            self.succeeded = true;
            self.failures = 0;
            self.verdict = Some(true);
            return if is_news { News::Health { ends: false } } else { News::Nothing };
        }
        let in_grace = self.of.grace_ms > 0 && now.since(self.began_at) <= self.of.grace_ms;
        if in_grace && !self.succeeded {
            return News::Nothing;
        }
        self.failures = self.failures.saturating_add(1);
        self.verdict = Some(false);
        News::Health { ends: self.failures >= self.of.failures }
    }
}

impl Check {
    /// Source: \[A11\]: a result is told when it is another than the last; one that failed to come about is empty.
    fn takes(&mut self, probed: &Probed) -> News {
        let found = match probed {
            Probed::Unreached(_) => return News::Nothing,
            Probed::Status(status) => Some(Found::Status(*status)),
            Probed::Connected => Some(Found::Connected(true)),
            Probed::Failed(_) if self.by.kind() == CheckKind::Tcp => Some(Found::Connected(false)),
            Probed::Failed(_) | Probed::TimedOut => None,
        };
        if std::mem::replace(&mut self.found, found) == found { News::Nothing } else { News::Check }
    }
}

fn status(kind: CheckKind, found: Option<Found>) -> CheckStatusInfo {
    let of = |kind: check_info::Type| CheckStatusInfo {
        r#type: Some(kind.into()),
        ..CheckStatusInfo::default()
    };
    match kind {
        CheckKind::Command => {
            let exit_code = match found {
                Some(Found::ExitCode(code)) => Some(code),
                _ => None,
            };
            CheckStatusInfo { command: Some(Command { exit_code }), ..of(CheckType::Command) }
        }
        CheckKind::Http => {
            let status_code = match found {
                Some(Found::Status(status)) => Some(u32::from(status)),
                _ => None,
            };
            CheckStatusInfo { http: Some(Http { status_code }), ..of(CheckType::Http) }
        }
        CheckKind::Tcp => {
            let succeeded = match found {
                Some(Found::Connected(succeeded)) => Some(succeeded),
                _ => None,
            };
            CheckStatusInfo { tcp: Some(Tcp { succeeded }), ..of(CheckType::Tcp) }
        }
    }
}

#[cfg(test)]
mod tests;
