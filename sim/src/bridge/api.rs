//! How the cluster answers what a bridge asks: the only place that knows how questions and answers are written.

use std::collections::{BTreeMap, BTreeSet};

use longshore_machine::Timestamp;
use longshore_replica::{
    Alteration, Answered, Asked, Definition, DefinitionAsk, Failure, Instance, InstanceChange,
    InstancesAsk, Outcome, Question, StartTask, StopTask, Task, Tasks, TasksAsk,
};
use longshore_wire_ecs::Str;

use super::bucket::Buckets;
use super::cloud::{Cloud, Owner};

/// What an answer brought about in the cluster, for the world to go on with.
#[derive(Debug, PartialEq)]
pub(super) enum Effect {
    Nothing,
    Started(Box<Task>),
    Stopping(Str),
}

/// How far behind the truth a read is, in ms: ECS is eventually consistent, each request for itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lag {
    pub(super) list: u64,
    pub(super) describe: u64,
}

/// The kind of a question, for counting.
pub(super) fn name(question: &Question) -> &'static str {
    match question {
        Question::Instances(_, InstancesAsk::List) => "ListContainerInstances",
        Question::Instances(_, InstancesAsk::Describe(_)) => "DescribeContainerInstances",
        Question::Tasks(_, TasksAsk::List { .. }) => "ListTasks",
        Question::Tasks(_, TasksAsk::Describe(_)) => "DescribeTasks",
        Question::Tasks(_, TasksAsk::Find(_)) => "ListTasks by startedBy",
        Question::Definition(_, DefinitionAsk::Describe(_)) => "DescribeTaskDefinition",
        Question::Definition(_, DefinitionAsk::Register(_)) => "RegisterTaskDefinition",
        Question::Start(..) => "StartTask",
        Question::Stop(..) => "StopTask",
        Question::Change(_, InstanceChange { to: Alteration::Active(_), .. }) => {
            "UpdateContainerInstancesState"
        }
        Question::Change(_, InstanceChange { to: Alteration::Attribute(_, Some(_)), .. }) => {
            "PutAttributes"
        }
        Question::Change(..) => "DeleteAttributes",
    }
}

/// The task that a question starts, if it starts one.
pub(super) fn start_of(question: &Question) -> Option<(Asked<Outcome>, &StartTask)> {
    match question {
        Question::Start(asked, start) => Some((*asked, start)),
        _ => None,
    }
}

/// The start that an answer is about, if it is about one, and whether it was not made and may be tried again.
pub(super) fn is_not_done(answered: &Answered) -> Option<(Asked<Outcome>, bool)> {
    match answered {
        Answered::Start(asked, outcome) => {
            let is_not_done = matches!(
                outcome,
                Err(Failure::NotDone(_) | Failure::Throttled | Failure::Refused { .. })
            );
            Some((*asked, is_not_done))
        }
        _ => None,
    }
}

/// The same question, asked by another name.
pub(super) fn renamed(question: &Question, number: u64) -> Question {
    match question {
        Question::Instances(_, ask) => Question::Instances(Asked::new(number), ask.clone()),
        Question::Tasks(_, ask) => Question::Tasks(Asked::new(number), ask.clone()),
        Question::Definition(_, ask) => Question::Definition(Asked::new(number), ask.clone()),
        Question::Start(_, start) => Question::Start(Asked::new(number), start.clone()),
        Question::Stop(_, stop) => Question::Stop(Asked::new(number), stop.clone()),
        Question::Change(_, change) => Question::Change(Asked::new(number), change.clone()),
    }
}

/// The same start under another launch id, asked by another name.
pub(super) fn start_again(start: &StartTask, launch: Str, number: u64) -> Question {
    let start = StartTask { started_by: launch, ..start.clone() };
    Question::Start(Asked::new(number), Box::new(start))
}

/// The task that a question is to stop, and why, if it is to stop one.
pub(super) fn stop_of(question: &Question) -> Option<(&Str, &Str)> {
    match question {
        Question::Stop(_, stop) => Some((&stop.task, &stop.reason)),
        _ => None,
    }
}

