//! What of a request may be shown to an operator: never a value of a header, never a query, never what looks like a
//! secret.

/// Most characters of anything that is shown.
const MAX_CHARACTERS: usize = 256;

/// Shorter ones guess nothing that matters; words of a path seldom are longer and have digits in them.
const SHORTEST_TOKEN: usize = 20;

/// What stands in the place of a secret.
const MASK: &str = "***";

/// A path without its query, segments that look like secrets masked, cut to a length.
pub fn path(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').map(|segment| if is_token(segment) { MASK } else { segment }).collect();
    cut(&segments.join("/"))
}

/// A name, masked if it looks like a secret, cut to a length.
pub fn name(name: &str) -> String {
    if is_token(name) { MASK.to_owned() } else { cut(name) }
}

/// What could be a key, a token or its signature: long, with letters and digits, of the characters those are written
/// in. An identifier may be taken for one; that is the right way to be wrong.
fn is_token(text: &str) -> bool {
    let is_token_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+=%:".contains(&byte);
    text.len() >= SHORTEST_TOKEN
        && text.bytes().all(is_token_byte)
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_CHARACTERS).collect()
}
