//! `rand.intn`.

use crate::builtins::{Context, Failure, args};
use regorus::Value;
use sha2::{Digest, Sha256};

/// A number below the second argument, the same within a request for the same arguments.
pub(super) fn intn(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    let [name, below] = arguments else { return Err(Failure::ARITY) };
    let (name, below) = (args::string(name)?, args::small_integer(below)?.unsigned_abs());
    context.work(name.len())?;
    let chance = bytes(context, &[b"rand.intn", &below.to_le_bytes(), name.as_bytes()]);
    let number = chance.iter().fold(0_u128, |number, byte| number.wrapping_shl(8) | u128::from(*byte));
    let number = number.checked_rem(u128::from(below)).unwrap_or(0);
    Ok(Value::from(u64::try_from(number).unwrap_or(0)))
}

/// Sixteen bytes by chance, the same within a request for the same parts.
pub(in crate::builtins) fn bytes(context: &Context, parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new().chain_update(context.moment().seed.to_le_bytes());
    for part in parts {
        hash.update(part);
    }
    let mut bytes = [0; 16];
    for (byte, chance) in bytes.iter_mut().zip(hash.finalize()) {
        *byte = chance;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use crate::builtins::tests::context;
    use crate::builtins::{Moment, Purity, find};
    use crate::config::Limits;
    use regorus::Value;
    use std::time::Duration;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn call(seed: u64, name: &str, args: &[Value]) -> Value {
        let mut context = context(0);
        let limits = Limits { time: Duration::from_secs(1), steps: 1_000_000 };
        context.begin(limits, Moment { now_ns: 0, seed });
        let builtin = find(name).unwrap();
        assert_eq!(builtin.purity, Purity::Random);
        (builtin.run)(&mut context, args).unwrap()
    }

    #[test]
    fn one_number_a_request_and_arguments() {
        let number = |seed, name: &str| call(seed, "rand.intn", &[Value::from(name), Value::from(1_000_000_u64)]);
        assert_eq!(number(1, "a"), number(1, "a"));
        assert_ne!(number(1, "a"), number(1, "b"));
        assert_ne!(number(1, "a"), number(2, "a"));
    }

    #[test]
    fn numbers_are_below_the_bound_and_reach_it() {
        let dice: std::collections::BTreeSet<Value> =
            (0..200).map(|seed| call(seed, "rand.intn", &[Value::from("dice"), Value::from(-6_i64)])).collect();
        assert_eq!(dice, (0..6_u64).map(Value::from).collect());
    }

    #[test]
    fn one_uuid_a_request_and_key_and_it_reads_as_random() {
        let uuid = |seed, key: &str| call(seed, "uuid.rfc4122", &[Value::from(key)]);
        assert_eq!(uuid(1, "a"), uuid(1, "a"));
        assert_ne!(uuid(1, "a"), uuid(1, "b"));
        assert_ne!(uuid(1, "a"), uuid(2, "a"));
        let parse = find("uuid.parse").unwrap().run;
        let parsed = parse(&mut context(0), &[uuid(1, "a")]).unwrap();
        assert_eq!(parsed["version"], Value::from(4_u64));
        assert_eq!(parsed["variant"], Value::from("RFC4122"));
    }
}
