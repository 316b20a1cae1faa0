//! Checks of tasks: what a task answers when it is probed, and what a slow network that loses and repeats makes of it.
//!
//! Only a task that failed as often in a row as its framework allows may be ended for it, as far as the bridge that ends it was told, and
//! nothing is dialled but a port of a task of the framework on whose behalf it is dialled. After the storm no task lives on that fails.

use std::collections::{BTreeMap, BTreeSet};

use longshore_bridge::{Means, Probe, ProbeId, Probed};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::health_check::{HttpCheckInfo, Type as HealthType};
use longshore_wire_mesos::v1::{CheckInfo, HealthCheck, check_info};

use super::cloud::{CloudTask, Owner, address_of};
use super::world::{Happens, Turn, World};
use crate::chance::Chance;

/// What a bridge says when it stops a task for its health check.
const UNHEALTHY: &str = "Killed since its Mesos health check failed";
/// Failures in a row that end a task.
const FAILURES: u32 = 3;
/// The port of tasks in their containers.
const INSIDE: u32 = 80;

/// A probe that is under way.
#[derive(Clone, Debug)]
pub(super) struct Underway {
    master: usize,
    epoch: u64,
    probe: ProbeId,
    /// The task that is probed, and whether for its health.
    arn: Str,
    health: bool,
    /// What came of it, if that is known by now.
    comes_to: Option<Probed>,
}

/// Whose checks fail, and what bridges were told of them.
#[derive(Debug)]
pub(super) struct Probing {
    chance: Chance,
    sick: BTreeSet<Str>,
    /// Failures in a row that a start of a bridge was told of.
    in_a_row: BTreeMap<(usize, u64, Str), u32>,
    /// Tasks that may be ended.
    condemned: BTreeSet<Str>,
}

/// The checks of a task of that id: a health check, both, or none.
pub(super) fn checks(task: &str) -> (Option<HealthCheck>, Option<CheckInfo>) {
    let health = HealthCheck {
        r#type: Some(HealthType::Http.into()),
        http: Some(HttpCheckInfo { port: INSIDE, ..HttpCheckInfo::default() }),
        delay_seconds: Some(1.0),
        interval_seconds: Some(2.0),
        timeout_seconds: Some(5.0),
        grace_period_seconds: Some(0.0),
        consecutive_failures: Some(FAILURES),
        ..HealthCheck::default()
    };
    let check = CheckInfo {
        r#type: Some(check_info::Type::Tcp.into()),
        tcp: Some(check_info::Tcp { port: INSIDE }),
        delay_seconds: Some(0.0),
        interval_seconds: Some(3.0),
        ..CheckInfo::default()
    };
    match task.bytes().last().unwrap_or_default() % 4 {
        0 => (None, Some(check)),
        1 => (Some(health), Some(check)),
        _ => (Some(health), None),
    }
}

/// What is written of the checks of a framework's task.
fn watches<'a>(task: &'a CloudTask, owner: &Owner) -> Option<&'a Str> {
    let record = task.record();
    let environment = if task.is_group() {
        task.container(owner).map(|container| &container.environment)
    } else {
        record.map(|record| &record.environment)
    };
    environment.and_then(|environment| environment.get("LONGSHORE_CHECKS"))
}

/// Whether a framework's task has a health check that is dialled.
fn has_health(task: &CloudTask, owner: &Owner) -> bool {
    watches(task, owner).is_some_and(|watches| watches.contains("\"health\""))
}

impl Probing {
    pub(super) fn new(seed: u64) -> Self {
        let chance = Chance::new(seed ^ 0x0b5e_55ed);
        let (sick, in_a_row, condemned) = (BTreeSet::new(), BTreeMap::new(), BTreeSet::new());
        Self { chance, sick, in_a_row, condemned }
    }

    /// What a framework should believe of the health of a task once all is quiet.
    pub(super) fn healthy(&self, arn: &Str, task: &CloudTask, owner: &Owner) -> Option<bool> {
        let watches = watches(task, owner).map_or("", |watches| &**watches);
        if watches.contains("\"health\"") {
            return Some(!self.sick.contains(arn));
        }
        // What the container checks may be something else than its health.
        task.healthy_for(owner).filter(|_| !watches.contains("\"container\""))
    }

    /// Whether a task should have been ended by the time that all is quiet.
    pub(super) fn is_doomed(&self, arn: &Str, task: &CloudTask, owner: &Owner) -> bool {
        has_health(task, owner) && self.sick.contains(arn)
    }
}

impl World {
    /// A task that runs may fail its checks later, for a while or for good.
    pub(super) fn may_sicken(&mut self, arn: &Str) {
        if self.probing.chance.one_in(4) {
            return;
        }
        let begins = self.probing.chance.below(12_000);
        self.later(begins, Happens::Task { arn: arn.clone(), turn: Turn::Sicken(true) });
        if self.probing.chance.one_in(4) {
            let ends = begins + self.probing.chance.below(10_000);
            self.later(ends, Happens::Task { arn: arn.clone(), turn: Turn::Sicken(false) });
        }
    }

    pub(super) fn sicken(&mut self, arn: &Str, is_sick: bool) {
        if is_sick && self.storm {
            self.probing.sick.insert(arn.clone());
        } else {
            self.probing.sick.remove(arn);
        }
    }

