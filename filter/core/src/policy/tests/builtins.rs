//! Builtins and their guards.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{agree, decide, load_rules};

#[track_caller]
fn error(rules: &str, input: &str) {
    let mut loaded = load_rules(rules).unwrap();
    let answer = decide(&mut loaded, input);
    assert!(answer.starts_with("error: "), "{rules} for {input}: {answer}");
}

#[test]
fn guards_make_an_error_of_what_differs() {
    error("x := lower(input.s)", r#"{"s":"É"}"#);
    error("x := count(input.s)", r#"{"s":"👍"}"#);
    error("x := sum(input.l)", r#"{"l":[0.1,0.2]}"#);
    error("x := floor(input.n)", r#"{"n":-0.5}"#);
    error("x := to_number(input.s)", r#"{"s":"1e3"}"#);
    error("x := base64.decode(input.s)", r#"{"s":"YR=="}"#);
    error("x := base64.decode(input.s)", r#"{"s":"//8="}"#);
    error("x := indexof(input.s, \"\")", r#"{"s":"a"}"#);
    error("x := semver.compare(input.s, \"1.0.0\")", r#"{"s":"v1.0.0"}"#);
    error("x := json.is_valid(input.s)", r#"{"s":"1e999"}"#);
    error("x := json.unmarshal(input.s)", r#"{"s":"9007199254740993.0"}"#);
    error("x := glob.match(input.s, [], \"a\")", r#"{"s":"[a]"}"#);
    error("x := sort(y) if y := [z | some z in [{1}, {\"a\": 1}]]", "{}");
}

#[test]
fn text() {
    agree(
        "x := [lower(input.s), upper(input.s), trim(input.s, \"A\"), split(input.s, \"b\")]",
        &[(r#"{"s":"AbA"}"#, r#"["aba","ABA","b",["A","A"]]"#)],
    );
    agree("x := concat(\"/\", input.l)", &[(r#"{"l":["a","b"]}"#, r#""a/b""#), (r#"{"l":[1]}"#, "undefined")]);
    agree("x := base64url.decode(input.s)", &[(r#"{"s":"YQ"}"#, r#""a""#), (r#"{"s":"Y!"}"#, "undefined")]);
    agree("x := json.is_valid(input.s)", &[(r#"{"s":5}"#, "false"), (r#"{"s":"{}"}"#, "true")]);
}

#[test]
fn json_text_cannot_forge_a_type() {
    let forged = r#"{"s":"{\"$serde_json::private::Number\":\"1\"}"}"#;
    agree("x := json.unmarshal(input.s) == 1", &[(forged, "false")]);
    agree("x := is_object(json.unmarshal(input.s))", &[(forged, "true")]);
    agree("x := json.unmarshal(input.s)", &[(r#"{"s":"\"\\ud800\""}"#, "\"\u{FFFD}\""), (r#"{"s":"{"}"#, "undefined")]);
    agree("x := json.is_valid(input.s)", &[(r#"{"s":"\"\\ud800\""}"#, "true"), (r#"{"s":"{"}"#, "false")]);
}

/// The budgets of an evaluation are not looked at inside a call.
#[test]
fn one_call_cannot_cost_more_than_its_bound() {
    let many = |text: &str, times: usize| format!("[{}\"z\"]", format!("\"{text}\",").repeat(times));
    let long = "a".repeat(1_000_000);
    for (rules, input) in [
        ("x := strings.any_prefix_match(input.a, input.b)", format!("{{\"a\":{0},\"b\":{0}}}", many("aaaaab", 20_000))),
        ("x := strings.any_suffix_match(input.a, input.b)", format!("{{\"a\":{0},\"b\":{0}}}", many("baaaaa", 20_000))),
        ("x := trim(input.a, input.b)", format!("{{\"a\":\"{long}\",\"b\":\"{}\"}}", "b".repeat(20_000))),
        ("x := indexof(input.a, input.b)", format!("{{\"a\":\"{long}\",\"b\":\"{}b\"}}", "a".repeat(20_000))),
        ("x := replace(input.a, \"a\", input.b)", format!("{{\"a\":\"{long}\",\"b\":\"{}\"}}", "b".repeat(20_000))),
        ("x := concat(input.b, input.a)", format!("{{\"a\":{},\"b\":\"{}\"}}", many("a", 20_000), "b".repeat(20_000))),
        ("x := product(input.a)", format!("{{\"a\":[{}1]}}", "9007199254740991,".repeat(20_000))),
    ] {
        error(rules, &input);
    }
    agree("x := trim(input.a, \"b\")", &[(&format!("{{\"a\":\"b{long}\"}}"), &format!("\"{long}\""))]);
}

#[test]
fn every_builtin_is_documented() {
    let documentation = include_str!("../../../../../docs/configuration.md");
    for name in super::super::builtins::names() {
        assert!(documentation.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn globs() {
    let cases = [
        ("*.example.com", "[]", "a.example.com", "true"),
        ("*.example.com", "[]", "a.b.example.com", "false"),
        ("/api/*", "[\"/\"]", "/api/a", "true"),
        ("/api/*", "[\"/\"]", "/api/a/b", "false"),
        ("/api/**", "[\"/\"]", "/api/a/b", "true"),
        ("a/**/b", "[\"/\"]", "a/b", "false"),
        ("a*", "null", "a/b.c", "true"),
        ("?", "[]", "", "false"),
    ];
    for (pattern, delimiters, text, want) in cases {
        agree(
            &format!("x := glob.match(\"{pattern}\", {delimiters}, input.s)"),
            &[(&format!("{{\"s\":\"{text}\"}}"), want)],
        );
    }
}

#[test]
fn regular_expressions() {
    agree(
        "x if regex.match(`^/api/[0-9]+(\\.[a-z]{2,3})?$`, input.s)",
        &[(r#"{"s":"/api/12.js"}"#, "true"), (r#"{"s":"/api/x"}"#, "undefined"), (r#"{"s":5}"#, "undefined")],
    );
}

#[test]
fn collections() {
    agree(
        "x := object.get(input.o, [\"a\", \"b\"], 0)",
        &[(r#"{"o":{"a":{"b":1}}}"#, "1"), (r#"{"o":{}}"#, "0"), (r#"{"o":5}"#, "undefined")],
    );
    agree(
        "x := [min(input.l), max(input.l), sort(input.l), sum(input.l)]",
        &[(r#"{"l":[2,1]}"#, "[1,2,[1,2],3]"), (r#"{"l":[]}"#, "undefined")],
    );
    agree("x := array.slice(input.l, 1, 9)", &[(r#"{"l":[1,2,3]}"#, "[2,3]")]);
}
