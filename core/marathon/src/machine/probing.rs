//! Whether instances are well and ready. Source: frameworks.md 3.5.

use std::sync::Arc;

use longshore_wire_marathon::{App, HealthCheck, HealthProtocol, Network, PathId};

use super::{Answer, Context, Marathon, Output, Probe, Purpose, Request};
use crate::events::Event;
use crate::instances::{Instance, Stage, Wellness, Why, is_ours};
use crate::limits;
use crate::timers::Due;

impl Marathon {
    /// A task runs, and may not have run before: its checks begin.
    pub(super) fn watches(&mut self, cx: &mut Context, id: &Arc<str>) {
        let Some(instance) = self.instances.get(id) else { return };
        let Some(spec) = instance.spec.clone() else { return };
        for (at, check) in spec.health_checks.iter().enumerate() {
            if is_ours(check.protocol) && instance.is_checked(at) {
                self.timers.set(Due::Health(id.clone(), at), cx.now);
            }
        }
        if !spec.readiness_checks.is_empty() && !instance.is_ready {
            self.timers.set(Due::Readiness(id.clone()), cx.now);
        }
    }

    pub(super) fn asks_health(&mut self, cx: &mut Context, id: &Arc<str>, at: usize) {
        let purpose = Purpose::Health(at);
        if self.asked.remove(&(id.clone(), purpose)) {
            // The host has forgotten it.
            self.checked(cx, id, at, false);
        }
        let Some(instance) = self.instances.get(id) else { return };
        let Some(spec) = &instance.spec else { return };
        let Some(check) = spec.health_checks.get(at) else { return };
        if instance.stage != Stage::Running || !instance.is_checked(at) {
            return;
        }
        let (interval_ms, timeout_ms) = (check.interval_ms.max(1), check.timeout_ms);
        let Some((host, port)) = address(spec, instance, check) else { return };
        let path = check.path.clone().unwrap_or_else(|| "/".to_owned());
        let request = match check.protocol {
            HealthProtocol::Tcp => Request::Tcp,
            protocol => Request::Http { is_https: protocol == HealthProtocol::Https, path },
        };
        let task = id.clone();
        let next = interval_ms.max(timeout_ms.saturating_add(limits::PROBE_LATE_MS));
        cx.said.push(Output::Probe(Probe { task, purpose, request, host, port, timeout_ms }));
        self.asked.insert((id.clone(), purpose));
        self.timers.set(Due::Health(id.clone(), at), cx.now + next);
    }

    pub(super) fn asks_ready(&mut self, cx: &mut Context, id: &Arc<str>) {
        let purpose = Purpose::Readiness;
        self.asked.remove(&(id.clone(), purpose));
        let Some(instance) = self.instances.get(id) else { return };
        let Some(spec) = &instance.spec else { return };
        let Some(check) = spec.readiness_checks.first() else { return };
        // Source: frameworks.md 3.5: only during a deployment.
        let is_asked = self.deployments.of(&instance.app).is_some();
        if instance.stage != Stage::Running || instance.is_ready || !is_asked {
            return;
        }
        let Some((host, port)) = named_port(spec, instance, &check.port_name) else { return };
        let request = Request::Http { is_https: check.is_https, path: check.path.clone() };
        let (task, timeout_ms) = (id.clone(), check.timeout_ms);
        let next = check.interval_ms.max(timeout_ms.saturating_add(limits::PROBE_LATE_MS));
        cx.said.push(Output::Probe(Probe { task, purpose, request, host, port, timeout_ms }));
        self.asked.insert((id.clone(), purpose));
        self.timers.set(Due::Readiness(id.clone()), cx.now + next);
    }

