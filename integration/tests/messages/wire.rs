//! Fields as they are written.

pub const VARINT: u32 = 0;
pub const EIGHT: u32 = 1;
pub const DELIMITED: u32 = 2;
pub const GROUP: u32 = 3;
pub const GROUP_END: u32 = 4;
pub const FOUR: u32 = 5;

pub fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A whole field; a group is ended, what is delimited has its length.
pub fn field(number: u32, wire: u32, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(u64::from(number << 3 | wire), &mut out);
    if wire == DELIMITED {
        varint(content.len() as u64, &mut out);
    }
    out.extend_from_slice(content);
    if wire == GROUP {
        varint(u64::from(number << 3 | GROUP_END), &mut out);
    }
    out
}
