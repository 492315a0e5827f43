//! The profiles of the shared files, and whether each could give credentials.

use super::{context::Local, profile, source::Availability};
use crate::{
    credentials::Millis,
    environment::Environment,
    profile::{Files, ProfileSummary, describe},
};

/// All profiles, sorted by name. Reads files and the environment; sends no request and runs no
/// program.
#[must_use]
pub fn profiles(files: &Files, environment: &Environment, now: Millis) -> Vec<ProfileSummary> {
    describe(files)
        .map(|(mut summary, chain)| {
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
            summary
        })
        .collect()
}
