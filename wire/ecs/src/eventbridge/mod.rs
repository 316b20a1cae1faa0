//! Amazon EventBridge, as far as rules that send events to queues need it: AWS JSON 1.1.
//!
//! Source: Amazon EventBridge API Reference, version 2015-10-07. There is the default event bus and no other;
//! schedules, archives, connections and partner sources are not served.

mod error;
pub mod shape;

pub use error::{Error, ErrorCode};

use crate::service::operations;
use shape as s;

/// What precedes the operation in `X-Amz-Target`.
pub const TARGET_PREFIX: &str = "AWSEvents.";

operations! {
    "EventBridge", refuse, Error;
    PutRule(s::PutRuleRequest) -> s::PutRuleResponse,
    DescribeRule(s::RuleRequest) -> s::Rule,
    ListRules(s::ListRulesRequest) -> s::ListRulesResponse,
    DeleteRule(s::RuleRequest) -> s::Empty,
    EnableRule(s::RuleRequest) -> s::Empty,
    DisableRule(s::RuleRequest) -> s::Empty,
    PutTargets(s::PutTargetsRequest) -> s::FailedTargets,
    RemoveTargets(s::RemoveTargetsRequest) -> s::FailedTargets,
    ListTargetsByRule(s::ListTargetsByRuleRequest) -> s::ListTargetsByRuleResponse,
    ListRuleNamesByTarget(s::ListRuleNamesByTargetRequest) -> s::ListRuleNamesByTargetResponse,
    PutEvents(s::PutEventsRequest) -> s::PutEventsResponse,
    DescribeEventBus(s::DescribeEventBusRequest) -> s::EventBus,
    ListEventBuses(s::ListEventBusesRequest) -> s::ListEventBusesResponse,
    TagResource(s::TagResourceRequest) -> s::Empty,
    UntagResource(s::UntagResourceRequest) -> s::Empty,
    ListTagsForResource(s::ListTagsForResourceRequest) -> s::ListTagsForResourceResponse,
    TestEventPattern(s::TestEventPatternRequest) -> s::TestEventPatternResponse,
}

fn refuse(operation: &str) -> Error {
    Error::new(
        ErrorCode::UnknownOperation,
        format!("Longshore does not serve the operation {operation:?} of EventBridge."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_in_the_case_of_eventbridge() {
        let body = br#"{"Name": "r", "EventPattern": "{}", "Tags": [{"Key": "k", "Value": "v"}]}"#;
        let Ok(Request::PutRule(request)) = Request::parse("PutRule", body) else {
            panic!("this parses")
        };
        assert_eq!(request.name.as_deref(), Some("r"));
        assert_eq!(request.event_pattern.as_deref(), Some("{}"));
        let body = br#"{"ResourceARN": "arn"}"#;
        let Ok(Request::ListTagsForResource(request)) = Request::parse("ListTagsForResource", body)
        else {
            panic!("this parses")
        };
        assert_eq!(request.resource_arn.as_deref(), Some("arn"));
    }

    #[test]
    fn what_is_not_served_says_so() {
        let error = Request::parse("CreateArchive", b"{}").expect_err("it is not served");
        assert_eq!(error.code, ErrorCode::UnknownOperation);
        assert!(error.message.contains("CreateArchive"), "{}", error.message);
    }

    #[test]
    fn a_member_of_the_wrong_type_is_a_serialization_error() {
        let error = Request::parse("PutRule", br#"{"Name": 3}"#).expect_err("a name is text");
        assert_eq!(error.code.name(), "SerializationException");
    }
}
