use super::*;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// `name=content` of each part, or the error.
fn read(body: &str) -> Result<Vec<String>, String> {
    let parts = parse(body.as_bytes(), "foo").map_err(|error| error.to_string())?;
    Ok(parts.iter().map(|part| format!("{}={}", part.name, String::from_utf8_lossy(&part.content))).collect())
}

/// A named part, a line end short.
fn part(name: &str, content: &str) -> String {
    format!("--foo\r\nContent-Disposition: form-data; name={name}\r\n\r\n{content}")
}

#[test]
fn reads_what_go_reads() {
    for (body, expected) in [
        (part("a", "x") + "\r\n--foo--", vec!["a=x"]),
        (part("a", "x").replace("\r\n", "\n") + "\n--foo--\n", vec!["a=x"]),
        ("preamble\r\n".to_owned() + &part("a", "x") + "\r\n--foo--\r\nepilogue", vec!["a=x"]),
        (part("a", "x") + "\r\n" + &part("b", "y") + "\r\n--foo-- \t\r\n", vec!["a=x", "b=y"]),
        (part("a", "x\r\n--foobar\r\n--fo") + "\r\n--foo--", vec!["a=x\r\n--foobar\r\n--fo"]),
        // Nothing between headers and delimiter.
        (part("a", "--foo--"), vec!["a="]),
        // A body that ends within headers ends there.
        (part("a", "x") + "\r\n--foo\r\nContent-Disposition: form-data; name=b", vec!["a=x"]),
        (part("a", "x") + "\r\n--foo\r\n", vec!["a=x"]),
        // A folded header, its first of two, no case in its name.
        (
            "--foo\r\ncontent-DISPOSITION: form-data;\r\n\t name=a\r\nContent-Disposition: form-data; name=b\r\n\r\nx\r\n--foo--"
                .to_owned(),
            vec!["a=x"],
        ),
        ("--foo--".to_owned(), vec![]),
        ("--foo\r\n\r\nx\r\n--foo--".to_owned(), vec![]),
    ] {
        assert_eq!(read(&body).unwrap(), expected, "{body:?}");
    }
}

#[test]
fn refuses_what_go_refuses() {
    for bad in [
        String::new(),
        "garbage".to_owned(),
        part("a", "x"),
        part("a", "x") + "\r\n--foo",
        part("a", "x") + "\r\n--foo--x",
        part("a", "x") + "\r\n--foo \rx\r\n--foo--",
        "--foo\r\n leading: space\r\n\r\nx\r\n--foo--".to_owned(),
        "--foo\r\nno colon\r\n\r\nx\r\n--foo--".to_owned(),
        "--foo\r\nb@d: x\r\n\r\nx\r\n--foo--".to_owned(),
        "--foo\r\nx: \u{1}\r\n\r\nx\r\n--foo--".to_owned(),
        format!("{}\r\n{}\r\n--foo--", "p".repeat(5000), part("a", "x")),
    ] {
        assert!(read(&bad).is_err(), "{bad:?}");
    }
    assert!(parse(b"--\r\n", "").is_err());
}

#[test]
fn quoted_printable_parts_are_decoded() {
    let quoted = |content: &str| {
        let header = "\r\nContent-Transfer-Encoding: Quoted-Printable";
        read(&(part(&format!("a{header}"), content) + "\r\n--foo--"))
    };
    for (content, expected) in [
        ("=41=c3=A9 \t\r\nb=\r\nc", "a=A\u{e9}\r\nbc"),
        ("x=\nyz", "a=xyz"),
        ("a=zb", "a=a=zb"),
        ("trailing=", "a=trailing"),
    ] {
        assert_eq!(quoted(content).unwrap(), [expected], "{content:?}");
    }
    for bad in ["=", "\u{1}", "x\r\n= \u{7f}"] {
        assert!(quoted(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn the_number_of_parts_is_bounded() {
    let many = |count: usize| format!("{}--foo--", (part("a", "") + "\r\n").repeat(count));
    assert_eq!(read(&many(MAX_PARTS)).unwrap().len(), MAX_PARTS);
    assert!(read(&many(MAX_PARTS + 1)).is_err());
}
