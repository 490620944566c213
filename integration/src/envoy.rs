//! A real Envoy with the shipped configuration.

pub mod admin;
pub mod bootstrap;
pub mod options;
mod push;
pub mod yaml;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use self::admin::Admin;
use self::bootstrap::{Addresses, OpaCluster};
pub use self::options::{Edit, Filter, Options};
pub use self::push::Push;
use self::push::{Counters, reasons};
use crate::error::Context as _;
use crate::process::{self, Process};
use crate::{Error, Result, parts, ports, scratch, wait};

/// How long a start or a push may take: V8 compiles the module, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a log line or a counter may be behind the reply it belongs to.
const LAG: Duration = Duration::from_secs(10);

/// A running Envoy.
pub struct Envoy {
    folder: TempDir,
    options: Options,
    addresses: Addresses,
    process: Mutex<Process>,
    pushed: Mutex<Pushed>,
}

/// What the watched file holds.
struct Pushed {
    version: u64,
    /// The last one accepted: Envoy does nothing when it sees the same again.
    accepted: Value,
}

impl Envoy {
    /// Starts Envoy and waits until it serves. A refused first configuration is an error.
    pub fn start(options: Options, upstream: SocketAddr, opa: OpaCluster) -> Result<Self> {
        let folder = scratch::folder("envoy-")?;
        let addresses = Addresses {
            listener: ports::loopback(ports::free()?),
            admin: ports::loopback(ports::free()?),
            upstream,
            opa,
        };
        let accepted = match &options.filter {
            Filter::Pushed(configuration) => bootstrap::wasm_filter(&options, configuration)?,
            Filter::Other(typed_config) => typed_config.clone(),
            Filter::None | Filter::Inline(_) => Value::Null,
        };
        let file = bootstrap::resource_path(folder.path());
        std::fs::create_dir_all(file.parent().unwrap_or(folder.path()))?;
        if !accepted.is_null() {
            replace(&file, &bootstrap::resource(&accepted, 0).to_string())?;
        }
        let tree = bootstrap::bootstrap(&options, &addresses, folder.path())?;
        std::fs::write(folder.path().join("envoy.json"), serde_json::to_string_pretty(&tree).unwrap_or_default())?;
        let process = Mutex::new(run(&options, folder.path(), addresses.admin)?);
        let pushed = Mutex::new(Pushed { version: 0, accepted });
        Ok(Self { folder, options, addresses, process, pushed })
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.addresses.listener
    }

    /// The admin interface.
    #[must_use]
    pub fn admin(&self) -> Admin {
        Admin(self.addresses.admin)
    }

    /// The folder with its files: `envoy.json`, `envoy.log`, `access.log`, `ecds/`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Pushes another plugin configuration and waits until every worker has it, or it is refused.
    pub fn push(&self, configuration: &Value) -> Result<Push> {
        self.push_text(&configuration.to_string())
    }

    /// The same with any text as the plugin configuration.
    pub fn push_text(&self, configuration: &str) -> Result<Push> {
        self.push_filter(bootstrap::wasm_filter(&self.options, configuration)?)
    }

    /// The same with another `typed_config` of the filter, such as [`bootstrap::wasm_filter`] makes of other options.
    pub fn push_filter(&self, typed_config: Value) -> Result<Push> {
        if !is_pushed(&self.options.filter) {
            return Err(Error::new("this Envoy's filter is not read from a file"));
        }
        let mut pushed = lock(&self.pushed);
        pushed.version += 1;
        let unchanged = pushed.accepted == typed_config;
        let outcome = self.push_resource(&bootstrap::resource(&typed_config, pushed.version).to_string(), unchanged)?;
        if outcome == Push::Accepted {
            pushed.accepted = typed_config;
        }
        Ok(outcome)
    }

    /// The same with any text as the file, for files that Envoy cannot read.
    pub fn push_file(&self, text: &str) -> Result<Push> {
        let _one_at_a_time = lock(&self.pushed);
        self.push_resource(text, false)
    }

