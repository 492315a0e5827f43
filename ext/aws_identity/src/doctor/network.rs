//! The network to STS: its address, the proxy, the name server, the authorities, the answer, the
//! clock.

use super::{CHECK_LIMIT, Exam, finding::Finding};
use crate::{
    credentials::Millis,
    failure::{Failure, Kind},
    http::{self, HttpError},
    util::foreign_text,
};
use std::{net::IpAddr, time::Instant};

const CHECK: &str = "network";
/// AWS refuses signatures of a clock that is this far off.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html>
const REFUSED_SKEW: Millis = 300_000;
/// A clock that is this far off deserves a warning.
const SUSPECT_SKEW: Millis = 30_000;

impl Exam<'_> {
    /// True if STS can be reached.
    pub(super) async fn network(&mut self) -> bool {
        let address = match self.fetch.endpoint() {
            Ok(endpoint) => endpoint.address().await.map(|url| (endpoint.clone(), url)),
            Err(failure) => Err(failure.clone()),
        };
        let (endpoint, address) = match address {
            Ok(found) => found,
            Err(failure) => {
                self.findings
                    .push(Finding::failed(CHECK, "endpoint", &failure));
                return false;
            }
        };
        let url = address.expose();
        let shown = http::shown_url(url);
        let how = match &endpoint.url {
            Some(_) => String::from("as configured"),
            None => [format!("of region {}", endpoint.region)]
                .into_iter()
                .chain(endpoint.switches().into_iter().map(String::from))
                .collect::<Vec<_>>()
                .join(", "),
        };
        let found = Finding::ok(CHECK, "endpoint", format!("{shown} ({how})"))
            .detail("url", shown.as_str())
            .detail("region", endpoint.region.as_str());
        self.findings.push(found);

        let proxy = match self.proxy(url) {
            Ok(proxy) => proxy,
            Err(failure) => {
                let found = Finding::failed(CHECK, "proxy", &failure);
                self.findings.push(found);
                return false;
            }
        };
        let first = proxy.as_deref().unwrap_or(url);
        let remedy = match &proxy {
            Some(_) => String::from("Check the proxy's name and the name server."),
            None => endpoint.name_remedy(),
        };
        if !self.names(first, &remedy).await {
            // Only the name is reported as a failure, since the other checks need its address.
            for (name, why) in [
                ("answer", "its name cannot be looked up, see dns"),
                ("tls", "there was no answer"),
                ("clock", "there was no answer to compare it with"),
            ] {
                self.findings.push(Finding::skipped(CHECK, name, why));
            }
            return false;
        }
        self.answer(url, &shown, proxy.as_deref()).await
    }

    /// The address of the proxy, if there is one.
    fn proxy(&mut self, url: &str) -> Result<Option<String>, Failure> {
        let Some((variable, address)) = self.fetch.http().proxy_of(Some(url))? else {
            let found = Finding::skipped(CHECK, "proxy", "none for this endpoint");
            self.findings.push(found);
            return Ok(None);
        };
        let except = self.fetch.http().proxy_exceptions();
        let except = except.map_or(String::new(), |(name, hosts)| {
            format!(", but for the hosts of {name}={hosts}")
        });
        let what = format!("{address} ({variable}{except})");
        let found = Finding::ok(CHECK, "proxy", what).detail("url", address.as_str());
        self.findings.push(found);
        Ok(Some(address))
    }

    /// True if the name of the proxy or of STS has an address.
    async fn names(&mut self, url: &str, remedy: &str) -> bool {
        let host = http::host(url).unwrap_or_default();
        if host.parse::<IpAddr>().is_ok() {
            let what = format!("{host} is an address, no name");
            self.findings.push(Finding::skipped(CHECK, "dns", what));
            return true;
        }
        let start = Instant::now();
        let asked = self.within(CHECK_LIMIT, async {
            let found = self.fetch.http().look_up(&host).await;
            found.map_err(|why| Failure::new(Kind::Connection, why, remedy))
        });
        let (found, is_known) = match asked.await {
            Ok(addresses) => {
                let list: Vec<_> = addresses.iter().map(ToString::to_string).collect();
                let what = format!("{host} is {}", list.join(", "));
                (Finding::ok(CHECK, "dns", what), true)
            }
            Err(failure) => {
                let found = Finding::failure(CHECK, "dns", failure.cause, remedy);
                (found, false)
            }
        };
        self.findings.push(found.since(start));
        is_known
    }

    /// Sends one request without a signature: any answer shows that STS can be reached, and its
    /// time.
    async fn answer(&mut self, url: &str, shown: &str, proxy: Option<&str>) -> bool {
        let is_tls = url.starts_with("https:");
        let start = Instant::now();
        let asked = self.within(CHECK_LIMIT, async {
            let client = self.fetch.http().plain(url)?;
            Ok(client.send("GET", url, &[]).await)
        });
        let route = proxy.map_or(String::new(), |proxy| format!(" through the proxy {proxy}"));
        let (found, is_reached) = match asked.await {
            Ok(Ok(reply)) if reply.status == 407 && proxy.is_some() => {
                (refused_by_proxy(proxy.unwrap_or_default()), false)
            }
            Ok(Ok(reply)) => {
                let what = format!("{shown} answers{route} (HTTP {})", reply.status);
                (Finding::ok(CHECK, "answer", what), true)
            }
            Ok(Err(error)) => (unreached(shown, &route, proxy, &error), false),
            Err(failure) => (Finding::failed(CHECK, "answer", &failure), false),
        };
        let is_tls_failure = found.name == "tls";
        self.findings.push(found.since(start));
        if is_tls && is_reached {
            let what = format!("trusted by {}", self.fetch.http().roots());
            self.findings.push(Finding::ok(CHECK, "tls", what));
        } else if is_tls_failure && let Some(last) = self.findings.last_mut() {
            last.what = format!("{} Trusted are: {}.", last.what, self.fetch.http().roots());
        } else {
            self.findings.push(without_tls(url, is_tls));
        }
        self.clock(is_reached);
        is_reached
    }

    fn clock(&mut self, is_reached: bool) {
        let found = match self.fetch.http().clock_offset() {
            Some(offset) => clock(offset),
            None if is_reached => Finding::skipped(
                CHECK,
                "clock",
                "the answer does not say what time it is there",
            ),
            None => Finding::skipped(CHECK, "clock", "there was no answer to compare it with"),
        };
        self.findings.push(found);
    }
}

