//! The cluster that a command works on.

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use longshore_client::{Client, Options};
use longshore_replica::{Answer, Ask, Failure};

use crate::args::AnyCluster;

/// Keys for a local ECS, which reads them and does not check them unless told to.
const LOCAL_KEYS: (&str, &str) = ("longshore", "longshore");

/// A cluster, and what people called it.
pub(crate) struct Cluster<'a> {
    client: Client,
    args: &'a AnyCluster,
}

impl<'a> Cluster<'a> {
    /// The cluster that the flags name.
    pub(crate) async fn of(args: &'a AnyCluster) -> anyhow::Result<Self> {
        let local = !args.aws;
        let has_keys = std::env::var_os("AWS_ACCESS_KEY_ID").is_some()
            || std::env::var_os("AWS_PROFILE").is_some();
        let keys = if local && !has_keys {
            // As the AWS CLI would; a local ECS that checks no signatures takes any.
            let own = || (LOCAL_KEYS.0.to_owned(), LOCAL_KEYS.1.to_owned());
            Some(longshore_client::default_profile().await.unwrap_or_else(own))
        } else {
            None
        };
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

    /// Where the commands that only a local ECS has are answered.
    pub(crate) fn endpoint(&self) -> &str {
        &self.args.endpoint
    }

    /// The headers that sign a request that the SDK has no operation for.
    pub(crate) async fn sign(
        &self,
        method: &str,
        to: (&str, &str),
        body: &[u8],
    ) -> anyhow::Result<Vec<(String, String)>> {
        Ok(self.client.sign(method, to, body).await?)
    }

    /// Asks a question, and explains why there is no answer.
    pub(crate) async fn ask(&self, ask: Ask) -> anyhow::Result<Answer> {
        self.client.ask(ask).await.map_err(|failure| match &failure {
            Failure::Refused { code, message } => self.said(code, message, None),
            Failure::NotDone(_) | Failure::Unsure(_) => {
                anyhow::anyhow!("{failure}{}", self.whereabouts())
            }
            Failure::Throttled => anyhow::anyhow!("{failure}"),
        })
    }

    /// An SDK error as one line: what ECS said, or why it could not be asked.
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

    /// As [`Self::explain`], of a request for one thing, which ECS does not name when it does not exist: `task definition web:3`.
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

    /// A refusal of ECS, with what was asked for where ECS does not say it. What does not exist has an exit code of its own.
    fn said(&self, code: &str, message: &str, thing: Option<&str>) -> anyhow::Error {
        let region = self.sdk().config().region().map_or("no region", AsRef::as_ref);
        // ECS has no error of its own for tasks, instances and definitions that do not exist.
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

    /// Where the API was asked, and what may be wrong there.
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
