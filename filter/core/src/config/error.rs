//! The one error a configuration can end in.

/// Why a configuration is refused: a JSON path (or a file of the policy, or an environment variable) and what is allowed
/// there.
///
/// The message never contains a text taken from the environment; a number, where one is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// JSON path such as `features.rust_opa.rollout_percentage`, where `.` is the whole document; or the name of a variable.
    pub path: String,
    /// What is wrong and what is allowed; lower case, no final period.
    pub message: String,
}

impl ConfigError {
    /// An error at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for ConfigError {}
