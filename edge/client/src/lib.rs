//! Amazon ECS through the AWS SDK: paging, batching, request budgets, retries; and its events
//! through SQS.
//!
//! It is configured like the SDK (profiles, environment, region, endpoints), plus `AWS_ECS_CLUSTER`
//! and `AWS_ECS_ENDPOINT`, which the command line reads. SDK types stay inside: results are types
//! of [`longshore_replica`].
//!
//! Invariants: a `StartTask` is sent once; if its reply is lost, the caller must find out what
//! happened. An empty list of ids is never sent, since ECS rejects it. Requests stay within the
//! documented token buckets if the cluster is Amazon's.
#![forbid(unsafe_code)]

mod aside;
mod asked;
mod budget;
mod content;
mod convert;
mod credentials;
mod detail;
mod failure;
mod feed;
mod fleet;
mod read;
mod s3;
mod sign;
mod transport;
mod write;

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_ecs::config::retry::RetryConfig;
use aws_sdk_ecs::config::timeout::TimeoutConfig;
use longshore_replica::{Answered, DefinitionAsk, Question};

use self::asked::Asked;
use self::failure::failure;

pub use aside::{Aside, AsideAnswer, AsideError};
pub use budget::Budget;
pub use credentials::{HostCredentials, Keys, default_profile};
pub use failure::causes;
pub use feed::{Batch, Feed, FeedError, FeedOptions, Receivers};
pub use s3::{S3, SignedGet};
pub use sign::SignError;

/// Timeout of one attempt. Chosen by us: ECS answers in milliseconds or not at all.
const ATTEMPT: Duration = Duration::from_secs(10);

/// How to reach a cluster.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Name or ARN of the cluster.
    pub cluster: String,
    /// The API endpoint, unless the SDK's configuration applies.
    pub endpoint: Option<String>,
    /// The region, unless the SDK's configuration applies.
    pub region: Option<String>,
    /// Access key and secret, unless the SDK's configuration applies.
    pub keys: Option<(String, String)>,
    /// Whether to stay within the token buckets of the real ECS.
    pub budget: bool,
}

/// Why the client cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// No region is configured.
    #[error("no AWS region is configured: set AWS_REGION, or region in the AWS profile")]
    Region,
    /// No credentials were found.
    #[error(
        "no AWS credentials found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this \
         machine a role: {0}"
    )]
    Credentials(String),
    /// The named profile has no credentials.
    #[error(
        "the AWS profile {0:?} (AWS_PROFILE) has no credentials, or is not in ~/.aws/config and ~/.aws/credentials: {1}"
    )]
    Profile(String, String),
}

impl OptionsError {
    /// The error for missing credentials, with the SDK's reason.
    pub(crate) fn without_credentials(why: String) -> Self {
        match std::env::var("AWS_PROFILE").ok().filter(|profile| !profile.is_empty()) {
            Some(profile) => Self::Profile(profile, why),
            None => Self::Credentials(why),
        }
    }
}

/// A cluster, reached through the AWS SDK.
#[derive(Clone, Debug)]
pub struct Client {
    sdk: aws_sdk_ecs::Client,
    /// For starts: a second attempt after a lost reply could start a second task.
    once: aws_sdk_ecs::Client,
    cluster: String,
    budget: Arc<Budget>,
    /// The configuration, for clients of other services.
    shared: aws_config::SdkConfig,
    endpoint: Option<String>,
    asked: Asked,
    /// Whether records come with details. If so, the cluster is named by its ARN.
    shows: bool,
}

impl Client {
    /// Creates a client, configured like the SDK.
    ///
    /// # Errors
    /// What is not configured. Credentials are fetched once to verify that they are available.
    pub async fn new(options: Options) -> Result<Self, OptionsError> {
        let plain = options.endpoint.as_deref().is_some_and(|url| url.starts_with("http://"));
        let transport = if plain { transport::plain() } else { transport::https() };
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(transport);
        if let Some(region) = options.region {
            loader = loader.region(Region::new(region));
        }
        if let Some((key, secret)) = options.keys {
            loader =
                loader.credentials_provider(Credentials::new(key, secret, None, None, "longshore"));
        }
        let shared = loader.load().await;
        if shared.region().is_none() {
            return Err(OptionsError::Region);
        }
        if let Some(provider) = shared.credentials_provider() {
            // Fetched now, since without them every request would fail with a long chain of causes.
            let got = provider.provide_credentials().await;
            got.map_err(|error| OptionsError::without_credentials(causes(&error)))?;
        }
        // A local ECS is reached over plain HTTP. It is either there or not, and does not throttle.
        let attempts = if plain && !options.budget { 1 } else { 4 };
        let mut config = aws_sdk_ecs::config::Builder::from(&shared)
            .retry_config(RetryConfig::standard().with_max_attempts(attempts))
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build());
        let asked = Asked::default();
        match &options.endpoint {
            Some(endpoint) => config = config.endpoint_url(endpoint),
            None => config = config.interceptor(asked.clone()),
        }
        let budget = if options.budget { Budget::documented() } else { Budget::unlimited() };
        let once = config.clone().retry_config(RetryConfig::disabled());
        let once = aws_sdk_ecs::Client::from_conf(once.build());
        let sdk = aws_sdk_ecs::Client::from_conf(config.build());
        let (cluster, endpoint) = (options.cluster, options.endpoint);
        let budget = Arc::new(budget);
        Ok(Self { sdk, once, cluster, budget, shared, endpoint, asked, shows: false })
    }

    /// The endpoint of the latest request: the one given, or the SDK's choice.
    pub fn asked(&self) -> String {
        self.endpoint
            .clone()
            .or_else(|| self.asked.last())
            .unwrap_or_else(|| "an unknown endpoint".to_owned())
    }

    /// The SDK's own client, for what [`Question`] has no words for.
    pub fn sdk(&self) -> &aws_sdk_ecs::Client {
        &self.sdk
    }

    /// The cluster.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Asks, and waits for what comes of it: a refusal, after which nothing was done, is told from silence, after which
    /// something may have been.
    pub async fn ask(&self, question: Question) -> Answered {
        match question {
            Question::Instances(asked, ask) => {
                Answered::Instances(asked, self.read_instances(&ask).await)
            }
            Question::Tasks(asked, ask) => Answered::Tasks(asked, self.read_tasks(&ask).await),
            Question::Definition(asked, DefinitionAsk::Describe(name)) => {
                Answered::Definition(asked, self.describe_definition(&name).await)
            }
            Question::Definition(asked, DefinitionAsk::Register(content)) => {
                let registered = self.register_definition(*content).await;
                Answered::Definition(asked, registered.map(Some))
            }
            Question::Start(asked, start) => Answered::Start(asked, self.start_task(*start).await),
            Question::Stop(asked, stop) => {
                let stopped = self.stop_task(&stop.task, &stop.reason).await;
                Answered::Stop(asked, stopped.map(Box::new))
            }
            Question::Change(asked, change) => {
                let changed = self.change_instance(&change).await;
                Answered::Change(asked, changed.map(|known| known.map(Box::new)))
            }
        }
    }
}
