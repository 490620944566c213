//! `attributes.source`, `attributes.destination`, `attributes.tlsSession`: the two ends of the connection (contract
//! section 1.2).

use super::build::Sources;
use super::head::Head;
use super::members::Members;
use super::object;
use super::place::Place;
use super::selection::Selection;
use super::shape::SourceAddress;
use crate::host::{Host, HostError};
use crate::text::sanitized;
use regorus::Value;
use regorus::value::Object;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// Where Envoy's `ext_authz` takes `source.service` from.
const SERVICE: &str = "x-envoy-downstream-service-cluster";

/// Which certificate of the connection.
#[derive(Clone, Copy)]
enum Side {
    Peer,
    Local,
}

/// The client's end; `principal` is its name.
pub fn source(sources: &Sources, selection: &Selection, principal: &str) -> Result<Value, HostError> {
    let Sources { shape, head, host, .. } = *sources;
    let mut peer = Members::new(selection);
    peer.put(Place::SourceAddress, || {
        shape.source_address.as_ref().map(|from| source_address(from, head, host)).transpose()
    })?;
    peer.text(Place::SourcePrincipal, || Ok(principal))?;
    peer.text(Place::SourceService, || Ok(head.get(SERVICE).unwrap_or_default()))?;
    if shape.peer_certificate {
        peer.text(Place::SourceCertificate, || {
            Ok(url_encoded(&text(host, &["connection", "peer_certificate"])?.unwrap_or_default()))
        })?;
    }
    Ok(peer.object())
}

/// The client's name, if it is read.
pub fn client(sources: &Sources, selection: &Selection) -> Result<String, HostError> {
    let is_read = [Place::SourcePrincipal, Place::Principal].into_iter().any(|place| selection.has(place));
    if is_read { principal(Side::Peer, sources.host) } else { Ok(String::new()) }
}

/// The address that a header has, which the client may have written, is checked whether it is read or not.
pub fn check_source(sources: &Sources) -> Result<(), HostError> {
    match &sources.shape.source_address {
        Some(from @ SourceAddress::Header(_)) => source_address(from, sources.head, sources.host).map(drop),
        Some(SourceAddress::Request) | None => Ok(()),
    }
}

/// The proxy's end.
pub fn destination(sources: &Sources, selection: &Selection) -> Result<Value, HostError> {
    let Sources { shape, host, .. } = *sources;
    let mut peer = Members::new(selection);
    peer.put(Place::DestinationAddress, || {
        let there = text(host, &["destination", "address"])?.ok_or(HostError)?;
        address(&there).map(Some)
    })?;
    peer.text(Place::DestinationPrincipal, || principal(Side::Local, host))?;
    if let Some(labels) = &shape.labels {
        peer.put(Place::DestinationLabels, || labels.value(host))?;
    }
    Ok(peer.object())
}

/// `{}` with a TLS connection whose client named no server; `None` without TLS.
pub fn tls_session(host: &dyn Host) -> Result<Option<Value>, HostError> {
    if host.property(&["connection", "tls_version"])?.is_none() {
        return Ok(None);
    }
    let mut session = BTreeMap::new();
    put(&mut session, "sni", &text(host, &["connection", "requested_server_name"])?.unwrap_or_default());
    Ok(Some(Value::from(session)))
}

fn source_address(from: &SourceAddress, head: &Head, host: &dyn Host) -> Result<Value, HostError> {
    match from {
        SourceAddress::Request => address(&text(host, &["source", "address"])?.ok_or(HostError)?),
        // The proxy sets this header. If it is missing, or holds more than one address, something in front of this
        // filter is not as the operator thinks, and what a client writes must not be taken for an address.
        SourceAddress::Header(name) => address_of_header(&head.get(name).ok_or(HostError)?),
    }
}

/// The client's address without its port, where it has one: the client of a Unix socket has none.
///
/// # Errors
/// As for the input document.
pub fn client_ip(from: &SourceAddress, head: &Head, host: &dyn Host) -> Result<Option<String>, HostError> {
    let address = source_address(from, head, host)?;
    let member = |of: &Value, name: &str| of.as_object().ok()?.get(&Value::from(name)).cloned();
    let ip = member(&address, "socketAddress").and_then(|socket| member(&socket, "address"));
    Ok(ip.and_then(|ip| ip.as_string().ok().map(|ip| ip.to_string())))
}

