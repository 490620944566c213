//! `type`.

use super::compile::{Keywords, Refusal};
use crate::builtins::numbers::Number;
use regorus::Value;

/// The types that JSON Schema knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Array,
    Boolean,
    Integer,
    Number,
    Null,
    Object,
    String,
}

impl Type {
    const ALL: [Self; 7] =
        [Self::Array, Self::Boolean, Self::Integer, Self::Number, Self::Null, Self::Object, Self::String];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Null => "null",
            Self::Object => "object",
            Self::String => "string",
        }
    }

    /// The type of a value of JSON; a number without a fraction is an integer.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Null),
            Value::Bool(_) => Some(Self::Boolean),
            Value::Number(_) if matches!(Number::of(value), Some(Number::Float(_))) => Some(Self::Number),
            Value::Number(_) => Some(Self::Integer),
            Value::String(_) => Some(Self::String),
            Value::Array(_) => Some(Self::Array),
            Value::Object(_) => Some(Self::Object),
            _ => None,
        }
    }

    /// Whether a schema of these types takes it. None of them: any.
    pub(super) fn is_among(self, types: &[Self]) -> bool {
        types.is_empty() || types.contains(&self) || self == Self::Integer && types.contains(&Self::Number)
    }
}

pub(super) fn read(keywords: &Keywords) -> Result<Vec<Type>, Refusal> {
    let no_text = || Refusal::invalid_type("type", "string/Array Of Strings");
    let mut types = Vec::new();
    match keywords.get("type") {
        None => {}
        Some(Value::String(name)) => add(&mut types, name)?,
        Some(Value::Array(names)) => {
            for name in names.iter() {
                add(&mut types, name.as_string().map_err(|_| no_text())?)?;
            }
        }
        Some(_) => return Err(no_text()),
    }
    Ok(types)
}

fn add(types: &mut Vec<Type>, name: &str) -> Result<(), Refusal> {
    let Some(found) = Type::ALL.into_iter().find(|known| known.name() == name) else {
        let known = Type::ALL.map(Type::name).join(" ");
        let why = "has a primitive type that is NOT VALID";
        return Err(Refusal::Invalid(format!("{why} -- given: /{name}/ Expected valid values are:[{known}]")));
    };
    if types.contains(&found) {
        return Err(Refusal::Invalid(format!("{name} type is duplicated")));
    }
    types.push(found);
    Ok(())
}

/// How errors call the types that a schema takes.
pub(super) fn listed(types: &[Type]) -> String {
    match types {
        [one] => one.name().to_owned(),
        several => {
            let names: Vec<_> = several.iter().map(|one| one.name()).collect();
            format!("[{}]", names.join(","))
        }
    }
}
