//! Blocks that one lookup chooses answer as if they were tried one after the other, and cost as little as one.

use super::*;
use crate::host::testing::Random;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Places of the input, then what may be found there.
const STRINGS: [&str; 10] = ["a", "b", "c", "u", "v", "w", "x", "y", "z", "0"];
const PLACES: u32 = 3;

fn equal(a: Json, b: Json) -> Json {
    stmt("Equal", json!({"a": a, "b": b}))
}

/// `input[place] == constant`, through a local of its own.
fn tests(place: u32, constant: u32, through: u32) -> Vec<Json> {
    vec![dot(local(0), text(place), through), equal(local(through), text(constant))]
}

/// A rule with these bodies, all for `true`, in the shape of OPA's planner; and a plan that asks for it.
fn rule(bodies: Vec<Vec<Json>>) -> Json {
    let mut blocks = Vec::new();
    for body in bodies {
        let value = [stmt("ResetLocal", json!({"target": 3}))].into_iter().chain(body);
        blocks.push(block(&value.chain([once(boolean(true), 3)]).collect::<Vec<_>>()));
        blocks.push(block(&[stmt("IsDefined", json!({"source": 3})), once(local(3), 2)]));
    }
    let f = function("g0.data.p.allow", &[0, 1], &blocks);
    asking(&STRINGS, &[f], vec![call_rule("g0.data.p.allow", 5)], local(5))
}

/// A rule that answers the numbers of those of its bodies that hold.
fn set(bodies: Vec<Vec<Json>>) -> Json {
    let add = |index: usize| vec![integer(index as i64, 8), stmt("SetAdd", json!({"set": 2, "value": local(8)}))];
    let bodies = bodies.into_iter().enumerate().map(|(index, body)| block(&[body, add(index)].concat()));
    let blocks: Vec<Json> = [block(&[make("Set", 2)])].into_iter().chain(bodies).collect();
    asking(&STRINGS, &[function("g0.data.p.set", &[0, 1], &blocks)], vec![call_rule("g0.data.p.set", 5)], local(5))
}

fn call_rule(name: &str, result: u32) -> Json {
    call(name, &[local(0), local(1)], result)
}

fn operations(plan: &Json) -> String {
    format!("{:?}", load(plan, Passes::ALL).unwrap().code.operations)
}

/// Steps of an answer: with one less there is none.
fn steps(plan: &Plan, input: &str) -> u64 {
    let mut scratch = Scratch::default();
    let entry = plan.entry("p/allow").unwrap();
    let enough = |steps: &u64| {
        plan.evaluate(entry, &parse(input), &Value::new_object(), &mut context(*steps), &mut scratch).is_ok()
    };
    (1..STEPS).find(enough).unwrap()
}

#[test]
fn a_thousand_rules_cost_what_ten_cost() {
    let rules = |count: usize| {
        let strings: Vec<String> = (0..count).map(|number| format!("/area{number}")).collect();
        let strings: Vec<&str> = ["path"].into_iter().chain(strings.iter().map(String::as_str)).collect();
        let body = |number: usize| tests(1, u32::try_from(number + 2).unwrap(), 4);
        let mut plan = rule((0..count).map(body).collect());
        plan["static"]["strings"] =
            ["result"].iter().chain(&strings).map(|text| json!({"value": text})).collect::<Vec<_>>().into();
        load(&plan, Passes::ALL).unwrap()
    };
    let (few, many) = (rules(10), rules(1000));
    for path in [r#"{"path":"/area7"}"#, r#"{"path":"/none"}"#, r#"{"path":7}"#, "{}", "[]"] {
        let (few, many) = (steps(&few, path), steps(&many, path));
        assert_eq!(few, many, "{path}");
        assert!(many < 20, "{many}");
    }
}

#[test]
fn tests_go_before_what_prepares_others() {
    let method = |constant| tests(1, constant, 4);
    let counted = || vec![dot(local(0), text(2), 6), call("count", &[local(6)], 7), equal(local(7), local(0))];
    let bodies = |first: fn(Vec<Json>, Vec<Json>) -> Vec<Json>| {
        rule((4..9).map(|constant| first(counted(), method(constant))).collect())
    };
    for plan in [bodies(|count, test| [test, count].concat()), bodies(|count, test| [count, test].concat())] {
        let operations = operations(&plan);
        assert!(operations.contains("Switch {"), "{operations}");
        assert!(operations.find("Match {") < operations.find("Builtin {"), "{operations}");
    }
}

