//! Queues: creation, lookup and attributes.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::sqs::{Error, ErrorCode, shape};
use longshore_wire_ecs::{Str, limits as wire_limits};

use super::{Caller, page};
use crate::machine::{Bus, Change, Key, Output};
use crate::queue::Queue;
use crate::record::{self, Tags, queue_arn, queue_name};
use crate::settings::{self, Settings};
use crate::{limits, receive};

/// Finds the queue that a URL names. Only the path counts: the same queue is reachable under many
/// hosts.
pub(crate) fn find(bus: &Bus, caller: &Caller, url: Option<&Str>) -> Result<ResourceId, Error> {
    let url = url.filter(|url| !url.is_empty()).ok_or_else(|| missing("QueueUrl"))?;
    let mut parts = url.trim_end_matches('/').rsplit('/');
    let name = parts.next().unwrap_or_default();
    let account = parts.next().unwrap_or_default();
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    if is_account && *account != *caller.realm.account {
        return Err(nonexistent());
    }
    bus.state.queue_id(&caller.realm, name).ok_or_else(nonexistent)
}

pub(crate) fn missing(parameter: &str) -> Error {
    let message = format!("The request must contain the parameter {parameter}.");
    Error::new(ErrorCode::MissingParameter, message)
}

pub(crate) fn nonexistent() -> Error {
    Error::new(ErrorCode::QueueDoesNotExist, "The specified queue does not exist.")
}

/// Checks a queue name; that of a FIFO queue ends in `.fifo`. Error messages are those of SQS.
fn checked_name(name: Option<&Str>, is_fifo: bool) -> Result<&Str, Error> {
    let name = name.ok_or_else(|| missing("QueueName"))?;
    let valid = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    let (stem, words) = if is_fifo {
        (
            name.strip_suffix(".fifo").unwrap_or_default(),
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
        )
    } else {
        (
            &**name,
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
        )
    };
    let length = name.chars().count();
    if stem.is_empty() || length > limits::QUEUE_NAME_CHARS_MAX || !stem.chars().all(valid) {
        return Err(Error::invalid(words));
    }
    Ok(name)
}

/// Rejects a dead-letter queue that does not exist, is of the other kind, or does not allow redrive
/// from this queue.
fn check_redrive(bus: &Bus, caller: &Caller, name: &str, settings: &Settings) -> Result<(), Error> {
    let Some(redrive) = &settings.redrive else { return Ok(()) };
    let refuse = |why: &str| {
        let value = &redrive.target;
        Err(Error::invalid(format!(
            "Value {value} for parameter RedrivePolicy is invalid. Reason: {why}."
        )))
    };
    let target = queue_name(&caller.realm, &redrive.target)
        .and_then(|target| bus.state.queues.get(&bus.state.queue_id(&caller.realm, target)?));
    match target {
        None => refuse("Dead letter target does not exist"),
        Some(queue) if &*queue.record.name == name => {
            refuse("Dead letter target may not be the queue itself")
        }
        Some(queue) if queue.fifo.is_some() != settings.fifo.is_some() => {
            refuse("Dead-letter queue must be same type of queue as the source")
        }
        Some(queue)
            if !queue.record.settings.allows_redrive_from(&queue_arn(&caller.realm, name)) =>
        {
            refuse("Dead letter target does not allow this source")
        }
        Some(_) => Ok(()),
    }
}

