//! What is checked of the text before regorus' parser sees it.
//!
//! The parser tries a bracket first as a comprehension and then again as a literal, so it is
//! exponential in nesting; it recurses on brackets and unary minus; what it builds is walked
//! recursively by everything behind it; and its lexer recurses on `set(`. All of that is bounded
//! here, on regorus' own tokens.

use std::num::{NonZeroU32, NonZeroUsize};

use regorus::unstable::{Lexer, Source, Span, Token, TokenKind};

use super::error::PolicyError;
use super::exponent;

/// Modules of one policy.
pub(super) const MAX_MODULES: usize = 256;
/// Bytes of one module.
pub(super) const MAX_BYTES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1_048_575);
/// Lines of one module.
pub(super) const MAX_LINES: NonZeroUsize = NonZeroUsize::MIN.saturating_add(19_999);
/// Columns of one line; certificates and key sets are written on one line.
pub(super) const MAX_COLUMNS: NonZeroU32 = NonZeroU32::MIN.saturating_add(65_535);
/// Tokens of all modules together.
const MAX_TOKENS: u64 = 500_000;
/// Brackets inside brackets.
const MAX_NESTING: usize = 10;
/// Of one module; the parser compares each with each.
const MAX_IMPORTS: u32 = 200;
/// Operators, dots and brackets from the outermost expression to the innermost operand.
const MAX_WEIGHT: u32 = 48;
/// What all modules may cost the parser, counted in tokens read, see [`Scan::charge`].
const MAX_PARSE_COST: u64 = 40_000_000;
/// `set(` directly inside `set(`: each makes regorus' lexer call itself.
const MAX_SET_RUN: u32 = 8;

/// What is left of the bounds that all modules share.
#[derive(Debug)]
pub(super) struct Budget {
    tokens: u64,
    cost: u64,
}

impl Budget {
    pub(super) const fn new() -> Self {
        Self { tokens: MAX_TOKENS, cost: MAX_PARSE_COST }
    }
}

/// Checks one module. `Ok` means that parsing it is safe, not that it parses.
pub(super) fn check(name: &str, text: &str, budget: &mut Budget) -> Result<(), PolicyError> {
    if text.len() > MAX_BYTES.get() {
        return Err(PolicyError::in_file(
            name,
            format!("is {} bytes long, at most {MAX_BYTES} are allowed", text.len()),
        ));
    }
    // regorus' lexer takes a NUL for the end of the text and would drop the rules behind it.
    if text.contains('\0') {
        return Err(PolicyError::in_file(name, "contains a NUL character"));
    }
    check_set_runs(name, text)?;
    let source = Source::from_contents_with_limits(name.to_owned(), text.to_owned(), MAX_BYTES, MAX_LINES)
        .map_err(|error| PolicyError::from_regorus(&error.to_string(), &[name]))?;
    let mut lexer = Lexer::new(&source);
    lexer.set_max_col(MAX_COLUMNS);
    let mut scan = Scan { frames: vec![Frame::default()], end: 0, imports: 0, budget };
    // Where the next token may begin.
    let mut behind = 0_u32;
    loop {
        check_exponent(&source, behind)?;
        let token = lexer.next_token().map_err(|error| PolicyError::from_regorus(&error.to_string(), &[name]))?;
        if token.0 == TokenKind::Eof {
            return Ok(());
        }
        scan.token(&token)?;
        // The span of a string ends before its quote.
        let quote = u32::from(matches!(token.0, TokenKind::String | TokenKind::RawString));
        behind = token.1.end.saturating_add(quote);
    }
}

/// Refuses a number that the lexer would write out.
fn check_exponent(source: &Source, behind: u32) -> Result<(), PolicyError> {
    let behind = usize::try_from(behind).unwrap_or(usize::MAX);
    let Some(start) = exponent::too_large(source.contents(), behind) else { return Ok(()) };
    let start = u32::try_from(start).unwrap_or(u32::MAX);
    let span = Span { source: source.clone(), line: 1, col: 1, start, end: start };
    Err(PolicyError::at(&span, "the number is not available inline: its exponent is beyond 400"))
}

/// Refuses `set(set(set(…`, with whitespace and comments between, before the lexer meets it.
fn check_set_runs(name: &str, text: &str) -> Result<(), PolicyError> {
    let mut run = 0_u32;
    let mut end = 0_usize;
    for (start, opener) in text.match_indices("set(") {
        let between = text.get(end..start).unwrap_or("");
        let only_space = between.lines().all(|line| line.split('#').next().unwrap_or("").trim().is_empty());
        run = if only_space { run.saturating_add(1) } else { 0 };
        if run > MAX_SET_RUN {
            return Err(PolicyError::in_file(name, "nests `set(` too deep; name the inner set"));
        }
        end = start.saturating_add(opener.len());
    }
    Ok(())
}

/// What the token before stands for in an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Before {
    /// Nothing: an expression begins here.
    #[default]
    Start,
    /// An operand that an operator or a bracket may follow.
    Operand,
    /// An operator, which wants an operand.
    Operator,
    /// A dot: the next word is a key, even if it looks like a keyword.
    Dot,
}

