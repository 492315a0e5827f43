//! The profiles of the shared files, and whether each could give credentials.

use super::{context::Local, profile, source::Availability};
use crate::{
    credentials::Millis,
    environment::Environment,
    failure::Failure,
    profile::{Files, ProfileChain, ProfileSummary, describe},
};

/// All profiles, sorted by name, each with what it resolves to. Reads files and the environment; sends no request and
/// runs no program.
pub(crate) fn profiles(
    files: &Files,
    environment: &Environment,
    now: Millis,
) -> impl Iterator<Item = (ProfileSummary, Result<ProfileChain, Failure>)> {
    describe(files).map(move |(mut summary, chain)| {
        let local = Local {
            environment,
            profile: chain.as_ref(),
            now,
        };
        summary.reason = match profile::check(&local) {
            Availability::Available(_) => None,
            Availability::Absent(_) => {
                Some(profile::without_credentials(&summary.name, chain.as_ref().ok()).message())
            }
            Availability::Unusable(failure) => Some(failure.message()),
        };
        summary.could_work = summary.reason.is_none();
        (summary, chain)
    })
}
