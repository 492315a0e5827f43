//! `NO_PROXY`: which hosts are asked without a proxy, by botocore's rules, and CIDR blocks.

use super::endpoint;
use ipnet::IpNet;
use std::net::IpAddr;

/// True where one of the comma-separated `rules` matches `url`. Of an unknown URL only `*` does.
pub(super) fn is_excepted(rules: &str, url: Option<&str>) -> bool {
    let target = url.and_then(Target::of);
    rules
        .split(',')
        .map(str::trim)
        .any(|rule| rule == "*" || target.as_ref().is_some_and(|target| target.matches(rule)))
}

/// Where a request goes, as its URL is written.
struct Target {
    /// In lower case, IPv6 without brackets.
    host: String,
    address: Option<IpAddr>,
    port: Option<u16>,
}

impl Target {
    fn of(url: &str) -> Option<Self> {
        let host = endpoint::host(url)?.to_ascii_lowercase();
        Some(Self {
            address: host.parse().ok(),
            port: endpoint::port(url),
            host,
        })
    }

    /// A name matches itself and what is below it; with a port, only a URL that names this port.
    fn matches(&self, rule: &str) -> bool {
        if let (Ok(block), Some(address)) = (rule.parse::<IpNet>(), self.address) {
            return block.contains(&address);
        }
        let (name, port) = split_port(rule);
        if port.is_some_and(|port| self.port.is_none_or(|own| port.parse() != Ok(own))) {
            return false;
        }
        if let (Ok(rule), Some(address)) = (name.parse::<IpAddr>(), self.address) {
            return rule == address;
        }
        let name = name.trim_start_matches('.').to_ascii_lowercase();
        let above = self.host.strip_suffix(&name);
        !name.is_empty() && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
    }
}

/// `host`, `host:port`, `::1`, `[::1]` or `[::1]:port`.
fn split_port(rule: &str) -> (&str, Option<&str>) {
    if let Some((address, port)) = rule.strip_prefix('[').and_then(|rule| rule.split_once(']')) {
        return (address, port.strip_prefix(':'));
    }
    match rule.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => (name, Some(port)),
        _ => (rule, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python's `proxy_bypass_environment`, which botocore asks, answers the same, but for CIDR blocks,
    /// IPv6 without brackets, and `*` beside other rules.
    #[test]
    fn rules_match_as_in_botocore() {
        for (rule, url, is_matched) in [
            ("*", "https://sts.amazonaws.com", true),
            ("*", "http://10.0.0.5:8080", true),
            ("a.test, *", "http://10.0.0.5", true),
            ("sts.amazonaws.com", "https://sts.amazonaws.com/", true),
            ("amazonaws.com", "https://sts.amazonaws.com", true),
            (".amazonaws.com", "https://sts.amazonaws.com", true),
            (".AmazonAWS.com", "https://STS.amazonaws.COM", true),
            ("..amazonaws.com", "https://sts.amazonaws.com", true),
            (".amazonaws.com", "https://amazonaws.com", true),
            ("*.amazonaws.com", "https://sts.amazonaws.com", false),
            ("aws.com", "https://sts.amazonaws.com", false),
            ("a.test,, b.test ,", "https://b.test", true),
            ("", "https://b.test", false),
            (".", "https://b.test", false),
            ("10.0.0.5", "http://10.0.0.5:8080", true),
            ("10.0.0.5:8080", "http://10.0.0.5:8080", true),
            ("10.0.0.5:8081", "http://10.0.0.5:8080", false),
            ("10.0.0.5:80", "http://10.0.0.5", false),
            ("b.test:443", "https://sts.b.test:443", true),
            ("b.test:443", "https://sts.b.test", false),
            ("b.test:x", "https://b.test", false),
            ("10.0.0.0/8", "http://10.0.0.5:8080", true),
            ("10.0.0.0/8", "http://11.0.0.5", false),
            ("10.0.0.0/8", "http://10.0.0.5.test", false),
            ("10.0.0.50", "http://10.0.0.5", false),
            ("fd00::5", "http://[fd00::5]:8080", true),
            ("[fd00::5]", "http://[fd00:0::5]", true),
            ("[fd00::5]:8080", "http://[fd00::5]:8080", true),
            ("[fd00::5]:8080", "http://[fd00::5]", false),
            ("fd00::/8", "http://[fd00::5]", true),
        ] {
            assert_eq!(is_excepted(rule, Some(url)), is_matched, "{rule} {url}");
        }
        assert!(is_excepted("*", None) && !is_excepted("amazonaws.com", None));
    }
}
