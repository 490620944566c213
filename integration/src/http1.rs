//! Just enough HTTP/1.1 for both ends of a test: it keeps what a library would tidy up (order, case, raw bytes).

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::headers::{self, Headers};
use crate::{Error, Result};

/// A start line and its headers.
#[derive(Debug)]
pub struct Head {
    /// The start line; bytes above 0x7f as Latin-1, so nothing is lost.
    pub start: String,
    /// The headers as received.
    pub headers: Headers,
}

impl Head {
    /// The words of the start line.
    #[must_use]
    pub fn words(&self) -> [&str; 3] {
        let mut words = self.start.splitn(3, ' ');
        [(); 3].map(|()| words.next().unwrap_or_default())
    }
}

/// How the body of a message ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// After this many more bytes.
    Length(u64),
    /// With the chunk of length 0.
    Chunked,
    /// With the connection.
    UntilClose,
}

impl Framing {
    /// The framing of a message that may have a body; `absent` if its headers name none.
    pub fn of(headers: &Headers, absent: Self) -> Result<Self> {
        if headers::has_token(headers, "transfer-encoding", "chunked") {
            return Ok(Self::Chunked);
        }
        match headers::first(headers, "content-length") {
            Some(value) => headers::text(value)
                .trim()
                .parse()
                .map(Self::Length)
                .map_err(|_| Error::new(format!("bad content-length {:?}", headers::text(value)))),
            None => Ok(absent),
        }
    }
}

/// Reads messages from a connection.
pub struct Reader<R> {
    io: R,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// A reader of `io`.
    pub fn new(io: R) -> Self {
        Self { io, buffer: BytesMut::new() }
    }

    /// The next head; `None` if the peer closed the connection between two messages.
    pub async fn head(&mut self) -> Result<Option<Head>> {
        if self.buffer.is_empty() && !self.fill().await? {
            return Ok(None);
        }
        let start = latin1(&self.line().await?);
        let headers = self.header_lines().await?;
        Ok(Some(Head { start, headers }))
    }

    /// The next piece of the body; `None` at its end. `framing` keeps the place.
    pub async fn piece(&mut self, framing: &mut Framing) -> Result<Option<Bytes>> {
        match *framing {
            Framing::Length(0) => Ok(None),
            Framing::Length(left) => {
                let piece = self.some(left).await?;
                *framing = Framing::Length(left - piece.len() as u64);
                Ok(Some(piece))
            }
            Framing::Chunked => self.chunk().await,
            Framing::UntilClose => {
                if self.buffer.is_empty() && !self.fill().await? {
                    return Ok(None);
                }
                Ok(Some(self.buffer.split().freeze()))
            }
        }
    }

    /// The whole rest of the body.
    pub async fn body(&mut self, mut framing: Framing) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(&mut framing).await? {
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// The trailers behind the last chunk of a chunked body.
    pub async fn trailers(&mut self) -> Result<Headers> {
        self.header_lines().await
    }

    /// Whatever bytes come next (a tunnel); `None` when the peer has closed.
    pub async fn raw(&mut self) -> Result<Option<Bytes>> {
        if self.buffer.is_empty() && !self.fill().await? {
            return Ok(None);
        }
        Ok(Some(self.buffer.split().freeze()))
    }

    async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let line = latin1(&self.line().await?);
        let digits = line.split(';').next().unwrap_or_default().trim();
        let length = usize::from_str_radix(digits, 16).map_err(|_| Error::new(format!("bad chunk length {line:?}")))?;
        if length == 0 {
            return Ok(None);
        }
        while self.buffer.len() < length + 2 {
            self.more("in a chunk").await?;
        }
        let chunk = self.buffer.split_to(length).freeze();
        let _line_end = self.buffer.split_to(2);
        Ok(Some(chunk))
    }

    async fn some(&mut self, limit: u64) -> Result<Bytes> {
        if self.buffer.is_empty() {
            self.more("in a body").await?;
        }
        let length = self.buffer.len().min(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(self.buffer.split_to(length).freeze())
    }

    async fn header_lines(&mut self) -> Result<Headers> {
        let mut list = Headers::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok(list);
            }
            let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                return Err(Error::new(format!("not a header: {:?}", latin1(&line))));
            };
            let value = line[colon + 1..].trim_ascii().to_vec();
            list.push((latin1(&line[..colon]), value));
        }
    }

    async fn line(&mut self) -> Result<Bytes> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.buffer[searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(searched + at + 1).freeze();
                let end = line.len() - 1 - usize::from(line.ends_with(b"\r\n"));
                return Ok(line.slice(..end));
            }
            searched = self.buffer.len();
            self.more("in a head").await?;
        }
    }

    async fn more(&mut self, place: &str) -> Result<()> {
        if self.fill().await? {
            return Ok(());
        }
        Err(Error::new(format!("the peer closed the connection {place}")))
    }

    async fn fill(&mut self) -> Result<bool> {
        self.buffer.reserve(16 * 1024);
        Ok(self.io.read_buf(&mut self.buffer).await? > 0)
    }
}

/// A head as bytes: `start`, the headers, the empty line.
#[must_use]
pub fn head_bytes(start: &str, headers: &Headers) -> Vec<u8> {
    let mut out = from_latin1(start);
    for (name, value) in headers {
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
    }
    out.extend_from_slice(b"\r\n\r\n");
    out
}

/// One chunk of a chunked body. An empty one would end the body, so it becomes nothing.
#[must_use]
pub fn chunk_bytes(data: &[u8]) -> Vec<u8> {
    if data.is_empty() {
        return Vec::new();
    }
    let mut out = format!("{:x}\r\n", data.len()).into_bytes();
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
    out
}

/// The end of a chunked body, with trailers.
#[must_use]
pub fn last_chunk_bytes(trailers: &Headers) -> Vec<u8> {
    if trailers.is_empty() {
        return b"0\r\n\r\n".to_vec();
    }
    head_bytes("0", trailers)
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn from_latin1(text: &str) -> Vec<u8> {
    text.chars().map(|char| u8::try_from(char).unwrap_or(b'?')).collect()
}
