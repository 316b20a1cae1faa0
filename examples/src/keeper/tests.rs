//! The keeper against a small ECS that loses replies, shows tasks late and refuses some, and through crashes of its own.

use std::path::Path;

use longshore_replica::{Failure, LastStatus, Outcome, Tasks};

use super::*;

/// Odds from a seed.
struct Odds(u64);

impl Odds {
    fn below(&mut self, many: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % many
    }
}

fn wish(copies: usize) -> Wish {
    let likes = ("stack".into(), "prod".into());
    Wish { name: "keeper".into(), definition: "web:1".into(), copies, likes }
}

fn definition() -> Definition {
    let (arn, containers) = ("web:1".into(), vec!["main".into()]);
    Definition { arn, active: true, containers, cpu: 100, memory_mib: 100, ..Definition::default() }
}

/// An instance with room for so many copies.
fn instance(arn: &str, room: u32, stack: &str) -> Instance {
    Instance {
        arn: arn.into(),
        active: true,
        connected: true,
        cpu_remaining: room * 100,
        memory_mib_remaining: room * 100,
        attributes: [("stack".into(), Some(stack.into()))].into(),
        ..Instance::default()
    }
}

fn task(arn: &str, on: &str) -> Task {
    let (arn, instance_arn, desired_running) = (arn.into(), Some(on.into()), true);
    Task { arn, instance_arn, desired_running, ..Task::default() }
}

fn seen(instances: Vec<Instance>, tasks: Vec<Task>) -> Seen {
    Seen { definition: Some(definition()), instances: Some(instances), tasks: Some(tasks) }
}

fn planned(copies: usize, seen: &Seen) -> Plan {
    plan(&wish(copies), seen).expect("all was read")
}

#[test]
fn liked_instances_are_filled_first_and_evenly() {
    let there = vec![instance("a", 9, "test"), instance("b", 2, "prod"), instance("c", 2, "prod")];
    let made = planned(5, &seen(there, Vec::new()));
    assert_eq!(made.starts, ["b", "c", "b", "c", "a"].map(Str::from));
}

#[test]
fn what_is_too_many_goes_from_the_worst_place_and_what_drains_is_replaced() {
    let mut drains = instance("c", 9, "prod");
    drains.active = false;
    let there = vec![instance("a", 9, "test"), instance("b", 9, "prod"), drains];
    let tasks = vec![task("1", "a"), task("2", "b"), task("3", "c")];
    assert_eq!(planned(1, &seen(there.clone(), tasks.clone())).stops, ["3", "1"].map(Str::from));
    let made = planned(3, &seen(there, tasks));
    assert_eq!((made.stops, made.starts), (vec!["3".into()], vec!["b".into()]));
}

#[test]
fn without_a_definition_or_room_nothing_is_started() {
    let there = vec![instance("a", 0, "prod")];
    assert_eq!(planned(1, &seen(there.clone(), Vec::new())), Plan::default());
    let nothing = Seen { definition: None, ..seen(there, vec![task("1", "a")]) };
    assert_eq!(plan(&wish(0), &nothing), None);
}

/// ECS: tasks with the time from which lists show them.
struct World {
    now: Timestamp,
    odds: Odds,
    tasks: Vec<(Timestamp, Task)>,
    made: u64,
    is_calm: bool,
}

