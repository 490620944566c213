//! Questions written by hand: those of `questions.jsonl`, or of another file.
//!
//!     SARK_FUZZ_CASES=cases.jsonl cargo test -p sark-integration --test differential by_hand -- --nocapture
//!
//! A question a line: `{v0?, modules, data?, inputs, decisions}`, decisions as `t.allow`. What OPA refuses and we load
//! is told, what we refuse or give up as well; only another answer than OPA's fails.

use sark_integration::oracle::Oracle;
use serde_json::{Value as Json, json};

use crate::compare::Tally;
use crate::policy::Policy;

#[test]
fn differential_questions_by_hand_are_answered_as_opa_answers_them() {
    let text = match std::env::var("SARK_FUZZ_CASES") {
        Ok(path) => std::fs::read_to_string(path).expect("the questions"),
        Err(_) => include_str!("questions.jsonl").to_owned(),
    };
    let mut oracle = Oracle::batch().expect("the oracle");
    let mut differences = Vec::new();
    let mut same = [0, 0];
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty()) {
        let question: Json = serde_json::from_str(line).expect("a question");
        let mut tally = Tally::default();
        replay(&mut oracle, &question, &mut tally);
        println!("{}: {tally}", number + 1);
        same = [same[0] + tally.plan.same, same[1] + tally.source.same];
        differences.extend(tally.differences.into_iter().map(|what| format!("question {}: {what}", number + 1)));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    assert!(same.iter().all(|count| *count > 0), "nothing was answered");
}

fn replay(oracle: &mut Oracle, question: &Json, tally: &mut Tally) {
    let texts = |json: &Json| -> Vec<String> { serde_json::from_value(json.clone()).expect("texts") };
    let policy = Policy {
        v0: question["v0"] == json!(true),
        modules: serde_json::from_value(question["modules"].clone()).expect("modules"),
        decisions: texts(&question["decisions"]),
    };
    let data = question.get("data").cloned().unwrap_or_else(|| json!({}));
    let inputs = question["inputs"].as_array().expect("inputs").clone();
    let queries: Vec<_> = policy.decisions.iter().map(|path| format!("data.{path} = x")).collect();
    let asked = json!({"v0": policy.v0, "modules": policy.modules, "data": data, "inputs": inputs, "queries": queries});
    let answer = oracle.ask(&asked).expect("an answer");
    for query in answer["queries"].as_array().into_iter().flatten() {
        println!("OPA: {}", query.get("error").unwrap_or(&query["answers"]));
    }
    tally.compare(&policy, &data, &inputs, &answer);
}
