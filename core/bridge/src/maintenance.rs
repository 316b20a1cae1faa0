//! Maintenance: when machines are to be away, which are, and what frameworks answer when they are asked to leave them. Source: \[O28\],
//! \[C38\], Mesos, `docs/maintenance.md`.
//!
//! A machine is named by host name, by address, or by both, and an agent is on it if what both know of these is the same. An agent whose
//! address is not known is found by its host name alone, since most container instances have no address in ECS.
//!
//! Frameworks that have something of an agent with a planned absence get *inverse offers*: requests to leave it, one at a time for each
//! framework and agent. An answer is shown to operators, and keeps the next request away for as long as it says.
//!
//! Invariants: an inverse offer that is out is found by its agent and framework, and is of an agent that is to be away.

mod inverse;

use std::collections::{BTreeMap, BTreeSet};

use longshore_wire_mesos::json;
use longshore_wire_mesos::v1::maintenance::cluster_status::DrainingMachine;
use longshore_wire_mesos::v1::maintenance::{ClusterStatus, Schedule};
use longshore_wire_mesos::v1::{MachineId, Unavailability};

use self::inverse::Inverse;
use crate::ids::AgentId;
use crate::limits;

/// The address of an agent whose address is not known.
const UNKNOWN_IP: &str = "0.0.0.0";

/// What names a machine: host name in lower case, and address. Source: Mesos compares host names without case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    hostname: Option<String>,
    ip: Option<String>,
}

impl Key {
    fn of(machine: &MachineId) -> Self {
        let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Self {
            hostname: set(&machine.hostname).map(|name| name.to_lowercase()),
            ip: set(&machine.ip),
        }
    }
}

/// How a machine is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// It is to be away.
    Draining,
    /// It is away.
    Down,
}

#[derive(Clone, Debug)]
struct Machine {
    id: MachineId,
    mode: Mode,
    unavailability: Unavailability,
}

/// The schedule, and what follows from it.
#[derive(Debug, Default)]
pub(crate) struct Maintenance {
    schedule: Schedule,
    machines: BTreeMap<Key, Machine>,
    /// The machine of each agent that is on one, and since when it is known to be away.
    of_agent: BTreeMap<AgentId, (Key, Unavailability)>,
    pub(crate) inverse: Inverse,
    /// Whether what is shown is not what is so.
    is_dirty: bool,
}

impl Maintenance {
    /// Takes a schedule in the place of the last one.
    ///
    /// # Errors
    /// That it leaves out a machine that is down, in the words of Mesos.
    pub(crate) fn plan(&mut self, schedule: Schedule) -> Result<(), String> {
        is_bounded(schedule.windows.iter().map(|window| window.machine_ids.len()).sum())?;
        let mut machines = BTreeMap::new();
        for window in &schedule.windows {
            for id in &window.machine_ids {
                let key = Key::of(id);
                let known = self.machines.get(&key).map(|machine| machine.mode);
                let mode = known.unwrap_or(Mode::Draining);
                let unavailability = window.unavailability;
                machines.insert(key, Machine { id: id.clone(), mode, unavailability });
            }
        }
        let mut down = self.machines.iter().filter(|(_, machine)| machine.mode == Mode::Down);
        if let Some((_, machine)) = down.find(|(key, _)| !machines.contains_key(key)) {
            let name = named(&machine.id);
            return Err(format!(
                "Machine '{name}' is deactivated and cannot be removed from the schedule"
            ));
        }
        (self.schedule, self.machines, self.is_dirty) = (schedule, machines, true);
        Ok(())
    }

    /// Machines are away from now on.
    ///
    /// # Errors
    /// That one is not planned to be, or is already, in the words of Mesos.
    pub(crate) fn take_down(&mut self, machines: &[MachineId]) -> Result<BTreeSet<Key>, String> {
        let why = "is not in DRAINING mode and cannot be brought down";
        let keys = self.in_mode(machines, Mode::Draining, why)?;
        for key in &keys {
            if let Some(machine) = self.machines.get_mut(key) {
                machine.mode = Mode::Down;
            }
        }
        self.is_dirty = true;
        Ok(keys)
    }

    /// Machines are back, and no more on the schedule.
    ///
    /// # Errors
    /// That one is not away, in the words of Mesos.
    pub(crate) fn bring_up(&mut self, machines: &[MachineId]) -> Result<BTreeSet<Key>, String> {
        let why = "is not in DOWN mode and cannot be brought up";
        let keys = self.in_mode(machines, Mode::Down, why)?;
        for key in &keys {
            self.machines.remove(key);
        }
        for window in &mut self.schedule.windows {
            window.machine_ids.retain(|id| self.machines.contains_key(&Key::of(id)));
        }
        self.schedule.windows.retain(|window| !window.machine_ids.is_empty());
        self.is_dirty = true;
        Ok(keys)
    }

    fn in_mode(
        &self,
        machines: &[MachineId],
        mode: Mode,
        else_why: &str,
    ) -> Result<BTreeSet<Key>, String> {
        is_bounded(machines.len())?;
        let mut keys = BTreeSet::new();
        for id in machines {
            let key = Key::of(id);
            let known = self.machines.get(&key);
            let why = match known.map(|machine| machine.mode) {
                None => "is not part of a maintenance schedule",
                Some(known) if known != mode => else_why,
                Some(_) => {
                    keys.insert(key);
                    continue;
                }
            };
            return Err(format!("Machine '{}' {why}", named(id)));
        }
        Ok(keys)
    }

