//! What the operator wrote, key by key. Nothing is checked here but names and types; `compiled` does the rest.
//!
//! The reference for every key is `docs/configuration.md`.

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::marker::PhantomData;

/// A JSON object that is a `T`. serde's own structs can also be written as arrays, which nobody means.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<T, M::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// An object with keys of the operator's own. A key that stands twice is refused: the first module of a name would
/// silently be lost, and with it what it denies.
#[derive(Debug)]
pub struct Map<T>(pub BTreeMap<String, T>);

impl<T> Default for Map<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Map<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor(PhantomData)).map(Self)
    }
}

struct MapVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MapVisitor<T> {
    type Value = BTreeMap<String, T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut members = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, T>()? {
            if members.contains_key(&key) {
                return Err(serde::de::Error::custom(format!("the key `{key}` stands twice")));
            }
            members.insert(key, value);
        }
        Ok(members)
    }
}

/// The whole document.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config<'a> {
    #[serde(borrow)]
    pub policy: Object<Policy<'a>>,
    pub remote: Option<Object<Remote>>,
    pub features: Object<Features>,
    pub identity: Vec<Object<IdentitySource>>,
    pub with_request_body: Option<Object<WithRequestBody>>,
    pub skip_request_body_parse: bool,
    pub allowed_headers: Option<Object<HeaderList>>,
    pub disallowed_headers: Option<Object<HeaderList>>,
    pub encode_raw_headers: bool,
    pub include_peer_certificate: bool,
    pub include_tls_session: bool,
    pub metadata_context_namespaces: Vec<String>,
    pub typed_metadata_context_namespaces: Vec<String>,
    pub route_metadata_context_namespaces: Vec<String>,
    pub route_typed_metadata_context_namespaces: Vec<String>,
    pub bootstrap_metadata_labels_key: Option<String>,
    pub proto_descriptor: Option<String>,
    pub source_address: Option<String>,
    pub shadow: Option<Object<Shadow>>,
    pub dry_run: DryRun,
    pub failure_mode_allow: bool,
    pub failure_mode_allow_header_add: bool,
    pub validate_mutations: bool,
    pub clear_route_cache: Option<bool>,
    pub strip_request_headers: Vec<String>,
    pub route_overrides: bool,
    pub unrouted_headers: Vec<String>,
    pub status_on_error: Object<StatusOnError>,
    pub limits: Object<Limits>,
    pub debug_header: Option<String>,
    pub admin: Option<Object<Admin>>,
}

/// `policy`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy<'a> {
    pub bundle: Option<String>,
    pub modules: Option<Map<String>>,
    /// Not copied: it may be most of the configuration.
    #[serde(borrow)]
    pub data: Option<&'a RawValue>,
    pub rego_version: Option<RegoVersion>,
    pub path: String,
    pub paths: Vec<String>,
    pub unsupported: Unsupported,
}

/// `policy.rego_version`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegoVersion {
    V0,
    V1,
}

/// `policy.unsupported`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unsupported {
    #[default]
    Reject,
    Remote,
}

/// `remote`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remote {
    pub cluster: String,
    pub authority: Option<String>,
    pub path: Option<String>,
    pub timeout: Option<String>,
    pub max_reply_bytes: Option<u64>,
    pub max_in_flight: Option<u64>,
    #[serde(default)]
    pub headers: Map<OrEnv>,
    #[serde(default)]
    pub breaker: Object<Breaker>,
}

/// `remote.breaker`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    pub enabled: bool,
    pub failure_percentage: Option<u64>,
    pub minimum_calls: Option<u64>,
    pub window: Option<String>,
    pub probe_interval: Option<String>,
    pub probes: Option<u64>,
    pub fallback_to_inline: bool,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            enabled: true,
            failure_percentage: None,
            minimum_calls: None,
            window: None,
            probe_interval: None,
            probes: None,
            fallback_to_inline: false,
        }
    }
}

/// A text: as it is, or the name of an environment variable that holds it.
#[derive(Debug)]
pub enum OrEnv {
    Literal(String),
    FromEnv(String),
}

impl<'de> Deserialize<'de> for OrEnv {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OrEnvVisitor)
    }
}

struct OrEnvVisitor;

impl<'de> Visitor<'de> for OrEnvVisitor {
    type Value = OrEnv;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string or {\"from_env\": \"NAME\"}")
    }

    fn visit_str<E>(self, text: &str) -> Result<OrEnv, E> {
        Ok(OrEnv::Literal(text.to_owned()))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<OrEnv, M::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct FromEnv {
            from_env: String,
        }
        FromEnv::deserialize(MapAccessDeserializer::new(map)).map(|wrapper| OrEnv::FromEnv(wrapper.from_env))
    }
}

/// `features`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Features {
    pub rust_opa: Object<RustOpa>,
    pub rust_cache: Option<Object<RustCache>>,
}

/// `features.rust_opa`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RustOpa {
    pub enabled: bool,
    pub rollout_percentage: f64,
    pub fallback_on_error: bool,
    pub users: Map<bool>,
    pub headers: Vec<Object<Pin>>,
}

