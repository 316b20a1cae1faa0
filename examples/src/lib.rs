//! Sample frameworks over the Mesos v1 scheduler API.
//!
//! [`client`] is all that a framework needs of HTTP; [`hello`] is a framework of one page: it takes offers, launches what
//! it was told to, acknowledges what it hears, kills what is to be killed, and ends when all its tasks have.
#![forbid(unsafe_code)]

pub mod client;
pub mod hello;