    /// A bridge dials.
    pub(super) fn probe(&mut self, master: usize, probe: Probe) {
        self.trace(|| format!("bridge {master} dials {probe:?}"));
        let Some((arn, health)) = self.dialled(&probe) else {
            let Probe { framework, host, port, .. } = &probe;
            return self
                .ledger
                .fail(format!("{host}:{port} is dialled, where {framework} never had a task"));
        };
        let epoch = self.masters[master].epoch;
        let mut underway = Underway { master, epoch, probe: probe.id, arn, health, comes_to: None };
        let delay = if self.storm { self.probing.chance.delay_ms() } else { 5 };
        match self.probing.chance.below(20) {
            0..=2 if self.storm => {
                let why = "no route".to_owned();
                underway.comes_to = Some(Probed::Unreached(why));
                self.later(delay.min(5_000), Happens::Probed(underway));
            }
            3 if self.storm => {
                underway.comes_to = Some(Probed::TimedOut);
                self.later(probe.timeout_ms, Happens::Probed(underway));
            }
            _ => self.later(delay, Happens::Probed(underway)),
        }
    }

    /// The latest task that is behind what is dialled, and whether it is dialled for its health.
    fn dialled(&self, probe: &Probe) -> Option<(Str, bool)> {
        let mut behind = self.cloud.tasks.iter().filter(|(_, task)| {
            task.owners.iter().any(|(framework, _)| **framework == *probe.framework)
                && task.ports.contains(&probe.port)
                && address_of(&task.instance) == probe.host
        });
        let live = behind.clone().find(|(_, task)| task.is_live());
        let (arn, _) = live.or_else(|| behind.next_back())?;
        Some((arn.clone(), matches!(probe.means, Means::Http { .. })))
    }

    /// Something comes of a probe.
    pub(super) fn probed(&mut self, underway: &Underway) {
        let Underway { master, epoch, probe, arn, health, comes_to } = underway;
        if !self.is_running(*master, *epoch) {
            return;
        }
        let is_told_twice = comes_to.is_some() && self.probing.chance.one_in(20);
        let probed = comes_to.clone().unwrap_or_else(|| self.answer_of(arn, *health));
        let failed = match &probed {
            Probed::Unreached(_) => None,
            Probed::Status(200) | Probed::Connected => Some(false),
            _ => Some(true),
        };
        let what = match failed {
            None => "nobody was reached",
            Some(true) => "failed",
            Some(false) => "passed",
        };
        self.tally.count("probes", what);
        let key = (*master, *epoch, arn.clone());
        match failed.filter(|_| *health) {
            Some(true) => {
                let count = self.probing.in_a_row.entry(key).or_default();
                *count += 1;
                if *count >= FAILURES {
                    self.condemn(arn);
                }
            }
            Some(false) => drop(self.probing.in_a_row.remove(&key)),
            None => {}
        }
        let out = self.masters[*master].probed(self.now, *probe, probed.clone());
        self.perform(*master, out);
        if (self.storm && self.probing.chance.one_in(8)) || is_told_twice {
            // What was told once is no news, whatever it is.
            self.tally.count("probes", "told twice");
            if self.is_running(*master, *epoch) {
                let out = self.masters[*master].probed(self.now, *probe, Probed::TimedOut);
                self.perform(*master, out);
            }
        }
    }

    /// ECS says that a health check of a container fails.
    pub(super) fn is_found_unhealthy(&mut self, arn: &Str) {
        self.probing.condemned.insert(arn.clone());
    }

    /// A task may be ended, and so may one that had its port before, which a bridge may still take it for.
    fn condemn(&mut self, arn: &Str) {
        let Some(found) = self.cloud.tasks.get(arn) else { return };
        let framework = |task: &CloudTask| task.owners.first().map(|owner| owner.0.clone());
        let same = self.cloud.tasks.iter().filter(|(_, task)| {
            (&task.instance, &task.ports) == (&found.instance, &found.ports)
                && framework(task) == framework(found)
        });
        self.probing.condemned.extend(same.map(|(arn, _)| arn.clone()));
    }

    /// What a task answers.
    fn answer_of(&mut self, arn: &Str, http: bool) -> Probed {
        let task = self.cloud.tasks.get(arn);
        let listens = task.is_some_and(|task| task.is_live() && task.ran_at.is_some());
        let refused = || Probed::Failed("connection refused".to_owned());
        match (listens, self.probing.sick.contains(arn), http) {
            (false, ..) => refused(),
            (true, false, true) => Probed::Status(200),
            (true, false, false) => Probed::Connected,
            (true, true, true) => {
                self.probing.chance.pick(&[Probed::Status(500), Probed::TimedOut]).clone()
            }
            (true, true, false) => refused(),
        }
    }

    /// A bridge stops a task, for a reason that has to be true.
    pub(super) fn check_condemned(&mut self, arn: &Str, reason: &str) {
        if reason != UNHEALTHY {
            return;
        }
        self.tally.count("reached", "a task was found unhealthy");
        if !self.probing.condemned.contains(arn) {
            self.ledger.fail(format!("{arn} is ended for its health, and was not found unhealthy"));
        }
    }
}
