//! The README's block works as it stands: it is taken out of the page and run.

use sark_integration::envoy::yaml;
use sark_integration::{Mode, Request, Stack, parts};
use serde_json::json;

const README: &str = include_str!("../../../README.md");

#[test]
fn the_block_to_copy_decides_and_its_guard_stands_behind() {
    let block = README.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let module = parts::wasm().unwrap();
    let filters = yaml::parse(&block.replace("/etc/sark/sark.wasm", module.to_str().unwrap())).unwrap();
    let stack = Stack::bare()
        .fake(Mode::Decision(json!({"allowed": false, "http_status": 401})))
        .edit(move |tree| {
            let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
            tree.pointer_mut(manager).unwrap()["http_filters"] = filters["http_filters"].clone();
        })
        .start();
    // 5 %: user-27 has bucket 161, alice 8301.
    let ask = |path: &str, user: &str| stack.send(&Request::get(path).header("x-user", user)).status;
    assert_eq!(ask("/public/a", "user-27"), 200);
    assert_eq!(ask("/private", "user-27"), 403);
    assert_eq!(ask("/public/a", "alice"), 401, "decided by the remote OPA");
    assert_eq!(stack.echo().received().len(), 1);
}
