//! Each row of the table of endpoints, and each way to miss it.

use super::*;

const TASK: &str = "arn:aws:ecs:us-east-1:123456789012:task/8fc6b11e";
const TOKEN: &str = "17248257-08ec-4438-888f-e0ac28397653";

fn get(target: &str) -> Result<Routed<StateCall>, Fault> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    state(Request { method: "GET", path, query, body: b"" })
}

fn ask(method: &str, target: &str, body: &str) -> Result<Routed<SchedulerCall>, Fault> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    scheduler(Request { method, path, query, body: body.as_bytes() })
}

fn call<C>(routed: Result<Routed<C>, Fault>) -> C
where
    C: std::fmt::Debug,
{
    match routed {
        Ok(Routed::Call(call)) => call,
        other => panic!("not a call: {other:?}"),
    }
}

/// Source: blox.md 1.3.
#[test]
fn filters_of_tasks_are_checked_in_the_order_of_blox() {
    let all = call(get("/v1/tasks?status=Running&cluster=web&startedBy=Me"));
    let wanted = TaskFilter {
        status: Some("RUNNING"),
        cluster: Some("web".to_owned()),
        started_by: Some("Me".to_owned()),
    };
    assert_eq!(all, StateCall::Tasks(wanted));
    for (query, fault) in [
        ("a=1&a=2&status=x", Fault::UnsupportedFilter),
        ("status=x&status=y", Fault::RepeatedFilter),
        ("status=x&cluster=c/c", Fault::Status),
        ("status=DEPROVISIONING", Fault::Status),
        ("cluster=c/c", Fault::Cluster),
        ("nextToken=1", Fault::UnsupportedFilter),
    ] {
        assert_eq!(get(&format!("/v1/tasks?{query}")), Err(fault), "{query}");
    }
    assert_eq!(call(get("/v1/tasks?status=&cluster=")), StateCall::Tasks(TaskFilter::default()));
}

#[test]
fn draining_instances_cannot_be_asked_for() {
    assert_eq!(get("/v1/instances?status=draining"), Err(Fault::Status));
    assert_eq!(get("/v1/instances?startedBy=a"), Err(Fault::UnsupportedFilter));
    let arn = "arn:aws:ecs:us-east-1:123456789012:cluster/web";
    let wanted = InstanceFilter { status: Some("ACTIVE"), cluster: Some("web".to_owned()) };
    let got = call(get(&format!("/v1/instances?status=active&cluster={arn}")));
    assert_eq!(got, StateCall::Instances(wanted));
}

/// Source: blox.md 1.2 and 5.1, 2.
#[test]
fn a_task_is_got_by_the_name_of_its_cluster_and_its_arn() {
    let wanted = StateCall::Task { cluster: "web".to_owned(), arn: TASK.to_owned() };
    assert_eq!(call(get(&format!("/v1/tasks/web/{TASK}"))), wanted);
    let escaped = TASK.replace('/', "%2F").replace(':', "%3A");
    assert_eq!(call(get(&format!("/v1/tasks/web/{escaped}"))), wanted);
    let cluster = "arn:aws:ecs:us-east-1:123456789012:cluster/web";
    for bad in [
        format!("/v1/tasks/{cluster}/{TASK}"),
        format!("/v1/instances/web/{TASK}"),
        "/v1/tasks/web".to_owned(),
        "/v1/tasks/web/none".to_owned(),
        "/v2/tasks".to_owned(),
        "/".to_owned(),
    ] {
        assert_eq!(get(&bad), Err(Fault::NoRoute), "{bad}");
    }
}

#[test]
fn unclean_paths_are_redirected() {
    for (path, clean) in [
        ("/v1/tasks/", "/v1/tasks"),
        ("//v1//tasks?status=running", "/v1/tasks?status=running"),
        (&format!("/v1/instances//{TASK}"), &format!("/v1/instances/{TASK}")),
    ] {
        assert_eq!(get(path), Ok(Routed::Moved(clean.to_owned())));
    }
    assert_eq!(get("/v1/tasks/%0d%0aX:1/"), Ok(Routed::Moved("/v1/tasks/__X:1".to_owned())));
}

