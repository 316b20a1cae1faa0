//! EC2's room: the machines of container instances, and the types that they can have.

mod machines;

use longshore_wire_ecs::arn::Realm;
use longshore_wire_ecs::ec2::{Request, find, parse, response};
use longshore_wire_ecs::query::{Fault, Node};

use self::machines::Machines;
use crate::ecs::Front;

/// Answers a call, in XML.
pub(super) async fn call(
    front: &Front,
    realm: &Realm,
    form: &Node,
    id: &str,
) -> Result<String, Fault> {
    match parse(form)? {
        Request::DescribeInstances(asked) => {
            let machines = Machines::new(front, realm);
            let mut all = machines.running().await?;
            if asked.iter().any(|id| all.iter().all(|one| one.id != *id)) {
                all.extend(machines.terminated().await?);
            }
            Ok(response(&realm.account, &find(all, &asked)?, id))
        }
        Request::DescribeInstanceTypeOfferings(asked) => Ok(asked.response(&realm.region, id)),
    }
}
