//! A real OPA as a child process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::Request;
use crate::error::Context as _;
use crate::process::Process;
use crate::{Error, Result, parts, ports, scratch};

/// `opa run --server` on a free port.
pub struct Opa {
    folder: TempDir,
    files: Vec<PathBuf>,
    port: u16,
    process: Mutex<Process>,
}

impl Opa {
    /// Starts OPA with policy and data files (or folders).
    pub fn start(files: &[impl AsRef<Path>]) -> Result<Self> {
        let files = files.iter().map(|file| file.as_ref().to_owned()).collect();
        Self::start_in(scratch::folder("opa-")?, files)
    }

    /// Starts OPA with one module and a data document.
    pub fn with_policy(rego: &str, data: &Value) -> Result<Self> {
        let folder = scratch::folder("opa-")?;
        let files = vec![folder.path().join("policy.rego"), folder.path().join("data.json")];
        std::fs::write(&files[0], rego)?;
        std::fs::write(&files[1], data.to_string())?;
        Self::start_in(folder, files)
    }

    fn start_in(folder: TempDir, files: Vec<PathBuf>) -> Result<Self> {
        let port = ports::free()?;
        let process = Mutex::new(run(&folder.path().join("opa.log"), &files, port)?);
        Ok(Self { folder, files, port, process })
    }

    /// Where it listens, also while it is dead.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        ports::loopback(self.port)
    }

    /// `POST /v1/data/<path>`: the whole reply.
    pub fn query(&self, path: &str, input: &Value) -> Result<Value> {
        let response = Request::post(format!("/v1/data/{path}"))
            .header("content-type", "application/json")
            .body(json!({"input": input}).to_string())
            .send(self.address())
            .context("ask OPA")?;
        if response.status != 200 {
            return Err(Error::new(format!("OPA answered {}: {}", response.status, response.text())));
        }
        Ok(response.json())
    }

    /// Holds OPA (SIGSTOP): it accepts connections, through the kernel, and never answers.
    pub fn pause(&self) -> Result<()> {
        self.process().pause()
    }

    /// Lets a held OPA go on.
    pub fn resume(&self) -> Result<()> {
        self.process().resume()
    }

    /// Ends OPA: connections are refused.
    pub fn kill(&self) {
        self.process().kill();
    }

    /// Ends OPA if it runs, and starts it again at the same address.
    pub fn restart(&self) -> Result<()> {
        let mut process = self.process();
        process.kill();
        *process = run(&self.folder.path().join("opa.log"), &self.files, self.port)?;
        Ok(())
    }

    /// The last lines of its log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.process().log_tail(crate::process::TAIL)
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run(log: &Path, files: &[PathBuf], port: u16) -> Result<Process> {
    let address = ports::loopback(port);
    let listen = address.to_string();
    let arguments = ["run", "--server", "--skip-version-check", "--addr", &listen, "--log-level", "error"];
    let arguments = arguments.iter().map(Into::into).chain(files.iter().map(|file| file.as_os_str().to_owned()));
    let process = Process::start("OPA", &parts::opa()?, arguments.collect::<Vec<_>>(), log)?;
    process.wait_ready(Duration::from_secs(30), || {
        Request::get("/health").send(address).is_ok_and(|reply| reply.status == 200)
    })?;
    Ok(process)
}
