//! Environments and deployments, as clients see them.

use longshore_replica::StopCode;
use longshore_wire_blox::Fault;
use longshore_wire_blox::scheduler::{DeploymentStatus, Health};

use super::super::*;
use super::town::{Fate, Town, WEB};

/// Source: blox.md 2.10, the slides.
#[test]
fn the_scene_of_the_slides() {
    let mut town = Town::new(3);
    let made = town.create("WebEnvironment", "nginx:2", "");
    assert_eq!((made.health, &*made.instance_group.cluster), (Health::Healthy, WEB));
    assert!(made.task_definition.ends_with("task-definition/nginx:2"));
    town.runs = false;
    let deployed = town.deploy("WebEnvironment").expect("it can be deployed");
    assert_eq!((deployed.status, deployed.id.len()), (DeploymentStatus::Pending, 36));
    assert_eq!(town.live().len(), 3);
    assert_eq!(town.starts.len(), 1, "one request for up to ten instances");
    assert_eq!(*town.starts[0].started_by, *deployed.id);
    assert_eq!(town.status("WebEnvironment"), DeploymentStatus::Running);
    for arn in town.tasks.keys().cloned().collect::<Vec<_>>() {
        town.change_task(&arn, |task| task.last_status = longshore_replica::LastStatus::Running);
    }
    assert_eq!(town.status("WebEnvironment"), DeploymentStatus::Completed);
    // ecs-cli scale --size 4
    let fourth = town.add_instance();
    town.tell_instance(&fourth);
    assert_eq!(town.live().len(), 4, "in the step in which it was told of");
}

