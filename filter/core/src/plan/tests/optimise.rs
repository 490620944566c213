//! What the passes do, and what they leave alone.

use super::*;
use crate::plan::code::Operation;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The operations of the entry point, one a line.
fn operations(plan: &Json, passes: Passes) -> Vec<String> {
    let plan = load(plan, passes).unwrap();
    let ends = |operation: &&Operation| !matches!(operation, Operation::Return { .. });
    plan.code.operations.iter().filter(ends).map(|operation| format!("{operation:?}")).collect()
}

/// How many operations remain of each kind, with every pass: `Get 1, Equal 1`.
fn remaining(strings: &[&str], statements: Vec<Json>) -> String {
    let plan = plan(strings, &[], &[block(&statements)]);
    let names = operations(&plan, Passes::ALL).into_iter().map(|text| text.split(' ').next().unwrap().to_owned());
    names.filter(|name| name != "Halt").collect::<Vec<_>>().join(" ")
}

#[test]
fn chains_of_lookups_become_one() {
    let chain = vec![
        dot(local(0), text(0), 4),
        dot(local(4), text(1), 5),
        assign(local(5), 6),
        stmt("Equal", json!({"a": local(6), "b": text(2)})),
    ];
    let rest = solution(boolean(true));
    let left = remaining(&["b", "c"], [chain.clone(), rest.clone()].concat());
    assert!(left.starts_with("Match "), "{left}");
    // The part on the way is read again.
    let again = [chain, vec![stmt("IsArray", json!({"source": local(4)}))], rest].concat();
    assert!(remaining(&["b", "c"], again).starts_with("Get Match Is "));
}

#[test]
fn literals_become_constants() {
    let add = |value| stmt("SetAdd", json!({"set": 4, "value": value}));
    let literal =
        vec![make("Set", 4), add(text(0)), add(text(1)), integer(7, 6), add(local(6)), call("count", &[local(4)], 5)];
    let left = remaining(&["b"], [literal, solution(local(5))].concat());
    assert!(left.starts_with("Builtin "), "{left}");
    // One that depends on the input is built as before.
    let partly = vec![make("Set", 4), add(text(0)), add(local(0)), call("count", &[local(4)], 5)];
    let left = remaining(&["b"], [partly, solution(local(5))].concat());
    assert!(left.starts_with("Assign Add Builtin "), "{left}");
}

#[test]
fn keys_nobody_reads_are_left_out() {
    let scans = |body: Json| operations(&plan(&[], &[], &[block(&[scan(0, 4, 5, &[body])])]), Passes::ALL).join(" ");
    assert!(scans(call("count", &[local(5)], 6)).contains("Scan { source: 0, key: None }"));
    assert!(scans(call("count", &[local(4)], 6)).contains("key: Some("));
    // Read in the next round, before it is written: it is written at the beginning of every round.
    let plan = plan(&[], &[], &[block(&[scan(0, 4, 5, &[]), stmt("IsUndefined", json!({"source": 4}))])]);
    assert!(operations(&plan, Passes::ALL).join(" ").contains("key: Some("));
}

/// A literal that grows in a block that may not run, or in every round of a scan.
#[test]
fn what_may_not_happen_is_not_known() {
    let append = |value| stmt("ArrayAppend", json!({"array": 4, "value": value}));
    let maybe = nested(&[block(&[
        stmt("Equal", json!({"a": local(0), "b": boolean(true)})),
        append(boolean(false)),
        integer(2, 6),
    ])]);
    let plan =
        asking(&[], &[], vec![make("Array", 4), integer(1, 6), append(local(6)), maybe, append(local(6))], local(4));
    assert_eq!(result(&plan, "true", "{}"), "[1,false,2]");
    assert_eq!(result(&plan, "1", "{}"), "[1,1]");
    let rounds = scan(0, 7, 8, &[append(local(6)), integer(3, 6)]);
    let plan = asking(&[], &[], vec![make("Array", 4), integer(1, 6), rounds, append(local(6))], local(4));
    assert_eq!(result(&plan, "[1,1]", "{}"), "[1,3,3]");
    assert_eq!(result(&plan, "[]", "{}"), "[1]");
}

