//! Where webhooks may go: not into the network that this server stands in, unless its operator says so by name. What counts is
//! the address that is connected to, not the name that stands for it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};

use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Longest address of a webhook, in bytes.
const LONGEST: usize = 2_048;

/// Hosts that may have private addresses, and be spoken to without TLS: names or addresses as they stand in URLs.
#[derive(Clone, Debug, Default)]
pub struct Allowed(Arc<[String]>);

impl Allowed {
    /// Reads what an operator gave.
    ///
    /// # Errors
    /// One is no host.
    pub fn parse<'a>(hosts: impl Iterator<Item = &'a str>) -> anyhow::Result<Self> {
        let read = |text: &str| {
            let host = Host::parse(text.trim());
            let host = host.ok().filter(|_| !text.contains('*'));
            host.map(|host| host.to_string()).ok_or_else(|| {
                anyhow::anyhow!("{text:?} is no host that webhooks could be allowed to go to: give a name or an address, without port")
            })
        };
        // A setting that is there and empty allows nothing.
        let hosts = hosts.filter(|host| !host.trim().is_empty());
        Ok(Self(hosts.map(read).collect::<Result<Vec<_>, _>>()?.into()))
    }

    fn has(&self, host: &str) -> bool {
        self.0.iter().any(|allowed| allowed == host)
    }
}

/// Networks of IPv4 that are not the Internet (IANA's special-purpose registry, and multicast).
static SPECIAL: LazyLock<Vec<Ipv4Net>> = LazyLock::new(|| {
    [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 3),
    ]
    .into_iter()
    .map(|(address, length)| Ipv4Net::new_assert(Ipv4Addr::from(address), length))
    .collect()
});

/// Networks of IPv6 within the Internet's (2000::/3) that are not: protocol assignments (with Teredo), documentation, 6to4.
const SPECIAL_6: [([u16; 8], u8); 4] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];
/// Addresses of IPv4 behind a translator (RFC 6052).
const TRANSLATED: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];

/// Whether anybody on the Internet could reach it.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => {
            if let Some(mapped) = address.to_ipv4_mapped() {
                return is_public(mapped.into());
            }
            let segments = address.segments();
            if segments[..6] == TRANSLATED {
                let [.., a, b, c, d] = address.octets();
                return is_public(Ipv4Addr::new(a, b, c, d).into());
            }
            let within = |(net, length): &([u16; 8], u8)| {
                Ipv6Net::new_assert((*net).into(), *length).contains(&address)
            };
            segments[0] & 0xe000 == 0x2000 && !SPECIAL_6.iter().any(within)
        }
    }
}

/// The address of a webhook, if it may be one.
///
/// # Errors
/// Why it may not: one sentence for who gave it.
pub(crate) fn checked(text: &str, allowed: &Allowed) -> Result<Url, String> {
    if text.len() > LONGEST {
        return Err(format!("A webhook's address has {LONGEST} bytes at most; this one has {}.", text.len()));
    }
    let url: Url = text.parse().map_err(|error| format!("This is no address of a webhook: {error}."))?;
    let host = url.host().ok_or("A webhook's address has a host.")?;
    let private = allowed.has(&host.to_string());
    match url.scheme() {
        "https" => {}
        "http" if private => {}
        _ => {
            return Err(
                "A webhook's address begins with https://; without TLS what it tells would be read on its way."
                    .to_owned(),
            );
        }
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("A webhook's address has no user, no password and no fragment: what is sent is signed."
            .to_owned());
    }
    let address = match host {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address)),
        Host::Domain(_) => None,
    };
    if address.is_some_and(|address| !private && !is_public(address)) {
        return Err(refusal(url.host_str().unwrap_or_default()));
    }
    Ok(url)
}

fn refusal(host: &str) -> String {
    format!(
        "{host} is an address within a private network; the server's operator allows such a host by its name (--allow-hook-host)"
    )
}

/// Looks hosts up, and leaves out what is private.
pub(super) struct Resolver(pub(super) Allowed);

#[derive(Debug, thiserror::Error)]
#[error(
    "{0} leads to no address on the Internet; one within a private network is allowed by the server's operator (--allow-hook-host)"
)]
struct Nowhere(String);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let private = self.0.has(&host);
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await.into_iter().flatten();
            let kept: Vec<SocketAddr> = found.filter(|at| private || is_public(at.ip())).collect();
            if kept.is_empty() {
                // Also if there is no such name: who asks learns nothing of the names in here.
                return Err(Box::from(Nowhere(host)));
            }
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_the_internet_is_not_reached() {
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.255.255",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "fec0::1",
            "::7f00:1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in
            ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101", "2a00:1450::1"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_address_that_may_not_be_one_is_refused_with_a_sentence() {
        let none = Allowed::default();
        for (text, why) in [
            ("", "no address"),
            ("hooks.example.com/adjourn", "no address"),
            ("mailto:hr@example.com", "has a host"),
            ("http://hooks.example.com/", "https://"),
            ("ftp://hooks.example.com/", "https://"),
            ("https://me:word@hooks.example.com/", "no user"),
            ("https://hooks.example.com/#top", "no fragment"),
            ("https://127.0.0.1/", "private network"),
            ("https://2130706433/", "private network"),
            ("https://0x7f.1/", "private network"),
            ("https://[::1]/", "private network"),
            ("https://[::ffff:169.254.169.254]/latest", "private network"),
            (&format!("https://hooks.example.com/{}", "x".repeat(3_000)), "2048 bytes"),
        ] {
            let said = checked(text, &none).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
        assert!(checked("https://hooks.example.com:8443/adjourn?tenant=7", &none).is_ok());
        let allowed = Allowed::parse(["127.0.0.1", "Backend.Internal", "[::1]"].into_iter()).unwrap();
        for text in ["http://127.0.0.1:9/", "http://backend.internal/x", "https://[::1]/"] {
            assert!(checked(text, &allowed).is_ok(), "{text}");
        }
        assert!(checked("http://127.0.0.2/", &allowed).is_err());
        assert!(!Allowed::parse([""].into_iter()).unwrap().has(""));
        for nonsense in ["https://x", "a b", "10.0.0.0/8", "*.corp"] {
            assert!(Allowed::parse([nonsense].into_iter()).is_err(), "{nonsense}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_into_a_private_network_leads_nowhere() {
        let resolve = async |allowed: Allowed| {
            Resolver(allowed).resolve("localhost".parse().unwrap()).await.map(Iterator::count)
        };
        let said = resolve(Allowed::default()).await.unwrap_err().to_string();
        assert!(said.contains("localhost leads to no address on the Internet"), "{said}");
        assert!(resolve(Allowed::parse(["localhost"].into_iter()).unwrap()).await.unwrap() > 0);
    }
}
