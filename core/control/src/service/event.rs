//! What a service reports: its `events`, and announcements for the event stream.
//!
//! Source of the messages: ECS developer guide, *Amazon ECS service event messages*, and field
//! reports.

use longshore_machine::{Ids, Timestamp};
use longshore_wire_ecs::Str;

use super::{Service, ServiceEvent};
use crate::announce::{ActionName, Announced, Announcement, DeploymentName, Level};
use crate::limits;

/// Reports on behalf of services during one pass or call.
#[derive(Debug)]
pub(crate) struct Voice<'a> {
    ids: &'a mut Ids,
    pub(crate) now: Timestamp,
    /// The announcements so far.
    pub(crate) announced: Vec<Announcement>,
}

impl<'a> Voice<'a> {
    pub(crate) fn new(ids: &'a mut Ids, now: Timestamp) -> Self {
        Self { ids, now, announced: Vec::new() }
    }

    /// The source of ids.
    pub(crate) fn ids(&mut self) -> &mut Ids {
        self.ids
    }

    /// Adds an event.
    pub(crate) fn say(&mut self, service: &mut Service, what: &str) {
        let event = ServiceEvent {
            id: self.ids.uuid("service-event").into(),
            created_at: self.now,
            message: format!("(service {}) {what}", service.name).into(),
        };
        service.events.push_front(event);
        service.events.truncate(limits::SERVICE_EVENTS_MAX);
    }

    /// Announces a service action.
    pub(crate) fn act(
        &mut self,
        service: &Service,
        level: Level,
        name: ActionName,
        reason: Option<Str>,
        instances: Vec<Str>,
    ) {
        self.announce(service, level, Announced::Action { name, reason, instances });
    }

    /// Announces a state change of the PRIMARY deployment.
    pub(crate) fn deployment(
        &mut self,
        service: &Service,
        name: DeploymentName,
        deployment: Str,
        reason: Str,
    ) {
        let level = if name == DeploymentName::Failed { Level::Error } else { Level::Info };
        self.announce(service, level, Announced::Deployment { name, deployment, reason });
    }

    fn announce(&mut self, service: &Service, level: Level, what: Announced) {
        self.announced.push(Announcement {
            realm: service.realm.clone(),
            at: self.now,
            cluster_arn: service.cluster_arn.clone(),
            service_arn: service.arn.clone(),
            level,
            what,
        });
    }
}

/// `3 tasks: (task a) (task b) (task c)`; of many tasks only the first are named.
pub(crate) fn named(kind: &str, tasks: &[&str]) -> String {
    let names = tasks.iter().take(limits::EVENT_TASKS_MAX).map(|id| format!(" (task {id})"));
    let more = match tasks.len().saturating_sub(limits::EVENT_TASKS_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{} {kind}:{}{more}.", tasks.len(), names.collect::<String>())
}

/// Describes what the closest instance lacks, from the reason for a placement failure.
pub(crate) fn lack(reason: &str) -> &'static str {
    match reason {
        "RESOURCE:CPU" => "has insufficient CPU units available.",
        "RESOURCE:MEMORY" => "has insufficient memory available.",
        "RESOURCE:PORTS" | "RESOURCE:PORTS_UDP" => "is already using a port required by your task.",
        "RESOURCE:GPU" => "has insufficient GPU resource available.",
        "ATTRIBUTE" => "is missing an attribute required by your task.",
        "AGENT" => "encountered error \"AGENT\".",
        "INACTIVE" => "is not ACTIVE.",
        _ => "does not meet a placement constraint.",
    }
}

/// How close an instance came to accepting a task: the later the failed check, the closer.
pub(crate) fn closeness(reason: &str) -> u8 {
    match reason {
        "INACTIVE" => 0,
        "AGENT" => 1,
        "ATTRIBUTE" => 2,
        "RESOURCE:CPU" => 4,
        "RESOURCE:MEMORY" => 5,
        "RESOURCE:PORTS" | "RESOURCE:PORTS_UDP" => 6,
        "RESOURCE:GPU" => 7,
        _ => 3,
    }
}
