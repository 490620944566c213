//! What can go wrong with the cache itself.

/// Why a decision could not be looked up or kept. A closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CacheError {
    /// The values that the policy reads are more than a key may hold.
    KeyTooLarge,
    /// The decision is more than an entry may hold.
    EntryTooLarge,
    /// What was found is not what was kept. It is gone now.
    Integrity,
}

impl CacheError {
    /// Every member, in label order.
    pub const ALL: [Self; 3] = [Self::KeyTooLarge, Self::EntryTooLarge, Self::Integrity];

    /// The label's value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::KeyTooLarge => "key_too_large",
            Self::EntryTooLarge => "entry_too_large",
            Self::Integrity => "integrity",
        }
    }
}
