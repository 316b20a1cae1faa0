//! Container instances that are on one machine, and therefore have its ports together.
//!
//! Which machine an instance is on, it says by an attribute; one that says nothing has its ports for itself, as on ECS, where
//! every container instance is a machine. What is in use on a machine is kept once and lent to the slots of its instances, so
//! that checking an instance reads its slot alone. It changes with ports only: a task that has none costs nothing here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_ecs::Str;

use crate::needs::Port;
use crate::slot::Slot;
use crate::view::InstanceView;

/// The machines that more than themselves are on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machines {
    by_name: BTreeMap<Str, Machine>,
}

#[derive(Clone, Debug, Default)]
struct Machine {
    slots: BTreeSet<usize>,
    /// How many of its instances use a port. Ports that each keeps for itself are used by all of them.
    uses: BTreeMap<Port, u32>,
    /// The ports that any uses.
    ports: Arc<BTreeSet<Port>>,
}

/// The machine that an instance says it is on.
pub(crate) fn named(view: &InstanceView) -> Option<&Str> {
    view.attributes.get(longshore_wire_ecs::host::MACHINE_ATTRIBUTE)?.as_ref()
}

impl Machines {
    /// An instance is there, with the ports that it uses. Gives the slots for which that is news.
    pub(crate) fn join(&mut self, slots: &mut [Slot], slot: usize) -> Vec<usize> {
        let Some(view) = &slots[slot].view else { return Vec::new() };
        let Some(name) = named(view).cloned() else {
            slots[slot].machine_ports = Arc::default();
            return Vec::new();
        };
        let ports: Vec<Port> = view.ports.iter().copied().collect();
        let machine = self.by_name.entry(name.clone()).or_default();
        machine.slots.insert(slot);
        slots[slot].machine_ports = machine.ports.clone();
        self.follow(slots, &name, &ports, true)
    }

    /// What [`Machines::join`] added is gone; before the slot is changed.
    pub(crate) fn leave(&mut self, slots: &mut [Slot], slot: usize) -> Vec<usize> {
        let Some(view) = &slots[slot].view else { return Vec::new() };
        let Some(name) = named(view).cloned() else { return Vec::new() };
        let ports: Vec<Port> = view.ports.iter().copied().collect();
        let news = self.follow(slots, &name, &ports, false);
        slots[slot].machine_ports = Arc::default();
        if let Some(machine) = self.by_name.get_mut(&name) {
            machine.slots.remove(&slot);
            if machine.slots.is_empty() {
                self.by_name.remove(&name);
            }
        }
        news
    }

    /// An instance uses ports from now on, or does not any more. Gives the slots for which that is news.
    pub(crate) fn change(
        &mut self,
        slots: &mut [Slot],
        slot: usize,
        ports: &[Port],
        used: bool,
    ) -> Vec<usize> {
        let name = slots[slot].view.as_ref().filter(|_| !ports.is_empty()).and_then(named).cloned();
        name.map_or_else(Vec::new, |name| self.follow(slots, &name, ports, used))
    }

    fn follow(&mut self, slots: &mut [Slot], name: &Str, ports: &[Port], used: bool) -> Vec<usize> {
        let Some(machine) = self.by_name.get_mut(name) else { return Vec::new() };
        let mut changed = Vec::new();
        for port in ports {
            let uses = machine.uses.entry(*port).or_insert(0);
            *uses = if used { *uses + 1 } else { uses.saturating_sub(1) };
            if *uses == u32::from(used) {
                changed.push(*port);
            }
            if *uses == 0 {
                machine.uses.remove(port);
            }
        }
        if changed.is_empty() {
            return Vec::new();
        }
        // While nobody else has it, it is changed where it is.
        for slot in &machine.slots {
            slots[*slot].machine_ports = Arc::default();
        }
        let held = Arc::make_mut(&mut machine.ports);
        for port in changed {
            if used {
                held.insert(port);
            } else {
                held.remove(&port);
            }
        }
        for slot in &machine.slots {
            slots[*slot].machine_ports = machine.ports.clone();
        }
        machine.slots.iter().copied().collect()
    }

    /// The slots on the machine of a slot; none if that is on a machine of its own.
    pub(crate) fn around(&self, slot: &Slot) -> impl Iterator<Item = usize> {
        let machine = slot.view.as_ref().and_then(named).and_then(|name| self.by_name.get(name));
        machine.into_iter().flat_map(|machine| &machine.slots).copied()
    }
}
