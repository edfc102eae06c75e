//! The accept loop against clients that are slow, many, rude or gone.

mod reading;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use rosterd::http::server::{Server, ServerOptions};
use rosterd::http::tls::TlsReload;
use rosterd::model::pulse::Pulses;
use rosterd::model::stop::{Stop, StopSwitch, stop_channel};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(1);

/// More than the kernel takes over for a client that does not read.
const LARGE: usize = 32 * 1024 * 1024;

struct Running {
    address: SocketAddr,
    stop: StopSwitch,
    served: JoinHandle<()>,
}

fn options() -> ServerOptions {
    ServerOptions {
        max_connections: 100,
        header_timeout: PATIENCE,
        idle_timeout: 3 * PATIENCE,
        silence: 2 * PATIENCE,
        tls: None,
    }
}

async fn start(options: ServerOptions) -> Running {
    let router = Router::new()
        .route(
            "/",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }),
        )
        .route(
            "/slow",
            get(|| async {
                sleep(Duration::from_millis(1500)).await;
                "slow"
            }),
        )
        .route(
            "/stuck",
            get(|| async { sleep(Duration::from_secs(600)).await }),
        )
        .route("/large", get(|| async { vec![b'x'; LARGE] }))
        .route(
            "/len",
            post(|body: String| async move { body.len().to_string() }),
        );
    let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0)), options)
        .await
        .unwrap();
    let address = server.local_addr().unwrap();
    let (stop, listener) = stop_channel();
    let pulse = Pulses::default().add("http", Duration::from_secs(10));
    let served = tokio::spawn(server.serve(router, listener, pulse));
    Running {
        address,
        stop,
        served,
    }
}

async fn connect(running: &Running) -> TcpStream {
    TcpStream::connect(running.address).await.unwrap()
}

/// Sends `text` and reads until the server closes.
async fn say(running: &Running, text: &str) -> String {
    let mut stream = connect(running).await;
    stream.write_all(text.as_bytes()).await.unwrap();
    read_all(&mut stream).await
}

async fn read_all(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is a way to close, too.
    let read = timeout(Duration::from_secs(8), stream.read_to_end(&mut answer)).await;
    assert!(
        read.is_ok(),
        "the server never closed; so far: {}",
        String::from_utf8_lossy(&answer)
    );
    String::from_utf8_lossy(&answer).into_owned()
}

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_client_that_never_finishes_is_cut_within_the_timeout() {
    let running = start(options()).await;
    for begun in [
        "",
        "P",
        "PRI",
        "GET / HT",
        "GET / HTTP/1.1\r\nHost: x\r\nX-A: ",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let began = Instant::now();
        let answer = say(&running, begun).await;
        assert!(
            began.elapsed() < 3 * PATIENCE,
            "{begun:?} lived for {:?}: {answer}",
            began.elapsed()
        );
        assert!(
            began.elapsed() > PATIENCE / 2,
            "{begun:?} was cut at once: {answer}"
        );
    }
}

#[tokio::test]
async fn a_client_that_drips_its_headers_is_cut_all_the_same() {
    let running = start(options()).await;
    let mut stream = connect(&running).await;
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let began = Instant::now();
    while began.elapsed() < 4 * PATIENCE {
        if stream.write_all(b"X-A: b\r\n").await.is_err() {
            break;
        }
        sleep(Duration::from_millis(200)).await;
    }
    assert!(
        began.elapsed() < 3 * PATIENCE,
        "still there after {:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn an_idle_connection_has_a_limit_of_its_own_and_half_a_request_has_not() {
    let running = start(options()).await;
    let mut stream = connect(&running).await;
    for _ in 0..2 {
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let mut answer = [0; 512];
        let count = stream.read(&mut answer).await.unwrap();
        assert!(answer[..count].starts_with(b"HTTP/1.1 200"));
        // Longer than headers may take, shorter than a connection may be idle.
        sleep(2 * PATIENCE).await;
    }
    let mut begun = connect(&running).await;
    begun
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    sleep(2 * PATIENCE).await;
    let began = Instant::now();
    begun.write_all(b"GET / HT").await.unwrap();
    assert!(read_all(&mut begun).await.starts_with("HTTP/1.1 200"));
    assert!(
        began.elapsed() < 2 * PATIENCE,
        "half a request after an idle while lived for {:?}",
        began.elapsed()
    );
    assert_eq!(read_all(&mut stream).await, "", "idle for too long");
}

#[tokio::test]
async fn connections_over_the_cap_wait_for_their_turn() {
    let running = start(ServerOptions {
        max_connections: 2,
        ..options()
    })
    .await;
    let first = connect(&running).await;
    let second = connect(&running).await;
    sleep(Duration::from_millis(100)).await;
    let mut third = connect(&running).await;
    third.write_all(GET.as_bytes()).await.unwrap();
    let mut answer = [0; 64];
    let early = timeout(Duration::from_millis(300), third.read(&mut answer)).await;
    assert!(early.is_err(), "the third was served while two were open");
    drop(first);
    let count = timeout(Duration::from_secs(2), third.read(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert!(answer[..count].starts_with(b"HTTP/1.1 200"));
    drop(second);
}

#[tokio::test]
async fn rude_requests_get_the_right_answer_and_the_next_client_too() {
    let running = start(options()).await;
    let long = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nX-A: {}\r\n\r\n",
        "a".repeat(200_000)
    );
    let many = format!(
        "GET / HTTP/1.1\r\nHost: x\r\n{}\r\n",
        "X-A: b\r\n".repeat(2000)
    );
    let post = |headers: &str| {
        format!("POST /len HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n\r\nabc")
    };
    for (request, status) in [
        (long.as_str(), "431"),
        (many.as_str(), "431"),
        ("nonsense\r\n\r\n", "400"),
        (&post("Content-Length: 3\r\nContent-Length: 4"), "400"),
        (&post("Content-Length: +3"), "400"),
        (&post("Transfer-Encoding: xchunked"), "400"),
        (&post("Content-Length : 3"), "400"),
        (&post("Content-Length: 3"), "200"),
        (GET, "200"),
    ] {
        let answer = say(&running, request).await;
        let head: String = request.chars().take(60).collect();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{head:?} got {answer}"
        );
    }
}

#[tokio::test]
async fn a_stop_lets_an_answer_finish_and_takes_no_more() {
    let running = start(options()).await;
    let mut idle = connect(&running).await;
    let mut busy = connect(&running).await;
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    running.stop.raise(Stop::Soft);
    sleep(Duration::from_millis(100)).await;
    assert!(
        TcpStream::connect(running.address).await.is_err(),
        "still accepting"
    );
    assert!(read_all(&mut busy).await.ends_with("slow"));
    assert_eq!(read_all(&mut idle).await, "");
    timeout(Duration::from_secs(1), running.served)
        .await
        .unwrap()
        .unwrap();
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_hard_stop_drops_what_is_left() {
    let running = start(options()).await;
    let mut stuck = connect(&running).await;
    stuck
        .write_all(b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    sleep(Duration::from_millis(100)).await;
    running.stop.raise(Stop::Soft);
    sleep(Duration::from_millis(300)).await;
    assert!(
        !running.served.is_finished(),
        "the answer was not waited for"
    );
    running.stop.raise(Stop::Hard);
    timeout(Duration::from_secs(1), running.served)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(read_all(&mut stuck).await, "");
}

#[tokio::test]
async fn http_2_is_spoken_to_whoever_begins_with_it() {
    let running = start(options()).await;
    let (mut sender, connection) = {
        let stream = hyper_util::rt::TokioIo::new(connect(&running).await);
        hyper::client::conn::http2::handshake(hyper_util::rt::TokioExecutor::new(), stream)
            .await
            .unwrap()
    };
    tokio::spawn(connection);
    let request = http::Request::get(format!("http://{}/", running.address))
        .body(String::new())
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.version()),
        (200, http::Version::HTTP_2)
    );
}

/// Writes a new self-signed certificate for localhost and returns it.
fn certify(folder: &Path) -> CertificateDer<'static> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    made.cert.der().clone()
}

