//! Tags of rules.

use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::eventbridge::{Error, ErrorCode, shape};
use longshore_wire_ecs::{Str, limits as wire_limits};

use super::rule;
use crate::machine::{Bus, Output};
use crate::record::{Rule, Tags};

/// `before`, with the tags of a request added.
pub(crate) fn merged(before: &Tags, tags: &[shape::Tag]) -> Result<Tags, Error> {
    let mut merged = before.clone();
    for tag in tags {
        let (Some(key), Some(value)) = (&tag.key, &tag.value) else {
            return Err(Error::validation("A tag must have a Key and a Value."));
        };
        if !(1..=wire_limits::TAG_KEY_CHARS_MAX).contains(&key.chars().count())
            || value.chars().count() > wire_limits::TAG_VALUE_CHARS_MAX
        {
            return Err(Error::validation(format!(
                "The tag {key:?} is too long, or its key is empty."
            )));
        }
        merged.insert(key.clone(), value.clone());
    }
    if merged.len() > wire_limits::TAGS_MAX {
        return Err(Error::validation(format!(
            "A resource may have {} tags.",
            wire_limits::TAGS_MAX
        )));
    }
    Ok(merged)
}

/// Looks up a rule by its ARN.
fn find<'a>(bus: &'a Bus, realm: &Realm, arn: Option<&Str>) -> Result<&'a Rule, Error> {
    let arn = arn.ok_or_else(|| Error::validation("ResourceARN must not be null."))?;
    let name = arn.rsplit('/').next().unwrap_or_default();
    let rules = bus.state.realms.get(realm).map(|regional| regional.rules.all());
    rules
        .and_then(|rules| rules.get(name))
        .map(|rule| &*rule.record)
        .filter(|rule| rule.arn() == *arn)
        .ok_or_else(|| match arn.split_once(":rule/") {
            Some((_, name)) => rule::missing(name),
            None => Error::new(
                ErrorCode::ResourceNotFound,
                format!("Resource {arn} does not exist: only rules can have tags in Longshore."),
            ),
        })
}

pub(crate) fn tag(
    bus: &mut Bus,
    realm: &Realm,
    ask: &shape::TagResourceRequest,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let rule = find(bus, realm, ask.resource_arn.as_ref())?;
    let tags = merged(&rule.tags, ask.tags.as_deref().unwrap_or_default())?;
    let changed = Rule { tags, ..rule.clone() };
    rule::store(bus, changed, out)
}

pub(crate) fn untag(
    bus: &mut Bus,
    realm: &Realm,
    ask: &shape::UntagResourceRequest,
    out: &mut Vec<Output>,
) -> Result<(), Error> {
    let mut changed = find(bus, realm, ask.resource_arn.as_ref())?.clone();
    for key in ask.tag_keys.iter().flatten() {
        changed.tags.remove(key);
    }
    rule::store(bus, changed, out)
}

pub(crate) fn list(
    bus: &Bus,
    realm: &Realm,
    ask: &shape::ListTagsForResourceRequest,
) -> Result<shape::ListTagsForResourceResponse, Error> {
    let rule = find(bus, realm, ask.resource_arn.as_ref())?;
    let tag = |(key, value): (&Str, &Str)| shape::Tag {
        key: Some(key.clone()),
        value: Some(value.clone()),
    };
    Ok(shape::ListTagsForResourceResponse { tags: Some(rule.tags.iter().map(tag).collect()) })
}
