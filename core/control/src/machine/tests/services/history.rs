//! Service deployments and revisions.

use super::*;

fn listed(town: &mut Town, extra: Value) -> Vec<Value> {
    let mut body = json!({"service": "s"});
    let Value::Object(extra) = extra else { panic!("an object") };
    body.as_object_mut().expect("an object").extend(extra);
    let reply = town.world.ok("ListServiceDeployments", &body);
    reply["serviceDeployments"].as_array().cloned().expect("a list")
}

#[test]
fn every_deployment_leaves_a_story_and_a_revision() {
    let (mut town, _) = Town::new(1);
    let created = town.create(json!({}));
    let current = text(&created["currentServiceDeployment"]);
    town.settle();
    assert!(town.service()["currentServiceDeployment"].is_null(), "it is over");
    town.update(json!({"taskDefinition": "next"}));
    town.settle();
    let stories = listed(&mut town, json!({}));
    assert_eq!(stories.len(), 2);
    assert_eq!(text(&stories[1]["serviceDeploymentArn"]), current);
    assert!(stories.iter().all(|story| story["status"] == "SUCCESSFUL"), "{stories:?}");
    let newest = text(&stories[0]["serviceDeploymentArn"]);
    let reply = town.world.ok(
        "DescribeServiceDeployments",
        &json!({"serviceDeploymentArns": [newest, current.clone() + "x"]}),
    );
    let story = &reply["serviceDeployments"][0];
    assert_eq!(story["sourceServiceRevisions"][0]["requestedTaskCount"], 2);
    assert_eq!(story["targetServiceRevision"]["runningTaskCount"], 2);
    assert_eq!(story["deploymentCircuitBreaker"]["status"], "DISABLED");
    assert_eq!(reply["failures"][0]["reason"], "MISSING");
    let target = text(&story["targetServiceRevision"]["arn"]);
    let reply =
        town.world.ok("DescribeServiceRevisions", &json!({"serviceRevisionArns": [target]}));
    let revision = &reply["serviceRevisions"][0];
    assert!(text(&revision["taskDefinition"]).ends_with("/next:1"));
    assert_eq!(revision["containerImages"][0]["image"], "busybox");
    assert_eq!(town.service()["currentServiceRevisions"][0]["arn"], revision["serviceRevisionArn"]);
}

#[test]
fn a_rollback_is_part_of_the_story() {
    let (mut town, _) = Town::new(1);
    town.does.insert("next".into(), Does::FailToStart);
    let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}});
    town.create(json!({"deploymentConfiguration": breaker}));
    town.settle();
    town.update(json!({"taskDefinition": "next"}));
    town.pass(60_000);
    let stories = listed(&mut town, json!({"status": ["ROLLBACK_SUCCESSFUL"]}));
    assert_eq!(stories.len(), 1);
    let arn = text(&stories[0]["serviceDeploymentArn"]);
    let reply =
        town.world.ok("DescribeServiceDeployments", &json!({"serviceDeploymentArns": [arn]}));
    let story = &reply["serviceDeployments"][0];
    assert_eq!(story["deploymentCircuitBreaker"]["status"], "TRIGGERED");
    let back = text(&story["rollback"]["serviceRevisionArn"]);
    assert_eq!(town.service()["currentServiceRevisions"][0]["arn"], back);
}

#[test]
fn stories_are_paged_and_filtered() {
    let (mut town, _) = Town::new(0);
    town.create(json!({"desiredCount": 0}));
    for _ in 0..4 {
        town.pass(1_000);
        town.update(json!({"forceNewDeployment": true}));
    }
    let all = listed(&mut town, json!({}));
    assert_eq!(all.len(), 5);
    let (mut seen, mut token) = (Vec::new(), Value::Null);
    loop {
        let body = json!({"service": "s", "maxResults": 2, "nextToken": token});
        let reply = town.world.ok("ListServiceDeployments", &body);
        seen.extend(reply["serviceDeployments"].as_array().cloned().expect("a list"));
        token = reply["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(seen, all);
    assert_eq!(listed(&mut town, json!({"status": ["IN_PROGRESS"]})).len(), 1);
    let third = all[2]["createdAt"].clone();
    assert_eq!(listed(&mut town, json!({"createdAt": {"after": third}})).len(), 2);
    assert_eq!(listed(&mut town, json!({"createdAt": {"before": third}})).len(), 2);
    let refusal =
        town.world.refused("ListServiceDeployments", &json!({"service": "s", "status": ["DONE"]}));
    assert_eq!(refusal.code, ErrorCode::InvalidParameter);
}
