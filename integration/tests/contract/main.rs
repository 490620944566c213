//! The contract of opa-envoy-plugin behind Envoy's `ext_authz`, row by row: each is sent to the filter with the policy
//! inline, and again with the same policy in a real OPA, and both must show what the contract says.
//!
//! A row that says `differs` is one of `docs/`: it pins what we do instead. A failing row does not stop the others.

mod body_form;
mod body_grpc;
mod body_json;
mod body_multipart;
mod buffering;
mod cases;
mod decision_allow;
mod decision_deny;
mod decision_failures;
mod decision_metadata;
mod decision_query;
mod decision_status;
mod decision_types;
mod decision_unsendable;
mod descriptor;
mod document;
mod input_attributes;
mod input_headers;
mod input_path;
mod input_query;
mod input_tls;
mod input_top;
mod outcome;
mod play;
mod row;
mod see;
mod setup;

use std::collections::BTreeSet;

use play::play;
use row::Row;
use sark_integration::parts;

/// The suite must not shrink unseen.
const FLOOR: usize = 350;

fn rows() -> Vec<Row> {
    let sections = [
        input_top::rows,
        input_attributes::rows,
        input_headers::rows,
        input_path::rows,
        input_query::rows,
        input_tls::rows,
        buffering::rows,
        body_json::rows,
        body_form::rows,
        body_multipart::rows,
        body_grpc::rows,
        decision_types::rows,
        decision_status::rows,
        decision_allow::rows,
        decision_query::rows,
        decision_deny::rows,
        decision_failures::rows,
        decision_metadata::rows,
        decision_unsendable::rows,
        cases::rows,
    ];
    sections.iter().flat_map(|section| section()).collect()
}

#[test]
fn inline_and_remote_do_as_the_contract_says() {
    let rows = rows();
    let policy = setup::policy(&rows);
    let mut failures = play(&setup::stage(&policy), &policy, &rows);
    for start in [input_tls::stage, input_tls::stage_without_inspector] {
        failures.extend(play(&start(&policy), &policy, &rows));
    }
    assert!(failures.is_empty(), "{} things are not as the contract says:\n{}", failures.len(), failures.join("\n"));
    let differences = rows.iter().filter(|row| row.difference.is_some()).count();
    let equal = rows.len() - differences;
    println!("contract: {equal} rows, inline and remote, all equal; {differences} more are documented differences");
    assert!(equal >= FLOOR, "only {equal} rows");
}

#[test]
fn every_row_has_a_name_of_its_own_and_every_difference_is_documented() {
    let read = |name: &str| std::fs::read_to_string(parts::workspace().join("docs").join(name)).expect("the page");
    let documentation = read("compatibility-opa-envoy.md") + &read("configuration.md");
    let mut names = BTreeSet::new();
    let mut wrong = Vec::new();
    for row in rows() {
        if !names.insert(row.name.clone()) {
            wrong.push(format!("two rows are named {}", row.name));
        }
        let quoted = row.difference.filter(|difference| !documentation.contains(difference.documented));
        wrong.extend(quoted.map(|difference| format!("{}: no page says {:?}", row.name, difference.documented)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
