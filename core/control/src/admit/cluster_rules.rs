//! Validation shared by the operations that create and update clusters.

use longshore_wire_ecs::shape::cluster as shape;
use longshore_wire_ecs::{ApiError, Str, limits};

use crate::setting::{Rule, SettingName};

/// Checks cluster settings. Source: ECS API reference, `ClusterSetting`; messages chosen by us.
pub(super) fn settings(given: &[shape::ClusterSetting]) -> Result<(), ApiError> {
    let known = SettingName::ContainerInsights;
    let Rule::OneOf(values) = known.rule() else { return Ok(()) };
    if given.len() > limits::CLUSTER_SETTINGS_MAX {
        return Err(ApiError::invalid(format!(
            "settings can have at most {} entries.",
            limits::CLUSTER_SETTINGS_MAX
        )));
    }
    for setting in given {
        if setting.name.as_deref() != Some(known.word()) {
            return Err(ApiError::invalid(format!("name should be one of [{}]", known.word())));
        }
        if !values.iter().any(|value| setting.value.as_deref() == Some(value)) {
            return Err(ApiError::invalid(format!(
                "value should be one of [{}]",
                values.join(",")
            )));
        }
    }
    Ok(())
}

/// Checks the logging configuration for commands run in containers. Source: ECS API reference,
/// `ExecuteCommandConfiguration`, and recorded replies.
pub(super) fn configuration(given: Option<&shape::ClusterConfiguration>) -> Result<(), ApiError> {
    let length = given.map_or(0, |given| serde_json::to_string(given).map_or(0, |text| text.len()));
    if length > limits::CLUSTER_CONFIGURATION_BYTES_MAX {
        return Err(ApiError::invalid(format!(
            "configuration can have at most {} bytes as JSON.",
            limits::CLUSTER_CONFIGURATION_BYTES_MAX
        )));
    }
    let Some(execute) = given.and_then(|given| given.execute_command_configuration.as_ref()) else {
        return Ok(());
    };
    let logging = execute.logging.as_deref();
    if logging.is_some_and(|word| !["NONE", "DEFAULT", "OVERRIDE"].contains(&word)) {
        return Err(ApiError::invalid("logging should be one of [NONE,DEFAULT,OVERRIDE]"));
    }
    let log = execute.log_configuration.as_ref();
    if logging != Some("OVERRIDE") {
        return match log {
            None => Ok(()),
            Some(_) => Err(ApiError::invalid(
                "You must set logging to 'OVERRIDE' when you supply a log configuration.",
            )),
        };
    }
    let named = |name: Option<&Str>| name.is_some_and(|name| !name.is_empty());
    let to_somewhere = log.is_some_and(|log| {
        named(log.cloud_watch_log_group_name.as_ref()) || named(log.s3_bucket_name.as_ref())
    });
    if to_somewhere {
        return Ok(());
    }
    Err(ApiError::invalid(
        "A CloudWatch log group name or S3 bucket name must be specified when overriding the default log configuration.",
    ))
}

/// The Service Connect namespace for services of a cluster; an empty string removes it.
/// Source: ECS API reference, `ClusterServiceConnectDefaultsRequest`; messages chosen by us.
pub(super) fn namespace(
    given: Option<&shape::ClusterServiceConnectDefaultsRequest>,
) -> Result<Option<Str>, ApiError> {
    let Some(given) = given else { return Ok(None) };
    let Some(namespace) = given.namespace.clone() else {
        return Err(ApiError::invalid("serviceConnectDefaults.namespace can not be blank."));
    };
    let is_arn = namespace.starts_with("arn:");
    if namespace.chars().count() > limits::NAMESPACE_CHARS_MAX
        || (!is_arn && namespace.contains(['<', '>', '"', '/']))
    {
        return Err(ApiError::invalid(format!(
            "serviceConnectDefaults.namespace can have at most {} characters and none of < > \" /",
            limits::NAMESPACE_CHARS_MAX
        )));
    }
    Ok(Some(namespace))
}
