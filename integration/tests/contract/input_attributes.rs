//! Sections 1.2 and 1.3: `attributes`, field by field, and how values are written.

use sark_integration::Request;
use serde_json::{Value, json};

use crate::outcome::Outcome;
use crate::row::Row;
use crate::setup::{Setup, echo, result};

static PARTIAL: Setup = echo(
    "a part of a body",
    || json!({"with_request_body": {"max_request_bytes": 200, "allow_partial_message": true}}),
);
static BYTES: Setup = echo(
    "pack_as_bytes, a part of a body",
    || json!({"with_request_body": {"max_request_bytes": 200, "allow_partial_message": true, "pack_as_bytes": true}}),
);
static METADATA: Setup = echo("metadata and labels", || {
    json!({
        "metadata_context_namespaces": ["dotted.name", "missing"],
        "typed_metadata_context_namespaces": ["typed", "missing"],
        "route_metadata_context_namespaces": ["shop", "missing"],
        "route_typed_metadata_context_namespaces": ["shop.typed"],
        "bootstrap_metadata_labels_key": "labels",
        "include_peer_certificate": true,
    })
});
static NOT_THERE: Setup = echo("metadata that is not there", || {
    json!({
        "metadata_context_namespaces": ["missing"],
        "route_metadata_context_namespaces": ["missing"],
        "bootstrap_metadata_labels_key": "missing",
    })
});
static EMPTY: Setup = echo(
    "metadata that is empty",
    || json!({"metadata_context_namespaces": ["nothing"], "bootstrap_metadata_labels_key": "empty"}),
);
static FRACTION: Setup = result("a fraction in metadata", || json!({"metadata_context_namespaces": ["fraction"]}));
static BY_REQUEST: Setup = echo("source_address: request", || json!({"source_address": "request"}));

pub fn rows() -> Vec<Row> {
    let mut rows = request_line();
    rows.extend(request_body());
    rows.extend(peers());
    rows.extend(metadata());
    rows
}

fn get() -> Request {
    Request::get("/a")
}

