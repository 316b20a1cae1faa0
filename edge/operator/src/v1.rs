//! Answers of the v1 operator API to calls that read. Source: \[P2\].

mod answer;
mod message;
mod small;

pub use answer::{answer, subscribed, whole};
pub(crate) use message::{
    AGENT_CAPABILITIES, agent, drain_info, framework_alone, is_unreachable, pid, status, task,
};
pub(crate) use small::{quota, weights};
