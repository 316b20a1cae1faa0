//! Pods as people write them: read, completed, written as the same, and refused by the path of what is wrong.

use longshore_wire_marathon::form::{self, Refusal};
use longshore_wire_marathon::{App, HealthProtocol, Network};
use serde_json::{Value, json};

fn read(value: &Value) -> Result<App, Refusal> {
    form::read_pod(value.as_object().expect("an object").clone()).map(App::of_pod)
}

/// A pod with a container that has these members.
fn with(container: Value) -> Value {
    let Value::Object(more) = container else { panic!("an object") };
    let mut one = json!({"name": "web", "exec": {"command": {"shell": "run"}}, "resources": {"cpus": 0.5, "mem": 64}});
    one.as_object_mut().expect("an object").extend(more);
    json!({"id": "/shop/web", "containers": [one]})
}

/// A pod with every member that is taken.
fn whole() -> Value {
    json!({
        "id": "/shop/web", "labels": {"team": "blue"}, "user": "www", "version": "2026-01-31T12:00:00.000Z",
        "environment": {"A": "1", "KEY": {"secret": "db"}}, "secrets": {"db": {"source": "/prod/db"}},
        "containers": [
            {"name": "web", "exec": {"command": {"argv": ["serve", "-v"]}, "overrideEntrypoint": true},
             "resources": {"cpus": 0.5, "mem": 64, "disk": 1, "gpus": 1}, "resourceLimits": {"cpus": "unlimited", "mem": 128},
             "endpoints": [{"name": "http", "hostPort": 8080, "protocol": ["tcp"], "labels": {"VIP_0": "/web:80"}}, {"name": "any"}],
             "image": {"kind": "DOCKER", "id": "nginx", "forcePull": true}, "environment": {"A": "2"}, "user": "web",
             "healthCheck": {"http": {"endpoint": "any", "path": "/well", "scheme": "HTTPS"}, "intervalSeconds": 5, "timeoutSeconds": 2},
             "volumeMounts": [{"name": "shared", "mountPath": "/data", "readOnly": true}],
             "artifacts": [{"uri": "http://files/a.tgz", "destPath": "a"}], "labels": {"a": "b"},
             "lifecycle": {"killGracePeriodSeconds": 7.5}, "tty": true},
            {"name": "side", "exec": {"command": {"shell": "run"}}, "resources": {"cpus": 0.1, "mem": 32},
             "endpoints": [{"name": "admin", "hostPort": 0}],
             "healthCheck": {"exec": {"command": {"argv": ["true"]}}},
             "volumeMounts": [{"name": "shared", "mountPath": "data"}, {"name": "logs", "mountPath": "/logs"}]},
        ],
        "volumes": [{"name": "shared"}, {"name": "logs", "host": "/var/log"}],
        "networks": [{"mode": "host"}], "scaling": {"kind": "fixed", "instances": 3},
        "scheduling": {
            "backoff": {"backoff": 2.5, "backoffFactor": 1.5, "maxLaunchDelay": 60},
            "upgrade": {"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0},
            "placement": {"constraints": [{"fieldName": "@zone", "operator": "GROUP_BY", "value": "2"}], "acceptedResourceRoles": ["*"]},
            "killSelection": "OLDEST_FIRST", "unreachableStrategy": {"inactiveAfterSeconds": 5, "expungeAfterSeconds": 9},
        },
        "executorResources": {"cpus": 0.2, "mem": 40, "disk": 10}, "role": "web",
    })
}

#[test]
fn what_is_kept_of_a_pod_is_written_as_it_was() {
    for value in [whole(), with(json!({})), with(json!({"lifecycle": {}, "tty": false}))] {
        let form = form::read_pod(value.as_object().expect("an object").clone()).expect("valid");
        let kept = App::of_pod(form.clone());
        assert_eq!(kept.pod_form().as_ref(), Some(&form), "{value}");
        let written = serde_json::to_value(&form).expect("it is JSON");
        assert_eq!(read(&written), Ok(kept));
    }
}

#[test]
fn an_image_runs_its_own_or_is_given_arguments_or_something_else() {
    let image = json!({"kind": "DOCKER", "id": "nginx"});
    for (exec, are_arguments, is_written) in [
        (json!(null), false, json!(null)),
        (json!({"command": {"argv": ["-v"]}}), true, json!(null)),
        (json!({"command": {"argv": ["-v"]}, "overrideEntrypoint": false}), true, json!(null)),
        (json!({"command": {"argv": ["x"]}, "overrideEntrypoint": true}), false, json!(true)),
        (json!({"command": {"shell": "x"}, "overrideEntrypoint": true}), false, json!(null)),
    ] {
        let app = read(&with(json!({"image": image, "exec": exec}))).expect("valid");
        let form = serde_json::to_value(app.pod_form()).expect("it is JSON");
        let container = &app.pod.as_ref().expect("it is one").containers[0];
        let found = (container.exec.is_none(), container.are_arguments);
        assert_eq!(found, (exec.is_null(), are_arguments), "{exec}");
        let shown = &form["containers"][0]["exec"];
        assert_eq!((shown.is_null(), &shown["overrideEntrypoint"]), (exec.is_null(), &is_written));
        assert_eq!(read(&form), Ok(app));
    }
}

#[test]
fn an_instance_takes_what_its_containers_and_its_executor_do() {
    let app = read(&whole()).expect("valid");
    assert_eq!(
        (app.cpus_milli, app.mem_milli, app.disk_milli, app.gpus),
        (800, 136_000, 11_000, 1)
    );
    let small = read(&with(json!({}))).expect("valid");
    assert_eq!((small.cpus_milli, small.mem_milli, small.disk_milli), (600, 96_000, 10_000));
    assert_eq!((small.instances, small.networks), (1, vec![Network::Host]));
}

#[test]
fn checks_of_containers_are_those_of_the_app_at_the_endpoint_that_they_name() {
    let app = read(&whole()).expect("valid");
    let checks: Vec<_> =
        app.health_checks.iter().map(|one| (one.protocol, one.port_index)).collect();
    assert_eq!(checks, [(HealthProtocol::Https, Some(1)), (HealthProtocol::Command, None)]);
    let pod = app.pod.expect("it is one");
    assert_eq!((pod.checked(0), pod.checked(1), pod.checked(2)), (Some(0), Some(1), None));
    assert_eq!((pod.first_endpoint(0), pod.first_endpoint(1)), (0, 2));
}

/// Each is refused with this status, and for this path.
fn each_is_refused(cases: &[(Value, u16, &str)]) {
    for (value, status, path) in cases {
        let refused = read(value).expect_err("it is wrong");
        let details = refused.body["details"].as_array().expect("a list");
        let mut paths = details.iter().filter_map(|one| one["path"].as_str());
        assert_eq!(refused.status, *status, "{value}: {refused:?}");
        assert!(paths.any(|one| one == *path), "{value}: {path} is not in {refused:?}");
    }
}

#[test]
fn what_is_wrong_with_a_pod_is_named_with_its_path() {
    let many: Vec<Value> = (0..10)
        .map(|at| json!({"name": format!("c{at}"), "exec": {"command": {"shell": "x"}}, "resources": {}}))
        .collect();
    each_is_refused(&[
        (json!({"id": "/a", "containers": []}), 422, "/containers"),
        (json!({"id": "/A", "containers": []}), 422, "/id"),
        (json!({"id": "/a/versions", "containers": []}), 422, "/id"),
        (json!({"containers": []}), 422, "/id"),
        (json!({"id": "/a", "containers": many}), 422, "/containers"),
        (json!({"id": "/a", "containers": [{"name": "a"}]}), 400, "/containers(0)/resources"),
        (json!({"id": "/a", "cmd": "x"}), 422, "/cmd"),
        (json!({"id": "/a", "linuxInfo": {"ipcInfo": {"mode": "PRIVATE"}}}), 422, "/linuxInfo"),
        (
            json!({"id": "/a", "volumes": [{"name": "v", "persistent": {"size": 1}}]}),
            422,
            "/volumes(0)/persistent",
        ),
        (
            json!({"id": "/a", "scaling": {"kind": "fixed", "maxInstances": 3}}),
            422,
            "/scaling/maxInstances",
        ),
        (
            json!({"id": "/a", "networks": [{"mode": "container", "name": "n"}]}),
            422,
            "/networks(0)/mode",
        ),
        (json!({"id": "/a", "containers": "x"}), 400, "/containers"),
    ]);
}

#[test]
fn what_is_wrong_with_what_a_container_runs_is_named_with_its_path() {
    each_is_refused(&[
        (with(json!({"name": "Web"})), 422, "/containers(0)/name"),
        (with(json!({"exec": null})), 422, "/containers(0)/exec"),
        (with(json!({"exec": {"command": {}}})), 422, "/containers(0)/exec/command"),
        (with(json!({"exec": {"command": {"argv": []}}})), 422, "/containers(0)/exec/command/argv"),
        (
            with(json!({"exec": {"command": {"shell": "\u{0}"}}})),
            422,
            "/containers(0)/exec/command/shell",
        ),
        (
            with(json!({"exec": {"command": {"shell": "x"}, "overrideEntrypoint": false}})),
            422,
            "/containers(0)/exec/overrideEntrypoint",
        ),
        (with(json!({"image": {"kind": "APPC", "id": "i"}})), 422, "/containers(0)/image/kind"),
        (
            with(json!({"image": {"kind": "DOCKER", "id": "ignore"}})),
            422,
            "/containers(0)/image/id",
        ),
        (
            with(json!({"image": {"kind": "DOCKER", "id": "i", "pullConfig": {"secret": "s"}}})),
            422,
            "/containers(0)/image/pullConfig",
        ),
    ]);
}

#[test]
fn what_is_wrong_with_the_rest_of_a_container_is_named_with_its_path() {
    let twice = |name: &str, port: u16| json!([{"name": "a", "hostPort": 80}, {"name": name, "hostPort": port}]);
    each_is_refused(&[
        (with(json!({"resources": {"cpus": 0, "mem": 1}})), 422, "/containers(0)/resources/cpus"),
        (with(json!({"resourceLimits": {"mem": 1}})), 422, "/containers(0)/resourceLimits/mem"),
        (
            with(json!({"endpoints": [{"name": "a", "containerPort": 80}]})),
            422,
            "/containers(0)/endpoints(0)/containerPort",
        ),
        (
            with(json!({"endpoints": [{"name": "a", "protocol": ["sctp"]}]})),
            422,
            "/containers(0)/endpoints(0)/protocol",
        ),
        (
            with(json!({"endpoints": [{"name": "a", "hostPort": 70_000}]})),
            422,
            "/containers(0)/endpoints(0)/hostPort",
        ),
        (with(json!({"endpoints": twice("a", 81)})), 422, "/containers(0)/endpoints(1)/name"),
        (with(json!({"endpoints": twice("b", 80)})), 422, "/containers(0)/endpoints(1)/hostPort"),
        (with(json!({"healthCheck": {}})), 422, "/containers(0)/healthCheck"),
        (
            with(json!({"healthCheck": {"tcp": {"endpoint": "x"}}})),
            422,
            "/containers(0)/healthCheck/tcp/endpoint",
        ),
        (
            with(
                json!({"healthCheck": {"exec": {"command": {"shell": "x"}}, "timeoutSeconds": 60}}),
            ),
            422,
            "/containers(0)/healthCheck/timeoutSeconds",
        ),
        (with(json!({"check": {"exec": {}}})), 422, "/containers(0)/check"),
        (
            with(json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]})),
            422,
            "/containers(0)/volumeMounts(0)/name",
        ),
        (
            with(json!({"environment": {"A": {"secret": "s"}}})),
            422,
            "/containers(0)/environment/A/secret",
        ),
        (with(json!({"environment": {"A": null}})), 400, "/containers(0)/environment/A"),
        (
            with(json!({"lifecycle": {"killGracePeriodSeconds": -1}})),
            422,
            "/containers(0)/lifecycle/killGracePeriodSeconds",
        ),
    ]);
}

