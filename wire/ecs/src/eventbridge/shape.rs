//! The structures of the EventBridge API, as far as they are served; [`crate::shape`] says how members are read.
#![expect(
    missing_docs,
    reason = "members are AWS's own and documented in the EventBridge API reference; repeating that here would only age"
)]

use std::collections::BTreeMap;

use crate::Str;
use crate::shape::shapes;

shapes! {
    case "PascalCase";

    Empty {}

    Tag {
        key: Str,
        value: Str,
    }

    PutRuleRequest {
        name: Str,
        schedule_expression: Str,
        event_pattern: Str,
        state: Str,
        description: Str,
        role_arn: Str,
        tags: Vec<Tag>,
        event_bus_name: Str,
    }

    PutRuleResponse {
        rule_arn: Str,
    }

    RuleRequest {
        name: Str,
        event_bus_name: Str,
        force: bool,
    }

    Rule {
        name: Str,
        arn: Str,
        event_pattern: Str,
        state: Str,
        description: Str,
        role_arn: Str,
        event_bus_name: Str,
        created_by: Str,
    }

    ListRulesRequest {
        name_prefix: Str,
        event_bus_name: Str,
        next_token: Str,
        limit: i32,
    }

    ListRulesResponse {
        rules: Vec<Rule>,
        next_token: Str,
    }

    InputTransformer {
        input_paths_map: BTreeMap<Str, Str>,
        input_template: Str,
    }

    DeadLetterConfig {
        arn: Str,
    }

    RetryPolicy {
        maximum_retry_attempts: i32,
        maximum_event_age_in_seconds: i32,
    }

    SqsParameters {
        message_group_id: Str,
    }

    Target {
        id: Str,
        arn: Str,
        role_arn: Str,
        input: Str,
        input_path: Str,
        input_transformer: InputTransformer,
        dead_letter_config: DeadLetterConfig,
        retry_policy: RetryPolicy,
        sqs_parameters: SqsParameters,
    }

    PutTargetsRequest {
        rule: Str,
        event_bus_name: Str,
        targets: Vec<Target>,
    }

    FailedTarget {
        target_id: Str,
        error_code: Str,
        error_message: Str,
    }

    FailedTargets {
        failed_entry_count: i32,
        failed_entries: Vec<FailedTarget>,
    }

    RemoveTargetsRequest {
        rule: Str,
        event_bus_name: Str,
        ids: Vec<Str>,
        force: bool,
    }

    ListTargetsByRuleRequest {
        rule: Str,
        event_bus_name: Str,
        next_token: Str,
        limit: i32,
    }

    ListTargetsByRuleResponse {
        targets: Vec<Target>,
        next_token: Str,
    }

    ListRuleNamesByTargetRequest {
        target_arn: Str,
        event_bus_name: Str,
        next_token: Str,
        limit: i32,
    }

    ListRuleNamesByTargetResponse {
        rule_names: Vec<Str>,
        next_token: Str,
    }

    PutEventsEntry {
        time: f64,
        source: Str,
        resources: Vec<Str>,
        detail_type: Str,
        detail: Str,
        event_bus_name: Str,
        trace_header: Str,
    }

    PutEventsRequest {
        entries: Vec<PutEventsEntry>,
    }

    PutEventsResult {
        event_id: Str,
        error_code: Str,
        error_message: Str,
    }

    PutEventsResponse {
        failed_entry_count: i32,
        entries: Vec<PutEventsResult>,
    }

    DescribeEventBusRequest {
        name: Str,
    }

    EventBus {
        name: Str,
        arn: Str,
    }

    ListEventBusesRequest {
        name_prefix: Str,
        next_token: Str,
        limit: i32,
    }

    ListEventBusesResponse {
        event_buses: Vec<EventBus>,
        next_token: Str,
    }

    TagResourceRequest {
        #[serde(rename = "ResourceARN")]
        resource_arn: Str,
        tags: Vec<Tag>,
    }

    UntagResourceRequest {
        #[serde(rename = "ResourceARN")]
        resource_arn: Str,
        tag_keys: Vec<Str>,
    }

    ListTagsForResourceRequest {
        #[serde(rename = "ResourceARN")]
        resource_arn: Str,
    }

    ListTagsForResourceResponse {
        tags: Vec<Tag>,
    }

    TestEventPatternRequest {
        event_pattern: Str,
        event: Str,
    }

    TestEventPatternResponse {
        result: bool,
    }
}
