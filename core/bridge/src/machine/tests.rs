//! The bridge between frameworks and a cluster, both scripted: see [`world`] for what each test works with.
//! Rule ids are those of the project's reference of the Mesos master's behaviour.

mod cluster;
mod ends;
mod events;
mod frameworks;
mod kill;
mod large;
mod launch;
mod offers;
mod pace;
mod principals;
mod recovery;
mod strays;
mod updates;
mod world;
