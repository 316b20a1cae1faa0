//! Requests of v1.0, and their errors.

use serde_json::json;

use super::*;

const ARN: &str = "arn:aws:ecs:us-east-1:123456789012:cluster/web";

fn routed(method: &str, target: &str, body: &str) -> Option<Result<Call, Fault>> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    route(&Request { method, path, query, body: body.as_bytes() })
}

fn call(method: &str, target: &str, body: &str) -> Call {
    routed(method, target, body).expect("it is v1.0's").expect("it is a call")
}

fn refused(method: &str, target: &str, body: &str) -> (u16, String) {
    let fault = routed(method, target, body).expect("it is v1.0's").expect_err("it is refused");
    (fault.status(), fault.body())
}

fn web(name: &str) -> EnvironmentRef {
    EnvironmentRef { cluster: ClusterRef::Name("web".to_owned()), name: name.to_owned() }
}

const NEW: &str = r#"{"environmentName": "e", "environmentType": "Daemon", "taskDefinition": "nginx:1",
    "deploymentMethod": "ReplaceAfterTerminate", "role": "arn:aws:iam::1:role/r",
    "instanceGroup": {"attributes": [{"name": "stack", "value": "prod"}]}, "deploymentConfiguration": {}}"#;

#[test]
fn each_path_and_method_is_a_call() {
    let first = || Page { most: 100, after: None };
    for (method, target, wanted) in [
        ("GET", "/v1/web/environments/e", Call::Describe(web("e"))),
        ("GET", "/v1/web/environments/e/", Call::Describe(web("e"))),
        ("GET", "/v1/web/environments/e/revisions", Call::Revisions(web("e"), first())),
        ("GET", "/v1/web/environments/e/revisions/1", Call::Revision(web("e"), "1".to_owned())),
        ("GET", "/v1/web/environments/e/deployments", Call::Deployments(web("e"), first())),
        ("GET", "/v1/web/environments/e/deployments/1", Call::Deployment(web("e"), "1".to_owned())),
        (
            "POST",
            "/v1/web/environments/e/deployments?revisionId=1",
            Call::Deploy(web("e"), "1".to_owned()),
        ),
        (
            "DELETE",
            "/v1/web/environments/e?forceDelete=true",
            Call::Delete { environment: web("e"), stops_tasks: false },
        ),
        (
            "GET",
            "/v1/web/environments?environmentNamePrefix=a&maxResults=2&nextToken=ab",
            Call::Environments {
                cluster: ClusterRef::Name("web".to_owned()),
                prefix: "a".to_owned(),
                page: Page { most: 2, after: Some("ab".to_owned()) },
            },
        ),
    ] {
        assert_eq!(call(method, target, ""), wanted, "{method} {target}");
    }
    let update = call("PUT", "/v1/web/environments/e", r#"{"taskDefinition": "nginx:2"}"#);
    assert_eq!(
        update,
        Call::Update { environment: web("e"), task_definition: "nginx:2".to_owned() }
    );
    let Call::Create { environment, new } = call("POST", "/v1/web/environments", NEW) else {
        panic!("it makes an environment")
    };
    assert_eq!((environment, new.attributes.len()), (web("e"), 1));
}

#[test]
fn a_cluster_is_named_by_its_arn_with_its_slash_escaped_or_not() {
    for target in [
        format!("/v1/{ARN}/environments/e"),
        format!("/v1/{}/environments/e", ARN.replace('/', "%2F")),
    ] {
        let environment =
            EnvironmentRef { cluster: ClusterRef::Arn(ARN.to_owned()), name: "e".to_owned() };
        assert_eq!(call("GET", &target, ""), Call::Describe(environment), "{target}");
    }
}

#[test]
fn what_v03_knows_is_left_to_it() {
    for target in [
        "/v1/environments",
        "/v1/environments/environments",
        "/v1/environments/environments/deployments",
        "/v1/environments/e/deployments/1",
        "/v1//environments",
        "/v1/./environments",
        "/v1/environments%2F/environments",
        "/v1/ping",
        "/v1/web",
        "/v1/web/environments/e/others",
        "/v1/web/environments/e/revisions/1/2",
        "/v2/web/environments",
    ] {
        assert!(routed("GET", target, "").is_none(), "{target}");
    }
}

#[test]
fn what_cannot_be_is_named_with_what_can() {
    let missing = (
        404,
        r#"{"message":"environment with id a.b could not be found","resourceId":"a.b","resourceType":"environment"}"#
            .to_owned(),
    );
    assert_eq!(refused("GET", "/v1/web/environments/a.b", ""), missing);
    for (method, target, body, status, text) in [
        ("GET", "/v1/a.b/environments", "", 400, "the name or the ARN of a cluster"),
        ("GET", "/v1/web/environments?maxResults=0", "", 400, "from 1 to 100"),
        ("GET", "/v1/web/environments?maxResults=x", "", 400, "from 1 to 100"),
        (
            "GET",
            "/v1/web/environments?prefix=x",
            "",
            400,
            "takes environmentNamePrefix, maxResults",
        ),
        ("GET", "/v1/web/environments?nextToken=a&nextToken=b", "", 400, "more than once"),
        ("GET", "/v1/web/environments/e?a=b", "", 400, "takes none"),
        ("POST", "/v1/web/environments/e/deployments", "", 400, "revisionId is required"),
        (
            "DELETE",
            "/v1/web/environments/e?forceDelete=1",
            "",
            400,
            "forceDelete should be true or false",
        ),
        ("PATCH", "/v1/web/environments/e", "", 405, "GET, PUT, DELETE"),
        ("PUT", "/v1/web/environments/e/revisions/1", "", 405, "takes GET"),
        ("POST", "/v1/web/environments/e/revisions", "", 405, "takes GET"),
        ("POST", "/v1/web/environments", "{", 400, "the body: EOF"),
        ("PUT", "/v1/web/environments/e", "{}", 400, "taskDefinition is required"),
        (
            "PUT",
            "/v1/web/environments/e",
            r#"{"instanceGroup": {}}"#,
            400,
            "unknown field `instanceGroup`",
        ),
    ] {
        let (found, said) = refused(method, target, body);
        assert!(found == status && said.contains(text), "{method} {target}: {found} {said}");
    }
}

#[test]
fn each_member_of_a_new_environment_is_checked() {
    let with = |member: &str, value: serde_json::Value| {
        let mut body: serde_json::Value = serde_json::from_str(NEW).expect("it is JSON");
        body[member] = value;
        refused("POST", "/v1/web/environments", &body.to_string()).1
    };
    for (member, value, text) in [
        ("environmentName", json!("a b"), "environmentName is required: 1 to 30"),
        ("environmentType", json!("SingleTask"), "SingleTask is not served"),
        ("environmentType", json!(null), "environmentType is required: Daemon"),
        ("deploymentMethod", json!("x"), "should be ReplaceAfterTerminate"),
        ("taskDefinition", json!(""), "taskDefinition is required"),
        ("taskDefinition", json!("x".repeat(2_000)), "1 to 1024 characters"),
        ("role", json!("x".repeat(2_000)), "role can have at most"),
        ("instanceGroup", json!({"attributes": [{"name": "a"}, {"name": "a"}]}), "duplicates"),
        ("instanceGroup", json!({"cluster": "x"}), "unknown field `cluster`"),
        ("deploymentConfiguration", json!({"x": 1}), "unknown field `x`"),
        ("deploymentConfiguration", json!({"minHealthyPercent": 100}), "from 0 to 99"),
        ("more", json!(1), "unknown field `more`"),
    ] {
        let said = with(member, value);
        assert!(said.contains(text), "{member}: {said}");
    }
}

#[test]
fn answers_have_the_members_of_v10() {
    let text = |answer: &Answer| serde_json::to_string(answer).expect("it can be written");
    let names = Answer::Environments { environment_names: vec!["e".to_owned()], next_token: None };
    assert_eq!(text(&names), r#"{"environmentNames":["e"]}"#);
    let revision = Answer::NewRevision { environment_revision_id: "1".to_owned() };
    assert_eq!(text(&revision), r#"{"environmentRevisionId":"1"}"#);
    let deployment = Answer::Deployment {
        deployment: EnvironmentDeployment {
            deployment_id: "d".to_owned(),
            timestamp: "t".to_owned(),
            environment_name: "e".to_owned(),
            old_target_revision_id: None,
            new_target_revision_id: "1".to_owned(),
        },
    };
    let wanted = concat!(
        r#"{"deployment":{"deploymentId":"d","timestamp":"t","environmentName":"e","#,
        r#""newTargetRevisionId":"1"}}"#
    );
    assert_eq!(text(&deployment), wanted);
}
