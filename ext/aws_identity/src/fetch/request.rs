//! The request and the result of a fetch.

use super::disk_entry::DiskEntry;
use crate::{
    attempt::Attempt,
    credentials::Credentials,
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
    /// The region of the held credentials, which may be that of IMDS.
    pub region: Option<String>,
    /// Whether the identity is wanted too.
    pub identity: bool,
    /// The key id of credentials that a service refused. They are removed from the cache on disk,
    /// and the cache is not read.
    pub refused_key: Option<String>,
    /// The key id of base credentials that AWS refused in an earlier fetch, for the `source`.
    pub refused_base_key: Option<String>,
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
    /// Written by the fetch.
    pub notes: Arc<FetchNotes>,
}

/// What a fetch has fetched.
#[derive(Debug)]
pub struct FetchResult {
    pub credentials: Arc<Credentials>,
    /// False if they are those of [`FetchRequest::held`].
    pub is_new: bool,
    /// True if each refresh of these credentials needs an MFA code.
    pub needs_mfa: bool,
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
