//! Names and ARNs, as far as requests are checked for them.
//!
//! Blox knew the short ARNs of its day, one partition, and names of clusters that begin with a letter and have two characters.
//! ECS has moved on: long ARNs (`task/cluster/id`), every partition and every name that ECS itself allows are taken too.

use crate::limits;

/// A cluster, as a client names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterRef {
    /// By its name, in any account and region.
    Name(String),
    /// By its ARN.
    Arn(String),
}

impl ClusterRef {
    /// Parses a name or an ARN; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if is_cluster_name(text) {
            Some(Self::Name(text.to_owned()))
        } else if cluster_of_arn(text).is_some() {
            Some(Self::Arn(text.to_owned()))
        } else {
            None
        }
    }

    /// The cluster's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Arn(arn) => cluster_of_arn(arn).unwrap_or_default(),
        }
    }

    /// As it was given.
    pub fn given(&self) -> &str {
        match self {
            Self::Name(text) | Self::Arn(text) => text,
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|one| one.is_ascii_alphanumeric() || b"-_".contains(&one))
}

/// Whether it can be the name of a cluster.
pub fn is_cluster_name(text: &str) -> bool {
    is_word(text) && text.len() <= limits::CLUSTER_NAME_CHARS_MAX
}

/// What follows account and colon in an ARN of ECS.
fn resource_of(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let (scheme, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let is_known = scheme == "arn" && partition.starts_with("aws") && service == "ecs";
    let is_account = account.len() == 12 && account.bytes().all(|one| one.is_ascii_digit());
    (is_known && is_word(partition) && is_word(region) && is_account).then_some(resource)
}

/// The name of the cluster that an ARN names; `None` if it is not the ARN of a cluster.
pub fn cluster_of_arn(arn: &str) -> Option<&str> {
    let name = resource_of(arn)?.strip_prefix("cluster/")?;
    is_cluster_name(name).then_some(name)
}

/// Whether it is the ARN of such a resource, short or long: `task/ID` or `task/CLUSTER/ID`.
fn is_arn_of(arn: &str, kind: &str) -> bool {
    let rest = resource_of(arn).and_then(|resource| resource.strip_prefix(kind));
    let Some(rest) = rest.and_then(|rest| rest.strip_prefix('/')) else { return false };
    match rest.split_once('/') {
        None => is_word(rest),
        Some((cluster, id)) => is_cluster_name(cluster) && is_word(id),
    }
}

/// Whether it is the ARN of a task.
pub fn is_task_arn(arn: &str) -> bool {
    arn.len() <= limits::ARN_CHARS_MAX && is_arn_of(arn, "task")
}

/// Whether it is the ARN of a container instance.
pub fn is_instance_arn(arn: &str) -> bool {
    arn.len() <= limits::ARN_CHARS_MAX && is_arn_of(arn, "container-instance")
}

/// Whether it can be the name of an environment.
///
/// Source: blox.md 2.3: 1 to 30 letters, digits, `-` and `_`.
pub fn is_environment_name(text: &str) -> bool {
    is_word(text) && text.len() <= limits::ENVIRONMENT_NAME_CHARS_MAX
}

/// Whether it is a UUID in lower-case digits: what a deployment token must be for its route to match.
///
/// Source: blox.md 2.3.
pub fn is_token(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let parts: Vec<&str> = text.split('-').collect();
    let is_hex = |part: &str| part.bytes().all(|one| matches!(one, b'0'..=b'9' | b'a'..=b'f'));
    parts.len() == lengths.len()
        && parts.iter().zip(lengths).all(|(part, length)| part.len() == length && is_hex(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_named_by_its_name_or_its_arn() {
        let arn = "arn:aws:ecs:us-east-1:123456789012:cluster/web";
        assert_eq!(ClusterRef::parse("web"), Some(ClusterRef::Name("web".to_owned())));
        assert_eq!(ClusterRef::parse(arn), Some(ClusterRef::Arn(arn.to_owned())));
        assert_eq!(ClusterRef::parse(arn).map(|one| one.name().to_owned()), Some("web".to_owned()));
        // Source: blox.md 5.1, 8.
        for bad in ["cluster/cluster", "", "arn:aws:ecs:us-east-1:12:cluster/web", "a b", "é"] {
            assert_eq!(ClusterRef::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn short_and_long_arns_of_every_partition_are_taken() {
        for arn in [
            "arn:aws:ecs:us-east-1:123456789012:task/8fc6b11e-2f6d-4f39-b5a4-5b5f52dbb3c8",
            "arn:aws:ecs:us-east-1:123456789012:task/web/8fc6b11e2f6d4f39b5a45b5f52dbb3c8",
            "arn:aws-cn:ecs:cn-north-1:123456789012:task/1/8fc6",
        ] {
            assert!(is_task_arn(arn), "{arn}");
            assert!(is_instance_arn(&arn.replace(":task", ":container-instance")), "{arn}");
        }
        for bad in
            ["task/1", "arn:aws:ecs:r:123456789012:task/", "arn:aws:ecs:r:123456789012:task/a/b/c"]
        {
            assert!(!is_task_arn(bad), "{bad}");
        }
    }

    #[test]
    fn a_token_is_a_uuid_in_lower_case() {
        assert!(is_token("17248257-08ec-4438-888f-e0ac28397653"));
        for bad in
            ["", "17248257-08EC-4438-888f-e0ac28397653", "17248257-08ec-4438-888f-e0ac2839765"]
        {
            assert!(!is_token(bad), "{bad}");
        }
    }
}
