//! HTTP/2 with prior knowledge, frame by frame.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::{LIMIT, Request, Response};
use crate::headers::{self, Headers};
use crate::runtime::{block_on, spawn, within};
use crate::{Error, Result};

/// A connection that carries any number of streams.
pub struct Http2 {
    requests: SendRequest<Bytes>,
    driver: JoinHandle<()>,
}

impl Http2 {
    /// Connects.
    pub fn open(address: SocketAddr) -> Result<Self> {
        block_on(within(LIMIT, format!("connect to {address} with HTTP/2"), async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (requests, connection) = h2::client::Builder::new()
                .max_header_list_size(1 << 20)
                .initial_window_size(1 << 20)
                .initial_connection_window_size(1 << 24)
                .handshake(stream)
                .await?;
            let driver = spawn(async move {
                // Its error reaches whoever waits on a stream.
                let _ = connection.await;
            });
            Ok(Self { requests, driver })
        }))
    }

    /// Sends the head of `request` alone; `end` if it is the whole request.
    pub fn start(&self, request: &Request, end: bool) -> Result<Http2Stream> {
        let requests = self.requests.clone();
        block_on(within(request.limit, request.name(), async {
            // The server's settings must have arrived before they can allow this.
            while request.tunnel.is_some() && !requests.is_extended_connect_protocol_enabled() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let (reply, sending) = requests.ready().await?.send_request(request.to_http()?, end)?;
            Ok(Http2Stream { sending, reply: Reply::Waiting(reply), limit: request.limit })
        }))
    }

    /// Sends `request` and returns the reply. A reply that comes before the request is out ends the sending.
    pub fn exchange(&self, request: &Request) -> Result<Response> {
        let end = request.frames.is_none() && request.trailers.is_empty();
        let mut stream = self.start(request, end)?;
        block_on(within(request.limit, request.name(), async {
            let sending = &mut stream.sending;
            let reply = &mut stream.reply;
            let send = async {
                if !end {
                    // If this fails, the reply tells why.
                    let _ = send_rest(sending, request).await;
                }
                std::future::pending::<()>().await;
            };
            tokio::select! {
                response = reply.whole() => response,
                () = send => unreachable!("it is pending"),
            }
        }))
    }

    /// Breaks the connection.
    pub fn abort(self) {
        self.driver.abort();
    }
}

async fn send_rest(sending: &mut SendStream<Bytes>, request: &Request) -> Result<()> {
    let frames = request.frames.as_deref().unwrap_or_default();
    for (index, frame) in frames.iter().enumerate() {
        let last = index + 1 == frames.len() && request.trailers.is_empty();
        send_data(sending, Bytes::copy_from_slice(frame), last).await?;
    }
    if !request.trailers.is_empty() {
        sending.send_trailers(headers::to_map(&request.trailers)?)?;
    } else if frames.is_empty() {
        send_data(sending, Bytes::new(), true).await?;
    }
    Ok(())
}

/// One request and its reply, step by step.
pub struct Http2Stream {
    sending: SendStream<Bytes>,
    reply: Reply,
    limit: Duration,
}

impl Http2Stream {
    /// Sends a DATA frame.
    pub fn data(&mut self, data: impl AsRef<[u8]>, end: bool) -> Result<()> {
        let data = Bytes::copy_from_slice(data.as_ref());
        block_on(within(self.limit, "send data", send_data(&mut self.sending, data, end)))
    }

    /// Sends trailers, which end the request.
    pub fn trailers(&mut self, trailers: &Headers) -> Result<()> {
        Ok(self.sending.send_trailers(headers::to_map(trailers)?)?)
    }

    /// Resets the stream (CANCEL).
    pub fn reset(mut self) {
        self.sending.send_reset(Reason::CANCEL);
    }

    /// The head of the reply; its body stays to be read.
    pub fn head(&mut self) -> Result<Response> {
        block_on(within(self.limit, "the head of the reply", self.reply.head()))
    }

    /// The next piece of the reply's body; `None` at its end.
    pub fn piece(&mut self) -> Result<Option<Bytes>> {
        block_on(within(self.limit, "the body of the reply", async {
            self.reply.head().await?;
            self.reply.piece().await
        }))
    }

    /// The whole reply.
    pub fn response(&mut self) -> Result<Response> {
        block_on(within(self.limit, "the reply", self.reply.whole()))
    }
}

/// A reply: first waited for, then read.
enum Reply {
    Waiting(ResponseFuture),
    Reading(Response, RecvStream),
}

impl Reply {
    async fn head(&mut self) -> Result<Response> {
        if let Self::Waiting(future) = self {
            let (head, body) = future.await?.into_parts();
            let response = Response {
                status: head.status.as_u16(),
                headers: headers::from_map(&head.headers),
                ..Response::default()
            };
            *self = Self::Reading(response, body);
        }
        match self {
            Self::Reading(response, _) => Ok(response.clone()),
            Self::Waiting(_) => Err(Error::new("no reply")),
        }
    }

    async fn piece(&mut self) -> Result<Option<Bytes>> {
        let Self::Reading(_, body) = self else {
            return Err(Error::new("no reply"));
        };
        let Some(piece) = body.data().await.transpose()? else {
            return Ok(None);
        };
        body.flow_control().release_capacity(piece.len())?;
        Ok(Some(piece))
    }

    async fn whole(&mut self) -> Result<Response> {
        let mut response = self.head().await?;
        loop {
            match self.piece().await {
                Ok(Some(piece)) => response.body.extend_from_slice(&piece),
                Ok(None) => break,
                Err(error) => {
                    let so_far = format!("after status {} and {} bytes", response.status, response.body.len());
                    return Err(error.context(so_far));
                }
            }
        }
        if let Self::Reading(_, body) = self {
            let trailers = body.trailers().await?.unwrap_or_default();
            response.trailers = headers::from_map(&trailers);
        }
        Ok(response)
    }
}

/// Sends `data` as fast as the peer's window allows.
pub(crate) async fn send_data(stream: &mut SendStream<Bytes>, mut data: Bytes, end: bool) -> Result<()> {
    if data.is_empty() {
        return Ok(stream.send_data(data, end)?);
    }
    while !data.is_empty() {
        stream.reserve_capacity(data.len());
        let capacity = match poll_fn(|context| stream.poll_capacity(context)).await {
            Some(capacity) => capacity?,
            None => return Err(Error::new("the peer closed the stream")),
        };
        let piece = data.split_to(capacity.min(data.len()));
        stream.send_data(piece, end && data.is_empty())?;
    }
    Ok(())
}
