//! Host ports of processes.
//!
//! A process has no network of its own: it listens on ports of this machine, which it shares with
//! every other instance and with unrelated programs. A static host port is the one that it should
//! listen on. For a dynamic one the kernel picks a free port of its ephemeral range, as with
//! Docker. The process reads its ports from its environment: `PORT` is that of its first port
//! mapping; `PORT0`, `PORT1` and so on are those of all mappings, in the order of the definition.
//!
//! A process may take a while to listen, so assigned ports are remembered while the container
//! exists, jointly by all instances of the program; after a restart they are read from the
//! environment of the process, which the kernel keeps.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::host::{ContainerSpec, NetworkMode, PortBinding};
use longshore_wire_ecs::shape::shared::KeyValuePair;

/// The variable from which the ports are read back: `80/tcp=32768 53/udp=40001`.
const ALL: &str = "LONGSHORE_PORTS";

/// How often the kernel is asked for a port that none of our containers has. Chosen by us:
/// conflicts are rare.
const ATTEMPTS: u32 = 100;

/// The container that has a port.
type Owner = (ResourceId, Str);

/// The ports assigned to processes by this program.
#[derive(Clone, Debug, Default)]
pub struct Ports {
    given: Arc<Mutex<BTreeMap<(Transport, u16), Owner>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Transport {
    Tcp,
    Udp,
}

/// A port held while others are chosen, so that none is chosen twice.
#[expect(dead_code, reason = "held, not used")]
enum Held {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Transport {
    fn of(protocol: &str) -> Self {
        if protocol == "udp" { Self::Udp } else { Self::Tcp }
    }

    /// Binds a port of this machine, or any if it is 0.
    fn hold(self, port: u16) -> std::io::Result<(Held, u16)> {
        let at = (Ipv4Addr::UNSPECIFIED, port);
        Ok(match self {
            Self::Tcp => {
                let socket = TcpListener::bind(at)?;
                let port = socket.local_addr()?.port();
                (Held::Tcp(socket), port)
            }
            Self::Udp => {
                let socket = UdpSocket::bind(at)?;
                let port = socket.local_addr()?.port();
                (Held::Udp(socket), port)
            }
        })
    }
}

impl Ports {
    fn given(&self) -> MutexGuard<'_, BTreeMap<(Transport, u16), Owner>> {
        // A panic elsewhere cannot corrupt the table: every change is a single insertion or
        // removal.
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Assigns a container the ports of its mappings.
    ///
    /// # Errors
    /// If a static port is in use; the reason is `ErrorName: text`.
    pub(super) fn give(
        &self,
        owner: &Owner,
        mode: NetworkMode,
        container: &ContainerSpec,
    ) -> Result<Vec<PortBinding>, String> {
        let mut bindings = wanted(mode, container);
        let mut held = Vec::new();
        let mut given = self.given();
        for binding in bindings.iter().filter(|binding| binding.host_port > 0) {
            let transport = Transport::of(&binding.protocol);
            let by_task =
                given.get(&(transport, binding.host_port)).is_some_and(|has| has != owner);
            let by = if by_task {
                Some(" by another task")
            } else {
                match transport.hold(binding.host_port) {
                    Ok((one, _)) => {
                        held.push(one);
                        None
                    }
                    // Any other reason need not affect the process.
                    Err(error) => (error.kind() == ErrorKind::AddrInUse).then_some(""),
                }
            };
            if let Some(by) = by {
                let PortBinding { host_port, protocol, .. } = binding;
                return Err(format!(
                    "CannotStartContainerError: the host port {host_port}/{protocol} is in use on this machine{by}"
                ));
            }
        }
        for binding in bindings.iter_mut().filter(|binding| binding.host_port == 0) {
            let transport = Transport::of(&binding.protocol);
            let free = (0..ATTEMPTS).find_map(|_| {
                let (one, port) = transport.hold(0).ok()?;
                // A port that one of our containers will listen on is held too, so that the kernel
                // picks another.
                held.push(one);
                (!given.contains_key(&(transport, port))).then_some(port)
            });
            binding.host_port = free.ok_or_else(|| {
                format!(
                    "CannotStartContainerError: this machine has no free {} port",
                    binding.protocol
                )
            })?;
        }
        for binding in &bindings {
            given.insert((Transport::of(&binding.protocol), binding.host_port), owner.clone());
        }
        Ok(bindings)
    }

    /// Records the ports of a container that was running before.
    pub(super) fn found(&self, owner: &Owner, bindings: &[PortBinding]) {
        let mut given = self.given();
        for binding in bindings {
            given.insert((Transport::of(&binding.protocol), binding.host_port), owner.clone());
        }
    }

