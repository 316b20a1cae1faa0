//! Who is offered what, and when it is taken back. Rules \[O7\] to \[O16\].

use longshore_machine::Machine;
use longshore_replica::{Instance, Question, StopCode};
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;
use longshore_wire_mesos::v1::scheduler::call::Type;
use longshore_wire_mesos::v1::scheduler::{Call, call};
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{FrameworkInfo, Resource, TaskState, value};

use super::world::{Client, World, able, accepting, config, framework, kind, sleeper, total};
use crate::amounts::to_number;
use crate::limits::ALLOCATION_DELAY_MS;
use crate::machine::{Input, Response};
use crate::{Bridge, Config};

/// Longer than a quiet cluster goes unread.
const NOTICED_MS: u64 = 6_000;

fn revive(world: &mut World, client: &Client) {
    let call = Call { revive: Some(call::Revive::default()), ..kind(Type::Revive) };
    assert_eq!(world.call(client, call), Response::Accepted);
}

fn suppress(world: &mut World, client: &Client) {
    let call = Call { suppress: Some(call::Suppress::default()), ..kind(Type::Suppress) };
    assert_eq!(world.call(client, call), Response::Accepted);
}

/// \[O2\]
#[test]
fn an_offer_holds_all_that_is_free_of_one_agent() {
    let (mut world, client) = World::with_client(&[(4096, 2048)]);
    let offer = world.offer(&client);
    let offers = std::slice::from_ref(&offer);
    assert_eq!(
        (total(offers, "cpus"), total(offers, "mem"), total(offers, "disk")),
        (4_000, 2_048_000, 10_000_000)
    );
    let ports = offer
        .resources
        .iter()
        .find(|resource| resource.name == "ports")
        .expect("ports are offered");
    let range = &ports.ranges.as_ref().expect("they are ranges").range[0];
    assert_eq!((range.begin, range.end), (31_000, 31_099));
    // [O3], [O4]: the old form, for frameworks without capabilities.
    assert!(offer.allocation_info.is_none());
    assert!(
        offer
            .resources
            .iter()
            .all(|one| one.allocation_info.is_none() && one.role.as_deref() == Some("*"))
    );
}

/// \[O3\]
#[test]
fn a_framework_of_several_roles_is_told_for_which_one_an_offer_is() {
    let mut world = World::new(&[(1024, 1024), (1024, 1024)]);
    let roles = vec!["a".to_owned(), "b".to_owned()];
    let client = world
        .subscribe(able(FrameworkInfo { roles, ..framework("one") }, &[Capability::MultiRole]));
    world.soon();
    let mut told = Vec::new();
    for offer in world.offers(&client) {
        let role = offer.allocation_info.and_then(|info| info.role);
        assert!(
            offer
                .resources
                .iter()
                .all(|one| one.allocation_info.as_ref().map(|info| &info.role) == Some(&role))
        );
        told.extend(role);
    }
    told.sort();
    assert_eq!(told, ["a", "b"], "each role gets its share");
}

#[test]
fn what_a_launch_has_taken_is_not_offered_while_the_cluster_does_not_show_it() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    world.cluster.freeze();
    world.launch(&client, &[&offer], vec![sleeper("t1", &offer, 1.0, 1_024.0)]);
    world.run_for(5_000);
    let left = world.offers(&client);
    assert_eq!((total(&left, "cpus"), total(&left, "mem")), (3_000, 3_072_000));
    world.cluster.thaw();
    world.run_for(5_000);
    assert!(world.offers(&client).is_empty() && world.rescinded(&client).is_empty());
}

#[test]
fn what_is_held_is_never_more_than_what_there_is() {
    let (mut world, client) = World::with_client(&[(2048, 2048), (1024, 1024)]);
    for round in 0..20_u32 {
        world.soon();
        for offer in world.offers(&client) {
            let task = sleeper(&format!("{round}-{}", offer.id.value), &offer, 0.04, 33.0);
            world.launch(&client, &[&offer], vec![task]);
        }
    }
    assert_eq!(world.cluster.starts.len(), world.cluster.tasks.len(), "no start was refused");
    assert!(world.cluster.tasks.len() >= 20);
    assert!(world.updates(&client).iter().all(|status| status.state() == TaskState::TaskStarting));
}

