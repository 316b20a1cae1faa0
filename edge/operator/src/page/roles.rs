//! Roles: weights, quota, and what they have.

use std::collections::BTreeMap;

use longshore_bridge::FrameworkId;
use longshore_bridge::operator::{FrameworkEntry, Quantities, RoleEntry, View};

use crate::sheet::Sheet;

/// `/roles`
pub(super) fn page(sheet: &mut Sheet<'_>, view: &View) {
    sheet.object(|sheet| {
        sheet.lists("roles", |sheet| {
            for (role, entry) in view.roles() {
                let set = entry.view();
                let quota = set.and_then(|set| set.quota.as_ref()).cloned().unwrap_or_default();
                let sum = {
                    let mut sum = entry.allocated().clone();
                    sum.add_all(entry.offered());
                    sum
                };
                sheet.object(|sheet| {
                    sheet.says("name", role);
                    sheet.measures("weight", set.and_then(|set| set.weight).unwrap_or(1.0));
                    sheet.holds("quota", |sheet| {
                        sheet.says("role", role);
                        configured(sheet, "guarantee", &quota.guarantees);
                        configured(sheet, "limit", &quota.limits);
                        quantities(sheet, "consumed", entry.allocated());
                    });
                    quantities(sheet, "resources", &sum);
                    quantities(sheet, "allocated", entry.allocated());
                    quantities(sheet, "offered", entry.offered());
                    sheet.holds("reserved", |_| {});
                    sheet.lists("frameworks", |sheet| {
                        shown_of(view, entry).for_each(|id| sheet.text(id));
                    });
                });
            }
        });
    });
}

/// The frameworks of a role that are shown.
pub(crate) fn shown_of<'v>(
    view: &'v View,
    entry: &'v RoleEntry,
) -> impl Iterator<Item = &'v FrameworkId> {
    let is_shown = |id: &&FrameworkId| view.framework(id).is_some_and(FrameworkEntry::is_shown);
    entry.frameworks().filter(is_shown)
}

fn configured(sheet: &mut Sheet<'_>, name: &str, amounts: &BTreeMap<String, f64>) {
    sheet.holds(name, |sheet| {
        for (name, amount) in amounts {
            sheet.measures(name, *amount);
        }
    });
}

fn quantities(sheet: &mut Sheet<'_>, name: &str, amounts: &Quantities) {
    sheet.holds(name, |sheet| {
        amounts.iter().for_each(|(name, amount)| sheet.measures(name, amount));
    });
}

/// `/weights`: those that were set.
pub(super) fn weights(sheet: &mut Sheet<'_>, view: &View) {
    sheet.list(|sheet| {
        for (role, weight) in crate::v1::weights(view) {
            sheet.object(|sheet| {
                sheet.says("role", role);
                sheet.measures("weight", weight);
            });
        }
    });
}
