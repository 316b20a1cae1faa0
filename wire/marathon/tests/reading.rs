//! What is read of an app is done or refused: nothing that was said is left out in silence. Source: frameworks.md 3.1; the validations of
//! Marathon 1.11, where it is named.

use longshore_wire_marathon::form::{self, Refusal};
use longshore_wire_marathon::{App, Network, PathId};
use serde_json::{Map, Value, json};

fn members(value: &Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

/// The smallest app, with more.
fn with(more: &Value) -> Map<String, Value> {
    let mut app = members(&json!({"id": "/a", "cmd": "sleep 1"}));
    app.extend(members(more));
    app
}

fn read(more: &Value) -> Result<App, Refusal> {
    form::read(with(more)).map(App::of)
}

fn docker(more: &Value) -> Value {
    let mut docker = members(&json!({"image": "nginx"}));
    docker.extend(members(more));
    json!({ "container": {"type": "DOCKER", "docker": docker} })
}

/// Status, paths and texts of a refusal.
fn told(more: &Value) -> (u16, Vec<(String, String)>) {
    let Err(refusal) = read(more) else { return (200, Vec::new()) };
    let details = refusal.body["details"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |detail: &Value| (text(&detail["path"]), text(&detail["errors"][0]));
    (refusal.status, details.iter().map(one).collect())
}

fn is_refused(more: &Value, status: u16, path: &str, words: &str) {
    let (found, details) = told(more);
    let is_named = details.iter().any(|(at, text)| at == path && text.contains(words));
    assert!(found == status && is_named, "{more}: {found} {details:?}");
}

#[test]
fn who_asks_for_no_network_is_not_put_on_that_of_the_host() {
    is_refused(&docker(&json!({"network": "NONE"})), 422, "/container/docker/network", "NONE");
    is_refused(&json!({"networks": [{"mode": "none"}]}), 422, "/networks(0)/mode", "must be");
}

#[test]
fn a_network_of_docker_is_known_and_is_a_word() {
    is_refused(&docker(&json!({"network": "bridge"})), 422, "/container/docker/network", "BRIDGE");
    is_refused(&docker(&json!({"network": 5})), 400, "/container/docker/network", "BRIDGE");
}

#[test]
fn a_container_network_has_a_name() {
    is_refused(&docker(&json!({"network": "USER"})), 422, "/networks(0)/name", "must be given");
    let named = json!({"networks": [{"name": "blue"}], "container": {"docker": {"image": "i"}}});
    let app = read(&named).expect("it is valid");
    assert_eq!(app.networks, [Network::Container("blue".to_owned())]);
}

#[test]
fn names_and_labels_that_no_network_would_get_are_refused() {
    for (network, path) in [
        (json!({"mode": "host", "name": "x"}), "/networks(0)/name"),
        (json!({"mode": "container/bridge", "name": "x"}), "/networks(0)/name"),
        (json!({"mode": "host", "labels": {"a": "b"}}), "/networks(0)/labels"),
        (json!({"name": "x", "labels": {"a": "b"}}), "/networks(0)/labels"),
    ] {
        is_refused(
            &json!({"networks": [network], "container": {"docker": {"image": "i"}}}),
            422,
            path,
            "",
        );
    }
}

#[test]
fn docker_has_one_container_network() {
    let two = json!({"networks": [{"name": "a"}, {"name": "b"}], "container": {"docker": {"image": "i"}}});
    is_refused(&two, 422, "/networks", "single container network");
    let mesos = json!({"networks": [{"name": "a"}, {"name": "b"}], "container": {"type": "MESOS"}});
    assert!(read(&mesos).is_ok());
}

#[test]
fn an_old_form_and_its_new_one_that_say_different_things_are_not_mixed() {
    let both = |container: Value, more: Value| {
        let mut all = members(&more);
        all.insert("container".to_owned(), container);
        Value::Object(all)
    };
    is_refused(
        &both(
            json!({"docker": {"image": "i", "network": "BRIDGE"}}),
            json!({"networks": [{"mode": "host"}]}),
        ),
        422,
        "/container/docker/network",
        "networks",
    );
    is_refused(
        &both(
            json!({"docker": {"image": "i", "network": "BRIDGE", "portMappings": [{"containerPort": 80}]}, "portMappings": [{"containerPort": 81}]}),
            json!({}),
        ),
        422,
        "/container/docker/portMappings",
        "portMappings",
    );
    is_refused(
        &json!({"uris": ["http://x/a.tgz"], "fetch": [{"uri": "http://x/b.tgz"}]}),
        422,
        "/uris",
        "fetch",
    );
    is_refused(
        &json!({"ports": [8080], "portDefinitions": [{"port": 9090}]}),
        422,
        "/ports",
        "portDefinitions",
    );
}

#[test]
fn an_old_form_that_echoes_the_new_one_is_taken() {
    for more in [
        json!({"ports": [8080], "portDefinitions": [{"port": 8080}]}),
        json!({"uris": [], "fetch": [{"uri": "http://x/b.tgz"}]}),
        json!({"uris": ["http://x/b.tgz"], "fetch": []}),
        json!({"args": []}),
        json!({"uris": null, "ports": null}),
    ] {
        assert_eq!(told(&more), (200, Vec::new()), "{more}");
    }
}

#[test]
fn an_old_form_of_another_type_is_named() {
    is_refused(&json!({"ports": 8080}), 400, "/ports", "list");
    is_refused(&json!({"ports": ["http"]}), 400, "/portDefinitions(0)/port", "integer");
    is_refused(&json!({"uris": "http://x/a.tgz"}), 400, "/uris", "list");
}

#[test]
fn uris_are_unpacked_if_they_are_archives() {
    let app = read(&json!({"uris": ["http://x/a.tar.gz?q=1", "http://x/a.json"]})).expect("valid");
    assert_eq!(app.fetch.iter().map(|one| one.extract).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn no_arguments_are_no_program() {
    let refused = form::read(members(&json!({"id": "/a", "args": []})));
    assert_eq!(refused.expect_err("nothing would run").body["details"][0]["path"], "/");
    let app = form::read(members(
        &json!({"id": "/a", "args": [], "container": {"docker": {"image": "i"}}}),
    ));
    assert_eq!(app.expect("its image has a program").args, None);
}

#[test]
fn ids_with_dots_are_resolved_from_the_root() {
    let app = read(&json!({"id": "./shop//web/../db/", "dependencies": ["../x", "y/./z"]}));
    let app = app.expect("it is valid");
    let dependencies: Vec<&str> = app.dependencies.iter().map(PathId::as_str).collect();
    assert_eq!((app.id.as_str(), dependencies), ("/shop/db", vec!["/x", "/y/z"]));
}

#[test]
fn an_id_that_is_a_path_of_the_api_is_refused() {
    for word in ["restart", "tasks", "versions"] {
        is_refused(&json!({"id": format!("/a/{word}")}), 422, "/id", "reserved");
        assert!(read(&json!({"id": format!("/{word}/a")})).is_ok());
    }
}

#[test]
fn a_check_over_ipv6_is_refused_where_none_is_made() {
    let check =
        |protocol: &str| json!({"healthChecks": [{"protocol": protocol, "ipProtocol": "IPv6"}]});
    for protocol in ["HTTP", "MESOS_HTTP"] {
        is_refused(&check(protocol), 422, "/healthChecks(0)/ipProtocol", "IPv4");
    }
}

#[test]
fn what_only_docker_does_is_refused_with_mesos() {
    for (more, path) in [
        (json!({"privileged": true}), "/container/docker/privileged"),
        (json!({"parameters": [{"key": "a", "value": "b"}]}), "/container/docker/parameters"),
    ] {
        let mut docker = members(&json!({"image": "i"}));
        docker.extend(members(&more));
        is_refused(&json!({"container": {"type": "MESOS", "docker": docker}}), 422, path, "DOCKER");
    }
}

#[test]
fn volumes_say_from_where_and_to_where() {
    let volume =
        |volume: Value| json!({"container": {"docker": {"image": "i"}, "volumes": [volume]}});
    let at = |name: &str| format!("/container/volumes(0)/{name}");
    for (given, name) in [
        (json!({"containerPath": "d", "persistent": {"size": 10}}), "persistent"),
        (json!({"containerPath": "/d", "external": {"name": "x"}}), "external"),
        (json!({"containerPath": "/d", "secret": "x"}), "secret"),
    ] {
        is_refused(&volume(given), 422, &at(name), "not supported");
    }
    is_refused(
        &volume(json!({"containerPath": "", "hostPath": "/d"})),
        422,
        &at("containerPath"),
        "",
    );
    is_refused(&volume(json!({"containerPath": "/d", "hostPath": ""})), 422, &at("hostPath"), "");
}

#[test]
fn what_is_not_done_is_refused_by_its_name_at_any_depth() {
    for (more, path) in [
        (docker(&json!({"credential": {"principal": "x"}})), "/container/docker/credential"),
        (docker(&json!({"pullConfig": {"secret": "x"}})), "/container/docker/pullConfig"),
        (
            json!({"container": {"docker": {"image": "i"}, "linuxInfo": {"seccomp": {}}}}),
            "/container/linuxInfo",
        ),
        (
            json!({"networks": [{"name": "n"}], "container": {"docker": {"image": "i"}, "portMappings": [{"networkNames": ["n"]}]}}),
            "/container/portMappings(0)/networkNames",
        ),
    ] {
        is_refused(&more, 422, path, "not supported");
    }
}

#[test]
fn numbers_out_of_their_range_are_values_that_are_not_valid() {
    is_refused(&json!({"instances": -1}), 422, "/instances", "-1");
    is_refused(
        &json!({"portDefinitions": [{"port": 65536}]}),
        422,
        "/portDefinitions(0)/port",
        "65536",
    );
    is_refused(&json!({"instances": "1"}), 400, "/instances", "string");
}

#[test]
fn a_name_with_dots_stays_one_part_of_its_path() {
    is_refused(&json!({"labels": {"a.b": 1}}), 400, "/labels/a.b", "string");
}

#[test]
fn errors_of_one_path_are_together() {
    let (status, details) =
        told(&json!({"instances": 20_000, "labels": {"MARATHON_SINGLE_INSTANCE_APP": "true"}}));
    let at: Vec<&str> = details.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!((status, at), (422, vec!["/instances", "/upgradeStrategy"]));
}

#[test]
fn ports_of_the_host_are_required_on_the_host_only() {
    let bridged = json!({"requirePorts": true, "networks": [{"mode": "container/bridge"}], "container": {"docker": {"image": "i"}}});
    assert!(!read(&bridged).expect("it is valid").require_ports);
    assert!(read(&json!({"requirePorts": true})).expect("it is valid").require_ports);
}

#[test]
fn nulls_say_nothing_at_any_depth() {
    let app = json!({
        "upgradeStrategy": {"minimumHealthCapacity": null}, "unreachableStrategy": {"inactiveAfterSeconds": null},
        "container": {"docker": {"image": "i", "parameters": null}, "volumes": null},
        "fetch": [{"uri": "http://x", "destPath": null}],
    });
    assert_eq!(told(&app), (200, Vec::new()));
}

#[test]
fn a_list_is_no_object_in_an_app_either() {
    for (member, value, path) in [
        ("upgradeStrategy", json!([1, 1]), "/upgradeStrategy"),
        ("upgradeStrategy", json!([]), "/upgradeStrategy"),
        ("resourceLimits", json!([2, 64]), "/resourceLimits"),
        ("container", json!(["MESOS"]), "/container"),
        ("healthChecks", json!([["TCP"]]), "/healthChecks(0)"),
        ("networks", json!([["host"]]), "/networks(0)"),
        ("fetch", json!([["http://x/y"]]), "/fetch(0)"),
        ("env", json!({"A": ["b"]}), "/env/A"),
    ] {
        let mut app = json!({"id": "/web", "cmd": "x"});
        app[member] = value;
        let Value::Object(members) = app.clone() else { panic!() };
        let refused = form::read(members).expect_err("it is no app");
        assert_eq!(refused.status, 400, "{app}: {}", refused.body);
        assert_eq!(refused.body["details"][0]["path"], path, "{app}");
    }
}
