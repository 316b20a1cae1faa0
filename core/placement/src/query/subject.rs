//! Subjects: what an expression can query.

use std::fmt;

use longshore_wire_ecs::limits::ATTRIBUTE_NAME_CHARS_MAX;

use super::error::{ErrorKind, quotable};
use super::nearest::nearest;
use super::operator::{Comparison, Operator, SPELLINGS};

/// What an expression can query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// A subject that compares as text.
    Text(TextSubject),
    AgentVersion,
    RegisteredAt,
    RunningTasksCount,
}

/// A subject that compares as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TextSubject {
    Attribute(String),
    TaskGroup,
    AgentConnected,
    Ec2InstanceId,
}

/// The subjects with fixed names.
const FIXED: [(&str, Subject); 6] = [
    ("agentConnected", Subject::Text(TextSubject::AgentConnected)),
    ("agentVersion", Subject::AgentVersion),
    ("ec2InstanceId", Subject::Text(TextSubject::Ec2InstanceId)),
    ("registeredAt", Subject::RegisteredAt),
    ("runningTasksCount", Subject::RunningTasksCount),
    ("task:group", Subject::Text(TextSubject::TaskGroup)),
];

/// The prefix of attribute subjects.
const ATTRIBUTE: &str = "attribute:";

/// Words between predicates, which must not be suggested as attributes.
const CONNECTIVES: [&str; 2] = ["and", "or"];

/// Whether a character may occur in a subject.
pub(super) fn is_subject_char(character: char) -> bool {
    character == ':' || is_name_char(character)
}

fn is_name_char(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_/\\.".contains(character)
}

impl Subject {
    /// Parses a subject.
    ///
    /// # Errors
    /// If it is unknown, with a suggestion.
    pub(super) fn parse(word: &str) -> Result<Self, ErrorKind> {
        if let Some((_, subject)) = FIXED.iter().find(|(name, _)| *name == word) {
            return Ok(subject.clone());
        }
        let Some(name) = word.strip_prefix(ATTRIBUTE) else {
            return Err(ErrorKind::UnknownSubject { found: quotable(word), nearest: meant(word) });
        };
        if name.is_empty() {
            return Err(ErrorKind::MissingAttributeName);
        }
        if name.len() > ATTRIBUTE_NAME_CHARS_MAX || !name.chars().all(is_name_char) {
            return Err(ErrorKind::AttributeName { name: quotable(name) });
        }
        Ok(Self::Text(TextSubject::Attribute(name.to_owned())))
    }

    /// Whether `operator` can be applied to it.
    fn allows(&self, operator: Operator) -> bool {
        match self {
            Self::Text(subject) => subject.allows(operator),
            Self::AgentVersion | Self::RegisteredAt | Self::RunningTasksCount => {
                matches!(operator, Operator::Compare(_))
            }
        }
    }

    /// An error saying that `operator` cannot be applied, with those that can.
    pub(super) fn refusal(&self, operator: Operator) -> ErrorKind {
        let symbols = SPELLINGS.iter().filter(|(spelling, of)| of.symbol() == *spelling);
        let allowed = symbols.filter(|(_, operator)| self.allows(*operator));
        ErrorKind::OperatorNotAllowed {
            subject: self.to_string(),
            operator: operator.symbol(),
            allowed: allowed.map(|(symbol, _)| *symbol).collect(),
        }
    }
}

impl TextSubject {
    /// Whether `operator` can be applied to it. Source: ECS developer guide, the table of subjects.
    pub(super) fn allows(&self, operator: Operator) -> bool {
        match self {
            Self::Attribute(_) | Self::TaskGroup => true,
            Self::AgentConnected | Self::Ec2InstanceId => matches!(
                operator,
                Operator::Compare(Comparison::Equal | Comparison::NotEqual)
                    | Operator::In { .. }
                    | Operator::Matches { .. }
            ),
        }
    }
}

/// The subject that the author of `word` probably meant.
fn meant(word: &str) -> Option<String> {
    let names = FIXED.iter().map(|(name, _)| *name).chain(["not"]);
    if let Some(name) = nearest(word, names) {
        return Some(name.to_owned());
    }
    match word.split_once(':') {
        Some((prefix, name)) => {
            nearest(prefix, [ATTRIBUTE.trim_end_matches(':')]).map(|_| format!("{ATTRIBUTE}{name}"))
        }
        None if nearest(word, CONNECTIVES).is_some() => None,
        None => Some(format!("{ATTRIBUTE}{word}")),
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Text(TextSubject::Attribute(name)) = self {
            return write!(f, "{ATTRIBUTE}{name}");
        }
        let fixed = FIXED.iter().find(|(_, subject)| subject == self);
        f.write_str(fixed.map_or("", |(name, _)| name))
    }
}
