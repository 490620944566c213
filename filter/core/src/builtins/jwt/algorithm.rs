//! The algorithms of RFC 7518 and 8037, by the names that OPA's library knows them by.

/// The digest that is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// A way to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Algorithm {
    Hmac(Hash),
    RsaPkcs1(Hash),
    RsaPss(Hash),
    /// On whatever curve the key is, as in OPA.
    Ecdsa(Hash),
    Ed25519,
}

impl Algorithm {
    /// What a token's `alg` names. The long names are those of the library below OPA's: it takes them as well.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "HS256" | "HMAC_WITH_SHA256" => Self::Hmac(Hash::Sha256),
            "HS384" | "HMAC_WITH_SHA384" => Self::Hmac(Hash::Sha384),
            "HS512" | "HMAC_WITH_SHA512" => Self::Hmac(Hash::Sha512),
            "RS256" | "RSA_PKCS1v15_WITH_SHA256" => Self::RsaPkcs1(Hash::Sha256),
            "RS384" | "RSA_PKCS1v15_WITH_SHA384" => Self::RsaPkcs1(Hash::Sha384),
            "RS512" | "RSA_PKCS1v15_WITH_SHA512" => Self::RsaPkcs1(Hash::Sha512),
            "PS256" | "RSA_PSS_WITH_SHA256" => Self::RsaPss(Hash::Sha256),
            "PS384" | "RSA_PSS_WITH_SHA384" => Self::RsaPss(Hash::Sha384),
            "PS512" | "RSA_PSS_WITH_SHA512" => Self::RsaPss(Hash::Sha512),
            "ES256" | "ECDSA_WITH_P256_AND_SHA256" => Self::Ecdsa(Hash::Sha256),
            "ES384" | "ECDSA_WITH_P384_AND_SHA384" => Self::Ecdsa(Hash::Sha384),
            "ES512" | "ECDSA_WITH_P521_AND_SHA512" => Self::Ecdsa(Hash::Sha512),
            "EdDSA" | "Ed25519" => Self::Ed25519,
            _ => return None,
        })
    }

    /// Whether OPA signs by that name, and takes a key of a set that is bound to it.
    pub fn is_of_tokens(name: &str) -> bool {
        const NAMES: [&str; 13] = [
            "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256", "HS384", "HS512",
            "EdDSA",
        ];
        NAMES.contains(&name)
    }

    /// Whether a key may say that it is for it: OPA's library refuses a whole key set over any other `alg`.
    pub fn is_registered(name: &str) -> bool {
        const OTHERS: [&str; 28] = [
            "ES256K",
            "Ed25519",
            "none",
            "A128GCMKW",
            "A128KW",
            "A192GCMKW",
            "A192KW",
            "A256GCMKW",
            "A256KW",
            "dir",
            "ECDH-ES",
            "ECDH-ES+A128KW",
            "ECDH-ES+A192KW",
            "ECDH-ES+A256KW",
            "PBES2-HS256+A128KW",
            "PBES2-HS384+A192KW",
            "PBES2-HS512+A256KW",
            "RSA1_5",
            "RSA-OAEP",
            "RSA-OAEP-256",
            "RSA-OAEP-384",
            "RSA-OAEP-512",
            "A128CBC-HS256",
            "A128GCM",
            "A192CBC-HS384",
            "A192GCM",
            "A256CBC-HS512",
            "A256GCM",
        ];
        Self::is_of_tokens(name) || OTHERS.contains(&name)
    }
}
