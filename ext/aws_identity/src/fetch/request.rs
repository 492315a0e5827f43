//! What a fetch is asked for, and what it gives.

use crate::{
    attempt::Attempt, credentials::Credentials, failure::Failure, identity::Identity,
    providers::CallbackAnswers, util::time::Millis,
};
use std::sync::Arc;

/// What a fetch is asked for.
#[derive(Clone, Debug, Default)]
pub struct FetchRequest {
    /// Credentials that are good and need not be fetched again.
    pub held: Option<Arc<Credentials>>,
    /// The region the held credentials came with: IMDS may have told it.
    pub region: Option<String>,
    /// Whether the identity is wanted too.
    pub identity: bool,
    /// The key id of credentials that a service refused. They are removed from the cache on disk,
    /// and the cache is not read.
    pub refused_key: Option<String>,
    /// What the application gave already.
    pub answers: CallbackAnswers,
    /// Whether a helper thread waits for the questions that need no reader.
    pub has_helper: bool,
    /// How far STS's clock was ahead of ours at the last answer.
    pub clock_offset: Millis,
}

/// What a fetch gives.
#[derive(Debug)]
pub struct FetchResult {
    pub credentials: Arc<Credentials>,
    /// False where they are those of [`FetchRequest::held`].
    pub is_new: bool,
    /// True where each refresh of these credentials needs an MFA code.
    pub needs_mfa: bool,
    /// The identity, or why it is not known; `None` where it was not asked for.
    pub identity: Option<Result<Identity, Failure>>,
    pub region: String,
    pub attempts: Vec<Attempt>,
    /// What went wrong without ending the fetch, for the log.
    pub warnings: Vec<String>,
    /// How far STS's clock is ahead of ours, where STS was asked.
    pub clock_offset: Option<Millis>,
}
