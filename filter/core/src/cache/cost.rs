//! What an entry weighs. Held against an allocator that counts in `tests/cache_memory.rs`.

use crate::decision::{Decision, Header, Metadata, Mutations, QueryMutations, Reply, Verdict};

/// What an allocator adds to a block at most: its own words, and rounding up.
const PER_BLOCK: usize = 16;

/// A block of so many bytes; nothing is allocated for none.
pub(super) const fn block(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { bytes.saturating_add(PER_BLOCK) }
}

/// What a decision has beside its own size.
pub fn decision(decision: &Decision) -> usize {
    let verdict = match &decision.verdict {
        Verdict::Allow(allow) => mutations(allow),
        Verdict::Deny(deny) => reply(deny),
    };
    let metadata = decision.dynamic_metadata.as_ref().map_or(0, |metadata| pairs(Metadata::members(metadata)));
    verdict.saturating_add(metadata)
}

fn mutations(mutations: &Mutations) -> usize {
    let Mutations { set_request_headers, remove_request_headers, add_response_headers, query } = mutations;
    let QueryMutations { set, remove } = query;
    let lists = [pairs(set_request_headers), pairs(add_response_headers), pairs(set)];
    lists.into_iter().chain([texts(remove_request_headers), texts(remove)]).fold(0, usize::saturating_add)
}

fn reply(reply: &Reply) -> usize {
    let Reply { status: _, headers, body, details: _ } = reply;
    pairs(headers).saturating_add(block(body.capacity()))
}

fn pairs(pairs: &Vec<Header>) -> usize {
    let list = block(pairs.capacity().saturating_mul(size_of::<Header>()));
    let texts = pairs.iter().flat_map(|(name, value)| [block(name.capacity()), block(value.capacity())]);
    texts.fold(list, usize::saturating_add)
}

fn texts(texts: &Vec<String>) -> usize {
    let list = block(texts.capacity().saturating_mul(size_of::<String>()));
    texts.iter().map(|text| block(text.capacity())).fold(list, usize::saturating_add)
}
