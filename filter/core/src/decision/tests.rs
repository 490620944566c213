use super::*;
use regorus::Value;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn read_json(json: &str) -> Result<Decision, String> {
    read(&crate::json::parse(json.as_bytes()).unwrap()).map_err(|error| error.to_string())
}

fn allow(json: &str) -> Mutations {
    match read_json(json) {
        Ok(Decision { verdict: Verdict::Allow(mutations), .. }) => mutations,
        other => panic!("{json}: {other:?}"),
    }
}

fn deny(json: &str) -> Reply {
    match read_json(json) {
        Ok(Decision { verdict: Verdict::Deny(reply), .. }) => reply,
        other => panic!("{json}: {other:?}"),
    }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[test]
fn only_booleans_and_objects_with_a_boolean_allowed_decide() {
    assert_eq!(allow("true"), Mutations::default());
    assert_eq!(deny("false").status, 403);
    assert_eq!(allow(r#"{"allowed":true}"#), Mutations::default());
    for bad in [
        "null",
        "1",
        "\"true\"",
        "[]",
        "[true]",
        "{}",
        r#"{"allow":true}"#,
        r#"{"allowed":null}"#,
        r#"{"allowed":1}"#,
        r#"{"allowed":"true"}"#,
    ] {
        assert!(read_json(bad).is_err(), "{bad}");
    }
    assert!(read(&Value::Undefined).is_err());
    assert!(read(&Value::new_set()).is_err());
}

#[test]
fn headers_take_every_form_of_the_contract_and_the_last_value_wins() {
    for (headers, expected) in [
        (r#"{"X-A":"1"}"#, vec![pair("x-a", "1")]),
        (r#"[{"x":"1"},{"x":"2","y":""}]"#, vec![pair("x", "2"), pair("y", "")]),
        (r#"{"x":["1","2"],"y":[]}"#, vec![pair("x", "2")]),
        ("{}", vec![]),
        ("[]", vec![]),
    ] {
        let json = format!(r#"{{"allowed":true,"headers":{headers}}}"#);
        assert_eq!(allow(&json).set_request_headers, expected, "{headers}");
    }
    for bad in ["null", "\"x\"", "1", "[[]]", r#"{"x":1}"#, r#"{"x":null}"#, r#"{"x":{}}"#, r#"{"x":["a",1]}"#] {
        for allowed in [true, false] {
            let json = format!(r#"{{"allowed":{allowed},"headers":{bad}}}"#);
            assert!(read_json(&json).is_err(), "{json}");
        }
    }
}

#[test]
fn rego_sets_count_as_arrays() {
    let set = Value::from(std::collections::BTreeSet::from([Value::from("a"), Value::from("b")]));
    let result = Value::from(std::collections::BTreeMap::from([
        (Value::from("allowed"), Value::from(true)),
        (Value::from("request_headers_to_remove"), set),
    ]));
    let Ok(Decision { verdict: Verdict::Allow(mutations), .. }) = read(&result) else {
        panic!("not allowed");
    };
    assert_eq!(mutations.remove_request_headers, ["a", "b"]);
}

#[track_caller]
fn assert_mutation(json: &str) {
    let error = read(&crate::json::parse(json.as_bytes()).unwrap());
    assert!(matches!(error, Err(Unusable::Mutation(_))), "{json}: {error:?}");
}

#[test]
fn what_could_split_a_header_or_a_request_line_is_not_sent() {
    for bad in [r#"{"x":"a\r\nb: c"}"#, r#"{"x":"a\u0000"}"#, r#"{"a b":"c"}"#, r#"{"":"c"}"#, r#"{"a\n":"c"}"#] {
        assert_mutation(&format!(r#"{{"allowed":true,"headers":{bad}}}"#));
        assert_mutation(&format!(r#"{{"allowed":false,"headers":{bad}}}"#));
        assert_mutation(&format!(r#"{{"allowed":true,"response_headers_to_add":{bad}}}"#));
    }
    for bad in [r#"{"a":"b\r\nc"}"#, r#"{"a":"b c"}"#, r#"{"a b":""}"#] {
        assert_mutation(&format!(r#"{{"allowed":true,"query_parameters_to_set":{bad}}}"#));
    }
    for bad in [r#"":path":"""#, r#"":path":"/a b""#, r#"":path":"/a\n""#, r#"":method":"GET x""#] {
        assert_mutation(&format!(r#"{{"allowed":true,"headers":{{{bad}}}}}"#));
    }
    assert_eq!(allow(r#"{"allowed":true,"query_parameters_to_set":{"a":"b&c=d"}}"#).query.set, [pair("a", "b&c=d")]);
    let headers = r#"{":path":"/a?b=c",":method":"PUT",":authority":"g","host":"h:1"}"#;
    let mutations = allow(&format!(r#"{{"allowed":true,"headers":{headers}}}"#));
    assert!(mutations.set_request_headers.contains(&pair(":authority", "h:1")), "{mutations:?}");
    assert_eq!(mutations.set_request_headers.len(), 3, "host is :authority");
}

#[test]
fn a_policy_cannot_change_where_a_message_ends() {
    for name in ["content-length", "Transfer-Encoding", "connection", "upgrade"] {
        assert_mutation(&format!(r#"{{"allowed":true,"headers":{{"{name}":"1"}}}}"#));
    }
    assert_mutation(r#"{"allowed":true,"response_headers_to_add":{"Content-Length":"1"}}"#);
    for name in ["Transfer-Encoding", "connection", "upgrade", ":status", ":x"] {
        let added = format!(r#"{{"allowed":true,"response_headers_to_add":{{"{name}":"1"}}}}"#);
        assert_eq!(allow(&added).add_response_headers, [], "{name} has no effect");
    }
    assert_eq!(allow(r#"{"allowed":true,"headers":{":x":"1",":status":"1"}}"#).set_request_headers, []);
    assert_mutation(r#"{"allowed":true,"request_headers_to_remove":["Connection"]}"#);
    assert_mutation(r#"{"allowed":true,"request_headers_to_remove":["upgrade"]}"#);
    for name in ["te", "trailer", "keep-alive", "proxy-connection"] {
        assert_eq!(allow(&format!(r#"{{"allowed":true,"headers":{{"{name}":"1"}}}}"#)).set_request_headers.len(), 1);
    }
}

#[test]
fn a_wrong_shape_is_found_before_what_cannot_be_sent() {
    let error = read_json(r#"{"allowed":true,"headers":{"a b":"c"},"query_parameters_to_set":1}"#).unwrap_err();
    assert!(error.contains("query_parameters_to_set"), "{error}");
    let error = read_json(r#"{"allowed":1,"headers":1}"#).unwrap_err();
    assert!(error.contains("allowed"), "{error}");
    let error = read_json(r#"{"allowed":false,"headers":1,"dynamic_metadata":1,"body":1}"#).unwrap_err();
    assert!(error.contains("headers"), "{error}");
    let error = read_json(r#"{"allowed":false,"dynamic_metadata":1,"body":1,"http_status":1}"#).unwrap_err();
    assert!(error.contains("dynamic_metadata"), "{error}");
    let error = read_json(r#"{"allowed":false,"body":1,"http_status":1}"#).unwrap_err();
    assert!(error.contains("body"), "{error}");
}

#[test]
fn keys_that_are_no_strings_become_the_text_of_their_json() {
    let object =
        |pairs: Vec<(Value, Value)>| Value::from(pairs.into_iter().collect::<std::collections::BTreeMap<_, _>>());
    let headers = object(vec![(Value::from(1), Value::from("one")), (Value::from(true), Value::from("yes"))]);
    let result = object(vec![(Value::from("allowed"), Value::from(true)), (Value::from("headers"), headers)]);
    let Ok(Decision { verdict: Verdict::Allow(mutations), .. }) = read(&result) else { panic!("not allowed") };
    assert_eq!(mutations.set_request_headers, [pair("1", "one"), pair("true", "yes")]);
}

#[test]
fn metadata_is_json_with_the_id_of_the_decision() {
    let metadata = |json: &str| read(&crate::json::parse(json.as_bytes()).unwrap()).unwrap().dynamic_metadata;
    for allowed in [true, false] {
        let text = format!(
            r#"{{"allowed":{allowed},"dynamic_metadata":{{"b":[1.5,null],"a":{{"x":"\""}},"decision_id":"policy"}}}}"#
        );
        let json = metadata(&text).unwrap().to_json("id");
        assert_eq!(json, r#"{"a":{"x":"\""},"b":[1.5,null],"decision_id":"id"}"#);
    }
    assert_eq!(metadata("true"), None);
    assert_eq!(metadata(r#"{"allowed":true}"#), None);
    for bad in ["1", "null", "[]", "\"x\""] {
        assert!(read_json(&format!(r#"{{"allowed":false,"dynamic_metadata":{bad}}}"#)).is_err(), "{bad}");
    }
    let huge = "9".repeat(399);
    assert!(read_json(&format!(r#"{{"allowed":true,"dynamic_metadata":{{"n":[{huge}]}}}}"#)).is_err());
    assert_mutation(&format!(r#"{{"allowed":true,"dynamic_metadata":{{"t":"{}"}}}}"#, "x".repeat(70_000)));
}

#[test]
fn statuses_without_a_body_get_none() {
    for status in [204, 304] {
        assert_eq!(deny(&format!(r#"{{"allowed":false,"http_status":{status},"body":"x"}}"#)).body, "");
    }
    assert_mutation(r#"{"allowed":false,"http_status":100}"#);
}

#[test]
fn keys_of_the_other_branch_are_ignored() {
    allow(r#"{"allowed":true,"body":1,"http_status":"x"}"#);
    deny(r#"{"allowed":false,"request_headers_to_remove":1,"response_headers_to_add":1,"query_parameters_to_set":1}"#);
    assert!(read_json(r#"{"allowed":true,"request_headers_to_remove":"x"}"#).is_err());
    assert!(read_json(r#"{"allowed":true,"query_parameters_to_set":[]}"#).is_err());
    assert!(read_json(r#"{"allowed":true,"query_parameters_to_remove":"x"}"#).is_err());
    assert!(read_json(r#"{"allowed":true,"dynamic_metadata":1}"#).is_err());
}

#[test]
fn a_denial_keeps_every_header_value_but_not_those_envoy_owns() {
    let reply = deny(
        r#"{"allowed":false,"http_status":301,"body":"no","headers":{"set-cookie":["a","b"],":status":"200","content-length":"9","transfer-encoding":"chunked"}}"#,
    );
    assert_eq!((reply.status, reply.body.as_str(), reply.details), (301, "no", "sark_denied"));
    assert_eq!(reply.headers, [pair("set-cookie", "a"), pair("set-cookie", "b")]);
}

#[test]
fn statuses_are_integers_of_both_lists() {
    for good in [200, 204, 226, 305, 308, 400, 417, 421, 426, 429, 431, 508, 511] {
        assert_eq!(deny(&format!(r#"{{"allowed":false,"http_status":{good}}}"#)).status, good);
    }
    for bad in [
        "418", "425", "451", "499", "101", "306", "599", "0", "-403", "99999", "403.5", "\"403\"", "true", "null", "[]",
    ] {
        assert!(read_json(&format!(r#"{{"allowed":false,"http_status":{bad}}}"#)).is_err(), "{bad}");
    }
}

#[test]
fn wrong_types_of_a_denials_own_keys_are_errors() {
    for bad in [r#""body":1"#, r#""body":null"#, r#""body":{}"#] {
        assert!(read_json(&format!(r#"{{"allowed":false,{bad}}}"#)).is_err(), "{bad}");
    }
}

#[test]
fn host_and_pseudo_headers_are_not_removed() {
    let mutations = allow(r#"{"allowed":true,"request_headers_to_remove":["Host",":path","X-A","a b",""]}"#);
    assert_eq!(mutations.remove_request_headers, ["x-a"]);
}

#[test]
fn a_decision_with_too_many_headers_is_an_error() {
    let names: Vec<String> = (0..600).map(|n| format!("\"h{n}\":\"v\"")).collect();
    assert!(read_json(&format!(r#"{{"allowed":true,"headers":{{{}}}}}"#, names.join(","))).is_err());
    let list = vec!["\"x\""; 600].join(",");
    assert!(read_json(&format!(r#"{{"allowed":true,"request_headers_to_remove":[{list}]}}"#)).is_err());
    assert!(read_json(&format!(r#"{{"allowed":true,"query_parameters_to_remove":[{list}]}}"#)).is_err());
    let big = "x".repeat(300_000);
    assert!(read_json(&format!(r#"{{"allowed":true,"headers":{{"a":"{big}"}}}}"#)).is_err());
}

#[test]
fn queries_are_rebuilt_as_envoy_rebuilds_them() {
    let query = |json: &str| allow(json).query;
    for (value, is_encoded) in
        [("", true), ("aZ0*-._", true), ("%20", false), ("a+b", false), ("a&b", false), ("~", false)]
    {
        let set = format!(r#"{{"allowed":true,"query_parameters_to_set":{{"a":"{value}"}}}}"#);
        assert_eq!(query(&set).is_encoded(), is_encoded, "{value}");
    }
    let set = query(r#"{"allowed":true,"query_parameters_to_set":{"b":["1","2"]}}"#);
    assert_eq!(set.apply("/p?z&b=0&a=1&b=9").as_deref(), Some("/p?a=1&b=2&z="));
    let remove = query(r#"{"allowed":true,"query_parameters_to_remove":["a"]}"#);
    assert_eq!(remove.apply("/p?a=1&a=2").as_deref(), Some("/p"));
    assert_eq!(remove.apply("/p?b=2&b=1&a").as_deref(), Some("/p?b=2&b=1"));
    let both = query(r#"{"allowed":true,"query_parameters_to_set":{"a":"1"},"query_parameters_to_remove":["a"]}"#);
    assert_eq!(both.apply("/p").as_deref(), Some("/p"));
    assert_eq!(query("true").apply("/p?b&a"), None);
    // Empty pieces, as a real Envoy writes them.
    let set = query(r#"{"allowed":true,"query_parameters_to_set":{"c":"1"}}"#);
    for (before, after) in [
        ("/p?", "/p?c=1"),
        ("/p?&", "/p?=&c=1"),
        ("/p?&&", "/p?=&=&c=1"),
        ("/p?a=1&", "/p?a=1&c=1"),
        ("/p?a=1&&b", "/p?=&a=1&b=&c=1"),
        ("/p?&a", "/p?=&a=&c=1"),
        ("/p?=v&a", "/p?=v&a=&c=1"),
    ] {
        assert_eq!(set.apply(before).as_deref(), Some(after), "{before}");
    }
}