#[test]
fn what_is_wrong_with_scheduling_is_named_with_its_path() {
    for (scheduling, path) in [
        (json!({"backoff": {"backoff": -1}}), "backoff/backoff"),
        (json!({"backoff": {"backoffFactor": 0.5}}), "backoff/backoffFactor"),
        (json!({"upgrade": {"maximumOverCapacity": 2}}), "upgrade/maximumOverCapacity"),
        (json!({"killSelection": "RANDOM"}), "killSelection"),
        (
            json!({"unreachableStrategy": {"inactiveAfterSeconds": 2}}),
            "unreachableStrategy/expungeAfterSeconds",
        ),
        (
            json!({"placement": {"constraints": [{"fieldName": "a", "operator": "NEAR"}]}}),
            "placement/constraints(0)",
        ),
        (
            json!({"placement": {"constraints": [{"fieldName": "a", "operator": "IS"}]}}),
            "placement/constraints(0)",
        ),
    ] {
        let mut value = with(json!({}));
        value["scheduling"] = scheduling;
        let refused = read(&value).expect_err("it is wrong");
        let found = &refused.body["details"][0]["path"];
        assert_eq!(
            (refused.status, found),
            (422, &json!(format!("/scheduling/{path}"))),
            "{value}"
        );
    }
}

