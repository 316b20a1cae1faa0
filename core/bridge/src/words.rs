//! Which ids and names Mesos takes, and how those of others are shown in messages.

use crate::limits::ID_BYTES_MAX;

/// Whether a role may have that name.
///
/// # Errors
/// What is wrong with it, in Mesos's words. Source: Mesos, `roles::validate`.
pub fn check_role(role: &str) -> Result<(), String> {
    if role == "*" {
        return Ok(());
    }
    if role.is_empty() {
        return Err("Empty role name is invalid".to_owned());
    }
    let wrong = |why: &str| Err(format!("Role '{}' {why}", shortened(role)));
    if role.starts_with('/') {
        return wrong("cannot start with a slash");
    }
    if role.ends_with('/') {
        return wrong("cannot end with a slash");
    }
    for component in role.split('/') {
        if component.is_empty() {
            return wrong("cannot contain two adjacent slashes");
        }
        if matches!(component, "." | ".." | "*") {
            return wrong(&format!("cannot include '{component}' as a component"));
        }
        if component.starts_with('-') {
            let component = shortened(component);
            return wrong(&format!(
                "component '{component}' is invalid because it begins with a dash"
            ));
        }
    }
    if role.chars().any(|one| one.is_ascii_whitespace() || one == '\u{b}' || one == '\u{7f}') {
        return wrong("cannot contain whitespace");
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
        return Err(format!("'{}' contains invalid characters", shortened(id)));
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
