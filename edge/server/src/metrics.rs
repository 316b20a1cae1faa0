//! The program's own metrics for Prometheus: every metric is declared here, and only here.
//!
//! Names are `longshore_<area>_<what>_<unit>`; labels come from fixed lists, so that no caller can
//! create a series. Counting a request is an atomic addition. The numbers of tasks and instances
//! are read from the ECS API on each scrape.

mod kernel;

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use self::kernel::Process;
pub(crate) use self::kernel::machine;

/// The media type of [`Metrics::text`]. Source: `OpenMetrics` 1.0, *Overall structure*.
pub(crate) const MEDIA: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The end mark of a page.
pub(crate) const END: &str = "# EOF\n";

/// Upper bounds of histogram buckets, in seconds: from the duration of a step to that of a disk
/// write. Source: chosen by us.
const SECONDS: [f64; 10] = [0.000_05, 0.000_2, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0];

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// It succeeded.
    Ok,
    /// It was rejected: an error of the caller.
    Refused,
    /// It failed: an error of ours.
    Failed,
}

impl Outcome {
    /// The value of the label.
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

impl From<StatusCode> for Outcome {
    fn from(status: StatusCode) -> Self {
        if status.is_server_error() {
            Self::Failed
        } else if status.is_client_error() {
            Self::Refused
        } else {
            Self::Ok
        }
    }
}

impl From<crate::events::Service> for Service {
    fn from(service: crate::events::Service) -> Self {
        match service {
            crate::events::Service::EventBridge => Self::EventBridge,
            crate::events::Service::Sqs | crate::events::Service::SqsQuery => Self::Sqs,
        }
    }
}

impl From<crate::aws::Service> for Service {
    fn from(service: crate::aws::Service) -> Self {
        match service {
            crate::aws::Service::CloudFormation => Self::CloudFormation,
            crate::aws::Service::Ec2 => Self::Ec2,
            crate::aws::Service::Ssm => Self::Ssm,
            crate::aws::Service::ApiGateway => Self::ApiGateway,
        }
    }
}

/// The services whose calls are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    Ecs,
    EventBridge,
    Sqs,
    CloudFormation,
    Ec2,
    Ssm,
    ApiGateway,
    Mesos,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::Ecs => "ecs",
            Self::EventBridge => "eventbridge",
            Self::Sqs => "sqs",
            Self::CloudFormation => "cloudformation",
            Self::Ec2 => "ec2",
            Self::Ssm => "ssm",
            Self::ApiGateway => "apigateway",
            Self::Mesos => "mesos",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    service: &'static str,
    operation: &'static str,
    outcome: &'static str,
}

/// A machine of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Decider {
    Control,
    Bridge,
}

impl Decider {
    fn name(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Bridge => "bridge",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfMachine {
    machine: &'static str,
}

/// All metrics; clones share their counts.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Counted>);

#[derive(Debug)]
struct Counted {
    registry: Registry,
    calls: Family<Call, Counter>,
    call_seconds: Histogram,
    inputs: Family<OfMachine, Counter>,
    step_seconds: Family<OfMachine, Histogram>,
    waiting: Family<OfMachine, Gauge>,
    commits: Counter,
    commit_seconds: Histogram,
    process: Process,
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let calls = registered(
            &mut registry,
            "longshore_api_calls",
            "Calls by service, operation and outcome",
            Family::default(),
        );
        let call_seconds =
            measured(&mut registry, "longshore_api_call", "Time to answer a call", seconds());
        let inputs = registered(
            &mut registry,
            "longshore_machine_inputs",
            "Inputs that a machine took",
            Family::default(),
        );
        let steps = Family::new_with_constructor(seconds as fn() -> Histogram);
        let step_seconds = measured(
            &mut registry,
            "longshore_machine_step",
            "Time that a machine took for one input",
            steps,
        );
        let waiting = registered(
            &mut registry,
            "longshore_machine_waiting_inputs",
            "Inputs waiting for a machine",
            Family::default(),
        );
        let commits = registered(
            &mut registry,
            "longshore_storage_commits",
            "Transactions",
            Counter::default(),
        );
        let commit_seconds =
            measured(&mut registry, "longshore_storage_commit", "Time of a transaction", seconds());
        let process = Process::new(&mut registry);
        Self(Arc::new(Counted {
            registry,
            calls,
            call_seconds,
            inputs,
            step_seconds,
            waiting,
            commits,
            commit_seconds,
            process,
        }))
    }
}

fn registered<M>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M
where
    M: prometheus_client::registry::Metric + Clone,
{
    registry.register(name, help, metric.clone());
    metric
}

/// Registers a metric in seconds; the registry appends the unit to its name.
fn measured<M>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M
where
    M: prometheus_client::registry::Metric + Clone,
{
    registry.register_with_unit(name, help, Unit::Seconds, metric.clone());
    metric
}

impl Metrics {
    /// Counts an answered call. The operation is one of the service's own, or `unknown`.
    pub(crate) fn called(
        &self,
        service: Service,
        operation: &'static str,
        outcome: Outcome,
        took: Duration,
    ) {
        let call = Call { service: service.name(), operation, outcome: outcome.name() };
        self.0.calls.get_or_create(&call).inc();
        self.0.call_seconds.observe(took.as_secs_f64());
    }

