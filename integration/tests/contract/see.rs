//! What of an exchange is looked at.

use sark_integration::{Received, Response};
use serde_json::Value;

/// One thing to be seen.
#[derive(Debug, Clone)]
pub enum See {
    /// The input document has this JSON at the pointer, number texts included.
    Is(String, String),
    /// The same, where `"*"` stands for anything that is there.
    Like(&'static str, &'static str),
    /// The input document has nothing at the pointer.
    Absent(&'static str),
    /// What the input document has there satisfies the test.
    Holds(&'static str, &'static str, fn(&Value) -> bool),
    /// The client's status.
    Status(u16),
    /// The client's body.
    Body(String),
    /// All values of one header of the client's answer.
    Client(&'static str, &'static [&'static str]),
    /// What arrived upstream.
    Upstream(Upstream),
    /// A field of the access log's line satisfies the test.
    Logs(&'static str, &'static str, fn(&Value) -> bool),
}

/// One thing of the request as it arrived upstream.
#[derive(Debug, Clone)]
pub enum Upstream {
    Header(&'static str, &'static [&'static str]),
    Path(&'static str),
    Method(&'static str),
    Authority(&'static str),
    Body(&'static str),
}

/// What can be seen of one exchange.
pub struct Seen {
    pub reply: Response,
    pub received: Vec<Received>,
    /// What the policy was given, if it told.
    pub document: Option<Value>,
    /// The line of the access log, if it is looked at.
    pub line: Option<Value>,
}

/// What was expected and what was there instead.
pub type Mismatch = (String, String);

impl See {
    /// `None` if it is as expected.
    pub fn check(&self, seen: &Seen) -> Option<Mismatch> {
        match self {
            Self::Is(pointer, json) => {
                let expected: Value = serde_json::from_str(json).expect("the row's JSON");
                let got = document(seen, pointer);
                differ(got == Some(&expected), format!("{pointer} is {expected}"), got)
            }
            Self::Like(pointer, json) => {
                let expected: Value = serde_json::from_str(json).expect("the row's JSON");
                let got = document(seen, pointer);
                let same = got.is_some_and(|got| is_like(got, &expected));
                differ(same, format!("{pointer} is like {expected}"), got)
            }
            Self::Absent(pointer) => {
                let got = document(seen, pointer);
                differ(seen.document.is_some() && got.is_none(), format!("no {pointer}"), got)
            }
            Self::Holds(pointer, what, test) => {
                let got = document(seen, pointer);
                differ(got.is_some_and(test), format!("{pointer} is {what}"), got)
            }
            Self::Status(status) => equal("status", status, &seen.reply.status),
            Self::Body(body) => equal("body", body, &seen.reply.text()),
            Self::Client(name, values) => equal(name, *values, &seen.reply.header_values(name)[..]),
            Self::Upstream(upstream) => upstream.check(seen),
            Self::Logs(field, what, test) => {
                let got = seen.line.as_ref().map(|line| &line[field]);
                differ(got.is_some_and(test), format!("{field} of the access log is {what}"), got)
            }
        }
    }

    pub fn reads_the_log(&self) -> bool {
        matches!(self, Self::Logs(..))
    }
}

impl Upstream {
    fn check(&self, seen: &Seen) -> Option<Mismatch> {
        let Some(received) = seen.received.first() else {
            return Some((format!("{self:?}"), "nothing arrived upstream".to_owned()));
        };
        match self {
            Self::Header(name, values) => {
                equal(&format!("{name} upstream"), *values, &received.header_values(name)[..])
            }
            Self::Path(path) => equal("path upstream", path, &received.path),
            Self::Method(method) => equal("method upstream", method, &received.method),
            Self::Authority(authority) => equal("authority upstream", authority, &received.authority),
            Self::Body(body) => equal("body upstream", body, &received.body_text()),
        }
    }
}

fn document<'a>(seen: &'a Seen, pointer: &str) -> Option<&'a Value> {
    seen.document.as_ref()?.pointer(pointer)
}

fn differ(same: bool, expected: String, got: Option<&Value>) -> Option<Mismatch> {
    (!same).then(|| (expected, got.map_or_else(|| "nothing there".to_owned(), Value::to_string)))
}

fn equal<A, B>(what: &str, expected: &A, got: &B) -> Option<Mismatch>
where
    A: std::fmt::Debug + ?Sized,
    B: std::fmt::Debug + PartialEq<A> + ?Sized,
{
    (got != expected).then(|| (format!("{what} {expected:?}"), format!("{got:?}")))
}

fn is_like(got: &Value, expected: &Value) -> bool {
    match (got, expected) {
        (_, Value::String(any)) if any == "*" => true,
        (Value::Object(got), Value::Object(expected)) => {
            got.len() == expected.len()
                && expected.iter().all(|(key, value)| got.get(key).is_some_and(|got| is_like(got, value)))
        }
        (Value::Array(got), Value::Array(expected)) => {
            got.len() == expected.len() && got.iter().zip(expected).all(|(got, expected)| is_like(got, expected))
        }
        _ => got == expected,
    }
}
