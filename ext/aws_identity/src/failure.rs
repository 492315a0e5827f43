//! What went wrong, in words a user can act on. Never holds a secret.

use crate::attempt::Attempt;
use std::fmt;

/// The one way a verb of this crate fails.
///
/// Printed, it is the cause and then the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: Kind,
    /// What happened and what was tried, as sentences.
    pub cause: String,
    /// What to do next, as sentences.
    pub remedy: String,
    /// Whether the source answered. False where there was no network, no name, no connection, or no
    /// answer in time, and where nothing was sent.
    pub reached: bool,
    /// The service's error code, such as `AccessDenied`.
    pub code: Option<String>,
    /// The HTTP status of the answer, where there was one.
    pub status: Option<u16>,
    /// The service's request id, for a support case.
    pub request_id: Option<String>,
    /// The access key id that signed the request, if AWS refused the key itself.
    pub refused_key: Option<String>,
    /// The sources that were asked before it failed, in order.
    pub attempts: Vec<Attempt>,
}

/// The kinds of failure; the binding has one exception class for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An option that does not exist.
    Argument,
    /// An option, setting, environment variable or profile is wrong or incomplete.
    Configuration,
    /// A `credential_process` reads the profile it belongs to. Raised as a configuration error.
    ProcessLoop,
    /// A setting still holds an unresolved `vault://`, `lease://` or `env://` reference.
    NotReady,
    /// A source is configured or present, and gave no credentials.
    NoCredentials,
    /// Nothing is configured, and IMDS is disabled, refused or silent.
    NotOnAws,
    /// The service answered and refused.
    AccessDenied,
    /// The service asked us to slow down.
    Throttled,
    /// The service answered with another error, or with something we cannot read.
    Service,
    /// The service could not be reached at all, or there was no room for the request.
    Connection,
    /// No answer came inside the deadline.
    Timeout,
    /// A defect of ours.
    Internal,
}

/// Something the user should correct although it stops nothing.
///
/// Printed, it is the cause and then the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub cause: String,
    pub remedy: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.cause, self.remedy)
    }
}

impl Kind {
    /// Every kind, for tables that must be complete.
    pub const ALL: [Self; 12] = [
        Self::Argument,
        Self::Configuration,
        Self::ProcessLoop,
        Self::NotReady,
        Self::NoCredentials,
        Self::NotOnAws,
        Self::AccessDenied,
        Self::Throttled,
        Self::Service,
        Self::Connection,
        Self::Timeout,
        Self::Internal,
    ];
}

impl Failure {
    pub fn new(kind: Kind, cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            kind,
            cause: cause.into(),
            remedy: remedy.into(),
            reached: matches!(kind, Kind::AccessDenied | Kind::Throttled | Kind::Service),
            code: None,
            status: None,
            request_id: None,
            refused_key: None,
            attempts: Vec::new(),
        }
    }

    pub fn configuration(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Kind::Configuration, cause, remedy)
    }

    pub fn no_credentials(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Kind::NoCredentials, cause, remedy)
    }

    pub fn timeout(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Kind::Timeout, cause, remedy)
    }

    pub fn internal(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Kind::Internal, cause, remedy)
    }

    /// Cause and remedy, as a user reads them.
    #[must_use]
    pub fn message(&self) -> String {
        self.to_string()
    }

    /// The same failure, of a source that answered.
    #[must_use]
    pub fn answered(mut self) -> Self {
        self.reached = true;
        self
    }

    /// The same failure of a request that this key signed, marked if AWS refused the key.
    #[must_use]
    pub fn signed_by(mut self, access_key_id: &str) -> Self {
        self.refused_key = self.refuses_key().then(|| access_key_id.to_owned());
        self
    }

    /// True where AWS refused the key that signed the request: it has expired, is not known, or its
    /// secret is another one.
    ///
    /// The codes are those after which the AWS SDKs ask their source again. A signature that is
    /// refused for its time says nothing of the key.
    #[must_use]
    pub fn refuses_key(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default();
        match code.strip_suffix("Exception").unwrap_or(code) {
            "ExpiredToken"
            | "InvalidAccessKeyId"
            | "InvalidClientTokenId"
            | "InvalidSubjectCredentials"
            | "InvalidToken"
            | "UnrecognizedClient" => true,
            "SignatureDoesNotMatch" => !["Signature expired", "not yet current"]
                .iter()
                .any(|words| self.cause.contains(words)),
            _ => false,
        }
    }

    /// The same failure with `context` said before its cause.
    #[must_use]
    pub fn within(mut self, context: &str) -> Self {
        self.cause = format!("{context}: {}", self.cause);
        self
    }

    /// The same failure with what else there is to say of it: causes and remedies go behind its own.
    #[must_use]
    pub fn with_notes<'a>(mut self, notes: impl IntoIterator<Item = &'a Warning>) -> Self {
        for note in notes {
            for (text, more) in [
                (&mut self.cause, &note.cause),
                (&mut self.remedy, &note.remedy),
            ] {
                if !text.contains(more.as_str()) {
                    let space = if text.is_empty() { "" } else { " " };
                    *text = format!("{text}{space}{more}");
                }
            }
        }
        self
    }

    /// True for what may pass by itself: a time-out, throttling, a 5xx, no connection, and a 401 or
    /// 403 without a code of AWS.
    /// A good answer may be served through an outage; through a refusal never.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self.kind {
            Kind::Timeout | Kind::Throttled | Kind::Connection => true,
            Kind::Service => self.status.is_none_or(|status| status >= 500),
            Kind::AccessDenied => self.code.is_none(),
            _ => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cause)?;
        if !self.remedy.is_empty() {
            write!(f, " {}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_of_the_key_names_it_and_no_other_failure_does() {
        for (code, message, is_refused) in [
            (
                "ExpiredToken",
                "The security token included in the request is expired",
                true,
            ),
            ("ExpiredTokenException", "", true),
            ("InvalidClientTokenId", "", true),
            ("UnrecognizedClientException", "", true),
            ("InvalidToken", "", true),
            (
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match",
                true,
            ),
            (
                "SignatureDoesNotMatch",
                "sts:AssumeRole arn:aws:iam::1:role/expired: The request signature",
                true,
            ),
            (
                "SignatureDoesNotMatch",
                "Signature expired: 20260102T000000Z is now earlier than 20260102T000500Z",
                false,
            ),
            (
                "SignatureDoesNotMatch",
                "Signature not yet current: 20260102T001000Z is still later than",
                false,
            ),
            ("AccessDenied", "", false),
            ("Throttling", "Rate exceeded", false),
            ("InternalFailure", "", false),
            ("", "", false),
        ] {
            let mut failure = Failure::new(Kind::AccessDenied, message, "");
            failure.code = Some(code.into());
            let refused = failure.signed_by("AKIAONE").refused_key;
            assert_eq!(
                refused.as_deref(),
                is_refused.then_some("AKIAONE"),
                "{code} {message}"
            );
        }
    }
}
