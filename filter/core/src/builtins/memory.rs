//! What builtins keep from one evaluation to the next: compiled programs, verified signatures. Every part bounds itself.

/// The memory of an engine; one part a family.
#[derive(Default)]
pub struct Memory {
    pub(super) globs: super::globs::GlobMemory,
    pub(super) regexes: super::regexes::RegexMemory,
    #[cfg(feature = "jwt")]
    pub(super) jwt: super::jwt::memory::TokenMemory,
}
