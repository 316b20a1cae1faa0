//! The rest of records, for those who show them in full: texts as Blox wrote what it had read, times to the second.

use aws_sdk_ecs::primitives::{DateTime, DateTimeFormat};
use aws_sdk_ecs::types as sdk;
use longshore_replica::{
    BindingDetail, ContainerDetail, InstanceDetail, OverrideDetail, Resource, TaskDetail,
};
use longshore_wire_ecs::Str;

fn text(given: Option<&str>) -> Str {
    given.unwrap_or_default().into()
}

fn time(given: Option<&DateTime>) -> Option<Str> {
    let seconds = DateTime::from_secs(given?.secs());
    seconds.fmt(DateTimeFormat::DateTime).ok().map(Into::into)
}

fn resource(from: &sdk::Resource) -> Resource {
    let kind = from.r#type().unwrap_or_default();
    let value = match kind {
        "INTEGER" => from.integer_value().to_string(),
        "LONG" => from.long_value().to_string(),
        "DOUBLE" => format!("{:.2}", from.double_value()),
        "STRINGSET" => from.string_set_value().join(","),
        _ => String::new(),
    };
    Resource { name: text(from.name()), kind: kind.into(), value: value.into() }
}

pub(crate) fn instance(from: &sdk::ContainerInstance, cluster_arn: &str) -> InstanceDetail {
    let versions = from.version_info();
    let version = |of: fn(&sdk::VersionInfo) -> Option<&str>| versions.and_then(of).map(Str::from);
    InstanceDetail {
        cluster_arn: cluster_arn.into(),
        status: text(from.status()),
        agent_update_status: from.agent_update_status().map(|status| status.as_str().into()),
        agent_hash: version(sdk::VersionInfo::agent_hash),
        agent_version: version(sdk::VersionInfo::agent_version),
        docker_version: version(sdk::VersionInfo::docker_version),
        registered: from.registered_resources().iter().map(resource).collect(),
        remaining: from.remaining_resources().iter().map(resource).collect(),
    }
}

fn binding(from: &sdk::NetworkBinding) -> Option<BindingDetail> {
    let port = |given: Option<i32>| u16::try_from(given?).ok();
    Some(BindingDetail {
        ip: text(from.bind_ip()),
        container_port: port(from.container_port())?,
        host_port: port(from.host_port())?,
        protocol: text(from.protocol().map(sdk::TransportProtocol::as_str)),
    })
}

fn container(from: &sdk::Container) -> ContainerDetail {
    ContainerDetail {
        arn: text(from.container_arn()),
        name: text(from.name()),
        last_status: text(from.last_status()),
        exit_code: from.exit_code(),
        reason: from.reason().map(Into::into),
        bindings: from.network_bindings().iter().filter_map(binding).collect(),
    }
}

fn overridden(from: &sdk::ContainerOverride) -> OverrideDetail {
    let words = || from.command().iter().map(|word| word.as_str().into()).collect();
    let pair = |one: &sdk::KeyValuePair| Some((one.name()?.into(), text(one.value())));
    OverrideDetail {
        name: text(from.name()),
        command: (!from.command().is_empty()).then(words),
        environment: from.environment().iter().filter_map(pair).collect(),
    }
}

pub(crate) fn task(from: &sdk::Task) -> TaskDetail {
    let overrides = from.overrides();
    let by_container = overrides.map(sdk::TaskOverride::container_overrides).unwrap_or_default();
    TaskDetail {
        cluster_arn: text(from.cluster_arn()),
        last_status: text(from.last_status()),
        desired_status: text(from.desired_status()),
        created_at: time(from.created_at()).unwrap_or_default(),
        started_at: time(from.started_at()),
        stopped_at: time(from.stopped_at()),
        containers: from.containers().iter().map(container).collect(),
        overrides: by_container.iter().map(overridden).collect(),
        task_role_arn: overrides.and_then(|one| one.task_role_arn()).map(Into::into),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_resources_are_text() {
        let of = |kind: &str| sdk::Resource::builder().name("r").r#type(kind);
        let told = |one: sdk::Resource| resource(&one).value.to_string();
        assert_eq!(told(of("INTEGER").integer_value(7).build()), "7");
        assert_eq!(told(of("DOUBLE").double_value(1.5).build()), "1.50");
        let set = of("STRINGSET").string_set_value("22").string_set_value("2376");
        assert_eq!(told(set.build()), "22,2376");
        assert_eq!(told(of("OTHER").build()), "");
    }

    #[test]
    fn times_are_written_to_the_second() {
        let at = DateTime::from_millis(1_767_323_045_670);
        assert_eq!(time(Some(&at)).as_deref(), Some("2026-01-02T03:04:05Z"));
    }
}
