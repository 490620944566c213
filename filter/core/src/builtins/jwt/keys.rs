//! The keys that a policy trusts: a PEM certificate, a PEM public key, a JWK or a set of JWKs.

use super::super::pki::key::PublicKey;
use super::super::pki::{certificate, error, pem, spki};
use super::super::{Context, Failure};
use super::algorithm::Algorithm;
use super::header::Header;
use super::jwk;
use super::memory::fingerprint;
use std::rc::Rc;
use std::sync::Arc;

/// A key and what it may be used for.
#[derive(Debug)]
pub(super) struct VerificationKey {
    /// The only algorithm it is for; empty: any.
    pub algorithm: String,
    /// The `kid`, or empty.
    pub id: String,
    pub key: PublicKey,
    /// It was given with its private half. `io.jwt.verify_*` take no such key.
    pub is_private: bool,
}

/// The keys of one text.
#[derive(Debug)]
pub(super) struct KeySet {
    keys: Vec<VerificationKey>,
    /// What tells it from any other text of keys.
    pub identity: [u8; 32],
}

/// Work of reading keys, for each byte of their text: base64, JSON, numbers, points on curves.
const KEY_BYTE: usize = 64;

impl KeySet {
    /// The keys in a text, from memory if they are known.
    ///
    /// # Errors
    /// OPA refuses them, or they are beyond what is held here.
    pub fn of(context: &mut Context, text: &Arc<str>) -> Result<Rc<Self>, Failure> {
        context.work(text.len())?;
        if let Some(known) = context.memory.jwt.keys.get(&**text) {
            return Ok(known);
        }
        context.work(text.len().saturating_mul(KEY_BYTE))?;
        let keys = match pem::decode(text.as_bytes()) {
            Some(block) => vec![from_pem(&block)?],
            None => from_jwks(text)?,
        };
        let keys = Rc::new(Self { keys, identity: fingerprint(&[b"keys", text.as_bytes()]) });
        context.memory.jwt.keys.put(Arc::clone(text), Rc::clone(&keys), text.len().saturating_mul(4));
        Ok(keys)
    }

    /// Whether a key fits by the header's `kid` (then that one decides), or any of those that are for its `alg`.
    ///
    /// # Errors
    /// Those of `fits`.
    pub fn any(
        &self,
        header: &Header<'_>,
        mut fits: impl FnMut(&VerificationKey) -> Result<bool, Failure>,
    ) -> Result<bool, Failure> {
        if !header.key.is_empty()
            && let Some(key) = self.keys.iter().find(|key| key.id == header.key)
        {
            return fits(key);
        }
        for key in &self.keys {
            if (key.algorithm.is_empty() || key.algorithm == header.algorithm) && fits(key)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn from_pem(block: &pem::Block<'_>) -> Result<VerificationKey, Failure> {
    if !block.rest.is_empty() {
        return Err(error("keys: text after the PEM block"));
    }
    let key = match block.label {
        b"CERTIFICATE" => certificate::parse(&block.bytes)?.key,
        b"PUBLIC KEY" => spki::public_key(&block.bytes)?,
        _ => return Err(error("keys: neither a certificate nor a public key")),
    };
    Ok(VerificationKey { algorithm: String::new(), id: String::new(), key, is_private: false })
}

/// Keys for an algorithm that no token has (encryption, …) are left out.
fn from_jwks(text: &str) -> Result<Vec<VerificationKey>, Failure> {
    let mut keys = Vec::new();
    for jwk in jwk::read_all(text)? {
        let key = jwk.export()?;
        let algorithm = jwk.algorithm.unwrap_or_default();
        if algorithm.is_empty() || Algorithm::is_of_tokens(&algorithm) {
            let (id, is_private) = (jwk.id.unwrap_or_default(), jwk.is_private);
            keys.push(VerificationKey { algorithm, id, key, is_private });
        }
    }
    Ok(keys)
}