    /// The agents of machines.
    pub(crate) fn agents_of(&self, machines: &BTreeSet<Key>) -> Vec<AgentId> {
        let on = self.of_agent.iter().filter(|(_, (key, _))| machines.contains(key));
        on.map(|(agent, _)| agent.clone()).collect()
    }

    /// All agents that are on machines of the schedule.
    pub(crate) fn agents(&self) -> impl Iterator<Item = &AgentId> {
        self.of_agent.keys()
    }

    /// Finds the machine of an agent. Whether it is to be away at other times than was known before.
    pub(crate) fn place(&mut self, agent: &AgentId, hostname: &str, ip: &str) -> bool {
        let now = self.machine_of(hostname, ip).map(|(key, one)| (key.clone(), one.unavailability));
        let before = self.of_agent.get(agent).map(|(_, unavailability)| *unavailability);
        let has_changed = before != now.as_ref().map(|(_, unavailability)| *unavailability);
        self.is_dirty |= has_changed;
        match now {
            Some(now) => drop(self.of_agent.insert(agent.clone(), now)),
            None => self.forget(agent),
        }
        has_changed
    }

    fn machine_of(&self, hostname: &str, ip: &str) -> Option<(&Key, &Machine)> {
        if self.machines.is_empty() {
            return None;
        }
        let hostname = Some(hostname.to_lowercase());
        let from = Key { hostname: hostname.clone(), ip: None };
        let of_host = self.machines.range(from..).take_while(|(key, _)| key.hostname == hostname);
        let is_same = |key: &Key| key.ip.as_deref().is_none_or(|one| one == ip || ip == UNKNOWN_IP);
        let mut of_host = of_host.filter(|(key, _)| is_same(key));
        let by_ip = Key { hostname: None, ip: Some(ip.to_owned()) };
        of_host.next().or_else(|| self.machines.get_key_value(&by_ip))
    }

    /// An agent is not there any more.
    pub(crate) fn forget(&mut self, agent: &AgentId) {
        self.is_dirty |= self.of_agent.remove(agent).is_some();
    }

    /// Whether the machine of an agent is away.
    pub(crate) fn is_down(&self, agent: &str) -> bool {
        let machine = self.of_agent.get(agent).and_then(|(key, _)| self.machines.get(key));
        machine.is_some_and(|machine| machine.mode == Mode::Down)
    }

    /// When an agent is to be away.
    pub(crate) fn unavailability(&self, agent: &str) -> Option<Unavailability> {
        let (key, _) = self.of_agent.get(agent)?;
        self.machines.get(key).map(|machine| machine.unavailability)
    }

    /// The machine of an agent, as Mesos prints it, if it is on the schedule.
    pub(crate) fn machine_name(&self, agent: &str) -> Option<String> {
        let (key, _) = self.of_agent.get(agent)?;
        let id = &self.machines.get(key)?.id;
        Some(match (&id.hostname, &id.ip) {
            (Some(hostname), Some(ip)) => format!("{hostname} ({ip})"),
            (Some(hostname), None) => hostname.clone(),
            (None, ip) => format!("({})", ip.as_deref().unwrap_or_default()),
        })
    }

    /// What operators see, if that has changed.
    pub(crate) fn take_news(&mut self) -> Option<(Schedule, ClusterStatus)> {
        let is_news = std::mem::take(&mut self.is_dirty) | self.inverse.take_news();
        is_news.then(|| (self.schedule.clone(), self.status()))
    }

    fn status(&self) -> ClusterStatus {
        let mut statuses: BTreeMap<&Key, Vec<_>> = BTreeMap::new();
        for (agent, (key, _)) in &self.of_agent {
            statuses.entry(key).or_default().extend(self.inverse.statuses(agent));
        }
        let mut status = ClusterStatus::default();
        for (key, machine) in &self.machines {
            let id = machine.id.clone();
            match machine.mode {
                Mode::Down => status.down_machines.push(id),
                Mode::Draining => status.draining_machines.push(DrainingMachine {
                    id,
                    statuses: statuses.remove(key).unwrap_or_default(),
                }),
            }
        }
        status
    }

    /// How much is kept of requests and answers.
    pub(crate) fn len(&self) -> usize {
        self.of_agent.len() + self.inverse.len()
    }

    /// What does not hold of it.
    pub(crate) fn audit(&self) -> Vec<String> {
        self.inverse.audit(|agent| self.of_agent.contains_key(agent))
    }
}

fn is_bounded(machines: usize) -> Result<(), String> {
    let most = limits::MACHINES_MAX;
    let why = || format!("{machines} machines are named; at most {most} can be");
    (machines <= most).then_some(()).ok_or_else(why)
}

/// A machine in a message: as JSON.
fn named(machine: &MachineId) -> String {
    let mut text = Vec::new();
    json::write("mesos.v1.MachineID", machine, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests;
