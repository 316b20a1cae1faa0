//! What a framework says of where its master is.
//!
//! Source: Mesos, `MasterDetector::create`: an address, `zk://`, `local`, or a file that contains one of these. `ecs://` is ours.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::str::FromStr;

/// Where a framework's master is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Master {
    /// The master at this `host:port`, over TLS or not. If it does not lead, it says who does.
    Address {
        /// `host:port`.
        address: String,
        /// Whether it was named with `https://`.
        is_secure: bool,
    },
    /// Whoever is elected in ZooKeeper.
    ZooKeeper(ZooKeeper),
    /// None: the driver speaks to ECS by itself.
    Ecs {
        /// The cluster's name or ARN; without one, `AWS_ECS_CLUSTER`, or `default`.
        cluster: Option<String>,
    },
    /// None: an ECS is started for the driver, and ends with it.
    Local,
}

/// Where masters are elected.
#[derive(Clone, PartialEq, Eq)]
pub struct ZooKeeper {
    /// `host:port`, separated by commas.
    pub servers: String,
    /// The node whose children are the candidates.
    pub path: String,
    /// `user:password`, for the scheme `digest`.
    pub digest: Option<String>,
}

impl fmt::Debug for ZooKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = self.digest.as_ref().map(|_| "...");
        f.debug_struct("ZooKeeper")
            .field("servers", &self.servers)
            .field("path", &self.path)
            .field("digest", &digest)
            .finish()
    }
}

/// Why a text does not say where a master is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "Failed to parse '{given}': {why}. Write host:port, zk://host:port,host:port/path, ecs://CLUSTER or local"
)]
pub struct BadMaster {
    given: String,
    why: &'static str,
}

/// The port of ZooKeeper, for servers named without one.
const ZOOKEEPER_PORT: &str = "2181";
/// Bytes of a file that names a master. Source: chosen by us: more than any ensemble needs.
const FILE_BYTES_MAX: u64 = 64 * 1024;

impl FromStr for Master {
    type Err = BadMaster;

    fn from_str(given: &str) -> Result<Self, BadMaster> {
        let text = given.trim();
        let shown = || hidden(text);
        let bad = |why| BadMaster { given: shown(), why };
        if text.is_empty() {
            return Err(bad("nothing is named"));
        }
        if text == "local" {
            // Source: Mesos starts a master of its own, with agents.
            return Ok(Self::Local);
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            // Source: Mesos takes what its own master calls itself, too.
            let address = text.strip_prefix("master@").unwrap_or(text);
            return address_of(address, false).map_err(bad);
        };
        match scheme {
            "http" => address_of(rest.trim_end_matches('/'), false).map_err(bad),
            "https" => address_of(rest.trim_end_matches('/'), true).map_err(bad),
            "zk" => zookeeper_of(rest).map(Self::ZooKeeper).map_err(bad),
            "ecs" => {
                let cluster = rest.trim_end_matches('/');
                Ok(Self::Ecs { cluster: (!cluster.is_empty()).then(|| cluster.to_owned()) })
            }
            _ => Err(bad("the scheme is unknown")),
        }
    }
}

impl Master {
    /// What was given as a master, for people: without the password that it may have.
    pub fn shown(given: &str) -> String {
        hidden(given.trim())
    }

    /// Reads what `MESOS_MASTER` and the like say. Source: Mesos: `file:///PATH` is a file that contains any of the other forms.
    ///
    /// # Errors
    /// What is wrong with it, or with the file.
    pub fn read(given: &str) -> Result<Self, BadMaster> {
        let Some(path) = given.trim().strip_prefix("file://") else { return given.parse() };
        let bad = |why| BadMaster { given: given.to_owned(), why };
        let mut text = String::new();
        let read = File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
        match read.map(u64::try_from) {
            Ok(Ok(0..=FILE_BYTES_MAX)) => text.parse(),
            Ok(_) => Err(bad("the file is too large to name a master")),
            Err(_) => Err(bad("the file cannot be read")),
        }
    }
}

/// What was given, without the password that it may have.
fn hidden(text: &str) -> String {
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://...@{rest}"),
        _ => text.to_owned(),
    }
}

fn address_of(text: &str, is_secure: bool) -> Result<Master, &'static str> {
    let (host, port) = text.rsplit_once(':').ok_or("the port is missing")?;
    let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
    if host.is_empty() || host.contains(['/', '@', ' ', ',']) {
        return Err("the host is not one");
    }
    if !is_port {
        return Err("the port is not one");
    }
    Ok(Master::Address { address: text.to_owned(), is_secure })
}

