//! `docs/admin-api.yaml` says what the code has and what a real Envoy answers, and nothing else.

use std::collections::BTreeSet;

use sark_core::admin::{Endpoint, Outcome, Refusal};
use sark_core::rollout::{Source, Status};
use sark_core::shadow::Class;
use sark_integration::configuration::{and, of};
use sark_integration::envoy::bootstrap::wasm_filter;
use sark_integration::envoy::yaml;
use sark_integration::operator::{self, READER, bearing};
use sark_integration::{Mode, Opa, Protocol, Request, Response, Stack, parts, wait};
use serde_json::{Value, json};

fn file() -> Value {
    yaml::load(&parts::workspace().join("docs/admin-api.yaml")).expect("docs/admin-api.yaml")
}

/// The thing itself, or what its `$ref` names.
fn resolved<'a>(file: &'a Value, thing: &'a Value) -> &'a Value {
    match thing["$ref"].as_str() {
        Some(reference) => file.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}")),
        None => thing,
    }
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn set<const N: usize>(texts: [&str; N]) -> BTreeSet<String> {
    texts.map(str::to_owned).into()
}

const OTHER: &str = "/{anything_else}";

#[test]
fn the_file_has_the_endpoints_methods_and_answers_of_the_code() {
    let file = file();
    let mut paths: BTreeSet<String> = Endpoint::ALL.map(|endpoint| endpoint.path().to_owned()).into();
    paths.insert(OTHER.to_owned());
    assert_eq!(keys(&file["paths"]), paths);
    for endpoint in Endpoint::ALL {
        let operations = &file["paths"][endpoint.path()];
        let methods = endpoint.methods().to_ascii_lowercase();
        assert_eq!(keys(operations), methods.split(", ").map(str::to_owned).collect(), "{endpoint:?}");
        let refused = |outcome: &Outcome| match outcome {
            Outcome::Refused(of, refusal) if *of == Some(endpoint) => Some(refusal.status()),
            _ => None,
        };
        let mut statuses: BTreeSet<String> =
            Outcome::all().iter().filter_map(refused).map(|status| status.to_string()).collect();
        statuses.extend(set(["200", "401"]));
        let method = if endpoint.writes() { "post" } else { "get" };
        assert_eq!(keys(&operations[method]["responses"]), statuses, "{endpoint:?}");
    }
    let schemas = &file["components"]["schemas"];
    let classes = &schemas["Shadow"]["properties"]["workers"]["items"]["properties"]["classes"]["properties"];
    assert_eq!(keys(classes), Class::ALL.map(|class| class.label().to_owned()).into());
    let codes = &schemas["Error"]["properties"]["error"]["properties"]["code"]["enum"];
    assert_eq!(texts(codes), Refusal::ALL.map(|refusal| refusal.code().to_owned()).into());
    let feature = &schemas["Feature"]["properties"];
    assert_eq!(texts(&feature["status"]["enum"]), Status::ALL.map(|status| status.label().to_owned()).into());
    assert_eq!(texts(&feature["source"]["enum"]), Source::ALL.map(|source| source.label().to_owned()).into());
}

#[test]
fn what_stands_in_the_query_is_what_stands_in_the_body() {
    let file = file();
    for (path, operations) in file["paths"].as_object().unwrap() {
        let operation = &operations["post"];
        let body = resolved(&file, &operation["requestBody"]["content"]["application/json"]["schema"]);
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let in_query: BTreeSet<String> =
            parameters.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(in_query, keys(&body["properties"]), "{path}");
    }
}

/// A request, and the operation and status of the file that it meets.
struct Case {
    path: &'static str,
    method: &'static str,
    status: u16,
    code: Option<&'static str>,
    request: Request,
}

fn case(path: &'static str, method: &'static str, status: u16, code: &'static str, request: Request) -> Case {
    Case { path, method, status, code: (!code.is_empty()).then_some(code), request }
}

const UPDATE: &str = "/rollout/update";
const ROLLBACK: &str = "/rollout/rollback";
const CLEANUP: &str = "/cache/cleanup";

