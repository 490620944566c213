//! `net.*`, without `net.lookup_ip_addr`, which asks the network.

mod merge;
mod network;

use super::args::{pay, string};
use super::order::sorted;
use super::{Builtin, Context, Failure, own};
use network::{Address, Network};
use regorus::Value;
use std::collections::BTreeSet;

pub(super) const TABLE: &[Builtin] = &[
    own("net.cidr_contains", 2, cidr_contains),
    own("net.cidr_contains_matches", 2, cidr_contains_matches),
    own("net.cidr_expand", 1, cidr_expand),
    own("net.cidr_intersects", 2, cidr_intersects),
    own("net.cidr_is_valid", 1, cidr_is_valid),
    own("net.cidr_merge", 1, merge::merge),
    own("net.cidr_overlap", 2, cidr_contains),
];

fn network(value: &Value) -> Result<Network, Failure> {
    Network::parse(string(value)?).ok_or(Failure::Error("is not a network".into()))
}

/// The second may be an address.
fn contains(network_text: &Value, other: &Value) -> Result<bool, Failure> {
    let whole = network(network_text)?;
    match Address::parse(string(other)?) {
        Some(address) => Ok(whole.contains(address.bits())),
        None => Ok(whole.contains_network(&network(other)?)),
    }
}

fn cidr_contains(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [whole, part] = args else { return Err(Failure::ARITY) };
    pay(context, 2)?;
    contains(whole, part).map(Value::Bool)
}

fn cidr_intersects(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [a, b] = args else { return Err(Failure::ARITY) };
    pay(context, 2)?;
    let (a, b) = (network(a)?, network(b)?);
    Ok(Value::Bool(a.contains(b.first()) || b.contains(a.first())))
}

fn cidr_is_valid(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [text] = args else { return Err(Failure::ARITY) };
    pay(context, 1)?;
    Ok(Value::Bool(string(text).is_ok_and(|text| Network::parse(text).is_some())))
}

/// All pairs of indices, or keys, or members, whose networks contain one another.
fn cidr_contains_matches(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [networks, parts] = args else { return Err(Failure::ARITY) };
    let mut matches = BTreeSet::new();
    for (index, network) in candidates(context, networks)? {
        for (part_index, part) in candidates(context, parts)? {
            pay(context, 4)?;
            if contains(network, part)? {
                matches.insert(Value::from(vec![index.clone(), part_index]));
            }
        }
    }
    Ok(Value::from(matches))
}

/// A text by itself; the texts of a collection, or the first members of its arrays. Nothing of anything else.
fn candidates<'a>(context: &mut Context, value: &'a Value) -> Result<Vec<(Value, &'a Value)>, Failure> {
    pay(context, super::args::length(value))?;
    let pairs: Vec<(Value, &Value)> = match value {
        Value::String(_) => return Ok(vec![(value.clone(), value)]),
        Value::Array(items) => (0_u64..).map(Value::from).zip(items.iter()).collect(),
        Value::Set(items) => sorted(items.iter()).into_iter().map(|item| (item.clone(), item)).collect(),
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), value)).collect(),
        _ => Vec::new(),
    };
    pairs.into_iter().map(|(key, item)| Ok((key, candidate(item)?))).collect()
}

fn candidate(item: &Value) -> Result<&Value, Failure> {
    match item {
        Value::String(_) => Ok(item),
        Value::Array(items) => items.first().ok_or(Failure::Error("wants strings or non-empty arrays".into())),
        _ => Err(Failure::Error("wants strings or non-empty arrays".into())),
    }
}

/// Every address, paid for before: `::/0` costs more than there is.
fn cidr_expand(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [text] = args else { return Err(Failure::ARITY) };
    let network = network(text)?;
    let count = 1_usize.checked_shl(network.host_bits()).unwrap_or(usize::MAX);
    pay(context, count.saturating_mul(2))?;
    let addresses = (0_u128..).take(count).map(|host| network.first() | host);
    let texts = addresses.map(|address| Value::from(Address::of_bits(address).to_string()));
    Ok(Value::from(texts.collect::<BTreeSet<_>>()))
}
