//! The machine as a whole, over a small model of ECS that answers at once.

mod deployments;
mod restarts;
mod speed;
mod states;
mod town;
mod v1;
