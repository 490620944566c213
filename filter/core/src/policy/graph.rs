//! What units use each other, and recursion.

use std::collections::BTreeSet;

use super::core::{Op, Stmt, Unit, UnitId};
use super::error::PolicyError;

/// Refuses recursion, as OPA does. Gives the units that `entry` needs, each after all that it uses.
pub(super) fn check(units: &[Unit], entry: UnitId) -> Result<Vec<UnitId>, PolicyError> {
    let uses: Vec<Vec<UnitId>> = units.iter().map(uses_of).collect();
    let mut done = BTreeSet::new();
    let mut order = Vec::new();
    for unit in 0..units.len() {
        visit(units, &uses, unit, &mut done, &mut order)?;
    }
    let needed = needed(&uses, entry);
    order.retain(|unit| needed.contains(unit));
    Ok(order)
}

/// One unit and all that it uses, without recursion of our own.
fn visit(
    units: &[Unit],
    uses: &[Vec<UnitId>],
    start: UnitId,
    done: &mut BTreeSet<UnitId>,
    order: &mut Vec<UnitId>,
) -> Result<(), PolicyError> {
    if done.contains(&start) {
        return Ok(());
    }
    // The units on the way, each with the number of uses that were looked at.
    let mut way: Vec<(UnitId, usize)> = vec![(start, 0)];
    let mut open: BTreeSet<UnitId> = BTreeSet::from([start]);
    while let Some((unit, looked_at)) = way.last_mut() {
        let unit = *unit;
        let Some(used) = uses.get(unit).and_then(|uses| uses.get(*looked_at)).copied() else {
            open.remove(&unit);
            done.insert(unit);
            order.push(unit);
            way.pop();
            continue;
        };
        *looked_at = looked_at.saturating_add(1);
        if done.contains(&used) {
            continue;
        }
        if !open.insert(used) {
            return Err(recursion(units, &way, used));
        }
        way.push((used, 0));
    }
    Ok(())
}

fn needed(uses: &[Vec<UnitId>], entry: UnitId) -> BTreeSet<UnitId> {
    let mut needed = BTreeSet::new();
    let mut open = vec![entry];
    while let Some(unit) = open.pop() {
        if needed.insert(unit) {
            open.extend(uses.get(unit).into_iter().flatten().copied());
        }
    }
    needed
}

fn uses_of(unit: &Unit) -> Vec<UnitId> {
    let mut uses = BTreeSet::new();
    body_uses(&unit.body, &mut uses);
    uses.into_iter().collect()
}

fn body_uses(body: &[Stmt], uses: &mut BTreeSet<UnitId>) {
    for statement in body {
        match statement {
            Stmt::Let(_, Op::Rule(unit) | Op::Function(unit, _)) => {
                uses.insert(*unit);
            }
            Stmt::Let(_, Op::Collect(_, ways)) => ways.iter().for_each(|way| body_uses(&way.body, uses)),
            _ => {}
        }
    }
}

fn recursion(units: &[Unit], way: &[(UnitId, usize)], again: UnitId) -> PolicyError {
    let name = |unit: UnitId| units.get(unit).map_or("", |unit| unit.name.as_str());
    let cycle = way.iter().map(|(unit, _)| *unit).skip_while(|unit| *unit != again).chain([again]);
    let names: Vec<&str> = cycle.map(name).collect();
    refusal(units, again, &format!("is recursive: {}; break the cycle", names.join(" → ")))
}

fn refusal(units: &[Unit], unit: UnitId, problem: &str) -> PolicyError {
    match units.get(unit) {
        Some(unit) => PolicyError::at(&unit.span, format!("rule {} {problem}", unit.name)),
        None => PolicyError::general(problem),
    }
}
