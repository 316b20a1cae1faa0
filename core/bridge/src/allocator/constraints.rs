//! Offer constraints: which agents a framework wants to be offered at all. Source: \[C5\]; Mesos, `OfferConstraintsFilter`.
//!
//! A role has groups of constraints; an agent fits if it satisfies all constraints of one group. Constraints for roles that
//! the framework does not have are kept and have no effect until it has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use longshore_wire_mesos::v1::scheduler::attribute_constraint::selector::PseudoattributeType;
use longshore_wire_mesos::v1::scheduler::attribute_constraint::{Predicate, Selector};
use longshore_wire_mesos::v1::scheduler::{AttributeConstraint, OfferConstraints};

use super::agents::Facts;
use super::pattern::Pattern;
use crate::ids::Role;
use crate::limits;
use crate::words::shortened;

/// The constraints of one framework, by role.
#[derive(Clone, Debug, Default)]
pub(crate) struct Constraints(BTreeMap<Role, Arc<RoleConstraints>>);

/// Groups, one of which must be satisfied.
#[derive(Debug)]
pub(super) struct RoleConstraints {
    groups: Vec<Vec<Constraint>>,
    count: usize,
}

#[derive(Debug)]
struct Constraint {
    of: Selected,
    test: Test,
}

/// What a constraint is about.
#[derive(Debug)]
enum Selected {
    Attribute(String),
    Hostname,
    Region,
    Zone,
}

#[derive(Debug)]
enum Test {
    Exists,
    NotExists,
    Equals(String),
    NotEquals(String),
    Matches(Pattern),
    NotMatches(Pattern),
}

impl Constraints {
    /// # Errors
    /// What is wrong with them, in the words of Mesos.
    pub(crate) fn read(given: &OfferConstraints) -> Result<Self, String> {
        let mut all = BTreeMap::new();
        let mut left = limits::CONSTRAINTS_PER_FRAMEWORK_MAX;
        for (role, constraints) in &given.role_constraints {
            let shown = shortened(role);
            if constraints.groups.is_empty() {
                return Err(format!(
                    "'OfferConstraints::role_constraints' has an empty 'RoleConstraints::groups' for role {shown}"
                ));
            }
            let mut groups = Vec::with_capacity(constraints.groups.len().min(left));
            let mut count = 0;
            for group in &constraints.groups {
                let given = &group.attribute_constraints;
                if given.is_empty() {
                    // Mesos has no space there either.
                    return Err(format!(
                        "'OfferConstraints::RoleConstraints::groups' for role {shown}contains an empty RoleConstraints::Group"
                    ));
                }
                count += given.len();
                left = left.checked_sub(given.len()).ok_or_else(too_many)?;
                let read: Result<Vec<Constraint>, String> =
                    given.iter().map(Constraint::read).collect();
                groups.push(read.map_err(|why| {
                    format!("A role {shown} has an invalid 'AttributeConstraint': {why}")
                })?);
            }
            all.insert(Role::from(&**role), Arc::new(RoleConstraints { groups, count }));
        }
        Ok(Self(all))
    }

    pub(super) fn of(&self, role: &str) -> Option<&Arc<RoleConstraints>> {
        self.0.get(role)
    }
}

fn too_many() -> String {
    let most = limits::CONSTRAINTS_PER_FRAMEWORK_MAX;
    format!("at most {most} attribute constraints per framework are supported")
}

impl RoleConstraints {
    /// Whether an agent fits.
    pub(super) fn allow(&self, agent: &Facts) -> bool {
        self.groups.iter().any(|group| group.iter().all(|one| one.allows(agent)))
    }

    /// How many there are at most to be tested.
    pub(super) fn count(&self) -> usize {
        self.count
    }
}

impl Constraint {
    fn read(given: &AttributeConstraint) -> Result<Self, String> {
        Ok(Self { of: Selected::read(&given.selector)?, test: Test::read(&given.predicate)? })
    }

    fn allows(&self, agent: &Facts) -> bool {
        let found = match &self.of {
            Selected::Hostname => Some(agent.hostname()),
            Selected::Region => agent.region(),
            Selected::Zone => agent.zone(),
            // The first of that name counts.
            Selected::Attribute(name) => agent.attribute(name).map(|text| &**text),
        };
        self.test.passes(found)
    }
}