/// Fewer than four constants, numbers, a place that a block writes: blocks are tried one after the other.
#[test]
fn what_cannot_be_chosen_is_tried() {
    let chosen = |bodies: Vec<Vec<Json>>| operations(&rule(bodies)).contains("Switch {");
    assert!(chosen((4..9).map(|constant| tests(1, constant, 4)).collect()));
    assert!(!chosen((4..9).map(|_| tests(1, 4, 4)).collect()), "one constant");
    assert!(!chosen((4..7).map(|constant| tests(1, constant, 4)).collect()), "three constants");
    assert!(!chosen((4..9).map(|constant| tests(10, constant, 4)).collect()), "a key that may be a position");
    let numbers = |number| vec![dot(local(0), text(1), 4), integer(number, 6), equal(local(4), local(6))];
    assert!(!chosen((4..9).map(numbers).collect()), "numbers");
    let writes = |constant| [tests(1, constant, 4), vec![assign(text(1), 0)]].concat();
    assert!(!operations(&set((4..9).map(writes).collect())).contains("Switch {"), "the place is written");
}

/// Bodies and inputs that are the same on every machine.
struct Numbers(Random);

impl Numbers {
    fn below(&mut self, end: u32) -> u32 {
        u32::try_from(self.0.next(usize::try_from(end).unwrap())).unwrap()
    }

    fn constant(&mut self) -> u32 {
        1 + PLACES + self.below(6)
    }

    /// A statement of a body. Locals 10 to 12 are everybody's: what one body leaves there, the next may read.
    fn statements(&mut self) -> Vec<Json> {
        let (place, shared) = (1 + self.below(PLACES), 10 + self.below(3));
        let constant = text(self.constant());
        match self.below(9) {
            0..=3 => vec![dot(local(0), text(place), shared), equal(constant, local(shared))],
            4 => vec![equal(local(shared), constant)],
            5 => vec![assign(constant, shared)],
            6 => vec![dot(local(0), text(place), shared)],
            7 => vec![dot(local(0), text(place), 4), call("count", &[local(4)], shared)],
            _ => vec![stmt("NotEqual", json!({"a": local(shared), "b": constant}))],
        }
    }

    /// A body that likely tests a place, first or later.
    fn body(&mut self, place: u32) -> Vec<Json> {
        let before: Vec<Json> = (0..self.below(2)).flat_map(|_| self.statements()).collect();
        let through = [4, 10][usize::try_from(self.below(2)).unwrap()];
        let test = if self.below(9) > 0 { tests(place, self.constant(), through) } else { Vec::new() };
        let behind: Vec<Json> = (0..self.below(3)).flat_map(|_| self.statements()).collect();
        [before, test, behind].concat()
    }

    fn input(&mut self) -> String {
        let places = ["a", "b", "c"];
        let found = |numbers: &mut Self| match numbers.below(8) {
            0 => "1".to_owned(),
            _ => format!("{:?}", STRINGS[usize::try_from(numbers.constant() - 1).unwrap()]),
        };
        let members: Vec<String> = places.iter().map(|place| format!("{place:?}:{}", found(self))).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// Which bodies hold: each adds its number to a set; with every pass and with none.
#[test]
fn generated_bodies_answer_the_same() {
    let (mut numbers, mut scratch) = (Numbers(Random::new(2026)), Scratch::default());
    let mut chosen = 0;
    for _ in 0..400 {
        let place = 1 + numbers.below(PLACES);
        let plan = set((0..14).map(|_| numbers.body(place)).collect());
        chosen += u32::from(operations(&plan).contains("Switch {"));
        let [all, none] = [Passes::ALL, Passes::NONE].map(|passes| load(&plan, passes).unwrap());
        let entry = all.entry("p/allow").unwrap();
        for _ in 0..12 {
            let (input, data) = (parse(&numbers.input()), Value::new_object());
            let mut ask = |plan: &Plan| plan.evaluate(entry, &input, &data, &mut context(STEPS), &mut scratch);
            assert_eq!(ask(&all), ask(&none), "{input} {plan}");
        }
    }
    assert!(chosen > 100, "{chosen} plans had blocks to choose from");
}
