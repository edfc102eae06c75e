//! Requests as no well-behaved client sends them: paths that nobody puts in order on the way.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::daemon::Daemon;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Status and body.
pub(super) type Said = (u16, String);

fn address(daemon: &Daemon) -> &str {
    daemon.url.strip_prefix("http://").unwrap()
}

/// Sends these bytes and reads until the daemon closes.
pub(super) async fn raw(daemon: &Daemon, request: &str) -> Said {
    let mut stream = TcpStream::connect(address(daemon)).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "no end of the answer to {request:?}");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.get(9..12).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status.unwrap_or(0), body.to_owned())
}

/// One request over HTTP/1.1, its target as it is given.
pub(super) async fn http1(
    daemon: &Daemon,
    method: &str,
    target: &str,
    bearer: Option<&str>,
) -> Said {
    let authorization = bearer.map_or_else(String::new, |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {}\r\n{authorization}Content-Length: 0\r\nConnection: close\r\n\r\n",
        address(daemon)
    );
    raw(daemon, &request).await
}

/// A connection that speaks HTTP/2.
pub(super) struct Http2 {
    sender: http2::SendRequest<Full<Bytes>>,
    authority: String,
}

impl Http2 {
    pub(super) async fn connect(daemon: &Daemon) -> Self {
        let stream = TcpStream::connect(address(daemon)).await.unwrap();
        let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        Self {
            sender,
            authority: address(daemon).to_owned(),
        }
    }

    /// One request; `None` for a path that HTTP/2's client cannot carry.
    pub(super) async fn send(
        &mut self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
    ) -> Option<Said> {
        let uri = http::Uri::builder()
            .scheme("http")
            .authority(self.authority.as_str())
            .path_and_query(path)
            .build()
            .ok()?;
        let mut request = http::Request::builder().method(method).uri(uri);
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::default()).ok()?;
        self.sender.ready().await.unwrap();
        let response = timeout(PATIENCE, self.sender.send_request(request)).await;
        let response = response.expect("an answer").unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    }
}
