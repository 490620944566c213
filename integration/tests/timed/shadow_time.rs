//! What comparing costs a client: the time that the filter takes from the entry of a request until it goes on, with and
//! without, in turns, at a fixed rate. The module with faults logs it.

use std::time::{Duration, Instant};

use sark_integration::configuration::{and, example};
use sark_integration::{Mode, Request, Stack, client, parts, wait};
use serde_json::{Value, json};

/// Of requests, 200 a second.
const INTERVAL: Duration = Duration::from_millis(5);
const REQUESTS: usize = 400;
const WARM_UP: usize = 50;
const TURNS: usize = 5;
/// The target: 15 % more at most.
const MOST: f64 = 1.15;

fn configuration(percentage: u32) -> Value {
    let compared = json!({
        "remote": {"cluster": "opa", "timeout": "5s"},
        "shadow": {"percentage": percentage, "max_in_flight": 1000},
    });
    and(&example("rbac-api"), compared)
}

fn request() -> Request {
    let request = Request::get("/api/v1/users/alice/profile").header("x-user", "alice");
    (0..6).fold(request, |request, number| request.header(format!("x-header-{number}"), "a value of some length"))
}

/// The time that the filter took for each request, in nanoseconds, in order.
fn times(stack: &Stack) -> Vec<u64> {
    let mut line = client::Line::new(stack.address());
    (0..WARM_UP).for_each(|_| drop(line.exchange(&request()).unwrap()));
    stack.settle();
    let mark = stack.envoy().log_length();
    let started = Instant::now();
    for number in 0..REQUESTS {
        let due = INTERVAL * u32::try_from(number).unwrap();
        std::thread::sleep(due.saturating_sub(started.elapsed()));
        line.exchange(&request()).unwrap();
    }
    let logged = || {
        let log = stack.envoy().log_since(mark);
        let time = |line: &str| line.split_once("sark: headers took ")?.1.split_once(" ns")?.0.parse().ok();
        let mut times: Vec<u64> = log.lines().filter_map(time).collect();
        times.sort_unstable();
        (times.len() >= REQUESTS).then_some(times)
    };
    wait::until(Duration::from_secs(20), "the times of all requests", logged).unwrap()
}

fn middle(sorted: &[u64]) -> u64 {
    sorted[sorted.len() / 2]
}

#[test]
fn comparing_everything_adds_at_most_15_percent_to_the_time_a_request_takes_in_the_filter() {
    let module = parts::wasm_faults().unwrap_or_else(|error| panic!("{error}"));
    let stack = Stack::sark(configuration(0))
        .fake(Mode::Decision(json!(true)))
        .workers(1)
        .environment("SARK_FAULT_TIME", "1")
        .options(|options| options.wasm = Some(module))
        .start();
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        for (percentage, middles) in [(0, &mut without), (100, &mut with)] {
            stack.push(&configuration(percentage)).accepted();
            let times = times(&stack);
            println!("shadow {percentage} %: median {} ns, p90 {} ns", middle(&times), times[times.len() * 9 / 10]);
            middles.push(middle(&times));
        }
    }
    let all = u64::try_from((REQUESTS + WARM_UP) * TURNS).unwrap();
    let compared = || stack.stats("wasmcustom.sark_shadow_").values().sum::<u64>();
    wait::until(Duration::from_secs(20), "all comparisons", || (compared() == all).then_some(())).unwrap();
    without.sort_unstable();
    with.sort_unstable();
    let ratio = middle(&with) as f64 / middle(&without) as f64;
    println!("at 200 requests a second: {} ns without, {} ns with, {ratio:.3}", middle(&without), middle(&with));
    assert!(ratio <= MOST, "{ratio:.3}");
}
