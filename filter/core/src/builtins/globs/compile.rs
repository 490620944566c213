//! Pattern → program.

use super::lexer::{Lexer, Token};
use super::matcher::{Glob, Step};
use crate::builtins::Failure;

/// A group of alternatives that is not closed yet.
struct Group {
    /// The [`Step::Choice`] where it begins.
    choice: usize,
    /// The [`Step::Jump`]s at the ends of its alternatives, to be led to its end.
    jumps: Vec<usize>,
}

/// Compiles the pattern; OPA refuses what is refused here.
pub(super) fn compile(pattern: &str, delimiters: Vec<char>) -> Result<Glob, Failure> {
    let mut lexer = Lexer::new(pattern);
    let mut steps = Vec::new();
    let mut groups: Vec<Group> = Vec::new();
    while let Some(token) = lexer.next()? {
        let here = steps.len();
        match token {
            Token::Open => {
                steps.push(Step::Choice(vec![here.saturating_add(1)]));
                groups.push(Group { choice: here, jumps: Vec::new() });
            }
            Token::Comma => {
                steps.push(Step::Jump(here));
                let group = groups.last_mut().ok_or_else(unbalanced)?;
                group.jumps.push(here);
                if let Some(Step::Choice(alternatives)) = steps.get_mut(group.choice) {
                    alternatives.push(here.saturating_add(1));
                }
            }
            Token::Close => {
                let group = groups.pop().ok_or_else(unbalanced)?;
                for jump in group.jumps {
                    if let Some(step) = steps.get_mut(jump) {
                        *step = Step::Jump(here);
                    }
                }
            }
            Token::Text(text) => steps.push(Step::Text(text.into())),
            Token::One => steps.push(Step::One),
            Token::Star => steps.push(Step::Star),
            Token::All => steps.push(Step::All),
            Token::Class { not, ranges } => steps.push(Step::Class { not, ranges }),
        }
    }
    if groups.is_empty() { Ok(Glob::new(steps, delimiters)) } else { Err(unbalanced()) }
}

fn unbalanced() -> Failure {
    Failure::Error("braces that do not match".into())
}
