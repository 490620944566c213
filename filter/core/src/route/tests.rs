use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A field with bytes in it; everything here is shorter than 128 bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2, u8::try_from(content.len()).unwrap()];
    bytes.extend_from_slice(content);
    bytes
}

fn entry(key: &str, value: &[u8]) -> Vec<u8> {
    field(1, &[field(1, key.as_bytes()), field(2, value)].concat())
}

fn string(text: &str) -> Vec<u8> {
    field(3, text.as_bytes())
}

const TRUE: [u8; 2] = [4 << 3, 1];

fn number(value: f64) -> Vec<u8> {
    [&[2 << 3 | 1][..], &value.to_le_bytes()].concat()
}

fn read(members: &[Vec<u8>]) -> Result<Overrides, BadMetadata> {
    read_bytes(&[entry("other", &entry("path", &TRUE)), entry("sark", &members.concat())].concat())
}

fn read_bytes(bytes: &[u8]) -> Result<Overrides, BadMetadata> {
    let path = |text| DecisionPath::parse(text).unwrap();
    Overrides::read(bytes, &path("envoy/authz/allow"), &[path("admin/allow"), path("public/allow")])
}

#[test]
fn a_route_that_says_nothing_changes_nothing() {
    assert_eq!(read(&[]), Ok(Overrides::default()));
    assert_eq!(read_bytes(b""), Ok(Overrides::default()));
}

#[test]
fn a_route_chooses_among_the_configured_decisions() {
    for (path, decision) in [("envoy/authz/allow", 0), ("/admin//allow/", 1), ("public/allow", 2), ("", 0)] {
        assert_eq!(read(&[entry("path", &string(path))]).unwrap().decision, decision, "{path}");
    }
    for path in ["admin", "admin/allow/x", "Admin/allow", "0", "envoy/authz/result"] {
        assert!(read(&[entry("path", &string(path))]).is_err(), "{path}");
    }
}

#[test]
fn a_check_is_disabled_by_a_boolean_and_nothing_else() {
    assert!(read(&[entry("disabled", &TRUE)]).unwrap().disabled);
    assert!(!read(&[entry("disabled", &[4 << 3, 0])]).unwrap().disabled);
    for wrong in [string("true"), number(1.0), vec![1 << 3, 0], vec![]] {
        assert!(read(&[entry("disabled", &wrong)]).is_err(), "{wrong:?}");
    }
}

#[test]
fn context_extensions_are_strings() {
    let extensions = |members: &[Vec<u8>]| read(&[entry("context_extensions", &field(5, &members.concat()))]);
    let good = extensions(&[entry("Tier", &string("gold")), entry("empty", &string(""))]).unwrap();
    assert_eq!(good.context_extensions().unwrap().to_string(), r#"{"Tier":"gold","empty":""}"#);
    assert!(extensions(&[entry("a", &number(1.0))]).is_err());
    assert!(extensions(&[entry("a", &TRUE)]).is_err());
    assert!(read(&[entry("context_extensions", &string("a"))]).is_err());
    assert_eq!(extensions(&[]).unwrap().context_extensions(), None);
}

#[test]
fn what_is_not_known_is_an_error() {
    assert!(read(&[entry("disable", &TRUE)]).is_err());
    assert!(read(&[entry("disabled", &TRUE), entry("x", &field(6, &field(1, &TRUE)))]).is_err());
    let whole = entry("sark", &entry("path", &string("admin/allow")));
    assert_eq!(read_bytes(&whole).unwrap().decision, 1);
    for length in 1..whole.len() {
        assert!(read_bytes(&whole[..length]).is_err(), "cut at {length}");
    }
    assert!(read(&[entry("x", &string(""))]).is_err());
    assert!(read_bytes(&[0xff; 20]).is_err());
}
