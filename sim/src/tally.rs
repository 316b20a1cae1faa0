//! Counts of what a run did and reached, so that an empty run is noticed.

use std::collections::BTreeMap;
use std::fmt;

/// Counts by name, in groups.
#[derive(Clone, Debug, Default)]
pub struct Tally(BTreeMap<(&'static str, String), u64>);

impl Tally {
    /// Counts one more.
    pub(crate) fn count(&mut self, group: &'static str, name: impl Into<String>) {
        *self.0.entry((group, name.into())).or_default() += 1;
    }

    /// Records the maximum of a figure.
    pub(crate) fn most(&mut self, name: impl Into<String>, figure: u64) {
        let held = self.0.entry(("at most", name.into())).or_default();
        *held = figure.max(*held);
    }

    /// How often something was counted.
    pub fn of(&self, group: &str, name: &str) -> u64 {
        let found = self.0.iter().find(|((in_group, held), _)| *in_group == group && held == name);
        found.map_or(0, |(_, count)| *count)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = "";
        for ((group, name), count) in &self.0 {
            if *group != last {
                writeln!(f, "{group}")?;
                last = group;
            }
            writeln!(f, "  {count:>9}  {name}")?;
        }
        Ok(())
    }
}
