//! The result of one check, as plain data.

use crate::{credentials::KnownSecrets, failure::Failure};
use serde_json::Value;
use std::time::Instant;

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok,
    /// It works, but should be corrected.
    Warn,
    /// It prevents a working identity.
    Fail,
    /// Not checked, and `what` says why.
    Skipped,
}

impl Status {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
        }
    }
}

/// Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// One of [`super::CHECKS`].
    pub check: &'static str,
    /// The part of the check, such as `clock` of `network`, or `profile prod` of `sources`.
    pub name: String,
    pub status: Status,
    pub what: String,
    /// What to do, present for every `Warn` and `Fail`.
    pub remedy: Option<String>,
    pub milliseconds: u64,
    /// The same as data: strings, numbers, booleans and null.
    pub details: Vec<(&'static str, Value)>,
}

impl Finding {
    pub fn ok(check: &'static str, name: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            check,
            name: name.into(),
            status: Status::Ok,
            what: what.into(),
            remedy: None,
            milliseconds: 0,
            details: Vec::new(),
        }
    }

    pub fn skipped(check: &'static str, name: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            status: Status::Skipped,
            ..Self::ok(check, name, what)
        }
    }

    pub fn warning(
        check: &'static str,
        name: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            status: Status::Warn,
            remedy: Some(remedy.into()),
            ..Self::ok(check, name, what)
        }
    }

    pub fn failure(
        check: &'static str,
        name: impl Into<String>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            status: Status::Fail,
            ..Self::warning(check, name, what, remedy)
        }
    }

    /// Cause and remedy of `failure`.
    pub fn failed(check: &'static str, name: impl Into<String>, failure: &Failure) -> Self {
        let mut finding = Self::failure(check, name, &failure.cause, &failure.remedy);
        if let Some(code) = &failure.code {
            finding = finding.detail("code", code.as_str());
        }
        if let Some(id) = &failure.request_id {
            finding = finding.detail("request_id", id.as_str());
        }
        finding
    }

    /// The same finding as a warning, since what failed is not in use.
    #[must_use]
    pub fn mild(mut self) -> Self {
        self.status = Status::Warn;
        self
    }

    /// The same without secrets.
    #[must_use]
    pub fn clean(mut self, secrets: &KnownSecrets) -> Self {
        self.what = secrets.long_masked(&self.what);
        self.remedy = self.remedy.map(|remedy| secrets.long_masked(&remedy));
        for (_, value) in &mut self.details {
            if let Value::String(text) = value {
                *text = secrets.long_masked(text);
            }
        }
        self
    }

    #[must_use]
    pub fn detail(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn since(self, start: Instant) -> Self {
        let took = start.elapsed().as_millis();
        self.took(u64::try_from(took).unwrap_or(u64::MAX))
    }

    #[must_use]
    pub fn took(mut self, milliseconds: u64) -> Self {
        self.milliseconds = milliseconds;
        self
    }
}
