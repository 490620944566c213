//! The plan way: the plan that OPA's compiler made of a case, run with every optimisation and with none.

use std::rc::Rc;

use regorus::Value;
use sark_core::builtins::Context;
use sark_core::engine::EvalError;
use sark_core::plan::{Passes, Plan, PlanError, Scratch};
use sark_integration::oracle::tagged;

use crate::case::{Answer, Case, Expected, Solutions};
use crate::outcome::{Outcome, Way};
use crate::production;

/// The name of the plan of a query.
const QUERY: &str = "eval";

pub fn run(case: &Case) -> Outcome {
    let outcome = in_mode(case, &case.answer, case.question.strict);
    match &case.lenient {
        Some(lenient) => outcome.worse(in_mode(case, lenient, false)),
        None => outcome,
    }
}

fn in_mode(case: &Case, answer: &Answer, strict: bool) -> Outcome {
    let expected = answer.expected();
    let Some(plan) = case.answer.plan.as_ref().map(|plan| plan.get().as_bytes()) else {
        // OPA's compiler refuses the policy, so there is nothing to run.
        return match expected {
            Expected::Error(_) => Outcome::Same,
            _ => Outcome::Different("OPA answers and makes no plan".to_owned()),
        };
    };
    let (data, input) = match (case.question.data(), case.question.input()) {
        (Ok(data), Ok(input)) => (data, input),
        (Err(why), _) | (_, Err(why)) => return Outcome::Inexact(why),
    };
    let evaluate = |passes| {
        let plan = load(plan, passes)?;
        Ok(Outcome::judge(Way::Plan, &expected, &solutions(&plan, &input, &data, strict)))
    };
    match (evaluate(Passes::ALL), evaluate(Passes::NONE)) {
        (Ok(all), Ok(none)) if all == none => all,
        (Err(refused), Err(_)) => refused,
        (all, none) => Outcome::Different(format!("with all passes {all:?}, with none {none:?}")),
    }
}

fn load(plan: &[u8], passes: Passes) -> Result<Plan, Outcome> {
    Plan::load(plan, passes).map_err(|error| match error {
        PlanError::NotInline(names) => Outcome::NotInline(names),
        PlanError::Invalid { message, .. } if message.ends_with("cannot be held exactly as OPA holds it") => {
            Outcome::Refused(message)
        }
        error => Outcome::Different(format!("the plan does not load: {error}")),
    })
}

fn solutions(plan: &Plan, input: &Value, data: &Value, strict: bool) -> Result<Solutions, EvalError> {
    let mut context = Context::new(Rc::new(production::WallClock));
    context.strict = strict;
    context.begin(production::LIMITS, production::moment());
    let entry = plan.entry(QUERY).expect("OPA names the plan of a query so");
    let bindings = plan.evaluate(entry, input, data, &mut context, &mut Scratch::default())?;
    Ok(bindings.iter().map(|bindings| tagged::canonical(&tagged::write(bindings))).collect())
}
