//! A control plane can continue from what is stored.

use longshore_wire_ecs::ErrorCode;
use longshore_wire_ecs::host::{Reported, StopCause};
use longshore_wire_ecs::limits::OVERRIDES_CHARS_MAX;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{World, ended, id, says};
use crate::limits::INSTANCE_VERSIONS_RESERVED;
use crate::machine::{Change, Control, Input, Records};
use crate::record::TaskRow;

/// A record as read back from storage.
fn stored<T: DeserializeOwned>(record: &impl Serialize) -> T {
    let text = serde_json::to_string(record).expect("records are text, numbers and lists");
    serde_json::from_str(&text).expect("what was written can be read")
}

fn records(world: &World) -> Records {
    let mut records = Records::default();
    for change in world.store.values() {
        match change {
            Change::Cluster(one) => records.clusters.push(stored(&**one)),
            Change::Instance(one) => records.instances.push(stored(&**one)),
            Change::Definition(one) => records.definitions.push(stored(&**one)),
            Change::Task(one) => records.tasks.push(stored(&TaskRow::from(&**one))),
            Change::Service(one) => records.services.push(stored(&**one)),
            Change::Token { realm, cluster, token, usage } => {
                records.tokens.push((realm.clone(), cluster.clone(), token.clone(), stored(usage)));
            }
            Change::Family { realm, family, last } => {
                records.families.push((realm.clone(), family.clone(), *last));
            }
            Change::Setting { realm, principal, name, value } => {
                records.settings.push((realm.clone(), principal.clone(), *name, value.clone()));
            }
            Change::Bus(change) => panic!("{change:?} is a record of the bus"),
            Change::Forget(key) => panic!("{key:?} is kept as forgotten"),
        }
    }
    records
}

/// The same control plane after a restart. Its agents remember the generations of its orders.
pub(super) fn restarted(before: &World) -> World {
    let control = Control::load(8, records(before)).expect("what was stored fits together");
    let mut after = World::of(control);
    after.generations = before.generations.clone();
    (after.now, after.store) = (before.now, before.store.clone());
    after
}

/// Everything clients can read, except what depends on an agent's connection and the versions of
/// instances, which continue after the reserved ones.
fn described(world: &mut World, instances: &[String], tasks: &[String]) -> Value {
    let include = json!(["TAGS"]);
    let mut instances = world.ok(
        "DescribeContainerInstances",
        &json!({"containerInstances": instances, "include": include}),
    );
    for instance in instances["containerInstances"].as_array_mut().expect("a list") {
        instance["agentConnected"].take();
        instance["version"].take();
    }
    json!({
        "clusters": world.ok("DescribeClusters", &json!({"include": ["TAGS", "STATISTICS", "SETTINGS"]})),
        "instances": instances,
        "tasks": world.ok("DescribeTasks", &json!({"tasks": tasks, "include": include})),
        "running": world.ok("ListTasks", &json!({})),
        "stopped": world.ok("ListTasks", &json!({"desiredStatus": "STOPPED"})),
        "mine": world.ok("ListTasks", &json!({"startedBy": "me"})),
        "definitions": world.ok("ListTaskDefinitions", &json!({"status": "INACTIVE"})),
        "attributes": world.ok("ListAttributes", &json!({"targetType": "container-instance"})),
    })
}

/// A world with a bit of everything.
fn lived_in() -> (World, Vec<String>, Vec<String>) {
    let mut world = World::new();
    let tags = json!([{"key": "team", "value": "a"}]);
    let hosts = [world.host(4096, 4096), world.host(2048, 2048), world.host(512, 512)];
    let port = json!({"name": "app", "image": "nginx", "memory": 64, "portMappings": [{"containerPort": 80, "hostPort": 8080}]});
    world.ok(
        "RegisterTaskDefinition",
        &json!({"family": "port", "containerDefinitions": [port], "tags": tags}),
    );
    let attribute = json!({"name": "rack", "value": "r1", "targetType": "container-instance", "targetId": hosts[0]});
    world.ok("PutAttributes", &json!({"attributes": [attribute]}));
    let environment = json!([{"name": "A", "value": "1"}]);
    let overrides =
        json!({"containerOverrides": [{"name": "app", "cpu": 100, "environment": environment}]});
    let body = json!({
        "taskDefinition": "web", "containerInstances": [hosts[0]], "startedBy": "me", "overrides": overrides, "tags": tags,
    });
    let started = super::text(&world.ok("StartTask", &body)["tasks"][0]["taskArn"]);
    world.report(&hosts[0], says(&started, Reported::Running));
    let failed = super::text(&world.start("port", &hosts[0])["tasks"][0]["taskArn"]);
    world.report(
        &hosts[0],
        ended(&failed, StopCause::FailedToStart("CannotStartContainerError: x".into()), None),
    );
    let pending = super::text(&world.start("port", &hosts[1])["tasks"][0]["taskArn"]);
    let stopping = super::text(&world.start("web", &hosts[1])["tasks"][0]["taskArn"]);
    world.ok("StopTask", &json!({"task": stopping}));
    let killed = super::text(&world.start("web", &hosts[2])["tasks"][0]["taskArn"]);
    world.ok("DeregisterContainerInstance", &json!({"containerInstance": hosts[2], "force": true}));
    world.ok("DeregisterTaskDefinition", &json!({"taskDefinition": "port:1"}));
    let body = json!({"containerInstances": [hosts[1]], "status": "DRAINING"});
    world.ok("UpdateContainerInstancesState", &body);
    (world, hosts.into(), vec![started, failed, pending, stopping, killed])
}

