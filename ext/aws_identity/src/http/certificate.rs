//! What is wrong with a server's certificate, in words, and what to do about it.

use crate::util::time::{Millis, format_iso8601};
use rustls::{
    AlertDescription, CertificateError, Error as TlsError,
    pki_types::{ServerName, UnixTime},
};

/// Why TLS does not trust a server. Each has a remedy of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateProblem {
    /// No trusted authority has signed it.
    UnknownAuthority,
    /// It is for another host.
    OtherName,
    /// It has expired, or is not valid yet.
    Dates,
    /// It, or the handshake, needs an algorithm that this client does not have.
    Algorithm,
    /// It is one of an authority (`CA:TRUE`), and the server shows it as its own.
    AuthorityAsServer,
    Other,
}

impl CertificateProblem {
    /// The problem that `error` reports and what it is in words; `None` where it is not about certificates
    /// or algorithms.
    pub(super) fn of(error: &TlsError) -> Option<(Self, String)> {
        Some(match error {
            TlsError::InvalidCertificate(error) => of_certificate(error),
            TlsError::NoCertificatesPresented => {
                (Self::Other, "the server shows no certificate".into())
            }
            TlsError::PeerIncompatible(why) => (
                Self::Algorithm,
                format!(
                    "the server's certificate or TLS version does not go with this client's algorithms ({why:?})"
                ),
            ),
            TlsError::AlertReceived(
                alert @ (AlertDescription::HandshakeFailure
                | AlertDescription::ProtocolVersion
                | AlertDescription::InsufficientSecurity),
            ) => (
                Self::Algorithm,
                format!(
                    "the server ended the handshake ({alert:?}): its certificate or TLS version needs an algorithm that this client does not have"
                ),
            ),
            _ => return None,
        })
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::UnknownAuthority => {
                "Set AWS_CA_BUNDLE or ca_bundle to a file with the certificate of the authority that signed it (a proxy that looks into TLS has its own)."
            }
            Self::OtherName => {
                "Check the endpoint and what answers there; a VPC endpoint is called by the names in its certificate."
            }
            Self::Dates => {
                "Check this machine's clock; if it is right, the server needs a new certificate."
            }
            Self::Algorithm => {
                "The server needs TLS 1.3, or 1.2 with ECDHE and AES-GCM, and certificates with keys of RSA (2048 bits or more), P-256, P-384 or Ed25519, signed with SHA-256, SHA-384 or SHA-512."
            }
            Self::AuthorityAsServer => {
                "Make the server one without CA:TRUE and put that into the bundle: `openssl req -x509 -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:NAME ...`; or sign one for the server with this authority."
            }
            Self::Other => {
                "Have the certificate of the server, or of the proxy that looks into TLS, made anew."
            }
        }
    }
}

fn of_certificate(error: &CertificateError) -> (CertificateProblem, String) {
    use CertificateProblem as P;
    match error {
        CertificateError::UnknownIssuer => (
            P::UnknownAuthority,
            "the server's certificate is signed by an authority that is not trusted".into(),
        ),
        CertificateError::BadSignature => (
            P::UnknownAuthority,
            "the server's certificate is signed by another key than that of the trusted authority of this name, or by an RSA key under 2048 bits".into(),
        ),
        CertificateError::NotValidForName => {
            (P::OtherName, "the server's certificate is for another name".into())
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            (P::OtherName, other_name(expected, presented))
        }
        CertificateError::Expired => (P::Dates, "the server's certificate has expired".into()),
        CertificateError::ExpiredContext { time, not_after } => (
            P::Dates,
            format!("the server's certificate expired at {}; this machine's clock says {}", shown(*not_after), shown(*time)),
        ),
        CertificateError::NotValidYet => {
            (P::Dates, "the server's certificate is not valid yet".into())
        }
        CertificateError::NotValidYetContext { time, not_before } => (
            P::Dates,
            format!("the server's certificate is valid from {}; this machine's clock says {}", shown(*not_before), shown(*time)),
        ),
        #[allow(deprecated)] // rustls still makes it where its verifier gives no details
        CertificateError::UnsupportedSignatureAlgorithm
        | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (
            P::Algorithm,
            "the server's certificate, or one above it, is signed with an algorithm that this client cannot check".into(),
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            (P::Other, "the server's certificate is not one for servers (extendedKeyUsage)".into())
        }
        // rustls 0.23 has no variant for it, and its own error prints as its name.
        CertificateError::Other(error) if error.to_string() == "CaUsedAsEndEntity" => (
            P::AuthorityAsServer,
            "the server shows an authority's certificate (CA:TRUE) as its own, as `openssl req -x509` makes it".into(),
        ),
        other => (P::Other, format!("the server's certificate cannot be used: {other}")),
    }
}

fn other_name(expected: &ServerName<'_>, presented: &[String]) -> String {
    const MOST: usize = 5;
    // They are given as `DnsName("example.com")` and `IpAddress(127.0.0.1)`.
    let names: Vec<_> = presented
        .iter()
        .take(MOST)
        .map(|name| {
            name.split_once('(')
                .map_or(name.as_str(), |(_, name)| name.trim_end_matches(')'))
                .trim_matches('"')
        })
        .collect();
    let names = match names[..] {
        [] => String::from("no name at all (its subjectAltName counts, not its CN)"),
        _ => names.join(", ") + if presented.len() > MOST { ", ..." } else { "" },
    };
    format!(
        "the server's certificate is for {names}, not for {}",
        expected.to_str()
    )
}

fn shown(time: UnixTime) -> String {
    format_iso8601(
        Millis::try_from(time.as_secs())
            .unwrap_or(Millis::MAX)
            .saturating_mul(1000),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_times_are_in_the_words() {
        let expected = ServerName::try_from("sts.example.test").unwrap();
        let presented = [
            "DnsName(\"*.a.test\")".to_owned(),
            "IpAddress(10.0.0.5)".to_owned(),
        ];
        let words = other_name(&expected, &presented);
        assert!(
            words.ends_with("is for *.a.test, 10.0.0.5, not for sts.example.test"),
            "{words}"
        );
        assert!(
            other_name(&expected, &vec![presented[0].clone(); 6]).contains("*.a.test, ..., not")
        );
        assert!(other_name(&expected, &[]).contains("no name at all"));

        let time = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let error = CertificateError::ExpiredContext {
            time: time(86_400),
            not_after: time(1),
        };
        let (problem, words) = of_certificate(&error);
        assert_eq!(problem, CertificateProblem::Dates);
        assert!(
            words.contains("expired at 1970-01-01T00:00:01Z; this machine's clock says 1970-01-02"),
            "{words}"
        );
    }
}
