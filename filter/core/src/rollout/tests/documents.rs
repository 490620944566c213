//! What is read as a document, and what is not.

use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn over(change: impl FnOnce(&mut Override)) -> Override {
    let mut over = Override {
        percentage: Percentage::new(12.34).unwrap(),
        rolled_back: false,
        also: None,
        digest: "d".repeat(64),
        since: 1,
        until: Some(2),
        by: "ops-2026-11".to_owned(),
        version: 7,
    };
    change(&mut over);
    over
}

#[test]
fn a_document_is_read_as_it_was_written() {
    let without = Document { version: 3, cache_generation: 2, ..Document::default() };
    let with = Document {
        version: 9,
        cache_generation: 1,
        rust_opa: Some(over(|_| {})),
        rust_cache: Some(over(|over| {
            over.rolled_back = true;
            over.until = None;
        })),
        rolled_back: RolledBack { rust_opa: 4, rust_cache: 9 },
    };
    for document in [Document::default(), without, with] {
        assert_eq!(Document::read(&document.write()), Ok(document));
    }
    let text = r#"{"format":1,"version":3,"cache_generation":2,"features":{}}"#;
    assert_eq!(String::from_utf8(Document::read(text.as_bytes()).unwrap().write()).unwrap(), text);
}

#[test]
fn anything_else_is_malformed() {
    let whole = json!({
        "format": 1, "version": 9, "cache_generation": 0,
        "features": {"rust_opa": {
            "percentage": 500, "rolled_back": false, "digest": "", "since": 1, "until": 2, "by": "a", "version": 9,
        }},
    });
    let read = |text: &str| Document::read(text.as_bytes());
    assert!(read(&whole.to_string()).is_ok());
    let pointers = [
        ("/format", json!(2)),
        ("/format", json!("1")),
        ("/version", json!(-1)),
        ("/version", json!(8)),
        ("/version", json!(9.5)),
        ("/cache_generation", json!(null)),
        ("/features", json!([])),
        ("/features/rust_opa/percentage", json!(10_001)),
        ("/features/rust_opa/percentage", json!(5.5)),
        ("/features/rust_opa/percentage", json!("5")),
        ("/features/rust_opa/rolled_back", json!(0)),
        ("/features/rust_opa/by", json!("a".repeat(65))),
        ("/features/rust_opa/until", json!("2")),
    ];
    for (pointer, value) in pointers {
        let mut broken = whole.clone();
        *broken.pointer_mut(pointer).unwrap() = value;
        assert_eq!(read(&broken.to_string()), Err(Malformed), "{broken}");
    }
    for (parent, key) in
        [("", "version"), ("", "format"), ("/features/rust_opa", "digest"), ("/features/rust_opa", "by")]
    {
        let mut broken = whole.clone();
        broken.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
        assert_eq!(read(&broken.to_string()), Err(Malformed), "{broken}");
    }
    for parent in ["", "/features", "/features/rust_opa"] {
        let mut broken = whole.clone();
        broken.pointer_mut(parent).unwrap()["more"] = json!(1);
        assert_eq!(read(&broken.to_string()), Err(Malformed), "{broken}");
    }
    let mut broken = whole.clone();
    broken["features"]["rust_opa"] = json!([500, false, "", 1, 2, "a", 9]);
    assert_eq!(read(&broken.to_string()), Err(Malformed), "{broken}");
    let text = whole.to_string();
    let twice = text.replacen(r#""format":1"#, r#""format":1,"format":1"#, 1);
    let long = format!("{text}{}", " ".repeat(8192));
    for broken in ["", "null", "[]", "{}", r#"[1,9,0,{}]"#, &text[..text.len() - 1], &format!("{text}x"), &twice, &long]
    {
        assert_eq!(read(broken), Err(Malformed), "{broken:?}");
    }
    assert_eq!(Document::read(b"\xff"), Err(Malformed));
}

#[test]
fn what_is_written_is_short() {
    let longest = over(|over| {
        over.by = "\u{1}".repeat(64);
        (over.since, over.until, over.version) = (u64::MAX, Some(u64::MAX), u64::MAX);
    });
    let document = Document {
        version: u64::MAX,
        cache_generation: u64::MAX,
        rust_opa: Some(longest.clone()),
        rust_cache: Some(longest),
        rolled_back: RolledBack { rust_opa: u64::MAX, rust_cache: u64::MAX },
    };
    assert!(document.write().len() <= 2048, "{}", document.write().len());
    assert_eq!(Document::read(&document.write()), Ok(document));
}
