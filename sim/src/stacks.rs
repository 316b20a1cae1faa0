//! Stacks of CloudFormation over a model of fleets: whoever calls, however long a fleet takes to follow and however often the program ends,
//! what was promised holds.
//!
//! The model has the keeper's part: it makes one fleet follow after another, half of the way if it fails, and instances come and go in other
//! ways beside it. Stacks are in memory only, so a crash forgets them; the keeper's work goes with it. Promises:
//!
//! 1. A call is answered in the step that it comes in, once, and nothing but a call is.
//! 2. Of one cluster at most one wish is out, and only while its stack is moving.
//! 3. A stack stops moving when it is told what came of its wish, and not before.
//! 4. A wish is as large as a fleet may be.
//! 5. The latest event of a stack tells what it is at.
//! 6. When the storm is over nothing moves, and a stack whose last change succeeded has the size that was asked for unless instances came
//!    or went otherwise since.
//!
//! [`Fault`] plants mistakes in the host, to show that each would be noticed.

use std::collections::BTreeMap;

use longshore_machine::{Machine, Timestamp};
use longshore_stacks::limits::SIZE_MAX;
use longshore_stacks::{CallId, Fleet, Fleets, Input, Output, Resize, Stacks};
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::cloudformation::{Create, Request, Response, Stack, Update};
use longshore_wire_ecs::query::Fault as Refusal;

use crate::chance::Chance;
use crate::tally::Tally;

/// A mistake that is planted in the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// None.
    #[default]
    None,
    /// What came of a wish is not told.
    NeverTells,
    /// What came of a wish is told before it is done.
    TellsFirst,
}

/// A run of the simulation.
#[derive(Clone, Copy, Debug)]
pub struct StacksRun {
    /// Of all choices.
    pub seed: u64,
    /// How many things happen.
    pub steps: u64,
    /// What is planted.
    pub fault: Fault,
}

impl StacksRun {
    /// The usual one of a seed.
    pub fn of(seed: u64) -> Self {
        Self { seed, steps: 600, fault: Fault::None }
    }

    /// Performs it.
    ///
    /// # Errors
    /// What was promised and does not hold.
    pub fn perform(self) -> Result<Tally, String> {
        let mut world = World::new(self.seed, self.fault);
        for _ in 0..self.steps {
            world.acts()?;
        }
        while let Some(resize) = world.next_wish() {
            world.follows(resize)?;
        }
        world.quiet()?;
        Ok(world.tally)
    }
}

const CLUSTERS: [&str; 4] = ["web", "shop", "batch", "x"];
const PREFIX: &str = "amazon-ecs-cli-setup-";

struct World {
    chance: Chance,
    fault: Fault,
    now: Timestamp,
    stacks: Stacks,
    fleets: Fleets,
    /// Wishes that the keeper has not come to, the oldest first.
    wishes: Vec<Resize>,
    /// The size that the last successful change of a cluster asked for.
    asked: BTreeMap<Str, u32>,
    calls: u64,
    tally: Tally,
}

fn started(now: Timestamp, chance: &mut Chance) -> Stacks {
    let seed = u128::from(chance.below(u64::MAX));
    Stacks::new(Realm::new("us-east-1", "000000000000"), now, seed)
}

impl World {
    fn new(seed: u64, fault: Fault) -> Self {
        let (mut chance, now) = (Chance::new(seed), Timestamp::from_millis(1_700_000_000_000));
        let stacks = started(now, &mut chance);
        let fleets = Fleets::from([("web".into(), Fleet::default())]);
        let (wishes, asked, tally) = (Vec::new(), BTreeMap::new(), Tally::default());
        Self { chance, fault, now, stacks, fleets, wishes, asked, calls: 0, tally }
    }

    fn acts(&mut self) -> Result<(), String> {
        self.now = Timestamp::from_millis(self.now.millis() + self.chance.delay_ms());
        match self.chance.below(100) {
            0..45 => self.calls_something(),
            45..75 => match self.next_wish() {
                Some(resize) => self.follows(resize),
                None => Ok(()),
            },
            75..97 => {
                self.changes_otherwise();
                Ok(())
            }
            _ => {
                self.tally.count("reached", "a crash");
                self.stacks = started(self.now, &mut self.chance);
                self.wishes.clear();
                self.asked.clear();
                Ok(())
            }
        }
    }

    fn next_wish(&mut self) -> Option<Resize> {
        (!self.wishes.is_empty()).then(|| self.wishes.remove(0))
    }

    /// Instances that come and go without a stack.
    fn changes_otherwise(&mut self) {
        let cluster: Str = (*self.chance.pick(&CLUSTERS)).into();
        let size = u32::try_from(self.chance.below(6)).unwrap_or_default();
        self.asked.remove(&cluster);
        if size == 0 && self.chance.one_in(2) {
            self.fleets.remove(&cluster);
        } else {
            self.fleets.entry(cluster).or_default().size = size;
        }
    }

