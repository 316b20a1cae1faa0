//! Deployments. Source: frameworks.md 3.3.

use super::*;

fn upgraded(instances: u32, healthy: u32, over: u32) -> App {
    App {
        upgrade_strategy: UpgradeStrategy {
            minimum_health_capacity_milli: healthy,
            maximum_over_capacity_milli: over,
        },
        ..an_app("/web", instances)
    }
}

fn another(app: &App) -> App {
    App { cmd: Some("run better".to_owned()), ..app.clone() }
}

#[test]
fn a_new_app_is_started_and_then_scaled() {
    let mut world = World::new();
    let id = world.put(an_app("/web", 1));
    let Reply::Deployments(all) = world.call(Call::Deployments) else { panic!() };
    let kinds: Vec<_> = all[0].1.steps.iter().map(|step| step.actions[0].word()).collect();
    assert_eq!(kinds, ["StartApplication", "ScaleApplication"]);
    assert_eq!((all[0].0.clone(), all[0].1.at), (id.clone(), 1));
    assert_eq!(world.shown("/web").deployment, Some(id.clone()));
    let tasks = world.supplies();
    world.all_run(&tasks);
    assert_eq!(world.events.last(), Some(&Event::DeploymentDone { deployment: id }));
}

#[test]
fn four_at_full_capacity_are_doubled_before_any_is_killed() {
    let mut world = World::new();
    let app = upgraded(4, 1_000, 1_000);
    let old = world.runs(app.clone());
    world.put(another(&app));
    let new = world.supplies();
    assert_eq!((new.len(), world.new_kills().len()), (4, 0));
    for (at, task) in new.iter().enumerate() {
        world.is(task, TaskState::TaskRunning);
        let kills = world.new_kills();
        assert_eq!(kills.len(), 1, "one for each that is well, at {at}");
        world.is(&kills[0], TaskState::TaskKilled);
    }
    assert_eq!(world.deployments(), 0);
    assert!(world.tasks("/web").iter().all(|one| !old.contains(&one.id.to_string())));
}

#[test]
fn four_at_half_capacity_lose_two_at_once_and_are_never_more_than_four() {
    let mut world = World::new();
    let app = upgraded(4, 500, 0);
    world.runs(app.clone());
    world.put(another(&app));
    let mut kills = world.new_kills();
    assert_eq!(kills.len(), 2);
    assert!(world.supplies().is_empty());
    for _ in 0..10 {
        for task in kills.drain(..) {
            world.is(&task, TaskState::TaskKilled);
        }
        let new = world.supplies();
        assert!(world.tasks("/web").len() <= 4);
        world.all_run(&new);
        kills = world.new_kills();
    }
    assert_eq!((world.deployments(), world.shown("/web").counts.running), (0, 4));
}

#[test]
fn one_without_room_gets_room_for_another() {
    let mut world = World::new();
    let app = upgraded(1, 1_000, 0);
    let old = world.runs(app.clone());
    world.put(another(&app));
    let new = world.supplies();
    assert_eq!((new.len(), world.new_kills().len()), (1, 0));
    world.all_run(&new);
    assert_eq!(world.new_kills(), old);
}

#[test]
fn none_is_upgraded_at_once_and_scaled_without_a_restart() {
    let mut world = World::new();
    world.put(upgraded(0, 1_000, 1_000));
    assert_eq!(world.deployments(), 0);
    world.put(another(&upgraded(0, 1_000, 1_000)));
    assert_eq!(world.deployments(), 0);
    let tasks = world.runs(another(&upgraded(2, 1_000, 1_000)));
    world.put(another(&upgraded(1, 1_000, 1_000)));
    let kills = world.new_kills();
    assert_eq!(kills.len(), 1);
    assert!(tasks.contains(&kills[0]));
}

#[test]
fn the_youngest_goes_first_or_the_oldest_as_the_app_says() {
    for (selection, goes) in [(KillSelection::YoungestFirst, 1), (KillSelection::OldestFirst, 0)] {
        let mut world = World::new();
        let app = App { kill_selection: selection, ..an_app("/web", 1) };
        let mut tasks = world.runs(app.clone());
        world.passes(10);
        tasks.extend(world.runs(App { instances: 2, ..app.clone() }));
        world.put(app);
        assert_eq!(world.new_kills(), [tasks[goes].clone()]);
    }
}

#[test]
fn a_locked_app_is_refused_and_force_cancels_what_locks_it() {
    let mut world = World::new();
    let first = world.put(an_app("/web", 1));
    let reply = world.put_all(vec![an_app("/web", 2)], false);
    assert_eq!(reply, Reply::Locked(vec![first.clone()]));
    let Reply::Done { .. } = world.put_all(vec![an_app("/web", 2)], true) else { panic!() };
    assert!(world.events.contains(&Event::DeploymentFailed { deployment: first }));
    let tasks = world.supplies();
    assert_eq!(tasks.len(), 2);
    world.all_run(&tasks);
    assert_eq!(world.deployments(), 0);
}

#[test]
fn what_a_cancelled_deployment_left_undone_is_done_by_the_next() {
    let mut world = World::new();
    let mut second = an_app("/second", 1);
    second.dependencies = vec![PathId::kept("/first")];
    world.put_all(vec![an_app("/first", 1), second], false);
    world.put_all(vec![an_app("/first", 2)], true);
    let first = world.supplies();
    assert_eq!(first.len(), 2);
    world.all_run(&first);
    assert_eq!(world.supplies().len(), 1);
}

