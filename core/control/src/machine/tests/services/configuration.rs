//! What a deployment configuration shows in addition to what was given.

use super::*;

fn breaker(enable: bool, rollback: bool) -> Value {
    json!({
        "enable": enable, "rollback": rollback, "resetOnHealthyTask": true,
        "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50},
    })
}

fn alarms(names: &Value) -> Value {
    json!({"alarmNames": names, "rollback": false, "enable": false})
}

#[test]
fn a_service_shows_the_configuration_that_ecs_fills_in() {
    let (mut town, _) = Town::new(0);
    let created = town.create(json!({}));
    let expected = json!({
        "deploymentCircuitBreaker": breaker(false, false), "maximumPercent": 200, "minimumHealthyPercent": 100,
        "strategy": "ROLLING", "bakeTimeInMinutes": 0, "alarms": alarms(&json!([])),
    });
    assert_eq!(created["deploymentConfiguration"], expected);
    assert_eq!(town.service()["deploymentConfiguration"], expected);
}

#[test]
fn members_that_are_left_out_of_a_circuit_breaker_and_of_alarms_are_filled_in() {
    let (mut town, _) = Town::new(0);
    let given = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    let shown = town.create(json!({"deploymentConfiguration": given}));
    let shown = &shown["deploymentConfiguration"];
    assert_eq!(shown["deploymentCircuitBreaker"], breaker(true, true));
    assert_eq!(shown["alarms"], alarms(&json!([])));
    let given =
        json!({"alarms": {"alarmNames": ["a"]}, "deploymentCircuitBreaker": {"enable": true}});
    let shown = town.update(json!({"deploymentConfiguration": given}));
    let shown = &shown["deploymentConfiguration"];
    assert_eq!(shown["deploymentCircuitBreaker"], breaker(true, false));
    assert_eq!(shown["alarms"], alarms(&json!(["a"])));
    let given = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": false, "thresholdConfiguration": {"type": "COUNT"}}});
    let shown = town.update(json!({"deploymentConfiguration": given}));
    let threshold =
        &shown["deploymentConfiguration"]["deploymentCircuitBreaker"]["thresholdConfiguration"];
    assert_eq!(*threshold, json!({"type": "COUNT", "value": 50}));
}

#[test]
fn what_newer_models_add_to_services_is_refused_by_name() {
    let (mut town, _) = Town::new(0);
    for (member, extra) in [
        ("gatewayConnectors", json!({"gatewayConnectors": [{"portName": "http"}]})),
        (
            "ROLLING",
            json!({"deploymentConfiguration": {"linearConfiguration": {"stepPercent": 10.0}}}),
        ),
        (
            "ROLLING",
            json!({"deploymentConfiguration": {"canaryConfiguration": {"canaryPercent": 5.0}}}),
        ),
        (
            "earlySuccessCriteria",
            json!({"deploymentConfiguration": {"earlySuccessCriteria": {"enable": true}}}),
        ),
    ] {
        let mut body = json!({"serviceName": "new", "taskDefinition": "web", "desiredCount": 0});
        body.as_object_mut()
            .expect("an object")
            .extend(extra.as_object().cloned().expect("an object"));
        let refusal = town.world.refused("CreateService", &body);
        assert_eq!(refusal.code, ErrorCode::UnsupportedFeature, "{body}");
        assert!(refusal.message.contains(member), "{refusal}");
    }
}