pub(crate) fn create(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: shape::CreateQueueRequest,
    out: &mut Vec<Output>,
) -> Result<shape::QueueUrl, Error> {
    let attributes = ask.attributes.unwrap_or_default();
    let is_fifo = settings::wants_fifo(&attributes)?;
    let known = ask.queue_name.as_ref().and_then(|name| bus.state.queue_id(&caller.realm, name));
    if let Some(queue) = known.and_then(|id| bus.state.queues.get(&id)) {
        let settings = &queue.record.settings;
        let mut wanted = settings.clone();
        wanted.set_all(&attributes)?;
        if let Some(name) = wanted.differing(settings, &attributes) {
            return Err(Error::new(
                ErrorCode::QueueNameExists,
                format!(
                    "A queue already exists with the same name and a different value for attribute {name}"
                ),
            ));
        }
        return Ok(shape::QueueUrl { queue_url: Some(caller.url(&queue.record.name)) });
    }
    let name = checked_name(ask.queue_name.as_ref(), is_fifo)?.clone();
    let mut settings = Settings { fifo: is_fifo.then(Default::default), ..Settings::default() };
    settings.set_all(&attributes)?;
    check_redrive(bus, caller, &name, &settings)?;
    let tags = merged(&name, &Tags::new(), ask.tags.unwrap_or_default())?;
    check_room(bus, now, caller, &name)?;
    let record = Arc::new(record::Queue {
        id: ResourceId(bus.ids.bits("queue")),
        realm: caller.realm.clone(),
        name: name.clone(),
        settings,
        tags,
        created_at: now,
        modified_at: now,
        places: 0,
    });
    bus.state.realm(&caller.realm).queues.insert(name.clone(), record.id);
    bus.state.note_source(&caller.realm, (&name, record.id), None, record.dead_letters());
    bus.state.queues.insert(record.id, Queue::new(record.clone()));
    out.push(Output::Change(Change::Queue(record)));
    Ok(shape::QueueUrl { queue_url: Some(caller.url(&name)) })
}

/// Rejects a queue beyond the limit, or with the name of one that was just deleted.
fn check_room(bus: &Bus, now: Timestamp, caller: &Caller, name: &Str) -> Result<(), Error> {
    let Some(regional) = bus.state.realms.get(&caller.realm) else { return Ok(()) };
    if regional.deleted.get(name).is_some_and(|until| *until > now) {
        return Err(Error::new(
            ErrorCode::QueueDeletedRecently,
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
        ));
    }
    if regional.queues.len() >= limits::QUEUES_MAX {
        return Err(Error::new(
            ErrorCode::OverLimit,
            format!("There are {} queues already.", limits::QUEUES_MAX),
        ));
    }
    Ok(())
}

pub(crate) fn url(
    bus: &Bus,
    caller: &Caller,
    ask: &shape::GetQueueUrlRequest,
) -> Result<shape::QueueUrl, Error> {
    let name = ask.queue_name.as_ref().ok_or_else(|| missing("QueueName"))?;
    let ours = ask.queue_owner_account.as_ref().is_none_or(|owner| *owner == caller.realm.account);
    let id = bus.state.queue_id(&caller.realm, name).filter(|_| ours);
    id.ok_or_else(nonexistent)?;
    Ok(shape::QueueUrl { queue_url: Some(caller.url(name)) })
}

fn checked_entries(limit: Option<i32>) -> Result<usize, Error> {
    let max = limits::QUEUE_PAGE_ENTRIES_MAX;
    page::entries(limit, max).ok_or_else(|| {
        Error::invalid(format!(
            "Value for parameter MaxResults is invalid. Reason: Must be from 1 to {max}."
        ))
    })
}

pub(crate) fn list(
    bus: &Bus,
    caller: &Caller,
    ask: &shape::ListQueuesRequest,
) -> Result<shape::ListQueuesResult, Error> {
    let entries = checked_entries(ask.max_results)?;
    let prefix = ask.queue_name_prefix.as_deref().unwrap_or_default();
    let none = BTreeMap::new();
    let all = bus.state.realms.get(&caller.realm).map_or(&none, |all| &all.queues);
    let (names, token) = page::page(all, prefix, ask.next_token.as_ref(), entries, |_| true);
    let urls: Vec<Str> = names.iter().map(|name| caller.url(name)).collect();
    Ok(shape::ListQueuesResult {
        queue_urls: Some(urls).filter(|urls| !urls.is_empty()),
        next_token: token.filter(|_| ask.max_results.is_some()),
    })
}

pub(crate) fn delete(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: &shape::QueueUrl,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let id = find(bus, caller, ask.queue_url.as_ref())?;
    let Some(mut queue) = bus.state.queues.remove(&id) else { return Err(nonexistent()) };
    receive::dismiss(bus, &mut queue, out);
    bus.state.trash.push(queue.clear());
    if let Some(alarm) = queue.alarm {
        bus.state.alarms.remove(&(alarm, id));
    }
    let (realm, name) = (&caller.realm, &queue.record.name);
    bus.state.note_source(realm, (name, id), queue.record.dead_letters(), None);
    out.push(Output::Change(Change::Forget(Key::Queue(id))));
    let until = now + limits::DELETED_NAME_MS;
    bus.state.freed.insert((until, realm.clone()));
    let regional = bus.state.realm(realm);
    regional.queues.remove(name);
    regional.note_deleted(name.clone(), until);
    let deleted = record::DeletedQueue { realm: realm.clone(), name: name.clone(), until };
    out.push(Output::Change(Change::Deleted(Arc::new(deleted))));
    while regional.deleted.len() > limits::DELETED_NAMES_MAX {
        let Some((_, oldest)) = regional.deleted_ends.first().cloned() else { break };
        regional.forget_deleted(&oldest);
        out.push(Output::Change(Change::Forget(Key::Deleted(realm.clone(), oldest))));
    }
    Ok(())
}

