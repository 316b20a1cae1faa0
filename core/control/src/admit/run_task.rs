//! Starting tasks. Source: ECS API reference, `RunTask` and `StartTask`.

use std::collections::BTreeSet;
use std::sync::Arc;

use longshore_placement::Needs;
use longshore_placement::query::Effort;
use longshore_wire_ecs::host::{ContainerSpec, NetworkMode};
use longshore_wire_ecs::shape::shared::{KeyValuePair, Tag};
use longshore_wire_ecs::shape::task as shape;
use longshore_wire_ecs::{ApiError, ErrorCode, Str, limits};

use super::{
    Answer, Context, absent, cluster, cluster_name, container_instance, definition_rules,
    resource_id, tag, task_definition,
};
use crate::cluster_state::{ClusterState, TokenUse};
use crate::machine::Reply;
use crate::placing::{Rules, failures, fits, not_yet, place, too_costly};
use crate::record::{
    Cluster, DefinitionStatus, InstanceStatus, Tags, Task, TaskDefinition, TaskTemplate,
};
use crate::setting::SettingName;
use crate::{launch, placing};

pub(super) mod overrides;

/// What `RunTask` and `StartTask` have in common.
struct Common<'a> {
    definition: Option<&'a Str>,
    overrides: Option<&'a shape::TaskOverride>,
    group: Option<&'a Str>,
    started_by: Option<&'a Str>,
    started_by_chars_max: usize,
    tags: Option<&'a [Tag]>,
    propagate_tags: Option<&'a Str>,
    managed_tags: Option<bool>,
    execute_command: Option<bool>,
    network: Option<&'a shape::NetworkConfiguration>,
    volumes: Option<&'a [shape::TaskVolumeConfiguration]>,
    cluster: &'a Cluster,
}

pub(super) fn run(at: &mut Context<'_>, request: shape::RunTaskRequest) -> Answer {
    let name = cluster_name(at.realm, request.cluster.as_ref())?;
    let known = cluster(&mut at.control.state, at.realm, request.cluster.as_ref())?;
    let home = known.record.clone();
    // A repeated request gets the original answer, whatever became of what it names.
    let token = token(&request)?;
    if let Some((token, text)) = &token
        && let Some(usage) = known.tokens.get(token)
    {
        return replay(known, usage, text);
    }
    let count = request.count.unwrap_or(1);
    if !(1..=limits::RUN_TASK_COUNT_MAX).contains(&count) {
        return Err(ApiError::invalid(format!(
            "count should be between 1 and {}",
            limits::RUN_TASK_COUNT_MAX
        )));
    }
    where_to_run(&request)?;
    let rules = Rules::read(
        request.placement_constraints.as_deref().unwrap_or_default(),
        request.placement_strategy.as_deref().unwrap_or_default(),
    )?;
    let (template, tags) = admit(at, &common_of_run(&request, &home))?;
    let rules = rules.and_of(&template.definition)?;
    let cluster = cluster(&mut at.control.state, at.realm, request.cluster.as_ref())?;
    if cluster.view.instances().all(|(_, instance)| !instance.active) {
        return Err(ApiError::invalid("No Container Instances were found in your cluster."));
    }
    let seed = at.control.ids.below("placement", u64::MAX);
    let plan = place(cluster, &template.needs, &template.group, &rules, count.unsigned_abs(), seed);
    if plan.too_costly {
        return Err(too_costly(cluster));
    }
    let failures = failures(cluster, &rules, &plan.refused);
    let (ids, now) = (&mut at.control.ids, at.now);
    let tasks: Vec<Arc<Task>> = plan
        .placed
        .iter()
        .map(|instance| launch::start(cluster, ids, now, &template, &tags, *instance))
        .collect();
    if let Some((token, request)) = token.filter(|_| !tasks.is_empty()) {
        let tasks = tasks.iter().map(|task| task.id).collect();
        cluster.put_token(token.clone(), TokenUse { request, tasks });
        at.control.state.changed_tokens.insert((at.realm.clone(), name, token));
    }
    launch::order(&mut at.control.state, &tasks, at.out);
    Ok(Reply::Tasks { tasks, failures, with_tags: true })
}

