//! The cache on disk around one call of STS: processes of one machine share what one has fetched.

use super::{FetchRequest, now};
use crate::{
    cache::{CacheDir, CacheKey, LockOutcome, Request},
    config::{AssumeRoleOptions, Origin},
    credentials::{Credentials, Millis},
    failure::Failure,
    providers::{Context, Record},
    refresh::{Rules, Windows},
    task::fetch_task::Deadline,
};
use tokio::time::sleep;

const SOURCE: &str = "cache";
/// How long credentials of STS live where the request does not say.
const DEFAULT_SECONDS: u32 = 3600;

pub(super) struct DiskCache<'a> {
    dir: Option<CacheDir>,
    endpoint: Option<String>,
    /// True where the AWS CLI uses the same endpoint, so that both share entries.
    finds_cli_endpoint: bool,
    request: &'a FetchRequest,
    deadline: &'a Deadline,
}

impl<'a> DiskCache<'a> {
    /// A cache that cannot be used is a warning: the credentials come from STS then.
    pub(super) fn open(
        context: &Context<'a>,
        request: &'a FetchRequest,
        record: &mut Record,
    ) -> Self {
        let (settings, endpoint) = (context.settings, context.endpoint);
        let dir = settings.cache.value.as_ref().and_then(|path| {
            CacheDir::open(path)
                .map_err(|warning| record.warn(SOURCE, &warning.to_string()))
                .ok()
        });
        // The AWS CLI reads the environment and the profile too, and no option or setting of ours.
        let origin = settings.endpoint.as_ref().map(|endpoint| endpoint.origin);
        Self {
            dir,
            endpoint: endpoint
                .url
                .as_ref()
                .map(|url| crate::http::without_userinfo(url.expose())),
            finds_cli_endpoint: !origin.is_some_and(Origin::is_explicit),
            request,
            deadline: context.deadline,
        }
    }

    /// The credentials of the cache, or those that `ask` gets, which are then written there. Of all
    /// processes of the machine one asks; the others wait for its entry, for half of their time.
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
        let refused = self.request.refused_key.as_deref();
        if let Some(refused) = refused
            && let Err(warning) = dir.remove(&key, refused)
        {
            record.warn(SOURCE, &warning.to_string());
        }
        let clock = || now().saturating_add(self.request.clock_offset);
        let wanted = |cached: &Credentials| refused.is_none() && !is_due(cached, options, clock());
        // Half of the whole fetch's time, of which some is gone.
        let half = self.deadline.limit() / 2;
        let patience = half.saturating_sub(self.deadline.elapsed()) * 2;
        let attempt = dir.lock(&key, patience, clock, wanted, sleep).await;
        if let Some(warning) = &attempt.warning {
            record.warn(SOURCE, &warning.to_string());
        }
        let guard = match attempt.lock {
            LockOutcome::Cached(credentials) => {
                record.found(SOURCE, ());
                return Ok(credentials);
            }
            LockOutcome::Ours(guard) => Some(guard),
            LockOutcome::Alone | LockOutcome::Busy => None,
        };
        let credentials = ask(record).await?;
        if let Err(warning) = dir.write(&key, &credentials, clock()) {
            record.warn(SOURCE, &warning.to_string());
        }
        drop(guard);
        Ok(credentials)
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

/// True for credentials so near their expiration that a session would refresh them at once.
fn is_due(credentials: &Credentials, options: &AssumeRoleOptions, now: Millis) -> bool {
    let asked = options.duration_seconds.unwrap_or(DEFAULT_SECONDS);
    let windows = Windows::of(Millis::from(asked) * 1000, Rules::default());
    credentials
        .expires_at
        .is_none_or(|end| end - now <= windows.advisory)
}
