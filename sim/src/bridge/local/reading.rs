//! Records of the ECS API as `edge/client` reads them: members that decisions need, from a reply or an event. Whatever else is
//! there is passed over; times are numbers in replies and text in events.

use longshore_replica::{
    CONTENT_LABEL, Container, Definition, DefinitionContent, Instance, LastStatus, StopCode, Task,
};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::NetworkMode;
use serde_json::{Value, json};

/// Memory of registered definitions in MiB; every launch overrides it.
const MEMORY_MIB: u32 = 32;

fn text(value: &Value) -> Str {
    value.as_str().unwrap_or_default().into()
}

fn some(value: &Value) -> Option<Str> {
    value.as_str().map(Into::into)
}

fn number(value: &Value) -> u32 {
    value.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Texts of a list.
pub(super) fn texts(value: &Value) -> impl Iterator<Item = Str> {
    each(value).map(text)
}

/// ARNs that ECS does not know.
pub(super) fn missing(reply: &Value) -> impl Iterator<Item = Str> {
    each(&reply["failures"]).filter(|one| one["reason"] == "MISSING").map(|one| text(&one["arn"]))
}

/// The first reason why something was not started, and more about it.
pub(super) fn refusal(reply: &Value) -> (Str, Option<Str>) {
    let first = &reply["failures"][0];
    (some(&first["reason"]).unwrap_or_else(|| "UNKNOWN".into()), some(&first["detail"]))
}

/// The times of a reply are seconds, those of an event ISO 8601.
pub(super) fn milliseconds(value: &Value) -> u64 {
    if let Some(seconds) = value.as_f64() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "times of this century"
        )]
        let ms = (seconds * 1000.0).round() as u64;
        return ms;
    }
    value.as_str().and_then(instant).unwrap_or(0)
}

/// `2026-01-02T03:04:05.67Z`
fn instant(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let parts: Vec<u64> = date.split('-').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [year, month, day] = parts[..] else { return None };
    let (whole, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let parts: Vec<u64> = whole.split(':').map(str::parse).collect::<Result<_, _>>().ok()?;
    let [hour, minute, second] = parts[..] else { return None };
    let ms: u64 = format!("{fraction:0<3}").parse().ok()?;
    // The year begins in March, so that a leap day is its last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day;
    let days = days.checked_sub(719_469)?;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + ms)
}

pub(super) fn instance(from: &Value) -> Instance {
    let amount = |resources: &Value, name: &str| {
        let found = each(resources).find(|resource| resource["name"] == name);
        found.map_or(0, |resource| number(&resource["integerValue"]))
    };
    let (registered, remaining) = (&from["registeredResources"], &from["remainingResources"]);
    let gpus = |resources: &Value| {
        let found = each(resources).find(|resource| resource["name"] == "GPU");
        found.map_or(0, |resource| texts(&resource["stringSetValue"]).count())
    };
    let gpus = |resources: &Value| u32::try_from(gpus(resources)).unwrap_or(u32::MAX);
    let ports = each(remaining).filter(|one| one["name"] == "PORTS" || one["name"] == "PORTS_UDP");
    Instance {
        arn: text(&from["containerInstanceArn"]),
        ec2_instance_id: some(&from["ec2InstanceId"]),
        active: from["status"] == "ACTIVE",
        connected: from["agentConnected"] == true,
        cpu: amount(registered, "CPU"),
        memory_mib: amount(registered, "MEMORY"),
        gpus: gpus(registered),
        gpus_remaining: gpus(remaining),
        cpu_remaining: amount(remaining, "CPU"),
        memory_mib_remaining: amount(remaining, "MEMORY"),
        ports_used: ports
            .flat_map(|one| texts(&one["stringSetValue"]))
            .filter_map(|port| port.parse().ok())
            .collect(),
        attributes: each(&from["attributes"])
            .map(|one| (text(&one["name"]), some(&one["value"])))
            .collect(),
        running_tasks: number(&from["runningTasksCount"]),
        pending_tasks: number(&from["pendingTasksCount"]),
        version: from["version"].as_i64().unwrap_or(0),
        detail: None,
    }
}

pub(super) fn task(from: &Value) -> Task {
    let pair = |one: &Value| Some((some(&one["name"])?, some(&one["value"])?));
    let overridden =
        |one: &Value| (text(&one["name"]), each(&one["environment"]).filter_map(pair).collect());
    let container = |one: &Value| Container {
        name: text(&one["name"]),
        last_status: LastStatus::parse(one["lastStatus"].as_str().unwrap_or_default()),
        exit_code: one["exitCode"].as_i64().and_then(|code| i32::try_from(code).ok()),
        reason: some(&one["reason"]),
        healthy: healthy(&one["healthStatus"]),
        ..Container::default()
    };
    let mut task = Task {
        arn: text(&from["taskArn"]),
        definition_arn: text(&from["taskDefinitionArn"]),
        instance_arn: some(&from["containerInstanceArn"]),
        last_status: LastStatus::parse(from["lastStatus"].as_str().unwrap_or_default()),
        desired_running: from["desiredStatus"] == "RUNNING",
        started_by: some(&from["startedBy"]),
        containers: each(&from["containers"]).map(container).collect(),
        stop_code: from["stopCode"].as_str().map(StopCode::parse),
        stopped_reason: some(&from["stoppedReason"]),
        healthy: healthy(&from["healthStatus"]),
        created_at_ms: milliseconds(&from["createdAt"]),
        ran: !from["startedAt"].is_null(),
        version: from["version"].as_i64().unwrap_or(0),
        ..Task::default()
    };
    let overrides = each(&from["overrides"]["containerOverrides"]);
    task.overridden(overrides.map(overridden).collect());
    task
}