/// Frees the names of deleted queues whose waiting period is over.
pub(crate) fn free_names(bus: &mut Bus, now: Timestamp, out: &mut Vec<Output>) {
    while let Some((at, realm)) = bus.state.freed.first().filter(|(at, _)| *at <= now).cloned() {
        bus.state.freed.remove(&(at, realm.clone()));
        let Some(regional) = bus.state.realms.get_mut(&realm) else { continue };
        while let Some((_, name)) =
            regional.deleted_ends.first().filter(|(until, _)| *until <= now).cloned()
        {
            regional.forget_deleted(&name);
            out.push(Output::Change(Change::Forget(Key::Deleted(realm.clone(), name))));
        }
    }
}

pub(crate) fn purge(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: &shape::QueueUrl,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let id = find(bus, caller, ask.queue_url.as_ref())?;
    let Some(queue) = bus.state.queues.get_mut(&id) else { return Err(nonexistent()) };
    if queue.purged_at.is_some_and(|at| now.since(at) < limits::PURGE_PAUSE_MS) {
        return Err(Error::new(
            ErrorCode::PurgeQueueInProgress,
            format!(
                "Only one PurgeQueue operation on {} is allowed every 60 seconds.",
                queue.record.name
            ),
        ));
    }
    queue.purged_at = Some(now);
    let trash = queue.clear();
    out.push(Output::Change(Change::Purge(id, queue.next_place)));
    bus.state.trash.push(trash);
    bus.state.set_alarm(id);
    Ok(())
}

pub(crate) fn attributes(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: &shape::GetQueueAttributesRequest,
    out: &mut Vec<Output>,
) -> Result<shape::GetQueueAttributesResult, Error> {
    let id = find(bus, caller, ask.queue_url.as_ref())?;
    let names = ask.attribute_names.as_deref().unwrap_or_default();
    if let Some(name) = names.iter().find(|name| !settings::is_attribute(name)) {
        return Err(settings::unknown(name));
    }
    receive::settle(bus, now, id, out);
    let Some(queue) = bus.state.queues.get(&id) else { return Err(nonexistent()) };
    let record = &queue.record;
    let count = |count: usize| Str::from(count.to_string());
    let seconds = |at: Timestamp| Str::from((at.wall().millis() / 1_000).to_string());
    let counted: [Str; 6] = [
        count(queue.ready.len()),
        count(queue.delayed.len()),
        count(queue.in_flight.len()),
        seconds(record.created_at),
        seconds(record.modified_at),
        queue_arn(&record.realm, &record.name),
    ];
    let mut all = record.settings.show();
    all.extend(settings::SHOWN.into_iter().map(Str::from).zip(counted));
    if !names.iter().any(|name| &**name == "All") {
        all.retain(|name, _| names.contains(name));
    }
    Ok(shape::GetQueueAttributesResult { attributes: Some(all).filter(|all| !all.is_empty()) })
}

/// Stores a changed queue record.
pub(crate) fn store(bus: &mut Bus, record: record::Queue, out: &mut Vec<Output>) {
    let record = Arc::new(record);
    if let Some(queue) = bus.state.queues.get_mut(&record.id) {
        queue.record = record.clone();
    }
    out.push(Output::Change(Change::Queue(record)));
}

pub(crate) fn found(
    bus: &Bus,
    caller: &Caller,
    url: Option<&Str>,
) -> Result<Arc<record::Queue>, Error> {
    let id = find(bus, caller, url)?;
    bus.state.queues.get(&id).map(|queue| queue.record.clone()).ok_or_else(nonexistent)
}

