//! `scripts/rollout` against real Envoys, as an operator runs it.

use std::process::Stdio;
use std::time::Duration;

use sark_integration::operator::{self, READER, WRITER, done, failed, rollout as run, url};
use sark_integration::{FakeOpa, Mode, Stack};
use serde_json::{Value, json};

fn configuration() -> Value {
    operator::configuration("result := true")
}

/// Without the flag, as a policy that reads no bodies is deployed.
fn stack() -> Stack {
    let flag_off = |options: &mut sark_integration::envoy::Options| options.stop_iteration = false;
    Stack::sark(configuration()).fake(Mode::Decision(json!(true))).workers(2).options(flag_off).start()
}

#[test]
fn it_acts_on_all_instances_and_says_so_if_one_does_not_confirm() {
    let (one, other) = (stack(), stack());
    let both = [&one, &other];

    let text = done(&run(WRITER, &both, &["set", "rust_opa", "12.5"]));
    assert_eq!(text.matches("rust_opa was 5 % (active, configuration since ").count(), 2, "{text}");
    assert_eq!(text.matches("is 12.5 % (overridden, override by writer since ").count(), 2, "{text}");
    assert_eq!([&one, &other].map(operator::in_force), [json!(12.5), json!(12.5)]);

    let text = done(&run(WRITER, &both, &["status"]));
    assert!(text.contains("rust_opa    12.5 % (overridden, override by writer"), "{text}");
    let lost = format!("would be lost by a restart of {}, {}: push a configuration", url(&one), url(&other));
    assert!(text.contains(&lost), "{text}");
    assert_eq!(text.matches("  worker ").count(), 6, "two workers and the main thread each: {text}");

    // One goes its own way.
    let _ = done(&run(WRITER, &[&one], &["rollback", "rust_opa"]));
    let text = failed(&run(WRITER, &both, &["status"]));
    assert!(text.contains("the instances disagree on rust_opa: "), "{text}");
    assert!(text.contains("0 % (rolled_back, override)") && text.contains("12.5 % (overridden, override)"), "{text}");

    // One is gone: the other is rolled back all the same.
    let gone = url(&one);
    drop(one);
    let text = failed(&run(WRITER, &[&other], &["--envoy", &gone, "rollback", "rust_opa"]));
    assert!(text.contains(&format!("{gone}: FAILED: no answer")), "{text}");
    assert!(text.contains("1 of 2 instances did not confirm"), "{text}");
    assert_eq!(operator::in_force(&other), json!(0));
    let text = failed(&run(WRITER, &[&other], &["--envoy", &gone, "status"]));
    assert!(text.contains(&format!("{gone}: no answer")), "{text}");
}

#[test]
fn what_is_refused_is_told_and_changes_nothing() {
    let stack = stack();
    let both = [&stack];
    for (token, arguments, expected) in [
        ("", &["status"][..], "no token: set SARK_ADMIN_TOKEN"),
        ("a b", &["status"], "is no token"),
        ("wrong-token-0123456789abcdef", &["status"], "401 unauthorized"),
        (READER, &["set", "rust_opa", "50"], "403 forbidden: this token may only read"),
        (WRITER, &["set", "rust_opa", "100.01"], "400 bad_request: "),
        (WRITER, &["set", "rust_opa", "50", "--ttl", "0"], "400 bad_request: "),
        (WRITER, &["set", "rust_opa", "50", "--if-version", "9"], "409 version_conflict: "),
        (WRITER, &["set", "rust_cache", "50"], "409 conflict: "),
        (WRITER, &["--prefix", "/elsewhere", "status"], "is `admin` configured there?"),
        (WRITER, &["--envoy", "127.0.0.1:1", "status"], "is named like"),
        (WRITER, &["--envoy", "http://127.0.0.1:1", "set", "rust_opa", "5", "--if-version", "0"], "one --envoy only"),
    ] {
        let text = failed(&run(token, &both, arguments));
        assert!(text.contains(expected), "{arguments:?}: {text}");
        assert!(token.is_empty() || !text.contains(token), "{text}");
    }
    assert_eq!(operator::in_force(&stack), json!(5));
    let usage = run(WRITER, &both, &["set", "rust_opa", "half"]);
    assert_eq!(usage.status.code(), Some(2), "{usage:?}");
}

#[test]
fn the_token_may_stand_in_a_file() {
    let stack = stack();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{WRITER}\n")).unwrap();
    let file = file.path().to_str().unwrap();
    let _ = done(&run(
        "",
        &[&stack],
        &["--token-file", file, "set", "rust_opa", "0.5", "--ttl", "600", "--if-version", "0"],
    ));
    assert_eq!(operator::in_force(&stack), json!(0.5));
    let text = done(&run("", &[&stack], &["--token-file", file, "status"]));
    assert!(text.contains(" until 20"), "{text}");
}

/// A fake stands for the Envoy: a real one is in that state for a moment only.
#[test]
fn a_worker_that_was_just_replaced_is_asked_once_more() {
    let refused = |code: &str| {
        let error = json!({"error": {"code": code, "message": "no"}});
        Mode::Reply(409, error.to_string().into_bytes())
    };
    let stand = json!({"rollout_percentage": 0, "status": "rolled_back", "source": "override"});
    let changed = json!({"feature": "rust_opa", "before": stand, "after": stand, "rust_opa": stand});
    let api = FakeOpa::start(refused("conflict")).unwrap();
    let url = format!("http://{}", api.address());
    let arguments = ["--envoy", &url, "rollback", "rust_opa"];
    assert!(failed(&run(WRITER, &[], &arguments)).contains("409 conflict: no"));
    assert_eq!(api.count(), 1);
    api.set(refused("replaced"));
    assert!(failed(&run(WRITER, &[], &arguments)).contains("409 replaced: no"));
    assert_eq!(api.count(), 3);
    api.set(Mode::after(Duration::from_secs(1), refused("replaced")));
    let rollback =
        operator::rollout_command(WRITER, &[], &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    api.wait_for_calls(4, Duration::from_secs(10)).unwrap();
    api.set(Mode::Reply(200, changed.to_string().into_bytes()));
    let text = done(&rollback.unwrap().wait_with_output().unwrap());
    assert!(text.contains("rust_opa was 0 % (rolled_back, override), is 0 %"), "{text}");
    let calls: Vec<_> = api.calls().iter().skip(3).map(|call| call.path.clone()).collect();
    let target = "/admin/rollout/rollback?feature=rust_opa";
    assert_eq!(calls, [target, target, "/admin/features"]);
}
