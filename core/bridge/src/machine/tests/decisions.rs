//! What operators decide about agents: deactivated, drained, gone and back.

use longshore_replica::{Alteration, Failure, StopCode};
use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::scheduler::call::{self, reconcile};
use longshore_wire_mesos::v1::scheduler::event::Type as EventType;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{DrainState, TaskId, TaskState, TaskStatus};

use super::world::{Client, World, able, agent, framework, kind};
use crate::machine::Response;
use crate::operator::{AgentWish, Command, DrainView};

const DRAIN: AgentWish = AgentWish::Drain { max_grace_ms: None, mark_gone: false };
const DRAIN_AND_GO: AgentWish = AgentWish::Drain { max_grace_ms: None, mark_gone: true };

impl World {
    /// The ARN of the only instance.
    fn only(&self) -> Str {
        self.cluster.instances.keys().next().expect("there is one").clone()
    }

    /// An operator decides something about the agent of an instance.
    pub(super) fn wish(&mut self, arn: &str, wish: AgentWish) -> Option<Response> {
        self.command(Command::Agent(agent(arn).value.as_str().into(), wish))
    }

    fn decided(&mut self, arn: &str, wish: AgentWish) {
        assert_eq!(self.wish(arn, wish.clone()), Some(Response::Done), "{wish:?}");
        self.soon();
    }

    /// What ECS holds of the decisions about an agent.
    fn marked(&self, arn: &str) -> String {
        let held = self.cluster.instances[arn].attribute("longshore.agent");
        held.map(ToString::to_string).unwrap_or_default()
    }

    /// ECS holds something else, whoever made it so.
    fn marks(&mut self, arn: &str, text: &str) {
        self.cluster.change(arn, |instance| {
            instance.attributes.insert("longshore.agent".into(), Some(text.into()));
        });
        // ECS sends no event for that: the next reading shows it.
        self.run_for(60_000);
    }

    /// How an agent is shown: whether active and deactivated, and how far drained.
    fn shown(&mut self, arn: &str) -> Option<(bool, bool, Option<DrainView>)> {
        let view = self.view();
        let (agent, _) = view.agent(&agent(arn).value)?;
        Some((agent.is_active(), agent.deactivated, agent.drain.clone()))
    }

    pub(super) fn failures(&mut self, client: &Client) -> Vec<String> {
        let events = self.take(client.stream, EventType::Failure);
        let agent = |event: longshore_wire_mesos::v1::scheduler::Event| {
            event.failure.expect("it has its part").agent_id.expect("it names an agent").value
        };
        events.into_iter().map(|(_, event)| agent(event)).collect()
    }

