//! What clients do: they put apps, pods and groups, kill instances, cancel deployments; and an operator tears the framework down.

use std::sync::Arc;

use longshore_marathon::{Call, Input, Instance, Mode, Reply, Sort, Ticket};
use longshore_wire_marathon::PathId;

use super::World;
use crate::marathon::definitions::{a_pod, an_app};

impl World {
    /// A client calls.
    pub(super) fn storms(&mut self) -> Result<(), String> {
        let (number, is_pod) = (self.chance.below(4), self.chance.one_in(3));
        let sort = if is_pod { Sort::Pod } else { Sort::App };
        let id = PathId::kept(format!("/{}-{number}", if is_pod { "pod" } else { "app" }));
        let force = self.chance.one_in(3);
        let call = match self.chance.below(12) {
            0..3 => {
                let made = if is_pod { a_pod } else { an_app };
                let app = made(&mut self.chance, id, number);
                Call::Put { apps: vec![app], mode: Mode::Any, force }
            }
            3 => Call::Restart { id, force },
            4 if self.chance.one_in(3) => Call::Delete { id, sort, force },
            5 => {
                let all: Vec<(Arc<str>, Instance)> = self.instances().into_iter().collect();
                let Some(at) = self.chance.index(all.len()) else { return Ok(()) };
                let (scale, wipe) = (self.chance.one_in(3), self.chance.one_in(3));
                let (id, instance) = (all[at].0.to_string(), &all[at].1);
                if instance.members.is_empty() {
                    Call::Kill { tasks: vec![id], scale, wipe, force }
                } else {
                    let pod = instance.app.clone();
                    Call::KillInstances { pod, instances: vec![id], wipe }
                }
            }
            6 => {
                let Some(Reply::Deployments(all)) = self.asks(Call::Deployments) else {
                    return Ok(());
                };
                let Some((deployment, _)) = all.first() else { return Ok(()) };
                Call::Cancel { deployment: deployment.to_string(), force }
            }
            7 if self.chance.one_in(6) && self.marathon.is_subscribed() => {
                return self.tears_down();
            }
            7 => self.puts_a_group(force),
            _ => return Ok(()),
        };
        self.counts("call");
        self.step(Input::Called { ticket: Ticket(1), call })
    }

    /// A group of apps of its own, of which some are new, and others gone.
    fn puts_a_group(&mut self, force: bool) -> Call {
        let group = PathId::kept("/team");
        let (some, is_dry_run) = (self.chance.below(4), self.chance.one_in(4));
        let numbers = (0..2).filter(|number| some & (1 << number) > 0);
        let apps = numbers.map(|number| {
            let id = PathId::kept(format!("/team/app-{number}"));
            let made = if number == 1 { a_pod } else { an_app };
            made(&mut self.chance, id, number)
        });
        let apps = apps.collect();
        self.counts("group");
        Call::PutGroup { group, apps, force, is_dry_run }
    }
}
