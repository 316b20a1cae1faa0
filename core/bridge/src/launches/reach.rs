//! Whether the tasks of an agent can be dialled from here.

use std::net::IpAddr;

use longshore_replica::Instance;

use crate::config::{CheckMode, Config};

/// How an agent can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Address {
    /// It does not say.
    Unknown,
    V4,
    V6,
    /// A name may be any of them.
    Name,
}

/// Whether checks can dial the tasks of an agent, and whether something else may stand in for that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reach {
    mode: CheckMode,
    address: Address,
}

impl Reach {
    /// How an instance can be reached, if it is there.
    pub(crate) fn of(config: &Config, instance: Option<&Instance>) -> Self {
        let host = instance.and_then(|one| one.attribute(&config.hostname_attribute));
        let address = match host.map(|host| host.parse::<IpAddr>()) {
            None => Address::Unknown,
            Some(Ok(IpAddr::V4(_))) => Address::V4,
            Some(Ok(IpAddr::V6(_))) => Address::V6,
            Some(Err(_)) => Address::Name,
        };
        Self { mode: config.checks, address }
    }

    /// That ports of its tasks can be dialled, or else why not.
    pub(crate) fn may_dial(self, ipv6: bool) -> Result<(), String> {
        match (self.mode, self.address) {
            (CheckMode::Container, _) => Err("--task-checks container rules it out".to_owned()),
            (_, Address::Unknown) => Err(
                "the agent does not say its address, which is the attribute that --hostname-attribute names"
                    .to_owned(),
            ),
            (_, Address::V4) if ipv6 => Err("the agent has no IPv6 address".to_owned()),
            _ => Ok(()),
        }
    }

    /// Whether a command in the container may stand in.
    pub(crate) fn may_stand_in(self) -> bool {
        self.mode != CheckMode::Dial
    }
}