fn common_of_run<'a>(request: &'a shape::RunTaskRequest, cluster: &'a Cluster) -> Common<'a> {
    Common {
        definition: request.task_definition.as_ref(),
        overrides: request.overrides.as_ref(),
        group: request.group.as_ref(),
        started_by: request.started_by.as_ref(),
        started_by_chars_max: limits::RUN_TASK_STARTED_BY_CHARS_MAX,
        tags: request.tags.as_deref(),
        propagate_tags: request.propagate_tags.as_ref(),
        managed_tags: request.enable_ecs_managed_tags,
        execute_command: request.enable_execute_command,
        network: request.network_configuration.as_ref(),
        volumes: request.volume_configurations.as_deref(),
        cluster,
    }
}

/// Checks the launch type and the members that conflict with it.
fn where_to_run(request: &shape::RunTaskRequest) -> Result<(), ApiError> {
    let providers =
        request.capacity_provider_strategy.as_ref().is_some_and(|strategy| !strategy.is_empty());
    match request.launch_type.as_deref() {
        Some(_) if providers => Err(ApiError::invalid(
            "Specify either TaskTemplate Type or Capacity Provider Strategy, but not both.",
        )),
        _ if providers => Err(ApiError::invalid(
            "The specified capacity provider was not found. Longshore has none yet.",
        )),
        None | Some("EC2") if request.platform_version.is_some() => Err(ApiError::invalid(
            "The platform version must be null when specifying an EC2 launch type.",
        )),
        None | Some("EC2") => Ok(()),
        Some("FARGATE" | "EXTERNAL" | "MANAGED_INSTANCES") => Err(ApiError::new(
            ErrorCode::UnsupportedFeature,
            "Longshore only supports the launch type EC2.",
        )),
        Some(_) => Err(ApiError::invalid(
            "launchType should be one of [EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES]",
        )),
    }
}

/// The client token and the request stored under it.
fn token(request: &shape::RunTaskRequest) -> Result<Option<(Str, String)>, ApiError> {
    let Some(token) = request.client_token.clone() else { return Ok(None) };
    let fits = (1..=limits::CLIENT_TOKEN_CHARS_MAX).contains(&token.len());
    if !fits || !token.bytes().all(|byte| (33..=126).contains(&byte)) {
        return Err(ApiError::invalid(
            "clientToken must be 1 to 64 characters between ASCII 33 and 126.",
        ));
    }
    let text =
        serde_json::to_string(request).map_err(|error| ApiError::invalid(error.to_string()))?;
    Ok(Some((token, text)))
}

/// Source: ECS API reference, `ConflictException`: a different request under the same token reports
/// the existing tasks.
fn replay(cluster: &ClusterState, known: &TokenUse, text: &str) -> Answer {
    let tasks: Vec<Arc<Task>> =
        known.tasks.iter().filter_map(|id| cluster.tasks.get(id).cloned()).collect();
    if known.request == text {
        return Ok(Reply::Tasks { tasks, failures: Vec::new(), with_tags: true });
    }
    let mut conflict =
        ApiError::new(ErrorCode::Conflict, "The clientToken was used with other parameters.");
    conflict.resource_ids = tasks.iter().map(|task| task.arn.clone()).collect();
    Err(conflict)
}

