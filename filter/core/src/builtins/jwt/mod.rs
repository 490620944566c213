//! `io.jwt.*`: JSON Web Tokens in compact form, as OPA reads, verifies and signs them.
//!
//! What guards against a forged token, and where: an algorithm takes its own kind of key only ([`signature`]); MACs are
//! compared in constant time; `none` is no algorithm ([`algorithm`]); claims are held against the clock at every call
//! ([`claims`]), whatever is remembered ([`memory`]); no error text holds anything of a token or a key.

pub(super) mod algorithm;
mod claims;
mod constraints;
mod decode;
mod decode_verify;
mod hash;
mod header;
mod jwk;
mod keys;
pub(super) mod memory;
mod rsa;
pub(super) mod rsa_sign;
mod sign;
pub(super) mod signature;
#[cfg(test)]
mod tests;
mod token;
mod verify;

use super::{Builtin, Purity, own};
use algorithm::{Algorithm, Hash};

pub(super) const TABLE: &[Builtin] = &[
    own("io.jwt.decode", 1, decode::decode),
    Builtin { name: "io.jwt.decode_verify", arity: 2, purity: Purity::Clock, run: decode_verify::decode_verify },
    own("io.jwt.encode_sign", 3, sign::encode_sign),
    own("io.jwt.encode_sign_raw", 3, sign::encode_sign_raw),
    own("io.jwt.verify_hs256", 2, |context, args| verify::symmetric(context, args, Hash::Sha256)),
    own("io.jwt.verify_hs384", 2, |context, args| verify::symmetric(context, args, Hash::Sha384)),
    own("io.jwt.verify_hs512", 2, |context, args| verify::symmetric(context, args, Hash::Sha512)),
    own("io.jwt.verify_rs256", 2, |context, args| verify::asymmetric(context, args, Algorithm::RsaPkcs1(Hash::Sha256))),
    own("io.jwt.verify_rs384", 2, |context, args| verify::asymmetric(context, args, Algorithm::RsaPkcs1(Hash::Sha384))),
    own("io.jwt.verify_rs512", 2, |context, args| verify::asymmetric(context, args, Algorithm::RsaPkcs1(Hash::Sha512))),
    own("io.jwt.verify_ps256", 2, |context, args| verify::asymmetric(context, args, Algorithm::RsaPss(Hash::Sha256))),
    own("io.jwt.verify_ps384", 2, |context, args| verify::asymmetric(context, args, Algorithm::RsaPss(Hash::Sha384))),
    own("io.jwt.verify_ps512", 2, |context, args| verify::asymmetric(context, args, Algorithm::RsaPss(Hash::Sha512))),
    own("io.jwt.verify_es256", 2, |context, args| verify::asymmetric(context, args, Algorithm::Ecdsa(Hash::Sha256))),
    own("io.jwt.verify_es384", 2, |context, args| verify::asymmetric(context, args, Algorithm::Ecdsa(Hash::Sha384))),
    own("io.jwt.verify_es512", 2, |context, args| verify::asymmetric(context, args, Algorithm::Ecdsa(Hash::Sha512))),
    own("io.jwt.verify_eddsa", 2, |context, args| verify::asymmetric(context, args, Algorithm::Ed25519)),
];
