//! Base64 as Go's `encoding/base64` decodes it: line ends are skipped anywhere, bits beyond the last byte are ignored,
//! padding is exact or absent.

use ::base64::Engine;
use ::base64::alphabet::{self, Alphabet};
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::borrow::Cow;

const fn engine(alphabet: &Alphabet, padding: DecodePaddingMode) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(padding)
        .with_encode_padding(matches!(padding, DecodePaddingMode::RequireCanonical));
    GeneralPurpose::new(alphabet, config)
}

const STANDARD: GeneralPurpose = engine(&alphabet::STANDARD, DecodePaddingMode::RequireCanonical);
const RAW_STANDARD: GeneralPurpose = engine(&alphabet::STANDARD, DecodePaddingMode::RequireNone);
const URL: GeneralPurpose = engine(&alphabet::URL_SAFE, DecodePaddingMode::RequireCanonical);
const RAW_URL: GeneralPurpose = engine(&alphabet::URL_SAFE, DecodePaddingMode::RequireNone);

fn decode(engine: &GeneralPurpose, text: &[u8]) -> Option<Vec<u8>> {
    let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let text = match text.iter().any(is_line_end) {
        true => Cow::Owned(text.iter().copied().filter(|byte| !is_line_end(byte)).collect()),
        false => Cow::Borrowed(text),
    };
    engine.decode(&*text).ok()
}

/// With the alphabet `+/` and padding: what PEM holds.
pub(in super::super) fn standard(text: &[u8]) -> Option<Vec<u8>> {
    decode(&STANDARD, text)
}

/// With the alphabet `-_`; padding may be left out, as in the parts of a token. The rule is OPA's: it looks at the
/// length with line ends.
pub(in super::super) fn url(text: &[u8]) -> Option<Vec<u8>> {
    let missing = match (text.last(), text.len() % 4) {
        (Some(b'='), _) | (_, 0) => "",
        (_, 2) => "==",
        (_, 3) => "=",
        _ => return None,
    };
    match missing {
        "" => decode(&URL, text),
        _ => decode(&URL, &[text, missing.as_bytes()].concat()),
    }
}

/// With the alphabet and padding that the text itself shows: the values of a JWK.
pub(in super::super) fn any(text: &[u8]) -> Option<Vec<u8>> {
    let padded = text.ends_with(b"=");
    let standard = text.iter().any(|byte| matches!(byte, b'+' | b'/'));
    let engine = match (padded, standard) {
        (true, true) => &STANDARD,
        (false, true) => &RAW_STANDARD,
        (true, false) => &URL,
        (false, false) => &RAW_URL,
    };
    decode(engine, text)
}

/// Base64url without padding, as tokens are written.
pub(in super::super) fn encode_url(bytes: &[u8]) -> String {
    RAW_URL.encode(bytes)
}

/// Base64 with padding.
pub(in super::super) fn encode_standard(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn decodes_as_go_does() {
        assert_eq!(url(b"YQ"), Some(b"a".to_vec()));
        assert_eq!(url(b"YQ=="), Some(b"a".to_vec()));
        assert_eq!(url(b"YR"), Some(b"a".to_vec()), "bits beyond the last byte are ignored");
        assert_eq!(url(b"YQ="), None);
        assert_eq!(url(b"Y"), None);
        assert_eq!(url(b"Y\nQ"), None, "three characters get one `=`, which is one too few");
        assert_eq!(url(b"Y\n\nQ"), None);
        assert_eq!(url(b"Y\nQ=\r="), Some(b"a".to_vec()));
        assert_eq!(url(b"-_-_"), Some(vec![251, 255, 191]));
        assert_eq!(url(b"+/+/"), None);
        assert_eq!(url(b""), Some(vec![]));
        assert_eq!(standard(b"+/\n+/"), Some(vec![251, 255, 191]));
        assert_eq!(standard(b"YQ"), None);
        assert_eq!((encode_url(b"a"), encode_standard(b"a")), ("YQ".to_owned(), "YQ==".to_owned()));
        assert_eq!(any(b"YQ"), any(b"YQ=="));
        assert_eq!(any(b"+_+_"), None);
        assert_eq!(any(b"+/+/"), any(b"-_-_"));
    }
}
