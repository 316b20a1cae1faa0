//! What a driver does, told by a world that is scheduler, network and master at once.

mod connecting;
mod ending;
mod sending;
mod statuses;
mod updates;
mod world;
