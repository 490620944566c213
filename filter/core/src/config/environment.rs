//! Variables of the VM's environment that overrule keys of the configuration.

use super::error::ConfigError;
use crate::rollout::{Percentage, Source};

/// The VM's environment.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A value, and where the operator said it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<T> {
    pub value: T,
    /// The key or the variable.
    pub place: &'static str,
    pub source: Source,
}

/// A key, the variable that overrules it, and both values.
pub(super) struct Key<'a, T> {
    pub key: &'static str,
    pub variable: &'static str,
    pub configured: T,
    pub environment: Environment<'a>,
}

impl<T> Key<'_, T> {
    fn said(self, read: impl FnOnce(&str) -> Option<T>, allowed: &str) -> Result<Said<T>, ConfigError> {
        let Some(text) = (self.environment)(self.variable) else {
            return Ok(Said { value: self.configured, place: self.key, source: Source::Configuration });
        };
        // The text itself is not shown: somebody may have put a secret there.
        let value = read(&text).ok_or_else(|| ConfigError::new(self.variable, format!("must be {allowed}")))?;
        Ok(Said { value, place: self.variable, source: Source::Environment })
    }
}

pub(super) fn switch(key: Key<'_, bool>) -> Result<Said<bool>, ConfigError> {
    let read = |text: &str| match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    key.said(read, "`true` or `false`")
}

pub(super) fn percentage(key: Key<'_, f64>) -> Result<Said<Percentage>, ConfigError> {
    let is_decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let read = |text: &str| text.parse().ok().filter(|_| is_decimal(text));
    let Said { value, place, source } = key.said(read, "a number from 0 to 100, at most two decimals")?;
    let value = Percentage::new(value).map_err(|message| ConfigError::new(place, message))?;
    Ok(Said { value, place, source })
}

pub(super) fn number(key: Key<'_, Option<u64>>) -> Result<Said<Option<u64>>, ConfigError> {
    let is_whole = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    key.said(|text| text.parse().ok().filter(|_| is_whole(text)).map(Some), "a whole number")
}

impl<T> Said<T> {
    /// Who said one of the two: the last that may.
    pub fn source_with<U>(&self, other: &Said<U>) -> Source {
        if other.source == Source::Environment { other.source } else { self.source }
    }
}