fn zookeeper_of(text: &str) -> Result<ZooKeeper, &'static str> {
    let (digest, text) = match text.rsplit_once('@') {
        Some((digest, rest)) if digest.contains(':') => (Some(digest.to_owned()), rest),
        Some(_) => return Err("write user:password before the @"),
        None => (None, text),
    };
    let at = text.find('/').ok_or("the path is missing")?;
    let (servers, path) = text.split_at(at);
    let path = path.trim_end_matches('/');
    if path.is_empty() || path.contains("//") {
        // Source: Mesos takes no root either: whatever else is there would stand for election.
        return Err("the path must be one below the root");
    }
    let servers = servers_of(servers)?;
    Ok(ZooKeeper { servers, path: path.to_owned(), digest })
}

/// `host:port` of each server, separated by commas.
pub(crate) fn servers_of(text: &str) -> Result<String, &'static str> {
    let mut named = Vec::new();
    for server in text.split(',').map(str::trim) {
        let with_port = if server.contains(':') {
            server.to_owned()
        } else {
            format!("{server}:{ZOOKEEPER_PORT}")
        };
        if !matches!(address_of(&with_port, false), Ok(Master::Address { .. })) {
            return Err("a server is not a host and a port");
        }
        named.push(with_port);
    }
    Ok(named.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str, is_secure: bool) -> Master {
        Master::Address { address: text.to_owned(), is_secure }
    }

    fn zookeeper(servers: &str, path: &str, digest: Option<&str>) -> Master {
        let (servers, path) = (servers.to_owned(), path.to_owned());
        Master::ZooKeeper(ZooKeeper { servers, path, digest: digest.map(str::to_owned) })
    }

    #[test]
    fn every_form_of_a_master_is_read() {
        let cases = [
            ("host:5050", address("host:5050", false)),
            (" 10.0.0.1:5050\n", address("10.0.0.1:5050", false)),
            ("[::1]:5050", address("[::1]:5050", false)),
            ("master@10.0.0.1:5050", address("10.0.0.1:5050", false)),
            ("http://host:5050/", address("host:5050", false)),
            ("https://host:5050", address("host:5050", true)),
            ("zk://a:1,b/mesos", zookeeper("a:1,b:2181", "/mesos", None)),
            ("zk://u:p@a:1/x/y/", zookeeper("a:1", "/x/y", Some("u:p"))),
            ("local", Master::Local),
            ("ecs://", Master::Ecs { cluster: None }),
            ("ecs://web", Master::Ecs { cluster: Some("web".to_owned()) }),
        ];
        for (given, master) in cases {
            assert_eq!(given.parse(), Ok(master), "{given}");
        }
    }

    #[test]
    fn what_names_no_master_is_refused_with_what_would_be_right() {
        for (given, why) in [
            ("", "nothing is named"),
            ("localquiet", "the port is missing"),
            ("host", "the port is missing"),
            ("host:0", "the port is not one"),
            ("host:port", "the port is not one"),
            (":5050", "the host is not one"),
            ("a b:5050", "the host is not one"),
            ("zk://a:1", "the path is missing"),
            ("zk://a:1/", "the path must be one below the root"),
            ("zk://u@a:1/mesos", "write user:password before the @"),
            ("zk:///mesos", "a server is not a host and a port"),
            ("ftp://host:1", "the scheme is unknown"),
        ] {
            let bad = given.parse::<Master>().expect_err(given);
            assert_eq!(bad.why, why, "{given}");
            assert!(bad.to_string().contains("Write host:port"));
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let bad = "zk://user:secret@a:1".parse::<Master>().expect_err("it has no path");
        assert!(!bad.to_string().contains("secret"), "{bad}");
        let good: Master = "zk://user:secret@a:1/m".parse().expect("it is one");
        assert!(!format!("{good:?}").contains("secret"));
    }

    #[test]
    fn a_file_may_say_where_the_master_is() {
        let path = std::env::temp_dir().join(format!("longshore-master-{}", std::process::id()));
        std::fs::write(&path, "zk://a:1/mesos\n").expect("it can be written");
        let read = Master::read(&format!("file://{}", path.display()));
        std::fs::remove_file(&path).expect("it can be removed");
        assert_eq!(read, Ok(zookeeper("a:1", "/mesos", None)));
        for (given, why) in [
            ("file:///no/such/file", "the file cannot be read"),
            ("file:///dev/zero", "the file is too large to name a master"),
        ] {
            assert_eq!(Master::read(given).map_err(|bad| bad.why), Err(why));
        }
    }
}
