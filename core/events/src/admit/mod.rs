//! Requests: validated here, then rejected with AWS's error messages or carried out.

mod message;
mod move_task;
mod page;
mod permission;
mod queue;
mod receipt;
mod rule;
mod send;
mod tag;
mod target;
mod wait;

use longshore_machine::Timestamp;
use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::{Str, eventbridge, sqs};

use crate::machine::{Answer, Bus, Call, Output, Refusal};
use crate::prepare;

pub(crate) use message::is_lawful_body;
pub(crate) use queue::free_names;
pub(crate) use rule::{check_bus, test_pattern};

/// Who calls SQS, and from where.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) call: Call,
    pub(crate) realm: Realm,
    /// Prefix of queue URLs.
    pub(crate) origin: Str,
}

impl Caller {
    /// The URL of a queue, as this caller can use it.
    fn url(&self, name: &str) -> Str {
        format!("{}/{}/{name}", self.origin, self.realm.account).into()
    }
}

/// Answers an EventBridge request.
pub(crate) fn eventbridge(
    bus: &mut Bus,
    now: Timestamp,
    realm: &Realm,
    request: eventbridge::Request,
    out: &mut Vec<Output>,
) -> Result<eventbridge::Response, eventbridge::Error> {
    use eventbridge::{Request, Response};
    let done = |()| eventbridge::shape::Empty::default();
    Ok(match request {
        Request::PutRule(ask) => Response::PutRule(rule::put(bus, realm, *ask, out)?),
        Request::DescribeRule(ask) => Response::DescribeRule(rule::describe(bus, realm, &ask)?),
        Request::ListRules(ask) => Response::ListRules(rule::list(bus, realm, &ask)?),
        Request::DeleteRule(ask) => {
            Response::DeleteRule(rule::delete(bus, realm, &ask, out).map(done)?)
        }
        Request::EnableRule(ask) => {
            Response::EnableRule(rule::set_state(bus, realm, &ask, "ENABLED", out).map(done)?)
        }
        Request::DisableRule(ask) => {
            Response::DisableRule(rule::set_state(bus, realm, &ask, "DISABLED", out).map(done)?)
        }
        Request::PutTargets(ask) => Response::PutTargets(target::put(bus, realm, *ask, out)?),
        Request::RemoveTargets(ask) => {
            Response::RemoveTargets(target::remove(bus, realm, &ask, out)?)
        }
        Request::ListTargetsByRule(ask) => {
            Response::ListTargetsByRule(target::list(bus, realm, &ask)?)
        }
        Request::ListRuleNamesByTarget(ask) => {
            Response::ListRuleNamesByTarget(target::rules_of(bus, realm, &ask)?)
        }
        Request::PutEvents(ask) => Response::PutEvents(prepare::put(bus, now, realm, *ask, out)?),
        Request::DescribeEventBus(ask) => {
            Response::DescribeEventBus(rule::describe_bus(realm, ask.name.as_ref())?)
        }
        Request::ListEventBuses(ask) => Response::ListEventBuses(rule::list_buses(realm, &ask)?),
        Request::TagResource(ask) => {
            Response::TagResource(tag::tag(bus, realm, &ask, out).map(done)?)
        }
        Request::UntagResource(ask) => {
            Response::UntagResource(tag::untag(bus, realm, &ask, out).map(done)?)
        }
        Request::ListTagsForResource(ask) => {
            Response::ListTagsForResource(tag::list(bus, realm, &ask)?)
        }
        Request::TestEventPattern(ask) => Response::TestEventPattern(rule::test_pattern(&ask)?),
    })
}

/// Answers an SQS request, now or, if the caller wants to wait, later.
pub(crate) fn sqs(
    bus: &mut Bus,
    now: Timestamp,
    caller: Caller,
    request: sqs::Request,
    out: &mut Vec<Output>,
) {
    let answered = match request {
        sqs::Request::ReceiveMessage(ask) => wait::receive(bus, now, &caller, *ask, out),
        other => answer(bus, now, &caller, other, out).map(Some),
    };
    let reply = match answered {
        Ok(Some(response)) => Ok(Answer::Sqs(response)),
        Ok(None) => return,
        Err(error) => Err(Refusal::Sqs(error)),
    };
    out.push(Output::Reply(caller.call, reply));
}

