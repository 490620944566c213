//! Extensions of a certificate.

use super::super::super::Failure;
use super::super::der::{self, Element, Reader, tag};
use super::super::error;
use super::constraints::NameConstraints;
use super::malformed;
use std::collections::BTreeSet;

const AUTHORITY_INFORMATION: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
const OCSP: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1];
const ISSUERS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 2];

/// One extension as it stands.
#[derive(Debug, Clone, Copy)]
pub(in super::super::super) struct Extension<'a> {
    pub identifier: &'a [u8],
    pub is_critical: bool,
    pub value: &'a [u8],
}

/// What the extensions say. What none of them says is empty.
#[derive(Debug, Default)]
pub(in super::super::super) struct Extensions<'a> {
    pub all: Vec<Extension<'a>>,
    /// Critical, and nobody knows what they mean.
    pub unhandled: Vec<&'a [u8]>,
    pub key_usage: u32,
    /// Is it an authority, and how many authorities may stand below it (-1: any number).
    pub basic: Option<(bool, i64)>,
    pub dns_names: Vec<&'a str>,
    pub email_addresses: Vec<&'a str>,
    pub addresses: Vec<&'a [u8]>,
    pub uris: Vec<&'a str>,
    pub name_constraints: Option<NameConstraints<'a>>,
    pub revocation_lists: Vec<&'a [u8]>,
    pub authority_key: Option<&'a [u8]>,
    pub subject_key: Option<&'a [u8]>,
    pub extended_usages: Vec<&'a [u8]>,
    pub policies: Option<Vec<&'a [u8]>>,
    /// Policy mappings, policy constraints or inhibit-any-policy: read, not kept.
    pub has_policy_rules: bool,
    pub ocsp_servers: Vec<&'a [u8]>,
    pub issuer_urls: Vec<&'a [u8]>,
}

impl<'a> Extensions<'a> {
    pub(super) fn read(mut input: Reader<'a>) -> Result<Self, Failure> {
        let mut read = Self::default();
        let mut identifiers = BTreeSet::new();
        while !input.is_empty() {
            let extension = malformed(input.read(tag::SEQUENCE).and_then(extension))?;
            if !identifiers.insert(extension.identifier) {
                return Err(error("certificate: an extension stands twice"));
            }
            read.all.push(extension);
        }
        for extension in read.all.clone() {
            if !read.understand(extension)? && extension.is_critical {
                read.unhandled.push(extension.identifier);
            }
        }
        Ok(read)
    }

