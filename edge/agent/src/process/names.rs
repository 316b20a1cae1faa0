//! Names of users and groups, for people.

use std::collections::BTreeMap;

use super::launch::entry;

/// The names of users or of groups that were asked for once: a listing of ten thousand files has few owners, and each look reads a file
/// of the machine.
#[derive(Debug)]
pub struct Names {
    file: &'static str,
    known: BTreeMap<u32, String>,
}

impl Names {
    /// Those of users.
    pub fn of_users() -> Self {
        Self { file: "/etc/passwd", known: BTreeMap::new() }
    }

    /// Those of groups.
    pub fn of_groups() -> Self {
        Self { file: "/etc/group", known: BTreeMap::new() }
    }

    /// The name; its number if it has none.
    pub fn of(&mut self, id: u32) -> &str {
        self.known.entry(id).or_insert_with(|| name_of(self.file, id))
    }
}

/// The name of a user, or of a group; its number if it has none.
fn name_of(file: &str, id: u32) -> String {
    let text = id.to_string();
    let found = entry(file, |fields| fields.get(2) == Some(&&*text));
    found.and_then(|mut fields| (!fields.is_empty()).then(|| fields.swap_remove(0))).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_looked_up_once_and_who_has_none_is_a_number() {
        let mut users = Names::of_users();
        assert_eq!([users.of(0).to_owned(), users.of(0).to_owned()], ["root", "root"]);
        assert_eq!(users.of(3_999_999_999), "3999999999");
        assert_eq!(users.known.len(), 2);
        assert_eq!(Names::of_groups().of(0), "root");
        let mut told = Names { file: "/nothing", known: BTreeMap::from([(0, "kept".to_owned())]) };
        assert_eq!(told.of(0), "kept", "it is not looked up again");
    }
}
