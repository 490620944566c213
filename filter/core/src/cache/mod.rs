//! Decisions that were made are kept for a while, so that the same question is not evaluated again.
//!
//! What makes a question the same: everything the decision can depend on stands in its [`key`], and keys are compared
//! byte by byte. [`scope`] says for what of the configuration a key is good, [`terms`] which decisions may be kept at
//! all and how long, [`store`] keeps them within bounds, [`cost`] says what they weigh, [`keeper`] is what the
//! authorizer asks. Time is passed in.

mod cost;
mod error;
mod keeper;
mod key;
mod scope;
mod store;
mod terms;
#[cfg(test)]
mod tests;

pub(crate) use cost::decision as cost;
pub use error::CacheError;
pub use keeper::{Facts, Keeper, Kept, Place, Question};
pub use key::{Key, MAX_KEY_BYTES, Parts};
pub use scope::Revision;
pub use store::{Bounds, Cache, MAX_ENTRY_BYTES, Until};
pub use terms::{Terms, differs_always};
