//! Account settings: their principals, valid values and effects.

use longshore_wire_ecs::ErrorCode;
use serde_json::{Value, json};

use super::World;
use super::storage::restarted;

const ROOT: &str = "arn:aws:iam::123456789012:root";
const USER: &str = "arn:aws:iam::123456789012:user/ann";

/// The effective value of a setting for a principal.
fn effective(world: &mut World, name: &str, principal: &str) -> Value {
    let body = json!({"name": name, "principalArn": principal, "effectiveSettings": true});
    let mut reply = world.ok("ListAccountSettings", &body);
    assert_eq!(reply["settings"].as_array().map(Vec::len), Some(1), "{reply}");
    assert_eq!(reply["settings"][0]["principalArn"], principal);
    reply["settings"][0]["value"].take()
}

/// The settings that a principal has set itself.
fn own(world: &mut World, principal: &str) -> Value {
    world.ok("ListAccountSettings", &json!({"principalArn": principal}))["settings"].take()
}

fn setting(name: &str, value: &str, principal: &str) -> Value {
    json!({"name": name, "value": value, "principalArn": principal, "type": "user"})
}

#[test]
fn an_account_that_has_set_nothing_has_the_defaults_of_ecs() {
    let mut world = World::new();
    assert_eq!(own(&mut world, ROOT), json!([]));
    for (name, value) in [
        ("awsvpcTrunking", "disabled"),
        ("containerInsights", "disabled"),
        ("containerInstanceLongArnFormat", "enabled"),
        ("defaultLogDriverMode", "non-blocking"),
        ("fargateEventWindows", "disabled"),
        ("fargateFIPSMode", "disabled"),
        ("fargateTaskRetirementWaitPeriod", "7"),
        ("guardDutyActivate", "off"),
        ("serviceLongArnFormat", "enabled"),
        ("tagResourceAuthorization", "off"),
        ("taskLongArnFormat", "enabled"),
    ] {
        assert_eq!(effective(&mut world, name, ROOT), value, "{name}");
    }
    let all = world.ok("ListAccountSettings", &json!({"effectiveSettings": true}));
    assert_eq!(all["settings"].as_array().map(Vec::len), Some(10), "a page has ten at most");
    let rest = json!({"effectiveSettings": true, "nextToken": all["nextToken"]});
    let rest = world.ok("ListAccountSettings", &rest);
    assert_eq!(rest["settings"][0]["name"], "taskLongArnFormat");
    assert_eq!(rest.get("nextToken"), None);
}

#[test]
fn a_setting_of_the_root_user_holds_for_all_who_have_none_of_their_own() {
    let mut world = World::new();
    let body = json!({"name": "containerInsights", "value": "enabled"});
    let expected = setting("containerInsights", "enabled", ROOT);
    for operation in ["PutAccountSetting", "PutAccountSettingDefault"] {
        assert_eq!(world.ok(operation, &body)["setting"], expected, "{operation}");
    }
    assert_eq!(own(&mut world, ROOT), json!([expected]));
    assert_eq!(own(&mut world, USER), json!([]));
    assert_eq!(effective(&mut world, "containerInsights", USER), "enabled");
    let body = json!({"name": "containerInsights", "value": "enhanced", "principalArn": USER});
    let expected = setting("containerInsights", "enhanced", USER);
    assert_eq!(world.ok("PutAccountSetting", &body)["setting"], expected);
    assert_eq!(effective(&mut world, "containerInsights", USER), "enhanced");
    assert_eq!(effective(&mut world, "containerInsights", ROOT), "enabled");
    let body = json!({"name": "containerInsights", "principalArn": USER});
    assert_eq!(world.ok("DeleteAccountSetting", &body)["setting"], expected);
    assert_eq!(effective(&mut world, "containerInsights", USER), "enabled");
    world.ok("DeleteAccountSetting", &json!({"name": "containerInsights"}));
    assert_eq!(effective(&mut world, "containerInsights", USER), "disabled");
    assert_eq!(own(&mut world, ROOT), json!([]));
}

