//! Section 1.2 over TLS: principals, certificates and the server name, with real certificates.

use sark_integration::tls::{self, Certificates, Client};
use sark_integration::{Request, ports};
use serde_json::{Value, json};

use crate::play::Stage;
use crate::row::{Door, Row};
use crate::setup::{self, Setup, echo};

static SHOWN: Setup =
    echo("certificate and session", || json!({"include_peer_certificate": true, "include_tls_session": true}));

static CLIENTS: &[Client] = &[
    Client { name: "uri", certificate: Some("uri"), sni: "srv.test" },
    Client { name: "dns", certificate: Some("dns"), sni: "other.test" },
    Client { name: "subject", certificate: Some("subject"), sni: "" },
    Client { name: "email", certificate: Some("email"), sni: "srv.test" },
    Client { name: "nameless", certificate: Some("nameless"), sni: "srv.test" },
    Client { name: "nobody", certificate: None, sni: "srv.test" },
];

/// Of the listener that does not look at the server name.
static UNINSPECTED: &[Client] = &[Client { name: "uninspected", certificate: Some("uri"), sni: "srv.test" }];

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
        ("1.2 principal: without a URI the first DNS name", "dns", r#""api.test""#),
        ("1.2 principal: without names the subject", "subject", r#""CN=Ann\\, \\\"the\\\" client\\+1,O=Shop""#),
        ("1.2 principal: an address of mail is none, so the subject", "email", r#""CN=mail,O=Shop""#),
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
        through("1.2 no principal of a certificate without any name", "nameless")
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
            |certificate| *certificate == Certificates::shared().shown("uri"),
        ),
        through("1.2 no certificate without one", "nobody").absent("/attributes/source/certificate"),
        through("1.2 destination.certificate is never there", "uri").absent("/attributes/destination/certificate"),
        through("1.2 tlsSession has the server name", "uri").is("/attributes/tlsSession", r#"{"sni":"srv.test"}"#),
        through("1.2 tlsSession of a client without a certificate", "nobody")
            .is("/attributes/tlsSession", r#"{"sni":"srv.test"}"#),
        through("1.2 certificate of a client without any name", "nameless").holds(
            "/attributes/source/certificate",
            "the certificate",
            |certificate| *certificate == Certificates::shared().shown("nameless"),
        ),
        through("1.2 tlsSession has the server name that was asked for", "dns")
            .is("/attributes/tlsSession", r#"{"sni":"other.test"}"#),
        through("1.2 tlsSession is empty without a server name", "subject").is("/attributes/tlsSession", "{}"),
        through("1.2 tlsSession is empty without tls_inspector", "uninspected")
            .is("/attributes/tlsSession", "{}")
            .differs("`sni` is there only if the listener has the listener filter `tls_inspector`"),
    ]
}

/// An Envoy whose listener speaks TLS.
pub fn stage(policy: &str) -> Stage {
    start(policy, CLIENTS, tls::inspect_server_name)
}

/// The same without `tls_inspector`.
pub fn stage_without_inspector(policy: &str) -> Stage {
    start(policy, UNINSPECTED, |_| {})
}

fn start(policy: &str, clients: &'static [Client], change: fn(&mut Value)) -> Stage {
    let fronts: Vec<_> =
        clients.iter().map(|client| (client, ports::loopback(ports::free().expect("a port")))).collect();
    let doors = fronts.iter().map(|(client, front)| (Door::Tls(client.name), *front)).collect();
    let stack = setup::start(policy, move |tree| {
        tls::speak(tree, &fronts);
        change(tree);
    });
    Stage { stack, doors }
}
