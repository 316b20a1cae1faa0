//! What an update changes of an app, and what stays. Source: frameworks.md 3.2, `PUT /v2/apps/{id}?partialUpdate=true`.

use longshore_wire_marathon::form::{self, Refusal};
use longshore_wire_marathon::{App, Network};
use serde_json::{Map, Value, json};

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn app(value: &Value) -> App {
    App::of(form::read(members(value)).expect("it is valid"))
}

fn updated(app: &App, update: &Value) -> Result<App, Refusal> {
    form::read(form::overlay(&app.form(), members(update))).map(App::of)
}

/// The app of the first users, as Marathon 1.11 keeps it. Source: frameworks.md 5.
fn nginx() -> App {
    app(&json!({
        "id": "nginx", "cmd": "nginx:2", "cpus": 0.1, "mem": 100.0, "instances": 1,
        "container": {"type": "DOCKER", "docker": {"image": "ignore", "network": "BRIDGE", "portMappings": [{"containerPort": 80, "hostPort": 80}]}},
    }))
}

#[test]
fn what_an_update_leaves_out_stays() {
    let (old, new) = (nginx(), updated(&nginx(), &json!({"instances": 3})).expect("it is valid"));
    assert_eq!(new, App { instances: 3, ..old });
}

#[test]
fn nulls_and_what_is_read_only_change_nothing() {
    let update = json!({"cmd": null, "container": null, "version": "2026-01-31T12:00:00.000Z", "tasksRunning": 1, "deployments": []});
    assert_eq!(updated(&nginx(), &update), Ok(nginx()));
}

#[test]
fn a_command_replaces_arguments_and_the_other_way_round() {
    let args = updated(&nginx(), &json!({"args": ["a"]})).expect("it is valid");
    assert_eq!((args.cmd.clone(), args.args.as_deref()), (None, Some(&["a".to_owned()][..])));
    let cmd = updated(&args, &json!({"cmd": "x"})).expect("it is valid");
    assert_eq!((cmd.cmd.as_deref(), cmd.args), (Some("x"), None));
    let both = updated(&args, &json!({"cmd": "x", "args": ["a"]})).expect_err("one or the other");
    assert_eq!((both.status, both.body["details"][0]["path"].as_str()), (422, Some("/")));
}

#[test]
fn empty_arguments_do_not_replace_a_command() {
    assert_eq!(updated(&nginx(), &json!({"args": []})), Ok(nginx()));
    let args = updated(&nginx(), &json!({"args": ["a"]})).expect("it is valid");
    assert_eq!(updated(&args, &json!({"args": []})).expect("its image has a program").args, None);
}

#[test]
fn an_update_in_the_old_form_changes_the_networks() {
    let host = json!({"container": {"docker": {"image": "ignore", "network": "HOST"}}});
    let new = updated(&nginx(), &host).expect("it is valid");
    assert_eq!((new.networks, new.port_mappings.len()), (vec![Network::Host], 0));
    assert_eq!(new.port_definitions.len(), 1);
}

#[test]
fn from_the_host_to_a_bridge_the_ports_are_those_of_the_container() {
    let host = app(&json!({"id": "/h", "cmd": "x", "portDefinitions": [{"port": 8080}]}));
    let update = json!({"networks": [{"mode": "container/bridge"}], "container": {"docker": {"image": "i"}, "portMappings": [{"containerPort": 80}]}});
    let new = updated(&host, &update).expect("it is valid");
    assert_eq!((new.port_definitions.len(), new.port_mappings[0].host_port), (0, Some(0)));
}

#[test]
fn an_update_at_odds_with_itself_is_refused_and_named() {
    for (update, path) in [
        (json!({"ports": 8080}), "/ports"),
        (
            json!({"container": {"docker": {"image": "i", "network": "NONE"}}}),
            "/container/docker/network",
        ),
        (json!({"uris": ["http://x"], "fetch": [{"uri": "http://y"}]}), "/uris"),
    ] {
        let refusal = updated(&nginx(), &update).expect_err("it is refused");
        assert_eq!(refusal.body["details"][0]["path"], path, "{update}");
    }
}
