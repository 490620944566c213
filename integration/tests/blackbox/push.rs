//! Pushes that are accepted: under load, in numbers, back and forth. Refused ones are in `push_refused`.

use std::time::{Duration, Instant};

use sark_integration::client::Line;
use sark_integration::configuration::{and, of};
use sark_integration::{Load, Protocol, Request, Response, Stack};
use serde_json::{Value, json};

/// The policy says its revision in the request and twice in the response, once from its text and once from its data.
fn revision(number: u32) -> Value {
    let rules = format!(
        r#"
default result := false

user := input.attributes.request.http.headers["x-user"]

result := {{"allowed": true, "headers": {{"x-revision": "{number}"}}, "response_headers_to_add": stated}} if user == "alice"

result := {{"allowed": false, "headers": stated}} if user == "mallory"

stated := {{"x-revision-text": "{number}", "x-revision-data": data.revision}}
"#
    );
    and(&of(&rules), json!({"policy": {"data": {"revision": number.to_string()}}}))
}

fn ask(number: u64) -> Request {
    let protocol = if number.is_multiple_of(3) { Protocol::Http2 } else { Protocol::Http1 };
    let user = if number.is_multiple_of(2) { "alice" } else { "mallory" };
    Request::get(format!("/load/{number}")).protocol(protocol).header("x-user", user)
}

/// The revision a reply states, or what is wrong with it.
fn stated(reply: &Response) -> Result<u32, String> {
    let text = reply.header_values("x-revision-text");
    let data = reply.header_values("x-revision-data");
    if text != data || text.len() != 1 {
        return Err(format!("a mixture: {reply:?}"));
    }
    let upstream = reply.try_upstream();
    let as_decided = match (reply.status, &upstream) {
        (200, Some(upstream)) => {
            upstream.header_values("x-revision") == text && upstream.header("x-user").as_deref() == Some("alice")
        }
        (403, None) => true,
        _ => false,
    };
    if !as_decided {
        return Err(format!("not as revision {} decides: {reply:?}", text[0]));
    }
    text[0].parse().map_err(|_| format!("no revision: {reply:?}"))
}

#[test]
fn pushes_under_load_fail_no_request_and_mix_no_revisions() {
    let stack = Stack::sark(revision(0)).workers(2).start();
    let load = Load::start(stack.address(), 8, ask, |reply| stated(reply).err());
    load.wait_for_more(50).unwrap();
    for number in 1..=12 {
        stack.push(&revision(number)).accepted();
        // From here on, nobody hears of the one before: on whichever worker these connections are.
        for probe in 0..6 {
            assert_eq!(stated(&stack.send(&ask(probe))), Ok(number));
        }
        load.wait_for_more(50).unwrap();
    }
    // A refused one changes nothing, and going back is a push like any other.
    let _why = stack.push(&json!({"policy": {"modules": {"policy.rego": "package"}}})).rejected();
    load.wait_for_more(50).unwrap();
    assert_eq!(stated(&stack.send(&ask(0))), Ok(12));
    stack.push(&revision(3)).accepted();
    assert_eq!(stated(&stack.send(&ask(0))), Ok(3));
    let report = load.stop();
    report.assert_clean();
    assert_eq!(report.statuses.keys().collect::<Vec<_>>(), [&200, &403]);
    assert_eq!(stack.stat("wasmcustom.sark_host_errors_total"), 0);
}

const USERS: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "mallory"];

/// These users may.
fn allowing(users: &[&str]) -> Value {
    let rules =
        "default result := false\n\nresult if input.attributes.request.http.headers[\"x-user\"] in data.users\n";
    and(&of(rules), json!({"policy": {"data": {"users": users}}}))
}

fn decisions(line: &mut Line) -> Vec<u16> {
    let ask = |user: &&str| line.exchange(&Request::get("/same").h2().header("x-user", user)).unwrap().status;
    USERS.iter().map(ask).collect()
}

#[test]
fn going_back_to_an_earlier_file_is_a_push_like_any_other() {
    let stack = Stack::sark(allowing(&["alice"])).workers(2).balanced().start();
    let mut lines = stack.line_to_each_worker();
    let mut serves = |users: &[&str]| {
        let expected: Vec<_> = USERS.iter().map(|user| if users.contains(user) { 200 } else { 403 }).collect();
        for line in &mut lines {
            assert_eq!(decisions(line), expected);
        }
    };
    serves(&["alice"]);
    for _ in 0..3 {
        stack.push(&allowing(&["bob"])).accepted();
        serves(&["bob"]);
        let _why = stack.push(&json!({"x": 1})).rejected();
        serves(&["bob"]);
        stack.push(&allowing(&["alice"])).accepted();
        serves(&["alice"]);
        // The same again.
        stack.push(&allowing(&["alice"])).accepted();
        serves(&["alice"]);
    }
    // One counter goes on over all of them.
    let counts = [
        ("sark_decisions_total.implementation.rust.result.allow", 2),
        ("sark_decisions_total.implementation.rust.result.deny", 10),
        ("feature_flag_assignments_total.feature.rust_opa.implementation.rust", 12),
    ];
    stack.assert_counts(&counts, || serves(&["alice"]));
}

/// xorshift64*: the same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap() % sides
    }

    fn users(&mut self) -> Vec<&'static str> {
        USERS.into_iter().filter(|_| self.roll(2) == 0).collect()
    }
}

