//! An object of the input document while its members are put in.

use super::place::Place;
use super::selection::Selection;
use crate::host::HostError;
use regorus::Value;
use std::collections::BTreeMap;

/// Takes the members that are selected. What makes the others is never called, so they cost nothing and ask nothing of
/// the proxy.
pub struct Members<'a> {
    selection: &'a Selection,
    members: BTreeMap<Value, Value>,
}

impl<'a> Members<'a> {
    /// An object without members.
    pub const fn new(selection: &'a Selection) -> Self {
        Self { selection, members: BTreeMap::new() }
    }

    /// Puts a member in, unless there is nothing at that place.
    pub fn put<E>(&mut self, place: Place, value: impl FnOnce() -> Result<Option<Value>, E>) -> Result<(), E> {
        if let Some(key) = self.selection.key(place)
            && let Some(value) = value()?
        {
            self.members.insert(key.clone(), value);
        }
        Ok(())
    }

    /// Puts a text in; a field at its default value is absent (contract section 1.3).
    pub fn text<T: AsRef<str>>(
        &mut self,
        place: Place,
        text: impl FnOnce() -> Result<T, HostError>,
    ) -> Result<(), HostError> {
        self.put(place, || {
            let text = text()?;
            Ok(Some(text.as_ref()).filter(|text| !text.is_empty()).map(Value::from))
        })
    }

    /// What was put in.
    pub fn into_map(self) -> BTreeMap<Value, Value> {
        self.members
    }

    /// The object.
    pub fn object(self) -> Value {
        Value::from(self.members)
    }
}
