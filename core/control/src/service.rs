//! Services: keep a number of tasks of a task definition running, and replace them when the
//! definition changes.
//!
//! The scheduler is level-triggered. A change marks the service (`cluster_state.rs`),
//! [`take_notice`] puts it on the [`Agenda`] at the end of the step, and [`look_at_due`] makes a
//! pass over it shortly after: it takes a [`census`] of the service's tasks, computes a [`plan`]
//! from that alone, and carries it out ([`look`]). A pass that finds nothing to do changes nothing,
//! so extra passes are harmless, and a service whose pass was lost in a crash gets one after the
//! restart.
//!
//! Invariants:
//! - Only marked services get a pass; nothing iterates over all of them.
//! - A plan starts no task above the upper bound and stops no healthy task below the lower bound.
//! - A task belongs to the deployment named by its `startedBy`.
//!
//! Source: ECS developer guide, *Amazon ECS services*; where it is silent, the file says what was
//! chosen.

mod agenda;
mod breaker;
mod census;
mod daemon;
mod event;
mod look;
mod notice;
mod pace;
mod plan;
mod record;
mod rollout;
mod scale_in;
mod show;
mod start;
mod state;
mod zones;

pub(crate) use agenda::{Agenda, Matter};
pub(crate) use breaker::THRESHOLD_PERCENT;
pub(crate) use event::Voice;
pub(crate) use longshore_rollout::Bounds;
pub(crate) use look::look_at_due;
pub(crate) use notice::{Noticed, take_notice};
pub use record::{
    Breaker, Deployment, Outcome, Propagate, Revision, RolloutState, Scheduling, Service,
    ServiceDeployment, ServiceEvent, ServiceStatus, Threshold,
};
pub(crate) use record::{Exit, Starts, Telling};
pub(crate) use rollout::{deploy, end_deployments};
pub(crate) use show::{
    Counts, counts_of, service, service_deployment, service_deployment_brief, service_revision,
};
pub(crate) use state::{ServiceState, load};