/// A lookup that is undefined clears its target: no copy may be saved if the other slot is read there.
#[test]
fn what_is_read_where_a_statement_is_undefined_stays() {
    let defined = |source| stmt("IsDefined", json!({"source": source}));
    let inner = nested(&[block(&[dot(local(0), text(0), 4), assign(local(4), 5), break_out(1)])]);
    let kept = vec![make("Null", 5), nested(&[block(&[inner])]), defined(5)];
    let plan = asking(&[], &[], kept, boolean(true));
    assert_eq!(result(&plan, "{}", "{}"), "true");
    assert_eq!(result(&plan, r#"{"result":1}"#, "{}"), "true");
    let cleared =
        vec![make("Null", 4), nested(&[block(&[dot(local(0), text(0), 4), assign(local(4), 5)])]), defined(4)];
    let plan = asking(&[], &[], cleared, boolean(true));
    assert_eq!(result(&plan, "{}", "{}"), "undefined");
}

/// Statements at random over a few slots: whatever the passes make of them, the answer is the same.
#[test]
fn random_plans_answer_the_same_with_and_without_passes() {
    let mut dice = Dice(1);
    let mut defined = 0;
    for _ in 0..900 {
        let statements = dice.block(3);
        let plan = asking(&["a", "b"], &[], statements, local(2 + dice.below(5)));
        defined += usize::from(
            evaluate(&plan, r#"{"a":[1,{"a":1}],"b":"a"}"#, r#"{"a":{"b":2}}"#).is_ok_and(|set| !set.is_empty()),
        );
    }
    assert!(defined > 25, "{defined}");
}

/// Numbers without chance, from a linear congruence.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(bound)).unwrap()
    }

    fn slot(&mut self) -> u32 {
        2 + self.below(5)
    }

    fn operand(&mut self) -> Json {
        match self.below(8) {
            0 => boolean(self.below(2) == 0),
            1 | 2 => text(1 + self.below(2)),
            3 => local(0),
            4 => local(1),
            _ => local(self.slot()),
        }
    }

    fn block(&mut self, depth: u32) -> Vec<Json> {
        (0..=self.below(7)).map(|_| self.statement(depth)).collect()
    }

    /// Lookups, copies and comparisons in a row, as a planner writes them.
    fn chain(&mut self, source: Json, slot: u32) -> Json {
        let (key, value, next) = (text(1 + self.below(2)), self.operand(), self.slot());
        let compare = stmt("Equal", json!({"a": local(next), "b": value}));
        let row = [dot(source, key.clone(), slot), dot(local(slot), key, next), assign(local(next), slot), compare];
        nested(&[block(&row[..self.below(5) as usize])])
    }

    fn statement(&mut self, depth: u32) -> Json {
        let (a, b, slot) = (self.operand(), self.operand(), self.slot());
        match self.below(if depth == 0 { 15 } else { 20 }) {
            0..=2 => dot(a, b, slot),
            3 | 4 => assign(a, slot),
            5 => integer(i64::from(self.below(3)), slot),
            6 => make(["Null", "Array", "Set", "Object"][self.below(4) as usize], slot),
            7 => stmt("Equal", json!({"a": a, "b": b})),
            8 => stmt("NotEqual", json!({"a": a, "b": b})),
            9 => stmt("Len", json!({"source": a, "target": slot})),
            10 => stmt("ResetLocal", json!({"target": slot})),
            11 => stmt(["IsDefined", "IsUndefined"][self.below(2) as usize], json!({"source": slot})),
            12 => call("count", &[a], slot),
            13 => break_out(0),
            14 => self.chain(a, slot),
            15 => stmt("Not", json!({"block": block(&self.block(depth - 1))})),
            16 => scan(self.slot(), self.slot(), self.slot(), &self.block(depth - 1)),
            17 => stmt(
                "With",
                json!({"local": self.below(7), "path": [], "value": a, "block": block(&self.block(depth - 1))}),
            ),
            _ => {
                let mut inner = self.block(depth - 1);
                if self.below(2) == 0 {
                    inner.push(break_out(self.below(2)));
                }
                nested(&[block(&inner), block(&self.block(depth - 1))])
            }
        }
    }
}

/// `a == ["b", "c"]` as OPA plans it: the type, the length, then item after item through one local.
fn is_array(of: u32, items: &[Json]) -> Vec<Json> {
    let mut all =
        vec![stmt("IsArray", json!({"source": local(of)})), stmt("Len", json!({"source": local(of), "target": 12}))];
    all.extend([integer(items.len() as i64, 13), stmt("Equal", json!({"a": local(12), "b": local(13)}))]);
    for (index, item) in items.iter().enumerate() {
        all.extend([
            integer(index as i64, 14),
            dot(local(of), local(14), 15),
            stmt("Equal", json!({"a": local(15), "b": item})),
        ]);
    }
    all
}

#[test]
fn a_comparison_with_a_literal_array_is_one_test() {
    let compared = |items: &[Json]| {
        let found = vec![dot(local(0), text(0), 4)];
        remaining(&["b", "c"], [found, is_array(4, items), solution(boolean(true))].concat())
    };
    for items in [&[][..], &[text(1)], &[text(1), text(2)], &[boolean(true), text(1)]] {
        let left = compared(items);
        assert!(left.starts_with("Match Assign "), "{left}");
    }
    // What is not known at load stays as it is, and so does what only looks alike.
    assert!(compared(&[text(1), local(0)]).starts_with("Get Is Length "));
    let mut shorter = is_array(4, &[text(1), text(2)]);
    shorter.truncate(7);
    let left = remaining(&["b", "c"], [vec![dot(local(0), text(0), 4)], shorter, solution(boolean(true))].concat());
    assert!(left.starts_with("Get Is Length "), "{left}");
}

/// Generated tests of arrays, whole and cut, with items read again behind them: the same answers as without passes.
#[test]
fn comparisons_with_literal_arrays_answer_the_same() {
    use crate::host::testing::Random;
    let (mut random, mut scratch, mut rewritten) = (Random::new(7), Scratch::default(), 0);
    for _ in 0..600 {
        let items: Vec<Json> =
            (0..random.next(4)).map(|_| [text(1), text(2), boolean(true), local(5)][random.next(4)].clone()).collect();
        let mut tests = is_array(4, &items);
        if random.next(4) == 0 {
            tests.truncate(1 + random.next(tests.len()));
        }
        let read_again = solution(local([4, 12, 13, 14, 15][random.next(5)]));
        let before = vec![dot(local(0), text(0), 4), dot(local(0), text(1), 5)];
        let plan = plan(&["b", "c"], &[], &[block(&[before, tests, read_again].concat())]);
        rewritten += u32::from(!operations(&plan, Passes::ALL).join(" ").contains("kind: Array"));
        let [all, none] = [Passes::ALL, Passes::NONE].map(|passes| load(&plan, passes).unwrap());
        for input in [
            r#"{"a":["b","c"],"b":"b"}"#,
            r#"{"a":["b"],"b":"c"}"#,
            r#"{"a":[true,"b"],"b":1}"#,
            r#"{"a":[],"b":"c"}"#,
            r#"{"a":["b","b","c"],"b":"b"}"#,
            r#"{"a":"b","b":"b"}"#,
            r#"{"a":{"0":"b"},"b":"b"}"#,
            r#"{"a":["c","b","b"],"b":"b"}"#,
        ] {
            let mut ask = |plan: &Plan| {
                let entry = plan.entry("p/allow").unwrap();
                plan.evaluate(entry, &parse(input), &Value::new_object(), &mut context(STEPS), &mut scratch)
            };
            assert_eq!(ask(&all), ask(&none), "{input} {plan}");
        }
    }
    assert!(rewritten > 150, "{rewritten}");
}
