//! What HTTP can carry. A policy may build headers from what a client sent, so what would end a line, or change where
//! a message ends, must not get out: one request would become two.

use super::read::Unusable;
use super::{Header, Mutations, Reply};
use crate::http::{is_framing_header, is_header_name, is_header_value, is_path, is_query_text, is_token};

/// Envoy takes a header list of more than 1,024 pairs or 1 MiB for empty, without a word (trap T12): a decision
/// with more than this is refused instead.
const MAX_PAIRS: usize = 512;
const MAX_BYTES: usize = 256 * 1024;

/// Whether the changes can be made to a request and its response.
pub(super) fn mutations(mutations: &Mutations) -> Result<(), Unusable> {
    bounded("headers", &mutations.set_request_headers)?;
    bounded("response_headers_to_add", &mutations.add_response_headers)?;
    bounded("query_parameters_to_set", &mutations.query.set)?;
    each("headers", &mutations.set_request_headers, is_fine_for_request)?;
    each("response_headers_to_add", &mutations.add_response_headers, is_fine_for_response)?;
    // They become part of `:path` as they are; `&` begins another parameter, as it does in Envoy.
    each("query_parameters_to_set", &mutations.query.set, |(name, value)| is_query_text(name) && is_query_text(value))?;
    removals("request_headers_to_remove", &mutations.remove_request_headers)?;
    if mutations.query.remove.len() > MAX_PAIRS {
        return Err(too_many("query_parameters_to_remove"));
    }
    Ok(())
}

/// Whether the reply can be sent.
pub(super) fn reply(reply: &Reply) -> Result<(), Unusable> {
    bounded("headers", &reply.headers)?;
    each("headers", &reply.headers, is_plain)
}

/// Four pseudo-headers may be set, the framing may not.
fn is_fine_for_request(header: &Header) -> bool {
    let (name, value) = header;
    match name.as_str() {
        ":path" => is_path(value),
        ":method" => is_token(value.as_bytes()),
        ":authority" | ":scheme" => is_header_value(value.as_bytes()),
        name => is_plain(header) && !is_framing_header(name),
    }
}

/// Envoy would add a second length to the upstream's.
fn is_fine_for_response(header: &Header) -> bool {
    is_plain(header) && header.0 != "content-length"
}

fn is_plain((name, value): &Header) -> bool {
    is_header_name(name.as_bytes()) && is_header_value(value.as_bytes())
}

/// Without these two an upgrade that was decided at its head would become a request with a body nobody judged.
fn removals(key: &str, names: &[String]) -> Result<(), Unusable> {
    if names.len() > MAX_PAIRS {
        return Err(too_many(key));
    }
    match names.iter().find(|name| matches!(name.as_str(), "connection" | "upgrade")) {
        Some(name) => Err(Unusable::Mutation(format!("`{key}` holds `{name}`, which a policy may not remove"))),
        None => Ok(()),
    }
}

fn each(key: &str, pairs: &[Header], is_fine: impl Fn(&Header) -> bool) -> Result<(), Unusable> {
    match pairs.iter().position(|pair| !is_fine(pair)) {
        Some(index) => Err(Unusable::Mutation(format!(
            "`{key}`: name or value number {index} cannot be sent, or belongs to the proxy"
        ))),
        None => Ok(()),
    }
}

fn bounded(key: &str, pairs: &[Header]) -> Result<(), Unusable> {
    let bytes =
        pairs.iter().fold(0_usize, |sum, (name, value)| sum.saturating_add(name.len()).saturating_add(value.len()));
    if pairs.len() > MAX_PAIRS || bytes > MAX_BYTES { Err(too_many(key)) } else { Ok(()) }
}

fn too_many(key: &str) -> Unusable {
    Unusable::Mutation(format!("`{key}` has more than {MAX_PAIRS} entries or {MAX_BYTES} bytes"))
}
