//! Temporary folders that do not pile up.
//!
//! A stack in a `static` is never dropped, and a test process may be killed. So all folders of a process lie in one that
//! is named by its pid, and each process first removes those of processes that are gone.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rustix::process::{Pid, getpid, getuid, test_kill_process};
use tempfile::TempDir;

use crate::Result;
use crate::error::Context as _;

/// A new folder, removed when dropped.
pub fn folder(prefix: &str) -> Result<TempDir> {
    static OURS: LazyLock<PathBuf> = LazyLock::new(|| {
        let all = shared().join("runs");
        sweep(&all);
        all.join(getpid().as_raw_nonzero().to_string())
    });
    std::fs::create_dir_all(&*OURS).context(OURS.display())?;
    tempfile::Builder::new().prefix(prefix).tempdir_in(&*OURS).context(OURS.display())
}

/// The folder that all test processes of this user share.
#[must_use]
pub fn shared() -> PathBuf {
    std::env::temp_dir().join(format!("sark-tests-{}", getuid().as_raw()))
}

fn sweep(runs: &Path) {
    for run in std::fs::read_dir(runs).into_iter().flatten().flatten() {
        let pid = run.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
        if pid.is_some_and(|pid| test_kill_process(pid).is_err()) {
            let _ = std::fs::remove_dir_all(run.path());
        }
    }
}
