//! Whose request it is: forwarded headers count only where a trusted proxy wrote them.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use ipnet::IpNet;

/// The address of the client itself: an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddr(pub IpAddr);

/// The proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// These networks.
    pub fn new(networks: &[IpNet]) -> Self {
        Self(networks.into())
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Middleware that adds [`ClientAddr`].
pub async fn find(
    State(trusted): State<TrustedProxies>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    if let Some(ConnectInfo(peer)) = peer {
        let client = client_of(peer.ip(), request.headers(), &trusted);
        request.extensions_mut().insert(ClientAddr(client));
    }
    next.run(request).await
}

/// The client of a request that came from `peer`.
///
/// Each proxy appends the address it saw, so the list is read from its end, for as long as a trusted proxy vouches for
/// the entry before. What a client wrote itself stands further left and is never reached.
pub fn client_of(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> IpAddr {
    let mut client = peer.to_canonical();
    let lines = headers.get_all("x-forwarded-for");
    let hops = lines.iter().filter_map(|line| line.to_str().ok());
    let hops: Vec<&str> = hops
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .collect();
    for hop in hops.iter().rev() {
        if !trusted.contains(client) {
            break;
        }
        match hop_address(hop) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    client
}

/// An entry is an address, or (some proxies) an address and a port.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let bare = hop
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let address = bare.unwrap_or(hop).parse().ok();
    address.or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]

    use super::{TrustedProxies, client_of};
    use http::{HeaderMap, HeaderValue};
    use std::net::IpAddr;

    fn client(peer: &str, forwarded: &[&'static str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        let networks: Vec<_> = trusted.iter().filter_map(|net| net.parse().ok()).collect();
        let peer: IpAddr = peer.parse().expect("an address");
        client_of(peer, &headers, &TrustedProxies::new(&networks)).to_string()
    }

    #[test]
    fn nobody_is_believed_by_default() {
        assert_eq!(client("198.51.100.7", &["10.0.0.1"], &[]), "198.51.100.7");
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_what_the_client_wrote_is_not() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(
            client("10.0.0.9", &["198.51.100.7"], &trusted),
            "198.51.100.7"
        );
        assert_eq!(
            client("10.0.0.9", &["127.0.0.1, 198.51.100.7"], &trusted),
            "198.51.100.7"
        );
        assert_eq!(
            client("10.0.0.9", &["1.1.1.1", "198.51.100.7, 10.0.0.8"], &trusted),
            "198.51.100.7"
        );
        assert_eq!(
            client("198.51.100.7", &["127.0.0.1"], &trusted),
            "198.51.100.7"
        );
    }

    #[test]
    fn what_is_no_address_ends_the_chain() {
        let trusted = ["10.0.0.0/8"];
        assert_eq!(client("10.0.0.9", &["unknown"], &trusted), "10.0.0.9");
        assert_eq!(
            client("10.0.0.9", &["198.51.100.7, "], &trusted),
            "10.0.0.9"
        );
        assert_eq!(
            client("10.0.0.9", &["198.51.100.7:4711"], &trusted),
            "198.51.100.7"
        );
        assert_eq!(
            client("10.0.0.9", &["[2001:db8::1]:443"], &trusted),
            "2001:db8::1"
        );
        assert_eq!(
            client("::ffff:10.0.0.9", &["2001:db8::1"], &trusted),
            "2001:db8::1"
        );
    }
}