/// The launch that a question looks for, if it looks for one.
pub(super) fn looked_for(question: &Question) -> Option<&Str> {
    match question {
        Question::Tasks(_, TasksAsk::Find(launch)) => Some(launch),
        _ => None,
    }
}

/// To stop a task.
pub(super) fn stop_it(task: Str, number: u64) -> Question {
    let reason = "because I can".into();
    Question::Stop(Asked::new(number), StopTask { task, reason })
}

/// Tasks that run, of frameworks, as an answer tells them.
pub(super) fn running(answered: &Answered) -> Vec<(String, Str)> {
    let Answered::Tasks(_, Ok(read)) = answered else { return Vec::new() };
    let wanted = read.found.iter().filter(|task| task.desired_running);
    wanted
        .filter_map(|task| Some((owners_of(task).into_iter().next()?.0, task.arn.clone())))
        .collect()
}

/// What a regular reading is about; the machine paces these itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Instances,
    Tasks,
}

/// What a regular reading is about, and how many requests it takes.
pub(super) fn paced(question: &Question) -> Option<(Subject, u64)> {
    let pages = |arns: &Vec<Str>| arns.len().div_ceil(100) as u64;
    match question {
        Question::Instances(_, InstancesAsk::List) => Some((Subject::Instances, 2)),
        Question::Instances(_, InstancesAsk::Describe(arns)) => {
            Some((Subject::Instances, pages(arns)))
        }
        Question::Tasks(_, TasksAsk::Describe(arns)) => Some((Subject::Tasks, pages(arns))),
        _ => None,
    }
}

/// Whose tasks a start is about, as the environment of its containers says.
pub(super) fn owners(start: &StartTask) -> Vec<Owner> {
    let others = start.others.iter().map(|one| &one.environment);
    std::iter::once(&start.environment).chain(others).filter_map(owner).collect()
}

/// Whose tasks an ECS task holds.
pub(super) fn owners_of(task: &Task) -> Vec<Owner> {
    let others = task.containers.iter().map(|one| &one.environment);
    std::iter::once(&task.environment).chain(others).filter_map(owner).collect()
}

fn owner(environment: &BTreeMap<Str, Str>) -> Option<Owner> {
    let variable = |name: &str| environment.get(name).map(ToString::to_string);
    Some((variable("MESOS_FRAMEWORK_ID")?, variable("MESOS_TASK_ID")?))
}

/// Hides tasks from an answer.
pub(super) fn hide(answered: &mut Answered, is_hidden: impl Fn(&Task) -> bool) {
    if let Answered::Tasks(_, Ok(read)) = answered {
        read.found.retain(|task| !is_hidden(task));
    }
}

/// Draws on the bucket of a question; false if it is empty.
pub(super) fn can_afford(
    buckets: &mut Buckets,
    now: Timestamp,
    question: &Question,
    most: u64,
) -> bool {
    let (bucket, cost) = match question {
        Question::Instances(_, InstancesAsk::List) | Question::Tasks(_, TasksAsk::List { .. }) => {
            (&mut buckets.read, 1 + most.div_ceil(100))
        }
        Question::Tasks(_, TasksAsk::Find(_)) => (&mut buckets.read, 3),
        Question::Instances(..) | Question::Tasks(..) => {
            (&mut buckets.read, paced(question).map_or(1, |(_, requests)| requests))
        }
        Question::Definition(_, DefinitionAsk::Describe(_)) => (&mut buckets.definition_read, 1),
        Question::Definition(_, DefinitionAsk::Register(_)) => (&mut buckets.definition_modify, 1),
        Question::Start(..) | Question::Stop(..) | Question::Change(..) => (&mut buckets.modify, 1),
    };
    bucket.take(now, cost)
}

