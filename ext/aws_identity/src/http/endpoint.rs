//! What an endpoint URL may contain, and how a message shows it.
//!
//! URLs are read by `http::Uri`, which is what the SDK's client sends them with: what is checked here
//! is what is sent.

use crate::failure::Failure;
use ::http::{Uri, uri::Authority};
use std::net::IpAddr;

/// The URL with its scheme in lower case, which other code compares. Refuses what is not `http://` or `https://`
/// with a host. The message never has the user or the password.
pub fn check_endpoint(label: &str, url: &str) -> Result<String, Failure> {
    if read(url).is_some()
        && let Some((scheme, rest)) = url.split_once("://")
    {
        return Ok(format!("{}://{rest}", scheme.to_ascii_lowercase()));
    }
    Err(Failure::configuration(
        format!("{label} is {:?}, which is not a URL.", shown(url)),
        "It begins with https:// or http://, and has a host, such as https://sts.eu-west-1.amazonaws.com.",
    ))
}

/// The URL as a message shows it: without user and password, and without query and fragment, which may hold the
/// key of a gateway. Of what is no URL nothing before the last `@` is shown, and nothing behind a colon but a port.
#[must_use]
pub fn shown(url: &str) -> String {
    const CUT: &str = "...";
    let plain = without_userinfo(url);
    let query = plain.find(['?', '#']);
    if read(url).is_some() {
        return query.map_or(plain.clone(), |at| format!("{}?{CUT}", &plain[..at]));
    }
    // An `@` behind such a mark may be of a password or of the query.
    if url.rfind('@') > url.find(['?', '#']) && url.contains(['?', '#']) {
        return CUT.to_owned();
    }
    let password = plain.match_indices(':').map(|(at, _)| at + 1);
    let mut password = password.filter(|at| {
        let (before, behind) = plain.split_at(*at);
        let is_scheme = behind.starts_with("//") && before.find(':') == Some(at - 1)
            || behind.starts_with('/') && ["http:", "https:"].contains(&before);
        !is_port(behind) && !is_scheme
    });
    match password.next().into_iter().chain(query).min() {
        Some(at) => format!("{}{CUT}", &plain[..at]),
        None => plain,
    }
}

/// True for a port at the end of a host, and for nothing.
fn is_port(text: &str) -> bool {
    let behind = text.trim_start_matches(|c: char| c.is_ascii_digit());
    behind.is_empty() || (behind.len() < text.len() && behind.starts_with(['/', '?', '#']))
}

/// The URL with user and password taken out. Of what is no URL, nothing before the last `@` is left.
#[must_use]
pub fn without_userinfo(url: &str) -> String {
    let (scheme, rest) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            (format!("{scheme}://"), rest)
        }
        // A proxy may be written without a scheme.
        _ => (String::new(), url),
    };
    let end = match read(url) {
        Some(_) => rest.find(['/', '?', '#']).unwrap_or(rest.len()),
        None => rest.len(),
    };
    let host = rest[..end].rfind('@').map_or(0, |at| at + 1);
    format!("{scheme}{}", &rest[host..])
}