    /// Releases the ports of a container.
    pub(super) fn take_back(&self, owner: &Owner) {
        self.given().retain(|_, has| has != owner);
    }

    /// Releases the ports of a task.
    pub(super) fn take_back_all(&self, task: ResourceId) {
        self.given().retain(|_, (of, _)| *of != task);
    }
}

/// The ports that a container requests, with 0 for any. In the host's network they are the
/// container's own.
fn wanted(mode: NetworkMode, container: &ContainerSpec) -> Vec<PortBinding> {
    if matches!(mode, NetworkMode::None | NetworkMode::Awsvpc) {
        return Vec::new();
    }
    let mappings = container.definition.port_mappings.iter().flatten();
    let wanted = mappings.filter_map(|mapping| {
        let container_port = u16::try_from(mapping.container_port?).ok()?;
        let given = mapping.host_port.and_then(|port| u16::try_from(port).ok()).unwrap_or(0);
        let host_port = if mode == NetworkMode::Host { container_port } else { given };
        let protocol = mapping.protocol.clone().unwrap_or_else(|| "tcp".into());
        Some(PortBinding { bind_ip: "0.0.0.0".into(), container_port, host_port, protocol })
    });
    wanted.collect()
}

/// The environment of a container, including variables for its ports.
///
/// Variables of the definition take precedence, except a `PORT` that names a container port: the
/// process cannot listen there, as another one of the same kind may run on this machine.
pub(super) fn told(container: &ContainerSpec, bindings: &[PortBinding]) -> Vec<KeyValuePair> {
    let mut all = Vec::clone(&container.environment);
    let Some(first) = bindings.first() else { return all };
    let mut tell = |name: String, value: String| {
        all.push(KeyValuePair { name: Some(name.into()), value: Some(value.into()) });
    };
    let given = container.variable("PORT");
    let meant = given.and_then(|port| port.parse().ok());
    let meant = bindings.iter().find(|binding| Some(binding.container_port) == meant);
    if let Some(binding) = meant.or_else(|| given.is_none().then_some(first)) {
        tell("PORT".to_owned(), binding.host_port.to_string());
    }
    for (number, binding) in bindings.iter().enumerate() {
        let name = format!("PORT{number}");
        if container.variable(&name).is_none() {
            tell(name, binding.host_port.to_string());
        }
    }
    let pairs =
        bindings.iter().map(|PortBinding { container_port, host_port, protocol, .. }| {
            format!("{container_port}/{protocol}={host_port}")
        });
    tell(ALL.to_owned(), pairs.collect::<Vec<_>>().join(" "));
    all
}

/// The ports that a process was told, from `/proc/PID/environ`.
pub(super) fn read(environ: &[u8]) -> Vec<PortBinding> {
    let mut variables = environ.split(|byte| *byte == 0).filter_map(|one| {
        // The supervisor may have prefixed the names.
        let (name, value) = std::str::from_utf8(one).ok()?.split_once('=')?;
        name.ends_with(ALL).then_some(value)
    });
    let pairs = variables.next().unwrap_or_default().split(' ');
    let binding = |pair: &str| {
        let (name, host_port) = pair.split_once('=')?;
        let (container_port, protocol) = name.split_once('/')?;
        Some(PortBinding {
            bind_ip: "0.0.0.0".into(),
            container_port: container_port.parse().ok()?,
            host_port: host_port.parse().ok()?,
            protocol: protocol.into(),
        })
    };
    pairs.filter_map(binding).collect()
}

#[cfg(test)]
mod tests {
    use longshore_wire_ecs::shape::container_definition::{ContainerDefinition, PortMapping};

    use super::*;

    /// A container with mappings from container ports to host ports.
    fn container(mappings: &[(i32, i32, &str)], environment: &[(&str, &str)]) -> ContainerSpec {
        let mapping = |(container, host, protocol): &(i32, i32, &str)| PortMapping {
            container_port: Some(*container),
            host_port: Some(*host),
            protocol: Some((*protocol).into()),
            ..Default::default()
        };
        let port_mappings = Some(mappings.iter().map(mapping).collect());
        let pair = |(name, value): &(&str, &str)| KeyValuePair {
            name: Some((*name).into()),
            value: Some((*value).into()),
        };
        ContainerSpec {
            definition: ContainerDefinition { port_mappings, ..Default::default() }.into(),
            environment: Arc::new(environment.iter().map(pair).collect()),
            ..Default::default()
        }
    }

    fn owner(task: u128) -> Owner {
        (ResourceId(task), "web".into())
    }

    /// A port that is currently unused.
    fn free() -> u16 {
        Transport::Tcp.hold(0).expect("there is one").1
    }