    /// Whether the extension says something that is understood.
    fn understand(&mut self, extension: Extension<'a>) -> Result<bool, Failure> {
        let value = Reader(extension.value);
        match extension.identifier {
            AUTHORITY_INFORMATION if extension.is_critical => {
                return Err(error("certificate: authority information must not be critical"));
            }
            AUTHORITY_INFORMATION => malformed(self.authority_information(value))?,
            [0x55, 0x1d, number] => return self.understand_standard(*number, extension, value),
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// An extension of RFC 5280, 4.2.1, by the last part of its identifier.
    fn understand_standard(
        &mut self,
        number: u8,
        extension: Extension<'a>,
        mut value: Reader<'a>,
    ) -> Result<bool, Failure> {
        match number {
            14 | 35 if extension.is_critical => {
                return Err(error("certificate: a key identifier must not be critical"));
            }
            14 => self.subject_key = Some(malformed(value.read(tag::OCTET_STRING))?.0),
            15 => self.key_usage = malformed(key_usage(value))?,
            17 => return self.alternative_names(malformed(value.read(tag::SEQUENCE))?),
            19 => self.basic = Some(malformed(basic_constraints(value))?),
            30 => {
                let (constraints, is_understood) = NameConstraints::read(value, extension.is_critical)?;
                self.name_constraints = Some(constraints);
                return Ok(is_understood);
            }
            31 => malformed(self.distribution_points(value))?,
            32 => self.policies = Some(malformed(policies(value))?),
            33 => self.has_policy_rules = malformed(policy_mappings(value))?,
            35 => {
                let mut identifier = malformed(value.read(tag::SEQUENCE))?;
                self.authority_key = malformed(identifier.optional(tag::context(0)))?.map(|bytes| bytes.0);
            }
            36 => self.has_policy_rules = malformed(policy_constraints(value))?,
            37 => self.extended_usages = malformed(extended_usages(value))?,
            54 => {
                malformed(value.small_integer())?;
                self.has_policy_rules = true;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Names of other kinds are skipped; a list of nothing else is not understood.
    fn alternative_names(&mut self, mut names: Reader<'a>) -> Result<bool, Failure> {
        while !names.is_empty() {
            let Element { tag, content, .. } = malformed(names.any())?;
            match tag ^ 0x80 {
                1 => self.email_addresses.push(malformed(ascii(content))?),
                2 => self.dns_names.push(malformed(ascii(content))?),
                6 => self.uris.push(plain_uri(malformed(ascii(content))?)?),
                7 if content.len() == 4 || content.len() == 16 => self.addresses.push(content),
                7 => return Err(error("certificate: malformed address")),
                _ => {}
            }
        }
        let nothing = self.email_addresses.is_empty() && self.dns_names.is_empty();
        Ok(!(nothing && self.uris.is_empty() && self.addresses.is_empty()))
    }

    fn distribution_points(&mut self, mut value: Reader<'a>) -> Option<()> {
        let mut points = value.read(tag::SEQUENCE)?;
        while !points.is_empty() {
            let mut point = points.read(tag::SEQUENCE)?;
            let Some(mut name) = point.optional(tag::constructed(0))? else { continue };
            let mut full = name.read(tag::constructed(0))?;
            while full.is_next(tag::context(6)) {
                self.revocation_lists.push(full.read(tag::context(6))?.0);
            }
        }
        Some(())
    }

    fn authority_information(&mut self, mut value: Reader<'a>) -> Option<()> {
        let mut descriptions = value.read(tag::SEQUENCE)?;
        while !descriptions.is_empty() {
            let mut description = descriptions.read(tag::SEQUENCE)?;
            let method = description.object_identifier()?;
            let Some(location) = description.optional(tag::context(6))? else { continue };
            match method {
                OCSP => self.ocsp_servers.push(location.0),
                ISSUERS => self.issuer_urls.push(location.0),
                _ => {}
            }
        }
        Some(())
    }
}

fn extension(mut fields: Reader<'_>) -> Option<Extension<'_>> {
    let identifier = fields.object_identifier()?;
    let is_critical = if fields.is_next(tag::BOOLEAN) { fields.boolean()? } else { false };
    Some(Extension { identifier, is_critical, value: fields.read(tag::OCTET_STRING)?.0 })
}

/// Bit by bit, the first bit of the string is the lowest.
fn key_usage(mut value: Reader<'_>) -> Option<u32> {
    let (bytes, _) = value.bit_string()?;
    let (first, second) = (bytes.first().copied().unwrap_or(0), bytes.get(1).copied().unwrap_or(0));
    Some(u32::from(first.reverse_bits()) | u32::from(second >> 7) << 8)
}

fn basic_constraints(mut value: Reader<'_>) -> Option<(bool, i64)> {
    let mut fields = value.read(tag::SEQUENCE)?;
    let is_authority = if fields.is_next(tag::BOOLEAN) { fields.boolean()? } else { false };
    let below = if fields.is_next(tag::INTEGER) { fields.small_integer().filter(|below| *below >= 0)? } else { -1 };
    Some((is_authority, below))
}

fn extended_usages(mut value: Reader<'_>) -> Option<Vec<&[u8]>> {
    let mut usages = value.read(tag::SEQUENCE)?;
    std::iter::from_fn(|| (!usages.is_empty()).then(|| usages.object_identifier())).collect()
}

/// The identifiers, each once. Their parts may be of any size.
fn policies(mut value: Reader<'_>) -> Option<Vec<&[u8]>> {
    let mut read = Vec::new();
    let mut seen = BTreeSet::new();
    let mut policies = value.read(tag::SEQUENCE)?;
    while !policies.is_empty() {
        let identifier = policies.read(tag::SEQUENCE)?.read(tag::OBJECT_IDENTIFIER)?.0;
        if !seen.insert(identifier) || !der::is_shortest_identifier(identifier) {
            return None;
        }
        read.push(identifier);
    }
    Some(read)
}

fn policy_mappings(mut value: Reader<'_>) -> Option<bool> {
    let mut mappings = value.read(tag::SEQUENCE)?;
    while !mappings.is_empty() {
        let mut mapping = mappings.read(tag::SEQUENCE)?;
        mapping.read(tag::OBJECT_IDENTIFIER)?;
        mapping.read(tag::OBJECT_IDENTIFIER)?;
    }
    Some(true)
}

fn policy_constraints(mut value: Reader<'_>) -> Option<bool> {
    let mut fields = value.read(tag::SEQUENCE)?;
    for number in [tag::context(0), tag::context(1)] {
        if let Some(number) = fields.optional(number)? {
            der::small(der::is_shortest_integer(number.0).then_some(number.0)?)?;
        }
    }
    Some(true)
}

/// The text of an IA5String.
pub(super) fn ascii(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii())
}

/// A URI that Go's `net/url` reads without a second thought: a scheme, an authority that is a name (with a port), a
/// path, and no escapes. Others might be refused, or be written in another form than they were read.
fn plain_uri(uri: &str) -> Result<&str, Failure> {
    let is_plain =
        |text: &str, more: &[u8]| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte));
    let plain = uri.split_once("://").is_some_and(|(scheme, rest)| {
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && is_plain(scheme, b"+-.")
            && !scheme.contains(|letter: char| letter.is_ascii_uppercase())
            && host.split('.').all(|label| !label.is_empty() && is_plain(label, b"-_"))
            && is_plain(path, b"/-._~@:")
    });
    if plain { Ok(uri) } else { Err(Failure::Inexact("a URI of a certificate that is not plain")) }
}
