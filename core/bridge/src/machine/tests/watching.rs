//! Operators who watch are told of what happens, in its order.

use longshore_wire_mesos::v1::TaskState;

use super::world::{World, framework};
use crate::machine::{CallId, Input};
use crate::operator::{Change, Command};

/// \[P1\]
#[test]
fn a_task_is_told_from_its_launch_to_the_end_of_its_framework() {
    let mut world = World::new(&[(4096, 4096)]);
    let view = world.watch();
    assert_eq!((view.agents().count(), view.frameworks().count()), (1, 0));
    let client = world.subscribe(framework("one"));
    world.launched(&client, "t1");
    let arn = world.cluster.arn_of("t1");
    world.cluster.runs(&arn);
    world.soon();
    world.step(Input::Commanded(CallId(0), Command::Teardown(client.id.as_str().into())));
    let told = world.changes.drain(..).map(|change| match change {
        Change::FrameworkAdded(framework) => format!("{} is there", framework.info.name),
        Change::TaskAdded(task) => format!("{} is {:?}", task.id, task.state),
        Change::TaskUpdated(task) => format!("{} became {:?}", task.id, task.state),
        Change::FrameworkRemoved(framework) => format!("{} is gone", framework.info.name),
        other => panic!("{other:?}"),
    });
    let became = |state: TaskState| format!("t1 became {state:?}");
    let expected = [
        "one is there".to_owned(),
        format!("t1 is {:?}", TaskState::TaskStaging),
        became(TaskState::TaskRunning),
        became(TaskState::TaskKilled),
        "one is gone".to_owned(),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

/// \[O11\]
#[test]
fn a_role_is_there_while_a_framework_has_it_or_something_is_set_for_it() {
    let mut world = World::new(&[(4096, 4096)]);
    let names = |world: &mut World| -> Vec<String> {
        world.view().roles().map(|(role, _)| role.to_string()).collect()
    };
    let mut info = framework("one");
    info.role = Some("web".to_owned());
    let client = world.subscribe(info);
    assert_eq!(names(&mut world), ["web"]);
    world.step(Input::Commanded(CallId(0), Command::Weights(vec![("batch".into(), 2.0)])));
    world.step(Input::Commanded(CallId(1), Command::Teardown(client.id.as_str().into())));
    world.soon();
    assert_eq!(names(&mut world), ["batch"]);
}

#[test]
fn who_left_is_told_nothing() {
    let mut world = World::new(&[(4096, 4096)]);
    world.watch();
    world.step(Input::Unwatched);
    world.subscribe(framework("one"));
    assert_eq!(world.changes, []);
}
