//! Reading services. Source: ECS API reference, the operations of the same names.

use std::ops::Bound;

use longshore_wire_ecs::shape::service as shape;
use longshore_wire_ecs::{ApiError, limits};

use super::service_name;
use crate::admit::page::Page;
use crate::admit::{Answer, Context, absent, cluster, cluster_name, filter_word, has, include};
use crate::service::{Scheduling, ServiceStatus, service};
use crate::setting::SettingName;
use crate::show;

pub(in crate::admit) fn describe(
    at: &mut Context<'_>,
    request: &shape::DescribeServicesRequest,
) -> Answer {
    let (realm, arns) = (at.realm, at.arns(SettingName::ServiceLongArnFormat));
    let home = cluster_name(realm, request.cluster.as_ref())?;
    let words = include(request.include.as_ref(), &["TAGS"])?;
    let cluster = cluster(&mut at.control.state, realm, request.cluster.as_ref())?;
    let asked = request.services.as_deref().unwrap_or_default();
    if asked.is_empty() {
        return Err(ApiError::invalid("Services cannot be empty."));
    }
    if asked.len() > limits::DESCRIBE_SERVICES_MAX {
        return Err(ApiError::invalid("services can have at most 10 entries."));
    }
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for given in asked {
        let name = match service_name(realm, &home, given) {
            Ok(name) => Some(name),
            Err(error) if error.code == longshore_wire_ecs::ErrorCode::ServiceNotFound => None,
            Err(error) => return Err(error),
        };
        if let Some(known) = name.and_then(|name| cluster.services.get(&name)) {
            services.push(service(cluster, &known.record, has(&words, "TAGS")));
        } else {
            let arn = absent(arns, realm, "service", &home, given);
            failures.push(show::failure(arn, "MISSING"));
        }
    }
    Ok(show::body(&shape::DescribeServicesResponse {
        services: Some(services),
        failures: Some(failures),
    }))
}

pub(in crate::admit) fn list(at: &mut Context<'_>, request: &shape::ListServicesRequest) -> Answer {
    let size = request.max_results.unwrap_or(limits::SERVICES_PAGE_ENTRIES);
    let page = Page::read('s', request.next_token.as_ref(), Some(size))?;
    let scheduling = match filter_word(request.scheduling_strategy.as_ref()).as_deref() {
        None => None,
        Some(word) => Some(Scheduling::parse(word).ok_or_else(|| {
            ApiError::invalid("Scheduling strategy should be one of [REPLICA,DAEMON]")
        })?),
    };
    let other_launch_type = match filter_word(request.launch_type.as_ref()).as_deref() {
        None | Some("EC2") => false,
        Some("FARGATE" | "EXTERNAL" | "MANAGED_INSTANCES") => true,
        Some(_) => {
            return Err(ApiError::invalid(
                "launchType should be one of [EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES]",
            ));
        }
    };
    let managed = match filter_word(request.resource_management_type.as_ref()).as_deref() {
        None | Some("CUSTOMER") => false,
        Some("ECS") => true,
        Some(_) => {
            return Err(ApiError::invalid(
                "resourceManagementType should be one of [CUSTOMER,ECS]",
            ));
        }
    };
    let cluster = cluster(&mut at.control.state, at.realm, request.cluster.as_ref())?;
    let from = page.after().map_or(Bound::Unbounded, Bound::Excluded);
    let services = cluster.services.range::<str, _>((from, Bound::Unbounded));
    let (arns, next_token) = page.select(
        services.take_while(|_| !other_launch_type && !managed),
        |(name, _)| name.to_string(),
        |(_, known)| {
            let record = &known.record;
            let listed = record.status == ServiceStatus::Active
                && scheduling.is_none_or(|scheduling| record.scheduling == scheduling);
            listed.then(|| record.arn.clone())
        },
    );
    Ok(show::body(&shape::ListServicesResponse { service_arns: Some(arns), next_token }))
}

/// There are no namespaces, so the list is always empty.
pub(in crate::admit) fn list_by_namespace(
    request: &shape::ListServicesByNamespaceRequest,
) -> Answer {
    let size = request.max_results.unwrap_or(limits::SERVICES_PAGE_ENTRIES);
    Page::read('n', request.next_token.as_ref(), Some(size))?;
    if request.namespace.as_deref().unwrap_or_default().is_empty() {
        return Err(ApiError::invalid("Namespace can not be blank."));
    }
    Ok(show::body(&shape::ListServicesByNamespaceResponse {
        service_arns: Some(Vec::new()),
        next_token: None,
    }))
}
