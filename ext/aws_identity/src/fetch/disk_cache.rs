//! The disk cache around one call of STS, so that the processes of a machine share credentials.

use super::{
    disk_entry::DiskEntry,
    disk_key::{DiskKeys, is_due},
    request::FetchRequest,
};
use crate::{
    cache::{CacheDir, CacheKey, LockGuard, LockOutcome},
    config::AssumeRoleOptions,
    credentials::{Credentials, Millis},
    providers::{Context, Record},
    task::deadline::Deadline,
    util::time::now,
};
use std::cell::RefCell;
use tokio::time::sleep;

const SOURCE: &str = "cache";

pub(super) struct DiskCache<'a> {
    dir: Option<CacheDir>,
    keys: DiskKeys,
    request: &'a FetchRequest,
    deadline: &'a Deadline,
    /// The entry of the last step that was looked for.
    last: RefCell<Option<DiskEntry>>,
}

/// One call of STS, and where its credentials are cached.
pub(super) struct StepRequest<'r> {
    pub(super) step: &'r str,
    pub(super) role_arn: Option<&'r str>,
    /// Who signs the call.
    pub(super) asker: &'r str,
    pub(super) options: &'r AssumeRoleOptions,
    pub(super) serial_number: Option<&'r str>,
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
        Self {
            dir,
            keys: DiskKeys::new(settings, endpoint),
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
        let key = self.keys.key(step.role_arn, step.options, Some(step.asker));
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
}
