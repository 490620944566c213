//! Percent-encoding as Go's `net/url` does it.

use super::Failure;
use crate::text::hex_digit;

/// Which part of a URL a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A query's name or value: a space is `+`.
    Query,
    Path,
    Fragment,
    UserInfo,
    Host,
    /// The zone of an IPv6 address.
    Zone,
}

/// Whether the byte may stand in the part as it is.
const fn is_plain(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
        return true;
    }
    match part {
        Part::Path => matches!(byte, b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'@'),
        Part::Host | Part::Zone => matches!(
            byte,
            b'!' | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b':'
                | b'['
                | b']'
                | b'<'
                | b'>'
                | b'"'
        ),
        Part::Query | Part::Fragment | Part::UserInfo => false,
    }
}

/// Appends the text with everything escaped that may not stand in a path or a query.
pub(super) fn escape(out: &mut String, text: &[u8], part: Part) {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let digit = |four_bits: u8| DIGITS.get(usize::from(four_bits)).copied().unwrap_or('0');
    for byte in text {
        match byte {
            b' ' if part == Part::Query => out.push('+'),
            byte if is_plain(*byte, part) => out.push(char::from(*byte)),
            byte => out.extend(['%', digit(byte >> 4), digit(byte & 15)]),
        }
    }
}

/// The bytes that the text stands for.
pub(super) fn unescape(text: &str, part: Part) -> Result<Vec<u8>, Failure> {
    let malformed = || Failure::Error("a malformed escape".into());
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'%' => {
                let (digits, behind) = rest.split_at_checked(2).ok_or_else(malformed)?;
                rest = behind;
                let mut value: u8 = 0;
                for digit in digits {
                    value = value.wrapping_shl(4) | hex_digit(*digit).ok_or_else(malformed)?;
                }
                if !may_be_escaped(value, part) {
                    return Err(malformed());
                }
                out.push(value);
            }
            b'+' if part == Part::Query => out.push(b' '),
            byte if matches!(part, Part::Host | Part::Zone) && byte.is_ascii() && !is_plain(*byte, part) => {
                return Err(malformed());
            }
            byte => out.push(*byte),
        }
    }
    Ok(out)
}

/// In a host only what is beyond ASCII may be escaped, in a zone what may stand in a host; the percent sign in both.
fn may_be_escaped(value: u8, part: Part) -> bool {
    match part {
        Part::Host => !value.is_ascii() || value == b'%',
        Part::Zone => value == b'%' || value == b' ' || is_plain(value, Part::Host),
        Part::Query | Part::Path | Part::Fragment | Part::UserInfo => true,
    }
}