#[test]
fn a_list_is_no_object_wherever_it_is() {
    let container = json!({"name": "c", "exec": {"command": {"shell": "x"}}, "resources": {}});
    let with = |name: &str, value: Value| {
        let mut container = container.clone();
        container[name] = value;
        json!({"id": "/p", "containers": [container]})
    };
    let pod = |name: &str, value: Value| {
        let mut pod = json!({"id": "/p", "containers": [container]});
        pod[name] = value;
        pod
    };
    for (written, path) in [
        (pod("scaling", json!(["fixed", 3])), "/scaling"),
        (pod("scaling", json!([])), "/scaling"),
        (pod("scheduling", json!([])), "/scheduling"),
        (pod("executorResources", json!([])), "/executorResources"),
        (with("resources", json!([])), "/containers(0)/resources"),
        (with("lifecycle", json!([1])), "/containers(0)/lifecycle"),
        (with("exec", json!([])), "/containers(0)/exec"),
        (pod("environment", json!({"A": ["b"]})), "/environment/A"),
    ] {
        let Value::Object(members) = written.clone() else { panic!() };
        let refused = form::read_pod(members).expect_err("it is no pod");
        assert_eq!(refused.status, 400, "{written}");
        assert_eq!(refused.body["details"][0]["path"], path, "{written}");
        let error = refused.body["details"][0]["errors"][0].as_str().expect("a text");
        assert!(error.starts_with("must be an object, not "), "{error}");
    }
}
