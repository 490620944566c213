//! Keys are equal only where the values at the paths are.

use super::super::key;
use super::super::scope::Scope;
use super::*;
use crate::dice::Dice;
use crate::metrics::Implementation;
use crate::policy::DecisionPath;
use regorus::Value;
use std::collections::BTreeMap;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

pub fn scope() -> Scope {
    let times = scopes::times();
    let path = DecisionPath::parse("").unwrap();
    Scope::new(&Revision::of(b"{}", &times), Implementation::Rust, &path, &[])
}

pub fn paths(paths: &[&str]) -> Vec<Vec<String>> {
    let names = |path: &&str| path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    paths.iter().map(names).collect()
}

fn key_of(parts: &[&str], input: &Value) -> Vec<u8> {
    key::of(&scope(), &Parts::new(&paths(parts)), input).unwrap().into_bytes()
}

/// The whole value of `a`.
fn key_of_a(json: &str) -> Vec<u8> {
    key_of(&["a"], &value(&format!(r#"{{"a": {json}}}"#)))
}

#[test]
fn what_looks_alike_is_not_alike() {
    let texts = [
        "null",
        "false",
        "true",
        "0",
        "1",
        "1.0",
        "1.5",
        "-1",
        r#""1""#,
        r#""1.0""#,
        r#""true""#,
        r#""""#,
        "[]",
        "{}",
        "[[]]",
        "[{}]",
        "[null]",
        r#"[""]"#,
        "[1, 2]",
        "[12]",
        r#"["1", "2"]"#,
        r#"["1,2"]"#,
        r#"["12"]"#,
        "[[1], 2]",
        "[[1, 2]]",
        "[1, [2]]",
        r#"{"a": 1}"#,
        r#"{"a": "1"}"#,
        r#"{"a": null}"#,
        r#"{"b": 1}"#,
        r#"{"a": 1, "b": 2}"#,
        r#"{"a": {"b": 2}}"#,
        r#"["a", 1]"#,
        r#""a\u0000""#,
        r#""\u0000a""#,
        r#""a""#,
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        r#""9223372036854775808""#,
        "-9223372036854775808",
        "9007199254740993",
        "[0, 0]",
        "[0.0, 0]",
        "[0, 0.0]",
        "4294967296",
    ];
    let mut keys: BTreeMap<Vec<u8>, &str> = BTreeMap::new();
    for text in texts {
        let before = keys.insert(key_of_a(text), text);
        assert_eq!(before, None, "{text}");
    }
    let before = keys.insert(key_of(&["a"], &value("{}")), "absent");
    assert_eq!(before, None);
}

#[test]
fn the_order_of_members_and_what_is_not_read_do_not_matter() {
    let parts = ["a/x", "b"];
    let one = value(r#"{"a": {"x": [1], "y": 2}, "b": {"p": 1, "q": null}, "c": 3}"#);
    let other = value(r#"{"c": 4, "b": {"q": null, "p": 1}, "a": {"y": "z", "x": [1]}}"#);
    assert_eq!(key_of(&parts, &one), key_of(&parts, &other));
    assert_ne!(key_of(&["a/x", "b", "c"], &one), key_of(&["a/x", "b", "c"], &other));
    assert_ne!(key_of(&[""], &one), key_of(&[""], &other), "the whole document");
}

/// That there is a container can be seen without anything in it, and an array is looked into in its own way.
#[test]
fn what_stands_in_the_way_of_a_path_counts() {
    let inputs = [
        "{}",
        r#"{"a": null}"#,
        r#"{"a": {}}"#,
        r#"{"a": []}"#,
        r#"{"a": [1]}"#,
        r#"{"a": "b"}"#,
        r#"{"a": {"b": null}}"#,
        r#"{"a": {"b": {}}}"#,
        r#"{"a": {"b": {"c": null}}}"#,
        r#"{"a": {"b": {"c": {}}}}"#,
        r#"{"a": {"b": [2]}}"#,
    ];
    let keys: std::collections::BTreeSet<_> = inputs.iter().map(|input| key_of(&["a/b/c"], &value(input))).collect();
    assert_eq!(keys.len(), inputs.len());
}

impl Dice {
    fn text(&mut self) -> String {
        const LETTERS: [&str; 6] = ["a", "b", "\0", "\u{1}", "é", "1"];
        (0..self.roll(3)).map(|_| LETTERS[self.roll(6)]).collect()
    }

    /// Few enough that the same comes twice.
    fn value(&mut self, depth: usize) -> Value {
        match self.roll(if depth == 0 { 5 } else { 7 }) {
            0 => Value::Null,
            1 => Value::Bool(self.roll(2) == 0),
            2 => Value::from(i64::try_from(self.roll(3)).unwrap()),
            3 => Value::from([0.0, 1.0, 0.5][self.roll(3)]),
            4 => Value::from(self.text()),
            5 => Value::from((0..self.roll(3)).map(|_| self.value(depth - 1)).collect::<Vec<_>>()),
            _ => {
                let members = (0..self.roll(3)).map(|_| (Value::from(self.text()), self.value(depth - 1)));
                Value::from(members.collect::<BTreeMap<_, _>>())
            }
        }
    }
}

/// A value with the kinds of its numbers, which equality of values does not see.
fn spelled(value: &Value) -> String {
    let double = if crate::builtins::is_double(value) { "f" } else { "" };
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(spelled).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let members: Vec<_> =
                members.iter_sorted().map(|(name, member)| format!("{}:{}", spelled(name), spelled(member))).collect();
            format!("{{{}}}", members.join(","))
        }
        other => format!("{double}{}", serde_json::to_string(other).unwrap()),
    }
}

#[test]
fn keys_of_generated_values_are_equal_exactly_where_the_values_are() {
    let mut dice = Dice(3);
    let mut known: BTreeMap<Vec<u8>, String> = BTreeMap::new();
    let mut same = 0;
    for _ in 0..100_000 {
        let mut members = BTreeMap::new();
        for name in ["p", "q"] {
            if dice.roll(5) > 0 {
                members.insert(Value::from(name), dice.value(3));
            }
        }
        let input = Value::from(members);
        let key = key_of(&["p", "q"], &input);
        let text = spelled(&input);
        same += usize::from(known.get(&key) == Some(&text));
        let before = known.insert(key, text.clone());
        assert!(before.is_none_or(|before| before == text), "{text}");
    }
    let texts: std::collections::BTreeSet<&String> = known.values().collect();
    assert_eq!(texts.len(), known.len(), "one input, two keys");
    assert!(same > 1_000 && known.len() > 10_000, "{same}, {}", known.len());
}

#[test]
fn a_key_has_a_largest_size() {
    let text = |length: usize| value(&format!(r#"{{"a": "{}"}}"#, "x".repeat(length)));
    let of = |input: &Value| key::of(&scope(), &Parts::new(&paths(&["a"])), input).map(Key::into_bytes);
    assert_eq!(of(&text(MAX_KEY_BYTES - 37)).map(|key| key.len()), Ok(MAX_KEY_BYTES));
    assert_eq!(of(&text(MAX_KEY_BYTES - 36)), Err(CacheError::KeyTooLarge));
    let many = Value::from(vec![Value::new_array(); MAX_KEY_BYTES]);
    assert_eq!(of(&Value::from(BTreeMap::from([(Value::from("a"), many)]))), Err(CacheError::KeyTooLarge));
}
