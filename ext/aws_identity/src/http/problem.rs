//! Why a connection could not be made, read from the types of its errors.

use aws_smithy_runtime_api::client::dns::ResolveDnsError;
use rustls::Error as TlsError;
use std::{error::Error, io, iter};

/// What stood in the way of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionProblem {
    /// The server's certificate is not trusted.
    Certificate,
    /// Its name could not be looked up.
    Name,
    Other,
}

impl ConnectionProblem {
    /// The problem that `error`, or an error it wraps, reports.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        for error in causes(error) {
            if error.is::<ResolveDnsError>() {
                return Self::Name;
            }
            if let Some(TlsError::InvalidCertificate(_) | TlsError::NoCertificatesPresented) =
                error.downcast_ref()
            {
                return Self::Certificate;
            }
        }
        Self::Other
    }

    /// What to do about it where the request was for STS.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Certificate => {
                "Set AWS_CA_BUNDLE or ca_bundle to the authority that signed it, and check the clock."
            }
            Self::Name => "Check the region's name, the endpoint and the name server.",
            Self::Other => "Check the network, proxy and endpoint.",
        }
    }
}

/// True where TLS itself failed, such as for a certificate that is not trusted: another try ends the same.
pub fn is_tls_refusal(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(<dyn Error>::is::<TlsError>)
}

/// True if `error`, or an error it wraps, is of the operating system and of this kind.
pub(super) fn has_kind(error: &(dyn Error + 'static), kind: io::ErrorKind) -> bool {
    causes(error)
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .any(|error| error.kind() == kind)
}

/// `error` and every error it wraps.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error: &&'a (dyn Error + 'static)| {
        // `source` of an `io::Error` passes over the error within it.
        let within = error
            .downcast_ref::<io::Error>()
            .and_then(|error| error.get_ref())
            .map(|within| within as &(dyn Error + 'static));
        within.or_else(|| error.source())
    })
}

/// The innermost reason: the outer ones only say that a connection failed.
pub fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::CertificateError;

    #[test]
    fn each_problem_is_recognized_by_its_type() {
        let certificate = TlsError::InvalidCertificate(CertificateError::UnknownIssuer);
        let name = ResolveDnsError::new(io::Error::other("nope"));
        for (error, problem, remedy) in [
            (
                io::Error::other(certificate),
                ConnectionProblem::Certificate,
                "AWS_CA_BUNDLE",
            ),
            (
                io::Error::other(name),
                ConnectionProblem::Name,
                "name server",
            ),
            (
                io::Error::from(io::ErrorKind::ConnectionRefused),
                ConnectionProblem::Other,
                "proxy",
            ),
        ] {
            let found = ConnectionProblem::of(&error);
            assert_eq!(found, problem);
            assert!(found.remedy().contains(remedy));
        }
    }
}
