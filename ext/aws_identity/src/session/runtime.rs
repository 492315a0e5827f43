//! Clock, randomness and the start of fetches, replaceable in tests.

use crate::{
    config::Settings,
    failure::Failure,
    fetch::{self, FetchRequest, FetchResult},
    refresh::Range,
    task::{deadline::Deadline, fetch_task::FetchTask, fork_gate::SharedGate},
    util::{
        random::random,
        time::{Millis, Moment},
    },
};
use std::{process, sync::Arc};

/// A fetch of a session in flight, or completed.
pub type Fetch = FetchTask<FetchResult>;
/// A removal of refused credentials from the cache on disk.
pub type Removal = FetchTask<()>;

/// A trait, so that a test can simulate years and thousands of fetches in a second.
pub(super) trait Runtime: Send + Sync {
    /// The two clocks.
    fn now(&self) -> Moment;
    /// The id of this process.
    fn process(&self) -> u32;
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
    fn now(&self) -> Moment {
        Moment::now()
    }

    fn process(&self) -> u32 {
        process::id()
    }

    fn pick(&self, range: Range) -> Millis {
        random().i64(range)
    }

    fn start(
        &self,
        settings: &Arc<Settings>,
        request: FetchRequest,
        gate: SharedGate,
    ) -> Result<Arc<Fetch>, Failure> {
        let settings = Arc::clone(settings);
        let deadline = Deadline::new(settings.resolve_timeout.value, settings.deadline_cap);
        FetchTask::spawn_for(request.held.is_some(), gate, deadline, move |context| {
            fetch::fetch(settings, request, gate, context)
        })
    }
}
