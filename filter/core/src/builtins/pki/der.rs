//! A reader of DER, as strict as Go's `cryptobyte`, which Go's `crypto/x509` reads with.

/// Tags that are read here.
pub(in super::super) mod tag {
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const OBJECT_IDENTIFIER: u8 = 0x06;
    pub const UTF8_STRING: u8 = 0x0c;
    pub const NUMERIC_STRING: u8 = 0x12;
    pub const PRINTABLE_STRING: u8 = 0x13;
    pub const T61_STRING: u8 = 0x14;
    pub const IA5_STRING: u8 = 0x16;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const BMP_STRING: u8 = 0x1e;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;

    /// A context-specific tag of a primitive value.
    pub const fn context(number: u8) -> u8 {
        0x80 | number
    }

    /// A context-specific tag around other elements.
    pub const fn constructed(number: u8) -> u8 {
        0xa0 | number
    }
}

/// What is left to read. `None` from any method: the bytes are not what was asked for; the position is then undefined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Reader<'a>(pub &'a [u8]);

/// One element: its tag, its content, and all of its bytes.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Element<'a> {
    pub tag: u8,
    pub content: &'a [u8],
    pub whole: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Whether the next element has this tag.
    pub fn is_next(self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// The next element. Lengths are written in the shortest form, tags in one byte.
    pub fn any(&mut self) -> Option<Element<'a>> {
        let [tag, length, after @ ..] = self.0 else { return None };
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, header) = match length {
            0..=0x7f => (usize::from(*length), 2_usize),
            0x81..=0x84 => {
                let digits = after.get(..usize::from(length & 0x7f))?;
                (long_length(digits)?, digits.len().checked_add(2)?)
            }
            _ => return None,
        };
        let (whole, rest) = self.0.split_at_checked(header.checked_add(length)?)?;
        self.0 = rest;
        Some(Element { tag: *tag, content: whole.get(header..)?, whole })
    }

    /// The next element with this tag, whole.
    pub fn element(&mut self, tag: u8) -> Option<Element<'a>> {
        self.any().filter(|element| element.tag == tag)
    }

    /// The content of the next element, which has this tag.
    pub fn read(&mut self, tag: u8) -> Option<Reader<'a>> {
        self.element(tag).map(|element| Reader(element.content))
    }

    /// The content of the next element if it has this tag; the outer `None` is a malformed element with that tag.
    pub fn optional(&mut self, tag: u8) -> Option<Option<Reader<'a>>> {
        if self.is_next(tag) { self.read(tag).map(Some) } else { Some(None) }
    }

    /// The big-endian bytes of an integer, two's complement, in the shortest form.
    pub fn integer(&mut self) -> Option<&'a [u8]> {
        let bytes = self.read(tag::INTEGER)?.0;
        is_shortest_integer(bytes).then_some(bytes)
    }

    /// An integer that is not negative: its big-endian bytes without leading zeros.
    pub fn unsigned(&mut self) -> Option<&'a [u8]> {
        let bytes = self.integer()?;
        let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
        (!negative).then(|| without_leading_zeros(bytes))
    }

    /// An integer of at most 64 bits.
    pub fn small_integer(&mut self) -> Option<i64> {
        small(self.integer()?)
    }

    /// The content of an object identifier of which every part is in the shortest form and below 2^31.
    pub fn object_identifier(&mut self) -> Option<&'a [u8]> {
        let bytes = self.read(tag::OBJECT_IDENTIFIER)?.0;
        is_object_identifier(bytes).then_some(bytes)
    }

    pub fn boolean(&mut self) -> Option<bool> {
        match self.read(tag::BOOLEAN)?.0 {
            [0] => Some(false),
            [0xff] => Some(true),
            _ => None,
        }
    }

    /// The bytes of a bit string and how many bits at its end do not count; those are zero.
    pub fn bit_string(&mut self) -> Option<(&'a [u8], u8)> {
        let (unused, bytes) = self.read(tag::BIT_STRING)?.0.split_first()?;
        let mask = 0xff_u8.checked_shr(8_u32.checked_sub(u32::from(*unused))?).unwrap_or(0);
        match (bytes.last(), unused) {
            (_, 8..) => None,
            (None, 0) => Some((bytes, 0)),
            (None, _) => None,
            (Some(last), _) => (last & mask == 0).then_some((bytes, *unused)),
        }
    }
}

