//! Runs of bridges over a cluster, each named by its seed, and the file of those that once failed.

use super::faulty::Fault;
use super::world::World;
use crate::tally::Tally;

/// Seeds that once failed, one a line.
const REGRESSIONS: &str = include_str!("../../bridge-regressions.txt");

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BridgeRun {
    /// What everything is drawn from.
    pub seed: u64,
    /// Steps of the storm.
    pub steps: u64,
    /// Whether to print what happens on standard error.
    pub trace: bool,
}

impl BridgeRun {
    /// A storm of the usual length.
    pub fn of(seed: u64) -> Self {
        Self { seed, steps: 400, trace: false }
    }

    /// Performs it with a bridge that is broken in some way; what was reached.
    ///
    /// # Errors
    /// What did not hold.
    pub fn perform_with(self, fault: Fault) -> Result<Tally, Vec<String>> {
        let mut world = World::new(self.seed, fault);
        world.trace = self.trace;
        world.season(self.steps, true);
        if world.is_sound() { Ok(world.tally) } else { Err(world.ledger.violations) }
    }

    /// Performs it.
    ///
    /// # Panics
    /// If something does not hold; the line for `sim/bridge-regressions.txt` is said on standard error.
    pub fn perform(self) -> Tally {
        self.perform_with(Fault::None).unwrap_or_else(|violations| {
            eprintln!("Keep it in sim/bridge-regressions.txt:\n{}  # what was wrong", self.line());
            panic!("{}", violations.join("\n"));
        })
    }

    /// The run as a line of the file, which is also the arguments of `cargo xtask sim`.
    pub fn line(self) -> String {
        format!("--bridge --seed {} --steps {}", self.seed, self.steps)
    }

    /// Reads such a line; what follows `#` says why it is kept. `None` for a line without a run.
    ///
    /// # Panics
    /// If it is anything else.
    fn read(line: &str) -> Option<Self> {
        let (run, _why) = line.split_once('#').unwrap_or((line, ""));
        let words: Vec<&str> = run.split_whitespace().collect();
        let number = |text: &str| {
            text.parse().unwrap_or_else(|_| panic!("{text:?} in {line:?} is no number"))
        };
        match words[..] {
            [] => None,
            ["--bridge", "--seed", seed, "--steps", steps] => {
                Some(Self { seed: number(seed), steps: number(steps), trace: false })
            }
            _ => panic!("{line:?} is not `--bridge --seed N --steps N  # why`"),
        }
    }
}

/// The runs that once failed.
///
/// # Panics
/// If the file has a line that is no run.
pub fn regressions() -> Vec<BridgeRun> {
    REGRESSIONS.lines().filter_map(BridgeRun::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_read_as_it_is_written() {
        let run = BridgeRun { seed: 7, steps: 300, trace: false };
        assert_eq!(BridgeRun::read(&run.line()), Some(run));
        assert_eq!(BridgeRun::read("# a comment"), None);
    }
}
