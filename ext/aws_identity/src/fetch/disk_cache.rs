//! The disk cache around one call of STS, so that the processes of a machine share credentials.

use super::{request::FetchRequest, roles::StepRequest};
use crate::{
    cache::{CacheDir, CacheKey, LockGuard, LockOutcome, Request},
    config::{AssumeRoleOptions, Origin},
    credentials::{Credentials, Millis},
    failure::Failure,
    providers::{Context, Record},
    refresh::{Rules, Windows},
    task::{deadline::Deadline, fetch_task::FetchTask, fork_gate::SharedGate},
    util::time::now,
};
use std::{cell::RefCell, sync::Arc, time::Duration};
use tokio::time::sleep;

const SOURCE: &str = "cache";
/// A home folder that hangs delays whoever waits for a removal by no more than this.
const REMOVAL_LIMIT: Duration = Duration::from_secs(2);
/// How long STS credentials are valid if the request does not say.
const DEFAULT_SECONDS: u32 = 3600;

pub(super) struct DiskCache<'a> {
    dir: Option<CacheDir>,
    endpoint: Option<String>,
    /// True if the AWS CLI would use the same endpoint, so both can share entries.
    finds_cli_endpoint: bool,
    request: &'a FetchRequest,
    deadline: &'a Deadline,
    /// The entry of the last step that was looked for.
    last: RefCell<Option<DiskEntry>>,
}

/// Where the credentials of a fetch are cached.
#[derive(Clone, Debug)]
pub struct DiskEntry {
    dir: CacheDir,
    key: CacheKey,
}

impl DiskEntry {
    /// Starts to remove the entry, if it has this access key id: other processes must not read
    /// refused credentials. The next fetch repeats and reports a removal that fails.
    pub fn removal(
        &self,
        access_key_id: &str,
        gate: SharedGate,
    ) -> Result<Arc<FetchTask<()>>, Failure> {
        let (entry, access_key_id) = (self.clone(), access_key_id.to_owned());
        FetchTask::spawn(
            gate,
            Deadline::new(REMOVAL_LIMIT, None),
            move |_| async move {
                let _ = entry.dir.remove(&entry.key, &access_key_id);
                Ok(())
            },
        )
    }
}

/// The result of a look into the cache.
pub(super) enum Look<'d> {
    Found(Credentials),
    /// No usable credentials, and the entry to write; `None` without a cache.
    Absent(Option<Entry<'d>>),
}

/// An entry to write. It is locked, unless another process holds the lock for too long.
pub(super) struct Entry<'d> {
    dir: &'d CacheDir,
    key: CacheKey,
    lock: Option<LockGuard>,
}

impl<'a> DiskCache<'a> {
    /// An unusable cache is only a warning, since the credentials come from STS then.
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
        // The AWS CLI reads the environment and the profile too, but no option or setting of this
        // gem.
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
            last: RefCell::default(),
        }
    }

    /// The credentials in the cache, or the entry to write. One process of this machine locks the
    /// entry; the others wait for its result for at most half of their time.
    pub(super) async fn look(&self, step: &StepRequest<'_>, record: &mut Record) -> Look<'_> {
        let Some(dir) = &self.dir else {
            return Look::Absent(None);
        };
        let key = self.key(step);
        self.last.replace(Some(DiskEntry {
            dir: dir.clone(),
            key: key.clone(),
        }));
        let refused = self.request.refused_key.as_deref();
        if let Some(refused) = refused
            && let Err(warning) = dir.remove(&key, refused)
        {
            record.warn(SOURCE, &warning.to_string());
        }
        let is_usable =
            |cached: &Credentials| refused.is_none() && !is_due(cached, step.options, self.now());
        // Half of the fetch's time, less the time that the fetch has used already.
        let half = self.deadline.limit() / 2;
        let lock_limit = half.saturating_sub(self.deadline.elapsed()) * 2;
        let attempt = dir
            .lock(&key, lock_limit, || self.now(), is_usable, sleep)
            .await;
        if let Some(warning) = &attempt.warning {
            record.warn(SOURCE, &warning.to_string());
        }
        let lock = match attempt.lock {
            LockOutcome::Cached(credentials) => {
                record.found(SOURCE, ());
                return Look::Found(credentials);
            }
            LockOutcome::Acquired(guard) => Some(guard),
            LockOutcome::Unavailable | LockOutcome::Busy => None,
        };
        Look::Absent(Some(Entry { dir, key, lock }))
    }

    /// The entry of the last step, if there is a cache.
    pub(super) fn into_last(self) -> Option<DiskEntry> {
        self.last.into_inner()
    }

    /// Writes the credentials to the entry, and releases its lock.
    pub(super) fn store(&self, entry: Entry<'_>, credentials: &Credentials, record: &mut Record) {
        if let Err(warning) = entry.dir.write(&entry.key, credentials, self.now()) {
            record.warn(SOURCE, &warning.to_string());
        }
        drop(entry.lock);
    }

    fn now(&self) -> Millis {
        now().saturating_add(self.request.clock_offset)
    }

    fn key(&self, step: &StepRequest<'_>) -> CacheKey {
        CacheKey::new(&Request {
            role_arn: step.role_arn,
            options: step.options.clone(),
            asker: Some(step.asker),
            endpoint: self.endpoint.as_deref(),
            endpoint_is_shared: self.finds_cli_endpoint,
        })
    }
}

/// True if a session would refresh the credentials at once, since they are in the advisory window.
fn is_due(credentials: &Credentials, options: &AssumeRoleOptions, now: Millis) -> bool {
    let asked = options.duration_seconds.unwrap_or(DEFAULT_SECONDS);
    let windows = Windows::of(Millis::from(asked) * 1000, Rules::default());
    credentials
        .expires_at
        .is_none_or(|at| at - now <= windows.advisory)
}
