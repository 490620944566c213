//! The claims that are held against the constraints and the clock, at every call.

use super::super::pki::error;
use super::super::{Context, Failure};
use super::constraints::Constraints;
use regorus::Value;
use std::cmp::Ordering;

/// Whether the payload fits. The order is OPA's: what fits not is refused before a later claim can be an error.
///
/// # Errors
/// `exp` or `nbf` is not a number.
pub(super) fn fit(context: &mut Context, constraints: &Constraints, payload: &Value) -> Result<bool, Failure> {
    Ok(issuer_fits(constraints, payload)?
        && audience_fits(constraints, payload)
        && compare_time(context, constraints, &payload["exp"])?.is_none_or(Ordering::is_lt)
        && compare_time(context, constraints, &payload["nbf"])?.is_none_or(Ordering::is_ge))
}

fn issuer_fits(constraints: &Constraints, payload: &Value) -> Result<bool, Failure> {
    if constraints.issuer.is_empty() {
        return Ok(true);
    }
    match &payload["iss"] {
        Value::Undefined => Ok(false),
        Value::String(issuer) => Ok(*issuer == constraints.issuer),
        _ => Err(Failure::Inexact("a token whose iss is no string: OPA panics")),
    }
}

/// A token that names an audience is refused when no audience is demanded.
fn audience_fits(constraints: &Constraints, payload: &Value) -> bool {
    let is_it = |audience: &Value| audience.as_string().is_ok_and(|audience| *audience == constraints.audience);
    match &payload["aud"] {
        Value::Undefined => constraints.audience.is_empty(),
        Value::Array(audiences) => audiences.iter().any(is_it),
        audience => is_it(audience),
    }
}

/// The time against a claim in seconds; `None` if there is no such claim.
fn compare_time(context: &mut Context, constraints: &Constraints, claim: &Value) -> Result<Option<Ordering>, Failure> {
    match claim {
        Value::Undefined => Ok(None),
        Value::Number(number) => {
            let order = compare(constraints.time / SECOND, claim)?;
            // A time that is behind us comes again only if the clock is set back. A number that no double holds is no time
            // of this world.
            let is_ahead = order == Ordering::Less;
            let until = if is_ahead { boundary(number.as_f64().unwrap_or(f64::MAX)) } else { i64::MAX };
            context.compared_with(until);
            Ok(Some(order))
        }
        _ => Err(error("io.jwt.decode_verify: exp and nbf must be numbers")),
    }
}

/// Nanoseconds in a second.
const SECOND: f64 = 1_000_000_000.0;

/// A time from which on the comparison with a claim may have another result, a little early: doubles near the time of
/// our days lie 256 ns apart.
fn boundary(claim: f64) -> i64 {
    const MARGIN: f64 = 1_000_000.0;
    // The cast saturates.
    (claim * SECOND - MARGIN) as i64
}

/// OPA compares the shortest digits of the time with the digits of the claim. Doubles order as their shortest digits
/// do, and integers up to 2^53 are doubles; beyond, a time of this world is smaller.
fn compare(time: f64, claim: &Value) -> Result<Ordering, Failure> {
    const EXACT: u64 = 1 << 53;
    let beyond = || Failure::Inexact("a time beyond the integers of a double");
    let claim = claim.as_number().map_err(|_| beyond())?;
    if let Some(claim) = claim.as_i64()
        && claim.unsigned_abs() <= EXACT
    {
        return time.partial_cmp(&(claim as f64)).ok_or_else(beyond);
    }
    if !claim.is_integer() {
        return claim.as_f64().and_then(|claim| time.partial_cmp(&claim)).ok_or_else(beyond);
    }
    match time < EXACT as f64 {
        true if claim.is_positive() => Ok(Ordering::Less),
        true => Ok(Ordering::Greater),
        false => Err(beyond()),
    }
}
