//! `sprintf`, which is Go's `fmt.Sprintf`: its verbs, flags and error texts.

mod argument;
mod directive;
mod float;
mod integer;
mod output;
mod text;

use super::operands::{arity, text};
use super::{Builtin, Context, Failure, own};
use argument::Argument;
use directive::Printer;
use regorus::Value;

pub(super) const TABLE: &[Builtin] = &[own("sprintf", 2, sprintf)];

fn sprintf(context: &mut Context, args: &[Value]) -> Result<Value, Failure> {
    let [format, values] = args else { return Err(arity()) };
    let format = text(format)?;
    let Value::Array(values) = values else { return Err(Failure::Error("wants an array of values".into())) };
    context.work(format.len().saturating_add(values.len().saturating_mul(size_of::<Argument>())))?;
    let arguments = values.iter().map(Argument::of).collect::<Vec<_>>();
    Printer::new(context, &arguments).print(format).map(Value::from)
}
