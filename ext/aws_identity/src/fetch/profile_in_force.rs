//! The profile in force.

use crate::{
    config::Settings,
    failure::Failure,
    profile::{self, Files, ProfileChain},
};

/// The chosen profile. The outer failure stops the fetch even if another source has credentials:
/// the files cannot be read, or a named profile does not exist.
pub(crate) fn profile_chain(settings: &Settings) -> Result<Result<ProfileChain, Failure>, Failure> {
    let files = Files::load(&settings.environment)?;
    let Some(named) = &settings.profile else {
        return Ok(profile::resolve(&files, "default"));
    };
    if !files.contains(&named.value) && named.value != "default" {
        return Err(files
            .missing(&named.value)
            .within(&format!("profile ({})", named.origin.label())));
    }
    Ok(profile::resolve(&files, &named.value))
}
