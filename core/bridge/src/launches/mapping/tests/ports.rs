//! Ports of the host.

use super::*;

fn bridged(mappings: &[(u32, u32)]) -> TaskInfo {
    dockered(|docker| {
        docker.network = Some(Network::Bridge.into());
        docker.port_mappings = mappings
            .iter()
            .map(|(container_port, host_port)| PortMapping {
                container_port: *container_port,
                host_port: *host_port,
                ..Default::default()
            })
            .collect();
    })
}

fn host_ports(mappings: &[(u32, u32)], claimed: &[u64]) -> Result<Vec<u16>, String> {
    let claim = Amounts::of(500, 64_000, 0, Ranges::of(claimed.iter().copied()));
    let content = try_plan_of(&bridged(mappings), &claim)?.content.expect("nothing is named");
    Ok(content.ports.iter().map(|port| port.host_port).collect())
}

/// \[A5\]
#[test]
fn a_host_port_that_the_task_does_not_claim_is_refused() {
    assert_eq!(host_ports(&[(80, 31_001)], &[31_000, 31_001]), Ok(vec![31_001]));
    for claimed in [&[][..], &[31_000]] {
        let refused = host_ports(&[(80, 31_001)], claimed).expect_err("it is not claimed");
        assert_eq!(refused, "Port [31001] not included in resources");
    }
}

/// \[A5\]
#[test]
fn a_mapping_of_port_zero_gets_a_claimed_port_that_no_other_mapping_has() {
    let claimed = [31_000, 31_001, 31_005];
    assert_eq!(
        host_ports(&[(80, 0), (81, 31_000), (82, 0)], &claimed),
        Ok(vec![31_001, 31_000, 31_005])
    );
    let refused = host_ports(&[(80, 31_000), (81, 0)], &[31_000]).expect_err("none is left");
    assert!(refused.starts_with("no port is left for container port 81"), "{refused}");
}

/// \[A5\]
#[test]
fn a_hostname_is_refused_on_the_network_of_the_host() {
    let mut task = dockered(|_| {});
    task.container.get_or_insert_default().hostname = Some("web".to_owned());
    assert_eq!(try_plan(&task), Err("Unable to set hostname with host network mode".to_owned()));
}
