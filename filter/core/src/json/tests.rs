use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn text(json: &str) -> String {
    parse(json.as_bytes()).unwrap().to_string()
}

#[test]
fn reads_every_kind_of_value() {
    assert_eq!(
        text(" {\"a\": [1, -2.5, true, false, null, \"x\"], \"b\": {}} \n"),
        r#"{"a":[1,-2.5,true,false,null,"x"],"b":{}}"#
    );
}

#[test]
fn keeps_every_digit_of_large_integers() {
    assert_eq!(text("12345678901234567890123"), "12345678901234567890123");
}

#[test]
fn an_object_that_looks_like_a_bridge_number_stays_an_object() {
    let value = parse(br#"{"$serde_json::private::Number":"1"}"#).unwrap();
    assert!(value.as_object().is_ok());
}

#[test]
fn a_huge_exponent_is_refused_and_costs_nothing() {
    assert!(parse(b"1e999999999").is_err());
    assert!(parse(b"1e-999999999").is_err());
    assert!(parse(&[b'9'; 5000]).is_err());
    assert!(parse(b"1.5e-300").is_ok());
}

#[test]
fn a_number_that_would_be_rounded_is_refused() {
    for good in [
        "0",
        "0.0",
        "1.0",
        "-2.5",
        "0.1",
        "2.5e-1",
        "1E-7",
        "123456789012345.5",
        "0.30000000000000004",
        "9007199254740993",
        "100000000000000000000",
        "5e-324",
    ] {
        assert!(parse(good.as_bytes()).is_ok(), "{good} was refused");
    }
    for bad in [
        "1e3",
        "10e-1",
        "1e22",
        "100000000000000000000.5",
        "9007199254740993.0",
        "0.1000000000000000000001",
        "1e-400",
        "0.30000000000000003",
    ] {
        assert!(parse(bad.as_bytes()).is_err(), "{bad} was accepted");
    }
}

#[test]
fn the_number_of_values_is_bounded() {
    assert!(parse(format!("[{}1]", "[],".repeat(400_000)).as_bytes()).is_ok());
    assert!(parse(format!("[{}1]", "[],".repeat(500_000)).as_bytes()).is_err());
}

#[test]
fn the_last_of_duplicate_keys_wins() {
    assert_eq!(text(r#"{"a":1,"a":2}"#), r#"{"a":2}"#);
}

#[test]
fn surrogates_and_bad_bytes_are_replaced_as_in_go() {
    assert_eq!(parse(br#""\ud83d\ude00""#).unwrap(), Value::from("\u{1F600}"));
    assert_eq!(parse(br#""\ud800x""#).unwrap(), Value::from("\u{FFFD}x"));
    assert_eq!(parse(br#""\ud800\u0041""#).unwrap(), Value::from("\u{FFFD}A"));
    assert_eq!(parse(b"\"a\xff\xfeb\"").unwrap(), Value::from("a\u{FFFD}\u{FFFD}b"));
}

#[test]
fn what_is_not_json_is_refused() {
    for bad in [
        "",
        " ",
        "{",
        "[1",
        "[1,]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "tru",
        "01",
        "1.",
        "1e",
        "-",
        "+1",
        "NaN",
        "1 2",
        "\"\u{1}\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\u{feff}1",
        "[\"foo\" : 42}",
        "\"open",
    ] {
        assert!(parse(bad.as_bytes()).is_err(), "{bad:?} was accepted");
    }
}

#[test]
fn what_is_beyond_a_bound_is_told_from_what_is_no_json() {
    assert!(parse(b"1e999").unwrap_err().beyond_bounds);
    assert!(parse("[".repeat(200).as_bytes()).unwrap_err().beyond_bounds);
    assert!(!parse(b"[1").unwrap_err().beyond_bounds);
}

#[test]
fn nesting_ends_at_the_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert!(parse(nested(MAX_DEPTH + 1).as_bytes()).is_err());
    assert!(parse("[".repeat(1_000_000).as_bytes()).is_err());
}

fn reading(text: &str) -> (Option<String>, bool, String) {
    let reading = read(text.as_bytes(), Bounds::REQUEST).unwrap();
    let value = reading.value.ok().map(|value| value.to_string());
    (value, reading.respelled, rewrite(text.as_bytes()).unwrap())
}

#[test]
fn numbers_that_are_not_held_are_json_all_the_same() {
    for (text, held, respelled) in [
        ("[1,-2.5,0]", true, false),
        ("[1.0]", true, true),
        ("[0.50]", true, true),
        ("[2.5e-1]", true, true),
        ("[1e3]", false, false),
        ("[1e400]", false, false),
        ("[9007199254740993.0]", false, false),
        ("[0.1000000000000000000001,{\"a\":[]}]", false, false),
    ] {
        let (value, spelled, rewritten) = reading(text);
        assert_eq!((value.is_some(), spelled), (held, respelled), "{text}");
        assert_eq!(rewritten, text);
    }
    let long = "9".repeat(5000);
    assert_eq!(reading(&long), (None, false, long.clone()));
}

#[test]
fn more_values_than_are_held_are_json_all_the_same() {
    let many = format!("[{}1]", "[],".repeat(600_000));
    let (value, _, rewritten) = reading(&many);
    assert_eq!((value, rewritten == many), (None, true));
    assert!(read(format!("[{}1", "[],".repeat(600_000)).as_bytes(), Bounds::REQUEST).is_err());
}

#[test]
fn a_rewritten_text_says_the_same_without_what_go_replaces() {
    let text = b" { \"a\\u0041\\/\" : [ \"\\ud800\", \"x\xff\", 1.0 , 1E+2 ] , \"a\" : null , \"a\" : true } ";
    let rewritten = rewrite(text).unwrap();
    assert_eq!(rewritten, "{\"aA/\":[\"\u{FFFD}\",\"x\u{FFFD}\",1.0,1E+2],\"a\":null,\"a\":true}");
    assert_eq!(rewrite(rewritten.as_bytes()).unwrap(), rewritten);
}
