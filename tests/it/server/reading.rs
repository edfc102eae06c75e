//! Clients that ask and do not read, and what two lengths of one body come to.

use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{sleep, timeout};

use super::{GET, LARGE, PATIENCE, Running, ServerOptions, connect, options, say, start};

/// Whether a newcomer is served, now or once whoever holds the only connection is cut.
async fn serves_another(running: &Running) -> bool {
    let mut stream = connect(running).await;
    stream.write_all(GET.as_bytes()).await.unwrap();
    let mut answer = [0; 64];
    let read = timeout(20 * PATIENCE, stream.read(&mut answer)).await;
    matches!(read, Ok(Ok(count)) if answer[..count].starts_with(b"HTTP/1.1 200"))
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_cut() {
    let running = start(ServerOptions {
        max_connections: 1,
        ..options()
    })
    .await;
    let asks = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
    let many = "GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100_000);
    for request in [asks, &many] {
        let mut greedy = connect(&running).await;
        // What is not taken any more is not waited for.
        let _ = timeout(PATIENCE, greedy.write_all(request.as_bytes())).await;
        assert!(serves_another(&running).await, "{}", &request[..12]);
        drop(greedy);
    }
}

#[tokio::test]
async fn a_client_of_http_2_that_opens_no_window_or_asks_no_more_is_cut() {
    let running = start(ServerOptions {
        max_connections: 1,
        ..options()
    })
    .await;
    for path in ["/large", "/"] {
        let stream = hyper_util::rt::TokioIo::new(connect(&running).await);
        let (mut sender, connection) =
            hyper::client::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new())
                .initial_stream_window_size(1_000)
                .handshake(stream)
                .await
                .unwrap();
        // It answers every ping.
        tokio::spawn(connection);
        let request = http::Request::get(format!("http://{}{path}", running.address))
            .body(String::new())
            .unwrap();
        let unread = sender.send_request(request).await.unwrap();
        assert_eq!(unread.status(), 200);
        assert!(serves_another(&running).await, "{path}");
        drop(unread);
    }
}

#[tokio::test]
async fn a_client_that_reads_slowly_gets_its_whole_answer() {
    let running = start(options()).await;
    let mut slow = connect(&running).await;
    slow.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let (began, mut count, mut part) = (Instant::now(), 0, vec![0; 4 * 1024 * 1024]);
    loop {
        let mut filled = 0;
        while filled < part.len() {
            match slow.read(&mut part[filled..]).await.unwrap() {
                0 => break,
                some => filled += some,
            }
        }
        if filled == 0 {
            break;
        }
        count += filled;
        sleep(PATIENCE / 2).await;
    }
    assert!(count > LARGE, "{count}");
    assert!(
        began.elapsed() > 3 * PATIENCE,
        "as long as nobody who reads nothing is borne"
    );
}

#[tokio::test]
async fn where_two_lengths_are_given_the_chunks_count_and_the_connection_ends() {
    let running = start(options()).await;
    let both = "POST /len HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
                5\r\nabcde\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = say(&running, both).await;
    assert!(
        answer.starts_with("HTTP/1.1 200") || answer.starts_with("HTTP/1.1 400"),
        "{answer}"
    );
    // RFC 9112 section 6.1: what follows may be somebody's smuggled request.
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
}
