//! Numbers: arithmetic (`minus` also of sets), `numbers.*`, `format_int`, `to_number`, `rand.*`.

mod arithmetic;
mod chance;
mod decimal;
mod float;
mod number;
mod ranges;
mod texts;

pub(super) use arithmetic::Total;
pub(super) use chance::bytes as random_bytes;
pub(super) use float::Float;
pub(super) use number::{Number, integer_value};

use super::{Builtin, own, random};

pub(super) const TABLE: &[Builtin] = &[
    own("plus", 2, arithmetic::plus),
    own("minus", 2, arithmetic::minus),
    own("mul", 2, arithmetic::times),
    own("div", 2, arithmetic::divide),
    own("rem", 2, arithmetic::remainder),
    own("abs", 1, arithmetic::abs),
    own("ceil", 1, arithmetic::ceil),
    own("floor", 1, arithmetic::floor),
    own("round", 1, arithmetic::round),
    own("numbers.range", 2, ranges::range),
    own("numbers.range_step", 3, ranges::range_step),
    own("format_int", 2, texts::format_int),
    own("to_number", 1, texts::to_number),
    random("rand.intn", 2, chance::intn),
];
