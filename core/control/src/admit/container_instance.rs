//! Reading and draining container instances. Source: ECS API reference, the operations of the same
//! names.

use std::ops::Bound;

use longshore_placement::query::Effort;
use longshore_wire_ecs::arn::ResourceId;
use longshore_wire_ecs::shape::container_instance as shape;
use longshore_wire_ecs::{ApiError, Str, limits};

use super::page::Page;
use super::{
    Answer, Context, absent, cluster, cluster_name, filter_word, has, include, resource_id,
};
use crate::placing::{expression_of, too_costly};
use crate::record::{ContainerInstance, InstanceStatus};
use crate::setting::SettingName;
use crate::show;

pub(super) fn describe(
    at: &mut Context<'_>,
    request: &shape::DescribeContainerInstancesRequest,
) -> Answer {
    let name = cluster_name(at.realm, request.cluster.as_ref())?;
    let words = include(request.include.as_ref(), &["TAGS", "CONTAINER_INSTANCE_HEALTH"])?;
    let (with_tags, with_health) = (has(&words, "TAGS"), has(&words, "CONTAINER_INSTANCE_HEALTH"));
    let (realm, arns) = (at.realm, at.arns(SettingName::ContainerInstanceLongArnFormat));
    let cluster = cluster(&mut at.control.state, realm, request.cluster.as_ref())?;
    let asked = request.container_instances.as_deref().unwrap_or_default();
    check_ids(asked, limits::DESCRIBE_IDS_MAX)?;
    let (mut instances, mut failures) = (Vec::new(), Vec::new());
    for given in asked {
        let id = resource_id(realm, "container-instance", "containerInstanceId", &name, given)?;
        if let Some(instance) = id.and_then(|id| cluster.instances.get(&id)) {
            instances.push(show::instance(cluster, instance, with_tags, with_health));
        } else {
            let arn = absent(arns, realm, "container-instance", &name, given);
            failures.push(show::failure(arn, "MISSING"));
        }
    }
    Ok(show::body(&shape::DescribeContainerInstancesResponse {
        container_instances: Some(instances),
        failures: Some(failures),
    }))
}

pub(super) fn check_ids(asked: &[Str], most: usize) -> Result<(), ApiError> {
    if asked.is_empty() {
        return Err(ApiError::invalid("Container instance cannot be empty."));
    }
    if asked.len() > most {
        return Err(ApiError::invalid(format!(
            "containerInstances can have at most {most} entries."
        )));
    }
    Ok(())
}

pub(super) fn list(at: &mut Context<'_>, request: &shape::ListContainerInstancesRequest) -> Answer {
    const STATUSES: [&str; 5] =
        ["ACTIVE", "DRAINING", "REGISTERING", "DEREGISTERING", "REGISTRATION_FAILED"];
    let page = Page::read('i', request.next_token.as_ref(), request.max_results)?;
    let filter = request.filter.as_deref().filter(|filter| !filter.trim().is_empty());
    let filter = filter.map(expression_of).transpose()?;
    let status = filter_word(request.status.as_ref());
    let status = status.as_deref();
    if status.is_some_and(|status| !STATUSES.contains(&status)) {
        return Err(ApiError::invalid(format!("status should be one of [{}]", STATUSES.join(","))));
    }
    let cluster = cluster(&mut at.control.state, at.realm, request.cluster.as_ref())?;
    let after = page.after().and_then(ResourceId::parse).map_or(Bound::Unbounded, Bound::Excluded);
    let effort = Effort::of_one_request();
    let (arns, next_token) = page.select(
        cluster.instances.range((after, Bound::Unbounded)).take_while(|_| !effort.is_spent()),
        |(id, _)| id.to_string(),
        |(id, instance)| {
            let listed = instance.status != InstanceStatus::Inactive
                && status.is_none_or(|status| instance.status.word() == status)
                && filter.as_ref().is_none_or(|filter| cluster.view.matches(**id, filter, &effort));
            listed.then(|| instance.arn.clone())
        },
    );
    if effort.is_spent() {
        return Err(too_costly(cluster));
    }
    Ok(show::body(&shape::ListContainerInstancesResponse {
        container_instance_arns: Some(arns),
        next_token,
    }))
}

pub(super) fn update_state(
    at: &mut Context<'_>,
    request: &shape::UpdateContainerInstancesStateRequest,
) -> Answer {
    let name = cluster_name(at.realm, request.cluster.as_ref())?;
    let status = request.status.as_deref().and_then(InstanceStatus::parse);
    let Some(status) = status.filter(|status| *status != InstanceStatus::Inactive) else {
        return Err(ApiError::invalid(
            "Container instance status should be one of [ACTIVE, DRAINING]",
        ));
    };
    let (realm, arns) = (at.realm, at.arns(SettingName::ContainerInstanceLongArnFormat));
    let cluster = cluster(&mut at.control.state, realm, request.cluster.as_ref())?;
    let asked = request.container_instances.as_deref().unwrap_or_default();
    check_ids(asked, limits::UPDATE_STATE_INSTANCES_MAX)?;
    let (mut instances, mut failures) = (Vec::new(), Vec::new());
    for given in asked {
        let id = resource_id(realm, "container-instance", "containerInstanceId", &name, given)?;
        let known = id.and_then(|id| cluster.instances.get(&id)).cloned();
        let Some(known) = known else {
            let arn = absent(arns, realm, "container-instance", &name, given);
            failures.push(show::failure(arn, "MISSING"));
            continue;
        };
        if known.status == InstanceStatus::Inactive {
            failures.push(show::failure(known.arn.clone(), "INACTIVE"));
            continue;
        }
        if known.status != status {
            let version = known.version + 1;
            cluster.put_instance(ContainerInstance {
                status,
                version,
                ..ContainerInstance::clone(&known)
            });
        }
        instances.push(show::instance(cluster, &cluster.instances[&known.id], false, false));
    }
    Ok(show::body(&shape::UpdateContainerInstancesStateResponse {
        container_instances: Some(instances),
        failures: Some(failures),
    }))
}
