//! Cluster events from a queue that an EventBridge rule fills.
//!
//! A queue has one reader: what one takes, another does not see. A message is deleted after it was
//! handed on, so a lost one is delivered again. Queue and rule are looked up or created each time
//! the feed is opened, which restores a deleted queue.
//!
//! Source: EventBridge user guide, *Amazon SQS queue targets*; SQS developer guide, *Long polling*.

mod detail;
mod parse;
mod receivers;
mod set_up;

use std::time::Duration;

use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;
use longshore_replica::News;

use crate::{Client, causes};

pub use receivers::Receivers;

/// Messages per request. Source: SQS API reference.
const BATCH: i32 = 10;
/// Long polling time in seconds. Source: SQS API reference, the maximum.
const WAIT_S: i32 = 20;

/// Timeout of one attempt. Chosen by us: the longest wait for messages, plus a margin.
const ATTEMPT: Duration = Duration::from_secs(30);

/// Where events of a cluster arrive.
#[derive(Clone, Debug)]
pub struct FeedOptions {
    /// Name or URL of the queue.
    pub queue: String,
    /// Whether queue and rule are created if missing, and the rule is enabled only while needed.
    pub makes: bool,
}

/// Why events are not available.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A request failed.
    #[error("{0}: {1}")]
    Request(&'static str, String),
    /// The answer is incomplete or reports an error.
    #[error("{0}")]
    Answer(String),
}

/// The result of a request.
#[derive(Debug, Default)]
pub struct Batch {
    /// News about the cluster.
    pub news: Vec<News>,
    /// Descriptions of messages that could not be parsed.
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
    /// The cluster; events of all clusters are wanted, with details, if it is empty.
    cluster_arn: String,
    of_all: bool,
}

impl Client {
    /// Opens the events of all clusters of the account and region, with details.
    pub fn feed_of_all(&self, options: FeedOptions) -> Feed {
        Feed { of_all: true, ..self.feed(options) }
    }

    /// Opens the events of the cluster, from a queue that is reached like the cluster itself.
    pub fn feed(&self, options: FeedOptions) -> Feed {
        let timeout = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build();
        let mut sqs =
            aws_sdk_sqs::config::Builder::from(&self.shared).timeout_config(timeout.clone());
        let mut bridge =
            aws_sdk_eventbridge::config::Builder::from(&self.shared).timeout_config(timeout);
        // A local ECS serves the queue too; an Amazon endpoint serves ECS alone.
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
            of_all: false,
        }
    }
}

impl Feed {
    /// Whether this feed creates what it needs, and so can be paused while nobody wants events.
    pub fn makes(&self) -> bool {
        self.options.makes
    }

    /// Finds the queue, or creates it together with its rule.
    ///
    /// # Errors
    /// What could not be found or created.
    pub async fn open(&mut self) -> Result<(), FeedError> {
        if !self.of_all {
            self.cluster_arn = self.find_cluster().await?;
        }
        self.url =
            if self.options.makes { self.set_up().await? } else { self.find_queue().await? };
        Ok(())
    }

    /// Stops events for now. The queue remains.
    ///
    /// # Errors
    /// What failed; a missing rule is not an error.
    pub async fn rest(&self) -> Result<(), FeedError> {
        if self.options.makes { self.disable().await } else { Ok(()) }
    }

    /// Waits for events; may return none.
    ///
    /// # Errors
    /// What failed.
    pub async fn receive(&self) -> Result<Batch, FeedError> {
        let request = self.sqs.receive_message().queue_url(&self.url);
        let request = request.max_number_of_messages(BATCH).wait_time_seconds(WAIT_S);
        let got = request.send().await.map_err(failed("cannot receive messages"))?;
        let mut batch = Batch::default();
        for message in got.messages() {
            let body = message.body().unwrap_or_default();
            let of_one = (!self.of_all).then_some(self.cluster_arn.as_str());
            match parse::event(body, of_one) {
                Ok(news) => batch.news.extend(news),
                Err(why) => batch.strange.push(why),
            }
            batch.receipts.extend(message.receipt_handle().map(str::to_owned));
        }
        Ok(batch)
    }

    /// Deletes messages that were handed on.
    ///
    /// # Errors
    /// What failed; the messages will be delivered again.
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

/// Describes what failed, and why.
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
