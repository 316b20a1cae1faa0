//! What an agent does not read, and what it reads only with the Mesos containerizer.

use longshore_wire_ecs::shape::container_definition::{KernelCapabilities, Ulimit};
use longshore_wire_mesos::v1::capability_info::Capability;
use longshore_wire_mesos::v1::r_limit_info::{RLimit, r_limit};
use longshore_wire_mesos::v1::{CapabilityInfo, LinuxInfo, NetworkInfo, RLimitInfo, TtyInfo};

use super::*;

/// \[A4\] \[A5\] \[A9\]
#[test]
fn what_an_agent_does_not_read_beside_docker_changes_nothing() {
    let plain = dockered(|docker| docker.network = Some(Network::Bridge.into()));
    let mut full = plain.clone();
    let container = full.container.get_or_insert_default();
    container.linux_info = Some(LinuxInfo::default());
    container.rlimit_info = Some(RLimitInfo::default());
    container.tty_info = Some(TtyInfo::default());
    container.network_infos =
        vec![NetworkInfo { name: Some("dcos".to_owned()), ..Default::default() }];
    let docker = container.docker.get_or_insert_default();
    docker.parameters.push(parameter("volume-driver", "rexray"));
    docker.force_pull_image = Some(true);
    assert_eq!(content_of(&full), content_of(&plain));
}

/// \[A9\]
#[test]
fn what_says_nothing_is_inert_in_a_mesos_container_too() {
    let plain = within(mesos("nginx"), shell("sleep 1"));
    let container = ContainerInfo {
        linux_info: Some(LinuxInfo::default()),
        rlimit_info: Some(RLimitInfo::default()),
        network_infos: vec![NetworkInfo::default()],
        ..mesos("nginx")
    };
    assert_eq!(content_of(&within(container, shell("sleep 1"))), content_of(&plain));
}

/// \[A9\]
#[test]
fn what_a_mesos_container_asks_of_the_kernel_is_mapped_or_refused_by_name() {
    let limit =
        RLimit { r#type: Some(r_limit::Type::RlmtNofile.into()), soft: Some(1_024), hard: None };
    let set = CapabilityInfo { capabilities: vec![Capability::NetRaw.into()] };
    let container = |linux: LinuxInfo| ContainerInfo {
        linux_info: Some(linux),
        rlimit_info: Some(RLimitInfo { rlimits: vec![limit] }),
        tty_info: Some(TtyInfo::default()),
        ..mesos("nginx")
    };
    let linux =
        LinuxInfo { effective_capabilities: Some(set), shm_size: Some(64), ..Default::default() };
    let content = content_of(&within(container(linux), shell("sleep 1")));
    let ulimit =
        Ulimit { name: Some("nofile".into()), soft_limit: Some(1_024), hard_limit: Some(-1) };
    assert_eq!((content.ulimits, content.terminal), (vec![ulimit], true));
    assert_eq!(content.linux.shared_memory_size, Some(64));
    let capabilities =
        KernelCapabilities { add: Some(vec!["NET_RAW".into()]), drop: Some(vec!["ALL".into()]) };
    assert_eq!(content.linux.capabilities, Some(capabilities));
    let shared = LinuxInfo { share_pid_namespace: Some(true), ..Default::default() };
    let refused = try_plan(&within(container(shared), shell("sleep 1"))).expect_err("not mapped");
    assert_eq!(refused, "linux_info.share_pid_namespace cannot be mapped to Amazon ECS");
}
