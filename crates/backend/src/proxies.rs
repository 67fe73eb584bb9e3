//! Whose address counts: the one that connected, or, behind a proxy that the operator trusts, the one that the proxy names.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Proxies whose word is taken. None: no header is believed.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    /// From networks (`10.0.0.0/8`) or single addresses.
    ///
    /// # Errors
    /// One that is none.
    pub fn parse<'a>(networks: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Self> {
        let network = |text: &str| {
            // As peers are compared: an IPv4 address in IPv6's clothes is IPv4's.
            if let Ok(address) = text.parse::<IpAddr>() {
                return Ok(IpNet::from(address.to_canonical()));
            }
            text.parse::<IpNet>().map_err(|_| {
                anyhow::anyhow!("--trusted-proxy {text:?} is no address and no network, like 10.0.0.0/8")
            })
        };
        networks
            .into_iter()
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(network)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether it is one of them.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Where a request comes from: the last address on its way that is no proxy of ours.
    pub(crate) fn origin(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        let said = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = said.flat_map(|value| value.split(',')).map(str::trim).collect();
        let mut origin = peer;
        for hop in hops.into_iter().rev() {
            // What can't be read was written by somebody whom we don't trust.
            let Some(address) = hop_address(hop) else { break };
            origin = address.to_canonical();
            if !self.trusts(origin) {
                break;
            }
        }
        origin
    }
}

/// An address, as proxies write it: some add the port.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse::<SocketAddr>().map(|address| address.ip());
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    hop.parse().ok().or_else(|| with_port().ok()).or_else(bracketed)
}

/// Addresses that count as one: of IPv6 a whole /64, which is what one household gets.
pub(crate) fn bucket(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn nobody_is_believed_who_is_not_trusted() {
        let origin = |proxies: &Proxies, peer: &str, values: &[&str]| {
            proxies.origin(peer.parse().unwrap(), &headers(values)).to_string()
        };
        let none = Proxies::default();
        assert_eq!(origin(&none, "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        let ours = Proxies::parse(["10.0.0.0/8", "192.0.2.7"]).unwrap();
        assert_eq!(origin(&ours, "203.0.113.9", &["198.51.100.1"]), "203.0.113.9", "a stranger says so");
        assert_eq!(origin(&ours, "10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(origin(&ours, "::ffff:10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
        // What the candidate wrote himself stands before what our proxies added.
        assert_eq!(origin(&ours, "10.1.2.3", &["1.2.3.4, 198.51.100.1, 192.0.2.7"]), "198.51.100.1");
        assert_eq!(origin(&ours, "10.1.2.3", &["1.2.3.4", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(origin(&ours, "10.1.2.3", &["1.2.3.4, nonsense"]), "10.1.2.3");
        assert_eq!(origin(&ours, "10.1.2.3", &["198.51.100.1:50123"]), "198.51.100.1");
        assert_eq!(origin(&ours, "10.1.2.3", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(origin(&ours, "10.1.2.3", &[]), "10.1.2.3");
        // One that is written as a dual-stack socket shows it is the same one.
        let mapped = Proxies::parse(["::ffff:10.1.2.3"]).unwrap();
        assert_eq!(origin(&mapped, "10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(origin(&mapped, "::ffff:10.1.2.3", &["198.51.100.1"]), "198.51.100.1");
        assert!(Proxies::parse(["10.0.0.0/99"]).is_err() && Proxies::parse(["", " "]).is_ok());
    }

    #[test]
    fn a_household_is_one_address() {
        let of = |text: &str| bucket(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:aaaa::1"), of("2001:db8:1:2:bbbb:1:2:3"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_ne!(of("203.0.113.9"), of("203.0.113.10"));
    }
}
