//! Texts: `%s`, `%q`, `%x`.

use super::output::Output;
use crate::builtins::{Failure, unicode};

impl Output<'_> {
    pub(super) fn text(&mut self, text: &str, verb: char) -> Result<(), Failure> {
        match verb {
            'x' => self.hex(text, "0x", |byte| format!("{byte:02x}")),
            'X' => self.hex(text, "0X", |byte| format!("{byte:02X}")),
            'q' => self.quoted(text),
            _ if self.flags.sharp_v => self.quoted(text),
            _ => self.pad(self.cut(text)),
        }
    }

    /// As many characters as the precision says.
    fn cut<'t>(&self, text: &'t str) -> &'t str {
        let end = self.flags.precision.and_then(|precision| text.char_indices().nth(precision));
        end.and_then(|(at, _)| text.get(..at)).unwrap_or(text)
    }

    fn quoted(&mut self, text: &str) -> Result<(), Failure> {
        let text = self.cut(text);
        self.context.work(text.len().saturating_mul(4))?;
        if self.flags.sharp && can_backquote(text) {
            return self.pad(&format!("`{text}`"));
        }
        let mut out = String::from('"');
        for c in text.chars() {
            unicode::push_escaped(&mut out, c, '"', self.flags.plus);
        }
        out.push('"');
        self.pad(&out)
    }

    /// The bytes, two digits each; with a space between them if asked for.
    fn hex(&mut self, text: &str, prefix: &str, digits: fn(&u8) -> String) -> Result<(), Failure> {
        self.context.work(text.len().saturating_mul(8))?;
        let length = self.flags.precision.unwrap_or(usize::MAX).min(text.len());
        let bytes = text.as_bytes().get(..length).unwrap_or_default();
        let prefix = if self.flags.sharp { prefix } else { "" };
        let between = if self.flags.space { format!(" {prefix}") } else { String::new() };
        let out = bytes.iter().map(digits).collect::<Vec<_>>().join(&between);
        // Nothing has no prefix.
        if out.is_empty() {
            return self.fill(self.flags.width.unwrap_or(0));
        }
        self.pad(&format!("{prefix}{out}"))
    }
}

/// Whether the text can stand between backquotes: no control character, no backquote, no byte order mark.
fn can_backquote(text: &str) -> bool {
    !text.chars().any(|c| (c < ' ' && c != '\t') || matches!(c, '`' | '\u{7f}' | '\u{feff}'))
}
