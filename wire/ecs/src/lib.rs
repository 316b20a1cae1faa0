//! What travels between an Amazon ECS client, a control plane and its host agents.
//!
//! Types, codecs, error codes and limits, and nothing that decides: both sides of a socket can use this crate.
//! Requests are parsed once, at the edge ([`Request::parse`]); whatever a member may not hold is refused there
//! as a `SerializationException`, whatever ECS itself would refuse is left to the control plane.
//!
//! - [`shape`]: the structures of the ECS API, member by member.
//! - [`operation`]: every operation of the API, and which of them Longshore serves.
//! - [`error`]: the closed list of errors.
//! - [`arn`]: Amazon resource names and short ids.
//! - [`signature`]: AWS Signature Version 4, reading and checking.
//! - [`eventbridge`] and [`sqs`]: as much of these two services as it takes to follow what a cluster does.
//! - [`cloudformation`], [`ec2`], [`ssm`] and [`apigateway`]: what `ecs-cli` and the scripts of Blox call beside ECS; [`query`]: the protocol of the older ones.
//! - [`feed`]: the same as a stream that anybody can read.
//! - [`host`]: the protocol between the control plane and its host agents.
//! - [`metadata`]: what a container reads about itself; [`env_file`] and [`secret`]: where its environment comes from.
//! - [`fetch`]: what the container is told that fetches files into a task's sandbox.
//! - [`limits`]: the documented bounds of requests.
#![forbid(unsafe_code)]

pub mod apigateway;
pub mod arn;
pub mod cloudformation;
pub mod ec2;
pub mod env_file;
pub mod error;
pub mod eventbridge;
pub mod feed;
pub mod fetch;
pub mod host;
pub mod limits;
pub mod metadata;
pub mod operation;
pub mod query;
mod request;
pub mod secret;
mod service;
pub mod shape;
pub mod signature;
pub mod sqs;
pub mod ssm;

pub use error::{ApiError, ErrorCode};
pub use request::Request;

/// Text that many records share: cloning it is counting, not copying.
pub type Str = std::sync::Arc<str>;

/// One of a few words, or a number in digits: copying it costs nothing when it is one that the program knows.
pub type Word = std::borrow::Cow<'static, str>;
