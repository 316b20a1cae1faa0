//! The endpoint over HTTP. Paths, formats and errors are those of the real container agent.

use std::time::UNIX_EPOCH;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use axum::routing::get;
use futures_util::future::join_all;
use longshore_lifecycle::ContainerRef;
use longshore_machine::Timestamp;
use longshore_wire_ecs::arn::{Arn, ArnFormat};
use longshore_wire_ecs::metadata::{
    ContainerMetadata, CredentialsError, MetadataError, TaskCredentials, TaskMetadata,
};
use longshore_wire_ecs::shape::container_instance::{
    DescribeContainerInstancesRequest, DescribeContainerInstancesResponse,
};
use longshore_wire_ecs::shape::tag::{ListTagsForResourceRequest, ListTagsForResourceResponse};
use longshore_wire_ecs::{ApiError, ErrorCode, Request, Str};
use serde::Serialize;
use serde_json::Value;

use super::book::Entry;
use super::{Metadata, show};

/// The routes.
pub(super) fn router(metadata: Metadata) -> Router {
    Router::new()
        .route("/v4/{id}", get(container))
        .route("/v4/{id}/stats", get(stats))
        .route("/v4/{id}/task", get(task))
        .route("/v4/{id}/taskWithTags", get(task_with_tags))
        .route("/v4/{id}/task/stats", get(task_stats))
        .route("/v2/credentials/{id}", get(credentials))
        .fallback(|| async { json(StatusCode::NOT_FOUND, &"404 page not found") })
        .with_state(metadata)
}

fn json(status: StatusCode, body: &impl Serialize) -> Response<Body> {
    let text = serde_json::to_vec(body).expect("shapes are text, numbers, lists and maps");
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let form = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, form);
    response
}

/// Formats rejections of the port's guard.
pub(super) fn refusal(_: &Uri, _: &HeaderMap, status: StatusCode, why: &str) -> Response<Body> {
    json(status, &why)
}

/// An error response. Source: amazon-ecs-agent: a JSON text that names the handler and the id.
fn unknown(handler: &str, what: &str, inner: &str, id: &str) -> Response<Body> {
    let text = format!(
        "V4 {handler} handler: unable to get {what} from request: unable to get {inner} from v3 endpoint ID: {id}"
    );
    json(StatusCode::NOT_FOUND, &text)
}

impl Metadata {
    async fn container(&self, entry: &Entry, index: usize) -> ContainerMetadata {
        let container = ContainerRef { task: entry.spec.id, index };
        let sight = match entry.runtime_id(index) {
            Some(id) => entry.place.runtime.look(container, id).await,
            None => None,
        };
        show::container(entry, index, sight)
    }

    async fn task(&self, entry: &Entry) -> TaskMetadata {
        let seen =
            (0..entry.spec.containers.len()).filter(|index| entry.runtime_id(*index).is_some());
        let containers = join_all(seen.map(|index| self.container(entry, index))).await;
        show::task(entry, containers)
    }

    /// The ARN of the instance of a task: an account chooses its form, so only ECS knows it. The usual form if it cannot be asked,
    /// which then cannot tell tags either.
    async fn instance_arn(&self, entry: &Entry) -> Str {
        let (cluster, id) = (&entry.spec.cluster, entry.place.instance);
        let request = DescribeContainerInstancesRequest {
            cluster: Some(cluster.clone()),
            container_instances: Some(vec![id.to_string().into()]),
            ..Default::default()
        };
        let request = Request::DescribeContainerInstances(Box::new(request));
        let reply = self.shared.control.call(self.shared.home.clone(), request).await.ok();
        let told: Option<DescribeContainerInstancesResponse> =
            reply.and_then(|reply| serde_json::from_slice(&reply.into_json()).ok());
        let found = told.and_then(|told| told.container_instances?.pop()?.container_instance_arn);
        found.unwrap_or_else(|| {
            let cluster = Arn::parse(cluster).map_or(&**cluster, |arn| arn.id());
            ArnFormat::Long.arn_of_id(&self.shared.home, "container-instance", cluster, id)
        })
    }

    async fn tags(&self, arn: Str) -> Result<ListTagsForResourceResponse, ApiError> {
        let request = ListTagsForResourceRequest { resource_arn: Some(arn) };
        let request = Request::ListTagsForResource(Box::new(request));
        let reply = self.shared.control.call(self.shared.home.clone(), request).await?;
        serde_json::from_slice(&reply.into_json())
            .map_err(|error| ApiError::new(ErrorCode::Server, error.to_string()))
    }
}

