//! The files of the disk cache that the settings make, for the commands that list and clear them.

use super::{
    disk_key::DiskKeys,
    endpoint::endpoint,
    profile_in_force::profile_chain,
    role_steps::{role_steps, session_token_options},
};
use crate::{
    cache::{CacheDir, CacheKey, Listed},
    config::{AssumeRoleOptions, Settings},
    failure::Failure,
    providers,
};
use std::path::Path;

/// Files of the folder that `cache` names.
#[derive(Debug, Default)]
pub struct DiskFiles {
    dir: Option<CacheDir>,
    pub files: Vec<Listed>,
}

impl DiskFiles {
    /// Those of the roles and the session token that the settings name, with their options and endpoint, whatever
    /// credentials signed the calls. None without a cache. Sends no request.
    pub fn of(settings: &Settings) -> Result<Self, Failure> {
        let mut found = Self::all(settings.cache.value.as_deref())?;
        if found.dir.is_some() {
            let requests = Requests::of(settings)?;
            found.files.retain(|listed| requests.make(listed));
        }
        Ok(found)
    }

    /// Every file of the folder, those of the AWS CLI too. None without a folder.
    pub fn all(folder: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = folder else {
            return Ok(Self::default());
        };
        let unusable = |warning: crate::cache::Warning| {
            Failure::configuration(
                format!("{warning}."),
                "Give cache a folder that only you may write to (chmod 700).",
            )
        };
        let Some(dir) = CacheDir::open_existing(path).map_err(unusable)? else {
            return Ok(Self::default());
        };
        let files = dir.list().map_err(unusable)?;
        Ok(Self {
            dir: Some(dir),
            files,
        })
    }

    /// Removes the files. Returns those that are removed, and why others could not be.
    #[must_use]
    pub fn clear(self) -> (Vec<Listed>, Vec<String>) {
        let Some(dir) = self.dir else {
            return (Vec::new(), Vec::new());
        };
        let mut warnings = Vec::new();
        let removed = self.files.into_iter().filter(|listed| {
            dir.clear(listed).unwrap_or_else(|warning| {
                warnings.push(warning.to_string());
                false
            })
        });
        (removed.collect(), warnings)
    }
}

/// The calls of STS whose credentials are cached.
struct Requests {
    keys: DiskKeys,
    of_roles: Vec<CacheKey>,
    session_token: Option<AssumeRoleOptions>,
}

impl Requests {
    fn of(settings: &Settings) -> Result<Self, Failure> {
        let profile = profile_chain(settings)?.ok();
        let from_profile = providers::uses_profile(settings);
        let (of_profile, on_top) = role_steps(settings, profile.as_ref(), from_profile);
        let keys = DiskKeys::new(settings, &endpoint(settings, profile.as_ref())?);
        let roles = of_profile.iter().chain(&on_top);
        let of_roles = roles.map(|role| keys.key(Some(&role.role_arn), &role.options, None));
        let wants_token = settings.get_session_token.value;
        Ok(Self {
            of_roles: of_roles.collect(),
            session_token: wants_token.then(|| session_token_options(settings)),
            keys,
        })
    }

    fn make(&self, listed: &Listed) -> bool {
        self.of_roles.iter().any(|key| listed.is_of(key)) || self.make_token(listed)
    }

    /// The name of a session token has its user in it, so it is compared with that of the user the file tells.
    fn make_token(&self, listed: &Listed) -> bool {
        match (&self.session_token, &listed.asker) {
            (Some(options), Some(asker)) => {
                let key = self.keys.key(None, options, Some(asker));
                listed.is_of(&key.without_asker())
            }
            _ => false,
        }
    }
}