/// User and password of a URL, as they stand there.
pub(super) fn userinfo(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    rest[..end].rsplit_once('@').map(|(userinfo, _)| userinfo)
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

/// True where the URL is sent without TLS.
#[must_use]
pub fn is_plain(url: &str) -> bool {
    read(url).is_some_and(|(uri, _)| uri.scheme_str() == Some("http"))
}

/// The host of a URL that [`check_endpoint`] takes, IPv6 without its brackets.
#[must_use]
pub fn host(url: &str) -> Option<String> {
    read(url).map(|(_, host)| host)
}

/// The port that the URL names.
pub(super) fn port(url: &str) -> Option<u16> {
    read(url)?.0.port_u16()
}

/// The URL and its host.
fn read(url: &str) -> Option<(Uri, String)> {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    let has_scheme = ["http", "https"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    if !has_scheme || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?;
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    (!host.is_empty() && has_port_or_none(authority)).then_some((uri, host))
}

/// `Uri` takes any text behind the host, and the client then the port of the scheme.
fn has_port_or_none(authority: &Authority) -> bool {
    let text = authority.as_str();
    let host_and_port = text.rsplit_once('@').map_or(text, |(_, behind)| behind);
    match host_and_port.strip_prefix(authority.host()) {
        Some("") => true,
        Some(behind) => behind.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        }),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_every_form() {
        for (url, expected) in [
            ("https://sts.amazonaws.com/x", "sts.amazonaws.com"),
            ("http://u:p@h:80/", "h"),
            ("http://u@v@h", "h"),
            ("http://[::1]:80/", "::1"),
            ("http://[fe80::1%25eth0]", "fe80::1%25eth0"),
            ("http://good@evil", "evil"),
            ("HTTP://h", "h"),
            ("Https://u:p@h:80/", "h"),
        ] {
            assert_eq!(host(url).as_deref(), Some(expected), "{url}");
        }
        for none in [
            "ftp://h",
            "//h",
            "h",
            "http:h",
            "http:/h",
            "http://",
            "http:///p",
            "http://:80",
            "http://u:p@",
            "http://h:port/",
            "http://h:",
            "http://h:+80",
            "http://h:65536",
            "http://h:1:2",
            "http://[::1]1",
            "http://[::1",
            "http://::1",
            "http://good\\@evil",
            "http://a b",
            "http://h/a b",
            " http://h",
            "http://h\n",
            "http://h%41",
        ] {
            assert_eq!(host(none), None, "{none}");
        }
        assert!(is_loopback("http://127.9.9.9:1/") && is_loopback("https://LOCALHOST"));
        assert!(is_loopback("http://[::1]/") && !is_loopback("http://127.0.0.1.example.com/"));
        assert!(!is_loopback("http://127.0.0.1@example.com"));
        assert!(is_plain("http://h") && !is_plain("https://h") && !is_plain("h"));
        assert!(is_plain("HTTP://h") && !is_plain("HTTPS://h"));
        for (url, expected) in [
            ("HTTP://H/Path", "http://H/Path"),
            ("hTTps://u:P@h", "https://u:P@h"),
        ] {
            assert_eq!(check_endpoint("endpoint", url).unwrap(), expected);
        }
    }

    /// The client takes the URL apart once more; it must find the same host.
    #[test]
    fn the_sdk_s_request_goes_to_the_host_that_was_checked() {
        use aws_smithy_runtime_api::http::Request;
        for url in ["http://a:b@[::1]:8/x", "https://u@v@h:1/y?z", "http://h"] {
            let mut request = Request::new(());
            request.uri_mut().set_endpoint(url).unwrap();
            let sent = request.try_into_http1x().unwrap();
            let sent = sent.uri().host().unwrap().trim_matches(['[', ']']);
            assert_eq!(host(url).as_deref(), Some(sent));
        }
    }

    #[test]
    fn passwords_never_show() {
        for url in [
            "http://u:canary@h/p",
            "u:canary@h:80",
            "https://u:can@canary@h",
            "ftp://u:canary@h",
            "http://u:canary/canary@h",
            "http:/u:canary@h",
            "http://u:canary",
            "http://u:1canary",
            "u:canary",
            "u:canary://h",
            "http://u:/canary",
            "u:/canary",
            "http:u:/canary",
            "http://canary?@h x",
            "http://h:x/?canary",
            "http://h:x/?a@canary",
            "https://h/p?code=canary",
            "https://h?a=b@canary",
            "https://h/p#canary",
        ] {
            assert!(!shown(url).contains("canary"), "{url}: {}", shown(url));
            let message = check_endpoint("endpoint", &format!("{url} "))
                .unwrap_err()
                .message();
            assert!(!message.contains("canary"), "{message}");
        }
        for (url, expected) in [
            ("https://u:p@h/p@th", "https://h/p@th"),
            ("https://u:p@h/p?q=1#x", "https://h/p?..."),
            ("http://h:port/", "http://h:..."),
            ("http:/h:80/p", "http:/h:80/p"),
            ("h:80", "h:80"),
            ("sts.amazonaws.com", "sts.amazonaws.com"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
