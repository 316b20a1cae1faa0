//! Service deployments and revisions: the history of a service. Source: ECS API reference, the
//! operations of the same names.

use std::collections::BTreeSet;

use longshore_wire_ecs::arn::Arn;
use longshore_wire_ecs::shape::service_deployment as shape;
use longshore_wire_ecs::{ApiError, Str, limits};

use super::named;
use crate::admit::page::Page;
use crate::admit::{Answer, Context};
use crate::cluster_state::ClusterState;
use crate::service::{
    Outcome, Service, service_deployment, service_deployment_brief, service_revision,
};
use crate::show;

pub(in crate::admit) fn list_deployments(
    at: &mut Context<'_>,
    request: &shape::ListServiceDeploymentsRequest,
) -> Answer {
    const OTHERS: [&str; 3] = ["PENDING", "STOP_REQUESTED", "ROLLBACK_REQUESTED"];
    let size = request.max_results.unwrap_or(limits::SERVICE_DEPLOYMENTS_PAGE_ENTRIES);
    let page = Page::read('v', request.next_token.as_ref(), Some(size))?;
    let wanted = request.status.as_deref().unwrap_or_default();
    let unknown = |word: &&Str| Outcome::parse(word).is_none() && !OTHERS.contains(&&***word);
    if let Some(word) = wanted.iter().find(unknown) {
        return Err(ApiError::invalid(format!("status cannot be {word:.40}.")));
    }
    // The list may be long, although there are few valid values.
    let outcomes: BTreeSet<Outcome> =
        wanted.iter().filter_map(|word| Outcome::parse(word)).collect();
    let span = request.created_at.clone().unwrap_or_default();
    let (cluster, name) = named(at, request.cluster.as_ref(), request.service.as_ref())?;
    let service = &cluster.services[&name].record;
    let from = page.after().and_then(|after| {
        service.history.iter().position(|story| &*story.arn == after).map(|at| at + 1)
    });
    let listed = service.history.iter().skip(from.unwrap_or(0)).filter(|story| {
        let at = story.created_at.wall().seconds();
        (wanted.is_empty() || outcomes.contains(&story.outcome))
            && span.before.is_none_or(|before| at < before)
            && span.after.is_none_or(|after| at > after)
    });
    let (stories, next_token) = page.take(
        listed.map(|story| (story.arn.to_string(), service_deployment_brief(service, story))),
    );
    Ok(show::body(&shape::ListServiceDeploymentsResponse {
        service_deployments: Some(stories),
        next_token,
    }))
}

pub(in crate::admit) fn describe_deployments(
    at: &mut Context<'_>,
    request: &shape::DescribeServiceDeploymentsRequest,
) -> Answer {
    let asked = request.service_deployment_arns.as_deref().unwrap_or_default();
    check(asked, "serviceDeploymentArns")?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for given in asked {
        let story = home(at, given, "service-deployment").and_then(|(cluster, service)| {
            let story = service.history.iter().find(|story| story.arn == *given)?;
            Some(service_deployment(cluster, service, story))
        });
        match story {
            Some(story) => found.push(story),
            None => failures.push(show::failure(given.clone(), "MISSING")),
        }
    }
    Ok(show::body(&shape::DescribeServiceDeploymentsResponse {
        service_deployments: Some(found),
        failures: Some(failures),
    }))
}

pub(in crate::admit) fn describe_revisions(
    at: &mut Context<'_>,
    request: &shape::DescribeServiceRevisionsRequest,
) -> Answer {
    let asked = request.service_revision_arns.as_deref().unwrap_or_default();
    check(asked, "serviceRevisionArns")?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for given in asked {
        let revision = home(at, given, "service-revision").and_then(|(_, service)| {
            let revision = service.revisions.iter().find(|one| one.arn == *given)?;
            Some(service_revision(service, revision))
        });
        match revision {
            Some(revision) => found.push(revision),
            None => failures.push(show::failure(given.clone(), "MISSING")),
        }
    }
    Ok(show::body(&shape::DescribeServiceRevisionsResponse {
        service_revisions: Some(found),
        failures: Some(failures),
    }))
}

fn check(asked: &[Str], member: &str) -> Result<(), ApiError> {
    if asked.is_empty() {
        return Err(ApiError::invalid(format!("{member} cannot be empty.")));
    }
    if asked.len() > limits::DESCRIBE_SERVICE_DEPLOYMENTS_MAX {
        return Err(ApiError::invalid(format!("{member} can have at most 20 entries.")));
    }
    Ok(())
}

/// The service named by the ARN of one of its parts: `KIND/CLUSTER/SERVICE/ID`.
fn home<'s>(
    at: &'s Context<'_>,
    given: &str,
    kind: &str,
) -> Option<(&'s ClusterState, &'s Service)> {
    let arn = Arn::parse(given).filter(|arn| arn.kind == kind && arn.is_in(at.realm))?;
    let (cluster, rest) = arn.rest.split_once('/')?;
    let (service, _) = rest.split_once('/')?;
    let cluster = at.control.state.cluster(at.realm, cluster)?;
    Some((cluster, &cluster.services.get(service)?.record))
}
