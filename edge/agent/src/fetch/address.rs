//! Which addresses a fetcher may ask.
//!
//! A framework says what is fetched, and the result ends in a sandbox that it can read. So whatever trusts a caller for where it calls
//! from must not be asked, above all the endpoint at a link-local address that gives out the credentials of the machine.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;
use url::Host;

/// Addresses outside of the link-local ranges at which AWS gives out credentials of machines. Source: Amazon EC2, *Instance metadata
/// service*.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Which addresses may be asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowed {
    pub(super) link_local: bool,
}

impl Allowed {
    /// # Errors
    /// Why an address may not be asked, and what would allow it.
    pub(super) fn check(self, address: IpAddr) -> Result<(), String> {
        let address = embedded(address);
        let is_refused = match address {
            IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast() || v4.is_multicast(),
            IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_multicast() || v6 == METADATA_V6,
        };
        if !is_refused || self.link_local {
            return Ok(());
        }
        Err(format!(
            "the address {address} is link-local, where the credentials of the machine are given out; --fetch-link-local allows it"
        ))
    }

    /// Checks the host of a URL, if it is an address: names are checked as they are looked up.
    ///
    /// # Errors
    /// See [`Self::check`].
    pub(super) fn check_host(self, host: Option<Host<&str>>) -> Result<(), String> {
        match host {
            Some(Host::Ipv4(address)) => self.check(address.into()),
            Some(Host::Ipv6(address)) => self.check(address.into()),
            Some(Host::Domain(_)) => Ok(()),
            None => Err("it names no host".to_owned()),
        }
    }
}

/// The IPv4 address that an IPv6 address stands for, if it does.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return v4.into();
    }
    let [a, b, c, .., high, low] = v6.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        // NAT64, RFC 6052.
        (0x64, 0xff9b) => v4(high, low),
        // 6to4, RFC 3056.
        (0x2002, _) => v4(b, c),
        _ => address,
    }
}

/// Looks names up, and leaves out the addresses that may not be asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolver(pub(super) Allowed);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allowed = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let mut refused = None;
            let mut kept = Vec::new();
            for address in found {
                match allowed.check(address.ip()) {
                    Ok(()) => kept.push(address),
                    Err(why) => refused = Some(why),
                }
            }
            match refused {
                Some(why) if kept.is_empty() => Err(io::Error::other(why)),
                _ => Ok(kept.into_iter()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_give_out_credentials_are_refused_however_they_are_written() {
        let strict = Allowed { link_local: false };
        for refused in [
            "169.254.169.254",
            "169.254.170.2",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
            "fe80::1",
            "fd00:ec2::254",
            "255.255.255.255",
        ] {
            let address: IpAddr = refused.parse().expect("it is an address");
            let why = strict.check(address).expect_err(refused);
            assert!(why.contains("--fetch-link-local"), "{why}");
            assert_eq!(Allowed { link_local: true }.check(address), Ok(()), "{refused}");
        }
        // Frameworks serve files from where they run.
        for fine in ["127.0.0.1", "10.0.0.1", "::1", "93.184.216.34", "fd00:1::1"] {
            assert_eq!(strict.check(fine.parse().expect("it is an address")), Ok(()), "{fine}");
        }
    }

    #[tokio::test]
    async fn names_that_stand_for_such_an_address_are_refused_too() {
        let name: Name = "2852039166".parse().expect("it is a name");
        let found = Resolver(Allowed { link_local: false }).call(name).await;
        // Not every resolver reads numbers.
        assert!(found.is_err() || found.is_ok_and(|mut found| found.next().is_none()));
    }
}
