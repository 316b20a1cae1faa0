//! Jobs that are read as Chronos reads them, and those that are refused by field.

use serde_json::{Value, json};

use super::*;

fn read(value: Value) -> Result<Posted, String> {
    Posted::read(value, &Defaults::default()).map_err(|why| why.to_string())
}

/// The job of the seeds.
fn seed() -> Value {
    json!({"name": "sleep", "command": "sleep360:1", "schedule": "R1//PT24H"})
}

fn with(name: &str, value: Value) -> Value {
    let mut job = seed();
    job[name] = value;
    job
}

#[test]
fn a_job_has_the_defaults_of_chronos() {
    // Source: frameworks.md 4.2.
    let job = read(seed()).unwrap().definition;
    assert_eq!((job.retries, job.epsilon_ms, job.shell), (2, 60_000, true));
    assert_eq!((job.cpus, job.mem, job.disk), (Amount(100), Amount(128_000), Amount(256_000)));
    assert!(!job.disabled && !job.concurrent && !job.soft_error && !job.high_priority);
}

#[test]
fn a_job_is_read_again_as_it_is_shown() {
    let full = json!({
        "name": "full", "command": "run", "shell": false, "schedule": "R5/2026-01-01T00:00:00.000Z/PT1H",
        "scheduleTimeZone": "Europe/Vienna", "retries": 5, "epsilon": "PT5M", "cpus": 0.25, "mem": 64,
        "disk": 10.5, "disabled": true, "concurrent": true, "softError": true, "highPriority": true,
        "owner": "ops@example.com", "ownerName": "ops", "description": "all", "arguments": ["a", 7],
        "uris": ["http://example.com/a.tgz"], "runAsUser": "nobody", "dataProcessingJobType": true,
        "environmentVariables": [{"name": "A", "value": "1"}],
        "constraints": [["rack", "LIKE", "a.*"], ["zone", "equals", "b"], ["hostname", "UNLIKE", "c"]],
        "container": {"type": "docker", "image": "busybox", "network": "BRIDGE", "forcePullImage": true,
            "volumes": [{"hostPath": "/a", "containerPath": "/b", "mode": "RO"}, {"containerPath": "/c"}],
            "parameters": [{"key": "env", "value": "B=2"}]},
        "successCount": 3, "lastSuccess": "2026-01-01T00:00:00.000Z",
    });
    let first = read(full).unwrap();
    let shown = first.definition.json(&first.counters, None);
    assert_eq!(read(shown).unwrap(), first);
    assert_eq!(first.counters.last_success_ms, Some(1_767_225_600_000));
}

#[test]
fn numbers_and_booleans_may_be_texts_and_null_is_absent() {
    let job = with("retries", json!("7"));
    assert_eq!(read(job).unwrap().definition.retries, 7);
    assert!(read(with("disabled", json!("true"))).unwrap().definition.disabled);
    assert_eq!(read(with("cpus", json!("0.5"))).unwrap().definition.cpus, Amount(500));
    assert_eq!(read(with("mem", Value::Null)).unwrap().definition.mem, Amount(128_000));
}

#[test]
fn nothing_of_a_resource_means_the_default() {
    assert_eq!(read(with("mem", json!(0))).unwrap().definition.mem, Amount(128_000));
}

#[test]
fn every_malformed_job_is_refused_by_field() {
    for (name, value, said) in [
        ("name", json!("a b"), "name: a name has"),
        ("name", json!(""), "name: a name has"),
        ("name", json!("n".repeat(1_000)), "name: a name has"),
        ("name", json!(["a"]), "name: a text is needed"),
        ("schedule", json!("R/PT1H"), "schedule: "),
        ("schedule", json!(""), "schedule: a job has a schedule, or parents"),
        ("parents", json!(["a"]), "parents: a job has a schedule or parents, not both"),
        ("retries", json!(-1), "retries: a whole number"),
        ("retries", json!(1.5), "retries: a whole number"),
        ("retries", json!(100_000), "retries: a whole number"),
        ("epsilon", json!("60"), "epsilon: "),
        ("cpus", json!(-0.1), "cpus: a number"),
        ("cpus", json!("much"), "cpus: a number"),
        ("mem", json!(1e300), "mem: a number"),
        ("disabled", json!("yes"), "disabled: true or false"),
        ("async", json!(true), "async: asynchronous jobs are not supported"),
        ("executor", json!("/bin/x"), "executor: executors are not possible"),
        ("command", json!("c".repeat(9_000)), "command: at most 8192 bytes"),
        ("command", json!("a\0b"), "command: a text has no NUL"),
        ("arguments", json!("a"), "arguments: a list is needed"),
        ("arguments", json!(vec!["a"; 300]), "arguments: at most 256"),
        ("arguments", json!([{}]), "arguments[0]: a text is needed"),
        ("environmentVariables", json!([{"name": ""}]), "environmentVariables[0].name: "),
        ("constraints", json!([["a", "NEAR", "b"]]), "constraints[0]: a constraint is"),
        ("constraints", json!(["a"]), "constraints[0]: a constraint is"),
        ("container", json!({"type": "DOCKER"}), "container.image: an image is needed"),
        ("container", json!({"image": "a", "type": "VM"}), "container.type: DOCKER or MESOS"),
        ("container", json!({"image": "a", "network": "x"}), "container.network: HOST"),
        ("container", json!({"image": "a", "volumes": [{}]}), "container.volumes[0].containerPath"),
        ("container", json!({"image": "a", "extra": 1}), "container.extra: there is no such"),
        ("fetch", json!([{"uri": ""}]), "fetch[0].uri: a URI is needed"),
        (
            "fetch",
            json!(vec![json!({"uri": "u".repeat(3_000)}); 3]),
            "fetch[2].uri: at most 2192 bytes",
        ),
        ("lastSuccess", json!("monday"), "lastSuccess: "),
        ("sheduleTimeZone", json!("UTC"), "sheduleTimeZone: there is no such member"),
    ] {
        let refused = read(with(name, value.clone())).unwrap_err();
        assert!(refused.starts_with(said), "{name} {value}: {refused}");
    }
}

#[test]
fn parents_are_a_set_of_other_jobs() {
    let job = |parents: Value| read(json!({"name": "c", "command": "", "parents": parents}));
    let read = job(json!(["b", "a", "b"])).unwrap().definition;
    assert_eq!(read.trigger, Trigger::Parents(vec!["a".to_owned(), "b".to_owned()]));
    assert!(job(json!(["c"])).unwrap_err().starts_with("parents[0]: a job cannot be its own"));
    assert!(job(json!(["a", "x y"])).unwrap_err().starts_with("parents[1]: "));
    assert!(job(json!(vec!["a"; 200])).unwrap_err().starts_with("parents: at most 100"));
}

#[test]
fn a_body_that_is_no_object_says_so() {
    for (body, said) in [("", "not JSON"), ("[]", "an object is needed"), ("{", "not JSON")] {
        let refused = Posted::parse(body.as_bytes(), &Defaults::default()).unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
    }
}
