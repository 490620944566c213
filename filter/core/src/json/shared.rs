//! Equal values of policy data, held once.
//!
//! Data repeats itself: names of members, roles, lists of roles. Every worker holds a copy of its own, and the engine's
//! values take several times the bytes of their text, so what is equal to a value met shortly before becomes that value.
//! Values never change once they are read; nobody can tell a shared one from a copy.

use regorus::{Rc, Value};
use std::hash::{DefaultHasher, Hasher};

/// Most slots of a table: the tables take 400 kB while data is read, and nothing afterwards.
const MAX_SLOTS: usize = 4_096;
/// Bytes of text for each slot.
const BYTES_PER_SLOT: usize = 64;
/// Longest text and largest container that are looked for.
const MAX_TEXT: usize = 64;
const MAX_MEMBERS: usize = 16;

/// The two values met last of all that have the same slot, so that at worst a value is held twice. Which slot is a matter
/// of content alone.
type Slot = [Value; 2];

/// What was met shortly before.
pub(super) struct Shared {
    texts: Vec<Slot>,
    /// A table of their own: else the names of many users would take the slots of their lists of roles.
    containers: Vec<Slot>,
}

impl Shared {
    /// For a text of so many bytes.
    pub fn new(text_bytes: usize) -> Self {
        let slots = text_bytes.checked_div(BYTES_PER_SLOT).unwrap_or(0).clamp(1, MAX_SLOTS);
        let empty = || vec![[Value::Null, Value::Null]; slots];
        Self { texts: empty(), containers: empty() }
    }

    /// The value, or one that is equal to it and was here before. The members of a container are to be shared first:
    /// only then are two containers found to be equal.
    pub fn share(&mut self, value: Value) -> Value {
        let mut hasher = DefaultHasher::new();
        if hash(&value, &mut hasher).is_none() {
            return value;
        }
        let table = if matches!(value, Value::String(_)) { &mut self.texts } else { &mut self.containers };
        let slots = u64::try_from(table.len()).unwrap_or(u64::MAX);
        let slot = hasher.finish().checked_rem(slots).and_then(|slot| usize::try_from(slot).ok());
        let Some(slot) = slot.and_then(|slot| table.get_mut(slot)) else { return value };
        let [newer, older] = slot;
        if !is_same(newer, &value) {
            std::mem::swap(newer, older);
            if !is_same(newer, &value) {
                newer.clone_from(&value);
            }
        }
        newer.clone()
    }
}

/// `None`: not to be shared. Numbers never are: `1` and `1.0` are equal and not the same.
fn hash(value: &Value, into: &mut DefaultHasher) -> Option<()> {
    match value {
        Value::String(text) if text.len() <= MAX_TEXT => into.write(text.as_bytes()),
        Value::Array(items) if items.len() <= MAX_MEMBERS => {
            items.iter().try_for_each(|item| identity(item).map(|identity| into.write_usize(identity)))?;
        }
        Value::Object(members) if members.len() <= MAX_MEMBERS => {
            into.write_u8(b'{');
            let mut all = members.iter_sorted().flat_map(|(key, value)| [key, value]);
            all.try_for_each(|item| identity(item).map(|identity| into.write_usize(identity)))?;
        }
        _ => return None,
    }
    Some(())
}

/// Two values of the same identity are the same; where both have none, nothing is known.
fn identity(value: &Value) -> Option<usize> {
    Some(match value {
        Value::Null => 0,
        Value::Bool(false) => 1,
        Value::Bool(true) => 2,
        // Addresses of what is counted by reference; none is below 3.
        Value::String(text) => Rc::as_ptr(text).cast::<u8>() as usize,
        Value::Array(items) => Rc::as_ptr(items) as usize,
        Value::Object(members) => Rc::as_ptr(members) as usize,
        Value::Number(_) | Value::Set(_) | Value::Undefined => return None,
    })
}

fn is_same(one: &Value, other: &Value) -> bool {
    let same = |one: &Value, other: &Value| identity(one).is_some_and(|known| identity(other) == Some(known));
    match (one, other) {
        (Value::String(one), Value::String(other)) => one == other,
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other.iter()).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let pairs = one.iter_sorted().zip(other.iter_sorted());
            one.len() == other.len()
                && pairs.into_iter().all(|(one, other)| same(one.0, other.0) && same(one.1, other.1))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bounds, parse, parse_within};
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Addresses of everything that is counted by reference, keys included.
    fn addresses(value: &Value, into: &mut Vec<usize>) {
        into.extend(identity(value).filter(|identity| *identity > 2));
        match value {
            Value::Array(items) => items.iter().for_each(|item| addresses(item, into)),
            Value::Object(members) => members.iter().for_each(|(key, member)| {
                addresses(key, into);
                addresses(member, into);
            }),
            _ => {}
        }
    }

    /// (values counted by reference, different ones)
    fn counted(text: &str) -> (usize, usize) {
        let mut all = Vec::new();
        addresses(&parse_within(text.as_bytes(), Bounds::DATA).unwrap(), &mut all);
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        (count, all.len())
    }

    fn users(count: usize, of: impl Fn(usize) -> String) -> String {
        let members: Vec<String> = (0..count).map(|user| format!(r#""u{user}": {}"#, of(user))).collect();
        format!("{{{}}}", members.join(","))
    }

    #[test]
    fn what_is_equal_is_held_once() {
        let text = users(1_000, |_| r#"{"roles": ["a", "b"], "on": true, "x": null}"#.to_owned());
        let (all, different) = counted(&text);
        // The object and its users' names, and once: the member, its list, two roles and three names. A few more, where a
        // user's name took a slot.
        assert_eq!(all, 1 + 1_000 * 8);
        assert!((1 + 1_000 + 7..1_060).contains(&different), "{different}");
    }

    #[test]
    fn sharing_changes_no_value() {
        let kinds = [
            "1",
            "1.0",
            "\"1\"",
            "[1]",
            "[1.0]",
            "[\"1\"]",
            "{\"1\": 1}",
            "{\"1\": 1.0}",
            "[]",
            "{}",
            "[[]]",
            "[{}]",
            "null",
            "false",
            "[true]",
            "[false]",
            "[null]",
            "\"\"",
            "[\"\"]",
            "{\"\": \"\"}",
            "{\"a\": \"b\"}",
            "[\"a\", \"b\"]",
            "{\"b\": \"a\"}",
        ];
        let text = users(4_000, |user| format!("[{}, {}]", kinds[user % kinds.len()], kinds[user / 7 % kinds.len()]));
        let (shared, plain) = (parse_within(text.as_bytes(), Bounds::DATA).unwrap(), parse(text.as_bytes()).unwrap());
        assert_eq!(shared, plain);
        // Equality does not tell 1 from 1.0; their texts do.
        assert_eq!(shared.to_string(), plain.to_string());
    }

    #[test]
    fn requests_share_nothing() {
        let value = parse(br#"["a", "a"]"#).unwrap();
        let items = value.as_array().unwrap();
        assert_ne!(identity(&items[0]), identity(&items[1]));
    }
}
