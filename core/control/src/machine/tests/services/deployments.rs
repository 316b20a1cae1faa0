//! Replacing one task definition with the next.

use super::*;

#[test]
fn a_new_task_definition_replaces_every_task_within_the_bounds() {
    for (minimum, maximum, fewest, most) in
        [(100, 200, 4, 8), (100, 125, 4, 5), (50, 100, 2, 4), (50, 150, 2, 6)]
    {
        let (mut town, _) = Town::new(2);
        let percents = json!({"minimumHealthyPercent": minimum, "maximumPercent": maximum});
        town.create(json!({"desiredCount": 4, "deploymentConfiguration": percents}));
        town.settle();
        let updated = town.update(json!({"taskDefinition": "next"}));
        assert_eq!(rollouts(&updated), ["IN_PROGRESS", "COMPLETED"]);
        assert_eq!(updated["deployments"][1]["status"], "ACTIVE");
        (town.most, town.fewest) = (0, usize::MAX);
        town.pass(20_000);
        let service = town.service();
        assert_eq!(counts(&service), (4, 0, 4), "{minimum}/{maximum}");
        assert_eq!(rollouts(&service), ["COMPLETED"]);
        assert!(text(&service["taskDefinition"]).ends_with("/next:1"));
        assert!(town.fewest >= fewest, "{} < {fewest} at {minimum}/{maximum}", town.fewest);
        assert!(town.most <= most, "{} > {most} at {minimum}/{maximum}", town.most);
    }
}

#[test]
fn only_what_changes_what_runs_deploys() {
    let (mut town, _) = Town::new(1);
    let first = text(&town.create(json!({}))["deployments"][0]["id"]);
    town.settle();
    for change in [
        json!({"taskDefinition": "web"}),
        json!({"desiredCount": 3}),
        json!({"healthCheckGracePeriodSeconds": 5, "propagateTags": "SERVICE"}),
        json!({"deploymentConfiguration": {"maximumPercent": 150}}),
    ] {
        assert_eq!(text(&town.update(change)["deployments"][0]["id"]), first);
    }
    let forced = town.update(json!({"forceNewDeployment": true}));
    assert_ne!(text(&forced["deployments"][0]["id"]), first);
    town.pass(20_000);
    let service = town.service();
    assert_eq!((counts(&service), rollouts(&service)), ((3, 0, 3), vec!["COMPLETED".into()]));
    let configuration = &service["deploymentConfiguration"];
    assert_eq!(configuration["maximumPercent"], 150);
    assert_eq!(configuration["minimumHealthyPercent"], 100, "what is left out stays");
}

#[test]
fn a_deployment_that_its_percents_rule_out_says_so_once() {
    let (mut town, _) = Town::new(1);
    let percents = json!({"minimumHealthyPercent": 100, "maximumPercent": 125});
    town.create(json!({"desiredCount": 3, "deploymentConfiguration": percents}));
    town.settle();
    town.update(json!({"taskDefinition": "next"}));
    town.pass(60_000);
    let told = |town: &mut Town| {
        town.events().iter().filter(|one| one.contains("minimumHealthyPercent")).count()
    };
    assert_eq!(told(&mut town), 1);
    assert_eq!(counts(&town.service()), (3, 0, 3));
    town.update(json!({"deploymentConfiguration": {"maximumPercent": 200}}));
    town.settle();
    assert_eq!(rollouts(&town.service()), ["COMPLETED"]);
    assert_eq!(told(&mut town), 1);
}

#[test]
fn a_deployment_that_waits_for_tasks_to_stop_says_so() {
    for (scheduling, desired, waits) in
        [("REPLICA", json!(2), "2 tasks"), ("DAEMON", json!(null), "1 task")]
    {
        let (mut town, _) = Town::new(1);
        town.does.insert("web".into(), Does::Linger);
        let percents = json!({"minimumHealthyPercent": 0, "maximumPercent": 100});
        town.create(json!({"desiredCount": desired, "schedulingStrategy": scheduling, "deploymentConfiguration": percents}));
        town.settle();
        town.update(json!({"taskDefinition": "next"}));
        let said = format!("is waiting for {waits} to stop before it starts others.");
        let told = |town: &mut Town| town.events().iter().filter(|one| one.contains(&said)).count();
        town.pass(3_000);
        assert_eq!(told(&mut town), 0, "{scheduling}: that is not long");
        town.pass(60_000);
        assert_eq!(told(&mut town), 1, "{scheduling}: {:?}", town.events());
    }
}

#[test]
fn a_deployment_may_be_overtaken() {
    let (mut town, _) = Town::new(1);
    town.does.insert("next".into(), Does::Hang);
    town.create(json!({}));
    town.settle();
    town.update(json!({"taskDefinition": "next"}));
    town.settle();
    assert_eq!(rollouts(&town.service()), ["IN_PROGRESS", "COMPLETED"]);
    town.update(json!({"taskDefinition": "web", "forceNewDeployment": true}));
    town.pass(20_000);
    let service = town.service();
    assert_eq!((counts(&service), rollouts(&service)), ((2, 0, 2), vec!["COMPLETED".into()]));
}

#[test]
fn a_task_that_does_not_stop_holds_its_place() {
    let (mut town, _) = Town::new(1);
    town.does.insert("web".into(), Does::Linger);
    let percents = json!({"minimumHealthyPercent": 0, "maximumPercent": 100});
    town.create(json!({"deploymentConfiguration": percents}));
    town.settle();
    town.update(json!({"taskDefinition": "next"}));
    town.settle();
    assert_eq!(counts(&town.service()), (0, 0, 2), "the old ones are stopping still");
}

#[test]
fn a_definition_that_is_deregistered_keeps_running_and_scaling() {
    let (mut town, _) = Town::new(1);
    town.create(json!({}));
    town.settle();
    town.world.ok("DeregisterTaskDefinition", &json!({"taskDefinition": "web:1"}));
    town.update(json!({"desiredCount": 3}));
    town.settle();
    assert_eq!(counts(&town.service()), (3, 0, 3));
    let refusal =
        town.world.refused("UpdateService", &json!({"service": "s", "taskDefinition": "web:1"}));
    assert_eq!(
        (refusal.code, &*refusal.message),
        (ErrorCode::Client, "TaskDefinition is inactive")
    );
}
