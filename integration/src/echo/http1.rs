//! The echo over HTTP/1.1.

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

use super::{Entry, Log, Steering};
use crate::Result;
use crate::headers::{self, Headers};
use crate::http1::{Framing, Head, Reader, chunk_bytes, head_bytes, last_chunk_bytes};
use crate::received::Received;

pub(super) async fn serve(stream: TcpStream, log: Log) -> Result<()> {
    let (read, mut write) = stream.into_split();
    let mut reader = Reader::new(read);
    while let Some(head) = reader.head().await? {
        let entry = log.open(record(&head));
        let [method, ..] = head.words();
        let upgrade = headers::first(&head.headers, "upgrade").is_some();
        let ignored = headers::first(&head.headers, "x-upstream-no-upgrade").is_some();
        if method == "CONNECT" || (upgrade && !ignored) {
            return tunnel(&head, &mut reader, &mut write, &entry).await;
        }
        let steering = Steering::of(&head.headers);
        receive_body(&head, &mut reader, &mut write, &entry).await?;
        tokio::time::sleep(steering.delay).await;
        if steering.close {
            return Ok(());
        }
        if let Some(status) = steering.interim {
            write.write_all(&head_bytes(&format!("HTTP/1.1 {status} Interim"), &Headers::new())).await?;
        }
        write.write_all(&answer(method, &steering, &entry.json())).await?;
        if headers::has_token(&head.headers, "connection", "close") {
            return Ok(());
        }
    }
    Ok(())
}

fn record(head: &Head) -> Received {
    let [method, path, version] = head.words();
    Received {
        id: 0,
        method: method.to_owned(),
        path: path.to_owned(),
        authority: headers::first(&head.headers, "host").map(headers::text).unwrap_or_default(),
        version: version.to_owned(),
        headers: head.headers.clone(),
        body: Vec::new(),
        trailers: Headers::new(),
        complete: false,
    }
}

async fn receive_body(
    head: &Head,
    reader: &mut Reader<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
    entry: &Entry,
) -> Result<()> {
    if headers::has_token(&head.headers, "expect", "100-continue") {
        write.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let mut framing = Framing::of(&head.headers, Framing::Length(0))?;
    while let Some(piece) = reader.piece(&mut framing).await? {
        entry.body(&piece);
    }
    let trailers = match framing {
        Framing::Chunked => reader.trailers().await?,
        _ => Headers::new(),
    };
    entry.complete(trailers);
    Ok(())
}

fn answer(method: &str, steering: &Steering, json: &[u8]) -> Vec<u8> {
    let mut list: Headers = vec![("content-type".into(), b"application/json".to_vec())];
    let chunked = !steering.trailers.is_empty();
    list.push(if chunked {
        ("transfer-encoding".into(), b"chunked".to_vec())
    } else {
        ("content-length".into(), json.len().to_string().into_bytes())
    });
    list.extend(steering.headers.iter().cloned());
    let mut out = head_bytes(&format!("HTTP/1.1 {} Echo", steering.status), &list);
    if method == "HEAD" {
        return out;
    }
    if chunked {
        out.extend(chunk_bytes(json));
        out.extend(last_chunk_bytes(&steering.trailers));
    } else {
        out.extend_from_slice(json);
    }
    out
}

/// Answers the upgrade or the CONNECT, then gives back every byte.
async fn tunnel(
    head: &Head,
    reader: &mut Reader<OwnedReadHalf>,
    write: &mut OwnedWriteHalf,
    entry: &Entry,
) -> Result<()> {
    let mut list = Steering::of(&head.headers).headers;
    let start = match headers::first(&head.headers, "upgrade") {
        Some(protocol) => {
            list.push(("connection".into(), b"upgrade".to_vec()));
            list.push(("upgrade".into(), protocol.to_vec()));
            "HTTP/1.1 101 Switching Protocols"
        }
        None => "HTTP/1.1 200 Connected",
    };
    write.write_all(&head_bytes(start, &list)).await?;
    while let Some(bytes) = reader.raw().await? {
        entry.body(&bytes);
        write.write_all(&bytes).await?;
    }
    entry.complete(Headers::new());
    Ok(())
}
