//! The built-in schedulers as services: Marathon's API, Chronos's API, and Blox.
//!
//! Each is a machine of `core/` with a host here that performs its outputs, an HTTP front behind a guarded door, and rows in a
//! [`store`]. Marathon and Chronos are frameworks like anybody's: they reach a cluster through [`framework`], which is a driver of
//! `edge/driver`, so any Mesos master will do, or ECS itself. Blox reads clusters through the ECS API.
//!
//! Invariant: what a step has changed is on disk before anything else of that step happens: before a caller is answered, a task is
//! launched, or an update is acknowledged.
#![forbid(unsafe_code)]

pub mod blox;
mod calls;
pub mod chronos;
pub mod framework;
pub mod marathon;
mod service;
pub mod store;

pub use service::Service;