    /// That it heard of its tasks first, and then that their agent is lost. Source: Mesos, `Master::__removeSlave`.
    pub(super) fn tasks_come_first(&self, client: &Client) {
        let heard = self.events.iter().filter(|(_, on, _)| *on == client.stream);
        let heard: Vec<EventType> = heard.map(|(_, _, event)| event.r#type()).collect();
        let last = heard.iter().rposition(|kind| *kind == EventType::Update);
        let lost = heard.iter().position(|kind| *kind == EventType::Failure);
        assert!(last.is_some() && last < lost, "{heard:?}");
    }

    /// What a framework hears when it asks for a task.
    pub(super) fn asked_for(&mut self, client: &Client, id: &str, on: Option<&str>) -> TaskStatus {
        let task =
            reconcile::Task { task_id: TaskId { value: id.to_owned() }, agent_id: on.map(agent) };
        let reconcile = call::Reconcile { tasks: vec![task] };
        let call = longshore_wire_mesos::v1::scheduler::Call {
            reconcile: Some(reconcile),
            ..kind(call::Type::Reconcile)
        };
        assert_eq!(self.call(client, call), Response::Accepted);
        self.update(client)
    }
}

pub(super) fn aware(name: &str) -> longshore_wire_mesos::v1::FrameworkInfo {
    able(framework(name), &[Capability::PartitionAware, Capability::TaskKillingState])
}

fn refused(response: Option<Response>) -> (u16, String) {
    match response {
        Some(Response::Refused(status, why)) => (status, why),
        other => panic!("it is not refused: {other:?}"),
    }
}

/// \[O7\]
#[test]
fn a_deactivated_agent_is_offered_to_nobody_and_keeps_its_tasks() {
    let (mut world, client) = World::with_client(&[(2048, 4096)]);
    let task = world.running(&client, "t");
    let offer = world.offer(&client);
    let arn = world.only();
    world.decided(&arn, AgentWish::Deactivate);
    assert_eq!(world.rescinded(&client), [offer.id.value]);
    world.run_for(60_000);
    assert_eq!(world.offers(&client), []);
    assert_eq!(world.updates(&client), []);
    assert!(world.cluster.tasks[&task].desired_running && world.cluster.instances[&arn].active);
    assert_eq!(world.shown(&arn), Some((false, true, None)));
    world.decided(&arn, AgentWish::Reactivate);
    assert_eq!(world.offers(&client).len(), 1);
    assert_eq!(world.shown(&arn), Some((true, false, None)));
}

/// \[O7\]
#[test]
fn a_drained_agent_is_draining_on_ecs_and_its_tasks_are_killed() {
    let mut world = World::new(&[(2048, 4096)]);
    let client = world.subscribe(aware("one"));
    let task = world.running(&client, "t");
    let arn = world.only();
    let offer = world.offer(&client);
    let before = world.now;
    world.decided(&arn, DRAIN);
    assert_eq!(world.rescinded(&client), [offer.id.value]);
    let killing = world.update(&client);
    assert_eq!(killing.state(), TaskState::TaskKilling);
    assert_eq!(killing.reason(), Reason::AgentDraining);
    assert_eq!(world.cluster.stops, std::slice::from_ref(&task));
    assert!(!world.cluster.instances[&arn].active, "ECS must place nothing there");
    let drain =
        |state| DrainView { state, has_grace_period: false, mark_gone: false, started_at: before };
    assert_eq!(world.shown(&arn), Some((false, true, Some(drain(DrainState::Draining)))));
    assert_eq!(
        refused(world.wish(&arn, AgentWish::Reactivate)),
        (400, "Agent is still in the DRAINING state".to_owned())
    );
    world.cluster.ends(&task, StopCode::UserInitiated, Some(143));
    world.soon();
    let killed = world.updates(&client).pop().expect("it is told");
    assert_eq!(killed.state(), TaskState::TaskKilled);
    assert_eq!((killed.source(), killed.reason()), (Source::Executor, Reason::AgentDraining));
    assert_eq!(world.shown(&arn), Some((false, true, Some(drain(DrainState::Draining)))));
    // Only what is acknowledged is over.
    world.acknowledge(&client, &killed);
    world.soon();
    assert_eq!(world.shown(&arn), Some((false, true, Some(drain(DrainState::Drained)))));
    world.run_for(60_000);
    assert_eq!(world.offers(&client), []);
    world.decided(&arn, AgentWish::Reactivate);
    assert!(world.cluster.instances[&arn].active);
    assert_eq!(world.shown(&arn), Some((true, false, None)));
    world.offer(&client);
}

/// \[E1\]: the registry of a Mesos master holds that, so that it outlives the master.
#[test]
fn an_agent_that_was_drained_stays_so_although_the_next_bridge_tells_of_its_tasks_again() {
    let mut world = World::new(&[(2048, 4096)]);
    let client = world.subscribe(aware("one"));
    let task = world.running(&client, "t");
    let arn = world.only();
    world.decided(&arn, DRAIN);
    world.cluster.ends(&task, StopCode::UserInitiated, Some(143));
    world.soon();
    for status in world.updates(&client) {
        world.acknowledge(&client, &status);
    }
    world.run_for(1_000);
    for status in world.updates(&client) {
        world.acknowledge(&client, &status);
    }
    world.soon();
    let state = |world: &mut World| world.shown(&arn).and_then(|shown| Some(shown.2?.state));
    assert_eq!(state(&mut world), Some(DrainState::Drained));
    world.restart();
    assert_eq!(state(&mut world), Some(DrainState::Drained));
    world.decided(&arn, AgentWish::Reactivate);
    assert_eq!(world.shown(&arn), Some((true, false, None)));
}

#[test]
fn a_drain_does_not_wait_for_frameworks_that_only_the_last_bridge_knew() {
    let (mut world, client) = World::with_client(&[(2048, 4096)]);
    let task = world.running(&client, "t");
    world.cluster.ends(&task, StopCode::EssentialContainerExited, Some(0));
    world.soon();
    world.restart();
    let arn = world.only();
    world.decided(&arn, DRAIN);
    let (_, _, drain) = world.shown(&arn).expect("it is there");
    assert_eq!(drain.map(|drain| drain.state), Some(DrainState::Drained));
}

#[test]
fn an_agent_without_tasks_is_drained_at_once() {
    let (mut world, _) = World::with_client(&[(2048, 4096)]);
    let arn = world.only();
    world.decided(&arn, DRAIN);
    let (_, _, drain) = world.shown(&arn).expect("it is there");
    assert_eq!(drain.map(|drain| drain.state), Some(DrainState::Drained));
}

/// \[R3\] row 5, \[E1\]
#[test]
fn an_agent_that_is_drained_to_be_gone_goes_when_its_tasks_are_over() {
    let mut world = World::new(&[(2048, 4096)]);
    let client = world.subscribe(aware("one"));
    let task = world.running(&client, "t");
    let arn = world.only();
    world.decided(&arn, DRAIN_AND_GO);
    assert_eq!(world.update(&client).state(), TaskState::TaskKilling);
    world.cluster.ends(&task, StopCode::UserInitiated, Some(143));
    world.soon();
    let updates = world.updates(&client);
    let over = updates.last().expect("it is told");
    assert_eq!(over.state(), TaskState::TaskGoneByOperator);
    assert_eq!(over.reason(), Reason::AgentDraining);
    for status in &updates {
        world.acknowledge(&client, status);
    }
    world.run_for(20_000);
    for status in world.updates(&client) {
        world.acknowledge(&client, &status);
    }
    world.soon();
    assert_eq!(world.shown(&arn), None);
    assert_eq!(world.failures(&client), [agent(&arn).value]);
    let answer = world.asked_for(&client, "t", Some(&arn));
    assert_eq!(answer.state(), TaskState::TaskGoneByOperator);
    assert_eq!(answer.message(), "Reconciliation: Task is gone");
}

/// \[C41\], \[E1\], \[R3\] row 5
#[test]
fn tasks_on_an_agent_that_is_marked_gone_are_over_at_once() {
    let mut world = World::new(&[(4096, 4096)]);
    let (knows, knows_not) = (world.subscribe(aware("one")), world.subscribe(framework("two")));
    let first = world.running(&knows, "t");
    for offer in world.offers(&knows) {
        world.decline(&knows, &offer, 3_600.0);
    }
    world.soon();
    let second = world.running(&knows_not, "u");
    world.soon();
    let arn = world.only();
    let offered = world.offers(&knows_not).len();
    world.offers(&knows);
    world.decided(&arn, AgentWish::MarkGone);
    assert_eq!(world.rescinded(&knows_not).len(), offered);
    let status = world.update(&knows);
    assert_eq!(status.state(), TaskState::TaskGoneByOperator);
    assert_eq!(
        (status.source(), status.reason(), status.uuid.is_some()),
        (Source::Master, Reason::AgentRemovedByOperator, false)
    );
    let status = world.update(&knows_not);
    assert_eq!((status.state(), status.reason()), (TaskState::TaskLost, Reason::AgentRemoved));
    for client in [&knows, &knows_not] {
        assert_eq!(world.failures(client), [agent(&arn).value]);
    }
    assert_eq!(world.shown(&arn), None);
    // It is ended on ECS as well, and nobody hears more of it.
    assert_eq!(world.cluster.stops, [first.clone(), second.clone()]);
    for task in [&first, &second] {
        world.cluster.ends(task, StopCode::UserInitiated, Some(137));
    }
    world.run_for(60_000);
    assert!(world.updates(&knows).is_empty() && world.offers(&knows).is_empty());
    assert_eq!((world.size("launches"), world.size("updates")), (0, 0));
    assert_eq!(world.asked_for(&knows, "t", Some(&arn)).state(), TaskState::TaskGoneByOperator);
    assert_eq!(world.asked_for(&knows_not, "u", Some(&arn)).state(), TaskState::TaskLost);
    // A second time is no error; anything else is.
    assert_eq!(world.wish(&arn, AgentWish::MarkGone), Some(Response::Done));
    assert_eq!(
        refused(world.wish(&arn, AgentWish::Reactivate)),
        (400, "Agent is not deactivated".to_owned())
    );
}

#[test]
fn decisions_about_what_is_not_there_are_refused_as_a_master_words_it() {
    let (mut world, _) = World::with_client(&[(1024, 1024)]);
    let unknown = "cluster/nosuch";
    for (wish, status, why) in [
        (AgentWish::MarkGone, 404, "Agent 'nosuch' not found"),
        (DRAIN, 400, "Unknown agent"),
        (AgentWish::Deactivate, 400, "Unknown agent"),
        (AgentWish::Reactivate, 400, "Agent is not deactivated"),
    ] {
        assert_eq!(refused(world.wish(unknown, wish)), (status, why.to_owned()));
    }
    let arn = world.only();
    assert_eq!(refused(world.wish(&arn, AgentWish::Reactivate)).1, "Agent is not deactivated");
}

#[test]
fn what_was_decided_outlives_the_bridge() {
    let mut world = World::new(&[(2048, 4096), (2048, 4096), (2048, 4096)]);
    let client = world.subscribe(aware("one"));
    let arns: Vec<Str> = world.cluster.instances.keys().cloned().collect();
    world.offers(&client);
    world.decided(&arns[0], AgentWish::Deactivate);
    world.decided(&arns[1], DRAIN);
    world.decided(&arns[2], AgentWish::MarkGone);
    world.restart();
    let back = world.subscribe(longshore_wire_mesos::v1::FrameworkInfo {
        id: Some(longshore_wire_mesos::v1::FrameworkId { value: client.id.clone() }),
        ..aware("one")
    });
    // [R4] So long a master says nothing of tasks that it does not know.
    world.run_for(80_000);
    assert_eq!(world.offers(&back), []);
    assert_eq!(world.shown(&arns[0]), Some((false, true, None)));
    let (_, _, drain) = world.shown(&arns[1]).expect("it is there");
    assert_eq!(drain.map(|drain| drain.state), Some(DrainState::Drained));
    assert_eq!(world.shown(&arns[2]), None);
    assert_eq!(world.asked_for(&back, "t", Some(&arns[2])).state(), TaskState::TaskGoneByOperator);
    world.decided(&arns[0], AgentWish::Reactivate);
    let offers = world.offers(&back);
    assert_eq!(offers.len(), 1);
    let names: Vec<&str> = offers[0].attributes.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["ecs.availability-zone"], "frameworks see nothing of what was decided");
}

