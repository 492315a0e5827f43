//! One fetch in progress, and those who wait for it.
//!
//! A flight is a short-lived thread that builds its own runtime, does one job under a deadline,
//! leaves the result in a slot and ends. Nothing of it outlives it, so nothing of it can be
//! inherited by a forked child; and nobody who waits holds it up by leaving.

use crate::{
    failure::Failure,
    task::fork_gate::{Permit, RunningGuard, SharedGate},
    task::panic,
};
use std::{
    process,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::{runtime, time::timeout};

/// Ten times what a release build was seen to use, three times a debug build's; a stack that
/// overflows in a library ends the process without a word.
pub(crate) const STACK: usize = 1 << 20;

/// How long past its deadline a flight may be before those who wait give it up: a job that blocks
/// its thread also stops the runtime's timer.
const GRACE: Duration = Duration::from_millis(500);

/// When a flight has to be done. A job that finds out it needs longer may extend it.
#[derive(Debug)]
pub struct Deadline {
    start: Instant,
    millis: AtomicU64,
}

impl Deadline {
    fn new(limit: Duration) -> Self {
        Self {
            start: Instant::now(),
            millis: AtomicU64::new(millis(limit)),
        }
    }

    /// Gives the flight `more` time than it has; with a `cap` no more than that in all.
    pub fn extend(&self, more: Duration, cap: Option<Duration>) {
        let held = self.millis.load(SeqCst); // only the job itself extends it
        let wanted = held.saturating_add(millis(more));
        let most = cap.map_or(wanted, |cap| wanted.min(millis(cap)));
        self.millis.fetch_max(most, SeqCst);
    }

    #[must_use]
    pub fn limit(&self) -> Duration {
        Duration::from_millis(self.millis.load(SeqCst))
    }

    /// What is left; zero when it is over.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.limit().saturating_sub(self.start.elapsed())
    }

    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// What `job` brings, if it does before the deadline, extensions included.
    pub async fn bound<J: Future>(&self, job: J) -> Option<J::Output> {
        let mut job = std::pin::pin!(job);
        loop {
            match timeout(self.left(), &mut job).await {
                Ok(outcome) => return Some(outcome),
                Err(_) if self.left().is_zero() => return None,
                Err(_) => {} // it was extended meanwhile
            }
        }
    }

    /// The failure of a job that took too long.
    #[must_use]
    pub fn overdue(&self) -> Failure {
        Failure::timeout(
            format!(
                "No answer within {} s (resolve_timeout).",
                self.limit().as_secs_f64()
            ),
            "Check the network and proxy, or raise resolve_timeout.",
        )
    }

    fn is_abandoned(&self) -> bool {
        self.start.elapsed() >= self.limit() + GRACE
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 2)
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The flight has landed: its outcome is there.
    Completed,
    /// [`FetchTask::nudge`] was called, or the waiter wanted to look up.
    Interrupted,
    /// It will never land for us: overdue, or flown by another process.
    Abandoned,
}

/// A job in the air, or landed.
pub struct FetchTask<T> {
    outcome: OnceLock<Result<T, Failure>>,
    lock: Mutex<()>,
    completed: Condvar,
    pid: u32,
    deadline: Arc<Deadline>,
}

