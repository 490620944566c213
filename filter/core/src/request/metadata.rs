//! Metadata of requests, routes and the node: protobuf as the proxy hands it over → values.
//!
//! The proxy is asked for whole messages, for only those keep the types: of a single namespace it hands out text,
//! numbers and truth values without telling which is which.

use crate::host::{Host, HostError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use prost_types::value::Kind;
use prost_types::{Any, Struct};
use regorus::Value;
use regorus::value::Object;
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// `envoy.config.core.v3.Metadata`.
#[derive(Clone, PartialEq, Message)]
pub struct Metadata {
    /// Plain metadata by namespace.
    #[prost(btree_map = "string, message", tag = "1")]
    filter_metadata: BTreeMap<String, Struct>,
    /// Typed metadata by namespace.
    #[prost(btree_map = "string, message", tag = "2")]
    typed_filter_metadata: BTreeMap<String, Any>,
}

/// As much of `envoy.config.core.v3.Node` as is read.
#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(message, optional, tag = "3")]
    metadata: Option<Struct>,
}

/// The namespaces that the input document shows.
#[derive(Debug, Default)]
pub struct Namespaces {
    /// Of plain metadata.
    pub plain: Vec<String>,
    /// Of typed metadata.
    pub typed: Vec<String>,
}

/// `destination.labels`, from the metadata of the proxy's own node.
#[derive(Debug)]
pub struct Labels {
    key: String,
    /// The node does not change while the process lives.
    read: OnceCell<Option<Value>>,
}

impl Metadata {
    /// The metadata of the request, as filters before this one left it.
    ///
    /// # Errors
    /// The proxy did not tell.
    pub fn of_request(host: &dyn Host) -> Result<Self, HostError> {
        Self::read(&host.property(&["metadata"])?.unwrap_or_default())
    }

    /// The metadata of the route that was picked first; none if there is no route.
    ///
    /// # Errors
    /// The proxy did not tell.
    pub fn of_route(host: &dyn Host) -> Result<Self, HostError> {
        Self::read(&host.route_metadata()?)
    }

    /// From the message's bytes.
    ///
    /// # Errors
    /// They are no such message.
    pub fn read(bytes: &[u8]) -> Result<Self, HostError> {
        Self::decode(bytes).map_err(|_| HostError)
    }

    /// The plain metadata of one namespace.
    ///
    /// # Errors
    /// It holds what has no JSON.
    pub fn namespace(&self, name: &str) -> Result<Option<BTreeMap<String, Value>>, HostError> {
        self.filter_metadata.get(name).map(members).transpose()
    }

    /// `metadataContext` or `routeMetadataContext`: what of this is selected; `{}` when nothing is.
    ///
    /// # Errors
    /// It holds what has no JSON.
    pub fn context(&self, selected: &Namespaces) -> Result<Value, HostError> {
        let mut plain = Object::new();
        for name in &selected.plain {
            if let Some(members) = self.filter_metadata.get(name) {
                plain.insert(Value::from(name.as_str()), object(members)?);
            }
        }
        let typed: Object = selected
            .typed
            .iter()
            .filter_map(|name| Some((Value::from(name.as_str()), any(self.typed_filter_metadata.get(name)?))))
            .collect();
        let members = [("filterMetadata", plain), ("typedFilterMetadata", typed)];
        let set = members.into_iter().filter(|(_, map)| !map.is_empty());
        Ok(Value::from(set.map(|(name, map)| (Value::from(name), Value::from(map))).collect::<Object>()))
    }
}

impl Namespaces {
    /// Whether any metadata has to be read at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.typed.is_empty()
    }
}

impl Labels {
    /// The labels under this key of the node's metadata.
    #[must_use]
    pub const fn new(key: String) -> Self {
        Self { key, read: OnceCell::new() }
    }

    /// The labels: the key's members that are text. `None` if there are none.
    ///
    /// # Errors
    /// The proxy did not tell.
    pub fn value(&self, host: &dyn Host) -> Result<Option<Value>, HostError> {
        if let Some(labels) = self.read.get() {
            return Ok(labels.clone());
        }
        let bytes = host.property(&["xds", "node"])?.ok_or(HostError)?;
        let node = Node::decode(bytes.as_slice()).map_err(|_| HostError)?;
        let labels = node.metadata.and_then(|metadata| labels(&metadata, &self.key));
        Ok(self.read.get_or_init(|| labels).clone())
    }
}

fn labels(metadata: &Struct, key: &str) -> Option<Value> {
    let Some(Kind::StructValue(members)) = &metadata.fields.get(key)?.kind else {
        return None;
    };
    let text = members.fields.iter().filter_map(|(name, value)| match &value.kind {
        Some(Kind::StringValue(text)) => Some((Value::from(name.as_str()), Value::from(text.as_str()))),
        _ => None,
    });
    let labels: Object = text.collect();
    (!labels.is_empty()).then(|| Value::from(labels))
}

/// A `Struct` is plain JSON (contract section 1.3). Nested no deeper than the decoder goes, 100 messages.
fn members(members: &Struct) -> Result<BTreeMap<String, Value>, HostError> {
    let mut all = BTreeMap::new();
    for (name, value) in &members.fields {
        all.insert(name.clone(), json(value)?);
    }
    Ok(all)
}

