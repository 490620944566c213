//! The operator's HTTP endpoints, served by the filter itself under a configured prefix (`docs/admin-api.md`).
//!
//! ```text
//! Authorizer::visit ─► None: an ordinary request, decided by the policy
//!        ├───────────► Step::NeedBody ─► Visit::body ─┐
//!        └────────────────────────────────────────────┴► Step::Answer
//! ```
//!
//! There is no step that lets a request through: what lies under the prefix is answered here, whatever it is.

mod arguments;
mod comparisons;
mod endpoint;
mod operations;
mod outcome;
mod place;
#[cfg(test)]
mod tests;
mod token;
mod visit;
mod worker;

pub use comparisons::show as show_comparisons;
pub use endpoint::Endpoint;
pub use outcome::{Outcome, Refusal};
pub use place::Place;
pub use token::{Digest, Role, Token};
pub use visit::{Step, Visit};
pub use worker::{Breaker, LastError, Slot, Worker};
