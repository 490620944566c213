//! Section 2.4: changes of the query.

use sark_integration::Request;

use crate::row::Row;

/// `query_parameters_to_set`, `query_parameters_to_remove`, the target that is sent and the one that arrives.
const CHANGES: &[(&str, &str, &str, &str, &str)] = &[
    ("a parameter is set", r#"{"b": "2"}"#, "[]", "/x", "/x?b=2"),
    ("all values are replaced by one", r#"{"a": "3"}"#, "[]", "/x?a=1&a=2", "/x?a=3"),
    ("of an array the last value wins", r#"{"b": ["1", "2"]}"#, "[]", "/x", "/x?b=2"),
    ("keys are sorted", r#"{"b": "2"}"#, "[]", "/x?c=3&a=1", "/x?a=1&b=2&c=3"),
    ("repeats are kept, in their order", r#"{"b": "2"}"#, "[]", "/x?c=2&c=1&c=2", "/x?b=2&c=2&c=1&c=2"),
    ("a bare key gets a `=`", r#"{"b": "2"}"#, "[]", "/x?z", "/x?b=2&z="),
    ("nothing is encoded", r#"{"b": "x%20y&d=4"}"#, "[]", "/x", "/x?b=x%20y&d=4"),
    ("what is there stays as it is written", r#"{"b": "2"}"#, "[]", "/x?a=%7E+%20", "/x?a=%7E+%20&b=2"),
    ("a `#` stays", r#"{"a": "f#g"}"#, "[]", "/x", "/x?a=f#g"),
    // Envoy's own: its `header_mutation` filter rebuilds a query so, too.
    ("an empty piece gets a `=`", r#"{"c": "1"}"#, "[]", "/x?a=1&&b", "/x?=&a=1&b=&c=1"),
    ("only empty pieces", r#"{"c": "1"}"#, "[]", "/x?&&", "/x?=&=&c=1"),
    ("nothing behind the last `&`", r#"{"c": "1"}"#, "[]", "/x?a=1&", "/x?a=1&c=1"),
    ("an empty query", r#"{"c": "1"}"#, "[]", "/x?", "/x?c=1"),
    ("a value without a key", r#"{"c": "1"}"#, "[]", "/x?=v&a", "/x?=v&a=&c=1"),
    ("keys are sorted byte by byte", r#"{"c": "1"}"#, "[]", "/x?b=1&B=2&a", "/x?B=2&a=&b=1&c=1"),
    ("a value keeps its `=` and `?`", r#"{"c": "1"}"#, "[]", "/x?a=1=2&b?d=1", "/x?a=1=2&b?d=1&c=1"),
    ("an empty value is set", r#"{"b": ""}"#, "[]", "/x", "/x?b="),
    ("an empty array sets nothing", r#"{"b": []}"#, "[]", "/x?z&a", "/x?z&a"),
    ("4.4#88 parameters are set", r#"{"a": "1", "b": "2", "c": "3"}"#, "[]", "/x", "/x?a=1&b=2&c=3"),
    ("a parameter is removed, all of it", "{}", r#"["a"]"#, "/x?a=1&b=1&a=2", "/x?b=1"),
    ("the rest is sorted when one is removed", "{}", r#"["a"]"#, "/x?c=1&a=1&b=0", "/x?b=0&c=1"),
    ("4.4#88 two parameters are removed", "{}", r#"["a", "b"]"#, "/x?a=1&b=2&c=3", "/x?c=3"),
    ("a set of parameters is removed", "{}", r#"{"a", "b"}"#, "/x?a=1&b=2&c=3", "/x?c=3"),
    ("no `?` is left over", "{}", r#"["a"]"#, "/x?a=1", "/x"),
    ("names are compared undecoded", "{}", r#"["a b"]"#, "/x?a%20b=1", "/x?a%20b=1"),
    ("a name as it is written is removed", "{}", r#"["a%20b"]"#, "/x?a%20b=1&c=2", "/x?c=2"),
    ("names are case-sensitive", "{}", r#"["A"]"#, "/x?a=1", "/x?a=1"),
    ("removing wins over setting", r#"{"a": "1"}"#, r#"["a"]"#, "/x?b=2", "/x?b=2"),
    ("removing wins where nothing was", r#"{"a": "1"}"#, r#"["a"]"#, "/x", "/x"),
    ("what is not there is removed, the query is rebuilt", "{}", r#"["zz"]"#, "/x?b&a=1", "/x?a=1&b="),
    ("two empty keys change nothing", "{}", "[]", "/x?z&a=%7E&&", "/x?z&a=%7E&&"),
    ("the path stays as it is written", r#"{"b": "2"}"#, "[]", "//x/%2e/../y", "//x/%2e/../y?b=2"),
];

pub fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = CHANGES
        .iter()
        .map(|(name, set, remove, before, after)| {
            let keys = format!(r#""query_parameters_to_set": {set}, "query_parameters_to_remove": {remove}"#);
            let row = Row::decides(format!("2.4 query: {name}"), format!(r#"{{"allowed": true, {keys}}}"#));
            row.ask(Request::get(*before)).allow().upstream_path(after)
        })
        .collect();
    let with_path = r#"{"allowed": true, "headers": {":path": "/moved?b=2"}, "query_parameters_to_set": {"a": "1"}}"#;
    rows.push(
        Row::decides("2.4 query: the query of a :path that is set is changed", with_path)
            .ask(Request::get("/x?lost=1"))
            .allow()
            .upstream_path("/moved?a=1&b=2"),
    );
    rows
}
