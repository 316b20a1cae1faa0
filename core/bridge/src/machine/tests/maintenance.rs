//! Machines that are to be away, are, and are not any more.

use longshore_wire_ecs::Str;
use longshore_wire_mesos::v1::maintenance::inverse_offer_status::Status;
use longshore_wire_mesos::v1::maintenance::{Schedule, Window};
use longshore_wire_mesos::v1::scheduler::event::Type as EventType;
use longshore_wire_mesos::v1::scheduler::{Call, call};
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{
    DurationInfo, Filters, InverseOffer, MachineId, OfferId, TaskState, TimeInfo, Unavailability,
};

use super::decisions::aware;
use super::world::{Client, World, agent, framework, kind};
use crate::machine::Response;
use crate::operator::{AgentWish, Command};

const UNAVAILABILITY: Unavailability = Unavailability {
    start: TimeInfo { nanoseconds: 1_900_000_000_000_000_000 },
    duration: Some(DurationInfo { nanoseconds: 3_600_000_000_000 }),
};

/// The machine of the first instance.
fn machine() -> MachineId {
    MachineId { hostname: Some(format!("i-{:017x}", 1)), ip: None }
}

fn schedule() -> Command {
    let window = Window { machine_ids: vec![machine()], unavailability: UNAVAILABILITY };
    Command::Maintenance(Schedule { windows: vec![window] })
}

impl World {
    fn first(&self) -> Str {
        self.cluster.instances.keys().next().expect("there is one").clone()
    }

    fn done(&mut self, command: Command) {
        assert_eq!(self.command(command.clone()), Some(Response::Done), "{command:?}");
        self.soon();
    }

    fn inverse(&mut self, client: &Client) -> Vec<InverseOffer> {
        let events = self.take(client.stream, EventType::InverseOffers);
        let part = |event: longshore_wire_mesos::v1::scheduler::Event| event.inverse_offers;
        let all = events.into_iter().filter_map(|(_, event)| part(event));
        all.flat_map(|one| one.inverse_offers).collect()
    }

    fn inverse_rescinded(&mut self, client: &Client) -> Vec<OfferId> {
        let events = self.take(client.stream, EventType::RescindInverseOffer);
        let part = |event: longshore_wire_mesos::v1::scheduler::Event| event.rescind_inverse_offer;
        let all = events.into_iter().filter_map(|(_, event)| part(event));
        all.map(|one| one.inverse_offer_id).collect()
    }

    fn leave(&mut self, client: &Client, offer: &OfferId, accepts: bool, seconds: f64) {
        let (ids, filters) = (vec![offer.clone()], Some(Filters { refuse_seconds: Some(seconds) }));
        let call = if accepts {
            let accept = call::AcceptInverseOffers { inverse_offer_ids: ids, filters };
            let blank = kind(call::Type::AcceptInverseOffers);
            Call { accept_inverse_offers: Some(accept), ..blank }
        } else {
            let decline = call::DeclineInverseOffers { inverse_offer_ids: ids, filters };
            let blank = kind(call::Type::DeclineInverseOffers);
            Call { decline_inverse_offers: Some(decline), ..blank }
        };
        assert_eq!(self.call(client, call), Response::Accepted);
    }
}

/// \[O28\], \[O7\]
#[test]
fn offers_say_when_their_agent_is_to_be_away_and_older_ones_are_taken_back() {
    let (mut world, client) = World::with_client(&[(1024, 1024), (1024, 1024)]);
    world.soon();
    let before = world.offers(&client);
    world.done(schedule());
    let first = agent(&world.first());
    let of_first = before.iter().find(|offer| offer.agent_id == first).expect("it is offered");
    assert_eq!(world.rescinded(&client), std::slice::from_ref(&of_first.id.value));
    let offers = world.offers(&client);
    assert_eq!(offers.len(), 1);
    assert_eq!(offers[0].unavailability, Some(UNAVAILABILITY));
    // Whoever is offered something of it is asked to leave it.
    let asked = world.inverse(&client);
    assert_eq!(asked.len(), 1);
    assert_eq!((&asked[0].agent_id, asked[0].unavailability), (&Some(first), UNAVAILABILITY));
    assert_ne!(asked[0].id, offers[0].id);
    world.done(Command::Maintenance(Schedule::default()));
    assert_eq!(world.rescinded(&client), [offers[0].id.value.clone()]);
    assert_eq!(world.inverse_rescinded(&client), [asked[0].id.clone()]);
    assert_eq!(world.offers(&client)[0].unavailability, None);
}