impl World {
    /// Carries out a question, and says what comes back.
    fn answers(&mut self, question: &Question) -> Answered {
        let mishap = if self.is_calm { 9 } else { self.odds.below(10) };
        if mishap == 0 {
            return question.fails(Failure::NotDone("no way there".to_owned()));
        }
        let answered = match question {
            Question::Definition(asked, _) => Answered::Definition(*asked, Ok(Some(definition()))),
            Question::Instances(asked, _) => {
                let all = vec![instance("a", 2, "prod"), instance("b", 9, "test")];
                Answered::Instances(*asked, Ok(all))
            }
            Question::Tasks(asked, _) => {
                let shown = self.tasks.iter().filter(|(from, _)| *from <= self.now);
                let found = shown.map(|(_, task)| task.clone()).collect();
                Answered::Tasks(*asked, Ok(Tasks { found, missing: Vec::new() }))
            }
            Question::Start(asked, start) => {
                self.made += 1;
                let task = task(&format!("t{}", self.made), &start.instance);
                // Until lists show it some time passes, but less than is waited for.
                let from = self.now + self.odds.below(SETTLE_MS - 500);
                self.tasks.push((from, task.clone()));
                Answered::Start(*asked, Ok(Outcome::Started(Box::new(task))))
            }
            Question::Stop(asked, stop) => {
                let known = self.tasks.iter_mut().find(|(_, task)| task.arn == stop.task);
                let (_, task) = known.expect("it was shown");
                (task.desired_running, task.last_status) = (false, LastStatus::parse("STOPPED"));
                Answered::Stop(*asked, Ok(Box::new(task.clone())))
            }
            Question::Change(..) => unreachable!("the keeper changes no instance"),
        };
        // It was done, and nobody hears of it.
        if mishap == 1 { question.fails(Failure::Unsure("lost".to_owned())) } else { answered }
    }

    fn running(&self) -> usize {
        self.tasks.iter().filter(|(_, task)| task.desired_running).count()
    }
}

#[test]
fn there_are_never_too_many_copies_and_in_the_end_as_many_as_are_wanted() {
    for seed in 0..200 {
        let (now, odds) = (Timestamp::from_millis(1_000), Odds(seed));
        let mut world = World { now, odds, tasks: Vec::new(), made: 0, is_calm: false };
        let (mut keeper, mut open) = (Keeper::new(wish(4)), Vec::new());
        for turn in 0..400 {
            world.is_calm = turn > 300;
            let mut out = Vec::new();
            world.now = world.now + world.odds.below(2_000);
            match open.len() {
                0 => keeper.tick(world.now, &mut out),
                many => {
                    let at = usize::try_from(world.odds.below(many as u64)).expect("it is small");
                    let answered = open.swap_remove(at);
                    keeper.step(world.now, answered, &mut out);
                }
            }
            open.extend(out.iter().map(|question| world.answers(question)));
            assert!(world.running() <= 4, "seed {seed}, turn {turn}: {:?}", world.tasks);
            if !world.is_calm && world.odds.below(40) == 0 {
                // It dies; answers that are under way reach nobody.
                (keeper, open) = (Keeper::new(wish(4)), Vec::new());
            }
            if !world.is_calm
                && world.odds.below(30) == 0
                && let Some((_, task)) = world.tasks.last_mut()
            {
                task.desired_running = false;
            }
        }
        assert_eq!(world.running(), 4, "seed {seed}: {:?}", world.tasks);
    }
}

fn lines(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(path)).expect("it can be read")
}

#[test]
fn the_skeleton_has_fewer_lines_than_the_guide_says() {
    let all = ["examples/src/keeper.rs", "examples/src/bin/keeper.rs"];
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let many: usize = all.iter().map(|path| lines(path).lines().filter(is_code).count()).sum();
    assert!(many < 200, "{many}");
}

/// Each block of Rust in the guide says which file it is from, and is there, line for line.
#[test]
fn the_guide_quotes_what_is_in_the_tree() {
    let guide = lines("docs/guide/write-a-scheduler.md");
    let mut quoted = 0;
    for block in guide.split("```rust ").skip(1) {
        let (path, rest) = block.split_once('\n').expect("a block has lines");
        let code = rest.split("\n```").next().unwrap_or_default();
        assert!(lines(path).contains(code), "{path} does not contain:\n{code}");
        quoted += 1;
    }
    assert!(quoted > 3 && !guide.contains("```rust\n"), "a block does not say where it is from");
}