pub(crate) fn set(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    ask: shape::SetQueueAttributesRequest,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let mut record = (*found(bus, caller, ask.queue_url.as_ref())?).clone();
    let attributes = ask.attributes.filter(|attributes| !attributes.is_empty());
    let attributes = attributes.ok_or_else(|| missing("Attribute.Name"))?;
    let dead_letters = record.dead_letters().map(Str::from);
    record.settings.set_all(&attributes)?;
    // A dead-letter queue that was deleted since must not block other changes.
    if attributes.contains_key("RedrivePolicy") {
        check_redrive(bus, caller, &record.name, &record.settings)?;
    }
    record.modified_at = now;
    let (id, name) = (record.id, record.name.clone());
    let after = record.dead_letters();
    bus.state.note_source(&caller.realm, (&name, id), dead_letters.as_deref(), after);
    store(bus, record, out);
    receive::settle(bus, now, id, out);
    Ok(())
}

pub(crate) fn sources(
    bus: &Bus,
    caller: &Caller,
    ask: &shape::ListDeadLetterSourceQueuesRequest,
) -> Result<shape::ListDeadLetterSourceQueuesResult, Error> {
    let target = found(bus, caller, ask.queue_url.as_ref())?;
    let entries = checked_entries(ask.max_results)?;
    let none = BTreeMap::new();
    let all = bus.state.realms.get(&caller.realm);
    let sources = all.and_then(|all| all.sources.get(&target.name)).unwrap_or(&none);
    let (names, token) = page::page(sources, "", ask.next_token.as_ref(), entries, |_| true);
    Ok(shape::ListDeadLetterSourceQueuesResult {
        queue_urls: Some(names.iter().map(|name| caller.url(name)).collect()),
        next_token: token.filter(|_| ask.max_results.is_some()),
    })
}

/// Whether a tag may contain a character. Source: SQS developer guide, *Quotas*.
fn is_tag_character(character: char) -> bool {
    character.is_alphanumeric() || character.is_whitespace() || "_.:/=+-@".contains(character)
}

fn merged(name: &str, before: &Tags, tags: Tags) -> Result<Tags, Error> {
    let mut merged = before.clone();
    for (key, value) in tags {
        if !(1..=wire_limits::TAG_KEY_CHARS_MAX).contains(&key.chars().count())
            || value.chars().count() > wire_limits::TAG_VALUE_CHARS_MAX
        {
            return Err(Error::invalid(format!(
                "The tag {key:?} is too long, or its key is empty."
            )));
        }
        if !key.chars().chain(value.chars()).all(is_tag_character) {
            return Err(Error::invalid(format!(
                "The tag {key:?} may have only letters, digits, spaces and _ . : / = + - @ in its key and value."
            )));
        }
        merged.insert(key, value);
    }
    if merged.len() > wire_limits::TAGS_MAX {
        return Err(Error::invalid(format!("Too many tags added for queue {name}.")));
    }
    Ok(merged)
}

pub(crate) fn tag(
    bus: &mut Bus,
    caller: &Caller,
    ask: shape::TagQueueRequest,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let record = found(bus, caller, ask.queue_url.as_ref())?;
    let tags = ask.tags.filter(|tags| !tags.is_empty()).ok_or_else(|| missing("Tags"))?;
    let tags = merged(&record.name, &record.tags, tags)?;
    store(bus, record::Queue { tags, ..(*record).clone() }, out);
    Ok(())
}

pub(crate) fn untag(
    bus: &mut Bus,
    caller: &Caller,
    ask: &shape::UntagQueueRequest,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let mut record = (*found(bus, caller, ask.queue_url.as_ref())?).clone();
    let keys = ask.tag_keys.as_ref().filter(|keys| !keys.is_empty());
    let keys = keys.ok_or_else(|| {
        Error::invalid("Tag keys must be between 1 and 128 characters in length.")
    })?;
    for key in keys {
        record.tags.remove(key);
    }
    store(bus, record, out);
    Ok(())
}

pub(crate) fn tags(
    bus: &Bus,
    caller: &Caller,
    ask: &shape::QueueUrl,
) -> Result<shape::ListQueueTagsResult, Error> {
    let tags = found(bus, caller, ask.queue_url.as_ref())?.tags.clone();
    Ok(shape::ListQueueTagsResult { tags: Some(tags).filter(|tags| !tags.is_empty()) })
}
