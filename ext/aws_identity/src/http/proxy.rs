//! The proxy the environment names.
//!
//! Read here and not by `ProxyConfig::from_env` of aws-smithy-http-client 1.5.2: that reads the process's
//! environment when a request is made, on a thread of a fetch, while Ruby may be changing it; a session
//! goes by the environment as it was when it was made. Names and exceptions are read as botocore reads
//! them, which that crate does not.

use super::{endpoint, no_proxy::is_excepted, sent::note_userinfo};
use crate::{credentials::KnownSecrets, environment::Environment, failure::Failure};
use aws_smithy_http_client::proxy::ProxyConfig;
use std::fmt::Write as _;

/// The proxy of requests to `url`: `HTTPS_PROXY` for TLS, `HTTP_PROXY` for plain endpoints, unless
/// `NO_PROXY` excepts it. Where the URL is not given it is one of AWS's over TLS, and there is no `NO_PROXY`
/// to compare it with. Its password is told to `secrets`.
pub(super) fn from_environment(
    environment: &Environment,
    url: Option<&str>,
    secrets: &KnownSecrets,
) -> Result<ProxyConfig, Failure> {
    let Some((name, proxy)) = named(environment, url)? else {
        return Ok(ProxyConfig::disabled());
    };
    note_userinfo(&proxy, secrets);
    let made = if url.is_some_and(endpoint::is_plain) {
        ProxyConfig::http(proxy.as_str())
    } else {
        ProxyConfig::https(proxy.as_str())
    };
    made.map_err(|_| wrong(name, &proxy))
}

/// The variable that names the proxy of requests to `url`, and its URL, which may hold a password. The
/// exceptions come first: a proxy that does not apply may be one for other programs only.
pub(super) fn named(
    environment: &Environment,
    url: Option<&str>,
) -> Result<Option<(&'static str, String)>, Failure> {
    let found = if url.is_some_and(endpoint::is_plain) {
        variable(environment, "http_proxy", "HTTP_PROXY")
    } else {
        variable(environment, "https_proxy", "HTTPS_PROXY")
    };
    let Some((name, value)) = found else {
        return Ok(None);
    };
    if exceptions(environment).is_some_and(|(_, rules)| is_excepted(rules, url)) {
        return Ok(None);
    }
    match proxy_url(value) {
        Some(url) => Ok(Some((name, url))),
        None => Err(wrong(name, value)),
    }
}

/// The hosts that are asked without a proxy, and the variable that names them.
pub(super) fn exceptions(environment: &Environment) -> Option<(&'static str, &str)> {
    variable(environment, "no_proxy", "NO_PROXY")
}

/// Lower case first, as curl and botocore read them. A blank one switches off its upper-case twin.
fn variable<'a>(
    environment: &'a Environment,
    lower: &'static str,
    upper: &'static str,
) -> Option<(&'static str, &'a str)> {
    if environment.is_blank(lower) {
        return None;
    }
    environment.first(&[lower, upper])
}

/// The URL with user and password percent-encoded. They end at the last `@`, whatever is in them.
fn proxy_url(value: &str) -> Option<String> {
    let value = value.trim();
    let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
    let scheme = scheme.to_ascii_lowercase();
    let url = match rest.rsplit_once('@') {
        Some((userinfo, host)) => format!("{scheme}://{}@{host}", encoded(userinfo)),
        None => format!("{scheme}://{rest}"),
    };
    endpoint::host(&url).map(|_| url)
}

/// What RFC 3986 does not allow in a user or a password, encoded. What is encoded already stays.
fn encoded(userinfo: &str) -> String {
    let mut text = String::new();
    for byte in userinfo.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:%".contains(&byte) {
            text.push(byte.into());
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

fn wrong(name: &str, value: &str) -> Failure {
    Failure::configuration(
        format!(
            "{name} is {:?}, which is not the URL of an HTTP proxy.",
            endpoint::shown(value)
        ),
        format!(
            "Write it like http://proxy.example.com:3128. If it is not for AWS, except AWS's hosts with NO_PROXY=.amazonaws.com, or set {} to nothing.",
            name.to_lowercase()
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const STS: Option<&str> = Some("https://sts.eu-west-1.amazonaws.com");

    fn chosen(variables: &[(&str, &str)]) -> Option<(&'static str, String)> {
        named(&Environment::new(variables.iter().copied()), STS).unwrap()
    }

    #[test]
    fn a_bad_proxy_is_named_without_its_password() {
        for bad in [
            "socks5://u:canary@h",
            "socks5://u:can@canary@h:1",
            "http://u:canary/canary@h:port",
            "u:canary://canary@h:port",
            "http://u:canary#canary?canary@",
            "http://u:canary",
            "u:canary",
            "http://h:port/?canary",
        ] {
            let environment = Environment::new([("HTTPS_PROXY", bad)]);
            let message = named(&environment, STS).unwrap_err().message();
            assert!(message.starts_with("HTTPS_PROXY is"), "{message}");
            assert!(!message.contains("canary"), "{message}");
        }
    }

    #[test]
    fn each_scheme_has_its_variable() {
        let environment = Environment::new([("HTTP_PROXY", "h:1"), ("ALL_PROXY", "socks5://h")]);
        let is_direct = |url| {
            from_environment(&environment, Some(url), &KnownSecrets::default())
                .unwrap()
                .is_disabled()
        };
        assert!(is_direct("https://sts.example.test"));
        assert!(!is_direct("http://sts.example.test"));
    }

    #[test]
    fn lower_case_comes_first_and_blank_switches_off() {
        let (low, up) = (("https_proxy", "low"), ("HTTPS_PROXY", "up"));
        assert_eq!(
            chosen(&[up, low]),
            Some(("https_proxy", "http://low".into()))
        );
        assert_eq!(chosen(&[up]), Some(("HTTPS_PROXY", "http://up".into())));
        assert_eq!(chosen(&[up, ("https_proxy", "")]), None);
        assert_eq!(chosen(&[up, ("https_proxy", " ")]), None);
        assert!(chosen(&[low, ("HTTPS_PROXY", "")]).is_some());
        assert_eq!(chosen(&[up, ("NO_PROXY", "*")]), None);
        assert!(chosen(&[up, ("NO_PROXY", "*"), ("no_proxy", "")]).is_some());
        assert!(chosen(&[up, ("NO_PROXY", "*"), ("no_proxy", "other.test")]).is_some());
    }

    #[test]
    fn exceptions_come_before_the_url_is_judged() {
        let bad = ("HTTPS_PROXY", "socks5://127.0.0.1:1080");
        assert_eq!(chosen(&[bad, ("NO_PROXY", ".amazonaws.com")]), None);
        assert!(named(&Environment::new([bad, ("NO_PROXY", "other.test")]), STS).is_err());
        assert!(
            named(&Environment::new([bad, ("NO_PROXY", "*")]), None)
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn user_and_password_end_at_the_last_at_sign() {
        for (written, read) in [
            (
                "http://dom%5Cuser:p@ss@proxy:3128",
                "http://dom%5Cuser:p%40ss@proxy:3128",
            ),
            (
                "dom\\user:p/s?s#@proxy",
                "http://dom%5Cuser:p%2Fs%3Fs%23@proxy",
            ),
            ("http://u:p%40ss:x@proxy/", "http://u:p%40ss:x@proxy/"),
            (
                "http://ü:pässword [1]@proxy",
                "http://%C3%BC:p%C3%A4ssword%20%5B1%5D@proxy",
            ),
            ("HTTPS://proxy:8443", "https://proxy:8443"),
        ] {
            assert_eq!(proxy_url(written).as_deref(), Some(read));
        }
    }
}