impl<T: Send + Sync + 'static> FetchTask<T> {
    /// Starts `job` on a thread of its own.
    pub fn spawn<F, J>(gate: SharedGate, limit: Duration, job: F) -> Result<Arc<Self>, Failure>
    where
        F: FnOnce(Arc<Deadline>) -> J + Send + 'static,
        J: Future<Output = Result<T, Failure>>,
    {
        let permit = Permit::take(gate).ok_or_else(|| {
            Failure::internal(
                "Too many requests to AWS are under way in this process (128).",
                "Share one Session instead of making many.",
            )
        })?;
        panic::keep_quiet();
        let task = Arc::new(Self {
            outcome: OnceLock::new(),
            lock: Mutex::new(()),
            completed: Condvar::new(),
            pid: process::id(),
            deadline: Arc::new(Deadline::new(limit)),
        });
        let worker = Arc::clone(&task);
        thread::Builder::new()
            .name(panic::THREAD.into())
            .stack_size(STACK)
            .spawn(move || {
                worker.run(gate, job);
                drop(permit);
            })
            .map_err(|error| no_thread(&error))?;
        Ok(task)
    }

    fn run<F, J>(&self, gate: SharedGate, job: F)
    where
        F: FnOnce(Arc<Deadline>) -> J,
        J: Future<Output = Result<T, Failure>>,
    {
        let _running = RunningGuard::begin(gate); // but for the time it is parked
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || gate.pause())
            .on_thread_unpark(move || gate.resume())
            .max_blocking_threads(4)
            .thread_stack_size(STACK)
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return self.complete(Err(no_thread(&error))),
        };
        let outcome = panic::caught(|| {
            runtime.block_on(async {
                let bounded = self.deadline.bound(job(Arc::clone(&self.deadline))).await;
                bounded.unwrap_or_else(|| Err(self.overdue()))
            })
        });
        self.complete(outcome.unwrap_or_else(Err));
        runtime.shutdown_background(); // a program that hangs must not hold this thread
    }

    fn complete(&self, outcome: Result<T, Failure>) {
        let _ = self.outcome.set(outcome);
        drop(self.lock());
        self.completed.notify_all();
    }
}

impl<T> FetchTask<T> {
    /// What the flight brought, once it has landed. Never blocks, in any process.
    pub fn outcome(&self) -> Option<&Result<T, Failure>> {
        self.outcome.get()
    }