impl Selected {
    fn read(given: &Selector) -> Result<Self, String> {
        match (&given.attribute_name, given.pseudoattribute_type) {
            (Some(name), None) => Ok(Self::Attribute(name.clone())),
            (None, Some(kind)) => match PseudoattributeType::try_from(kind) {
                Ok(PseudoattributeType::Hostname) => Ok(Self::Hostname),
                Ok(PseudoattributeType::Region) => Ok(Self::Region),
                Ok(PseudoattributeType::Zone) => Ok(Self::Zone),
                Ok(PseudoattributeType::Unknown) | Err(_) => {
                    Err("Unknown pseudoattribute type".to_owned())
                }
            },
            (None, None) | (Some(_), Some(_)) => Err(
                "Exactly one of 'AttributeConstraint::Selector::name' or 'AttributeConstraint::Selector::pseudoattribute_type' must be set"
                    .to_owned(),
            ),
        }
    }
}

impl Test {
    fn read(given: &Predicate) -> Result<Self, String> {
        let Predicate {
            exists,
            not_exists,
            text_equals,
            text_not_equals,
            text_matches,
            text_not_matches,
        } = given;
        let mut tests = Vec::new();
        tests.extend(exists.as_ref().map(|_| Ok(Self::Exists)));
        tests.extend(not_exists.as_ref().map(|_| Ok(Self::NotExists)));
        tests.extend(text_equals.as_ref().map(|one| Ok(Self::Equals(one.value.clone()))));
        tests.extend(text_not_equals.as_ref().map(|one| Ok(Self::NotEquals(one.value.clone()))));
        tests.extend(text_matches.as_ref().map(|one| Pattern::new(&one.regex).map(Self::Matches)));
        tests.extend(
            text_not_matches.as_ref().map(|one| Pattern::new(&one.regex).map(Self::NotMatches)),
        );
        // One of several: where more than one is set, the last one counts.
        tests.pop().unwrap_or_else(|| Err("Unknown predicate type".to_owned()))
    }

