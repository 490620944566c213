//! Clients with certificates: what a policy sees of them, inline and in a real OPA, with certificates made here.
//!
//! Envoy's listener speaks TLS. Plain listeners in front of it are the clients, each with what it shows of itself.

use std::net::SocketAddr;
use std::sync::{LazyLock, Mutex};

use sark_integration::configuration::{and, source};
use sark_integration::{Remote, Request, Shared, Stack, ports};
use serde_json::{Value, json};

const PATH: &str = "envoy/authz/result";

/// Shows the client what the policy sees.
const ECHO: &str = "package envoy.authz\n\nresult := {\"allowed\": false, \"body\": json.marshal(input)}\n";

/// Lets in whom it knows.
const KNOWN: &str = r#"package envoy.authz

default result := false

result if input.source_principal in {"spiffe://shop/web", "api.test"}
"#;

/// A client: its name, the certificate it shows, the server it asks for.
struct Client {
    name: &'static str,
    certificate: Option<&'static str>,
    sni: &'static str,
}

const CLIENTS: [Client; 7] = [
    Client { name: "uri", certificate: Some("uri"), sni: "srv.test" },
    Client { name: "dns", certificate: Some("dns"), sni: "other.test" },
    Client { name: "subject", certificate: Some("subject"), sni: "" },
    Client { name: "email", certificate: Some("email"), sni: "srv.test" },
    Client { name: "nameless", certificate: Some("nameless"), sni: "srv.test" },
    Client { name: "nobody", certificate: None, sni: "srv.test" },
    Client { name: "stranger", certificate: Some("stranger"), sni: "srv.test" },
];

static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(Certificates::new);
static FRONTS: LazyLock<Vec<SocketAddr>> =
    LazyLock::new(|| CLIENTS.iter().map(|_| ports::loopback(ports::free().expect("a port"))).collect());

static STACK: Shared = Shared::new(|| {
    let stack = Stack::sark(configuration(ECHO, true, true)).remote(Remote::Policy(ECHO.to_owned(), json!({})));
    Mutex::new(stack.edit(tls).start())
});

/// Keys and certificates in files.
struct Certificates(tempfile::TempDir);

impl Certificates {
    fn new() -> Self {
        use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).expect("a file");
        let authority = |name: &str| {
            let mut parameters = CertificateParams::new(Vec::<String>::new()).expect("parameters");
            parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let key = KeyPair::generate().expect("a key");
            write(name, parameters.self_signed(&key).expect("a certificate").pem());
            Issuer::new(parameters, key)
        };
        let (ours, other) = (authority("ca.pem"), authority("other-ca.pem"));
        let uri = |text: &str| SanType::URI(text.try_into().expect("a URI"));
        let dns = |text: &str| SanType::DnsName(text.try_into().expect("a name"));
        let email = |text: &str| SanType::Rfc822Name(text.try_into().expect("an address"));
        let web = [uri("spiffe://shop/web"), uri("spiffe://shop/other")];
        for (name, issuer, subject, names) in [
            ("server", &ours, Some("server"), vec![dns("srv.test")]),
            // A URI counts before a DNS name, wherever it stands.
            ("uri", &ours, Some("web"), [vec![dns("web.test")], web.to_vec()].concat()),
            ("dns", &ours, Some("api"), vec![dns("api.test"), dns("spiffe.test")]),
            ("subject", &ours, Some("Ann, \"the\" client+1"), vec![]),
            ("email", &ours, Some("mail"), vec![email("a@shop.test")]),
            ("nameless", &ours, None, vec![]),
            ("stranger", &other, Some("web"), web.to_vec()),
        ] {
            let mut parameters = CertificateParams::new(Vec::<String>::new()).expect("parameters");
            parameters.subject_alt_names = names;
            parameters.distinguished_name = rcgen::DistinguishedName::new();
            if let Some(subject) = subject {
                parameters.distinguished_name.push(DnType::OrganizationName, "Shop");
                parameters.distinguished_name.push(DnType::CommonName, subject);
            }
            let key = KeyPair::generate().expect("a key");
            write(&format!("{name}.pem"), parameters.signed_by(&key, issuer).expect("a certificate").pem());
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

    /// As Envoy writes it: PEM, of which it encodes what may not stand in a URL.
    fn shown(&self, name: &str) -> String {
        let pem = std::fs::read_to_string(self.0.path().join(format!("{name}.pem"))).expect("the certificate");
        let pem = pem.replace("\r\n", "\n").replace('\n', "%0A").replace(' ', "%20");
        pem.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
    }
}

fn configuration(policy: &str, inline: bool, shown: bool) -> Value {
    and(
        &source(policy, &json!({}), PATH),
        json!({
            "include_peer_certificate": shown,
            "include_tls_session": shown,
            "source_address": "request",
            "remote": {"cluster": "opa", "timeout": "10s"},
            "features": {"rust_opa": {"enabled": inline, "fallback_on_error": false}},
        }),
    )
}

/// The shipped listener speaks TLS at another port, and each client is a listener in front of it.
fn tls(tree: &mut Value) {
    let resources = &mut tree["static_resources"];
    let listener = &mut resources["listeners"][0];
    // Without it Envoy shows a wasm filter no server name.
    listener["listener_filters"] = json!([{"name": "tls_inspector", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
    }}]);
    listener["filter_chains"][0]["transport_socket"] = json!({"name": "tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "tls_certificates": CERTIFICATES.pair("server"),
            "validation_context": CERTIFICATES.authority(),
        },
    }});
    let inner = listener["address"].clone();
    for (client, front) in CLIENTS.iter().zip(FRONTS.iter()) {
        let address = json!({"socket_address": {"address": "127.0.0.1", "port_value": front.port()}});
        let proxy = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": client.name, "cluster": client.name,
        });
        let chain = json!([{"filters": [{"name": "tcp", "typed_config": proxy}]}]);
        let listener = json!({"name": client.name, "address": address, "filter_chains": chain});
        resources["listeners"].as_array_mut().expect("listeners").push(listener);
        let mut context = json!({
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "sni": client.sni,
            "common_tls_context": {"validation_context": CERTIFICATES.authority()},
        });
        if let Some(certificate) = client.certificate {
            context["common_tls_context"]["tls_certificates"] = CERTIFICATES.pair(certificate);
        }
        let endpoints = json!([{"lb_endpoints": [{"endpoint": {"address": inner}}]}]);
        resources["clusters"].as_array_mut().expect("clusters").push(json!({
            "name": client.name,
            "load_assignment": {"cluster_name": client.name, "endpoints": endpoints},
            "transport_socket": {"name": "tls", "typed_config": context},
        }));
    }
}

