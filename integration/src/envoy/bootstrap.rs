//! The configuration of one Envoy: the shipped files with addresses, paths and the options of a test put in.
//!
//! Nothing is written twice: what a deployer copies is what the tests run.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use super::options::{Filter, Options};
use super::yaml;
use crate::{Error, Result, parts};

/// The deciding filter's name: in the filter chain and as the resource of ECDS.
pub const FILTER: &str = "sark";
const GUARD: &str = "sark_guard";

/// Where the cluster `opa` leads.
#[derive(Debug, Clone, Copy)]
pub enum OpaCluster {
    /// There is no such cluster.
    Missing,
    /// It has no endpoint.
    Empty,
    /// It has this one.
    At(SocketAddr),
}

/// The addresses of one Envoy.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// Its listener.
    pub listener: SocketAddr,
    /// Its admin interface.
    pub admin: SocketAddr,
    /// The upstream.
    pub upstream: SocketAddr,
    /// The remote OPA.
    pub opa: OpaCluster,
}

/// The bootstrap, with the files it needs in `folder`.
pub fn bootstrap(options: &Options, addresses: &Addresses, folder: &Path) -> Result<Value> {
    let mut tree = yaml::shipped("envoy.yaml")?;
    tree["admin"]["address"] = address(addresses.admin);
    let listener = at(&mut tree, "/static_resources/listeners/0")?;
    listener["address"] = address(addresses.listener);
    if let Some(limit) = options.buffer_limit {
        listener["per_connection_buffer_limit_bytes"] = json!(limit);
    }
    let manager = at(listener, "/filter_chains/0/filters/0/typed_config")?;
    connection_manager(manager, options, folder)?;
    filter_chain(list(manager, "/http_filters")?, options, folder)?;
    clusters(list(&mut tree, "/static_resources/clusters")?, options, addresses)?;
    for edit in &options.edits {
        edit(&mut tree);
    }
    Ok(tree)
}

/// The `typed_config` of the deciding filter with this plugin configuration, as `sark.yaml` has it.
pub fn wasm_filter(options: &Options, configuration: &str) -> Result<Value> {
    let mut tree = yaml::shipped("sark.yaml")?;
    let filter = at(&mut tree, "/resources/0/typed_config")?;
    let plugin = at(filter, "/config")?;
    plugin["configuration"]["value"] = json!(configuration);
    plugin["allow_on_headers_stop_iteration"] = json!(options.stop_iteration);
    let module = match &options.wasm {
        Some(path) => path.clone(),
        None => parts::wasm()?,
    };
    let machine = at(plugin, "/vm_config")?;
    machine["code"] = json!({"local": {"filename": module}});
    if let Some(vm_id) = &options.vm_id {
        machine["vm_id"] = json!(vm_id);
    }
    if !options.environment.is_empty() {
        machine["environment_variables"]["key_values"] = json!(options.environment);
    }
    if !options.host_environment.is_empty() {
        let names: Vec<&String> = options.host_environment.keys().collect();
        machine["environment_variables"]["host_env_keys"] = json!(names);
    }
    Ok(filter.take())
}

/// A file of ECDS with this filter.
#[must_use]
pub fn resource(typed_config: &Value, version: u64) -> Value {
    json!({
        "version_info": version.to_string(),
        "resources": [{
            "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
            "name": FILTER,
            "typed_config": typed_config,
        }],
    })
}

/// The file that is watched.
pub fn resource_path(folder: &Path) -> std::path::PathBuf {
    folder.join("ecds").join("sark.json")
}

/// The access log.
pub fn access_log_path(folder: &Path) -> std::path::PathBuf {
    folder.join("access.log")
}

fn connection_manager(manager: &mut Value, options: &Options, folder: &Path) -> Result<()> {
    if !options.normalize_path {
        manager["normalize_path"] = json!(false);
        manager["merge_slashes"] = json!(false);
        manager["path_with_escaped_slashes_action"] = json!("KEEP_UNCHANGED");
    }
    let mut upgrades = Vec::new();
    if options.websocket {
        upgrades.push(json!({"upgrade_type": "websocket"}));
    }
    if options.connect {
        upgrades.push(json!({"upgrade_type": "CONNECT"}));
        manager["http2_protocol_options"]["allow_connect"] = json!(true);
        let routes = list(manager, "/route_config/virtual_hosts/0/routes")?;
        routes.insert(0, json!({"match": {"connect_matcher": {}}, "route": {"cluster": "upstream"}}));
    }
    manager["upgrade_configs"] = Value::Array(upgrades);
    if options.http1_trailers {
        manager["http_protocol_options"]["enable_trailers"] = json!(true);
    }
    if let Some(count) = options.max_headers {
        manager["common_http_protocol_options"]["max_headers_count"] = json!(count);
        manager["max_request_headers_kb"] = json!(1024);
    }
    manager["access_log"] = access_log(folder);
    Ok(())
}

