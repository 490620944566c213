//! Characters as Go 1.26 knows them: Unicode 15.0, where Rust's tables are younger, and simple case mapping, where
//! Rust's is the full one.

/// Characters that Rust's Unicode knows and Go's does not yet; ranges, both ends included. What stands between is
/// unknown to both.
const YOUNGER: &[(u32, u32)] = &[
    (0x88F, 0x897),
    (0xC5C, 0xC5C),
    (0xCDC, 0xCDC),
    (0x1ACF, 0x1AEB),
    (0x1B4E, 0x1B4F),
    (0x1B7F, 0x1B7F),
    (0x1C89, 0x1C8A),
    (0x20C1, 0x20C1),
    (0x2427, 0x2429),
    (0x2B96, 0x2B96),
    (0x2FFC, 0x2FFF),
    (0x31E4, 0x31EF),
    (0xA7CB, 0xA7CF),
    (0xA7D2, 0xA7D2),
    (0xA7D4, 0xA7D4),
    (0xA7DA, 0xA7F1),
    (0xFBC3, 0xFBD2),
    (0xFD90, 0xFD91),
    (0xFDC8, 0xFDCE),
    (0x105C0, 0x105F3),
    (0x10940, 0x10959),
    (0x10D40, 0x10D8F),
    (0x10EC2, 0x10EFC),
    (0x11380, 0x113E2),
    (0x116D0, 0x116E3),
    (0x11B60, 0x11BF9),
    (0x11DB0, 0x11DE9),
    (0x11F5A, 0x11F5A),
    (0x13460, 0x143FA),
    (0x16100, 0x16139),
    (0x16D40, 0x16D79),
    (0x16EA0, 0x16ED3),
    (0x16FF2, 0x16FF6),
    (0x187F8, 0x187FF),
    (0x18CFF, 0x18CFF),
    (0x18D09, 0x18DF2),
    (0x1CC00, 0x1CEF0),
    (0x1E5D0, 0x1E6FF),
    (0x1F6D8, 0x1F6D8),
    (0x1F777, 0x1F77A),
    (0x1F8B2, 0x1F8D8),
    (0x1FA54, 0x1FA57),
    (0x1FA89, 0x1FA8F),
    (0x1FABE, 0x1FABE),
    (0x1FAC6, 0x1FACD),
    (0x1FADC, 0x1FADF),
    (0x1FAE9, 0x1FAEF),
    (0x1FBCB, 0x1FBEF),
    (0x1FBFA, 0x1FBFA),
    (0x2B73A, 0x2B73F),
    (0x2CEA2, 0x2CEAD),
    (0x2EBF0, 0x2EE5D),
    (0x323B0, 0x33479),
];

fn is_younger(c: char) -> bool {
    let code = u32::from(c);
    let after = YOUNGER.partition_point(|(first, _)| *first <= code);
    after.checked_sub(1).and_then(|at| YOUNGER.get(at)).is_some_and(|(_, last)| code <= *last)
}

/// Go's `unicode.ToLower`.
pub(super) fn lower(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    // The one character whose full mapping is longer.
    if c == '\u{130}' {
        return 'i';
    }
    simple(c, c.to_lowercase())
}

/// Go's `unicode.ToUpper`.
pub(super) fn upper(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_uppercase();
    }
    match c {
        // Greek letters with iota below: their full mapping is longer, their simple one is the title case letter.
        '\u{1F80}'..='\u{1FAF}' => char::from_u32(u32::from(c) | 8).unwrap_or(c),
        '\u{1FB3}' => '\u{1FBC}',
        '\u{1FC3}' => '\u{1FCC}',
        '\u{1FF3}' => '\u{1FFC}',
        _ => simple(c, c.to_uppercase()),
    }
}

/// The mapped character; the same one if the mapping is longer, or of a Unicode that Go does not know.
fn simple(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) if !is_younger(c) && !is_younger(one) => one,
        _ => c,
    }
}

