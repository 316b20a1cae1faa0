//! Task definitions. Source: ECS API reference, the operations of these names.

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
use crate::state::Regional;

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
    let families = &mut at.control.state.realm(at.realm).families;
    let revision = families.get(&family).map_or(1, |family| family.last + 1);
    if revision > limits::REVISIONS_MAX {
        return Err(ApiError::new(
            ErrorCode::LimitExceeded,
            "The family has 1,000,000 revisions, which is the most.",
        ));
    }
    let arn = at.realm.arn(format_args!("task-definition/{family}:{revision}"));
    let content = shown_content(at, &family, revision, &arn, &admitted);
    let definition = Arc::new(TaskDefinition {
        realm: at.realm.clone(),
        family: family.clone(),
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

/// The content as the API shows it, with what follows from it.
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
        registered_at: Some(at.now.seconds()),
        registered_by: Some(root(at.realm)),
        ..admitted.content.clone()
    }
}

/// What a caller may write for a task definition.
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

/// Finds what a caller wrote. INACTIVE revisions are found by number only.
pub(super) fn find(at: &mut Context<'_>, given: &str) -> Option<Arc<TaskDefinition>> {
    let reference = reference(at, given)?;
    let families = &at.control.state.realm(at.realm).families;
    match reference {
        Reference::Latest(family) => {
            let mut latest = families.get(&family)?.revisions.values().rev();
            latest.find(|definition| definition.status == DefinitionStatus::Active).cloned()
        }
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

/// Deletes revisions that were deregistered. They stay `DELETE_IN_PROGRESS` until no task and no service uses them.
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

/// What is deleted already is shown once more.
///
/// # Errors
/// The reason of the failure. Source: recorded replies of ECS.
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
    match given.map(|word| &**word) {
        None => Ok(None),
        Some(word) if words.contains(&word) => Ok(DefinitionStatus::parse(word)),
        Some(_) => Err(ApiError::invalid(format!("status should be one of [{}]", words.join(",")))),
    }
}

pub(super) fn list(at: &mut Context<'_>, request: &shape::ListTaskDefinitionsRequest) -> Answer {
    let page = Page::read('d', request.next_token.as_ref(), request.max_results)?;
    let wanted = status(request.status.as_ref(), &["ACTIVE", "INACTIVE", "DELETE_IN_PROGRESS"])?;
    let wanted = wanted.unwrap_or(DefinitionStatus::Active);
    let descending = match request.sort.as_deref() {
        None | Some("ASC") => false,
        Some("DESC") => true,
        Some(_) => return Err(ApiError::invalid("sort should be one of [ASC,DESC]")),
    };
    let regional = at.control.state.realm(at.realm);
    let family = request.family_prefix.as_deref().filter(|family| !family.is_empty());
    let all = revisions(regional, family, descending);
    // The key keeps the order of the list: families as text, revisions as numbers.
    let key =
        |definition: &TaskDefinition| format!("{} {:08}", definition.family, definition.revision);
    let listed = all.filter(|definition| definition.status == wanted).filter(|definition| {
        let key = key(definition);
        page.after().is_none_or(|after| if descending { &*key < after } else { &*key > after })
    });
    let (arns, next_token) =
        page.take(listed.map(|definition| (key(definition), definition.arn.clone())));
    Ok(show::body(&shape::ListTaskDefinitionsResponse {
        task_definition_arns: Some(arns),
        next_token,
    }))
}

fn revisions<'a>(
    regional: &'a Regional,
    family: Option<&'a str>,
    descending: bool,
) -> Box<dyn Iterator<Item = &'a Arc<TaskDefinition>> + 'a> {
    let families = regional
        .families
        .iter()
        .filter(move |(name, _)| family.is_none_or(|family| &***name == family));
    let revisions = families.flat_map(|(_, family)| family.revisions.values());
    if descending {
        let all: Vec<_> = revisions.collect();
        Box::new(all.into_iter().rev())
    } else {
        Box::new(revisions)
    }
}

pub(super) fn list_families(
    at: &mut Context<'_>,
    request: &shape::ListTaskDefinitionFamiliesRequest,
) -> Answer {
    let page = Page::read('f', request.next_token.as_ref(), request.max_results)?;
    let wanted = status(request.status.as_ref(), &["ACTIVE", "INACTIVE", "ALL"])?;
    let prefix = request.family_prefix.as_deref().unwrap_or_default();
    let families = &at.control.state.realm(at.realm).families;
    let listed = families.iter().filter(|(name, family)| {
        let active = family.revisions.values().any(|one| one.status == DefinitionStatus::Active);
        name.starts_with(prefix)
            && match wanted {
                None => !family.revisions.is_empty(),
                Some(DefinitionStatus::Active) => active,
                Some(_) => !active && !family.revisions.is_empty(),
            }
            && page.after().is_none_or(|after| &***name > after)
    });
    let (families, next_token) =
        page.take(listed.map(|(name, _)| (name.to_string(), name.clone())));
    Ok(show::body(&shape::ListTaskDefinitionFamiliesResponse {
        families: Some(families),
        next_token,
    }))
}
