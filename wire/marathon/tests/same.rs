//! An app that was read is written and read again as the same app, however it was said; and nothing that is sent ends the program.

use longshore_wire_marathon::{App, form};
use serde_json::{Map, Value, json};

/// Apps that are tried. Source: chosen by us: about a second in a debug build.
const TRIED: u64 = 1_500;

/// Numbers from a seed. Source: `splitmix64`.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % below as u64).expect("it is below")
    }

    fn one<'a>(&mut self, of: &'a [Value]) -> &'a Value {
        &of[self.next(of.len())]
    }
}

/// Members and what each may be: valid, at its bounds, old, and wrong.
type Pool = Vec<(&'static str, Vec<Value>)>;

fn list(all: &Value) -> Vec<Value> {
    all.as_array().expect("a list").clone()
}

fn pool() -> Pool {
    [what_runs(), ports(), containers_and_checks(), where_and_how()].concat()
}

fn what_runs() -> Pool {
    vec![
        ("id", list(&json!(["/a", "a/b.c", "../x", "./a//b/", "/A", "", "/a/tasks", 1]))),
        ("cmd", list(&json!(["sleep 1", "nginx:2", "", null]))),
        ("args", list(&json!([[], ["a"], ["a", "-b"], null, "a", [1]]))),
        ("cpus", list(&json!([0.1, 1, 2.0, 0.001, 0.0004, 1e9, -1, 1e300, "1"]))),
        ("mem", list(&json!([0, 32, 32.5, 1e9, 1.7e9, -0.5]))),
        ("disk", list(&json!([0, 0.25, 10, -1]))),
        ("gpus", list(&json!([0, 1, 1.5, -1]))),
        ("instances", list(&json!([0, 1, 3, 2.0, 10_000, 10_001, -1, 4_294_967_296_u64]))),
        ("user", list(&json!(["root", "", null]))),
        ("env", list(&json!([{}, {"A": "1", "b.c": ""}, {"A": {"secret": "a"}}, {"A": 1}]))),
        ("labels", list(&json!([{}, {"a": "b"}, {"MARATHON_SINGLE_INSTANCE_APP": "true"}]))),
        ("uris", list(&json!([[], ["http://x/a.tgz", "/b"], [1]]))),
        (
            "fetch",
            list(
                &json!([[], [{"uri": "http://x", "cache": true, "destPath": "d"}], [{"uri": ""}], [{}]]),
            ),
        ),
        ("executor", list(&json!(["", "//cmd", "/bin/x"]))),
        ("secrets", list(&json!([{}, {"a": {"source": "/a"}}, {"a": {"source": ""}}, {"a": "b"}]))),
        ("tty", list(&json!([true, false, null, 1]))),
        (
            "resourceLimits",
            list(
                &json!([{}, {"cpus": 4}, {"mem": "unlimited"}, {"cpus": 0.0001, "mem": 1e12}, {"mem": 200.0005}, {"gpus": 1}]),
            ),
        ),
        ("version", list(&json!(["2026-01-31T12:00:00.000Z"]))),
    ]
}

fn ports() -> Pool {
    vec![
        ("ports", list(&json!([[], [0], [0, 8080], [8080, 8080], [70_000], 1]))),
        (
            "portDefinitions",
            list(
                &json!([[], [{"port": 8080, "name": "http"}], [{}, {"protocol": "udp,tcp", "labels": {"a": "b"}}], [{"name": "A"}]]),
            ),
        ),
        ("requirePorts", list(&json!([true, false]))),
        (
            "networks",
            list(
                &json!([[], [{"mode": "host"}], [{"mode": "container/bridge"}], [{"name": "n"}], [{"name": "n"}, {"name": "m"}], [{}], [{"mode": "none"}]]),
            ),
        ),
    ]
}

fn containers_and_checks() -> Pool {
    vec![
        (
            "container",
            list(&json!([
                {}, {"type": "MESOS"}, {"docker": {"image": "i"}}, {"type": "MESOS", "docker": {"image": "i", "forcePullImage": true}},
                {"type": "DOCKER", "docker": {"image": "i", "network": "BRIDGE", "portMappings": [{"containerPort": 80, "hostPort": 0}, {"hostPort": 81, "name": "x"}]}},
                {"docker": {"image": "i", "network": "HOST", "privileged": true, "parameters": [{"key": "a", "value": "b"}]}},
                {"docker": {"image": "i"}, "portMappings": [{"containerPort": 80, "protocol": "udp"}], "volumes": [{"containerPath": "/a", "hostPath": "/b", "mode": "RO"}]},
                {"docker": {"image": "i", "network": "NONE"}}, 5
            ])),
        ),
        (
            "healthChecks",
            list(
                &json!([[], [{}], [{"protocol": "TCP", "port": 80}], [{"protocol": "COMMAND", "command": {"value": "x"}}, {"path": "/h", "portIndex": 1}], [{"protocol": "MESOS_HTTP", "ignoreHttp1xx": true, "delaySeconds": 1}], [{"ipProtocol": "IPv6"}]]),
            ),
        ),
        (
            "readinessChecks",
            list(
                &json!([[], [{"portName": "http", "preserveLastResponse": true}], [{"portName": "x", "httpStatusCodesForReady": [200, 204]}]]),
            ),
        ),
    ]
}

fn where_and_how() -> Pool {
    vec![
        (
            "constraints",
            list(&json!([
                [],
                [["hostname", "UNIQUE"]],
                [["hostname", "CLUSTER", ""], ["r", "LIKE", "a.*"]],
                [
                    ["r", "GROUP_BY", "3"],
                    ["r", "MAX_PER", "2"],
                    ["r", "IS", "x"],
                    ["r", "UNLIKE", "y"]
                ],
                [["a"]]
            ])),
        ),
        (
            "upgradeStrategy",
            list(
                &json!([{}, {"minimumHealthCapacity": 0, "maximumOverCapacity": 0}, {"minimumHealthCapacity": 0.5}, {"maximumOverCapacity": 1.5}]),
            ),
        ),
        (
            "unreachableStrategy",
            list(
                &json!(["disabled", {}, {"inactiveAfterSeconds": 1, "expungeAfterSeconds": 2}, {"inactiveAfterSeconds": 3}, "never"]),
            ),
        ),
        ("killSelection", list(&json!(["OLDEST_FIRST", "YOUNGEST_FIRST", "ANY"]))),
        ("taskKillGracePeriodSeconds", list(&json!([0, 30, -1, null]))),
        ("backoffSeconds", list(&json!([0, 1, 0.5, 1e10]))),
        ("backoffFactor", list(&json!([1, 1.15, 0.5]))),
        ("maxLaunchDelaySeconds", list(&json!([0, 300, 3600.5]))),
        ("dependencies", list(&json!([[], ["/b", "../c/d"], [".."], ["/a"]]))),
        ("acceptedResourceRoles", list(&json!([["*"], ["a", "*"], [], null]))),
        ("role", list(&json!(["*", "a", null]))),
    ]
}

/// An app with some members, of which most can be valid together.
fn made(numbers: &mut Numbers, pool: &[(&'static str, Vec<Value>)]) -> Map<String, Value> {
    let mut app = Map::new();
    let known = json!({"id": "/a", "cmd": "x"});
    app.extend(known.as_object().expect("an object").clone());
    for _ in 0..=numbers.next(5) {
        let (name, values) = &pool[numbers.next(pool.len())];
        app.insert((*name).to_owned(), numbers.one(values).clone());
    }
    app
}

#[test]
fn what_was_read_is_written_and_read_as_the_same() {
    let (pool, mut numbers, mut valid) = (pool(), Numbers(11), 0);
    for _ in 0..TRIED {
        let said = made(&mut numbers, &pool);
        let Ok(form) = form::read(said.clone()) else { continue };
        valid += 1;
        let app = App::of(form);
        let written = serde_json::to_value(app.form()).expect("it is JSON");
        let again = form::read(written.as_object().expect("an object").clone());
        let again = again.unwrap_or_else(|why| panic!("{said:?} is written as {written}: {why:?}"));
        assert_eq!(App::of(again), app, "{said:?} is written as {written}");
        // What is kept in a row is the same, too.
        let row = serde_json::to_string(&app).expect("it is JSON");
        assert_eq!(serde_json::from_str::<App>(&row).expect("it was written so"), app);
    }
    assert!(valid > TRIED / 5, "{valid} of them are valid");
}

#[test]
fn what_is_refused_is_named_by_a_path_and_a_sentence() {
    let (pool, mut numbers, mut refused) = (pool(), Numbers(12), 0);
    for _ in 0..TRIED {
        let said = made(&mut numbers, &pool);
        let Err(refusal) = form::read(said.clone()) else { continue };
        refused += 1;
        assert!([400, 422].contains(&refusal.status), "{said:?}");
        let details = refusal.body["details"].as_array().expect("a list");
        assert!(!details.is_empty(), "{said:?}");
        for detail in details {
            let is_path = detail["path"].as_str().is_some_and(|path| path.starts_with('/'));
            let errors = detail["errors"].as_array().expect("a list");
            let are_said = errors.iter().all(|one| one.as_str().is_some_and(|one| one.len() > 5));
            assert!(is_path && !errors.is_empty() && are_said, "{said:?}: {detail}");
        }
    }
    assert!(refused > TRIED / 5, "{refused} of them are refused");
}

#[test]
fn an_update_of_nothing_changes_nothing_and_one_of_all_is_the_whole() {
    let (pool, mut numbers) = (pool(), Numbers(13));
    for _ in 0..TRIED {
        let Ok(form) = form::read(made(&mut numbers, &pool)) else { continue };
        let app = App::of(form);
        let nothing = form::overlay(&app.form(), Map::new());
        assert_eq!(form::read(nothing).map(App::of), Ok(app.clone()));
        let whole = serde_json::to_value(app.form()).expect("it is JSON");
        let whole = whole.as_object().expect("an object").clone();
        assert_eq!(form::read(form::overlay(&app.form(), whole)).map(App::of), Ok(app));
    }
}
