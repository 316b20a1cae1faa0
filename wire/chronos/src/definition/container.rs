//! The container of a job.

use serde_json::{Value, json};

use crate::Malformed;
use crate::fields::Fields;
use crate::limits::{LIST_MAX, TEXT_BYTES_MAX};
use crate::malformed::quoted;

/// Who runs the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerKind {
    /// Docker.
    Docker,
    /// Mesos, from an image of Docker's.
    Mesos,
}

/// The network of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// That of the host.
    Host,
    /// A bridge on the host.
    Bridge,
    /// None.
    None,
    /// One that a user made.
    User,
}

/// A directory of the host in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// The directory; empty makes one.
    pub host_path: String,
    /// Where it is in the container.
    pub container_path: String,
    /// Whether the container may not write there.
    pub is_read_only: bool,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Who runs it.
    pub kind: ContainerKind,
    /// The image.
    pub image: String,
    /// Its network.
    pub network: Network,
    /// Its volumes.
    pub volumes: Vec<Volume>,
    /// Options of `docker run`, by name.
    pub parameters: Vec<(String, String)>,
    /// Whether the image is pulled each time.
    pub force_pull: bool,
}

impl Container {
    pub(super) fn read(path: &str, value: Value) -> Result<Self, Malformed> {
        let mut fields = Fields::of(path, value)?;
        let kind = fields.text("type", TEXT_BYTES_MAX)?.to_ascii_uppercase();
        let kind = match kind.as_str() {
            "" | "DOCKER" => ContainerKind::Docker,
            "MESOS" => ContainerKind::Mesos,
            other => {
                let wanted = format!("DOCKER or MESOS is needed, not {}", quoted(other));
                return Err(fields.wrong("type", wanted));
            }
        };
        let image = fields.text("image", TEXT_BYTES_MAX)?;
        if image.is_empty() {
            return Err(fields.wrong("image", "an image is needed"));
        }
        let network = read_network(&mut fields)?;
        let mut volumes = Vec::new();
        for (index, value) in fields.list("volumes", LIST_MAX)?.into_iter().enumerate() {
            volumes.push(Volume::read(&format!("{path}.volumes[{index}]"), value)?);
        }
        let mut parameters = Vec::new();
        for (index, value) in fields.list("parameters", LIST_MAX)?.into_iter().enumerate() {
            let mut pair = Fields::of(&format!("{path}.parameters[{index}]"), value)?;
            let key = pair.text("key", TEXT_BYTES_MAX)?;
            if key.is_empty() {
                return Err(pair.wrong("key", "the name of an option is needed"));
            }
            parameters.push((key, pair.text("value", TEXT_BYTES_MAX)?));
            pair.end()?;
        }
        let force_pull = fields.flag("forcePullImage", false)?;
        // Networks of plugins are none of ECS's.
        let is_empty = fields.list("networkInfos", LIST_MAX)?.is_empty();
        if !is_empty || !fields.text("networkName", TEXT_BYTES_MAX)?.is_empty() {
            return Err(fields.wrong("networkInfos", "networks of plugins are not possible on ECS"));
        }
        fields.end()?;
        Ok(Self { kind, image, network, volumes, parameters, force_pull })
    }

    pub(super) fn json(&self) -> Value {
        let kind = match self.kind {
            ContainerKind::Docker => "DOCKER",
            ContainerKind::Mesos => "MESOS",
        };
        let network = match self.network {
            Network::Host => "HOST",
            Network::Bridge => "BRIDGE",
            Network::None => "NONE",
            Network::User => "USER",
        };
        let volumes: Vec<Value> = self.volumes.iter().map(Volume::json).collect();
        let parameters = self.parameters.iter();
        let parameters: Vec<Value> =
            parameters.map(|(key, value)| json!({"key": key, "value": value})).collect();
        json!({
            "type": kind,
            "image": self.image,
            "network": network,
            "volumes": volumes,
            "parameters": parameters,
            "forcePullImage": self.force_pull,
        })
    }
}

fn read_network(fields: &mut Fields) -> Result<Network, Malformed> {
    let network = fields.text("network", TEXT_BYTES_MAX)?.to_ascii_uppercase();
    Ok(match network.as_str() {
        "" | "HOST" => Network::Host,
        "BRIDGE" => Network::Bridge,
        "NONE" => Network::None,
        "USER" => Network::User,
        other => {
            let wanted = format!("HOST, BRIDGE, NONE or USER is needed, not {}", quoted(other));
            return Err(fields.wrong("network", wanted));
        }
    })
}

impl Volume {
    fn read(path: &str, value: Value) -> Result<Self, Malformed> {
        let mut fields = Fields::of(path, value)?;
        let host_path = fields.text("hostPath", TEXT_BYTES_MAX)?;
        let container_path = fields.text("containerPath", TEXT_BYTES_MAX)?;
        if container_path.is_empty() {
            return Err(fields.wrong("containerPath", "a path in the container is needed"));
        }
        let mode = fields.text("mode", TEXT_BYTES_MAX)?.to_ascii_uppercase();
        let is_read_only = match mode.as_str() {
            "" | "RW" => false,
            "RO" => true,
            other => {
                let wanted = format!("RW or RO is needed, not {}", quoted(other));
                return Err(fields.wrong("mode", wanted));
            }
        };
        fields.end()?;
        Ok(Self { host_path, container_path, is_read_only })
    }

    fn json(&self) -> Value {
        let mode = if self.is_read_only { "RO" } else { "RW" };
        if self.host_path.is_empty() {
            return json!({"containerPath": self.container_path, "mode": mode});
        }
        json!({"hostPath": self.host_path, "containerPath": self.container_path, "mode": mode})
    }
}
