//! Whose turn it is to fetch: one process of a host does, the others take what it left.

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
    Ours(LockGuard),
    /// Fetch without the lock: there is none to be had.
    Alone,
    /// Another process is fetching: look again in a moment.
    Busy,
}

/// A turn, and what the user should be told about the cache, if anything.
#[derive(Debug)]
pub struct LockAttempt {
    pub lock: LockOutcome,
    pub warning: Option<Warning>,
}

/// The host-wide lock of one cache name, let go when dropped.
#[derive(Debug)]
pub struct LockGuard {
    pub(super) file: File,
    pid: u32,
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        // Closing is not enough: a child forked meanwhile holds the same lock through its copy of
        // the descriptor. Unlocking takes it from both; for that reason the child must not.
        if self.pid == std::process::id() {
            let _ = self.file.unlock(); // nothing more can be done: closing comes next
        }
    }
}

impl CacheDir {
    /// One look, without waiting: the cache, then the lock, then the cache again, for whoever held
    /// the lock may just have written.
    ///
    /// `wanted` says which cached sets will do: one that is not the key just refused, say, or one
    /// that lives long enough. Expired ones are never offered to it.
    pub fn try_turn(
        &self,
        key: &CacheKey,
        now: Millis,
        wanted: impl Fn(&Credentials) -> bool,
    ) -> LockAttempt {
        let look = || match self.read(key, now) {
            Ok(found) => (found.filter(&wanted), None),
            Err(warning) => (None, Some(warning)),
        };
        let (found, warning) = look();
        if let Some(found) = found {
            return LockAttempt {
                lock: LockOutcome::Cached(found),
                warning,
            };
        }
        match self.try_lock(key) {
            Ok(Some(guard)) => match look() {
                (Some(found), warning) => LockAttempt {
                    lock: LockOutcome::Cached(found),
                    warning,
                },
                (None, warning) => LockAttempt {
                    lock: LockOutcome::Ours(guard),
                    warning,
                },
            },
            Ok(None) => LockAttempt {
                lock: LockOutcome::Busy,
                warning,
            },
            Err(refused) => LockAttempt {
                lock: LockOutcome::Alone,
                warning: warning.or(Some(refused)),
            },
        }
    }

    /// Waits for the lock: never answers [`LockOutcome::Busy`], and [`LockOutcome::Alone`] once half of `deadline`
    /// is used. A holder that was killed while a child it forked lives on would keep the others
    /// waiting for as long as the child lives; the other half is for the fetch.
    ///
    /// `clock` is the wall clock; `sleep` must come back after the time it is given.
    pub async fn lock<S: Future<Output = ()>>(
        &self,
        key: &CacheKey,
        deadline: Duration,
        clock: impl Fn() -> Millis,
        wanted: impl Fn(&Credentials) -> bool,
        sleep: impl Fn(Duration) -> S,
    ) -> LockAttempt {
        let start = Instant::now();
        let patience = deadline / 2;
        let mut pause = FIRST_PAUSE;
        let mut first_warning = None;
        loop {
            let attempt = self.try_turn(key, clock(), &wanted);
            first_warning = first_warning.or(attempt.warning);
            if !matches!(attempt.lock, LockOutcome::Busy) {
                return LockAttempt {
                    lock: attempt.lock,
                    warning: first_warning,
                };
            }
            let left = patience.saturating_sub(start.elapsed());
            if left.is_zero() {
                return LockAttempt {
                    lock: LockOutcome::Alone,
                    warning: first_warning,
                };
            }
            sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// `None` while another process, or another flight of this one, holds it.
    ///
    /// The lock file stays for good: deleting it would let two processes lock two files of one name.
    fn try_lock(&self, key: &CacheKey) -> Result<Option<LockGuard>, Warning> {
        let path = self.path.join(format!("{}.lock", key.name()));
        let file = super::open_lock(&path)
            .map_err(|error| Warning::io("lock", &path, &error))
            .and_then(|file| self.check(&file, &path).map(|_| file))?;
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
