//! What a configuration or a request brings in, mutated: nothing panics, nothing stalls.
//!
//!     SARK_FUZZ_SECONDS=600 SARK_FUZZ_SEED=7 cargo test -p sark-integration --test fuzz -- --nocapture
//!
//! Each target runs for so many seconds (2 if nothing is said) from a seed that is printed. What it last tried stands in
//! a file, whose name is printed as well: it stays if the target fails, also where the whole process dies.

mod admin;
mod bytes;
mod calls;
mod decisions;
mod documents;
mod evaluate;
mod plans;
mod requests;
mod run;
mod seeds;
mod sources;
mod tree;

use run::fuzz;

#[test]
fn fuzz_plan_loader() {
    fuzz("plan", plans::Plans::new);
}

#[test]
fn fuzz_source_loader() {
    fuzz("source", sources::Sources::new);
}

#[test]
fn fuzz_bundle_reader() {
    fuzz("bundle", documents::Bundles::new);
}

#[test]
fn fuzz_json_reader() {
    fuzz("json", documents::Documents::new);
}

#[test]
fn fuzz_tokens() {
    fuzz("jwt", || calls::Calls::of("jwt"));
}

#[test]
fn fuzz_certificates() {
    fuzz("x509", || calls::Calls::of("x509"));
}

#[test]
fn fuzz_header_pairs() {
    fuzz("headers", requests::Headers::new);
}

#[test]
fn fuzz_body_decoders() {
    fuzz("bodies", requests::Bodies::new);
}

#[test]
fn fuzz_decision_reader() {
    fuzz("decisions", decisions::Decisions::new);
}

#[test]
fn fuzz_admin_requests() {
    fuzz("admin", admin::Visits::new);
}
