//! A loopback listener that gives each connection a task of its own.

use std::future::Future;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::error::Context as _;
use crate::{Result, ports, runtime};

/// A running listener. Dropping it closes the listener and every connection.
pub struct Server {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Listens on loopback `port` and hands every connection to `serve`.
    pub fn start<F, Fut>(port: u16, serve: F) -> Result<Self>
    where
        F: Fn(TcpStream) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let address = ports::loopback(port);
        let listener = runtime::block_on(TcpListener::bind(address)).context(format!("listen on {address}"))?;
        let accepting = runtime::spawn(async move {
            // Owned by this task, so that its end is the end of the connections too.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                connections.spawn(serve(stream));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the listener and every connection; returns when they are closed.
    pub fn stop(self) {
        self.accepting.abort();
        let accepting = &self.accepting;
        let _ =
            crate::wait::until(std::time::Duration::from_secs(5), "closed", || accepting.is_finished().then_some(()));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
