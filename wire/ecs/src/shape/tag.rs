//! What travels for tags and account settings.
//!
//! Members are named as AWS names them and are all optional here: what is missing or out of range is
//! answered by the operation that reads it, in the words that Amazon ECS uses.

use super::shared::Tag;
use crate::{Str, Word};

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

    PutAccountSettingRequest {
        name: Str,
        value: Str,
        principal_arn: Str,
    }

    PutAccountSettingResponse {
        setting: Setting,
    }

    PutAccountSettingDefaultRequest {
        name: Str,
        value: Str,
    }

    PutAccountSettingDefaultResponse {
        setting: Setting,
    }

    DeleteAccountSettingRequest {
        name: Str,
        principal_arn: Str,
    }

    DeleteAccountSettingResponse {
        setting: Setting,
    }

    Setting {
        name: Str,
        value: Str,
        principal_arn: Str,
        #[serde(rename = "type")]
        kind: Word,
    }
}
