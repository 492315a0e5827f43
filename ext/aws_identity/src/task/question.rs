//! A question to the application in the middle of a fetch.
//!
//! The job puts a question into the slot of its task and waits for the answer with its deadline
//! paused and its permit released. The waiters of the task see the question; one of them takes it,
//! asks the application without holding a lock, and answers. If it leaves instead, another waiter
//! may take the question.

use crate::{
    credentials::{Credentials, Secret},
    failure::Failure,
};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The code that the MFA device with this serial number shows now.
    TokenCode(String),
    WebIdentityToken,
    /// The credentials of the `source`.
    Source {
        /// The key that AWS has refused: others are wanted.
        refused_key: Option<String>,
        /// The key that nothing more can be got with: the source is to refresh it.
        spent_key: Option<String>,
    },
}

#[derive(Clone, Debug)]
pub enum Answer {
    TokenCode(Secret),
    WebIdentityToken(Secret),
    Source(Box<SuppliedCredentials>),
}

/// What the `source` gave.
#[derive(Clone, Debug)]
pub struct SuppliedCredentials {
    pub credentials: Credentials,
    /// The region of a source that is a session, for where no setting names one.
    pub region: Option<String>,
}

impl From<Credentials> for SuppliedCredentials {
    fn from(credentials: Credentials) -> Self {
        Self {
            credentials,
            region: None,
        }
    }
}

/// Which questions a waiter may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takes {
    pub token_code: bool,
    pub web_identity_token: bool,
    pub source: bool,
}

impl Takes {
    pub(super) fn allows(self, question: &Question) -> bool {
        match question {
            Question::TokenCode(_) => self.token_code,
            Question::WebIdentityToken => self.web_identity_token,
            Question::Source { .. } => self.source,
        }
    }
}

impl Question {
    /// The option that answers it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TokenCode(_) => "token_code",
            Self::WebIdentityToken => "web_identity_token",
            Self::Source { .. } => "source",
        }
    }

    /// The failure if no waiting thread may ask the application.
    pub(super) fn unasked(&self) -> Failure {
        Failure::no_credentials(
            format!(
                "The next credentials need {}, and no thread waits here that may ask for it.",
                self.description()
            ),
            "Read the credentials of this session on a thread of your own.",
        )
    }

    fn description(&self) -> String {
        match self {
            Self::TokenCode(serial_number) => format!("an MFA code of {serial_number}"),
            Self::WebIdentityToken => "a token of web_identity_token".into(),
            Self::Source { .. } => "the credentials of source".into(),
        }
    }

    pub(super) fn fits(&self, answer: &Answer) -> bool {
        matches!(
            (self, answer),
            (Self::TokenCode(_), Answer::TokenCode(_))
                | (Self::WebIdentityToken, Answer::WebIdentityToken(_))
                | (Self::Source { .. }, Answer::Source(_))
        )
    }
}

/// How long the application may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a reader, counted from when it takes the question.
    pub reader: Duration,
    /// For a helper thread that runs from the start, counted from when the question is asked;
    /// `None` without one.
    pub helper: Option<Duration>,
}

/// An open question, as the waiters see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Unique within the process.
    pub number: u64,
    pub question: Question,
    pub is_taken: bool,
}
