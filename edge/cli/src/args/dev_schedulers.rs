//! The flags of `longshore dev` for the schedulers beside its Mesos master.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where the schedulers listen.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct DevSchedulerArgs {
    /// Start none of the schedulers: Marathon's API, Chronos's API, Blox.
    #[arg(long, conflicts_with_all = ["marathon_listen", "chronos_listen", "blox_listen", "cluster_state_listen"])]
    pub(crate) without_schedulers: bool,
    /// Listen address of Marathon's API [default: 127.0.0.1:8080, unless that is taken].
    #[arg(long, value_name = "ADDRESS")]
    marathon_listen: Option<SocketAddr>,
    /// Listen address of Chronos's API [default: 127.0.0.1:4400, unless that is taken].
    #[arg(long, value_name = "ADDRESS")]
    chronos_listen: Option<SocketAddr>,
    /// Listen address of Blox's daemon scheduler [default: 127.0.0.1:2000, unless that is taken].
    #[arg(long, value_name = "ADDRESS")]
    blox_listen: Option<SocketAddr>,
    /// Listen address of Blox's cluster state service [default: 127.0.0.1:3000, unless that is taken].
    #[arg(long, value_name = "ADDRESS")]
    cluster_state_listen: Option<SocketAddr>,
}

/// An address to listen at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListenAt {
    /// Where.
    pub(crate) address: SocketAddr,
    /// Whether somebody asked for it: then a start without it is none.
    pub(crate) is_asked: bool,
}

impl ListenAt {
    fn new(asked: Option<SocketAddr>, usual: u16) -> Self {
        let usual = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), usual);
        Self { address: asked.unwrap_or(usual), is_asked: asked.is_some() }
    }
}

impl DevSchedulerArgs {
    /// Of Marathon's API.
    pub(crate) fn marathon(&self) -> ListenAt {
        ListenAt::new(self.marathon_listen, 8080)
    }

    /// Of Chronos's API.
    pub(crate) fn chronos(&self) -> ListenAt {
        ListenAt::new(self.chronos_listen, 4400)
    }

    /// Of Blox's daemon scheduler and of its cluster state service.
    pub(crate) fn blox(&self) -> (ListenAt, ListenAt) {
        let state = ListenAt::new(self.cluster_state_listen, 3000);
        (ListenAt::new(self.blox_listen, 2000), state)
    }
}
