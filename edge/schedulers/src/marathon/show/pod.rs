//! Pods as Marathon writes them, and how they are. Source: Marathon 1.11, `pod.raml`, `podStatus.raml`, `PodStatusConversion`.

use longshore_marathon::{
    Check, Instance, Member, MemberStage, PodView, Stage, TaskView, Termination,
};
use longshore_wire_marathon::{Amounts, App, PodContainer, time};
use serde_json::{Map, Value, json};

use super::whole_numbers;

/// How an exit code stands in what Mesos says of an end. Source: Mesos, its executors.
const EXITED: &str = "Command exited with status ";

/// A pod without what becomes of it.
pub(in crate::marathon) fn definition(pod: &App) -> Map<String, Value> {
    let form = pod.pod_form().and_then(|form| serde_json::to_value(form).ok());
    let Some(Value::Object(mut shown)) = form else { return Map::new() };
    shown.values_mut().for_each(whole_numbers);
    shown.insert("version".to_owned(), json!(time(pod.version_ms)));
    shown
}

/// A pod, and how it is.
pub(in crate::marathon) fn status(view: &PodView, now_ms: u64) -> Value {
    let instances: Vec<_> = view.instances.iter().map(|one| instance(one, &view.pod)).collect();
    let stable = instances.iter().filter(|(state, ..)| *state == State::Stable).count();
    let wanted = usize::try_from(view.pod.instances).unwrap_or(usize::MAX);
    let status = match () {
        () if view.is_going => "TERMINAL",
        () if stable >= wanted => "STABLE",
        () => "DEGRADED",
    };
    let since = time(instances.iter().map(|(_, since, _)| *since).max().unwrap_or(now_ms));
    let instances: Value = instances.into_iter().map(|(.., shown)| shown).collect();
    json!({
        "id": view.pod.id,
        "spec": definition(&view.pod),
        "status": status,
        "statusSince": since,
        "instances": instances,
        "terminationHistory": view.ends.iter().map(ended).collect::<Value>(),
        "lastUpdated": time(now_ms),
        "lastChanged": since,
    })
}

/// How an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Launched, and nothing else is known.
    Pending,
    /// Its containers begin.
    Staging,
    /// Its containers run, and are well as far as they are asked.
    Stable,
    /// They run, and are not well; or its agent is out of reach.
    Degraded,
    /// It is to end.
    Terminal,
}

impl State {
    fn of(instance: &Instance) -> Self {
        match (instance.killing, instance.stage) {
            (Some(_), _) => Self::Terminal,
            (None, Stage::Staging) => Self::Pending,
            (None, Stage::Starting) => Self::Staging,
            (None, Stage::Unreachable { .. }) => Self::Degraded,
            (None, Stage::Running) if is_well(instance) => Self::Stable,
            (None, Stage::Running) => Self::Degraded,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Staging => "STAGING",
            Self::Stable => "STABLE",
            Self::Degraded => "DEGRADED",
            Self::Terminal => "TERMINAL",
        }
    }
}

fn is_well(instance: &Instance) -> bool {
    instance.wellness() == longshore_marathon::Wellness::Well
}

