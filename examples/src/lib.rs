//! Sample frameworks over the Mesos v1 scheduler API.
//!
//! [`client`] is all the HTTP that a framework needs; [`hello`] is a framework of one page: it
//! takes offers, launches its tasks, acknowledges updates, kills the tasks marked for it, and ends
//! when all tasks have.
#![forbid(unsafe_code)]

pub mod client;
pub mod hello;