/// What is known of a generated configuration.
enum Kind {
    Good(Vec<&'static str>),
    Bad,
    /// A good one with one byte changed or the end cut off.
    Odd,
}

fn generate(dice: &mut Dice, number: usize) -> (String, Kind) {
    let users = dice.users();
    let good = allowing(&users);
    let varied = match dice.roll(8) {
        // Up to a megabyte of data.
        0 => {
            let count = if number.is_multiple_of(4) { 12_000 } else { 500 };
            let many: Vec<_> =
                (0..count).map(|user| json!({"id": user, "roles": ["reader", "writer", "x".repeat(40)]})).collect();
            and(&good, json!({"policy": {"data": {"many": many, "number": number}}}))
        }
        1 => {
            let module = |module: usize| {
                (format!("m{module}.rego"), json!(format!("package lib.m{module}\n\nvalue := {number}\n")))
            };
            let modules: serde_json::Map<_, _> = (0..1 + dice.roll(30)).map(module).collect();
            and(&good, json!({"policy": {"modules": modules}}))
        }
        2 => and(
            &good,
            json!({"policy": {"path": "//envoy/authz//result/"}, "limits": {"evaluation_steps": 5000 + number}}),
        ),
        3 => and(
            &good,
            json!({"policy": {"data": {"\u{e9}\u{1f980} \" \\ \u{7f}": [null, 1.5e-7, -0.5, 12_345_678_901_234_567_890_u64]}}}),
        ),
        4 => {
            let deep = (0..1 + dice.roll(60)).fold(json!(number), |inner, _| json!({"deeper": [inner]}));
            and(&good, json!({"policy": {"data": {"deep": deep}}}))
        }
        5 => and(
            &good,
            json!({"remote": {"cluster": "opa"}, "identity": [{"header": "x-user"}], "debug_header": "x-sark"}),
        ),
        _ => and(
            &good,
            json!({"with_request_body": {"max_request_bytes": 1 + number}, "status_on_error": {"code": 500}}),
        ),
    };
    let mut text = varied.to_string();
    match dice.roll(4) {
        0 => {
            let bad = match dice.roll(6) {
                0 => and(&varied, json!({"polcy": number})).to_string(),
                1 => and(&varied, json!({"features": {"rust_opa": {"rollout_percentage": 100 + 1 + number}}}))
                    .to_string(),
                2 => and(&varied, json!({"policy": {"modules": {"z.rego": format!("package z{number}\n\nx := {{")}}}))
                    .to_string(),
                3 => and(&varied, json!({"policy": {"data": [number]}})).to_string(),
                4 => format!("{text}{number}"),
                _ => "[".repeat(1 + dice.roll(100_000)),
            };
            (bad, Kind::Bad)
        }
        1 => {
            let at = dice.roll(text.len());
            let cut = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap();
            if dice.roll(2) == 0 {
                text.truncate(cut);
            } else {
                let with = ["0", "\"", "}", "x", ",", "\\", "\u{1}", "\u{e9}"][dice.roll(8)];
                let length = text[cut..].chars().next().unwrap().len_utf8();
                text.replace_range(cut..cut + length, with);
            }
            (text, Kind::Odd)
        }
        _ => (text, Kind::Good(users)),
    }
}

#[test]
fn t01_two_hundred_configurations_are_taken_or_refused_alike_on_both_workers() {
    let stack = Stack::sark(allowing(&[])).workers(2).balanced().start();
    let mut lines = stack.line_to_each_worker();
    let mut dice = Dice(0x5a4b_0003);
    let mut before = vec![403; USERS.len()];
    let (mut accepted, mut refused) = (0, 0);
    for number in 0..200 {
        let (text, kind) = generate(&mut dice, number);
        let shown = text.chars().take(300).collect::<String>();
        let taken = match stack.push_text(&text) {
            sark_integration::envoy::Push::Accepted => true,
            sark_integration::envoy::Push::Rejected(why) => {
                assert!(why.contains("configuration refused: "), "{number}: {shown}: refused without a reason: {why}");
                false
            }
        };
        let mut seen: Vec<_> = lines.iter_mut().map(decisions).collect();
        let now = seen.pop().unwrap();
        assert!(seen.iter().all(|other| *other == now), "{number}: workers differ: {seen:?} {now:?}: {shown}");
        match kind {
            Kind::Good(users) => {
                let expected: Vec<_> = USERS.iter().map(|user| if users.contains(user) { 200 } else { 403 }).collect();
                assert!(taken, "{number}: a good one was refused: {shown}");
                assert_eq!(now, expected, "{number}: {shown}");
            }
            Kind::Bad => assert!(!taken, "{number}: a bad one was accepted: {shown}"),
            Kind::Odd => {}
        }
        if taken {
            accepted += 1;
        } else {
            refused += 1;
            assert_eq!(now, before, "{number}: what was refused changed something: {shown}");
        }
        // Every push begins a new tick; now and then one configuration stays for more than one of them.
        if number % 25 == 24 {
            let ticked = Instant::now() + Duration::from_millis(1_200);
            while Instant::now() < ticked {
                assert!(
                    lines.iter_mut().all(|line| decisions(line) == now),
                    "{number}: a tick changed something: {shown}"
                );
            }
        }
        before = now;
    }
    assert!(accepted > 80 && refused > 50, "{accepted} accepted, {refused} refused");
    assert!(stack.envoy().alive());
    assert_eq!(stack.stat("wasmcustom.sark_host_errors_total"), 0);
}