/// A length in more than one byte; never one that had fitted a shorter form.
fn long_length(digits: &[u8]) -> Option<usize> {
    if digits.first() == Some(&0) {
        return None;
    }
    let length = digits.iter().try_fold(0_u64, |length, digit| {
        length.checked_mul(256).and_then(|length| length.checked_add(u64::from(*digit)))
    })?;
    usize::try_from(length).ok().filter(|length| *length >= 0x80)
}

pub(super) fn is_shortest_integer(bytes: &[u8]) -> bool {
    match bytes {
        [] => false,
        [0, second, ..] => second & 0x80 != 0,
        [0xff, second, ..] => second & 0x80 == 0,
        _ => true,
    }
}

/// The value of an integer's bytes, if it fits.
pub(in super::super) fn small(bytes: &[u8]) -> Option<i64> {
    let sign = if bytes.first()? & 0x80 == 0 { 0 } else { u8::MAX };
    let mut all = [sign; 8];
    all.get_mut(8_usize.checked_sub(bytes.len())?..)?.copy_from_slice(bytes);
    Some(i64::from_be_bytes(all))
}

/// The number without zeros in front.
pub(in super::super) fn without_leading_zeros(mut bytes: &[u8]) -> &[u8] {
    while let [0, rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// Whether each part of an object identifier is complete and in the shortest form.
pub(super) fn is_shortest_identifier(bytes: &[u8]) -> bool {
    let mut fresh = true;
    bytes.iter().all(|byte| {
        let padded = fresh && *byte == 0x80;
        fresh = byte & 0x80 == 0;
        !padded
    }) && fresh
        && !bytes.is_empty()
}

/// ... and below 2^31.
fn is_object_identifier(bytes: &[u8]) -> bool {
    let mut part: u64 = 0;
    for byte in bytes {
        part = part.wrapping_shl(7) | u64::from(byte & 0x7f);
        if part >= 1 << 31 {
            return false;
        }
        if byte & 0x80 == 0 {
            part = 0;
        }
    }
    is_shortest_identifier(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn lengths_are_shortest() {
        assert!(Reader(&[0x04, 0x01, 0x61]).any().is_some());
        assert!(Reader(&[0x04, 0x81, 0x01, 0x61]).any().is_none());
        assert!(Reader(&[0x04, 0x80, 0x00, 0x00]).any().is_none());
        assert!(Reader(&[0x04, 0x02, 0x61]).any().is_none());
        assert!(Reader(&[0x1f, 0x01, 0x61]).any().is_none());
        let long = [&[0x04, 0x81, 0x80][..], &[0; 128]].concat();
        assert_eq!(Reader(&long).any().map(|element| element.content.len()), Some(128));
        assert!(Reader(&[0x04, 0x84, 0xff, 0xff, 0xff, 0xff]).any().is_none());
    }

    #[test]
    fn integers_are_shortest() {
        assert_eq!(Reader(&[2, 1, 0]).unsigned(), Some(&[][..]));
        assert_eq!(Reader(&[2, 2, 0, 0x80]).unsigned(), Some(&[0x80][..]));
        assert_eq!(Reader(&[2, 2, 0, 0x7f]).unsigned(), None);
        assert_eq!(Reader(&[2, 1, 0x80]).unsigned(), None);
        assert_eq!(Reader(&[2, 1, 0x80]).small_integer(), Some(-128));
        assert_eq!(Reader(&[2, 2, 0xff, 0x80]).small_integer(), None);
        assert_eq!(Reader(&[2, 9, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).small_integer(), None);
    }

    #[test]
    fn bit_strings_end_in_zeros() {
        assert_eq!(Reader(&[3, 2, 0, 1]).bit_string(), Some((&[1][..], 0)));
        assert_eq!(Reader(&[3, 2, 4, 0x10]).bit_string(), Some((&[0x10][..], 4)));
        assert_eq!(Reader(&[3, 2, 5, 0x10]).bit_string(), None);
        assert_eq!(Reader(&[3, 2, 8, 0]).bit_string(), None);
        assert_eq!(Reader(&[3, 1, 1]).bit_string(), None);
        assert_eq!(Reader(&[3, 0]).bit_string(), None);
    }
}
