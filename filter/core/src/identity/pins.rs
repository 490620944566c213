//! Users and header values by name that have a feature, or do not, whatever its percentage: internal testers first.

use crate::request::Head;
use std::collections::BTreeMap;

/// The pins of one feature.
#[derive(Debug, Default)]
pub struct Pins {
    /// Whether a user has it.
    pub users: BTreeMap<String, bool>,
    /// Headers that say so, in order. Whoever may send them chooses the side.
    pub headers: Vec<Pin>,
}

/// A header that pins a request.
#[derive(Debug)]
pub struct Pin {
    /// Its name, lower case.
    pub name: String,
    /// Its whole value.
    pub value: String,
    /// Whether such a request has the feature.
    pub has_it: bool,
}

impl Pins {
    /// Whether a request is pinned, and to what. The user comes first: a header is easier to write than to be somebody.
    #[must_use]
    pub fn of(&self, user: Option<&str>, head: &Head) -> Option<bool> {
        let by_user = user.and_then(|user| self.users.get(user)).copied();
        let matches = |pin: &&Pin| head.get(&pin.name).is_some_and(|value| value == pin.value);
        by_user.or_else(|| self.headers.iter().find(matches).map(|pin| pin.has_it))
    }

    /// Somebody is pinned to not having the feature.
    #[must_use]
    pub fn keep_out(&self) -> bool {
        self.users.values().chain(self.headers.iter().map(|pin| &pin.has_it)).any(|has_it| !has_it)
    }
}
