//! Bounds on what is alive at the same time. Callees stand before callers, so one pass finds the deepest chain of
//! calls, and no evaluation can go deeper.

use super::super::error::PlanError;
use super::super::program::{Action, Block, EntryPoint, Function};

/// Most calls inside each other.
const MAX_CALLS: u32 = 1_024;

/// Most slots of all frames that can be alive at once, 24 bytes each.
const MAX_SLOTS: u32 = 262_144;

/// What one call can need at most.
#[derive(Clone, Copy, Default)]
struct Need {
    calls: u32,
    slots: u32,
}

impl Need {
    fn or(self, other: Self) -> Self {
        Self { calls: self.calls.max(other.calls), slots: self.slots.max(other.slots) }
    }

    fn on_top_of(self, frame: u16) -> Self {
        Self { calls: self.calls.saturating_add(1), slots: self.slots.saturating_add(frame.into()) }
    }
}

/// Refuses a plan that could exceed a bound.
pub fn check(functions: &[Function], entries: &[EntryPoint]) -> Result<(), PlanError> {
    let mut needs: Vec<Need> = Vec::new();
    let mut any = Need::default();
    let bodies = functions.iter().map(|function| (&function.name, function.slots, &function.blocks));
    for (name, slots, blocks) in bodies.chain(entries.iter().map(|entry| (&entry.name, entry.slots, &entry.blocks))) {
        let need = callees(blocks, &needs, any).on_top_of(slots);
        if need.calls > MAX_CALLS || need.slots > MAX_SLOTS {
            return Err(PlanError::invalid(name, "calls are nested too deep, or their frames are too large"));
        }
        needs.push(need);
        any = any.or(need);
    }
    Ok(())
}

/// The most any callee needs; a dynamic call may reach any function before it.
fn callees(blocks: &[Block], needs: &[Need], any: Need) -> Need {
    let statements = blocks.iter().flat_map(|block| &block.0);
    statements.fold(Need::default(), |need, statement| {
        need.or(match &statement.action {
            Action::Call { function, .. } => {
                usize::try_from(*function).ok().and_then(|function| needs.get(function)).copied().unwrap_or(any)
            }
            Action::CallDynamic { .. } => any,
            Action::Block(blocks) => callees(blocks, needs, any),
            Action::Not(body) | Action::Scan { body, .. } | Action::With { body, .. } => {
                callees(std::slice::from_ref(body), needs, any)
            }
            _ => Need::default(),
        })
    })
}
