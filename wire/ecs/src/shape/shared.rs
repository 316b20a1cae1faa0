//! Shapes that several resources share.
//!
//! Members are named as AWS names them and are all optional here: what is missing or out of range is
//! answered by the operation that reads it, in the words that Amazon ECS uses.

use crate::Str;

super::shapes! {
    Tag {
        key: Str,
        value: Str,
    }

    KeyValuePair {
        name: Str,
        value: Str,
    }

    Attachment {
        id: Str,
        #[serde(rename = "type")]
        kind: Str,
        status: Str,
        details: Vec<KeyValuePair>,
    }

    Failure {
        arn: Str,
        reason: Str,
        detail: Str,
    }

    Attribute {
        name: Str,
        value: Str,
        target_type: Str,
        target_id: Str,
    }

    CapacityProviderStrategyItem {
        capacity_provider: Str,
        weight: i32,
        base: i32,
    }

    EphemeralStorage {
        size_in_gi_b: i32,
    }

    Resource {
        name: Str,
        #[serde(rename = "type")]
        kind: Str,
        double_value: f64,
        long_value: i64,
        integer_value: i32,
        string_set_value: Vec<Str>,
    }

    InferenceAccelerator {
        device_name: Str,
        device_type: Str,
    }
}