    /// What this Envoy was started with: to change and to make another filter of.
    #[must_use]
    pub fn options(&self) -> Options {
        self.options.clone()
    }

    /// Renames a file with this text over the watched one, and waits for what Envoy makes of it.
    fn push_resource(&self, text: &str, unchanged: bool) -> Result<Push> {
        let before = Counters::read(self.admin())?;
        let offset = self.log_length();
        replace(&bootstrap::resource_path(self.folder()), text)?;
        let seen = wait::until(PATIENCE, "Envoy takes or refuses the push", || {
            let now = Counters::read(self.admin()).ok()?;
            if now.refused > before.refused {
                return Some(Push::Rejected(String::new()));
            }
            let applied = now.reload > before.reload || unchanged;
            (now.success > before.success && applied).then_some(Push::Accepted)
        });
        let seen = seen.map_err(|error| self.with_log(error))?;
        if seen == Push::Accepted {
            return Ok(seen);
        }
        // The counter moves just before the line is written.
        let log = wait::until(LAG, "the log says so", || {
            let log = process::read_from(&self.log_path(), offset);
            ["rejected", "update fail", "Unable to load"].iter().any(|word| log.contains(word)).then_some(log)
        });
        let log = log.unwrap_or_else(|_| process::read_from(&self.log_path(), offset));
        Ok(Push::Rejected(reasons(&log)))
    }

    /// Ends Envoy and starts it again at the same addresses with what was last written for it.
    pub fn restart(&self) -> Result<()> {
        let mut process = lock(&self.process);
        process.stop();
        *process = run(&self.options, self.folder(), self.addresses.admin)?;
        Ok(())
    }

    /// Waits until a counter or gauge has `value`. Counters may move just after the reply has arrived.
    pub fn wait_for_stat(&self, name: &str, value: u64) -> Result<()> {
        let mut last = 0;
        let waited = wait::until(LAG, name, || {
            last = self.admin().stat(name).ok()?;
            (last == value).then_some(())
        });
        waited.map_err(|error| Error::new(format!("{error}: it is {last}, not {value}")))
    }

    /// Runs `work` and waits until the counters with `prefix` have grown by exactly what is expected.
    pub fn count(&self, prefix: &str, expected: &[(&str, u64)], work: impl FnOnce()) -> Result<()> {
        let before = self.admin().stats(prefix)?;
        work();
        let expected: BTreeMap<String, u64> =
            expected.iter().map(|(name, more)| (format!("{prefix}{name}"), *more)).collect();
        let mut grown = BTreeMap::new();
        let waited = wait::until(LAG, "the counters grow as expected", || {
            grown = self.admin().stats(prefix).ok()?;
            grown.retain(|name, value| {
                *value = value.saturating_sub(before.get(name).copied().unwrap_or(0));
                *value > 0
            });
            (grown == expected).then_some(())
        });
        waited.map_err(|error| Error::new(format!("{error}: they grew by {grown:#?}, expected {expected:#?}")))
    }

    /// The access log: one JSON object a request. The last lines may still be on their way; see `wait_for_access`.
    #[must_use]
    pub fn access_log(&self) -> Vec<Value> {
        let text = process::read_from(&bootstrap::access_log_path(self.folder()), 0);
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits for a line of the access log that satisfies `test`.
    pub fn wait_for_access(&self, test: impl Fn(&Value) -> bool) -> Result<Value> {
        wait::until(LAG, "a line of the access log", || self.access_log().into_iter().find(&test))
            .map_err(|error| Error::new(format!("{error}; there are {:#?}", self.access_log())))
    }

    /// Waits for the access log's line about `path`, query included.
    pub fn access_of(&self, path: &str) -> Result<Value> {
        self.wait_for_access(|line| line["path"] == path)
    }

    /// Whether Envoy's log has `text`.
    #[must_use]
    pub fn log_contains(&self, text: &str) -> bool {
        process::read_from(&self.log_path(), 0).contains(text)
    }

    /// Waits until Envoy's log has `text`.
    pub fn wait_for_log(&self, text: &str) -> Result<()> {
        wait::until(LAG, &format!("{text:?} in the log"), || self.log_contains(text).then_some(()))
            .map_err(|error| self.with_log(error))
    }

    /// How long the log is: a mark for `log_since`.
    #[must_use]
    pub fn log_length(&self) -> u64 {
        std::fs::metadata(self.log_path()).map_or(0, |file| file.len())
    }

    /// The log from a mark on.
    #[must_use]
    pub fn log_since(&self, mark: u64) -> String {
        process::read_from(&self.log_path(), mark)
    }

    /// The last lines of the log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        lock(&self.process).log_tail(process::TAIL)
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        lock(&self.process).pid()
    }