/// Two offers of one agent: rounding one of them must not take from the other.
#[test]
fn an_offer_stays_backed_when_another_of_its_agent_is_spent_to_the_last() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    world.launch(&client, &[&offer], vec![sleeper("t1", &offer, 0.1, 64.0)]);
    let held = world.offer(&client);
    let arn = world.cluster.arn_of("t1");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    let small = world.offer(&client);
    world.update(&client);
    let cpus = to_number(total(std::slice::from_ref(&small), "cpus"));
    world.launch(&client, &[&small], vec![sleeper("t2", &small, cpus, 64.0)]);
    world.soon();
    assert!(world.rescinded(&client).is_empty());
    let rest = to_number(total(std::slice::from_ref(&held), "cpus"));
    world.launch(&client, &[&held], vec![sleeper("t3", &held, rest, 64.0)]);
    assert!(world.updates(&client).is_empty(), "the cluster took it");
}

/// Ten times 0.1 cpus reserve 1,020 CPU units. The four that are left of a CPU are not offered: they were claimed. \[O2\], \[O18\]
#[test]
fn what_is_claimed_and_what_is_offered_are_never_more_than_what_there_is() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    let task = |number| sleeper(&format!("t{number}"), &offer, 0.1, 32.0);
    world.launch(&client, &[&offer], (0..10).map(task).collect());
    world.run_for(5_000);
    let rest = world.offers(&client);
    assert_eq!((total(&rest, "cpus"), total(&rest, "mem")), (3_000, 4_096_000 - 320_000));
    for number in 0..10 {
        let arn = world.cluster.arn_of(&format!("t{number}"));
        world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    }
    world.run_for(5_000);
    let freed = world.offers(&client);
    assert_eq!((total(&freed, "cpus"), total(&freed, "mem")), (1_000, 320_000));
}

#[test]
fn agents_alternate_between_two_frameworks() {
    let mut world = World::new(&[(1024, 1024); 4]);
    let (one, two) = (world.subscribe(framework("one")), world.subscribe(framework("two")));
    world.soon();
    assert_eq!((world.offers(&one).len(), world.offers(&two).len()), (2, 2));
}

/// \[O24\]
#[test]
fn who_has_less_is_offered_first() {
    let (mut world, rich) = World::with_client(&[(4096, 4096)]);
    world.running(&rich, "t1");
    let left = world.offers(&rich).pop().expect("what is left");
    let poor = world.subscribe(framework("two"));
    world.soon();
    assert!(world.offers(&poor).is_empty(), "nothing is free");
    world.decline(&rich, &left, 0.0);
    world.soon();
    assert_eq!((world.offers(&rich).len(), world.offers(&poor).len()), (0, 1));
}

/// \[O13\], \[O14\]
#[test]
fn what_was_declined_is_not_offered_again_until_the_filter_ends() {
    let (mut world, client) = World::with_client(&[(1024, 1024)]);
    let offer = world.offer(&client);
    world.decline(&client, &offer, 60.0);
    world.run_for(59_999);
    assert!(world.offers(&client).is_empty());
    world.run_for(500);
    assert_eq!(world.offers(&client).len(), 1);
}

/// \[O13\]
#[test]
fn a_filter_of_no_seconds_is_none_and_one_that_makes_no_sense_lasts_five() {
    let (mut world, client) = World::with_client(&[(1024, 1024)]);
    let mut offer = world.offer(&client);
    world.decline(&client, &offer, 0.0);
    world.run_for(1_000);
    offer = world.offer(&client);
    for seconds in [-1.0, f64::NAN] {
        world.decline(&client, &offer, seconds);
        world.run_for(4_999);
        assert!(world.offers(&client).is_empty(), "{seconds}");
        offer = world.offer(&client);
    }
}

/// \[O13\], \[C20\]: ECS counts whole CPU units, so that tasks leave a little more than they do by their claims.
#[test]
fn what_an_accept_refuses_is_not_offered_again_for_a_thousandth_of_a_cpu_more() {
    let (mut world, client) = World::with_client(&[(4096, 2048)]);
    let offer = world.offer(&client);
    let tasks = ["t1", "t2", "t3", "t4"].map(|id| sleeper(id, &offer, 0.1, 32.0));
    let call = accepting(&[&offer], tasks.into(), 600.0);
    assert_eq!(world.call(&client, call), Response::Accepted);
    world.run_for(NOTICED_MS);
    assert!(world.offers(&client).is_empty());
    assert_eq!(world.cluster.tasks.len(), 4);
    let arn = world.cluster.arn_of("t1");
    world.cluster.ends(&arn, StopCode::EssentialContainerExited, Some(0));
    world.run_for(NOTICED_MS);
    assert_eq!(world.offers(&client).len(), 1, "that is more than it refused");
}

