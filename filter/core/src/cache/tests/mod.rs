mod direct;
mod keys;
mod model;
mod scopes;

use super::*;
use crate::decision::{self, Decision};
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn value(json: &str) -> regorus::Value {
    crate::json::parse(json.as_bytes()).unwrap()
}

fn decision(json: &str) -> Decision {
    decision::read(&value(json)).unwrap()
}

fn until(expires: u64) -> Until {
    Until { expires, time_of_day: None }
}

const NO_TIME: fn() -> Option<i64> = || panic!("the time of day was asked for");
const ROOMY: Bounds = Bounds { max_size: 10, max_bytes: 1 << 20 };

#[test]
fn a_decision_is_found_until_its_time_is_over() {
    let mut cache = Cache::new(ROOMY);
    let denied = decision(r#"{"allowed": false, "body": "no", "headers": {"x-a": "1"}, "dynamic_metadata": {"a": 1}}"#);
    assert_eq!(cache.put(b"k".to_vec(), &denied, until(100)), Ok(0));
    assert_eq!(cache.get(b"k", 99, NO_TIME), Ok(Some(denied)));
    assert_eq!(cache.get(b"other", 99, NO_TIME), Ok(None));
    assert_eq!(cache.get(b"k", 100, NO_TIME), Ok(None));
    assert!(cache.is_empty());
}

#[test]
fn what_hangs_on_the_time_of_day_is_found_between_its_times_only() {
    let mut cache = Cache::new(ROOMY);
    for (time, found) in [(Some(50), true), (Some(69), true), (Some(70), false), (Some(49), false), (None, false)] {
        cache.put(b"k".to_vec(), &decision("true"), Until { expires: 100, time_of_day: Some((50, 70)) }).unwrap();
        assert_eq!(cache.get(b"k", 1, || time).map(|found| found.is_some()), Ok(found), "{time:?}");
    }
}

#[test]
fn an_entry_that_answers_for_another_is_an_error_and_gone() {
    let mut cache = Cache::new(ROOMY);
    cache.put(b"a".to_vec(), &decision("true"), until(100)).unwrap();
    cache.put(b"b".to_vec(), &decision("false"), until(100)).unwrap();
    cache.confuse(b"a", b"b");
    assert_eq!(cache.get(b"b", 1, NO_TIME), Err(CacheError::Integrity));
    assert_eq!(cache.get(b"b", 1, NO_TIME), Ok(None));
    assert_eq!(cache.get(b"a", 1, NO_TIME), Err(CacheError::Integrity));
    assert_eq!(cache.len(), 0);
}

#[test]
fn an_entry_has_a_largest_size() {
    let mut cache = Cache::new(ROOMY);
    let body = |bytes: usize| decision(&format!(r#"{{"allowed": false, "body": "{}"}}"#, "x".repeat(bytes)));
    assert_eq!(cache.put(b"k".to_vec(), &body(MAX_ENTRY_BYTES - 1_000), until(9)), Ok(0));
    assert_eq!(cache.put(b"l".to_vec(), &body(MAX_ENTRY_BYTES), until(9)), Err(CacheError::EntryTooLarge));
    assert_eq!((cache.len(), cache.get(b"l", 1, NO_TIME)), (1, Ok(None)));
}

#[test]
fn another_life_begins_empty() {
    let mut cache = Cache::new(ROOMY);
    cache.put(b"k".to_vec(), &decision("true"), until(100)).unwrap();
    cache.renew(0);
    assert_eq!((cache.len(), cache.generation()), (1, 0));
    cache.renew(7);
    assert_eq!((cache.len(), cache.generation(), cache.get(b"k", 1, NO_TIME)), (0, 7, Ok(None)));
    let empty = cache.bytes();
    cache.put(b"k".to_vec(), &decision("true"), until(100)).unwrap();
    cache.get(b"k", 100, NO_TIME).unwrap();
    assert_eq!(cache.bytes(), empty, "nothing is left of an entry that is gone");
}

/// As the configuration demands it, on whatever machine.
#[test]
fn the_least_size_is_enough_for_the_cache_itself() {
    for max_size in [1, 2, 7, 100, 1_000, 4_095, 4_096, 10_000, 100_000] {
        let bounds = Bounds { max_size, max_bytes: Cache::least_bytes(max_size) };
        let mut cache = Cache::new(bounds);
        assert_eq!(cache.bytes(), 0);
        assert_eq!(cache.put(b"k".to_vec(), &decision("true"), until(9)), Ok(0));
        assert!(cache.bytes() + MAX_ENTRY_BYTES / 2 <= bounds.max_bytes, "{max_size}: {}", cache.bytes());
    }
}

#[test]
fn a_sweep_looks_at_a_bounded_part_and_comes_by_everywhere() {
    let mut cache = Cache::new(Bounds { max_size: 3_000, max_bytes: 1 << 22 });
    for number in 0..3_000_u32 {
        let expires = if number % 3 == 0 { 100 } else { 200 };
        cache.put(number.to_le_bytes().to_vec(), &decision("true"), until(expires)).unwrap();
    }
    assert_eq!(cache.sweep(99), 0);
    let slices: Vec<usize> = (0..3).map(|_| cache.sweep(100)).collect();
    assert!(slices.iter().all(|removed| *removed <= 342), "{slices:?}");
    assert_eq!((slices.iter().sum::<usize>(), cache.len()), (1_000, 2_000));
    assert_eq!(cache.get(&1_u32.to_le_bytes(), 100, NO_TIME), Ok(Some(decision("true"))));
    let empty = Cache::new(ROOMY).sweep(1);
    assert_eq!(empty, 0);
}