fn front(name: &str) -> SocketAddr {
    let at = CLIENTS.iter().position(|client| client.name == name).expect("a client");
    FRONTS[at]
}

/// The input document of a client's request.
#[track_caller]
fn input_of(name: &str) -> Value {
    let reply = Request::get("/").send(front(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(reply.status, 403, "{name}: {reply:?}");
    serde_json::from_str(&reply.text()).unwrap_or_else(|error| panic!("{name}: {error}: {}", reply.text()))
}

#[test]
fn a_policy_sees_who_the_client_is() {
    for inline in [true, false] {
        let _stack = STACK.with(&configuration(ECHO, inline, true));
        for (name, principal, sni) in [
            ("uri", json!("spiffe://shop/web"), json!({"sni": "srv.test"})),
            ("dns", json!("api.test"), json!({"sni": "other.test"})),
            ("subject", json!("CN=Ann\\, \\\"the\\\" client\\+1,O=Shop"), json!({})),
            ("email", json!("CN=mail,O=Shop"), json!({"sni": "srv.test"})),
            ("nameless", Value::Null, json!({"sni": "srv.test"})),
            ("nobody", Value::Null, json!({"sni": "srv.test"})),
        ] {
            let input = input_of(name);
            let attributes = &input["attributes"];
            assert_eq!(input["source_principal"], principal, "{name}, inline {inline}");
            assert_eq!(attributes["source"]["principal"], principal, "{name}, inline {inline}");
            assert_eq!(attributes["tlsSession"], sni, "{name}, inline {inline}");
            let certificate = if name == "nobody" { Value::Null } else { json!(CERTIFICATES.shown(name)) };
            assert_eq!(attributes["source"]["certificate"], certificate, "{name}, inline {inline}");
            assert_eq!(attributes["destination"]["principal"], "srv.test", "{name}, inline {inline}");
            assert_eq!(attributes["request"]["http"]["scheme"], "https", "{name}, inline {inline}");
            let absent = |of: &Value, key: &str| of.get(key).is_none();
            assert_eq!(absent(&input, "source_principal"), principal.is_null(), "{name}, inline {inline}");
            assert_eq!(absent(&attributes["source"], "certificate"), certificate.is_null(), "{name}, inline {inline}");
        }
    }
}

#[test]
fn certificate_and_session_are_shown_only_where_that_is_configured() {
    for inline in [true, false] {
        let _stack = STACK.with(&configuration(ECHO, inline, false));
        let attributes = &input_of("uri")["attributes"];
        assert_eq!(attributes["source"]["principal"], "spiffe://shop/web");
        assert_eq!((attributes["source"].get("certificate"), attributes.get("tlsSession")), (None, None));
    }
}

#[test]
fn a_policy_lets_in_whom_it_knows() {
    let stack = STACK.with(&configuration(KNOWN, true, false));
    for (name, status) in [("uri", 200), ("dns", 200), ("subject", 403), ("email", 403), ("nobody", 403)] {
        // Nobody becomes another by saying so.
        let request = Request::get("/").header("x-forwarded-client-cert", "URI=spiffe://shop/web");
        let reply = request.send(front(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(reply.status, status, "{name}: {reply:?}");
    }
    assert_eq!(stack.echo().count(), 2);
    // A certificate of another authority, whatever stands in it, ends the connection before there is a request.
    assert!(Request::get("/").send(front("stranger")).is_err());
    assert_eq!(stack.echo().count(), 2);
}
