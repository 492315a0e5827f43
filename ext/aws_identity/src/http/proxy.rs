//! The proxy the environment names.
//!
//! Read here and not by `ProxyConfig::from_env` of aws-smithy-http-client 1.5.2: that reads the process's
//! environment when a request is made, on a thread of a fetch, while Ruby may be changing it; a session
//! goes by the environment as it was when it was made.

use super::endpoint;
use crate::{environment::Environment, failure::Failure};
use aws_smithy_http_client::proxy::ProxyConfig;

/// `HTTPS_PROXY` for TLS, `HTTP_PROXY` for plain endpoints, else `ALL_PROXY`; lower case first, as
/// curl and botocore read them. `NO_PROXY` excepts hosts.
pub(super) fn from_environment(
    environment: &Environment,
    plain: bool,
) -> Result<ProxyConfig, Failure> {
    let Some((name, url)) = chosen(environment, plain)? else {
        return Ok(ProxyConfig::disabled());
    };
    let proxy = if plain {
        ProxyConfig::http(url.as_str())
    } else {
        ProxyConfig::https(url.as_str())
    };
    let proxy = proxy.map_err(|_| wrong(name, &url))?;
    Ok(match environment.first(&["no_proxy", "NO_PROXY"]) {
        Some((_, rules)) => proxy.no_proxy(rules),
        None => proxy,
    })
}

/// The variable that names the proxy, and its URL without user and password.
pub(super) fn named(
    environment: &Environment,
    plain: bool,
) -> Result<Option<(&'static str, String)>, Failure> {
    let chosen = chosen(environment, plain)?;
    Ok(chosen.map(|(name, url)| (name, endpoint::without_userinfo(&url))))
}

fn chosen(
    environment: &Environment,
    plain: bool,
) -> Result<Option<(&'static str, String)>, Failure> {
    let names: &[&'static str] = if plain {
        &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
    } else {
        &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    };
    let Some((name, value)) = environment.first(names) else {
        return Ok(None);
    };
    let url = if value.contains("://") {
        value.to_owned()
    } else {
        format!("http://{value}")
    };
    if endpoint::host(&url).is_none() {
        return Err(wrong(name, value));
    }
    Ok(Some((name, url)))
}

fn wrong(name: &str, value: &str) -> Failure {
    Failure::configuration(
        format!(
            "{name} is {:?}, which is not the URL of an HTTP proxy.",
            endpoint::without_userinfo(value)
        ),
        "It looks like http://proxy.example.com:3128.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_proxy_is_named_without_its_password() {
        let environment = Environment::new([("HTTPS_PROXY", "socks5://u:canary@h")]);
        let failure = from_environment(&environment, false).unwrap_err();
        assert!(
            failure.message().starts_with("HTTPS_PROXY is"),
            "{}",
            failure.message()
        );
        assert!(
            !failure.message().contains("canary"),
            "{}",
            failure.message()
        );
    }

    #[test]
    fn each_scheme_has_its_variable() {
        let environment = Environment::new([("HTTP_PROXY", "h:1")]);
        assert!(from_environment(&environment, false).unwrap().is_disabled());
        assert!(!from_environment(&environment, true).unwrap().is_disabled());
    }
}
