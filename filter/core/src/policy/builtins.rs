//! The builtins that answer as OPA's do, each wrapped so that it cannot do otherwise.

use regorus::unstable::{BUILTINS, Expr, Ref, Source, Span};
use regorus::{Engine, Value};

use super::error::PolicyError;
use super::glob;
use super::guards::{self, Guard};
use super::json;
use super::scope::Kind;

/// A builtin that policies may call.
#[derive(Debug)]
pub(super) struct Builtin {
    pub name: &'static str,
    pub arity: usize,
    pub returns: Kind,
    run: Run,
    cost: Cost,
}

/// How the work of one call grows. The evaluation's budgets are not looked at inside a call, so its size is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cost {
    /// With the lengths of the arguments: texts, or the members of a collection, but not what is in those.
    Length,
    /// With the sizes of the arguments, added.
    Sum,
    /// With the sizes of the arguments, multiplied: every part of one against every part of another.
    Product,
}

/// Work that one call may cost, in bytes looked at: some ten milliseconds.
const MAX_COST: usize = 10_000_000;

/// Who computes a builtin's value.
#[derive(Debug, Clone, Copy)]
enum Run {
    /// regorus, if the guard lets the arguments pass
    Regorus(Guard),
    /// regorus, likewise, unless the value is text that lost bytes
    Decoder(Guard),
    /// we; `None` is an error
    Own(fn(&[Value]) -> Option<Value>),
}

const fn builtin(name: &'static str, arity: usize, returns: Kind, guard: Guard) -> Builtin {
    Builtin { name, arity, returns, run: Run::Regorus(guard), cost: Cost::Length }
}

/// One that goes through its arguments at every depth: it compares, merges or orders what is in them.
const fn deep(name: &'static str, arity: usize, returns: Kind, guard: Guard) -> Builtin {
    Builtin { name, arity, returns, run: Run::Regorus(guard), cost: Cost::Sum }
}

/// One whose work, or whose result, grows with the product of its arguments' sizes.
const fn heavy(name: &'static str, arity: usize, returns: Kind, guard: Guard) -> Builtin {
    Builtin { name, arity, returns, run: Run::Regorus(guard), cost: Cost::Product }
}

const fn own(name: &'static str, arity: usize, run: fn(&[Value]) -> Option<Value>) -> Builtin {
    Builtin { name, arity, returns: Kind::Scalar, run: Run::Own(run), cost: Cost::Length }
}

const fn decoder(name: &'static str, guard: Guard) -> Builtin {
    Builtin { name, arity: 1, returns: Kind::Scalar, run: Run::Decoder(guard), cost: Cost::Length }
}