#[test]
fn a_deployment_is_taken_back_by_another() {
    let mut world = World::new();
    let app = upgraded(2, 1_000, 1_000);
    let old = world.runs(app.clone());
    let id = world.put(another(&app));
    let new = world.supplies();
    world.is(&new[0], TaskState::TaskRunning);
    let killed = world.new_kills();
    world.is(&killed[0], TaskState::TaskKilled);
    let back = world.call(Call::Cancel { deployment: id.to_string(), force: false });
    assert!(matches!(back, Reply::Done { .. }), "{back:?}");
    let kept: Vec<_> = old.iter().filter(|one| !killed.contains(one)).collect();
    for _ in 0..5 {
        for task in world.new_kills() {
            assert_ne!(task, *kept[0], "what is of the old version stays");
            world.is(&task, TaskState::TaskKilled);
        }
        let tasks = world.supplies();
        world.all_run(&tasks);
    }
    assert_eq!(world.deployments(), 0);
    let shown = world.shown("/web");
    assert_eq!((shown.app.cmd.as_deref(), shown.counts.running), (Some("run"), 2));
}

#[test]
fn a_new_app_that_is_taken_back_is_gone() {
    let mut world = World::new();
    let id = world.put(an_app("/web", 1));
    let tasks = world.supplies();
    world.call(Call::Cancel { deployment: id.to_string(), force: false });
    assert_eq!(world.new_kills(), tasks);
    world.is(&tasks[0], TaskState::TaskKilled);
    let gone = world.call(Call::App { id: PathId::kept("/web") });
    assert_eq!(gone, Reply::NoApp(PathId::kept("/web")));
    assert_eq!(world.deployments(), 0);
}

#[test]
fn dependencies_come_first_and_cycles_are_refused() {
    let mut world = World::new();
    let mut web = an_app("/shop/web", 1);
    web.dependencies = vec![PathId::kept("/shop/db")];
    let db = an_app("/shop/db/mysql", 1);
    let group = PathId::kept("/shop");
    let plan = |is_dry_run, apps: &[App]| Call::PutGroup {
        group: group.clone(),
        apps: apps.to_vec(),
        force: false,
        is_dry_run,
    };
    let Reply::Plan(steps) = world.call(plan(true, &[web.clone(), db.clone()])) else { panic!() };
    let order: Vec<_> = steps.iter().skip(1).map(|one| one.actions[0].app.as_str()).collect();
    assert_eq!(order, ["/shop/db/mysql", "/shop/web"]);
    let mut cyclic = db.clone();
    cyclic.dependencies = vec![web.id.clone()];
    let Reply::Invalid(problems) = world.call(plan(false, &[web.clone(), cyclic])) else {
        panic!()
    };
    assert_eq!(problems[0].path, "/dependencies");
    world.call(plan(false, &[web, db.clone()]));
    let tasks = world.supplies();
    world.all_run(&tasks);
    let tasks = world.supplies();
    world.all_run(&tasks);
    assert_eq!(world.deployments(), 0);
    world.call(plan(false, &[db]));
    assert_eq!(world.new_kills(), tasks);
}

#[test]
fn killed_tasks_are_replaced_or_not_as_the_client_says() {
    let mut world = World::new();
    let tasks = world.runs(an_app("/web", 3));
    let kill = |task: &String, scale| Call::Kill {
        tasks: vec![task.clone(), "none".to_owned()],
        scale,
        wipe: false,
        force: false,
    };
    let Reply::Killed(killed) = world.call(kill(&tasks[0], false)) else { panic!() };
    assert_eq!((killed.len(), world.new_kills()), (1, vec![tasks[0].clone()]));
    world.is(&tasks[0], TaskState::TaskKilled);
    let next = world.supplies();
    world.all_run(&next);
    assert!(matches!(world.call(kill(&tasks[1], true)), Reply::Done { .. }));
    assert_eq!(world.new_kills(), [tasks[1].clone()]);
    world.is(&tasks[1], TaskState::TaskKilled);
    assert!(world.supplies().is_empty());
    assert_eq!((world.shown("/web").app.instances, world.deployments()), (2, 0));
}

#[test]
fn versions_are_kept_and_an_app_returns_to_one() {
    let mut world = World::new();
    let app = an_app("/web", 0);
    world.put(app.clone());
    world.passes(5);
    world.put(another(&app));
    let versions = Call::Versions { id: PathId::kept("/web") };
    let Reply::Versions(versions) = world.call(versions) else { panic!() };
    assert_eq!(versions.len(), 2);
    let (id, version_ms) = (PathId::kept("/web"), versions[1].version_ms);
    world.call(Call::Return { id, version_ms, force: false });
    assert_eq!(world.shown("/web").app.cmd.as_deref(), Some("run"));
    for many in 0..40 {
        world.put(App { cpus_milli: 500 + many, ..app.clone() });
    }
    let kept = world.rows.keys().filter(|(kind, _)| kind == "version").count();
    assert_eq!(kept, limits::VERSIONS_MAX);
}

#[test]
fn a_restart_replaces_all_and_a_put_of_the_same_does_nothing() {
    let mut world = World::new();
    let old = world.runs(an_app("/web", 1));
    world.put(an_app("/web", 1));
    assert_eq!(world.deployments(), 0);
    world.call(Call::Restart { id: PathId::kept("/web"), force: false });
    let new = world.supplies();
    world.all_run(&new);
    assert_eq!(world.new_kills(), old);
}
