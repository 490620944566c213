//! What is not inline: how it is written, what is said of it, and what OPA answers.

use sark_integration::configuration::{planned, source};
use serde_json::{Value, json};

/// Calls of builtins that are not inline, and what OPA answers.
pub const CALLS: [(&str, &str, &str); 11] = [
    ("graphql.is_valid", "graphql.is_valid(\"{ a }\", \"type Query { a: Int }\")", "true"),
    ("graphql.parse", "count(graphql.parse(\"{ a }\", \"type Query { a: Int }\"))", "2"),
    ("graphql.parse_and_verify", "graphql.parse_and_verify(\"{ b }\", \"type Query { a: Int }\")[0]", "false"),
    ("graphql.parse_query", "count(graphql.parse_query(\"{ a }\").Operations)", "1"),
    ("graphql.parse_schema", "count(graphql.parse_schema(\"type Query { a: Int }\").Definitions)", "1"),
    ("graphql.schema_is_valid", "graphql.schema_is_valid(\"type\")", "false"),
    (
        "http.send",
        "http.send({\"method\": \"get\", \"url\": input.attributes.request.http.headers[\"x-url\"]}).status_code",
        "200",
    ),
    ("net.lookup_ip_addr", "count(net.lookup_ip_addr(\"localhost\")) > 0", "true"),
    ("opa.runtime", "is_object(opa.runtime())", "true"),
    ("providers.aws.sign_req", SIGN, "true"),
    ("rego.parse_module", "count(rego.parse_module(\"a.rego\", \"package a\")[\"package\"].path)", "2"),
];

const SIGN: &str = "is_object(providers.aws.sign_req({\"method\": \"get\", \"url\": \"https://a.test/b\"}, \
    {\"aws_access_key\": \"a\", \"aws_secret_access_key\": \"b\", \"aws_service\": \"s3\", \"aws_region\": \"c\"}, 0))";

/// The same, of builtins that OPA's compiler answers itself: a plan does not call them.
pub const COMPILED: [(&str, &str, &str); 2] = [
    ("rego.metadata.chain", "count(rego.metadata.chain())", "1"),
    ("rego.metadata.rule", "rego.metadata.rule()", "{}"),
];

/// Never called by that name: `:=`, what OPA's own test runner writes, and what its compiler takes out or renames.
pub const NEVER_CALLED: [&str; 3] = ["assign", "internal.test_case", "print"];

/// Not there yet.
pub const COMING: [&str; 5] =
    ["crypto.x509.parse_keypair", "strings.render_template", "yaml.is_valid", "yaml.marshal", "yaml.unmarshal"];

/// Rules that only the source way refuses, what it says of them, and what OPA answers.
pub const CONSTRUCTS: [(&str, &str, &str); 6] = [
    ("answer := x if x := one with data.unsupported.one as 2\n\none := 1", "policy.rego:3:25: `with` may only", "2"),
    ("answer := x if x := f(1) with f as g\n\nf(_) := 1\n\ng(_) := 2", "policy.rego:3:26: `with` may only", "2"),
    ("answer := x if x := lower(\"a\") with lower as upper", "`with` may only replace", "A"),
    ("answer := count([[[[[[[[[[[[[1]]]]]]]]]]]]])", "policy.rego:3:26: brackets", "1"),
    ("answer := 1e999 > 7", "policy.rego:3:11: the number", "true"),
    ("answer := plus\n\nplus := 7", "policy.rego:5:1: a rule must not be named", "7"),
];

/// One thing that is not inline.
pub struct Case {
    pub configuration: Value,
    /// What is said about it.
    pub says: String,
    /// What the upstream sees when OPA decides.
    pub answer: &'static str,
}

pub fn module(rules: &str) -> String {
    format!(
        "package unsupported\n\n{rules}\n\nresult := {{\"allowed\": true, \"headers\": {{\"x-answer\": sprintf(\"%v\", [answer])}}}}\n"
    )
}

pub fn plan(rules: &str) -> Value {
    planned(&module(rules), &json!({}), "unsupported/result")
}

pub fn text(rules: &str) -> Value {
    source(&module(rules), &json!({}), "unsupported/result")
}

/// All of them, with their rules.
pub fn cases() -> Vec<(String, Case)> {
    let mut cases = Vec::new();
    for (name, call, answer) in CALLS.into_iter().chain(COMPILED) {
        let rules = format!("answer := {call}");
        let says = format!("policy.rego:3:{}: `{name}` is not available inline", 11 + call.find(name).unwrap());
        cases.push((rules.clone(), Case { configuration: text(&rules), says, answer }));
        if CALLS.iter().any(|(other, ..)| *other == name) {
            let says = format!("not available inline: {name}");
            cases.push((rules.clone(), Case { configuration: plan(&rules), says, answer }));
        }
    }
    for (rules, says, answer) in CONSTRUCTS {
        cases.push((rules.to_owned(), Case { configuration: text(rules), says: says.to_owned(), answer }));
    }
    cases
}
