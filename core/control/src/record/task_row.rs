//! The stored form of a task.
//!
//! No record is written more often, so derived, absent and default values are not stored. What
//! follows from the task definition and the overrides is restored in [`TaskRow::into_task`].

use std::borrow::Cow;
use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_ecs::Str;
use longshore_wire_ecs::arn::{ArnFormat, Realm, ResourceId};
use longshore_wire_ecs::shape::task::TaskOverride;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Container, LastStatus, StopCode, Tags, Task, TaskTemplate};

/// The stored form of a task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaskRow<'a> {
    pub(crate) id: ResourceId,
    #[serde(serialize_with = "realm_as_text", deserialize_with = "realm_of_text_or_parts")]
    pub(crate) realm: Cow<'a, Realm>,
    pub(crate) cluster: Cow<'a, Str>,
    pub(crate) instance: ResourceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    availability_zone: Option<Cow<'a, Str>>,
    pub(crate) family: Cow<'a, Str>,
    pub(crate) revision: u32,
    version: i64,
    last_status: LastStatus,
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    desired_running: bool,
    containers: Cow<'a, [Container]>,
    /// Present only if the request had overrides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) overrides: Option<Cow<'a, Arc<TaskOverride>>>,
    pub(crate) group: Cow<'a, Str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) started_by: Option<Cow<'a, Str>>,
    /// The form of its ARN and of those of its containers.
    #[serde(default, skip_serializing_if = "ArnFormat::is_long")]
    pub(crate) arns: ArnFormat,
    /// The form of the ARN of its instance, which may be forgotten before the task is.
    #[serde(default, skip_serializing_if = "ArnFormat::is_long")]
    pub(crate) instance_arns: ArnFormat,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pull_started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pull_stopped_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopping_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_stopped_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_code: Option<StopCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_reason: Option<Cow<'a, Str>>,
    #[serde(default, skip_serializing_if = "is_empty")]
    tags: Cow<'a, Arc<Tags>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protected_until: Option<Timestamp>,
}

impl<'a> From<&'a Task> for TaskRow<'a> {
    fn from(task: &'a Task) -> Self {
        let template = &*task.template;
        Self {
            id: task.id,
            realm: Cow::Borrowed(&template.realm),
            cluster: Cow::Borrowed(&template.cluster),
            instance: task.instance,
            availability_zone: task.availability_zone.as_ref().map(Cow::Borrowed),
            family: Cow::Borrowed(&template.definition.family),
            revision: template.definition.revision,
            version: task.version,
            last_status: task.last_status,
            desired_running: task.desired_running,
            containers: Cow::Borrowed(&task.containers),
            overrides: template.is_overridden.then_some(Cow::Borrowed(&template.overrides)),
            group: Cow::Borrowed(&template.group),
            started_by: template.started_by.as_ref().map(Cow::Borrowed),
            arns: template.arns,
            instance_arns: ArnFormat::of(&task.instance_arn),
            created_at: task.created_at,
            pull_started_at: task.pull_started_at,
            pull_stopped_at: task.pull_stopped_at,
            started_at: task.started_at,
            stopping_at: task.stopping_at,
            execution_stopped_at: task.execution_stopped_at,
            stopped_at: task.stopped_at,
            stop_code: task.stop_code,
            stopped_reason: task.stopped_reason.as_ref().map(Cow::Borrowed),
            tags: Cow::Borrowed(&task.tags),
            protected_until: task.protected_until,
        }
    }
}

impl TaskRow<'_> {
    /// Whether this is a task of the template or of an equal one.
    pub(crate) fn is_of(&self, template: &TaskTemplate) -> bool {
        let definition = &template.definition;
        let overrides = template.is_overridden.then_some(&template.overrides);
        *self.realm == template.realm
            && *self.cluster == template.cluster
            && (&*self.family, self.revision) == (&definition.family, definition.revision)
            && *self.group == template.group
            && self.arns == template.arns
            && self.started_by.as_deref() == template.started_by.as_ref()
            && self.overrides.as_deref() == overrides
    }

    /// Rebuilds the task from the row and what is not stored in it.
    pub(crate) fn into_task(
        self,
        arn: Str,
        instance_arn: Str,
        template: Arc<TaskTemplate>,
    ) -> Task {
        let (realm, cluster, id) = (&template.realm, &template.cluster, self.id);
        let mut containers = self.containers.into_owned();
        for container in &mut containers {
            // Older records store the full ARN.
            let own = container.arn.rsplit('/').next().unwrap_or_default();
            container.arn = template.arns.container_arn(realm, cluster, id, own);
        }
        Task {
            id,
            arn,
            instance: self.instance,
            instance_arn,
            availability_zone: self.availability_zone.map(Cow::into_owned),
            version: self.version,
            last_status: self.last_status,
            desired_running: self.desired_running,
            containers,
            created_at: self.created_at,
            pull_started_at: self.pull_started_at,
            pull_stopped_at: self.pull_stopped_at,
            started_at: self.started_at,
            stopping_at: self.stopping_at,
            execution_stopped_at: self.execution_stopped_at,
            stopped_at: self.stopped_at,
            stop_code: self.stop_code,
            stopped_reason: self.stopped_reason.map(Cow::into_owned),
            tags: self.tags.into_owned(),
            protected_until: self.protected_until,
            template,
        }
    }
}

fn realm_as_text<S: Serializer>(realm: &Realm, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}/{}", realm.region, realm.account))
}

/// Older records store the realm in parts.
fn realm_of_text_or_parts<'de, 'a, D: Deserializer<'de>>(
    from: D,
) -> Result<Cow<'a, Realm>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Text(String),
        Parts(Realm),
    }
    match Stored::deserialize(from)? {
        Stored::Parts(realm) => Ok(Cow::Owned(realm)),
        Stored::Text(text) => text
            .split_once('/')
            .map(|(region, account)| Cow::Owned(Realm::new(region, account)))
            .ok_or_else(|| serde::de::Error::custom("a realm is REGION/ACCOUNT")),
    }
}

fn yes() -> bool {
    true
}

fn is_empty(tags: &Arc<Tags>) -> bool {
    tags.is_empty()
}
