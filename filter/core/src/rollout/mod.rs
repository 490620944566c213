//! Who has a feature: where its percentage comes from, and which side of it a user stands on.
//!
//! A percentage is said in three places. The plugin's configuration is overruled by the VM's environment, and both by an
//! override that an operator sets while the proxy runs. Overrides stand in one [`Document`] that all workers share
//! ([`host::Live`](crate::host::Live)); [`Known`] is what one VM has read of it, [`Rollout`] what it means for one
//! configuration, and only [`Rollout::update`], [`Rollout::rollback`], [`Rollout::clean_caches`] and
//! [`Rollout::tick`] change it.

mod bucket;
mod change;
mod document;
mod in_force;
mod known;
mod newest;
mod percentage;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
mod view;

pub use bucket::bucket;
pub use change::{Change, Cleaned, Ended, Refused, Update, Why};
pub use document::{Document, Malformed, Override, RolledBack};
pub use in_force::{InForce, Rollout, Share};
pub use known::Known;
pub use percentage::Percentage;
pub use view::{FeatureView, Features, Source, Status};

/// Name and salt of the feature `rust_opa`.
pub const RUST_OPA: &str = "rust_opa";

/// Name and salt of the feature `rust_cache`.
pub const RUST_CACHE: &str = "rust_cache";

/// Salt of the share of requests that both sides decide.
pub const SHADOW: &str = "shadow";
