//! Clients with certificates, and who is let in; what a policy sees of them is in `contract/input_tls.rs`.

use sark_integration::configuration::of;
use sark_integration::tls::{self, Client};
use sark_integration::{Request, Stack, ports};

static CLIENTS: [Client; 6] = [
    Client { name: "uri", certificate: Some("uri"), sni: "srv.test" },
    Client { name: "dns", certificate: Some("dns"), sni: "other.test" },
    Client { name: "subject", certificate: Some("subject"), sni: "" },
    Client { name: "email", certificate: Some("email"), sni: "srv.test" },
    Client { name: "nobody", certificate: None, sni: "srv.test" },
    Client { name: "stranger", certificate: Some("stranger"), sni: "srv.test" },
];

/// Lets in whom it knows.
const KNOWN: &str = r#"
default result := false

result if input.source_principal in {"spiffe://shop/web", "api.test"}
"#;

#[test]
fn a_policy_lets_in_whom_it_knows() {
    let fronts = CLIENTS.each_ref().map(|client| (client, ports::loopback(ports::free().expect("a port"))));
    let stack = Stack::sark(of(KNOWN)).edit(move |tree| tls::speak(tree, &fronts)).start();
    let front = |name: &str| fronts.iter().find(|(client, _)| client.name == name).expect("a client").1;
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
