//! How deployments start, complete, fail and roll back: changes of a service's record, and the
//! events about them.
//!
//! Source: ECS API reference, `Deployment` and `ServiceDeployment`; ECS developer guide,
//! *deployment circuit breaker*.

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;

use super::event::Voice;
use super::{
    Deployment, Outcome, Revision, RolloutState, Service, ServiceDeployment, Starts, Telling,
};
use crate::announce::DeploymentName;
use crate::limits;
use crate::record::TaskDefinition;

/// Lowest deployment id: 19 digits, as ECS shows them.
const ID_FROM: u64 = 1_000_000_000_000_000_000;
/// One less than 19 nines.
const ID_RANGE: u64 = 8_000_000_000_000_000_000;

/// Makes a deployment of `definition` the PRIMARY one. `sources` are the running revisions and the
/// number of tasks of each.
pub(crate) fn deploy(
    service: &mut Service,
    definition: &TaskDefinition,
    sources: Vec<(Str, u32)>,
    voice: &mut Voice<'_>,
) {
    let now = voice.now;
    overtake(service, now);
    let own =
        |kind: &'static str, voice: &mut Voice<'_>| ID_FROM + voice.ids().below(kind, ID_RANGE);
    let id: Str = format!("ecs-svc/{}", own("deployment", voice)).into();
    let (realm, cluster, name) = (&service.realm, &service.cluster, &service.name);
    let revision_id = own("service-revision", voice);
    let revision_arn = realm.arn(format_args!("service-revision/{cluster}/{name}/{revision_id}"));
    let deployment_id = voice.ids().bits("service-deployment");
    let deployment_arn =
        realm.arn(format_args!("service-deployment/{cluster}/{name}/{deployment_id:032x}"));
    remember(service, definition, &revision_arn, &deployment_arn, sources, now);
    let reason: Str = format!("ECS deployment {id} in progress.").into();
    service.deployments.insert(
        0,
        Deployment {
            id: id.clone(),
            family: definition.family.clone(),
            revision: definition.revision,
            definition_arn: definition.arn.clone(),
            revision_arn,
            deployment_arn,
            created_at: now,
            updated_at: now,
            rollout: RolloutState::InProgress,
            reason: reason.clone(),
            failed_tasks: 0,
            reached_running: false,
        },
    );
    start_afresh(service);
    voice.deployment(service, DeploymentName::InProgress, id, reason);
}

/// Adds the service deployment to the history, and the revision that it deploys.
fn remember(
    service: &mut Service,
    definition: &TaskDefinition,
    revision_arn: &Str,
    deployment_arn: &Str,
    sources: Vec<(Str, u32)>,
    now: Timestamp,
) {
    let images = definition.containers.iter().map(|container| {
        (container.name().into(), container.definition.image.clone().unwrap_or_else(|| "".into()))
    });
    service.revisions.push_front(Revision {
        arn: revision_arn.clone(),
        definition_arn: definition.arn.clone(),
        images: images.collect(),
        created_at: now,
    });
    service.revisions.truncate(limits::SERVICE_DEPLOYMENTS_KEPT_MAX);
    service.history.push_front(ServiceDeployment {
        arn: deployment_arn.clone(),
        created_at: now,
        updated_at: now,
        finished_at: None,
        sources,
        target: revision_arn.clone(),
        outcome: Outcome::InProgress,
        reason: None,
        rollback: None,
        failures: 0,
        threshold: service.breaker.map(|breaker| breaker.failures(service.desired_count)),
    });
    service.history.truncate(limits::SERVICE_DEPLOYMENTS_KEPT_MAX);
}

/// Resets what earlier failures caused; they say nothing about what is started now.
fn start_afresh(service: &mut Service) {
    service.starts = Starts { last_at: service.starts.last_at, ..Starts::default() };
    service.telling = Telling::default();
    service.moves = 0;
}

/// Ends the deployment in progress, which another one replaces.
fn overtake(service: &mut Service, now: Timestamp) {
    let open = |one: &&mut ServiceDeployment| one.finished_at.is_none();
    for story in service.history.iter_mut().filter(open) {
        finish(story, Outcome::Stopped, Some("Replaced by a newer service deployment."), now);
    }
}

