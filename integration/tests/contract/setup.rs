//! The one policy of the suite, the stack that serves it, and how the filter can be configured.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use sark_integration::envoy::bootstrap::FILTER;
use sark_integration::{Remote, Stack, configuration};
use serde_json::{Value, json};

use crate::play::Stage;
use crate::row::{Door, Row};

/// The header of a reply that says who decided.
pub const DECIDED_BY: &str = "x-decided-by";
/// The header of a request that says which row it belongs to: `result` decides by it.
pub const ROW: &str = "x-row";
/// The header that tells one sending of a row from another in the access log.
pub const RUN: &str = "x-run";

/// One configuration of the filter, both ways.
#[derive(Debug)]
pub struct Setup {
    pub name: &'static str,
    /// The rule that decides.
    pub rule: &'static str,
    pub changes: fn() -> Value,
    /// Whether an inline error asks the remote OPA.
    pub fallback: bool,
}

/// The policy tells what it was given. It reads the whole input, so all of it must be there: see `docs/configuration.md`.
pub static ECHO: Setup = echo("echo", || json!({}));
/// The policy decides what the row says.
pub static RESULT: Setup = result("result", || json!({}));

pub const fn echo(name: &'static str, changes: fn() -> Value) -> Setup {
    Setup { name, rule: "echo", changes, fallback: false }
}

pub const fn result(name: &'static str, changes: fn() -> Value) -> Setup {
    Setup { name, rule: "result", changes, fallback: false }
}

impl Setup {
    pub const fn falling_back(mut self) -> Self {
        self.fallback = true;
        self
    }

    /// The filter's configuration.
    pub fn configuration(&self, policy: &str, way: Way) -> Value {
        let path = format!("envoy/authz/{}", self.rule);
        let own = match self.rule {
            "echo" => json!({"source_address": "header:x-peer", "route_overrides": true}),
            _ => json!({}),
        };
        let base = json!({
            "policy": {"bundle": plan(policy, &path), "path": path},
            "remote": {"cluster": "opa", "timeout": "10s"},
            "features": {"rust_opa": {"enabled": way == Way::Inline, "fallback_on_error": self.fallback}},
            "debug_header": DECIDED_BY,
        });
        configuration::and(&configuration::and(&base, own), (self.changes)())
    }
}

/// The plan of one rule; made once, as OPA's compiler is not fast.
fn plan(policy: &str, path: &str) -> Value {
    static PLANS: LazyLock<Mutex<BTreeMap<String, Value>>> = LazyLock::new(Mutex::default);
    let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
    let planned = || configuration::planned(policy, &json!({}), path)["policy"]["bundle"].clone();
    plans.entry(path.to_owned()).or_insert_with(planned).clone()
}

/// Who answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The filter, with the policy as a plan.
    Inline,
    /// A real OPA with the same policy.
    Remote,
}

impl Way {
    /// What the debug header says.
    pub fn label(self) -> &'static str {
        match self {
            Self::Inline => "rust",
            Self::Remote => "remote",
        }
    }
}

/// The policy of all rows. A denial of HEAD has no body, so the document is in a header there.
pub fn policy(rows: &[Row]) -> String {
    let mut text = String::from(
        r#"package envoy.authz

import input.attributes.request.http

echo := {"allowed": false, "body": json.marshal(input), "headers": told}

told := {"x-echo": json.marshal(input)} if http.method == "HEAD"

else := {}
"#,
    );
    for (number, row) in rows.iter().enumerate() {
        for decision in &row.decision {
            text.push_str(&format!("\nresult := {decision} if http.headers[\"{ROW}\"] == \"{number}\"\n"));
        }
    }
    text
}

/// The plain listener. A client's `x-forwarded-for` is believed, as Envoy does by default.
pub fn stage(policy: &str) -> Stage {
    let stack = start(policy, |_| {});
    Stage { doors: BTreeMap::from([(Door::Plain, stack.address())]), stack }
}

/// A stack whose bootstrap is changed further.
pub fn start(policy: &str, change: impl Fn(&mut Value) + Send + Sync + 'static) -> Stack {
    Stack::sark(ECHO.configuration(policy, Way::Inline))
        .remote(Remote::Policy(policy.to_owned(), json!({})))
        // Paths arrive as they were sent, as they do in an Envoy that is not told otherwise.
        .options(|options| options.normalize_path = false)
        .edit(manager_options)
        .edit(filters_in_front)
        .edit(routes)
        .edit(change)
        .start()
}

pub fn manager(tree: &mut Value) -> &mut Value {
    &mut tree["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
}

fn manager_options(tree: &mut Value) {
    tree["node"]["metadata"] = json!({"labels": {"app": "shop", "replicas": 3, "zone": ""}, "empty": {}});
    let manager = manager(tree);
    manager["use_remote_address"] = json!(false);
    manager["http_protocol_options"]["accept_http_10"] = json!(true);
    manager["common_http_protocol_options"]["headers_with_underscores_action"] = json!("ALLOW");
    manager["access_log"][0]["typed_config"]["log_format"]["json_format"]["run"] = json!(format!("%REQ({RUN})%"));
}

/// Metadata of the request, and the address of the connection as `docs/configuration.md` says it is to be told.
fn filters_in_front(tree: &mut Value) {
    let value = json!({"big": 9_007_199_254_740_993_u64, "none": null, "list": [true, "x"], "empty": {}});
    let metadata = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config",
        "metadata": [
            {"metadata_namespace": "dotted.name", "value": value},
            {"metadata_namespace": "hidden", "value": {"x": 1}},
            {"metadata_namespace": "nothing", "value": {}},
            {"metadata_namespace": "fraction", "value": {"half": 0.5}},
            {"metadata_namespace": "typed", "typed_value": typed("hello")},
        ],
    });
    let peer = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        "mutations": {"request_mutations": [{"append": {
            "header": {"key": "x-peer", "value": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%"},
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }}]},
    });
    let filters = manager(tree)["http_filters"].as_array_mut().expect("filters");
    let here = filters.iter().position(|filter| filter["name"] == FILTER).expect("the filter");
    let front = [("metadata", metadata), ("peer", peer)];
    filters.splice(here..here, front.map(|(name, filter)| json!({"name": name, "typed_config": filter})));
}

fn typed(text: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": text})
}

fn routes(tree: &mut Value) {
    let route = |prefix: &str, sark: Value| {
        let mut metadata = json!({"filter_metadata": {"shop": {"tier": "gold"}, "other": {"x": 1}}});
        metadata["typed_filter_metadata"] = json!({"shop.typed": typed("gold")});
        if !sark.is_null() {
            metadata["filter_metadata"]["sark"] = sark;
        }
        json!({"match": {"prefix": prefix}, "route": {"cluster": "upstream"}, "metadata": metadata})
    };
    let moved = json!({"match": {"prefix": "/", "headers": [{"name": "x-canary", "string_match": {"exact": "1"}}]},
        "direct_response": {"status": 299}});
    manager(tree)["route_config"]["virtual_hosts"][0]["routes"] = json!([
        moved,
        route("/extended", json!({"context_extensions": {"Tier": "gold", "empty": ""}})),
        route("/disabled", json!({"disabled": true})),
        route("/", Value::Null),
    ]);
}