#[test]
fn a_new_cluster_is_measured_as_the_account_says() {
    let mut world = World::new();
    let insights = |world: &mut World, name: &str| {
        world.ok("CreateCluster", &json!({"clusterName": name}))["cluster"]["settings"][0]["value"]
            .take()
    };
    world
        .ok("PutAccountSettingDefault", &json!({"name": "containerInsights", "value": "enhanced"}));
    assert_eq!(insights(&mut world, "after"), "enhanced");
    assert_eq!(insights(&mut world, "default"), "disabled", "it was there before");
    let given = json!({"clusterName": "own", "settings": [{"name": "containerInsights", "value": "enabled"}]});
    world.ok("CreateCluster", &given);
    assert_eq!(insights(&mut world, "own"), "enabled");
}

#[test]
fn settings_outlive_a_restart_and_stay_in_their_region() {
    let mut world = World::new();
    let put = |world: &mut World, name: &str, value: &str| {
        world.ok("PutAccountSetting", &json!({"name": name, "value": value}));
    };
    put(&mut world, "fargateTaskRetirementWaitPeriod", "14");
    put(&mut world, "awsvpcTrunking", "enabled");
    world.ok("DeleteAccountSetting", &json!({"name": "awsvpcTrunking"}));
    let mut world = restarted(&world);
    let expected = json!([setting("fargateTaskRetirementWaitPeriod", "14", ROOT)]);
    assert_eq!(own(&mut world, ROOT), expected);
    world.realm.region = "eu-west-1".into();
    assert_eq!(own(&mut world, ROOT), json!([]));
}

#[test]
fn settings_are_found_by_name_and_value() {
    let mut world = World::new();
    world.ok("PutAccountSetting", &json!({"name": "awsvpcTrunking", "value": "enabled"}));
    world.ok("PutAccountSetting", &json!({"name": "containerInsights", "value": "disabled"}));
    let mut count =
        |body: Value| world.ok("ListAccountSettings", &body)["settings"].as_array().map(Vec::len);
    assert_eq!(count(json!({})), Some(2));
    assert_eq!(count(json!({"name": "awsvpcTrunking"})), Some(1));
    assert_eq!(count(json!({"name": "awsvpcTrunking", "value": "disabled"})), Some(0));
    assert_eq!(count(json!({"name": "taskLongArnFormat"})), Some(0));
    let refusal = world.refused("ListAccountSettings", &json!({"value": "enabled"}));
    assert_eq!(refusal.message, "name must be given when value is given.");
}

#[test]
fn settings_that_there_are_not_and_values_that_they_cannot_have_are_refused() {
    let mut world = World::new();
    let other = "arn:aws:iam::000000000000:user/ann";
    for (body, text) in [
        (json!({"name": "containerInsights", "value": "on"}), "Invalid setting 'value'"),
        (
            json!({"name": "fargateTaskRetirementWaitPeriod", "value": "8"}),
            "Invalid setting 'value'",
        ),
        (json!({"name": "taskLongArnFormat", "value": ""}), "Invalid setting 'value'"),
        (json!({"name": "taskLongArnFormat"}), "Invalid setting 'value'"),
        (
            json!({"name": "guardDutyActivate", "value": "on"}),
            "The setting guardDutyActivate is managed by AWS and cannot be changed.",
        ),
        (
            json!({"name": "awsvpcTrunking", "value": "enabled", "principalArn": other}),
            "principalArn must be the ARN of the root user, a user or a role of account 123456789012.",
        ),
    ] {
        let refusal = world.refused("PutAccountSetting", &body);
        assert_eq!(
            (refusal.code, &*refusal.message),
            (ErrorCode::InvalidParameter, text),
            "{body}"
        );
    }
    for operation in ["PutAccountSetting", "PutAccountSettingDefault", "DeleteAccountSetting"] {
        for body in [json!({"name": "x", "value": "enabled"}), json!({"value": "enabled"})] {
            let refusal = world.refused(operation, &body);
            assert_eq!(refusal.code, ErrorCode::InvalidParameter, "{operation}");
            assert!(refusal.message.starts_with("name should be one of [awsvpcTrunking,"));
        }
    }
    assert_eq!(own(&mut world, ROOT), json!([]));
}
