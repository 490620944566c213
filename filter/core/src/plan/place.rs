//! Places of a policy, as messages name them.

use super::raw::Place;

/// `file:row:column`; a file the plan does not know is `?`.
pub fn describe(files: &[String], place: Place) -> String {
    let file = usize::try_from(place.file).ok().and_then(|file| files.get(file));
    format!("{}:{}:{}", file.map_or("?", String::as_str), place.row, place.column)
}
