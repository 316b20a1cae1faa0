//! Runs described by one line of text, and the file of those that once failed.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::tally::Tally;
use crate::world::World;

/// Runs that once failed, one per line in the format of [`Run::line`].
const REGRESSIONS: &str = include_str!("../regressions.txt");

/// Storms over the local ECS, each followed by a quiet period, all drawn from one seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Seed of all random choices.
    pub seed: u64,
    /// Total number of steps in storms.
    pub steps: u64,
    /// Number of steps in each storm; at least 1.
    pub storm: u64,
}

impl Run {
    /// Performs the run. After every third storm everything is removed.
    ///
    /// # Panics
    /// If a check fails; a line for `sim/regressions.txt` with the progress so far is printed to
    /// standard error.
    pub fn perform(self) -> Tally {
        let storm = self.storm.max(1);
        let mut world = World::new(self.seed);
        for season in 0..self.steps.div_ceil(storm) {
            let clear = season % 3 == 2;
            let ended = catch_unwind(AssertUnwindSafe(|| world.season(storm, clear)));
            if let Err(panic) = ended {
                let failed = Self { steps: (season + 1) * storm, storm, ..self };
                eprintln!("Keep it in sim/regressions.txt:\n{}  # what was wrong", failed.line());
                resume_unwind(panic);
            }
        }
        world.tally
    }

    /// The run as a line of that file, which is also the arguments of `cargo xtask sim`.
    pub fn line(self) -> String {
        let Self { seed, steps, storm } = self;
        format!("--seed {seed} --steps {steps} --storm {storm}")
    }

    /// Parses such a line; the text after `#` says why it is kept. `None` for a line without a run.
    ///
    /// # Panics
    /// If the line is anything else.
    fn read(line: &str) -> Option<Self> {
        let (run, _why) = line.split_once('#').unwrap_or((line, ""));
        let words: Vec<&str> = run.split_whitespace().collect();
        let number = |text: &str| {
            text.parse().unwrap_or_else(|_| panic!("{text:?} in {line:?} is no number"))
        };
        match words[..] {
            [] => None,
            ["--seed", seed, "--steps", steps, "--storm", storm] => {
                Some(Self { seed: number(seed), steps: number(steps), storm: number(storm) })
            }
            _ => panic!("{line:?} is not `--seed N --steps N --storm N  # why`"),
        }
    }
}

/// The runs that once failed.
///
/// # Panics
/// If the file contains an invalid line.
pub fn regressions() -> Vec<Run> {
    REGRESSIONS.lines().filter_map(Run::read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_read_as_it_is_written() {
        let run = Run { seed: 7, steps: 9_000, storm: 3_000 };
        assert_eq!(Run::read(&run.line()), Some(run));
        assert_eq!(Run::read(&format!("  {}  # a task ran twice", run.line())), Some(run));
        assert_eq!(Run::read("# a comment"), None);
        assert_eq!(Run::read(""), None);
    }

    #[test]
    #[should_panic(expected = "is not `--seed N")]
    fn a_line_that_is_no_run_is_refused() {
        Run::read("7 9000");
    }
}
