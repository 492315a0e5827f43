//! The request and the result of a fetch.

use super::disk_entry::DiskEntry;
use crate::{
    attempt::Attempt,
    credentials::{Credentials, KnownSecrets, Secret},
    environment::ProgramEnvironment,
    failure::Failure,
    identity::Identity,
    providers::{CallbackAnswers, FetchNotes},
    util::time::Millis,
};
use std::sync::Arc;

/// What a fetch has to fetch.
#[derive(Clone, Debug, Default)]
pub struct FetchRequest {
    /// Good credentials, so that only the identity is fetched.
    pub held: Option<Arc<Credentials>>,
    /// The region of the held credentials, which may be that of IMDS or of the source.
    pub region: Option<HeldRegion>,
    /// Whether the identity is wanted too.
    pub identity: bool,
    /// The key id of credentials that a service refused. They are removed from the cache on disk,
    /// and the cache is not read.
    pub refused_key: Option<String>,
    /// The key id of base credentials that AWS refused in an earlier fetch, for the `source`.
    pub refused_base_key: Option<String>,
    /// What the held credentials were made from, in a scoped session.
    pub scoped_from: Option<ScopedFrom>,
    /// The answers that the application gave already.
    pub answers: CallbackAnswers,
    /// Whether a helper thread waits for the questions that need no reader.
    pub has_helper: bool,
    /// Whether a caller waits for this fetch, from its beginning.
    pub is_awaited: bool,
    /// The environment as it is now, for a program; `None`: that of the settings.
    pub environment: Option<ProgramEnvironment>,
    /// How far STS's clock was ahead of ours at the last answer.
    pub clock_offset: Millis,
    /// What else the session holds that no message may show.
    pub secrets: Vec<Secret>,
    /// Written by the fetch.
    pub notes: Arc<FetchNotes>,
}

/// The region of held credentials.
#[derive(Clone, Debug)]
pub struct HeldRegion {
    pub name: String,
    /// Whether AWS's FIPS endpoints are to be used.
    pub use_fips: bool,
}

/// What a fetch has fetched.
#[derive(Debug)]
pub struct FetchResult {
    pub credentials: Arc<Credentials>,
    /// False if they are those of [`FetchRequest::held`].
    pub is_new: bool,
    /// True if each refresh of these credentials needs an MFA code.
    pub needs_mfa: bool,
    /// What they were made from, in a scoped session.
    pub scoped_from: Option<ScopedFrom>,
    /// Where they are cached on disk.
    pub disk_entry: Option<DiskEntry>,
    /// The identity, or why it is not known; `None` if it was not requested.
    pub identity: Option<Result<Identity, Failure>>,
    pub region: String,
    /// Whether AWS's FIPS endpoints are to be used.
    pub use_fips: bool,
    pub attempts: Vec<Attempt>,
    /// The problems that did not make the fetch fail, for the log.
    pub warnings: Vec<String>,
    /// How far STS's clock is ahead of ours, if its answer can be believed.
    pub clock_offset: Option<Millis>,
}

impl FetchRequest {
    /// Tells `known` every secret that was given before the fetch began.
    pub(super) fn note_secrets(&self, known: &KnownSecrets) {
        let answers = &self.answers;
        let given = [&answers.token_code, &answers.web_identity_token];
        for secret in self.secrets.iter().chain(given.into_iter().flatten()) {
            known.note(secret.expose());
        }
        let source = answers.source.as_ref().map(|given| &given.credentials);
        for credentials in self.held.as_deref().into_iter().chain(source) {
            known.note_credentials(credentials);
        }
    }
}

impl FetchResult {
    /// The same without secrets in what it says beside the credentials.
    pub(super) fn clean(mut self, secrets: &KnownSecrets) -> Self {
        for attempt in &mut self.attempts {
            attempt.reason = secrets.long_masked(&attempt.reason);
        }
        for warning in &mut self.warnings {
            *warning = secrets.long_masked(warning);
        }
        let details = &self.credentials.details;
        if details
            .values()
            .any(|text| secrets.value_masked(text) != *text)
        {
            let credentials = Arc::make_mut(&mut self.credentials);
            for text in credentials.details.values_mut() {
                *text = secrets.value_masked(text);
            }
        }
        self.identity = match self.identity {
            Some(Err(failure)) => Some(Err(secrets.clean(failure))),
            other => other,
        };
        self
    }
}

/// What scoped credentials were made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopedFrom {
    /// The access key id of the source's credentials.
    access_key_id: String,
    /// They expire before the source's, as was asked for.
    is_shorter: bool,
}

impl ScopedFrom {
    pub(super) fn new(access_key_id: String, scoped: &Credentials) -> Self {
        Self {
            access_key_id,
            is_shorter: scoped.requested.is_some(),
        }
    }

    /// The key that gives nothing better than what is held: the credentials expire with it, or a service
    /// refused them.
    pub(super) fn spent_key(&self, is_refused: bool) -> Option<&str> {
        (is_refused || !self.is_shorter).then_some(self.access_key_id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_spent_unless_the_duration_ended_first() {
        let mut scoped = Credentials::new("ASIASCOPED", "s", None, "test");
        let spent = |scoped: &Credentials, is_refused| {
            let from = ScopedFrom::new("ASIASOURCE".into(), scoped);
            from.spent_key(is_refused).map(str::to_owned)
        };
        assert_eq!(spent(&scoped, false).as_deref(), Some("ASIASOURCE"));
        scoped.requested = Some(900_000);
        assert_eq!(spent(&scoped, false), None);
        assert_eq!(spent(&scoped, true).as_deref(), Some("ASIASOURCE"));
    }
}
