//! Task definitions. Source: ECS API reference, the operations of the same names.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use longshore_wire_ecs::arn::Arn;
use longshore_wire_ecs::shape::shared::Attribute;
use longshore_wire_ecs::shape::task_definition as shape;
use longshore_wire_ecs::{ApiError, ErrorCode, Str, limits};

use super::definition_rules::Admitted;
use super::page::Page;
use super::{Answer, Context, definition_rules, has, include, is_name, tag};
use crate::limits::DELETION_CHECK_MS;
use crate::record::{DefinitionStatus, TaskDefinition};
use crate::setting::root;
use crate::show;
use crate::state::Family;

pub(super) fn register(
    at: &mut Context<'_>,
    request: shape::RegisterTaskDefinitionRequest,
) -> Answer {
    let family = request.family.clone().unwrap_or_default();
    if !is_name(&family) {
        return Err(ApiError::client(
            "Family contains invalid characters: it must be 1 to 255 letters, digits, hyphens and underscores.",
        ));
    }
    let tags = match &request.tags {
        Some(tags) if tags.is_empty() => return Err(ApiError::client("Tags can not be empty.")),
        tags => tag::read(tags.as_deref().unwrap_or_default())?,
    };
    let length = serde_json::to_string(&request).map_or(0, |json| json.len());
    if length > limits::TASK_DEFINITION_BYTES_MAX {
        return Err(ApiError::client(format!(
            "Actual length: '{length}'. Max allowed length is '{}' bytes.",
            limits::TASK_DEFINITION_BYTES_MAX
        )));
    }
    let admitted = definition_rules::admit(request)?;
    super::check_realms(&at.control.state, at.realm)?;
    let families = at.control.state.regional(at.realm).map(|all| &all.families);
    let known = families.and_then(|families| families.get(&family));
    let revision = known.map_or(1, |family| family.last + 1);
    if revision > limits::REVISIONS_MAX {
        return Err(ApiError::new(
            ErrorCode::LimitExceeded,
            "The family has reached the limit of 1,000,000 revisions.",
        ));
    }
    let arn = at.realm.arn(format_args!("task-definition/{family}:{revision}"));
    let content = shown_content(at, &family, revision, &arn, &admitted);
    let definition = Arc::new(TaskDefinition {
        realm: at.realm.clone(),
        family,
        revision,
        arn,
        status: DefinitionStatus::Active,
        registered_at: at.now,
        deregistered_at: None,
        delete_requested_at: None,
        content,
        network_mode: admitted.network_mode,
        cpu: admitted.cpu,
        memory_mib: admitted.memory_mib,
        containers: Arc::new(admitted.containers),
        needs: Arc::new(admitted.needs),
        volumes: admitted.volumes,
        tags: tags.clone(),
    });
    at.control.state.put_definition(definition.clone());
    Ok(show::body(&shape::RegisterTaskDefinitionResponse {
        task_definition: Some(show::definition(&definition)),
        tags: Some(show::tags(&tags)),
    }))
}

/// The content as the API shows it, with derived values.
fn shown_content(
    at: &Context<'_>,
    family: &Str,
    revision: u32,
    arn: &Str,
    admitted: &Admitted,
) -> shape::TaskDefinition {
    let required = admitted.needs.attributes.iter().map(|attribute| Attribute {
        name: Some(attribute.name.clone()),
        value: attribute.value.clone(),
        ..Default::default()
    });
    shape::TaskDefinition {
        task_definition_arn: Some(arn.clone()),
        family: Some(family.clone()),
        revision: i32::try_from(revision).ok(),
        requires_attributes: Some(required.collect()),
        compatibilities: Some(admitted.compatibilities.clone()),
        registered_at: Some(at.now.wall().seconds()),
        registered_by: Some(root(at.realm)),
        ..admitted.content.clone()
    }
}

/// The ways to refer to a task definition.
pub(super) enum Reference {
    /// The latest ACTIVE revision of a family.
    Latest(Str),
    /// One revision.
    Revision(Str, u32),
}

/// Reads `family`, `family:revision` or an ARN; `None` for anything else.
pub(super) fn reference(at: &Context<'_>, given: &str) -> Option<Reference> {
    let name = match Arn::parse(given) {
        Some(arn) => (arn.kind == "task-definition" && arn.is_in(at.realm)).then_some(arn.rest)?,
        None => given,
    };
    match name.rsplit_once(':') {
        None => is_name(name).then(|| Reference::Latest(name.into())),
        Some((family, revision)) => {
            let revision = revision.parse().ok()?;
            is_name(family).then(|| Reference::Revision(family.into(), revision))
        }
    }
}

