//! Creating, updating and deleting services. Source: ECS API reference, the operations of the same
//! names.
//!
//! Nothing is started or stopped here: operations change the record, and the scheduler in
//! `crate::service` does the rest. As on ECS, the reply shows a service without tasks.

mod create;
mod deployments;
mod read;
mod rules;
mod update;

use longshore_wire_ecs::arn::{Arn, Realm};
use longshore_wire_ecs::shape::service as shape;
use longshore_wire_ecs::{ApiError, ErrorCode, Str};

use super::{Answer, Context, cluster, cluster_name};
use crate::cluster_state::ClusterState;
use crate::service::{Scheduling, Service, ServiceStatus, end_deployments, service};
use crate::show;

pub(super) use create::create;
pub(super) use deployments::{describe_deployments, describe_revisions, list_deployments};
pub(super) use read::{describe, list, list_by_namespace};
pub(super) use update::update;

/// The service name, given directly or in an ARN. An ARN must belong to the cluster of the request.
pub(super) fn service_name(realm: &Realm, cluster: &str, given: &str) -> Result<Str, ApiError> {
    let Some(arn) = Arn::parse(given) else {
        return if super::is_name(given) { Ok(given.into()) } else { Err(not_found()) };
    };
    if arn.kind != "service" || !arn.is_in(realm) {
        return Err(not_found());
    }
    if let Some(named) = arn.cluster().filter(|named| *named != cluster) {
        return Err(ApiError::invalid(format!(
            "Invalid identifier: Identifier is for cluster {named}. Your cluster is {cluster}"
        )));
    }
    Ok(arn.id().into())
}

pub(super) fn not_found() -> ApiError {
    ApiError::new(ErrorCode::ServiceNotFound, "Service not found.")
}

/// The service that a request refers to, and its cluster.
fn named<'s>(
    at: &'s mut Context<'_>,
    in_cluster: Option<&Str>,
    given: Option<&Str>,
) -> Result<(&'s mut ClusterState, Str), ApiError> {
    let realm = at.realm;
    let home = cluster_name(realm, in_cluster)?;
    let cluster = cluster(&mut at.control.state, realm, in_cluster)?;
    let given = given.map(|text| &**text).unwrap_or_default();
    if given.is_empty() {
        return Err(ApiError::invalid("Service can not be blank."));
    }
    let name = service_name(realm, &home, given)?;
    if !cluster.services.contains_key(&name) {
        return Err(not_found());
    }
    Ok((cluster, name))
}

pub(super) fn delete(at: &mut Context<'_>, request: &shape::DeleteServiceRequest) -> Answer {
    let now = at.now;
    let (cluster, name) = named(at, request.cluster.as_ref(), request.service.as_ref())?;
    let known = cluster.services[&name].record.clone();
    let scaled = known.scheduling == Scheduling::Replica && known.desired_count > 0;
    if known.status == ServiceStatus::Active {
        if scaled && request.force != Some(true) {
            return Err(ApiError::invalid(
                "The service cannot be stopped while it is scaled above 0.",
            ));
        }
        let mut record = Service::clone(&known);
        record.status = ServiceStatus::Draining;
        record.desired_count = 0;
        end_deployments(&mut record, now);
        cluster.put_service(record);
    }
    // Source: the API model marks this operation as idempotent, so a deleted service is returned
    // again.
    let shown = service(cluster, &cluster.services[&name].record, true);
    Ok(show::body(&shape::DeleteServiceResponse { service: Some(shown) }))
}