/// PEM as Envoy writes it into addresses: only what may stand in PEM and not in a URL is encoded.
fn url_encoded(pem: &str) -> String {
    let mut out = String::with_capacity(pem.len());
    for character in pem.chars() {
        match character {
            '\n' => out.push_str("%0A"),
            ' ' => out.push_str("%20"),
            '+' => out.push_str("%2B"),
            '/' => out.push_str("%2F"),
            '=' => out.push_str("%3D"),
            other => out.push(other),
        }
    }
    out
}

/// The first URI of the certificate, else its first DNS name, else its subject.
fn principal(side: Side, host: &dyn Host) -> Result<String, HostError> {
    let names = match side {
        Side::Peer => ["uri_san_peer_certificate", "dns_san_peer_certificate", "subject_peer_certificate"],
        Side::Local => ["uri_san_local_certificate", "dns_san_local_certificate", "subject_local_certificate"],
    };
    for name in names {
        if let Some(principal) = text(host, &["connection", name])? {
            return Ok(principal);
        }
    }
    Ok(String::new())
}

/// An address as Envoy writes it: `1.2.3.4:5`, `[::1]:5`, a socket's path, `envoy://listener/endpoint`.
fn address(there: &str) -> Result<Value, HostError> {
    if let Some(internal) = there.strip_prefix("envoy://") {
        let (listener, endpoint) = internal.split_once('/').unwrap_or((internal, ""));
        let mut members = BTreeMap::new();
        put(&mut members, "serverListenerName", listener);
        put(&mut members, "endpointId", endpoint);
        return Ok(object([("envoyInternalAddress", Value::from(members))]));
    }
    // A client that did not name its end of a Unix socket has an empty path.
    if there.is_empty() || there.starts_with(['/', '@']) {
        let mut pipe = BTreeMap::new();
        put(&mut pipe, "path", there);
        return Ok(object([("pipe", Value::from(pipe))]));
    }
    let (ip, port) = there.rsplit_once(':').ok_or(HostError)?;
    let port: u16 = port.parse().map_err(|_| HostError)?;
    match ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')) {
        Some(ip) => Ok(socket_address(ip, Some(port))),
        None if ip.contains(':') => Err(HostError),
        None => Ok(socket_address(ip, Some(port))),
    }
}

fn address_of_header(value: &str) -> Result<Value, HostError> {
    if let Ok(there) = value.parse::<SocketAddr>() {
        return Ok(socket_address(&there.ip().to_string(), Some(there.port())));
    }
    let ip: IpAddr = value.parse().map_err(|_| HostError)?;
    Ok(socket_address(&ip.to_string(), None))
}

/// A port is shown even if it is 0.
fn socket_address(ip: &str, port: Option<u16>) -> Value {
    let mut members = Object::from_iter([(Value::from("address"), Value::from(ip))]);
    if let Some(port) = port {
        members.insert(Value::from("portValue"), Value::from(u64::from(port)));
    }
    object([("socketAddress", Value::from(members))])
}

/// A field at its default value is absent (contract section 1.3).
fn put(members: &mut BTreeMap<Value, Value>, name: &str, value: &str) {
    if !value.is_empty() {
        members.insert(Value::from(name), Value::from(value));
    }
}

