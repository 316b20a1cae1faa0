//! `liblongshore_mesos.so`: what a framework for the JVM loads in place of libmesos.
//!
//! Point `MESOS_NATIVE_JAVA_LIBRARY` at it, and `org.apache.mesos.MesosSchedulerDriver` of any jar since 0.21 is a driver of
//! [`longshore_driver`]: over the v1 API to a Mesos master (`host:port`, `zk://...`), or straight to ECS (`ecs://CLUSTER`).
//!
//! Messages cross the boundary as bytes, by `toByteArray` and `parseFrom`. The v0 messages of Java and the v1 messages of ours have equal
//! numbers, so neither side knows the other's classes, and jars whose protobuf is shaded work like others.
//!
//! Invariants:
//! - Nothing unwinds into the JVM: every function that it calls catches panics and throws a `RuntimeException`.
//! - No exception is pending when Java is called: one that a callback threw is described and cleared, and aborts the driver.
//! - A Java driver holds a number and not a pointer, so that a call after `finalize`, or of a driver that was never made, does nothing.
//! - A Java driver is held weakly, so that one that nobody refers to can be collected.
//!
//! Unsafe code is in `entry.rs` alone: the names that the JVM looks up, and the attachment of a thread as a daemon.

mod callbacks;
mod convert;
mod drivers;
#[expect(unsafe_code, reason = "the JVM looks functions up by name and passes pointers")]
mod entry;
mod loader;
mod numbered;
mod states;