/// Answers a question that has reached the cluster; `None` if there were too many.
pub(super) fn answer(
    cloud: &mut Cloud,
    buckets: &mut Buckets,
    now: Timestamp,
    lag: Lag,
    question: &Question,
) -> Option<(Answered, Effect)> {
    let most = cloud.tasks.len() as u64;
    if !can_afford(buckets, now, question, most) {
        return None;
    }
    Some(match question {
        Question::Instances(asked, ask) => {
            let read = read_instances(cloud, now, lag, ask);
            (Answered::Instances(*asked, Ok(read)), Effect::Nothing)
        }
        Question::Tasks(asked, ask) => {
            let read = read_tasks(cloud, now, lag, ask);
            (Answered::Tasks(*asked, Ok(read)), Effect::Nothing)
        }
        Question::Definition(asked, ask) => {
            (Answered::Definition(*asked, Ok(define(cloud, ask))), Effect::Nothing)
        }
        Question::Start(asked, start) => {
            let (outcome, effect) = self::start(cloud, now, start);
            (Answered::Start(*asked, outcome), effect)
        }
        Question::Stop(asked, ask) => {
            let (stopped, effect) = stop(cloud, now, ask);
            (Answered::Stop(*asked, stopped), effect)
        }
        Question::Change(asked, change) => {
            (Answered::Change(*asked, alter(cloud, now, change)), Effect::Nothing)
        }
    })
}

fn read_instances(cloud: &Cloud, now: Timestamp, lag: Lag, ask: &InstancesAsk) -> Vec<Instance> {
    match ask {
        InstancesAsk::List => {
            let listed =
                cloud.instances.iter().filter(|(_, held)| held.at(now - lag.list).is_some());
            let listed: Vec<Str> = listed.map(|(arn, _)| arn.clone()).collect();
            instances(cloud, now - lag.describe, &listed)
        }
        InstancesAsk::Describe(arns) => instances(cloud, now - lag.describe, arns),
    }
}

fn read_tasks(cloud: &Cloud, now: Timestamp, lag: Lag, ask: &TasksAsk) -> Tasks {
    let listed = match ask {
        TasksAsk::List { desired_running, except } => list(cloud, now - lag.list, |task| {
            task.desired_running == *desired_running && !except.contains(&task.arn)
        }),
        TasksAsk::Find(launch) => {
            list(cloud, now - lag.list, |task| task.started_by.as_ref() == Some(launch))
        }
        TasksAsk::Describe(arns) => arns.clone(),
    };
    tasks(cloud, now - lag.describe, &listed)
}

fn define(cloud: &mut Cloud, ask: &DefinitionAsk) -> Option<Definition> {
    match ask {
        DefinitionAsk::Describe(name) => cloud.definition(name).cloned(),
        DefinitionAsk::Register(content) => Some(cloud.register(content)),
    }
}

fn instances(cloud: &Cloud, at: Timestamp, arns: &[Str]) -> Vec<Instance> {
    let held = arns.iter().filter_map(|arn| cloud.instances.get(arn)?.at(at));
    held.cloned().collect()
}

fn list(cloud: &Cloud, at: Timestamp, wanted: impl Fn(&Task) -> bool) -> Vec<Str> {
    let shown = cloud.tasks.values().filter_map(|held| held.history.at(at));
    shown.filter(|task| wanted(task)).map(|task| task.arn.clone()).collect()
}

fn tasks(cloud: &Cloud, at: Timestamp, arns: &[Str]) -> Tasks {
    let shown = |arn: &Str| cloud.tasks.get(arn).and_then(|held| held.history.at(at));
    let known: BTreeSet<&Str> = arns.iter().filter(|arn| shown(arn).is_some()).collect();
    Tasks {
        found: arns.iter().filter_map(shown).cloned().collect(),
        missing: arns.iter().filter(|arn| !known.contains(arn)).cloned().collect(),
    }
}