    /// False in a child forked while it flew: nobody flies it there, and `lock` may be held for
    /// ever.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.pid == process::id()
    }

    /// False once waiting for it is pointless.
    #[must_use]
    pub fn may_complete(&self) -> bool {
        self.is_ours() && !self.deadline.is_abandoned()
    }

    /// The failure of a flight that took too long.
    #[must_use]
    pub fn overdue(&self) -> Failure {
        self.deadline.overdue()
    }

    /// Since when it flies.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.deadline.elapsed()
    }

    /// Blocks until the flight has landed, is lost, or `interrupted` is set through `nudge`.
    pub fn wait(&self, interrupted: &AtomicBool) -> Woken {
        self.wait_at_most(interrupted, Duration::MAX)
    }

    /// The same for no longer than `limit`, the end of which counts as interrupted.
    pub fn wait_at_most(&self, interrupted: &AtomicBool, limit: Duration) -> Woken {
        let start = Instant::now();
        if self.outcome.get().is_some() {
            return Woken::Completed;
        }
        if !self.is_ours() {
            return Woken::Abandoned;
        }
        let mut guard = self.lock();
        loop {
            if self.outcome.get().is_some() {
                return Woken::Completed;
            }
            if interrupted.swap(false, SeqCst) {
                return Woken::Interrupted;
            }
            if self.deadline.is_abandoned() {
                return Woken::Abandoned;
            }
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Woken::Interrupted;
            }
            let patience = left.min(self.deadline.left() + GRACE);
            guard = self
                .completed
                .wait_timeout(guard, patience)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Wakes the waiter that looks at `interrupted`. Callable from any thread.
    pub fn nudge(&self, interrupted: &AtomicBool) {
        interrupted.store(true, SeqCst);
        drop(self.lock()); // a waiter is either before its check or already asleep
        self.completed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For tests that land a flight by hand.
#[cfg(test)]
impl<T: Send + Sync + 'static> FetchTask<T> {
    /// A flight of the process `pid` that nobody flies.
    pub(crate) fn without_worker(pid: u32) -> Arc<Self> {
        let deadline = Deadline {
            start: Instant::now().checked_sub(2 * GRACE).unwrap(),
            millis: AtomicU64::new(u64::MAX / 2),
        };
        Arc::new(Self {
            outcome: OnceLock::new(),
            lock: Mutex::new(()),
            completed: Condvar::new(),
            pid,
            deadline: Arc::new(deadline),
        })
    }

    pub(crate) fn complete_by_hand(&self, outcome: Result<T, Failure>) {
        self.complete(outcome);
    }

    /// Its time and its grace are over.
    pub(crate) fn abandon(&self) {
        self.deadline.millis.store(0, SeqCst);
    }
}

fn no_thread(error: &std::io::Error) -> Failure {
    Failure::internal(
        format!("Cannot start a thread for a request to AWS ({error})."),
        "Check the limits on threads and open files (ulimit -u, -n).",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;
    use crate::task::fork_gate::NoFork;

    const QUICK: Duration = Duration::from_millis(40);

    fn launch<J>(
        limit: Duration,
        job: impl FnOnce(Arc<Deadline>) -> J + Send + 'static,
    ) -> Arc<FetchTask<u32>>
    where
        J: Future<Output = Result<u32, Failure>>,
    {
        FetchTask::spawn(&NoFork, limit, job).unwrap()
    }

    fn wait(task: &FetchTask<u32>) -> Woken {
        task.wait(&AtomicBool::new(false))
    }

    #[test]
    fn everybody_gets_what_the_one_flight_brought() {
        let task = launch(Duration::from_secs(5), |_| async {
            tokio::time::sleep(QUICK).await;
            Ok(7)
        });
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    assert_eq!(wait(&task), Woken::Completed);
                    assert_eq!(task.outcome().unwrap().as_ref().unwrap(), &7);
                });
            }
        });
    }

    #[test]
    fn a_job_that_takes_too_long_is_a_timeout() {
        let task = launch(QUICK, |_| std::future::pending());
        assert_eq!(wait(&task), Woken::Completed);
        let failure = task.outcome().unwrap().as_ref().unwrap_err();
        assert_eq!(failure.kind, Kind::Timeout);
        assert!(
            failure.message().contains("0.04 s"),
            "{}",
            failure.message()
        );
    }

    #[test]
    fn a_job_may_extend_its_deadline() {
        let task = launch(QUICK, |deadline| async move {
            deadline.extend(Duration::from_secs(5), None);
            tokio::time::sleep(QUICK * 3).await;
            Ok(1)
        });
        assert_eq!(wait(&task), Woken::Completed);
        assert!(task.outcome().unwrap().is_ok());
    }

    #[test]
    fn a_deadline_is_extended_to_its_cap_and_never_cut() {
        let deadline = Deadline::new(Duration::from_secs(2));
        deadline.extend(Duration::from_secs(9), Some(Duration::from_secs(4)));
        assert_eq!(deadline.limit(), Duration::from_secs(4));
        deadline.extend(Duration::from_secs(9), Some(Duration::from_secs(3)));
        assert_eq!(deadline.limit(), Duration::from_secs(4));
    }

    #[test]
    fn a_job_that_blocks_its_thread_is_given_up() {
        let task = launch(QUICK, |_| async {
            thread::sleep(QUICK + GRACE + Duration::from_secs(1));
            Ok(1)
        });
        let start = Instant::now();
        assert_eq!(wait(&task), Woken::Abandoned);
        assert!(start.elapsed() < QUICK + GRACE + Duration::from_millis(900));
        assert!(!task.may_complete());
    }

    #[test]
    fn a_panic_is_an_internal_failure_without_its_text() {
        let task = launch(Duration::from_secs(5), |_| async { panic!("canary") });
        assert_eq!(wait(&task), Woken::Completed);
        let failure = task.outcome().unwrap().as_ref().unwrap_err();
        assert_eq!(failure.kind, Kind::Internal);
        assert!(
            failure.message().contains("fetch_task.rs"),
            "{}",
            failure.message()
        );
        assert!(
            !failure.message().contains("canary"),
            "{}",
            failure.message()
        );
    }

    #[test]
    fn a_nudge_wakes_one_waiter_and_the_flight_goes_on() {
        let task = launch(Duration::from_secs(5), |_| async {
            tokio::time::sleep(QUICK * 5).await;
            Ok(1)
        });
        let interrupted = AtomicBool::new(false);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| task.wait(&interrupted));
            thread::sleep(QUICK);
            task.nudge(&interrupted);
            assert_eq!(waiter.join().unwrap(), Woken::Interrupted);
        });
        assert_eq!(wait(&task), Woken::Completed);
    }

    #[test]
    fn a_waiter_may_look_up_now_and_then() {
        let task = launch(Duration::from_secs(5), |_| std::future::pending());
        let start = Instant::now();
        let woken = task.wait_at_most(&AtomicBool::new(false), QUICK);
        assert_eq!(woken, Woken::Interrupted);
        assert!(start.elapsed() >= QUICK);
        assert!(task.may_complete());
    }
}
