//! What went wrong, in words a user can act on. Never holds a secret.

use crate::attempt::Attempt;
use std::fmt;

/// The one way a verb of this crate fails.
///
/// `message` says what happened, what was tried and what to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub kind: Kind,
    pub message: String,
    /// The service's error code, such as `AccessDenied`.
    pub code: Option<String>,
    /// The HTTP status of the answer, where there was one.
    pub status: Option<u16>,
    /// The service's request id, for a support case.
    pub request_id: Option<String>,
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
    /// A setting still holds an unresolved `vault://`, `lease://` or `env://` reference.
    NotReady,
    /// Something says this machine has credentials, and there are none to be had.
    NoCredentials,
    /// Nothing is configured, and IMDS is disabled, refused or silent.
    NotOnAws,
    /// The service answered and refused.
    AccessDenied,
    /// The service asked us to slow down.
    Throttled,
    /// The service answered with another error, or with something we cannot read.
    Service,
    /// The service could not be reached at all.
    Connection,
    /// No answer came inside the deadline.
    Timeout,
    /// A defect of ours.
    Internal,
}

impl Kind {
    /// Every kind, for tables that must be complete.
    pub const ALL: [Self; 11] = [
        Self::Argument,
        Self::Configuration,
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
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            code: None,
            status: None,
            request_id: None,
            attempts: Vec::new(),
        }
    }

    pub fn configuration(message: impl Into<String>) -> Self {
        Self::new(Kind::Configuration, message)
    }

    pub fn no_credentials(message: impl Into<String>) -> Self {
        Self::new(Kind::NoCredentials, message)
    }

    pub fn timeout(message: impl Into<String>) -> Self {
        Self::new(Kind::Timeout, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// The same failure with `context` said before its message.
    #[must_use]
    pub fn within(mut self, context: &str) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// True for what may pass by itself: a time-out, throttling, a 5xx, no connection.
    /// A good answer may be served through an outage; through a refusal never.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self.kind {
            Kind::Timeout | Kind::Throttled | Kind::Connection => true,
            Kind::Service => self.status.is_none_or(|status| status >= 500),
            _ => false,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}
