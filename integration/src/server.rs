//! A loopback listener that gives each connection a task of its own.

use std::future::Future;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::error::Context as _;
use crate::{Result, ports, runtime, wait};

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
        let listener = bind(address)?;
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
        let _ = wait::until(Duration::from_secs(5), "closed", || accepting.is_finished().then_some(()));
    }
}

/// A child that another thread is starting holds a copy of every socket for a moment, the one with which this port was
/// found free among them: an address in use is asked for again.
fn bind(address: SocketAddr) -> Result<TcpListener> {
    let listener = wait::until(Duration::from_secs(5), "the port is free", || {
        match runtime::block_on(TcpListener::bind(address)) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => None,
            bound => Some(bound),
        }
    });
    listener?.context(format!("listen on {address}"))
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
