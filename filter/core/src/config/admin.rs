//! `admin`, checked.

use super::compiled::from_env;
use super::error::ConfigError;
use super::flow::Flow;
use super::raw;
use crate::admin::{Digest, Place, Role, Token};

const MAX_TOKENS: usize = 4;
const MAX_NAMES: usize = 16;
const MAX_LENGTH: usize = 128;

/// Checked keys.
#[derive(Debug)]
pub struct Admin {
    /// Where the API is.
    pub place: Place,
    /// Who may use it; at least one.
    pub tokens: Vec<Token>,
}

pub(super) fn admin(raw: &raw::Admin, flow: &Flow, env: &dyn Fn(&str) -> Option<String>) -> Result<Admin, ConfigError> {
    if flow.strips(b"authorization") {
        return Err(ConfigError::new(
            "admin",
            "cannot stand beside a `strip_request_headers` that takes `authorization`",
        ));
    }
    let place = Place {
        prefix: prefix(&raw.path_prefix)?,
        hosts: names(&raw.hosts, "admin.hosts", host)?,
        filter_chains: names(&raw.filter_chains, "admin.filter_chains", |name| {
            (!name.is_empty()).then(|| name.to_owned())
        })?,
    };
    Ok(Admin { place, tokens: tokens(&raw.tokens, env)? })
}

/// Whole segments of letters, digits and `-._~`, the characters that RFC 3986 knows one way to write.
fn prefix(text: &str) -> Result<String, ConfigError> {
    let is_segment = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    let segments = text.strip_prefix('/').filter(|_| text.len() <= MAX_LENGTH);
    if segments.is_some_and(|segments| segments.split('/').all(is_segment)) {
        Ok(text.to_owned())
    } else {
        Err(ConfigError::new(
            "admin.path_prefix",
            format!("must be a path such as /admin: letters, digits and `-._~` only, at most {MAX_LENGTH} bytes"),
        ))
    }
}

fn names(raw: &[String], key: &str, check: impl Fn(&str) -> Option<String>) -> Result<Vec<String>, ConfigError> {
    if raw.len() > MAX_NAMES {
        return Err(ConfigError::new(key, format!("at most {MAX_NAMES} are allowed")));
    }
    let checked = raw
        .iter()
        .enumerate()
        .map(|(index, name)| check(name).ok_or_else(|| ConfigError::new(format!("{key}[{index}]"), "is no such name")));
    checked.collect()
}

fn host(name: &str) -> Option<String> {
    let is_host =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]_".contains(&byte));
    is_host.then(|| name.to_ascii_lowercase())
}

fn tokens(raw: &[raw::Object<raw::Token>], env: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Token>, ConfigError> {
    if raw.is_empty() || raw.len() > MAX_TOKENS {
        return Err(ConfigError::new(
            "admin.tokens",
            format!("must list 1 to {MAX_TOKENS} tokens; without `admin` there is no API"),
        ));
    }
    let mut tokens: Vec<Token> = Vec::with_capacity(raw.len());
    for (index, raw) in raw.iter().enumerate() {
        let token = token(&raw.0, &format!("admin.tokens[{index}]"), env)?;
        if tokens.iter().any(|other| other.name == token.name || other.digest.matches(&token.digest).into()) {
            return Err(ConfigError::new(
                format!("admin.tokens[{index}]"),
                "has the name or the digest of another: nobody could tell who it was",
            ));
        }
        tokens.push(token);
    }
    Ok(tokens)
}

/// No message shows what was given for a digest: it may be the token itself.
fn token(raw: &raw::Token, path: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<Token, ConfigError> {
    let is_name = (1..=64).contains(&raw.name.len())
        && raw.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._@".contains(&byte));
    if !is_name {
        return Err(ConfigError::new(
            format!("{path}.name"),
            "must be 1 to 64 letters, digits and `-._@`: it stands in the log",
        ));
    }
    let (text, place) = match &raw.sha256 {
        raw::OrEnv::Literal(text) => (text.clone(), format!("{path}.sha256")),
        raw::OrEnv::FromEnv(variable) => {
            (from_env(variable, &format!("{path}.sha256"), env)?, format!("{path}.sha256.from_env: {variable}"))
        }
    };
    let digest = Digest::from_hex(&text).ok_or_else(|| {
        ConfigError::new(&place, "must be the SHA-256 of the token, not the token itself: 64 hexadecimal digits")
    })?;
    if digest.is_common() {
        return Err(ConfigError::new(place, "is the digest of nothing, or of a word that everybody would try"));
    }
    let role = match raw.role {
        raw::Role::Read => Role::Read,
        raw::Role::Write => Role::Write,
    };
    Ok(Token { name: raw.name.clone(), role, digest })
}
