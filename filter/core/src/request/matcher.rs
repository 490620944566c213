//! `allowed_headers` and `disallowed_headers`: which headers the input document shows, by Envoy's string matchers.

use regex_lite::Regex;

/// One of Envoy's string matchers.
#[derive(Debug, Clone)]
pub enum Matcher {
    /// The whole name.
    Exact(String),
    /// Its beginning.
    Prefix(String),
    /// Its end.
    Suffix(String),
    /// Any part of it.
    Contains(String),
    /// An expression that matches the whole name.
    Regex(Regex),
}

impl Matcher {
    /// An expression for a whole name.
    ///
    /// # Errors
    /// It cannot be read, or is too large.
    pub fn regex(pattern: &str) -> Result<Self, String> {
        // By itself first: `a)|(b` is no expression, though it would be one inside the group.
        Regex::new(pattern).map_err(|error| error.to_string())?;
        let whole = Regex::new(&format!(r"\A(?:{pattern})\z")).map_err(|error| error.to_string())?;
        Ok(Self::Regex(whole))
    }

    /// Whether a header's name, in lower case, matches.
    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Exact(text) => name == text,
            Self::Prefix(text) => name.starts_with(text.as_str()),
            Self::Suffix(text) => name.ends_with(text.as_str()),
            Self::Contains(text) => name.contains(text.as_str()),
            Self::Regex(regex) => regex.is_match(name),
        }
    }
}

/// Which headers pass.
#[derive(Debug, Default)]
pub struct HeaderFilter {
    /// If set, only these.
    pub allowed: Option<Vec<Matcher>>,
    /// Never these.
    pub disallowed: Vec<Matcher>,
}

impl HeaderFilter {
    /// Whether a header, by its name in lower case, is shown.
    #[must_use]
    pub fn passes(&self, name: &str) -> bool {
        let any = |matchers: &[Matcher]| matchers.iter().any(|matcher| matcher.matches(name));
        !any(&self.disallowed) && self.allowed.as_deref().is_none_or(any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn each_matcher_means_what_envoys_does() {
        let text = |text: &str| text.to_owned();
        for (matcher, yes, no) in [
            (Matcher::Exact(text("x-a")), "x-a", "x-ab"),
            (Matcher::Prefix(text("x-")), "x-a", "ax-a"),
            (Matcher::Suffix(text("-a")), "x-a", "x-ab"),
            (Matcher::Contains(text("-a")), "x-ab", "x-b"),
            (Matcher::regex("x-[ab]|y").unwrap(), "x-b", "x-bc"),
            (Matcher::regex("x-[ab]|y").unwrap(), "y", "xy"),
        ] {
            assert!(matcher.matches(yes), "{matcher:?} {yes}");
            assert!(!matcher.matches(no), "{matcher:?} {no}");
        }
        assert!(Matcher::regex("a)|(b").is_err());
        assert!(Matcher::regex("(?x)a # comment").is_err());
    }

    #[test]
    fn disallowed_wins_and_allowed_restricts() {
        let x = || Matcher::Prefix("x-".to_owned());
        let secret = || Matcher::Exact("x-secret".to_owned());
        let both = HeaderFilter { allowed: Some(vec![x()]), disallowed: vec![secret()] };
        assert!(both.passes("x-a") && !both.passes("x-secret") && !both.passes(":path"));
        assert!(HeaderFilter::default().passes("anything"));
        assert!(!HeaderFilter { allowed: Some(Vec::new()), disallowed: Vec::new() }.passes("x-a"));
    }
}