/// Resolves a reference. INACTIVE revisions are found only by number.
pub(super) fn find(at: &Context<'_>, given: &str) -> Option<Arc<TaskDefinition>> {
    let reference = reference(at, given)?;
    let families = &at.control.state.regional(at.realm)?.families;
    match reference {
        Reference::Latest(family) => families.get(&family)?.latest().cloned(),
        Reference::Revision(family, revision) => {
            families.get(&family)?.revisions.get(&revision).cloned()
        }
    }
}

pub(super) fn describe(
    at: &mut Context<'_>,
    request: &shape::DescribeTaskDefinitionRequest,
) -> Answer {
    let words = include(request.include.as_ref(), &["TAGS"])?;
    let given = request.task_definition.as_deref().unwrap_or_default();
    let Some(definition) = find(at, given) else {
        return Err(ApiError::client("Unable to describe task definition."));
    };
    Ok(show::body(&shape::DescribeTaskDefinitionResponse {
        task_definition: Some(show::definition(&definition)),
        tags: has(&words, "TAGS").then(|| show::tags(&definition.tags)),
    }))
}

pub(super) fn deregister(
    at: &mut Context<'_>,
    request: &shape::DeregisterTaskDefinitionRequest,
) -> Answer {
    let given = request.task_definition.as_deref().unwrap_or_default();
    let name = Arn::parse(given).map_or(given, |arn| arn.rest);
    match name.rsplit_once(':') {
        None => return Err(ApiError::client("Revision is missing.")),
        Some((_, revision)) if revision.parse::<u32>().is_err() => {
            return Err(ApiError::invalid(format!("Invalid revision number. Number: {revision}")));
        }
        Some(_) => {}
    }
    let Some(mut definition) = find(at, given) else {
        return Err(ApiError::client("Unable to describe task definition."));
    };
    match definition.status {
        DefinitionStatus::Active => {
            let changed = Arc::make_mut(&mut definition);
            changed.status = DefinitionStatus::Inactive;
            changed.deregistered_at = Some(at.now);
            at.control.state.put_definition(definition.clone());
        }
        DefinitionStatus::Inactive => {}
        DefinitionStatus::DeleteInProgress => {
            return Err(ApiError::client(
                "The task definition could not be deregistered because it is in the process of being deleted.",
            ));
        }
    }
    Ok(show::body(&shape::DeregisterTaskDefinitionResponse {
        task_definition: Some(show::definition(&definition)),
    }))
}

/// Deletes deregistered revisions. They stay `DELETE_IN_PROGRESS` until no task or service uses
/// them.
pub(super) fn delete(
    at: &mut Context<'_>,
    request: &shape::DeleteTaskDefinitionsRequest,
) -> Answer {
    let asked = request.task_definitions.as_deref().unwrap_or_default();
    if asked.is_empty() || asked.len() > limits::DELETE_DEFINITIONS_MAX {
        return Err(ApiError::invalid(format!(
            "taskDefinitions must have 1 to {} entries.",
            limits::DELETE_DEFINITIONS_MAX
        )));
    }
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for given in asked {
        match delete_one(at, given) {
            Ok(definition) => deleted.push(show::definition(&definition)),
            Err(reason) => failures.push(show::failure(given.clone(), reason)),
        }
    }
    Ok(show::body(&shape::DeleteTaskDefinitionsResponse {
        task_definitions: Some(deleted),
        failures: Some(failures),
    }))
}

