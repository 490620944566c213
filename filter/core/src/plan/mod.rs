//! OPA's plans: loaded, checked and run.
