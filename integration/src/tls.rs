//! A listener that speaks TLS, and clients with certificates made here.
//!
//! The clients are plain listeners in front of it, each with what it shows of itself.

use std::net::SocketAddr;
use std::sync::LazyLock;

use serde_json::{Value, json};

/// A client: its name, the certificate it shows, the server it asks for.
pub struct Client {
    /// The name of its listener.
    pub name: &'static str,
    /// The name of its certificate.
    pub certificate: Option<&'static str>,
    /// Empty: it asks for none.
    pub sni: &'static str,
}

/// Keys and certificates in files: a server, clients, and one client of an authority that nobody knows.
pub struct Certificates(tempfile::TempDir);

static CERTIFICATES: LazyLock<Certificates> = LazyLock::new(Certificates::make);

impl Certificates {
    /// Made once.
    #[must_use]
    pub fn shared() -> &'static Self {
        &CERTIFICATES
    }

    fn make() -> Self {
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
    ///
    /// # Panics
    /// If there is no such certificate.
    #[must_use]
    pub fn shown(&self, name: &str) -> String {
        let pem = std::fs::read_to_string(self.0.path().join(format!("{name}.pem"))).expect("the certificate");
        let pem = pem.replace("\r\n", "\n").replace('\n', "%0A").replace(' ', "%20");
        pem.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
    }
}

/// Makes the listener of this bootstrap speak TLS, with a listener for each client in front of it.
///
/// # Panics
/// If the bootstrap has no such lists.
pub fn speak(tree: &mut Value, clients: &[(&Client, SocketAddr)]) {
    let resources = &mut tree["static_resources"];
    let listener = &mut resources["listeners"][0];
    listener["filter_chains"][0]["transport_socket"] = json!({"name": "tls", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "tls_certificates": CERTIFICATES.pair("server"),
            "validation_context": CERTIFICATES.authority(),
        },
    }});
    let inner = listener["address"].clone();
    for (client, front) in clients {
        resources["listeners"].as_array_mut().expect("listeners").push(listener_of(client, *front));
        resources["clusters"].as_array_mut().expect("clusters").push(cluster_of(client, &inner));
    }
}

/// Without it Envoy shows a wasm filter no server name.
pub fn inspect_server_name(tree: &mut Value) {
    tree["static_resources"]["listeners"][0]["listener_filters"] = json!([{"name": "tls_inspector", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
    }}]);
}

fn listener_of(client: &Client, front: SocketAddr) -> Value {
    let address = json!({"socket_address": {"address": front.ip().to_string(), "port_value": front.port()}});
    let proxy = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
        "stat_prefix": client.name, "cluster": client.name,
    });
    let chain = json!([{"filters": [{"name": "tcp", "typed_config": proxy}]}]);
    json!({"name": client.name, "address": address, "filter_chains": chain})
}

fn cluster_of(client: &Client, inner: &Value) -> Value {
    let mut context = json!({
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "sni": client.sni,
        "common_tls_context": {"validation_context": CERTIFICATES.authority()},
    });
    if let Some(certificate) = client.certificate {
        context["common_tls_context"]["tls_certificates"] = CERTIFICATES.pair(certificate);
    }
    let endpoints = json!([{"lb_endpoints": [{"endpoint": {"address": inner}}]}]);
    json!({
        "name": client.name,
        "load_assignment": {"cluster_name": client.name, "endpoints": endpoints},
        "transport_socket": {"name": "tls", "typed_config": context},
    })
}
