//! `sark analyze`, run as operators run it.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics fails, as it should"
)]

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

const POLICY: &str = r#"package envoy.authz

import input.attributes.request.http as http

default allow := false

allow if {
	http.method == "GET"
	some role in data.users[user].roles
	glob.match(data.roles[role], ["/"], http.path)
}

user := http.headers["x-user"]
"#;

/// (exit status, standard output, standard error).
fn sark(arguments: &[&str], folder: &Path) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_sark")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let place = folder.path().join(name);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, text).unwrap();
    }
    folder
}

fn analyze(files: &[(&str, &str)], arguments: &[&str]) -> Value {
    let folder = folder(files);
    let (done, out, error) = sark(&[&["analyze", "--json"], arguments].concat(), folder.path());
    assert!(done, "{error}");
    serde_json::from_str(&out).unwrap()
}

/// The paths of a report's parts, those that are read as a whole with a `*`.
fn paths(parts: &Value) -> Vec<String> {
    let path = |part: &Value| {
        let keys: Vec<&str> = part["path"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
        let widened = if part["widened"] == true { "*" } else { "" };
        format!("{}{widened}", keys.join("."))
    };
    parts.as_array().unwrap().iter().map(path).collect()
}

#[test]
fn a_folder_is_analyzed_and_printed_as_text() {
    let files = [
        ("policy.rego", POLICY),
        ("policy_test.rego", "this is no Rego"),
        ("roles/data.json", "{}"),
        ("notes.txt", "not read"),
    ];
    let folder = folder(&files);
    let (done, out, error) = sark(&["analyze", "."], folder.path());
    assert_eq!((done, error.as_str()), (true, ""));
    let expected = "\
the policy is compiled from source (1 modules), decision envoy/authz/allow

reads of input
  input.attributes.request.http.headers.x-user
      put into a value at policy.rego:9:15 in data.envoy.authz.allow
  input.attributes.request.http.method
      compared at policy.rego:8:2 in data.envoy.authz.allow
  input.attributes.request.http.path
      given to glob.match at policy.rego:10:2 in data.envoy.authz.allow

reads of data
  data.roles
      looked into by a computed key at policy.rego:10:2 in data.envoy.authz.allow
  data.users
      looked into by a computed key at policy.rego:9:15 in data.envoy.authz.allow

builtins: glob.match

not deterministic: nothing

body: not read

asked of Envoy: nothing

asked of Envoy where the configuration shows it: nothing
";
    assert_eq!(out, expected);
}

#[test]
fn every_widening_says_why_and_where() {
    let rules = |rule: &str| format!("package envoy.authz\n{rule}\n");
    for (rule, path, why, builtin) in [
        ("allow if input.attributes.request.http.headers[data.h] == 1", "headers*", "computed_key", Value::Null),
        ("allow if count(input.attributes.request.http.headers) > 1", "headers*", "builtin", json!("count")),
        ("allow if { walk(input.attributes.source, [p, v]); v == 1 }", "source*", "builtin", json!("walk")),
        ("allow if { some x in input.attributes.request; x == 1 }", "request*", "iterated", Value::Null),
        ("allow if input.attributes == data.x", "attributes*", "compared", Value::Null),
        ("allow if input.x.y with input.x as input.attributes.request.http", "http*", "with", Value::Null),
        ("allow if { x := {\"a\": input.attributes.destination}; x.a.b }", "destination*", "value", Value::Null),
    ] {
        let report = analyze(&[("a.rego", &rules(rule))], &["a.rego"]);
        let part = report["input"].as_array().unwrap().iter().find(|part| part["widened"] == true);
        let part = part.unwrap_or_else(|| panic!("{rule}: {report}"));
        assert!(paths(&json!([part]))[0].ends_with(path), "{rule}: {part}");
        assert_eq!((part["why"].as_str(), &part["builtin"]), (Some(why), &builtin), "{rule}: {part}");
        assert!(part["place"].as_str().unwrap().starts_with("a.rego:2:"), "{rule}: {part}");
        assert_eq!(part["rule"], "data.envoy.authz.allow", "{rule}");
    }
}

#[test]
fn body_properties_and_what_is_not_deterministic_are_told() {
    let text = "package shop\nok if { input.attributes.request.time.seconds > 1; input.parsed_body.a; time.now_ns() > 1 }\n\
                ok if input.attributes.source.certificate == \"\"\nok if input.attributes.source.address\n";
    let report =
        analyze(&[("a.rego", text), ("data.json", "{\"x\": 1}")], &["a.rego", "data.json", "--decision", "shop/ok"]);
    assert_eq!(report["decision"], json!(["shop", "ok"]));
    assert_eq!((&report["deterministic"], &report["reads_body"]), (&json!(false), &json!(true)));
    assert!(report["builtins"].as_array().unwrap().contains(&json!({"name": "time.now_ns", "depends_on": "time"})));
    assert_eq!(report["properties"], json!(["request.time"]));
    assert_eq!(report["properties_if_shown"], json!(["connection.peer_certificate", "source.address"]));
    assert!(report["needs"].as_str().unwrap().contains("source_address"), "{report}");
}

#[test]
fn a_plan_of_opas_compiler_is_analyzed() {
    let bundle = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../core/testdata/bundles/example.tar.gz"));
    let report = analyze(&[], &[bundle.to_str().unwrap()]);
    assert_eq!(paths(&report["input"]), ["parsed_path"]);
    assert_eq!(paths(&report["data"]), ["open"]);
    assert_eq!((&report["deterministic"], &report["reads_body"]), (&json!(true), &json!(false)));
    assert!(report["summary"].as_str().unwrap().contains("as a plan"), "{report}");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let good = [("a.rego", "package envoy.authz\nallow := true\n")];
    for (files, arguments, expected) in [
        (&[("a.rego", "package envoy.authz\nallow if x\n")][..], &["a.rego"][..], "a.rego:2:10: "),
        (&[("p/a.rego", "package envoy.authz\nallow if (\n")], &["p"], "a.rego:"),
        (&[("a.rego", "package a\nb := http.send({})\n")], &["a.rego", "--decision", "a/b"], "a.rego:2:6: "),
        (&[("data.json", "{")], &["."], "data.json: "),
        (&[("data.json", "{}")], &["."], "there is no policy"),
        (&[("b.tar.gz", "no archive")], &["b.tar.gz"], "b.tar.gz: is not a gzipped tar archive"),
        (&good, &["missing.rego"], "missing.rego: "),
        (&good, &["a.rego", "--decision", "a/0"], "--decision piece \"0\""),
    ] {
        let folder = folder(files);
        let (done, out, error) = sark(&[&["analyze"], arguments].concat(), folder.path());
        assert_eq!((done, out.as_str()), (false, ""), "{arguments:?}");
        assert!(error.starts_with(&format!("sark: {expected}")), "{arguments:?}: {error}");
    }
}
