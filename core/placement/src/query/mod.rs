//! The cluster query language: which container instances match an expression.
//!
//! `ListContainerInstances` filters with it, and `memberOf` constraints use it for placement. An
//! [`Expression`] is fully checked when it is parsed, so a request is rejected before anything is
//! decided; evaluation cannot fail. It queries instances through [`Facts`], so the language depends
//! on no other state.
//!
//! ```ebnf
//! expression = all , { ( "or" | "||" ) , all } ;
//! all        = unary , { ( "and" | "&&" ) , unary } ;
//! unary      = ( "not" | "!" ) , unary | "(" , expression , ")" | predicate ;
//! predicate  = subject , ( "exists" | "!exists" | "not_exists" )
//!            | subject , comparison , value
//!            | subject , ( "in" | "!in" | "not_in" ) , "[" , value , { "," , value } , "]" ;
//! comparison = "==" | "equals" | "!=" | "not_equals" | ">" | "greater_than"
//!            | ">=" | "greater_than_equal" | "<" | "less_than" | "<=" | "less_than_equal"
//!            | "=~" | "matches" | "!~" | "not_matches" ;
//! subject    = "agentConnected" | "agentVersion" | "ec2InstanceId" | "registeredAt"
//!            | "runningTasksCount" | "task:group" | "attribute:" , name ;
//! name       = 1 to 128 letters, digits and the characters - _ / \ . ;
//! value      = bare | "'" , any but "'" , "'" | '"' , any but '"' , '"' ;
//! bare       = does not start with any of ' " = < > ! ~ or, outside regular expressions, [ ;
//!              ends before whitespace, "(", ")", "&&" and "||", and in a list before "," and "]" ;
//! ```
//!
//! | Subject | Value | Operators |
//! |---|---|---|
//! | `attribute:NAME`, `task:group` | text | all |
//! | `agentConnected` | `true` or `false` | `==` `!=` `in` `!in` `=~` `!~` |
//! | `ec2InstanceId` | text | the same |
//! | `agentVersion` | whole numbers separated by dots | `==` `!=` `>` `>=` `<` `<=` |
//! | `registeredAt` | a date, or date and time, in UTC unless a zone is given | the same |
//! | `runningTasksCount` | whole number | the same |
//!
//! An absent fact satisfies `!exists` and nothing else: `attribute:stack != prod` matches instances
//! that have the attribute with another value, while `not attribute:stack == prod` also matches
//! those without it. An attribute without a value compares as the empty text. `task:group` matches
//! if any of the groups on the instance does. `>` and similar operators compare attributes as
//! numbers if both sides are decimal numbers, otherwise as text.
//!
//! Invariants: parsing terminates for every text, with an expression or an error with its position;
//! evaluation never fails, terminates after a bounded number of steps, and allocates only for
//! regular expressions.
//!
//! Source: ECS developer guide, *Cluster query language*. Chosen by us where it is silent: `not`
//! binds tighter than `and`, `and` tighter than `or`; keywords are lower case; double quotes work
//! like single quotes.

mod canonical;
mod decimal;
mod effort;
mod error;
mod evaluate;
mod facts;
mod instant;
mod lexer;
mod limits;
mod nearest;
mod operator;
mod parser;
mod regex;
mod subject;
mod tree;
mod version;

use std::collections::BTreeSet;
use std::str::FromStr;

pub use effort::Effort;
pub use error::{ErrorKind, ExpressionError, Found};
pub use facts::Facts;
pub use regex::RegexProblem;

use subject::TextSubject;
use tree::{Node, Predicate};

/// An expression of the cluster query language.
///
/// Two are equal if their canonical forms are, which `Display` writes: operators as symbols, only
/// the necessary parentheses and quotes, lists sorted. Parsing the canonical form gives an equal
/// expression, unless the form exceeds the maximum length.
#[derive(Clone, Debug)]
pub struct Expression {
    root: Node,
    /// Hash of the canonical form.
    sign: u64,
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

impl Eq for Expression {}

impl Expression {
    /// Parses an expression and checks all of it: subjects, operators, values, regular expressions.
    ///
    /// # Errors
    /// The first error and its position.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut parsed = Self { root: parser::parse(text)?, sign: 0 };
        parsed.sign = sign(&parsed.to_string());
        Ok(parsed)
    }

    /// Whether the instance described by `facts` matches.
    pub fn matches(&self, facts: &impl Facts) -> bool {
        self.matches_within(facts, &Effort::unbounded())
    }

    /// The same within a budget; once it is spent, the answer is meaningless.
    pub fn matches_within(&self, facts: &impl Facts, effort: &Effort) -> bool {
        self.root.holds(facts, effort)
    }

    /// A hash of the canonical form.
    pub(crate) fn sign(&self) -> u64 {
        self.sign
    }

    /// Whether the result depends on the tasks of the instance: `task:group` or
    /// `runningTasksCount`.
    pub fn reads_tasks(&self) -> bool {
        self.root.predicates().into_iter().any(|predicate| {
            matches!(
                predicate,
                Predicate::Text(TextSubject::TaskGroup, _) | Predicate::RunningTasksCount(..)
            )
        })
    }

    /// Whether the result depends on what the agent reported, apart from attributes:
    /// `agentConnected`, `agentVersion`, `ec2InstanceId` or `registeredAt`.
    pub fn reads_agent(&self) -> bool {
        self.root.predicates().into_iter().any(|predicate| {
            matches!(
                predicate,
                Predicate::Text(TextSubject::AgentConnected | TextSubject::Ec2InstanceId, _)
                    | Predicate::AgentVersion(..)
                    | Predicate::RegisteredAt(..)
            )
        })
    }

    /// The names of the attributes that the result depends on, sorted and unique.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        let mut names = BTreeSet::new();
        for predicate in self.root.predicates() {
            if let Predicate::Text(TextSubject::Attribute(name), _) = predicate {
                names.insert(name.as_str());
            }
        }
        names.into_iter()
    }
}

/// FNV-1a.
fn sign(text: &str) -> u64 {
    let mix = |sign: u64, byte| (sign ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, mix)
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests;
