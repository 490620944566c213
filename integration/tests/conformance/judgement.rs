//! The gate can fail: each kind of wrong answer is seen as one.

use std::collections::BTreeSet;

use sark_core::engine::EvalError;
use sark_integration::oracle::tagged;
use serde_json::{Value as Json, json};

use crate::case::{Expected, Solutions};
use crate::corners::Corner;
use crate::outcome::{Outcome, Way};
use crate::run::Row;

fn solutions(values: &[Json]) -> Solutions {
    values.iter().map(|value| tagged::canonical(&json!({"x": value}))).collect()
}

fn differs(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Different(_))
}

#[test]
fn conformance_values_are_equal_only_if_opa_says_so() {
    let parse = |text: &str| serde_json::from_str::<Json>(text).unwrap();
    for (a, b) in [
        ("1", "1.0"),
        ("100", "1e2"),
        ("-0", "0.00"),
        (r#"{"$set":[1,2,1]}"#, r#"{"$set":[2,1]}"#),
        (r#"{"$object":[["a",1]]}"#, r#"{"a":1}"#),
        (r#"{"$object":[[1,2],["a",1]]}"#, r#"{"$object":[["a",1],[1.0,2]]}"#),
    ] {
        assert_eq!(tagged::canonical(&parse(a)), tagged::canonical(&parse(b)), "{a} {b}");
    }
    let different: Vec<Json> = [
        "1",
        "\"1\"",
        "1.5",
        "-1",
        "10",
        "true",
        "\"true\"",
        "null",
        "[]",
        "{}",
        "\"\"",
        "0",
        "[1]",
        "[[1]]",
        "[1,1]",
        "0.3",
        "0.30000000000000004",
        "1e400",
        "1e401",
        "9007199254740993",
        "9007199254740992",
        r#"{"$set":[]}"#,
        r#"{"$set":[1]}"#,
        r#"{"$set":[[1]]}"#,
        r#"{"$undefined":[]}"#,
        r#"{"1":1}"#,
        r#"{"$object":[[1,1]]}"#,
        r#"{"a":"b\",\"c\":\"d"}"#,
        r#"{"a":"b","c":"d"}"#,
        r#"["a,b"]"#,
        r#"["a","b"]"#,
    ]
    .map(parse)
    .into();
    let texts: BTreeSet<String> = different.iter().map(tagged::canonical).collect();
    assert_eq!(texts.len(), different.len(), "{texts:?}");
}

#[test]
fn conformance_values_survive_both_directions() {
    for text in [
        r#"{"$set":[1,"a",[2.5,null]]}"#,
        r#"{"$object":[[{"$set":[1]},true],["k",{"$set":[]}]]}"#,
        r#"{"a":[18446744073709551616,-3,{"b":{}}]}"#,
    ] {
        let tagged: Json = serde_json::from_str(text).unwrap();
        let value = tagged::read(&tagged).unwrap();
        assert_eq!(tagged::canonical(&tagged::write(&value)), tagged::canonical(&tagged), "{text}");
    }
    let inexact: Json = serde_json::from_str("[0.12345678901234567890]").unwrap();
    assert!(tagged::read(&inexact).is_err());
}

#[test]
fn conformance_every_wrong_answer_is_seen() {
    let one = Expected::Solutions(solutions(&[json!(1)]));
    let none = Expected::Solutions(Solutions::new());
    let failed = Expected::Error("eval_builtin_error".to_owned());
    let other = || Err(EvalError::Other("p.rego:1:1".to_owned()));
    for way in [Way::Plan, Way::Source] {
        let judge = |expected: &Expected, ours: Result<Solutions, EvalError>| Outcome::judge(way, expected, &ours);
        assert_eq!(judge(&one, Ok(solutions(&[json!(1)]))), Outcome::Same);
        assert_eq!(judge(&none, Ok(Solutions::new())), Outcome::Same);
        assert_eq!(judge(&Expected::Conflict, Err(EvalError::Conflict)), Outcome::Same);
        assert_eq!(judge(&failed, other()), Outcome::Same);
        assert!(differs(&judge(&one, Ok(solutions(&[json!(2)])))), "another value");
        assert!(differs(&judge(&one, Ok(solutions(&[json!(1), json!(2)])))), "one more");
        assert!(differs(&judge(&one, Ok(Solutions::new()))), "undefined where OPA has a value");
        assert!(differs(&judge(&none, Ok(solutions(&[json!(1)])))), "a value where OPA has none");
        assert!(differs(&judge(&Expected::Conflict, Ok(Solutions::new()))), "undefined where OPA has a conflict");
        assert!(differs(&judge(&failed, Ok(Solutions::new()))), "undefined where OPA has an error");
        assert!(matches!(judge(&one, Err(EvalError::StepLimit)), Outcome::Limit(_)));
    }
    assert!(differs(&Outcome::judge(Way::Plan, &one, &other())), "an error where OPA has a value");
    assert!(differs(&Outcome::judge(Way::Plan, &none, &other())), "an error where OPA has undefined");
    assert!(differs(&Outcome::judge(Way::Plan, &Expected::Conflict, &other())), "another error than OPA's");
    assert!(matches!(Outcome::judge(Way::Source, &one, &other()), Outcome::Error(_)));
}

#[test]
fn conformance_the_gate_complains() {
    let row = |name: &str, plan: Outcome, source: Outcome| Row {
        name: name.to_owned(),
        version: "v1".to_owned(),
        folder: "f".to_owned(),
        plan,
        source,
        unexpected: None,
    };
    let wrong = || Outcome::Different("seeded".to_owned());
    let corner = "v1/f/corner";
    let known = [Corner { name: "a corner", way: Way::Plan, why: "because", cases: &["v1/f/corner"] }];
    assert_eq!(crate::complaints(&[row("v1/f/a", Outcome::Same, Outcome::Same)], &known), [""; 0]);
    assert_eq!(crate::complaints(&[row(corner, wrong(), Outcome::Same)], &known), [""; 0]);
    for seeded in [
        row("v1/f/a", wrong(), Outcome::Same),
        row("v1/f/a", Outcome::Same, wrong()),
        row(corner, wrong(), wrong()),
        row(corner, Outcome::Same, Outcome::Same),
        Row { unexpected: Some("seeded".to_owned()), ..row("v1/f/a", Outcome::Same, Outcome::Same) },
    ] {
        let name = seeded.name.clone();
        let complaints = crate::complaints(&[seeded], &known);
        assert!(complaints.len() == 1 && complaints[0].contains(&name), "{complaints:?}");
    }
    assert_eq!(Outcome::Same.worse(wrong()), wrong());
    assert_eq!(wrong().worse(Outcome::Limit(String::new())), wrong());
}
