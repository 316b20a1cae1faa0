//! Instances as agents.

use longshore_replica::Instance;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::host::AGENT_PORT_ATTRIBUTE;
use longshore_wire_mesos::v1::domain_info::FaultDomain;
use longshore_wire_mesos::v1::domain_info::fault_domain::{RegionInfo, ZoneInfo};
use longshore_wire_mesos::v1::{Address, AgentId, Attribute, DomainInfo, Url, value};

use crate::config::Config;

/// Port of agents that do not say theirs, as instances of Amazon's do not. Nobody listens there: clients that dial it get no answer, as
/// from an agent that is down.
const AGENT_PORT: u16 = 5051;

/// The attribute of an instance that holds what operators decided about it as an agent. It is none of the agent's own attributes.
pub(crate) const STANDING_ATTRIBUTE: &str = "longshore.agent";

/// The attributes that frameworks see, with their values.
pub(crate) fn attributes(instance: &Instance) -> impl Iterator<Item = (&Str, &Str)> {
    let shown = instance.attributes.iter().filter(|(name, _)| &***name != STANDING_ATTRIBUTE);
    shown.filter_map(|(name, value)| Some((name, value.as_ref()?)))
}

/// An agent, as offers describe it.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) hostname: String,
    pub(crate) ip: String,
    pub(crate) port: u16,
    pub(crate) url: Url,
    pub(crate) domain: Option<DomainInfo>,
    pub(crate) attributes: Vec<Attribute>,
}

/// Host name and address of an instance as an agent.
pub(crate) fn host(config: &Config, instance: &Instance) -> (Str, String) {
    let named = instance.attribute(&config.hostname_attribute).cloned();
    let hostname =
        named.or_else(|| instance.ec2_instance_id.clone()).unwrap_or_else(|| instance.id().into());
    let ip = hostname
        .parse::<std::net::Ipv4Addr>()
        .map_or_else(|_| "0.0.0.0".to_owned(), |ip| ip.to_string());
    (hostname, ip)
}

/// Describes an instance as an agent. Attributes are TEXT, since some clients cannot read numbers there.
pub(crate) fn agent(config: &Config, instance: &Instance) -> Agent {
    let (hostname, ip) = host(config, instance);
    let port = instance.attribute(AGENT_PORT_ATTRIBUTE).and_then(|port| port.parse().ok());
    let port: u16 = port.unwrap_or(AGENT_PORT);
    let address =
        Address { hostname: Some(hostname.to_string()), ip: Some(ip.clone()), port: port.into() };
    let zone = instance.attribute("ecs.availability-zone");
    let attributes = attributes(instance).map(|(name, text)| Attribute {
        name: name.to_string(),
        r#type: value::Type::Text.into(),
        text: Some(value::Text { value: text.to_string() }),
        ..Default::default()
    });
    Agent {
        id: AgentId { value: instance.id().to_owned() },
        hostname: hostname.to_string(),
        ip,
        port,
        url: Url {
            scheme: "http".to_owned(),
            address,
            path: Some("/slave(1)".to_owned()),
            ..Default::default()
        },
        domain: zone.map(|zone| domain(&config.region, zone)),
        attributes: attributes.collect(),
    }
}

/// A fault domain.
pub(crate) fn domain(region: &str, zone: &str) -> DomainInfo {
    DomainInfo {
        fault_domain: Some(FaultDomain {
            region: RegionInfo { name: region.to_owned() },
            zone: ZoneInfo { name: zone.to_owned() },
        }),
    }
}
