//! The shipped YAML files as JSON trees.

use std::path::Path;

use serde_json::{Map, Value};
use yaml_rust2::{Yaml, YamlLoader};

use crate::error::Context as _;
use crate::{Error, Result, parts};

/// A file of `envoy/` in the workspace.
pub fn shipped(name: &str) -> Result<Value> {
    load(&parts::workspace().join("envoy").join(name))
}

/// The one document of a YAML file.
pub fn load(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).context(path.display())?;
    parse(&text).context(path.display())
}

/// The one document of a YAML text.
pub fn parse(text: &str) -> Result<Value> {
    let documents = YamlLoader::load_from_str(text).map_err(|error| Error::new(error.to_string()))?;
    match documents.as_slice() {
        [document] => to_json(document),
        _ => Err(Error::new("not exactly one document")),
    }
}

fn to_json(yaml: &Yaml) -> Result<Value> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Boolean(value) => Value::Bool(*value),
        Yaml::Integer(value) => Value::from(*value),
        Yaml::Real(text) => serde_json::from_str(text).map_err(|_| Error::new(format!("not a number: {text}")))?,
        Yaml::String(text) => Value::String(text.clone()),
        Yaml::Array(items) => items.iter().map(to_json).collect::<Result<_>>()?,
        Yaml::Hash(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                let Yaml::String(key) = key else {
                    return Err(Error::new(format!("not a key: {key:?}")));
                };
                object.insert(key.clone(), to_json(value)?);
            }
            Value::Object(object)
        }
        Yaml::Alias(_) | Yaml::BadValue => return Err(Error::new("YAML that has no JSON")),
    })
}
