//! What is printed.

use super::properties;
use sark_core::builtins::{Builtin, Purity};
use sark_core::engine::Loaded;
use sark_core::plan::{Document, Read};
use sark_core::request::{Selection, Shape, has_members};
use serde::Serialize;
use std::fmt;

/// All that is known of a decision. Its members are those of the JSON.
#[derive(Serialize)]
pub struct Report {
    /// The decision's keys below `data`.
    decision: Vec<String>,
    /// One line on how it is evaluated.
    summary: String,
    /// The parts of `input` that it reads.
    input: Vec<Part>,
    /// The parts of `data`.
    data: Vec<Part>,
    builtins: Vec<Called>,
    /// It depends on `input` and `data` alone.
    deterministic: bool,
    /// It waits for the body, where `with_request_body` has one held.
    reads_body: bool,
    /// What is asked of Envoy for each request.
    properties: Vec<String>,
    /// What is asked as well where the configuration has the document show it.
    properties_if_shown: Vec<String>,
    /// Why the policy is refused under a configuration that says nothing about it.
    needs: Option<String>,
}

/// A part of a document.
#[derive(Serialize)]
struct Part {
    path: Vec<String>,
    /// It is an object of several members, all of which are read.
    widened: bool,
    /// A word for why nothing smaller will do.
    why: &'static str,
    /// The same as a sentence's end, with the place.
    reason: String,
    builtin: Option<&'static str>,
    rule: Option<String>,
    place: Option<String>,
}

/// A builtin that may be called.
#[derive(Serialize)]
struct Called {
    name: &'static str,
    /// What its answer depends on: `arguments`, and perhaps `time` or `chance`.
    depends_on: &'static str,
}

impl Report {
    /// What is known of a decision.
    ///
    /// # Errors
    /// See [`properties::asked_for`].
    pub fn new(decision: &[String], loaded: &Loaded, needs: Option<String>) -> Result<Self, String> {
        let footprint = loaded.footprint();
        let of =
            |document| footprint.parts.iter().filter(move |part| part.document == document).map(Part::new).collect();
        let [always, with_all] = properties::asked_for(loaded.reads())?;
        Ok(Self {
            decision: decision.to_vec(),
            summary: loaded.summary.clone(),
            input: of(Document::Input),
            data: of(Document::Data),
            builtins: loaded.builtins().iter().map(|builtin| Called::new(builtin)).collect(),
            deterministic: loaded.deterministic(),
            reads_body: Selection::new(loaded.reads(), &Shape::default()).reads_body(),
            properties_if_shown: with_all.difference(&always).cloned().collect(),
            properties: always.into_iter().collect(),
            needs,
        })
    }

    /// As JSON.
    ///
    /// # Errors
    /// None that could be met.
    pub fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

impl Part {
    fn new(read: &Read) -> Self {
        let Read { document, path, reason } = read;
        let widened = match document {
            Document::Input => has_members(path),
            Document::Data => path.is_empty(),
        };
        Self {
            path: path.clone(),
            widened,
            why: reason.why.label(),
            reason: reason.to_string(),
            builtin: reason.builtin,
            rule: reason.rule.clone(),
            place: reason.place.clone(),
        }
    }
}

impl Called {
    const fn new(builtin: &Builtin) -> Self {
        let depends_on = match builtin.purity {
            Purity::Pure => "arguments",
            Purity::Clock => "time",
            Purity::Random => "chance",
        };
        Self { name: builtin.name, depends_on }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.summary)?;
        if let Some(needs) = &self.needs {
            writeln!(f, "note: {needs}")?;
        }
        parts(f, Document::Input, &self.input)?;
        parts(f, Document::Data, &self.data)?;
        let names: Vec<&str> = self.builtins.iter().map(|called| called.name).collect();
        list(f, "builtins", &names)?;
        let impure = self.builtins.iter().filter(|called| called.depends_on != "arguments");
        let impure: Vec<String> = impure.map(|called| format!("{} ({})", called.name, called.depends_on)).collect();
        list(f, "not deterministic", &impure)?;
        list(f, "body", &[if self.reads_body { "read" } else { "not read" }])?;
        list(f, "asked of Envoy", &self.properties)?;
        list(f, "asked of Envoy where the configuration shows it", &self.properties_if_shown)
    }
}

fn parts(f: &mut fmt::Formatter<'_>, document: Document, parts: &[Part]) -> fmt::Result {
    writeln!(f, "\nreads of {}{}", document.name(), if parts.is_empty() { ": nothing" } else { "" })?;
    for part in parts {
        let path = [&[document.name().to_owned()], part.path.as_slice()].concat().join(".");
        writeln!(f, "  {path}{}", if part.widened { ", all of it" } else { "" })?;
        writeln!(f, "      {}", part.reason)?;
    }
    Ok(())
}

fn list<T: AsRef<str>>(f: &mut fmt::Formatter<'_>, title: &str, items: &[T]) -> fmt::Result {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    writeln!(f, "\n{title}: {}", if items.is_empty() { "nothing".to_owned() } else { items.join(", ") })
}
