//! End-to-end tests of the real program, over its ports.
//!
//! There is one test binary rather than one per file, so that all tests run in parallel and share
//! their fixtures: [`server`] starts the program, [`http`] talks to it, [`terminal`] emulates a
//! terminal, [`framework`] is a Mesos framework, and [`weather`] injects network failures. Every
//! wait has a deadline.
#![forbid(unsafe_code)]

mod agents;
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
mod drivers;
mod events;
mod exits;
mod feeds;
mod framework;
mod http;
mod keys;
mod machines;
mod observed;
mod operators;
mod outages;
mod refusals;
mod schedulers;
mod server;
mod starts;
mod terminal;
mod weather;
mod wire;
