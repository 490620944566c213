//! How an Envoy differs from the one we ship.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

/// Which filter decides, and how its configuration reaches Envoy.
#[derive(Debug, Clone)]
pub enum Filter {
    /// None, and no guard behind it.
    None,
    /// SARK with this plugin configuration, from a file (ECDS) as shipped: it can be pushed.
    Pushed(String),
    /// SARK with this plugin configuration, written into the bootstrap: a refused one ends Envoy.
    Inline(String),
    /// Another filter in SARK's place, from a file (ECDS): the `typed_config`.
    Other(Value),
}

/// A last change to the bootstrap.
pub type Edit = Arc<dyn Fn(&mut Value) + Send + Sync>;

/// The differences. The default is the shipped configuration with one worker and no filter.
#[derive(Clone)]
pub struct Options {
    /// Worker threads (`--concurrency`).
    pub workers: u32,
    /// The deciding filter.
    pub filter: Filter,
    /// The RBAC filter behind it that wants `wasm.sark.allowed`.
    pub guard: bool,
    /// Path normalisation, merged slashes and the refusal of `%2f`.
    pub normalize_path: bool,
    /// WebSocket upgrades are passed on.
    pub websocket: bool,
    /// CONNECT is passed on, over HTTP/1.1 and HTTP/2.
    pub connect: bool,
    /// Trailers of HTTP/1.1 are passed on, both ways.
    pub http1_trailers: bool,
    /// The wasm plugin's `allow_on_headers_stop_iteration`.
    pub stop_iteration: bool,
    /// The listener's `per_connection_buffer_limit_bytes`.
    pub buffer_limit: Option<u32>,
    /// How many headers a request may have.
    pub max_headers: Option<u32>,
    /// The upstream is spoken to over HTTP/2.
    pub upstream_http2: bool,
    /// `vm_config.vm_id`.
    pub vm_id: Option<String>,
    /// `vm_config.environment_variables.key_values`.
    pub environment: BTreeMap<String, String>,
    /// Variables of Envoy's own environment that the VM may see (`vm_config.environment_variables.host_env_keys`).
    pub host_environment: BTreeMap<String, String>,
    /// Another module than [`crate::parts::wasm`].
    pub wasm: Option<PathBuf>,
    /// `--component-log-level`.
    pub log: String,
    /// A refused first configuration is no error of the start (then Envoy answers every request with 500).
    pub may_be_refused: bool,
    /// Anything else, applied last.
    pub edits: Vec<Edit>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 1,
            filter: Filter::None,
            guard: true,
            normalize_path: true,
            websocket: true,
            connect: false,
            http1_trailers: false,
            stop_iteration: true,
            buffer_limit: None,
            max_headers: None,
            upstream_http2: false,
            vm_id: None,
            environment: BTreeMap::new(),
            host_environment: BTreeMap::new(),
            wasm: None,
            log: "wasm:info".to_owned(),
            may_be_refused: false,
            edits: Vec::new(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} workers, {:?}", self.workers, self.filter)
    }
}
