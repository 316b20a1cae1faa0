//! Amazon ECS through the AWS SDK: paging, batching, request budgets, retries; and its events through SQS.
//!
//! Whatever configures the SDK configures this (profiles, environment, region, endpoints), and beside it
//! `AWS_ECS_CLUSTER` and `AWS_ECS_ENDPOINT`, read by the command line. SDK types go no further than here: what
//! comes out is [`longshore_replica`]'s.
//!
//! Invariants: a `StartTask` is sent once; a reply that is lost is the caller's to settle. An empty list of ids is never
//! sent, since ECS refuses it. Requests keep to the documented token buckets when the cluster is Amazon's.
#![forbid(unsafe_code)]

mod asked;
mod budget;
mod convert;
mod credentials;
mod failure;
mod feed;
mod read;
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
use longshore_replica::{Answer, Ask, Failure};

use self::asked::Asked;
use self::failure::{causes, failure};

pub use budget::Budget;
pub use credentials::{HostCredentials, Keys, default_profile};
pub use feed::{Batch, Feed, FeedError, FeedOptions};
pub use sign::SignError;

/// How long one attempt may take. Chosen by us: ECS answers in milliseconds or not at all.
const ATTEMPT: Duration = Duration::from_secs(10);

/// How to reach a cluster.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Name or ARN of the cluster.
    pub cluster: String,
    /// Where the API is, if not where the SDK is configured to look.
    pub endpoint: Option<String>,
    /// The region, if not the one that the SDK is configured with.
    pub region: Option<String>,
    /// Access key and secret, if not those that the SDK is configured with.
    pub keys: Option<(String, String)>,
    /// Whether to keep to the token buckets of the real ECS.
    pub budget: bool,
}

/// The client cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OptionsError {
    /// No region is configured.
    #[error("no AWS region is configured: set AWS_REGION, or region in the AWS profile")]
    Region,
    /// No credentials are to be had.
    #[error(
        "no AWS credentials found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this \
         machine a role: {0}"
    )]
    Credentials(String),
    /// The profile that is named has none.
    #[error(
        "the AWS profile {0:?} (AWS_PROFILE) has no credentials, or is not in ~/.aws/config and ~/.aws/credentials: {1}"
    )]
    Profile(String, String),
}

impl OptionsError {
    /// There are no credentials; why, as the SDK says it.
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
    cluster: String,
    budget: Arc<Budget>,
    /// What it was made of, for clients of other services.
    shared: aws_config::SdkConfig,
    endpoint: Option<String>,
    asked: Asked,
}

impl Client {
    /// A client that is configured as the SDK is.
    ///
    /// # Errors
    /// Says what is not configured. Credentials are fetched once to see that they can be had.
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
            // Asked for now, since without them every request would fail, each with a page of causes.
            let got = provider.provide_credentials().await;
            got.map_err(|error| OptionsError::without_credentials(causes(&error)))?;
        }
        // A local ECS is reached over plain HTTP. It is there or it is not, and throttles nobody.
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
        let sdk = aws_sdk_ecs::Client::from_conf(config.build());
        let (cluster, endpoint) = (options.cluster, options.endpoint);
        Ok(Self { sdk, cluster, budget: Arc::new(budget), shared, endpoint, asked })
    }

    /// Where the API was asked last: the endpoint that was given, or the one that the SDK chose.
    pub fn asked(&self) -> String {
        self.endpoint
            .clone()
            .or_else(|| self.asked.last())
            .unwrap_or_else(|| "an unknown endpoint".to_owned())
    }

    /// The SDK's own client, for what [`Ask`] has no words for.
    pub fn sdk(&self) -> &aws_sdk_ecs::Client {
        &self.sdk
    }

    /// The cluster that is asked about.
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Asks, and waits for what comes of it.
    ///
    /// # Errors
    /// Tells a refusal, after which nothing was done, from silence, after which something may have been.
    pub async fn ask(&self, ask: Ask) -> Result<Answer, Failure> {
        match ask {
            Ask::ListInstances => self.list_instances().await,
            Ask::DescribeInstances(arns) => {
                self.describe_instances(&arns).await.map(Answer::Instances)
            }
            Ask::ListTasks { desired_running, except } => {
                self.list_tasks(desired_running, &except).await
            }
            Ask::DescribeTasks(arns) => self.describe_tasks(&arns).await,
            Ask::FindTasks { started_by } => self.find_tasks(&started_by).await,
            Ask::DescribeDefinition(name) => self.describe_definition(&name).await,
            Ask::RegisterDefinition(content) => self.register_definition(*content).await,
            Ask::StartTask(start) => self.start_task(*start).await,
            Ask::StopTask { task, reason } => self.stop_task(&task, &reason).await,
        }
    }
}
