//! Who leads.

use longshore_driver_machine::{Detection, Leader};

use crate::master::{Master, ZooKeeper};

/// How the master that leads is found.
pub(super) enum Detector {
    Fixed(String),
    Elected(ZooKeeper),
}

impl Detector {
    /// `None` where no master is to be found.
    pub(super) fn new(master: Master) -> Option<Self> {
        match master {
            Master::Address { address, .. } => Some(Self::Fixed(address)),
            Master::ZooKeeper(zookeeper) => Some(Self::Elected(zookeeper)),
            Master::Ecs { .. } | Master::Local => None,
        }
    }

    /// Says who leads, now and whenever that changes.
    #[cfg_attr(
        not(feature = "zookeeper"),
        expect(clippy::unused_async, reason = "elections are waited for")
    )]
    pub(super) async fn run(&self, tell: impl Fn(Detection) + Send + Sync) {
        match self {
            Self::Fixed(address) => {
                let leader = Leader { address: address.clone(), info: None };
                tell(Detection::Leader(leader));
            }
            #[cfg(feature = "zookeeper")]
            Self::Elected(zookeeper) => super::election::follow(zookeeper, &tell).await,
            #[cfg(not(feature = "zookeeper"))]
            Self::Elected(ZooKeeper { servers, path, .. }) => tell(Detection::Failed(format!(
                "this program was built without ZooKeeper, and cannot ask {servers}{path}: name the master by host:port"
            ))),
        }
    }
}
