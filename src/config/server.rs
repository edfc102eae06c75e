//! `[server]`: what listens, and how much it bears.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::Url;

use super::keys::Keys;

/// What listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// What every link and Location begins with, without a slash at its end; the Host header never counts.
    pub public_url: Option<String>,
    /// TLS, unless a proxy in front does it.
    pub tls: Option<Tls>,
    /// Whose forwarded headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Most connections at once; more wait in the kernel's backlog.
    pub max_connections: usize,
    /// Most requests at once; more wait.
    pub max_requests: usize,
    /// How long a client may take to send a request's headers.
    pub header_timeout: Duration,
    /// How long a connection is kept on which nobody asks.
    pub idle_timeout: Duration,
}

/// The files of a TLS certificate. Read again at a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The chain, PEM, the server's own first.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

impl Server {
    /// What links begin with: the public URL, else the address that is listened on.
    pub fn base_url(&self) -> String {
        match (&self.public_url, &self.tls) {
            (Some(url), _) => url.clone(),
            (None, Some(_)) => format!("https://{}", self.listen),
            (None, None) => format!("http://{}", self.listen),
        }
    }
}

/// A network, or one address.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged, expecting = "a network is written 10.0.0.0/8 or 10.0.0.1")]
enum Network {
    Net(IpNet),
    One(IpAddr),
}

pub(super) fn read(keys: &mut Keys<'_>) -> Server {
    let listen = keys.take("server.listen", SocketAddr::from(([127, 0, 0, 1], 8080)));
    let public_url = public_url(keys, listen);
    let cert = keys.file("server.tls.cert");
    let key = keys.file("server.tls.key");
    let tls = match (cert, key) {
        (Some(cert), Some(key)) => Some(Tls { cert, key }),
        (Some(_), None) => {
            keys.problem("server.tls.key", "is not set, but server.tls.cert is");
            None
        }
        (None, Some(_)) => {
            keys.problem("server.tls.cert", "is not set, but server.tls.key is");
            None
        }
        (None, None) => None,
    };
    let proxies: Vec<Network> = keys.take("server.trusted_proxies", Vec::new());
    let second = Duration::from_secs(1);
    Server {
        listen,
        public_url,
        tls,
        trusted_proxies: proxies
            .into_iter()
            .map(|network| match network {
                Network::Net(net) => net,
                Network::One(address) => IpNet::from(address),
            })
            .collect(),
        max_connections: keys.ranged("server.max_connections", 1024, 1..=100_000),
        max_requests: keys.ranged("server.max_requests", 256, 1..=10_000),
        header_timeout: keys.duration("server.header_timeout", 10 * second, second, 10 * second),
        idle_timeout: keys.duration(
            "server.idle_timeout",
            75 * second,
            5 * second,
            3600 * second,
        ),
    }
}

fn public_url(keys: &mut Keys<'_>, listen: SocketAddr) -> Option<String> {
    const KEY: &str = "server.public_url";
    let set = keys.is_set(KEY);
    let Some(url) = keys.optional::<Url>(KEY) else {
        if !set {
            keys.warning(
                KEY,
                format!("is not set: links and Location headers begin with http://{listen}"),
            );
        }
        return None;
    };
    let plain = url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() || !plain {
        keys.problem(
            KEY,
            "must be http:// or https://, a host and perhaps a path, no more",
        );
        return None;
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        keys.warning(KEY, "is not https: Okta pushes to https only");
    }
    if url.as_str().contains('_') {
        keys.warning(
            KEY,
            "has a _ in it, which Okta does not take in a SCIM base URL",
        );
    }
    Some(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether a URL leads to this host only.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
