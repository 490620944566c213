//! Who may use the admin API. The filter knows digests only: its configuration can be read at Envoy's admin port
//! (trap T11).

use crate::request::Head;
use crate::text::hex_digit;
use sha2::Digest as _;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// A token has at least 128 random bits. The 68 characters that a bearer token may consist of (RFC 9110, `token68`) hold
/// 6.09 bits each, so a shorter one cannot have them and is never right, whatever digest is configured.
const MIN_LENGTH: usize = 22;
/// What is hashed for a stranger is bounded.
const MAX_LENGTH: usize = 512;

/// What someone would take who does not think of it, or got by mistake: the digest of an empty file.
const COMMON: [&str; 10] = ["", "\n", "admin", "admin\n", "changeme", "password", "secret", "test", "token", "Bearer"];

/// The SHA-256 of a token. Deliberately without `==`: it is compared in constant time or not at all.
#[derive(Debug, Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of a token.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// From 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut digest = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != digest.len() || !rest.is_empty() {
            return None;
        }
        for (byte, [high, low]) in digest.iter_mut().zip(pairs) {
            *byte = hex_digit(*high)?.wrapping_shl(4) | hex_digit(*low)?;
        }
        Some(Self(digest))
    }

    /// Of a token that everybody would try.
    #[must_use]
    pub fn is_common(&self) -> bool {
        COMMON.iter().any(|token| self.matches(&Self::of(token.as_bytes())).into())
    }

    /// Whether both are the same, in a time that does not depend on them.
    #[must_use]
    pub fn matches(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Look.
    Read,
    /// Look and change.
    Write,
}

/// A token that is valid.
#[derive(Debug)]
pub struct Token {
    /// What it is called in logs.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// What is known of it.
    pub digest: Digest,
}

/// The token that the request bears, if it is one of these. All are compared, whether one was right or not.
pub(super) fn holder<'a>(tokens: &'a [Token], head: &Head) -> Option<&'a Token> {
    let presented = Digest::of(bearer(head)?);
    let mut right = None;
    for token in tokens {
        if token.digest.matches(&presented).into() {
            right = Some(token);
        }
    }
    right
}

/// The bearer token of the only `authorization` header, as bytes.
fn bearer(head: &Head) -> Option<&[u8]> {
    let mut lines = head.lines().filter(|(name, _)| *name == "authorization");
    let ((_, value), None) = (lines.next()?, lines.next()) else {
        return None;
    };
    let (scheme, token) = value.split_at_checked(7)?;
    let token = token.trim_ascii();
    let is_token = scheme.eq_ignore_ascii_case(b"bearer ")
        && (MIN_LENGTH..=MAX_LENGTH).contains(&token.len())
        && token.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte));
    is_token.then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const TOKEN: &str = "0123456789abcdefABCDEF-._~+/=";

    fn tokens() -> Vec<Token> {
        let token =
            |name: &str, role, token: &str| Token { name: name.to_owned(), role, digest: Digest::of(token.as_bytes()) };
        vec![
            token("old", Role::Write, "another-token-of-enough-length"),
            token("new", Role::Read, TOKEN),
            token("short", Role::Write, "0123456789012345678901"),
            token("too-short", Role::Write, "012345678901234567890"),
        ]
    }

    fn name(lines: &[&[u8]]) -> Option<String> {
        let head = Head::new(lines.iter().map(|value| (&b"authorization"[..], *value)));
        holder(&tokens(), &head).map(|token| token.name.clone())
    }

    #[test]
    fn the_right_token_is_found_among_several() {
        let bearer = |scheme: &str, token: &str| name(&[format!("{scheme}{token}").as_bytes()]);
        for scheme in ["Bearer ", "bearer ", "BEARER ", "Bearer   "] {
            assert_eq!(bearer(scheme, TOKEN).as_deref(), Some("new"), "{scheme:?}");
        }
        assert_eq!(bearer("Bearer ", "another-token-of-enough-length").as_deref(), Some("old"));
        assert_eq!(bearer("Bearer ", "0123456789012345678901").as_deref(), Some("short"));
    }

    #[test]
    fn everything_else_is_no_token() {
        assert_eq!(name(&[]), None);
        let right = format!("Bearer {TOKEN}");
        for wrong in [
            &b""[..],
            b"Bearer",
            b"Bearer ",
            b"Bearer 012345678901234567890",
            TOKEN.as_bytes(),
            format!("Basic {TOKEN}").as_bytes(),
            format!("Bearer{TOKEN}").as_bytes(),
            format!("Bearer\t{TOKEN}").as_bytes(),
            format!("Bearer {TOKEN}x").as_bytes(),
            format!("Bearer {TOKEN},Bearer {TOKEN}").as_bytes(),
            format!("Bearer {}", TOKEN.to_ascii_lowercase()).as_bytes(),
            [right.as_bytes(), b"\xff"].concat().as_slice(),
            format!("Bearer {}", "x".repeat(60_000)).as_bytes(),
        ] {
            assert_eq!(name(&[wrong]), None, "{}", wrong.escape_ascii());
        }
        assert_eq!(name(&[right.as_bytes(), right.as_bytes()]), None, "twice");
    }

    #[test]
    fn a_digest_is_64_hexadecimal_digits() {
        let hex = "9F86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        let digest = Digest::from_hex(hex).unwrap();
        assert!(bool::from(digest.matches(&Digest::of(b"test"))) && digest.is_common());
        assert!(!Digest::of(TOKEN.as_bytes()).is_common());
        for bad in ["", "9f", &hex[1..], &format!("{hex}0"), &format!("{hex}00"), &hex.replace('9', "g"), "é"] {
            assert!(Digest::from_hex(bad).is_none(), "{bad}");
        }
        assert!(Digest::from_hex(&"+f".repeat(32)).is_none());
    }

    #[test]
    fn every_bit_of_a_digest_counts() {
        let digest = Digest::of(TOKEN.as_bytes());
        for bit in 0..256 {
            let mut other = digest;
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!bool::from(digest.matches(&other)), "bit {bit}");
        }
        assert!(bool::from(digest.matches(&digest)));
    }

    /// `Digest` has no `==` of its own (this file would have to derive it), and the one comparison is `subtle`'s.
    #[test]
    fn digests_are_compared_in_constant_time_only() {
        let code = include_str!("token.rs").split("#[cfg(test)]").next().unwrap();
        assert_eq!(code.matches("self.0.ct_eq(&other.0)").count(), 1);
        assert_eq!(code.matches("self.0").count(), 1, "nothing else looks into a digest");
        let (before, _) = code.split_once("pub struct Digest").unwrap();
        let derived = before.rsplit_once("#[derive(").unwrap().1;
        assert!(derived.starts_with("Debug, Clone, Copy)]"), "{derived}");
        for comparison in ["PartialEq for Digest", "Ord for Digest", "Hash for Digest"] {
            assert!(!code.contains(comparison), "{comparison}");
        }
    }
}