/// Whether a client that trusts only `root` can ask, by each protocol.
async fn asks_by_tls(running: &Running, root: &CertificateDer<'static>, protocol: &[u8]) -> bool {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(root.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![protocol.to_vec()];
    let connector = tokio_rustls::TlsConnector::from(Arc::new(client));
    let name = ServerName::try_from("localhost").unwrap();
    let Ok(mut stream) = connector.connect(name, connect(running).await).await else {
        return false;
    };
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
    if protocol == b"h2" {
        let io = hyper_util::rt::TokioIo::new(stream);
        let executor = hyper_util::rt::TokioExecutor::new();
        let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
            .await
            .unwrap();
        tokio::spawn(connection);
        let request = http::Request::get("https://localhost/")
            .body(String::new())
            .unwrap();
        return sender.send_request(request).await.unwrap().status() == 200;
    }
    stream.write_all(GET.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    answer.ends_with("127.0.0.1")
}

/// A POST nobody takes here: it is refused by its head alone.
fn unwanted(length: usize, more: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{more}\r\n"
    )
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let running = start(options()).await;
    // More than the sockets hold: were the connection closed at once, the write would break and the answer be lost.
    let body = vec![b'x'; 20 * 1024 * 1024];
    let mut stream = connect(&running).await;
    stream
        .write_all(unwanted(body.len(), "").as_bytes())
        .await
        .unwrap();
    stream.write_all(&body).await.unwrap();
    let answer = read_all(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
}

#[tokio::test]
async fn a_refusal_waits_for_no_body_that_will_not_come() {
    let running = start(options()).await;
    for (length, more) in [
        (1_000_000, "Expect: 100-continue\r\n"),
        (1_000_000_000_000, ""),
    ] {
        let began = Instant::now();
        let answer = say(&running, &unwanted(length, more)).await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
        assert!(began.elapsed() < 3 * PATIENCE);
    }
}

#[tokio::test]
async fn tls_serves_both_protocols_and_takes_a_new_certificate_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let first = certify(folder.path());
    let tls = TlsReload::open(
        folder.path().join("cert.pem"),
        folder.path().join("key.pem"),
    )
    .unwrap();
    let running = start(ServerOptions {
        tls: Some(tls.clone()),
        ..options()
    })
    .await;
    assert!(asks_by_tls(&running, &first, b"http/1.1").await);
    assert!(asks_by_tls(&running, &first, b"h2").await);

    let second = certify(folder.path());
    assert!(
        asks_by_tls(&running, &first, b"http/1.1").await,
        "files count at a reload only"
    );
    tls.reload().unwrap();
    assert!(!asks_by_tls(&running, &first, b"http/1.1").await);
    assert!(asks_by_tls(&running, &second, b"http/1.1").await);

    std::fs::write(folder.path().join("key.pem"), "no key").unwrap();
    assert!(tls.reload().is_err());
    assert!(
        asks_by_tls(&running, &second, b"http/1.1").await,
        "a bad reload changes nothing"
    );

    let began = Instant::now();
    assert_eq!(say(&running, "").await, "", "no handshake");
    assert!(began.elapsed() < 3 * PATIENCE);
}
