//! The decision that is asked for.

use std::fmt;

/// Keys below `data` that name the decision, as opa-envoy-plugin reads its `path`
/// (opa-envoy-contract 2.2).
///
/// Pieces are separated by `/`; leading, trailing and doubled `/` are ignored. A piece is one key
/// whatever it contains: `com.foo/allow` has two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionPath {
    pieces: Vec<String>,
}

/// What an empty path stands for.
const DEFAULT: &str = "envoy/authz/allow";

/// More pieces than any real path; regorus stops at 32 components.
const MAX_PIECES: usize = 16;

impl DecisionPath {
    /// Reads `envoy/authz/allow`. Without any piece it is that very default.
    ///
    /// # Errors
    ///
    /// More than 16 pieces, a control character, or a piece that is a number (OPA would take that for
    /// an array index). The text is lower case and fit to stand behind a JSON path.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces: Vec<String> = split(text);
        if pieces.is_empty() {
            pieces = split(DEFAULT);
        }
        if pieces.len() > MAX_PIECES {
            return Err(format!("must have at most {MAX_PIECES} pieces, has {}", pieces.len()));
        }
        if text.chars().any(char::is_control) {
            return Err("must not contain control characters".to_owned());
        }
        if let Some(piece) = pieces.iter().find(|piece| is_index(piece)) {
            return Err(format!("piece \"{piece}\" would index an array, which is not available inline; name a rule"));
        }
        Ok(Self { pieces })
    }

    /// The keys, from below `data` downwards. Never empty.
    pub fn pieces(&self) -> &[String] {
        &self.pieces
    }
}

/// A number as Go's `Atoi` reads it.
fn is_index(piece: &str) -> bool {
    let digits = piece.strip_prefix(['+', '-']).unwrap_or(piece);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn split(text: &str) -> Vec<String> {
    text.split('/').filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
}

impl fmt::Display for DecisionPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pieces.join("/"))
    }
}