/// \[C11\], \[O22\]
#[test]
fn an_accept_that_launches_nothing_declines_and_does_not_bring_the_same_at_once() {
    let (mut world, client) = World::with_client(&[(1024, 1024)]);
    let offer = world.offer(&client);
    let call = accepting(&[&offer], vec![], 0.0);
    assert_eq!(world.call(&client, call), Response::Accepted);
    world.run_for(999);
    assert!(world.offers(&client).is_empty());
    world.run_for(10);
    assert_eq!(world.offers(&client).len(), 1);
}

/// \[O14\]: the filter is for these resources, not for the agent.
#[test]
fn an_agent_that_has_more_than_was_declined_is_offered() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let instance = world.cluster.instances.keys().next().cloned().expect("there is one");
    world.cluster.change(&instance, |instance| instance.cpu_remaining = 2048);
    let offer = world.offer(&client);
    assert_eq!(total(std::slice::from_ref(&offer), "cpus"), 2_000);
    world.decline(&client, &offer, 3_600.0);
    world.run_for(NOTICED_MS);
    assert!(world.offers(&client).is_empty());
    world.cluster.change(&instance, |instance| instance.cpu_remaining = 1024);
    world.run_for(NOTICED_MS);
    assert!(world.offers(&client).is_empty(), "less than was declined");
    world.cluster.change(&instance, |instance| instance.cpu_remaining = 4096);
    world.run_for(NOTICED_MS);
    assert_eq!(total(&world.offers(&client), "cpus"), 4_000);
}

/// \[C31\], \[O10\], \[O15\]
#[test]
fn revive_ends_filters_and_suppress_ends_offers() {
    let (mut world, client) = World::with_client(&[(1024, 1024)]);
    let offer = world.offer(&client);
    world.decline(&client, &offer, 3_600.0);
    revive(&mut world, &client);
    let offer = world.offer(&client);
    suppress(&mut world, &client);
    assert!(world.rescinded(&client).is_empty(), "what is held stays held");
    world.decline(&client, &offer, 0.0);
    world.run_for(NOTICED_MS);
    assert!(world.offers(&client).is_empty());
    revive(&mut world, &client);
    world.offer(&client);
}

fn drains(instance: &mut Instance) {
    instance.active = false;
}

fn loses_its_agent(instance: &mut Instance) {
    instance.connected = false;
}

/// \[O7\], \[O9\]
#[test]
fn an_offer_is_rescinded_when_its_instance_drains_or_loses_its_agent() {
    for leave in [drains as fn(&mut Instance), loses_its_agent] {
        let (mut world, client) = World::with_client(&[(1024, 1024)]);
        let offer = world.offer(&client);
        let instance = world.cluster.instances.keys().next().cloned().expect("there is one");
        world.cluster.change(&instance, leave);
        world.run_for(NOTICED_MS);
        assert_eq!(world.rescinded(&client), std::slice::from_ref(&offer.id.value));
        world.launch(&client, &[&offer], vec![sleeper("t1", &offer, 0.5, 64.0)]);
        let status = world.update(&client);
        assert_eq!((status.state(), status.reason()), (TaskState::TaskLost, Reason::InvalidOffers));
        assert!(world.cluster.starts.is_empty() && world.offers(&client).is_empty());
        world.cluster.change(&instance, |one| (one.active, one.connected) = (true, true));
        world.run_for(NOTICED_MS);
        assert_eq!(world.offers(&client).len(), 1);
    }
}

/// \[O7\]
#[test]
fn an_offer_is_rescinded_when_someone_else_takes_what_is_in_it() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    let instance = world.cluster.instances.keys().next().cloned().expect("there is one");
    world.cluster.change(&instance, |instance| {
        instance.cpu_remaining -= 1024;
        instance.ports_used.insert(31_005);
    });
    world.run_for(NOTICED_MS);
    assert_eq!(world.rescinded(&client), [offer.id.value]);
    let offers = world.offers(&client);
    let [smaller] = &*offers else { panic!("one offer takes its place, not {offers:?}") };
    let ports = smaller
        .resources
        .iter()
        .find(|resource| resource.name == "ports")
        .expect("ports are offered");
    let ranges =
        ports.ranges.iter().flat_map(|ranges| &ranges.range).map(|range| (range.begin, range.end));
    assert_eq!(ranges.collect::<Vec<_>>(), [(31_000, 31_004), (31_006, 31_099)]);
    assert_eq!(total(std::slice::from_ref(smaller), "cpus"), 3_000);
}

