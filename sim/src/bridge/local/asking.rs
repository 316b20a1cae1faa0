//! A question of a bridge, as the calls that it takes: lists page by page, and descriptions in batches.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use longshore_replica::{
    Alteration, Answered, Definition, DefinitionAsk, Failure, Instance, InstanceChange,
    InstancesAsk, Outcome, Question, StartTask, Task, Tasks, TasksAsk,
};
use longshore_wire_ecs::{ApiError, ErrorCode, Str};
use serde_json::{Value, json};

use super::{CLUSTER, reading};
use crate::bridge::master::Sent;

/// Ids per describe call. Source: ECS API reference.
const BATCH: usize = 100;
/// Ids per page: far fewer than the client asks for, so that there are several.
const PAGE: usize = 7;

/// A call: its operation and its body.
type Call = (&'static str, Value);

/// A question that is being answered.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) sent: Sent,
    /// Whether the answer finds its way back.
    pub(super) answers: bool,
    calls: VecDeque<Call>,
    /// The call that is out.
    out: Option<Call>,
    listed: Vec<Str>,
    except: BTreeSet<Str>,
    is_listing: bool,
    instances: Vec<Instance>,
    tasks: Tasks,
    definition: Option<Definition>,
    outcome: Option<Outcome>,
    stopped: Option<Box<Task>>,
    is_changed: bool,
    /// How the instance that was changed is then, where that is told.
    changed: Option<Box<Instance>>,
}

fn list_tasks(desired: &str, started_by: Option<&Str>) -> Call {
    let mut body = json!({"cluster": CLUSTER, "desiredStatus": desired, "maxResults": PAGE});
    if let Some(launch) = started_by {
        body["startedBy"] = json!(launch);
    }
    ("ListTasks", body)
}

/// What a start says of one container.
fn overriding(
    container: &Str,
    environment: &BTreeMap<Str, Str>,
    optional: [(&str, Value); 4],
) -> Value {
    let pairs = environment.iter();
    let environment: Vec<Value> =
        pairs.map(|(name, value)| json!({"name": name, "value": value})).collect();
    let mut one = json!({"name": container, "environment": environment});
    for (name, value) in optional {
        if !value.is_null() {
            one[name] = value;
        }
    }
    one
}

fn gpus(count: Option<u32>) -> Value {
    count.map_or(Value::Null, |count| json!([{"type": "GPU", "value": count.to_string()}]))
}

/// What is changed of an instance.
fn change(change: &InstanceChange) -> Call {
    let arn = &change.instance;
    match &change.to {
        Alteration::Active(active) => {
            let status = if *active { "ACTIVE" } else { "DRAINING" };
            let body = json!({"cluster": CLUSTER, "containerInstances": [arn], "status": status});
            ("UpdateContainerInstancesState", body)
        }
        Alteration::Attribute(name, Some(value)) => {
            let attribute = json!({"name": name, "value": value, "targetId": arn});
            ("PutAttributes", json!({"cluster": CLUSTER, "attributes": [attribute]}))
        }
        Alteration::Attribute(name, None) => {
            let attribute = json!({"name": name, "targetId": arn});
            ("DeleteAttributes", json!({"cluster": CLUSTER, "attributes": [attribute]}))
        }
    }
}

fn start(start: &StartTask) -> Value {
    let optional = [
        ("command", json!(start.command)),
        ("cpu", json!(start.cpu)),
        ("memory", json!(start.memory_mib)),
        ("resourceRequirements", gpus(start.gpus)),
    ];
    let mut all = vec![overriding(&start.container, &start.environment, optional)];
    for one in &start.others {
        let optional = [
            ("command", json!(one.command)),
            ("cpu", json!(one.cpu)),
            ("memory", json!(one.memory_mib)),
            ("resourceRequirements", gpus(one.gpus)),
        ];
        all.push(overriding(&one.container, &one.environment, optional));
    }
    let mut body = json!({
        "cluster": CLUSTER, "containerInstances": [start.instance], "taskDefinition": start.definition,
        "startedBy": start.started_by, "overrides": {"containerOverrides": all},
    });
    if let Some(group) = &start.group {
        body["group"] = json!(group);
    }
    body
}

impl Asking {
    pub(super) fn new(sent: Sent, answers: bool) -> Self {
        let mut asking = Self {
            sent,
            answers,
            calls: VecDeque::new(),
            out: None,
            listed: Vec::new(),
            except: BTreeSet::new(),
            is_listing: false,
            instances: Vec::new(),
            tasks: Tasks::default(),
            definition: None,
            outcome: None,
            stopped: None,
            is_changed: false,
            changed: None,
        };
        asking.plan();
        asking
    }

    fn plan(&mut self) {
        let call = match &self.sent.question {
            Question::Instances(_, InstancesAsk::List) => {
                ("ListContainerInstances", json!({"cluster": CLUSTER, "maxResults": PAGE}))
            }
            Question::Tasks(_, TasksAsk::List { desired_running, except }) => {
                self.except.clone_from(except);
                list_tasks(if *desired_running { "RUNNING" } else { "STOPPED" }, None)
            }
            Question::Tasks(_, TasksAsk::Find(launch)) => {
                self.calls.push_back(list_tasks("RUNNING", Some(launch)));
                list_tasks("STOPPED", Some(launch))
            }
            Question::Instances(_, InstancesAsk::Describe(arns))
            | Question::Tasks(_, TasksAsk::Describe(arns)) => {
                self.listed.clone_from(arns);
                return self.describe();
            }
            Question::Definition(_, DefinitionAsk::Describe(name)) => {
                ("DescribeTaskDefinition", json!({"taskDefinition": name}))
            }
            Question::Definition(_, DefinitionAsk::Register(content)) => {
                ("RegisterTaskDefinition", reading::registration(content))
            }
            Question::Start(_, ask) => ("StartTask", start(ask)),
            Question::Stop(_, ask) => {
                ("StopTask", json!({"cluster": CLUSTER, "task": ask.task, "reason": ask.reason}))
            }
            Question::Change(_, ask) => change(ask),
        };
        self.is_listing = call.0.starts_with("List");
        self.calls.push_back(call);
    }

