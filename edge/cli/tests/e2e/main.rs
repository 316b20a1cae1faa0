//! End to end: the real program, over its ports, as its users have it.
//!
//! One test binary and not one for each file, so that all tests run beside each other and share what they stand on:
//! [`server`] starts the program, [`http`] talks to it, [`terminal`] looks at it, [`framework`] is a Mesos framework, [`weather`] what may become
//! of requests on their way. Every wait has a deadline.
#![forbid(unsafe_code)]

mod clocks;
mod crash;
mod crowds;
mod daily;
mod deleted;
mod demo;
mod directories;
mod disks;
mod docker;
mod doors;
mod events;
mod exits;
mod feeds;
mod framework;
mod http;
mod keys;
mod machines;
mod observed;
mod outages;
mod refusals;
mod schedulers;
mod server;
mod starts;
mod terminal;
mod weather;
mod wire;
