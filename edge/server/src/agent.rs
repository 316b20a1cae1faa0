//! What a Mesos agent tells of its tasks: a port for each container instance of this machine.
//!
//! Tools that found a task at the master ask its agent for the files of its sandbox, at the host name and port that the master names. So
//! an instance listens on the address that it has for itself, behind the same guard as every other port, and says its port in an
//! attribute, which the master passes on. It only tells: nothing can be changed here.
//!
//! Invariant: nothing in a request becomes a path of the machine. A path is looked up in the table of sandboxes, and what is left
//! of it is opened below the directory that was found, without following links.

mod cluster;
mod files;
mod front;
mod place;
mod state;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use longshore_agent::Runtime;
use longshore_wire_ecs::Str;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::door::{self, BindError, Listener, Port, Rules, bind, serve};
use crate::mesos::Credentials;
use crate::pages::Pages;

pub(crate) use self::cluster::Cluster;

/// The port of an agent. Source: Apache Mesos, `docs/configuration/agent.md`.
const PORT: u16 = 5051;

/// How many instances of a machine listen at a time. Source: chosen by us: each takes a file and a few kilobytes.
const AGENTS_MAX: usize = 256;

/// How the instances of this machine listen.
#[derive(Clone, Debug, Default)]
pub struct AgentDoors {
    /// The port that they have, each at its own address; by default that of Mesos's agents, or any that is free.
    pub port: Option<u16>,
    /// Who may call.
    pub rules: Rules,
    /// What callers prove themselves with, as at the master.
    pub credentials: Credentials,
}

/// What is told of an instance beside its tasks.
#[derive(Clone, Debug)]
pub(crate) struct About {
    /// Its id, as its ARN has it: the master knows it by that.
    pub(crate) instance: Str,
    pub(crate) hostname: Str,
    pub(crate) cpu: u32,
    pub(crate) memory_mib: u32,
    pub(crate) runtime: Runtime,
    pub(crate) cluster: Cluster,
    /// For those that send whole files: all agents of this machine share its threads.
    pub(crate) pages: Pages,
}

impl AgentDoors {
    /// Listens for an instance at its address, while so many others listen; `None` if it is one too many.
    ///
    /// # Errors
    /// That the chosen port cannot be had.
    pub(crate) async fn open(
        &self,
        others: usize,
        address: IpAddr,
    ) -> Result<Option<Listener>, BindError> {
        if others >= AGENTS_MAX {
            return Ok(None);
        }
        let at = |port| {
            let address = SocketAddr::new(address, port);
            bind(Port::Agent, address, self.credentials.callers(), &self.rules)
        };
        match (self.port, at(self.port.unwrap_or(PORT)).await) {
            // Another local ECS, or an agent of Mesos, is there already.
            (None, Err(BindError::Taken { .. })) => at(0).await.map(Some),
            (_, bound) => bound.map(Some),
        }
    }

    /// Serves an instance until the program ends, or `over` is set.
    pub(crate) fn serve(
        &self,
        listener: Listener,
        about: About,
        over: watch::Receiver<bool>,
        tasks: &mut JoinSet<()>,
    ) {
        let agent = front::Agent::new(about, listener.address());
        let router = front::router(Arc::new(agent), self.credentials.clone());
        tasks.spawn(serve(listener, door::Front { router, refusal: front::refusal }, over));
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn an_instance_listens_unless_too_many_others_do() {
        let doors = AgentDoors { port: Some(0), ..AgentDoors::default() };
        for (others, listens) in [(0, true), (AGENTS_MAX - 1, true), (AGENTS_MAX, false)] {
            let opened = doors.open(others, Ipv4Addr::LOCALHOST.into()).await;
            assert_eq!(opened.expect("a port is free").is_some(), listens, "{others}");
        }
    }
}
