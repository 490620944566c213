//! What of a request the input document shows: the options of `ext_authz` and of opa-envoy-plugin, compiled.

#[cfg(feature = "grpc")]
use super::grpc::Services;
use super::matcher::HeaderFilter;
use super::metadata::{Labels, Namespaces};

/// Where `attributes.source.address` comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceAddress {
    /// The proxy's idea of the client, which may follow `x-forwarded-for`.
    Request,
    /// A header (lower case) that the proxy sets itself, whatever the client sends.
    Header(String),
}

/// The options that shape the input document.
#[derive(Debug)]
pub struct Shape {
    /// `with_request_body.pack_as_bytes`.
    pub pack_as_bytes: bool,
    /// `skip_request_body_parse`.
    pub skip_body_parse: bool,
    /// `encode_raw_headers`.
    pub raw_headers: bool,
    /// `allowed_headers`, `disallowed_headers`.
    pub headers: HeaderFilter,
    /// `include_peer_certificate`.
    pub peer_certificate: bool,
    /// `include_tls_session`.
    pub tls_session: bool,
    /// `metadata_context_namespaces`, `typed_metadata_context_namespaces`.
    pub metadata: Namespaces,
    /// `route_metadata_context_namespaces`, `route_typed_metadata_context_namespaces`.
    pub route_metadata: Namespaces,
    /// `bootstrap_metadata_labels_key`.
    pub labels: Option<Labels>,
    /// `source_address`.
    pub source_address: Option<SourceAddress>,
    /// Context extensions are taken from route metadata (`route_overrides`).
    pub context_extensions: bool,
    /// `limits.json_depth`.
    pub json_depth: usize,
    /// `proto_descriptor`.
    #[cfg(feature = "grpc")]
    pub services: Option<Services>,
}

/// `limits.json_depth`, unless the operator says otherwise.
pub const DEFAULT_JSON_DEPTH: usize = 1_000;

impl Shape {
    /// Whether the document shows metadata of the request or its route: what the proxy may tell otherwise later on.
    #[must_use]
    pub fn shows_metadata(&self) -> bool {
        !self.metadata.is_empty() || !self.route_metadata.is_empty()
    }
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            pack_as_bytes: false,
            skip_body_parse: false,
            raw_headers: false,
            headers: HeaderFilter::default(),
            peer_certificate: false,
            tls_session: false,
            metadata: Namespaces::default(),
            route_metadata: Namespaces::default(),
            labels: None,
            source_address: None,
            context_extensions: false,
            json_depth: DEFAULT_JSON_DEPTH,
            #[cfg(feature = "grpc")]
            services: None,
        }
    }
}

/// A member of `input` that is not there, though opa-envoy-plugin has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unprovided {
    /// The keys that lead to it from `input`.
    pub path: &'static [&'static str],
    /// Why, and what the operator can do.
    pub why: &'static str,
    /// A policy that reads something it is a part of (`input` as a whole) misses it as well. Not so where nobody who
    /// did not ask for it has it: there absent is right.
    pub counts_in_whole: bool,
}

/// What a policy must not read under these options, because it would look absent and is not.
#[must_use]
pub fn unprovided(shape: &Shape) -> Vec<Unprovided> {
    const ADDRESS: Unprovided = Unprovided {
        path: &["attributes", "source", "address"],
        why: "the proxy tells a wasm filter an address that may follow x-forwarded-for, which a client may choose; \
              say with `source_address` where it is to be taken from",
        counts_in_whole: true,
    };
    const EXTENSIONS: Unprovided = Unprovided {
        path: &["attributes", "contextExtensions"],
        why: "a wasm filter has no configuration per route; with `route_overrides: true` they are taken from the \
              route's metadata",
        counts_in_whole: false,
    };
    let mut all = Vec::new();
    if shape.source_address.is_none() {
        all.push(ADDRESS);
    }
    if !shape.context_extensions {
        all.push(EXTENSIONS);
    }
    all
}
