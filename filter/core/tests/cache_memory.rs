//! The cache weighs what it says: its own sum is held against an allocator that counts.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use sark_core::cache::{Bounds, Cache, Until};
use sark_core::decision::{self, Decision};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes that this thread has; others of the process allocate too.
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

#[allow(unsafe_code, reason = "an allocator is unsafe code; this one hands everything on")]
// SAFETY: as the system's allocator, which does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.set(LIVE.get().wrapping_add(layout.size()));
        // SAFETY: the caller keeps to the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get().wrapping_sub(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn decision(json: &str) -> Decision {
    decision::read(&sark_core::json::parse(json.as_bytes()).unwrap()).unwrap()
}

/// From nothing but a verdict to everything that a decision may hold.
fn decisions() -> Vec<Decision> {
    let mut decisions = vec![decision("true"), decision("false")];
    for number in 0..20 {
        let (long, headers) = ("v".repeat(number * 30), (0..number).map(|n| format!(r#""x-{n}": "{n}{n}""#)));
        let headers = headers.collect::<Vec<_>>().join(",");
        decisions.push(decision(&format!(
            r#"{{"allowed": false, "http_status": 401, "body": "{long}", "headers": {{{headers}}},
                "dynamic_metadata": {{"a": "{long}", "b": [{number}]}}}}"#
        )));
        decisions.push(decision(&format!(
            r#"{{"allowed": true, "headers": {{{headers}}}, "request_headers_to_remove": ["x-a", "x-b"],
                "response_headers_to_add": {{"x-r": ["{long}", "2"]}}, "query_parameters_to_set": {{"q": "{number}"}},
                "query_parameters_to_remove": ["z"]}}"#
        )));
    }
    decisions
}

#[test]
fn the_sum_of_the_weights_is_what_the_allocator_gave_and_little_more() {
    let decisions = decisions();
    let until = Until { expires: u64::MAX, time_of_day: None };
    let key = |number: usize| {
        let mut key = number.to_le_bytes().to_vec();
        key.resize(40 + number % 200, 7);
        key
    };
    let before = LIVE.get();
    let allocated = || LIVE.get().wrapping_sub(before);
    let mut cache = Cache::new(Bounds { max_size: 5_000, max_bytes: 4 << 20 });
    assert_eq!((allocated(), cache.bytes()), (0, 0), "an empty cache takes nothing");
    let mut fullest = 0;
    for number in 0..60_000 {
        let decision = &decisions[number * 7 % decisions.len()];
        cache.put(key(number), decision, until).unwrap();
        if number % 97 == 0 {
            let (says, has) = (cache.bytes(), allocated());
            assert!(has <= says, "{number}: it says {says} and has {has}");
            assert!(says <= 4 << 20);
            fullest = fullest.max(has);
        }
    }
    // What it adds for the allocator itself, 16 bytes a block, is the only difference.
    let (says, has) = (cache.bytes(), allocated());
    assert!(has * 100 >= says * 75, "it says {says} and has {has}");
    assert!(fullest > 3 << 20, "{fullest}");
    while cache.sweep(u64::MAX) > 0 {}
    assert_eq!((cache.len(), allocated()), (0, cache.bytes()), "nothing is left but its own places");
    drop(cache);
    assert_eq!(allocated(), 0);
}

/// What one part weighs must not be covered by what another is given too much.
#[test]
fn every_part_of_a_decision_is_weighed() {
    let long = "v".repeat(2_000);
    let names: Vec<String> = (0..20).map(|number| format!(r#""x-{number}-{}""#, "n".repeat(100))).collect();
    let names = names.join(",");
    for part in [
        format!(r#""allowed": false, "body": "{long}""#),
        format!(r#""allowed": false, "headers": {{"x-a": "{long}"}}"#),
        format!(r#""allowed": false, "dynamic_metadata": {{"a": "{long}"}}"#),
        format!(r#""allowed": true, "dynamic_metadata": {{"{long}": 1}}"#),
        format!(r#""allowed": true, "headers": {{"x-a": "{long}"}}"#),
        format!(r#""allowed": true, "response_headers_to_add": {{"x-a": "{long}"}}"#),
        format!(r#""allowed": true, "request_headers_to_remove": [{names}]"#),
        format!(r#""allowed": true, "query_parameters_to_set": {{"a": "{long}"}}"#),
        format!(r#""allowed": true, "query_parameters_to_remove": ["{long}"]"#),
    ] {
        let decision = decision(&format!("{{{part}}}"));
        let before = LIVE.get();
        let mut cache = Cache::new(Bounds { max_size: 200, max_bytes: 1 << 20 });
        for key in 0_u8..200 {
            cache.put(vec![key], &decision, Until { expires: 1, time_of_day: None }).unwrap();
        }
        let (says, has) = (cache.bytes(), LIVE.get().wrapping_sub(before));
        assert!(has > 400_000 && has <= says && has * 100 >= says * 75, "{part:.40}: it says {says} and has {has}");
    }
}
