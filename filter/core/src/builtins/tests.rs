//! Every builtin against OPA: calls and OPA's answers stand in `testdata/builtins`, written by `scripts/vectors`.

use super::{Context, Failure, Moment, all, find};
use crate::config::Limits;
use crate::host::testing::FakeClock;
use crate::json;
use regorus::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

macro_rules! vectors {
    ($($family:literal),* $(,)?) => {
        /// The files, by family.
        const FILES: &[(&str, &str)] =
            &[$(($family, include_str!(concat!("../../testdata/builtins/", $family, ".jsonl")))),*];
    };
}

vectors!(
    "aggregates",
    "arrays",
    "bits",
    "crypto",
    "encoding",
    "globs",
    "graphs",
    "json",
    "jwt",
    "net",
    "numbers",
    "objects",
    "operators",
    "regexes",
    "schema",
    "semver",
    "sets",
    "sprintf",
    "strings",
    "time",
    "types",
    "units",
    "uri",
    "uuid",
    "x509"
);

/// What `integration/oracle/tagged.go` writes → a value.
pub(crate) fn untag(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::from(items.iter().map(untag).collect::<Vec<_>>()),
        Value::Object(members) if members.len() == 1 => match (value["$set"].as_array(), value["$object"].as_array()) {
            (Ok(items), _) => Value::from(items.iter().map(untag).collect::<BTreeSet<_>>()),
            (_, Ok(pairs)) => {
                Value::from(pairs.iter().map(|pair| (untag(&pair[0]), untag(&pair[1]))).collect::<BTreeMap<_, _>>())
            }
            _ => untag_members(value),
        },
        Value::Object(_) => untag_members(value),
        _ => value.clone(),
    }
}

fn untag_members(value: &Value) -> Value {
    let members = value.as_object().expect("an object").iter();
    Value::from(members.map(|(key, value)| (key.clone(), untag(value))).collect::<BTreeMap<_, _>>())
}

/// A context with the default budget, at `now_ns`.
pub(crate) fn context(now_ns: i64) -> Context {
    let mut context = Context::new(Rc::new(FakeClock::default()));
    let limits = Limits { time: Duration::from_secs(1), steps: 1_000_000 };
    context.begin(limits, Moment { now_ns, seed: 1 });
    context
}

/// `None` if the line's call answers as OPA does, else what differs.
fn difference(line: &Value) -> Option<String> {
    let name = line["name"].as_string().expect("a name");
    let builtin = find(name).unwrap_or_else(|| panic!("{name} is not in the table"));
    let args = untag(&line["args"]);
    let args: Vec<Value> = args.as_array().expect("args").iter().cloned().collect();
    if args.len() != builtin.arity {
        return Some(format!("is called with {} arguments, its arity is {}", args.len(), builtin.arity));
    }
    let now_ns = line["time"].as_i64().unwrap_or(1_700_000_000_000_000_000);
    let answer = (builtin.run)(&mut context(now_ns), &args);
    let expected = match (&line["value"], &line["null"]) {
        (_, Value::Bool(true)) => Value::Null,
        (value, _) => untag(value),
    };
    let same = match &answer {
        _ if line["inexact"] == Value::Bool(true) => matches!(answer, Err(Failure::Inexact(_) | Failure::Stop(_))),
        Ok(value) => *value == expected,
        Err(Failure::Error(_)) => expected == Value::Undefined,
        Err(_) => false,
    };
    (!same).then(|| format!("answers {answer:?}, OPA {expected:?}"))
}

#[test]
fn every_call_answers_as_opa() {
    let mut differences = Vec::new();
    for (family, text) in FILES {
        for (number, line) in text.lines().enumerate() {
            let place = format!("{family}.jsonl:{}", number + 1);
            match json::parse(line.as_bytes()) {
                Ok(line) => {
                    differences.extend(difference(&line).map(|what| format!("{place}: {} {what}", line["name"])))
                }
                Err(error) => differences.push(format!("{place}: {error}")),
            }
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

#[test]
fn names_stand_once() {
    let mut names = BTreeMap::new();
    for builtin in all() {
        assert!(names.insert(builtin.name, builtin).is_none(), "{} stands twice", builtin.name);
    }
}