fn request_line() -> Vec<Row> {
    const ID: &str = "/attributes/request/http/id";
    const METHOD: &str = "/attributes/request/http/method";
    const PATH: &str = "/attributes/request/http/path";
    const HOST: &str = "/attributes/request/http/host";
    const PROTOCOL: &str = "/attributes/request/http/protocol";
    let old = "GET /old HTTP/1.0\r\nhost: old.test\r\n\r\n";
    let bare = "GET /\x41%7e?\x41 HTTP/1.1\r\nHost: a.test:8080\r\n\r\n";
    let mut rows: Vec<Row> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PURGE"]
        .map(|method| {
            let expected = Value::from(method).to_string();
            Row::echo(format!("1.2 method {method}"), Request::new(method, "/a")).is(METHOD, expected)
        })
        .into();
    rows.extend([
        Row::echo("1.2 time.seconds is a number of this time", get()).holds(
            "/attributes/request/time/seconds",
            "a recent number",
            |seconds| seconds.as_u64().is_some_and(|seconds| seconds > 1_700_000_000),
        ),
        Row::echo("1.2 time.nanos is a number", get()).holds("/attributes/request/time", "seconds and nanos", |time| {
            let nanos = time.get("nanos").map_or(Some(0), Value::as_u64);
            nanos.is_some_and(|nanos| nanos < 1_000_000_000) && time.as_object().is_some_and(|time| time.len() <= 2)
        }),
        Row::echo("1.2 id is a decimal number in a string", get())
            .holds(ID, "digits", |id| id.as_str().is_some_and(|id| id.parse::<u64>().is_ok())),
        Row::echo("1.2 id is not x-request-id", get().header("x-request-id", "mine"))
            .holds(ID, "a number of its own", |id| id.as_str().is_some_and(|id| id.parse::<u64>().is_ok()))
            .differs("a random number of its own, not Envoy's stream id"),
        Row::echo("1.2 path is raw, with the query", Request::get("//a/%2e/../b;c?d=%7E&&e"))
            .is(PATH, r#""//a/%2e/../b;c?d=%7E&&e""#),
        Row::echo("1.2 path of a target in absolute form", Request::get("http://other.test:8/abs?z=1"))
            .http1()
            .is(PATH, r#""/abs?z=1""#)
            .is(HOST, r#""other.test:8""#),
        Row::echo("1.2 path, byte by byte", get()).raw(bare).is(PATH, r#""/A%7e?A""#).is(HOST, r#""a.test:8080""#),
        Row::echo("1.2 host with a port", get().authority("shop.test:8443")).is(HOST, r#""shop.test:8443""#),
        Row::echo("1.2 host keeps its case", get().authority("Shop.TEST")).is(HOST, r#""Shop.TEST""#),
        Row::echo("1.2 host of IPv6", get().authority("[::1]:80")).is(HOST, r#""[::1]:80""#),
        Row::echo("1.2 scheme", get()).is("/attributes/request/http/scheme", r#""http""#),
        Row::echo("1.2 protocol HTTP/1.1", get()).http1().is(PROTOCOL, r#""HTTP/1.1""#),
        Row::echo("1.2 protocol HTTP/2", get()).http2().is(PROTOCOL, r#""HTTP/2""#),
        Row::echo("1.2 protocol HTTP/1.0", get()).raw(old).is(PROTOCOL, r#""HTTP/1.0""#).is(HOST, r#""old.test""#),
        Row::echo("1.2 query is never there", Request::get("/a?b=c")).absent("/attributes/request/http/query"),
        Row::echo("1.2 fragment is never there", get()).absent("/attributes/request/http/fragment"),
        Row::echo("1.2 a `#` is refused by Envoy", get())
            .raw("GET /a#b HTTP/1.1\r\nhost: a\r\n\r\n")
            .outcome(Outcome::Refused),
        Row::echo("1.2 headerMap is absent without encode_raw_headers", get())
            .absent("/attributes/request/http/headerMap"),
        Row::echo("1.2 the keys of http without a body", get()).like(
            "/attributes/request/http",
            r#"{"headers":"*","host":"sark.test","id":"*","method":"GET","path":"/a","protocol":"*","scheme":"http"}"#,
        ),
    ]);
    rows
}

fn request_body() -> Vec<Row> {
    const SIZE: &str = "/attributes/request/http/size";
    const BODY: &str = "/attributes/request/http/body";
    const RAW: &str = "/attributes/request/http/rawBody";
    let post = |body: &[u8]| Request::post("/a").body(body);
    let partial = |name: &str, body: &[u8]| Row::echo(name, post(body)).setup(&PARTIAL);
    let bytes = |name: &str, body: &[u8]| Row::echo(name, post(body)).setup(&BYTES);
    let long = "x".repeat(308);
    let cut = |text: &str| Value::from(text).to_string();
    vec![
        Row::echo("1.2 size is absent without a body", get()).setup(&PARTIAL).absent(SIZE),
        Row::echo("1.2 size is absent where nothing is buffered", post(b"hello")).absent(SIZE),
        Row::echo("1.2 size is absent for content-length 0", post(b"")).setup(&PARTIAL).absent(SIZE),
        partial("1.2 size is a number", b"hello").is(SIZE, "5"),
        partial("1.2 size is what was received, though body is cut", long.as_bytes())
            .is(SIZE, "308")
            .is(BODY, cut(&long[..200])),
        Row::echo("1.2 size of chunks", Request::post("/a").frames(["ab", "c"])).setup(&PARTIAL).is(SIZE, "3"),
        Row::echo("1.2 body is absent where nothing is buffered", post(b"hello")).absent(BODY).absent(RAW),
        Row::echo("1.2 body is absent without a body", get()).setup(&PARTIAL).absent(BODY),
        Row::echo("1.2 body is absent for content-length 0", post(b"")).setup(&PARTIAL).absent(BODY).absent(RAW),
        partial("1.2 body is text", "héllo\n\"\\\0".as_bytes()).is(BODY, cut("héllo\n\"\\\0")).absent(RAW),
        partial("1.2 4.5 body: each byte that is not UTF-8 is a `!`", b"a\xff\xfe\xc3(b").is(BODY, r#""a!!!(b""#),
        partial("1.2 body: half a character at the end", b"a\xc3").is(BODY, r#""a!""#),
        Row::echo("1.2 body: a character that is cut at the limit", post(format!("{}é", "x".repeat(199)).as_bytes()))
            .setup(&PARTIAL)
            .is(BODY, cut(&format!("{}!", "x".repeat(199)))),
        bytes("1.2 rawBody is base64", b"hello").is(RAW, r#""aGVsbG8=""#).absent(BODY),
        bytes("1.2 4.5 rawBody: bytes as they are", b"\xff\xfe\0").is(RAW, r#""//4A""#),
        bytes("1.2 rawBody is cut", long.as_bytes())
            .is(SIZE, "308")
            .holds(RAW, "200 bytes", |raw| raw.as_str().is_some_and(|raw| raw.len() == 268)),
        Row::echo("1.2 rawBody is absent without a body", get()).setup(&BYTES).absent(RAW).absent(BODY),
        Row::echo("1.2 there is no raw_body", post(b"a")).setup(&BYTES).absent("/attributes/request/http/raw_body"),
    ]
}

fn peers() -> Vec<Row> {
    const ADDRESS: &str = "/attributes/source/address/socketAddress/address";
    let forwarded = || get().header("x-forwarded-for", "1.2.3.4");
    vec![
        Row::echo("1.2 source.address is the connection's", get()).is(ADDRESS, r#""127.0.0.1""#),
        Row::echo("1.2 source.address does not follow x-forwarded-for", forwarded()).is(ADDRESS, r#""127.0.0.1""#),
        Row::echo("1.2 source.address with an x-peer of the client's", get().header("x-peer", "5.6.7.8"))
            .is(ADDRESS, r#""127.0.0.1""#),
        Row::echo("1.2 source.address where source_address is `request`", forwarded())
            .setup(&BY_REQUEST)
            .is(ADDRESS, r#""1.2.3.4""#)
            .differs("Envoy tells a wasm filter an address that may follow `x-forwarded-for`"),
        Row::echo("1.2 source port is a number", get()).holds(
            "/attributes/source/address/socketAddress/portValue",
            "a port",
            |port| port.as_u64().is_some_and(|port| port > 0 && port < 65_536),
        ),
        Row::echo("1.3 protocol TCP is the default, so absent", get())
            .absent("/attributes/source/address/socketAddress/protocol")
            .absent("/attributes/destination/address/socketAddress/protocol"),
        Row::echo("1.2 source.service", get().header("x-envoy-downstream-service-cluster", "web"))
            .is("/attributes/source/service", r#""web""#),
        Row::echo("1.2 source.service is absent without the header", get()).absent("/attributes/source/service"),
        Row::echo(
            "1.2 source.service is absent where the header is empty",
            get().header("x-envoy-downstream-service-cluster", ""),
        )
        .absent("/attributes/source/service"),
        Row::echo("1.2 source.labels are never there", get()).setup(&METADATA).absent("/attributes/source/labels"),
        Row::echo("1.2 source.principal without TLS", get()).absent("/attributes/source/principal"),
        Row::echo("1.2 source.certificate without TLS", get())
            .setup(&METADATA)
            .absent("/attributes/source/certificate"),
        Row::echo("1.2 destination.address", get())
            .is("/attributes/destination/address/socketAddress/address", r#""127.0.0.1""#),
        Row::echo("1.2 destination port is a number", get()).holds(
            "/attributes/destination/address/socketAddress/portValue",
            "a port",
            |port| port.as_u64().is_some_and(|port| port > 0 && port < 65_536),
        ),
        Row::echo("1.2 destination.principal without TLS", get()).absent("/attributes/destination/principal"),
        Row::echo("1.2 destination.service and certificate are never there", get())
            .absent("/attributes/destination/service")
            .absent("/attributes/destination/certificate"),
        Row::echo("1.2 destination.labels", get())
            .setup(&METADATA)
            .like("/attributes/destination/labels", r#"{"app":"shop","zone":""}"#),
        Row::echo("1.2 destination.labels without bootstrap_metadata_labels_key", get())
            .absent("/attributes/destination/labels"),
        Row::echo("1.2 destination.labels where the node has no such key", get())
            .setup(&NOT_THERE)
            .absent("/attributes/destination/labels"),
        Row::echo("1.3 empty destination.labels are absent", get())
            .setup(&EMPTY)
            .absent("/attributes/destination/labels"),
        Row::echo("1.2 tlsSession is absent where it is not asked for", get()).absent("/attributes/tlsSession"),
    ]
}

fn metadata() -> Vec<Row> {
    const FILTER: &str = "/attributes/metadataContext/filterMetadata";
    let of_request = |name: &str| Row::echo(name, get()).setup(&METADATA);
    vec![
        Row::echo("1.2 metadataContext is empty where nothing is selected", get())
            .is("/attributes/metadataContext", "{}"),
        Row::echo("1.2 routeMetadataContext is empty where nothing is selected", get())
            .is("/attributes/routeMetadataContext", "{}"),
        Row::echo("1.2 metadataContext is empty where the namespace is not there", get())
            .setup(&NOT_THERE)
            .is("/attributes/metadataContext", "{}"),
        Row::echo("1.2 routeMetadataContext is empty where the namespace is not there", get())
            .setup(&NOT_THERE)
            .is("/attributes/routeMetadataContext", "{}"),
        of_request("1.2 metadataContext has the namespaces that are listed")
            .is(FILTER, r#"{"dotted.name":{"big":9007199254740992,"empty":{},"list":[true,"x"],"none":null}}"#),
        of_request("1.3 a number of metadata is a double")
            .is("/attributes/metadataContext/filterMetadata/dotted.name/big", "9007199254740992"),
        of_request("1.3 null in metadata stays")
            .is("/attributes/metadataContext/filterMetadata/dotted.name/none", "null"),
        of_request("1.3 an empty object in metadata stays")
            .is("/attributes/metadataContext/filterMetadata/dotted.name/empty", "{}"),
        of_request("1.2 typedFilterMetadata has type and bytes").is(
            "/attributes/metadataContext/typedFilterMetadata",
            r#"{"typed":{"typeUrl":"type.googleapis.com/google.protobuf.StringValue","value":"CgVoZWxsbw=="}}"#,
        ),
        of_request("1.2 routeMetadataContext has the namespaces that are listed")
            .is("/attributes/routeMetadataContext/filterMetadata", r#"{"shop":{"tier":"gold"}}"#),
        of_request("1.2 typedFilterMetadata of the route").is(
            "/attributes/routeMetadataContext/typedFilterMetadata",
            r#"{"shop.typed":{"typeUrl":"type.googleapis.com/google.protobuf.StringValue","value":"CgRnb2xk"}}"#,
        ),
        Row::decides(
            "1.3 a fraction in metadata",
            "input.attributes.metadataContext.filterMetadata.fraction.half == 0.5",
        )
        .setup(&FRACTION)
        .allow(),
        Row::echo("1.3 a namespace that is set and empty", get())
            .setup(&EMPTY)
            .is("/attributes/metadataContext", r#"{"filterMetadata":{"nothing":{}}}"#),
        Row::echo("1.2 contextExtensions are absent without extensions", get()).absent("/attributes/contextExtensions"),
        Row::echo("1.2 contextExtensions keep the case of their keys", Request::get("/extended/x"))
            .is("/attributes/contextExtensions", r#"{"Tier":"gold","empty":""}"#)
            .differs("from route metadata, `sark.context_extensions`, with `route_overrides`"),
        Row::echo("3.1 a route that is not checked", Request::get("/disabled/%zz"))
            .outcome(Outcome::Unchecked)
            .differs("`disabled`, `context_extensions` and the decision's path come from route metadata"),
    ]
}