fn finish(story: &mut ServiceDeployment, outcome: Outcome, reason: Option<&str>, now: Timestamp) {
    story.outcome = outcome;
    story.reason = reason.map(Into::into).or_else(|| story.reason.take());
    (story.updated_at, story.finished_at) = (now, Some(now));
}

/// The service deployment in progress.
fn story(service: &mut Service) -> Option<&mut ServiceDeployment> {
    service.history.iter_mut().find(|one| one.finished_at.is_none())
}

/// Completes the PRIMARY deployment: all its tasks are running and healthy, and no others are left.
pub(crate) fn complete(service: &mut Service, voice: &mut Voice<'_>) {
    let now = voice.now;
    service.deployments.truncate(1);
    let Some(primary) = service.deployments.first_mut() else { return };
    primary.rollout = RolloutState::Completed;
    primary.reason = format!("ECS deployment {} completed.", primary.id).into();
    primary.updated_at = now;
    let (id, reason, failures) = (primary.id.clone(), primary.reason.clone(), primary.failed_tasks);
    if let Some(story) = story(service) {
        let back = story.rollback.is_some();
        let outcome = if back { Outcome::RollbackSuccessful } else { Outcome::Successful };
        story.failures = story.failures.max(failures);
        finish(story, outcome, None, now);
    }
    voice.say(service, &format!("(deployment {id}) deployment completed."));
    voice.deployment(service, DeploymentName::Completed, id, reason);
}

/// Fails the PRIMARY deployment. With rollback, the last completed one becomes PRIMARY again.
pub(crate) fn fail(service: &mut Service, what: &str, voice: &mut Voice<'_>) {
    let now = voice.now;
    let rollback = service.breaker.is_some_and(|breaker| breaker.rollback);
    let Some(primary) = service.deployments.first_mut() else { return };
    primary.rollout = RolloutState::Failed;
    primary.reason = format!("ECS deployment circuit breaker: {what}.").into();
    primary.updated_at = now;
    let (id, reason, failures) = (primary.id.clone(), primary.reason.clone(), primary.failed_tasks);
    voice.say(service, &format!("(deployment {id}) deployment failed: {what}."));
    voice.deployment(service, DeploymentName::Failed, id, reason.clone());
    let back = service.deployments.iter().position(|one| one.rollout == RolloutState::Completed);
    if let Some(story) = story(service) {
        story.failures = failures;
        let again = story.rollback.is_some();
        if again || !rollback || back.is_none() {
            let outcome = if again { Outcome::RollbackFailed } else { Outcome::Stopped };
            finish(story, outcome, Some(&reason), now);
        }
    }
    if let Some(back) = back.filter(|_| rollback) {
        roll_back(service, back, &reason, voice);
    }
}

fn roll_back(service: &mut Service, back: usize, failure: &str, voice: &mut Voice<'_>) {
    let now = voice.now;
    let mut target = service.deployments.remove(back);
    let id = target.id.clone();
    target.rollout = RolloutState::InProgress;
    target.reason =
        format!("ECS deployment circuit breaker: rolling back to deploymentId {id}.").into();
    target.updated_at = now;
    (target.failed_tasks, target.reached_running) = (0, false);
    let (reason, revision) = (target.reason.clone(), target.revision_arn.clone());
    service.deployments.insert(0, target);
    if let Some(story) = story(service) {
        story.outcome = Outcome::RollbackInProgress;
        story.reason = Some(failure.into());
        story.updated_at = now;
        story.rollback = Some((revision, now));
    }
    start_afresh(service);
    voice.say(service, &format!("rolling back to deployment {id}."));
    voice.deployment(service, DeploymentName::InProgress, id, reason);
}

/// Ends the deployment in progress of a deleted service.
pub(crate) fn end_deployments(service: &mut Service, now: Timestamp) {
    if let Some(story) = story(service) {
        finish(story, Outcome::Stopped, Some("The service was deleted."), now);
    }
}

/// Deployments without wanted tasks, to be removed from the list, except for the PRIMARY one and
/// the one to roll back to.
pub(crate) fn spent(service: &Service, in_use: impl Fn(&Str) -> bool) -> Vec<Str> {
    let back = service.deployments.iter().position(|one| one.rollout == RolloutState::Completed);
    let others = service.deployments.iter().enumerate().skip(1);
    let spent = others.filter(|(index, one)| Some(*index) != back && !in_use(&one.id));
    spent.map(|(_, one)| one.id.clone()).collect()
}