/// Every builtin that is available inline. Each was compared with OPA 1.22.2 on edge values of
/// every type; its guard turns away arguments for which the two differ or may.
const BUILTIN_TABLE: &[Builtin] = &[
    builtin("abs", 1, Kind::Integer, guards::integers),
    builtin("array.concat", 2, Kind::Any, guards::any),
    builtin("array.reverse", 1, Kind::Any, guards::any),
    builtin("array.slice", 3, Kind::Any, guards::integers),
    decoder("base64.decode", guards::base64),
    builtin("base64.encode", 1, Kind::Scalar, guards::any),
    decoder("base64url.decode", guards::base64),
    builtin("base64url.encode", 1, Kind::Scalar, guards::any),
    builtin("base64url.encode_no_pad", 1, Kind::Scalar, guards::any),
    builtin("ceil", 1, Kind::Integer, guards::not_below_zero),
    heavy("concat", 2, Kind::Scalar, guards::any),
    builtin("contains", 2, Kind::Scalar, guards::any),
    builtin("count", 1, Kind::Integer, guards::basic_plane),
    builtin("endswith", 2, Kind::Scalar, guards::any),
    builtin("floor", 1, Kind::Integer, guards::not_below_zero),
    builtin("format_int", 2, Kind::Scalar, guards::integers),
    own("glob.match", 3, glob::glob_match),
    decoder("hex.decode", guards::any),
    builtin("hex.encode", 1, Kind::Scalar, guards::any),
    heavy("indexof", 2, Kind::Integer, guards::sought),
    deep("intersection", 1, Kind::Set, guards::any),
    builtin("is_array", 1, Kind::Scalar, guards::any),
    builtin("is_boolean", 1, Kind::Scalar, guards::any),
    builtin("is_null", 1, Kind::Scalar, guards::any),
    builtin("is_number", 1, Kind::Scalar, guards::any),
    builtin("is_object", 1, Kind::Scalar, guards::any),
    builtin("is_set", 1, Kind::Scalar, guards::any),
    builtin("is_string", 1, Kind::Scalar, guards::any),
    own("json.is_valid", 1, json::is_valid),
    Builtin { returns: Kind::Json, ..own("json.unmarshal", 1, json::unmarshal) },
    builtin("lower", 1, Kind::Scalar, guards::ascii),
    deep("max", 1, Kind::Any, guards::ordered),
    deep("min", 1, Kind::Any, guards::ordered),
    deep("object.filter", 2, Kind::Any, guards::any),
    builtin("object.get", 3, Kind::Any, guards::any),
    builtin("object.keys", 1, Kind::Set, guards::any),
    deep("object.remove", 2, Kind::Any, guards::any),
    deep("object.union", 2, Kind::Any, guards::any),
    heavy("product", 1, Kind::Integer, guards::integers_inside),
    builtin("regex.match", 2, Kind::Scalar, guards::any),
    heavy("replace", 3, Kind::Scalar, guards::sought),
    builtin("round", 1, Kind::Integer, guards::small_numbers),
    builtin("semver.compare", 2, Kind::Integer, guards::semver),
    builtin("semver.is_valid", 1, Kind::Scalar, guards::semver),
    deep("sort", 1, Kind::Any, guards::ordered),
    builtin("split", 2, Kind::Json, guards::any),
    builtin("startswith", 2, Kind::Scalar, guards::any),
    heavy("strings.any_prefix_match", 2, Kind::Scalar, guards::any),
    heavy("strings.any_suffix_match", 2, Kind::Scalar, guards::any),
    builtin("strings.reverse", 1, Kind::Scalar, guards::any),
    builtin("substring", 3, Kind::Scalar, guards::integers),
    builtin("sum", 1, Kind::Integer, guards::integers_inside),
    builtin("to_number", 1, Kind::Scalar, guards::number_text),
    heavy("trim", 2, Kind::Scalar, guards::any),
    heavy("trim_left", 2, Kind::Scalar, guards::any),
    builtin("trim_prefix", 2, Kind::Scalar, guards::any),
    heavy("trim_right", 2, Kind::Scalar, guards::any),
    builtin("trim_space", 1, Kind::Scalar, guards::any),
    builtin("trim_suffix", 2, Kind::Scalar, guards::any),
    builtin("type_name", 1, Kind::Scalar, guards::any),
    deep("union", 1, Kind::Set, guards::any),
    builtin("upper", 1, Kind::Scalar, guards::ascii),
];

/// Why a builtin of OPA is not available, and what to do. Names ending in `.` stand for a family.
const REFUSED: &[(&str, &str)] = &[
    ("bits.", "compare numbers instead"),
    ("crypto.", "it comes later"),
    ("glob.quote_meta", "write the pattern out"),
    ("graph.", "put the closure into policy.data"),
    ("http.send", "put what it fetches into policy.data; it comes later"),
    ("indexof_n", "use indexof or split"),
    ("io.jwt.", "let Envoy's jwt_authn verify tokens and read the payload it forwards; it comes later"),
    ("json.filter", "use object.filter"),
    ("json.marshal", "compare values, not their text"),
    ("json.patch", "build the object in Rego"),
    ("json.remove", "use object.remove"),
    ("net.", "it comes later"),
    ("numbers.range", "put the numbers into an array"),
    ("numbers.range_step", "put the numbers into an array"),
    ("object.subset", "compare the members with every"),
    ("object.union_n", "use object.union"),
    ("opa.runtime", "put what it tells into policy.data"),
    ("print", "remove print; it comes later"),
    ("rand.", "a decision must not be random"),
    ("regex.", "use regex.match; the others come later"),
    ("rego.", "put what it tells into policy.data"),
    ("sprintf", "use concat and format_int; it comes later"),
    ("strings.count", "use count(split(…)) and subtract one"),
    ("strings.replace_n", "use replace"),
    ("time.", "use input.attributes.request.time; it comes later"),
    ("trace", "remove trace"),
    ("units.", "write the number out"),
    ("urlquery.", "use input.parsed_query; it comes later"),
    ("uuid.", "use the x-request-id header"),
    ("walk", "use some … in for each level"),
    ("yaml.", "put the parsed document into policy.data"),
];

/// The builtin called `name`, if policies may call it.
pub(super) fn find(name: &str) -> Option<&'static Builtin> {
    BUILTIN_TABLE.iter().find(|builtin| builtin.name == name)
}

/// The names of all that policies may call.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    BUILTIN_TABLE.iter().map(|builtin| builtin.name)
}

