//! The bridge between frameworks and a cluster, both scripted: see [`world`] for what each test works with.
//! Rule ids are those of `docs/reference/mesos-rules.md`.

mod accept;
mod away;
mod checking;
mod cluster;
mod decisions;
mod definitions;
mod ends;
mod events;
mod fetching;
mod frameworks;
mod groups;
mod kill;
mod large;
mod launch;
mod limits;
mod maintenance;
mod minding;
mod offers;
mod pace;
mod pieces;
mod ports;
mod principals;
mod recovery;
mod reporting;
mod strays;
mod updates;
mod watched;
mod watching;
mod world;
