//! What may stand in an endpoint URL, and how one is shown.

use crate::failure::Failure;
use std::net::IpAddr;

/// Refuses what is not `http://` or `https://` with a host. User and password never stand in the
/// message.
pub fn check_endpoint(label: &str, url: &str) -> Result<(), Failure> {
    let host = host(url);
    let printable = url.bytes().all(|byte| byte.is_ascii_graphic());
    if printable && host.is_some_and(|host| !host.is_empty()) {
        return Ok(());
    }
    Err(Failure::configuration(
        format!(
            "{label} is {:?}, which is not a URL. It looks like https://sts.eu-west-1.amazonaws.com.",
            without_userinfo(url)
        ),
        "",
    ))
}

/// The URL with user and password taken out.
#[must_use]
pub fn without_userinfo(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        // A proxy may be written without a scheme.
        return url
            .rsplit_once('@')
            .map_or(url, |(_, host)| host)
            .to_owned();
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// True for `localhost` and every loopback address.
#[must_use]
pub fn is_loopback(url: &str) -> bool {
    host(url).is_some_and(|host| {
        host.eq_ignore_ascii_case("localhost")
            || host
                .parse::<IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    })
}

/// The host of an `http(s)` URL, IPv6 without its brackets; `None` where the port is no number.
#[must_use]
pub fn host(url: &str) -> Option<&str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))?;
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => bracketed.split_once(']')?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_port = |text: &str| text.parse::<u16>().is_ok();
    (port.is_empty() || port.strip_prefix(':').is_some_and(is_port)).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_every_form() {
        assert_eq!(
            host("https://sts.amazonaws.com/x"),
            Some("sts.amazonaws.com")
        );
        assert_eq!(host("http://u:p@h:80/"), Some("h"));
        assert_eq!(host("http://[::1]:80/"), Some("::1"));
        for none in [
            "ftp://h",
            "http://h:port/",
            "http://h:65536",
            "http://[::1]1",
            "http://[::1",
        ] {
            assert_eq!(host(none), None, "{none}");
        }
        assert!(is_loopback("http://127.9.9.9:1/") && is_loopback("https://LOCALHOST"));
        assert!(is_loopback("http://[::1]/") && !is_loopback("http://127.0.0.1.example.com/"));
    }

    #[test]
    fn passwords_never_show() {
        for url in [
            "http://u:canary@h/p",
            "u:canary@h:80",
            "https://u:can@canary@h",
            "ftp://u:canary@h",
        ] {
            assert!(!without_userinfo(url).contains("canary"), "{url}");
            let message = check_endpoint("endpoint", &format!("{url} "))
                .unwrap_err()
                .message();
            assert!(!message.contains("canary"), "{message}");
        }
        assert_eq!(without_userinfo("https://u:p@h/p@th"), "https://h/p@th");
    }
}
