//! What an instance got of an offer, in parts: each container of a pod has its own.
//!
//! Invariant: the parts together are what was got, so that a group claims no more than its offer has.

use longshore_wire_marathon::Amounts;
use longshore_wire_mesos::v1::Resource;
use longshore_wire_mesos::v1::value::Scalar;

use crate::place::{thousandths, whole};

/// What is left of it. An amount may come from several roles.
#[derive(Debug)]
pub(crate) struct Shares {
    amounts: Vec<(Resource, u64)>,
    ports: Vec<Resource>,
}

impl Shares {
    pub(crate) fn of(resources: &[Resource]) -> Self {
        let (amounts, ports): (Vec<Resource>, Vec<Resource>) =
            resources.iter().cloned().partition(|one| one.scalar.is_some());
        let milli = |one: &Resource| one.scalar.as_ref().map_or(0, |one| thousandths(one.value));
        let amounts = amounts.into_iter().map(|one| (one.clone(), milli(&one))).collect();
        Self { amounts, ports }
    }

    /// A part with these amounts.
    pub(crate) fn part(&mut self, of: Amounts) -> Vec<Resource> {
        let each = [
            ("cpus", of.cpus_milli),
            ("mem", of.mem_milli),
            ("disk", of.disk_milli),
            ("gpus", u64::from(of.gpus) * 1_000),
        ];
        let mut part = Vec::new();
        for (name, mut wanted) in each {
            for (of, left) in self.amounts.iter_mut().filter(|(of, _)| of.name == name) {
                let taken = wanted.min(*left);
                if taken > 0 {
                    *left -= taken;
                    wanted -= taken;
                    let scalar = Some(Scalar { value: whole(taken) });
                    part.push(Resource { scalar, ..of.clone() });
                }
            }
        }
        part
    }

    /// All ports: they are the executor's, on whose network the containers are.
    pub(crate) fn ports(self) -> Vec<Resource> {
        self.ports
    }
}