/// One open bracket, or the module itself.
#[derive(Debug, Default)]
struct Frame {
    /// Depth of the syntax tree that the current expression of this frame has at most.
    chain: u32,
    before: Before,
}

struct Scan<'b> {
    frames: Vec<Frame>,
    /// Byte at which the token before ended.
    end: u32,
    imports: u32,
    budget: &'b mut Budget,
}

impl Scan<'_> {
    fn token(&mut self, token: &Token) -> Result<(), PolicyError> {
        let Token(kind, span) = token;
        self.charge(span)?;
        match kind {
            TokenKind::Symbol => self.symbol(span)?,
            TokenKind::Ident => self.word(span)?,
            TokenKind::Number if span.text().starts_with('-') && self.before() == Before::Operand => {
                self.link(Before::Operand);
            }
            TokenKind::RawString if span.text().contains('\r') => {
                return Err(PolicyError::at(span, "a raw string must not contain carriage returns"));
            }
            _ => self.operand(),
        }
        self.end = span.end;
        self.check_weight(span)
    }

    /// Takes the token from the budgets. Each bracket around it may make the parser read it four
    /// times: as a comprehension and as a literal, once as the left side of `:=` and once as itself.
    fn charge(&mut self, span: &Span) -> Result<(), PolicyError> {
        let nesting = u32::try_from(self.frames.len()).unwrap_or(u32::MAX).saturating_sub(2);
        let cost = 3_u64.saturating_pow(nesting);
        match (self.budget.tokens.checked_sub(1), self.budget.cost.checked_sub(cost)) {
            (Some(tokens), Some(cost)) => {
                self.budget.tokens = tokens;
                self.budget.cost = cost;
                Ok(())
            }
            (None, _) => Err(PolicyError::at(
                span,
                format!("the modules have more than {MAX_TOKENS} tokens; move tables to policy.data"),
            )),
            (_, None) => {
                Err(PolicyError::at(span, "too much text in deeply nested brackets; move tables to policy.data"))
            }
        }
    }

    fn symbol(&mut self, span: &Span) -> Result<(), PolicyError> {
        match span.text() {
            "(" | "[" | "{" => self.open(span)?,
            ")" | "]" | "}" => {
                // An unmatched bracket is the parser's to report; the module's frame stays.
                if self.frames.len() > 1 {
                    self.frames.pop();
                }
                self.set_before(Before::Operand);
            }
            "," | ";" | ":" => self.restart(),
            "." => self.link(Before::Dot),
            "-" if self.before() != Before::Operand => {
                return Err(PolicyError::at(span, "`-` may only stand directly before a number; write 0 - x"));
            }
            _ => self.link(Before::Operator),
        }
        Ok(())
    }

    fn open(&mut self, span: &Span) -> Result<(), PolicyError> {
        let postfix = self.before() == Before::Operand && span.start == self.end && span.text() != "{";
        if postfix {
            self.link(Before::Operator);
        } else {
            self.operand();
        }
        self.frames.push(Frame::default());
        if self.frames.len() > MAX_NESTING.saturating_add(1) {
            return Err(PolicyError::at(
                span,
                format!("brackets are nested deeper than {MAX_NESTING}; give the inner part a name of its own"),
            ));
        }
        Ok(())
    }

    fn word(&mut self, span: &Span) -> Result<(), PolicyError> {
        if self.before() == Before::Dot {
            self.set_before(Before::Operand);
            return Ok(());
        }
        if span.text() == "import" {
            self.imports = self.imports.saturating_add(1);
            if self.imports > MAX_IMPORTS {
                return Err(PolicyError::at(span, format!("the module has more than {MAX_IMPORTS} imports")));
            }
        }
        match span.text() {
            "set(" => {
                self.operand();
                self.frames.push(Frame::default());
            }
            "in" if self.before() == Before::Operand => self.link(Before::Operator),
            "as" | "with" | "contains" | "default" | "else" | "every" | "if" | "import" | "not" | "package"
            | "some" => self.restart(),
            _ => self.operand(),
        }
        Ok(())
    }

    fn before(&self) -> Before {
        self.frames.last().map_or(Before::Start, |frame| frame.before)
    }

    fn set_before(&mut self, before: Before) {
        if let Some(frame) = self.frames.last_mut() {
            frame.before = before;
        }
    }

    /// An operand. Directly behind another operand it begins an expression of its own.
    fn operand(&mut self) {
        if self.before() == Before::Operand {
            self.restart();
        }
        self.set_before(Before::Operand);
    }

    fn restart(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            *frame = Frame::default();
        }
    }

    /// One more level of the expression.
    fn link(&mut self, before: Before) {
        if let Some(frame) = self.frames.last_mut() {
            frame.chain = frame.chain.saturating_add(1);
            frame.before = before;
        }
    }

    fn check_weight(&self, span: &Span) -> Result<(), PolicyError> {
        let weight = self.frames.iter().fold(0_u32, |sum, frame| sum.saturating_add(frame.chain));
        if weight > MAX_WEIGHT {
            return Err(PolicyError::at(
                span,
                format!(
                    "the expression has more than {MAX_WEIGHT} operators and keys in each other; give parts of it names"
                ),
            ));
        }
        Ok(())
    }
}
