//! `crypto.x509.parse_and_verify_certificates` and its twin with options.

use super::super::pki::error;
use super::super::{Context, Failure};
use super::chain::{self, Demands};
use super::{describe, input};
use regorus::Value;

/// The usage that is demanded if none is named: a server's.
const SERVER: u8 = 1;

/// `[true, chain from the leaf to the root]`, or `[false, []]`.
pub(super) fn parse_and_verify(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [Value::String(text)] = args else { return Err(error("crypto.x509: wants a string")) };
    let demands = Demands { now_ns: context.moment().now_ns, usages: vec![SERVER] };
    verify(context, text, |_| Ok(demands), true)
}

/// With `CurrentTime` and `KeyUsages`. Certificates that cannot be read are told before options that cannot.
pub(super) fn parse_and_verify_with_options(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [Value::String(text), options @ Value::Object(_)] = args else {
        return Err(error("crypto.x509: wants a string and an object"));
    };
    verify(context, text, |context| demands(context, options), false)
}

fn verify(
    context: &mut Context,
    text: &str,
    demands: impl FnOnce(&Context) -> Result<Demands, Failure>,
    with_uri_strings: bool,
) -> Result<Value, Failure> {
    let refused = || Value::from(vec![Value::from(false), Value::new_array()]);
    let der = match input::bytes(context, text) {
        Err(Failure::Error(_)) => return Ok(refused()),
        read => read?,
    };
    let certificates = match input::certificates(&der) {
        Err(Failure::Error(_)) => return Ok(refused()),
        read => read?,
    };
    let demands = demands(context)?;
    let Some(chain) = chain::verify(context, &certificates, &demands)? else { return Ok(refused()) };
    let mut described = Vec::new();
    for certificate in chain {
        described.push(describe::certificate(certificate, with_uri_strings)?);
    }
    Ok(Value::from(vec![Value::from(true), Value::from(described)]))
}

fn demands(context: &Context, options: &Value) -> Result<Demands, Failure> {
    let mut demands = Demands { now_ns: context.moment().now_ns, usages: Vec::new() };
    let members = options.as_object().map_err(|_| error("crypto.x509: options must be an object"))?;
    for (name, value) in members.iter() {
        // Names that are no strings are passed over.
        let Value::String(name) = name else { continue };
        match (&**name, value) {
            ("DNSName", Value::String(host)) if host.trim_matches('"').is_empty() => {}
            ("DNSName", Value::String(_)) => return Err(Failure::Inexact("a host name to be verified")),
            ("CurrentTime", Value::Number(time)) => demands.now_ns = integer(time.as_i64())?,
            ("MaxConstraintComparisons", Value::Number(most)) => drop(integer(most.as_i64())?),
            ("KeyUsages", Value::Array(names)) => demands.usages = usages(names.iter())?,
            ("KeyUsages", Value::Set(names)) => demands.usages = usages(names.iter())?,
            _ => return Err(error("crypto.x509: unknown option, or one of the wrong type")),
        }
    }
    if demands.usages.is_empty() {
        demands.usages.push(SERVER);
    }
    Ok(demands)
}

fn integer(number: Option<i64>) -> Result<i64, Failure> {
    number.ok_or(error("crypto.x509: an option must be an integer of 64 bits"))
}

/// What is no string is passed over.
fn usages<'a>(names: impl Iterator<Item = &'a Value>) -> Result<Vec<u8>, Failure> {
    const NAMES: [&str; 14] = [
        "KeyUsageAny",
        "KeyUsageServerAuth",
        "KeyUsageClientAuth",
        "KeyUsageCodeSigning",
        "KeyUsageEmailProtection",
        "KeyUsageIPSECEndSystem",
        "KeyUsageIPSECTunnel",
        "KeyUsageIPSECUser",
        "KeyUsageTimeStamping",
        "KeyUsageOCSPSigning",
        "KeyUsageMicrosoftServerGatedCrypto",
        "KeyUsageNetscapeServerGatedCrypto",
        "KeyUsageMicrosoftCommercialCodeSigning",
        "KeyUsageMicrosoftKernelCodeSigning",
    ];
    let number = |name: &str| NAMES.iter().position(|known| *known == name).and_then(|found| u8::try_from(found).ok());
    names
        .filter_map(|name| name.as_string().ok())
        .map(|name| number(name.trim_matches('"')).ok_or(error("crypto.x509: unknown key usage")))
        .collect()
}
