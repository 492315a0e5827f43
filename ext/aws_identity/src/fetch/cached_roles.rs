//! Until when the credentials of a profile's role are cached on disk.

use super::{
    disk_key::{DiskKeys, is_due},
    endpoint,
    role_steps::role_steps,
};
use crate::{
    cache::CacheDir,
    config::{Layers, Settings},
    profile::{Files, ProfileChain, ProfileSummary},
    providers,
    util::time::Millis,
};

/// All profiles, sorted by name; of each role how long a session with these layers, this profile and `cache` would take
/// credentials from the disk. Reads files and the environment; sends no request and runs no program.
///
/// Layers that no session can be made with only leave out what is cached.
#[must_use]
pub fn profiles(files: &Files, layers: Layers, now: Millis) -> Vec<ProfileSummary> {
    let environment = layers.environment.clone();
    let cached = CachedRoles::of(layers, now);
    providers::profiles(files, &environment, now)
        .map(|(mut summary, chain)| {
            if let (Some(cached), Ok(chain)) = (&cached, &chain) {
                summary.cached_until = cached.until(chain);
            }
            summary
        })
        .collect()
}

struct CachedRoles {
    settings: Settings,
    dir: CacheDir,
    now: Millis,
}

impl CachedRoles {
    /// In the folder that `cache` names, else in the AWS CLI's. `None` where it cannot be used: a fetch says why.
    fn of(layers: Layers, now: Millis) -> Option<Self> {
        let settings = Settings::new(layers).ok()?;
        let of_cli = || settings.environment.cli_cache();
        let folder = settings.cache.value.clone().or_else(of_cli)?;
        let dir = CacheDir::open_existing(&folder).ok()??;
        Some(Self { settings, dir, now })
    }

    /// `None` if the profile has no role, too.
    fn until(&self, chain: &ProfileChain) -> Option<Millis> {
        let (roles, _) = role_steps(&self.settings, Some(chain), true);
        let (last, before) = roles.split_last()?;
        let asker = match before.last() {
            Some(role) => Some(role.role_arn.clone()),
            // Where it is known after a fetch only, an entry counts that does not say who asked.
            None => providers::known_asker(chain, &self.settings.environment),
        };
        let endpoint = endpoint::endpoint(&self.settings, Some(chain)).ok()?;
        let keys = DiskKeys::new(&self.settings, &endpoint);
        let key = keys.key(Some(&last.role_arn), &last.options, asker.as_deref());
        let found = self.dir.read(&key, self.now).ok()??;
        found
            .expires_at
            .filter(|_| !is_due(&found, &last.options, self.now))
    }
}
