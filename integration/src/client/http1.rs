//! HTTP/1.1, byte by byte.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::{LIMIT, Request, Response};
use crate::error::Context as _;
use crate::headers;
use crate::http1::{Framing, Reader};
use crate::runtime::{block_on, within};
use crate::{Error, Result};

/// A connection to write any bytes to.
pub struct Connection {
    reader: Reader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    limit: Duration,
    reusable: bool,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream =
            block_on(within(LIMIT, format!("connect to {address}"), async { Ok(TcpStream::connect(address).await?) }))?;
        stream.set_nodelay(true)?;
        let (read, writer) = stream.into_split();
        Ok(Self { reader: Reader::new(read), writer, limit: LIMIT, reusable: true })
    }

    /// How long each call may take from now on.
    pub fn set_limit(&mut self, limit: Duration) {
        self.limit = limit;
    }

    /// Writes these bytes.
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        let bytes = bytes.as_ref();
        let writer = &mut self.writer;
        let what = format!("write {} bytes", bytes.len());
        block_on(within(self.limit, what, async { Ok(writer.write_all(bytes).await?) }))
    }

    /// Reads a reply to a request with `method` (which tells whether there is a body).
    pub fn response(&mut self, method: &str) -> Result<Response> {
        let (response, keep) =
            block_on(within(self.limit, format!("the reply to a {method}"), read_response(&mut self.reader, method)))?;
        self.reusable &= keep;
        Ok(response)
    }

    /// Sends `request` and reads the reply. A reply that comes before the request is out ends the sending.
    pub fn exchange(&mut self, request: &Request) -> Result<Response> {
        let bytes = request.to_bytes();
        let (reader, writer) = (&mut self.reader, &mut self.writer);
        let mut sent = false;
        let talk = async {
            let reply = read_response(reader, &request.method);
            tokio::pin!(reply);
            tokio::select! {
                biased;
                written = writer.write_all(&bytes) => match written {
                    Ok(()) => sent = true,
                    // The peer closed; if it answered before, that is the reply.
                    Err(error) => return reply.await.context(format!("writing failed: {error}")),
                },
                early = &mut reply => return early,
            }
            reply.await
        };
        let result = block_on(within(request.limit, request.name(), talk));
        let (response, keep) = result?;
        self.reusable &= keep && sent;
        Ok(response)
    }

    /// Whether another request may follow on this connection.
    #[must_use]
    pub fn reusable(&self) -> bool {
        self.reusable
    }

    /// The next bytes of a tunnel, whatever they are; `None` when the peer has closed.
    pub fn raw(&mut self) -> Result<Option<Bytes>> {
        block_on(within(self.limit, "bytes from the peer", self.reader.raw()))
    }

    /// Reads exactly `count` bytes of a tunnel.
    pub fn raw_exact(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut all = Vec::new();
        while all.len() < count {
            match self.raw()? {
                Some(bytes) => all.extend_from_slice(&bytes),
                None => {
                    return Err(Error::new(format!("closed after {} of {count} bytes", all.len())));
                }
            }
        }
        Ok(all)
    }

    /// Waits until the peer has closed or reset the connection; what it still sent is dropped.
    pub fn wait_closed(&mut self) -> Result<()> {
        let reader = &mut self.reader;
        block_on(within(self.limit, "the peer closes", async {
            while let Ok(Some(_)) = reader.raw().await {}
            Ok(())
        }))
    }

    /// Says that nothing more will be written (FIN), and stays to read.
    pub fn finish(&mut self) -> Result<()> {
        let writer = &mut self.writer;
        block_on(within(self.limit, "shut down writing", async { Ok(writer.shutdown().await?) }))
    }

    /// Breaks the connection (RST).
    pub fn abort(self) -> Result<()> {
        self.writer.as_ref().set_zero_linger()?;
        drop(self);
        Ok(())
    }
}

async fn read_response(reader: &mut Reader<OwnedReadHalf>, method: &str) -> Result<(Response, bool)> {
    let mut response = Response::default();
    loop {
        let Some(head) = reader.head().await? else {
            return Err(Error::new("the peer closed the connection without a reply"));
        };
        let [_, status, _] = head.words();
        let status: u16 = status.parse().map_err(|_| Error::new(format!("not a status line: {:?}", head.start)))?;
        if status / 100 == 1 && status != 101 {
            response.informational.push(status);
            continue;
        }
        response.status = status;
        response.headers = head.headers;
        break;
    }
    let tunnel = response.status == 101 || (method == "CONNECT" && response.status / 100 == 2);
    if tunnel {
        return Ok((response, false));
    }
    let mut keep = !headers::has_token(&response.headers, "connection", "close");
    if method == "HEAD" || matches!(response.status, 204 | 304) {
        return Ok((response, keep));
    }
    let framing = Framing::of(&response.headers, Framing::UntilClose)?;
    keep &= framing != Framing::UntilClose;
    response.body = reader.body(framing).await?;
    if framing == Framing::Chunked {
        response.trailers = reader.trailers().await?;
    }
    Ok((response, keep))
}
