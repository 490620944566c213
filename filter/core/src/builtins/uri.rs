//! `uri.parse` and `uri.is_valid`, which are Go's `url.Parse`.

use super::encoding::decoded;
use super::operands::{arity, text};
use super::percent::{Part, escape, unescape};
use super::{Builtin, Context, Failure, own};
use regorus::Value;
use std::collections::BTreeMap;
use std::net::Ipv6Addr;

pub(super) const TABLE: &[Builtin] = &[own("uri.is_valid", 1, is_valid), own("uri.parse", 1, parse)];

/// The parts that OPA shows.
#[derive(Default)]
struct Uri {
    scheme: String,
    host: Vec<u8>,
    path: Vec<u8>,
    /// The path as it was written, if Go would not write it that way.
    raw_path: Option<String>,
    query: String,
    fragment: Vec<u8>,
}

/// The empty text is a relative reference, but not for OPA.
fn is_valid(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(arity()) };
    let Value::String(text) = value else { return Ok(Value::from(false)) };
    match read(context, text) {
        Ok(_) => Ok(Value::from(!text.is_empty())),
        Err(Failure::Error(_)) => Ok(Value::from(false)),
        Err(other) => Err(other),
    }
}

fn parse(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [value] = args else { return Err(arity()) };
    let uri = read(context, text(value)?)?;
    let (host, port) = host_and_port(&uri.host);
    let raw_path = uri.raw_path.map_or_else(|| uri.path.clone(), String::into_bytes);
    let parts = [
        ("scheme", uri.scheme.into_bytes()),
        ("hostname", host.to_vec()),
        ("port", port.to_vec()),
        ("path", uri.path),
        ("raw_path", raw_path),
        ("raw_query", uri.query.into_bytes()),
        ("fragment", uri.fragment),
    ];
    let mut object = BTreeMap::new();
    for (name, part) in parts {
        if !part.is_empty() {
            object.insert(Value::from(name), decoded(part)?);
        }
    }
    Ok(Value::from(object))
}

fn malformed() -> Failure {
    Failure::Error("is no URI".into())
}

fn read(context: &mut Context, text: &str) -> Result<Uri, Failure> {
    context.work(text.len().saturating_mul(8))?;
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    let mut uri = Uri::default();
    read_before_fragment(&mut uri, text)?;
    uri.fragment = unescape(fragment, Part::Fragment)?;
    Ok(uri)
}

fn read_before_fragment(uri: &mut Uri, text: &str) -> Result<(), Failure> {
    if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
        return Err(malformed());
    }
    if text == "*" {
        uri.path = text.into();
        return Ok(());
    }
    let (scheme, rest) = scheme(text)?;
    uri.scheme = scheme.to_ascii_lowercase();
    let (mut rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    uri.query = query.to_owned();
    if !rest.starts_with('/') {
        if !scheme.is_empty() {
            // `mailto:someone`: nothing that OPA shows.
            return Ok(());
        }
        let (segment, _) = rest.split_once('/').unwrap_or((rest, ""));
        if segment.contains(':') {
            return Err(malformed());
        }
    }
    let with_authority = rest.strip_prefix("//").filter(|_| !scheme.is_empty() || !rest.starts_with("///"));
    if let Some(authority) = with_authority {
        let path = authority.find('/').unwrap_or(authority.len());
        let (authority, path) = authority.split_at_checked(path).unwrap_or((authority, ""));
        uri.host = authority_of(&uri.scheme, authority)?;
        rest = path;
    }
    uri.path = unescape(rest, Part::Path)?;
    let mut written = String::new();
    escape(&mut written, &uri.path, Part::Path);
    uri.raw_path = (written != rest).then(|| rest.to_owned());
    Ok(())
}

/// The scheme before the first colon, if nothing stands there that no scheme has; and what follows.
fn scheme(text: &str) -> Result<(&str, &str), Failure> {
    let Some((before, behind)) = text.split_once(':') else { return Ok(("", text)) };
    let mut bytes = before.bytes();
    let Some(first) = bytes.next() else { return Err(malformed()) };
    let valid = bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    Ok(if first.is_ascii_alphabetic() && valid { (before, behind) } else { ("", text) })
}

/// The host; who the user is, is checked only.
fn authority_of(scheme: &str, authority: &str) -> Result<Vec<u8>, Failure> {
    let Some((user, host)) = authority.rsplit_once('@') else { return host_of(scheme, authority) };
    let host = host_of(scheme, host)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(allowed) {
        return Err(malformed());
    }
    unescape(user, Part::UserInfo)?;
    Ok(host)
}

fn host_of(scheme: &str, host: &str) -> Result<Vec<u8>, Failure> {
    match host.rfind('[') {
        Some(0) => return address(host),
        Some(_) => return Err(malformed()),
        None => {}
    }
    let strict = matches!(scheme, "http" | "https");
    let colon = if strict { host.find(':') } else { host.rfind(':') };
    if colon.and_then(|colon| host.get(colon..)).is_some_and(|port| !is_port(port)) {
        return Err(malformed());
    }
    unescape(host, Part::Host)
}

/// `[::1]:80`, `[fe80::1%25en0]`
fn address(host: &str) -> Result<Vec<u8>, Failure> {
    let (inside, port) = host.strip_prefix('[').and_then(|host| host.rsplit_once(']')).ok_or_else(malformed)?;
    if !is_port(port) {
        return Err(malformed());
    }
    let mut address = match inside.find("%25").and_then(|zone| inside.split_at_checked(zone)) {
        Some((address, zone)) => {
            let mut address = unescape(address, Part::Host)?;
            address.extend(unescape(zone, Part::Zone)?);
            address
        }
        None => unescape(inside, Part::Host)?,
    };
    let mut parts = address.splitn(2, |byte| *byte == b'%');
    let number = parts.next().and_then(|number| std::str::from_utf8(number).ok());
    let zone = parts.next();
    if zone.is_some_and(<[u8]>::is_empty) || number.is_none_or(|number| number.parse::<Ipv6Addr>().is_err()) {
        return Err(malformed());
    }
    address.insert(0, b'[');
    address.push(b']');
    address.extend(port.as_bytes());
    Ok(address)
}

/// Nothing, or a colon and digits.
fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The host without brackets, and the port.
fn host_and_port(host: &[u8]) -> (&[u8], &[u8]) {
    let colon = host.iter().rposition(|byte| *byte == b':');
    let split = colon.and_then(|colon| Some((host.get(..colon)?, host.get(colon.saturating_add(1)..)?)));
    let (host, port) = match split {
        Some((host, port)) if port.iter().all(u8::is_ascii_digit) => (host, port),
        _ => (host, &[][..]),
    };
    let inside = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]"));
    (inside.unwrap_or(host), port)
}