fn text(host: &dyn Host, path: &[&str]) -> Result<Option<String>, HostError> {
    Ok(host.property(path)?.map(|bytes| sanitized(&bytes).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::FakeHost;
    use crate::request::Shape;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn host(properties: &[(&str, &str)]) -> FakeHost {
        let properties = properties.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        FakeHost { properties: properties.collect(), ..FakeHost::default() }
    }

    fn show(peer: Result<Value, HostError>) -> String {
        peer.map_or_else(|_| "error".to_owned(), |peer| peer.to_string())
    }

    fn client_of(shape: &Shape, head: &Head, host: &FakeHost) -> String {
        let sources = Sources { shape, head, body: None, context_extensions: None, id: 0, host };
        show(source(&sources, &Selection::whole(), ""))
    }

    #[test]
    fn every_kind_of_address() {
        for (text, expected) in [
            ("127.0.0.1:80", r#"{"socketAddress":{"address":"127.0.0.1","portValue":80}}"#),
            ("10.0.0.1:0", r#"{"socketAddress":{"address":"10.0.0.1","portValue":0}}"#),
            ("[::1]:65535", r#"{"socketAddress":{"address":"::1","portValue":65535}}"#),
            ("[fe80::1%eth0]:1", r#"{"socketAddress":{"address":"fe80::1%eth0","portValue":1}}"#),
            ("/run/sock", r#"{"pipe":{"path":"/run/sock"}}"#),
            ("@abstract", r#"{"pipe":{"path":"@abstract"}}"#),
            ("", r#"{"pipe":{}}"#),
            ("envoy://in/7", r#"{"envoyInternalAddress":{"endpointId":"7","serverListenerName":"in"}}"#),
        ] {
            assert_eq!(address(text).unwrap().to_string(), expected, "{text}");
        }
        for bad in ["127.0.0.1", "::1", "a:70000", "a:"] {
            assert_eq!(address(bad), Err(HostError), "{bad}");
        }
    }

    #[test]
    fn the_first_kind_of_name_in_the_certificate_is_the_principal() {
        let all = [
            ("connection.uri_san_peer_certificate", "spiffe://a"),
            ("connection.dns_san_peer_certificate", "a.test"),
            ("connection.subject_peer_certificate", "CN=a"),
        ];
        for (index, expected) in ["spiffe://a", "a.test", "CN=a"].into_iter().enumerate() {
            assert_eq!(principal(Side::Peer, &host(&all[index..])).unwrap(), expected);
        }
        assert_eq!(principal(Side::Peer, &host(&[("connection.subject_local_certificate", "CN=b")])).unwrap(), "");
        let local = host(&[("connection.dns_san_local_certificate", "srv.test")]);
        let (shape, head) = (Shape::default(), Head::default());
        let sources = Sources { shape: &shape, head: &head, body: None, context_extensions: None, id: 0, host: &local };
        assert_eq!(
            show(destination(&sources, &Selection::whole())),
            r#"{"address":{"socketAddress":{"address":"127.0.0.1","portValue":10000}},"principal":"srv.test"}"#
        );
    }

    #[test]
    fn the_source_address_is_shown_only_from_where_the_operator_says() {
        let head = |value: &str| Head::new([(&b"x-real"[..], value.as_bytes()), (SERVICE.as_bytes(), b"web")]);
        let shown = |from: Option<SourceAddress>, value: &str| {
            let shape = Shape { source_address: from, ..Shape::default() };
            client_of(&shape, &head(value), &host(&[]))
        };
        let header = || Some(SourceAddress::Header("x-real".to_owned()));
        assert_eq!(shown(None, "1.2.3.4"), r#"{"service":"web"}"#);
        assert!(shown(Some(SourceAddress::Request), "1.2.3.4").contains(r#""address":"127.0.0.1","portValue":50000"#));
        assert!(shown(header(), "1.2.3.4:5").contains(r#"{"address":"1.2.3.4","portValue":5}"#));
        assert!(shown(header(), "1.2.3.4").contains(r#"{"address":"1.2.3.4"}"#));
        assert!(shown(header(), "[::1]:5").contains(r#"{"address":"::1","portValue":5}"#));
        for bad in ["", "1.2.3.4,5.6.7.8", "1.2.3.4:5,1.2.3.4:6", "unknown", "/run/sock", "1.2.3.4:99999"] {
            assert_eq!(shown(header(), bad), "error", "{bad}");
        }
        let missing = Shape { source_address: Some(SourceAddress::Header("x-none".to_owned())), ..Shape::default() };
        assert_eq!(client_of(&missing, &head("1.2.3.4"), &host(&[])), "error");
    }

    #[test]
    fn certificate_and_session_are_shown_with_tls_only() {
        let shape = Shape { peer_certificate: true, ..Shape::default() };
        let tls = [("connection.peer_certificate", "-----BEGIN X\na+/=\n"), ("connection.tls_version", "TLSv1.3")];
        assert_eq!(
            client_of(&shape, &Head::default(), &host(&tls)),
            r#"{"certificate":"-----BEGIN%20X%0Aa%2B%2F%3D%0A"}"#
        );
        assert_eq!(client_of(&Shape::default(), &Head::default(), &host(&tls)), "{}");
        assert_eq!(client_of(&shape, &Head::default(), &host(&[])), "{}");
        let name = ("connection.requested_server_name", "a.test");
        let session = |properties: &[(&str, &str)]| tls_session(&host(properties)).unwrap();
        assert_eq!(session(&[tls[1], name]).unwrap().to_string(), r#"{"sni":"a.test"}"#);
        assert_eq!(session(&[tls[1]]).unwrap().to_string(), "{}");
        assert_eq!(session(&[name]), None);
    }
}
