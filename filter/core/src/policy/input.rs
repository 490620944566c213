//! Members of `input` that this filter does not build yet.

use regorus::unstable::Span;

use super::error::PolicyError;

/// Paths below `input` that opa-envoy-plugin provides and this filter does not (opa-envoy-contract
/// 1.1, 1.2).
///
/// A policy that reads one is refused. `rawBody` and `headerMap` exist only under the `ext_authz`
/// options `pack_as_bytes` and `encode_raw_headers`; the filter acts as if both were off, so a read
/// of all of `request.http` is right without them, and only naming them is refused.
pub(super) const UNPROVIDED: &[&[&str]] = &[
    &["attributes", "contextExtensions"],
    &["attributes", "destination"],
    &["attributes", "request", "http", "headerMap"],
    &["attributes", "request", "http", "rawBody"],
    &["attributes", "source"],
    &["attributes", "tlsSession"],
    &["source_principal"],
];

/// Checks a reference to `input` whose keys begin with the constants `keys`.
///
/// The whole of `input` or of `input.attributes` includes unprovided members, so a reference must go
/// past both with constant keys.
pub(super) fn check(span: &Span, keys: &[String]) -> Result<(), PolicyError> {
    match keys {
        [] => Err(PolicyError::at(
            span,
            "`input` as a whole is not available inline; name a member, as in input.parsed_path",
        )),
        [only] if only == "attributes" => Err(PolicyError::at(
            span,
            "`input.attributes` as a whole is not available inline; name a member, as in input.attributes.request",
        )),
        _ => match UNPROVIDED.iter().find(|path| starts_with(keys, path)) {
            Some(path) => Err(PolicyError::at(
                span,
                format!("`input.{}` is not available inline yet; it comes later", path.join(".")),
            )),
            None => Ok(()),
        },
    }
}

fn starts_with(keys: &[String], path: &[&str]) -> bool {
    keys.len() >= path.len() && keys.iter().zip(path).all(|(key, want)| key == want)
}