    /// A deployment begins with an app: those of its instances that are not known to be ready are asked.
    pub(super) fn asks_readiness(&mut self, cx: &mut Context, app: &PathId) {
        let waits = |one: &Instance| one.stage == Stage::Running && !one.is_ready;
        let all: Vec<Arc<str>> = self
            .instances
            .of(app)
            .filter(|(_, one)| waits(one))
            .filter(|(_, one)| {
                one.spec.as_ref().is_some_and(|app| !app.readiness_checks.is_empty())
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in all {
            self.timers.set(Due::Readiness(id), cx.now);
        }
    }

    pub(super) fn probed(
        &mut self,
        cx: &mut Context,
        task: &Arc<str>,
        purpose: Purpose,
        answer: Answer,
    ) {
        // What comes too late was counted already.
        if !self.asked.remove(&(task.clone(), purpose)) {
            return;
        }
        let Some(instance) = self.instances.get(task) else { return };
        let Some(spec) = instance.spec.clone() else { return };
        match purpose {
            Purpose::Health(at) => {
                let Some(check) = spec.health_checks.get(at) else { return };
                self.timers.set(Due::Health(task.clone(), at), cx.now + check.interval_ms.max(1));
                if instance.stage != Stage::Running {
                    return;
                }
                if let Some(is_well) = verdict(check, answer) {
                    self.checked(cx, task, at, is_well);
                }
            }
            Purpose::Readiness => {
                let Some(check) = spec.readiness_checks.first() else { return };
                let status = match answer {
                    Answer::Status(status) => Some(status),
                    Answer::Connected | Answer::Silent => None,
                };
                let is_ready =
                    status.is_some_and(|one| check.http_status_codes_for_ready.contains(&one));
                self.instances.notes(task, |one| {
                    one.is_ready = is_ready;
                    one.last_status = status;
                });
                if is_ready {
                    self.timers.cancel(&Due::Readiness(task.clone()));
                } else {
                    let again = cx.now + check.interval_ms.max(1);
                    self.timers.set(Due::Readiness(task.clone()), again);
                }
            }
        }
    }

    /// A check has a result.
    pub(super) fn checked(&mut self, cx: &mut Context, id: &Arc<str>, at: usize, is_well: bool) {
        let Some(instance) = self.instances.get(id) else { return };
        let Some(spec) = instance.spec.clone() else { return };
        let Some(check) = spec.health_checks.get(at) else { return };
        let (before, known) = (instance.wellness(), instance.checks.get(at).copied());
        let Some(known) = known else { return };
        let age_ms = cx.wall_ms.saturating_sub(instance.started_ms.unwrap_or(cx.wall_ms));
        let is_graced = known.is_well.is_none() && age_ms < check.grace_period_ms;
        let wall_ms = cx.wall_ms;
        if !is_well {
            let app = instance.app.clone();
            cx.tell(Event::CheckFailed { task: id.clone(), app, check: at });
            if is_graced {
                return;
            }
        }
        self.instances.notes(id, |one| {
            let Some(known) = one.checks.get_mut(at) else { return };
            known.is_well = Some(is_well);
            if is_well {
                known.failures = 0;
                known.last_success_ms = Some(wall_ms);
            } else {
                known.failures += 1;
                known.last_failure_ms = Some(wall_ms);
            }
        });
        self.tells_health(cx, id, before);
        let most = check.max_consecutive_failures;
        // Those that Mesos checks, Mesos ends.
        if !is_well && is_ours(check.protocol) && most > 0 && known.failures + 1 >= most {
            self.ends_unwell(cx, id, known.failures + 1);
        }
    }

    fn tells_health(&self, cx: &mut Context, id: &Arc<str>, before: Wellness) {
        let Some(instance) = self.instances.get(id) else { return };
        let after = instance.wellness();
        if before != after && after != Wellness::Unknown {
            cx.tell(Event::Health {
                task: id.clone(),
                app: instance.app.clone(),
                version_ms: instance.version_ms,
                is_well: after == Wellness::Well,
            });
        }
    }

    fn ends_unwell(&mut self, cx: &mut Context, id: &Arc<str>, failures: u32) {
        let Some(instance) = self.instances.get(id) else { return };
        if instance.killing.is_some() || instance.stage != Stage::Running {
            return;
        }
        cx.tell(Event::UnhealthyKilled {
            task: id.clone(),
            app: instance.app.clone(),
            version_ms: instance.version_ms,
            host: instance.host.clone(),
            reason: format!("{failures} health checks failed in a row"),
        });
        self.kills(cx, id, Why::Unhealthy);
    }
}

/// What an answer means; nothing for 100 to 199 if those are ignored. Source: frameworks.md 3.5: 200 to 399 pass.
fn verdict(check: &HealthCheck, answer: Answer) -> Option<bool> {
    match answer {
        Answer::Status(100..=199) if check.ignore_http_1xx => None,
        Answer::Status(status) => Some((200..400).contains(&status)),
        Answer::Connected => Some(true),
        Answer::Silent => Some(false),
    }
}

/// Where an instance is asked: a port of the host, or one of its container.
fn address(app: &App, instance: &Instance, check: &HealthCheck) -> Option<(String, u16)> {
    if let Some(port) = check.port {
        return Some((host(app, instance), port));
    }
    let at = usize::try_from(check.port_index.unwrap_or(0)).ok()?;
    at_index(app, instance, at)
}

fn named_port(app: &App, instance: &Instance, name: &str) -> Option<(String, u16)> {
    let is_named = |one: &Option<String>| one.as_deref() == Some(name);
    let mapped = app.port_mappings.iter().position(|one| is_named(&one.name));
    let at = mapped.or_else(|| app.port_definitions.iter().position(|one| is_named(&one.name)));
    at_index(app, instance, at?)
}

fn at_index(app: &App, instance: &Instance, at: usize) -> Option<(String, u16)> {
    let port = instance.ports.get(at).copied().filter(|port| *port > 0);
    if let Some(port) = port {
        return Some((instance.host.clone(), port));
    }
    let inside = app.port_mappings.get(at)?.container_port;
    (inside > 0).then(|| (host(app, instance), inside))
}

/// The container's own address on a container network.
fn host(app: &App, instance: &Instance) -> String {
    let is_own = app.networks.iter().any(|one| matches!(one, Network::Container(_)));
    let own = instance.addresses.first().filter(|_| is_own);
    own.unwrap_or(&instance.host).clone()
}
