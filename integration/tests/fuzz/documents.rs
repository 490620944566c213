//! Bundles and JSON.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fastrand::Rng;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use sark_core::json::{self, Bounds};
use sark_core::policy::bundle;

use crate::run::Target;
use crate::{bytes, seeds};

/// Bundles: what is packed is mutated, or the package itself.
pub struct Bundles {
    packed: Vec<u8>,
    unpacked: Vec<u8>,
}

impl Bundles {
    pub fn new() -> Self {
        let packed = std::fs::read(seeds::testdata("bundles/example.tar.gz")).expect("the example bundle");
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(packed.as_slice()).read_to_end(&mut unpacked).expect("a gzipped file");
        Self { packed, unpacked }
    }
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

impl Target for Bundles {
    fn next(&mut self, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = if rng.u8(..4) == 0 { self.packed.clone() } else { self.unpacked.clone() };
        let packed = bytes == self.packed;
        bytes::mutate(rng, &mut bytes, &self.unpacked);
        if packed { bytes } else { pack(&bytes) }
    }

    fn run(&mut self, input: &[u8]) -> bool {
        bundle::read(&STANDARD.encode(input)).is_ok()
    }
}

/// JSON texts.
pub struct Documents {
    texts: Vec<Vec<u8>>,
}

impl Documents {
    pub fn new() -> Self {
        let mut texts: Vec<Vec<u8>> = seeds::policies(".json").into_iter().map(String::into_bytes).collect();
        for family in ["encoding", "json", "numbers", "jwt"] {
            let lines = seeds::lines(&format!("builtins/{family}.jsonl"));
            texts.extend(lines.iter().map(|line| line["args"].to_string().into_bytes()));
        }
        texts.push(r#"{"é": "\ud800\u0041\\\"", "n": [-0.0, 1e5, 12345678901234567890], "": {"": null}}"#.into());
        Self { texts }
    }
}

impl Target for Documents {
    fn next(&mut self, rng: &mut Rng) -> Vec<u8> {
        let mut text = self.texts[rng.usize(..self.texts.len())].clone();
        let other = self.texts[rng.usize(..self.texts.len())].clone();
        bytes::mutate(rng, &mut text, &other);
        text
    }

    fn run(&mut self, input: &[u8]) -> bool {
        let read =
            [Bounds::REQUEST, Bounds::DATA, Bounds::TOKEN].map(|bounds| json::parse_within(input, bounds).is_ok());
        assert!(read[0] || !read[2], "a token is read more strictly");
        read[0]
    }
}
