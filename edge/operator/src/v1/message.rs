//! Records as messages of the v1 API.

use longshore_bridge::operator::{
    AgentEntry, AgentView, DrainView, ExecutorView, FrameworkEntry, FrameworkView, OfferView,
    StatusView, TaskView, View,
};
use longshore_machine::Timestamp;
use longshore_wire_mesos::MESOS_VERSION;
use longshore_wire_mesos::v1::agent_info::Capability;
use longshore_wire_mesos::v1::agent_info::capability::Type;
use longshore_wire_mesos::v1::master::response::{get_agents, get_executors, get_frameworks};
use longshore_wire_mesos::v1::{
    Address, AgentId, AgentInfo, Attribute, DrainConfig, DrainInfo, DurationInfo, ExecutorId,
    ExecutorInfo, FrameworkId, Offer, OfferId, Task, TaskId, TaskState, TaskStatus, TimeInfo, Url,
    resource, value,
};

use crate::resources::{self, Form};

/// What a 1.11 agent can do.
pub(crate) const AGENT_CAPABILITIES: [Type; 8] = [
    Type::MultiRole,
    Type::HierarchicalRole,
    Type::ReservationRefinement,
    Type::ResourceProvider,
    Type::ResizeVolume,
    Type::AgentOperationFeedback,
    Type::AgentDraining,
    Type::TaskResourceLimits,
];

/// Whether the agent of a task is away, so that it is listed apart.
pub(crate) fn is_unreachable(task: &TaskView) -> bool {
    // Source: a framework that knows nothing of unreachable tasks is told that they are lost.
    let last = task.statuses.last().and_then(|last| last.unreachable_at);
    task.state == TaskState::TaskUnreachable || last.is_some()
}

/// A task.
pub(crate) fn task(task: &TaskView) -> Task {
    let detail = task.detail.as_deref().cloned().unwrap_or_default();
    let last = task.statuses.last();
    Task {
        name: task.name.to_string(),
        task_id: TaskId { value: task.id.to_string() },
        framework_id: FrameworkId { value: task.framework.to_string() },
        agent_id: AgentId { value: task.agent.to_string() },
        state: task.state.into(),
        resources: resources::list(
            &task.resources,
            Form { role: false, allocated: Some(&task.role) },
        ),
        statuses: task.statuses.iter().map(|one| status(task, one)).collect(),
        status_update_state: last.map(|last| last.state.into()),
        status_update_uuid: last.and_then(|last| Some(last.uuid?.to_vec())),
        labels: detail.labels,
        discovery: detail.discovery.map(|one| *one),
        container: detail.container.map(|one| *one),
        health_check: detail.health_check.map(|one| *one),
        kill_policy: detail.kill_policy,
        user: detail.user.map(|user| user.to_string()),
        limits: detail
            .limits
            .into_iter()
            .map(|(name, value)| (name, value::Scalar { value }))
            .collect(),
        // Source: a command task has no executor that its framework gave.
        executor_id: task.executor.as_ref().map(|id| ExecutorId { value: id.to_string() }),
    }
}

/// An executor that a framework gave.
pub(crate) fn executor(executor: &ExecutorView) -> get_executors::Executor {
    let form = Form { role: false, allocated: Some(&executor.role) };
    get_executors::Executor {
        executor_info: ExecutorInfo {
            resources: resources::list(&executor.resources, form),
            ..executor.info.clone()
        },
        agent_id: AgentId { value: executor.agent.to_string() },
    }
}

/// A status of a task. Source: \[T20\]: the executor of a command task has the task's id.
pub(crate) fn status(task: &TaskView, status: &StatusView) -> TaskStatus {
    TaskStatus {
        task_id: TaskId { value: task.id.to_string() },
        state: status.state.into(),
        message: status.message.as_ref().map(ToString::to_string),
        source: status.source.map(Into::into),
        reason: status.reason.map(Into::into),
        agent_id: Some(AgentId { value: task.agent.to_string() }),
        executor_id: Some(ExecutorId {
            value: task.executor.as_ref().map_or_else(|| task.id.to_string(), ToString::to_string),
        }),
        timestamp: Some(status.timestamp),
        uuid: status.uuid.map(Into::into),
        healthy: status.healthy,
        check_status: status.check.as_deref().copied(),
        labels: status.labels.as_deref().cloned(),
        container_status: status.container.as_deref().cloned(),
        unreachable_time: status.unreachable_at.map(time),
        ..Default::default()
    }
}

/// A time by the wall clock.
fn time(at: Timestamp) -> TimeInfo {
    let ms = i64::try_from(at.wall().millis()).unwrap_or(i64::MAX);
    TimeInfo { nanoseconds: ms.saturating_mul(1_000_000) }
}

/// Where the agent's process would listen.
pub(crate) fn pid(agent: &AgentView) -> String {
    format!("{}@{}:{}", agent.process, agent.ip, agent.port)
}

fn attributes(agent: &AgentView) -> Vec<Attribute> {
    let text = |(name, value): &(longshore_wire_ecs::Str, longshore_wire_ecs::Str)| Attribute {
        name: name.to_string(),
        r#type: value::Type::Text.into(),
        text: Some(value::Text { value: value.to_string() }),
        ..Default::default()
    };
    agent.attributes.iter().map(text).collect()
}

