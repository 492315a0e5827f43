//! The cache on disk around one call of STS: processes of one machine share what one has fetched.

use super::request::FetchRequest;
use crate::util::time::now;
use crate::{
    cache::{CacheDir, CacheKey, LockGuard, LockOutcome, Request},
    config::{AssumeRoleOptions, Origin},
    credentials::{Credentials, Millis},
    providers::{Context, Record},
    refresh::{Rules, Windows},
    task::deadline::Deadline,
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

/// What is in the cache.
pub(super) enum Look<'d> {
    Found(Credentials),
    /// Nothing that is of use; `None` without a cache.
    Absent(Option<Entry<'d>>),
}

/// Where credentials are to be put. Locked, unless others hold the lock too long.
pub(super) struct Entry<'d> {
    dir: &'d CacheDir,
    key: CacheKey,
    lock: Option<LockGuard>,
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

    /// The credentials in the cache, or the entry to put others into. Of all processes of this
    /// machine one gets the entry; the others wait for what it writes, for half of their time.
    pub(super) async fn look(
        &self,
        role_arn: Option<&str>,
        options: &AssumeRoleOptions,
        base: &Credentials,
        record: &mut Record,
    ) -> Look<'_> {
        let Some(dir) = &self.dir else {
            return Look::Absent(None);
        };
        let key = self.key(role_arn, options, base);
        let refused = self.request.refused_key.as_deref();
        if let Some(refused) = refused
            && let Err(warning) = dir.remove(&key, refused)
        {
            record.warn(SOURCE, &warning.to_string());
        }
        let wanted = |set: &Credentials| refused.is_none() && !is_due(set, options, self.now());
        // Half of the time of the whole fetch, of which some is gone.
        let half = self.deadline.limit() / 2;
        let patience = half.saturating_sub(self.deadline.elapsed()) * 2;
        let attempt = dir.lock(&key, patience, || self.now(), wanted, sleep).await;
        if let Some(warning) = &attempt.warning {
            record.warn(SOURCE, &warning.to_string());
        }
        let lock = match attempt.lock {
            LockOutcome::Cached(set) => {
                record.found(SOURCE, ());
                return Look::Found(set);
            }
            LockOutcome::Acquired(guard) => Some(guard),
            LockOutcome::Unavailable | LockOutcome::Busy => None,
        };
        Look::Absent(Some(Entry { dir, key, lock }))
    }

    /// Puts the credentials into the entry, and lets the next process look.
    pub(super) fn store(&self, entry: Entry<'_>, credentials: &Credentials, record: &mut Record) {
        if let Err(warning) = entry.dir.write(&entry.key, credentials, self.now()) {
            record.warn(SOURCE, &warning.to_string());
        }
        drop(entry.lock);
    }

    fn now(&self) -> Millis {
        now().saturating_add(self.request.clock_offset)
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