/// Characters that Go takes for the same when case does not matter, where that is not just lower and upper case.
const FOLDED: &[&str] = &[
    "Kk\u{212A}",
    "Ss\u{17F}",
    "\u{B5}\u{39C}\u{3BC}",
    "\u{C5}\u{E5}\u{212B}",
    "\u{DF}\u{1E9E}",
    "\u{130}",
    "\u{131}",
    "\u{1C4}\u{1C5}\u{1C6}",
    "\u{1C7}\u{1C8}\u{1C9}",
    "\u{1CA}\u{1CB}\u{1CC}",
    "\u{1F1}\u{1F2}\u{1F3}",
    "\u{345}\u{399}\u{3B9}\u{1FBE}",
    "\u{392}\u{3B2}\u{3D0}",
    "\u{395}\u{3B5}\u{3F5}",
    "\u{398}\u{3B8}\u{3D1}\u{3F4}",
    "\u{39A}\u{3BA}\u{3F0}",
    "\u{3A0}\u{3C0}\u{3D6}",
    "\u{3A1}\u{3C1}\u{3F1}",
    "\u{3A3}\u{3C2}\u{3C3}",
    "\u{3A6}\u{3C6}\u{3D5}",
    "\u{3A9}\u{3C9}\u{2126}",
    "\u{412}\u{432}\u{1C80}",
    "\u{414}\u{434}\u{1C81}",
    "\u{41E}\u{43E}\u{1C82}",
    "\u{421}\u{441}\u{1C83}",
    "\u{422}\u{442}\u{1C84}\u{1C85}",
    "\u{42A}\u{44A}\u{1C86}",
    "\u{462}\u{463}\u{1C87}",
    "\u{1C88}\u{A64A}\u{A64B}",
    "\u{1E60}\u{1E61}\u{1E9B}",
];

/// The character and all that Go's `unicode.SimpleFold` leads to from it.
pub(super) fn folded(c: char) -> Vec<char> {
    if let Some(class) = FOLDED.iter().find(|class| class.contains(c)) {
        return class.chars().collect();
    }
    let lower = lower(c);
    let other = if lower == c { upper(c) } else { lower };
    if other == c { vec![c] } else { vec![c, other] }
}

/// Go's `strconv.IsPrint`: letters, marks, numbers, punctuation, symbols, and the space.
pub(super) fn is_print(c: char) -> bool {
    if c.is_ascii() {
        return (' '..='~').contains(&c);
    }
    // Behind another character only what is not printable is escaped.
    let mut buffer = *b"a\0\0\0\0";
    let length = match buffer.get_mut(1..) {
        Some(room) => c.encode_utf8(room).len().saturating_add(1),
        None => return false,
    };
    let text = buffer.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok());
    text.is_some_and(|text| text.escape_debug().eq(text.chars())) && !is_younger(c)
}

/// Appends `text` in double quotes as Go's `strconv.Quote` does.
pub(super) fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        push_escaped(out, c, '"', false);
    }
    out.push('"');
}

/// Appends one character of a quoted text as Go's `strconv` does; with `ascii`, anything else is escaped.
pub(super) fn push_escaped(out: &mut String, c: char, quote: char, ascii: bool) {
    use std::fmt::Write;
    if c == quote || c == '\\' {
        out.push('\\');
        out.push(c);
        return;
    }
    if is_print(c) && (c.is_ascii() || !ascii) {
        out.push(c);
        return;
    }
    let code = u32::from(c);
    let short = match c {
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\u{b}' => 'v',
        _ => {
            // Writing to a string cannot fail.
            let _ = match code {
                0..=0x7F => write!(out, "\\x{code:02x}"),
                0x80..=0xFFFF => write!(out, "\\u{code:04x}"),
                _ => write!(out, "\\U{code:08x}"),
            };
            return;
        }
    };
    out.push('\\');
    out.push(short);
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// A newer Rust brings a newer Unicode: [`YOUNGER`] must then be made again (compare every character with Go's
    /// `unicode` and `strconv.IsPrint`).
    #[test]
    fn the_table_was_made_for_this_rust() {
        assert_eq!(char::UNICODE_VERSION, (17, 0, 0));
        assert!(YOUNGER.iter().zip(YOUNGER.iter().skip(1)).all(|(a, b)| a.1 < b.0));
    }

    #[test]
    fn case_is_mapped_one_character_to_one() {
        for (c, want) in
            [('ß', 'ß'), ('ŉ', 'ŉ'), ('ǆ', 'Ǆ'), ('ᾳ', 'ᾼ'), ('ᾀ', 'ᾈ'), ('ﬁ', 'ﬁ'), ('ɤ', 'ɤ'), ('é', 'É')]
        {
            assert_eq!(upper(c), want, "{c}");
        }
        for (c, want) in [('İ', 'i'), ('Σ', 'σ'), ('\u{1C89}', '\u{1C89}'), ('ẞ', 'ß'), ('Ⅷ', 'ⅷ')] {
            assert_eq!(lower(c), want, "{c}");
        }
    }

    #[test]
    fn what_is_not_printable_is_escaped() {
        let mut out = String::new();
        quote(&mut out, "a\"\\\n\u{7}\u{7f}\u{a0}é\u{301}\u{200b}\u{1F6D8}\u{10FFFF}😀");
        assert_eq!(out, "\"a\\\"\\\\\\n\\a\\x7f\\u00a0é\u{301}\\u200b\\U0001f6d8\\U0010ffff😀\"");
    }
}
