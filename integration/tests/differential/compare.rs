//! Our answers beside OPA's.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};

use regorus::Value;
use sark_core::builtins::{Context, Moment};
use sark_core::config::Limits;
use sark_core::engine::EvalError;
use sark_core::host::Clock;
use sark_core::plan::{Entry, Passes, Plan, PlanError, Scratch};
use sark_core::policy::{DecisionPath, Module, RegoVersion, load};
use sark_integration::oracle::tagged;
use serde_json::Value as Json;

use crate::kept::Memory;
use crate::policy::Policy;

const LIMITS: Limits = Limits { time: Duration::from_secs(10), steps: 1_000_000 };

/// How one way did.
#[derive(Default)]
pub struct Way {
    pub same: u64,
    /// Not loaded, by reason.
    pub refused: BTreeMap<String, u64>,
    /// We said that we cannot answer.
    pub given_up: u64,
}

#[derive(Default)]
pub struct Tally {
    pub pairs: u64,
    /// Questions that OPA's compiler took: a pair has several.
    pub asked: u64,
    pub rejected_by_opa: u64,
    /// Rejected by OPA, mostly for types, and loaded by us.
    pub only_ours: u64,
    pub plan: Way,
    pub source: Way,
    pub differences: Vec<String>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} pairs, {} questions ({} policies' decisions rejected by OPA, {} of them loaded by us)",
            self.pairs, self.asked, self.rejected_by_opa, self.only_ours
        )?;
        for (name, way) in [("plan", &self.plan), ("source", &self.source)] {
            let refused: u64 = way.refused.values().sum();
            write!(f, "\n{name}: {} same, {refused} refused, {} given up", way.same, way.given_up)?;
            let mut reasons: Vec<_> = way.refused.iter().collect();
            reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            for (reason, count) in reasons.into_iter().take(12) {
                write!(f, "\n  {count:>7} {reason}")?;
            }
        }
        write!(f, "\n{} different", self.differences.len())
    }
}

/// What OPA answered to one query and input.
enum Answer {
    /// Canonical text of the value; `None`: undefined.
    Value(Option<String>),
    Conflict,
    Error(String),
}

impl Answer {
    fn read(answer: &Json) -> Self {
        if let Some(code) = answer["error"]["code"].as_str() {
            return if code == "eval_conflict_error" { Self::Conflict } else { Self::Error(code.to_owned()) };
        }
        Self::Value(answer["result"][0].get("x").map(tagged::canonical))
    }
}

type Ours = Result<Option<String>, EvalError>;

/// Evaluates an input, whole and as far as the decision reads it; and what is wrong with the answer that is kept.
type Evaluate = Box<dyn FnMut(&Value) -> ([Ours; 2], Option<String>)>;

fn canonical(value: &Value) -> String {
    tagged::canonical(&tagged::write(value))
}

struct WallClock(Instant);

