//! Envoy's admin interface.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::Value;

use crate::client::Request;
use crate::error::Context as _;
use crate::{Error, Result};

/// The admin interface of one Envoy.
#[derive(Debug, Clone, Copy)]
pub struct Admin(pub SocketAddr);

impl Admin {
    /// Whether Envoy says that it serves.
    #[must_use]
    pub fn ready(&self) -> bool {
        Request::get("/ready").send(self.0).is_ok_and(|reply| reply.status == 200)
    }

    /// One counter or gauge; 0 if it does not exist (yet).
    pub fn stat(&self, name: &str) -> Result<u64> {
        Ok(self.stats(name)?.remove(name).unwrap_or(0))
    }

    /// The counters and gauges whose names start with `prefix`.
    pub fn stats(&self, prefix: &str) -> Result<BTreeMap<String, u64>> {
        let mut all = self.stats_matching(&format!("%5E{prefix}"))?;
        // A dot of the prefix is any character to Envoy.
        all.retain(|name, _| name.starts_with(prefix));
        Ok(all)
    }

    /// The counters and gauges whose names match a regular expression (percent-encoded).
    pub fn stats_matching(&self, regex: &str) -> Result<BTreeMap<String, u64>> {
        let text = self.get(&format!("/stats?filter={regex}"))?;
        let number = |line: &str| {
            let (name, value) = line.rsplit_once(": ")?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Ok(text.lines().filter_map(number).collect())
    }

    /// The metrics as Prometheus gets them.
    pub fn prometheus(&self) -> Result<String> {
        self.get("/stats/prometheus")
    }

    /// The whole configuration as Envoy shows it.
    pub fn config_dump(&self) -> Result<Value> {
        let text = self.get("/config_dump?include_eds")?;
        serde_json::from_str(&text).map_err(|error| Error::new(format!("config_dump: {error}")))
    }

    /// Any page.
    pub fn get(&self, target: &str) -> Result<String> {
        let reply = Request::get(target).send(self.0).context("Envoy's admin interface")?;
        if reply.status != 200 {
            return Err(Error::new(format!("admin {target}: {reply:?}")));
        }
        Ok(reply.text())
    }
}
