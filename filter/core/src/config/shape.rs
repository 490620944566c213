//! The keys that shape the input document, checked.

use super::compiled::{bounded_usize, header_name};
use super::error::ConfigError;
use super::raw;
use crate::request::{DEFAULT_JSON_DEPTH, HeaderFilter, Labels, Matcher, Namespaces, Shape, SourceAddress};

const MAX_NAMESPACES: usize = 64;
const MAX_PATTERNS: usize = 64;
/// What the stack of a wasm worker survives twice over: values are read, compared, written and dropped recursively. In
/// Envoy 1.40 a body of depth 2,000 passed and one of 3,000 trapped.
const MAX_JSON_DEPTH: u64 = 1_000;

pub(super) fn shape(raw: &raw::Config) -> Result<Shape, ConfigError> {
    if cfg!(not(feature = "grpc")) && raw.proto_descriptor.is_some() {
        return Err(ConfigError::new("proto_descriptor", "this module was built without the feature `grpc`"));
    }
    Ok(Shape {
        pack_as_bytes: raw.with_request_body.as_ref().is_some_and(|body| body.0.pack_as_bytes),
        skip_body_parse: raw.skip_request_body_parse,
        raw_headers: raw.encode_raw_headers,
        headers: HeaderFilter {
            allowed: matchers(raw.allowed_headers.as_ref(), "allowed_headers")?,
            disallowed: matchers(raw.disallowed_headers.as_ref(), "disallowed_headers")?.unwrap_or_default(),
        },
        peer_certificate: raw.include_peer_certificate,
        tls_session: raw.include_tls_session,
        metadata: Namespaces {
            plain: namespaces(&raw.metadata_context_namespaces, "metadata_context_namespaces")?,
            typed: namespaces(&raw.typed_metadata_context_namespaces, "typed_metadata_context_namespaces")?,
        },
        route_metadata: Namespaces {
            plain: namespaces(&raw.route_metadata_context_namespaces, "route_metadata_context_namespaces")?,
            typed: namespaces(&raw.route_typed_metadata_context_namespaces, "route_typed_metadata_context_namespaces")?,
        },
        labels: raw.bootstrap_metadata_labels_key.clone().map(Labels::new),
        source_address: raw.source_address.as_deref().map(source_address).transpose()?,
        context_extensions: raw.route_overrides,
        json_depth: json_depth(raw.limits.0.json_depth)?,
        #[cfg(feature = "grpc")]
        services: raw.proto_descriptor.as_deref().map(services).transpose()?,
    })
}

fn matchers(list: Option<&raw::Object<raw::HeaderList>>, path: &str) -> Result<Option<Vec<Matcher>>, ConfigError> {
    let Some(list) = list else {
        return Ok(None);
    };
    let patterns = &list.0.patterns;
    if patterns.len() > MAX_PATTERNS {
        return Err(ConfigError::new(format!("{path}.patterns"), format!("at most {MAX_PATTERNS} are allowed")));
    }
    let matchers =
        patterns.iter().enumerate().map(|(index, pattern)| matcher(&pattern.0, &format!("{path}.patterns[{index}]")));
    matchers.collect::<Result<_, _>>().map(Some)
}

/// Header names are compared in lower case. Without `ignore_case` a pattern with upper case matches nothing, as in
/// Envoy.
fn matcher(raw: &raw::Pattern, path: &str) -> Result<Matcher, ConfigError> {
    let text = |text: &String| if raw.ignore_case { text.to_ascii_lowercase() } else { text.clone() };
    let regex = raw.safe_regex.as_ref().map(|regex| {
        Matcher::regex(&regex.0.regex).map_err(|error| ConfigError::new(format!("{path}.safe_regex.regex"), error))
    });
    let given = [
        raw.exact.as_ref().map(|exact| Ok(Matcher::Exact(text(exact)))),
        raw.prefix.as_ref().map(|prefix| Ok(Matcher::Prefix(text(prefix)))),
        raw.suffix.as_ref().map(|suffix| Ok(Matcher::Suffix(text(suffix)))),
        raw.contains.as_ref().map(|contains| Ok(Matcher::Contains(text(contains)))),
        regex,
    ];
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(matcher), None) => matcher,
        _ => Err(ConfigError::new(
            path,
            "must have exactly one of `exact`, `prefix`, `suffix`, `contains`, `safe_regex`",
        )),
    }
}

fn namespaces(names: &[String], path: &str) -> Result<Vec<String>, ConfigError> {
    if names.len() > MAX_NAMESPACES {
        return Err(ConfigError::new(path, format!("at most {MAX_NAMESPACES} are allowed")));
    }
    Ok(names.to_vec())
}

fn source_address(text: &str) -> Result<SourceAddress, ConfigError> {
    const PATH: &str = "source_address";
    match text.strip_prefix("header:") {
        Some(name) => header_name(name, PATH).map(SourceAddress::Header),
        None if text == "request" => Ok(SourceAddress::Request),
        None => Err(ConfigError::new(PATH, format!("must be \"request\" or \"header:NAME\", not `{text}`"))),
    }
}

fn json_depth(raw: Option<u64>) -> Result<usize, ConfigError> {
    let default = u64::try_from(DEFAULT_JSON_DEPTH).unwrap_or(MAX_JSON_DEPTH);
    bounded_usize(raw, "limits.json_depth", default, 1, MAX_JSON_DEPTH)
}

#[cfg(feature = "grpc")]
fn services(text: &str) -> Result<crate::request::Services, ConfigError> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let error = |message: String| ConfigError::new("proto_descriptor", message);
    let bytes = STANDARD.decode(text).map_err(|cause| error(format!("is not base64: {cause}")))?;
    crate::request::Services::new(&bytes)
        .map_err(|cause| error(format!("is not a whole FileDescriptorSet (protoc --include_imports): {cause}")))
}
