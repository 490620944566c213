//! The echo over HTTP/2.

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::Request;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Entry, Log, Steering};
use crate::headers::{self, Headers};
use crate::received::Received;
use crate::{Result, client};

pub(super) async fn serve(stream: TcpStream, log: Log) -> Result<()> {
    let mut connection = h2::server::Builder::new()
        .enable_connect_protocol()
        .max_header_list_size(1 << 20)
        .handshake::<_, Bytes>(stream)
        .await?;
    let mut streams = JoinSet::new();
    while let Some(next) = connection.accept().await {
        let (request, respond) = next?;
        let entry = log.open(record(&request));
        streams.spawn(answer(request, respond, entry));
    }
    Ok(())
}

fn record(request: &Request<RecvStream>) -> Received {
    let uri = request.uri();
    Received {
        id: 0,
        method: request.method().to_string(),
        path: uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        authority: uri.authority().map(ToString::to_string).unwrap_or_default(),
        version: "HTTP/2".to_owned(),
        headers: headers::from_map(request.headers()),
        body: Vec::new(),
        trailers: Headers::new(),
        complete: false,
    }
}

async fn answer(request: Request<RecvStream>, mut respond: SendResponse<Bytes>, entry: Entry) -> Result<()> {
    let (head, mut body) = request.into_parts();
    let steering = Steering::of(&headers::from_map(&head.headers));
    if head.method == http::Method::CONNECT {
        return tunnel(&steering, body, respond, &entry).await;
    }
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        entry.body(&piece);
    }
    let trailers = body.trailers().await?.unwrap_or_default();
    entry.complete(headers::from_map(&trailers));
    tokio::time::sleep(steering.delay).await;
    if steering.close {
        respond.send_reset(h2::Reason::INTERNAL_ERROR);
        return Ok(());
    }
    let json = if head.method == http::Method::HEAD { Vec::new() } else { entry.json() };
    let mut response =
        http::Response::builder().status(steering.status).header("content-type", "application/json").body(())?;
    response.headers_mut().extend(headers::to_map(&steering.headers)?);
    let mut sending = respond.send_response(response, false)?;
    client::http2::send_data(&mut sending, json.into(), steering.trailers.is_empty()).await?;
    if !steering.trailers.is_empty() {
        sending.send_trailers(headers::to_map(&steering.trailers)?)?;
    }
    Ok(())
}

async fn tunnel(
    steering: &Steering,
    mut body: RecvStream,
    mut respond: SendResponse<Bytes>,
    entry: &Entry,
) -> Result<()> {
    let mut response = http::Response::builder().status(200).body(())?;
    response.headers_mut().extend(headers::to_map(&steering.headers)?);
    let mut sending = respond.send_response(response, false)?;
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        entry.body(&piece);
        client::http2::send_data(&mut sending, piece, false).await?;
    }
    entry.complete(Headers::new());
    client::http2::send_data(&mut sending, Bytes::new(), true).await
}
