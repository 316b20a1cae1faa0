//! What operators see is brought up to date, change by change.

use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_mesos::MESOS_VERSION;
use longshore_wire_mesos::v1::task_status::Reason;
use longshore_wire_mesos::v1::{
    self, Address, DrainState, ExecutorInfo, MasterInfo, TaskInfo, TaskState, TaskStatus,
    executor_info, master_info,
};

use super::Parts;
use super::allocating::total;
use super::jobs::Job;
use crate::allocator::Offered;
use crate::cluster::{self, domain};
use crate::context::Context;
use crate::flags;
use crate::ids::{AgentId, FrameworkId, LaunchId, OfferId, TaskId};
use crate::launches::Launch;
use crate::machine::{CallId, Output, Response};
use crate::operator::{
    AgentView, DrainView, ExecutorView, FrameworkView, MasterView, OfferView, StatusView,
    TaskDetail, TaskView,
};
use longshore_wire_mesos::is_terminal;

impl Parts {
    /// Gives an operator what there is to see.
    pub(crate) fn inspected(&mut self, cx: &mut Context<'_>, call: CallId) {
        self.show_numbers(cx);
        cx.respond(call, Response::View(Box::new(self.operator.snapshot())));
    }

    /// Gives an operator what there is to see, and goes on telling of what changes.
    pub(crate) fn watched(&mut self, cx: &mut Context<'_>, call: CallId) {
        self.show_numbers(cx);
        cx.respond(call, Response::Watched(Box::new(self.operator.watch())));
    }

    /// One of those who watch has left.
    pub(crate) fn unwatched(&mut self) {
        self.operator.unwatch();
    }

    /// Tells those who watch what the step has changed.
    pub(super) fn tell_watchers(&mut self, cx: &mut Context<'_>) {
        let changes = self.operator.take_changes();
        if !changes.is_empty() {
            cx.out.push(Output::Changed(changes));
        }
    }

    /// What is counted elsewhere.
    fn show_numbers(&mut self, cx: &Context<'_>) {
        if let Some((schedule, machines)) = self.maintenance.take_news() {
            self.operator.put_maintenance(schedule, machines);
        }
        let unreachable = u32::try_from(self.agents.count_unreachable()).unwrap_or(u32::MAX);
        self.operator.gauge("slaves_unreachable", f64::from(unreachable));
        let (events, gaps) = self.cluster.heard();
        let is_heard = if self.cluster.hears() { 1.0 } else { 0.0 };
        let uptime = cx.now.since(Timestamp::from_millis(self.config.started_at_ms));
        #[expect(clippy::cast_precision_loss, reason = "counters that people read")]
        let numbers = [
            ("longshore/ecs_reads", cx.asking.reads() as f64),
            ("longshore/events", events as f64),
            ("longshore/event_gaps", gaps as f64),
            ("longshore/events_arrive", is_heard),
            ("uptime_secs", uptime as f64 / 1000.0),
        ];
        for (name, value) in numbers {
            self.operator.gauge(name, value);
        }
    }

    /// Source: \[D2\]: all members are set, since each client reads others.
    pub(super) fn master_info(&self) -> MasterInfo {
        let config = &self.config;
        let [a, b, c, d] = config.ip;
        let ip = std::net::Ipv4Addr::from(config.ip).to_string();
        MasterInfo {
            id: self.master_id.clone(),
            // Network byte order, stored as a little-endian host has it.
            ip: u32::from_le_bytes([a, b, c, d]),
            port: u32::from(config.port),
            pid: Some(format!("master@{ip}:{}", config.port)),
            hostname: Some(config.hostname.to_string()),
            version: Some(MESOS_VERSION.to_owned()),
            address: Some(Address {
                hostname: Some(config.hostname.to_string()),
                ip: Some(ip),
                port: i32::from(config.port),
            }),
            domain: Some(domain(&config.region, &config.region)),
            capabilities: capabilities(),
        }
    }

    pub(super) fn show_master(&mut self) {
        self.operator.put_flags(flags::flags(&self.config));
        let started_at = Timestamp::from_millis(self.config.started_at_ms);
        self.operator.put_master(MasterView {
            master: self.master_info(),
            cluster: Some(self.config.cluster.clone()),
            started_at,
            elected_at: started_at,
            ..MasterView::default()
        });
    }

    /// A framework has changed, but for its roles.
    pub(super) fn show_framework(&mut self, id: &FrameworkId) {
        if let Some(view) = self.framework_view(id) {
            self.operator.put_framework(view);
        }
    }

    /// A framework has described itself. The roles that are new or gone are shown a slice at a time.
    pub(super) fn show_description(&mut self, cx: &mut Context<'_>, id: &FrameworkId) {
        if let Some(view) = self.framework_view(id) {
            let roles = self.operator.put_framework_alone(view);
            self.begin(cx, Job::Roles(id.clone(), roles.into_iter()));
        }
    }

    fn framework_view(&self, id: &FrameworkId) -> Option<FrameworkView> {
        let framework = self.frameworks.get(id)?;
        let is_there = framework.stream().is_some();
        Some(FrameworkView {
            id: id.clone(),
            info: framework.info().clone(),
            roles: framework.roles().iter().cloned().collect(),
            suppressed: self.allocator.suppressed(id),
            pid: None,
            active: is_there,
            connected: is_there,
            recovered: framework.is_recovered(),
            registered_at: framework.registered_at(),
            reregistered_at: framework.reregistered_at(),
            unregistered_at: None,
            offer_constraints: framework.offer_constraints().cloned(),
        })
    }

