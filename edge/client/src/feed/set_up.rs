//! Creates what a feed needs: a queue, a rule that matches events of the cluster, and permission
//! for the rule to fill the queue.
//!
//! All of this is idempotent. Source: EventBridge user guide, *Using resource-based policies*, for
//! SQS.

use std::collections::HashMap;

use aws_sdk_eventbridge::operation::disable_rule::DisableRuleError;
use aws_sdk_eventbridge::types::{RuleState, Target};
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::json;

use super::{Feed, FeedError, WAIT_S, failed};

/// Retention of messages, in seconds. Chosen by us: anything older is covered by readings.
const RETENTION_S: u32 = 300;
/// Visibility timeout of messages, in seconds. Chosen by us: handing one on takes milliseconds.
const VISIBILITY_S: u32 = 10;
/// The id of the rule's only target.
const TARGET: &str = "longshore";

impl Feed {
    /// Creates queue and rule; returns the URL of the queue.
    pub(super) async fn set_up(&self) -> Result<String, FeedError> {
        let (url, queue_arn) = self.make_queue().await?;
        let rule_arn = self.make_rule().await?;
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "events.amazonaws.com" },
            "Action": "sqs:SendMessage",
            "Resource": queue_arn,
            "Condition": { "ArnEquals": { "aws:SourceArn": rule_arn } },
        }] });
        let attributes = HashMap::from([
            (QueueAttributeName::Policy, policy.to_string()),
            (QueueAttributeName::MessageRetentionPeriod, RETENTION_S.to_string()),
            (QueueAttributeName::VisibilityTimeout, VISIBILITY_S.to_string()),
            (QueueAttributeName::ReceiveMessageWaitTimeSeconds, WAIT_S.to_string()),
        ]);
        let request = self.sqs.set_queue_attributes().queue_url(&url);
        let set = request.set_attributes(Some(attributes)).send().await;
        set.map_err(failed("cannot allow the rule to send to the queue"))?;
        let target = Target::builder().id(TARGET).arn(&queue_arn).build();
        let target = target.map_err(|error| FeedError::Answer(error.to_string()))?;
        let request = self.bridge.put_targets().rule(&self.options.queue).targets(target);
        let put =
            request.send().await.map_err(failed("cannot make the queue a target of the rule"))?;
        match put.failed_entries().first() {
            None => Ok(url),
            Some(entry) => Err(FeedError::Answer(format!(
                "cannot make the queue a target of the rule: {}",
                entry.error_message().or(entry.error_code()).unwrap_or("no reason given")
            ))),
        }
    }

    /// Creates the queue; returns its URL and ARN.
    async fn make_queue(&self) -> Result<(String, String), FeedError> {
        let made = self.sqs.create_queue().queue_name(&self.options.queue).send().await;
        let made = made.map_err(failed("cannot create the queue"))?;
        let lacks = |what: &str| FeedError::Answer(format!("the queue has no {what}"));
        let url = made.queue_url().ok_or_else(|| lacks("URL"))?.to_owned();
        let request = self.sqs.get_queue_attributes().queue_url(&url);
        let request = request.attribute_names(QueueAttributeName::QueueArn);
        let read = request.send().await.map_err(failed("cannot read the queue"))?;
        let arn = read.attributes().and_then(|all| all.get(&QueueAttributeName::QueueArn));
        let arn = arn.ok_or_else(|| lacks("ARN"))?.clone();
        Ok((url, arn))
    }

    /// Creates and enables the rule; returns its ARN.
    async fn make_rule(&self) -> Result<String, FeedError> {
        let mut pattern = json!({
            "source": ["aws.ecs"],
            "detail-type": [super::parse::TASK, super::parse::INSTANCE],
        });
        if !self.of_all {
            pattern["detail"] = json!({ "clusterArn": [self.cluster_arn] });
        }
        let request = self.bridge.put_rule().name(&self.options.queue);
        let request = request.event_pattern(pattern.to_string()).state(RuleState::Enabled);
        let request = request.description("Events of the cluster for Longshore");
        let put = request.send().await.map_err(failed("cannot create the rule"))?;
        let missing = || FeedError::Answer("the rule has no ARN".to_owned());
        put.rule_arn().map(str::to_owned).ok_or_else(missing)
    }

    /// Disables the rule, if it exists.
    pub(super) async fn disable(&self) -> Result<(), FeedError> {
        let sent = self.bridge.disable_rule().name(&self.options.queue).send().await;
        let Err(error) = sent else { return Ok(()) };
        let is_absent = DisableRuleError::is_resource_not_found_exception;
        if error.as_service_error().is_some_and(is_absent) {
            return Ok(());
        }
        Err(failed("cannot disable the rule")(error))
    }
}
