//! Apps, tasks, deployments and the queue as Marathon writes them. Source: frameworks.md 3.1, 3.2.

pub(super) mod pod;

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_marathon::{
    Action, AppView, Deployment, Failure, Instance, QueueView, Sort, Stage, Step, TaskView, Unfit,
};
use longshore_wire_marathon::{App, Network, PathId, form, time};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// What is shown of an app besides counts and deployments. Source: Marathon's parameter `embed`.
#[derive(Clone, Debug, Default)]
pub(super) struct Embed {
    /// Its tasks.
    pub(super) tasks: Option<Vec<Value>>,
    /// Its last failure.
    pub(super) failure: bool,
    /// The answers of its readiness checks.
    pub(super) readiness: bool,
}

/// An app with what is read only about it. It is written as text at once, since lists have thousands of them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    #[serde(flatten)]
    form: form::App,
    ports: Vec<u16>,
    version: String,
    version_info: VersionInfo,
    tasks_staged: u32,
    tasks_running: u32,
    tasks_healthy: u32,
    tasks_unhealthy: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployments: Option<Vec<DeploymentId>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<Vec<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_task_failure: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    readiness_check_results: Option<Value>,
}

/// When an app was changed, in which way.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VersionInfo {
    last_scaling_at: String,
    last_config_change_at: String,
}

#[derive(Debug, Serialize)]
struct DeploymentId {
    id: Arc<str>,
}

impl Shown {
    /// An app without what becomes of it.
    fn of(app: &App) -> Self {
        let is_on_host = app.networks.iter().all(|one| *one == Network::Host);
        let defined = app.port_definitions.iter().map(|one| one.port);
        let mapped = app.port_mappings.iter().map(|one| one.service_port);
        Self {
            form: app.form(),
            ports: if is_on_host { defined.collect() } else { mapped.collect() },
            version: time(app.version_ms),
            version_info: VersionInfo {
                last_scaling_at: time(app.scaling_version_ms),
                last_config_change_at: time(app.config_version_ms),
            },
            tasks_staged: 0,
            tasks_running: 0,
            tasks_healthy: 0,
            tasks_unhealthy: 0,
            deployments: None,
            tasks: None,
            last_task_failure: None,
            readiness_check_results: None,
        }
    }
}

/// An app with what is read only about it.
pub(super) fn app(view: &AppView, embed: Embed) -> Shown {
    let counts = view.counts;
    let ids = view.deployment.iter().map(|id| DeploymentId { id: id.clone() });
    let failed = view.failure.as_ref().filter(|_| embed.failure);
    let is_asked = embed.readiness && !view.readiness.is_empty();
    Shown {
        tasks_staged: counts.staged,
        tasks_running: counts.running,
        tasks_healthy: counts.healthy,
        tasks_unhealthy: counts.unhealthy,
        deployments: Some(ids.collect()),
        tasks: embed.tasks,
        last_task_failure: failed.map(|failed| failure(view, failed)),
        readiness_check_results: is_asked.then(|| readiness(view)),
        ..Shown::of(&view.app)
    }
}

fn readiness(view: &AppView) -> Value {
    let name = view.app.readiness_checks.first().map_or("", |check| check.name.as_str());
    let one = |(task, status, ready): &(Arc<str>, Option<u16>, bool)| {
        let answer = status.map(|status| json!({"status": status}));
        json!({"taskId": **task, "name": name, "ready": ready, "lastResponse": answer})
    };
    view.readiness.iter().map(one).collect()
}

/// An app without what becomes of it.
pub(super) fn definition(app: &App) -> Map<String, Value> {
    let Ok(Value::Object(mut shown)) = serde_json::to_value(Shown::of(app)) else {
        return Map::new();
    };
    shown.values_mut().for_each(whole_numbers);
    shown
}

/// Numbers without a fraction are written without one.
#[expect(clippy::cast_possible_truncation, reason = "it is whole, and was compared")]
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < 9e15 => {
                *number = (float as i64).into();
            }
            _ => {}
        },
        Value::Array(all) => all.iter_mut().for_each(whole_numbers),
        Value::Object(all) => all.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

fn failure(view: &AppView, failed: &Failure) -> Value {
    json!({
        "appId": view.app.id,
        "host": failed.host,
        "message": failed.message,
        "slaveId": failed.agent,
        "state": failed.state,
        "taskId": failed.task,
        "timestamp": time(failed.at_ms),
        "version": time(failed.version_ms),
    })
}

/// The state of a task in Mesos's words.
pub(super) fn state(instance: &Instance) -> &'static str {
    match (instance.stage, instance.killing) {
        (Stage::Unreachable { .. }, _) => "TASK_UNREACHABLE",
        (_, Some(_)) => "TASK_KILLING",
        (Stage::Staging, None) => "TASK_STAGING",
        (Stage::Starting, None) => "TASK_STARTING",
        (Stage::Running, None) => "TASK_RUNNING",
    }
}

/// The addresses of a task.
pub(super) fn addresses(instance: &Instance) -> Value {
    let one = |address: &String| {
        let protocol = if address.contains(':') { "IPv6" } else { "IPv4" };
        json!({"ipAddress": address, "protocol": protocol})
    };
    instance.addresses.iter().map(one).collect()
}

