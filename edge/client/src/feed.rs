//! Events of the cluster from a queue: an EventBridge rule puts them there, and they are taken from it here.
//!
//! A queue has one reader: what one takes, another does not see. A message is deleted after it was handed on, so that one
//! that is lost on the way is delivered again. Queue and rule are looked up, or made, each time the feed is opened: a queue
//! that was deleted meanwhile is there again.
//!
//! Source: EventBridge user guide, *Amazon SQS queue targets*; SQS developer guide, *Long polling*.

mod parse;
mod set_up;

use std::time::Duration;

use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use longshore_replica::News;

use crate::{Client, causes};

/// Messages of one request. Source: SQS API reference.
const BATCH: i32 = 10;
/// Seconds that a request for messages waits for the first. Source: SQS API reference, the most there is.
const WAIT_S: i32 = 20;

/// How long one attempt may take. Chosen by us: the longest wait for messages, and then some.
const ATTEMPT: Duration = Duration::from_secs(30);

/// Where events of a cluster arrive.
#[derive(Clone, Debug)]
pub struct FeedOptions {
    /// Name or URL of the queue.
    pub queue: String,
    /// Whether queue and rule are made, if they are not there, and the rule is kept enabled only while it is of use.
    pub makes: bool,
}

/// Events cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A request failed.
    #[error("{0}: {1}")]
    Request(&'static str, String),
    /// The answer lacks something.
    #[error("{0}")]
    Answer(String),
}

/// What a request brought.
#[derive(Debug, Default)]
pub struct Batch {
    /// What events told of the cluster.
    pub news: Vec<News>,
    /// Messages that are no such events, in words.
    pub strange: Vec<String>,
    receipts: Vec<String>,
}

/// Events of a cluster.
#[derive(Clone, Debug)]
pub struct Feed {
    client: Client,
    sqs: aws_sdk_sqs::Client,
    bridge: aws_sdk_eventbridge::Client,
    options: FeedOptions,
    url: String,
    cluster_arn: String,
}

impl Client {
    /// The events of the cluster, from a queue that is reached as the cluster is.
    pub fn feed(&self, options: FeedOptions) -> Feed {
        let timeout = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build();
        let mut sqs =
            aws_sdk_sqs::config::Builder::from(&self.shared).timeout_config(timeout.clone());
        let mut bridge =
            aws_sdk_eventbridge::config::Builder::from(&self.shared).timeout_config(timeout);
        // A local ECS has the queue as well; an endpoint of Amazon's is that of ECS alone.
        if let Some(url) = self.endpoint.as_ref().filter(|url| url.starts_with("http://")) {
            sqs = sqs.endpoint_url(url);
            bridge = bridge.endpoint_url(url);
        }
        Feed {
            client: self.clone(),
            sqs: aws_sdk_sqs::Client::from_conf(sqs.build()),
            bridge: aws_sdk_eventbridge::Client::from_conf(bridge.build()),
            options,
            url: String::new(),
            cluster_arn: String::new(),
        }
    }
}

impl Feed {
    /// Whether this feed makes what it needs, and so may rest while nobody wants events.
    pub fn makes(&self) -> bool {
        self.options.makes
    }

    /// Finds the queue, or makes it and what fills it.
    ///
    /// # Errors
    /// Says what cannot be found or made.
    pub async fn open(&mut self) -> Result<(), FeedError> {
        self.cluster_arn = self.find_cluster().await?;
        self.url =
            if self.options.makes { self.set_up().await? } else { self.find_queue().await? };
        Ok(())
    }

    /// Events are not wanted for now. The queue stays.
    ///
    /// # Errors
    /// Says what failed; a rule that is not there is none of it.
    pub async fn rest(&self) -> Result<(), FeedError> {
        if self.options.makes { self.disable().await } else { Ok(()) }
    }

    /// Waits for events; none may come in time.
    ///
    /// # Errors
    /// Says what failed.
    pub async fn receive(&self) -> Result<Batch, FeedError> {
        let request = self.sqs.receive_message().queue_url(&self.url);
        let request = request.max_number_of_messages(BATCH).wait_time_seconds(WAIT_S);
        let got = request.send().await.map_err(failed("cannot receive messages"))?;
        let mut batch = Batch::default();
        for message in got.messages() {
            match parse::event(message.body().unwrap_or_default(), &self.cluster_arn) {
                Ok(news) => batch.news.extend(news),
                Err(why) => batch.strange.push(why),
            }
            batch.receipts.extend(message.receipt_handle().map(str::to_owned));
        }
        Ok(batch)
    }

    /// Deletes what was handed on.
    ///
    /// # Errors
    /// Says what failed: the messages come again.
    pub async fn delete(&self, batch: Batch) -> Result<(), FeedError> {
        let entry = |(number, receipt): (usize, String)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
            entry.receipt_handle(receipt).build()
        };
        let entries: Result<Vec<_>, _> =
            batch.receipts.into_iter().enumerate().map(entry).collect();
        let entries = entries.map_err(|error| FeedError::Answer(error.to_string()))?;
        if entries.is_empty() {
            return Ok(());
        }
        let request = self.sqs.delete_message_batch().queue_url(&self.url);
        let sent = request.set_entries(Some(entries)).send().await;
        sent.map_err(failed("cannot delete messages")).map(drop)
    }

    async fn find_cluster(&self) -> Result<String, FeedError> {
        let request = self.client.sdk().describe_clusters().clusters(self.client.cluster());
        let read = request.send().await.map_err(failed("cannot read the cluster"))?;
        let arn = read.clusters().first().and_then(|cluster| cluster.cluster_arn());
        let missing =
            || FeedError::Answer(format!("there is no cluster {}", self.client.cluster()));
        arn.map(str::to_owned).ok_or_else(missing)
    }

    async fn find_queue(&self) -> Result<String, FeedError> {
        if self.options.queue.contains("://") {
            return Ok(self.options.queue.clone());
        }
        let request = self.sqs.get_queue_url().queue_name(&self.options.queue);
        let found = request.send().await.map_err(failed("cannot find the queue"))?;
        let missing = || FeedError::Answer(format!("queue {} has no URL", self.options.queue));
        found.queue_url().map(str::to_owned).ok_or_else(missing)
    }
}

/// What failed, and why, in words.
fn failed<E, R>(what: &'static str) -> impl FnOnce(SdkError<E, R>) -> FeedError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug,
{
    move |error| {
        let why = match error.as_service_error() {
            Some(service) => {
                let code = service.code().unwrap_or("unknown error");
                format!("{code}: {}", service.message().unwrap_or("no message"))
            }
            None => causes(&error),
        };
        FeedError::Request(what, why)
    }
}