    fn passes(&self, found: Option<&str>) -> bool {
        let Some(text) = found else {
            return matches!(self, Self::NotExists | Self::NotEquals(_) | Self::NotMatches(_));
        };
        match self {
            Self::Exists => true,
            Self::NotExists => false,
            Self::Equals(value) => text == value,
            Self::NotEquals(value) => text != value,
            Self::Matches(pattern) => pattern.matches(text),
            Self::NotMatches(pattern) => !pattern.matches(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use longshore_wire_mesos::v1::scheduler::attribute_constraint::predicate::{
        Exists, NotExists, TextEquals, TextMatches, TextNotEquals, TextNotMatches,
    };
    use longshore_wire_mesos::v1::scheduler::offer_constraints::RoleConstraints as Given;
    use longshore_wire_mesos::v1::scheduler::offer_constraints::role_constraints::Group;

    use super::*;
    use crate::amounts::Amounts;

    fn agent() -> Facts {
        let attributes = vec![("rack".into(), "r1".into()), ("rack".into(), "r2".into())];
        Facts::new("host-1", Amounts::default())
            .with_domain("eu-west-1", "eu-west-1a")
            .with_attributes(attributes)
    }

    fn named(name: &str) -> Selector {
        Selector { attribute_name: Some(name.to_owned()), pseudoattribute_type: None }
    }

    fn pseudo(kind: i32) -> Selector {
        Selector { attribute_name: None, pseudoattribute_type: Some(kind) }
    }

    fn equals(value: &str) -> Predicate {
        let text_equals = Some(TextEquals { value: value.to_owned() });
        Predicate { text_equals, ..Predicate::default() }
    }

    fn matches(regex: &str) -> Predicate {
        let text_matches = Some(TextMatches { regex: regex.to_owned() });
        Predicate { text_matches, ..Predicate::default() }
    }

    fn groups(groups: &[&[(Selector, Predicate)]]) -> OfferConstraints {
        let groups = groups.iter().map(|group| Group {
            attribute_constraints: group
                .iter()
                .map(|(selector, predicate)| AttributeConstraint {
                    selector: selector.clone(),
                    predicate: predicate.clone(),
                })
                .collect(),
        });
        let role = Given { groups: groups.collect() };
        OfferConstraints { role_constraints: BTreeMap::from([("web".to_owned(), role)]) }
    }

    fn allows(selector: Selector, predicate: Predicate) -> bool {
        let read = Constraints::read(&groups(&[&[(selector, predicate)]])).expect("valid");
        read.of("web").expect("given").allow(&agent())
    }

    /// \[C5\]
    #[test]
    fn each_predicate_tests_what_is_there_what_is_not_and_what_is_no_text() {
        let none = Predicate::default();
        let exists = Predicate { exists: Some(Exists {}), ..none.clone() };
        let not_exists = Predicate { not_exists: Some(NotExists {}), ..none.clone() };
        let not_equals = Predicate {
            text_not_equals: Some(TextNotEquals { value: "r1".to_owned() }),
            ..none.clone()
        };
        let not_matches = Predicate {
            text_not_matches: Some(TextNotMatches { regex: "r[0-9]".to_owned() }),
            ..none
        };
        // Of `rack`, which is `r1`, and of nothing.
        for (predicate, expected) in [
            (exists, [true, false]),
            (not_exists, [false, true]),
            (equals("r1"), [true, false]),
            (equals("r2"), [false, false]),
            (not_equals, [false, true]),
            (matches("r[0-9]"), [true, false]),
            (matches("r"), [false, false]),
            (not_matches, [false, true]),
        ] {
            let found = ["rack", "none"].map(|name| allows(named(name), predicate.clone()));
            assert_eq!(found, expected, "{predicate:?}");
        }
    }

    /// \[C5\]
    #[test]
    fn hostname_region_and_zone_are_selected_as_if_they_were_attributes() {
        assert!(allows(pseudo(1), equals("host-1")) && !allows(pseudo(1), equals("host-2")));
        assert!(allows(pseudo(2), matches("eu-.*")) && !allows(pseudo(2), matches("us-.*")));
        assert!(allows(pseudo(3), equals("eu-west-1a")));
    }

    /// \[C5\]
    #[test]
    fn one_group_must_be_satisfied_and_all_of_it() {
        let (yes, no) = ((named("rack"), equals("r1")), (named("rack"), equals("r9")));
        let both = groups(&[&[yes.clone(), no.clone()]]);
        let either = groups(&[std::slice::from_ref(&no), std::slice::from_ref(&yes)]);
        let fits = |given| {
            let read = Constraints::read(&given).expect("valid");
            read.of("web").expect("given").allow(&agent())
        };
        assert!(!fits(both) && fits(either));
    }

    /// \[C5\]
    #[test]
    fn what_is_not_valid_is_refused_in_the_words_of_mesos() {
        let why = |given: &OfferConstraints| Constraints::read(given).expect_err("invalid");
        assert_eq!(
            why(&groups(&[])),
            "'OfferConstraints::role_constraints' has an empty 'RoleConstraints::groups' for role web"
        );
        assert_eq!(
            why(&groups(&[&[(named("rack"), matches("("))]])),
            "A role web has an invalid 'AttributeConstraint': Failed to construct regex from pattern '(': missing ): ("
        );
        assert_eq!(
            why(&groups(&[&[(Selector::default(), equals("x"))]])),
            "A role web has an invalid 'AttributeConstraint': Exactly one of 'AttributeConstraint::Selector::name' or 'AttributeConstraint::Selector::pseudoattribute_type' must be set"
        );
        assert!(
            why(&groups(&[&[(pseudo(7), equals("x"))]])).ends_with("Unknown pseudoattribute type")
        );
        assert!(
            why(&groups(&[&[(named("x"), Predicate::default())]]))
                .ends_with("Unknown predicate type")
        );
        assert!(why(&groups(&[&[]])).ends_with("contains an empty RoleConstraints::Group"));
        let many = vec![(named("x"), equals("x")); limits::CONSTRAINTS_PER_FRAMEWORK_MAX + 1];
        assert!(why(&groups(&[&many])).ends_with("constraints per framework are supported"));
    }
}
