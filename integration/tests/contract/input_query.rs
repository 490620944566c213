//! Section 1.6: `parsed_query`.

use sark_integration::Request;

use crate::row::Row;

/// What stands behind the path, and `parsed_query`.
const PARSED: &[(&str, &str)] = &[
    ("", "{}"),
    ("?", "{}"),
    ("?x=1&x=2&y", r#"{"x":["1","2"],"y":[""]}"#),
    ("?x=a+b%2Bc", r#"{"x":["a b+c"]}"#),
    ("?b?c=d", r#"{"b?c":["d"]}"#),
    ("?=v", r#"{"":["v"]}"#),
    ("?=", r#"{"":[""]}"#),
    ("?&&x&", r#"{"x":[""]}"#),
    ("?&", "{}"),
    ("?x=1=2", r#"{"x":["1=2"]}"#),
    ("?A=1&a=2", r#"{"A":["1"],"a":["2"]}"#),
    ("?x=", r#"{"x":[""]}"#),
    ("??", r#"{"?":[""]}"#),
    ("?x=2&x=1&x=2", r#"{"x":["2","1","2"]}"#),
    ("?x=%26y%3D1", r#"{"x":["&y=1"]}"#),
    ("?a%20b=1&a+b=2", r#"{"a b":["1","2"]}"#),
    ("?%61=1&a=2", r#"{"a":["1","2"]}"#),
    ("?x=%3B", r#"{"x":[";"]}"#),
    ("?x=/a//b", r#"{"x":["/a//b"]}"#),
    ("?x=%C3%A9", r#"{"x":["é"]}"#),
    ("?x=%00", r#"{"x":["\u0000"]}"#),
    ("?x[]=1&x[a]=2", r#"{"x[]":["1"],"x[a]":["2"]}"#),
    ("?x=%25zz", r#"{"x":["%zz"]}"#),
    // Section 4.2 #35 to #38.
    ("?a=1", r#"{"a":["1"]}"#),
    ("?a=1&a=2", r#"{"a":["1","2"]}"#),
    ("?a=1&b=2", r#"{"a":["1"],"b":["2"]}"#),
    ("?a=1&a=new%0aline", r#"{"a":["1","new\nline"]}"#),
];

/// Each with the reason that the client is told.
const BAD: &[(&str, &str)] = &[
    ("?x=%zz", "invalid URL escape \"%zz\""),
    ("?%zz=x", "invalid URL escape \"%zz\""),
    ("?x=1&y=%2", "invalid URL escape \"%2\""),
    ("?x=%", "invalid URL escape \"%\""),
    ("?a=%zz&b=1", "invalid URL escape \"%zz\""),
    ("?a;b", "invalid semicolon separator in query"),
    ("?a=1;b=2", "invalid semicolon separator in query"),
    ("?;", "invalid semicolon separator in query"),
    ("?a=1&b=;", "invalid semicolon separator in query"),
];

pub fn rows() -> Vec<Row> {
    let parsed = PARSED.iter().map(|(query, parameters)| {
        let request = Request::get(format!("/p{query}"));
        Row::echo(format!("1.6 /p{query}"), request).is("/parsed_query", *parameters).is("/parsed_path", r#"["p"]"#)
    });
    let bad = BAD.iter().map(|(query, reason)| {
        let told = format!("request_parse_error: {reason}");
        Row::echo(format!("1.6 2.5 /p{query} is 400"), Request::get(format!("/p{query}"))).bad_request().body(told)
    });
    let mut rows: Vec<Row> = parsed.chain(bad).collect();
    let many = |count: usize| Request::get(format!("/p?{}a", "a&".repeat(count - 1)));
    rows.extend([
        Row::echo("1.6 10,000 parameters", many(10_000)).holds("/parsed_query/a", "10,000 long", |values| {
            values.as_array().is_some_and(|values| values.len() == 10_000)
        }),
        Row::echo("1.6 2.5 10,001 parameters are 400", many(10_001))
            .bad_request()
            .body("request_parse_error: number of URL query parameters exceeded limit"),
        Row::echo("1.6 %FF: a byte that is not UTF-8", Request::get("/p?x=%FF&%FF=y"))
            .is("/parsed_query", "{\"x\":[\"\u{fffd}\"],\"\u{fffd}\":[\"y\"]}")
            .differs("bytes that are not UTF-8 in decoded paths, queries, forms, parts"),
        Row::echo("1.6 a `+` in the path is no space", Request::get("/a+b?a+b"))
            .is("/parsed_path", r#"["a+b"]"#)
            .is("/parsed_query", r#"{"a b":[""]}"#),
    ]);
    rows
}
