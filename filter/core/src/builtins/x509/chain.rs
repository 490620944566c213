//! Chains of certificates, found and judged as Go's `Certificate.Verify` does.

use super::super::jwt::algorithm::{Algorithm, Hash};
use super::super::jwt::signature::{self, Form};
use super::super::pki::certificate::Certificate;
use super::super::pki::der::{Reader, tag};
use super::super::pki::key::PublicKey;
use super::super::{Context, Failure};
use super::identifiers;

/// Most signatures that Go looks at in search of a chain.
const MAX_CHECKS: usize = 100;

/// Key usage: may sign certificates.
const CERTIFICATE_SIGNING: u32 = 1 << 5;

/// What is demanded of a chain.
pub(super) struct Demands {
    /// Nanoseconds since the epoch.
    pub now_ns: i64,
    /// Extended usages by Go's numbers: one of them must be allowed all along.
    pub usages: Vec<u8>,
}

/// Any usage, by Go's number.
const ANY: u8 = 0;

type Chain<'c, 'a> = Vec<&'c Certificate<'a>>;

/// A search under way.
struct Search<'c, 'a> {
    root: &'c Certificate<'a>,
    between: Vec<&'c Certificate<'a>>,
    demands: &'c Demands,
    checks: usize,
    found: Vec<Chain<'c, 'a>>,
}

/// The first chain from the last certificate to the first by way of the others; `None` if there is none.
///
/// # Errors
/// Name constraints or policies have a say, or the search is too long.
pub(super) fn verify<'c, 'a>(
    context: &mut Context,
    certificates: &'c [Certificate<'a>],
    demands: &'c Demands,
) -> Result<Option<Chain<'c, 'a>>, Failure> {
    let [root, others @ .., leaf] = certificates else { return Ok(None) };
    let rules = |certificate: &Certificate<'_>| {
        certificate.extensions.name_constraints.is_some() || certificate.extensions.has_policy_rules
    };
    if certificates.iter().any(rules) {
        return Err(Failure::Inexact("a chain with name constraints or policy rules"));
    }
    if !is_valid(leaf, None, demands) {
        return Ok(None);
    }
    let mut between: Vec<&Certificate<'_>> = Vec::new();
    for other in others {
        context.work(between.len().saturating_mul(64))?;
        if !between.iter().any(|known| known.raw == other.raw) {
            between.push(other);
        }
    }
    let mut search = Search { root, between, demands, checks: 0, found: Vec::new() };
    if root.raw == leaf.raw {
        search.found.push(vec![leaf]);
    } else {
        search.extend(context, &vec![leaf])?;
    }
    Ok(search.found.into_iter().find(|chain| allows_usage(chain, &demands.usages)))
}

impl<'c, 'a> Search<'c, 'a> {
    /// Adds to what is found all chains that go on from this one.
    fn extend(&mut self, context: &mut Context, chain: &Chain<'c, 'a>) -> Result<(), Failure> {
        let Some(child) = chain.last().copied() else { return Ok(()) };
        if child.issuer.raw == self.root.subject.raw && self.fits(context, self.root, child, chain, true)? {
            self.found.push(chain.iter().copied().chain([self.root]).collect());
        }
        for parent in self.parents(child) {
            if self.fits(context, parent, child, chain, false)? {
                self.extend(context, &chain.iter().copied().chain([parent]).collect())?;
            }
        }
        Ok(())
    }

    /// Those that might have issued it, the most likely first.
    fn parents(&self, child: &Certificate<'_>) -> Vec<&'c Certificate<'a>> {
        let wanted = child.extensions.authority_key.unwrap_or_default();
        let rank = |parent: &&Certificate<'_>| {
            let has = parent.extensions.subject_key.unwrap_or_default();
            match (has == wanted, has.is_empty() != wanted.is_empty()) {
                (true, _) => 0_u8,
                (_, true) => 1,
                _ => 2,
            }
        };
        let named = self.between.iter().copied().filter(|parent| parent.subject.raw == child.issuer.raw);
        (0..=2).flat_map(|level| named.clone().filter(move |parent| rank(parent) == level)).collect()
    }

    /// Whether the parent issued the child and may stand above it.
    fn fits(
        &mut self,
        context: &mut Context,
        parent: &Certificate<'_>,
        child: &Certificate<'_>,
        chain: &Chain<'c, 'a>,
        is_root: bool,
    ) -> Result<bool, Failure> {
        self.checks = self.checks.saturating_add(1);
        if self.checks > MAX_CHECKS {
            return Err(Failure::Inexact("a search for a chain that Go gives up"));
        }
        let has_key = identifiers::key_of(parent.key_info)? != 0;
        let is_authority = parent.extensions.basic.is_some_and(|(is_authority, _)| is_authority);
        let may_sign = has_key
            && !chain.iter().any(|known| is_same(known, parent))
            && (is_authority || (parent.version != 3 && parent.extensions.basic.is_none()))
            && (parent.extensions.key_usage == 0 || parent.extensions.key_usage & CERTIFICATE_SIGNING != 0);
        Ok(may_sign
            && is_signed(context, parent, child)?
            && is_valid(parent, Some(chain.len()), self.demands)
            && (is_root || is_authority))
    }
}

