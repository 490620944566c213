//! `docs/conformance.md`, written from the rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use sark_integration::parts;

use crate::corners::{self, KNOWN};
use crate::outcome::Outcome;
use crate::run::Row;

const HEAD: &str = include_str!("page_head.md");

/// Reasons that fewer cases have are summed up in one line.
const RARE: usize = 5;

type Read = fn(&Row) -> &Outcome;

const PLAN: Read = |row| &row.plan;
const SOURCE: Read = |row| &row.source;

pub fn path() -> PathBuf {
    parts::workspace().join("docs/conformance.md")
}

pub fn text(rows: &[Row]) -> String {
    let mut page = HEAD.replace("{OPA}", env_version());
    totals(&mut page, rows);
    corners(&mut page, rows);
    missing_builtins(&mut page, rows);
    given_up(&mut page, rows);
    refusals(&mut page, rows, "plan", PLAN);
    refusals(&mut page, rows, "source", SOURCE);
    errors(&mut page, rows);
    let plan = [Column::NotInline, Column::Refused, Column::GivenUp, Column::Different];
    folders(&mut page, "Plan way, by folder", rows, PLAN, &plan);
    let source = [Column::Refused, Column::GivenUp, Column::Error, Column::Different];
    folders(&mut page, "Source way, by folder", rows, SOURCE, &source);
    page
}

fn env_version() -> &'static str {
    let versions = include_str!("../../../scripts/versions");
    versions.lines().find_map(|line| line.strip_prefix("OPA_VERSION=")).expect("scripts/versions has OPA_VERSION")
}

/// A column of the tables; each outcome belongs to one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Same,
    NotInline,
    Refused,
    GivenUp,
    Error,
    Different,
}

impl Column {
    const ALL: [Self; 6] = [Self::Same, Self::NotInline, Self::Refused, Self::GivenUp, Self::Error, Self::Different];

    const fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Same => Self::Same,
            Outcome::NotInline(_) => Self::NotInline,
            Outcome::Refused(_) => Self::Refused,
            Outcome::Inexact(_) | Outcome::Limit(_) => Self::GivenUp,
            Outcome::Error(_) => Self::Error,
            Outcome::Different(_) => Self::Different,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::NotInline => "not inline",
            Self::Refused => "refused",
            Self::GivenUp => "given up",
            Self::Error => "error",
            Self::Different => "different",
        }
    }

    fn count<'a>(self, rows: impl IntoIterator<Item = &'a Row>, read: Read) -> usize {
        rows.into_iter().filter(|row| Self::of(read(row)) == self).count()
    }
}

fn totals(page: &mut String, rows: &[Row]) {
    let titles: Vec<&str> = Column::ALL.iter().map(|column| column.title()).collect();
    writeln!(page, "## Totals\n\n| way | cases | {} | share same |", titles.join(" | ")).unwrap();
    writeln!(page, "|---|{}", "--:|".repeat(Column::ALL.len() + 2)).unwrap();
    for (way, read) in [("plan", PLAN), ("source", SOURCE)] {
        for version in ["v1", "v0"] {
            let cases: Vec<&Row> = rows.iter().filter(|row| row.version == version).collect();
            total_line(page, &format!("{way}, {version}"), &cases, read);
        }
        total_line(page, &format!("**{way}**"), &rows.iter().collect::<Vec<_>>(), read);
    }
}

fn total_line(page: &mut String, title: &str, cases: &[&Row], read: Read) {
    let counts = Column::ALL.map(|column| column.count(cases.iter().copied(), read));
    let share = 100.0 * counts[0] as f64 / cases.len() as f64;
    let counts: Vec<String> = counts.iter().map(ToString::to_string).collect();
    writeln!(page, "| {title} | {} | {} | {share:.1} % |", cases.len(), counts.join(" | ")).unwrap();
}

fn corners(page: &mut String, rows: &[Row]) {
    writeln!(page, "\n## Known corners\n").unwrap();
    if KNOWN.is_empty() {
        writeln!(page, "None: no case ends as *different*.").unwrap();
    }
    for corner in KNOWN {
        writeln!(page, "* **{}** ({} way): {}", corner.name, corner.way.label(), corner.why).unwrap();
        writeln!(page, "  Cases: {}.", names(corner.cases.iter().copied())).unwrap();
    }
    let unexpected = rows.iter().filter_map(|row| Some((&row.name, row.unexpected.as_ref()?)));
    writeln!(page, "\nOPA itself, asked through its library, answers these otherwise than its case files say:\n")
        .unwrap();
    for (name, how) in unexpected {
        writeln!(page, "* `{name}`: {how}. {}", corners::why_unexpected(name).unwrap_or("Not explained.")).unwrap();
    }
}