#[test]
fn a_stream_begins_at_a_version_or_now() {
    for (query, from) in [("", 0), ("?entityVersion=0&a=b", 0), ("?entityVersion=12", 12)] {
        assert_eq!(call(get(&format!("/v1/stream/tasks{query}"))), StateCall::TaskStream(from));
    }
    for bad in ["-1", "x", "1.5", "9999999999999999999999"] {
        let got = get(&format!("/v1/stream/instances?entityVersion={bad}"));
        assert_eq!(got, Err(Fault::EntityVersion), "{bad}");
    }
}

#[test]
fn a_wrong_verb_is_not_found() {
    let request = Request { method: "POST", path: "/v1/tasks", query: "", body: b"" };
    assert_eq!(state(request), Err(Fault::NoRoute));
    for (method, path) in [
        ("POST", "/v1/ping"),
        ("PATCH", "/v1/environments/e"),
        ("DELETE", "/v1/environments"),
        ("PUT", "/v1/environments/e/deployments"),
        ("GET", "/v1/environments/e/deployments/i/x"),
    ] {
        assert_eq!(ask(method, path, ""), Err(Fault::NoRoute), "{method} {path}");
    }
}

/// Source: blox.md 2.3: the route does not match, so it is no 400.
#[test]
fn a_deployment_without_a_proper_token_is_not_found() {
    let path = "/v1/environments/e/deployments";
    let wanted = SchedulerCall::CreateDeployment { name: "e".to_owned(), token: TOKEN.to_owned() };
    assert_eq!(call(ask("POST", &format!("{path}?deploymentToken={TOKEN}"), "")), wanted);
    for bad in ["", "?deploymentToken=", "?deploymentToken=x"] {
        assert_eq!(ask("POST", &format!("{path}{bad}"), ""), Err(Fault::NoRoute), "{bad}");
    }
    let upper = format!("{path}?deploymentToken={}", TOKEN.to_uppercase());
    assert_eq!(ask("POST", &upper, ""), Err(Fault::NoRoute));
}

/// Source: blox.md 2.2, quirks of the generated clients.
#[test]
fn lists_of_deployments_ignore_the_query_and_lists_of_environments_do_not() {
    let got = call(ask("GET", "/v1/environments/e/deployments?deploymentToken=x&nextToken=y", ""));
    assert_eq!(got, SchedulerCall::ListDeployments("e".to_owned()));
    let got = ask("GET", "/v1/environments?nextToken=y", "");
    assert_eq!(got, Err(Fault::FilterNotSupported));
    let got = ask("GET", "/v1/environments?cluster=a&cluster=b", "");
    assert_eq!(got, Err(Fault::RepeatedFilter));
    assert_eq!(ask("GET", "/v1/environments?cluster=c/c", ""), Err(Fault::Cluster));
}

#[test]
fn what_goes_beyond_v03_has_routes_of_its_own() {
    let got = call(ask("PUT", "/v1/environments/e", r#"{"taskDefinition":"d"}"#));
    assert!(matches!(got, SchedulerCall::UpdateEnvironment { .. }), "{got:?}");
    let got = call(ask("DELETE", "/v1/environments/e?terminateTasks=true", ""));
    let wanted = SchedulerCall::DeleteEnvironment { name: "e".to_owned(), stops_tasks: true };
    assert_eq!(got, wanted);
    let maybe = ask("DELETE", "/v1/environments/e?terminateTasks=maybe", "");
    assert!(matches!(maybe, Err(Fault::Invalid(why)) if why[0].starts_with("terminateTasks")));
    let target = format!("/v1/environments/e/rollback?deploymentToken={TOKEN}&deploymentId=i");
    let wanted = SchedulerCall::Rollback {
        name: "e".to_owned(),
        token: TOKEN.to_owned(),
        to: Some("i".to_owned()),
    };
    assert_eq!(call(ask("POST", &target, "")), wanted);
}
