//! A scheduler of its own kind over the ECS API, to copy: copies of a task definition, on the instances that it likes best.
//!
//! A machine: it asks ECS by its outputs, and is answered by its inputs. It stores nothing, as its tasks are known by their `startedBy`.
//! ECS may show a task late: nothing is started by a look that began sooner than [`SETTLE_MS`] after a start that was made before, by
//! this process or by the one before it.

use std::collections::BTreeMap;

use longshore_machine::{Machine, Timestamp};
use longshore_replica::{
    Answered, Asked, Definition, DefinitionAsk, Instance, InstancesAsk, Question, StartTask,
    StopTask, Task, TasksAsk,
};
use longshore_wire_ecs::Str;

/// From one look to the next, in ms.
pub const LOOK_MS: u64 = 2_000;
/// How long ECS may take to show a task that was started, in ms.
pub const SETTLE_MS: u64 = 5_000;

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The `startedBy` of its tasks, at most 36 characters. Nobody else may use it.
    pub name: Str,
    /// `family:revision`, or an ARN.
    pub definition: Str,
    /// How many copies.
    pub copies: usize,
    /// The name and value of the attribute that liked instances have.
    pub likes: (Str, Str),
}

/// What to do: a value, which can be printed and tested, and says nothing of how it is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// ARNs of instances to start a copy on; one with two copies to start is there twice.
    pub starts: Vec<Str>,
    /// ARNs of tasks to stop.
    pub stops: Vec<Str>,
}

/// What one look has shown; what could not be read is `None`.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    definition: Option<Definition>,
    instances: Option<Vec<Instance>>,
    tasks: Option<Vec<Task>>,
}

/// Compares what is wanted with what is there: the custom logic.
pub fn plan(wish: &Wish, seen: &Seen) -> Option<Plan> {
    let definition = seen.definition.as_ref().filter(|one| one.active)?;
    let (instances, tasks) = (seen.instances.as_ref()?, seen.tasks.as_ref()?);
    let (mut counts, mut room) = (BTreeMap::new(), BTreeMap::new());
    for at in instances {
        let fit = at.memory_mib_remaining / definition.memory_mib.max(1);
        let room_of =
            if at.connected { fit.min(at.cpu_remaining / definition.cpu.max(1)) } else { 0 };
        room.insert(&at.arn, room_of);
    }
    let dislikes =
        |at: &Instance| at.attributes.get(&wish.likes.0) != Some(&Some(wish.likes.1.clone()));
    let places: Vec<(bool, &Str)> =
        instances.iter().filter(|at| at.active).map(|at| (dislikes(at), &at.arn)).collect();
    // A copy on an instance that drains, or is gone, is replaced.
    let place =
        |task: &Task| places.iter().find(|(_, arn)| task.instance_arn.as_ref() == Some(*arn));
    let there = tasks.iter().filter(|task| task.desired_running);
    let (mut kept, mut gone): (Vec<&Task>, Vec<&Task>) =
        there.partition(|task| place(task).is_some());
    kept.sort_by_key(|task| (place(task), &task.arn));
    // Of those that are too many the ones in the worst places go.
    gone.extend(kept.split_off(kept.len().min(wish.copies)));
    for (_, arn) in kept.iter().filter_map(|task| place(task)) {
        *counts.entry(*arn).or_insert(0_usize) += 1;
    }
    let mut starts = Vec::new();
    for _ in kept.len()..wish.copies {
        // The best place first: liked instances, and of equal ones the one with the fewest copies.
        let free = places.iter().filter(|(_, arn)| room[arn] > 0);
        let best = free.min_by_key(|(dislikes, arn)| (*dislikes, counts.get(arn).copied(), *arn));
        let Some((_, arn)) = best else { break };
        *counts.entry(*arn).or_insert(0) += 1;
        room.entry(*arn).and_modify(|left| *left -= 1);
        starts.push(Str::clone(arn));
    }
    Some(Plan { starts, stops: gone.iter().map(|task| task.arn.clone()).collect() })
}

/// The scheduler.
#[derive(Debug)]
pub struct Keeper {
    wish: Wish,
    seen: Seen,
    /// When the next look is due, and when the last one began.
    look_at: Timestamp,
    looked_at: Timestamp,
    /// Nothing is started by a look that began before.
    start_from: Option<Timestamp>,
    /// Questions that are not answered.
    open: u64,
}

impl Keeper {
    /// One that knows nothing yet: the first look tells.
    pub fn new(wish: Wish) -> Self {
        let (seen, never) = (Seen::default(), Timestamp::default());
        Self { wish, seen, look_at: never, looked_at: never, start_from: None, open: 0 }
    }

    fn ask<A>(&mut self, question: impl FnOnce(Asked<A>) -> Question, out: &mut Vec<Question>) {
        self.open += 1;
        out.push(question(Asked::new(self.open)));
    }

    /// All is answered: what was seen is acted on, once.
    fn acts(&mut self, now: Timestamp, out: &mut Vec<Question>) {
        self.look_at = now + LOOK_MS;
        let seen = std::mem::take(&mut self.seen);
        let Some(Plan { starts, stops }) = plan(&self.wish, &seen) else { return };
        for task in stops {
            let stop = StopTask { task, reason: "not wanted any more".into() };
            self.ask(|asked| Question::Stop(asked, stop), out);
        }
        let Definition { arn, containers, .. } = seen.definition.unwrap_or_default();
        let may_start = self.start_from.is_some_and(|from| self.looked_at >= from);
        for instance in starts.into_iter().filter(|_| may_start) {
            let start = StartTask {
                instance,
                definition: arn.clone(),
                container: containers.first().cloned().unwrap_or_default(),
                started_by: self.wish.name.clone(),
                ..StartTask::default()
            };
            self.ask(|asked| Question::Start(asked, Box::new(start)), out);
        }
    }
}

impl Machine for Keeper {
    type Input = Answered;
    type Output = Question;

    fn step(&mut self, now: Timestamp, answered: Answered, out: &mut Vec<Question>) {
        match answered {
            Answered::Definition(_, read) => self.seen.definition = read.ok().flatten(),
            Answered::Instances(_, read) => self.seen.instances = read.ok(),
            Answered::Tasks(_, read) => self.seen.tasks = read.ok().map(|tasks| tasks.found),
            // Whether it was done or not: the next looks tell, once they can.
            Answered::Start(..) => self.start_from = Some(now + SETTLE_MS),
            Answered::Stop(..) | Answered::Change(..) => {}
        }
        self.open -= 1;
        if self.open == 0 {
            self.acts(now, out);
        }
    }

    fn tick(&mut self, now: Timestamp, out: &mut Vec<Question>) {
        // A process before this one may have started something just now.
        self.start_from.get_or_insert(now + SETTLE_MS);
        if self.open > 0 || now < self.look_at {
            return;
        }
        self.looked_at = now;
        let (name, definition) = (self.wish.name.clone(), self.wish.definition.clone());
        self.ask(|asked| Question::Definition(asked, DefinitionAsk::Describe(definition)), out);
        self.ask(|asked| Question::Instances(asked, InstancesAsk::List), out);
        self.ask(|asked| Question::Tasks(asked, TasksAsk::Find(name)), out);
    }

    fn wake_at(&self) -> Option<Timestamp> {
        (self.open == 0).then_some(self.look_at)
    }
}

#[cfg(test)]
mod tests;
