//! What events of the master are to the scheduler.

use longshore_machine::Timestamp;
use longshore_wire_mesos::v1::scheduler::Event;
use longshore_wire_mesos::v1::scheduler::event::{Failure, Subscribed, Type};
use longshore_wire_mesos::v1::{ExecutorId, MasterInfo};

use crate::callbacks::Callback;
use crate::command;
use crate::machine::{Driver, Output};

impl Driver {
    /// Something came on the stream of this driver.
    pub(crate) fn happens(&mut self, now: Timestamp, event: Event, out: &mut Vec<Output>) {
        let kind = event.r#type();
        if kind == Type::Subscribed {
            if let Some(subscribed) = event.subscribed {
                self.subscribed(now, subscribed, out);
            }
            return;
        }
        if kind == Type::Error {
            let text = event.error.map(|error| error.message).unwrap_or_default();
            return self.aborts(now, Some(text), out);
        }
        if !self.session.is_open() {
            // A master that does not begin with SUBSCRIBED is none.
            return;
        }
        match callback(event) {
            Some(callback) => {
                if let Callback::StatusUpdate(status) = &callback {
                    self.unsure.heard(&status.task_id);
                    if self.ends.is_known(status) {
                        if let Some(call) = command::acknowledgement((**status).clone()) {
                            self.pushes(call);
                        }
                        return self.sends(now, out);
                    }
                }
                self.calls_back(callback, out);
            }
            None if kind == Type::Heartbeat => {}
            None => out.push(Output::Note(format!(
                "the master sent an event that a SchedulerDriver has no callback for: {}",
                kind.as_str_name()
            ))),
        }
    }

    fn subscribed(&mut self, now: Timestamp, subscribed: Subscribed, out: &mut Vec<Output>) {
        let Subscribed { framework_id, heartbeat_interval_seconds, master_info } = subscribed;
        self.session.subscribes(now, heartbeat_interval_seconds);
        if self.noted.take().is_some() {
            let address = self.session.address().unwrap_or_default();
            out.push(Output::Note(format!("subscribed at {address}")));
        }
        self.profile.is(framework_id.clone());
        let told = self.session.leader().and_then(|leader| leader.info.clone());
        let info = master_info.map(Box::new).or(told);
        let info = info.unwrap_or_else(|| Box::new(unknown_master(self.session.address())));
        let callback = if self.was_registered {
            Callback::Reregistered(info)
        } else {
            Callback::Registered(framework_id, info)
        };
        self.was_registered = true;
        self.unsure.subscribed(now);
        self.calls_back(callback, out);
        for call in self.profile.corrections() {
            self.pushes(call);
        }
        self.sends(now, out);
    }
}

/// The callback for an event; `None` where there is none.
fn callback(event: Event) -> Option<Callback> {
    Some(match event.r#type() {
        Type::Offers => Callback::ResourceOffers(event.offers?.offers),
        Type::Rescind => Callback::OfferRescinded(event.rescind?.offer_id),
        Type::InverseOffers => Callback::InverseOffers(event.inverse_offers?.inverse_offers),
        Type::RescindInverseOffer => {
            Callback::InverseOfferRescinded(event.rescind_inverse_offer?.inverse_offer_id)
        }
        Type::Update => Callback::StatusUpdate(Box::new(event.update?.status)),
        Type::Message => {
            let message = event.message?;
            Callback::FrameworkMessage(message.executor_id, message.agent_id, message.data)
        }
        Type::Failure => {
            let Failure { agent_id, executor_id, status } = event.failure?;
            match executor_id {
                Some(executor) => executor_lost(executor, agent_id?, status),
                None => Callback::AgentLost(agent_id?),
            }
        }
        _ => return None,
    })
}

fn executor_lost(
    executor: ExecutorId,
    agent: longshore_wire_mesos::v1::AgentId,
    status: Option<i32>,
) -> Callback {
    Callback::ExecutorLost(executor, agent, status.unwrap_or_default())
}

/// What is told of a master that tells nothing of itself. Source: `MasterInfo` needs an id, an address and a port.
fn unknown_master(address: Option<&str>) -> MasterInfo {
    let address = address.unwrap_or_default();
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let ip = host.parse().map(|ip: std::net::Ipv4Addr| u32::from_le_bytes(ip.octets()));
    MasterInfo {
        id: address.to_owned(),
        ip: ip.unwrap_or_default(),
        port: port.parse().unwrap_or_default(),
        hostname: Some(host.to_owned()),
        ..MasterInfo::default()
    }
}
