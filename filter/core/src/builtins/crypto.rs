//! `crypto.*` without x509: digests and HMAC, as lower-case hex.

use super::{Builtin, Context, Failure, own};
use hmac::digest::{Digest, FixedOutputReset};
use hmac::{KeyInit, Mac, SimpleHmac};
use md5::Md5;
use regorus::Value;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

pub(super) const TABLE: &[Builtin] = &[
    own("crypto.md5", 1, digest::<Md5>),
    own("crypto.sha1", 1, digest::<Sha1>),
    own("crypto.sha256", 1, digest::<Sha256>),
    own("crypto.hmac.md5", 2, hmac::<Md5>),
    own("crypto.hmac.sha1", 2, hmac::<Sha1>),
    own("crypto.hmac.sha256", 2, hmac::<Sha256>),
    own("crypto.hmac.sha512", 2, hmac::<Sha512>),
    own("crypto.hmac.equal", 2, equal),
];

/// How much more a hashed byte costs than a copied one.
const HASHING: usize = 16;

/// The texts of all arguments, paid for as bytes to be hashed.
fn texts<'a, const N: usize>(context: &mut Context, args: &'a [Value]) -> Result<[&'a str; N], Failure> {
    let mut texts = [""; N];
    for (text, arg) in texts.iter_mut().zip(args) {
        let Value::String(arg) = arg else {
            return Err(Failure::Error("crypto: wants strings".into()));
        };
        context.work(arg.len().saturating_mul(HASHING))?;
        *text = arg;
    }
    Ok(texts)
}

fn digest<D: Digest>(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [text] = texts(context, args)?;
    Ok(Value::from(hex(&D::digest(text))))
}

fn hmac<D>(context: &mut Context, args: &[Value]) -> Result<Value, Failure>
where
    D: Digest + FixedOutputReset + hmac::digest::block_api::BlockSizeUser + Clone,
{
    let [message, key] = texts(context, args)?;
    let mut mac = SimpleHmac::<D>::new_from_slice(key.as_bytes())
        .map_err(|_| Failure::Inexact("an HMAC key that cannot be taken"))?;
    mac.update(message.as_bytes());
    Ok(Value::from(hex(&mac.finalize().into_bytes())))
}

/// Whether two texts are equal, in a time that depends on their lengths only.
fn equal(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [left, right] = texts(context, args)?;
    Ok(Value::from(bool::from(left.as_bytes().ct_eq(right.as_bytes()))))
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().map_or('0', char::from);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
