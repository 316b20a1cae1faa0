//! The family that a content is registered under, and the digest that tells it again.
//!
//! Both come from SHA-256 over the content as JSON with sorted keys, in which what is not asked for is left out: equal
//! content has an equal family whatever version of this program registered it, and a member that is new changes nothing
//! for contents that do not have it.

use std::collections::BTreeMap;

use longshore_replica::{CONTENT_LABEL, DefinitionContent, Fetch, Mount, MountSource, PortMapping};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::NetworkMode;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Digits of the digest in the name of a family: 128 bits, which nobody meets twice by chance.
const FAMILY_DIGITS: usize = 32;

/// Begins the name of a family that is ours.
const PREFIX: &str = "longshore-";

/// Whether a task definition, by its ARN, is one that a content was registered as.
pub(crate) fn is_ours(arn: &str) -> bool {
    let name = arn.rsplit('/').next().unwrap_or_default();
    let family = name.split(':').next().unwrap_or_default();
    let digits = family.strip_prefix(PREFIX).unwrap_or_default();
    digits.len() == FAMILY_DIGITS && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Names a content after itself, and labels it with its digest.
pub(super) fn sealed(mut content: DefinitionContent) -> DefinitionContent {
    content.labels.remove(CONTENT_LABEL);
    let mut text = String::new();
    canonical(&members(&content), &mut text);
    let digest: String =
        Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    content.family = format!("{PREFIX}{}", &digest[..FAMILY_DIGITS]).into();
    content.labels.insert(CONTENT_LABEL.into(), digest.into());
    content
}

/// All that a content holds. Each field is named here, so that none can be forgotten.
fn members(content: &DefinitionContent) -> Value {
    let DefinitionContent {
        family: _,
        container,
        image,
        entry_point,
        command,
        environment,
        secrets: _,
        execution_role: _,
        network_mode: _,
        ports: _,
        mounts,
        user,
        working_directory,
        hostname: _,
        privileged,
        labels,
        health_check: _,
        memory_unbounded,
        stop_timeout_s,
        linux,
        ulimits,
        log,
        dns_servers: _,
        dns_search_domains: _,
        extra_hosts: _,
        security_options: _,
        system_controls: _,
        read_only_root: _,
        interactive: _,
        terminal: _,
        others,
        fetch: _,
    } = content;
    let mut all = json!({
        "container": container,
        "image": image,
        "entryPoint": entry_point.as_deref().map(given),
        "command": command.as_deref().map(given),
        "environment": environment,
        "mounts": mounts.iter().map(mount).collect::<Vec<_>>(),
        "user": user,
        "workingDirectory": working_directory,
        "privileged": privileged,
        "labels": labels,
        "memoryUnbounded": memory_unbounded,
        "stopTimeout": stop_timeout_s,
        "linux": linux,
        "ulimits": ulimits,
        "log": log,
        "others": others.iter().map(members).collect::<Vec<_>>(),
    });
    for more in [network(content), rules(content), elsewhere(content)] {
        if let (Some(all), Value::Object(more)) = (all.as_object_mut(), more) {
            all.extend(more);
        }
    }
    all
}

/// What a content says of how its container is held: more of the members that are left out above.
fn rules(content: &DefinitionContent) -> Value {
    json!({
        "securityOptions": content.security_options,
        "systemControls": content.system_controls,
        "readOnlyRoot": content.read_only_root,
        "interactive": content.interactive,
        "terminal": content.terminal,
    })
}

/// What a content says of what comes from elsewhere, and how it is checked: members that are left out above.
fn elsewhere(content: &DefinitionContent) -> Value {
    json!({
        "healthCheck": content.health_check,
        "secrets": content.secrets,
        "executionRole": content.execution_role,
        "fetch": content.fetch.as_ref().map(fetched),
    })
}

/// What a content says of the network: members that are left out above.
fn network(content: &DefinitionContent) -> Value {
    json!({
        "networkMode": content.network_mode.map(NetworkMode::word),
        "ports": content.ports.iter().map(port).collect::<Vec<_>>(),
        "hostname": content.hostname,
        "dnsServers": content.dns_servers,
        "dnsSearchDomains": content.dns_search_domains,
        "extraHosts": content.extra_hosts,
    })
}

/// Words that are given, if only none of them: an entry point without words is not the image's own.
fn given(words: &[Str]) -> Value {
    json!({"given": true, "words": words})
}

fn fetched(fetch: &Fetch) -> Value {
    let Fetch { image, settings, directories, order } = fetch;
    json!({"image": image, "settings": settings, "directories": directories, "order": order})
}

fn port(port: &PortMapping) -> Value {
    let PortMapping { container_port, host_port, udp } = port;
    json!({"container": container_port, "host": host_port, "udp": udp})
}

fn mount(mount: &Mount) -> Value {
    let Mount { source, container_path, read_only } = mount;
    let source = match source {
        MountSource::Host(path) => json!({"host": path}),
        MountSource::Volume { name, driver, options } => {
            json!({"volume": name, "driver": driver, "options": options})
        }
        MountSource::Fresh => json!({"fresh": true}),
        MountSource::Shared(name) => json!({"shared": name}),
        MountSource::Sandbox(path) => json!({"sandbox": path}),
    };
    json!({"source": source, "path": container_path, "readOnly": read_only})
}

/// What says nothing.
fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(members) => members.values().all(is_absent),
        Value::Bool(true) | Value::Number(_) | Value::String(_) => false,
    }
}

/// JSON without spaces, with sorted keys, and without members that say nothing.
fn canonical(value: &Value, into: &mut String) {
    match value {
        Value::Object(members) => {
            let said = members.iter().filter(|(_, value)| !is_absent(value));
            let sorted: BTreeMap<&String, &Value> = said.collect();
            into.push('{');
            for (number, (name, value)) in sorted.into_iter().enumerate() {
                into.push_str(if number == 0 { "" } else { "," });
                into.push_str(&json!(name).to_string());
                into.push(':');
                canonical(value, into);
            }
            into.push('}');
        }
        Value::Array(values) => {
            into.push('[');
            for (number, value) in values.iter().enumerate() {
                into.push_str(if number == 0 { "" } else { "," });
                canonical(value, into);
            }
            into.push(']');
        }
        plain => into.push_str(&plain.to_string()),
    }
}
