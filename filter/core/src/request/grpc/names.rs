//! What a descriptor set declares, by full name: the first walk, before anything is resolved.

use super::described::{Enum, Field, File, Message, Service};
use super::schema::EnumType;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// What a full name stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Named {
    /// A message, by its place.
    Message(usize),
    /// An enum, by its place.
    Enum(usize),
    /// Something that is no type.
    Other,
}

/// Something that is declared, and where.
pub(super) struct Scoped<'a, T> {
    /// The full name of a message or service; of an extension, that of what it stands in.
    pub(super) name: String,
    pub(super) is_proto3: bool,
    pub(super) item: &'a T,
}

/// Messages and enums are in the order of their places.
#[derive(Default)]
pub(super) struct Names<'a> {
    pub(super) messages: Vec<Scoped<'a, Message>>,
    pub(super) enums: Vec<EnumType>,
    pub(super) extensions: Vec<Scoped<'a, Field>>,
    pub(super) services: Vec<Scoped<'a, Service>>,
    all: BTreeMap<String, Named>,
}

impl<'a> Names<'a> {
    /// # Errors
    /// Something is declared twice or without a proper name, a file is missing or of a syntax that is not read.
    pub(super) fn of(files: &'a [File]) -> Result<Self, String> {
        let mut known = BTreeSet::new();
        if let Some(file) = files.iter().find(|file| !known.insert(file.name.as_str())) {
            return Err(format!("the file {:?} is there twice", file.name));
        }
        let mut names = Self::default();
        for file in files {
            if let Some(missing) = file.dependency.iter().find(|name| !known.contains(name.as_str())) {
                return Err(format!("the file {missing:?} is missing, which {:?} imports", file.name));
            }
            names.file(file)?;
        }
        Ok(names)
    }

    /// What `name` means inside `scope`, from the innermost scope to the outermost. A leading dot marks a full name.
    pub(super) fn find(&self, mut scope: &str, name: &str) -> Option<Named> {
        if let Some(name) = name.strip_prefix('.') {
            return self.all.get(name).copied();
        }
        while !scope.is_empty() {
            if let Some(named) = self.all.get(&format!("{scope}.{name}")) {
                return Some(*named);
            }
            scope = scope.rsplit_once('.').map_or("", |(outer, _)| outer);
        }
        self.all.get(name).copied()
    }

    fn file(&mut self, file: &'a File) -> Result<(), String> {
        let is_proto3 = match file.syntax.as_str() {
            "" | "proto2" => false,
            "proto3" => true,
            syntax => return Err(format!("the syntax {syntax:?} of the file {:?} is not read", file.name)),
        };
        let scope = &file.package;
        if !scope.is_empty() && !scope.split('.').all(is_identifier) {
            return Err(format!("{scope:?} is no name of a package"));
        }
        self.types(scope, is_proto3, &file.message_type, &file.enum_type)?;
        self.extensions(scope, is_proto3, &file.extension)?;
        for service in &file.service {
            let name = self.declare(scope, &service.name, Named::Other)?;
            for method in &service.method {
                self.declare(&name, &method.name, Named::Other)?;
            }
            self.services.push(Scoped { name, is_proto3, item: service });
        }
        Ok(())
    }

    fn types(
        &mut self,
        scope: &str,
        is_proto3: bool,
        messages: &'a [Message],
        enums: &'a [Enum],
    ) -> Result<(), String> {
        for message in messages {
            self.message(scope, is_proto3, message)?;
        }
        for item in enums {
            let name = self.declare(scope, &item.name, Named::Enum(self.enums.len()))?;
            for value in &item.value {
                // Beside its enum, not inside it.
                self.declare(scope, &value.name, Named::Other)?;
            }
            self.enums.push(enum_type(&name, is_proto3, item)?);
        }
        Ok(())
    }

    fn message(&mut self, scope: &str, is_proto3: bool, message: &'a Message) -> Result<(), String> {
        let name = self.declare(scope, &message.name, Named::Message(self.messages.len()))?;
        self.messages.push(Scoped { name: name.clone(), is_proto3, item: message });
        let fields = message.field.iter().map(|field| &field.name);
        for inner in fields.chain(message.oneof_decl.iter().map(|oneof| &oneof.name)) {
            self.declare(&name, inner, Named::Other)?;
        }
        self.types(&name, is_proto3, &message.nested_type, &message.enum_type)?;
        self.extensions(&name, is_proto3, &message.extension)
    }

    fn extensions(&mut self, scope: &str, is_proto3: bool, extensions: &'a [Field]) -> Result<(), String> {
        for item in extensions {
            self.declare(scope, &item.name, Named::Other)?;
            self.extensions.push(Scoped { name: scope.to_owned(), is_proto3, item });
        }
        Ok(())
    }

    /// The full name.
    fn declare(&mut self, scope: &str, name: &str, named: Named) -> Result<String, String> {
        if !is_identifier(name) {
            return Err(format!("{name:?} in {scope:?} is no name"));
        }
        let full = if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") };
        match self.all.insert(full.clone(), named) {
            None => Ok(full),
            Some(_) => Err(format!("{full} is declared twice")),
        }
    }
}

fn enum_type(name: &str, is_proto3: bool, item: &Enum) -> Result<EnumType, String> {
    let may_alias = item.options.as_ref().is_some_and(|options| options.allow_alias);
    let mut names = BTreeMap::new();
    for value in &item.value {
        let number = value.number.ok_or_else(|| format!("{name}: {} has no number", value.name))?;
        match names.entry(number) {
            Entry::Vacant(entry) => drop(entry.insert(value.name.clone())),
            Entry::Occupied(_) if may_alias => {}
            Entry::Occupied(_) => return Err(format!("{name}: two values have the number {number}")),
        }
    }
    let first = item.value.first().and_then(|value| value.number).ok_or_else(|| format!("{name} has no value"))?;
    if is_proto3 && first != 0 {
        return Err(format!("{name}: the first value is not 0"));
    }
    Ok(EnumType { is_null: name == "google.protobuf.NullValue", names, first })
}

pub(super) fn is_identifier(name: &str) -> bool {
    let is_letter = |character: char| character == '_' || character.is_ascii_alphabetic();
    name.starts_with(is_letter) && name.chars().all(|character| is_letter(character) || character.is_ascii_digit())
}