    /// What was listed is described.
    fn describe(&mut self) {
        self.is_listing = false;
        let of_instances = matches!(self.sent.question, Question::Instances(..));
        let except = &self.except;
        let wanted: Vec<&Str> = self.listed.iter().filter(|arn| !except.contains(*arn)).collect();
        for batch in wanted.chunks(BATCH) {
            self.calls.push_back(if of_instances {
                let body = json!({"cluster": CLUSTER, "containerInstances": batch});
                ("DescribeContainerInstances", body)
            } else {
                ("DescribeTasks", json!({"cluster": CLUSTER, "tasks": batch}))
            });
        }
    }

    /// Whether it takes no call at all: nothing is asked about.
    pub(super) fn is_done(&self) -> bool {
        self.calls.is_empty()
    }

    /// The next call that it takes.
    pub(super) fn next_call(&mut self) -> Option<Call> {
        self.out = self.calls.pop_front();
        self.out.clone()
    }

    /// Takes in the reply to the call that is out; whether that was the last one.
    pub(super) fn hear(&mut self, reply: Result<Value, ApiError>) -> Result<bool, Failure> {
        let Some((operation, body)) = self.out.take() else { return Ok(true) };
        let reply = match reply {
            Ok(reply) => reply,
            // What ECS says of a definition that is not there.
            Err(error)
                if operation == "DescribeTaskDefinition" && error.code == ErrorCode::Client =>
            {
                return Ok(true);
            }
            Err(error) => return Err(failure(error)),
        };
        match operation {
            "ListContainerInstances" | "ListTasks" => {
                self.listed.extend(reading::texts(&reply["containerInstanceArns"]));
                self.listed.extend(reading::texts(&reply["taskArns"]));
                if let Some(token) = reply["nextToken"].as_str() {
                    let mut next = body;
                    next["nextToken"] = json!(token);
                    self.calls.push_front((operation, next));
                } else if self.calls.is_empty() && self.is_listing {
                    self.describe();
                }
            }
            "DescribeContainerInstances" => {
                let told = reply["containerInstances"].as_array().into_iter().flatten();
                self.instances.extend(told.map(reading::instance));
            }
            "DescribeTasks" => {
                let told = reply["tasks"].as_array().into_iter().flatten();
                self.tasks.found.extend(told.map(reading::task));
                self.tasks.missing.extend(reading::missing(&reply));
            }
            "StartTask" => {
                let started = reply["tasks"].get(0).map(|task| Box::new(reading::task(task)));
                self.outcome = Some(started.map_or_else(
                    || {
                        let (reason, detail) = reading::refusal(&reply);
                        Outcome::NotStarted { reason, detail }
                    },
                    Outcome::Started,
                ));
            }
            "UpdateContainerInstancesState" => {
                let Some(changed) = reply["containerInstances"].get(0) else {
                    let (code, detail) = reading::refusal(&reply);
                    let message = detail.unwrap_or_default().to_string();
                    return Err(Failure::Refused { code: code.to_string(), message });
                };
                self.is_changed = true;
                self.changed = Some(Box::new(reading::instance(changed)));
            }
            "PutAttributes" | "DeleteAttributes" => self.is_changed = true,
            "StopTask" => self.stopped = Some(Box::new(reading::task(&reply["task"]))),
            _ => self.definition = Some(reading::definition(&reply["taskDefinition"])),
        }
        Ok(self.calls.is_empty())
    }

    /// What it came to.
    pub(super) fn answer(&self) -> Answered {
        let question = &self.sent.question;
        match question {
            Question::Instances(asked, _) => {
                Answered::Instances(*asked, Ok(self.instances.clone()))
            }
            Question::Tasks(asked, _) => Answered::Tasks(*asked, Ok(self.tasks.clone())),
            Question::Definition(asked, _) => {
                Answered::Definition(*asked, Ok(self.definition.clone()))
            }
            Question::Start(asked, _) if self.outcome.is_some() => {
                Answered::Start(*asked, self.outcome.clone().ok_or(nothing()))
            }
            Question::Change(asked, _) if self.is_changed => {
                Answered::Change(*asked, Ok(self.changed.clone()))
            }
            Question::Stop(asked, _) if self.stopped.is_some() => {
                Answered::Stop(*asked, self.stopped.clone().ok_or(nothing()))
            }
            _ => question.fails(nothing()),
        }
    }
}

fn nothing() -> Failure {
    Failure::Unsure("HTTP 200, not a response from ECS".to_owned())
}

/// As `edge/client` takes an error: a 5xx may follow a change that was made.
fn failure(error: ApiError) -> Failure {
    if error.code.http_status() >= 500 {
        return Failure::Unsure(error.to_string());
    }
    Failure::Refused { code: error.code.name().to_owned(), message: error.message }
}