    /// The framework of a task is removed: the task counts as killed at once. Source: \[F10\].
    pub(super) fn show_killed(&mut self, now: Timestamp, id: &LaunchId) {
        let Some(launch) = self.launches.get(id) else { return };
        if !is_terminal(launch.state()) {
            let status = TaskStatus {
                reason: Some(Reason::FrameworkRemoved.into()),
                message: Some("Framework has been removed".to_owned()),
                ..super::telling::of_master(now, launch, TaskState::TaskKilled)
            };
            self.operator.put_status(launch.framework(), launch.task(), view(&status));
        }
        self.operator.end_task(launch.framework(), launch.task());
    }

    /// A task is shown as it was asked for; of one that was recovered that is not known.
    pub(super) fn show_launch(&mut self, id: &LaunchId, detail: Option<TaskDetail>) {
        let Some(launch) = self.launches.get(id) else { return };
        self.operator.put_task(TaskView {
            id: launch.task().clone(),
            name: launch.name().into(),
            framework: launch.framework().clone(),
            agent: launch.agent().clone(),
            executor: launch.executor_id().cloned(),
            role: launch.role().clone(),
            state: launch.state(),
            resources: Arc::new(launch.claim().clone()),
            statuses: Box::default(),
            detail: detail.map(Arc::new),
        });
    }

    pub(super) fn show_status(&mut self, framework: &str, task: &TaskId, status: &TaskStatus) {
        self.operator.put_status(framework, task, view(status));
    }

    pub(super) fn show_agent(&mut self, id: &AgentId) {
        let Some(instance) = self.cluster.instance_of(id) else { return };
        if !self.agents.is_there(id) {
            return;
        }
        let drain = self.agents.drain(id).map(|drain| DrainView {
            state: if drain.is_done { DrainState::Drained } else { DrainState::Draining },
            has_grace_period: drain.max_grace_ms.is_some(),
            mark_gone: drain.mark_gone,
            started_at: drain.started_at,
        });
        let agent = cluster::agent(&self.config, instance);
        let attributes = agent.attributes.into_iter();
        let attributes =
            attributes.filter_map(|one| Some((one.name.into(), one.text?.value.into())));
        self.operator.put_agent(AgentView {
            id: id.clone(),
            hostname: agent.hostname.into(),
            ip: agent.ip.into(),
            port: agent.port,
            process: "slave(1)".into(),
            attributes: attributes.collect(),
            domain: agent.domain,
            registered_at: Timestamp::from_millis(self.config.started_at_ms),
            reregistered_at: None,
            total: total(&self.config, instance),
            foreign: crate::amounts::Amounts::default(),
            connected: instance.connected,
            deactivated: !instance.active || self.agents.is_deactivated(id),
            drain,
        });
    }

    pub(super) fn show_offer(&mut self, id: OfferId, offered: Offered) {
        let Offered { framework, role, agent, amounts } = offered;
        self.operator.put_offer(OfferView { id, framework, agent, role, resources: amounts });
    }
}

/// What is shown of the executor of a group.
pub(super) fn executor(launch: &Launch, info: Option<&ExecutorInfo>) -> ExecutorView {
    let id = launch.executor_id().cloned().unwrap_or_else(|| (&**launch.task()).into());
    let known = info.cloned().unwrap_or_else(|| ExecutorInfo {
        r#type: Some(executor_info::Type::Default.into()),
        executor_id: v1::ExecutorId { value: id.to_string() },
        ..ExecutorInfo::default()
    });
    let framework_id = Some(v1::FrameworkId { value: launch.framework().to_string() });
    ExecutorView {
        id,
        framework: launch.framework().clone(),
        agent: launch.agent().clone(),
        role: launch.role().clone(),
        info: ExecutorInfo { framework_id, resources: Vec::new(), ..known },
        resources: Arc::new(launch.claim().clone()),
    }
}

/// What is shown of a task as it was asked for, if there is any of it.
pub(super) fn detail(task: TaskInfo) -> Option<TaskDetail> {
    let TaskInfo {
        labels, discovery, container, health_check, kill_policy, command, limits, ..
    } = task;
    let detail = TaskDetail {
        user: command.and_then(|command| command.user).map(Into::into),
        labels,
        discovery: discovery.map(Box::new),
        container: container.map(Box::new),
        health_check: health_check.map(Box::new),
        kill_policy,
        limits: limits.into_iter().map(|(name, limit)| (name, limit.value)).collect(),
    };
    (detail != TaskDetail::default()).then_some(detail)
}

fn view(status: &TaskStatus) -> StatusView {
    StatusView {
        state: status.state(),
        timestamp: status.timestamp(),
        source: status.source.map(|_| status.source()),
        reason: status.reason.map(|_| status.reason()),
        message: status.message.as_deref().map(Into::into),
        uuid: status.uuid.as_deref().and_then(|uuid| uuid.try_into().ok()),
        healthy: status.healthy,
        check: status.check_status.map(Arc::new),
        labels: status.labels.clone().map(Arc::new),
        container: status.container_status.clone().map(Arc::new),
        unreachable_at: status.unreachable_time.map(|time| {
            Timestamp::from_millis(u64::try_from(time.nanoseconds / 1_000_000).unwrap_or(0))
        }),
    }
}

/// What this master can do. Source: the third of a genuine one, `QUOTA_V2`, has no name in v1, so that it is an empty object.
fn capabilities() -> Vec<master_info::Capability> {
    use master_info::capability::Type;
    let known = [Some(Type::AgentUpdate), Some(Type::AgentDraining), None];
    known.map(|one| master_info::Capability { r#type: one.map(Into::into) }).into()
}