    /// Whether Envoy still runs.
    #[must_use]
    pub fn alive(&self) -> bool {
        lock(&self.process).exited().is_none()
    }

    fn log_path(&self) -> std::path::PathBuf {
        self.folder().join("envoy.log")
    }

    fn with_log(&self, error: Error) -> Error {
        Error::new(format!("{error}\n{}", self.log_tail()))
    }
}

/// What `envoy --mode validate` says of the configuration that these options make; see [`Filter::Inline`].
pub fn validate(options: &Options) -> Result<()> {
    let folder = scratch::folder("validate-")?;
    let nowhere = ports::loopback(ports::free()?);
    let addresses = Addresses { listener: nowhere, admin: nowhere, upstream: nowhere, opa: OpaCluster::Empty };
    let path = folder.path().join("envoy.json");
    std::fs::write(&path, bootstrap::bootstrap(options, &addresses, folder.path())?.to_string())?;
    let log = folder.path().join("envoy.log");
    let arguments = ["--mode".as_ref(), "validate".as_ref(), "--config-path".as_ref(), path.as_os_str()];
    let process = Process::start("Envoy", &parts::envoy()?, arguments, &log)?;
    let status = wait::until(PATIENCE, "Envoy validates", || process.exited())?;
    if status.success() {
        return Ok(());
    }
    Err(Error::new(process::read_from(&log, 0)))
}

impl Drop for Envoy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log_tail());
        }
    }
}

fn run(options: &Options, folder: &Path, admin: SocketAddr) -> Result<Process> {
    let workers = options.workers.to_string();
    let bootstrap = folder.join("envoy.json");
    let arguments = [
        "--config-path".as_ref(),
        bootstrap.as_os_str(),
        "--concurrency".as_ref(),
        workers.as_ref(),
        // Several may run at once, and none is to be succeeded.
        "--disable-hot-restart".as_ref(),
        // A misspelt key of a pushed file would otherwise be a warning in the log.
        "--reject-unknown-dynamic-fields".as_ref(),
        "--log-level".as_ref(),
        "warning".as_ref(),
        "--component-log-level".as_ref(),
        options.log.as_ref(),
        "--file-flush-interval-msec".as_ref(),
        "20".as_ref(),
    ];
    let log = folder.join("envoy.log");
    let mark = std::fs::metadata(&log).map_or(0, |file| file.len());
    let process = Process::start_with(&options.host_environment, "Envoy", &parts::envoy()?, arguments, &log)?;
    process.wait_ready(PATIENCE, || Admin(admin).ready())?;
    if is_pushed(&options.filter) && !options.may_be_refused {
        let counters = Counters::read(Admin(admin)).context("after the start")?;
        if counters.success == 0 {
            let why = reasons(&process::read_from(&log, mark));
            return Err(Error::new(format!("Envoy refused the first configuration:\n{why}")));
        }
    }
    Ok(process)
}

fn is_pushed(filter: &Filter) -> bool {
    matches!(filter, Filter::Pushed(_) | Filter::Other(_))
}

/// Replaces a file by a rename, which is what Envoy watches for.
fn replace(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, text)?;
    std::fs::rename(&new, path)?;
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
