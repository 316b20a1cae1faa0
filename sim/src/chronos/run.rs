//! A storm, and the quiet after it.

use super::world::World;
use crate::tally::Tally;

/// A mistake that is planted in the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// None.
    #[default]
    None,
    /// What is said is said before the changes of the step are committed.
    SaysFirst,
    /// The last commit before a crash is lost.
    ForgetsCommit,
    /// A launch is said twice.
    LaunchesTwice,
    /// Final updates are told only to whoever asks: no mistake of ours, and nothing is lost by it.
    DropsEnds,
}

/// A run of the simulation.
#[derive(Clone, Copy, Debug)]
pub struct ChronosRun {
    /// Of all choices.
    pub seed: u64,
    /// How many things happen.
    pub steps: u64,
    /// What is planted.
    pub fault: Fault,
}

impl ChronosRun {
    /// The usual one of a seed.
    pub fn of(seed: u64) -> Self {
        Self { seed, steps: 250, fault: Fault::None }
    }

    /// Performs it.
    ///
    /// # Errors
    /// What was promised and does not hold.
    pub fn perform(self) -> Result<Tally, String> {
        let mut world = World::new(self.seed, self.fault);
        for _ in 0..self.steps {
            world.acts();
            world.check()?;
        }
        world.quiet();
        world.check()?;
        Ok(world.into_tally())
    }
}
