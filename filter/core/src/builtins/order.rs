//! OPA's total order of values: null, booleans, numbers, strings, arrays, objects, sets. regorus' own order has sets
//! before objects, so nothing that OPA defines by order may use `Ord` of [`Value`].

use super::{Context, Failure};
use regorus::Value;
use regorus::value::Object;
use std::cmp::Ordering;

/// Bytes of work that looking at one value counts as.
const VISIT: usize = 16;

/// OPA's order.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    Comparer::default().compare(a, b)
}

/// OPA's order, paid for. What was looked at is bounded by the smaller value, so it is paid afterwards.
pub(super) fn compare_paid(context: &mut Context, a: &Value, b: &Value) -> Result<Ordering, Failure> {
    let mut comparer = Comparer::default();
    let ordering = comparer.compare(a, b);
    context.work(comparer.visited.saturating_mul(VISIT))?;
    Ok(ordering)
}

/// Equality, paid for. regorus' order within a collection serves as well as OPA's, it is the same on both sides.
pub(super) fn equal_paid(context: &mut Context, a: &Value, b: &Value) -> Result<bool, Failure> {
    let mut comparer = Comparer::default();
    let equal = comparer.equal(a, b);
    context.work(comparer.visited.saturating_mul(VISIT))?;
    Ok(equal)
}

/// The members of a set in OPA's order.
pub fn sorted<'a>(items: impl Iterator<Item = &'a Value>) -> Vec<&'a Value> {
    let mut sorted: Vec<&Value> = items.collect();
    sorted.sort_by(|a, b| compare(a, b));
    sorted
}

/// Keys and values by turns, in OPA's order of the keys.
fn members(object: &Object) -> impl Iterator<Item = &Value> {
    let mut members: Vec<(&Value, &Value)> = object.iter().collect();
    members.sort_by(|(a, _), (b, _)| compare(a, b));
    members.into_iter().flat_map(|(key, value)| [key, value])
}

#[derive(Default)]
struct Comparer {
    visited: usize,
}

impl Comparer {
    fn equal(&mut self, a: &Value, b: &Value) -> bool {
        self.visited = self.visited.saturating_add(1);
        match (a, b) {
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| self.equal(a, b))
            }
            (Value::Set(a), Value::Set(b)) => {
                a.len() == b.len() && a.iter_sorted().zip(b.iter_sorted()).all(|(a, b)| self.equal(a, b))
            }
            (Value::Object(a), Value::Object(b)) => {
                let mut pairs = a.iter_sorted().zip(b.iter_sorted());
                a.len() == b.len()
                    && pairs.all(|((a, a_value), (b, b_value))| self.equal(a, b) && self.equal(a_value, b_value))
            }
            _ => a == b,
        }
    }

    fn compare(&mut self, a: &Value, b: &Value) -> Ordering {
        self.visited = self.visited.saturating_add(1);
        match (a, b) {
            (Value::Array(a), Value::Array(b)) => self.sequences(a.iter(), b.iter()),
            (Value::Set(a), Value::Set(b)) => {
                self.sequences(sorted(a.iter()).into_iter(), sorted(b.iter()).into_iter())
            }
            (Value::Object(a), Value::Object(b)) => self.sequences(members(a), members(b)),
            _ => rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)),
        }
    }

    /// The first difference decides, then the length.
    fn sequences<'a>(
        &mut self,
        mut a: impl Iterator<Item = &'a Value>,
        mut b: impl Iterator<Item = &'a Value>,
    ) -> Ordering {
        loop {
            match (a.next(), b.next()) {
                (Some(a), Some(b)) => match self.compare(a, b) {
                    Ordering::Equal => {}
                    different => return different,
                },
                (a, b) => return a.is_some().cmp(&b.is_some()),
            }
        }
    }
}

/// The place of a type in the order.
const fn rank(value: &Value) -> u8 {
    match value {
        Value::Undefined => 0,
        Value::Null => 1,
        Value::Bool(_) => 2,
        Value::Number(_) => 3,
        Value::String(_) => 4,
        Value::Array(_) => 5,
        Value::Object(_) => 6,
        Value::Set(_) => 7,
    }
}
