//! `scripts/rollout ramp`: up to the last step on a healthy stack, and back by itself when something is wrong.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::time::Duration;

use sark_integration::configuration::{and, of};
use sark_integration::operator::{self, WRITER};
use sark_integration::{FakeOpa, Load, Mode, Request, Stack, bucket};
use serde_json::{Value, json};

/// Fails inline, where the rule has two values at once, for who says so.
const POLICY: &str = r#"
result := true

result := false if input.attributes.request.http.headers["x-fault"]
"#;

fn start(more: Value) -> Stack {
    let configuration = and(
        &of(POLICY),
        json!({
            "remote": {"cluster": "opa", "timeout": "10s"},
            "identity": [{"header": "x-user"}],
            "features": {"rust_opa": {"rollout_percentage": 0}},
            "admin": operator::section(),
        }),
    );
    Stack::sark(and(&configuration, more)).fake(Mode::Decision(json!(true))).workers(2).start()
}

/// Requests of many users, of whom those that `is_faulty` say so: whichever side decides, they are allowed.
fn load(stack: &Stack, is_faulty: impl Fn(&str) -> bool + Send + Sync + 'static) -> Load {
    let request = move |number: u64| {
        let user = format!("user-{}", number % 2_000);
        let request = Request::get("/").header("x-user", &user);
        if is_faulty(&user) { request.header("x-fault", "1") } else { request }
    };
    Load::start(stack.address(), 4, request, |reply| (reply.status != 200).then(|| format!("{reply:?}")))
}

