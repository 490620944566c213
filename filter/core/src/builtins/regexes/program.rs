//! Compiled regular expressions, and searching with them.

use super::parse::{self, Parsed};
use crate::builtins::bounded::Programs;
use crate::builtins::{Context, Failure};
use regex_automata::nfa::thompson::backtrack::{self, BoundedBacktracker};
use regex_automata::nfa::thompson::pikevm::{self, PikeVM};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::primitives::NonMaxUsize;
use regex_automata::{Input, MatchKind};
use std::rc::Rc;

/// Most bytes of an automaton. Go allows about a hundred times as much.
const MAX_BYTES: usize = 1 << 20;

/// Most places of all groups in all states that a search may keep.
const MAX_SLOTS: usize = 1 << 20;

/// Bytes of work for one state at one place of the text. A search visits few of them.
const VISIT: usize = 4;

/// What is kept: programs by their text, and the room that searches work in.
#[derive(Default)]
pub(in crate::builtins) struct RegexMemory {
    programs: Programs<Program>,
    backtracking: Option<backtrack::Cache>,
    simulation: Option<pikevm::Cache>,
}

/// A compiled regular expression. Short texts are searched by backtracking that goes nowhere twice, long ones by
/// simulation; both are linear in the text and find what Go finds.
#[derive(Debug)]
pub(in crate::builtins) struct Program {
    backtracking: BoundedBacktracker,
    simulation: PikeVM,
    /// The name of each group, empty if it has none; group 0 is the whole match.
    pub(super) names: Vec<String>,
}

/// Where the groups of a match begin and end.
#[derive(Debug, Clone)]
pub(super) struct Match(Vec<Option<NonMaxUsize>>);

impl Match {
    /// The place of a group, if it took part.
    pub(super) fn group(&self, index: usize) -> Option<(usize, usize)> {
        let at = |slot: usize| self.0.get(slot).copied().flatten().map(NonMaxUsize::get);
        let first = index.saturating_mul(2);
        Some((at(first)?, at(first.saturating_add(1))?))
    }

    /// The whole match.
    pub(super) fn range(&self) -> (usize, usize) {
        self.group(0).unwrap_or_default()
    }
}

/// The program of that text, compiled or from memory.
pub(in crate::builtins) fn program(context: &mut Context, pattern: &str) -> Result<Rc<Program>, Failure> {
    if let Some(program) = context.memory.regexes.programs.get(pattern) {
        return Ok(program);
    }
    let program = Rc::new(compile(context, pattern)?);
    let bytes = program.backtracking.get_nfa().memory_usage();
    context.memory.regexes.programs.put(pattern.into(), Rc::clone(&program), bytes.saturating_add(pattern.len()));
    Ok(program)
}

fn compile(context: &mut Context, pattern: &str) -> Result<Program, Failure> {
    let Parsed { hir, names } = parse::parse(context, pattern)?;
    let config = thompson::Config::new().utf8(true).nfa_size_limit(Some(MAX_BYTES)).which_captures(WhichCaptures::All);
    let refused = Failure::Inexact("a regular expression that is too large");
    let nfa: NFA = thompson::Compiler::new().configure(config).build_from_hir(&hir).map_err(|_| refused.clone())?;
    context.work(nfa.memory_usage())?;
    if nfa.states().len().saturating_mul(names.len().saturating_mul(2)) > MAX_SLOTS {
        return Err(refused);
    }
    let simulation = PikeVM::builder()
        .configure(PikeVM::config().match_kind(MatchKind::LeftmostFirst))
        .build_from_nfa(nfa.clone())
        .map_err(|_| refused.clone())?;
    let backtracking = BoundedBacktracker::builder().build_from_nfa(nfa).map_err(|_| refused)?;
    Ok(Program { backtracking, simulation, names })
}

