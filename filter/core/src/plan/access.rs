//! Which slots an action reads and writes itself, its blocks aside.

use super::program::{Action, Operand, Slot};

impl Action {
    /// Calls `read` with every operand, and every slot that is read in a place where only a slot can stand.
    pub fn reads(&self, mut read: impl FnMut(Operand)) {
        match self {
            Self::Block(_) | Self::Break(_) | Self::Not(_) | Self::Exit(_) => {}
            Self::Call { args, .. } | Self::Builtin { args, .. } => args.iter().copied().for_each(read),
            Self::CallDynamic { path, args, .. } => {
                path.iter().copied().for_each(&mut read);
                args.iter().map(|slot| Operand::Slot(*slot)).for_each(read);
            }
            Self::Get { source, keys, .. } => {
                read(*source);
                keys.iter().copied().for_each(read);
            }
            Self::Match { source, keys, value } => {
                [*source, *value].into_iter().for_each(&mut read);
                keys.iter().copied().for_each(read);
            }
            // A `with` puts back what it found, so it reads it.
            Self::With { target, value, .. } => [Operand::Slot(*target), *value].into_iter().for_each(read),
            Self::Length { source, .. } | Self::Assign { source, .. } | Self::Is { source, .. } => read(*source),
            Self::AssignOnce { source, target } => [*source, Operand::Slot(*target)].into_iter().for_each(read),
            Self::Equal { a, b } | Self::NotEqual { a, b } => [*a, *b].into_iter().for_each(read),
            Self::Append { array: collection, value } | Self::Add { set: collection, value } => {
                [Operand::Slot(*collection), *value].into_iter().for_each(read);
            }
            Self::Insert { object, key, value, .. } => {
                [Operand::Slot(*object), *key, *value].into_iter().for_each(read);
            }
            Self::Merge { a, b, .. } => [*a, *b].into_iter().map(Operand::Slot).for_each(read),
            Self::Scan { source: slot, .. } | Self::Result { value: slot } => read(Operand::Slot(*slot)),
        }
    }

    /// Every operand that may be a constant as well as a slot.
    pub fn operands_mut(&mut self) -> Vec<&mut Operand> {
        match self {
            Self::Call { args, .. } | Self::Builtin { args, .. } => args.iter_mut().collect(),
            Self::CallDynamic { path, .. } => path.iter_mut().collect(),
            Self::Get { source, keys, .. } => std::iter::once(source).chain(keys).collect(),
            Self::Match { source, keys, value } => [source, value].into_iter().chain(keys).collect(),
            Self::With { value, .. } | Self::Append { value, .. } | Self::Add { value, .. } => vec![value],
            Self::Length { source, .. }
            | Self::Assign { source, .. }
            | Self::AssignOnce { source, .. }
            | Self::Is { source, .. } => vec![source],
            Self::Equal { a, b } | Self::NotEqual { a, b } => vec![a, b],
            Self::Insert { key, value, .. } => vec![key, value],
            Self::Block(_)
            | Self::Break(_)
            | Self::Not(_)
            | Self::Exit(_)
            | Self::Scan { .. }
            | Self::Merge { .. }
            | Self::Result { .. } => Vec::new(),
        }
    }

    /// The slots it writes. What it writes may depend on what was there, as with a collection that grows.
    pub fn writes(&self) -> [Option<Slot>; 2] {
        match self {
            Self::Call { result, .. } | Self::CallDynamic { result, .. } => [Some(*result), None],
            Self::Builtin { result, .. } => [*result, None],
            Self::Get { target, .. }
            | Self::Length { target, .. }
            | Self::Assign { target, .. }
            | Self::AssignOnce { target, .. }
            | Self::Merge { target, .. }
            | Self::With { target, .. } => [Some(*target), None],
            Self::Append { array: slot, .. } | Self::Add { set: slot, .. } | Self::Insert { object: slot, .. } => {
                [Some(*slot), None]
            }
            Self::Scan { key, value, .. } => [*key, *value],
            Self::Block(_)
            | Self::Break(_)
            | Self::Not(_)
            | Self::Exit(_)
            | Self::Equal { .. }
            | Self::NotEqual { .. }
            | Self::Match { .. }
            | Self::Is { .. }
            | Self::Result { .. } => [None, None],
        }
    }

    /// The slot it gives a value that does not depend on what was there. *Undefined* counts as a value.
    pub fn overwrites(&self) -> Option<Slot> {
        match self {
            Self::Call { result, .. } => Some(*result),
            Self::Builtin { result, .. } => *result,
            Self::Get { target, .. }
            | Self::Length { target, .. }
            | Self::Assign { target, .. }
            | Self::Merge { target, .. } => Some(*target),
            // A dynamic call that finds no function leaves its result as it was.
            _ => None,
        }
    }

    /// The slot of [`overwrites`](Self::overwrites), to be changed.
    pub fn overwritten_mut(&mut self) -> Option<&mut Slot> {
        match self {
            Self::Call { result, .. } => Some(result),
            Self::Builtin { result, .. } => result.as_mut(),
            Self::Get { target, .. }
            | Self::Length { target, .. }
            | Self::Assign { target, .. }
            | Self::Merge { target, .. } => Some(target),
            _ => None,
        }
    }
}