impl Default for RustOpa {
    fn default() -> Self {
        Self {
            enabled: true,
            rollout_percentage: 100.0,
            fallback_on_error: true,
            users: Map::default(),
            headers: Vec::new(),
        }
    }
}

/// `features.rust_cache`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RustCache {
    pub enabled: bool,
    pub rollout_percentage: f64,
    pub fallback_on_error: bool,
    pub users: Map<bool>,
    pub headers: Vec<Object<Pin>>,
    pub max_size: Option<u64>,
    pub max_bytes: Option<u64>,
    pub ttl_seconds: u64,
    pub ttl_seconds_allow: Option<u64>,
    pub ttl_seconds_deny: Option<u64>,
    pub ttl_seconds_impure: Option<u64>,
    pub ttl_seconds_remote: Option<u64>,
    pub remote_key: Option<Vec<String>>,
}

impl Default for RustCache {
    fn default() -> Self {
        Self {
            enabled: true,
            rollout_percentage: 100.0,
            fallback_on_error: true,
            users: Map::default(),
            headers: Vec::new(),
            max_size: None,
            max_bytes: None,
            ttl_seconds: 300,
            ttl_seconds_allow: None,
            ttl_seconds_deny: None,
            ttl_seconds_impure: None,
            ttl_seconds_remote: None,
            remote_key: None,
        }
    }
}

/// `shadow`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    pub percentage: f64,
    pub max_in_flight: Option<u64>,
    pub max_bytes: Option<u64>,
    pub keep_differences: Option<u64>,
    pub latency_ratio: Option<f64>,
}

/// `dry_run`: a switch, or an object with more of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct DryRun {
    pub enabled: bool,
    pub errors: bool,
}

impl<'de> Deserialize<'de> for DryRun {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DryRunVisitor)
    }
}

struct DryRunVisitor;

impl<'de> Visitor<'de> for DryRunVisitor {
    type Value = DryRun;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a boolean or {\"enabled\": true, \"errors\": true}")
    }

    fn visit_bool<E>(self, enabled: bool) -> Result<DryRun, E> {
        Ok(DryRun { enabled, errors: false })
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<DryRun, M::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Switches {
            enabled: bool,
            #[serde(default)]
            errors: bool,
        }
        let Switches { enabled, errors } = Switches::deserialize(MapAccessDeserializer::new(map))?;
        Ok(DryRun { enabled, errors })
    }
}

/// One entry of `identity`: exactly one of these, but `header` may stand beside `claim`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentitySource {
    pub header: Option<String>,
    pub claim: Option<ClaimPath>,
    pub peer_certificate: Option<CertificateName>,
    pub source_address: Option<bool>,
    pub constant: Option<String>,
}

/// The names that lead to a claim: an array, or a text with dots between them.
#[derive(Debug)]
pub struct ClaimPath(pub Vec<String>);

impl<'de> Deserialize<'de> for ClaimPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ClaimPathVisitor)
    }
}

struct ClaimPathVisitor;

impl<'de> Visitor<'de> for ClaimPathVisitor {
    type Value = ClaimPath;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string or an array of strings")
    }

    fn visit_str<E>(self, text: &str) -> Result<ClaimPath, E> {
        Ok(ClaimPath(text.split('.').map(str::to_owned).collect()))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, names: S) -> Result<ClaimPath, S::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(names)).map(ClaimPath)
    }
}

/// `peer_certificate` of an identity source.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateName {
    UriSan,
    DnsSan,
    Subject,
}

/// One entry of `features.….headers`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    pub name: String,
    pub value: String,
    #[serde(rename = "use")]
    pub has_it: bool,
}

/// `with_request_body`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithRequestBody {
    pub max_request_bytes: u64,
    #[serde(default)]
    pub allow_partial_message: bool,
    #[serde(default)]
    pub pack_as_bytes: bool,
}

/// `allowed_headers`, `disallowed_headers`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderList {
    pub patterns: Vec<Object<Pattern>>,
}

/// One string matcher: exactly one of the first five.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pattern {
    pub exact: Option<String>,
    pub prefix: Option<String>,
    pub suffix: Option<String>,
    pub contains: Option<String>,
    pub safe_regex: Option<Object<SafeRegex>>,
    pub ignore_case: bool,
}

/// `safe_regex` of a string matcher.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SafeRegex {
    pub regex: String,
}

/// `status_on_error`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusOnError {
    pub code: u64,
}

impl Default for StatusOnError {
    fn default() -> Self {
        Self { code: 403 }
    }
}

/// `limits`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub evaluation_time: Option<String>,
    pub evaluation_steps: Option<u64>,
    pub json_depth: Option<u64>,
}

/// `admin`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admin {
    #[serde(default = "Admin::path_prefix")]
    pub path_prefix: String,
    #[serde(default)]
    pub hosts: Vec<String>,
    #[serde(default)]
    pub filter_chains: Vec<String>,
    pub tokens: Vec<Object<Token>>,
}

impl Admin {
    fn path_prefix() -> String {
        "/admin".to_owned()
    }
}

/// One entry of `admin.tokens`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub name: String,
    pub role: Role,
    pub sha256: OrEnv,
}

/// `role` of a token.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Read,
    Write,
}