fn ramp(stack: &Stack, admin: &str, more: &[&str]) -> Child {
    let mut arguments = vec!["--admin", admin, "ramp", "rust_opa", "--soak", "1", "--interval", "0.5"];
    arguments.extend(more);
    let mut command = operator::rollout_command(WRITER, &[stack], &arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("python3")
}

fn admin(stack: &Stack) -> String {
    format!("http://{}", stack.envoy().admin().0)
}

/// Success, what it printed and why it failed.
fn end(child: Child) -> (bool, String, String) {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

fn feature(stack: &Stack) -> Value {
    stack.send(&operator::request("GET", "/admin/features")).json()["rust_opa"].clone()
}

#[test]
fn on_a_healthy_stack_it_walks_up_to_everybody() {
    let stack = start(json!({}));
    let load = load(&stack, |_| false);
    let (succeeded, text, why) = end(ramp(&stack, &admin(&stack), &["--max-latency-ratio", "50"]));
    print!("{text}");
    assert!(succeeded, "{text}{why}");
    let steps: Vec<_> = text.lines().filter(|line| line.starts_with("rust_opa at ")).collect();
    let step =
        |percentage: u32| format!("rust_opa at {percentage} %; watching for 1 s, and until enough requests had it");
    assert_eq!(steps, [5, 25, 50, 100].map(step));
    assert!(text.contains("rust_opa is at 100 %. It was set live: push a configuration that says the same"), "{text}");
    let feature = feature(&stack);
    assert_eq!((&feature["rollout_percentage"], &feature["status"]), (&json!(100), &json!("overridden")));
    load.stop().assert_clean();

    let (succeeded, _, why) = end(ramp(&stack, &admin(&stack), &[]));
    assert!(!succeeded && why.contains("rust_opa is at 100 % already"), "{why}");
}

#[test]
fn a_fault_that_shows_at_25_percent_rolls_back_and_the_guard_is_named() {
    let stack = start(json!({}));
    // Whom 5 % leave out and 25 % take in.
    let load = load(&stack, |user| (500..2_500).contains(&bucket::bucket("rust_opa", user)));
    let (succeeded, text, why) = end(ramp(&stack, &admin(&stack), &["--max-latency-ratio", "50"]));
    print!("{text}{why}");
    assert!(!succeeded, "{text}{why}");
    assert!(text.contains("rust_opa at 25 %") && !text.contains("rust_opa at 50 %"), "{text}");
    assert!(why.contains("guard tripped: error rate: ") && why.contains("requests with the feature"), "{why}");
    assert!(why.contains("rolling rust_opa back"), "{why}");
    let feature = feature(&stack);
    assert_eq!((&feature["rollout_percentage"], &feature["status"]), (&json!(0), &json!("rolled_back")));
    // The remote side decided for those who failed inline: no client saw any of it.
    load.stop().assert_clean();

    let (succeeded, _, why) = end(ramp(&stack, &admin(&stack), &[]));
    assert!(!succeeded && why.contains("rust_opa is rolled_back"), "{why}");
}

#[test]
fn sides_that_disagree_roll_back_although_none_of_them_fails() {
    let stack = start(json!({"shadow": {"percentage": 100}}));
    stack.fake().set(Mode::Decision(json!(false)));
    let request = |number: u64| Request::get("/").header("x-user", format!("user-{}", number % 2_000));
    let load = Load::start(stack.address(), 4, request, |reply| {
        (![200, 403].contains(&reply.status)).then(|| format!("{reply:?}"))
    });
    let (succeeded, text, why) = end(ramp(&stack, &admin(&stack), &["--max-latency-ratio", "50"]));
    print!("{text}{why}");
    assert!(!succeeded && !text.contains("rust_opa at 25 %"), "{text}{why}");
    assert!(why.contains("guard tripped: disagreement rate: the sides differ in "), "{why}");
    assert_eq!(feature(&stack)["status"], "rolled_back");
    load.stop().assert_clean();
}

/// A Prometheus page: so many requests of so many milliseconds each, and a line more.
fn page(requests: u32, milliseconds: u32, more: &str) -> Mode {
    let manager = "envoy_http_conn_manager_prefix=\"ingress\"";
    let text = format!(
        "# TYPE x counter\nfeature_flag_assignments_total{{feature=\"rust_opa\",implementation=\"rust\"}} {requests}\n\
         envoy_http_downstream_rq_time_sum{{{manager}}} {}\nenvoy_http_downstream_rq_time_count{{{manager}}} {requests}\n\
         envoy_http_downstream_rq_xx{{envoy_response_code_class=\"2\",{manager}}} {requests}\n{more}\n",
        requests * milliseconds
    );
    Mode::Reply(200, text.into_bytes())
}

/// Ramps beside pages that are made up: one for what is usual, one that is seen at 5 %. What it said when it rolled back.
fn rolled_back_by(stack: &Stack, usual: [Mode; 2], then: Mode) -> String {
    let _ = operator::done(&operator::rollout(WRITER, &[stack], &["set", "rust_opa", "0"]));
    let [first, second] = usual;
    let pages = FakeOpa::start(first).unwrap();
    let mut child = ramp(stack, &format!("http://{}", pages.address()), &[]);
    pages.wait_for_calls(1, Duration::from_secs(10)).unwrap();
    pages.set(second);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    while !text.contains("rust_opa at 5 %") {
        assert_ne!(lines.read_line(&mut text).unwrap(), 0, "{text}");
    }
    // It has looked at the counters since it set the step.
    pages.clear();
    pages.wait_for_calls(1, Duration::from_secs(10)).unwrap();
    pages.set(then);
    lines.read_to_string(&mut text).unwrap();
    let (succeeded, _, why) = end(child);
    assert!(!succeeded, "{text}{why}");
    assert_eq!(feature(stack)["status"], "rolled_back", "{why}");
    println!("{why}");
    why
}

#[test]
fn each_guard_trips_and_names_itself() {
    let stack = start(json!({}));
    let usual = || [page(1_000, 5, ""), page(2_000, 5, "")];
    for (then, expected) in [
        (page(3_000, 7, ""), "guard tripped: latency ratio: requests take 11.0 ms on average, 5.0 ms before"),
        (
            page(3_000, 5, "sark_shadow_total{class=\"same\"} 90\nsark_shadow_total{class=\"decision\"} 1"),
            "guard tripped: disagreement rate: the sides differ in 1 of 91 compared requests",
        ),
        (
            page(3_000, 5, "opa_evaluation_errors_total{implementation=\"rust\",reason=\"undefined\"} 2"),
            "guard tripped: error rate: 2 errors in 1000 requests with the feature",
        ),
        (
            page(3_000, 5, "envoy_http_downstream_rq_xx{envoy_response_code_class=\"5\"} 2"),
            "guard tripped: error rate: 0.20% of all answers are 5xx, 0.00% were before",
        ),
        (page(10, 5, ""), "its counters went back: it was restarted"),
        (Mode::Reply(503, Vec::new()), "/stats/prometheus: 503"),
    ] {
        let why = rolled_back_by(&stack, usual(), then);
        assert!(why.contains(expected), "{why}");
    }
}
