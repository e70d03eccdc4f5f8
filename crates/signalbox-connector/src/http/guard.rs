//! Keeps requests out of the district's own network (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Why a request is not sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error("{0} is a private address: set allow_private: true if it is meant to be reached")]
    Private(String),
    #[error(
        "{0} would be told in clear: use https, or set allow_private: true for a receiver of your own network"
    )]
    Plain(String),
}

/// Checks what no resolver sees: the scheme, and an address that stands in the URL itself.
pub(super) fn check_url(url: &Url, allow_private: bool) -> Result<(), Refused> {
    if allow_private {
        return Ok(());
    }
    let host = url.host_str().unwrap_or_default();
    match host.trim_matches(['[', ']']).parse() {
        Ok(address) if !is_public(address) => Err(Refused::Private(host.to_owned())),
        _ if url.scheme() != "https" => Err(Refused::Plain(host.to_owned())),
        _ => Ok(()),
    }
}

/// Resolves names as the machine does, less the addresses that may not be reached. Checked at connect, so that a name
/// cannot change its address between check and use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver {
    pub(super) allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let allowed = allowed(&found, allow_private);
            if allowed.is_empty() && !found.is_empty() {
                return Err(Refused::Private(name.as_str().to_owned()).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn allowed(found: &[SocketAddr], allow_private: bool) -> Vec<SocketAddr> {
    found.iter().copied().filter(|address| allow_private || is_public(address.ip())).collect()
}

/// Whether the address is one of the public internet, after the IANA special-purpose registries.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation();
    let reserved = match address.octets() {
        // This network; shared address space of carriers; IETF protocols; 6to4 relays; benchmarks; class E and broadcast.
        [0 | 240..=255, ..]
        | [100, 64..=127, ..]
        | [192, 0, 0, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..] => true,
        _ => false,
    };
    !special && !reserved
}

/// Only global unicast (2000::/3) is public; inside it, what documents or carries IPv4 addresses is not. That leaves
/// out `::1`, `fc00::/7`, `fe80::/10`, `ff00::/8`, `::ffff:0:0/96` and NAT64 without naming them.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let global = first & 0xe000 == 0x2000;
    let teredo_and_protocols = first == 0x2001 && second < 0x0200;
    let documentation = (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
    let six_to_four = first == 0x2002;
    global && !teredo_and_protocols && !documentation && !six_to_four
}
