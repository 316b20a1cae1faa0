//! What a framework may say of itself. Source: Mesos, `master/validation.cpp`, and `roles.cpp`.

use std::collections::BTreeSet;

use longshore_wire_ecs::Str;
use longshore_wire_mesos::encoded_bytes;
use longshore_wire_mesos::v1::FrameworkInfo;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;

use crate::framework::has;
use crate::limits::{self, ID_BYTES_MAX};

/// What a framework says of itself, and whether it may.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) info: FrameworkInfo,
    /// The roles that it wants suppressed.
    pub(crate) suppressed: BTreeSet<Str>,
    /// How large it is.
    pub(crate) bytes: usize,
    /// What Mesos would answer with an ERROR event.
    pub(crate) verdict: Result<(), String>,
}

impl Description {
    pub(crate) fn new(mut info: FrameworkInfo, mut suppressed: Vec<String>) -> Self {
        suppressed.sort_unstable();
        suppressed.dedup();
        let bytes = encoded_bytes(&info);
        let verdict = validate(&info, bytes, &suppressed);
        if verdict.is_err() {
            // Nobody looks at the rest of it.
            info = FrameworkInfo { id: info.id, ..FrameworkInfo::default() };
            suppressed.clear();
        }
        let mut known = BTreeSet::new();
        info.capabilities.retain(|one| known.insert(one.r#type));
        Self { info, suppressed: suppressed.into_iter().map(Str::from).collect(), bytes, verdict }
    }
}

/// The roles of a framework.
pub(crate) fn roles(info: &FrameworkInfo) -> Vec<&str> {
    if has(info, Capability::MultiRole) {
        info.roles.iter().map(String::as_str).collect()
    } else {
        vec![info.role.as_deref().unwrap_or("*")]
    }
}

fn validate(info: &FrameworkInfo, bytes: usize, suppressed: &[String]) -> Result<(), String> {
    if bytes > limits::FRAMEWORK_INFO_BYTES_MAX {
        let most = limits::FRAMEWORK_INFO_BYTES_MAX;
        return Err(format!("'FrameworkInfo' has {bytes} bytes; the maximum is {most}"));
    }
    let multi_role = has(info, Capability::MultiRole);
    if multi_role && info.role.is_some() {
        return Err(
            "'FrameworkInfo.role' must not be set when the framework is MULTI_ROLE capable"
                .to_owned(),
        );
    }
    if !multi_role && !info.roles.is_empty() {
        return Err(
            "'FrameworkInfo.roles' must not be set when the framework is not MULTI_ROLE capable"
                .to_owned(),
        );
    }
    let roles = checked_roles(info)?;
    if let Some(id) = info.id.as_ref().filter(|id| !id.value.is_empty()) {
        check_id(&id.value)
            .map_err(|why| format!("Framework ID '{}' is invalid: {why}", shortened(&id.value)))?;
    }
    let timeout = info.failover_timeout.unwrap_or(0.0);
    if !timeout.is_finite() || timeout.abs() > 9.22e9 {
        return Err(format!(
            "The framework failover_timeout ({timeout}) is invalid: it must be a number of seconds that fits"
        ));
    }
    let foreign = suppressed.iter().find(|role| roles.binary_search(&role.as_str()).is_err());
    match foreign {
        Some(role) => {
            Err(format!("Suppressed role '{}' is not among the framework's roles", shortened(role)))
        }
        None => Ok(()),
    }
}

/// The roles of a framework in order, if each may be one and none is named twice.
fn checked_roles(info: &FrameworkInfo) -> Result<Vec<&str>, String> {
    let mut roles = roles(info);
    if roles.len() > limits::ROLES_PER_FRAMEWORK_MAX {
        let (count, most) = (roles.len(), limits::ROLES_PER_FRAMEWORK_MAX);
        return Err(format!("'FrameworkInfo.roles' names {count} roles; the maximum is {most}"));
    }
    roles.iter().try_for_each(|role| check_role(role))?;
    roles.sort_unstable();
    match roles.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!(
            "'FrameworkInfo.roles' contains the duplicate role '{}'",
            shortened(pair[0])
        )),
        None => Ok(roles),
    }
}

/// Source: Mesos, `roles::validate`.
pub(crate) fn check_role(role: &str) -> Result<(), String> {
    if role == "*" {
        return Ok(());
    }
    let wrong = |why: &str| Err(format!("Role '{}' is invalid: {why}", shortened(role)));
    if role.is_empty() {
        return wrong("it is empty");
    }
    if role.starts_with('/') || role.ends_with('/') || role.contains("//") {
        return wrong("slashes may only be used between names");
    }
    for component in role.split('/') {
        if matches!(component, "." | ".." | "*") || component.starts_with('-') {
            return wrong("a component must not be '.', '..' or '*', nor start with '-'");
        }
    }
    if role.chars().any(|one| one.is_ascii_whitespace() || one == '\u{b}' || one == '\u{7f}') {
        return wrong("it contains white space");
    }
    Ok(())
}

/// Source: Mesos, `common::validation::validateID`.
pub(crate) fn check_id(id: &str) -> Result<(), String> {
    if id.is_empty() {
        return Err("ID must not be empty".to_owned());
    }
    if id.len() > ID_BYTES_MAX {
        return Err(format!("ID must not be greater than {ID_BYTES_MAX} bytes"));
    }
    if id == "." || id == ".." {
        return Err(format!("'{id}' is disallowed"));
    }
    if id.chars().any(|one| one.is_control() || one == '/' || one == '\\') {
        return Err("it contains a slash, a backslash or a control character".to_owned());
    }
    Ok(())
}

/// Ids in messages are cut, so that a hostile one does not fill them.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 64;
    if text.chars().count() <= SHOWN {
        text.to_owned()
    } else {
        text.chars().take(SHOWN).chain("...".chars()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// \[F20\]
    #[test]
    fn role_names_are_those_that_mesos_takes() {
        for role in ["*", "web", "eng/ops", "a.b_c"] {
            assert_eq!(check_role(role), Ok(()), "{role}");
        }
        for role in ["", "/web", "web/", "a//b", ".", "a/..", "-x", "a b", "a/*", "tab\t"] {
            assert!(check_role(role).is_err(), "{role}");
        }
    }

    /// \[L9\]
    #[test]
    fn ids_may_hold_colons_and_spaces_but_no_slashes() {
        for id in ["ct:1:0:job:", "a b", "0", "x.y"] {
            assert_eq!(check_id(id), Ok(()), "{id}");
        }
        for id in ["", ".", "..", "a/b", "a\\b", "a\nb", &"x".repeat(256)] {
            assert!(check_id(id).is_err(), "{id}");
        }
    }
}
