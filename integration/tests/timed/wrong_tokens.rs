//! Whoever guesses tokens of the admin API stands in nobody's way.

use std::time::{Duration, Instant};

use sark_integration::client::Line;
use sark_integration::operator::{self, bearing};
use sark_integration::{Load, Mode, Request, Stack};
use serde_json::Value;

/// Median of an exchange over a kept connection, in microseconds.
fn median(line: &mut Line, request: &Request, status: u16, count: usize) -> u128 {
    let mut times: Vec<u128> = (0..count)
        .map(|_| {
            let begun = Instant::now();
            let reply = line.exchange(request).unwrap();
            assert_eq!(reply.status, status, "{reply:?}");
            begun.elapsed().as_micros()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
fn a_thousand_wrong_tokens_slow_nobody_and_lock_nobody_out() {
    let configuration = operator::configuration("result := true");
    let stack = Stack::sark(configuration).fake(Mode::Decision(Value::Bool(true))).workers(2).start();
    let mut line = Line::new(stack.address());
    let ordinary = Request::get("/ordinary");
    let wrong = bearing("wrong-token-0123456789abcdef", "POST", "/admin/rollout/rollback");
    median(&mut line, &ordinary, 200, 200);
    let before = median(&mut line, &ordinary, 200, 300);
    let first = median(&mut line, &wrong, 401, 100);
    median(&mut line, &wrong, 401, 800);
    let last = median(&mut line, &wrong, 401, 100);
    let after = median(&mut line, &ordinary, 200, 300);
    println!("ordinary {before} us before, {after} us after; a wrong token {first} us at first, {last} us at last");
    assert!(after < 3 * before + 500, "{after} {before}");
    assert!(last < 3 * first + 500, "{last} {first}");
    assert!(last < 3 * before + 500, "a stranger costs no more than a request: {last} {before}");
    // And while they come, on every connection.
    let flood = Load::start(
        stack.address(),
        4,
        move |_| wrong.clone(),
        |reply| (reply.status != 401).then(|| format!("{reply:?}")),
    );
    for percentage in 1..=20 {
        flood.wait_for_more(50).unwrap();
        let begun = Instant::now();
        assert_eq!(stack.send(&operator::update("rust_opa", f64::from(percentage))).status, 200);
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert_eq!(stack.send(&ordinary).status, 200);
    }
    let report = flood.stop();
    report.assert_clean();
    println!("{} wrong tokens", report.total);
    assert!(report.total > 1_000, "{report:?}");
    assert_eq!(stack.send(&operator::rollback("rust_opa")).status, 200);
}
