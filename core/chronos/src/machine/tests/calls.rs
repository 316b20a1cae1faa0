//! What clients may call, and what they see.

use super::*;

fn search(world: &mut World, search: Search) -> Vec<String> {
    match world.call(Call::Search(search)) {
        Reply::Jobs(jobs) => jobs.iter().map(|job| job.definition.name.clone()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_asked_of_a_job_that_is_not_there_is_refused() {
    let mut world = World::new();
    let name = || "nobody".to_owned();
    for call in [
        Call::Run { name: name(), arguments: String::new() },
        Call::Succeed { name: name() },
        Call::Delete { name: name() },
        Call::Kill { name: name() },
        Call::Job { name: name() },
        Call::Stat { name: name() },
        Call::Progress { name: name(), task: "ct:1:0:nobody:".to_owned(), elements: 1 },
    ] {
        let Reply::Refused(why) = world.call(call) else { panic!() };
        assert_eq!(why.0, "Job 'nobody' not found");
    }
}

#[test]
fn a_run_that_a_person_wants_has_arguments_and_follows_a_run_that_is_out() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R0//PT1H"}));
    let run = |arguments: &str| Call::Run { name: "a".to_owned(), arguments: arguments.to_owned() };
    world.call(run("--day 1"));
    world.call(run("--day 2"));
    world.passes(0);
    let command = |task: &TaskInfo| task.command.clone().unwrap().value.unwrap();
    assert_eq!(world.launched.iter().map(command).collect::<Vec<_>>(), ["run --day 1"]);
    let task = world.task();
    assert_eq!(task, format!("ct:{NOON}:0:a:--day 1"));
    world.is(&task, TaskState::TaskFinished);
    world.passes(0);
    assert_eq!(world.launched.iter().map(command).collect::<Vec<_>>(), ["run --day 2"]);
}

#[test]
fn jobs_are_found_by_name_command_or_either() {
    let mut world = World::new();
    for (name, command) in [("alpha", "echo"), ("beta", "sleep"), ("gamma", "echo alpha")] {
        world.post(json!({"name": name, "command": command, "schedule": "R0//PT1H"}));
    }
    let all = Search { limit: 10, ..Search::default() };
    assert_eq!(search(&mut world, Search { name: "ALPH".into(), ..all.clone() }), ["alpha"]);
    assert_eq!(
        search(&mut world, Search { command: "echo".into(), ..all.clone() }),
        ["alpha", "gamma"]
    );
    assert_eq!(
        search(&mut world, Search { any: "alpha".into(), ..all.clone() }),
        ["alpha", "gamma"]
    );
    let either = Search { name: "beta".into(), any: "gamma".into(), ..all.clone() };
    assert_eq!(search(&mut world, either), ["beta", "gamma"]);
    assert_eq!(search(&mut world, Search { limit: 1, offset: 1, ..all }), ["beta"]);
}

#[test]
fn the_graph_is_written_as_lines_and_for_graphviz() {
    // Source: frameworks.md 4.1.
    let mut world = World::new();
    world.job("p", json!({"schedule": "R1//PT1H"}));
    world.job("c", json!({"parents": ["p"]}));
    let csv = |world: &mut World| match world.call(Call::Csv) {
        Reply::Text(text) => text,
        other => panic!("{other:?}"),
    };
    assert_eq!(csv(&mut world), "node,c,fresh,idle\nnode,p,fresh,queued\nlink,p,c\n");
    world.passes(0);
    assert_eq!(csv(&mut world), "node,c,fresh,idle\nnode,p,fresh,running 1\nlink,p,c\n");
    let task = world.task();
    world.is(&task, TaskState::TaskFinished);
    assert!(csv(&mut world).contains("node,p,success,idle\n"));
    let Reply::Text(dot) = world.call(Call::Dot) else { panic!() };
    assert_eq!(dot, "digraph G {\n  \"c\";\n  \"p\";\n  \"p\" -> \"c\";\n}\n");
}

#[test]
fn what_jobs_do_and_how_long_they_take_is_summed_up() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R//PT1H"}));
    world.passes(0);
    let task = world.task();
    let Reply::Summaries(of) = world.call(Call::Summary) else { panic!() };
    assert_eq!((of.jobs[0].status, of.jobs[0].state.as_str()), ("fresh", "1 running"));
    world.passes(2_500);
    world.is(&task, TaskState::TaskFinished);
    let Reply::Timings(timings) = world.call(Call::Timings { of: "median".into() }) else {
        panic!()
    };
    assert_eq!(timings.len(), 1);
    assert!((timings[0].time - 2.5).abs() < 1e-9);
    let refused = world.call(Call::Timings { of: "best".into() });
    assert!(matches!(refused, Reply::Refused(_)));
}

#[test]
fn progress_is_counted_for_jobs_that_track_it() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R//PT1H", "dataProcessingJobType": true}));
    world.job("b", json!({"schedule": "R0//PT1H"}));
    world.passes(0);
    let task = world.task();
    let progress = |name: &str, task: &str| Call::Progress {
        name: name.to_owned(),
        task: task.to_owned(),
        elements: 5,
    };
    for _ in 0..2 {
        assert!(matches!(world.call(progress("a", &task)), Reply::Done));
    }
    let Reply::Stat(stat) = world.call(Call::Stat { name: "a".to_owned() }) else { panic!() };
    assert_eq!(stat.task_stat_history[0].num_elements_processed, Some(10));
    for (name, id) in [("b", task.as_str()), ("a", "x"), ("a", "ct:1:0:a:")] {
        assert!(matches!(world.call(progress(name, id)), Reply::Refused(_)), "{name} {id}");
    }
}

#[test]
fn a_job_that_is_posted_again_keeps_its_counters_and_a_new_one_brings_its_own() {
    let mut world = World::new();
    world.job("a", json!({"schedule": "R0//PT1H", "successCount": 7}));
    world.job("a", json!({"schedule": "R0//PT2H", "successCount": 1}));
    assert_eq!(world.shown("a").counters.successes, 7);
}

#[test]
fn a_job_that_cannot_be_is_refused_by_field() {
    let mut world = World::new();
    for (members, said) in [
        (json!({"schedule": "R/1960-01-01T00:00:00Z/P1D"}), "schedule: "),
        (json!({"schedule": "R//P1D", "scheduleTimeZone": "Mars"}), "scheduleTimeZone: "),
        (json!({"schedule": "R//P1D", "constraints": [["a", "LIKE", "("]]}), "constraints[0]: "),
    ] {
        let mut job = json!({"name": "a", "command": "x"});
        job.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        assert!(world.try_post(job).unwrap_err().starts_with(said), "{said}");
    }
}