impl Program {
    /// Whether it matches anywhere.
    pub(in crate::builtins) fn is_match(&self, context: &mut Context, text: &str) -> Result<bool, Failure> {
        Ok(self.search(context, text, 0, 1)?.is_some())
    }

    /// The first match from that place on; `groups` says how many of them are wanted.
    pub(super) fn search(
        &self,
        context: &mut Context,
        text: &str,
        from: usize,
        groups: usize,
    ) -> Result<Option<Match>, Failure> {
        let states = self.backtracking.get_nfa().states().len();
        let length = text.len().saturating_sub(from).saturating_add(1);
        context.work(states.saturating_mul(length).saturating_mul(VISIT))?;
        let mut slots = vec![None; groups.saturating_mul(2)];
        let input = Input::new(text).range(from..);
        let memory = &mut context.memory.regexes;
        let found = if length <= self.backtracking.max_haystack_len() {
            let cache = memory.backtracking.get_or_insert_with(|| self.backtracking.create_cache());
            cache.reset(&self.backtracking);
            let found = self.backtracking.try_search_slots(cache, &input, &mut slots);
            found.map_err(|_| Failure::Inexact("a text that is too long for a regular expression"))?
        } else {
            let cache = memory.simulation.get_or_insert_with(|| self.simulation.create_cache());
            cache.reset(&self.simulation);
            self.simulation.search_slots(cache, &input, &mut slots)
        };
        Ok(found.map(|_| Match(slots)))
    }

    /// At most `count` matches, as Go finds them: an empty match directly behind another one is none.
    pub(super) fn all_matches(
        &self,
        context: &mut Context,
        text: &str,
        count: usize,
        groups: usize,
    ) -> Result<Vec<Match>, Failure> {
        let mut matches = Vec::new();
        let mut at = 0;
        let mut end_before = None;
        while matches.len() < count && at <= text.len() {
            let Some(found) = self.search(context, text, at, groups)? else { break };
            let (start, end) = found.range();
            let accepted = end != at || end_before != Some(start);
            at = if end == at {
                let first = text.get(at..).and_then(|rest| rest.chars().next());
                at.saturating_add(first.map_or(1, char::len_utf8))
            } else {
                end
            };
            end_before = Some(end);
            if accepted {
                context.work(size_of::<Match>().saturating_add(groups.saturating_mul(16)))?;
                matches.push(found);
            }
        }
        Ok(matches)
    }
}

#[cfg(test)]
mod tests {
    use crate::builtins::{Failure, find, tests::context};
    use crate::engine::EvalError;
    use regorus::Value;
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn matches(pattern: &str, text: &str) -> Result<Value, Failure> {
        let regex = find("regex.match").unwrap().run;
        regex(&mut context(0), &[Value::from(pattern), Value::from(text)])
    }

    #[test]
    fn patterns_that_run_away_elsewhere_do_not_here() {
        assert_eq!(matches("^(a+)+$", &("a".repeat(20_000) + "b")), Ok(Value::from(false)));
        assert_eq!(matches("(a|b|ab)*c", &"ab".repeat(1_000_000)), Err(Failure::Stop(EvalError::StepLimit)));
        assert!(matches!(matches("((a{1,30}){1,30}|[é-日]){500}", "a"), Err(Failure::Error(_))));
        assert!(matches!(
            matches("(\\w{30}\\W){30}[^é-日]{900}(.|x){900}(.|y){900}[^a-日]{900}", "a"),
            Err(Failure::Inexact(_))
        ));
        assert!(matches!(matches(&"(".repeat(5_000), "a"), Err(Failure::Inexact(_))));
    }

    #[test]
    fn a_long_text_is_searched_as_a_short_one() {
        // Beyond what backtracking takes.
        let text = "x".repeat(300_000) + "foo7";
        assert_eq!(matches("foo[0-9]$", &text), Ok(Value::from(true)));
        assert_eq!(matches("foo[8-9]$", &text), Ok(Value::from(false)));
    }
}
