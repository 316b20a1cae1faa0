//! The least that an offer must hold to be worth making. Source: \[O16\].

use longshore_wire_mesos::v1::OfferFilters;

use super::quantities::Quantities;
use crate::amounts::Amounts;
use crate::limits;

/// Alternatives: an offer must hold all quantities of one of them. Without any, whatever there is will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Minimum(Vec<Quantities>);

/// What holds for roles that do not say otherwise. Source: Mesos, `--min_allocatable_resources`.
impl Default for Minimum {
    fn default() -> Self {
        let one = |name: &str, milli: u64| {
            let mut quantities = Quantities::default();
            quantities.put(name, u128::from(milli));
            quantities
        };
        Self(vec![
            one("cpus", limits::OFFER_CPUS_MILLI_MIN),
            one("mem", limits::OFFER_MEM_MILLI_MIN),
        ])
    }
}

impl Minimum {
    /// What a framework asks for one of its roles; none if it leaves that to the master.
    ///
    /// # Errors
    /// What is wrong with it, in the words of Mesos.
    pub(crate) fn read(filters: &OfferFilters) -> Result<Option<Self>, String> {
        let Some(given) = &filters.min_allocatable_resources else { return Ok(None) };
        if given.quantities.len() > limits::MINIMUMS_PER_ROLE_MAX {
            let most = limits::MINIMUMS_PER_ROLE_MAX;
            return Err(format!("at most {most} alternative minimal resources are supported"));
        }
        let mut alternatives = Vec::with_capacity(given.quantities.len());
        for one in &given.quantities {
            if one.quantities.is_empty() {
                return Err("Resource quantities must contain at least one quantity".to_owned());
            }
            let named = one.quantities.iter().map(|(name, scalar)| (&**name, scalar.value));
            let read = Quantities::read(named)
                .map_err(|(name, why)| format!("Invalid resource quantity for '{name}': {why}"))?;
            alternatives.push(read);
        }
        Ok(Some(Self(alternatives)))
    }

    /// Whether these amounts are worth an offer.
    pub(super) fn is_met(&self, amounts: &Amounts) -> bool {
        !amounts.is_empty()
            && (self.0.is_empty() || self.0.iter().any(|quantities| quantities.are_in(amounts)))
    }
}

#[cfg(test)]
mod tests {
    use longshore_wire_mesos::v1::offer_filters::{MinAllocatableResources, ResourceQuantities};
    use longshore_wire_mesos::v1::value::Scalar;

    use super::*;
    use crate::ranges::Ranges;

    fn filters(alternatives: &[&[(&str, f64)]]) -> OfferFilters {
        let quantities = alternatives.iter().map(|one| ResourceQuantities {
            quantities: one
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Scalar { value: *value }))
                .collect(),
        });
        let given = MinAllocatableResources { quantities: quantities.collect() };
        OfferFilters { min_allocatable_resources: Some(given) }
    }

    /// \[O16\]
    #[test]
    fn a_hundredth_of_a_cpu_or_32_mb_are_enough() {
        let minimum = Minimum::default();
        let amounts = |cpus, mem| Amounts::of(cpus, mem, 5_000, Ranges::of([80]));
        assert!(minimum.is_met(&amounts(10, 0)) && minimum.is_met(&amounts(0, 32_000)));
        assert!(!minimum.is_met(&amounts(9, 31_999)));
    }

    /// \[O16\]
    #[test]
    fn a_role_names_alternatives_of_its_own() {
        let given = filters(&[&[("cpus", 2.0), ("mem", 64.0)], &[("gpus", 1.0)]]);
        let minimum = Minimum::read(&given).expect("valid").expect("given");
        assert!(minimum.is_met(&Amounts::of(2_000, 64_000, 0, Ranges::default())));
        assert!(!minimum.is_met(&Amounts::of(4_000, 32_000, 0, Ranges::default())));
        let none = Minimum::read(&filters(&[])).expect("valid").expect("given");
        assert!(none.is_met(&Amounts::of(0, 0, 0, Ranges::of([80]))));
        assert!(!none.is_met(&Amounts::default()));
        assert_eq!(Minimum::read(&OfferFilters::default()), Ok(None));
    }

    /// \[O16\]
    #[test]
    fn a_minimum_that_is_not_valid_is_refused_in_the_words_of_mesos() {
        let why = Minimum::read(&filters(&[&[]])).expect_err("empty");
        assert_eq!(why, "Resource quantities must contain at least one quantity");
        let why = Minimum::read(&filters(&[&[("cpus", -1.0)]])).expect_err("negative");
        assert_eq!(why, "Invalid resource quantity for 'cpus': Negative values not supported");
    }
}
