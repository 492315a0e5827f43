//! The answers of the application: given before the fetch, else asked for during it.

use crate::{
    config::Settings,
    credentials::Secret,
    failure::Failure,
    task::{
        asker::Asker,
        question::{Answer, Limits, Question, SuppliedCredentials},
    },
};

/// What the application gave before the fetch began.
#[derive(Clone, Debug, Default)]
pub struct CallbackAnswers {
    /// The six digits of an MFA device.
    pub token_code: Option<Secret>,
    pub web_identity_token: Option<Secret>,
    /// The credentials of the `source`.
    pub source: Option<SuppliedCredentials>,
}

impl CallbackAnswers {
    /// The answers, if `answer` is the only one.
    #[must_use]
    pub fn of(answer: Answer) -> Self {
        let mut answers = Self::default();
        match answer {
            Answer::TokenCode(code) => answers.token_code = Some(code),
            Answer::WebIdentityToken(token) => answers.web_identity_token = Some(token),
            Answer::Source(supplied) => answers.source = Some(*supplied),
        }
        answers
    }
}

/// The callbacks of a session, as a fetch uses them.
#[derive(Clone, Copy)]
pub struct Callbacks<'a> {
    pub answers: &'a CallbackAnswers,
    pub asker: &'a Asker,
    pub settings: &'a Settings,
    /// Whether a helper thread waits for the questions that need no reader.
    pub has_helper: bool,
    /// The key of the source's credentials that AWS has refused.
    pub refused_key: Option<&'a str>,
    /// The key of the source's credentials that were scoped before and give nothing that lasts longer.
    pub spent_key: Option<&'a str>,
}

impl Callbacks<'_> {
    pub async fn token_code(&self, serial_number: &str) -> Result<Secret, Failure> {
        if let Some(code) = &self.answers.token_code {
            return Ok(code.clone());
        }
        let limits = Limits {
            reader: self.settings.token_timeout.value,
            helper: None,
        };
        let question = Question::TokenCode(serial_number.to_owned());
        match self.asker.ask(question, limits).await? {
            Answer::TokenCode(code) => Ok(code),
            _ => Err(unfit()),
        }
    }

    pub async fn web_identity_token(&self) -> Result<Secret, Failure> {
        if let Some(token) = &self.answers.web_identity_token {
            return Ok(token.clone());
        }
        let limits = Limits {
            reader: self.settings.process_timeout.value,
            helper: self.helper(),
        };
        match self.asker.ask(Question::WebIdentityToken, limits).await? {
            Answer::WebIdentityToken(token) => Ok(token),
            _ => Err(unfit()),
        }
    }

    pub async fn source(&self) -> Result<SuppliedCredentials, Failure> {
        if let Some(supplied) = &self.answers.source {
            return Ok(supplied.clone());
        }
        let limits = Limits {
            // The source may be another session, which may have an MFA prompt of its own.
            reader: self.settings.token_timeout.value + self.settings.process_timeout.value,
            helper: self.helper(),
        };
        let question = Question::Source {
            refused_key: self.refused_key.map(str::to_owned),
            spent_key: self.spent_key.map(str::to_owned),
        };
        match self.asker.ask(question, limits).await? {
            Answer::Source(supplied) => Ok(*supplied),
            _ => Err(unfit()),
        }
    }

    fn helper(&self) -> Option<std::time::Duration> {
        self.has_helper
            .then_some(self.settings.process_timeout.value)
    }
}

fn unfit() -> Failure {
    Failure::internal(
        "An answer was to another question.",
        "Report it; the next read works.",
    )
}
