//! Resolves a word on the command line: an ARN, an id or a prefix of one, an EC2 instance id, or a
//! Mesos task id.
//!
//! A full id is passed to ECS unchanged. Anything else is looked up in the cluster and must have
//! exactly one match.

use anyhow::bail;
use aws_sdk_ecs::types::{DesiredStatus, Task};

use crate::cluster::Cluster;
use crate::list::{describe, mesos_ids};
use crate::output::short;

/// Maximum number of candidates listed for an ambiguous word. Chosen by us.
const NAMED_MAX: usize = 5;

/// Whether ECS accepts the word unchanged.
fn is_whole(word: &str) -> bool {
    word.starts_with("arn:") || is_id(word)
}

/// Ids have 32 hexadecimal digits; those of the oldest clusters are UUIDs. Source: ECS developer
/// guide, *ARNs and IDs*.
fn is_id(word: &str) -> bool {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (word.len() == 32 && is_hex(word)) || (word.len() == 36 && is_hex(&word.replace('-', "")))
}

/// The ARN or id of one container instance.
pub(crate) async fn instance(cluster: &Cluster<'_>, word: &str) -> anyhow::Result<String> {
    let mut found = instances(cluster, &[word.to_owned()]).await?;
    Ok(found.remove(0))
}

/// The ids of container instances, in the order of the words.
pub(crate) async fn instances(
    cluster: &Cluster<'_>,
    words: &[String],
) -> anyhow::Result<Vec<String>> {
    let known = cluster.instances().await?;
    let one = |word: &String| {
        let id = short(word);
        let exact =
            known.iter().find(|one| one.id() == id || one.ec2_instance_id.as_deref() == Some(word));
        let matching = known.iter().filter(|one| exact.is_none() && one.id().starts_with(&*id));
        let matching = exact.into_iter().chain(matching).map(|one| one.id().to_owned());
        only("container instance", word, matching.collect())
    };
    words.iter().map(one).collect()
}

/// The ARNs or ids of tasks, in the order of the words.
pub(crate) async fn tasks(cluster: &Cluster<'_>, words: &[String]) -> anyhow::Result<Vec<String>> {
    if words.iter().all(|word| is_whole(word)) {
        return Ok(words.to_vec());
    }
    let mut known = Vec::new();
    for desired in [DesiredStatus::Running, DesiredStatus::Stopped] {
        let list = cluster.sdk().list_tasks().cluster(cluster.name()).desired_status(desired);
        let mut pages = list.into_paginator().items().send();
        let mut arns = Vec::new();
        while let Some(arn) = pages.next().await {
            arns.push(arn.map_err(|error| cluster.explain(error))?);
        }
        known.extend(describe(cluster, &arns).await?);
    }
    words.iter().map(|word| task(&known, word)).collect()
}

fn task(known: &[Task], word: &str) -> anyhow::Result<String> {
    if is_whole(word) {
        return Ok(word.to_owned());
    }
    let arn = |task: &Task| task.task_arn().unwrap_or_default().to_owned();
    let is_over = |task: &&Task| task.last_status() == Some("STOPPED");
    // A framework may reuse an id once its task has ended: the living task wins.
    let mesos = || known.iter().filter(|task| mesos_ids(task).any(|(_, id)| id == word));
    let mut found: Vec<String> = mesos().filter(|task| !is_over(task)).map(arn).collect();
    if found.is_empty() {
        found = mesos().map(arn).collect();
    }
    if found.is_empty() {
        found = known.iter().map(arn).filter(|arn| short(arn).starts_with(word)).collect();
    }
    only("task", word, found)
}

/// The id that a word is, or is the beginning of; `place` says of what the ids are, as in `in the cluster`.
pub(crate) fn id(what: &str, place: &str, word: &str, known: &[&str]) -> anyhow::Result<String> {
    let exact = known.iter().filter(|id| **id == word);
    let mut found: Vec<String> = exact.map(ToString::to_string).collect();
    if found.is_empty() {
        // Nothing begins with nothing: what is done to the one that is found may not be undone.
        let matching = known.iter().filter(|id| !word.is_empty() && id.starts_with(word));
        found = matching.map(ToString::to_string).collect();
    }
    only_of(what, place, word, found)
}

fn only(what: &str, word: &str, found: Vec<String>) -> anyhow::Result<String> {
    only_of(what, "in the cluster", word, found)
}

/// The one that was found.
fn only_of(what: &str, place: &str, word: &str, mut found: Vec<String>) -> anyhow::Result<String> {
    match found.len() {
        0 => Err(crate::NotFound(format!("there is no {what} {word} {place}")).into()),
        1 => Ok(found.remove(0)),
        many => {
            let named: Vec<String> = found.iter().take(NAMED_MAX).map(|arn| short(arn)).collect();
            let more = if many > NAMED_MAX { " and more" } else { "" };
            bail!("{word} could be any of {many} {what}s: {}{more}", named.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ecs::types::{ContainerOverride, KeyValuePair, TaskOverride};

    use super::*;

    fn known(id: &str, mesos: &str, status: &str) -> Task {
        let variable = KeyValuePair::builder().name("MESOS_TASK_ID").value(mesos).build();
        let container = ContainerOverride::builder().name("app").environment(variable).build();
        let overrides = TaskOverride::builder().container_overrides(container).build();
        let arn = format!("arn:aws:ecs:us-east-1:000000000000:task/default/{id}");
        Task::builder().task_arn(arn).overrides(overrides).last_status(status).build()
    }

    #[test]
    fn a_word_is_an_id_of_mesos_or_the_beginning_of_one_of_ecs() {
        let all = [
            known("aa01", "web.1", "STOPPED"),
            known("aa02", "web.1", "RUNNING"),
            known("bb03", "aa0", "RUNNING"),
            known("bb04", "old", "STOPPED"),
        ];
        let found = |word: &str| task(&all, word).map(|arn| short(&arn));
        assert_eq!(found("web.1").expect("the one that lives"), "aa02");
        assert_eq!(found("old").expect("one that is over"), "bb04");
        assert_eq!(found("aa0").expect("an id comes before a beginning"), "bb03");
        assert_eq!(found("aa01").expect("a beginning"), "aa01");
        let several = found("bb").expect_err("two begin so").to_string();
        assert_eq!(several, "bb could be any of 2 tasks: bb03, bb04");
        let none = found("cc").expect_err("none begins so");
        assert!(none.downcast_ref::<crate::NotFound>().is_some());
    }

    #[test]
    fn whole_ids_are_not_looked_up() {
        assert!(is_whole("arn:aws:ecs:us-east-1:0:task/x/1"));
        assert!(is_whole("0123456789abcdef0123456789abcdef"));
        assert!(is_whole("01234567-89ab-cdef-0123-456789abcdef"));
        assert!(!is_whole("0123456789abcdef") && !is_whole("web.0123456789abcdef0123456789ab"));
    }
}