fn object(of: &Struct) -> Result<Value, HostError> {
    let members = members(of)?.into_iter().map(|(name, value)| (Value::from(name), value));
    Ok(Value::from(members.collect::<Object>()))
}

fn json(value: &prost_types::Value) -> Result<Value, HostError> {
    Ok(match value.kind.as_ref() {
        Some(Kind::NullValue(_)) | None => Value::Null,
        Some(Kind::BoolValue(value)) => Value::Bool(*value),
        Some(Kind::StringValue(text)) => Value::from(text.as_str()),
        // Integral ones without a fraction; NaN and infinities have no JSON.
        Some(Kind::NumberValue(number)) => Value::from_numeric_string(&number.to_string()).map_err(|_| HostError)?,
        Some(Kind::StructValue(members)) => object(members)?,
        Some(Kind::ListValue(list)) => Value::from(list.values.iter().map(json).collect::<Result<Vec<_>, _>>()?),
    })
}

fn any(message: &Any) -> Value {
    let members = [("typeUrl", message.type_url.clone()), ("value", STANDARD.encode(&message.value))];
    let set = members.into_iter().filter(|(_, text)| !text.is_empty());
    Value::from(set.map(|(name, text)| (Value::from(name), Value::from(text))).collect::<Object>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::FakeHost;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn value(kind: Kind) -> prost_types::Value {
        prost_types::Value { kind: Some(kind) }
    }

    fn of(members: Vec<(&str, Kind)>) -> Struct {
        Struct { fields: members.into_iter().map(|(name, kind)| (name.to_owned(), value(kind))).collect() }
    }

    fn metadata() -> Metadata {
        let list = prost_types::ListValue { values: vec![value(Kind::BoolValue(true)), value(Kind::NumberValue(0.5))] };
        let plain = of(vec![
            ("big", Kind::NumberValue(9_007_199_254_740_993.0)),
            ("huge", Kind::NumberValue(1e21)),
            ("none", Kind::NullValue(0)),
            ("list", Kind::ListValue(list)),
            ("empty", Kind::StructValue(Struct::default())),
        ]);
        let any = Any { type_url: "type.googleapis.com/x".to_owned(), value: b"\xff".to_vec() };
        Metadata {
            filter_metadata: BTreeMap::from([("a.b".to_owned(), plain), ("other".to_owned(), Struct::default())]),
            typed_filter_metadata: BTreeMap::from([("t".to_owned(), any)]),
        }
    }

    fn select(plain: &[&str], typed: &[&str]) -> Namespaces {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Namespaces { plain: owned(plain), typed: owned(typed) }
    }

    #[test]
    fn only_what_is_selected_is_shown() {
        let metadata = metadata();
        let shown = |plain: &[&str], typed: &[&str]| metadata.context(&select(plain, typed)).unwrap().to_string();
        assert_eq!(shown(&[], &[]), "{}");
        assert_eq!(shown(&["t"], &["a.b"]), "{}");
        assert_eq!(shown(&["other"], &[]), r#"{"filterMetadata":{"other":{}}}"#);
        assert_eq!(
            shown(&["a.b"], &["t"]),
            concat!(
                r#"{"filterMetadata":{"a.b":{"big":9007199254740992,"empty":{},"huge":1000000000000000000000,"#,
                r#""list":[true,0.5],"none":null}},"#,
                r#""typedFilterMetadata":{"t":{"typeUrl":"type.googleapis.com/x","value":"/w=="}}}"#
            )
        );
    }

    #[test]
    fn what_is_no_metadata_or_no_json_is_an_error_of_the_host() {
        let host = |bytes: &[u8]| FakeHost {
            properties: BTreeMap::from([("metadata".to_owned(), bytes.to_vec())]),
            ..FakeHost::default()
        };
        assert_eq!(Metadata::of_request(&host(b"\x0a\xff")), Err(HostError));
        assert_eq!(Metadata::of_request(&FakeHost::default()), Ok(Metadata::default()));
        let whole = metadata();
        assert_eq!(Metadata::of_request(&host(&whole.encode_to_vec())), Ok(whole));
        let nan = of(vec![("x", Kind::NumberValue(f64::NAN))]);
        assert_eq!(object(&nan), Err(HostError));
    }

    #[test]
    fn labels_are_the_members_that_are_text_and_read_once() {
        let labels = of(vec![("app", Kind::StringValue("shop".to_owned())), ("replicas", Kind::NumberValue(3.0))]);
        let metadata = of(vec![("labels", Kind::StructValue(labels)), ("flat", Kind::BoolValue(true))]);
        let node = Node { metadata: Some(metadata) }.encode_to_vec();
        let host = FakeHost { properties: BTreeMap::from([("xds.node".to_owned(), node)]), ..FakeHost::default() };
        let labels = Labels::new("labels".to_owned());
        assert_eq!(labels.value(&host).unwrap().unwrap().to_string(), r#"{"app":"shop"}"#);
        assert_eq!(labels.value(&FakeHost::default()).unwrap().unwrap().to_string(), r#"{"app":"shop"}"#);
        for absent in ["flat", "missing"] {
            assert_eq!(Labels::new(absent.to_owned()).value(&host), Ok(None));
        }
        assert_eq!(Labels::new("labels".to_owned()).value(&FakeHost::default()), Err(HostError));
    }
}
