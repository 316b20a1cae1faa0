//! Entry point for requests: parses them into core types, rejects invalid ones with the errors of
//! ECS, and answers them.
//!
//! There is one file per group of operations. What is parsed here is not parsed again deeper in.

mod attribute;
mod capacity_provider;
mod cluster;
mod cluster_rules;
mod container_instance;
mod definition_rules;
mod page;
mod protection;
mod registration;
mod run_task;
mod service;
mod setting;
mod stored_task;
mod tag;
mod task;
mod task_definition;

use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::arn::{Arn, ArnFormat, Realm, ResourceId};
use longshore_wire_ecs::host::ContainerSpec;
use longshore_wire_ecs::shape::task::TaskOverride;
use longshore_wire_ecs::{ApiError, ErrorCode, Request, Str, operation};

use crate::cluster_state::ClusterState;
use crate::machine::{Control, Output, Reply};
use crate::record::{ClusterStatus, TaskDefinition};
use crate::setting::SettingName;
use crate::state::State;

pub(crate) use stored_task::Templates;

type Answer = Result<Reply, ApiError>;

/// The context that an operation runs in.
pub(crate) struct Context<'a> {
    pub(crate) control: &'a mut Control,
    pub(crate) now: Timestamp,
    pub(crate) realm: &'a Realm,
    pub(crate) out: &'a mut Vec<Output>,
}

impl Context<'_> {
    /// The form of the ARNs of new resources, by the setting of their kind.
    fn arns(&self, name: SettingName) -> ArnFormat {
        self.control.state.arns(self.realm, name)
    }

    /// Checks that new resources of a kind have long ARNs, which those with tags need.
    fn check_long(&self, name: SettingName, otherwise: &str) -> Result<(), ApiError> {
        if self.arns(name).is_long() { Ok(()) } else { Err(ApiError::invalid(otherwise)) }
    }
}

/// Answers one request.
pub(crate) fn answer(
    control: &mut Control,
    now: Timestamp,
    realm: &Realm,
    request: Request,
    out: &mut Vec<Output>,
) -> Answer {
    let operation = request.operation();
    let mut context = Context { control, now, realm, out };
    dispatch(&mut context, request).map_err(|error| declared(operation, error))
}

/// Clients can only handle errors that the operation declares, because SDKs have types for no
/// others. An undeclared error that slips through is replaced by the one of the same kind that
/// every operation declares.
fn declared(operation: &str, error: ApiError) -> ApiError {
    let is_declared = operation::info(operation).is_none_or(|known| known.declares(error.code));
    debug_assert!(is_declared, "{operation} does not declare {}", error.code.name());
    if is_declared { error } else { ApiError { code: ErrorCode::InvalidParameter, ..error } }
}

fn dispatch(at: &mut Context<'_>, request: Request) -> Answer {
    match request {
        Request::CreateCluster(request) => cluster::create(at, *request),
        Request::DeleteCluster(request) => cluster::delete(at, &request),
        Request::DescribeClusters(request) => cluster::describe(at, &request),
        Request::ListClusters(request) => cluster::list(at, &request),
        Request::UpdateCluster(request) => cluster::update(at, *request),
        Request::UpdateClusterSettings(request) => cluster::update_settings(at, *request),
        Request::PutClusterCapacityProviders(request) => cluster::put_providers(at, *request),
        Request::DescribeCapacityProviders(request) => capacity_provider::describe(at, &request),
        Request::RegisterContainerInstance(request) => registration::register(at, *request),
        Request::DeregisterContainerInstance(request) => registration::deregister(at, &request),
        Request::DescribeContainerInstances(request) => container_instance::describe(at, &request),
        Request::ListContainerInstances(request) => container_instance::list(at, &request),
        Request::UpdateContainerInstancesState(request) => {
            container_instance::update_state(at, &request)
        }
        Request::PutAttributes(request) => attribute::put(at, &request),
        Request::DeleteAttributes(request) => attribute::delete(at, &request),
        Request::ListAttributes(request) => attribute::list(at, &request),
        Request::RegisterTaskDefinition(request) => task_definition::register(at, *request),
        Request::DescribeTaskDefinition(request) => task_definition::describe(at, &request),
        Request::DeregisterTaskDefinition(request) => task_definition::deregister(at, &request),
        Request::DeleteTaskDefinitions(request) => task_definition::delete(at, &request),
        Request::ListTaskDefinitions(request) => task_definition::list(at, &request),
        Request::ListTaskDefinitionFamilies(request) => {
            task_definition::list_families(at, &request)
        }
        Request::RunTask(request) => run_task::run(at, *request),
        Request::StartTask(request) => run_task::start(at, *request),
        Request::StopTask(request) => task::stop(at, &request),
        Request::DescribeTasks(request) => task::describe(at, &request),
        Request::ListTasks(request) => task::list(at, &request),
        Request::CreateService(request) => service::create(at, *request),
        Request::UpdateService(request) => service::update(at, &request),
        Request::DeleteService(request) => service::delete(at, &request),
        Request::DescribeServices(request) => service::describe(at, &request),
        Request::ListServices(request) => service::list(at, &request),
        Request::ListServicesByNamespace(request) => service::list_by_namespace(&request),
        Request::ListServiceDeployments(request) => service::list_deployments(at, &request),
        Request::DescribeServiceDeployments(request) => service::describe_deployments(at, &request),
        Request::DescribeServiceRevisions(request) => service::describe_revisions(at, &request),
        Request::GetTaskProtection(request) => protection::get(at, &request),
        Request::UpdateTaskProtection(request) => protection::update(at, &request),
        Request::TagResource(request) => tag::tag(at, &request),
        Request::UntagResource(request) => tag::untag(at, &request),
        Request::ListTagsForResource(request) => tag::list(at, &request),
        Request::ListAccountSettings(request) => setting::list(at, &request),
        Request::PutAccountSetting(request) => setting::put(at, &request),
        Request::PutAccountSettingDefault(request) => setting::put_default(at, &request),
        Request::DeleteAccountSetting(request) => setting::delete(at, &request),
    }
}

