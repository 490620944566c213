//! What the user wrote → what the filter runs. Pure: same bytes and environment, same answer.

mod cache;
mod compiled;
mod error;
mod flow;
mod raw;
mod shape;
#[cfg(test)]
mod tests;

pub use cache::{Cache, CacheTimes, RemoteCache};
pub use compiled::{BodyLimit, Config, Feature, Limits, MAX_CONFIG_BYTES, Policy, Program, Remote, Settings, read};
pub use error::ConfigError;
pub use flow::{FAILURE_MODE_ALLOWED, Flow};