/// An agent. `has_settings` adds what the event of a new agent leaves out.
pub(crate) fn agent(
    agent: &AgentView,
    entry: &AgentEntry,
    has_settings: bool,
) -> get_agents::Agent {
    let unreserved = Form { role: true, allocated: None };
    let mut allocated = resources::list_by_role(&resources::used_on(entry));
    allocated.extend(resources::list(&agent.foreign, unreserved));
    get_agents::Agent {
        agent_info: AgentInfo {
            hostname: agent.hostname.to_string(),
            port: Some(agent.port.into()),
            resources: resources::list(&agent.total, Form::default()),
            attributes: attributes(agent),
            id: Some(AgentId { value: agent.id.to_string() }),
            domain: agent.domain.clone(),
            checkpoint: has_settings.then_some(true),
        },
        active: agent.is_active(),
        deactivated: Some(agent.deactivated),
        version: MESOS_VERSION.to_owned(),
        pid: Some(pid(agent)),
        registered_time: Some(time(agent.registered_at)),
        reregistered_time: agent.reregistered_at.map(time),
        total_resources: resources::list(&agent.total, unreserved),
        allocated_resources: allocated,
        offered_resources: resources::list_by_role(&resources::offered_of(entry)),
        capabilities: AGENT_CAPABILITIES
            .iter()
            .map(|one| Capability { r#type: Some((*one).into()) })
            .collect(),
        drain_info: agent.drain.as_ref().map(drain_info),
        estimated_drain_start_time: agent.drain.as_ref().map(|drain| {
            // Source: whole seconds here.
            time(Timestamp::from_millis(drain.started_at.millis() / 1_000 * 1_000))
        }),
    }
}

/// How far an agent has been drained. Source: the time for tasks reads back as 0, whatever it was.
pub(crate) fn drain_info(drain: &DrainView) -> DrainInfo {
    DrainInfo {
        state: drain.state.into(),
        config: DrainConfig {
            max_grace_period: drain.has_grace_period.then_some(DurationInfo { nanoseconds: 0 }),
            mark_gone: Some(drain.mark_gone),
        },
    }
}

/// A framework as events tell of it. Source: Mesos, `createFrameworkAdded`: without what it has, and with a time at which it ended.
pub(crate) fn framework_alone(framework: &FrameworkView) -> get_frameworks::Framework {
    get_frameworks::Framework {
        framework_info: framework.info.clone(),
        active: framework.active,
        connected: framework.connected,
        recovered: framework.recovered,
        registered_time: Some(time(framework.registered_at)),
        reregistered_time: Some(time(framework.reregistered_at)),
        unregistered_time: Some(
            framework.unregistered_at.map_or(TimeInfo { nanoseconds: 0 }, time),
        ),
        ..Default::default()
    }
}

/// A framework and what it has.
pub(crate) fn framework(view: &View, entry: &FrameworkEntry) -> get_frameworks::Framework {
    let framework: &FrameworkView = entry.view();
    let unregistered = framework.unregistered_at.map(time);
    let used = match unregistered {
        Some(_) => Vec::new(),
        None => entry.used(),
    };
    get_frameworks::Framework {
        framework_info: framework.info.clone(),
        active: framework.active,
        connected: framework.connected,
        recovered: framework.recovered,
        registered_time: Some(time(framework.registered_at)),
        reregistered_time: Some(time(framework.reregistered_at)),
        unregistered_time: unregistered,
        offers: entry.offers().map(|one| offer(view, one)).collect(),
        inverse_offers: view.inverse_offers(&framework.id).cloned().collect(),
        allocated_resources: resources::list_by_role(&used),
        offered_resources: resources::list_by_role(&resources::offered_to(entry)),
        offer_constraints: Some(framework.offer_constraints.clone().unwrap_or_default()),
    }
}

/// Executors that the framework of an offer has where it is.
fn executors_beside(view: &View, offer: &OfferView) -> Vec<ExecutorId> {
    let executors =
        view.framework(&offer.framework).into_iter().flat_map(FrameworkEntry::executors);
    let beside = executors.filter(|executor| executor.agent == offer.agent);
    beside.map(|executor| ExecutorId { value: executor.id.to_string() }).collect()
}

fn offer(view: &View, offer: &OfferView) -> Offer {
    let agent = view.agent(&offer.agent).map(|(agent, _)| agent);
    Offer {
        id: OfferId { value: offer.id.to_string() },
        framework_id: FrameworkId { value: offer.framework.to_string() },
        agent_id: AgentId { value: offer.agent.to_string() },
        hostname: agent.map_or_else(String::new, |agent| agent.hostname.to_string()),
        url: agent.map(|agent| Url {
            scheme: "http".to_owned(),
            address: Address {
                hostname: Some(agent.hostname.to_string()),
                ip: Some(agent.ip.to_string()),
                port: agent.port.into(),
            },
            path: Some(format!("/{}", agent.process)),
            ..Default::default()
        }),
        domain: agent.and_then(|agent| agent.domain.clone()),
        resources: resources::list(
            &offer.resources,
            Form { role: false, allocated: Some(&offer.role) },
        ),
        attributes: agent.map(attributes).unwrap_or_default(),
        executor_ids: executors_beside(view, offer),
        allocation_info: Some(resource::AllocationInfo { role: Some(offer.role.to_string()) }),
        ..Default::default()
    }
}