/// Source: blox.md 2.3 and 2.4.
#[test]
fn tokens_are_checked_in_the_order_of_blox() {
    let mut town = Town::new(1);
    let token = town.create("e", "nginx:1", "").deployment_token;
    assert_eq!(town.deploy_with("none", &token), Err(Fault::NothingToDeployTo("none".to_owned())));
    let other = "17248257-08ec-4438-888f-e0ac28397653";
    let old = Fault::OldToken { given: other.to_owned(), current: token.clone() };
    assert_eq!(town.deploy_with("e", other), Err(old));
    town.fate = Fate::Silent;
    let first = town.deploy_with("e", &token).expect("it can be deployed");
    assert_eq!(town.deploy_with("e", &token), Err(Fault::UsedToken(token.clone())));
    let changed = town.ask("PUT", "/v1/environments/e", r#"{"taskDefinition":"nginx:2"}"#);
    let Ok(Reply::Environment(changed)) = changed else { panic!("{changed:?}") };
    assert_ne!(changed.deployment_token, token);
    assert_eq!(town.deploy("e"), Err(Fault::InProgress(first.id)));
}

#[test]
fn a_token_changes_when_its_deployment_completes_so_that_a_second_one_can_follow() {
    let mut town = Town::new(2);
    let token = town.create("e", "nginx:1", "").deployment_token;
    town.deploy_with("e", &token).expect("it can be deployed");
    assert_eq!(town.status("e"), DeploymentStatus::Completed);
    let next = town.environment("e").deployment_token;
    assert_ne!(next, token);
    assert!(matches!(town.deploy_with("e", &token), Err(Fault::OldToken { .. })));
    town.deploy_with("e", &next).expect("it can be deployed again");
    assert_eq!((town.deployments("e").len(), town.live().len()), (2, 2));
    assert_eq!(town.tasks.len(), 4, "each task was replaced");
}

#[test]
fn an_update_rolls_and_a_roll_back_brings_back() {
    let mut town = Town::new(5);
    town.create("e", "nginx:1", r#","minHealthyPercent":60"#);
    town.deploy("e").expect("it can be deployed");
    town.ask("PUT", "/v1/environments/e", r#"{"taskDefinition":"nginx:2"}"#).expect("it is there");
    town.runs = false;
    let second = town.deploy("e").expect("it can be deployed");
    let ending = |town: &Town| town.tasks.values().filter(|task| !task.desired_running).count();
    assert_eq!(ending(&town), 2, "of 5 instances 2 may be without a healthy task");
    // Back before it is over: what was not replaced yet stays.
    let token = town.environment("e").deployment_token;
    let target = format!("/v1/environments/e/rollback?deploymentToken={token}");
    let Ok(Reply::Deployment(back)) = town.ask("POST", &target, "") else { panic!("no roll-back") };
    assert!(back.task_definition.ends_with("nginx:1"));
    assert!(town.ask("POST", &target, "").is_err(), "the token has changed");
    assert_eq!(town.deployments("e")[1].id, second.id);
    assert_eq!(town.deployments("e")[1].status, DeploymentStatus::Completed);
    assert_eq!(ending(&town), 2);
    town.runs = true;
    for arn in town.tasks.keys().cloned().collect::<Vec<_>>() {
        if !town.tasks[&arn].desired_running {
            town.stop(&arn, StopCode::UserInitiated);
        }
    }
    town.pass(10_000);
    assert_eq!(town.status("e"), DeploymentStatus::Completed);
    assert!(town.live().iter().all(|(_, definition)| definition == "nginx:1"));
    assert_eq!((town.live().len(), town.tasks.len()), (5, 7));
}

#[test]
fn there_must_be_something_to_roll_back_to() {
    let mut town = Town::new(1);
    town.create("e", "nginx:1", "");
    town.deploy("e").expect("it can be deployed");
    let token = town.environment("e").deployment_token;
    let target = format!("/v1/environments/e/rollback?deploymentToken={token}");
    assert_eq!(town.ask("POST", &target, ""), Err(Fault::NothingBefore("e".to_owned())));
    let named = format!("{target}&deploymentId=x");
    let absent = Fault::NoDeployment { id: "x".to_owned(), environment: "e".to_owned() };
    assert_eq!(town.ask("POST", &named, ""), Err(absent));
}

/// Source: blox.md 5.2, 31 to 52.
#[test]
fn what_ecs_does_not_know_is_not_found() {
    let mut town = Town::new(1);
    let mut create = |cluster: &str, definition: &str| {
        let body = format!(
            r#"{{"name":"n","instanceGroup":{{"cluster":"{cluster}"}},"taskDefinition":"{definition}"}}"#
        );
        let reply = town.ask("POST", "/v1/environments", &body);
        reply.map(drop).map_err(|fault| (fault.status(), fault.to_string()))
    };
    let refused = |status: u16, text: &str| Err((status, text.to_owned()));
    assert_eq!(create("nobody", "d"), refused(404, "Cluster nobody does not exist"));
    assert_eq!(create("Gone", "d"), refused(404, "Cluster is inactive"));
    assert_eq!(
        create("WebCluster", "missing"),
        refused(404, "Unable to describe task definition.")
    );
    assert_eq!(create("WebCluster", "old"), refused(404, "TaskDefinition is inactive"));
    assert_eq!(create("WebCluster", "d:1"), Ok(()));
    let taken = "Error saving environment n to store: An environment with name n already exists";
    assert_eq!(create("WebCluster", "d:1"), refused(400, taken));
    let fault = town.ask("GET", "/v1/environments/none", "");
    assert_eq!(fault, Err(Fault::NoEnvironment("none".to_owned())));
    let fault = town.ask("GET", "/v1/environments/n/deployments/none", "");
    let absent = Fault::NoDeployment { id: "none".to_owned(), environment: "n".to_owned() };
    assert_eq!(fault, Err(absent));
    for _ in 0..2 {
        assert_eq!(town.ask("DELETE", "/v1/environments/n", ""), Ok(Reply::Done));
    }
}

#[test]
fn environments_are_listed_by_cluster() {
    let mut town = Town::new(0);
    town.create("a", "d:1", "");
    let mut count = |query: &str| match town.ask("GET", &format!("/v1/environments{query}"), "") {
        Ok(Reply::Environments(all)) => all.len(),
        other => panic!("not environments: {other:?}"),
    };
    assert_eq!(
        (count(""), count("?cluster=WebCluster"), count(&format!("?cluster={WEB}"))),
        (1, 1, 1)
    );
    assert_eq!((count("?cluster=Cluster"), count("?cluster=other")), (0, 0));
}

/// Blox left it running for ever. Source: blox.md 7.2, 6.
#[test]
fn a_deployment_to_no_instance_completes() {
    let mut town = Town::new(0);
    town.create("e", "d:1", "");
    assert_eq!(town.deploy("e").map(|one| one.status), Ok(DeploymentStatus::Pending));
    assert_eq!(town.status("e"), DeploymentStatus::Completed);
}

#[test]
fn an_instance_that_drains_or_goes_loses_its_task_and_gets_it_back() {
    let mut town = Town::new(2);
    town.create("e", "d:1", "");
    town.deploy("e").expect("it can be deployed");
    let first = town.instances.keys().next().cloned().expect("there are two");
    town.change_instance(&first, |one| one.active = false);
    assert_eq!(town.live().len(), 1);
    town.change_instance(&first, |one| one.active = true);
    assert_eq!(town.live().len(), 2);
    // It goes without an event: the next reading tells.
    town.instances.remove(&first);
    town.pass(limits::CHECK_MAX_MS + 1_000);
    assert_eq!(town.live().len(), 1);
}

use crate::limits;

#[test]
fn a_group_is_chosen_by_attributes_and_can_be_changed() {
    let mut town = Town::new(3);
    let arns: Vec<Str> = town.instances.keys().cloned().collect();
    for arn in &arns[..2] {
        town.change_instance(arn, |one| {
            one.attributes.insert("stack".into(), Some("prod".into()));
        });
    }
    let body = r#"{"name":"e","instanceGroup":{"cluster":"WebCluster","attributes":
        [{"name":"stack","value":"prod"}]},"taskDefinition":"d:1"}"#;
    town.ask("POST", "/v1/environments", body).expect("it can be made");
    town.deploy("e").expect("it can be deployed");
    assert_eq!(town.live().len(), 2);
    town.change_instance(&arns[0], |one| {
        one.attributes.insert("stack".into(), Some("test".into()));
    });
    assert_eq!(town.live().len(), 1);
    let change = r#"{"instanceGroup":{"attributes":[{"name":"stack"}]}}"#;
    town.ask("PUT", "/v1/environments/e", change).expect("it can be changed");
    assert_eq!((town.live().len(), town.tasks.len()), (2, 3), "what is right already stays");
}

#[test]
fn instances_that_do_not_take_their_task_are_told_of() {
    let mut town = Town::new(2);
    let full = town.instances.keys().next().cloned().expect("there are two");
    town.refusals.insert(full.clone(), "RESOURCE:MEMORY".into());
    town.create("e", "d:1", "");
    town.deploy("e").expect("it can be deployed");
    assert_eq!(town.environment("e").health, Health::Unhealthy);
    let deployment = town.deployments("e").remove(0);
    assert_eq!(deployment.failed_instances, [full.to_string()]);
    assert_eq!(deployment.status, DeploymentStatus::Completed);
    // Something ends there: it is tried again within a second or so.
    town.refusals.clear();
    town.change_instance(&full, |_| {});
    town.pass(limits::RETRY_MS);
    assert_eq!(town.environment("e").health, Health::Healthy);
    assert_eq!(town.live().len(), 2);
}

#[test]
fn a_task_that_ends_by_itself_begins_again_later_and_later() {
    let mut town = Town::new(1);
    town.create("e", "d:1", "");
    town.deploy("e").expect("it can be deployed");
    for _ in 0..4 {
        let last = town.tasks.values().find(|task| task.desired_running).map(|one| one.arn.clone());
        town.stop(&last.expect("one runs"), StopCode::EssentialContainerExited);
        assert_eq!(town.environment("e").health, Health::Unhealthy);
        let before = town.now;
        while town.live().is_empty() {
            town.pass(500);
        }
        assert!(town.now - before >= limits::TROUBLE_MIN_MS);
    }
    assert_eq!(town.environment("e").health, Health::Healthy);
}

#[test]
fn an_environment_ends_with_its_tasks_or_without() {
    let mut town = Town::new(2);
    town.create("e", "d:1", "");
    town.deploy("e").expect("it can be deployed");
    town.ask("DELETE", "/v1/environments/e", "").expect("it can be deleted");
    assert_eq!((town.live().len(), town.rows.len()), (2, 1), "v0.3 leaves the tasks");
    town.create("e", "d:1", "");
    town.deploy("e").expect("it can be deployed");
    assert_eq!(town.live().len(), 4, "tasks of another environment do not count");
    town.ask("DELETE", "/v1/environments/e?terminateTasks=true", "").expect("it can be deleted");
    assert_eq!((town.live().len(), town.rows.len()), (2, 1));
}

#[test]
fn thousands_of_instances_are_deployed_to_in_batches() {
    let mut town = Town::new(250);
    town.tells = false;
    town.create("e", "d:1", "");
    town.deploy("e").expect("it can be deployed");
    assert_eq!((town.starts.len(), town.live().len()), (25, 250));
}
