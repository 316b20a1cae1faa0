//! Who leads of the masters that stand for election in ZooKeeper.
//!
//! Every candidate has a node below the path, and the one with the smallest number leads: `json.info_NNNNNNNNNN` holds a `MasterInfo` in
//! Mesos's JSON, `info_NNNNNNNNNN` the same as a message. Other nodes are somebody else's.
//!
//! Source: Mesos, `src/master/detector/zookeeper.cpp` in its documented form.

use std::net::Ipv4Addr;
use std::time::Duration;

use longshore_driver_machine::{Detection, Leader};
use longshore_wire_mesos::v1::MasterInfo;
use longshore_wire_mesos::{Media, Message};
use zookeeper_client::{Client, Error, OneshotWatcher};

use crate::master::ZooKeeper;

const MASTER: &str = "mesos.v1.MasterInfo";
/// Source: Mesos: its masters' sessions are as long.
const SESSION: Duration = Duration::from_secs(10);
/// How long to wait before ZooKeeper is asked again after it could not be. Source: chosen by us.
const PAUSE: Duration = Duration::from_secs(1);
/// How long to wait for the path to be there, which the first master makes. Source: chosen by us.
const NO_PATH: Duration = Duration::from_secs(2);

/// Says who leads, now and whenever that changes.
pub(super) async fn follow(zookeeper: &ZooKeeper, tell: &(impl Fn(Detection) + Send + Sync)) {
    loop {
        if let Err(why) = session(zookeeper, tell).await {
            if matches!(why, Error::AuthFailed | Error::NoAuth) {
                let (servers, path) = (&zookeeper.servers, &zookeeper.path);
                let text = format!("ZooKeeper at {servers}{path} does not let us in: {why}");
                return tell(Detection::Failed(text));
            }
            let (servers, path) = (&zookeeper.servers, &zookeeper.path);
            tracing::warn!(target: "longshore_driver", "ZooKeeper at {servers}{path}: {why}");
        }
        // What was known of the leader is kept: a master that leads does not stop because ZooKeeper cannot be asked.
        tokio::time::sleep(PAUSE).await;
    }
}

/// Follows the election for as long as one session lasts.
async fn session(
    zookeeper: &ZooKeeper,
    tell: &(impl Fn(Detection) + Send + Sync),
) -> Result<(), Error> {
    let mut connector = Client::connector().with_session_timeout(SESSION);
    if let Some(digest) = &zookeeper.digest {
        connector = connector.with_auth("digest", digest.as_bytes());
    }
    let client = connector.connect(&zookeeper.servers).await?;
    loop {
        let (nodes, watcher) = match client.list_and_watch_children(&zookeeper.path).await {
            Ok(listed) => listed,
            Err(Error::NoNode) => {
                tell(Detection::Nobody);
                tokio::time::sleep(NO_PATH).await;
                continue;
            }
            Err(why) => return Err(why),
        };
        if let Some(detection) = first(&client, &zookeeper.path, &nodes).await? {
            tell(detection);
            changed(watcher).await?;
        }
    }
}

async fn changed(watcher: OneshotWatcher) -> Result<(), Error> {
    let event = watcher.changed().await;
    match event.event_type {
        zookeeper_client::EventType::Session => Err(Error::SessionExpired),
        _ => Ok(()),
    }
}

/// Who leads of these; `None` if that changed meanwhile.
async fn first(client: &Client, path: &str, nodes: &[String]) -> Result<Option<Detection>, Error> {
    let Some(node) = leading(nodes) else { return Ok(Some(Detection::Nobody)) };
    let (data, _) = match client.get_data(&format!("{path}/{node}")).await {
        Ok(got) => got,
        Err(Error::NoNode) => return Ok(None),
        Err(why) => return Err(why),
    };
    let info = if node.starts_with("json.") {
        Media::Json.decode(MASTER, &data).map_err(|why| why.to_string())
    } else {
        MasterInfo::decode(&*data).map_err(|why| why.to_string())
    };
    let told = info.and_then(|info: MasterInfo| {
        let address = address(&info).ok_or("it has no address")?;
        Ok(Leader { address, info: Some(Box::new(info)) })
    });
    Ok(Some(match told {
        Ok(leader) => Detection::Leader(leader),
        Err(why) => {
            tracing::warn!(target: "longshore_driver", "{path}/{node} is no master: {why}");
            Detection::Nobody
        }
    }))
}

/// The node of the candidate that leads. Where one has both, the form that is written by all that are alive.
fn leading(nodes: &[String]) -> Option<&String> {
    let numbered = nodes.iter().filter_map(|node| {
        let number = node.strip_prefix("json.info_").or_else(|| node.strip_prefix("info_"))?;
        let number: u64 = number.parse().ok()?;
        Some((number, !node.starts_with("json."), node))
    });
    numbered.min().map(|(_, _, node)| node)
}

/// Source: `MasterInfo`: `address` says where it is; before Mesos 0.24 `ip`, which holds the bytes of the address in their order.
fn address(info: &MasterInfo) -> Option<String> {
    if let Some(told) = &info.address {
        let host = told.ip.as_deref().or(told.hostname.as_deref()).filter(|host| !host.is_empty());
        if let Some(host) = host {
            let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
            return Some(format!("{host}:{}", told.port));
        }
    }
    let ip = Ipv4Addr::from(info.ip.to_le_bytes());
    (!ip.is_unspecified()).then(|| format!("{ip}:{}", info.port))
}

#[cfg(test)]
mod tests {
    use longshore_wire_mesos::v1::Address;

    use super::*;

    fn nodes(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_smallest_number_leads_whatever_else_is_there() {
        let names =
            ["log_replicas", "json.info_0000000007", "info_0000000003", "json.info_0000000003"];
        assert_eq!(leading(&nodes(&names)).map(String::as_str), Some("json.info_0000000003"));
        assert_eq!(
            leading(&nodes(&["info_0000000003"])).map(String::as_str),
            Some("info_0000000003")
        );
        assert_eq!(leading(&nodes(&["log_replicas", "json.info_x"])), None);
        assert_eq!(leading(&[]), None);
    }

    #[test]
    fn a_master_is_where_it_says() {
        let old = MasterInfo { ip: 0x0100_007F, port: 5050, ..MasterInfo::default() };
        assert_eq!(address(&old).as_deref(), Some("127.0.0.1:5050"));
        let told = |hostname: Option<&str>, ip: Option<&str>| Address {
            hostname: hostname.map(str::to_owned),
            ip: ip.map(str::to_owned),
            port: 5051,
        };
        let new = MasterInfo { address: Some(told(Some("m1"), Some("10.0.0.7"))), ..old.clone() };
        assert_eq!(address(&new).as_deref(), Some("10.0.0.7:5051"));
        let named = MasterInfo { address: Some(told(Some("m1"), None)), ..old.clone() };
        assert_eq!(address(&named).as_deref(), Some("m1:5051"));
        let none = MasterInfo { ip: 0, ..old };
        assert_eq!(address(&none), None);
    }
}
