//! No plan can stall, or take memory or stack without end.

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn hundred() -> String {
    format!("[{}]", (0..100).map(|n| n.to_string()).collect::<Vec<_>>().join(","))
}

#[test]
fn nested_scans_only_cost_the_budget() {
    let body = (0..8).fold(make("Null", 4), |inner, depth| scan(0, 10 + depth, 20 + depth, &[inner]));
    let plan = asking(&[], &[], vec![body], boolean(true));
    assert_eq!(evaluate(&plan, &hundred(), "{}"), Err(EvalError::StepLimit));
    assert_eq!(result(&plan, "[1,2]", "{}"), "true");
}

#[test]
fn the_clock_is_looked_at() {
    let body = scan(0, 4, 5, &[scan(0, 6, 7, &[])]);
    let plan = load(&asking(&[], &[], vec![body], boolean(true)), Passes::ALL).unwrap();
    let clock = Rc::new(FakeClock::default());
    let mut context = Context::new(clock.clone());
    context.begin(Limits { time: Duration::from_millis(1), steps: 1_000_000 }, Moment::default());
    clock.step.set(Duration::from_millis(2).as_nanos() as u64);
    let (input, mut scratch) = (parse(&hundred()), Scratch::default());
    let entry = plan.entry("p/allow").unwrap();
    assert_eq!(plan.evaluate(entry, &input, &parse("{}"), &mut context, &mut scratch), Err(EvalError::TimeLimit));
    // The next evaluation finds nothing of this one.
    clock.step.set(0);
    context.begin(Limits { time: Duration::from_millis(1), steps: 1_000_000 }, Moment::default());
    assert_eq!(plan.evaluate(entry, &input, &parse("{}"), &mut context, &mut scratch).map(|set| set.len()), Ok(1));
}

/// A loop that puts a collection into itself: as deep as values may be, and no deeper.
#[test]
fn values_are_not_nested_without_end() {
    let wrap = [make("Array", 6), stmt("ArrayAppend", json!({"array": 6, "value": local(4)})), assign(local(6), 4)];
    let twice = scan(0, 10, 11, &[scan(0, 5, 7, &wrap)]);
    let plan = asking(&[], &[], vec![make("Array", 4), twice], boolean(true));
    assert_eq!(evaluate(&plan, &hundred(), "{}"), Err(EvalError::DepthLimit));
    let once = asking(&[], &[], vec![make("Array", 4), scan(0, 5, 7, &wrap)], boolean(true));
    assert_eq!(result(&once, &hundred(), "{}"), "true");
    // Flat values may be as many as the budget allows.
    let pair = [
        make("Array", 6),
        stmt("ArrayAppend", json!({"array": 6, "value": local(5)})),
        stmt("ArrayAppend", json!({"array": 4, "value": local(6)})),
    ];
    let flat = asking(&[], &[], vec![make("Array", 4), scan(0, 8, 9, &[scan(0, 10, 5, &pair)])], boolean(true));
    assert_eq!(result(&flat, &hundred(), "{}"), "true");
}

/// A document in which every level holds the next one twice is small in memory and endless to walk.
#[test]
fn values_that_share_their_parts_are_paid_for_in_full() {
    let double = |value| stmt("ArrayAppend", json!({"array": 6, "value": value}));
    let body = [make("Array", 6), double(local(4)), double(local(4)), assign(local(6), 4)];
    let grow = |rounds: usize| {
        let input = format!("[{}]", vec!["1"; rounds].join(","));
        let plan = asking(&[], &[], vec![make("Array", 4), scan(0, 5, 7, &body)], boolean(true));
        evaluate(&plan, &input, "{}").map(|set| set.len())
    };
    assert_eq!(grow(10), Ok(1));
    assert_eq!(grow(50), Err(EvalError::StepLimit));
    // Nor does a literal that was built at load, or what a builtin makes of one.
    let literal = [(0..60).flat_map(|_| body.clone()).collect(), vec![make("Null", 5)]].concat();
    let plan = asking(&[], &[], [vec![make("Array", 4)], literal].concat(), boolean(true));
    assert_eq!(evaluate(&plan, "1", "{}"), Err(EvalError::StepLimit));
    let concat = scan(0, 5, 7, &[call("array.concat", &[local(4), local(4)], 4)]);
    let plan = asking(&[], &[], vec![assign(local(0), 4), concat], boolean(true));
    assert_eq!(evaluate(&plan, &hundred(), "{}"), Err(EvalError::StepLimit));
}

#[test]
fn comparing_and_copying_large_values_costs() {
    let long = format!("\"{}\"", "x".repeat(60_000));
    let same = stmt("Equal", json!({"a": local(0), "b": local(1)}));
    let plan = asking(&[], &[], vec![same; 120], boolean(true));
    assert_eq!(evaluate(&plan, &long, &long), Err(EvalError::StepLimit));
    // A collection that is shared is copied before it grows.
    let copies: Vec<Json> = (0..100)
        .flat_map(|_| [assign(local(0), 4), stmt("ArrayAppend", json!({"array": 4, "value": text(0)}))])
        .collect();
    let many = format!("[{}]", vec!["1"; 20_000].join(","));
    assert_eq!(evaluate(&asking(&[], &[], copies, boolean(true)), &many, "{}"), Err(EvalError::StepLimit));
}

#[test]
fn a_large_frame_costs_what_clearing_it_costs() {
    let wide: Vec<Json> = (10..20_000).map(|slot| make("Null", slot)).collect();
    let f = function("f", &[0, 1, 9], &[block(&[stmt("Not", json!({"block": block(&[])}))]), block(&wide)]);
    let calls = scan(0, 4, 5, &[nested(&[block(&[call("f", &[local(0), local(1), local(5)], 6)])])]);
    let plan = asking(&[], &[f], vec![calls], boolean(true));
    assert_eq!(evaluate(&plan, &hundred(), "{}"), Err(EvalError::StepLimit));
}