/// An instance, how it is, and since when in ms since the epoch.
fn instance(view: &TaskView, pod: &App) -> (State, u64, Value) {
    let TaskView { id, instance } = view;
    let state = State::of(instance);
    let changed = instance.members.iter().map(|one| one.since_ms).max();
    let since_ms = changed.unwrap_or(instance.staged_ms).max(instance.staged_ms);
    let since = time(since_ms);
    // As it was launched; of a version that is not kept any more only names are known.
    let spec = instance.spec.as_deref();
    let containers: Value = instance
        .members
        .iter()
        .enumerate()
        .map(|(at, member)| container(id, instance, at, member))
        .collect();
    let mut shown = json!({
        "id": **id,
        "status": state.word(),
        "statusSince": since,
        "conditions": [],
        "agentHostname": instance.host,
        "agentId": instance.agent,
        "resources": resources_left(instance),
        "networks": networks(instance),
        "containers": containers,
        "specReference": format!("/v2/pods{}::versions/{}", pod.id, time(instance.version_ms)),
        "localVolumes": [],
        "lastUpdated": since,
        "lastChanged": since,
        "role": spec.and_then(|spec| spec.role.as_deref()).unwrap_or(&instance.role),
    });
    let message = match (instance.stage, state) {
        (Stage::Unreachable { .. }, _) => Some("pod instance has become unreachable"),
        (_, State::Degraded) => Some("at least one container is not healthy"),
        _ => None,
    };
    let more = [
        ("message", message.map(str::to_owned)),
        ("agentRegion", instance.region.clone()),
        ("agentZone", instance.zone.clone()),
    ];
    for (name, value) in more {
        if let (Some(value), Some(shown)) = (value, shown.as_object_mut()) {
            shown.insert(name.to_owned(), json!(value));
        }
    }
    (state, since_ms, shown)
}

/// What the executor and the containers that have not ended take.
fn resources_left(instance: &Instance) -> Value {
    let Some(pod) = instance.spec.as_ref().and_then(|spec| spec.pod.as_ref()) else {
        return Value::Null;
    };
    let open = pod.containers.iter().zip(&instance.members).filter(|(_, one)| !one.has_ended());
    resources(open.fold(pod.executor, |sum, (of, _)| sum + of.amounts))
}

fn resources(of: Amounts) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let whole = |milli: u64| milli as f64 / 1_000.0;
    let mut shown = json!({
        "cpus": whole(of.cpus_milli), "mem": whole(of.mem_milli), "disk": whole(of.disk_milli), "gpus": of.gpus,
    });
    whole_numbers(&mut shown);
    shown
}

fn networks(instance: &Instance) -> Value {
    if instance.addresses.is_empty() {
        return json!([]);
    }
    json!([{ "addresses": instance.addresses }])
}

/// A container of an instance.
fn container(id: &str, instance: &Instance, at: usize, member: &Member) -> Value {
    let spec = instance.spec.as_deref();
    let pod = spec.and_then(|spec| spec.pod.as_ref());
    let of = pod.and_then(|pod| pod.containers.get(at));
    let check = of.and_then(|of| of.check.as_ref()).and_then(|one| instance.checks.get(one.at));
    let since = time(member.since_ms);
    let mut shown = json!({
        "name": member.name,
        "status": member.stage.word(),
        "statusSince": since,
        "conditions": conditions(member, check),
        "containerId": task_id(id, member),
        "endpoints": [],
        "lastUpdated": since,
        "lastChanged": since,
    });
    let Some(members) = shown.as_object_mut() else { return shown };
    if let (Some(of), Some(pod), false) = (of, pod, member.has_ended()) {
        members.insert("resources".to_owned(), resources(of.amounts));
        let ports = instance.ports.iter().skip(pod.first_endpoint(at));
        let asked = spec.and_then(|spec| asked_endpoint(spec, of, pod.first_endpoint(at)));
        let endpoints: Value = of
            .endpoints
            .iter()
            .zip(ports)
            .enumerate()
            .map(|(number, (endpoint, port))| {
                let healthy =
                    check.filter(|_| asked == Some(number)).and_then(|check| check.is_well);
                let mut shown = json!({"name": endpoint.name, "allocatedHostPort": port});
                if let (Some(healthy), Some(shown)) = (healthy, shown.as_object_mut()) {
                    shown.insert("healthy".to_owned(), json!(healthy));
                }
                shown
            })
            .collect();
        members.insert("endpoints".to_owned(), endpoints);
    }
    if let Some(termination) = termination(member) {
        members.insert("termination".to_owned(), termination);
    }
    shown
}

/// Which of its endpoints a container is asked at.
fn asked_endpoint(spec: &App, of: &PodContainer, first: usize) -> Option<usize> {
    let check = spec.health_checks.get(of.check.as_ref()?.at)?;
    usize::try_from(check.port_index?).ok()?.checked_sub(first)
}

