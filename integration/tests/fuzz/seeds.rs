//! Valid things to begin with: the files that other tests and the examples use.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A folder of the core's test data.
pub fn testdata(path: &str) -> PathBuf {
    root().join("filter/core/testdata").join(path)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of a file of JSON lines in the core's test data.
pub fn lines(path: &str) -> Vec<Json> {
    lines_of(&testdata(path))
}

/// The lines of a file beside the targets. What a target once failed on stays in it.
pub fn kept(name: &str) -> Vec<Json> {
    lines_of(&root().join("integration/tests/fuzz/seeds").join(name))
}

/// Bytes as such a file holds them: a text whose characters are the bytes.
pub fn bytes(text: &Json) -> Vec<u8> {
    let text = text.as_str().expect("a text");
    text.chars().map(|byte| u8::try_from(u32::from(byte)).expect("a byte")).collect()
}

fn lines_of(path: &Path) -> Vec<Json> {
    let text = read(path);
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// The example policies' files of an ending, their tests left out.
pub fn policies(ending: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for folder in std::fs::read_dir(root().join("policies")).expect("the policies") {
        let folder = folder.expect("a folder").path();
        for file in folder.read_dir().into_iter().flatten() {
            let file = file.expect("a file").path();
            let name = file.to_string_lossy();
            if name.ends_with(ending) && !name.ends_with("_test.rego") {
                texts.push(read(&file));
            }
        }
    }
    texts.sort();
    assert!(!texts.is_empty(), "no policy has a file {ending}");
    texts
}
