//! Who is decided inline, and who tells.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Mutex;

use sark_integration::{Mode, Request, Response, Shared, Stack, bucket, configuration, parts};
use serde_json::{Value, json};

const DEBUG: &str = "x-decided-by";
const USERS: usize = 10_000;

static STACK: Shared = Shared::new(|| Mutex::new(start()));

fn start() -> Stack {
    Stack::sark(at(json!(100))).fake(Mode::Decision(json!(true))).workers(2).start()
}

/// Both sides allow.
fn at(percentage: Value) -> Value {
    configuration::and(
        &configuration::of("result := true"),
        json!({
            "remote": {"cluster": "opa", "timeout": "10s"},
            "features": {"rust_opa": {"rollout_percentage": percentage}},
            "identity": [{"header": "x-user"}],
            "debug_header": DEBUG,
        }),
    )
}

fn user(number: usize) -> String {
    format!("user-{number}@example.org")
}

/// The users that an independent script takes for inline.
fn python_says(percentage: &Value) -> BTreeSet<usize> {
    let program = format!(
        "import hashlib\nfor n in range({USERS}):\n  d = hashlib.sha256(b'rust_opa\\0user-%d@example.org' % n).digest()\n  \
         if int.from_bytes(d[:8], 'big') % 10000 < {percentage} * 100: print(n)"
    );
    let output = Command::new("python3").args(["-c", &program]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}

/// The users whose reply says that it was decided inline; every other one says remote.
fn inline_users(stack: &Stack) -> BTreeSet<usize> {
    let requests: Vec<_> = (0..USERS).map(|number| Request::get("/").header("x-user", user(number))).collect();
    let replies = stack.send_all(16, &requests);
    let side = |reply: &Response| {
        assert_eq!(reply.status, 200);
        match reply.header_values(DEBUG).as_slice() {
            [side] if side == "rust" => true,
            [side] if side == "remote" => false,
            other => panic!("{other:?}"),
        }
    };
    replies.iter().enumerate().filter(|(_, reply)| side(reply)).map(|(number, _)| number).collect()
}

fn decided_by(stack: &Stack, request: Request) -> String {
    let reply = stack.send(&request);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.header(DEBUG).unwrap_or_default()
}

#[test]
fn of_10_000_users_exactly_the_documented_ones_are_inline_and_stay_so() {
    let stack = start();
    let mut before = BTreeSet::new();
    for percentage in [0.0, 0.5, 5.0, 25.0, 50.0, 100.0] {
        stack.push(&at(json!(percentage))).accepted();
        let inline = inline_users(&stack);
        assert_eq!(inline, python_says(&json!(percentage)), "at {percentage} %");
        let ours = (0..USERS).filter(|number| bucket::inline("rust_opa", user(*number), percentage));
        assert_eq!(inline.len(), ours.count(), "at {percentage} %");
        assert_share(inline.len(), percentage);
        assert!(before.is_subset(&inline), "raising to {percentage} % moved users back");
        before = inline;
    }
    stack.push(&at(json!(25))).accepted();
    let first = inline_users(&stack);
    stack.envoy().restart().unwrap();
    assert_eq!(inline_users(&stack), first, "after a restart");

    // Each worker has had its share of the connections, so both agree.
    let connections = stack.envoy().admin().stats_matching("worker_[01].downstream_cx_total").unwrap();
    assert_eq!(connections.len(), 2, "{connections:?}");
    assert!(connections.values().all(|count| *count > 0), "{connections:?}");

    // Another build of the module, with faults in it.
    let rebuilt = parts::wasm_faults().unwrap_or_else(|error| panic!("{error}"));
    let stack = Stack::sark(at(json!(25))).options(|options| options.wasm = Some(rebuilt));
    let stack = stack.fake(Mode::Decision(json!(true))).workers(2).start();
    assert_eq!(inline_users(&stack), first, "after the module was built anew");
}

/// Three sigma of a binomial distribution.
fn assert_share(inline: usize, percentage: f64) {
    let (users, share) = (USERS as f64, percentage / 100.0);
    let sigma = (users * share * (1.0 - share)).sqrt();
    let off = (inline as f64 - users * share).abs();
    println!("{percentage} %: {inline} of {USERS} users inline, sigma is {sigma:.1}");
    assert!(off <= 3.0 * sigma, "{inline} users inline at {percentage} %: {off} off, sigma is {sigma}");
}

#[test]
fn who_has_one_feature_tells_nothing_about_who_has_the_other() {
    let both = configuration::and(&at(json!(50)), json!({"features": {"rust_cache": {"rollout_percentage": 50}}}));
    let stack = STACK.with(&both);
    let cached = |users: &BTreeSet<usize>| {
        let name = "wasmcustom.feature_flag_assignments_total.feature.rust_cache.implementation.rust";
        let before = stack.stat(name);
        let requests: Vec<_> = users.iter().map(|number| Request::get("/").header("x-user", user(*number))).collect();
        stack.send_all(16, &requests);
        (stack.stat(name) - before) as f64
    };
    let inline = python_says(&json!(50));
    let remote: BTreeSet<usize> = (0..USERS).filter(|number| !inline.contains(number)).collect();
    let table = [&inline, &remote].map(|users| {
        let cached = cached(users);
        [cached, users.len() as f64 - cached]
    });
    let square = chi_square(&table);
    println!("{table:?}: chi-square is {square:.2}");
    // With one degree of freedom 10.83 is exceeded once in a thousand tables, and the users are always the same.
    assert!(square < 10.83, "{table:?}: {square}");
    // It would be seen: users of which the same half has both.
    assert!(chi_square(&[[5_000.0, 0.0], [0.0, 5_000.0]]) > 9_000.0);
}

/// How far a table is from one whose rows and columns have nothing to do with each other.
fn chi_square(table: &[[f64; 2]; 2]) -> f64 {
    let total: f64 = table.iter().flatten().sum();
    let mut square = 0.0;
    for row in table {
        for column in 0..2 {
            let expected = row.iter().sum::<f64>() * table.iter().map(|row| row[column]).sum::<f64>() / total;
            square += (row[column] - expected).powi(2) / expected;
        }
    }
    square
}

#[test]
fn the_side_changes_exactly_at_the_users_bucket() {
    // bob's bucket is 1278, alice's 8301 (docs/configuration.md).
    for (percentage, bob, alice) in [
        ("12.78", "remote", "remote"),
        ("12.79", "rust", "remote"),
        ("83.01", "rust", "remote"),
        ("83.02", "rust", "rust"),
    ] {
        let stack = STACK.with(&at(serde_json::from_str(percentage).unwrap()));
        for (user, side) in [("bob", bob), ("alice", alice)] {
            for request in [Request::get("/"), Request::post("/").h2().body("x")] {
                assert_eq!(decided_by(&stack, request.header("x-user", user)), side, "{user} at {percentage} %");
            }
        }
    }
}

/// Asserts that the side changes exactly at the bucket of `user`, for requests with these values of `x-user`.
#[track_caller]
fn assert_side_changes_at_bucket(user: &[u8], lines: &[&[u8]]) {
    let bucket = bucket::bucket("rust_opa", user);
    for (percentage, side) in [(bucket, "remote"), (bucket + 1, "rust")] {
        let stack = STACK.with(&at(json!(percentage as f64 / 100.0)));
        let request = lines.iter().fold(Request::get("/"), |request, line| request.header("x-user", line));
        assert_eq!(decided_by(&stack, request), side, "{user:?} at bucket {percentage}");
    }
}

#[test]
fn a_user_is_the_header_value_as_it_is() {
    for user in ["héloïse", "Bob", "bob, the second", "a,b", "!"] {
        assert_side_changes_at_bucket(user.as_bytes(), &[user.as_bytes()]);
    }
}

#[test]
fn repeated_lines_of_the_identity_are_one_user_joined_by_a_comma() {
    assert_side_changes_at_bucket(b"a,b", &[b"a", b"b"]);
}

#[test]
fn a_user_that_is_not_utf_8_is_hashed_as_the_input_document_shows_it() {
    assert_side_changes_at_bucket(b"caf!", &[b"caf\xe9"]);
}

#[test]
fn the_first_identity_that_is_present_and_not_empty_counts() {
    let two = json!({"identity": [{"header": "x-user"}, {"header": "x-client"}]});
    let stack = STACK.with(&configuration::and(&at(json!(50)), two));
    // bob's bucket is 1278, alice's 8301.
    let ask = |headers: &[(&str, &str)]| {
        let request = headers.iter().fold(Request::get("/"), |request, (name, value)| request.header(*name, value));
        decided_by(&stack, request)
    };
    assert_eq!(ask(&[("x-user", "bob"), ("x-client", "alice")]), "rust");
    assert_eq!(ask(&[("x-user", "alice"), ("x-client", "bob")]), "remote");
    assert_eq!(ask(&[("x-user", ""), ("x-client", "bob")]), "rust");
    assert_eq!(ask(&[("x-client", "bob")]), "rust");
    assert_eq!(ask(&[("x-client", "alice")]), "remote");
}

#[test]
fn without_an_identity_a_user_is_inline_only_at_100_percent_and_counted() {
    for (percentage, side) in [("0", "remote"), ("99.99", "remote"), ("100", "rust")] {
        let stack = STACK.with(&at(serde_json::from_str(percentage).unwrap()));
        let assignment = format!("feature_flag_assignments_total.feature.rust_opa.implementation.{side}");
        let decision = format!("sark_decisions_total.implementation.{side}.result.allow");
        let counts = [(assignment.as_str(), 2), (&decision, 2), ("sark_identity_missing_total", 2)];
        stack.assert_counts(&counts, || {
            assert_eq!(decided_by(&stack, Request::get("/")), side, "none at {percentage} %");
            assert_eq!(decided_by(&stack, Request::get("/").header("x-user", "")), side, "empty at {percentage} %");
        });
    }
}

#[test]
fn an_identity_is_missed_only_where_one_is_configured_and_absent() {
    let counts = [
        ("feature_flag_assignments_total.feature.rust_opa.implementation.rust", 1),
        ("sark_decisions_total.implementation.rust.result.allow", 1),
    ];
    let stack = STACK.with(&configuration::and(&at(json!(100)), json!({"identity": []})));
    stack.assert_counts(&counts, || assert_eq!(decided_by(&stack, Request::get("/")), "rust"));
    drop(stack);
    let stack = STACK.with(&at(json!(100)));
    stack.assert_counts(&counts, || {
        assert_eq!(decided_by(&stack, Request::get("/").header("x-user", "alice")), "rust");
    });
}

#[test]
fn a_disabled_feature_sends_everybody_to_the_remote_side() {
    let disabled = json!({"features": {"rust_opa": {"enabled": false}}});
    let stack = STACK.with(&configuration::and(&at(json!(100)), disabled));
    let counts = [
        ("feature_flag_assignments_total.feature.rust_opa.implementation.remote", 3),
        ("sark_decisions_total.implementation.remote.result.allow", 3),
    ];
    stack.assert_counts(&counts, || {
        for user in ["alice", "bob", ""] {
            assert_eq!(decided_by(&stack, Request::get("/").header("x-user", user)), "remote");
        }
    });
    assert_eq!(stack.fake().count(), 3);
}

#[test]
fn an_empty_policy_set_is_undefined_inline_and_asks_the_remote_side() {
    let empty = json!({"policy": {}, "remote": {"cluster": "opa"}, "debug_header": DEBUG});
    let stack = STACK.with(&empty);
    let undefined = "opa_evaluation_errors_total.implementation.rust.reason.undefined";
    let assigned = "feature_flag_assignments_total.feature.rust_opa.implementation.rust";
    let counts = [
        (assigned, 1),
        (undefined, 1),
        ("sark_fallbacks_total.implementation.remote", 1),
        ("sark_decisions_total.implementation.remote.result.allow", 1),
    ];
    stack.assert_counts(&counts, || assert_eq!(decided_by(&stack, Request::get("/")), "remote"));
    assert_eq!(stack.fake().calls()[0].path, "/v1/data/envoy/authz/allow");
    drop(stack);

    let stack = STACK.with(&json!({}));
    let none = ("sark_decisions_total.implementation.none.result.failure_mode_deny", 1);
    stack.assert_counts(&[(assigned, 1), (undefined, 1), none], || {
        assert_eq!(stack.send(&Request::get("/empty")).status, 403);
    });
    assert!(stack.echo().received().is_empty());
}

#[test]
fn without_a_debug_header_a_response_does_not_tell_which_side_answered() {
    let silent = |percentage: u32| {
        let mut configuration = at(json!(percentage));
        configuration.as_object_mut().unwrap().remove("debug_header");
        configuration["policy"]["modules"]["policy.rego"] = json!(
            "package envoy.authz\n\nresult := {\"allowed\": input.parsed_path[0] == \"yes\", \"http_status\": 404, \"body\": \"gone\"}"
        );
        configuration
    };
    let seen = |percentage: u32, side: &str| {
        let stack = STACK.with(&silent(percentage));
        stack.fake().set(Mode::decide(
            |input| json!({"allowed": input["parsed_path"][0] == "yes", "http_status": 404, "body": "gone"}),
        ));
        let looks: Vec<_> = ["/yes", "/no", "/yes/%zz"]
            .into_iter()
            .map(|target| {
                let reply = stack.send(&Request::get(target).header("x-user", "bob"));
                let names: BTreeSet<String> = reply.headers.iter().map(|(name, _)| name.clone()).collect();
                let values = reply.headers.iter().map(|(_, value)| String::from_utf8_lossy(value).into_owned());
                assert!(!values.into_iter().any(|value| value == side), "{reply:?}");
                let upstream = reply.try_upstream().map(|upstream| upstream.headers.len());
                (reply.status, names, upstream, if upstream.is_some() { String::new() } else { reply.text() })
            })
            .collect();
        let asked = if side == "remote" { 2 } else { 0 };
        assert_eq!(stack.fake().count(), asked, "decided {side}");
        stack.fake().set(Mode::Decision(json!(true)));
        looks
    };
    assert_eq!(seen(100, "rust"), seen(0, "remote"));
}

#[test]
fn the_debug_header_tells_on_every_kind_of_answer_and_only_the_client() {
    let mut configuration = at(json!(100));
    configuration["policy"]["modules"]["policy.rego"] = json!(
        "package envoy.authz\n\nresult := true if input.parsed_path[0] == \"yes\"\n\nresult := false if input.parsed_path[0] == \"no\""
    );
    let stack = STACK.with(&configuration);
    stack.fake().set(Mode::Undefined);
    for (target, status, side) in
        [("/yes", 200, "rust"), ("/no", 403, "rust"), ("/neither", 403, "none"), ("/%zz", 400, "none")]
    {
        let reply = stack.send(&Request::get(target).header("x-user", "bob"));
        assert_eq!((reply.status, reply.header_values(DEBUG)), (status, vec![side.to_owned()]), "{target}");
        if let Some(upstream) = reply.try_upstream() {
            assert_eq!(upstream.header(DEBUG), None);
        }
    }
    stack.fake().set(Mode::Decision(json!(true)));
}
