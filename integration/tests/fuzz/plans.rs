//! Plans: OPA's own, mutated as documents and as bytes, and documents of no meaning.

use fastrand::Rng;
use sark_core::plan::{Passes, Plan};
use serde_json::Value as Json;

use crate::evaluate::Evaluator;
use crate::run::Target;
use crate::{bytes, seeds, tree};

pub struct Plans {
    plans: Vec<Json>,
    evaluator: Evaluator,
}

impl Plans {
    pub fn new() -> Self {
        let lines = seeds::lines("regorus_facts.jsonl");
        let plans: Vec<Json> = lines.into_iter().filter_map(|mut line| Some(line.get_mut("plan")?.take())).collect();
        Self { plans, evaluator: Evaluator::new() }
    }
}

impl Target for Plans {
    fn next(&mut self, rng: &mut Rng) -> Vec<u8> {
        let plan = &self.plans[rng.usize(..self.plans.len())];
        let other = &self.plans[rng.usize(..self.plans.len())];
        let mut mutated = plan.clone();
        match rng.u8(..10) {
            0 => return tree::random(rng, 6).to_string().into_bytes(),
            1 => {
                let mut text = plan.to_string().into_bytes();
                bytes::mutate(rng, &mut text, other.to_string().as_bytes());
                return text;
            }
            // Inside the code, where almost every place matters.
            2..=5 => tree::mutate(rng, &mut mutated["funcs"], &other["funcs"]),
            6 | 7 => tree::mutate(rng, &mut mutated["plans"], &other["funcs"]),
            _ => tree::mutate(rng, &mut mutated, other),
        }
        mutated.to_string().into_bytes()
    }

    fn run(&mut self, input: &[u8]) -> bool {
        let Ok(plan) = Plan::load(input, Passes::ALL) else { return false };
        let entries: Vec<String> = plan.entry_points().map(str::to_owned).collect();
        for entry in entries.iter().filter_map(|name| plan.entry(name)) {
            self.evaluator.evaluate(&plan, entry, None);
        }
        true
    }
}