/// \[O16\]
#[test]
fn scraps_are_not_offered() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let instance = world.cluster.instances.keys().next().cloned().expect("there is one");
    world.offer(&client);
    world.cluster.change(&instance, |instance| {
        instance.cpu_remaining = 9;
        instance.memory_mib_remaining = 31;
    });
    world.run_for(NOTICED_MS);
    assert!(world.offers(&client).is_empty());
    world.cluster.change(&instance, |instance| instance.memory_mib_remaining = 32);
    world.run_for(NOTICED_MS);
    assert_eq!(world.offers(&client).len(), 1);
}

/// \[C20\]: what an ACCEPT leaves counts as declined, for five seconds if nothing is said.
#[test]
fn what_an_accept_leaves_is_filtered_as_if_declined() {
    let (mut world, client) = World::with_client(&[(1024, 1024)]);
    let offer = world.offer(&client);
    let accept = call::Accept { offer_ids: vec![offer.id], ..Default::default() };
    let call = Call { accept: Some(accept), ..kind(Type::Accept) };
    assert_eq!(world.call(&client, call), Response::Accepted);
    world.run_for(4_999);
    assert!(world.offers(&client).is_empty());
    world.soon();
    assert_eq!(world.offers(&client).len(), 1);
}

/// The end of a filter is due at a time, and what is due and never done wakes the bridge for ever.
#[test]
fn what_was_declined_ends_even_if_nobody_is_there() {
    let (mut world, client) = World::with_client(&[(4096, 4096)]);
    let offer = world.offer(&client);
    world.decline(&client, &offer, 5.0);
    world.step(Input::StreamEnded(client.stream));
    world.run_for(20_000);
    assert_eq!(world.size("filters"), 0);
    let at = world.bridge.wake_at();
    assert!(at > Some(world.now + ALLOCATION_DELAY_MS), "there is nothing to do");
}

/// \[P6\]
#[test]
fn offers_and_calls_are_counted_for_their_framework() {
    let (mut world, client) = World::with_client(&[(4096, 4096), (4096, 4096)]);
    world.soon();
    let offers = world.offers(&client);
    world.launch(&client, &[&offers[0]], vec![sleeper("t1", &offers[0], 4.0, 4096.0)]);
    world.decline(&client, &offers[1], 3600.0);
    let seen = world.seen(&client);
    for (name, count) in [
        ("offers/sent", 2),
        ("offers/accepted", 1),
        ("offers/declined", 1),
        ("calls/accept", 1),
        ("calls/decline", 1),
    ] {
        assert_eq!(seen.number(name), count, "{name}");
    }
    assert!(world.view().number("allocator/mesos/allocation_runs") >= Some(1.0));
}

/// \[O6\]: also while an allocation waits for a reading that does not come back.
#[test]
fn an_offer_that_is_out_of_time_is_rescinded_whatever_the_cluster_answers() {
    let mut world = World::unread(&[(4096, 4096)]);
    let config = Config { offer_timeout_ms: Some(2_000), ..config() };
    world.bridge = Bridge::new(config, 1);
    world.soon();
    let client = world.subscribe(framework("one"));
    let offer = world.offer(&client);
    world.hold = Some(|ask| matches!(ask, Question::Instances(..)));
    revive(&mut world, &client);
    world.run_for(2_100);
    assert_eq!(world.rescinded(&client), [offer.id.value]);
}

/// \[O27\]: GPUs go to frameworks that know of them, and ECS is asked for as many as a task claims.
#[test]
fn gpus_are_offered_to_those_who_know_of_them_and_asked_for_when_a_task_starts() {
    let mut world = World::new(&[(2048, 4096)]);
    let arn = world.cluster.instances.keys().next().expect("there is one").clone();
    world.cluster.change(&arn, |instance| (instance.gpus, instance.gpus_remaining) = (4, 3));
    world.run_for(60_000);
    let plain = world.subscribe(framework("plain"));
    world.soon();
    assert_eq!(world.offers(&plain), [], "an agent with GPUs is kept for those who use them");
    let client = world.subscribe(able(framework("one"), &[Capability::GpuResources]));
    let offer = world.offer(&client);
    assert_eq!(total(std::slice::from_ref(&offer), "gpus"), 3_000);
    let mut task = sleeper("t", &offer, 1.0, 128.0);
    let gpus = Resource {
        name: "gpus".to_owned(),
        r#type: value::Type::Scalar.into(),
        scalar: Some(value::Scalar { value: 2.0 }),
        ..Default::default()
    };
    task.resources.push(gpus);
    world.launch(&client, &[&offer], vec![task]);
    assert_eq!(world.cluster.starts[0].gpus, Some(2));
    // What ECS does not show yet is not offered again.
    let left = world.offer(&client);
    assert_eq!(total(&[left], "gpus"), 1_000);
}
