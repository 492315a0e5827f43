//! The record of one source that was asked for credentials.

use std::fmt;

/// The outcome of one step of the provider chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The source gave credentials.
    Found,
    /// The source is not configured here.
    Absent,
    /// The source is configured or present, and failed.
    Failed,
}

impl Outcome {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Absent => "absent",
            Self::Failed => "failed",
        }
    }
}

/// One line of the record: source, outcome, reason, milliseconds. Never a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Such as `environment`, `profile prod`, `web identity`, `container`, `imds`, `assume role`.
    pub source: String,
    pub outcome: Outcome,
    /// Why, in a few words; empty for [`Outcome::Found`].
    pub reason: String,
    pub milliseconds: u64,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.source, self.outcome.as_str())?;
        if !self.reason.is_empty() {
            write!(f, " ({})", self.reason)?;
        }
        write!(f, " in {} ms", self.milliseconds)
    }
}
