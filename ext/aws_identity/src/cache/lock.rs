//! The lock beside a cache entry: one process of a machine fetches, the others take what it wrote.

use super::{CacheDir, CacheKey, Warning};
use crate::credentials::{Credentials, Millis};
use std::{
    fs::{File, TryLockError},
    io,
    time::{Duration, Instant},
};

const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// What a process that needs credentials is to do.
#[derive(Debug)]
pub enum LockOutcome {
    /// Use these: they are in the cache.
    Cached(Credentials),
    /// Fetch, write to the cache, drop the guard.
    Acquired(LockGuard),
    /// Fetch without the lock: it is not available.
    Unavailable,
    /// Another process is fetching: try again after a pause.
    Busy,
}

/// The outcome of an attempt, and a warning about the cache for the log.
#[derive(Debug)]
pub struct LockAttempt {
    pub lock: LockOutcome,
    pub warning: Option<Warning>,
}

/// The lock of one cache name among all processes of the machine, released when dropped.
#[derive(Debug)]
pub struct LockGuard {
    pub(super) file: File,
    pid: u32,
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        // Closing is not enough: a child forked meanwhile holds the same lock through its copy of
        // the descriptor. Unlocking releases it for both, so the child must not do it.
        if self.pid == std::process::id() {
            let _ = self.file.unlock(); // nothing more can be done: closing comes next
        }
    }
}

impl CacheDir {
    /// Tries once, without waiting: reads the cache, tries the lock, and reads the cache again, because the
    /// process that held the lock may just have written.
    ///
    /// `wanted` says which cached credentials are good enough, such as those that live long enough. It is
    /// never called with expired ones.
    pub fn try_lock(
        &self,
        key: &CacheKey,
        now: Millis,
        wanted: impl Fn(&Credentials) -> bool,
    ) -> LockAttempt {
        let read = || match self.read(key, now) {
            Ok(found) => (found.filter(&wanted), None),
            Err(warning) => (None, Some(warning)),
        };
        let (found, warning) = read();
        if let Some(found) = found {
            return LockAttempt {
                lock: LockOutcome::Cached(found),
                warning,
            };
        }
        if self.is_read_only {
            return LockAttempt {
                lock: LockOutcome::Unavailable,
                warning,
            };
        }
        match self.lock_file(key) {
            Ok(Some(guard)) => match read() {
                (Some(found), warning) => LockAttempt {
                    lock: LockOutcome::Cached(found),
                    warning,
                },
                (None, warning) => LockAttempt {
                    lock: LockOutcome::Acquired(guard),
                    warning,
                },
            },
            Ok(None) => LockAttempt {
                lock: LockOutcome::Busy,
                warning,
            },
            Err(refused) => LockAttempt {
                lock: LockOutcome::Unavailable,
                warning: warning.or(Some(refused)),
            },
        }
    }

    /// Waits for the lock: never returns [`LockOutcome::Busy`], and [`LockOutcome::Unavailable`] once half of
    /// `deadline` is used, because the other half is for the fetch. The lock may be held for ever: where
    /// its holder was killed, a child it had forked keeps it.
    ///
    /// `clock` is the wall clock; `sleep` completes after the time it is given.
    pub async fn lock<S: Future<Output = ()>>(
        &self,
        key: &CacheKey,
        deadline: Duration,
        clock: impl Fn() -> Millis,
        wanted: impl Fn(&Credentials) -> bool,
        sleep: impl Fn(Duration) -> S,
    ) -> LockAttempt {
        let start = Instant::now();
        let limit = deadline / 2;
        let mut pause = FIRST_PAUSE;
        let mut first_warning = None;
        loop {
            let attempt = self.try_lock(key, clock(), &wanted);
            first_warning = first_warning.or(attempt.warning);
            if !matches!(attempt.lock, LockOutcome::Busy) {
                return LockAttempt {
                    lock: attempt.lock,
                    warning: first_warning,
                };
            }
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return LockAttempt {
                    lock: LockOutcome::Unavailable,
                    warning: first_warning,
                };
            }
            sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// `None` while another process, or another fetch of this one, holds it.
    ///
    /// The lock file is never deleted: two processes could then lock two files of one name.
    fn lock_file(&self, key: &CacheKey) -> Result<Option<LockGuard>, Warning> {
        let path = self.path.join(format!("{}.lock", key.name()));
        let file = super::open_lock(&path)
            .map_err(|error| Warning::io("lock", &path, &error))
            .and_then(|file| {
                let found = file
                    .metadata()
                    .map_err(|error| Warning::io("look at", &path, &error))?;
                self.check(&found, &path)?;
                Ok(file)
            })?;
        match file.try_lock() {
            Ok(()) => Ok(Some(LockGuard {
                file,
                pid: std::process::id(),
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {
                Ok(None)
            }
            Err(TryLockError::Error(error)) => Err(Warning::io("lock", &path, &error)),
        }
    }
}
