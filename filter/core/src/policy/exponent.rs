//! Exponents, before regorus' lexer meets them: it writes every number out, `1e999999999` digit by digit.

/// The largest that is let through, as of [`crate::json`].
const MAX_EXPONENT: u32 = 400;

/// Byte offset of the next token behind `from` if it is a number with a larger exponent. `from` is where white space may
/// begin.
pub(super) fn too_large(text: &str, from: usize) -> Option<usize> {
    let mut rest = skip_space(text.get(from..)?);
    // The lexer looks behind `set(` for a `)`.
    while let Some(inner) = rest.strip_prefix("set(") {
        rest = skip_space(inner);
    }
    let digits = |text: &'_ str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number = rest.strip_prefix('-').unwrap_or(rest);
    let whole = digits(number);
    let mut behind = number.get(whole..)?;
    if let Some(fraction) = behind.strip_prefix('.') {
        behind = fraction.get(digits(fraction)..)?;
    }
    let exponent = behind.strip_prefix(['e', 'E']).filter(|_| whole > 0)?;
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let exponent = exponent.get(..digits(exponent))?;
    let small = exponent.is_empty() || exponent.parse().is_ok_and(|exponent: u32| exponent <= MAX_EXPONENT);
    (!small).then(|| text.len().saturating_sub(rest.len()))
}

/// What the lexer skips: white space and comments.
fn skip_space(mut text: &str) -> &str {
    loop {
        text = text.trim_start();
        match text.strip_prefix('#') {
            Some(comment) => text = comment.split_once('\n').map_or("", |(_, behind)| behind),
            None => return text,
        }
    }
}
