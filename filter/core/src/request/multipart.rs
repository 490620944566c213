//! `multipart/form-data`, read as Go's `mime/multipart` and the plugin read it (contract section 1.8).
//!
//! What is refused and what is skipped follows Go to the letter: a part that this filter did not see, but the upstream
//! does, would be a way around the policy.

mod quoted_printable;

use super::ParseError;
use super::media_type;
use crate::text::replace_invalid;

/// Longest line outside of parts, as Go's buffer has it.
const MAX_LINE: usize = 4096;
/// Most headers of one part, as in Go.
const MAX_HEADERS: usize = 10_000;
/// Most parts with a name; Go has no limit of its own. It bounds memory: a part can be a few bytes of body.
const MAX_PARTS: usize = 10_000;

/// One part with a name.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// The form's field.
    pub name: String,
    /// The part says that it is JSON.
    pub is_json: bool,
    /// Its content, decoded if it was quoted-printable.
    pub content: Vec<u8>,
}

/// Reads the parts of a body; those without a name are left out.
///
/// # Errors
/// A body that is not made of parts, or of more than 10,000.
pub fn parse(body: &[u8], boundary: &str) -> Result<Vec<Part>, ParseError> {
    if boundary.is_empty() {
        return Err(ParseError::new("multipart: boundary is empty"));
    }
    let mut reader = Reader { rest: body, delimiter: format!("--{boundary}").into_bytes(), newline: b"\r\n" };
    let mut parts = Vec::new();
    let mut is_first = true;
    while reader.find_part(is_first)? {
        is_first = false;
        let Some(headers) = reader.headers()? else {
            break;
        };
        let content = reader.content()?;
        let Some(name) = headers.name() else {
            continue;
        };
        if parts.len() >= MAX_PARTS {
            return Err(ParseError::new("multipart: too many parts"));
        }
        let content = if headers.is_quoted() { quoted_printable::decode(content)? } else { content.to_vec() };
        parts.push(Part { name, is_json: headers.is_json(), content });
    }
    Ok(parts)
}

/// The headers of a part that matter here: the first of each name, as in Go.
#[derive(Default)]
struct Headers {
    disposition: Option<String>,
    content_type: Option<String>,
    encoding: Option<String>,
}

impl Headers {
    fn name(&self) -> Option<String> {
        let mut disposition = media_type::parse(self.disposition.as_deref()?).ok()?;
        let name = disposition.parameters.remove("name")?;
        (disposition.name == "form-data" && !name.is_empty()).then_some(name)
    }

    fn is_json(&self) -> bool {
        self.content_type.as_deref().is_some_and(|value| value.contains("application/json"))
    }

    fn is_quoted(&self) -> bool {
        self.encoding.as_deref().is_some_and(|value| value.eq_ignore_ascii_case("quoted-printable"))
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    /// `--boundary`.
    delimiter: Vec<u8>,
    /// How lines end; the first delimiter says it.
    newline: &'static [u8],
}

impl<'a> Reader<'a> {
    /// Goes behind the next line that opens a part. `false`: the last part has ended.
    fn find_part(&mut self, is_first: bool) -> Result<bool, ParseError> {
        let mut after_empty_line = false;
        loop {
            let (line, is_whole) = self.line()?;
            if !is_whole {
                return if self.closes(line) { Ok(false) } else { Err(ParseError::new("multipart: NextPart: EOF")) };
            }
            if self.opens(line, is_first) {
                return Ok(true);
            }
            if self.closes(line) {
                return Ok(false);
            }
            if after_empty_line {
                return Err(ParseError::new("multipart: expecting a new part"));
            }
            if is_first {
                continue;
            }
            if line != self.newline {
                return Err(ParseError::new("multipart: unexpected line between parts"));
            }
            after_empty_line = true;
        }
    }

    /// The next line with its end, and whether it has one.
    fn line(&mut self) -> Result<(&'a [u8], bool), ParseError> {
        let end = self.rest.iter().take(MAX_LINE).position(|byte| *byte == b'\n');
        if end.is_none() && self.rest.len() >= MAX_LINE {
            return Err(ParseError::new("multipart: line too long"));
        }
        let length = end.map_or(self.rest.len(), |end| end.saturating_add(1));
        let (line, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, &[]));
        self.rest = rest;
        Ok((line, end.is_some()))
    }

    /// The first such line also says how lines end.
    fn opens(&mut self, line: &[u8], is_first: bool) -> bool {
        let Some(rest) = line.strip_prefix(self.delimiter.as_slice()).map(skip_blanks) else {
            return false;
        };
        if is_first && rest == b"\n" {
            self.newline = b"\n";
        }
        rest == self.newline
    }

