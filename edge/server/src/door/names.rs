//! Host names of a port and origins of pages: `Host` and `Origin`, as they are sent and as they are
//! allowed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A normalized host without port: lower case, without the trailing dot of a full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostName {
    /// An IP address.
    Address(IpAddr),
    /// A DNS name.
    Name(String),
}

impl HostName {
    /// Whether it can only mean this machine. Source: RFC 6761, section 6.3: `localhost` is always
    /// loopback.
    pub(super) fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.to_canonical().is_loopback(),
            Self::Name(name) => name == "localhost",
        }
    }

    /// Parses the value of a `Host` header, or the authority of a target. The optional port is
    /// ignored: ports are forwarded, and a page cannot choose the one it is sent to.
    pub(super) fn of_authority(text: &str) -> Option<Self> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest.split_once(']')?;
            let address: Ipv6Addr = address.parse().ok()?;
            let port = if rest.is_empty() { "" } else { rest.strip_prefix(':')? };
            (Self::Address(address.into()), port)
        } else {
            let (host, port) = text.split_once(':').unwrap_or((text, ""));
            (Self::of_bare(host)?, port)
        };
        port.bytes().all(|byte| byte.is_ascii_digit()).then_some(host)
    }

    /// An IPv4 address or a name.
    fn of_bare(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_plain =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        (!name.is_empty() && name.bytes().all(is_plain))
            .then(|| Self::Name(name.to_ascii_lowercase()))
    }
}

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address = text.parse::<Ipv6Addr>().ok().map(|address| Self::Address(address.into()));
        let host = address.or_else(|| Self::of_bare(text));
        host.ok_or_else(|| {
            "write a host name or an IP address, without a scheme or port, for example build.example.com".to_owned()
        })
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// The normalized origin of a page: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    scheme_bytes: usize,
}

impl Origin {
    /// The origin of a URL, such as that of a `Referer`. `None` for opaque origins, written as
    /// `null`, which any page can have.
    pub(super) fn of_url(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_word = !scheme.is_empty()
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        let is_visible = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'@' | b'"' | b'\\');
        if !is_word || authority.is_empty() || !authority.bytes().all(is_visible) {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let authority = authority.to_ascii_lowercase();
        let default = match &*scheme {
            "http" => ":80",
            "https" => ":443",
            _ => "",
        };
        let authority = authority.strip_suffix(default).unwrap_or(&authority);
        Some(Self { text: format!("{scheme}://{authority}"), scheme_bytes: scheme.len() })
    }

    /// Whether this is the origin of the port that a request was sent to under `host`, which makes
    /// the page ours. The scheme is ignored, as it depends on proxies.
    pub(super) fn is_of(&self, host: &str) -> bool {
        let (scheme, rest) = self.text.split_at(self.scheme_bytes);
        Self::of_url(&format!("{scheme}://{host}"))
            .is_some_and(|own| own.text[own.scheme_bytes..] == *rest)
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let origin = Self::of_url(text).filter(|_| {
            let rest = text.split_once("://").map_or("", |(_, rest)| rest);
            rest.strip_suffix('/').unwrap_or(rest).bytes().all(|byte| byte != b'/')
        });
        origin.ok_or_else(|| {
            "write SCHEME://HOST or SCHEME://HOST:PORT, for example http://localhost:3000"
                .to_owned()
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Option<String> {
        HostName::of_authority(text).map(|host| host.to_string())
    }

    #[test]
    fn hosts_have_one_spelling() {
        for (sent, read) in [
            ("localhost", "localhost"),
            ("LocalHost.:5080", "localhost"),
            ("127.0.0.1:5080", "127.0.0.1"),
            ("[::1]", "::1"),
            ("[::1]:5080", "::1"),
            ("[::FFFF:127.0.0.1]:1", "::ffff:127.0.0.1"),
            ("build-1.Example.com", "build-1.example.com"),
            ("a_b", "a_b"),
        ] {
            assert_eq!(host(sent).as_deref(), Some(read), "{sent}");
        }
    }

    #[test]
    fn what_is_no_host_is_none() {
        for sent in [
            "",
            ":5080",
            ".",
            "a b",
            "user@localhost",
            "localhost:port",
            "localhost:80:80",
            "::1",
            "[::1",
            "[::1]x",
            "[localhost]",
            "a/b",
            "loc\u{e4}lhost",
            "a,b",
            "[::1]:x",
        ] {
            assert_eq!(host(sent), None, "{sent}");
        }
    }

    #[test]
    fn loopback_is_what_can_mean_nothing_else() {
        for (sent, is) in [
            ("localhost", true),
            ("LOCALHOST.", true),
            ("127.0.0.1", true),
            ("127.9.9.9:1", true),
            ("[::1]:5080", true),
            ("[::ffff:127.0.0.1]", true),
            ("0.0.0.0", false),
            ("128.0.0.1", false),
            ("[::]", false),
            ("localhost.evil.example", false),
            ("evil.localhost.example", false),
            ("127.0.0.1.evil.example", false),
            ("2130706433", false),
        ] {
            let host = HostName::of_authority(sent).expect("it is a host");
            assert_eq!(host.is_loopback(), is, "{sent}");
        }
    }

    #[test]
    fn an_origin_is_ours_if_it_names_the_host_that_was_asked() {
        for (origin, host, is) in [
            ("http://localhost:5080", "localhost:5080", true),
            ("HTTP://LocalHost:5080", "localhost:5080", true),
            ("http://ecs.example", "ecs.example", true),
            ("http://ecs.example:80", "ecs.example", true),
            ("https://ecs.example", "ecs.example:443", true),
            ("https://ecs.example", "ecs.example", true),
            ("http://localhost:3000", "localhost:5080", false),
            ("http://localhost", "localhost:5080", false),
            ("http://localhost:50800", "localhost:5080", false),
            ("http://127.0.0.1:5080", "localhost:5080", false),
            ("http://evil.example", "localhost:5080", false),
        ] {
            assert_eq!(
                Origin::of_url(origin).is_some_and(|own| own.is_of(host)),
                is,
                "{origin} {host}"
            );
        }
        for opaque in
            ["null", "", "http://", "://x", "http://user@localhost:5080", "localhost:5080"]
        {
            assert_eq!(Origin::of_url(opaque), None, "{opaque}");
        }
    }

    #[test]
    fn flags_take_origins_and_hosts_and_nothing_longer() {
        assert_eq!(
            "http://LocalHost:3000/".parse::<Origin>().map(|one| one.to_string()),
            Ok("http://localhost:3000".to_owned())
        );
        for text in ["null", "*", "localhost:3000", "http://a/b", "http://"] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
        assert_eq!("::1".parse::<HostName>().map(|one| one.to_string()), Ok("::1".to_owned()));
        assert_eq!(
            "Build.example.com".parse::<HostName>().map(|one| one.to_string()),
            Ok("build.example.com".to_owned())
        );
        for text in ["", "*", "http://a", "a:80", "a b"] {
            assert!(text.parse::<HostName>().is_err(), "{text}");
        }
    }
}
