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
