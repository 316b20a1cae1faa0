//! What is changed of instances.

use longshore_replica::{Alteration, Failure, Instance, InstanceChange};

use super::Cluster;

impl Cluster {
    /// Makes a change of an instance, unless changes fail.
    pub(super) fn alter(
        &mut self,
        change: InstanceChange,
    ) -> Result<Option<Box<Instance>>, Failure> {
        self.alterations.push(change.clone());
        if let Some(failure) = self.alterations_fail.pop_front().flatten() {
            return Err(failure);
        }
        let InstanceChange { instance: arn, to } = change;
        if !self.instances.contains_key(&arn) {
            return Err(Failure::Refused {
                code: "InvalidParameterException".to_owned(),
                message: "The referenced container instance was not found.".to_owned(),
            });
        }
        let is_status = matches!(to, Alteration::Active(_));
        match to {
            Alteration::Active(active) => self.change(&arn, |instance| instance.active = active),
            Alteration::Attribute(name, Some(value)) => {
                let instance = self.instances.get_mut(&arn).expect("it is there");
                instance.attributes.insert(name, Some(value));
                return Ok(None);
            }
            Alteration::Attribute(name, None) => {
                self.instances.get_mut(&arn).expect("it is there").attributes.remove(&name);
                return Ok(None);
            }
        }
        if is_status && self.alterations_lost {
            return Err(Failure::Unsure("the connection broke".to_owned()));
        }
        Ok(self.instances.get(&arn).cloned().map(Box::new))
    }
}
