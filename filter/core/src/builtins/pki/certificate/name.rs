//! Distinguished names.

use super::super::super::Failure;
use super::super::der::{Element, Reader, tag};
use super::super::error;
use super::malformed;

/// A name: its DER, and its attributes in order, all relative names flattened.
#[derive(Debug)]
pub(in super::super::super) struct Name<'a> {
    pub raw: &'a [u8],
    /// Object identifier and text.
    pub attributes: Vec<(&'a [u8], String)>,
}

impl<'a> Name<'a> {
    pub fn read(name: Element<'a>) -> Result<Self, Failure> {
        let mut attributes = Vec::new();
        let mut relative_names = Reader(name.content);
        while !relative_names.is_empty() {
            let mut set = malformed(relative_names.read(tag::SET))?;
            while !set.is_empty() {
                let mut attribute = malformed(set.read(tag::SEQUENCE))?;
                let identifier = malformed(attribute.object_identifier())?;
                let value = malformed(attribute.any())?;
                attributes.push((identifier, text(value).ok_or(error("certificate: malformed name"))?));
            }
        }
        Ok(Self { raw: name.whole, attributes })
    }
}

/// The text of any of ASN.1's string types.
fn text(element: Element<'_>) -> Option<String> {
    let bytes = element.content;
    match element.tag {
        tag::T61_STRING => Some(bytes.iter().copied().map(char::from).collect()),
        tag::PRINTABLE_STRING => ascii(bytes, is_printable),
        tag::NUMERIC_STRING => ascii(bytes, |byte| byte.is_ascii_digit() || byte == b' '),
        tag::IA5_STRING => ascii(bytes, |byte| byte.is_ascii()),
        tag::UTF8_STRING => std::str::from_utf8(bytes).ok().map(str::to_owned),
        tag::BMP_STRING => two_byte_text(bytes),
        _ => None,
    }
}

fn ascii(bytes: &[u8], is_allowed: impl Fn(u8) -> bool) -> Option<String> {
    bytes.iter().map(|byte| is_allowed(*byte).then(|| char::from(*byte))).collect()
}

/// The characters of a PrintableString, and `*` and `&`, which Go tolerates.
fn is_printable(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&byte)
}

/// UCS-2: no surrogates, no noncharacters; one zero may end it.
fn two_byte_text(bytes: &[u8]) -> Option<String> {
    let (pairs, []) = bytes.as_chunks::<2>() else { return None };
    let pairs = pairs.strip_suffix(&[[0, 0]]).unwrap_or(pairs);
    let character = |pair: &[u8; 2]| match u16::from_be_bytes(*pair) {
        0xfffe | 0xffff | 0xfdd0..=0xfdef => None,
        code => char::from_u32(u32::from(code)),
    };
    pairs.iter().map(character).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn each_type_has_its_characters() {
        let read = |tag, content| text(Element { tag, content, whole: content });
        assert_eq!(read(tag::T61_STRING, &b"\xe9"[..]).as_deref(), Some("é"));
        assert_eq!(read(tag::PRINTABLE_STRING, &b"*.a&b"[..]).as_deref(), Some("*.a&b"));
        assert_eq!(read(tag::PRINTABLE_STRING, &b"a@b"[..]), None);
        assert_eq!(read(tag::NUMERIC_STRING, &b"1 2"[..]).as_deref(), Some("1 2"));
        assert_eq!(read(tag::IA5_STRING, &b"a@b"[..]).as_deref(), Some("a@b"));
        assert_eq!(read(tag::IA5_STRING, &b"\xe9"[..]), None);
        assert_eq!(read(tag::UTF8_STRING, "é".as_bytes()).as_deref(), Some("é"));
        assert_eq!(read(tag::UTF8_STRING, &b"\xe9"[..]), None);
        assert_eq!(read(tag::BMP_STRING, &b"\0a\0\0"[..]).as_deref(), Some("a"));
        assert_eq!(read(tag::BMP_STRING, &b"\xd8\0\xdc\0"[..]), None);
        assert_eq!(read(tag::OCTET_STRING, &b"a"[..]), None);
    }
}
