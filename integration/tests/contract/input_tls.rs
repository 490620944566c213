//! Section 1.2 over TLS: principals, certificates and the server name, with real certificates.

use std::sync::LazyLock;

use sark_integration::{Request, ports};
use serde_json::{Value, json};

use crate::play::Stage;
use crate::row::{Door, Row};
use crate::setup::{self, Setup, echo};

static SHOWN: Setup =
    echo("certificate and session", || json!({"include_peer_certificate": true, "include_tls_session": true}));

/// A client is a listener, which speaks TLS to the one under test: its name, the certificate it shows, and the server
/// name it asks for.
type Client = (&'static str, Option<&'static str>, &'static str);

const CLIENTS: &[Client] = &[
    ("uri", Some("uri"), "srv.test"),
    ("dns", Some("dns"), "srv.test"),
    ("subject", Some("subject"), "srv.test"),
    ("nobody", None, "srv.test"),
    ("nameless", Some("uri"), ""),
];

/// Of the listener that does not look at the server name.
const UNINSPECTED: &[Client] = &[("uninspected", Some("uri"), "srv.test")];

pub fn rows() -> Vec<Row> {
    let mut rows = principals();
    rows.extend(shown());
    rows.extend(decisions());
    rows
}

fn through(name: &str, client: &'static str) -> Row {
    Row::echo(name, Request::get("/")).through(Door::Tls(client))
}

fn principals() -> Vec<Row> {
    let all = [
        ("1.2 4.2#44 principal: the first URI of the certificate", "uri", r#""spiffe://shop/web""#),
        ("1.2 principal: without a URI the first DNS name", "dns", r#""one.test""#),
        ("1.2 principal: without names the subject", "subject", r#""CN=subject""#),
    ];
    let mut rows: Vec<Row> = all
        .map(|(name, client, principal)| {
            through(name, client).is("/attributes/source/principal", principal).is("/source_principal", principal)
        })
        .into();
    rows.extend([
        through("1.1 4.2#43 no principal without a certificate", "nobody")
            .absent("/source_principal")
            .absent("/attributes/source/principal"),
        through("1.2 destination.principal: the DNS name of the server", "uri")
            .is("/attributes/destination/principal", r#""srv.test""#),
        through("1.2 destination.principal also without a client's certificate", "nobody")
            .is("/attributes/destination/principal", r#""srv.test""#),
        through("1.2 scheme https", "uri")
            .http1()
            .is("/attributes/request/http/scheme", r#""https""#)
            .is("/attributes/request/http/headers/x-forwarded-proto", r#""https""#),
        through("1.2 no certificate where it is not asked for", "uri").absent("/attributes/source/certificate"),
        through("1.2 no tlsSession where it is not asked for", "uri").absent("/attributes/tlsSession"),
    ]);
    rows
}

/// Section 4.4 #72.
fn decisions() -> Vec<Row> {
    let policy = r#"count([1 | input.source_principal == "spiffe://shop/web"]) > 0"#;
    let row = |name: &str, client| Row::decides(name, policy).through(Door::Tls(client));
    vec![
        row("4.4#72 AllowWithSpiffe", "uri").allow(),
        row("4.4#72 DenyWithSpiffe: another principal", "dns"),
        row("4.4#72 DenyWithSpiffe: none", "nobody"),
    ]
}

fn shown() -> Vec<Row> {
    let through = |name: &str, client: &'static str| through(name, client).setup(&SHOWN);
    vec![
        through("1.2 certificate is PEM, URL-encoded", "uri").holds(
            "/attributes/source/certificate",
            "the certificate",
            |certificate| *certificate == CERTIFICATES.encoded("uri"),
        ),
        through("1.2 no certificate without one", "nobody").absent("/attributes/source/certificate"),
        through("1.2 destination.certificate is never there", "uri").absent("/attributes/destination/certificate"),
        through("1.2 tlsSession has the server name", "uri").is("/attributes/tlsSession", r#"{"sni":"srv.test"}"#),
        through("1.2 tlsSession of a client without a certificate", "nobody")
            .is("/attributes/tlsSession", r#"{"sni":"srv.test"}"#),
        through("1.2 tlsSession is empty without a server name", "nameless").is("/attributes/tlsSession", "{}"),
        through("1.2 tlsSession is empty without tls_inspector", "uninspected")
            .is("/attributes/tlsSession", "{}")
            .differs("`sni` is there only if the listener has the listener filter `tls_inspector`"),
    ]
}

/// Certificates in files: an authority, a server and the clients.
struct Certificates(tempfile::TempDir);

static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(Certificates::new);

impl Certificates {
    fn new() -> Self {
        use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("a file");
        let parameters = || CertificateParams::new(Vec::<String>::new()).expect("parameters");
        let mut ca = parameters();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().expect("a key");
        write("ca.pem", ca.self_signed(&ca_key).expect("a certificate").pem());
        let issuer = Issuer::new(ca, ca_key);
        let uri = |text: &str| SanType::URI(text.try_into().expect("a URI"));
        let dns = |text: &str| SanType::DnsName(text.try_into().expect("a name"));
        for (name, names) in [
            ("server", vec![dns("srv.test")]),
            ("uri", vec![dns("web.test"), uri("spiffe://shop/web"), uri("spiffe://shop/other")]),
            ("dns", vec![dns("one.test"), dns("two.test")]),
            ("subject", vec![]),
        ] {
            let mut parameters = parameters();
            parameters.subject_alt_names = names;
            parameters.distinguished_name.push(DnType::CommonName, name);
            let key = KeyPair::generate().expect("a key");
            write(&format!("{name}.pem"), parameters.signed_by(&key, &issuer).expect("a certificate").pem());
            write(&format!("{name}.key"), key.serialize_pem());
        }
        Self(folder)
    }

    fn pair(&self, name: &str) -> Value {
        let file = |kind: &str| json!({"filename": self.0.path().join(format!("{name}.{kind}"))});
        json!([{"certificate_chain": file("pem"), "private_key": file("key")}])
    }

    fn authority(&self) -> Value {
        json!({"trusted_ca": {"filename": self.0.path().join("ca.pem")}})
    }

    /// As Envoy shows it: what base64 and PEM have beside letters and digits is escaped, but for `-`.
    fn encoded(&self, name: &str) -> String {
        let pem = std::fs::read_to_string(self.0.path().join(format!("{name}.pem"))).expect("the certificate");
        let pem = pem.replace("\r\n", "\n");
        let escapes = [("%", "%25"), (" ", "%20"), ("\n", "%0A"), ("+", "%2B"), ("/", "%2F"), ("=", "%3D")];
        escapes.iter().fold(pem, |text, (from, to)| text.replace(from, to))
    }
}

/// An Envoy whose listener speaks TLS.
pub fn stage(policy: &str) -> Stage {
    start(policy, CLIENTS, |listener| {
        // Without it Envoy shows a wasm filter no server name.
        listener["listener_filters"] = json!([{
            "name": "tls_inspector",
            "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"},
        }]);
    })
}

/// The same without `tls_inspector`.
pub fn stage_without_inspector(policy: &str) -> Stage {
    start(policy, UNINSPECTED, |_| {})
}

/// With the clients as listeners in front of the one under test.
fn start(policy: &str, clients: &'static [Client], change: fn(&mut Value)) -> Stage {
    let clients: Vec<_> = clients.iter().map(|client| (client, ports::free().expect("a port"))).collect();
    let doors = clients.iter().map(|((name, ..), port)| (Door::Tls(name), ports::loopback(*port))).collect();
    let stack = setup::start(policy, move |tree| {
        let listener = &mut tree["static_resources"]["listeners"][0];
        speak_tls(listener);
        change(listener);
        let under_test = listener["address"].clone();
        for ((name, certificate, server_name), port) in &clients {
            add_client(tree, name, *port, &client_context(*certificate, server_name), &under_test);
        }
    });
    Stage { stack, doors }
}

fn speak_tls(listener: &mut Value) {
    listener["filter_chains"][0]["transport_socket"] = json!({"name": "tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "tls_certificates": CERTIFICATES.pair("server"),
            "validation_context": CERTIFICATES.authority(),
        },
    }});
}

fn client_context(certificate: Option<&str>, server_name: &str) -> Value {
    let mut context = json!({
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "sni": server_name,
        "common_tls_context": {"validation_context": CERTIFICATES.authority()},
    });
    if let Some(certificate) = certificate {
        context["common_tls_context"]["tls_certificates"] = CERTIFICATES.pair(certificate);
    }
    context
}

/// A listener that passes all bytes on, over TLS with this context.
fn add_client(tree: &mut Value, name: &str, port: u16, context: &Value, under_test: &Value) {
    let cluster = format!("client-{name}");
    let resources = &mut tree["static_resources"];
    resources["listeners"].as_array_mut().expect("listeners").push(json!({
        "name": cluster, "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "tcp", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": cluster, "cluster": cluster,
        }}]}],
    }));
    resources["clusters"].as_array_mut().expect("clusters").push(json!({
        "name": cluster,
        "load_assignment": {
            "cluster_name": cluster,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": under_test}}]}],
        },
        "transport_socket": {"name": "tls", "typed_config": context},
    }));
}
