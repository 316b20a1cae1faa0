//! The cluster that a command works on.

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use longshore_client::{Client, Options};
use longshore_replica::{Failure, Instance, InstancesAsk, Tasks, TasksAsk};

use crate::args::AnyCluster;

/// Keys for a local ECS, which by default does not check them.
const LOCAL_KEYS: (&str, &str) = ("longshore", "longshore");

/// Keys for a local endpoint, unless the environment says which: those of the default profile, like the AWS CLI, or any, which a local ECS
/// that checks no signatures accepts.
pub(crate) async fn local_keys() -> Option<(String, String)> {
    let has_keys = ["AWS_ACCESS_KEY_ID", "AWS_PROFILE"]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some());
    if has_keys {
        return None;
    }
    let any = || (LOCAL_KEYS.0.to_owned(), LOCAL_KEYS.1.to_owned());
    Some(longshore_client::default_profile().await.unwrap_or_else(any))
}

/// A cluster, and the flags that selected it.
pub(crate) struct Cluster<'a> {
    client: Client,
    args: &'a AnyCluster,
}

impl<'a> Cluster<'a> {
    /// Connects to the cluster that the flags name.
    pub(crate) async fn of(args: &'a AnyCluster) -> anyhow::Result<Self> {
        let local = !args.aws;
        let keys = if local { local_keys().await } else { None };
        let options = Options {
            cluster: args.cluster.clone(),
            endpoint: local.then(|| args.endpoint.clone()),
            region: args.region.clone().or_else(|| local.then(|| "us-east-1".to_owned())),
            keys,
            budget: args.aws,
        };
        Ok(Self { client: Client::new(options).await?, args })
    }

    /// The SDK's client.
    pub(crate) fn sdk(&self) -> &aws_sdk_ecs::Client {
        self.client.sdk()
    }

    /// Its name or ARN.
    pub(crate) fn name(&self) -> &str {
        self.client.cluster()
    }

    /// The endpoint for commands that only a local ECS supports.
    pub(crate) fn endpoint(&self) -> &str {
        &self.args.endpoint
    }

    /// The headers that sign a request without an SDK operation.
    pub(crate) async fn sign(
        &self,
        method: &str,
        to: (&str, &str),
        body: &[u8],
    ) -> anyhow::Result<Vec<(String, String)>> {
        Ok(self.client.sign(method, to, body).await?)
    }

    /// All instances of the cluster.
    pub(crate) async fn instances(&self) -> anyhow::Result<Vec<Instance>> {
        self.client.read_instances(&InstancesAsk::List).await.map_err(|why| self.failed(&why))
    }

    /// These tasks.
    pub(crate) async fn tasks(&self, ask: &TasksAsk) -> anyhow::Result<Tasks> {
        self.client.read_tasks(ask).await.map_err(|why| self.failed(&why))
    }

    /// Explains why there is no answer.
    fn failed(&self, failure: &Failure) -> anyhow::Error {
        match failure {
            Failure::Refused { code, message } => self.said(code, message, None),
            Failure::NotDone(_) | Failure::Unsure(_) => {
                anyhow::anyhow!("{failure}{}", self.whereabouts())
            }
            Failure::Throttled => anyhow::anyhow!("{failure}"),
        }
    }

    /// An SDK error in one line: what ECS said, or why it could not be reached.
    pub(crate) fn explain<E, R>(&self, error: SdkError<E, R>) -> anyhow::Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        if let Some(service) = error.as_service_error() {
            let code = service.code().unwrap_or("error");
            return self.said(code, service.message().unwrap_or("no message"), None);
        }
        let context = format!("cannot reach the ECS API{}", self.whereabouts());
        anyhow::Error::new(error).context(context)
    }

    /// Like [`Self::explain`], for a request about a single object, such as `task definition
    /// web:3`, whose name ECS omits if it does not exist.
    pub(crate) fn explain_of<E, R>(&self, error: SdkError<E, R>, thing: &str) -> anyhow::Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        match error.as_service_error() {
            Some(service) => {
                let code = service.code().unwrap_or("error");
                self.said(code, service.message().unwrap_or("no message"), Some(thing))
            }
            None => self.explain(error),
        }
    }

    /// An ECS error, with the object if ECS does not name it. A missing object has its own exit
    /// code.
    fn said(&self, code: &str, message: &str, thing: Option<&str>) -> anyhow::Error {
        let region = self.sdk().config().region().map_or("no region", AsRef::as_ref);
        // ECS has no specific error for tasks, instances and definitions that do not exist.
        let is_missing = matches!(
            code,
            "ClusterNotFoundException" | "ResourceNotFoundException" | "ServiceNotFoundException"
        ) || message.contains("not found")
            || message.contains("Unable to describe");
        let text = match (code, thing) {
            ("ClusterNotFoundException", _) => {
                format!("there is no cluster {} in {region}: {code}", self.name())
            }
            (_, Some(thing)) if is_missing => {
                format!("there is no {thing} in {region}: {code}: {message}")
            }
            ("UnrecognizedClientException" | "InvalidSignatureException", _) if !self.args.aws => {
                format!(
                    "{code}: {message} (the local ECS has access keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to one of them)"
                )
            }
            _ => format!("{code}: {message}"),
        };
        if is_missing { crate::NotFound(text).into() } else { anyhow::anyhow!(text) }
    }

    /// The endpoint, and what may be wrong with it.
    fn whereabouts(&self) -> String {
        let asked = self.client.asked();
        let hint = if self.args.aws {
            let region = self.sdk().config().region().map_or("none", AsRef::as_ref);
            format!("is there a region {region}?")
        } else {
            "is `longshore dev` running?".to_owned()
        };
        format!(" at {asked} ({hint})")
    }
}
