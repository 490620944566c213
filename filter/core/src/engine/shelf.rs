//! Plans that are in use in this VM, so that a push that changes only data does not load the plan again.

use crate::plan::Plan;
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::rc::{Rc, Weak};

/// Plans by the SHA-256 of their bytes. It keeps none alive: a new configuration is taken while the old one still
/// serves, so what it needs is there; what nobody uses is gone.
#[derive(Default)]
pub struct Shelf {
    plans: RefCell<Vec<([u8; 32], Weak<Plan>)>>,
}

impl Shelf {
    /// The plan of these bytes, if one is in use, else what `load` makes of them; and whether it was in use.
    pub(super) fn take<E>(&self, bytes: &[u8], load: impl FnOnce() -> Result<Plan, E>) -> Result<(Rc<Plan>, bool), E> {
        let digest: [u8; 32] = Sha256::digest(bytes).into();
        let known = self.plans.borrow().iter().find(|(other, _)| *other == digest).and_then(|(_, plan)| plan.upgrade());
        if let Some(plan) = known {
            return Ok((plan, true));
        }
        let plan = Rc::new(load()?);
        let mut plans = self.plans.borrow_mut();
        plans.retain(|(_, plan)| plan.strong_count() > 0);
        plans.push((digest, Rc::downgrade(&plan)));
        Ok((plan, false))
    }
}
