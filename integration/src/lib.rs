//! The harness of the black-box tests: real Envoy, real or fake OPA, an upstream that tells what it received, and
//! clients that say exactly what they are told to.
//!
//! Everything listens on the loopback interface, every wait has a deadline, and only what was started here is ended.
//! Envoy runs the shipped `envoy/envoy.yaml` and `envoy/sark.yaml`, with addresses, paths and the options of the test put
//! in. The parts are installed by `scripts/install`, the module is built by `scripts/build`.
//!
//! ```no_run
//! use sark_integration::{Mode, Request, Stack};
//! use serde_json::json;
//!
//! let policy = "package envoy.authz\nallow if input.attributes.request.http.method == \"GET\"";
//! let configuration = |percentage: u32| json!({
//!     "policy": {"modules": {"policy.rego": policy}},
//!     "remote": {"cluster": "opa"},
//!     "features": {"rust_opa": {"rollout_percentage": percentage}},
//! });
//! let stack = Stack::sark(configuration(100)).fake(Mode::Decision(json!(false))).workers(2).start();
//!
//! let reply = stack.send(&Request::get("/orders").header("x-user", "alice").h2());
//! assert_eq!((reply.status, reply.upstream().path.as_str()), (200, "/orders"));
//!
//! stack.push(&configuration(0)).accepted();
//! stack.assert_counts(
//!     &[
//!         ("sark_decisions_total.implementation.remote.result.deny", 1),
//!         ("feature_flag_assignments_total.feature.rust_opa.implementation.remote", 1),
//!     ],
//!     || assert_eq!(stack.send(&Request::get("/denied")).status, 403),
//! );
//! assert!(stack.echo().received_at("/denied").is_empty());
//! assert_eq!(stack.envoy().access_of("/denied").unwrap()["details"], "sark_denied");
//! assert!(stack.push(&json!({"polcy": 1})).rejected().contains("unknown field `polcy`"));
//! ```

pub mod bucket;
pub mod bundle;
pub mod client;
pub mod configuration;
pub mod cpu;
pub mod descriptors;
pub mod echo;
pub mod envoy;
pub mod error;
pub mod fake_opa;
pub mod grpc;
pub mod headers;
pub mod http1;
pub mod load;
pub mod memory;
pub mod opa;
pub mod operator;
pub mod oracle;
pub mod parity;
pub mod parts;
pub mod ports;
pub mod process;
pub mod proxy;
pub mod received;
pub mod runtime;
pub mod scratch;
pub mod server;
pub mod shared;
pub mod stack;
pub mod tls;
pub mod wait;

pub use client::{Connection, Http2, Protocol, Request, Response, Sending};
pub use error::{Error, Result};
pub use fake_opa::{FakeOpa, Gate, Mode};
pub use load::Load;
pub use opa::Opa;
pub use oracle::Oracle;
pub use proxy::Proxy;
pub use received::Received;
pub use shared::{Shared, Turn};
pub use stack::{Remote, Stack};
