//! Numbers: arithmetic (`minus` also of sets), `numbers.*`, `format_int`, `to_number`, `rand.*`.

mod arithmetic;
mod decimal;
mod float;
mod number;

pub(super) use arithmetic::Total;
pub(super) use number::Number;

use super::{Builtin, own};

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
];
