//! Black-box tests that measure time or memory: one after another, with nothing beside them.

mod breaker;
mod hostile;
mod live_rollback;
mod memory;
mod rollout_ramp;
mod shadow_time;
mod wrong_tokens;
