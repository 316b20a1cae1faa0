//! Evaluates an expression for an instance.

use super::decimal;
use super::effort::Effort;
use super::facts::Facts;
use super::operator::Comparison;
use super::subject::TextSubject;
use super::tree::{Node, Predicate, TextTest};

impl Node {
    /// Whether the instance described by `facts` matches.
    pub(super) fn holds(&self, facts: &impl Facts, effort: &Effort) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.holds(facts, effort)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(facts, effort)),
            Self::Not(part) => !part.holds(facts, effort),
            Self::Test(predicate) => predicate.holds(facts, effort),
        }
    }
}

impl Predicate {
    fn holds(&self, facts: &impl Facts, effort: &Effort) -> bool {
        if !effort.spend_on_condition() {
            return false;
        }
        match self {
            Self::Text(subject, test) => subject.satisfies(test, facts, effort),
            Self::AgentVersion(comparison, wanted) => {
                let order = facts.agent_version().and_then(|version| wanted.order_of(version));
                order.is_some_and(|order| comparison.accepts(order))
            }
            Self::RegisteredAt(comparison, wanted) => {
                let known = facts.registered_at();
                known.is_some_and(|seconds| comparison.accepts(seconds.cmp(&wanted.0)))
            }
            Self::RunningTasksCount(comparison, wanted) => {
                let known = facts.running_tasks();
                known.is_some_and(|count| comparison.accepts(i64::from(count).cmp(wanted)))
            }
        }
    }
}

impl TextSubject {
    fn satisfies(&self, test: &TextTest, facts: &impl Facts, effort: &Effort) -> bool {
        let value = match self {
            Self::Attribute(name) => facts.attribute(name).map(Option::unwrap_or_default),
            Self::AgentConnected => {
                facts.agent_connected().map(|connected| if connected { "true" } else { "false" })
            }
            Self::Ec2InstanceId => facts.ec2_instance_id(),
            // Any group may satisfy a test, except `!exists`, which is about all of them.
            Self::TaskGroup if matches!(test, TextTest::Exists { negated: true }) => {
                return !facts.any_group(&mut |_| true);
            }
            Self::TaskGroup => {
                return facts.any_group(&mut |group| {
                    // Once the budget is spent, the search can stop.
                    !effort.spend_on_condition() || test.holds(Some(group), effort)
                });
            }
        };
        test.holds(value, effort)
    }
}

impl TextTest {
    /// Whether it holds for a value; without a value only `!exists` holds.
    fn holds(&self, value: Option<&str>, effort: &Effort) -> bool {
        let Some(value) = value else {
            return matches!(self, Self::Exists { negated: true });
        };
        match self {
            Self::Compare(Comparison::Equal, wanted) => value == wanted,
            Self::Compare(Comparison::NotEqual, wanted) => value != wanted,
            Self::Compare(comparison, wanted) => {
                comparison.accepts(decimal::compare(value, wanted))
            }
            Self::In { negated, values } => values.contains(value) != *negated,
            Self::Matches { negated, regex } => regex.matches(value, effort) != *negated,
            Self::Exists { negated } => !negated,
        }
    }
}
