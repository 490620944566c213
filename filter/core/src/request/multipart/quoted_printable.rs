//! The quoted-printable encoding of a part, decoded as Go's `mime/quotedprintable` decodes it.

use super::super::ParseError;
use super::MAX_LINE;
use crate::text::hex_digit;

/// Decodes a part.
///
/// # Errors
/// A control character, a soft line break with something behind it, a line too long.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, ParseError> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.iter().take(MAX_LINE).position(|byte| *byte == b'\n');
        if end.is_none() && rest.len() >= MAX_LINE {
            return Err(ParseError::new("quotedprintable: line too long"));
        }
        let length = end.map_or(rest.len(), |end| end.saturating_add(1));
        let (line, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        rest = after;
        decode_line(line, &mut out)?;
    }
    Ok(out)
}

fn decode_line(line: &[u8], out: &mut Vec<u8>) -> Result<(), ParseError> {
    let content = trim_end(line, b"\n\r \t");
    let tail = line.get(content.len()..).unwrap_or_default();
    if let Some(content) = content.strip_suffix(b"=") {
        let tail = trim_start(tail, b" \t");
        decode_text(content, out)?;
        let is_break = tail.starts_with(b"\n") || tail.starts_with(b"\r\n") || (tail.is_empty() && !content.is_empty());
        return if is_break { Ok(()) } else { Err(ParseError::new("quotedprintable: invalid bytes after =")) };
    }
    decode_text(content, out)?;
    if line.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    } else if line.ends_with(b"\n") {
        out.push(b'\n');
    }
    Ok(())
}

fn decode_text(mut text: &[u8], out: &mut Vec<u8>) -> Result<(), ParseError> {
    while let Some((byte, after)) = text.split_first() {
        let (decoded, after) = match (byte, after) {
            (b'=', [high, low, after @ ..]) if hex_digit(*high).is_some() && hex_digit(*low).is_some() => {
                (hex_digit(*high).unwrap_or(0).wrapping_shl(4) | hex_digit(*low).unwrap_or(0), after)
            }
            // Taken as it is where something follows that is no escape.
            (b'=', [next, ..]) if !matches!(next, b'\r' | b'\n') => (b'=', after),
            (b'=', _) => return Err(ParseError::new("quotedprintable: invalid escape")),
            (b'\t' | b'\r' | b'\n' | b' '..=b'~' | 0x80.., _) => (*byte, after),
            _ => return Err(ParseError::new("quotedprintable: invalid unescaped byte in body")),
        };
        out.push(decoded);
        text = after;
    }
    Ok(())
}

fn trim_start<'a>(text: &'a [u8], set: &[u8]) -> &'a [u8] {
    let count = text.iter().take_while(|byte| set.contains(byte)).count();
    text.get(count..).unwrap_or_default()
}

fn trim_end<'a>(text: &'a [u8], set: &[u8]) -> &'a [u8] {
    let count = text.iter().rev().take_while(|byte| set.contains(byte)).count();
    text.get(..text.len().saturating_sub(count)).unwrap_or_default()
}
