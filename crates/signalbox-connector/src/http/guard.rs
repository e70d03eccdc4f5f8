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
    #[error("{0} is no address of your own network and would be told in clear: use https")]
    PlainPublic(String),
}

/// Which addresses a request may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowed {
    Public,
    /// In clear, but on the district's own network.
    Private,
    All,
    /// In clear, across the internet.
    None,
}

impl Allowed {
    fn has(self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_public(address),
            Self::Private => is_private(address),
            Self::All => true,
            Self::None => false,
        }
    }

    fn refuse(self, host: &str) -> Refused {
        let host = host.to_owned();
        match self {
            Self::Public | Self::All => Refused::Private(host),
            Self::Private => Refused::PlainPublic(host),
            Self::None => Refused::Plain(host),
        }
    }
}

/// Where a request of this scheme may go.
pub(super) fn allowed(scheme: &str, allow_private: bool) -> Allowed {
    match (scheme, allow_private) {
        ("https", true) => Allowed::All,
        ("https", false) => Allowed::Public,
        (_, true) => Allowed::Private,
        (_, false) => Allowed::None,
    }
}

/// Checks what no resolver sees: the scheme, and an address that stands in the URL itself.
pub(super) fn check_url(url: &Url, allow_private: bool) -> Result<(), Refused> {
    let host = url.host_str().unwrap_or_default();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    match allowed(url.scheme(), allow_private) {
        // What is missing first is said first.
        Allowed::None if address.is_some_and(|address| !is_public(address)) => {
            Err(Allowed::Public.refuse(host))
        }
        Allowed::None => Err(Allowed::None.refuse(host)),
        allowed if address.is_some_and(|address| !allowed.has(address)) => Err(allowed.refuse(host)),
        _ => Ok(()),
    }
}

/// Resolves names as the machine does, less the addresses that may not be reached. Checked at connect, so that a name
/// cannot change its address between check and use.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resolver {
    pub(super) allowed: Allowed,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.allowed;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let may_be_reached = among(&found, allowed);
            if may_be_reached.is_empty() && !found.is_empty() {
                return Err(allowed.refuse(name.as_str()).into());
            }
            Ok(Box::new(may_be_reached.into_iter()) as Addrs)
        })
    }
}

fn among(found: &[SocketAddr], allowed: Allowed) -> Vec<SocketAddr> {
    found.iter().copied().filter(|address| allowed.has(address.ip())).collect()
}

/// Whether the address is one of the district's own network, or of this machine. There are addresses that are neither this nor
/// public.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let is_of_carrier = matches!(v4.octets(), [100, 64..=127, ..]);
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || is_of_carrier
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Whether the address is one of the public internet, after the IANA special-purpose registries. One that carries an IPv4
/// address is what that is.
pub(super) fn is_public(address: IpAddr) -> bool {
    match carried(address).map_or(address, IpAddr::V4) {
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

/// The IPv4 address that is reached by an IPv6 one: mapped, through NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn carried(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let [first, second, third, fourth, fifth, sixth, seventh, eighth] = v6.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match [first, second, third, fourth, fifth, sixth] {
        [0x0064, 0xff9b, 0, 0, 0, 0] => Some(v4(seventh, eighth)),
        [0x2002, ..] => Some(v4(second, third)),
        _ => v6.to_ipv4_mapped(),
    }
}

/// Only global unicast (2000::/3) is public; inside it, what documents is not. That leaves out `::1`,
/// `fc00::/7`, `fe80::/10` and `ff00::/8` without naming them.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    let global = first & 0xe000 == 0x2000;
    let teredo_and_protocols = first == 0x2001 && second < 0x0200;
    let documentation = (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
    global && !teredo_and_protocols && !documentation
}
