//! What a framework may say of itself. Source: Mesos, `master/validation.cpp`, and `roles.cpp`.

use longshore_wire_mesos::v1::FrameworkInfo;
use longshore_wire_mesos::v1::framework_info::capability::Type as Capability;

use crate::framework::has;
use crate::limits::ID_BYTES_MAX;

/// Checks a framework's description and the roles that it wants suppressed.
///
/// # Errors
/// What Mesos would answer with an ERROR event.
pub(crate) fn validate(info: &FrameworkInfo, suppressed: &[String]) -> Result<(), String> {
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
    let roles = if multi_role {
        info.roles.clone()
    } else {
        vec![info.role.clone().unwrap_or_else(|| "*".to_owned())]
    };
    for (index, role) in roles.iter().enumerate() {
        check_role(role)?;
        if roles[..index].contains(role) {
            return Err(format!("'FrameworkInfo.roles' contains the duplicate role '{role}'"));
        }
    }
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
    if let Some(role) = suppressed.iter().find(|role| !roles.contains(role)) {
        return Err(format!("Suppressed role '{role}' is not among the framework's roles"));
    }
    Ok(())
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
        return wrong("slashes must stand between names");
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

    #[test]
    fn role_names_are_those_that_mesos_takes() {
        for role in ["*", "web", "eng/ops", "a.b_c"] {
            assert_eq!(check_role(role), Ok(()), "{role}");
        }
        for role in ["", "/web", "web/", "a//b", ".", "a/..", "-x", "a b", "a/*", "tab\t"] {
            assert!(check_role(role).is_err(), "{role}");
        }
    }

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
