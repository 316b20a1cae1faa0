//! The cluster query language: which container instances an expression means.
//!
//! `ListContainerInstances` filters by it, `memberOf` constraints place by it. An [`Expression`] is wholly checked
//! when it is parsed, so that a request is refused before anything is decided; from then on nothing can go wrong.
//! What it knows of an instance it asks of [`Facts`], so the language depends on nobody's state.
//!
//! ```ebnf
//! expression = all , { ( "or" | "||" ) , all } ;
//! all        = unary , { ( "and" | "&&" ) , unary } ;
//! unary      = ( "not" | "!" ) , unary | "(" , expression , ")" | predicate ;
//! predicate  = subject , ( "exists" | "!exists" | "not_exists" )
//!            | subject , comparison , value
//!            | subject , ( "in" | "!in" | "not_in" ) , "[" , value , { "," , value } , "]" ;
//! comparison = "==" | "equals" | "!=" | "not_equals" | ">" | "greater_than" | ">=" | "greater_than_equal"
//!            | "<" | "less_than" | "<=" | "less_than_equal" | "=~" | "matches" | "!~" | "not_matches" ;
//! subject    = "agentConnected" | "agentVersion" | "ec2InstanceId" | "registeredAt" | "runningTasksCount"
//!            | "task:group" | "attribute:" , name ;
//! name       = 1 to 128 letters, digits and the characters - _ / \ . ;
//! value      = bare | "'" , any but "'" , "'" | '"' , any but '"' , '"' ;
//! bare       = what does not begin with one of ' " = < > ! ~ and, outside regular expressions, [ ;
//!              it ends before a blank, "(", ")", "&&" and "||", and in a list also before "," and "]" ;
//! ```
//!
//! | Subject | Value | Operators |
//! |---|---|---|
//! | `attribute:NAME`, `task:group` | text | all |
//! | `agentConnected`, `ec2InstanceId` | text; `true` or `false` for the former | `==` `!=` `in` `!in` `=~` `!~` |
//! | `agentVersion` | whole numbers with dots between | `==` `!=` `>` `>=` `<` `<=` |
//! | `registeredAt` | a date, or date and time, UTC where no zone is said | the same |
//! | `runningTasksCount` | whole number | the same |
//!
//! What is not there satisfies `!exists` and nothing else: `attribute:stack != prod` means the instances that have
//! the attribute with another value, and `not attribute:stack == prod` means those without it too. An attribute
//! without a value compares as the empty text. `task:group` means any of the groups that run on the instance.
//! `>` and its like compare attributes as numbers where both sides are decimal numbers, and else as text.
//!
//! Invariants: parsing ends for every text, with an expression or with an error that says where; evaluation never
//! fails, ends after a bounded number of steps, and allocates nothing but what a regular expression may need.
//!
//! Source: ECS developer guide, *Cluster query language*. Chosen by us where it is silent: `not` binds closer than
//! `and`, `and` closer than `or`; keywords are lower case; double quotes do what single quotes do.

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
/// Two are equal when they have the same canonical form, which `Display` gives: operators as symbols, only the
/// parentheses and quotes that are needed, lists sorted. Parsing the canonical form gives an equal expression, unless
/// the form is longer than an expression may be.
#[derive(Clone, Debug)]
pub struct Expression {
    root: Node,
    /// Of the canonical form; seldom the same for expressions that are not equal.
    sign: u64,
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.root == other.root
    }
}

impl Eq for Expression {}

impl Expression {
    /// Reads an expression and checks all of it: subjects, operators, values, regular expressions.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut parsed = Self { root: parser::parse(text)?, sign: 0 };
        parsed.sign = sign(&parsed.to_string());
        Ok(parsed)
    }

    /// Whether an instance of which `facts` tell is meant.
    pub fn matches(&self, facts: &impl Facts) -> bool {
        self.matches_within(facts, &Effort::unbounded())
    }

    /// The same, as long as there is effort left; once it is spent, the answer says nothing.
    pub fn matches_within(&self, facts: &impl Facts, effort: &Effort) -> bool {
        self.root.holds(facts, effort)
    }

    /// A number that is the same for expressions of one canonical form, and seldom for others.
    pub(crate) fn sign(&self) -> u64 {
        self.sign
    }

    /// Whether the answer depends on the tasks of the instance: `task:group` or `runningTasksCount`.
    pub fn reads_tasks(&self) -> bool {
        self.root.predicates().into_iter().any(|predicate| {
            matches!(
                predicate,
                Predicate::Text(TextSubject::TaskGroup, _) | Predicate::RunningTasksCount(..)
            )
        })
    }

    /// Whether the answer depends on what the agent told, apart from attributes: `agentConnected`, `agentVersion`,
    /// `ec2InstanceId` or `registeredAt`.
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

    /// The names of the attributes on which the answer depends, sorted, each once.
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