    fn follows(&mut self, Resize { cluster, size, .. }: Resize) -> Result<(), String> {
        let before = self.moving(&cluster)?;
        if self.fault == Fault::TellsFirst && self.chance.one_in(4) {
            self.told(&cluster, Ok(()))?;
        }
        if before && !self.moving(&cluster)? {
            return Err(format!("promise 3: {cluster} stands still before it is told"));
        }
        let fails = self.chance.one_in(5);
        let fleet = self.fleets.entry(cluster.clone()).or_default();
        fleet.size = if fails { u32::midpoint(fleet.size, size) } else { size };
        if self.fault == Fault::NeverTells && self.chance.one_in(4) {
            return Ok(());
        }
        let outcome = if fails { Err("a fleet that fails".to_owned()) } else { Ok(()) };
        if fails {
            self.tally.count("reached", "a fleet failed");
            self.asked.remove(&cluster);
        } else {
            self.tally.count("reached", "a fleet followed");
            self.asked.insert(cluster.clone(), size);
        }
        self.told(&cluster, outcome)?;
        if self.moving(&cluster)? {
            return Err(format!("promise 3: {cluster} still moves"));
        }
        Ok(())
    }

    fn told(&mut self, cluster: &Str, outcome: Result<(), String>) -> Result<(), String> {
        let mut out = Vec::new();
        self.stacks.step(self.now, Input::Resized(cluster.clone(), outcome), &mut out);
        if out.is_empty() { Ok(()) } else { Err(format!("promise 1: {out:?} without a call")) }
    }

    fn calls_something(&mut self) -> Result<(), String> {
        let cluster = *self.chance.pick(&CLUSTERS);
        let stack: Str = format!("{PREFIX}{cluster}").into();
        let size = match self.chance.below(20) {
            0 => "many".to_owned(),
            1 => (SIZE_MAX + 1).to_string(),
            _ => self.chance.below(9).to_string(),
        };
        let request = match self.chance.below(8) {
            0 => Request::DescribeStacks(None),
            1 => Request::ListStacks(Vec::new()),
            2 => Request::DescribeStackResources(stack, None),
            3 => Request::DeleteStack(stack),
            4 | 5 => Request::CreateStack(Create {
                name: stack,
                parameters: vec![("AsgMaxSize".into(), size.into())],
            }),
            _ => Request::UpdateStack(Update {
                stack,
                parameters: vec![("AsgMaxSize".into(), Some(size.into()))],
            }),
        };
        let verb = request.operation();
        let answer = self.call(request)?;
        self.tally.count(if answer.is_ok() { "done" } else { "refused" }, verb);
        self.consistent(cluster)
    }

    /// Calls, and takes what is wished for.
    fn call(&mut self, request: Request) -> Result<Result<Response, Refusal>, String> {
        self.calls += 1;
        let (call, mut out) = (CallId(self.calls), Vec::new());
        self.stacks.step(self.now, Input::Call(call, request, self.fleets.clone()), &mut out);
        let mut answers = Vec::new();
        for output in out {
            match output {
                Output::Reply(to, answer) if to == call => answers.push(answer),
                Output::Reply(to, _) => return Err(format!("promise 1: an answer to {to:?}")),
                Output::Resize(wish) if wish.size > SIZE_MAX => {
                    return Err(format!("promise 4: {} instances", wish.size));
                }
                Output::Resize(wish) => {
                    if self.wishes.iter().any(|one| one.cluster == wish.cluster) {
                        return Err(format!("promise 2: a second wish for {}", wish.cluster));
                    }
                    self.asked.remove(&wish.cluster);
                    self.wishes.push(wish);
                }
            }
        }
        match (answers.pop(), answers.is_empty()) {
            (Some(answer), true) => Ok(answer),
            _ => Err("promise 1: not one answer".to_owned()),
        }
    }

    fn stack(&mut self, cluster: &str) -> Result<Option<Stack>, String> {
        let asked = Request::DescribeStacks(Some(format!("{PREFIX}{cluster}").into()));
        Ok(match self.call(asked)? {
            Ok(Response::Stacks(mut all)) => all.pop(),
            _ => None,
        })
    }

    fn moving(&mut self, cluster: &str) -> Result<bool, String> {
        Ok(self.stack(cluster)?.is_some_and(|stack| stack.status.is_moving()))
    }

    /// What a stack says of itself.
    fn consistent(&mut self, cluster: &str) -> Result<(), String> {
        let Some(stack) = self.stack(cluster)? else { return Ok(()) };
        let is_wished = self.wishes.iter().any(|wish| *wish.cluster == *cluster);
        if stack.status.is_moving() != is_wished {
            let at = stack.status.name();
            return Err(format!("promise 2: {cluster} is at {at}, wished for: {is_wished}"));
        }
        match self.call(Request::DescribeStackEvents(stack.name.clone()))? {
            Ok(Response::Events(events)) if events[0].resource.status == stack.status => Ok(()),
            other => Err(format!("promise 5: {} and {other:?}", stack.status.name())),
        }
    }

    fn quiet(&mut self) -> Result<(), String> {
        for cluster in CLUSTERS {
            if self.moving(cluster)? {
                return Err(format!("promise 6: {cluster} never ends"));
            }
            self.consistent(cluster)?;
            let (size, asked) = (self.fleets.get(cluster), self.asked.get(cluster));
            if let (Some(fleet), Some(asked)) = (size, asked)
                && fleet.size != *asked
            {
                return Err(format!("promise 6: {cluster} has {}, not {asked}", fleet.size));
            }
        }
        self.tally.count("reached", "the end");
        Ok(())
    }
}
