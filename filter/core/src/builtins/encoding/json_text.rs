//! A value as Go's `encoding/json` writes it: members by name, `<`, `>` and `&` escaped. Sets are arrays, keys that are
//! no texts are their JSON.

use crate::builtins::order::{members, sorted};
use crate::builtins::{Context, Failure, rego_text};
use regorus::Value;
use regorus::value::Object;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Bytes of work for each member that is put in order.
const SORTING: usize = 256;

/// How a text of many lines is laid out.
#[derive(Debug, Clone, Copy)]
pub(in crate::builtins) struct Layout<'a> {
    /// Begins every line but the first.
    pub(super) prefix: &'a str,
    /// Follows once for each level.
    pub(super) indent: &'a str,
}

/// The JSON text; on one line if there is no layout.
pub(in crate::builtins) fn write(
    context: &mut Context,
    value: &Value,
    layout: Option<Layout>,
) -> Result<String, Failure> {
    let mut writer = Writer { context, out: String::new(), layout, level: 0 };
    writer.value(value)?;
    Ok(writer.out)
}

/// The members of an object by the names they have as JSON, in order. Of two that are named alike the later one in
/// OPA's order of keys stays.
pub(super) fn named<'a>(
    context: &mut Context,
    object: &'a Object,
) -> Result<BTreeMap<Cow<'a, str>, &'a Value>, Failure> {
    context.work(object.len().saturating_mul(SORTING))?;
    let mut named = BTreeMap::new();
    for (key, value) in members(object) {
        let name = match key {
            Value::String(name) => Cow::Borrowed(&**name),
            key => Cow::Owned(write(context, key, None)?),
        };
        named.insert(name, value);
    }
    Ok(named)
}

struct Writer<'c, 'l> {
    context: &'c mut Context,
    out: String,
    layout: Option<Layout<'l>>,
    level: usize,
}

impl Writer<'_, '_> {
    fn value(&mut self, value: &Value) -> Result<(), Failure> {
        self.context.work(1)?;
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            Value::Number(_) => self.out.push_str(&rego_text::number(self.context, value)?),
            Value::String(text) => self.text(text)?,
            Value::Array(items) => self.list(items.iter())?,
            Value::Set(items) => {
                self.context.work(items.len().saturating_mul(SORTING))?;
                self.list(sorted(items.iter()).into_iter())?;
            }
            Value::Object(members) => self.object(members)?,
            Value::Undefined => return Err(Failure::Inexact("an undefined value inside a value")),
        }
        Ok(())
    }

    fn list<'a>(&mut self, items: impl Iterator<Item = &'a Value>) -> Result<(), Failure> {
        self.out.push('[');
        let mut empty = true;
        for item in items {
            self.begin_item(empty)?;
            empty = false;
            self.value(item)?;
            self.level = self.level.saturating_sub(1);
        }
        self.end(empty, ']')
    }

    fn object(&mut self, object: &Object) -> Result<(), Failure> {
        let members = named(self.context, object)?;
        let empty = members.is_empty();
        self.out.push('{');
        for (at, (name, value)) in members.into_iter().enumerate() {
            self.begin_item(at == 0)?;
            self.text(&name)?;
            self.out.push_str(if self.layout.is_some() { ": " } else { ":" });
            self.value(value)?;
            self.level = self.level.saturating_sub(1);
        }
        self.end(empty, '}')
    }

    /// What stands before an item: a comma behind another one, a line of its own if laid out. One level deeper.
    fn begin_item(&mut self, first: bool) -> Result<(), Failure> {
        if !first {
            self.out.push(',');
        }
        self.level = self.level.saturating_add(1);
        self.new_line()
    }

    fn end(&mut self, empty: bool, close: char) -> Result<(), Failure> {
        if !empty {
            self.new_line()?;
        }
        self.out.push(close);
        Ok(())
    }

    fn new_line(&mut self) -> Result<(), Failure> {
        let Some(layout) = self.layout else { return Ok(()) };
        let length = layout.indent.len().saturating_mul(self.level).saturating_add(layout.prefix.len());
        self.context.work(length)?;
        self.out.push('\n');
        self.out.push_str(layout.prefix);
        self.out.push_str(&layout.indent.repeat(self.level));
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.context.work(text.len().saturating_mul(2))?;
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    // Writing to a string cannot fail.
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
        Ok(())
    }
}
