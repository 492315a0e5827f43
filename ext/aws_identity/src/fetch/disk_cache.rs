//! Sets that other processes of this host have fetched, or shall not need to: the cache on disk.

use super::{FetchRequest, now};
use crate::{
    cache::{CacheDir, CacheKey, LockOutcome, Request},
    config::{AssumeRoleOptions, Origin, Settings},
    credentials::{Credentials, Millis},
    failure::Failure,
    providers::Record,
    refresh::{Rules, Windows},
    sts::Endpoint,
    task::fetch_task::Deadline,
};
use tokio::time::sleep;

const SOURCE: &str = "cache";
/// How long STS lets a set live where nobody says.
const DEFAULT_SECONDS: u32 = 3600;

pub(super) struct DiskCache<'a> {
    dir: Option<CacheDir>,
    endpoint: Option<String>,
    /// Set where the AWS CLI finds it too.
    finds_cli_endpoint: bool,
    order: &'a FetchRequest,
    deadline: &'a Deadline,
}

impl<'a> DiskCache<'a> {
    /// Credentials come without the cache too, so what is wrong with it goes to the record only.
    pub(super) fn open(
        settings: &Settings,
        endpoint: &Endpoint,
        order: &'a FetchRequest,
        deadline: &'a Deadline,
        record: &mut Record,
    ) -> Self {
        let dir = settings.cache.value.as_ref().and_then(|path| {
            CacheDir::open(path)
                .map_err(|warning| record.warn(SOURCE, &warning.to_string()))
                .ok()
        });
        // The CLI finds an endpoint too that the environment or the profile names.
        let origin = settings.endpoint.as_ref().map(|endpoint| endpoint.origin);
        Self {
            dir,
            endpoint: endpoint
                .url
                .as_ref()
                .map(|url| crate::http::without_userinfo(url.expose())),
            finds_cli_endpoint: !origin.is_some_and(Origin::is_explicit),
            order,
            deadline,
        }
    }

    /// The set from the cache, or the one `ask` brings, which is then put there. Of all processes
    /// of the host one asks; the others wait for what it writes, for half of their time.
    pub(super) async fn through(
        &self,
        role_arn: Option<&str>,
        options: &AssumeRoleOptions,
        base: &Credentials,
        record: &mut Record,
        ask: impl AsyncFnOnce(&mut Record) -> Result<Credentials, Failure>,
    ) -> Result<Credentials, Failure> {
        let Some(dir) = &self.dir else {
            return ask(record).await;
        };
        let key = self.key(role_arn, options, base);
        let refused = self.order.refused_key.as_deref();
        if let Some(refused) = refused
            && let Err(warning) = dir.remove(&key, refused)
        {
            record.warn(SOURCE, &warning.to_string());
        }
        let clock = || now().saturating_add(self.order.clock_offset);
        let wanted = |set: &Credentials| refused.is_none() && !is_due(set, options, clock());
        // Half of the whole flight's time, of which some is gone.
        let half = self.deadline.limit() / 2;
        let patience = half.saturating_sub(self.deadline.elapsed()) * 2;
        let attempt = dir.lock(&key, patience, clock, wanted, sleep).await;
        if let Some(warning) = &attempt.warning {
            record.warn(SOURCE, &warning.to_string());
        }
        let guard = match attempt.lock {
            LockOutcome::Cached(set) => {
                record.found(SOURCE, ());
                return Ok(set);
            }
            LockOutcome::Ours(guard) => Some(guard),
            LockOutcome::Alone | LockOutcome::Busy => None,
        };
        let set = ask(record).await?;
        if let Err(warning) = dir.write(&key, &set, clock()) {
            record.warn(SOURCE, &warning.to_string());
        }
        drop(guard);
        Ok(set)
    }

    fn key(
        &self,
        role_arn: Option<&str>,
        options: &AssumeRoleOptions,
        base: &Credentials,
    ) -> CacheKey {
        CacheKey::new(&Request {
            role_arn,
            options: options.clone(),
            base: Some(base.account_id.as_deref().unwrap_or(&base.access_key_id)),
            endpoint: self.endpoint.as_deref(),
            endpoint_is_shared: self.finds_cli_endpoint,
        })
    }
}

/// True for a set so near its end that a session would have it replaced at once: whoever shares it
/// would ask STS all the same.
fn is_due(set: &Credentials, options: &AssumeRoleOptions, now: Millis) -> bool {
    let asked = options.duration_seconds.unwrap_or(DEFAULT_SECONDS);
    let windows = Windows::of(Millis::from(asked) * 1000, Rules::default());
    set.expires_at
        .is_none_or(|end| end - now <= windows.advisory)
}
