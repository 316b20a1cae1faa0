//! The bridge between frameworks and a cluster, both scripted: see [`world`] for what each test works with.
//! Rule ids are those of `docs/reference/mesos-rules.md`.

mod accept;
mod cluster;
mod definitions;
mod ends;
mod events;
mod frameworks;
mod kill;
mod large;
mod launch;
mod minding;
mod offers;
mod pace;
mod pieces;
mod principals;
mod recovery;
mod strays;
mod updates;
mod watching;
mod world;
