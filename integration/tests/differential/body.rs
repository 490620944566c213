//! Statements and terms.

use fastrand::Rng;
use sark_core::builtins;

use crate::policy::{Kind, Rule};
use crate::values;

/// The variables that are bound so far.
#[derive(Default, Clone)]
pub struct Scope {
    pub locals: Vec<String>,
}

pub struct Writer<'r> {
    pub rng: &'r mut Rng,
    pub rules: Vec<Rule>,
    pub aliases: Vec<String>,
    v0: bool,
    keywords: bool,
    locals: usize,
}

impl<'r> Writer<'r> {
    pub fn new(rng: &'r mut Rng, v0: bool, keywords: bool) -> Self {
        Self { rng, rules: Vec::new(), aliases: Vec::new(), v0, keywords, locals: 0 }
    }

    pub const fn assign(&self) -> &'static str {
        if self.v0 { "=" } else { ":=" }
    }

    /// A name for a new variable, now and then one that shadows a rule.
    pub fn fresh(&mut self) -> String {
        self.locals += 1;
        let hidden = self.rng.choice(&self.rules).filter(|rule| !rule.name.contains('.'));
        if let (0, Some(rule)) = (self.rng.u8(0..30), hidden) {
            return rule.name.clone();
        }
        format!("v{}", self.locals)
    }

    pub fn constant(&mut self) -> String {
        match self.rng.u8(0..8) {
            0 => "[1, \"a\"]".to_owned(),
            1 => "{\"a\": 1}".to_owned(),
            2 => "true".to_owned(),
            3 => "false".to_owned(),
            _ => values::scalar(self.rng).to_string(),
        }
    }

    pub fn key(&mut self, scope: &mut Scope) -> String {
        match (self.rng.u8(0..3), self.local(scope)) {
            (0, _) | (_, None) => format!("{:?}", self.rng.choice(&values::KEYS).unwrap()),
            (_, Some(local)) => local,
        }
    }

    /// `head := value if { body }` in the language of the module.
    pub fn definition(&mut self, head: &str, value: Option<&str>, body: &[String]) -> String {
        let value = value.map_or(String::new(), |value| format!(" {} {value}", self.assign()));
        let when = if self.v0 { "" } else { "if " };
        format!("{head}{value} {when}{}", block(body))
    }

    pub fn otherwise(&mut self, value: &str, body: &[String]) -> String {
        let when = if self.v0 { "" } else { "if " };
        format!(" else {} {value} {when}{}", self.assign(), block(body))
    }

    pub fn member(&mut self, head: &str, member: &str, body: &[String]) -> String {
        if self.v0 {
            format!("{head}[{member}] {}", block(body))
        } else {
            format!("{head} contains {member} if {}", block(body))
        }
    }

    pub fn body(&mut self, scope: &mut Scope, depth: u32) -> Vec<String> {
        (0..self.rng.usize(1..4)).map(|_| self.statement(scope, depth)).collect()
    }

    fn statement(&mut self, scope: &mut Scope, depth: u32) -> String {
        match self.rng.u8(0..26) {
            0..=3 => self.assignment(scope, depth),
            4..=6 => self.comparison(scope, depth),
            7..=9 => format!("not {}", self.negated(scope, depth)),
            10 | 11 => self.iteration(scope, depth),
            12 | 13 if self.keywords => self.some_in(scope, depth),
            14 if self.keywords && depth > 0 => self.every(scope, depth),
            15 if self.keywords => format!("{} in {}", self.term(scope, depth), self.term(scope, depth)),
            16 | 17 => self.with(scope, depth),
            18 => self.unification(scope, depth),
            19 => self.output(scope, depth),
            20 => self.walk(scope, depth),
            _ => self.reference(scope),
        }
    }

    fn assignment(&mut self, scope: &mut Scope, depth: u32) -> String {
        let term = self.term(scope, depth);
        let local = self.bind(scope);
        format!("{local} := {term}")
    }

    fn bind(&mut self, scope: &mut Scope) -> String {
        let local = self.fresh();
        scope.locals.push(local.clone());
        local
    }

    /// One side is of no known type, else OPA's compiler finds most comparisons impossible.
    fn comparison(&mut self, scope: &mut Scope, depth: u32) -> String {
        let operator = *self.rng.choice(&["==", "!=", "<", "<=", ">", ">=", "=="]).unwrap();
        let (any, term) = (self.reference(scope), self.term(scope, depth));
        if self.rng.bool() { format!("{any} {operator} {term}") } else { format!("{term} {operator} {any}") }
    }

    fn negated(&mut self, scope: &mut Scope, depth: u32) -> String {
        // What is bound inside a negation is not seen outside.
        let mut inner = scope.clone();
        match self.rng.u8(0..9) {
            8 => {
                let name = *self.rng.choice(&["eq", "equal", "neq"]).unwrap();
                format!("{name}({}, {})", self.reference(&mut inner), self.term(&mut inner, 1))
            }
            0 | 1 => self.reference(&mut inner),
            2 | 3 => self.comparison(&mut inner, depth.min(1)),
            4 if self.keywords => format!("{} in {}", self.term(&mut inner, 1), self.term(&mut inner, 1)),
            5 => self.with(&mut inner, depth),
            6 => self.term(&mut inner, depth),
            _ => self.call(&mut inner, depth),
        }
    }

    /// A reference with a variable in it.
    fn iteration(&mut self, scope: &mut Scope, depth: u32) -> String {
        let collection = self.reference(scope);
        let index = if self.rng.bool() { "_".to_owned() } else { self.bind(scope) };
        match self.rng.u8(0..3) {
            0 => format!("{collection}[{index}]"),
            1 => format!("{collection}[{index}] == {}", self.term(scope, depth.saturating_sub(1))),
            _ => {
                let local = self.bind(scope);
                format!("{local} := {collection}[{index}]")
            }
        }
    }

    fn some_in(&mut self, scope: &mut Scope, depth: u32) -> String {
        let collection = self.term(scope, depth);
        // OPA refuses declared variables that nobody uses.
        if self.rng.bool() {
            let local = self.bind(scope);
            let other = self.reference_to_input(scope);
            return format!("some {local} in {collection}\n\t{local} != {other}");
        }
        let (key, value) = (self.bind(scope), self.bind(scope));
        format!("some {key}, {value} in {collection}\n\t[{key}, {value}] != []")
    }

    fn every(&mut self, scope: &mut Scope, depth: u32) -> String {
        let collection = self.term(scope, 1);
        let mut inner = scope.clone();
        let locals = if self.rng.bool() {
            self.bind(&mut inner)
        } else {
            format!("{}, {}", self.bind(&mut inner), self.bind(&mut inner))
        };
        let mut body = self.body(&mut inner, depth - 1);
        body.push(format!("[{locals}] != []"));
        format!("every {locals} in {collection} {}", block(&body))
    }

    fn with(&mut self, scope: &mut Scope, depth: u32) -> String {
        let inner = match self.rng.u8(0..3) {
            0 => self.reference(scope),
            1 => self.comparison(scope, 0),
            _ => self.call(scope, 1),
        };
        let target = *self.rng.choice(&["input", "input.a", "input.items", "data.d", "data.d.a", "data.list"]).unwrap();
        let space = *self.rng.choice(&[" ", " ", "\t", "  "]).unwrap();
        let more = if self.rng.u8(0..4) == 0 { " with input.b as input.c" } else { "" };
        format!("{inner} with{space}{target} as {}{more}", self.term(scope, depth.min(1)))
    }

    fn unification(&mut self, scope: &mut Scope, depth: u32) -> String {
        let term = self.term(scope, depth);
        match self.rng.u8(0..3) {
            0 => format!("[{}, {}] = {term}", self.bind(scope), self.bind(scope)),
            1 => format!("{{\"a\": {}}} = {term}", self.bind(scope)),
            _ => format!("{} = {term}", self.bind(scope)),
        }
    }

    /// A call whose last argument takes the value.
    fn output(&mut self, scope: &mut Scope, _: u32) -> String {
        let argument = self.reference(scope);
        let name = *self.rng.choice(&["count", "lower", "trim_space", "json.unmarshal", "base64.decode"]).unwrap();
        format!("{name}({argument}, {})", self.bind(scope))
    }

    fn walk(&mut self, scope: &mut Scope, _: u32) -> String {
        let argument = self.reference(scope);
        format!("walk({argument}, [{}, {}])", self.bind(scope), self.bind(scope))
    }

    pub fn term(&mut self, scope: &mut Scope, depth: u32) -> String {
        match self.rng.u8(0..30) {
            0..=5 => values::scalar(self.rng).to_string(),
            6..=14 => self.reference(scope),
            15..=19 => self.local(scope).unwrap_or_else(|| self.reference_to_input(scope)),
            20 | 21 if depth > 0 => self.composite(scope, depth - 1),
            22..=24 if depth > 0 => self.comprehension(scope, depth - 1),
            25 | 26 if depth > 0 => self.call(scope, depth - 1),
            27 => {
                let operator = *self.rng.choice(&["+", "-", "*", "/", "%", "&", "|"]).unwrap();
                format!("({} {operator} {})", self.reference(scope), self.reference(scope))
            }
            _ => self.reference_to_input(scope),
        }
    }

    fn local(&mut self, scope: &Scope) -> Option<String> {
        self.rng.choice(&scope.locals).cloned()
    }

    fn reference(&mut self, scope: &mut Scope) -> String {
        match self.rng.u8(0..10) {
            0 | 1 => {
                let base = *self.rng.choice(&["data.d", "data.list", "data.d.a", "data.n", "data.u"]).unwrap();
                base.to_owned() + &self.keys(scope, 2)
            }
            2..=4 => self.reference_to_rule(scope),
            5 => self.rng.choice(&self.aliases).cloned().unwrap_or_else(|| "input.b".to_owned()),
            6 => match self.local(scope) {
                Some(local) => local + &self.keys(scope, 1),
                None => self.reference_to_input(scope),
            },
            _ => self.reference_to_input(scope),
        }
    }

    fn reference_to_input(&mut self, scope: &mut Scope) -> String {
        "input".to_owned() + &self.keys(scope, 3)
    }

    /// One to `most` keys.
    fn keys(&mut self, scope: &Scope, most: usize) -> String {
        let count = self.rng.usize(1..=most);
        (0..count).map(|_| self.index(scope)).collect()
    }

    fn index(&mut self, scope: &Scope) -> String {
        match self.rng.u8(0..14) {
            12 => format!("[input.{}]", self.rng.choice(&values::KEYS[..7]).unwrap()),
            13 => (*self.rng.choice(&["[-1]", "[0.5]", "[\"1\"]", "[\"00\"]", "[1.0]"]).unwrap()).to_owned(),
            0 => "[0]".to_owned(),
            1 => "[1]".to_owned(),
            2 => "[\"x y\"]".to_owned(),
            3 | 5 => self.local(scope).map_or_else(|| ".a".to_owned(), |local| format!("[{local}]")),
            4 => "[input.s]".to_owned(),
            _ => format!(".{}", self.rng.choice(&values::KEYS[..7]).unwrap()),
        }
    }

    fn reference_to_rule(&mut self, scope: &mut Scope) -> String {
        let Some(rule) = self.rng.choice(&self.rules).cloned() else {
            return self.reference_to_input(scope);
        };
        match rule.kind {
            Kind::Complete | Kind::Object if self.rng.u8(0..5) > 0 => rule.name,
            Kind::Complete | Kind::Object => rule.name + &self.keys(scope, 1),
            Kind::Set => format!("{}[{}]", rule.name, self.key(scope)),
            Kind::Function(arity) => {
                let args: Vec<String> = (0..arity).map(|_| self.argument(scope, 1)).collect();
                format!("{}({})", rule.name, args.join(", "))
            }
        }
    }

    fn composite(&mut self, scope: &mut Scope, depth: u32) -> String {
        let count = self.rng.usize(1..4);
        let terms: Vec<String> = (0..count).map(|_| self.term(scope, depth)).collect();
        match self.rng.u8(0..3) {
            0 => format!("[{}]", terms.join(", ")),
            1 => format!("{{{}}}", terms.join(", ")),
            _ => {
                let members = terms.iter().zip(values::KEYS).map(|(term, key)| format!("{key:?}: {term}"));
                format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn comprehension(&mut self, scope: &mut Scope, depth: u32) -> String {
        let mut inner = scope.clone();
        let body = self.body(&mut inner, depth).join("; ");
        let term = self.term(&mut inner, depth);
        match self.rng.u8(0..3) {
            0 => format!("[{term} | {body}]"),
            1 => format!("{{{term} | {body}}}"),
            _ => format!("{{{}: {term} | {body}}}", self.key(&mut inner)),
        }
    }

    /// Mostly of no known type, else OPA's compiler refuses most calls.
    fn argument(&mut self, scope: &mut Scope, depth: u32) -> String {
        match self.rng.u8(0..10) {
            0 => self.term(scope, depth),
            1 => format!("{:?}", values::text(self.rng)),
            _ => self.reference_to_input(scope),
        }
    }

    /// A call of any builtin that is inline, with arguments of any type.
    fn call(&mut self, scope: &mut Scope, depth: u32) -> String {
        let all: Vec<_> = builtins::all().filter(|builtin| is_called_by_name(builtin.name)).collect();
        let builtin = self.rng.choice(&all).unwrap();
        let args: Vec<String> = (0..builtin.arity).map(|_| self.argument(scope, depth)).collect();
        format!("{}({})", builtin.name, args.join(", "))
    }
}

/// Not operators, not the compiler's own, and none whose answer OPA does not repeat.
fn is_called_by_name(name: &str) -> bool {
    const NOT: [&str; 14] = [
        "and",
        "or",
        "minus",
        "plus",
        "mul",
        "div",
        "rem",
        "eq",
        "equal",
        "assign",
        "print",
        "trace",
        "rand.intn",
        "uuid.rfc4122",
    ];
    !NOT.contains(&name)
        && !["internal.", "io.jwt.", "crypto.x509", "neq", "lt", "gt", "time.now_ns"]
            .iter()
            .any(|start| name.starts_with(start))
}

fn block(body: &[String]) -> String {
    format!("{{\n\t{}\n}}", body.join("\n\t"))
}