fn start(
    cloud: &mut Cloud,
    now: Timestamp,
    start: &StartTask,
) -> (Result<Outcome, Failure>, Effect) {
    if !cloud.definition(&start.definition).is_some_and(|one| one.active) {
        let refused = Failure::Refused {
            code: "ClientException".to_owned(),
            message: "TaskDefinition is inactive".to_owned(),
        };
        return (Err(refused), Effect::Nothing);
    }
    match cloud.accept(now, start, owners(start)) {
        Ok(task) => {
            let task = Box::new(task);
            (Ok(Outcome::Started(task.clone())), Effect::Started(task))
        }
        Err(reason) => {
            (Ok(Outcome::NotStarted { reason: reason.into(), detail: None }), Effect::Nothing)
        }
    }
}

fn stop(cloud: &mut Cloud, now: Timestamp, ask: &StopTask) -> (Result<Box<Task>, Failure>, Effect) {
    let StopTask { task, reason } = ask;
    let is_stopping = cloud.ask_to_stop(now, task, reason);
    let Some(record) = cloud.tasks.get(task).and_then(|held| held.record()) else {
        let refused = Failure::Refused {
            code: "InvalidParameterException".to_owned(),
            message: "The referenced task was not found.".to_owned(),
        };
        return (Err(refused), Effect::Nothing);
    };
    let effect = if is_stopping { Effect::Stopping(task.clone()) } else { Effect::Nothing };
    (Ok(Box::new(record.clone())), effect)
}

fn alter(
    cloud: &mut Cloud,
    now: Timestamp,
    change: &InstanceChange,
) -> Result<Option<Box<Instance>>, Failure> {
    let InstanceChange { instance: arn, to } = change;
    if cloud.instance(arn).is_none() {
        return Err(Failure::Refused {
            code: "InvalidParameterException".to_owned(),
            message: "The referenced container instance was not found.".to_owned(),
        });
    }
    cloud.change(now, arn, |instance| match to {
        Alteration::Active(active) => instance.active = *active,
        Alteration::Attribute(name, Some(value)) => {
            instance.attributes.insert(name.clone(), Some(value.clone()));
        }
        Alteration::Attribute(name, None) => {
            instance.attributes.remove(name);
        }
    });
    let tells = matches!(to, Alteration::Active(_));
    Ok(cloud.instance(arn).filter(|_| tells).cloned().map(Box::new))
}

/// A question in a few words.
pub(super) fn brief(question: &Question) -> String {
    match question {
        Question::Start(asked, start) => {
            format!("{asked:?} StartTask {} {:?}", start.started_by, owners(start))
        }
        Question::Stop(asked, stop) => format!("{asked:?} StopTask {}", stop.task),
        Question::Change(asked, change) => format!("{asked:?} {change:?}"),
        Question::Tasks(asked, TasksAsk::Find(launch)) => format!("{asked:?} FindTasks {launch}"),
        Question::Tasks(asked, _) => format!("{asked:?} {}", name(question)),
        Question::Instances(asked, _) => format!("{asked:?} {}", name(question)),
        Question::Definition(asked, _) => format!("{asked:?} {}", name(question)),
    }
}

/// An answer in a few words.
pub(super) fn brief_answer(answered: &Answered) -> String {
    let task = |task: &Task| {
        let id = task.arn.get(task.arn.len().saturating_sub(3)..).unwrap_or_default();
        format!(
            "{id} {:?} {} v{} {:?}",
            task.last_status, task.desired_running, task.version, task.healthy
        )
    };
    match answered {
        Answered::Tasks(asked, Ok(read)) => {
            let found: Vec<String> = read.found.iter().map(task).collect();
            format!("{asked:?} {found:?} {} missing", read.missing.len())
        }
        Answered::Start(asked, Ok(Outcome::Started(one))) => format!("{asked:?} {}", task(one)),
        Answered::Stop(asked, Ok(one)) => format!("{asked:?} {}", task(one)),
        Answered::Instances(asked, Ok(read)) => format!("{asked:?} {} instances", read.len()),
        other => format!("{other:?}"),
    }
}
