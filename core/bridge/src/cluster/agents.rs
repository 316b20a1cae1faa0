//! Instances as agents.

use longshore_replica::Instance;
use longshore_wire_mesos::v1::domain_info::FaultDomain;
use longshore_wire_mesos::v1::domain_info::fault_domain::{RegionInfo, ZoneInfo};
use longshore_wire_mesos::v1::{Address, AgentId, Attribute, DomainInfo, Url, value};

use crate::config::Config;

/// Port of agents. Nobody listens there: clients that dial it get no answer, as from an agent that is down.
pub(crate) const AGENT_PORT: i32 = 5051;

/// An agent, as offers describe it.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) hostname: String,
    pub(crate) ip: String,
    pub(crate) url: Url,
    pub(crate) domain: Option<DomainInfo>,
    pub(crate) attributes: Vec<Attribute>,
}

/// Describes an instance as an agent. Attributes are TEXT, since some clients cannot read numbers there.
pub(crate) fn agent(config: &Config, instance: &Instance) -> Agent {
    let named = instance.attribute(&config.hostname_attribute).cloned();
    let hostname =
        named.or_else(|| instance.ec2_instance_id.clone()).unwrap_or_else(|| instance.id().into());
    let ip = hostname
        .parse::<std::net::Ipv4Addr>()
        .map_or_else(|_| "0.0.0.0".to_owned(), |ip| ip.to_string());
    let address =
        Address { hostname: Some(hostname.to_string()), ip: Some(ip.clone()), port: AGENT_PORT };
    let zone = instance.attribute("ecs.availability-zone");
    let attributes = instance.attributes.iter().filter_map(|(name, value)| {
        let value = value.as_ref()?;
        Some(Attribute {
            name: name.to_string(),
            r#type: value::Type::Text.into(),
            text: Some(value::Text { value: value.to_string() }),
            ..Default::default()
        })
    });
    Agent {
        id: AgentId { value: instance.id().to_owned() },
        hostname: hostname.to_string(),
        ip,
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
