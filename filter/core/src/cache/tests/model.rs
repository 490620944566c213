//! A million operations, beside a list that does the same in the simplest way.

use super::super::store;
use super::*;
use crate::dice::Dice;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const OPERATIONS: usize = 1_000_000;
const KEYS: usize = 120;

struct Item {
    key: usize,
    decision: usize,
    expires: u64,
    bytes: usize,
}

/// Used longest ago first.
#[derive(Default)]
struct Model(Vec<Item>);

impl Model {
    fn bytes(&self) -> usize {
        self.0.iter().map(|item| item.bytes).sum()
    }

    fn get(&mut self, key: usize, now: u64) -> Option<usize> {
        let at = self.0.iter().position(|item| item.key == key)?;
        let item = self.0.remove(at);
        (item.expires > now).then(|| {
            let decision = item.decision;
            self.0.push(item);
            decision
        })
    }

    /// How many had to go.
    fn put(&mut self, item: Item, max_size: usize, max_bytes: usize) -> usize {
        self.0.retain(|other| other.key != item.key);
        self.0.push(item);
        let mut evicted = 0;
        while self.0.len() > max_size || self.bytes() > max_bytes {
            self.0.remove(0);
            evicted += 1;
        }
        evicted
    }
}

#[test]
fn does_what_a_list_would_do_and_stays_within_its_bounds() {
    // Decisions from 8 bytes to 3 kB, so that now the number is the bound and now the bytes are.
    let decisions: Vec<Decision> = (0..40_usize)
        .map(|number| {
            let body = "x".repeat(number * number * 2);
            decision(&format!(
                r#"{{"allowed": {}, "body": "{body}", "headers": {{"x-n": "{number}"}}}}"#,
                number % 2 == 0
            ))
        })
        .collect();
    let own_bytes = own_bytes();
    let mut cache = Cache::new(Bounds { max_size: 50, max_bytes: own_bytes + 30_000 });
    let mut model = Model::default();
    let mut dice = Dice(7);
    let (mut now, mut hits, mut evictions, mut expired) = (0_u64, 0, 0, 0);
    let (mut full, mut heavy) = (0, 0);
    for _ in 0..OPERATIONS {
        let key = dice.roll(KEYS);
        let bytes = format!("key {key}").into_bytes();
        match dice.roll(100) {
            0..60 => {
                let found = cache.get(&bytes, now, NO_TIME).unwrap();
                let expected = model.get(key, now).map(|number| decisions[number].clone());
                hits += usize::from(found.is_some());
                assert_eq!(found, expected, "key {key} at {now}");
            }
            60..90 => {
                let number = if dice.roll(2) == 0 { dice.roll(10) } else { dice.roll(40) };
                let expires = now + 1 + u64::try_from(dice.roll(60)).unwrap();
                let weight = store::weight(&bytes, &decisions[number].clone());
                let evicted = cache.put(bytes, &decisions[number], until(expires)).unwrap();
                let item = Item { key, decision: number, expires, bytes: weight };
                assert_eq!(evicted, model.put(item, 50, 30_000));
                evictions += evicted;
                heavy += usize::from(evicted > 0 && cache.len() < 50);
            }
            90..99 => now += u64::try_from(dice.roll(5)).unwrap(),
            _ => {
                let before = model.0.len();
                model.0.retain(|item| item.expires > now);
                assert_eq!(cache.sweep(now), before - model.0.len());
                expired += before - model.0.len();
            }
        }
        full += usize::from(cache.len() == 50);
        assert!(cache.len() <= 50 && cache.bytes() <= own_bytes + 30_000);
        assert_eq!((cache.len(), cache.bytes().saturating_sub(own_bytes)), (model.0.len(), model.bytes()));
    }
    assert!(hits > 50_000 && evictions > 10_000 && expired > 1_000, "{hits} hits, {evictions}, {expired}");
    assert!(full > 10_000 && heavy > 10_000, "each bound was met: {full}, {heavy}");
}

/// What a cache of fifty takes for itself.
fn own_bytes() -> usize {
    let mut cache = Cache::new(Bounds { max_size: 50, max_bytes: 1 << 20 });
    cache.put(b"k".to_vec(), &decision("true"), until(1)).unwrap();
    cache.get(b"k", 1, NO_TIME).unwrap();
    cache.bytes()
}
