//! Runs of bridges over a cluster, each named by its seed, and the file of those that once failed.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::faulty::Fault;
use super::world::World;
use crate::tally::Tally;

/// Seeds that once failed, one a line.
const REGRESSIONS: &str = include_str!("../../bridge-regressions.txt");

/// What cluster bridges use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cluster {
    /// A model of Amazon's ECS at its worst.
    Model,
    /// The local ECS, behind the same network.
    Local,
}

impl Cluster {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Local => "local",
        }
    }

    /// The cluster of a name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Model, Self::Local].into_iter().find(|one| one.name() == name)
    }
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BridgeRun {
    /// What everything is drawn from.
    pub seed: u64,
    /// Steps of the storm.
    pub steps: u64,
    /// What cluster bridges use: for every third seed it is the local ECS, unless this says which.
    pub cluster: Option<Cluster>,
    /// Whether to print what happens on standard error.
    pub trace: bool,
}

impl BridgeRun {
    /// A storm of the usual length.
    pub fn of(seed: u64) -> Self {
        Self { seed, steps: 400, cluster: None, trace: false }
    }

    /// Performs it with a bridge that is broken in some way; what was reached.
    ///
    /// # Errors
    /// What did not hold.
    pub fn perform_with(self, fault: Fault) -> Result<Tally, Vec<String>> {
        let drawn = if self.seed.is_multiple_of(3) { Cluster::Local } else { Cluster::Model };
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let mut world = World::new(self.seed, self.cluster.unwrap_or(drawn), fault);
            world.trace = self.trace;
            world.season(self.steps, true);
            world
        }));
        // A machine that finds its own invariants broken ends itself.
        let world = ended.map_err(|panic| vec![said(&*panic)])?;
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
        let cluster = self.cluster.map(|one| format!(" --ecs {}", one.name()));
        let cluster = cluster.unwrap_or_default();
        format!("--bridge --seed {} --steps {}{cluster}", self.seed, self.steps)
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
                Some(Self { steps: number(steps), ..Self::of(number(seed)) })
            }
            ["--bridge", "--seed", seed, "--steps", steps, "--ecs", cluster] => {
                let cluster = Cluster::named(cluster);
                assert!(cluster.is_some(), "{line:?} names no cluster");
                Some(Self { steps: number(steps), cluster, ..Self::of(number(seed)) })
            }
            _ => panic!("{line:?} is not `--bridge --seed N --steps N [--ecs NAME]  # why`"),
        }
    }
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or(panic.downcast_ref::<&str>().copied());
    format!("a panic: {}", text.unwrap_or("without a word"))
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
        for cluster in [None, Some(Cluster::Model), Some(Cluster::Local)] {
            let run = BridgeRun { steps: 300, cluster, ..BridgeRun::of(7) };
            assert_eq!(BridgeRun::read(&run.line()), Some(run));
        }
        assert_eq!(BridgeRun::read("# a comment"), None);
    }
}