fn healthy(status: &Value) -> Option<bool> {
    match status.as_str() {
        Some("HEALTHY") => Some(true),
        Some("UNHEALTHY") => Some(false),
        _ => None,
    }
}

pub(super) fn definition(from: &Value) -> Definition {
    let containers = &from["containerDefinitions"];
    let memory = |one: &Value| {
        let reserved = number(&one["memoryReservation"]);
        if reserved > 0 { reserved } else { number(&one["memory"]) }
    };
    let level = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
    let host_network = from["networkMode"] == "host";
    let port = |mapping: &Value| {
        let default = if host_network { &mapping["containerPort"] } else { &Value::Null };
        let given = if mapping["hostPort"].is_null() { default } else { &mapping["hostPort"] };
        u16::try_from(number(given)).ok().filter(|port| *port > 0)
    };
    let essential = each(containers).filter(|one| one["essential"] != false);
    Definition {
        arn: text(&from["taskDefinitionArn"]),
        active: from["status"] == "ACTIVE",
        containers: each(containers).map(|one| text(&one["name"])).collect(),
        essential: essential.map(|one| text(&one["name"])).collect(),
        images: each(containers).map(|one| text(&one["image"])).collect(),
        content: some(&containers[0]["dockerLabels"][CONTENT_LABEL]),
        cpu: level(&from["cpu"])
            .unwrap_or_else(|| each(containers).map(|one| number(&one["cpu"])).sum()),
        memory_mib: level(&from["memory"]).unwrap_or_else(|| each(containers).map(memory).sum()),
        gpus: each(containers)
            .flat_map(|one| each(&one["resourceRequirements"]))
            .filter(|one| one["type"] == "GPU")
            .filter_map(|one| one["value"].as_str()?.parse::<u32>().ok())
            .sum(),
        ports: each(containers)
            .flat_map(|one| each(&one["portMappings"]))
            .filter_map(port)
            .collect(),
    }
}

/// The body of `RegisterTaskDefinition`, as far as model frameworks ask for anything.
pub(super) fn registration(content: &DefinitionContent) -> Value {
    let others = content.others.iter().map(|one| container(one, false));
    let all: Vec<Value> = std::iter::once(container(content, true)).chain(others).collect();
    let mut body = json!({"family": content.family, "containerDefinitions": all});
    let mode = content.network_mode.map(|mode| match mode {
        NetworkMode::Bridge => "bridge",
        NetworkMode::Host => "host",
        NetworkMode::None => "none",
        NetworkMode::Awsvpc => "awsvpc",
    });
    if let Some(mode) = mode {
        body["networkMode"] = json!(mode);
    }
    body
}

fn container(content: &DefinitionContent, essential: bool) -> Value {
    let pairs = content.environment.iter();
    let environment: Vec<Value> =
        pairs.map(|(name, value)| json!({"name": name, "value": value})).collect();
    let port = |port: &longshore_replica::PortMapping| {
        let protocol = if port.udp { "udp" } else { "tcp" };
        json!({"containerPort": port.container_port, "hostPort": port.host_port, "protocol": protocol})
    };
    let ports: Vec<Value> = content.ports.iter().map(port).collect();
    let mut container = json!({
        "name": content.container, "image": content.image, "essential": essential, "memory": MEMORY_MIB,
        "environment": environment, "dockerLabels": content.labels, "portMappings": ports,
    });
    let optional = [
        ("entryPoint", json!(content.entry_point)),
        ("command", json!(content.command)),
        ("user", json!(content.user)),
        ("stopTimeout", json!(content.stop_timeout_s)),
        ("healthCheck", json!(content.health_check)),
    ];
    for (name, value) in optional {
        if !value.is_null() {
            container[name] = value;
        }
    }
    container
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_from_a_reply_and_from_an_event() {
        assert_eq!(milliseconds(&json!(1_767_323_045.67)), 1_767_323_045_670);
        assert_eq!(milliseconds(&json!("2026-01-02T03:04:05.67Z")), 1_767_323_045_670);
        assert_eq!(milliseconds(&json!("2024-02-29T00:00:00Z")), 1_709_164_800_000);
    }
}
