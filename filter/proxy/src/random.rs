//! Random numbers for ids. Asking the host costs a microsecond, so it is asked once per VM for a seed.

use std::cell::Cell;

thread_local! {
    static STATE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The next number of `SplitMix64`.
pub fn next() -> u64 {
    STATE.with(|state| {
        let seed = state.get().unwrap_or_else(|| getrandom::u64().unwrap_or(0));
        let advanced = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        state.set(Some(advanced));
        let mut mixed = advanced;
        mixed = (mixed ^ mixed.wrapping_shr(30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed.wrapping_shr(27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed.wrapping_shr(31)
    })
}
