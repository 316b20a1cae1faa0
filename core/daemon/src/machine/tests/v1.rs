//! The API of v1.0, on the machine that v0.3 has too. Source: blox.md 5.5 and 5.6, numbers of the tests there.

use serde_json::{Value, json};

use super::town::{Town, WEB};

fn new(name: &str, definition: &str) -> String {
    json!({
        "environmentName": name, "environmentType": "Daemon", "taskDefinition": definition,
        "deploymentMethod": "ReplaceAfterTerminate", "role": "arn:aws:iam::123456789012:role/r",
        "instanceGroup": {"attributes": []}, "deploymentConfiguration": {},
    })
    .to_string()
}

const ALL: &str = "/v1/WebCluster/environments";

fn at(rest: &str) -> String {
    format!("{ALL}/{rest}")
}

/// Makes an environment; its first revision.
fn create(town: &mut Town, name: &str, definition: &str) -> String {
    let made = town.ask_v1("POST", ALL, &new(name, definition)).expect("it is made");
    made["environmentRevisionId"].as_str().expect("an id").to_owned()
}

fn deploy(town: &mut Town, name: &str, revision: &str) -> String {
    let target = at(&format!("{name}/deployments?revisionId={revision}"));
    let made = town.ask_v1("POST", &target, "").expect("it is deployed");
    town.pass(60_000);
    made["deploymentId"].as_str().expect("an id").to_owned()
}

fn environment(town: &mut Town, name: &str) -> Value {
    town.ask_v1("GET", &at(name), "").expect("it is there")["environment"].take()
}

/// 73 to 77, 84, 86.
#[test]
fn an_environment_is_described_as_it_was_made() {
    let mut town = Town::new(2);
    let revision = create(&mut town, "e", "nginx:1");
    let wanted = json!({
        "environmentName": "e", "cluster": "WebCluster", "role": "arn:aws:iam::123456789012:role/r",
        "environmentType": "Daemon", "environmentHealth": "Healthy",
        "deploymentMethod": "ReplaceAfterTerminate", "deploymentConfiguration": {},
        "latestEnvironmentRevisionId": revision,
    });
    assert_eq!(environment(&mut town, "e"), wanted);
    let by_arn = format!("/v1/{}/environments/e", WEB.replace('/', "%2F"));
    assert_eq!(town.ask_v1("GET", &by_arn, "").expect("it is there")["environment"], wanted);
    let shown =
        town.ask_v1("GET", &at(&format!("e/revisions/{revision}")), "").expect("it is there");
    let shown = &shown["environmentRevision"];
    assert!(shown["taskDefinition"].as_str().expect("text").ends_with("nginx:1"), "{shown}");
    assert_eq!(shown["counts"], json!({"desired": 0, "healthy": 0, "total": 0}));
    let (status, body) = town.ask_v1("POST", ALL, &new("e", "nginx:1")).expect_err("it is there");
    let wanted = json!({"message": "environment with id e already exists",
        "resourceType": "environment", "resourceId": "e"});
    assert_eq!((status, body), (409, wanted));
}