fn missing_builtins(page: &mut String, rows: &[Row]) {
    let mut cases: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        if let Outcome::NotInline(builtins) = &row.plan {
            builtins.iter().for_each(|name| *cases.entry(name).or_default() += 1);
        }
    }
    counted(page, "Builtins that are not inline (plan way)", "builtin", cases, 1);
}

fn given_up(page: &mut String, rows: &[Row]) {
    writeln!(page, "\n## Given up\n\n| way | why | cases |\n|---|---|---|").unwrap();
    for (way, read) in [("plan", PLAN), ("source", SOURCE)] {
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for row in rows {
            if let Outcome::Inexact(why) | Outcome::Limit(why) = read(row) {
                reasons.entry(why).or_default().push(&row.name);
            }
        }
        for (why, cases) in reasons {
            writeln!(page, "| {way} | {} | {} |", cell(why), names(cases)).unwrap();
        }
    }
}

fn refusals(page: &mut String, rows: &[Row], way: &str, read: Read) {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        if let Outcome::Refused(why) = read(row) {
            *reasons.entry(construct(why)).or_default() += 1;
        }
    }
    counted(page, &format!("Refused ({way} way)"), "construct", reasons, if way == "plan" { 1 } else { RARE });
}

/// A refusal without its hint.
fn construct(message: &str) -> &str {
    let end = [message.find("; "), message.find(": ")].into_iter().flatten().min();
    &message[..end.unwrap_or(message.len())]
}

fn errors(page: &mut String, rows: &[Row]) {
    let cases: Vec<&str> =
        rows.iter().filter(|row| matches!(row.source, Outcome::Error(_))).map(|row| row.name.as_str()).collect();
    writeln!(page, "\n## Errors where OPA answers (source way)\n\n{} cases: {}.", cases.len(), names(cases)).unwrap();
}

fn counted(page: &mut String, title: &str, what: &str, counts: BTreeMap<&str, usize>, at_least: usize) {
    writeln!(page, "\n## {title}\n\n| {what} | cases |\n|---|--:|").unwrap();
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(name, count)| (usize::MAX - count, *name));
    let frequent = counts.partition_point(|(_, count)| *count >= at_least);
    for (name, count) in &counts[..frequent] {
        writeln!(page, "| {} | {count} |", cell(name)).unwrap();
    }
    let rare = &counts[frequent..];
    if !rare.is_empty() {
        let cases: usize = rare.iter().map(|(_, count)| count).sum();
        writeln!(page, "| {} others | {cases} |", rare.len()).unwrap();
    }
}

fn folders(page: &mut String, title: &str, rows: &[Row], read: Read, columns: &[Column]) {
    let titles: Vec<&str> = columns.iter().map(|column| column.title()).collect();
    writeln!(page, "\n## {title}\n\nAn empty cell is 0.\n").unwrap();
    let heads = ["v1", "v0"].map(|version| format!("{version} cases | same | {}", titles.join(" | ")));
    writeln!(page, "| folder | {} |", heads.join(" | ")).unwrap();
    writeln!(page, "|---|{}", "--:|".repeat(2 * (columns.len() + 2))).unwrap();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.folder.as_str()).collect();
    for folder in names {
        let cells = ["v1", "v0"].map(|version| {
            let cases: Vec<&Row> = rows.iter().filter(|row| row.folder == folder && row.version == version).collect();
            let counts = [&[Column::Same], columns].concat();
            let counts = counts.iter().map(|column| column.count(cases.iter().copied(), read));
            let cells: Vec<String> = [cases.len()].into_iter().chain(counts).map(or_empty).collect();
            cells.join(" | ")
        });
        writeln!(page, "| {folder} | {} |", cells.join(" | ")).unwrap();
    }
}

fn or_empty(count: usize) -> String {
    if count == 0 { String::new() } else { count.to_string() }
}

fn names<'a>(cases: impl IntoIterator<Item = &'a str>) -> String {
    cases.into_iter().map(|name| format!("`{}`", cell(name))).collect::<Vec<_>>().join(", ")
}

/// Text that does not end a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
