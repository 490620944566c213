//! What the user wrote → what the filter runs. Pure: same bytes and environment, same answer.

mod admin;
mod breaker;
mod cache;
mod compiled;
mod environment;
mod error;
mod features;
mod flow;
mod identity;
mod policy;
mod raw;
mod remote;
mod shadow;
mod shape;
#[cfg(test)]
mod tests;

pub use admin::Admin;
pub use breaker::Breaker;
pub use cache::{Cache, CacheTimes, RemoteCache};
pub use compiled::{BodyLimit, Config, Limits, MAX_CONFIG_BYTES, Settings, read};
pub use error::ConfigError;
pub use features::Feature;
pub use flow::{FAILURE_MODE_ALLOWED, Flow};
pub use policy::{Policy, Program};
pub(crate) use raw::Object;
pub use remote::Remote;
pub use shadow::Shadow;
