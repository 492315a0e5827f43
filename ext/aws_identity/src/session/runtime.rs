//! Clock, randomness and the start of fetches, replaceable in tests.

use crate::{
    config::Settings,
    failure::Failure,
    fetch::{self, FetchRequest, FetchResult},
    refresh::Range,
    task::{deadline::Deadline, fetch_task::FetchTask, fork_gate::SharedGate},
    util::time::{Millis, now},
};
use std::{sync::Arc, time::Instant};

/// A fetch of a session in flight, or completed.
pub type Fetch = FetchTask<FetchResult>;

/// A trait, so that a test can simulate years and thousands of fetches in a second.
pub(super) trait Runtime: Send + Sync {
    /// The wall clock.
    fn now(&self) -> Millis;
    /// The monotonic clock.
    fn instant(&self) -> Instant;
    /// A random number of the range.
    fn pick(&self, range: Range) -> Millis;
    /// Starts the fetch of `request`.
    fn start(
        &self,
        settings: &Arc<Settings>,
        request: FetchRequest,
        gate: SharedGate,
    ) -> Result<Arc<Fetch>, Failure>;
}

/// The real clocks, randomness and tasks.
pub(super) struct SystemRuntime;

impl Runtime for SystemRuntime {
    fn now(&self) -> Millis {
        now()
    }

    fn instant(&self) -> Instant {
        Instant::now()
    }

    /// Seeded anew each time: a forked child must not back off in step with its parent.
    fn pick(&self, range: Range) -> Millis {
        let seed = u64::from(std::process::id()).rotate_left(32) ^ self.now().cast_unsigned();
        fastrand::Rng::with_seed(seed).i64(range)
    }

    fn start(
        &self,
        settings: &Arc<Settings>,
        request: FetchRequest,
        gate: SharedGate,
    ) -> Result<Arc<Fetch>, Failure> {
        let settings = Arc::clone(settings);
        let deadline = Deadline::new(settings.resolve_timeout.value, settings.deadline_cap);
        FetchTask::spawn(gate, deadline, move |context| {
            fetch::fetch(settings, request, gate, context)
        })
    }
}
