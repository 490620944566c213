//! `net.cidr_merge`: the fewest networks that hold the same addresses.

use super::network::{Address, Network, is_mapped};
use crate::builtins::{Context, Failure, args};
use regorus::Value;
use std::collections::BTreeSet;

const ACROSS_FAMILIES: Failure = Failure::Inexact("networks that OPA would merge across the families of addresses");

/// Consecutive addresses.
struct Range {
    first: u128,
    last: u128,
    /// How it is written, while it is one of the given networks.
    text: Option<String>,
}

pub(super) fn merge(context: &mut Context, arguments: &[Value]) -> Result<Value, Failure> {
    let [networks] = arguments else { return Err(Failure::ARITY) };
    args::pay(context, args::length(networks).saturating_mul(4))?;
    let mut ranges = args::items(networks)?.into_iter().map(range).collect::<Result<Vec<_>, _>>()?;
    ranges.sort_by_key(|range| (range.last, range.first));
    let mut merged: Vec<Range> = Vec::new();
    for range in ranges.into_iter().rev() {
        match merged.last_mut() {
            Some(behind) if before(behind.first) <= range.last => join(behind, &range)?,
            _ => merged.push(range),
        }
    }
    let mut texts = BTreeSet::new();
    for range in merged {
        match range.text {
            Some(text) => {
                texts.insert(Value::from(text));
            }
            None => cover(range.first, range.last, |network| {
                texts.insert(Value::from(network.to_string()));
            })?,
        }
    }
    Ok(Value::from(texts))
}

/// A network, or an IPv4 address that stands for the network of its class.
fn range(value: &Value) -> Result<Range, Failure> {
    let text = args::string(value)?;
    let (network, text) = match Address::parse(text) {
        Some(address @ Address::V4(bits)) => {
            let prefix = class_prefix(bits);
            (Network::new(address.bits(), prefix.saturating_add(96), true), format!("{address}/{prefix}"))
        }
        Some(Address::V6(_)) => return Err(Failure::Error("an IPv6 address needs a prefix length".into())),
        None => {
            let network = Network::parse(text).ok_or(Failure::Error("is not an address or a network".into()))?;
            (network, network.to_string())
        }
    };
    if network.is_mapped_v6() {
        return Err(Failure::Inexact("an IPv6 network of mapped IPv4 addresses, which OPA merges wrongly"));
    }
    Ok(Range { first: network.first(), last: network.last(), text: Some(text) })
}

/// Classes A, B and C.
const fn class_prefix(address: u32) -> u32 {
    match address.leading_ones() {
        0 => 8,
        1 => 16,
        _ => 24,
    }
}

/// The address before; the first one of each family has none.
const fn before(address: u128) -> u128 {
    if is_mapped(address) && !is_mapped(address.wrapping_sub(1)) { address } else { address.saturating_sub(1) }
}

/// Takes a range in that ends no later.
fn join(range: &mut Range, earlier: &Range) -> Result<(), Failure> {
    let ends = [range.first, range.last, earlier.first, earlier.last];
    if ends.iter().any(|end| is_mapped(*end) != is_mapped(range.first)) {
        return Err(ACROSS_FAMILIES);
    }
    range.first = range.first.min(earlier.first);
    range.text = None;
    Ok(())
}

/// The fewest networks of a range, each the largest that begins where the one before ended.
fn cover(first: u128, last: u128, mut add: impl FnMut(Network)) -> Result<(), Failure> {
    let v4 = is_mapped(first);
    // The spanning network's address is a Go integer, which forgets zero bytes in front.
    let spanning = first & !u128::MAX.checked_shr((first ^ last).leading_zeros()).unwrap_or(0);
    if !v4 && spanning != 0 && spanning.leading_zeros() >= 8 {
        return Err(Failure::Inexact("networks at the beginning of IPv6, on which OPA stops"));
    }
    let near_mapped = |end: u128| is_mapped(end.wrapping_sub(1)) || is_mapped(end.wrapping_add(1));
    if !v4 && (near_mapped(first) || near_mapped(last)) {
        return Err(ACROSS_FAMILIES);
    }
    let mut next = Some(first);
    while let Some(start) = next.filter(|start| *start <= last) {
        let left = last.saturating_sub(start);
        // All of `2^128` addresses are one network.
        let fitting = left.checked_add(1).map_or(128, u128::ilog2);
        let host_bits = start.trailing_zeros().min(fitting);
        let network = Network::new(start, 128_u32.saturating_sub(host_bits), v4);
        if !v4 && is_mapped(start) {
            return Err(ACROSS_FAMILIES);
        }
        add(network);
        next = network.last().checked_add(1);
    }
    Ok(())
}
