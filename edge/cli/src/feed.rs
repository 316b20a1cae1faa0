//! The queue in which the events of a cluster arrive.

use longshore_client::FeedOptions;

/// Maximum length of a rule name. Source: EventBridge API reference, `PutRule`.
const NAME_BYTES_MAX: usize = 64;

/// How the master learns about changes in its cluster. Without a queue it polls the cluster as often as AWS allows.
#[derive(Debug, clap::Args)]
pub(crate) struct FeedArgs {
    /// Follow the cluster's events from this SQS queue. An EventBridge rule must send them there, and the queue must have no
    /// other consumer.
    #[arg(long, value_name = "NAME|URL", env = "LONGSHORE_QUEUE")]
    queue: Option<String>,
    /// Create the queue and the rule, and enable the rule while frameworks are connected. --queue names both
    /// [default: longshore- followed by the cluster's name].
    #[arg(long)]
    make_queue: bool,
}

impl FeedArgs {
    /// The requested queue.
    ///
    /// # Errors
    /// If it cannot be created under that name.
    pub(crate) fn options(&self, cluster: &str) -> anyhow::Result<Option<FeedOptions>> {
        if !self.make_queue {
            let named = self.queue.clone();
            return Ok(named.map(|queue| FeedOptions { queue, makes: false }));
        }
        let Some(queue) = self.queue.clone().or_else(|| queue_name(cluster)) else {
            anyhow::bail!(
                "the cluster name is too long to derive a rule name from: choose a name with --queue"
            );
        };
        if !is_name(&queue) {
            anyhow::bail!(
                "--queue {queue}: with --make-queue, the name must have 1 to {NAME_BYTES_MAX} letters, digits, - and _"
            );
        }
        Ok(Some(FeedOptions { queue, makes: true }))
    }
}

/// The default queue name for a cluster, given its name or ARN, unless that is too long.
pub(crate) fn queue_name(cluster: &str) -> Option<String> {
    let name = cluster.rsplit('/').next().unwrap_or_default();
    Some(format!("longshore-{name}")).filter(|name| is_name(name))
}

/// Whether this is a valid name for both a queue and a rule.
fn is_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(queue: Option<&str>, make_queue: bool) -> FeedArgs {
        FeedArgs { queue: queue.map(str::to_owned), make_queue }
    }

    #[test]
    fn without_a_flag_there_is_no_queue() {
        assert!(args(None, false).options("prod").is_ok_and(|options| options.is_none()));
    }

    #[test]
    fn a_queue_that_is_made_is_named_after_the_cluster() {
        for cluster in ["prod", "arn:aws:ecs:us-east-1:123456789012:cluster/prod"] {
            let options = args(None, true).options(cluster).expect("it has a name");
            let options = options.expect("there is one");
            assert_eq!((&*options.queue, options.makes), ("longshore-prod", true));
        }
    }

    #[test]
    fn a_name_that_no_rule_can_have_is_refused() {
        for queue in ["", "https://sqs.us-east-1.amazonaws.com/1/q", "a.fifo", &"q".repeat(65)] {
            assert!(args(Some(queue), true).options("prod").is_err(), "{queue}");
        }
        assert!(args(None, true).options(&"c".repeat(60)).is_err());
    }
}
