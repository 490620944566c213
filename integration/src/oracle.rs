//! OPA itself, asked by tests: `integration/oracle` is OPA's compiler, planner and evaluator behind a pipe.
//!
//! Questions and answers are one JSON document a line; values are [`tagged`].

pub mod tagged;

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value as Json;

use crate::error::Context as _;
use crate::{Error, Result, parts};

/// A running oracle. It ends when its standard input is closed, thus with us.
pub struct Oracle {
    child: Child,
    questions: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Oracle {
    /// Answers policies: `{v0?, modules, data?, input?, query, strict?}` gets `{result, error, plan, plan_error}`.
    pub fn answer() -> Result<Self> {
        Self::start("answer")
    }

    /// Answers a policy's queries for several inputs: `{v0?, modules, data?, inputs, queries}` gets
    /// `{queries: [{plan, answers: [{result, error}]} or {error}]}`.
    pub fn batch() -> Result<Self> {
        Self::start("batch")
    }

    /// Calls builtins: `{name, args, time?}` gets `{value, defined, error}`.
    pub fn call() -> Result<Self> {
        Self::start("call")
    }

    /// OPA's own conformance cases, one JSON document each.
    pub fn cases() -> Result<Self> {
        Self::start("cases")
    }

    /// Writes protobuf messages as JSON: `{descriptors, type, message}`, bytes in base64, gets `{json}` or `{error}`.
    pub fn message() -> Result<Self> {
        Self::start("message")
    }

    /// Any of its commands.
    pub(crate) fn start(command: &str) -> Result<Self> {
        let program = program()?;
        let mut child = Command::new(&program)
            .arg(command)
            .current_dir(source())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context(program.display())?;
        let questions = child.stdin.take();
        let output = child.stdout.take().ok_or_else(|| Error::new("the oracle has no output"))?;
        Ok(Self { child, questions, answers: BufReader::with_capacity(1 << 20, output).lines() })
    }

    /// Asks one question.
    pub fn ask(&mut self, question: &Json) -> Result<Json> {
        let input = self.questions.as_mut().ok_or_else(|| Error::new("the oracle has no input"))?;
        writeln!(input, "{question}").context("asking the oracle")?;
        let answer = self.line()?.ok_or_else(|| Error::new(format!("the oracle ended, asked {question}")))?;
        serde_json::from_str(&answer).map_err(|error| Error::new(format!("the oracle's answer: {error}")))
    }

    /// The next line it writes; `None` if it has ended, as it should.
    pub fn line(&mut self) -> Result<Option<String>> {
        if let Some(line) = self.answers.next() {
            return Ok(Some(line?));
        }
        let status = self.child.wait()?;
        if status.success() { Ok(None) } else { Err(Error::new(format!("the oracle ended with {status}"))) }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // One that still computes would not notice that its pipes are closed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, installed once a process: it is built anew whenever its sources have changed.
fn program() -> Result<PathBuf> {
    static PROGRAM: LazyLock<std::result::Result<PathBuf, String>> =
        LazyLock::new(|| install().map_err(|error| error.to_string()));
    PROGRAM.clone().map_err(Error::new)
}

fn install() -> Result<PathBuf> {
    let script = parts::workspace().join("scripts/install");
    let output = Command::new(&script).arg("oracle").output().context(script.display())?;
    let told = String::from_utf8_lossy(&output.stdout);
    let path = told.lines().last().and_then(|line| line.strip_prefix("oracle: "));
    let path = path.map(|path| PathBuf::from(path.strip_prefix("present, ").unwrap_or(path)));
    match path {
        Some(path) if output.status.success() => Ok(path),
        _ => Err(Error::new(format!("{told}\n{}", String::from_utf8_lossy(&output.stderr)))),
    }
}

fn source() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/oracle"))
}