    /// The metrics of one machine.
    pub(crate) fn machine(&self, machine: Decider) -> OneMachine {
        let label = OfMachine { machine: machine.name() };
        OneMachine {
            inputs: self.0.inputs.get_or_create(&label).clone(),
            steps: self.0.step_seconds.get_or_create(&label).clone(),
            waiting: self.0.waiting.get_or_create(&label).clone(),
        }
    }

    /// Counts a committed transaction.
    pub(crate) fn committed(&self, took: Duration) {
        self.0.commits.inc();
        self.0.commit_seconds.observe(took.as_secs_f64());
    }

    /// All metrics in `OpenMetrics` format, without the end mark, so that more may follow.
    pub(crate) fn text(&self) -> String {
        self.0.process.look();
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text.truncate(text.trim_end_matches(END).len());
        text
    }
}

/// The metrics of a machine.
#[derive(Clone, Debug)]
pub(crate) struct OneMachine {
    inputs: Counter,
    steps: Histogram,
    waiting: Gauge,
}

impl OneMachine {
    /// `inputs` are about to be taken together, and `waiting` more are queued.
    pub(crate) fn taking(&self, inputs: usize, waiting: usize) {
        self.inputs.inc_by(inputs as u64);
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }

    /// One step took this long.
    pub(crate) fn stepped(&self, took: Duration) {
        self.steps.observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of a metric.
    fn value(metrics: &Metrics, series: &str) -> f64 {
        let text = metrics.text();
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in {text}")).parse().expect("a number")
    }

    #[test]
    fn every_metric_is_moved_by_what_it_counts() {
        let metrics = Metrics::default();
        metrics.called(Service::Ecs, "RunTask", Outcome::Refused, Duration::from_millis(3));
        metrics.machine(Decider::Control).taking(7, 2);
        metrics.machine(Decider::Control).stepped(Duration::from_millis(1));
        metrics.committed(Duration::from_millis(2));
        for (series, wanted) in [
            (
                r#"longshore_api_calls_total{service="ecs",operation="RunTask",outcome="refused"}"#,
                1.0,
            ),
            (r#"longshore_api_call_seconds_bucket{le="0.005"}"#, 1.0),
            (r#"longshore_machine_inputs_total{machine="control"}"#, 7.0),
            (r#"longshore_machine_waiting_inputs{machine="control"}"#, 2.0),
            (r#"longshore_machine_step_seconds_count{machine="control"}"#, 1.0),
            ("longshore_storage_commits_total", 1.0),
            ("longshore_storage_commit_seconds_count", 1.0),
        ] {
            assert!((value(&metrics, series) - wanted).abs() < 1e-9, "{series}");
        }
        assert!(value(&metrics, "process_resident_memory_bytes") > 1e6);
        assert!(value(&metrics, "process_open_fds") > 2.0);
        assert!(value(&metrics, "process_start_time_seconds") > 1.7e9);
        assert!(value(&metrics, "process_cpu_seconds_total") >= 0.0);
    }

    #[test]
    fn outcomes_tell_our_faults_from_those_of_callers() {
        use Outcome::{Failed, Ok, Refused};
        let status = |code| StatusCode::from_u16(code).expect("a status");
        let of = [200, 202, 400, 404, 500, 503].map(|code| Outcome::from(status(code)));
        assert_eq!(of, [Ok, Ok, Refused, Refused, Failed, Failed]);
    }
}