    fn closes(&self, line: &[u8]) -> bool {
        let rest = line.strip_prefix(self.delimiter.as_slice()).and_then(|rest| rest.strip_prefix(b"--"));
        rest.map(skip_blanks).is_some_and(|rest| rest.is_empty() || rest == self.newline)
    }

    /// The headers of a part, up to the empty line. `None`: the body ends before it, which ends the whole for Go.
    fn headers(&mut self) -> Result<Option<Headers>, ParseError> {
        let mut headers = Headers::default();
        if self.rest.first().is_some_and(|byte| is_blank(*byte)) {
            return Err(malformed_header());
        }
        for _ in 0..=MAX_HEADERS {
            let Some(line) = self.header_line()? else {
                return Ok(None);
            };
            if line.is_empty() {
                return Ok(Some(headers));
            }
            let (name, value) = split_header(&line)?;
            let value = replace_invalid(value, char::REPLACEMENT_CHARACTER);
            match name.to_ascii_lowercase().as_slice() {
                b"content-disposition" => _ = headers.disposition.get_or_insert(value),
                b"content-type" => _ = headers.content_type.get_or_insert(value),
                b"content-transfer-encoding" => _ = headers.encoding.get_or_insert(value),
                _ => {}
            }
        }
        Err(ParseError::new("multipart: message too large"))
    }

    /// One header, with the lines that continue it joined by one space each; empty at the end of the headers.
    fn header_line(&mut self) -> Result<Option<Vec<u8>>, ParseError> {
        let Some(first) = self.text_line() else {
            return Ok(None);
        };
        if first.is_empty() {
            return Ok(Some(Vec::new()));
        }
        if !first.contains(&b':') {
            return Err(malformed_header());
        }
        let mut whole = trim_blanks(first).to_vec();
        while self.rest.first().is_some_and(|byte| is_blank(*byte)) {
            self.rest = skip_blanks(self.rest);
            whole.push(b' ');
            whole.extend_from_slice(trim_blanks(self.text_line().unwrap_or_default()));
        }
        Ok(Some(whole))
    }

    /// A line of any length without its end; `None` when nothing is left.
    fn text_line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        Some(if rest.is_empty() { line } else { line.strip_suffix(b"\r").unwrap_or(line) })
    }

    /// The content of a part, up to the line end before the next delimiter, which stays.
    fn content(&mut self) -> Result<&'a [u8], ParseError> {
        let body = self.rest;
        if let Some(after) = body.strip_prefix(self.delimiter.as_slice())
            && ends_delimiter(after)
        {
            return Ok(&[]);
        }
        let mark = [self.newline, self.delimiter.as_slice()].concat();
        let mut from: usize = 0;
        while let Some(at) = memchr::memmem::find(body.get(from..).unwrap_or_default(), &mark) {
            let at = from.saturating_add(at);
            let (content, rest) = body.split_at_checked(at).unwrap_or((body, &[]));
            if rest.strip_prefix(mark.as_slice()).is_some_and(ends_delimiter) {
                self.rest = rest;
                return Ok(content);
            }
            from = at.saturating_add(mark.len());
        }
        Err(ParseError::new("unexpected EOF"))
    }
}

/// Whether what follows a delimiter shows that it is one, and not the beginning of a longer text.
fn ends_delimiter(after: &[u8]) -> bool {
    matches!(after, [] | [b' ' | b'\t' | b'\r' | b'\n', ..] | [b'-', b'-', ..])
}

fn split_header(line: &[u8]) -> Result<(&[u8], &[u8]), ParseError> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or_else(malformed_header)?;
    let (name, rest) = line.split_at_checked(colon).ok_or_else(malformed_header)?;
    let value = skip_blanks(rest.get(1..).unwrap_or_default());
    let is_name = !name.is_empty() && name.iter().all(|byte| *byte == b' ' || crate::http::is_token_byte(*byte));
    if is_name && crate::http::is_header_value(value) { Ok((name, value)) } else { Err(malformed_header()) }
}

fn malformed_header() -> ParseError {
    ParseError::new("malformed MIME header")
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| is_blank(**byte)).count();
    text.get(blanks..).unwrap_or_default()
}

fn trim_blanks(text: &[u8]) -> &[u8] {
    let text = skip_blanks(text);
    let blanks = text.iter().rev().take_while(|byte| is_blank(**byte)).count();
    text.get(..text.len().saturating_sub(blanks)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
