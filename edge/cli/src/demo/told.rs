//! The events of the demo, each of which can be printed as a line for people or as JSON for
//! programs.

use longshore_examples::hello::News;
use longshore_wire_mesos::v1::TaskState;
use serde_json::{Value, json};

/// An event of the demo.
#[derive(Clone, Debug)]
pub(super) enum Told {
    /// The servers have started.
    Started {
        /// URL of the ECS API.
        ecs: String,
        /// URL of the Mesos master.
        mesos: String,
        /// Number of container instances, each in its own zone.
        instances: usize,
    },
    /// The next part of the demo starts.
    Part(&'static str),
    /// The Mesos framework has news.
    Framework(News),
    /// The ECS service has news.
    Service {
        /// Its name.
        service: &'static str,
        /// A request, or a message of the service's events; deployments are named by their task
        /// definitions.
        message: String,
    },
    /// A task was refused by placement.
    Refused {
        /// The task definition: `family:revision`.
        definition: String,
        /// The failure reason from the API.
        reason: String,
        /// How many instances passed each check, and what the check requires.
        passed: Vec<(usize, String)>,
        /// What the closest match lacks.
        nearest: Option<String>,
    },
    /// The demo is over.
    Done(Summary),
}

/// The result of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    /// Number of tasks of the framework.
    pub(super) tasks: usize,
    /// How many of them ended as expected.
    pub(super) as_expected: usize,
    /// Number of offers that the framework received.
    pub(super) offers: usize,
    /// Whether the service was updated and rolled back, and the large task refused.
    pub(super) rest_as_expected: bool,
}

impl Summary {
    /// Whether everything went as expected.
    pub(super) fn is_well(&self) -> bool {
        self.as_expected == self.tasks && self.rest_as_expected
    }
}

impl Told {
    /// The lines of text.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::Started { ecs, mesos, instances } => vec![
                format!("A local ECS with {instances} container instances, and a Mesos master:"),
                format!("  ECS API       {ecs}"),
                format!("  Mesos master  {mesos}"),
            ],
            Self::Part(title) => vec![String::new(), (*title).to_owned()],
            Self::Framework(news) => vec![framework_line(news)],
            Self::Service { service, message } => vec![format!("{service:<8} {message}")],
            Self::Refused { definition, reason, passed, nearest } => {
                let mut lines = vec![format!("{definition:<8} {:<14} {reason}", "refused")];
                let funnel = passed.iter().map(|(count, check)| format!("  {count:>4}  {check}"));
                lines.extend(funnel);
                lines
                    .extend(nearest.iter().map(|what| format!("  the closest match lacks {what}")));
                lines
            }
            Self::Done(summary) => vec![
                String::new(),
                format!(
                    "{} of {} tasks ended as expected, after {}; {}.",
                    summary.as_expected,
                    summary.tasks,
                    counted(summary.offers, "offer"),
                    if summary.rest_as_expected {
                        "so did the rest"
                    } else {
                        "the rest did not go as expected"
                    }
                ),
            ],
        }
    }

    /// Whether its lines start with the time.
    pub(super) fn is_timed(&self) -> bool {
        matches!(self, Self::Framework(_) | Self::Service { .. } | Self::Refused { .. })
    }

    /// The JSON document.
    pub(super) fn json(&self, seconds: f64) -> Value {
        let mut told = match self {
            Self::Started { ecs, mesos, instances } => {
                json!({"event": "started", "ecs": ecs, "mesos": mesos, "instances": instances})
            }
            Self::Part(title) => json!({"event": "part", "title": title}),
            Self::Framework(news) => framework_json(news),
            Self::Service { service, message } => {
                json!({"event": "service", "service": service, "message": message})
            }
            Self::Refused { definition, reason, passed, nearest } => {
                let check =
                    |(count, check): &(usize, String)| json!({"check": check, "passed": count});
                json!({
                    "event": "refused", "taskDefinition": definition, "reason": reason,
                    "funnel": passed.iter().map(check).collect::<Vec<_>>(), "nearestLacks": nearest,
                })
            }
            Self::Done(summary) => json!({
                "event": "done", "tasks": summary.tasks, "asExpected": summary.as_expected,
                "offers": summary.offers, "ok": summary.is_well(),
            }),
        };
        told["seconds"] = ((seconds * 1000.0).round() / 1000.0).into();
        told
    }
}

/// `1 offer`, `2 offers`.
pub(super) fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

fn framework_line(news: &News) -> String {
    match news {
        News::Subscribed(id) => format!("subscribed as framework {id}"),
        News::Offers(count, cores) => format!("{}, {cores:.1} cores", counted(*count, "offer")),
        News::Launched(task, host) => {
            format!("{task:<8} {:<14} launched on the agent at {host}", "TASK_STAGING")
        }
        News::Update(task, state, message) => {
            format!("{task:<8} {:<14} {message}", state.as_str_name())
        }
        News::Failed(why) => format!("failed: {why}"),
        News::Done => "all tasks have ended".to_owned(),
    }
}

fn framework_json(news: &News) -> Value {
    match news {
        News::Subscribed(id) => json!({"event": "subscribed", "frameworkId": id}),
        News::Offers(count, cores) => json!({"event": "offers", "count": count, "cpus": cores}),
        News::Launched(task, host) => json!({
            "event": "launched", "task": task, "state": TaskState::TaskStaging.as_str_name(), "agent": host,
        }),
        News::Update(task, state, message) => json!({
            "event": "update", "task": task, "state": state.as_str_name(), "message": message,
        }),
        News::Failed(why) => json!({"event": "failed", "message": why}),
        News::Done => json!({"event": "ended"}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_have_fields_and_addresses_not_sentences() {
        let told = Told::Started { ecs: "http://e".into(), mesos: "http://m".into(), instances: 3 };
        let wanted = json!({
            "event": "started", "ecs": "http://e", "mesos": "http://m", "instances": 3, "seconds": 0.013,
        });
        assert_eq!(told.json(0.012_96), wanted);
        let news = News::Update("count".into(), TaskState::TaskFailed, "Exited".into());
        let told = Told::Framework(news).json(1.0);
        assert_eq!((&told["task"], &told["state"]), (&json!("count"), &json!("TASK_FAILED")));
    }
}
