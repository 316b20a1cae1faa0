//! Container instances that share a machine and therefore its ports.
//!
//! An attribute of the instance names its machine. An instance without it has its ports to itself,
//! as on ECS, where every container instance is a machine. The ports in use on a machine are stored
//! once and shared with the slots of its instances, so checking an instance reads only its slot.
//! They change only with ports: a task without ports costs nothing here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use longshore_wire_ecs::Str;

use crate::needs::Port;
use crate::slot::Slot;
use crate::view::InstanceView;

/// Machines named by the attribute of at least one instance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Machines {
    by_name: BTreeMap<Str, Machine>,
}

#[derive(Clone, Debug, Default)]
struct Machine {
    slots: BTreeSet<usize>,
    /// How many of its instances use each port. A port that every instance reserves for itself is
    /// used by all of them.
    uses: BTreeMap<Port, u32>,
    /// The ports used by any instance.
    ports: Arc<BTreeSet<Port>>,
}

/// The machine named by an instance's attribute.
pub(crate) fn named(view: &InstanceView) -> Option<&Str> {
    view.attributes.get(longshore_wire_ecs::host::MACHINE_ATTRIBUTE)?.as_ref()
}

impl Machines {
    /// Adds an instance and the ports that it uses. Returns the slots affected.
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

    /// Undoes [`Machines::join`]; call before the slot is changed. Returns the slots affected.
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

    /// Records that an instance uses ports, or no longer does. Returns the slots affected.
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
        // Dropping all other references lets `Arc::make_mut` modify the set in place.
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

    /// The slots on the same machine; none if the instance names no machine.
    pub(crate) fn around(&self, slot: &Slot) -> impl Iterator<Item = usize> {
        let machine = slot.view.as_ref().and_then(named).and_then(|name| self.by_name.get(name));
        machine.into_iter().flat_map(|machine| &machine.slots).copied()
    }
}
