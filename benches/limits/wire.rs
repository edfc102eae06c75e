//! A client that costs little: one blocking connection kept alive in each thread, the request made by hand, the answer read
//! only as far as HTTP asks.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A connection.
pub(crate) struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer; the body is read, and kept only where somebody wants it.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    /// Bytes of the body, kept or not.
    pub(crate) length: usize,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("a JSON answer")
    }
}

/// A request of an API client: method, path, token, and a body of JSON.
pub(crate) fn request(method: &str, path: &str, token: &str, body: Option<&str>) -> Vec<u8> {
    let body = body.unwrap_or_default();
    let kind = if body.is_empty() {
        ""
    } else {
        "Content-Type: application/scim+json\r\n"
    };
    format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/scim+json, application/json\r\n\
         Authorization: Bearer {token}\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A GET with an Authorization of any kind.
pub(crate) fn get(path: &str, authorization: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\
         Authorization: {authorization}\r\n\r\n"
    )
    .into_bytes()
}

impl Wire {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        stream
            .set_read_timeout(Some(Duration::from_mins(10)))
            .expect("a timeout");
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Sends a request and reads its answer.
    pub(crate) fn send(&mut self, request: &[u8]) -> Answer {
        self.exchange(request, true)
    }

    /// The same, but the body is thrown away as it comes.
    pub(crate) fn skim(&mut self, request: &[u8]) -> Answer {
        self.exchange(request, false)
    }

    fn exchange(&mut self, request: &[u8], keep: bool) -> Answer {
        self.stream.write_all(request).expect("a request sent");
        let head = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break self.buffer.drain(..end + 4).collect::<Vec<u8>>();
            }
            self.more();
        };
        let head = String::from_utf8(head).expect("a head of text");
        let status = head
            .get(9..12)
            .and_then(|code| code.parse().ok())
            .expect("a status");
        let header = |name: &str| {
            head.split("\r\n").find_map(|line| {
                let (found, value) = line.split_once(':')?;
                found.eq_ignore_ascii_case(name).then(|| value.trim())
            })
        };
        let mut answer = Answer {
            status,
            body: Vec::new(),
            length: 0,
        };
        if let Some(length) = header("content-length") {
            self.take(length.parse().expect("a length"), keep, &mut answer);
        } else if header("transfer-encoding").is_some() {
            loop {
                let size = self.chunk_size();
                self.take(size, keep, &mut answer);
                self.take(
                    2,
                    false,
                    &mut Answer {
                        length: 0,
                        status,
                        body: Vec::new(),
                    },
                );
                if size == 0 {
                    break;
                }
            }
        }
        answer
    }

    fn chunk_size(&mut self) -> usize {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let text = std::str::from_utf8(&line[..end]).expect("a size");
                return usize::from_str_radix(text, 16).expect("a size");
            }
            self.more();
        }
    }

    fn take(&mut self, mut length: usize, keep: bool, answer: &mut Answer) {
        answer.length += length;
        while length > 0 {
            if self.buffer.is_empty() {
                self.more();
            }
            let now = length.min(self.buffer.len());
            if keep {
                answer.body.extend_from_slice(&self.buffer[..now]);
            }
            self.buffer.drain(..now);
            length -= now;
        }
    }

    fn more(&mut self) {
        let mut piece = [0; 16 * 1024];
        let read = self.stream.read(&mut piece).expect("an answer");
        assert!(read > 0, "the connection ended in the middle of an answer");
        self.buffer.extend_from_slice(&piece[..read]);
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// Drives `clients` connections for `length`, each with requests of its own making, and gives the answers per second. An
/// answer that `good` does not like stops everything.
pub(crate) fn drive(
    address: SocketAddr,
    clients: usize,
    length: Duration,
    next: impl Fn(usize, u64) -> Vec<u8> + Sync,
    good: impl Fn(&Answer) -> bool + Sync,
) -> f64 {
    let stop = AtomicBool::new(false);
    let began = Instant::now();
    let total: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|client| {
                let (stop, next, good) = (&stop, &next, &good);
                scope.spawn(move || {
                    let mut wire = Wire::open(address);
                    let mut count = 0;
                    while !stop.load(Ordering::Relaxed) {
                        let answer = wire.send(&next(client, count));
                        let text = String::from_utf8_lossy(&answer.body);
                        assert!(good(&answer), "{} {text}", answer.status);
                        count += 1;
                    }
                    count
                })
            })
            .collect();
        std::thread::sleep(length);
        stop.store(true, Ordering::Relaxed);
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    total as f64 / began.elapsed().as_secs_f64()
}