/// A task.
pub(super) fn task(view: &TaskView) -> Value {
    let TaskView { id, instance } = view;
    let service: Vec<u16> = instance.spec.iter().flat_map(|app| service_ports(app)).collect();
    let mut shown = json!({
        "id": **id,
        "appId": instance.app,
        "host": instance.host,
        "slaveId": instance.agent,
        "state": state(instance),
        "ports": instance.ports,
        "servicePorts": service,
        "ipAddresses": addresses(instance),
        "stagedAt": time(instance.staged_ms),
        "startedAt": instance.started_ms.map(time),
        "version": time(instance.version_ms),
        "localVolumes": [],
        "role": instance.role,
    });
    if let Some(shown) = shown.as_object_mut() {
        if instance.started_ms.is_none() {
            shown.remove("startedAt");
        }
        if let Some(region) = &instance.region {
            shown.insert("region".to_owned(), json!(region));
        }
        if let Some(zone) = &instance.zone {
            shown.insert("zone".to_owned(), json!(zone));
        }
        if !instance.checks.is_empty() {
            shown.insert("healthCheckResults".to_owned(), checks(id, instance));
        }
    }
    shown
}

fn checks(id: &str, instance: &Instance) -> Value {
    let one = |check: &longshore_marathon::Check| {
        json!({
            "alive": check.is_well.unwrap_or(false),
            "consecutiveFailures": check.failures,
            "lastSuccess": check.last_success_ms.map(time),
            "lastFailure": check.last_failure_ms.map(time),
            "lastFailureCause": null,
            "instanceId": id,
        })
    };
    instance.checks.iter().filter(|check| check.is_well.is_some()).map(one).collect()
}

/// The service ports of an app, by their index.
pub(super) fn service_ports(app: &App) -> impl Iterator<Item = u16> + '_ {
    let definitions = app.port_definitions.iter().map(|one| one.port);
    definitions.chain(app.port_mappings.iter().map(|one| one.service_port))
}

/// The steps of a plan.
pub(super) fn steps(steps: &[Step]) -> Value {
    let step = |step: &Step| json!({"actions": step.actions.iter().map(action).collect::<Value>()});
    steps.iter().map(step).collect()
}

/// What is done with an app or a pod.
fn action(one: &Action) -> Value {
    match one.sort {
        Sort::App => json!({"action": one.word(), "app": one.app}),
        Sort::Pod => json!({"action": one.word(), "pod": one.app}),
    }
}

/// A deployment.
pub(super) fn deployment(id: &str, deployment: &Deployment) -> Value {
    let actions = || deployment.steps.iter().flat_map(|step| &step.actions);
    let of = |sort: Sort| actions().filter(move |one| one.sort == sort).map(|one| &one.app);
    let pods: BTreeSet<&PathId> = of(Sort::Pod).collect();
    let apps: Value =
        deployment.affected().filter(|id| !pods.contains(id)).map(|id| json!(id)).collect();
    let current = deployment.current().iter().map(|one| {
        let mut shown = action(one);
        if let Some(shown) = shown.as_object_mut() {
            shown.insert("readinessCheckResults".to_owned(), json!([]));
        }
        shown
    });
    json!({
        "id": id,
        "version": time(deployment.version_ms),
        "affectedApps": apps,
        "affectedPods": pods,
        "steps": steps(&deployment.steps),
        "currentActions": current.collect::<Value>(),
        "currentStep": deployment.at + 1,
        "totalSteps": deployment.steps.len(),
    })
}

/// What waits of an app.
pub(super) fn queued(view: &QueueView) -> Value {
    let tally = view.tally;
    // A funnel: what one reason rules out does not come to the next.
    let mut left = tally.processed;
    let one = |(at, why): (usize, &Unfit)| {
        let (declined, processed) = (tally.reasons[at], left);
        left = left.saturating_sub(declined);
        json!({"reason": why.word(), "declined": declined, "processed": processed})
    };
    let reasons: Value = Unfit::ALL.iter().enumerate().map(one).collect();
    let mut summary = json!({
        "processedOffersCount": tally.processed,
        "unusedOffersCount": tally.unused,
        "rejectSummaryLastOffers": reasons,
        "rejectSummaryLaunchAttempt": reasons,
    });
    if let Some(summary) = summary.as_object_mut() {
        for (name, at) in
            [("lastUsedOfferAt", view.last_used_ms), ("lastUnusedOfferAt", view.last_unused_ms)]
        {
            if let Some(at) = at {
                summary.insert(name.to_owned(), json!(time(at)));
            }
        }
    }
    let (sort, spec) = match Sort::of(&view.app) {
        Sort::App => ("app", definition(&view.app)),
        Sort::Pod => ("pod", pod::definition(&view.app)),
    };
    json!({
        sort: spec,
        "role": view.app.role.as_deref().unwrap_or("*"),
        "count": view.count,
        "since": time(view.since_ms),
        "delay": {"timeLeftSeconds": view.left_ms.div_ceil(1_000), "overdue": view.left_ms == 0},
        "processedOffersSummary": summary,
    })
}
