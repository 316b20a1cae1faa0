//! What a container of the Mesos containerizer asks of the kernel. Source: \[A9\]. With Docker an agent reads none of it.

use longshore_replica::DefinitionContent;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::shape::container_definition::{KernelCapabilities, Ulimit};
use longshore_wire_mesos::v1::linux_info::IpcMode;
use longshore_wire_mesos::v1::r_limit_info::RLimit;
use longshore_wire_mesos::v1::{ContainerInfo, LinuxInfo};

/// Adds it.
///
/// # Errors
/// What cannot be mapped.
pub(super) fn apply(
    container: &ContainerInfo,
    content: &mut DefinitionContent,
) -> Result<(), String> {
    content.terminal = container.tty_info.is_some();
    for limit in container.rlimit_info.iter().flat_map(|limits| &limits.rlimits) {
        content.ulimits.push(ulimit(limit)?);
    }
    match &container.linux_info {
        Some(linux) => apply_linux(linux, content),
        None => Ok(()),
    }
}

fn apply_linux(linux: &LinuxInfo, content: &mut DefinitionContent) -> Result<(), String> {
    let refused = |name: &str| Err(format!("linux_info.{name} cannot be mapped to Amazon ECS"));
    if linux.share_pid_namespace() {
        return refused("share_pid_namespace");
    }
    if linux.seccomp.is_some() {
        return refused("seccomp");
    }
    if linux.ipc_mode() == IpcMode::ShareParent {
        return refused("ipc_mode");
    }
    let sets =
        [&linux.effective_capabilities, &linux.bounding_capabilities, &linux.capability_info];
    if let Some(set) = sets.into_iter().flatten().next() {
        let name = |one| {
            Str::from(longshore_wire_mesos::v1::capability_info::Capability::as_str_name(&one))
        };
        content.linux.capabilities = Some(KernelCapabilities {
            add: Some(set.capabilities().map(name).collect()),
            drop: Some(vec!["ALL".into()]),
        });
    }
    if let Some(mib) = linux.shm_size {
        content.linux.shared_memory_size = Some(i32::try_from(mib).unwrap_or(i32::MAX));
    }
    Ok(())
}

/// Mesos calls it `RLMT_NOFILE`, ECS `nofile`. What has no bound is -1.
fn ulimit(limit: &RLimit) -> Result<Ulimit, String> {
    let kind = limit.r#type().as_str_name();
    let name = kind.strip_prefix("RLMT_").unwrap_or(kind).to_ascii_lowercase();
    if !super::parameters::ULIMITS.contains(&&*name) {
        return Err(format!("the limit {kind} cannot be mapped to Amazon ECS"));
    }
    let bound = |given: Option<u64>| match given {
        None => Ok(Some(-1)),
        Some(given) => i32::try_from(given)
            .map(Some)
            .map_err(|_| format!("the limit {kind} is {given}, more than Amazon ECS can have")),
    };
    Ok(Ulimit {
        name: Some(name.into()),
        soft_limit: bound(limit.soft)?,
        hard_limit: bound(limit.hard)?,
    })
}