#[test]
fn a_change_that_ecs_makes_late_does_not_undo_a_later_decision() {
    let mut world = World::new(&[(2048, 4096), (2048, 4096)]);
    let arns: Vec<Str> = world.cluster.instances.keys().cloned().collect();
    world.decided(&arns[0], AgentWish::Deactivate);
    let late = world.marked(&arns[0]);
    world.decided(&arns[0], AgentWish::Reactivate);
    world.decided(&arns[1], AgentWish::MarkGone);
    let last: Vec<String> = arns.iter().map(|arn| world.marked(arn)).collect();
    world.marks(&arns[0], &late);
    world.marks(&arns[1], &late);
    assert_eq!(world.shown(&arns[0]), Some((true, false, None)), "it is in use meanwhile");
    world.run_for(60_000);
    assert_eq!(world.marked(&arns[0]), last[0]);
    assert!(world.marked(&arns[1]).starts_with("gone:"), "{}", world.marked(&arns[1]));
    world.restart();
    assert_eq!(world.shown(&arns[0]), Some((true, false, None)));
    assert_eq!(world.shown(&arns[1]), None);
}

#[test]
fn the_later_decision_of_another_bridge_is_followed_also_about_an_agent_of_which_this_one_decided()
{
    let (mut world, _) = World::with_client(&[(2048, 4096)]);
    let arn = world.only();
    world.decided(&arn, AgentWish::Deactivate);
    let later = world.now.millis() + 1_000;
    world.marks(&arn, &format!("active:{later}"));
    assert_eq!(world.shown(&arn), Some((true, false, None)));
    world.marks(&arn, &format!("deactivated:{}", later + 1));
    assert_eq!(world.shown(&arn), Some((false, true, None)));
    let told = world.cluster.alterations.len();
    world.run_for(60_000);
    assert_eq!(world.cluster.alterations.len(), told, "nobody writes what is there");
    // Also one whose clock is behind decides something later.
    world.decided(&arn, AgentWish::Reactivate);
    let version = |text: &str| text.rsplit(':').next().and_then(|one| one.parse::<u64>().ok());
    assert!(version(&world.marked(&arn)) > Some(later), "{}", world.marked(&arn));
}