/// \[C38\], \[C31\]
#[test]
fn a_framework_is_asked_to_leave_and_its_answer_is_shown() {
    let (mut world, client) = World::with_client(&[(1024, 1024)]);
    world.running(&client, "t");
    let idle = world.subscribe(framework("two"));
    world.done(schedule());
    let asked = world.inverse(&client).pop().expect("it has a task there");
    let shown = |world: &mut World, of: &Client| -> Vec<InverseOffer> {
        world.view().inverse_offers(&of.id.as_str().into()).cloned().collect()
    };
    assert_eq!(shown(&mut world, &client), std::slice::from_ref(&asked));
    let of_idle = shown(&mut world, &idle);
    assert!(of_idle.iter().all(|one| one.framework_id.value == idle.id), "{of_idle:?}");
    world.leave(&idle, &asked.id, true, 1.0);
    world.leave(&client, &OfferId { value: "nosuch".to_owned() }, true, 1.0);
    world.leave(&client, &asked.id, true, 60.0);
    assert_eq!(shown(&mut world, &client), []);
    let view = world.view();
    let status = &view.machines().draining_machines[0];
    assert_eq!((&status.id, status.statuses.len()), (&machine(), 1));
    assert_eq!(status.statuses[0].status(), Status::Accept);
    assert_eq!(status.statuses[0].framework_id.value, client.id);
    world.run_for(55_000);
    assert_eq!(world.inverse(&client), []);
    world.run_for(10_000);
    let again = world.inverse(&client).pop().expect("it still has the task");
    world.leave(&client, &again.id, false, 3_600.0);
    let view = world.view();
    assert_eq!(view.machines().draining_machines[0].statuses[0].status(), Status::Decline);
    world.run_for(100_000);
    assert_eq!(world.inverse(&client), []);
    assert_eq!(world.call(&client, kind(call::Type::Revive)), Response::Accepted);
    assert_eq!(world.inverse(&client).len(), 1);
}

/// \[O22\]: as offers are not, so that none of both goes round as fast as it can.
#[test]
fn a_framework_that_answers_without_a_filter_is_not_asked_again_at_once() {
    let (mut world, client) = World::with_client(&[(1024, 1024)]);
    world.running(&client, "t");
    world.done(schedule());
    let asked = world.inverse(&client).pop().expect("it has a task there");
    world.leave(&client, &asked.id, false, 0.0);
    world.run_for(900);
    assert_eq!(world.inverse(&client), []);
    world.run_for(1_000);
    assert_eq!(world.inverse(&client).len(), 1);
}

#[test]
fn an_agent_whose_machine_is_down_is_told_gone_once() {
    let mut world = World::new(&[(1024, 1024)]);
    let client = world.subscribe(aware("one"));
    let arn = world.first();
    world.done(schedule());
    world.done(Command::MachinesDown(vec![machine()]));
    assert_eq!(world.failures(&client).len(), 1);
    world.cluster.change(&arn, |instance| instance.connected = false);
    world.run_for(90_000);
    world.cluster.lose(&arn);
    world.run_for(90_000);
    assert_eq!(world.failures(&client), Vec::<String>::new());
    assert_eq!(world.view().number("slave_removals"), Some(1.0));
}

