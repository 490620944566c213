//! The one door to regorus' own builtins, which are doc-hidden: regorus is pinned to the exact version.

use super::{Context, Failure};
use regorus::Value;
use regorus::unstable::{BUILTINS, Expr, Ref, Source, Span};

/// The function type of regorus' table.
pub(super) type Inherited = fn(&Span, &[Ref<Expr>], &[Value], bool) -> anyhow::Result<Value>;

thread_local! {
    /// The place and the argument expressions that regorus' builtins want for their error messages.
    static DUMMIES: Option<(Span, Vec<Ref<Expr>>)> = dummies();
}

fn dummies() -> Option<(Span, Vec<Ref<Expr>>)> {
    let source = Source::from_contents("builtin".to_owned(), String::new()).ok()?;
    let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
    let null = Ref::new(Expr::Null { span: span.clone(), value: Value::Null, eidx: 0 });
    Some((span, vec![null; 8]))
}

/// regorus' function of that name, if it is compiled in.
pub(super) fn find(name: &str) -> Option<Inherited> {
    BUILTINS.get(name).map(|(function, _)| *function)
}

/// Calls it strictly: whatever it refuses is an error of the builtin, as in OPA, also where regorus would end the
/// evaluation. Its work is paid for by the length of its arguments.
pub(super) fn call(context: &mut Context, function: Inherited, args: &[Value]) -> Result<Value, Failure> {
    context.work(args.iter().map(length).fold(0, usize::saturating_add))?;
    DUMMIES.with(|dummies| {
        let (span, params) = dummies.as_ref().ok_or(Failure::Inexact("no place for a builtin's errors"))?;
        let params = params.get(..args.len()).ok_or(Failure::Inexact("a builtin with more than 8 arguments"))?;
        function(span, params, args, true).map_err(|_| Failure::Error("refused its arguments".into()))
    })
}

/// Bytes of a text, or members of a collection; costs nothing to find out.
fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.len(),
        Value::Set(items) => items.len(),
        Value::Object(members) => members.len(),
        _ => 0,
    }
}
