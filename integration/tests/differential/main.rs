//! Generated policies and inputs, answered by OPA and by us, both ways.
//!
//!     SARK_FUZZ_PAIRS=20000 SARK_FUZZ_SEED=7 cargo test -p sark-integration --test differential -- --nocapture
//!
//! The seed is printed; the same seed asks the same questions. A pair is a policy and an input; every decision of the
//! policy is asked, of the evaluator and of a cache beside it. What we refuse or give up is counted and is no difference; another answer than OPA's is.

mod body;
mod compare;
mod kept;
mod policy;
mod replay;
mod values;

use fastrand::Rng;
use sark_integration::oracle::Oracle;
use serde_json::{Value as Json, json};

use compare::Tally;

/// Inputs that each policy is asked with.
const INPUTS: usize = 8;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// OPA's answer; `None` if the plan in it is nested too deep for the reader of JSON.
fn ask(oracle: &mut Oracle, question: &Json) -> Option<Json> {
    match oracle.ask(question) {
        Err(error) if error.to_string().contains("recursion limit") => None,
        answer => Some(answer.expect("an answer")),
    }
}

#[test]
fn differential_generated_policies_are_answered_as_opa_answers_them() {
    let (pairs, seed) = (setting("SARK_FUZZ_PAIRS", 500), setting("SARK_FUZZ_SEED", 1));
    let mut rng = Rng::with_seed(seed);
    let mut oracle = Oracle::batch().expect("the oracle");
    let mut tally = Tally::default();
    while tally.pairs < pairs {
        let policy = policy::policy(&mut rng, |v0, modules| {
            let question = json!({"v0": v0, "modules": modules, "inputs": [], "queries": ["data.t = x"]});
            ask(&mut oracle, &question).is_some_and(|answer| answer["queries"][0]["error"].is_null())
        });
        let inputs: Vec<_> = (0..INPUTS).map(|_| values::input(&mut rng)).collect();
        let queries: Vec<_> = policy.decisions.iter().map(|name| format!("data.{name} = x")).collect();
        let data = values::data(&mut rng);
        let question = json!({
            "v0": policy.v0, "modules": policy.modules, "data": data, "inputs": inputs, "queries": queries,
        });
        let Some(answer) = ask(&mut oracle, &question) else { continue };
        tally.compare(&policy, &data, &inputs, &answer);
    }
    println!("seed {seed}: {tally}");
    assert!(tally.differences.is_empty(), "seed {seed}:\n{}", tally.differences.join("\n\n"));
    // A generator whose policies nobody takes would find nothing.
    assert!(tally.plan.same * 2 > tally.asked, "too few questions are answered: {tally}");
}
