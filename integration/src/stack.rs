//! Upstream, OPA and Envoy together: what most tests start.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::client::{Line, Request, Response};
use crate::echo::Echo;
use crate::envoy::bootstrap::OpaCluster;
use crate::envoy::{Envoy, Filter, Options, Push};
use crate::fake_opa::{FakeOpa, Mode};
use crate::opa::Opa;
use crate::{Result, load, ports};

/// What stands behind the cluster `opa`.
#[derive(Clone)]
pub enum Remote {
    /// There is no such cluster.
    Missing,
    /// A cluster without an endpoint.
    Empty,
    /// A port on which nothing listens.
    Dead,
    /// A fake, at first doing this.
    Fake(Mode),
    /// A real OPA with these files or folders.
    Files(Vec<PathBuf>),
    /// A real OPA with this module and data.
    Policy(String, Value),
}

enum Backend {
    None,
    Fake(FakeOpa),
    Real(Opa),
}

/// Echo upstream, OPA and Envoy. All methods take `&self`, so one stack can serve several threads, or, in a
/// `static STACK: LazyLock<Stack>`, all tests of a file.
///
/// The short methods panic with a readable message; what they wrap ([`Stack::envoy`], …) returns `Result`.
pub struct Stack {
    // Dropped in this order: Envoy first, so that it does not complain about the others.
    envoy: Envoy,
    opa: Backend,
    echo: Echo,
}

impl Stack {
    /// SARK with this plugin configuration, pushed through a file as shipped.
    pub fn sark(configuration: Value) -> Builder {
        Self::with(Filter::Pushed(configuration.to_string()))
    }

    /// SARK with this plugin configuration in the bootstrap.
    pub fn inline(configuration: Value) -> Builder {
        Self::with(Filter::Inline(configuration.to_string()))
    }

    /// No filter at all.
    pub fn bare() -> Builder {
        Self::with(Filter::None)
    }

    /// Any deciding filter.
    pub fn with(filter: Filter) -> Builder {
        Builder { options: Options { filter, ..Options::default() }, remote: Remote::Missing }
    }

    /// Sends over a connection of its own.
    ///
    /// # Panics
    /// Without a reply in time.
    #[track_caller]
    pub fn send(&self, request: &Request) -> Response {
        match request.send(self.address()) {
            Ok(response) => response,
            Err(error) => panic!("{error}\n{}", self.envoy.log_tail()),
        }
    }

    /// Sends each once, over a few kept connections; the replies are in the order of the requests.
    ///
    /// # Panics
    /// If one stays without a reply.
    #[track_caller]
    pub fn send_all(&self, connections: usize, requests: &[Request]) -> Vec<Response> {
        let replies = load::send_all(self.address(), connections, requests);
        assert_eq!(replies.len(), requests.len(), "a sending thread panicked");
        let replies: Result<Vec<_>> = replies.into_iter().collect();
        replies.unwrap_or_else(|error| panic!("{error}\n{}", self.envoy.log_tail()))
    }