/// What any Envoy answers.
fn usual() -> Vec<Case> {
    let mut cases = vec![
        case(UPDATE, "post", 200, "", operator::update("rust_opa", 12.5)),
        case(
            UPDATE,
            "post",
            200,
            "",
            operator::post("/admin/rollout/update", &json!({"feature": "rust_opa", "percentage": 0.01, "ttl": 60})),
        ),
        case(
            UPDATE,
            "post",
            200,
            "",
            operator::request("POST", "/admin/rollout/update?feature=rust_cache&percentage=50"),
        ),
        case(
            UPDATE,
            "post",
            409,
            "version_conflict",
            operator::request("POST", "/admin/rollout/update?feature=rust_opa&percentage=5&if_version=99"),
        ),
        case(ROLLBACK, "post", 200, "", operator::rollback("rust_opa")),
        case(CLEANUP, "post", 200, "", operator::post("/admin/cache/cleanup", &json!({}))),
        case(OTHER, "get", 401, "unauthorized", Request::get("/admin/x")),
        case(OTHER, "get", 404, "not_found", bearing(READER, "GET", "/admin/x")),
    ];
    for path in ["/features", "/status", "/shadow"] {
        let target = format!("/admin{path}");
        cases.extend([
            case(path, "get", 200, "", bearing(READER, "GET", &target)),
            case(path, "head", 200, "", bearing(READER, "HEAD", &target)),
            case(path, "options", 204, "", bearing(READER, "OPTIONS", &target)),
            case(path, "get", 400, "bad_request", bearing(READER, "GET", &format!("{target}?x=1"))),
            case(path, "get", 401, "unauthorized", Request::get(&target)),
            case(path, "get", 405, "method_not_allowed", bearing(READER, "DELETE", &target)),
        ]);
    }
    for path in [UPDATE, ROLLBACK, CLEANUP] {
        let target = format!("/admin{path}");
        cases.extend([
            case(path, "options", 204, "", bearing(READER, "OPTIONS", &target)),
            case(path, "post", 400, "bad_request", operator::post(&target, &json!({"x": 1}))),
            case(path, "post", 401, "unauthorized", Request::post(&target)),
            case(path, "post", 403, "forbidden", bearing(READER, "POST", &target)),
            case(path, "post", 405, "method_not_allowed", bearing(READER, "GET", &target)),
            case(path, "post", 413, "too_large", operator::request("POST", &target).body(" ".repeat(4_097))),
        ]);
    }
    cases
}

/// Without a remote OPA and without a cache.
fn conflicts() -> Vec<Case> {
    vec![
        case(UPDATE, "post", 409, "conflict", operator::update("rust_opa", 12.5)),
        case(ROLLBACK, "post", 409, "conflict", operator::rollback("rust_cache")),
    ]
}

/// Without `allow_on_headers_stop_iteration`.
fn kept_back() -> Vec<Case> {
    [UPDATE, ROLLBACK, CLEANUP]
        .map(|path| {
            let request = operator::post(&format!("/admin{path}"), &json!({"feature": "rust_opa"}));
            case(path, "post", 411, "length_required", request)
        })
        .into()
}

/// Without Envoy's shared data and its metrics.
fn unavailable() -> Vec<Case> {
    let target = |path: &str| format!("/admin{path}");
    vec![
        case("/status", "get", 503, "unavailable", bearing(READER, "GET", &target("/status"))),
        case("/shadow", "get", 503, "unavailable", bearing(READER, "GET", &target("/shadow"))),
        case(UPDATE, "post", 503, "unavailable", operator::update("rust_opa", 12.5)),
        case(ROLLBACK, "post", 503, "unavailable", operator::rollback("rust_opa")),
        case(CLEANUP, "post", 503, "unavailable", operator::request("POST", &target(CLEANUP))),
    ]
}

fn configuration() -> Value {
    and(
        &operator::configuration("result := true"),
        json!({"remote": {"breaker": {}}, "features": {"rust_cache": {}}, "shadow": {"percentage": 100}}),
    )
}

/// What the filter may call: everything that it needs to serve, or all of it.
const CAPABILITIES: [&str; 31] = [
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_request_headers",
    "proxy_on_request_body",
    "proxy_on_request_trailers",
    "proxy_on_response_headers",
    "proxy_on_http_call_response",
    "proxy_on_tick",
    "proxy_on_log",
    "proxy_on_done",
    "proxy_on_delete",
    "proxy_log",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_value",
    "proxy_get_property",
    "proxy_set_property",
    "proxy_set_tick_period_milliseconds",
    "proxy_send_local_response",
    "proxy_continue_stream",
    "proxy_get_buffer_bytes",
    "proxy_define_metric",
    "proxy_increment_metric",
    "proxy_set_effective_context",
    "clock_time_get",
    "random_get",
    "environ_get",
    "environ_sizes_get",
    "fd_write",
    "proc_exit",
    "proxy_get_current_time_nanoseconds",
];

/// An OPA that tells whether a document fits a schema of the file.
fn judge(file: &Value) -> Opa {
    let policy = r##"
package fits

schema := object.union(data.file, {"$ref": concat("", ["#/components/schemas/", input.schema])})

verdict := json.match_schema(input.document, schema)
"##;
    Opa::with_policy(policy, &json!({"file": file})).expect("an OPA")
}

fn assert_fits(opa: &Opa, schema: &str, document: &Value, what: &str) {
    let verdict = opa.query("fits/verdict", &json!({"schema": schema, "document": document})).expect("a verdict");
    assert_eq!(verdict["result"][0], json!(true), "{what}: {document} is no {schema}: {verdict}");
}

