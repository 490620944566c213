//! SARK's decision, free of any host: no proxy-wasm type, no clock, no I/O of its own.
//!
//! The way of a request through the rooms is drawn in `docs/architecture.md`; it begins at
//! [`Authorizer::check`](authorizer::Authorizer::check).

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails, as it should"))]
#![deny(missing_docs)]

pub mod admin;
pub mod authorizer;
pub mod builtins;
pub mod cache;
pub mod config;
pub mod decision;
#[cfg(test)]
mod dice;
#[cfg(test)]
mod documentation;
pub mod engine;
pub mod host;
mod http;
pub mod identity;
pub mod json;
mod lru;
pub mod metrics;
pub mod pairs;
pub mod plan;
pub mod policy;
pub mod remote;
pub mod request;
pub mod rollout;
pub mod route;
pub mod shadow;
mod shelf;
mod text;
mod text_keys;