impl Clock for WallClock {
    fn now(&self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

fn clock() -> Rc<dyn Clock> {
    Rc::new(WallClock(Instant::now()))
}

impl Tally {
    /// Compares all answers to one policy.
    pub fn compare(&mut self, policy: &Policy, data: &Json, inputs: &[Json], answer: &Json) {
        self.pairs += inputs.len() as u64;
        let parse = |json: &Json| tagged::read(json).expect("generated values can be held");
        let (data, inputs_read) = (parse(data), inputs.iter().map(parse).collect::<Vec<_>>());
        for (decision, query) in policy.decisions.iter().zip(answer["queries"].as_array().into_iter().flatten()) {
            let Some(answers) = query["answers"].as_array() else {
                self.rejected_by_opa += 1;
                if source(policy, decision, &data).is_ok() {
                    self.only_ours += 1;
                }
                continue;
            };
            self.asked += answers.len() as u64;
            let mut plan = plan(&query["plan"], &data);
            let mut source = source(policy, decision, &data);
            for ((json, input), answer) in inputs.iter().zip(&inputs_read).zip(answers) {
                let theirs = Answer::read(answer);
                for (name, way, ours) in
                    [("plan", &mut self.plan, &mut plan), ("source", &mut self.source, &mut source)]
                {
                    if let Some(what) = way.record(ours, input, &theirs) {
                        self.differences.push(format!(
                            "{name} way, data.{decision}, {what}\ninput {json}\ndata {}\nv0 {}\n{}",
                            tagged::write(&data),
                            policy.v0,
                            policy.modules.values().map(String::as_str).collect::<Vec<_>>().join("\n---\n")
                        ));
                    }
                }
            }
        }
    }
}

/// One way made ready, or why it was refused.
type Ready = Result<Evaluate, String>;

impl Way {
    fn record(&mut self, ready: &mut Ready, input: &Value, theirs: &Answer) -> Option<String> {
        let evaluate = match ready {
            Ok(evaluate) => evaluate,
            Err(reason) => {
                *self.refused.entry(reason.clone()).or_default() += 1;
                return None;
            }
        };
        let ([ours, of_part], wrongly_kept) = evaluate(input);
        if wrongly_kept.is_some() {
            return wrongly_kept;
        }
        // Less costs fewer steps, and nothing else may show.
        if ours != of_part && !matches!(ours, Err(EvalError::StepLimit | EvalError::TimeLimit)) {
            return Some(format!("we {ours:?}, of the part that is read {of_part:?}"));
        }
        let told = match (theirs, &ours) {
            (Answer::Value(theirs), Ok(ours)) if theirs == ours => None,
            (Answer::Conflict, Err(EvalError::Conflict)) | (Answer::Error(_), Err(_)) => None,
            (Answer::Value(theirs), Ok(ours)) => Some(format!("OPA {theirs:?}, we {ours:?}")),
            (Answer::Conflict, Ok(ours)) => Some(format!("OPA has a conflict, we {ours:?}")),
            (Answer::Error(code), Ok(ours)) => Some(format!("OPA ends with {code}, we {ours:?}")),
            // A conflict as well: a plan evaluates rules whole of which OPA asks for one key. It never lets through.
            (_, Err(_)) => {
                self.given_up += 1;
                return None;
            }
        };
        if told.is_none() {
            self.same += 1;
        }
        told
    }
}

fn plan(json: &Json, data: &Value) -> Ready {
    let plan = Plan::load(json.to_string().as_bytes(), Passes::ALL).map_err(|error| match error {
        PlanError::NotInline(names) => format!("not inline: {}", names.join(", ")),
        PlanError::Invalid { .. } => error.to_string(),
    })?;
    let entry = plan.entry("eval").ok_or("no entry point")?;
    Ok(ready(plan, entry, data.clone(), "x"))
}

fn source(policy: &Policy, decision: &str, data: &Value) -> Ready {
    let version = if policy.v0 { RegoVersion::V0 } else { RegoVersion::V1 };
    let module = |(name, text): (&String, &String)| Module { name: name.clone(), text: text.clone() };
    let modules: Vec<Module> = policy.modules.iter().map(module).collect();
    let path = DecisionPath::parse(&decision.replace('.', "/"))?;
    // Without its place, so that equal reasons are counted together.
    let loaded = load(&modules, data.clone(), &path, version).map_err(|error| error.message)?;
    Ok(ready(loaded.plan, loaded.entry, loaded.data, "result"))
}

fn ready(plan: Plan, entry: Entry, data: Value, binding: &'static str) -> Evaluate {
    let footprint = plan.footprint(entry).cloned().expect("an entry point of the plan");
    let part_of_data = footprint.data.of(&data);
    let (mut context, mut scratch) = (Context::new(clock()), Scratch::default());
    let mut evaluate = move |input: &Value, data: &Value| {
        context.begin(LIMITS, Moment::default());
        let solutions = plan.evaluate(entry, input, data, &mut context, &mut scratch)?;
        let first = solutions.first().and_then(|bindings| bindings.as_object().ok());
        Ok(first.and_then(|bindings| bindings.get(&Value::from(binding))).map(canonical))
    };
    let mut memory = Memory::new(&footprint);
    Box::new(move |input| {
        let part = footprint.input.of(input);
        let answers = [evaluate(input, &data), evaluate(&part, &part_of_data)];
        let [whole, _] = &answers;
        // Errors are never kept.
        let wrong = whole.as_ref().ok().and_then(|answer| memory.try_it(input, &part, answer.as_deref()));
        (answers, wrong)
    })
}