/// The answer is the one that the file has for this operation and status.
fn check(file: &Value, opa: &Opa, case: &Case, reply: &Response) {
    let what = format!("{} {} {}", case.method, case.path, case.status);
    assert_eq!(reply.status, case.status, "{what}: {reply:?}");
    let response = resolved(file, &file["paths"][case.path][case.method]["responses"][case.status.to_string()]);
    assert!(response.is_object(), "{what} is not in the file");
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let schema = &resolved(file, header)["schema"];
        let value = reply.header(name).unwrap_or_else(|| panic!("{what}: no {name}: {reply:?}"));
        let may_be =
            if schema["const"].is_null() { texts(&schema["enum"]) } else { set([schema["const"].as_str().unwrap()]) };
        assert!(may_be.contains(&value), "{what}: {name}: {value}");
    }
    let Some(reference) = response["content"]["application/json"]["schema"]["$ref"].as_str() else {
        assert!(reply.body.is_empty(), "{what}: {reply:?}");
        return;
    };
    assert_eq!(reply.header("content-type").as_deref(), Some("application/json"), "{what}");
    let body = reply.json();
    assert_fits(opa, reference.rsplit('/').next().unwrap(), &body, &what);
    assert_eq!(body["error"]["code"].as_str(), case.code, "{what}");
}

#[test]
fn a_real_envoy_answers_as_the_file_says_and_meets_all_of_it() {
    let file = file();
    let opa = judge(&file);
    assert!(std::panic::catch_unwind(|| assert_fits(&opa, "Error", &json!({"error": {}}), "")).is_err());
    let stack = Stack::sark(configuration()).fake(Mode::Decision(json!(true))).workers(2).start();
    // All workers show themselves, and one of them an error.
    stack.fake().set(Mode::Garbage);
    assert_eq!(stack.send(&Request::get("/x?secret=1")).status, 403);
    let shown = || {
        let [status, shadow] =
            ["/admin/status", "/admin/shadow"].map(|path| stack.send(&bearing(READER, "GET", path)).text());
        let all = status.matches("\"vm\"").count() == 3;
        (all && status.contains("bad_json") && shadow.contains("error_remote")).then_some(())
    };
    wait::until(std::time::Duration::from_secs(5), "workers show themselves", shown).unwrap();

    let mut met = BTreeSet::new();
    let mut run = |cases: Vec<Case>| {
        for case in cases {
            for protocol in [Protocol::Http1, Protocol::Http2] {
                check(&file, &opa, &case, &stack.send(&case.request.clone().protocol(protocol)));
            }
            met.insert((case.path, case.method, case.status.to_string()));
        }
    };
    run(usual());
    stack.push(&and(&of("result := true\n"), json!({"admin": operator::section()}))).accepted();
    run(conflicts());
    let mut options = stack.envoy().options();
    options.stop_iteration = false;
    stack.envoy().push_filter(wasm_filter(&options, &configuration().to_string()).unwrap()).unwrap().accepted();
    run(kept_back());
    let mut restricted = wasm_filter(&stack.envoy().options(), &configuration().to_string()).unwrap();
    let allowed: serde_json::Map<String, Value> =
        CAPABILITIES.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
    restricted["config"]["vm_config"]["capability_restriction_config"] = json!({"allowed_capabilities": allowed});
    stack.envoy().push_filter(restricted).unwrap().accepted();
    run(unavailable());

    let mut missing = BTreeSet::new();
    for (path, operations) in file["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            for status in keys(&operation["responses"]) {
                if !met.contains(&(path.as_str(), method.as_str(), status.clone())) {
                    missing.insert(format!("{method} {path} {status}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "no request meets {missing:?}");
}

/// The fields that an endpoint takes, by its own word: the error for an unknown one lists them.
#[test]
fn the_arguments_are_those_of_the_file() {
    let file = file();
    let stack = Stack::sark(configuration()).fake(Mode::Decision(json!(true))).start();
    for (path, operations) in file["paths"].as_object().unwrap().iter().filter(|(_, all)| all["post"].is_object()) {
        let reply = stack.send(&operator::post(&format!("/admin{path}"), &json!({"?": 1})));
        let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        let (_, expected) = message.split_once("unknown field `?`").unwrap();
        let named: BTreeSet<String> = expected.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let schema = resolved(&file, &operations["post"]["requestBody"]["content"]["application/json"]["schema"]);
        assert_eq!(named, keys(&schema["properties"]), "{path}: {message}");
        // What the file requires is required.
        for required in texts(&schema["required"]) {
            let all = json!({"feature": "rust_opa", "percentage": 5});
            let mut given: Value = keys(&schema["properties"])
                .iter()
                .filter(|name| all[*name] != Value::Null)
                .map(|name| (name.clone(), all[name].clone()))
                .collect();
            given.as_object_mut().unwrap().remove(&required);
            assert_eq!(stack.send(&operator::post(&format!("/admin{path}"), &given)).status, 400, "{path} {required}");
        }
    }
}
