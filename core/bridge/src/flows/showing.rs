//! What operators see is brought up to date, change by change.

use std::sync::Arc;

use longshore_machine::Timestamp;
use longshore_wire_mesos::MESOS_VERSION;
use longshore_wire_mesos::v1::task_status::{Reason, Source};
use longshore_wire_mesos::v1::{Address, MasterInfo, TaskInfo, TaskState, TaskStatus};

use super::Parts;
use super::allocating::total;
use crate::allocator::Offered;
use crate::cluster::{self, AGENT_PORT, domain};
use crate::context::Context;
use crate::ids::{AgentId, FrameworkId, LaunchId, OfferId, TaskId};
use crate::machine::{CallId, Output, Response};
use crate::operator::{
    AgentView, FrameworkView, MasterView, OfferView, StatusView, TaskDetail, TaskView,
};
use crate::states::is_terminal;
use crate::updates;

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
            ..Default::default()
        }
    }

    pub(super) fn show_master(&mut self) {
        let started_at = Timestamp::from_millis(self.config.started_at_ms);
        self.operator.put_master(MasterView {
            master: self.master_info(),
            cluster: Some(self.config.cluster.clone()),
            started_at,
            elected_at: started_at,
            ..MasterView::default()
        });
    }

    pub(super) fn show_framework(&mut self, id: &FrameworkId) {
        let Some(framework) = self.frameworks.get(id) else { return };
        let is_there = framework.stream().is_some();
        self.operator.put_framework(FrameworkView {
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
        });
    }

    /// The framework of a task is removed: the task counts as killed at once. Source: \[F10\].
    pub(super) fn show_killed(&mut self, now: Timestamp, id: &LaunchId) {
        let Some(launch) = self.launches.get(id) else { return };
        if !is_terminal(launch.state()) {
            let status = TaskStatus {
                source: Some(Source::Master.into()),
                reason: Some(Reason::FrameworkRemoved.into()),
                message: Some("Framework has been removed".to_owned()),
                ..updates::make(now, launch.task(), launch.agent(), TaskState::TaskKilled)
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
        let agent = cluster::agent(&self.config, instance);
        let attributes = agent.attributes.into_iter();
        let attributes =
            attributes.filter_map(|one| Some((one.name.into(), one.text?.value.into())));
        self.operator.put_agent(AgentView {
            id: id.clone(),
            hostname: agent.hostname.into(),
            ip: agent.ip.into(),
            port: u16::try_from(AGENT_PORT).unwrap_or_default(),
            process: "slave(1)".into(),
            attributes: attributes.collect(),
            domain: agent.domain,
            registered_at: Timestamp::from_millis(self.config.started_at_ms),
            reregistered_at: None,
            total: total(&self.config, instance),
            foreign: crate::amounts::Amounts::default(),
            connected: instance.connected,
            deactivated: !instance.active,
            drain: None,
        });
    }

    pub(super) fn show_offer(&mut self, id: OfferId, offered: Offered) {
        let Offered { framework, role, agent, amounts } = offered;
        self.operator.put_offer(OfferView { id, framework, agent, role, resources: amounts });
    }
}

/// What is shown of a task as it was asked for, if there is any of it.
pub(super) fn detail(task: TaskInfo) -> Option<TaskDetail> {
    let TaskInfo { labels, discovery, container, health_check, kill_policy, command, .. } = task;
    let detail = TaskDetail {
        user: command.and_then(|command| command.user).map(Into::into),
        labels,
        discovery: discovery.map(Box::new),
        container: container.map(Box::new),
        health_check: health_check.map(Box::new),
        kill_policy,
        ..TaskDetail::default()
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
        unreachable_at: None,
    }
}