    /// Pushes another plugin configuration; see [`Envoy::push`].
    ///
    /// # Panics
    /// If Envoy neither takes nor refuses it in time.
    #[track_caller]
    pub fn push(&self, configuration: &Value) -> Push {
        self.envoy.push(configuration).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Pushes any text as the plugin configuration.
    ///
    /// # Panics
    /// If Envoy neither takes nor refuses it in time.
    #[track_caller]
    pub fn push_text(&self, configuration: &str) -> Push {
        self.envoy.push_text(configuration).unwrap_or_else(|error| panic!("{error}"))
    }

    /// One counter or gauge, 0 if it does not exist.
    ///
    /// # Panics
    /// If Envoy's admin interface does not answer.
    #[track_caller]
    #[must_use]
    pub fn stat(&self, name: &str) -> u64 {
        self.envoy.admin().stat(name).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The counters and gauges whose names start with `prefix`.
    ///
    /// # Panics
    /// If Envoy's admin interface does not answer.
    #[track_caller]
    #[must_use]
    pub fn stats(&self, prefix: &str) -> BTreeMap<String, u64> {
        self.envoy.admin().stats(prefix).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Asserts that `work` makes the filter's counters grow by exactly this. Names without `wasmcustom.`.
    ///
    /// # Panics
    /// If they do not, with the difference.
    #[track_caller]
    pub fn assert_counts(&self, expected: &[(&str, u64)], work: impl FnOnce()) {
        let counted = self.envoy.count("wasmcustom.", expected, work);
        counted.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.envoy.address()
    }

    /// One kept connection to each worker, in no particular order, of a stack that is [`Builder::balanced`] and has no
    /// other connections. They stay apart as long as they are kept.
    ///
    /// # Panics
    /// If the workers do not have one each.
    #[track_caller]
    #[must_use]
    pub fn line_to_each_worker(&self) -> Vec<Line> {
        let workers = self.envoy.options().workers as usize;
        // Answered by Envoy itself, whatever the filter does, and Envoy keeps the connection.
        let unanswerable = Request::get("/%2f").h2();
        let lines: Vec<Line> = (0..workers)
            .map(|_| {
                let mut line = Line::new(self.address());
                let reply = line.exchange(&unanswerable).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(reply.status, 400, "{reply:?}");
                line
            })
            .collect();
        let stats = self.stats("listener.");
        let active: Vec<_> = stats
            .iter()
            .filter(|(name, _)| name.contains("worker_") && name.ends_with("downstream_cx_active"))
            .collect();
        assert!(active.len() == workers && active.iter().all(|(_, count)| **count == 1), "{active:?}");
        lines
    }

    /// Waits until Envoy has worked off what it was sent before, as far as one can tell from outside (with one worker):
    /// for assertions that something did *not* happen.
    ///
    /// # Panics
    /// If Envoy does not answer.
    #[track_caller]
    pub fn settle(&self) {
        for _ in 0..3 {
            // Refused by Envoy before any filter, then heard by the upstream's own runtime.
            assert_eq!(self.send(&Request::get("/%2f")).status, 400);
            let direct = Request::get("/settle").send(self.echo.address());
            direct.unwrap_or_else(|error| panic!("the upstream: {error}"));
        }
    }

    /// Envoy.
    #[must_use]
    pub fn envoy(&self) -> &Envoy {
        &self.envoy
    }

    /// The upstream.
    #[must_use]
    pub fn echo(&self) -> &Echo {
        &self.echo
    }

    /// The fake OPA.
    ///
    /// # Panics
    /// If the stack has none.
    #[must_use]
    #[track_caller]
    pub fn fake(&self) -> &FakeOpa {
        match &self.opa {
            Backend::Fake(fake) => fake,
            _ => panic!("this stack has no fake OPA"),
        }
    }

    /// The real OPA.
    ///
    /// # Panics
    /// If the stack has none.
    #[must_use]
    #[track_caller]
    pub fn opa(&self) -> &Opa {
        match &self.opa {
            Backend::Real(opa) => opa,
            _ => panic!("this stack has no real OPA"),
        }
    }

    /// Upstream and fake OPA forget every request so far.
    pub fn forget(&self) {
        self.echo.clear();
        if let Backend::Fake(fake) = &self.opa {
            fake.clear();
        }
    }

    /// Shows Envoy's log if the test panics while the guard lives: for a stack in a `static`, which is never dropped.
    #[must_use]
    pub fn watch(&self) -> Watch<'_> {
        Watch(&self.envoy)
    }
}

/// See [`Stack::watch`].
pub struct Watch<'a>(&'a Envoy);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0.log_tail());
        }
    }
}

/// A stack to be.
#[must_use]
pub struct Builder {
    options: Options,
    remote: Remote,
}

impl Builder {
    /// What stands behind the cluster `opa`; without this it is missing.
    pub fn remote(mut self, remote: Remote) -> Self {
        self.remote = remote;
        self
    }

    /// A fake OPA, at first doing this.
    pub fn fake(self, mode: Mode) -> Self {
        self.remote(Remote::Fake(mode))
    }

    /// Worker threads; 1 without this.
    pub fn workers(self, workers: u32) -> Self {
        self.options(|options| options.workers = workers)
    }

    /// An environment variable of the VM.
    pub fn environment(self, name: &str, value: &str) -> Self {
        self.options(|options| {
            options.environment.insert(name.to_owned(), value.to_owned());
        })
    }

    /// Connections are spread evenly over the workers; see [`Stack::line_to_each_worker`].
    pub fn balanced(self) -> Self {
        self.edit(|tree| {
            tree["static_resources"]["listeners"][0]["connection_balance_config"] = json!({"exact_balance": {}});
        })
    }

    /// Any of the options.
    pub fn options(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// A last change to the bootstrap.
    pub fn edit(self, edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        self.options(|options| options.edits.push(Arc::new(edit)))
    }

    /// Starts everything.
    ///
    /// # Panics
    /// If something does not start, with the end of its log.
    #[track_caller]
    pub fn start(self) -> Stack {
        self.try_start().unwrap_or_else(|error| panic!("the stack does not start: {error}"))
    }

    /// Starts everything. The error of an Envoy that refused its configuration says why.
    pub fn try_start(self) -> Result<Stack> {
        let echo = Echo::start()?;
        let (opa, cluster) = match self.remote {
            Remote::Missing => (Backend::None, OpaCluster::Missing),
            Remote::Empty => (Backend::None, OpaCluster::Empty),
            Remote::Dead => (Backend::None, OpaCluster::At(ports::loopback(ports::free()?))),
            Remote::Fake(mode) => fake(FakeOpa::start(mode)?),
            Remote::Files(files) => real(Opa::start(&files)?),
            Remote::Policy(rego, data) => real(Opa::with_policy(&rego, &data)?),
        };
        let envoy = Envoy::start(self.options, echo.address(), cluster)?;
        Ok(Stack { envoy, opa, echo })
    }
}

fn fake(fake: FakeOpa) -> (Backend, OpaCluster) {
    let cluster = OpaCluster::At(fake.address());
    (Backend::Fake(fake), cluster)
}

fn real(opa: Opa) -> (Backend, OpaCluster) {
    let cluster = OpaCluster::At(opa.address());
    (Backend::Real(opa), cluster)
}
