//! What operators have done. Source: \[O7\], \[O25\], \[O26\], \[P2\].

use std::collections::BTreeMap;

use super::Parts;
use super::jobs::Job;
use crate::allocator::Quota;
use crate::context::Context;
use crate::ids::{OfferId, Role};
use crate::machine::{CallId, Response};
use crate::operator::{Command, QuotaView, RoleView};

impl Parts {
    /// Does what an operator asks for.
    pub(crate) fn commanded(&mut self, cx: &mut Context<'_>, call: CallId, command: Command) {
        let done = match command {
            Command::Weights(weights) => self.set_weights(cx, &weights),
            Command::Quota { force, quota } => self.set_quota(cx, force, quota),
            Command::Teardown(framework) if self.frameworks.get(&framework).is_none() => {
                Err("No framework found with specified ID".to_owned())
            }
            Command::Teardown(framework) => {
                self.remove_framework(cx, &framework, "an operator tore it down");
                Ok(())
            }
            Command::Agent(agent, wish) => return self.decide(cx, call, &agent, wish),
            Command::Maintenance(schedule) => self.plan(cx, schedule),
            Command::MachinesDown(machines) => self.machines_down(cx, &machines),
            Command::MachinesUp(machines) => self.machines_up(cx, &machines),
        };
        let response = match done {
            Ok(()) => Response::Done,
            Err(why) => Response::Refused(400, why),
        };
        cx.respond(call, response);
    }

    fn set_weights(&mut self, cx: &mut Context<'_>, weights: &[(Role, f64)]) -> Result<(), String> {
        let rescinded = self.allocator.update_weights(weights)?;
        self.has_new_policy(cx, rescinded);
        for (role, _) in weights {
            self.show_role(role);
        }
        Ok(())
    }

    fn set_quota(
        &mut self,
        cx: &mut Context<'_>,
        force: bool,
        quota: Vec<(Role, QuotaView)>,
    ) -> Result<(), String> {
        let mut changes = BTreeMap::new();
        for (role, view) in quota {
            let named = |of: &BTreeMap<String, f64>| -> Vec<(String, f64)> {
                of.iter().map(|(name, value)| (name.clone(), *value)).collect()
            };
            let (guarantees, limits) = (named(&view.guarantees), named(&view.limits));
            let guarantees = guarantees.iter().map(|(name, value)| (&**name, *value));
            let limits = limits.iter().map(|(name, value)| (&**name, *value));
            let quota = Quota::read(&role, guarantees, limits)?;
            if !force {
                self.allocator.check_consumption(&role, &quota)?;
            }
            changes.insert(role, quota);
        }
        if !force {
            self.allocator.check_overcommit(&changes)?;
        }
        for (role, quota) in changes {
            let rescinded = self.allocator.update_quota(&role, quota);
            self.has_new_policy(cx, rescinded);
            self.show_role(&role);
        }
        Ok(())
    }

    /// Offers that others may have a better right to now are taken back.
    fn has_new_policy(&mut self, cx: &mut Context<'_>, rescinded: Vec<OfferId>) {
        self.begin(cx, Job::Rescind(rescinded.into_iter()));
        self.wants_allocation(cx.now);
    }

    fn show_role(&mut self, role: &Role) {
        let quota = self.allocator.quota(role).map(|quota| QuotaView {
            guarantees: numbers(quota.guarantees()),
            limits: numbers(quota.limits()),
        });
        let weight = self.allocator.weights().get(role).copied();
        if weight.is_none() && quota.is_none() {
            self.operator.remove_role(role);
        } else {
            self.operator.put_role(RoleView { role: role.clone(), weight, quota });
        }
    }
}

fn numbers(of: &crate::allocator::Quantities) -> BTreeMap<String, f64> {
    #[expect(clippy::cast_precision_loss, reason = "thousandths that a person wrote")]
    let all = of.iter().map(|(name, milli)| (name.to_owned(), milli as f64 / 1000.0));
    all.collect()
}
