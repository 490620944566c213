//! The commands of docs/rollout.md, run as they stand there, under load.

use std::path::Path;
use std::process::Command;

use sark_integration::configuration::{and, example_files, example_source};
use sark_integration::{Load, Remote, Request, Stack, parts};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../../docs/rollout.md");

/// All blocks, as one script: what one defines the next may use.
fn script(replacements: &[(&str, &str)]) -> String {
    let blocks: Vec<&str> =
        PAGE.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap_or_default()).collect();
    assert!(blocks.len() > 6, "{blocks:?}");
    let mut script = blocks.join("\n");
    for (literal, here) in replacements {
        assert!(script.contains(literal), "{literal} is not on the page");
        script = script.replace(literal, here);
    }
    script
}

/// Envoy reads YAML, as `scripts/make-config` writes it, from a file that is called so.
fn watch_yaml(tree: &mut Value) {
    let path = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config/http_filters/0/config_discovery/\
                config_source/path_config_source/path";
    let path = tree.pointer_mut(path).expect("the watched file");
    let json = path.as_str().unwrap_or_default().to_owned();
    let yaml = json.replace("sark.json", "sark.yaml");
    std::fs::copy(json, &yaml).expect("the first configuration");
    *path = json!(yaml);
}

#[test]
fn the_commands_of_the_page_lead_through_all_phases_and_back() {
    let off = json!({"remote": {"cluster": "opa"}, "features": {"rust_opa": {"enabled": false}}});
    let stack = Stack::sark(and(&example_source("rbac-api"), off))
        .remote(Remote::Files(example_files("rbac-api")))
        .workers(2)
        .edit(watch_yaml)
        .start();
    // bob may read an order, and so may nobody else of these.
    let users = |number: u64| {
        let user = if number.is_multiple_of(2) { "bob".to_owned() } else { format!("user-{}", number % 1_000) };
        Request::get("/api/orders/7").header("x-user", user)
    };
    let load = Load::start(stack.address(), 4, users, |reply| {
        (![200, 403].contains(&reply.status)).then(|| format!("{reply:?}"))
    });

    let folder = tempfile::tempdir().unwrap();
    let watched = stack.envoy().folder().join("ecds/sark.yaml");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (onto, module, here) = (text(&watched), text(&parts::wasm().unwrap()), text(folder.path()));
    let push = format!("{here}/");
    // What differs from the page: where things are, how long a step is watched, and that "a while" has passed.
    let script = script(&[
        ("--ecds ", &format!("--ecds --replace /ETC/sark.wasm={module} ")),
        ("rollout push ", &format!("rollout push --onto {onto} ")),
        ("/etc/sark/", &push),
        ("curl -s http://127.0.0.1:9901/stats", "sleep 3; curl -s http://127.0.0.1:9901/stats"),
        ("http://127.0.0.1:10000", &format!("http://{}", stack.address())),
        ("http://127.0.0.1:9901", &format!("http://{}", stack.envoy().admin().0)),
        ("--soak 600", "--soak 1 --max-latency-ratio 50 --min-requests 20"),
    ]);
    let script = script.replace("/ETC/", "/etc/sark/");
    let envoy = parts::envoy().unwrap();
    let path = format!("{}:{}", text(envoy.parent().unwrap()), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(parts::workspace())
        .env("PATH", path)
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{said}");
    assert!(output.status.success(), "{said}");
    let in_order = [
        "envoy --mode validate accepts it",
        "0 % (idle, configuration",
        "sark_shadow_total{class=\"same\"}",
        "\"percentage\":100",
        "x-decided-by: rust",
        "x-decided-by: remote",
        "is 0.5 % (overridden, override by ops",
        "rust_opa at 5 %; watching for 1 s",
        "rust_opa is at 100 %. It was set live",
        "100 % (active, configuration",
        "is 0 % (rolled_back, override by ops",
        "is 5 % (overridden, override by ops",
        "0 % (idle, configuration",
    ];
    let mut rest = said.as_str();
    for expected in in_order {
        let (_, after) = rest.split_once(expected).unwrap_or_else(|| panic!("{expected:?} is not in {rest}"));
        rest = after;
    }
    load.stop().assert_clean();
}