fn conditions(member: &Member, check: Option<&Check>) -> Value {
    let begins = matches!(member.stage, MemberStage::Staging | MemberStage::Starting);
    let Some(check) = check.filter(|_| !begins && !member.has_ended()) else { return json!([]) };
    let last = check.last_success_ms.max(check.last_failure_ms).unwrap_or(member.since_ms);
    let reported = if check.is_well.is_some() { "reported" } else { "unreported" };
    json!([{
        "name": "healthy",
        "lastChanged": time(member.since_ms),
        "lastUpdated": time(last),
        "value": check.is_well.unwrap_or(false).to_string(),
        "reason": format!("health-{reported}-by-mesos"),
    }])
}

/// How a container has ended, if it has.
fn termination(member: &Member) -> Option<Value> {
    if !member.has_ended() {
        return None;
    }
    let mut shown = json!({});
    if let (Some(message), Some(shown)) = (&member.message, shown.as_object_mut()) {
        shown.insert("message".to_owned(), json!(message));
        let code = message.strip_prefix(EXITED).and_then(|rest| rest.parse::<i32>().ok());
        if let Some(code) = code {
            shown.insert("exitCode".to_owned(), json!(code));
        }
    }
    Some(shown)
}

/// Source: Marathon 1.11, `Task.Id`.
fn task_id(instance: &str, member: &Member) -> String {
    format!("{instance}.{}.1", member.name)
}

fn ended(of: &Termination) -> Value {
    let container = |member: &Member| {
        json!({
            "containerId": task_id(&of.instance, member),
            "lastKnownState": member.stage.word(),
            "termination": termination(member),
        })
    };
    json!({
        "instanceID": of.instance,
        "startedAt": time(of.started_ms),
        "terminatedAt": time(of.ended_ms),
        "message": of.message,
        "containers": of.members.iter().map(container).collect::<Value>(),
    })
}

/// An instance that was told to end. Source: Marathon 1.11, `instance.raml`.
pub(in crate::marathon) fn killed(view: &TaskView) -> Value {
    let TaskView { id, instance } = view;
    let condition = match instance.stage {
        Stage::Staging => "Staging",
        Stage::Starting => "Starting",
        Stage::Running => "Running",
        Stage::Unreachable { is_inactive: false, .. } => "Unreachable",
        Stage::Unreachable { is_inactive: true, .. } => "UnreachableInactive",
    };
    let since = instance.started_ms.unwrap_or(instance.staged_ms);
    let attribute = |(name, text): (&String, &String)| json!({"name": name, "text": text});
    json!({
        "instanceId": **id,
        "state": {"condition": condition, "since": time(since), "goal": "Running"},
        "agentInfo": {
            "host": instance.host, "agentId": instance.agent, "region": instance.region, "zone": instance.zone,
            "attributes": instance.attributes.iter().map(attribute).collect::<Value>(),
        },
        "runSpecVersion": time(instance.version_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(message: Option<&str>) -> Member {
        let stage = MemberStage::Ended("TASK_FAILED".to_owned());
        let message = message.map(str::to_owned);
        Member { name: "web".to_owned(), stage, since_ms: 0, message }
    }

    #[test]
    fn how_a_container_has_ended_is_told_with_its_exit_code_if_it_has_one() {
        for (message, code) in [
            (Some("Command exited with status 3"), Some(json!(3))),
            (Some("Command exited with status three"), None),
            (Some("Memory limit exceeded"), None),
            (None, None),
        ] {
            let shown = termination(&ended(message)).expect("it has ended");
            assert_eq!(
                (shown.get("exitCode"), shown.get("message").and_then(Value::as_str)),
                (code.as_ref(), message)
            );
        }
        let running = Member { stage: MemberStage::Running, ..ended(None) };
        assert_eq!(termination(&running), None);
    }
}