pub(super) fn start(at: &mut Context<'_>, request: shape::StartTaskRequest) -> Answer {
    let name = cluster_name(at.realm, request.cluster.as_ref())?;
    let home = cluster(&mut at.control.state, at.realm, request.cluster.as_ref())?.record.clone();
    let asked = request.container_instances.as_deref().unwrap_or_default();
    container_instance::check_ids(asked, limits::START_TASK_INSTANCES_MAX)?;
    let (template, tags) = admit(
        at,
        &Common {
            definition: request.task_definition.as_ref(),
            overrides: request.overrides.as_ref(),
            group: request.group.as_ref(),
            started_by: request.started_by.as_ref(),
            started_by_chars_max: limits::START_TASK_STARTED_BY_CHARS_MAX,
            tags: request.tags.as_deref(),
            propagate_tags: request.propagate_tags.as_ref(),
            managed_tags: request.enable_ecs_managed_tags,
            execute_command: request.enable_execute_command,
            network: request.network_configuration.as_ref(),
            volumes: request.volume_configurations.as_deref(),
            cluster: &home,
        },
    )?;
    let (realm, arns) = (at.realm, at.arns(SettingName::ContainerInstanceLongArnFormat));
    let cluster = cluster(&mut at.control.state, realm, request.cluster.as_ref())?;
    let (ids, now) = (&mut at.control.ids, at.now);
    let (rules, effort) = (Rules::default(), Effort::of_one_request());
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for given in asked {
        let id = resource_id(realm, "container-instance", "containerInstanceId", &name, given)?;
        let known = id.and_then(|id| cluster.instances.get(&id));
        let Some(instance) = known else {
            failures.push(crate::show::failure(
                absent(arns, realm, "container-instance", &name, given),
                "MISSING",
            ));
            continue;
        };
        if instance.status == InstanceStatus::Inactive {
            failures.push(crate::show::failure(instance.arn.clone(), "INACTIVE"));
            continue;
        }
        let id = instance.id;
        match fits(cluster, id, &template.needs, &template.group, &rules, &effort) {
            Ok(()) => tasks.push(launch::start(cluster, ids, now, &template, &tags, id)),
            Err(refusal) => {
                failures.extend(placing::failures(cluster, &rules, &[(id, refusal)]));
            }
        }
    }
    launch::order(&mut at.control.state, &tasks, at.out);
    Ok(Reply::Tasks { tasks, failures, with_tags: true })
}

/// Runs the checks shared by both operations and resolves the task definition.
fn admit(
    at: &mut Context<'_>,
    common: &Common<'_>,
) -> Result<(Arc<TaskTemplate>, Arc<Tags>), ApiError> {
    let given = common.definition.map(|text| &**text).unwrap_or_default();
    if given.is_empty() {
        return Err(ApiError::client("TaskDefinition can not be blank."));
    }
    let definition = task_definition::find(at, given)
        .ok_or_else(|| ApiError::client("TaskDefinition not found."))?;
    if definition.status != DefinitionStatus::Active {
        return Err(ApiError::client("TaskDefinition is inactive"));
    }
    network(&definition, common.network)?;
    if common.execute_command == Some(true) {
        return Err(ApiError::invalid(
            "The execute command failed because execute command is not supported by Longshore: leave enableExecuteCommand out.",
        ));
    }
    if common.volumes.is_some_and(|volumes| !volumes.is_empty()) {
        return Err(not_yet("volumeConfigurations"));
    }
    let group = match common.group {
        None => format!("family:{}", definition.family).into(),
        Some(group) if group.len() > limits::GROUP_CHARS_MAX => {
            return Err(ApiError::invalid("group can have at most 255 characters."));
        }
        Some(group) if group.starts_with("service:") => {
            return Err(ApiError::invalid(
                "Invalid namespace for group: service is reserved for the tasks of services.",
            ));
        }
        Some(group) => group.clone(),
    };
    let started_by = started_by(common)?;
    let tags = tags(at, common, &definition)?;
    if let Some(given) = common.overrides {
        overrides::check_length(given)?;
    }
    let (overrides, containers) = overrides::apply(&definition, common.overrides)?;
    let needs = needs(&definition, &containers, common.overrides)?;
    let template = TaskTemplate {
        realm: at.realm.clone(),
        cluster: common.cluster.name.clone(),
        cluster_arn: common.cluster.arn.clone(),
        definition,
        containers,
        overrides: Arc::new(overrides),
        is_overridden: common.overrides.is_some(),
        needs,
        group,
        started_by,
        arns: at.control.state.arns(at.realm, SettingName::TaskLongArnFormat),
    };
    Ok((Arc::new(template), Arc::new(tags)))
}

