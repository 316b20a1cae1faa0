//! One event as one line for people: time, kind, id, status and reason.

use serde_json::Value;

use crate::output::{plain, short};

/// The columns of a line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    /// Time in ISO 8601, UTC.
    pub(crate) time: String,
    /// `task`, `instance`, `service`, or the source of the event.
    pub(crate) what: String,
    /// An id or a name.
    pub(crate) which: String,
    /// A status, or what happened.
    pub(crate) status: String,
    /// Further details.
    pub(crate) rest: Vec<String>,
}

impl Line {
    /// Formats the columns as a single line, whatever characters the event contains.
    pub(crate) fn text(&self) -> String {
        let rest: Vec<&str> =
            self.rest.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        let (time, what, which) = (with_millis(&self.time), &self.what, &self.which);
        let line =
            format!("{time}  {what:<8}  {which:<32}  {:<8}  {}", self.status, rest.join("  "));
        plain(line.trim_end())
    }
}

/// Pads the fraction of a time to milliseconds: ECS omits trailing zeros.
fn with_millis(time: &str) -> String {
    match time.strip_suffix('Z').map(|time| time.split_once('.').unwrap_or((time, ""))) {
        Some((seconds, fraction)) if fraction.len() <= 3 => format!("{seconds}.{fraction:0<3}Z"),
        _ => time.to_owned(),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Builds the line of an event.
pub(crate) fn of(event: &Value) -> Line {
    let detail = &event["detail"];
    let times = ["updatedAt", "createdAt"].map(|name| text(detail, name));
    let time = times.into_iter().find(|time| !time.is_empty());
    let time = time.unwrap_or_else(|| text(event, "time"));
    let kind = if text(event, "source") == "aws.ecs" { text(event, "detail-type") } else { "" };
    let which = short(event["resources"][0].as_str().unwrap_or_default());
    let line = |what: &str, which: &str, status: &str, rest| Line {
        time: time.to_owned(),
        what: what.to_owned(),
        which: which.to_owned(),
        status: status.to_owned(),
        rest,
    };
    match kind {
        "ECS Task State Change" => line("task", &which, text(detail, "lastStatus"), task(detail)),
        "ECS Container Instance State Change" => {
            line("instance", &which, text(detail, "status"), instance(detail))
        }
        "ECS Service Action" | "ECS Deployment State Change" => {
            let rest = [text(detail, "deploymentId"), text(detail, "reason")];
            line("service", &which, text(detail, "eventName"), rest.map(str::to_owned).to_vec())
        }
        _ => {
            let rest = vec![which.clone(), detail.to_string()];
            line(text(event, "source"), text(event, "detail-type"), "", rest)
        }
    }
}

fn task(detail: &Value) -> Vec<String> {
    let (last, desired) = (text(detail, "lastStatus"), text(detail, "desiredStatus"));
    let group = text(detail, "group");
    let instance = text(detail, "containerInstanceArn");
    let mut rest = vec![short(text(detail, "taskDefinitionArn"))];
    rest.push(if group.starts_with("service:") { group.to_owned() } else { String::new() });
    rest.push(if instance.is_empty() { String::new() } else { format!("on {}", short(instance)) });
    if last != "STOPPED" && desired == "STOPPED" {
        rest.push("stopping".to_owned());
    }
    rest.push(exit(detail["containers"].as_array().map_or(&[], Vec::as_slice)));
    rest.push(text(detail, "stoppedReason").to_owned());
    rest
}

/// The exit code of the only container. For several containers, [`super::seen`] names the one that
/// ended.
fn exit(containers: &[Value]) -> String {
    let [only] = containers else { return String::new() };
    only["exitCode"].as_i64().map_or_else(String::new, |code| format!("exit code {code}"))
}

fn instance(detail: &Value) -> Vec<String> {
    let left = detail["remainingResources"].as_array().map_or(&[][..], Vec::as_slice);
    let amount = |name: &str| {
        let found = left.iter().find(|one| text(one, "name") == name);
        found.map_or(0, |one| one["integerValue"].as_i64().unwrap_or_default())
    };
    let away = detail["agentConnected"] == Value::Bool(false);
    vec![
        text(detail, "ec2InstanceId").to_owned(),
        if away { "agent disconnected".to_owned() } else { String::new() },
        format!("{} CPU and {} MiB left", amount("CPU"), amount("MEMORY")),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, resource: &str, detail: &Value) -> String {
        of(&json!({
            "source": "aws.ecs", "detail-type": kind, "time": "2026-11-21T11:42:55Z",
            "resources": [resource], "detail": detail,
        }))
        .text()
    }

    #[test]
    fn a_task_says_where_it_is_and_how_it_ended() {
        let mut detail = json!({
            "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "updatedAt": "2026-11-21T11:42:55.98Z",
            "taskDefinitionArn": "arn:x:task-definition/web:3", "group": "service:web",
            "containerInstanceArn": "arn:x:container-instance/default/i1", "containers": [{"name": "app"}],
        });
        let kind = "ECS Task State Change";
        let begin = "2026-11-21T11:42:55.980Z  task      t1                                ";
        let said = |detail: &Value| event(kind, "arn:x:task/default/t1", detail);
        assert_eq!(said(&detail), format!("{begin}RUNNING   web:3  service:web  on i1"));
        detail["desiredStatus"] = json!("STOPPED");
        assert!(said(&detail).ends_with("on i1  stopping"));
        detail["lastStatus"] = json!("STOPPED");
        detail["stoppedReason"] = json!("Essential container\nin task exited");
        detail["containers"][0]["exitCode"] = json!(3);
        let end = r"on i1  exit code 3  Essential container\nin task exited";
        assert!(said(&detail).ends_with(end), "{}", said(&detail));
    }

    #[test]
    fn an_instance_says_what_it_has_left_and_whether_its_agent_is_there() {
        let left =
            json!([{"name": "CPU", "integerValue": 512}, {"name": "MEMORY", "integerValue": 64}]);
        let detail =
            json!({"status": "ACTIVE", "agentConnected": false, "remainingResources": left});
        let said =
            event("ECS Container Instance State Change", "arn:x:container-instance/c/i1", &detail);
        assert!(said.starts_with("2026-11-21T11:42:55.000Z  instance  i1 "), "{said}");
        assert!(said.ends_with("ACTIVE    agent disconnected  512 CPU and 64 MiB left"), "{said}");
    }

    #[test]
    fn services_and_strangers_say_what_happened() {
        let detail =
            json!({"eventName": "SERVICE_DEPLOYMENT_FAILED", "deploymentId": "d", "reason": "r"});
        let said = event("ECS Deployment State Change", "arn:x:service/default/web", &detail);
        assert!(said.contains("service   web ") && said.ends_with("FAILED  d  r"), "{said}");
        let stranger = json!({"source": "my.app", "detail-type": "Hello", "detail": {"a": 1}});
        assert!(of(&stranger).text().contains("my.app    Hello "));
        assert!(of(&stranger).text().ends_with("{\"a\":1}"));
        assert!(!of(&json!([])).text().contains('\n'), "what is no event is no panic");
    }
}
