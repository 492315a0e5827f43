//! Why a connection could not be made, read from the types of its errors.

use super::certificate::CertificateProblem;
use crate::util::system_error;
use aws_smithy_runtime_api::client::dns::ResolveDnsError;
use rustls::Error as TlsError;
use std::{error::Error, io, iter};

/// What stood in the way of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionProblem {
    /// TLS does not trust the server, or has no algorithm in common with it.
    Certificate(CertificateProblem),
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
            if let Some((problem, _)) = error.downcast_ref().and_then(CertificateProblem::of) {
                return Self::Certificate(problem);
            }
        }
        Self::Other
    }

    /// What to do about it where the request was for STS, and went to no proxy.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Certificate(problem) => problem.remedy(),
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

/// The innermost reason: the outer ones only say that a connection failed. What is wrong with a certificate is
/// put into words, since TLS names it by the names of its own types.
pub fn root_cause(error: &(dyn Error + 'static)) -> String {
    let in_words = causes(error)
        .filter_map(|error| error.downcast_ref::<TlsError>())
        .find_map(CertificateProblem::of);
    match in_words {
        Some((_, words)) => words,
        None => causes(error).last().map_or_else(String::new, |error| {
            system_error::without_number(&error.to_string()).to_owned()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::CertificateError;

    #[test]
    fn an_error_of_the_system_is_said_without_its_number() {
        let refused = io::Error::other(io::Error::from_raw_os_error(111));
        assert_eq!(root_cause(&refused), "Connection refused");
    }

    #[test]
    fn each_problem_is_recognized_by_its_type() {
        let certificate = TlsError::InvalidCertificate(CertificateError::UnknownIssuer);
        let name = ResolveDnsError::new(io::Error::other("nope"));
        for (error, problem, remedy, cause) in [
            (
                io::Error::other(io::Error::new(io::ErrorKind::InvalidData, certificate)),
                ConnectionProblem::Certificate(CertificateProblem::UnknownAuthority),
                "AWS_CA_BUNDLE",
                "authority that is not trusted",
            ),
            (
                io::Error::other(name),
                ConnectionProblem::Name,
                "name server",
                "nope",
            ),
            (
                io::Error::from(io::ErrorKind::ConnectionRefused),
                ConnectionProblem::Other,
                "proxy",
                "refused",
            ),
        ] {
            let found = ConnectionProblem::of(&error);
            assert_eq!(found, problem);
            assert!(found.remedy().contains(remedy));
            assert!(root_cause(&error).contains(cause), "{}", root_cause(&error));
        }
    }
}
