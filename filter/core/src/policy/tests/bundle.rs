//! Bundles: what is read, and that nothing in one is lost silently.

use super::json;
use crate::policy::RegoVersion;
use crate::policy::bundle::{Bundle, read};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write as _;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        // As opa build writes names; the library itself would refuse the leading slash.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, text.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn pack(tar: &[u8]) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(tar).unwrap();
    STANDARD.encode(gzip.finish().unwrap())
}

fn bundle(files: &[(&str, &str)]) -> Result<Bundle, String> {
    read(&pack(&tar(files)))
}

fn refusal(files: &[(&str, &str)]) -> String {
    bundle(files).expect_err("refused")
}

#[test]
fn modules_plan_data_and_version_are_read() {
    let read = bundle(&[
        ("/b/two.rego", "package b"),
        ("/a.rego", "package a"),
        ("/plan.json", "{}"),
        ("/.manifest", r#"{"revision": "7", "roots": [""], "rego_version": 0, "metadata": {}}"#),
        ("/README.md", "not read"),
        ("/data.json", r#"{"x": 1}"#),
    ])
    .unwrap();
    let names: Vec<_> = read.modules.iter().map(|module| module.name.as_str()).collect();
    assert_eq!(names, ["a.rego", "b/two.rego"]);
    assert_eq!((read.plan.as_deref(), read.version), (Some(&b"{}"[..]), RegoVersion::V0));
    assert_eq!(read.data, json(r#"{"x":1}"#));
}

#[test]
fn without_a_manifest_it_is_rego_v1() {
    assert_eq!(bundle(&[("a.rego", "package a")]).unwrap().version, RegoVersion::V1);
}

#[test]
fn data_files_are_mounted_at_their_folders_in_any_order() {
    let files = [
        ("users/data.json", r#"{"alice": {"role": "admin"}}"#),
        ("users/bob/data.json", r#"{"role": "user"}"#),
        ("data.json", r#"{"users": {"carol": {}}, "n": 1}"#),
        ("list/data.json", "[1]"),
    ];
    let expected = r#"{"list":[1],"n":1,"users":{"alice":{"role":"admin"},"bob":{"role":"user"},"carol":{}}}"#;
    let reversed: Vec<_> = files.iter().rev().copied().collect();
    for files in [&files[..], &reversed] {
        assert_eq!(bundle(files).unwrap().data, json(expected));
    }
}

#[test]
fn what_would_be_lost_is_refused_with_the_file() {
    let cases: [(&[(&str, &str)], &str); 9] = [
        (&[("data.yaml", "a: 1")], "data.yaml: YAML data is not read"),
        (&[("data.json", "{")], "data.json: "),
        (&[("data.json", "[]")], "data.json: something else is there already, or the root is no object"),
        (&[("a/data.json", "1"), ("data.json", r#"{"a": 2}"#)], "data.json: something else is there already"),
        (&[("a/data.json", "1"), ("a/b/data.json", "2")], "data.json: something else is there already"),
        (&[("a.rego", "package a"), ("a.rego", "package b")], "a.rego stands twice"),
        (&[(".manifest", "[")], ".manifest: "),
        (&[(".manifest", r#"{"rego_version": 2}"#)], "rego_version 2 is neither 0 nor 1"),
        (
            &[(".manifest", r#"{"file_rego_versions": {"/a.rego": 0}}"#)],
            "file_rego_versions is not read without a plan",
        ),
    ];
    for (files, expected) in cases {
        let message = refusal(files);
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}

#[test]
fn what_is_no_bundle_is_refused() {
    let cases = [
        ("not base64!".to_owned(), "is not base64"),
        (STANDARD.encode("no gzip"), "is not a gzipped tar archive"),
        (pack(&[b'x'; 2000]), "is not a gzipped tar archive"),
        (pack(tar(&[("a.rego", "package a")]).get(..515).unwrap()), "unexpected EOF"),
    ];
    for (text, expected) in cases {
        let message = read(&text).expect_err("refused");
        assert!(message.contains(expected), "{message:?} lacks {expected:?}");
    }
}

#[test]
fn an_archive_that_is_cut_behind_its_last_file_is_refused() {
    let whole = STANDARD.decode(pack(&tar(&[("a.rego", "package a")]))).unwrap();
    for missing in 1..20 {
        let cut = STANDARD.encode(&whole[..whole.len() - missing]);
        assert!(read(&cut).is_err(), "{missing} bytes missing");
    }
}

#[test]
fn a_compression_bomb_and_too_many_files_are_refused() {
    let bomb = pack(&vec![0; 64 * 1024 * 1024 + 1]);
    assert!(bomb.len() < 1_000_000);
    assert!(read(&bomb).expect_err("refused").contains("bytes unpacked"));
    let many: Vec<_> = (0..4_097).map(|_| ("x.txt", "")).collect();
    assert!(refusal(&many).contains("more than 4096 files"));
}