/// The same subject with the same key and the same alternative names.
fn is_same(left: &Certificate<'_>, right: &Certificate<'_>) -> bool {
    let names = |certificate: &Certificate<'_>| {
        let all = &certificate.extensions.all;
        all.iter().find(|extension| extension.identifier == [0x55, 0x1d, 17]).map(|found| found.value.to_vec())
    };
    left.subject.raw == right.subject.raw && left.key_info == right.key_info && names(left) == names(right)
}

/// In its time, nothing critical unknown, and not above too many others (the leaf does not count).
fn is_valid(certificate: &Certificate<'_>, below: Option<usize>, demands: &Demands) -> bool {
    let at = |seconds: i64| i128::from(seconds).saturating_mul(1_000_000_000);
    let now = i128::from(demands.now_ns);
    let intermediates = below.map_or(-1, |below| i64::try_from(below).unwrap_or(i64::MAX).saturating_sub(1));
    let is_deep = certificate.extensions.basic.is_some_and(|(_, most)| most >= 0 && intermediates > most);
    certificate.extensions.unhandled.is_empty()
        && now >= at(certificate.not_before)
        && now <= at(certificate.not_after)
        && !is_deep
}

/// SHA-1 and MD5 sign nothing.
fn is_signed(context: &mut Context, parent: &Certificate<'_>, child: &Certificate<'_>) -> Result<bool, Failure> {
    let (algorithm, signature) = match identifiers::signature(child.algorithm)? {
        4 => (Algorithm::RsaPkcs1(Hash::Sha256), Some(child.signature.to_vec())),
        5 => (Algorithm::RsaPkcs1(Hash::Sha384), Some(child.signature.to_vec())),
        6 => (Algorithm::RsaPkcs1(Hash::Sha512), Some(child.signature.to_vec())),
        10 => (Algorithm::Ecdsa(Hash::Sha256), numbers(child.signature, &parent.key)),
        11 => (Algorithm::Ecdsa(Hash::Sha384), numbers(child.signature, &parent.key)),
        12 => (Algorithm::Ecdsa(Hash::Sha512), numbers(child.signature, &parent.key)),
        16 => (Algorithm::Ed25519, Some(child.signature.to_vec())),
        _ => return Ok(false),
    };
    let Some(signature) = signature else { return Ok(false) };
    signature::verify(context, &parent.key, algorithm, Form::Strict, child.signed, &signature)
}

/// The two numbers of an ECDSA signature in DER, as long as the curve's.
fn numbers(der: &[u8], key: &PublicKey) -> Option<Vec<u8>> {
    let size = key.curve()?.size();
    let mut outer = Reader(der);
    let mut inner = outer.read(tag::SEQUENCE)?;
    let mut fixed = Vec::new();
    for number in [inner.unsigned()?, inner.unsigned()?] {
        fixed.resize(fixed.len().checked_add(size.checked_sub(number.len())?)?, 0);
        fixed.extend(number);
    }
    (outer.is_empty() && inner.is_empty()).then_some(fixed)
}

/// Whether one of the usages is allowed by every certificate that names any.
fn allows_usage(chain: &Chain<'_, '_>, demanded: &[u8]) -> bool {
    let allows = |certificate: &Certificate<'_>, usage: u8| {
        let named = &certificate.extensions.extended_usages;
        let known = named.iter().filter_map(|named| identifiers::usage(named));
        named.is_empty() || known.into_iter().any(|named| named == usage || named == ANY)
    };
    demanded.contains(&ANY) || demanded.iter().any(|usage| chain.iter().all(|certificate| allows(certificate, *usage)))
}
