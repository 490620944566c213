//! `intersection`, `union`, `set_diff`. The infix operators are in `operators` and `numbers`.

use super::args::{pay, set};
use super::{Builtin, Context, Failure, own};
use regorus::Value;
use regorus::value::Set;

pub(super) const TABLE: &[Builtin] =
    &[own("intersection", 1, intersection), own("union", 1, union), own("set_diff", 2, difference)];

/// Of no sets at all it is the empty set.
fn intersection(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let sets = members(context, args)?;
    let mut sets = sets.into_iter();
    let Some(first) = sets.next() else { return Ok(Value::new_set()) };
    Ok(sets.fold(first.clone(), |common, set| common.intersection(set)).into_value())
}

fn union(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let mut all = Set::new();
    for set in members(context, args)? {
        for item in set.iter() {
            all.insert(item.clone());
        }
    }
    Ok(all.into_value())
}

/// The sets of a set; handling all their members is paid.
fn members<'a>(context: &mut Context, args: &'a [Value]) -> Result<Vec<&'a Set>, Failure> {
    let [sets] = args else { return Err(Failure::ARITY) };
    let sets = set(sets)?;
    pay(context, sets.len())?;
    let sets = sets.iter().map(set).collect::<Result<Vec<_>, _>>()?;
    pay(context, sets.iter().map(|set| set.len()).fold(0, usize::saturating_add))?;
    Ok(sets)
}

fn difference(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [a, b] = args else { return Err(Failure::ARITY) };
    let (a, b) = (set(a)?, set(b)?);
    pay(context, a.len().saturating_add(b.len()))?;
    Ok(a.difference(b).into_value())
}
