//! `crypto.x509.*`.
//!
//! Not inline, because policies that decide requests have no use for them and Go's answers are long: key pairs
//! (`parse_keypair`).

mod chain;
mod describe;
mod identifiers;
mod input;
mod private;
mod request;
mod verify;

use super::pki::error;
use super::{Builtin, Context, Failure, Function, Purity, own};
use regorus::Value;

pub(super) const TABLE: &[Builtin] = &[
    own("crypto.x509.parse_certificate_request", 1, request::parse_certificate_request),
    own("crypto.parse_private_keys", 1, private::parse_private_keys),
    own("crypto.x509.parse_rsa_private_key", 1, private::parse_rsa_private_key),
    own("crypto.x509.parse_certificates", 1, parse_certificates),
    at_a_time("crypto.x509.parse_and_verify_certificates", 1, verify::parse_and_verify),
    at_a_time("crypto.x509.parse_and_verify_certificates_with_options", 2, verify::parse_and_verify_with_options),
];

/// A builtin that depends on the clock.
const fn at_a_time(name: &'static str, arity: usize, function: Function) -> Builtin {
    Builtin { name, arity, purity: Purity::Clock, run: function }
}

/// Everything that Go's `x509.Certificate` holds, one object a certificate.
fn parse_certificates(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [Value::String(text)] = args else { return Err(error("crypto.x509: wants a string")) };
    let der = input::bytes(context, text)?;
    let certificates = input::certificates(&der)?;
    Ok(Value::from(certificates.iter().map(|one| describe::certificate(one, true)).collect::<Result<Vec<_>, _>>()?))
}