/// Deleting a revision again returns it again.
///
/// # Errors
/// The reason for the failure. Source: recorded replies of ECS.
fn delete_one(at: &mut Context<'_>, given: &str) -> Result<Arc<TaskDefinition>, &'static str> {
    let Some(Reference::Revision(..)) = reference(at, given) else {
        return Err(
            "The specified task definition identifier is invalid. Specify a valid name or ARN and try again.",
        );
    };
    let mut definition = find(at, given).ok_or(
        "The specified task definition does not exist. Specify a valid account, family, revision and try again.",
    )?;
    match definition.status {
        DefinitionStatus::Active => Err(
            "The specified task definition is still in ACTIVE status. Please deregister the target and try again.",
        ),
        DefinitionStatus::Inactive => {
            let changed = Arc::make_mut(&mut definition);
            changed.status = DefinitionStatus::DeleteInProgress;
            changed.delete_requested_at = Some(at.now);
            let state = &mut at.control.state;
            state.deletions.insert((
                at.realm.clone(),
                definition.family.clone(),
                definition.revision,
            ));
            state.deletions_due.get_or_insert(at.now + DELETION_CHECK_MS);
            state.put_definition(definition.clone());
            Ok(definition)
        }
        DefinitionStatus::DeleteInProgress => Ok(definition),
    }
}

fn status(given: Option<&Str>, words: &[&str]) -> Result<Option<DefinitionStatus>, ApiError> {
    match super::filter_word(given).as_deref() {
        None => Ok(None),
        Some(word) if words.contains(&word) => Ok(DefinitionStatus::parse(word)),
        Some(_) => Err(ApiError::invalid(format!("status should be one of [{}]", words.join(",")))),
    }
}

pub(super) fn list(at: &mut Context<'_>, request: &shape::ListTaskDefinitionsRequest) -> Answer {
    let page = Page::read('d', request.next_token.as_ref(), request.max_results)?;
    let wanted = status(request.status.as_ref(), &["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"])?;
    let wanted = wanted.unwrap_or(DefinitionStatus::Active);
    let descending = match super::filter_word(request.sort.as_ref()).as_deref() {
        None | Some("ASC") => false,
        Some("DESC") => true,
        Some(_) => return Err(ApiError::invalid("sort should be one of [ASC,DESC]")),
    };
    let family = request.family_prefix.as_deref().filter(|family| !family.is_empty());
    let families = at.control.state.regional(at.realm).map(|all| &all.families);
    let after = page.after().and_then(position);
    let all = families.into_iter().flat_map(|all| revisions(all, family, after, descending));
    let (arns, next_token) = page.select(
        all,
        |definition| format!("{} {:08}", definition.family, definition.revision),
        |definition| (definition.status == wanted).then(|| definition.arn.clone()),
    );
    Ok(show::body(&shape::ListTaskDefinitionsResponse {
        task_definition_arns: Some(arns),
        next_token,
    }))
}

/// Family and revision of the last entry of the previous page.
fn position(key: &str) -> Option<(&str, u32)> {
    let (family, revision) = key.rsplit_once(' ')?;
    Some((family, revision.parse().ok()?))
}

type Revisions<'a> = Box<dyn Iterator<Item = &'a Arc<TaskDefinition>> + 'a>;

/// The revisions after a position, of one family or of all, ordered by family and revision.
fn revisions<'a>(
    families: &'a BTreeMap<Str, Family>,
    only: Option<&'a str>,
    after: Option<(&'a str, u32)>,
    descending: bool,
) -> Revisions<'a> {
    let bound = after.map_or(Bound::Unbounded, |(family, _)| Bound::Included(family));
    let of = move |(name, family): (&'a Str, &'a Family)| -> Revisions<'a> {
        let after = after.filter(|(of, _)| *of == &**name);
        let bound = after.map_or(Bound::Unbounded, |(_, revision)| Bound::Excluded(revision));
        let revisions = &family.revisions;
        if descending {
            Box::new(revisions.range((Bound::Unbounded, bound)).rev().map(|(_, one)| one))
        } else {
            Box::new(revisions.range((bound, Bound::Unbounded)).map(|(_, one)| one))
        }
    };
    match only {
        Some(only) => {
            let is_past = after.is_some_and(
                |(family, _)| {
                    if descending { only > family } else { only < family }
                },
            );
            Box::new(families.get_key_value(only).filter(|_| !is_past).into_iter().flat_map(of))
        }
        None if descending => {
            Box::new(families.range::<str, _>((Bound::Unbounded, bound)).rev().flat_map(of))
        }
        None => Box::new(families.range::<str, _>((bound, Bound::Unbounded)).flat_map(of)),
    }
}

pub(super) fn list_families(
    at: &mut Context<'_>,
    request: &shape::ListTaskDefinitionFamiliesRequest,
) -> Answer {
    let page = Page::read('f', request.next_token.as_ref(), request.max_results)?;
    let wanted = status(request.status.as_ref(), &["ACTIVE", "INACTIVE", "ALL"])?;
    let prefix = request.family_prefix.as_deref().unwrap_or_default();
    let families = at.control.state.regional(at.realm).map(|all| &all.families);
    // Start at the later of the page's start and the first name with the prefix.
    let from = match page.after().filter(|after| *after >= prefix) {
        Some(after) => Bound::Excluded(after),
        None => Bound::Included(prefix),
    };
    let all = families.into_iter().flat_map(|all| all.range::<str, _>((from, Bound::Unbounded)));
    let listed = all.take_while(|(name, _)| name.starts_with(prefix));
    let (families, next_token) = page.select(
        listed,
        |(name, _)| name.to_string(),
        |(name, family)| {
            let active = !family.active.is_empty();
            let shown = match wanted {
                None => !family.revisions.is_empty(),
                Some(DefinitionStatus::Active) => active,
                Some(_) => !active && !family.revisions.is_empty(),
            };
            shown.then(|| Str::clone(name))
        },
    );
    Ok(show::body(&shape::ListTaskDefinitionFamiliesResponse {
        families: Some(families),
        next_token,
    }))
}
