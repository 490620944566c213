//! The next PEM block of a text, found as Go's `encoding/pem` finds it.

use super::base64;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"\n-----END ";
const DASHES: &[u8] = b"-----";

/// A block and what follows its last line.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Block<'a> {
    /// What stands between `BEGIN` and the dashes.
    pub label: &'a [u8],
    /// The decoded bytes.
    pub bytes: Vec<u8>,
    /// The text after the block.
    pub rest: &'a [u8],
}

/// The first well-formed block; what stands before it is skipped. Linear: every END is looked at once.
pub(in super::super) fn decode(text: &[u8]) -> Option<Block<'_>> {
    let mut rest = text;
    loop {
        let (before, end) = rest.split_at_checked(find(rest, END)?)?;
        let trailer = end.get(END.len()..)?;
        if let Some(block) = block(before, trailer) {
            return Some(block);
        }
        rest = trailer;
    }
}

/// The block between the last BEGIN of `before` and the END line, of which `trailer` is what follows `-----END `.
fn block<'a>(before: &'a [u8], trailer: &'a [u8]) -> Option<Block<'a>> {
    let (outside, begin) = before.split_at_checked(rfind(before, BEGIN)?)?;
    if !outside.is_empty() && !outside.ends_with(b"\n") {
        return None;
    }
    let (label, mut body) = line(begin.get(BEGIN.len()..)?);
    let label = label.strip_suffix(DASHES)?;
    let mut headers = false;
    while let Some(text) = body
        && let (header, rest) = line(text)
        && header.contains(&b':')
    {
        (body, headers) = (rest, true);
    }
    // Headers want a line between them and the END line.
    if headers && body.is_none() {
        return None;
    }
    let after = trailer.strip_prefix(label)?.strip_prefix(DASHES)?;
    let (ending, rest) = match line(after) {
        (ending, Some(rest)) => (ending, rest),
        // A carriage return at the end of the text ends no line.
        (_, None) => (trim_right(after), &[][..]),
    };
    if !ending.is_empty() {
        return None;
    }
    let data = body.unwrap_or_default().iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t'));
    Some(Block { label, bytes: base64::standard(&data.collect::<Vec<_>>())?, rest })
}

/// The first line, without its end and the blanks before it, and what follows its end, if the line has one.
fn line(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let (line, rest) = match find(text, b"\n").and_then(|end| text.split_at_checked(end)) {
        Some((line, rest)) => (line, rest.get(1..)),
        None => (text, None),
    };
    (trim_right(line.strip_suffix(b"\r").unwrap_or(line)), rest)
}

fn trim_right(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn rfind(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).rposition(|window| window == what)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn found(text: &str) -> Option<(String, Vec<u8>, String)> {
        let text_of = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        decode(text.as_bytes()).map(|block| (text_of(block.label), block.bytes, text_of(block.rest)))
    }

    fn block_of(label: &str, bytes: &[u8], rest: &str) -> Option<(String, Vec<u8>, String)> {
        Some((label.to_owned(), bytes.to_vec(), rest.to_owned()))
    }

    #[test]
    fn finds_what_go_finds() {
        assert_eq!(found("-----BEGIN A-----\nYQ==\n-----END A-----\nrest"), block_of("A", b"a", "rest"));
        assert_eq!(found("x\r\n-----BEGIN A-----\r\nY\r\n Q==\r\n-----END A-----  \r\n"), block_of("A", b"a", ""));
        assert_eq!(found("-----BEGIN A-----\n-----END A-----"), block_of("A", b"", ""));
        assert_eq!(found("-----BEGIN A-----\nK: v\n\nYQ==\n-----END A-----"), block_of("A", b"a", ""));
        assert_eq!(
            found("-----BEGIN A-----\n!\n-----END A-----\n-----BEGIN B-----\nYQ==\n-----END B-----"),
            block_of("B", b"a", "")
        );
    }

    #[test]
    fn refuses_what_go_refuses() {
        for text in [
            "",
            "-----BEGIN A-----\nYQ==\n-----END B-----",
            "-----BEGIN A-----\nYQ==-----END A-----",
            "-----BEGIN A-----\nYQ\n-----END A-----",
            "-----BEGIN A-----\nYQ==\n-----END A-----x",
            "-----BEGIN A-----\nYQ==\n-----END A-----\r",
            "x-----BEGIN A-----\nYQ==\n-----END A-----",
            "-----BEGIN A-----\nK: v\n-----END A-----",
            "-----BEGIN A----\nYQ==\n-----END A-----",
        ] {
            assert_eq!(found(text), None, "{text:?}");
        }
    }
}