/// What OPA turns operators into. It does so by name, so that a function of the policy with such a name would
/// take the operator's place there, and not here.
const OPERATORS: [&str; 15] =
    ["and", "assign", "div", "eq", "equal", "gt", "gte", "internal", "lt", "lte", "minus", "mul", "neq", "or", "plus"];

/// `name` is the name of an operator.
pub(super) fn is_operator(name: &str) -> bool {
    OPERATORS.contains(&name)
}

/// `name` is an operator's, or the first word of a builtin's name.
pub(super) fn is_root(name: &str) -> bool {
    if is_operator(name) {
        return true;
    }
    let names = BUILTIN_TABLE.iter().map(|builtin| builtin.name);
    names.chain(REFUSED.iter().map(|(name, _)| *name)).any(|builtin| builtin.split('.').next() == Some(name))
}

/// Why `name` cannot be called.
pub(super) fn refusal(name: &str) -> String {
    let family = |entry: &str| entry.ends_with('.') && name.starts_with(entry);
    match REFUSED.iter().find(|(entry, _)| *entry == name || family(entry)) {
        Some((_, hint)) => format!("`{name}` is not available inline: {hint}"),
        None => format!("function `{name}` is not defined, or not available inline"),
    }
}

/// Calls regorus' own builtin, strictly. An `Err` is what OPA makes undefined.
pub(super) fn original(name: &str, args: &[Value]) -> Result<Value, PolicyError> {
    let (span, params) = dummies()?;
    let function =
        BUILTINS.get(name).ok_or_else(|| PolicyError::general(format!("builtin `{name}` is not compiled in")))?;
    (function.0)(&span, &params, args, true).map_err(|error| PolicyError::general(error.to_string()))
}

/// Puts a wrapper before every available builtin.
pub(super) fn install(engine: &mut Engine) -> Result<(), PolicyError> {
    let (span, params) = dummies()?;
    for builtin in BUILTIN_TABLE {
        let Some((function, arity)) = BUILTINS.get(builtin.name).copied() else {
            return Err(PolicyError::general(format!("builtin `{}` is not compiled in", builtin.name)));
        };
        let (span, params) = (span.clone(), params.clone());
        let wrapper = move |args: Vec<Value>| {
            // An error that is regorus' own makes the expression undefined, as in OPA.
            let regorus = || function(&span, &params, &args, false).unwrap_or(Value::Undefined);
            if cost(builtin.cost, &args) > MAX_COST {
                return Err(span.error(&format!("{} is given more than it may cost", builtin.name)));
            }
            let value = match builtin.run {
                Run::Regorus(guard) => guard(&args).then(regorus),
                Run::Decoder(guard) => guard(&args).then(regorus).filter(guards::is_whole_text),
                Run::Own(own) => own(&args),
            };
            let error = || span.error(&format!("{} is not exact for these arguments", builtin.name));
            value.ok_or_else(error)
        };
        engine
            .add_extension(builtin.name.to_owned(), arity, Box::new(wrapper))
            .map_err(|error| PolicyError::general(error.to_string()))?;
    }
    Ok(())
}

fn cost(cost: Cost, args: &[Value]) -> usize {
    let sizes = args.iter().map(size);
    match cost {
        Cost::Length => args.iter().map(length).fold(0, usize::saturating_add),
        Cost::Sum => sizes.fold(0, usize::saturating_add),
        Cost::Product if args.len() == 1 => sizes.fold(1, |_, size| size.saturating_mul(size)),
        Cost::Product => sizes.fold(1, usize::saturating_mul),
    }
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

/// Bytes of the texts in a value and the number of its parts, at any depth; shared parts count each time. At least 1.
/// Beyond [`MAX_COST`] it is not counted on.
fn size(value: &Value) -> usize {
    let mut open = vec![value];
    let mut size = 1_usize;
    while let Some(value) = open.pop() {
        size = size.saturating_add(length(value));
        match value {
            _ if size > MAX_COST => return size,
            Value::Array(items) => open.extend(items.iter()),
            Value::Set(items) => open.extend(items.iter()),
            Value::Object(members) => open.extend(members.iter().flat_map(|(key, value)| [key, value])),
            _ => {}
        }
    }
    size
}

/// The place and the argument expressions that regorus' builtins want for their error messages.
fn dummies() -> Result<(Span, Vec<Ref<Expr>>), PolicyError> {
    let source = Source::from_contents("builtin".to_owned(), String::new())
        .map_err(|error| PolicyError::general(error.to_string()))?;
    let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
    let null = Ref::new(Expr::Null { span: span.clone(), value: Value::Null, eidx: 0 });
    Ok((span, vec![null; 4]))
}
