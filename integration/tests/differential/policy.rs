//! Policies: every construct of the language in small, most of them accepted by OPA's compiler.

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::body::{Scope, Writer};

/// Modules and what can be asked of them.
pub struct Policy {
    pub v0: bool,
    /// Text by file name.
    pub modules: BTreeMap<String, String>,
    /// Paths below `data`.
    pub decisions: Vec<String>,
}

/// What a rule is, and thus how others may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Complete,
    Set,
    Object,
    Function(usize),
}

#[derive(Debug, Clone)]
pub struct Rule {
    pub name: String,
    pub kind: Kind,
}

/// The modules of a policy in the order in which they are written: file and package. Only the second is always there.
const MODULES: [(&str, &str); 3] = [("u.rego", "u"), ("p.rego", "t"), ("q.rego", "t")];

/// A policy of a few rules in up to three modules; a rule uses only those before it. A rule that OPA's compiler does
/// not take is left out: `accepted` asks it.
pub fn policy(rng: &mut Rng, mut accepted: impl FnMut(bool, &BTreeMap<String, String>) -> bool) -> Policy {
    let v0 = rng.u8(0..4) == 0;
    // v0 without the future keywords has neither `in` nor `every`.
    let keywords = !v0 || rng.bool();
    let mut writer = Writer::new(rng, v0, keywords);
    let mut modules = BTreeMap::new();
    let mut index = 0;
    for (file, package) in MODULES {
        if file != "p.rego" && writer.rng.u8(0..3) > 0 {
            continue;
        }
        let mut text = opening(&mut writer, file, package, v0 && keywords);
        for _ in 0..writer.rng.usize(2..7) {
            let known = writer.rules.len();
            let longer = text.clone() + &rule(&mut writer, index);
            modules.insert(file.to_owned(), longer.clone());
            if accepted(v0, &modules) {
                text = longer;
            } else {
                writer.rules.truncate(known);
                modules.insert(file.to_owned(), text.clone());
            }
            index += 1;
        }
        if package == "u" {
            writer.rules.iter_mut().for_each(|rule| rule.name = format!("data.u.{}", rule.name));
        }
    }
    let decisions = writer.rules.iter().filter(|rule| !matches!(rule.kind, Kind::Function(_)));
    let decisions = decisions.map(|rule| match rule.name.strip_prefix("data.") {
        Some(path) => path.to_owned(),
        None => format!("t.{}", rule.name),
    });
    Policy { v0, modules, decisions: decisions.collect() }
}

/// A module's package and imports; in the last one an import may have the name of a rule, which it hides.
fn opening(writer: &mut Writer, file: &str, package: &str, future: bool) -> String {
    let mut text = format!("package {package}\n\n");
    if future {
        text += "import future.keywords.every\nimport future.keywords.in\n";
    }
    writer.aliases.clear();
    if writer.rng.u8(0..4) == 0 {
        text += "import input.a as alias\n";
        writer.aliases.push("alias".to_owned());
    }
    let hidden = writer.rules.iter().rfind(|rule| !rule.name.contains('.')).map(|rule| rule.name.clone());
    if let (Some(name), "q.rego", true) = (hidden, file, writer.rng.bool()) {
        let target = *writer.rng.choice(&["data.d", "data.list", "input.b", "data.u"]).unwrap();
        text += &format!("import {target} as {name}\n");
    }
    text
}

fn rule(writer: &mut Writer, index: usize) -> String {
    match writer.rng.u8(0..12) {
        0..=4 => complete(writer, index),
        5 | 6 => set(writer, index),
        7 | 8 => object(writer, index),
        9 => nested(writer, index),
        _ => function(writer, index),
    }
}

fn define(writer: &mut Writer, index: usize, kind: Kind) -> String {
    let name = format!("r{index}");
    writer.rules.push(Rule { name: name.clone(), kind });
    name
}