/// \[F1\]
#[test]
fn a_framework_that_comes_back_is_asked_again() {
    let (mut world, client) = World::with_client(&[(1024, 1024)]);
    world.running(&client, "t");
    world.done(schedule());
    let asked = world.inverse(&client).pop().expect("it has a task there");
    world.step(crate::machine::Input::StreamEnded(client.stream));
    let back = world.subscribe(super::world::returning(&client));
    world.soon();
    let again = world.inverse(&back).pop().expect("it has the task still");
    assert_ne!(again.id, asked.id);
}

/// \[T31\], \[E1\], \[R3\] row 6
#[test]
fn a_machine_that_is_down_has_no_agent_and_its_tasks_are_lost() {
    let mut world = World::new(&[(1024, 1024)]);
    let client = world.subscribe(aware("one"));
    let task = world.running(&client, "t");
    let arn = world.first();
    world.done(schedule());
    let asked = world.inverse(&client).pop().expect("it has a task there");
    world.offers(&client);
    world.done(Command::MachinesDown(vec![machine()]));
    world.tasks_come_first(&client);
    let lost = world.update(&client);
    assert_eq!((lost.state(), lost.reason()), (TaskState::TaskLost, Reason::AgentRemoved));
    assert!(lost.message().ends_with("removed: Operator initiated 'Machine DOWN'"));
    assert_eq!(world.failures(&client), [agent(&arn).value]);
    assert_eq!(world.inverse_rescinded(&client), [asked.id]);
    assert!(!world.cluster.instances[&arn].active);
    assert_eq!(world.cluster.stops, [task]);
    let view = world.view();
    assert_eq!(view.machines().down_machines, [machine()]);
    assert_eq!(view.agents().count(), 0);
    world.run_for(90_000);
    assert_eq!(world.offers(&client), []);
    assert_eq!(world.asked_for(&client, "t", Some(&arn)).state(), TaskState::TaskUnknown);
    let again = world.command(Command::MachinesDown(vec![machine()]));
    assert!(matches!(again, Some(Response::Refused(400, _))), "{again:?}");
    world.done(Command::MachinesUp(vec![machine()]));
    assert!(world.cluster.instances[&arn].active);
    world.run_for(5_000);
    let offers = world.offers(&client);
    assert_eq!((offers.len(), offers[0].unavailability), (1, None));
    assert_eq!(world.view().schedule(), &Schedule::default());
}

#[test]
fn an_agent_that_is_gone_stays_so_whatever_becomes_of_its_machine() {
    let (mut world, _) = World::with_client(&[(1024, 1024)]);
    let arn = world.first();
    world.done(schedule());
    assert_eq!(world.wish(&arn, AgentWish::MarkGone), Some(Response::Done));
    world.soon();
    let told = world.cluster.alterations.len();
    world.done(Command::MachinesDown(vec![machine()]));
    world.done(Command::MachinesUp(vec![machine()]));
    world.run_for(60_000);
    assert_eq!((world.cluster.alterations.len(), world.view().agents().count()), (told, 0));
    world.restart();
    assert_eq!(world.view().agents().count(), 0);
}

#[test]
fn an_agent_on_the_schedule_is_not_drained_besides() {
    let (mut world, _) = World::with_client(&[(1024, 1024)]);
    world.done(schedule());
    let arn = world.first();
    let drain = AgentWish::Drain { max_grace_ms: None, mark_gone: false };
    let id = agent(&arn).value;
    let name = machine().hostname.expect("it has one");
    let why = format!("Agent {id} is part of a maintenance schedule under Machine {name}");
    assert_eq!(world.wish(&arn, drain), Some(Response::Refused(400, why)));
}

#[test]
fn an_instance_that_comes_on_a_machine_that_is_down_is_no_agent() {
    let (mut world, client) = World::with_client(&[]);
    world.done(schedule());
    world.done(Command::MachinesDown(vec![machine()]));
    world.cluster.add_instance(1024, 1024);
    world.run_for(60_000);
    assert_eq!(world.offers(&client), []);
    assert_eq!(world.view().agents().count(), 0);
}