/// One JSON object a line.
fn access_log(folder: &Path) -> Value {
    json!([{
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": access_log_path(folder),
            "log_format": {"json_format": {
                "method": "%REQ(:METHOD)%",
                "path": "%REQ(:PATH)%",
                "protocol": "%PROTOCOL%",
                "status": "%RESPONSE_CODE%",
                "details": "%RESPONSE_CODE_DETAILS%",
                "flags": "%RESPONSE_FLAGS%",
                "allowed": "%FILTER_STATE(wasm.sark.allowed:PLAIN)%",
                "implementation": "%FILTER_STATE(wasm.sark.implementation:PLAIN)%",
                "error": "%FILTER_STATE(wasm.sark.error:PLAIN)%",
                "admin": "%FILTER_STATE(wasm.sark.admin:PLAIN)%",
                "admin_by": "%FILTER_STATE(wasm.sark.admin_by:PLAIN)%",
                "decision_id": "%FILTER_STATE(wasm.sark.decision_id:PLAIN)%",
                "dynamic_metadata": "%FILTER_STATE(wasm.sark.dynamic_metadata:PLAIN)%",
                "duration_ms": "%DURATION%",
            }},
        },
    }])
}

fn filter_chain(chain: &mut Vec<Value>, options: &Options, folder: &Path) -> Result<()> {
    let here = position(chain, FILTER)?;
    match &options.filter {
        Filter::None => {
            chain.remove(here);
        }
        Filter::Inline(configuration) => {
            chain[here] = json!({"name": FILTER, "typed_config": wasm_filter(options, configuration)?});
        }
        Filter::Pushed(_) => discover(&mut chain[here], folder),
        Filter::Other(typed_config) => {
            discover(&mut chain[here], folder);
            chain[here]["config_discovery"]["type_urls"] = json!([typed_config["@type"]]);
        }
    }
    let sark = matches!(options.filter, Filter::Pushed(_) | Filter::Inline(_));
    if !(options.guard && sark) {
        let guard = position(chain, GUARD)?;
        chain.remove(guard);
    }
    Ok(())
}

fn discover(filter: &mut Value, folder: &Path) {
    let path = resource_path(folder);
    filter["config_discovery"]["config_source"]["path_config_source"] =
        json!({"path": path, "watched_directory": {"path": path.parent()}});
}

fn clusters(clusters: &mut Vec<Value>, options: &Options, addresses: &Addresses) -> Result<()> {
    let upstream = position(clusters, "upstream")?;
    set_endpoint(&mut clusters[upstream], Some(addresses.upstream));
    clusters[upstream]["typed_extension_protocol_options"] = upstream_protocol(options);
    let opa = position(clusters, "opa")?;
    match addresses.opa {
        OpaCluster::Missing => {
            clusters.remove(opa);
        }
        OpaCluster::Empty => set_endpoint(&mut clusters[opa], None),
        OpaCluster::At(there) => set_endpoint(&mut clusters[opa], Some(there)),
    }
    Ok(())
}

fn upstream_protocol(options: &Options) -> Value {
    let explicit = if options.upstream_http2 {
        json!({"http2_protocol_options": {"allow_connect": true}})
    } else {
        json!({"http_protocol_options": {"enable_trailers": options.http1_trailers}})
    };
    json!({"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": explicit,
    }})
}

fn set_endpoint(cluster: &mut Value, there: Option<SocketAddr>) {
    let endpoints: Vec<Value> = there.iter().map(|there| json!({"endpoint": {"address": address(*there)}})).collect();
    cluster["load_assignment"]["endpoints"] = json!([{"lb_endpoints": endpoints}]);
}

fn address(address: SocketAddr) -> Value {
    json!({"socket_address": {"address": address.ip().to_string(), "port_value": address.port()}})
}

fn at<'a>(tree: &'a mut Value, pointer: &str) -> Result<&'a mut Value> {
    tree.pointer_mut(pointer).ok_or_else(|| Error::new(format!("the shipped Envoy configuration has no {pointer}")))
}

fn list<'a>(tree: &'a mut Value, pointer: &str) -> Result<&'a mut Vec<Value>> {
    at(tree, pointer)?
        .as_array_mut()
        .ok_or_else(|| Error::new(format!("{pointer} of the shipped Envoy configuration is no list")))
}

fn position(list: &[Value], name: &str) -> Result<usize> {
    list.iter()
        .position(|entry| entry["name"] == name)
        .ok_or_else(|| Error::new(format!("the shipped Envoy configuration has nothing named {name}")))
}