#[test]
fn what_is_loaded_back_describes_the_same() {
    let (mut before, instances, tasks) = lived_in();
    let mut after = restarted(&before);
    let (was, is) =
        (described(&mut before, &instances, &tasks), described(&mut after, &instances, &tasks));
    assert_eq!(was, is);
    assert_eq!(was["tasks"]["failures"], json!([]));
    for instance in &instances {
        assert_eq!(after.instance(instance)["agentConnected"], json!(false));
    }
}

#[test]
fn versions_of_an_instance_rise_over_restarts_and_seldom_cost_a_row() {
    let mut world = World::new();
    let host = world.host(4096, 4096);
    let version = |world: &mut World| world.instance(&host)["version"].as_i64().expect("a number");
    let mut rows = 0;
    for _ in 0..3 {
        let before = version(&mut world);
        for _ in 0..INSTANCE_VERSIONS_RESERVED / 2 {
            let task = super::text(&world.start("web", &host)["tasks"][0]["taskArn"]);
            rows += world.changes.iter().filter(|one| matches!(one, Change::Instance(_))).count();
            world.report(&host, ended(&task, StopCause::EssentialContainerExited, Some(0)));
            rows += world.changes.iter().filter(|one| matches!(one, Change::Instance(_))).count();
        }
        let last = version(&mut world);
        assert_eq!(last, before + INSTANCE_VERSIONS_RESERVED);
        world = restarted(&world);
        assert!(version(&mut world) >= last);
        world.step(Input::Connected(id(&host)));
        assert!(version(&mut world) > last);
    }
    assert!(
        (3..=6).contains(&rows),
        "{rows} rows for {INSTANCE_VERSIONS_RESERVED} changes, thrice"
    );
}

#[test]
fn generations_of_orders_rise_over_restarts_however_little_was_stored() {
    let mut world = World::new();
    let host = world.host(4096, 4096);
    for restart in 0..4 {
        let last = world.generations[&id(&host)];
        world = restarted(&world);
        // Between two restarts nothing is stored except what a connection adds.
        world.step(Input::Connected(id(&host)));
        assert!(world.orders[0].full && world.orders[0].generation > last, "{restart}");
        // An agent that restarts reconnects before anyone saw it disconnect.
        world.step(Input::Connected(id(&host)));
        assert!(world.orders[0].full, "{restart}");
    }
}

#[test]
fn a_restarted_control_plane_orders_what_the_old_one_did() {
    let (mut before, instances, _) = lived_in();
    let mut after = restarted(&before);
    for instance in &instances[..2] {
        for world in [&mut before, &mut after] {
            world.step(Input::Connected(id(instance)));
        }
        let (was, is) = (&before.orders[0].tasks, &after.orders[0].tasks);
        assert_eq!(was.len(), is.len());
        for (was, is) in was.iter().zip(is) {
            assert_eq!(was.spec, is.spec);
            assert_eq!((was.desired, was.was_running), (is.desired, is.was_running));
        }
    }
}

#[test]
fn a_client_token_outlives_a_restart() {
    let mut before = World::new();
    before.host(4096, 4096);
    let body = json!({"taskDefinition": "web", "clientToken": "once"});
    let first = before.ok("RunTask", &body);
    let mut after = restarted(&before);
    assert_eq!(after.ok("RunTask", &body), first);
    let other = json!({"taskDefinition": "web", "count": 2, "clientToken": "once"});
    assert_eq!(after.refused("RunTask", &other).code, ErrorCode::Conflict);
}

#[test]
fn overrides_of_the_greatest_length_can_be_loaded_back() {
    let mut before = World::new();
    before.host(4096, 4096);
    let container = |name: &str| json!({"name": name, "image": "x", "memory": 64});
    let containers = json!([container("app"), container("another-container-without-overrides")]);
    before.ok(
        "RegisterTaskDefinition",
        &json!({"family": "two", "containerDefinitions": containers}),
    );
    let overrides = |length: usize| json!({"containerOverrides": [{"name": "app", "command": ["x".repeat(length)]}]});
    let room = OVERRIDES_CHARS_MAX - overrides(0).to_string().len();
    let body = |length| json!({"taskDefinition": "two", "overrides": overrides(length)});
    before.refused("RunTask", &body(room + 1));
    let task = super::text(&before.ok("RunTask", &body(room))["tasks"][0]["taskArn"]);
    let mut after = restarted(&before);
    assert_eq!(after.task(&task)["overrides"], before.task(&task)["overrides"]);
}

#[test]
fn revisions_go_on_where_they_were() {
    let mut before = World::new();
    before.define("web", 256);
    let mut after = restarted(&before);
    after.define("web", 128);
    let reply = after.ok("DescribeTaskDefinition", &json!({"taskDefinition": "web"}));
    assert_eq!(reply["taskDefinition"]["revision"], 3);
}

#[test]
fn records_that_contradict_each_other_are_refused() {
    let (world, ..) = lived_in();
    let mut no_cluster = records(&world);
    no_cluster.clusters.clear();
    let mut no_definition = records(&world);
    no_definition.definitions.clear();
    let mut no_instance = records(&world);
    no_instance.instances.clear();
    for (records, what) in [
        (no_cluster, "has no cluster"),
        (no_definition, "has no task definition"),
        (no_instance, "on an instance that is not known"),
    ] {
        let refusal = Control::load(1, records).expect_err("they contradict each other");
        assert!(refusal.contains(what), "{refusal}");
    }
}