/// Task-level CPU units and MiB, with overrides applied.
pub(crate) fn task_level(
    definition: &TaskDefinition,
    overrides: &TaskOverride,
) -> (Option<u32>, Option<u32>) {
    // The overrides were validated when the task was launched.
    let sizes = run_task::overrides::task_sizes(definition, Some(overrides));
    sizes.unwrap_or((definition.cpu, definition.memory_mib))
}

/// What a task of a definition runs without overrides.
///
/// # Errors
/// When the containers cannot be built from the definition.
pub(crate) fn without_overrides(
    definition: &TaskDefinition,
) -> Result<(TaskOverride, Arc<Vec<ContainerSpec>>), ApiError> {
    run_task::overrides::apply(definition, None)
}

/// The name of the cluster that a request refers to: a short name, the name in an ARN, or
/// `default`.
fn cluster_name(realm: &Realm, given: Option<&Str>) -> Result<Str, ApiError> {
    let given = given.map_or("default", |text| &**text);
    let Some(arn) = Arn::parse(given) else {
        let valid = is_name(given);
        return if valid {
            Ok(given.into())
        } else {
            Err(ApiError::invalid(
                "Invalid identifier: cluster names are 1 to 255 letters, digits, hyphens and underscores.",
            ))
        };
    };
    let ours = arn.kind == "cluster" && arn.is_in(realm);
    if ours { Ok(arn.rest.into()) } else { Err(cluster_not_found()) }
}

/// Checks that there is room for another account and region, unless this one already exists.
fn check_realms(state: &State, realm: &Realm) -> Result<(), ApiError> {
    if state.is_crowded(realm) {
        let text = format!(
            "At most {} accounts and regions can have clusters, task definitions or settings.",
            crate::limits::REALMS_MAX
        );
        return Err(ApiError::client(text));
    }
    Ok(())
}

fn cluster_not_found() -> ApiError {
    ApiError::new(ErrorCode::ClusterNotFound, "Cluster not found.")
}

/// The ACTIVE cluster that a request refers to.
fn cluster<'s>(
    state: &'s mut State,
    realm: &Realm,
    given: Option<&Str>,
) -> Result<&'s mut ClusterState, ApiError> {
    let name = cluster_name(realm, given)?;
    let cluster = state.cluster_mut(realm, &name).ok_or_else(cluster_not_found)?;
    if cluster.record.status == ClusterStatus::Inactive {
        return Err(ApiError::new(
            ErrorCode::ClusterNotFound,
            "The referenced cluster was inactive.",
        ));
    }
    Ok(cluster)
}

/// Extracts the id from a short id or an ARN of `kind`; `None` if it cannot name anything here,
/// such as an ARN of another account, region or partition. An ARN must belong to the cluster of the
/// request.
fn resource_id(
    realm: &Realm,
    kind: &str,
    id_name: &str,
    cluster: &str,
    given: &str,
) -> Result<Option<ResourceId>, ApiError> {
    let id = match Arn::parse(given) {
        Some(arn) if arn.kind != kind => {
            return Err(ApiError::invalid(format!(
                "Invalid identifier: {given} is not the ARN of a {kind}."
            )));
        }
        Some(arn) if !arn.is_in(realm) => return Ok(None),
        Some(arn) => {
            if let Some(named) = arn.cluster().filter(|named| *named != cluster) {
                return Err(ApiError::invalid(format!(
                    "Invalid identifier: Identifier is for cluster {named}. Your cluster is {cluster}"
                )));
            }
            arn.id()
        }
        None => given,
    };
    if id.len() != 32 && id.len() != 36 {
        return Err(ApiError::invalid(format!("{id_name} length should be one of [32,36]")));
    }
    Ok(ResourceId::parse(id))
}

/// The ARN that a failure names for what is not there: as it was given, or with the id that was given.
fn absent(arns: ArnFormat, realm: &Realm, kind: &str, cluster: &str, given: &str) -> Str {
    if given.starts_with("arn:") { given.into() } else { arns.arn(realm, kind, cluster, given) }
}

/// 1 to 255 letters, digits, hyphens and underscores.
fn is_name(text: &str) -> bool {
    (1..=longshore_wire_ecs::limits::NAME_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// A word that a list is filtered by, in upper case: clients of 2016 send it in lower case, which ECS took.
fn filter_word(given: Option<&Str>) -> Option<String> {
    given.map(|word| word.to_ascii_uppercase())
}

/// Checks that the operation knows every value of `include`.
fn include<'a>(given: Option<&Vec<Str>>, allowed: &[&'a str]) -> Result<Vec<&'a str>, ApiError> {
    let given = given.map_or(&[][..], Vec::as_slice);
    // The list may be long, although there are few valid values.
    let is_unknown = |word: &Str| !allowed.contains(&&**word);
    if given.iter().any(is_unknown) {
        let text = format!("include should be one of [{}]", allowed.join(","));
        return Err(ApiError::invalid(text));
    }
    let asked = allowed.iter().filter(|word| given.iter().any(|one| one.as_ref() == **word));
    Ok(asked.copied().collect())
}

fn has(words: &[&str], word: &str) -> bool {
    words.contains(&word)
}
