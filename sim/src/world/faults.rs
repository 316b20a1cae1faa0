//! Machines and connections that come and go, and a control plane that crashes and starts again.

use longshore_control::{Control, Input, audit};
use longshore_wire_ecs::arn::ResourceId;

use super::{Event, World};
use crate::clients::Purpose;
use crate::host::Host;

impl World {
    pub(super) fn connect(&mut self, instance: ResourceId) {
        let known = self.disk.instance(instance).is_some();
        let Some(host) = self.hosts.get_mut(&instance).filter(|host| host.up) else { return };
        if !known {
            // It is not recorded, so the machine disappears.
            self.hosts.remove(&instance);
            return;
        }
        if self.control.is_none() {
            return self.later(1_000, Event::Connect(instance));
        }
        self.connections += 1;
        host.connection = Some(self.connections);
        self.tally.count("inputs", "an agent connects");
        self.tell(Input::Connected(instance));
    }

    /// Adds a machine whose registration was answered.
    pub(crate) fn join(&mut self, instance: ResourceId) {
        self.hosts.insert(instance, Host::new());
        let delay = self.chance.delay_ms();
        self.later(delay, Event::Connect(instance));
    }

    /// Drops the connection of an agent, which reconnects after a while.
    pub(crate) fn disconnect(&mut self, instance: ResourceId) {
        let Some(host) = self.hosts.get_mut(&instance) else { return };
        let Some(connection) = host.connection.take() else { return };
        let (seen, back) = (self.chance.delay_ms(), self.chance.delay_ms() * 3);
        self.later(seen, Event::Lost(instance, connection));
        self.later(back, Event::Connect(instance));
    }

    /// Crashes a machine, which reboots empty after a while.
    pub(crate) fn crash_host(&mut self, instance: ResourceId) {
        let Some(host) = self.hosts.get_mut(&instance).filter(|host| host.up) else { return };
        let connection = host.connection;
        host.began_after = self.connections;
        host.crash();
        let (seen, back) = (self.chance.delay_ms(), self.chance.below(120_000));
        if let Some(connection) = connection {
            self.later(seen, Event::Lost(instance, connection));
        }
        self.later(back, Event::Boot(instance));
    }

    /// Restarts an agent without the control plane noticing its disconnect.
    pub(crate) fn restart_agent(&mut self, instance: ResourceId) {
        let Some(host) = self.hosts.get_mut(&instance).filter(|host| host.up) else { return };
        host.connection = None;
        host.began_after = self.connections;
        host.restart_agent(self.now, &mut self.chance);
        let back = self.chance.delay_ms();
        self.later(back, Event::Connect(instance));
    }

    /// Crashes the control plane. Some of the pending commits are still written, but their outputs
    /// are not released.
    pub(crate) fn crash(&mut self) {
        if self.control.take().is_none() {
            return;
        }
        let written = self.chance.index(self.commits.len() + 1).unwrap_or(0);
        for _ in 0..written {
            if let Some(commit) = self.commits.pop_front() {
                self.write(commit, false);
            }
        }
        self.tally.most("commits lost in a crash", u64::try_from(self.commits.len()).unwrap_or(0));
        self.commits.clear();
        self.queue.retain(|_, event| !matches!(event, Event::Written));
        let calls = std::mem::take(&mut self.calls).into_values();
        self.outside.broken.extend(calls.filter_map(|purpose| match purpose {
            Purpose::Bridge(number) => Some(number),
            _ => None,
        }));
        for host in self.hosts.values_mut() {
            host.connection = None;
        }
        let back = self.chance.delay_ms();
        self.later(back, Event::Restart);
    }

    pub(super) fn restart(&mut self) {
        self.incarnation += 1;
        let seed = u128::from(self.seed) << 64 | u128::from(self.incarnation);
        let control = Control::load(seed, self.disk.read()).expect("what was stored fits together");
        let violations = audit(control.state());
        assert!(violations.is_empty(), "{violations:?}");
        self.control = Some(control);
        self.follower.start_over();
        if self.is_followed {
            self.follow_directly();
        }
        for id in self.hosts.keys().copied().collect::<Vec<_>>() {
            let delay = self.chance.delay_ms();
            self.later(delay, Event::Connect(id));
        }
    }
}
