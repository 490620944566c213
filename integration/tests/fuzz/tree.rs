//! Mutations of JSON documents that stay documents.

use fastrand::Rng;
use serde_json::{Map, Value as Json};

use crate::bytes::{self, NUMBERS};

/// Changes a few places; pieces come from `other`.
pub fn mutate(rng: &mut Rng, document: &mut Json, other: &Json) {
    for _ in 0..=rng.usize(..4) {
        let piece = pick(rng, other).clone();
        let place = pick_mut(rng, document);
        change(rng, place, piece);
    }
}

fn children(value: &Json) -> usize {
    match value {
        Json::Array(items) => items.len(),
        Json::Object(members) => members.len(),
        _ => 0,
    }
}

fn child(value: &Json, number: usize) -> Option<&Json> {
    match value {
        Json::Array(items) => items.get(number),
        Json::Object(members) => members.values().nth(number),
        _ => None,
    }
}

/// Any place in the document; each level is as likely to be the last as the shape allows.
fn pick<'j>(rng: &mut Rng, mut value: &'j Json) -> &'j Json {
    loop {
        let count = children(value);
        if count == 0 || rng.u8(..12) == 0 {
            return value;
        }
        let Some(inner) = child(value, rng.usize(..count)) else { return value };
        value = inner;
    }
}

fn pick_mut<'j>(rng: &mut Rng, value: &'j mut Json) -> &'j mut Json {
    let count = children(value);
    if count == 0 || rng.u8(..12) == 0 {
        return value;
    }
    let number = rng.usize(..count);
    match value {
        Json::Array(items) => pick_mut(rng, &mut items[number]),
        Json::Object(members) => pick_mut(rng, members.values_mut().nth(number).expect("a member")),
        scalar => scalar,
    }
}

fn change(rng: &mut Rng, place: &mut Json, piece: Json) {
    match place {
        _ if rng.u8(..6) == 0 => *place = piece,
        Json::Number(number) if rng.bool() => {
            // Indexes and locals: a neighbour is more often valid than an extreme.
            let near = number.as_i64().unwrap_or(0).saturating_add(rng.i64(-3..=3));
            *place = Json::from(near);
        }
        Json::Number(_) => {
            *place = serde_json::from_str(NUMBERS[rng.usize(..NUMBERS.len())]).unwrap_or(Json::Null);
        }
        Json::String(text) => *text = bytes::mutate_text(rng, text, piece.as_str().unwrap_or("0")),
        Json::Bool(value) => *value = !*value,
        Json::Null => *place = piece,
        Json::Array(items) => change_items(rng, items, piece),
        Json::Object(members) => change_members(rng, members, piece),
    }
}

fn change_items(rng: &mut Rng, items: &mut Vec<Json>, piece: Json) {
    let at = rng.usize(..=items.len());
    match rng.u8(..4) {
        0 if at < items.len() => drop(items.remove(at)),
        1 if at < items.len() => {
            let times = rng.usize(1..=3).pow(rng.u32(..4));
            let item = items[at].clone();
            items.extend(std::iter::repeat_n(item, times));
        }
        2 => rng.shuffle(items),
        _ => items.insert(at, piece),
    }
}

fn change_members(rng: &mut Rng, members: &mut Map<String, Json>, piece: Json) {
    let names: Vec<String> = members.keys().cloned().collect();
    let Some(name) = rng.choice(&names) else { return };
    match (rng.u8(..3), rng.choice(&names)) {
        (0, _) => drop(members.remove(name)),
        (1, Some(other)) => {
            let value = members[name].clone();
            members.insert(other.clone(), value);
        }
        _ => drop(members.insert(name.clone(), piece)),
    }
}

/// A document of no meaning.
pub fn random(rng: &mut Rng, depth: u32) -> Json {
    const NAMES: &[&str] = &["static", "plans", "funcs", "blocks", "stmts", "type", "stmt", "name", "a", "é", ""];
    let name = |rng: &mut Rng| NAMES[rng.usize(..NAMES.len())].to_owned();
    match rng.u8(..if depth == 0 { 4 } else { 7 }) {
        0 => Json::Null,
        1 => Json::Bool(rng.bool()),
        2 => serde_json::from_str(NUMBERS[rng.usize(..NUMBERS.len())]).unwrap_or(Json::Null),
        3 => Json::String(name(rng)),
        4 => (0..rng.u8(..4)).map(|_| random(rng, depth - 1)).collect(),
        _ => Json::Object((0..rng.u8(..5)).map(|_| (name(rng), random(rng, depth - 1))).collect()),
    }
}
