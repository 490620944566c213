//! A child process: its log in a file, its readiness polled, its end certain.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Context as _;
use crate::{Error, Result, wait};

/// How many lines of the log an error carries.
pub const TAIL: usize = 60;

/// A running child. Ended by its pid when dropped; on Linux the kernel also ends it with the harness itself, however
/// that ends (a static `Stack` is never dropped).
pub struct Process {
    name: String,
    pid: Pid,
    child: Mutex<Child>,
    log: PathBuf,
}

impl Process {
    /// Starts `program` with `arguments`, its output appended to `log`.
    pub fn start<A: AsRef<std::ffi::OsStr>>(
        name: &str,
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        log: &Path,
    ) -> Result<Self> {
        Self::start_with(&BTreeMap::new(), name, program, arguments, log)
    }

    /// The same with these environment variables on top of our own.
    pub fn start_with<A: AsRef<std::ffi::OsStr>>(
        environment: &BTreeMap<String, String>,
        name: &str,
        program: &Path,
        arguments: impl IntoIterator<Item = A>,
        log: &Path,
    ) -> Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        let mut command = dying_with_us(program);
        command.envs(environment).args(arguments).stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = spawn(command).context(format!("{name}: {}", program.display()))?;
        Ok(Self { name: name.to_owned(), pid: Pid::from_child(&child), child: Mutex::new(child), log: log.to_owned() })
    }

    /// Polls `ready` until it says so. A child that exits meanwhile, or a passed deadline, is an error with the log's tail.
    pub fn wait_ready(&self, limit: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let outcome = wait::until(limit, "ready", || match self.exited() {
            Some(status) => Some(Err(Error::new(format!("it ended by itself: {status}")))),
            None => ready().then_some(Ok(())),
        });
        outcome
            .and_then(|inner| inner)
            .map_err(|error| Error::new(format!("{}: {error}\n{}", self.name, self.log_tail(TAIL))))
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// The exit status, if the child has ended.
    pub fn exited(&self) -> Option<ExitStatus> {
        self.child().try_wait().ok().flatten()
    }

    /// Holds the child (SIGSTOP): its sockets stay open and nothing answers. Returns when every thread of it is held.
    pub fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        wait::until(Duration::from_secs(5), "every thread is held", || self.is_held().then_some(()))
    }

    fn is_held(&self) -> bool {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.pid.as_raw_nonzero()));
        // `pid (name) state …`: the name may hold anything, so the state is behind the last `)`.
        let held = |stat: String| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'));
        threads.is_ok_and(|mut threads| {
            threads.all(|thread| {
                thread.is_ok_and(|thread| std::fs::read_to_string(thread.path().join("stat")).is_ok_and(held))
            })
        })
    }

    /// Lets a held child go on.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Asks the child to end, then ends it; returns when it is gone.
    pub fn stop(&self) {
        // A child that has been held would not hear the request.
        if self.resume().and_then(|()| self.signal(Signal::TERM)).is_ok() {
            let _ = wait::until(Duration::from_secs(5), "ended", || self.exited());
        }
        self.kill();
    }

    /// Ends the child at once; returns when it is gone.
    pub fn kill(&self) {
        let mut child = self.child();
        if matches!(child.try_wait(), Ok(None)) && child.kill().is_ok() {
            // SIGKILL cannot be held off, so this does not hang.
            let _ = child.wait();
        }
    }

    /// The log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The last `lines` lines of the log.
    #[must_use]
    pub fn log_tail(&self, lines: usize) -> String {
        let text = read_from(&self.log, 0);
        let all: Vec<&str> = text.lines().collect();
        let start = all.len().saturating_sub(lines);
        format!("--- last lines of {} ---\n{}", self.log.display(), all[start..].join("\n"))
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        // Holding the lock, so that the child cannot be reaped and its pid given to another process meanwhile.
        let mut child = self.child();
        if let Ok(Some(status)) = child.try_wait() {
            return Err(Error::new(format!("{}: already ended: {status}", self.name)));
        }
        kill_process(self.pid, signal).map_err(|error| Error::new(format!("{}: signal {signal:?}: {error}", self.name)))
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The text of a log from byte `offset` on; empty if it cannot be read.
#[must_use]
pub fn read_from(log: &Path, offset: u64) -> String {
    let mut bytes = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        file.seek(SeekFrom::Start(offset))?;
        file.read_to_end(&mut bytes)
    });
    read.map_or_else(|_| String::new(), |_| String::from_utf8_lossy(&bytes).into_owned())
}

/// `program`, started so that the kernel ends it when its parent dies. util-linux' `setpriv` sets that and then becomes
/// the program, so the pid stays the same. Where it is missing, `Drop` is all there is.
fn dying_with_us(program: &Path) -> Command {
    static SETPRIV: LazyLock<bool> = LazyLock::new(|| {
        Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "true"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    });
    if !*SETPRIV {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// The kernel takes the death of the *thread* that started the child for the parent's, and a test's thread ends with
/// the test. So all children are started by one thread that lives as long as the process.
fn spawn(command: Command) -> std::io::Result<Child> {
    type Order = (Command, mpsc::Sender<std::io::Result<Child>>);
    static NURSERY: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
        let (orders, inbox) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, reply) in inbox {
                let _ = reply.send(command.spawn());
            }
        });
        orders
    });
    let (reply, answer) = mpsc::channel();
    NURSERY.send((command, reply)).map_err(|_| std::io::Error::other("the thread that starts children is gone"))?;
    answer.recv().map_err(|_| std::io::Error::other("the thread that starts children is gone"))?
}
