//! The context of a source.

use super::{callbacks::Callbacks, fetch_notes::FetchNotes};
use crate::{
    config::Settings,
    credentials::Millis,
    environment::{Environment, ProgramEnvironment},
    failure::Failure,
    http::Http,
    profile::ProfileChain,
    sts::{Endpoint, RetryLimits, Sts},
    task::{deadline::Deadline, fork_gate::SharedGate},
};
use std::time::Duration;

/// The context of `provide`, for one fetch.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub local: Local<'a>,
    pub settings: &'a Settings,
    pub http: &'a Http,
    pub gate: SharedGate,
    pub endpoint: &'a Endpoint,
    pub callbacks: Callbacks<'a>,
    /// Whether a caller waits for this fetch.
    pub is_awaited: bool,
    /// The environment as it is now, for a program.
    pub current_environment: Option<&'a ProgramEnvironment>,
    pub deadline: &'a Deadline,
    pub notes: &'a FetchNotes,
    /// The default role session name.
    pub session_name: &'a str,
}

impl<'a> Context<'a> {
    /// What is left for one request with its retries.
    pub(crate) fn time(&self) -> Duration {
        let left = self.deadline.left();
        // The doctor's deadline is longer than a fetch's.
        left.min(self.settings.resolve_timeout.value)
    }

    /// A client of STS for one call.
    #[must_use]
    pub fn sts(&self) -> Sts<'a> {
        let of_profile = self.local.profile.ok().and_then(|chain| chain.max_attempts);
        let limits = RetryLimits {
            time: self.time(),
            attempts: self.settings.max_attempts.or(of_profile),
        };
        Sts::new(self.http, self.endpoint, limits)
    }
}

/// The context of `check`, without a client, so that a check cannot send a request.
#[derive(Clone, Copy)]
pub struct Local<'a> {
    pub environment: &'a Environment,
    pub profile: Result<&'a ProfileChain, &'a Failure>,
    pub now: Millis,
}
