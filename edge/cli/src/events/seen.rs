//! What was last printed about each task, instance and service, so that a line is printed only when
//! something visible changed, and names the container that changed.
//!
//! ECS sends an event for each change of a record, and many of these changes are not visible in a
//! line. For a task with several containers, a line shows what changed since the previous one.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use super::line::{self, Line};

/// Number of resources remembered, the latest ones. Chosen by us: forgetting one costs a redundant
/// line.
const REMEMBERED_MAX: usize = 10_000;

/// What was last printed per resource.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    resources: BTreeMap<String, Remembered>,
    /// The same resources, oldest first.
    order: VecDeque<String>,
}

#[derive(Debug, Default)]
struct Remembered {
    /// The last line, without its time and container changes.
    shown: String,
    /// The last state of each container.
    containers: BTreeMap<String, String>,
}

impl Seen {
    /// The line of an event; `None` if it would repeat the previous one of the same resource.
    pub(crate) fn line(&mut self, event: &Value) -> Option<String> {
        let mut line = line::of(event);
        let is_resource = matches!(line.what.as_ref(), "task" | "instance");
        let arn = event["resources"][0].as_str().filter(|_| is_resource);
        let Some(arn) = arn else { return Some(line.text()) };
        if !self.resources.contains_key(arn) {
            self.order.push_back(arn.to_owned());
            if self.order.len() > REMEMBERED_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.resources.remove(&oldest);
            }
        }
        let last = self.resources.entry(arn.to_owned()).or_default();
        let shown = Line { time: String::new(), ..line.clone() }.text();
        let containers = containers(&event["detail"]);
        let changed = changed(&last.containers, &containers);
        if changed.is_empty() && shown == last.shown {
            return None;
        }
        *last = Remembered { shown, containers };
        line.rest.push(changed);
        Some(line.text())
    }
}

/// The state of each container of a task: its exit code if there is one, otherwise its status and
/// reason.
fn containers(detail: &Value) -> BTreeMap<String, String> {
    let one = |container: &Value| {
        let text = |name: &str| container[name].as_str().unwrap_or_default();
        let state = match container["exitCode"].as_i64() {
            Some(code) => format!("exit code {code}"),
            None => [text("lastStatus"), text("reason")].join(" ").trim().to_owned(),
        };
        (text("name").to_owned(), state)
    };
    detail["containers"].as_array().into_iter().flatten().map(one).collect()
}

/// The containers that changed, if the task has several. The state of a single one is that of its
/// task.
fn changed(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> String {
    let is_new = |(name, state): &(&String, &String)| {
        before.get(*name) != Some(*state) && *state != "PENDING" && !state.is_empty()
    };
    let several = now.iter().filter(|_| now.len() > 1);
    let changed = several.filter(is_new).map(|(name, state)| format!("{name}: {state}"));
    changed.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn task(status: &str, containers: &Value) -> Value {
        json!({
            "source": "aws.ecs", "detail-type": "ECS Task State Change", "resources": ["arn:x:task/default/t1"],
            "detail": {
                "lastStatus": status, "desiredStatus": "RUNNING", "updatedAt": "2026-11-21T11:42:55.98Z",
                "taskDefinitionArn": "arn:x:task-definition/web:3", "containers": containers,
            },
        })
    }

    #[test]
    fn what_shows_nothing_new_is_no_line() {
        let mut seen = Seen::default();
        let mut event = task("RUNNING", &json!([{"name": "app", "lastStatus": "RUNNING"}]));
        assert!(seen.line(&event).is_some_and(|line| line.ends_with("RUNNING   web:3")));
        event["detail"]["version"] = json!(4);
        event["detail"]["updatedAt"] = json!("2026-11-21T11:42:56Z");
        assert_eq!(seen.line(&event), None);
        event["detail"]["desiredStatus"] = json!("STOPPED");
        assert!(seen.line(&event).is_some());
    }

    #[test]
    fn of_several_containers_the_one_that_changed_is_named() {
        let mut seen = Seen::default();
        let line = |seen: &mut Seen, app: Value, log: Value| {
            let mut containers = [app, log];
            containers[0]["name"] = json!("app");
            containers[1]["name"] = json!("log");
            seen.line(&task("PENDING", &json!(containers)))
        };
        let (pending, running) =
            (json!({"lastStatus": "PENDING"}), json!({"lastStatus": "RUNNING"}));
        let first = line(&mut seen, pending.clone(), pending.clone());
        assert!(
            first.is_some_and(|line| line.ends_with("web:3")),
            "nothing has happened to a container"
        );
        let second = line(&mut seen, pending.clone(), running.clone());
        assert!(second.is_some_and(|line| line.ends_with("web:3  log: RUNNING")));
        assert_eq!(line(&mut seen, pending.clone(), running), None);
        let third = line(&mut seen, pending, json!({"lastStatus": "STOPPED", "exitCode": 2}));
        assert!(third.is_some_and(|line| line.ends_with("web:3  log: exit code 2")));
        let failed = json!({"lastStatus": "STOPPED", "reason": "CannotStartContainerError: no"});
        let fourth = line(&mut seen, failed, json!({"lastStatus": "STOPPED", "exitCode": 2}));
        let wanted = "web:3  app: STOPPED CannotStartContainerError: no";
        assert!(fourth.is_some_and(|line| line.ends_with(wanted)));
    }

    #[test]
    fn only_so_many_resources_are_remembered() {
        let mut seen = Seen::default();
        for number in 0..REMEMBERED_MAX + 5 {
            let mut event = task("RUNNING", &json!([]));
            event["resources"][0] = json!(format!("arn:x:task/default/t{number}"));
            assert!(seen.line(&event).is_some());
        }
        assert_eq!((seen.resources.len(), seen.order.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
    }
}
