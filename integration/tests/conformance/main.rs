//! The conformance gate: OPA's own cases, answered by us on both ways, against OPA's own answers.
//!
//! The names of the tests begin with `conformance`, so that `scripts/test` can run them as a step of their own.

mod case;
mod corners;
mod judgement;
mod outcome;
mod page;
mod plan;
mod production;
mod run;
mod source;

use corners::{Corner, KNOWN};
use outcome::{Outcome, Way};
use run::Row;

/// Everything about the rows that must not be: a case that differs and is no known corner, a corner that differs no
/// more, an answer of OPA's that nobody has explained.
fn complaints(rows: &[Row], known: &[Corner]) -> Vec<String> {
    let mut complaints = Vec::new();
    for row in rows {
        for (way, outcome) in [(Way::Plan, &row.plan), (Way::Source, &row.source)] {
            let differs = matches!(outcome, Outcome::Different(_));
            let known = corners::of(known, way, &row.name).is_some();
            if differs && !known {
                complaints.push(format!("{} ({} way): {outcome:?}", row.name, way.label()));
            }
            if known && !differs {
                complaints.push(format!(
                    "{} ({} way) is a known corner but ends as {outcome:?}",
                    row.name,
                    way.label()
                ));
            }
        }
        if let Some(how) = &row.unexpected
            && corners::why_unexpected(&row.name).is_none()
        {
            complaints.push(format!("{}: OPA gives {how}", row.name));
        }
    }
    complaints
}

/// With `SARK_CASE`, a part of names, only those cases, and they are shown: `scripts/conformance --show TEXT`.
#[test]
fn conformance_no_case_differs_but_for_known_corners() {
    let complaints = match std::env::var("SARK_CASE") {
        Ok(text) => complaints(&show(&text), KNOWN),
        Err(_) => complaints(run::rows(), KNOWN),
    };
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

#[test]
fn conformance_the_page_says_what_is() {
    let now = page::text(run::rows());
    if std::env::var_os("SARK_WRITE_CONFORMANCE").is_some() {
        std::fs::write(page::path(), &now).unwrap();
    }
    let committed = std::fs::read_to_string(page::path()).unwrap_or_default();
    let changed = now.lines().zip(committed.lines()).find(|(now, committed)| now != committed);
    assert!(
        now == committed,
        "docs/conformance.md is stale, first at {changed:?}: run scripts/conformance and commit it"
    );
}

/// Runs and prints the cases whose name holds `text`.
fn show(text: &str) -> Vec<Row> {
    let asked = |case: &case::Case| {
        let found = case.name.contains(text);
        if found {
            println!("{}: {}", case.name, case.question);
        }
        found
    };
    let rows = run::run(asked);
    for row in &rows {
        println!("{}\n  plan   {:?}\n  source {:?}", row.name, row.plan, row.source);
    }
    rows
}
