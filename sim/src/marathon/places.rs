//! Where instances are, as constraints on the agents' hosts have it. Source: frameworks.md 3.4.

use std::collections::BTreeMap;

use longshore_marathon::Instance;
use longshore_wire_marathon::{App, Operator};

/// What does not hold of the instances of an app's configuration.
pub(super) fn holds(app: &App, instances: &[&Instance]) -> Result<(), String> {
    let mut hosts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in instances {
        *hosts.entry(&one.host).or_default() += 1;
    }
    let most = hosts.values().max().copied().unwrap_or(0);
    for constraint in &app.constraints {
        let number = constraint.value.as_ref().and_then(|text| text.parse::<usize>().ok());
        let is_kept = match (constraint.operator, number) {
            (Operator::Unique, _) => most <= 1,
            (Operator::MaxPer, Some(number)) => most <= number,
            // How many each has depends on how many are wanted, which changes.
            (Operator::GroupBy, Some(number)) => hosts.len() <= number,
            _ => return Err(format!("nothing is known of {constraint:?}")),
        };
        if !is_kept {
            return Err(format!("{constraint:?} of {} is violated: {hosts:?}", app.id));
        }
    }
    Ok(())
}