/// One to three definitions, perhaps a default, perhaps else branches.
fn complete(writer: &mut Writer, index: usize) -> String {
    let name = format!("r{index}");
    let mut text = String::new();
    if writer.rng.bool() {
        text += &format!("default {name} {} {}\n\n", writer.assign(), writer.constant());
    }
    let constant = writer.rng.bool().then(|| writer.constant());
    for _ in 0..writer.rng.usize(1..4) {
        let mut scope = Scope::default();
        let body = writer.body(&mut scope, 2);
        let value = constant.clone().unwrap_or_else(|| writer.term(&mut scope, 2));
        text += &writer.definition(&name, Some(&value), &body);
        if writer.rng.u8(0..4) == 0 {
            let mut scope = Scope::default();
            let body = writer.body(&mut scope, 2);
            let value = writer.term(&mut scope, 1);
            text += &writer.otherwise(&value, &body);
        }
        text += "\n\n";
    }
    define(writer, index, Kind::Complete);
    text
}

fn set(writer: &mut Writer, index: usize) -> String {
    let name = format!("r{index}");
    let mut text = String::new();
    for _ in 0..writer.rng.usize(1..3) {
        let mut scope = Scope::default();
        let body = writer.body(&mut scope, 2);
        let member = writer.term(&mut scope, 1);
        text += &writer.member(&name, &member, &body);
        text += "\n\n";
    }
    define(writer, index, Kind::Set);
    text
}

fn object(writer: &mut Writer, index: usize) -> String {
    let name = format!("r{index}");
    let mut text = String::new();
    for _ in 0..writer.rng.usize(1..3) {
        let mut scope = Scope::default();
        let body = writer.body(&mut scope, 2);
        let key = writer.key(&mut scope);
        let value = writer.term(&mut scope, 1);
        text += &writer.definition(&format!("{name}[{key}]"), Some(&value), &body);
        text += "\n\n";
    }
    define(writer, index, Kind::Object);
    text
}

/// Heads that are references of several keys.
fn nested(writer: &mut Writer, index: usize) -> String {
    let name = format!("r{index}");
    let mut text = String::new();
    for _ in 0..writer.rng.usize(1..4) {
        let mut scope = Scope::default();
        let body = writer.body(&mut scope, 1);
        let value = writer.term(&mut scope, 1);
        let key = writer.key(&mut scope);
        text += &match writer.rng.u8(0..4) {
            0 => writer.definition(&format!("{name}.a.b"), Some(&value), &body),
            1 => writer.definition(&format!("{name}.q[{key}]"), Some(&value), &body),
            2 => writer.definition(&format!("{name}[{key}].q"), Some(&value), &body),
            _ => writer.member(&format!("{name}.s"), &value, &body),
        };
        text += "\n\n";
    }
    define(writer, index, Kind::Object);
    text
}

fn function(writer: &mut Writer, index: usize) -> String {
    let name = format!("r{index}");
    let arity = writer.rng.usize(1..3);
    let mut text = String::new();
    if writer.rng.u8(0..3) == 0 {
        let wildcards = vec!["_"; arity].join(", ");
        text += &format!("default {name}({wildcards}) {} {}\n\n", writer.assign(), writer.constant());
    }
    for _ in 0..writer.rng.usize(1..3) {
        let mut scope = Scope::default();
        let args: Vec<String> = (0..arity)
            .map(|_| match writer.rng.u8(0..5) {
                0 => writer.constant(),
                1 => {
                    let (first, second) = (writer.fresh(), writer.fresh());
                    scope.locals.extend([first.clone(), second.clone()]);
                    format!("[{first}, {second}]")
                }
                _ => {
                    let local = writer.fresh();
                    scope.locals.push(local.clone());
                    local
                }
            })
            .collect();
        let body = writer.body(&mut scope, 2);
        let value = writer.term(&mut scope, 1);
        text += &writer.definition(&format!("{name}({})", args.join(", ")), Some(&value), &body);
        text += "\n\n";
    }
    define(writer, index, Kind::Function(arity));
    text
}