/// What a task reserves. Overrides affect everything except the attributes that the definition
/// requires.
///
/// # Errors
/// When overridden sizes are inconsistent.
pub(super) fn needs(
    definition: &TaskDefinition,
    containers: &[ContainerSpec],
    overrides: Option<&shape::TaskOverride>,
) -> Result<Arc<Needs>, ApiError> {
    if overrides.is_none() {
        return Ok(definition.needs.clone());
    }
    let (cpu, memory_mib) = overrides::task_sizes(definition, overrides)?;
    let mut own = definition_rules::needs(containers, definition.network_mode, cpu, memory_mib)?;
    own.attributes.clone_from(&definition.needs.attributes);
    Ok(Arc::new(own))
}

pub(super) fn network(
    definition: &TaskDefinition,
    given: Option<&shape::NetworkConfiguration>,
) -> Result<(), ApiError> {
    match (definition.network_mode, given) {
        (NetworkMode::Awsvpc, None) => Err(ApiError::invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        )),
        (NetworkMode::Awsvpc, Some(_)) => Err(ApiError::new(
            ErrorCode::UnsupportedFeature,
            "Longshore does not support elastic network interfaces: use networkMode bridge, host or none.",
        )),
        (_, Some(_)) => Err(ApiError::invalid(
            "Network Configuration is not valid for the given networkMode of this task definition.",
        )),
        (_, None) => Ok(()),
    }
}

fn started_by(common: &Common<'_>) -> Result<Option<Str>, ApiError> {
    let Some(text) = common.started_by else { return Ok(None) };
    let most = common.started_by_chars_max;
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte);
    if text.len() > most || !text.bytes().all(valid) {
        return Err(ApiError::invalid(format!(
            "startedBy can have at most {most} letters, digits, hyphens, slashes and underscores."
        )));
    }
    Ok(Some(text.clone()))
}

fn tags(
    at: &Context<'_>,
    common: &Common<'_>,
    definition: &TaskDefinition,
) -> Result<Tags, ApiError> {
    let mut tags = match common.propagate_tags.map(|word| &**word) {
        None | Some("NONE") => Tags::new(),
        Some("TASK_DEFINITION") => {
            at.check_long(SettingName::TaskLongArnFormat, tag::PROPAGATED)?;
            definition.tags.clone()
        }
        Some("SERVICE") => {
            return Err(ApiError::invalid(
                "propagateTags SERVICE is only valid for tasks of services.",
            ));
        }
        Some(_) => {
            return Err(ApiError::invalid(
                "propagateTags should be one of [TASK_DEFINITION,SERVICE,NONE]",
            ));
        }
    };
    let own = tag::read(common.tags.unwrap_or_default())?;
    if !own.is_empty() {
        at.check_long(SettingName::TaskLongArnFormat, tag::GIVEN)?;
    }
    tags.extend(own);
    if common.managed_tags == Some(true) {
        at.check_long(SettingName::TaskLongArnFormat, tag::MANAGED)?;
        tags.insert("aws:ecs:clusterName".into(), common.cluster.name.clone());
    }
    Ok(tags)
}

/// The environment of a definition followed by the overrides.
fn with_environment(spec: &ContainerSpec, given: &[KeyValuePair]) -> Arc<Vec<KeyValuePair>> {
    let new: BTreeSet<_> = given.iter().map(|new| &new.name).collect();
    let mut environment = Vec::clone(&spec.environment);
    environment.retain(|held| !new.contains(&held.name));
    environment.extend(given.iter().cloned());
    Arc::new(environment)
}
