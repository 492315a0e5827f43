//! The counters of a session, read without a lock.

use crate::util::time::{Millis, Moment};
use std::{
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
    time::Duration,
};

const NEVER: i64 = i64::MIN;

/// Written under the session's lock, read without it.
#[derive(Debug)]
pub struct Counters {
    fetches: AtomicU64,
    cached: AtomicU64,
    failures: AtomicU64,
    back_offs: AtomicU64,
    last_duration: AtomicI64,
    taken_at: AtomicI64,
}

/// The numbers at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Fetches started.
    pub fetches: u64,
    /// Reads of the credentials that were served without a wait.
    pub cached: u64,
    /// Fetches that failed.
    pub failures: u64,
    /// Back-offs after a failure.
    pub back_offs: u64,
    /// How long the last fetch took, without the time for answers.
    pub last_duration: Option<Millis>,
    /// How long ago the held credentials were fetched.
    pub age: Option<Millis>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            fetches: AtomicU64::new(0),
            cached: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            back_offs: AtomicU64::new(0),
            last_duration: AtomicI64::new(NEVER),
            taken_at: AtomicI64::new(NEVER),
        }
    }
}

impl Counters {
    pub(super) fn started(&self) {
        self.fetches.fetch_add(1, Relaxed);
    }

    pub(super) fn cached(&self) {
        self.cached.fetch_add(1, Relaxed);
    }

    pub(super) fn completed(&self, took: Duration, is_good: bool) {
        let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        self.last_duration.store(took, Relaxed);
        self.failures.fetch_add(u64::from(!is_good), Relaxed);
    }

    pub(super) fn backed_off(&self) {
        self.back_offs.fetch_add(1, Relaxed);
    }

    /// Records when the held credentials were fetched.
    pub(super) fn taken(&self, at: Moment) {
        self.taken_at.store(at.boot, Relaxed);
    }

    pub(super) fn tally(&self) -> Tally {
        let known = |value: i64| (value != NEVER).then_some(value);
        Tally {
            fetches: self.fetches.load(Relaxed),
            cached: self.cached.load(Relaxed),
            failures: self.failures.load(Relaxed),
            back_offs: self.back_offs.load(Relaxed),
            last_duration: known(self.last_duration.load(Relaxed)),
            age: known(self.taken_at.load(Relaxed)).map(|at| Moment::now().boot - at),
        }
    }
}