fn answer(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    request: sqs::Request,
    out: &mut Vec<Output>,
) -> Result<sqs::Response, sqs::Error> {
    use sqs::{Request, Response};
    let done = |()| sqs::shape::Empty::default();
    Ok(match request {
        Request::CreateQueue(ask) => {
            Response::CreateQueue(queue::create(bus, now, caller, *ask, out)?)
        }
        Request::GetQueueUrl(ask) => Response::GetQueueUrl(queue::url(bus, caller, &ask)?),
        Request::ListQueues(ask) => Response::ListQueues(queue::list(bus, caller, &ask)?),
        Request::DeleteQueue(ask) => {
            Response::DeleteQueue(queue::delete(bus, now, caller, &ask, out).map(done)?)
        }
        Request::PurgeQueue(ask) => {
            Response::PurgeQueue(queue::purge(bus, now, caller, &ask, out).map(done)?)
        }
        Request::SendMessage(ask) => Response::SendMessage(send::one(bus, now, caller, *ask, out)?),
        Request::SendMessageBatch(ask) => {
            Response::SendMessageBatch(send::batch(bus, now, caller, *ask, out)?)
        }
        Request::ReceiveMessage(_) => unreachable!("a receive may wait and is answered apart"),
        Request::DeleteMessage(ask) => {
            Response::DeleteMessage(receipt::delete(bus, now, caller, &ask, out).map(done)?)
        }
        Request::DeleteMessageBatch(ask) => {
            Response::DeleteMessageBatch(receipt::delete_batch(bus, now, caller, *ask, out)?)
        }
        Request::ChangeMessageVisibility(ask) => Response::ChangeMessageVisibility(
            receipt::change(bus, now, caller, &ask, out).map(done)?,
        ),
        Request::ChangeMessageVisibilityBatch(ask) => Response::ChangeMessageVisibilityBatch(
            receipt::change_batch(bus, now, caller, *ask, out)?,
        ),
        Request::GetQueueAttributes(ask) => {
            Response::GetQueueAttributes(queue::attributes(bus, now, caller, &ask, out)?)
        }
        Request::SetQueueAttributes(ask) => {
            Response::SetQueueAttributes(queue::set(bus, now, caller, *ask, out).map(done)?)
        }
        Request::ListDeadLetterSourceQueues(ask) => {
            Response::ListDeadLetterSourceQueues(queue::sources(bus, caller, &ask)?)
        }
        other @ (Request::TagQueue(_)
        | Request::UntagQueue(_)
        | Request::ListQueueTags(_)
        | Request::AddPermission(_)
        | Request::RemovePermission(_)
        | Request::StartMessageMoveTask(_)
        | Request::CancelMessageMoveTask(_)
        | Request::ListMessageMoveTasks(_)) => beside(bus, now, caller, other, out)?,
    })
}

/// Answers requests about tags, permissions and message move tasks.
fn beside(
    bus: &mut Bus,
    now: Timestamp,
    caller: &Caller,
    request: sqs::Request,
    out: &mut Vec<Output>,
) -> Result<sqs::Response, sqs::Error> {
    use sqs::{Request, Response};
    let done = |()| sqs::shape::Empty::default();
    Ok(match request {
        Request::TagQueue(ask) => Response::TagQueue(queue::tag(bus, caller, *ask, out).map(done)?),
        Request::UntagQueue(ask) => {
            Response::UntagQueue(queue::untag(bus, caller, &ask, out).map(done)?)
        }
        Request::ListQueueTags(ask) => Response::ListQueueTags(queue::tags(bus, caller, &ask)?),
        Request::AddPermission(ask) => {
            Response::AddPermission(permission::add(bus, now, caller, &ask, out).map(done)?)
        }
        Request::RemovePermission(ask) => {
            Response::RemovePermission(permission::remove(bus, now, caller, &ask, out).map(done)?)
        }
        Request::StartMessageMoveTask(ask) => {
            Response::StartMessageMoveTask(move_task::start(bus, now, caller, &ask, out)?)
        }
        Request::CancelMessageMoveTask(ask) => {
            Response::CancelMessageMoveTask(move_task::cancel(bus, caller, &ask, out)?)
        }
        Request::ListMessageMoveTasks(ask) => {
            Response::ListMessageMoveTasks(move_task::list(bus, caller, &ask)?)
        }
        other => unreachable!("this is no such request: {other:?}"),
    })
}