async fn container(State(metadata): State<Metadata>, Path(id): Path<String>) -> Response<Body> {
    let Some((entry, index)) = metadata.find(&id).await else {
        return unknown("container metadata", "container ID", "docker ID", &id);
    };
    json(StatusCode::OK, &metadata.container(&entry, index).await)
}

async fn task(State(metadata): State<Metadata>, Path(id): Path<String>) -> Response<Body> {
    let Some((entry, _)) = metadata.find(&id).await else {
        return unknown("task metadata", "task arn", "task Arn", &id);
    };
    json(StatusCode::OK, &metadata.task(&entry).await)
}

async fn task_with_tags(
    State(metadata): State<Metadata>,
    Path(id): Path<String>,
) -> Response<Body> {
    let Some((entry, _)) = metadata.find(&id).await else {
        return unknown("task metadata", "task arn", "task Arn", &id);
    };
    let mut shown = metadata.task(&entry).await;
    let instance = metadata.instance_arn(&entry).await;
    for (field, arn) in [("TaskTags", shown.task_arn.clone()), ("ContainerInstanceTags", instance)]
    {
        match metadata.tags(arn.clone()).await {
            Ok(told) if field == "TaskTags" => shown.task_tags = show::tags(told.tags),
            Ok(told) => shown.container_instance_tags = show::tags(told.tags),
            Err(error) => shown.errors.push(MetadataError {
                error_field: field.into(),
                error_code: error.code.name().into(),
                error_message: error.message.clone().into(),
                status_code: error.code.http_status(),
                resource_arn: arn,
            }),
        }
    }
    json(StatusCode::OK, &shown)
}

async fn usage(entry: &Entry, index: usize) -> Option<(Str, Option<Value>)> {
    let id = entry.runtime_id(index)?;
    let container = ContainerRef { task: entry.spec.id, index };
    Some((id.clone(), entry.place.runtime.stats(container, id).await))
}

async fn stats(State(metadata): State<Metadata>, Path(id): Path<String>) -> Response<Body> {
    let Some((entry, index)) = metadata.find(&id).await else {
        return unknown("container stats", "task arn", "task Arn", &id);
    };
    match usage(&entry, index).await {
        Some((_, Some(stats))) => json(StatusCode::OK, &stats),
        Some((id, None)) => json(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!("Unable to get container stats for: {id}"),
        ),
        None => unknown("container stats", "container ID", "docker ID", &id),
    }
}

async fn task_stats(State(metadata): State<Metadata>, Path(id): Path<String>) -> Response<Body> {
    let Some((entry, _)) = metadata.find(&id).await else {
        return unknown("task stats", "task arn", "task Arn", &id);
    };
    let each = (0..entry.spec.containers.len()).map(|index| usage(&entry, index));
    // As in the agent, a container that is not running is shown as null.
    let all: serde_json::Map<String, Value> = join_all(each)
        .await
        .into_iter()
        .flatten()
        .map(|(id, stats)| (id.to_string(), stats.unwrap_or(Value::Null)))
        .collect();
    json(StatusCode::OK, &all)
}

async fn credentials(State(metadata): State<Metadata>, Path(id): Path<String>) -> Response<Body> {
    let refused = |status, code, message: String| {
        let message = format!("CredentialsV2Request: {message}");
        json(status, &CredentialsError { code, message })
    };
    let role = metadata.book().role(&id);
    let (Some(role), Some(chain)) = (role, &metadata.shared.provisions.credentials) else {
        let text = "Credentials not found".to_owned();
        return refused(StatusCode::BAD_REQUEST, "InvalidIdInRequest", text);
    };
    let keys = match chain.keys().await {
        Ok(keys) => keys,
        Err(why) => {
            tracing::warn!(why, "this machine has no AWS credentials to pass on");
            let text = format!("this machine has no AWS credentials to pass on: {why}");
            return refused(StatusCode::SERVICE_UNAVAILABLE, "CredentialsUninitialized", text);
        }
    };
    let until = keys.expires_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let until = Timestamp::from_millis(u64::try_from(until.as_millis()).unwrap_or(u64::MAX));
    let told = TaskCredentials {
        role_arn: role,
        access_key_id: keys.access_key_id,
        secret_access_key: keys.secret_access_key,
        token: keys.token,
        expiration: until.iso_seconds(),
    };
    json(StatusCode::OK, &told)
}