    fn give(ports: &Ports, task: u128, spec: &ContainerSpec) -> Result<Vec<u16>, String> {
        let given = ports.give(&owner(task), NetworkMode::Bridge, spec);
        given.map(|all| all.iter().map(|binding| binding.host_port).collect())
    }

    #[test]
    fn dynamic_ports_are_free_and_given_once() {
        let ports = Ports::default();
        let spec = container(&[(80, 0, "tcp"), (81, 0, "tcp"), (53, 0, "udp")], &[]);
        let mut all = std::collections::BTreeSet::new();
        for task in 0..50 {
            let given = give(&ports, task, &spec).expect("there are free ones");
            assert_eq!(given.len(), 3);
            for (port, transport) in
                given.iter().zip([Transport::Tcp, Transport::Tcp, Transport::Udp])
            {
                assert!(all.insert((transport, *port)), "{port} twice");
                // Nobody listens there, but no other container of ours gets it.
                assert!(transport.hold(*port).is_ok(), "{port}");
            }
        }
    }

    #[test]
    fn a_static_port_that_somebody_listens_on_is_refused_by_name() {
        let ports = Ports::default();
        for (transport, protocol) in [(Transport::Tcp, "tcp"), (Transport::Udp, "udp")] {
            let (held, port) = transport.hold(0).expect("there is one");
            let spec = container(&[(80, i32::from(port), protocol)], &[]);
            let refused = give(&ports, 1, &spec).expect_err("it is in use");
            let wanted = format!(
                "CannotStartContainerError: the host port {port}/{protocol} is in use on this machine"
            );
            assert_eq!(refused, wanted);
            drop(held);
            assert_eq!(give(&ports, 1, &spec), Ok(vec![port]));
        }
    }

    #[test]
    fn a_port_is_its_containers_until_that_is_over_though_nobody_listens() {
        let (ports, port) = (Ports::default(), free());
        let spec = container(&[(80, i32::from(port), "tcp")], &[]);
        assert_eq!(give(&ports, 1, &spec), Ok(vec![port]));
        let refused = give(&ports, 2, &spec).expect_err("another task has it");
        assert!(refused.ends_with("is in use on this machine by another task"), "{refused}");
        ports.take_back(&owner(1));
        assert_eq!(give(&ports, 2, &spec), Ok(vec![port]));
        ports.take_back_all(ResourceId(2));
        // A container that was running before has its port too.
        let bindings = read(format!("A=1\0LONGSHORE_PORTS=80/tcp={port}\0").as_bytes());
        ports.found(&owner(3), &bindings);
        assert!(give(&ports, 4, &spec).is_err());
    }

    #[test]
    fn in_the_hosts_network_ports_are_the_containers_own_and_without_one_there_are_none() {
        let (ports, port) = (Ports::default(), free());
        let spec = container(&[(i32::from(port), 0, "tcp")], &[]);
        let of = |mode| {
            let given = ports.give(&owner(1), mode, &spec).expect("it is free");
            given.iter().map(|binding| binding.host_port).collect::<Vec<_>>()
        };
        assert_eq!(of(NetworkMode::Host), [port]);
        assert!(of(NetworkMode::None).is_empty());
    }

    /// `PORT`, `PORT0` and `PORT1` as seen by a process with these variables.
    fn seen(environment: &[(&str, &str)]) -> [String; 3] {
        let spec = container(&[(80, 0, "tcp"), (8080, 0, "tcp")], environment);
        let binding = |container_port, host_port| PortBinding {
            bind_ip: "0.0.0.0".into(),
            container_port,
            host_port,
            protocol: "tcp".into(),
        };
        let bindings = [binding(80, 40_000), binding(8080, 40_001)];
        let environment = Arc::new(told(&spec, &bindings));
        let spec = ContainerSpec { environment, ..spec };
        let all = format!("X\0{ALL}={}\0", spec.variable(ALL).expect("it is told"));
        assert_eq!(read(all.as_bytes()), bindings);
        ["PORT", "PORT0", "PORT1"].map(|name| spec.variable(name).unwrap_or_default().to_owned())
    }

    #[test]
    fn a_process_is_told_its_ports_and_keeps_what_means_something_else() {
        let own = ["40000", "40001"];
        assert_eq!(seen(&[]), ["40000", own[0], own[1]]);
        assert_eq!(seen(&[("PORT", "8080")]), ["40001", own[0], own[1]], "a container port");
        assert_eq!(seen(&[("PORT", "5432")]), ["5432", own[0], own[1]], "another one's port");
        assert_eq!(seen(&[("PORT", "east"), ("PORT1", "x")]), ["east", own[0], "x"]);
        assert!(told(&container(&[], &[]), &[]).is_empty());
    }
}
