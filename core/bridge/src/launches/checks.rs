//! What a health check and a check must be. Source: \[L8\] rows 6 and 7, \[C15\].

use longshore_wire_mesos::v1::check_info::Type as CheckType;
use longshore_wire_mesos::v1::health_check::Type as HealthType;
use longshore_wire_mesos::v1::{CheckInfo, CommandInfo, HealthCheck};

use super::validate;
use crate::words::shortened;

/// Checks a health check.
///
/// # Errors
/// What is wrong with it.
pub(super) fn health_check(check: &HealthCheck) -> Result<(), String> {
    let kind = match check.r#type {
        Some(_) => check.r#type(),
        None if check.command.is_some() && check.http.is_none() => HealthType::Command,
        None if check.http.is_some() && check.command.is_none() => HealthType::Http,
        None => return Err("HealthCheck must specify 'type'".to_owned()),
    };
    match kind {
        HealthType::Command => {
            let given = check.command.as_ref();
            let given = given.ok_or("Expecting 'command' to be set for COMMAND health check")?;
            command(given, "Command health check", "Health check")?;
        }
        HealthType::Http => {
            let http = check.http.as_ref();
            let http = http.ok_or("Expecting 'http' to be set for HTTP health check")?;
            if let Some(scheme) =
                http.scheme.as_deref().filter(|one| !matches!(*one, "http" | "https"))
            {
                let scheme = shortened(scheme);
                return Err(format!("Unsupported HTTP health check scheme: '{scheme}'"));
            }
            path(http.path.as_deref(), "HTTP health check")?;
        }
        HealthType::Tcp if check.tcp.is_none() => {
            return Err("Expecting 'tcp' to be set for TCP health check".to_owned());
        }
        HealthType::Tcp => {}
        HealthType::Unknown => {
            return Err("'UNKNOWN' is not a valid health check type".to_owned());
        }
    }
    times(&[
        ("delay_seconds", check.delay_seconds),
        ("grace_period_seconds", check.grace_period_seconds),
        ("interval_seconds", check.interval_seconds),
        ("timeout_seconds", check.timeout_seconds),
    ])
}

/// Checks a check.
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(check: &CheckInfo) -> Result<(), String> {
    if check.r#type.is_none() {
        return Err("CheckInfo must specify 'type'".to_owned());
    }
    match check.r#type() {
        CheckType::Command => {
            let given = check.command.as_ref();
            let given = given.ok_or("Expecting 'command' to be set for COMMAND check")?;
            command(&given.command, "Command check", "Check")?;
        }
        CheckType::Http => {
            let http = check.http.as_ref();
            let http = http.ok_or("Expecting 'http' to be set for HTTP check")?;
            path(http.path.as_deref(), "HTTP check")?;
        }
        CheckType::Tcp if check.tcp.is_none() => {
            return Err("Expecting 'tcp' to be set for TCP check".to_owned());
        }
        CheckType::Tcp => {}
        CheckType::Unknown => return Err("'UNKNOWN' is not a valid check type".to_owned()),
    }
    times(&[
        ("delay_seconds", check.delay_seconds),
        ("interval_seconds", check.interval_seconds),
        ("timeout_seconds", check.timeout_seconds),
    ])
}

fn command(given: &CommandInfo, what: &str, whose: &str) -> Result<(), String> {
    if given.value.is_none() {
        let kind = if given.shell() { "'shell command'" } else { "'executable path'" };
        return Err(format!("{what} must contain {kind}"));
    }
    validate::command(given).map_err(|why| format!("{whose}'s `CommandInfo` is invalid: {why}"))
}

fn path(path: Option<&str>, of: &str) -> Result<(), String> {
    match path.filter(|path| !path.starts_with('/')) {
        None => Ok(()),
        Some(path) => Err(format!("The path '{}' of {of} must start with '/'", shortened(path))),
    }
}

fn times(given: &[(&str, Option<f64>)]) -> Result<(), String> {
    let wrong = given
        .iter()
        .find(|(_, seconds)| seconds.is_some_and(|seconds| seconds < 0.0 || seconds.is_nan()));
    match wrong {
        None => Ok(()),
        Some((name, _)) => Err(format!("Expecting '{name}' to be non-negative")),
    }
}
