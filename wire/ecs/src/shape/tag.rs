//! What travels for tags and account settings.
//!
//! Members are named as AWS names them and are all optional here: what is missing or out of range is
//! answered by the operation that reads it, in the words that Amazon ECS uses.

use super::shared::Tag;
use crate::Str;

super::shapes! {
    TagResourceRequest {
        resource_arn: Str,
        tags: Vec<Tag>,
    }

    TagResourceResponse {

    }

    UntagResourceRequest {
        resource_arn: Str,
        tag_keys: Vec<Str>,
    }

    UntagResourceResponse {

    }

    ListTagsForResourceRequest {
        resource_arn: Str,
    }

    ListTagsForResourceResponse {
        tags: Vec<Tag>,
    }

    ListAccountSettingsRequest {
        name: Str,
        value: Str,
        principal_arn: Str,
        effective_settings: bool,
        next_token: Str,
        max_results: i32,
    }

    ListAccountSettingsResponse {
        settings: Vec<Setting>,
        next_token: Str,
    }

    Setting {
        name: Str,
        value: Str,
        principal_arn: Str,
        #[serde(rename = "type")]
        kind: Str,
    }
}