#[test]
fn a_decision_that_another_bridge_overrules_while_ecs_is_told_of_it_does_not_hold() {
    let (mut world, _) = World::with_client(&[(2048, 4096)]);
    let arn = world.only();
    world.hold = Some(|ask| {
        use longshore_replica::{InstanceChange, Question};
        matches!(ask, Question::Change(_, InstanceChange { to: Alteration::Active(_), .. }))
    });
    assert_eq!(world.wish(&arn, DRAIN), None);
    let id = world.last_call();
    let later = world.now.millis() + 1_000;
    world.cluster.change(&arn, |instance| {
        let gone = format!("gone:{later}").into();
        instance.attributes.insert("longshore.agent".into(), Some(gone));
    });
    world.hold = None;
    world.run_for(5_000);
    assert_eq!(world.response(id), Some(Response::Done));
    assert_eq!(world.shown(&arn), None, "it is gone");
}

#[test]
fn a_bridge_that_dies_while_it_drains_goes_on_when_it_is_back() {
    let mut world = World::new(&[(2048, 4096)]);
    let client = world.subscribe(aware("one"));
    let task = world.running(&client, "t");
    let arn = world.only();
    // ECS has the attribute, and not yet the status.
    world.hold = Some(|ask| {
        use longshore_replica::{InstanceChange, Question};
        matches!(ask, Question::Change(_, InstanceChange { to: Alteration::Active(_), .. }))
    });
    assert_eq!(world.wish(&arn, DRAIN), None, "it does not hold yet");
    world.soon();
    assert!(world.cluster.stops.is_empty());
    world.hold = None;
    world.restart();
    world.run_for(5_000);
    assert!(!world.cluster.instances[&arn].active);
    assert_eq!(world.cluster.stops.first(), Some(&task));
}

