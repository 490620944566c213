//! `multipleOf`, `minimum`, `maximum` and their exclusive kin.

use super::compile::{Keywords, Refusal};
use super::exact::Exact;
use super::outcome::{Outcome, Place};
use super::reference::Draft;
use super::validate::Validator;
use crate::builtins::Failure;
use regorus::Value;
use std::cmp::Ordering;

/// What a number must be.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    multiple_of: Option<Exact>,
    minimum: Limit,
    maximum: Limit,
}

/// One end of a range, with and without the end itself. Both may stand.
#[derive(Debug, Default)]
struct Limit {
    inclusive: Option<Exact>,
    exclusive: Option<Exact>,
}

pub(super) fn read(draft: Draft, keywords: &Keywords) -> Result<Numbers, Refusal> {
    let multiple_of = match keywords.get("multipleOf") {
        None => None,
        Some(value) => {
            let number = Exact::of(value).ok_or_else(|| Refusal::invalid_type("Number", "multipleOf"))?;
            if !number.is_positive() {
                return Err(Refusal::invalid("multipleOf must be strictly greater than 0"));
            }
            Some(number)
        }
    };
    let minimum = limit(draft, keywords, "minimum", "exclusiveMinimum")?;
    let maximum = limit(draft, keywords, "maximum", "exclusiveMaximum")?;
    Ok(Numbers { multiple_of, minimum, maximum })
}

/// In draft 4 the exclusive keyword is a switch, later it is a number of its own.
fn limit(draft: Draft, keywords: &Keywords, key: &str, exclusive: &str) -> Result<Limit, Refusal> {
    let mut limit = Limit::default();
    if let Some(value) = keywords.get(key) {
        let no_number = || Refusal::Invalid(format!("{key} must be of a Number"));
        limit.inclusive = Some(Exact::of(value).ok_or_else(no_number)?);
    }
    match (keywords.get(exclusive), draft) {
        (None, _) => {}
        (Some(Value::Bool(is_exclusive)), Draft::Four | Draft::Any) => {
            if limit.inclusive.is_none() {
                return Err(Refusal::Invalid(format!("{exclusive} cannot be used without {key}")));
            }
            if *is_exclusive {
                limit.exclusive = limit.inclusive.take();
            }
        }
        (Some(_), Draft::Four) => return Err(Refusal::invalid_type("boolean", exclusive)),
        (Some(value), _) => {
            let expected = if draft == Draft::Any { "boolean/number" } else { "number" };
            limit.exclusive = Some(Exact::of(value).ok_or_else(|| Refusal::invalid_type(expected, exclusive))?);
        }
    }
    Ok(limit)
}

/// What an error says of a limit: when it is told, its type, its text.
type Demand = (fn(Ordering) -> bool, &'static str, &'static str);

const AT_MOST: Demand = (Ordering::is_gt, "number_lte", "Must be less than or equal to");
const BELOW: Demand = (Ordering::is_ge, "number_lt", "Must be less than");
const AT_LEAST: Demand = (Ordering::is_lt, "number_gte", "Must be greater than or equal to");
const ABOVE: Demand = (Ordering::is_le, "number_gt", "Must be greater than");

impl Validator<'_, '_> {
    pub(super) fn numbers(
        &mut self,
        rules: &Numbers,
        value: &Value,
        place: &Place,
        outcome: &mut Outcome,
    ) -> Result<(), Failure> {
        let Some(number) = Exact::of(value) else { return Ok(()) };
        if let Some(divisor) = &rules.multiple_of
            && !number.is_multiple_of(divisor, self.context)?
        {
            let divisor = divisor.text(self.context)?;
            outcome.refuse(self.context, place, "multiple_of", &format!("Must be a multiple of {divisor}"))?;
        }
        let limits = [
            (&rules.maximum.inclusive, AT_MOST),
            (&rules.maximum.exclusive, BELOW),
            (&rules.minimum.inclusive, AT_LEAST),
            (&rules.minimum.exclusive, ABOVE),
        ];
        for (limit, (is_refused, kind, text)) in limits {
            let Some(limit) = limit else { continue };
            if is_refused(number.compare(limit, self.context)?) {
                let limit = limit.text(self.context)?;
                outcome.refuse(self.context, place, kind, &format!("{text} {limit}"))?;
            }
        }
        outcome.score();
        Ok(())
    }
}
