//! Plain HTTP to another machine.

use super::{Http, endpoint};
use crate::failure::Warning;
use std::{net::IpAddr, sync::PoisonError};

/// The metadata and container services, which have no TLS and are not behind a network.
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>
const SERVICES: [&str; 5] = [
    "169.254.169.254",
    "fd00:ec2::254",
    "169.254.170.2",
    "169.254.170.23",
    "fd00:ec2::23",
];

impl Http {
    /// What the user should correct about the places that were asked, for the log.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let warnings = self.warnings.lock();
        warnings.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn note_plain(&self, url: &str) {
        if let Some(warning) = plain_warning(url) {
            let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
            warnings.push(warning.to_string());
        }
    }
}

/// The warning about a `url` over plain HTTP whose host is neither this machine nor one of AWS's
/// metadata and container services. Private addresses and names count as another machine.
#[must_use]
pub fn plain_warning(url: &str) -> Option<Warning> {
    if !endpoint::is_plain(url) || endpoint::is_loopback(url) {
        return None;
    }
    let address = endpoint::host(url)?.parse::<IpAddr>().ok();
    let is_service = |address| {
        SERVICES
            .iter()
            .any(|service| service.parse() == Ok(address))
    };
    if address.is_some_and(is_service) {
        return None;
    }
    Some(Warning {
        cause: format!(
            "{} is plain HTTP: tokens and credentials go to another machine unencrypted.",
            endpoint::shown(url)
        ),
        remedy: "Use https, or an endpoint on this machine.".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_warned_about() {
        for url in [
            "http://192.0.2.2:8080",
            "http://10.0.0.5",
            "http://sts.example.test",
            "http://u:canary@sts",
            "http://[fd00:ec2::24]",
            "http://127.0.0.1.example.test",
        ] {
            let warning = plain_warning(url).unwrap().to_string();
            assert!(
                warning.contains("plain HTTP") && !warning.contains("canary"),
                "{warning}"
            );
        }
        for url in [
            "https://192.0.2.2",
            "http://localhost:4566",
            "http://127.9.9.9",
            "http://[::1]:1",
            "http://169.254.169.254/latest",
            "http://[fd00:ec2::254]",
            "http://[fd00:0ec2:0::23]/v1/credentials",
            "http://169.254.170.2",
            "http://169.254.170.23",
        ] {
            assert_eq!(plain_warning(url), None, "{url}");
        }
    }
}