#[test]
fn a_decision_is_answered_once_ecs_has_it_and_tried_again_until_then() {
    let (mut world, _) = World::with_client(&[(1024, 1024)]);
    let arn = world.only();
    let lost = || Failure::Unsure("the connection broke".to_owned());
    world.cluster.alterations_fail.extend([Some(lost()), Some(Failure::Throttled)]);
    assert_eq!(world.wish(&arn, AgentWish::Deactivate), None);
    assert_eq!(
        refused(world.wish(&arn, DRAIN)).0,
        503,
        "one decision about an agent is on its way at a time"
    );
    world.run_for(3_000);
    assert_eq!(world.cluster.alterations.len(), 3);
    assert_eq!(world.shown(&arn), Some((false, true, None)));
}

#[test]
fn what_ecs_refuses_is_refused_and_leaves_nothing_behind() {
    let (mut world, client) = World::with_client(&[(1024, 1024)]);
    let arn = world.only();
    world.offer(&client);
    let denied = Failure::Refused {
        code: "AccessDeniedException".to_owned(),
        message: "not authorized to perform ecs:UpdateContainerInstancesState".to_owned(),
    };
    // The attribute is written; the status is not.
    world.cluster.alterations_fail.extend([None, Some(denied)]);
    let (status, why) = refused(world.wish(&arn, DRAIN));
    assert_eq!(status, 403);
    assert!(why.ends_with("ecs:UpdateContainerInstancesState"), "{why}");
    world.soon();
    assert!(world.marked(&arn).starts_with("active:"), "{}", world.marked(&arn));
    assert_eq!(world.shown(&arn), Some((true, false, None)));
    assert!(world.rescinded(&client).is_empty() && world.size("decisions about agents") == 0);
}

#[test]
fn a_drain_that_is_refused_leaves_no_instance_draining_although_no_answer_came() {
    let (mut world, client) = World::with_client(&[(1024, 1024)]);
    let arn = world.only();
    world.offer(&client);
    // ECS makes the change, and each answer is lost.
    world.cluster.alterations_lost = true;
    assert_eq!(world.wish(&arn, DRAIN), None);
    let id = world.last_call();
    world.run_for(15_000);
    assert_eq!(refused(world.response(id)).0, 503);
    world.cluster.alterations_lost = false;
    world.run_for(5_000);
    assert!(world.cluster.instances[&arn].active);
    assert_eq!(world.shown(&arn), Some((true, false, None)));
}

#[test]
fn an_operator_does_not_wait_for_ever_for_an_ecs_that_does_not_answer() {
    let (mut world, _) = World::with_client(&[(1024, 1024)]);
    let arn = world.only();
    world.cluster.reachable = false;
    assert_eq!(world.wish(&arn, DRAIN), None);
    let id = world.last_call();
    world.run_for(15_000);
    let (status, why) = refused(world.response(id));
    assert_eq!(status, 503);
    assert!(why.contains("did not confirm"), "{why}");
    world.cluster.reachable = true;
    world.run_for(5_000);
    assert_eq!(world.size("decisions about agents"), 0);
    assert_eq!(world.shown(&arn), Some((true, false, None)));
}
