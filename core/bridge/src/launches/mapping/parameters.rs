//! Docker parameters, which agents pass to `docker run` as options. Source: \[A4\]; ECS API reference,
//! `ContainerDefinition`, which says for each member which option it is.

mod values;

use longshore_replica::DefinitionContent;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::NetworkMode;
use longshore_wire_ecs::shape::container_definition::LogConfiguration;
use longshore_wire_mesos::v1::Parameter;
use longshore_wire_mesos::v1::container_info::DockerInfo;

use super::volumes;

/// Limits that ECS has. Source: ECS API reference, `Ulimit.name`.
pub(super) const ULIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];
/// Log drivers of Docker that ECS has. Source: ECS API reference, `LogConfiguration.logDriver`.
const LOG_DRIVERS: [&str; 7] =
    ["json-file", "syslog", "journald", "gelf", "fluentd", "awslogs", "splunk"];
/// What Docker logs with unless it is told otherwise.
const LOG_DRIVER: &str = "json-file";

/// Adds what the parameters of a container ask for.
///
/// # Errors
/// What cannot be mapped.
pub(super) fn apply(
    docker: &DockerInfo,
    memory_mib: u32,
    content: &mut DefinitionContent,
) -> Result<(), String> {
    let driver = volumes::driver(docker)?;
    for Parameter { key, value } in &docker.parameters {
        let bad = |why: String| {
            format!(
                "the Docker parameter '{key}' cannot be mapped to Amazon ECS with the value '{value}': {why}"
            )
        };
        match key.as_str() {
            "volume" => content.mounts.push(volumes::of_parameter(value, driver).map_err(bad)?),
            // It is about volumes, and was read above.
            "volume-driver" => {}
            "cap-add" | "cap-drop" | "device" | "init" | "shm-size" | "tmpfs" | "memory-swap"
            | "memory-swappiness" => linux(key, value, memory_mib, content).map_err(bad)?,
            "env" | "label" | "user" | "workdir" | "hostname" | "entrypoint" | "privileged"
            | "read-only" | "interactive" | "tty" | "stop-timeout" | "net" | "network" => {
                plain(key, value, content).map_err(bad)?;
            }
            "ulimit" | "add-host" | "dns" | "dns-search" | "log-driver" | "log-opt" | "sysctl"
            | "security-opt" => structured(key, value, content).map_err(bad)?,
            key => {
                return Err(format!("the Docker parameter '{key}' cannot be mapped to Amazon ECS"));
            }
        }
    }
    Ok(())
}

/// What is a text, a number or a flag.
fn plain(key: &str, value: &str, content: &mut DefinitionContent) -> Result<(), String> {
    let text = Str::from(value);
    match key {
        // The environment has it already.
        "env" if value.contains('=') => {}
        "env" => return Err("the agent's own environment is not known here".to_owned()),
        "label" => {
            let (key, value) = value.split_once('=').unwrap_or((value, ""));
            // Every task would have a definition of its own; the environment tells it anyway.
            if key != super::TASK_VARIABLE {
                content.labels.insert(key.into(), value.into());
            }
        }
        "user" => content.user = Some(text),
        "workdir" => content.working_directory = Some(text),
        "hostname" => content.hostname = Some(text),
        // In place of the shell, which would have come before its `-c`.
        "entrypoint" if !value.is_empty() => {
            let rest = content.entry_point.take().unwrap_or_default().into_iter().skip(1);
            content.entry_point = Some(std::iter::once(text).chain(rest).collect());
        }
        "entrypoint" => return Err("it is empty".to_owned()),
        "privileged" => content.privileged = values::flag(value)?,
        "read-only" => content.read_only_root = values::flag(value)?,
        "interactive" => content.interactive = values::flag(value)?,
        "tty" => content.terminal = values::flag(value)?,
        "stop-timeout" => {
            content.stop_timeout_s = Some(value.parse().map_err(|_| "it is no number of seconds")?);
        }
        _ => {
            content.network_mode = Some(match value {
                "bridge" | "default" => NetworkMode::Bridge,
                "host" => NetworkMode::Host,
                "none" => NetworkMode::None,
                _ => return Err("it has bridge, host and none".to_owned()),
            });
        }
    }
    Ok(())
}

/// What ECS has structures of its own for.
fn structured(key: &str, value: &str, content: &mut DefinitionContent) -> Result<(), String> {
    match key {
        "ulimit" => content.ulimits.push(values::ulimit(value)?),
        "add-host" => content.extra_hosts.push(values::host(value)?),
        "dns" => content.dns_servers.push(value.into()),
        "dns-search" => content.dns_search_domains.push(value.into()),
        "sysctl" => content.system_controls.push(values::control(value)?),
        "security-opt" => content.security_options.push(values::security_option(value)?),
        "log-driver" if LOG_DRIVERS.contains(&value) => {
            log(content).log_driver = Some(value.into());
        }
        "log-driver" => return Err(format!("it has {}", LOG_DRIVERS.join(", "))),
        _ => {
            let (name, value) = value.split_once('=').ok_or("it is not NAME=VALUE")?;
            log(content).options.get_or_insert_default().insert(name.into(), value.into());
        }
    }
    Ok(())
}

fn log(content: &mut DefinitionContent) -> &mut LogConfiguration {
    let plain = || LogConfiguration { log_driver: Some(LOG_DRIVER.into()), ..Default::default() };
    content.log.get_or_insert_with(plain)
}

/// What is about the kernel.
fn linux(
    key: &str,
    value: &str,
    memory_mib: u32,
    content: &mut DefinitionContent,
) -> Result<(), String> {
    let linux = &mut content.linux;
    let capabilities = |value: &str| {
        let upper = value.to_ascii_uppercase();
        Str::from(upper.strip_prefix("CAP_").unwrap_or(&upper))
    };
    match key {
        "cap-add" => {
            let all = linux.capabilities.get_or_insert_default();
            all.add.get_or_insert_default().push(capabilities(value));
        }
        "cap-drop" => {
            let all = linux.capabilities.get_or_insert_default();
            all.drop.get_or_insert_default().push(capabilities(value));
        }
        "device" => linux.devices.get_or_insert_default().push(values::device(value)?),
        "init" => linux.init_process_enabled = Some(values::flag(value)?),
        "shm-size" => linux.shared_memory_size = Some(values::mib(value)?),
        "tmpfs" => linux.tmpfs.get_or_insert_default().push(values::tmpfs(value)?),
        "memory-swap" => linux.max_swap = values::swap(value, memory_mib)?,
        _ => {
            let percent = value.parse().ok().filter(|percent| (0..=100).contains(percent));
            linux.swappiness = Some(percent.ok_or("it is no number from 0 to 100")?);
        }
    }
    Ok(())
}
