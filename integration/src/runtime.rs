//! One tokio runtime for the whole process, behind a blocking face.
//!
//! Tests are plain functions; what is asynchronous (servers, clients) runs here.

use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::{Error, Result};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("the tokio runtime starts")
});

/// Runs `future` to its end. Not to be called from a task of the runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// Starts a task in the background.
pub fn spawn<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    RUNTIME.spawn(future)
}

/// `future`, or an error that says what took longer than `limit`.
pub async fn within<T>(
    limit: Duration,
    what: impl std::fmt::Display,
    future: impl Future<Output = Result<T>>,
) -> Result<T> {
    match tokio::time::timeout(limit, future).await {
        Ok(result) => result.map_err(|error| error.context(&what)),
        Err(_) => Err(Error::new(format!("{what}: nothing within {limit:?}"))),
    }
}
