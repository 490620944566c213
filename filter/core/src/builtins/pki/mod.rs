//! Keys and certificates as Go reads them: PEM, DER, base64, key material. No builtin stands here; `io.jwt.*` and
//! `crypto.x509.*` build on it.

pub(super) mod base64;
pub(super) mod certificate;
pub(super) mod der;
pub(super) mod key;
pub(super) mod pem;
pub(super) mod spki;

use super::Failure;

/// What Go refuses as well.
pub(super) fn error(text: &'static str) -> Failure {
    Failure::Error(text.into())
}
