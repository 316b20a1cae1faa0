//! Requests that are read, and what comes of those that are wrong.

use super::*;

fn read(body: &str) -> Result<Call, Refusal> {
    let request = Request::read("POST", Some("application/json"), None, body.as_bytes());
    request.map(|request| request.call)
}

/// \[P2\]
#[test]
fn every_reading_call_needs_no_more_than_its_type() {
    for of in [
        "HEALTH",
        "FLAGS",
        "VERSION",
        "LOGGING_LEVEL",
        "STATE",
        "AGENTS",
        "FRAMEWORKS",
        "EXECUTORS",
        "OPERATIONS",
        "TASKS",
        "ROLES",
        "WEIGHTS",
        "MASTER",
        "QUOTA",
        "MAINTENANCE_STATUS",
        "MAINTENANCE_SCHEDULE",
    ] {
        let call = read(&format!(r#"{{"type":"GET_{of}"}}"#)).expect("it reads");
        let Call::Read(call) = call else { panic!("{of} reads nothing") };
        assert_eq!(call.answer_type().as_str_name(), format!("GET_{of}"));
    }
    assert_eq!(read(r#"{"type":"GET_METRICS","get_metrics":{}}"#), Ok(Call::Read(Read::Metrics)));
    assert_eq!(read(r#"{"type":"SUBSCRIBE"}"#), Ok(Call::Subscribe));
}

#[test]
fn a_call_that_writes_says_what_is_to_be_done() {
    let drain = r#"{"type":"DRAIN_AGENT","drain_agent":{"agent_id":{"value":"a"},
        "max_grace_period":{"seconds":2,"nanos":500000000},"mark_gone":true}}"#;
    let wanted =
        OperatorCall::DrainAgent { agent: "a".into(), max_grace_ms: Some(2_500), mark_gone: true };
    assert_eq!(read(drain), Ok(Call::Write(wanted)));
    let weights = r#"{"type":"UPDATE_WEIGHTS","update_weights":{"weight_infos":[{"role":" web ","weight":2.5}]}}"#;
    let wanted = OperatorCall::UpdateWeights(vec![("web".into(), 2.5)]);
    assert_eq!(read(weights), Ok(Call::Write(wanted)));
}

#[test]
fn what_ecs_cannot_do_is_refused_with_the_reason() {
    let reserve = r#"{"type":"RESERVE_RESOURCES","reserve_resources":{"agent_id":{"value":"a"},"resources":[]}}"#;
    let refusal = read(reserve).expect_err("it is refused");
    assert_eq!(refusal.status, 400);
    assert!(refusal.text.contains("Amazon ECS"), "{}", refusal.text);
}

#[test]
fn quota_weights_and_machines_must_make_sense() {
    for (body, part) in [
        (
            r#"{"type":"UPDATE_QUOTA","update_quota":{"quota_configs":[{"role":""}]}}"#,
            "must be set",
        ),
        (
            r#"{"type":"UPDATE_QUOTA","update_quota":{"quota_configs":[{"role":"a","limits":{"cpus":{"value":-1}}}]}}"#,
            "Invalid scalar",
        ),
        (r#"{"type":"SET_QUOTA","set_quota":{"quota_request":{}}}"#, "must specify a role"),
        (r#"{"type":"START_MAINTENANCE","start_maintenance":{"machines":[{}]}}"#, "are empty"),
        (r#"{"type":"START_MAINTENANCE","start_maintenance":{}}"#, "is empty"),
        (
            r#"{"type":"UPDATE_WEIGHTS","update_weights":{"weight_infos":[{"weight":1}]}}"#,
            "Empty role",
        ),
    ] {
        let refusal = read(body).expect_err("it makes no sense");
        assert!(refusal.status == 400 && refusal.text.contains(part), "{body}: {}", refusal.text);
    }
}

#[test]
fn rubbish_is_refused_and_never_repeated_in_full() {
    let long = format!("nonsense{}", "x".repeat(100_000));
    for body in ["", "[]", "{", "1", "{\"type\":5}", long.as_str()] {
        let refusal = read(body).expect_err("it is no call");
        assert!(refusal.status == 400 && refusal.text.len() < 500, "{}", refusal.text.len());
    }
    let wrong = Request::read("POST", Some("application/x-protobuf"), None, &[0xff]);
    assert_eq!(wrong.map_err(|refusal| refusal.status), Err(400));
}
