//! What operators do: they set weights and quota, and look.

use longshore_bridge::operator::{Command, QuotaView};

use super::forms::ROLES;
use super::world::World;

impl World {
    /// An operator looks, or decides something anew.
    pub(super) fn operator_acts(&mut self) {
        let Some(master) = self.chance.index(self.masters.len()) else { return };
        let role = *self.chance.pick(&ROLES);
        let command = match self.chance.below(4) {
            0 => None,
            1 => {
                let weight = *self.chance.pick(&[0.1, 0.5, 1.0, 2.0, 10.0]);
                Some(Command::Weights(vec![(role.into(), weight)]))
            }
            _ => {
                let view = self.quota();
                let force = self.chance.one_in(2);
                Some(Command::Quota { force, quota: vec![(role.into(), view)] })
            }
        };
        self.operate(master, command);
    }

    fn quota(&mut self) -> QuotaView {
        let mut quota = QuotaView::default();
        for (name, unit) in [("cpus", 1.0), ("mem", 1024.0)] {
            let (least, most) = (self.chance.below(4), self.chance.below(8));
            let amount = |number: u64| unit * f64::from(u32::try_from(number).unwrap_or(0)) / 2.0;
            if least > 0 {
                quota.guarantees.insert(name.to_owned(), amount(least));
            }
            if most > 3 {
                quota.limits.insert(name.to_owned(), amount(most));
            }
        }
        quota
    }

    fn operate(&mut self, master: usize, command: Option<Command>) {
        if !self.masters[master].up {
            return;
        }
        self.trace(|| format!("an operator of bridge {master}: {command:?}"));
        let out = self.masters[master].operated(self.now, command);
        self.perform(master, out);
    }

    /// No weights and no quota from now on.
    pub(super) fn end_policies(&mut self) {
        let quota = ROLES.map(|role| (role.into(), QuotaView::default()));
        let weights = ROLES.map(|role| (role.into(), 1.0));
        for master in 0..self.masters.len() {
            self.operate(master, Some(Command::Quota { force: true, quota: quota.to_vec() }));
            self.operate(master, Some(Command::Weights(weights.to_vec())));
        }
    }
}
