//! Inputs and data: small documents over a small vocabulary, so that references often find something.

use fastrand::Rng;
use serde_json::{Map, Value as Json, json};

/// Keys of objects, and what references name.
pub const KEYS: [&str; 8] = ["a", "b", "c", "role", "items", "n", "s", "x y"];

/// A scalar as JSON writes it. Numbers that a double cannot hold as they are written are refused in production.
pub fn scalar(rng: &mut Rng) -> Json {
    match rng.u8(0..20) {
        0 => Json::Null,
        1 => json!(true),
        2 => json!(false),
        3..=7 => json!(rng.i32(-2..6)),
        8 => json!(*rng.choice(&[0.5, 1.5, -0.25, 0.1, 2.75]).unwrap()),
        9 => json!(*rng.choice(&[9_007_199_254_740_992_i64, -9_223_372_036_854_775_808, 4_294_967_296]).unwrap()),
        _ => json!(text(rng)),
    }
}

pub fn text(rng: &mut Rng) -> &'static str {
    rng.choice([
        "",
        "a",
        "b",
        "c",
        "admin",
        "user",
        "x y",
        "é",
        "日本",
        "A",
        "a.b",
        "/a/b",
        "1",
        "10",
        "true",
        "a,b",
        "10.0.0.1",
        "10.0.0.0/8",
        "*",
        "a*",
        "[a-c]",
        "{\"a\":1}",
        "YQ==",
        "6162",
        "2024-01-02T03:04:05Z",
        "1h",
        "1.2.3",
        "%d %s",
    ])
    .unwrap()
}

/// A value of at most `depth` levels.
pub fn value(rng: &mut Rng, depth: u32) -> Json {
    if depth == 0 || rng.u8(0..10) < 4 {
        return scalar(rng);
    }
    if rng.bool() {
        let count = rng.usize(0..4);
        return (0..count).map(|_| value(rng, depth - 1)).collect();
    }
    Json::Object(object(rng, depth))
}

pub fn object(rng: &mut Rng, depth: u32) -> Map<String, Json> {
    let count = rng.usize(0..5);
    (0..count).map(|_| ((*rng.choice(&KEYS).unwrap()).to_owned(), value(rng, depth - 1))).collect()
}

/// An input document; now and then one that is no object.
pub fn input(rng: &mut Rng) -> Json {
    match rng.u8(0..20) {
        0 => scalar(rng),
        1 => json!({}),
        _ => Json::Object(object(rng, 4)),
    }
}

/// The data document: `data.d` is anything, `data.list` a list, the keys of `data.n` read as numbers.
pub fn data(rng: &mut Rng) -> Json {
    let list: Json = (0..rng.usize(0..4)).map(|_| value(rng, 2)).collect();
    let mut by_number = Map::new();
    for key in ["0", "1", "2", "-1", "0.5", "1.0"] {
        if rng.bool() {
            by_number.insert(key.to_owned(), value(rng, 1));
        }
    }
    json!({"d": Json::Object(object(rng, 3)), "list": list, "n": by_number})
}
