//! One source that was asked for credentials, and how that went.

use std::fmt;

/// What one step of the chain brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It gave credentials.
    Found,
    /// Nothing is configured for it here.
    Absent,
    /// It is configured or present, and failed.
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
    /// Such as `environment`, `profile prod`, `web identity`, `ecs`, `imds`, `assume role`.
    pub source: String,
    pub outcome: Outcome,
    /// Why, in a few words; empty when it was found.
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
