//! All random choices of a run, drawn from one seed.

use longshore_machine::Ids;

/// A seeded source of choices.
#[derive(Debug)]
pub(crate) struct Chance(Ids);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Ids::new(u128::from(seed) << 64 | u128::from(seed)))
    }

    /// A number below `bound`, or 0 if `bound` is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0.below("choice", bound)
    }

    /// A random index into a list of `length`; `None` if the list is empty.
    pub(crate) fn index(&mut self, length: usize) -> Option<usize> {
        let bound = u64::try_from(length).ok().filter(|bound| *bound > 0)?;
        usize::try_from(self.below(bound)).ok()
    }

    /// True with a probability of 1 in `times`.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// A random element of a non-empty list.
    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let index = self.index(all.len());
        &all[index.expect("a list of choices is never empty")]
    }

    /// A delay in ms. Most are short and a few very long, so that messages overtake each other.
    pub(crate) fn delay_ms(&mut self) -> u64 {
        match self.below(100) {
            0..70 => self.below(20),
            70..97 => self.below(1_000),
            _ => self.below(40_000),
        }
    }
}