/// Why the certificate was not looked at.
fn without_tls(url: &str, is_tls: bool) -> Finding {
    match http::plain_warning(url) {
        Some(warning) => Finding::warning(CHECK, "tls", warning.cause, warning.remedy),
        None if is_tls => Finding::skipped(CHECK, "tls", "there was no answer"),
        None => Finding::skipped(CHECK, "tls", "plain HTTP"),
    }
}

fn clock(offset: Millis) -> Finding {
    let seconds = offset.abs() / 1000;
    // A positive offset says that STS's clock is ahead.
    let direction = if offset > 0 { "behind" } else { "ahead of" };
    let what = format!(
        "this machine's clock is {} {direction} STS's",
        spoken(seconds)
    );
    let remedy = "Set the clock and keep it set: `timedatectl set-ntp true`, or start chronyd; in a container or virtual machine set the host's.";
    let found = match offset.abs() {
        0 => Finding::ok(CHECK, "clock", "this machine's clock and STS's agree"),
        ..SUSPECT_SKEW => Finding::ok(CHECK, "clock", what),
        SUSPECT_SKEW..REFUSED_SKEW => Finding::warning(CHECK, "clock", what, remedy),
        _ => {
            let what = format!("{what}; AWS refuses what is signed more than 5 minutes off");
            Finding::failure(CHECK, "clock", what, remedy)
        }
    };
    found.detail("offset_seconds", -offset / 1000)
}

fn spoken(seconds: Millis) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", (seconds + 30) / 60),
        _ => format!(
            "{:.1} h",
            f64::from(i32::try_from(seconds).unwrap_or(i32::MAX)) / 3600.0
        ),
    }
}

fn refused_by_proxy(proxy: &str) -> Finding {
    Finding::failure(
        CHECK,
        "proxy",
        format!("the proxy {proxy} refuses us: it wants a user and a password, or other ones"),
        "Put them into the proxy's URL (http://user:password@host:port), or except STS from the proxy with NO_PROXY.",
    )
}

fn unreached(shown: &str, route: &str, proxy: Option<&str>, error: &HttpError) -> Finding {
    let why = error.why();
    let what = format!(
        "{shown} cannot be reached{route}: {}.",
        foreign_text::shown(why)
    );
    if let HttpError::Certificate(problem, _) = error {
        return Finding::failure(CHECK, "tls", what, problem.remedy());
    }
    match proxy {
        Some(proxy) if why.to_lowercase().contains("proxy auth") => refused_by_proxy(proxy),
        Some(proxy) => Finding::failure(
            CHECK,
            "proxy",
            what,
            format!(
                "Check that the proxy {proxy} runs and lets us through to this host; or except STS from it with NO_PROXY."
            ),
        ),
        None => Finding::failure(
            CHECK,
            "answer",
            what,
            "Check the network, the firewall and the endpoint. Where the way out is a proxy, set HTTPS_PROXY.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{doctor::Status, http::CertificateProblem};

    #[test]
    fn five_minutes_are_too_much_for_a_clock() {
        for (offset, status, word) in [
            (0, Status::Ok, "agree"),
            (29_000, Status::Ok, "29 s behind"),
            (-31_000, Status::Warn, "31 s ahead of"),
            (299_000, Status::Warn, "5 min behind"),
            (-3_600_000, Status::Fail, "60 min ahead of"),
            (-86_400_000, Status::Fail, "24.0 h ahead of"),
        ] {
            let found = clock(offset);
            assert_eq!(found.status, status, "{offset}");
            assert!(found.what.contains(word), "{}", found.what);
            assert_eq!(found.remedy.is_some(), status != Status::Ok);
        }
    }

    #[test]
    fn plain_http_to_another_machine_is_a_warning() {
        for (url, status) in [
            ("http://10.0.0.5:8080", Status::Warn),
            ("http://sts.example.test", Status::Warn),
            ("http://localhost:4566", Status::Skipped),
            ("https://sts.example.test", Status::Skipped),
        ] {
            assert_eq!(
                without_tls(url, url.starts_with("https")).status,
                status,
                "{url}"
            );
        }
    }

    #[test]
    fn silence_has_a_culprit() {
        let broken = |why: &str| HttpError::Connection(why.to_owned());
        let untrusted = HttpError::Certificate(CertificateProblem::OtherName, "another".into());
        let proxy = Some("http://proxy:3128");
        for (silence, proxy, culprit) in [
            (untrusted, proxy, "tls"),
            (
                broken("tunnel error: proxy authorization required"),
                proxy,
                "proxy",
            ),
            (broken("Connection refused"), proxy, "proxy"),
            (broken("Connection refused"), None, "answer"),
            (HttpError::Timeout, None, "answer"),
        ] {
            let found = unreached("https://sts", "", proxy, &silence);
            assert_eq!(found.name, culprit, "{silence:?}");
            assert!(found.remedy.is_some());
        }
    }
}
