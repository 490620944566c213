//! Name constraints of an authority.

use super::super::super::Failure;
use super::super::der::{Reader, tag};
use super::super::error;
use super::extensions::ascii;
use super::malformed;

/// Which names an authority may speak for.
#[derive(Debug)]
pub(in super::super::super) struct NameConstraints<'a> {
    pub is_critical: bool,
    pub permitted: Names<'a>,
    pub excluded: Names<'a>,
}

/// Names by kind.
#[derive(Debug, Default)]
pub(in super::super::super) struct Names<'a> {
    pub domains: Vec<&'a str>,
    /// Address and mask, one after the other.
    pub ranges: Vec<&'a [u8]>,
    pub email_addresses: Vec<&'a str>,
    pub uri_domains: Vec<&'a str>,
}

impl<'a> NameConstraints<'a> {
    /// The constraints, and whether all of them are of a kind that is understood.
    pub(super) fn read(mut value: Reader<'a>, is_critical: bool) -> Result<(Self, bool), Failure> {
        let mut fields = malformed(value.read(tag::SEQUENCE))?;
        let permitted = malformed(fields.optional(tag::constructed(0)))?.unwrap_or(Reader(&[]));
        let excluded = malformed(fields.optional(tag::constructed(1)))?.unwrap_or(Reader(&[]));
        if !value.is_empty() || !fields.is_empty() || (permitted.is_empty() && excluded.is_empty()) {
            return Err(error("certificate: malformed name constraints"));
        }
        let (permitted, knows_permitted) = Names::read(permitted)?;
        let (excluded, knows_excluded) = Names::read(excluded)?;
        Ok((Self { is_critical, permitted, excluded }, knows_permitted && knows_excluded))
    }
}

impl<'a> Names<'a> {
    fn read(mut subtrees: Reader<'a>) -> Result<(Self, bool), Failure> {
        const EMAIL: u8 = tag::context(1);
        const DOMAIN: u8 = tag::context(2);
        const URI: u8 = tag::context(6);
        const ADDRESS: u8 = tag::context(7);
        let mut names = Self::default();
        let mut understood = true;
        while !subtrees.is_empty() {
            let base = malformed(subtrees.read(tag::SEQUENCE).and_then(|mut subtree| subtree.any()))?;
            match base.tag {
                DOMAIN => names.domains.push(malformed(domain(base.content))?),
                ADDRESS => names.ranges.push(malformed(range(base.content))?),
                EMAIL if base.content.contains(&b'@') => {
                    return Err(Failure::Inexact("a name constraint on one mailbox"));
                }
                EMAIL => names.email_addresses.push(malformed(domain(base.content))?),
                URI => names.uri_domains.push(uri_domain(base.content)?),
                _ => understood = false,
            }
        }
        Ok((names, understood))
    }
}

/// Labels of visible ASCII, none of them empty; a leading period may stand for any label.
fn domain(bytes: &[u8]) -> Option<&str> {
    let name = ascii(bytes)?;
    let labels = name.strip_prefix('.').unwrap_or(name);
    let valid = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_graphic());
    (name.is_empty() || labels.split('.').all(valid)).then_some(name)
}

/// What might be an address is left to Go.
fn uri_domain(bytes: &[u8]) -> Result<&str, Failure> {
    let name = malformed(domain(bytes))?;
    if name.contains(':') || name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && !name.is_empty() {
        return Err(Failure::Inexact("a name constraint on a URI that looks like an address"));
    }
    Ok(name)
}

/// An address and a mask of ones, then zeros.
fn range(bytes: &[u8]) -> Option<&[u8]> {
    let (_, mask) = bytes.split_at_checked(match bytes.len() {
        8 => 4,
        32 => 16,
        _ => return None,
    })?;
    let mut rest = mask.iter().skip_while(|byte| **byte == 0xff);
    let edge = rest.next().is_none_or(|byte| byte.leading_ones().checked_add(byte.trailing_zeros()) == Some(8));
    (edge && rest.all(|byte| *byte == 0)).then_some(bytes)
}
