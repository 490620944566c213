//! The documentation is true: its examples run, and it names every key, counter and reason there is.

use crate::admin;
use crate::authorizer::Authorizer;
use crate::cache::CacheError;
use crate::config;
use crate::engine::Shelf;
use crate::host::testing::FakeClock;
use crate::metrics::{
    BREAKERS_OPEN, CACHE_BYTES, CACHE_ENTRIES, CALLOUTS_IN_FLIGHT, CacheOperation, Counter, LIVE_CHANGES, LiveError,
    Outcome, Reason,
};
use crate::rollout::{Source, Status, bucket};
use crate::shadow::Class;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::cell::RefCell;
use std::rc::Rc;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const CONFIGURATION: &str = include_str!("../../../docs/configuration.md");
const ADMIN_API: &str = include_str!("../../../docs/admin-api.md");
const FAILURE_MODES: &str = include_str!("../../../docs/failure-modes.md");

/// Every object of a configuration: where it stands (`[]`: in an array), and a document with a place for one more key in it.
const OBJECTS: [(&str, &str); 19] = [
    ("", r#"{"?": 1}"#),
    ("/policy", r#"{"policy": {"?": 1}}"#),
    ("/remote", r#"{"remote": {"?": 1}}"#),
    ("/remote/breaker", r#"{"remote": {"cluster": "o", "breaker": {"?": 1}}}"#),
    ("/features", r#"{"features": {"?": 1}}"#),
    ("/features/rust_opa", r#"{"features": {"rust_opa": {"?": 1}}}"#),
    ("/features/rust_cache", r#"{"features": {"rust_cache": {"?": 1}}}"#),
    ("/with_request_body", r#"{"with_request_body": {"?": 1}}"#),
    ("/status_on_error", r#"{"status_on_error": {"?": 1}}"#),
    ("/limits", r#"{"limits": {"?": 1}}"#),
    ("/allowed_headers", r#"{"allowed_headers": {"?": 1}}"#),
    ("/disallowed_headers", r#"{"disallowed_headers": {"?": 1}}"#),
    ("/shadow", r#"{"shadow": {"?": 1}}"#),
    ("/dry_run", r#"{"dry_run": {"?": 1}}"#),
    ("/identity/[]", r#"{"identity": [{"?": 1}]}"#),
    ("/features/rust_opa/headers/[]", r#"{"features": {"rust_opa": {"headers": [{"?": 1}]}}}"#),
    ("/features/rust_cache/headers/[]", r#"{"features": {"rust_cache": {"headers": [{"?": 1}]}}}"#),
    ("/admin", r#"{"admin": {"?": 1}}"#),
    ("/admin/tokens/[]", r#"{"admin": {"tokens": [{"?": 1}]}}"#),
];

/// The keys an object may have, by the reader's own word: the error for an unknown key lists them.
fn keys(document: &str) -> Vec<String> {
    let error = config::read(document.as_bytes(), &|_| None).err().map(|error| error.to_string()).unwrap_or_default();
    let (_, expected) = error.split_once("expected ").unwrap_or_else(|| panic!("{document}: {error}"));
    expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The configurations of the page, each whole. Where the page shortens a bundle, OPA's own stands here.
fn examples() -> Vec<String> {
    const BUNDLE: &[u8] = include_bytes!("../testdata/bundles/example.tar.gz");
    let blocks = CONFIGURATION.split("```json").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.map(|block| block.replace("H4sI…", &STANDARD.encode(BUNDLE))).collect()
}

/// The place of each key, as `/remote/cluster`.
fn places() -> Vec<String> {
    OBJECTS
        .iter()
        .flat_map(|(place, document)| keys(document).into_iter().map(move |key| format!("{place}/{key}")))
        .collect()
}

/// Whether a value stands at a place; `[]` is any element of an array.
fn stands_in(example: &serde_json::Value, place: &str) -> bool {
    let Some((array, rest)) = place.split_once("/[]") else { return example.pointer(place).is_some() };
    let elements = example.pointer(array).and_then(serde_json::Value::as_array);
    elements.is_some_and(|elements| elements.iter().any(|element| stands_in(element, rest)))
}

#[test]
fn every_key_has_its_row_and_stands_in_an_example() {
    let examples: Vec<serde_json::Value> = examples().iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let places = places();
    assert!(places.len() > 50, "{places:?}");
    for place in places {
        let name = place.trim_start_matches('/').replace("/[]", "[]").replace('/', ".");
        // An object may have a row for each of its keys instead of one of its own.
        let rows = [format!("| `{name}` |"), format!("| `{name}.")];
        let has_row = rows.iter().any(|row| CONFIGURATION.contains(row));
        assert!(has_row, "no row begins {}", rows[0]);
        assert!(examples.iter().any(|example| stands_in(example, &place)), "{name} is in no example");
    }
}

#[test]
fn the_examples_are_accepted() {
    let env = |name: &str| match name {
        "OPA_TOKEN" => Some("Bearer x".to_owned()),
        "SARK_ADMIN_SHA256" => Some("0f".repeat(32)),
        _ => None,
    };
    for example in examples() {
        let clock = Rc::new(FakeClock::default());
        match Authorizer::new(example.as_bytes(), &env, clock, &Shelf::default()) {
            Ok(authorizer) => assert!(!authorizer.is_remote_only(), "{}", authorizer.summary()),
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn the_published_buckets_are_those_of_the_filter() {
    let vectors: Vec<Vec<&str>> = CONFIGURATION
        .lines()
        .map(|line| line.split('|').map(|cell| cell.trim().split('`').nth(1).unwrap_or(cell.trim())).collect())
        .filter(|cells: &Vec<&str>| {
            let of_buckets = cells.get(1).is_some_and(|name| ["rust_opa", "rust_cache", "shadow"].contains(name));
            of_buckets && cells.get(3).is_some_and(|bucket| bucket.parse::<u16>().is_ok())
        })
        .filter(|cells| cells.get(3).is_some_and(|cell| cell.parse::<u16>().is_ok()))
        .collect();
    assert_eq!(vectors.len(), 12, "{vectors:?}");
    for cells in vectors {
        assert_eq!(bucket(cells[1], cells[2].as_bytes()).to_string(), cells[3], "{cells:?}");
    }
}

#[test]
fn every_counter_and_every_reason_has_its_row() {
    for counter in Counter::all() {
        let name = counter.name();
        let row = format!("| `{}` |", name.split('.').next().unwrap());
        assert!(FAILURE_MODES.contains(&row), "no row {row}");
    }
    for label in CacheOperation::ALL
        .map(CacheOperation::label)
        .into_iter()
        .chain(CacheError::ALL.map(CacheError::label))
        .chain(Class::ALL.map(Class::label))
        .chain(Outcome::ALL.map(Outcome::label))
    {
        assert!(FAILURE_MODES.contains(&format!("`{label}`")), "no row names {label}");
    }
    for gauge in [BREAKERS_OPEN, CALLOUTS_IN_FLIGHT, CACHE_ENTRIES, CACHE_BYTES, LIVE_CHANGES] {
        assert!(FAILURE_MODES.contains(&format!("`{gauge}`")), "no row names {gauge}");
    }
    for label in admin::Outcome::all().into_iter().flat_map(|outcome| [outcome.endpoint(), outcome.result()]) {
        assert!(FAILURE_MODES.contains(&format!("`{label}`")), "no row names {label}");
    }
    let sides = [("rust", &Reason::RUST[..]), ("remote", &Reason::REMOTE[..]), ("none", &Reason::NEITHER[..])];
    for (side, reasons) in sides {
        for reason in reasons {
            let caused = if reason.request_caused() { "yes" } else { "no" };
            let row = FAILURE_MODES
                .lines()
                .find(|line| {
                    line.starts_with(&format!("| `{side}` |")) && line.contains(&format!("`{}`", reason.label()))
                })
                .unwrap_or_else(|| panic!("no row for {side} {}", reason.label()));
            assert!(row.ends_with(&format!("| {caused} |")), "{row}");
        }
    }
}

#[test]
fn every_state_source_and_variable_of_a_feature_has_its_row() {
    let rows = Status::ALL.map(Status::label).into_iter().chain(Source::ALL.map(Source::label));
    for word in rows {
        assert!(CONFIGURATION.contains(&format!("\n| `{word}` |")), "no row begins with {word}");
    }
    for error in LiveError::ALL {
        assert!(FAILURE_MODES.contains(&format!("\n| `{}` |", error.label())), "no row of {error:?}");
    }
    let asked = RefCell::new(Vec::new());
    let env = |name: &str| {
        asked.borrow_mut().push(name.to_owned());
        None
    };
    config::read(b"{}", &env).unwrap();
    assert_eq!(asked.borrow().len(), 6, "{asked:?}");
    for variable in asked.take() {
        assert!(CONFIGURATION.contains(&format!("\n| `{variable}` | `features.")), "no row of {variable}");
    }
}

#[test]
fn every_builtin_is_named() {
    // What OPA's compiler makes of operators has no name in a policy.
    const OPERATORS: [&str; 14] =
        ["and", "div", "eq", "equal", "gt", "gte", "lt", "lte", "minus", "mul", "neq", "or", "plus", "rem"];
    let named = |name: &str| CONFIGURATION.contains(&format!("`{name}`"));
    for builtin in crate::builtins::all() {
        let hidden = OPERATORS.contains(&builtin.name) || builtin.name.starts_with("internal.");
        assert!(hidden || named(builtin.name), "{} is not named", builtin.name);
    }
}

#[test]
fn the_admin_page_names_every_endpoint_code_and_word() {
    for endpoint in admin::Endpoint::ALL {
        let role = if endpoint.writes() { "write" } else { "read" };
        let method = if endpoint.writes() { "POST" } else { "GET" };
        let row = format!("| `{method} /admin{}` | `{role}` |", endpoint.path());
        assert!(ADMIN_API.contains(&row), "no row {row}");
    }
    for refusal in admin::Refusal::ALL {
        let row = format!("| {} | `{}` |", refusal.status(), refusal.code());
        assert!(ADMIN_API.contains(&row), "no row {row}");
    }
    let words = Status::ALL.map(Status::label).into_iter();
    for word in words.chain(Source::ALL.map(Source::label)) {
        assert!(ADMIN_API.contains(&format!("`{word}`")), "{word} is not named");
    }
}
