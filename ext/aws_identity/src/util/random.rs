//! Random numbers for the length of pauses.

use fastrand::Rng;
use std::{process, time::SystemTime};

/// Seeded anew each time: a forked child must not wait in step with its parent.
#[must_use]
pub fn random() -> Rng {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_nanos());
    Rng::with_seed(u64::from(process::id()).rotate_left(32) ^ u64::from(since))
}
