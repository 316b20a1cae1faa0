//! Scalars by name, added up over agents and frameworks.
//!
//! [`Amounts`] are what one agent has or one offer holds; these are sums of any number of them, so they are wide enough never
//! to overflow: whatever was added can be taken away again without a trace.

use std::collections::BTreeMap;
use std::fmt;

use longshore_wire_ecs::Str;

use crate::amounts::Amounts;

/// Thousandths of scalars, by name. Zeros are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quantities(BTreeMap<Str, u128>);

impl Quantities {
    /// The scalars of some amounts.
    pub(crate) fn of(amounts: &Amounts) -> Self {
        let mut all = Self::default();
        all.add(amounts);
        all
    }

    /// Reads quantities of an API, in units rather than thousandths.
    ///
    /// # Errors
    /// The name of the first one that is not valid, and what is wrong with it.
    pub(crate) fn read<'a>(
        named: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Result<Self, (&'a str, &'static str)> {
        let mut all = Self::default();
        for (name, value) in named {
            let milli = to_milli(value).map_err(|why| (name, why))?;
            all.put(name, milli);
        }
        Ok(all)
    }

    /// Thousandths of one scalar.
    pub(crate) fn get(&self, name: &str) -> u128 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Whether a scalar is named.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and thousandths, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u128)> {
        self.0.iter().map(|(name, milli)| (&**name, *milli))
    }

    /// Sets one scalar, also to zero: for limits, where zero is not the same as none.
    pub(super) fn put(&mut self, name: &str, milli: u128) {
        self.0.insert(name.into(), milli);
    }

    fn raise(&mut self, name: &str, milli: u128) {
        if let Some(sum) = self.0.get_mut(name) {
            *sum = sum.saturating_add(milli);
        } else if milli > 0 {
            self.0.insert(name.into(), milli);
        }
    }

    fn lower(&mut self, name: &str, milli: u128) {
        if let Some(sum) = self.0.get_mut(name) {
            *sum = sum.saturating_sub(milli);
            if *sum == 0 {
                self.0.remove(name);
            }
        }
    }

    /// Adds the scalars of some amounts.
    pub(crate) fn add(&mut self, amounts: &Amounts) {
        for (name, milli) in &amounts.scalars {
            self.raise(name, u128::from(*milli));
        }
    }

    /// Takes away the scalars of some amounts; nothing goes below zero.
    pub(crate) fn take(&mut self, amounts: &Amounts) {
        for (name, milli) in &amounts.scalars {
            self.lower(name, u128::from(*milli));
        }
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        other.iter().for_each(|(name, milli)| self.raise(name, milli));
    }

    pub(crate) fn take_all(&mut self, other: &Self) {
        other.iter().for_each(|(name, milli)| self.lower(name, milli));
    }

    /// What is left of these without the others; nothing goes below zero.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let left = self.0.iter().map(|(name, milli)| {
            let milli = milli.saturating_sub(other.get(name));
            (name.clone(), milli)
        });
        Self(left.filter(|(_, milli)| *milli > 0).collect())
    }

    /// Whether there is at least as much of everything as in the others.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        other.iter().all(|(name, milli)| self.get(name) >= milli)
    }

    /// Whether some amounts have at least as much of everything that is named here.
    pub(crate) fn are_in(&self, amounts: &Amounts) -> bool {
        self.iter().all(|(name, milli)| u128::from(amounts.scalar(name)) >= milli)
    }

    /// Whether some amounts have anything of what is named here.
    pub(crate) fn meet(&self, amounts: &Amounts) -> bool {
        self.iter().any(|(name, milli)| milli > 0 && amounts.scalar(name) > 0)
    }

    /// The largest part that these are of any scalar of a whole. Source: \[O24\]: all scalars count, not only CPU and memory.
    pub(super) fn dominant(&self, whole: &Self) -> f64 {
        let parts = self.iter().filter_map(|(name, milli)| match whole.get(name) {
            0 => None,
            all => Some(ratio(milli, all)),
        });
        parts.fold(0.0, f64::max)
    }
}

/// `cpus:8; mem:8192`, as Mesos prints quantities.
impl fmt::Display for Quantities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<String> =
            self.iter().map(|(name, milli)| format!("{name}:{}", Units(milli))).collect();
        if all.is_empty() { f.write_str("{}") } else { f.write_str(&all.join("; ")) }
    }
}

/// `{ cpus: 9, mem: 64 }`, as Mesos prints the quantities of a `QuotaConfig`.
pub(super) fn braced(quantities: &Quantities) -> String {
    let all: Vec<String> =
        quantities.iter().map(|(name, milli)| format!("{name}: {}", Units(milli))).collect();
    if all.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", all.join(", ")) }
}

/// Prints thousandths as units.
struct Units(u128);

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 1000, self.0 % 1000);
        if part == 0 {
            return write!(f, "{whole}");
        }
        let part = format!("{part:03}");
        write!(f, "{whole}.{}", part.trim_end_matches('0'))
    }
}

#[expect(clippy::cast_precision_loss, reason = "shares are compared, not added up")]
fn ratio(part: u128, whole: u128) -> f64 {
    part as f64 / whole as f64
}

/// Source: Mesos, the validation of scalars that are not resources: any finite number that is not negative.
fn to_milli(value: f64) -> Result<u128, &'static str> {
    if value.is_nan() {
        return Err("NaN not supported");
    }
    if value.is_infinite() {
        return Err("Infinite values not supported");
    }
    if value.is_subnormal() {
        return Err("Subnormal values not supported");
    }
    if value < 0.0 {
        return Err("Negative values not supported");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and what is out of range becomes the largest number"
    )]
    let milli = (value * 1000.0).round() as u128;
    Ok(milli)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranges::Ranges;

    #[test]
    fn what_is_added_can_be_taken_away_without_a_trace() {
        let amounts = Amounts::of(1_500, u64::MAX, 0, Ranges::default());
        let mut sum = Quantities::default();
        sum.add(&amounts);
        sum.add(&amounts);
        assert_eq!(sum.get("mem"), 2 * u128::from(u64::MAX));
        sum.take(&amounts);
        sum.take(&amounts);
        assert!(sum.is_empty());
    }

    #[test]
    fn quantities_print_as_mesos_prints_them() {
        let sum = Quantities::read([("mem", 8192.0), ("cpus", 0.25)]).expect("valid");
        assert_eq!(sum.to_string(), "cpus:0.25; mem:8192");
        assert_eq!(braced(&sum), "{ cpus: 0.25, mem: 8192 }");
        assert_eq!(Quantities::read([("x", f64::NAN)]), Err(("x", "NaN not supported")));
    }

    /// \[O24\]
    #[test]
    fn the_dominant_share_is_over_all_scalars_of_the_whole() {
        let whole = Quantities::read([("cpus", 10.0), ("gpus", 2.0)]).expect("valid");
        let held = Quantities::read([("cpus", 1.0), ("gpus", 1.0), ("other", 9.0)]).expect("valid");
        assert!((held.dominant(&whole) - 0.5).abs() < 1e-9);
    }
}