/// 87, 89, 92, 93, 97, 101 to 105.
#[test]
fn a_revision_runs_once_it_is_deployed_and_any_can_be() {
    let mut town = Town::new(2);
    let first = create(&mut town, "e", "nginx:1");
    assert!(town.live().is_empty());
    let deployment = deploy(&mut town, "e", &first);
    let definitions =
        |town: &Town| -> Vec<String> { town.live().into_iter().map(|(_, one)| one).collect() };
    assert_eq!(definitions(&town), ["nginx:1", "nginx:1"]);
    let changed = town.ask_v1("PUT", &at("e"), r#"{"taskDefinition":"nginx:2"}"#).expect("changed");
    let second = changed["environmentRevisionId"].as_str().expect("an id").to_owned();
    town.pass(60_000);
    assert_eq!(definitions(&town), ["nginx:1", "nginx:1"], "it is not deployed yet");
    let shown = environment(&mut town, "e");
    assert_eq!(shown["activeEnvironmentRevisionId"], json!(first));
    assert_eq!(shown["latestEnvironmentRevisionId"], json!(second));
    let after = deploy(&mut town, "e", &second);
    assert_eq!(definitions(&town), ["nginx:2", "nginx:2"]);
    let target = at(&format!("e/deployments/{after}"));
    let shown = town.ask_v1("GET", &target, "").expect("it is there")["deployment"].take();
    assert_eq!(shown["oldTargetRevisionId"], json!(first));
    assert_eq!(shown["newTargetRevisionId"], json!(second));
    assert!(shown["timestamp"].as_str().expect("text").ends_with('Z'), "{shown}");
    let back = deploy(&mut town, "e", &first);
    assert_eq!(definitions(&town), ["nginx:1", "nginx:1"]);
    let listed = town.ask_v1("GET", &at("e/deployments"), "").expect("a list");
    assert_eq!(listed, json!({"deploymentIds": [back, after, deployment]}));
    let listed = town.ask_v1("GET", &at("e/revisions"), "").expect("a list");
    assert_eq!(listed, json!({"revisionIds": [second, first]}));
    let target = at(&format!("e/revisions/{first}"));
    let shown = town.ask_v1("GET", &target, "").expect("it is there");
    let counts = json!({"desired": 2, "healthy": 2, "total": 2});
    assert_eq!(shown["environmentRevision"]["counts"], counts);
}

/// 77, 88, 90, 91, 95, 100.
#[test]
fn what_is_not_there_is_said_to_be_so() {
    let mut town = Town::new(1);
    create(&mut town, "e", "nginx:1");
    let (of_e, of_none) = ("e", "none");
    for (method, target, body, kind, id) in [
        ("GET", at("none"), "", "environment", of_none),
        ("PUT", at("none"), r#"{"taskDefinition":"nginx:1"}"#, "environment", of_none),
        ("DELETE", at("none"), "", "environment", of_none),
        ("GET", at("none/revisions"), "", "environment", of_none),
        ("GET", at("none/deployments"), "", "environment", of_none),
        ("POST", at("none/deployments?revisionId=1"), "", "environment", of_none),
        ("GET", format!("/v1/Other/environments/{of_e}"), "", "environment", of_e),
        ("GET", at("e/revisions/1"), "", "environmentRevision", "1"),
        ("POST", at("e/deployments?revisionId=1"), "", "environmentRevision", "1"),
        ("GET", at("e/deployments/1"), "", "deployment", "1"),
    ] {
        let wanted = json!({"message": format!("{kind} with id {id} could not be found"),
            "resourceType": kind, "resourceId": id});
        assert_eq!(town.ask_v1(method, &target, body), Err((404, wanted)), "{method} {target}");
    }
    for (target, body) in [
        ("/v1/Other/environments".to_owned(), new("x", "nginx:1")),
        (ALL.to_owned(), new("x", "missing:1")),
    ] {
        let (status, said) = town.ask_v1("POST", &target, &body).expect_err("it cannot be");
        assert_eq!(status, 400, "{said}");
    }
    let (status, _) =
        town.ask_v1("PUT", &at("e"), r#"{"taskDefinition":"missing:1"}"#).expect_err("no");
    assert_eq!(status, 400);
}

/// 82 to 85, and paging.
#[test]
fn lists_are_sorted_filtered_and_paged() {
    let mut town = Town::new(1);
    for name in ["EnvsA", "EnvironmentB", "EnvironmentA"] {
        create(&mut town, name, "nginx:1");
    }
    town.create("EnvironmentC", "nginx:1", "");
    let mut list = |query: &str| town.ask_v1("GET", &format!("{ALL}?{query}"), "");
    let names = ["EnvironmentA", "EnvironmentB", "EnvironmentC", "EnvsA"];
    assert_eq!(list(""), Ok(json!({"environmentNames": names})));
    let found = list("environmentNamePrefix=Environment&maxResults=2");
    let wanted = json!({"environmentNames": names[..2], "nextToken": "EnvironmentB"});
    assert_eq!(found, Ok(wanted));
    let found = list("environmentNamePrefix=Environment&maxResults=2&nextToken=EnvironmentB");
    assert_eq!(found, Ok(json!({"environmentNames": names[2..3]})));
    assert_eq!(list("nextToken=x").expect_err("there is no such").0, 400);
    let none = town.ask_v1("GET", "/v1/Other/environments", "");
    assert_eq!(none, Ok(json!({"environmentNames": []})));
}

#[test]
fn both_apis_deploy_an_environment_of_v03_and_only_one_sees_those_of_v1() {
    let mut town = Town::new(1);
    let made = town.create("old", "nginx:1", "");
    let first = environment(&mut town, "old")["latestEnvironmentRevisionId"].clone();
    deploy(&mut town, "old", first.as_str().expect("an id"));
    assert_ne!(town.environment("old").deployment_token, made.deployment_token);
    let body = r#"{"taskDefinition":"nginx:2"}"#;
    town.ask("PUT", "/v1/environments/old", body).expect("it is changed");
    let second = environment(&mut town, "old")["latestEnvironmentRevisionId"].clone();
    assert_ne!(second, first);
    town.deploy("old").expect("it is deployed");
    town.pass(60_000);
    assert_eq!(environment(&mut town, "old")["activeEnvironmentRevisionId"], second);
    create(&mut town, "new", "nginx:1");
    assert!(town.ask("GET", "/v1/environments/new", "").is_err());
    // A name is one environment's in its cluster, whichever API made it.
    let body =
        r#"{"name":"new","instanceGroup":{"cluster":"WebCluster"},"taskDefinition":"nginx:1"}"#;
    let fault = town.ask("POST", "/v1/environments", body).expect_err("it is taken");
    assert_eq!(fault.status(), 400);
    assert_eq!(town.ask_v1("POST", ALL, &new("old", "nginx:1")).expect_err("it is taken").0, 409);
}

#[test]
fn environments_of_v1_outlive_restarts_and_end_with_or_without_their_tasks() {
    let mut town = Town::new(2);
    let revision = create(&mut town, "e", "nginx:1");
    deploy(&mut town, "e", &revision);
    let before = environment(&mut town, "e");
    town.restart();
    assert_eq!(environment(&mut town, "e"), before);
    assert_eq!(town.live().len(), 2);
    let gone = town.ask_v1("DELETE", &at("e?forceDelete=true"), "").expect("it ends");
    assert_eq!(gone["environment"], before);
    town.pass(60_000);
    assert_eq!(town.live().len(), 2, "its tasks are left alone");
    assert_eq!(town.ask_v1("DELETE", &at("e"), "").expect_err("it has ended").0, 404);
    let revision = create(&mut town, "f", "nginx:1");
    deploy(&mut town, "f", &revision);
    assert_eq!(town.live().len(), 4);
    town.ask_v1("DELETE", &at("f?terminateTasks=true"), "").expect("it ends");
    assert!(town.ask_v1("GET", &at("f"), "").is_err());
    for arn in town.tasks.keys().cloned().collect::<Vec<_>>() {
        if !town.tasks[&arn].desired_running {
            town.stop(&arn, longshore_replica::StopCode::UserInitiated);
        }
    }
    town.pass(60_000);
    assert_eq!(town.live().len(), 2);
}
