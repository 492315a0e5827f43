//! One fetch in flight, and its waiters.
//!
//! A task is a short-lived thread that builds its own runtime, does one job under a deadline and
//! stores the outcome. No thread or runtime outlives the job, so a forked child inherits none that
//! is idle; and a waiter that leaves does not delay the task.

use super::{
    asker::Asker,
    deadline::{Deadline, GRACE},
    fork_gate::{Permit, SharedGate, ThreadGuard},
    own_thread::{self, STACK},
    panic,
    question::{Answer, Asked, Takes},
    slot::Slot,
};
use crate::{
    credentials::Millis,
    failure::{Failure, Kind},
    util::time::Moment,
};
use std::{
    process,
    sync::{
        Arc, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};
use tokio::runtime;

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The task has completed.
    Completed,
    /// A question is open, and the waiter has not seen its last change.
    Asked,
    /// The task waits for the network, or for an answer.
    Parked,
    /// [`FetchTask::nudge`] was called, or the waiter's limit has passed.
    Interrupted,
    /// It will never complete for this process: it is overdue, or the parent process runs it.
    Abandoned,
}

/// What ends a wait besides the completion of the task.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heed {
    /// A question, if it has changed more often than this.
    pub questions_after: Option<u64>,
    /// That the task waits for the network or for an answer.
    pub parked: bool,
}

/// When a task completed.
#[derive(Clone, Copy, Debug)]
pub struct Completion {
    pub began: Moment,
    pub at: Moment,
    /// How long it took, without the time for answers.
    pub took: Duration,
}

/// What the job of a task is given.
pub struct TaskContext {
    pub deadline: Arc<Deadline>,
    pub asker: Asker,
}

/// A job in flight, or completed.
pub struct FetchTask<T> {
    outcome: OnceLock<(Result<T, Failure>, Completion)>,
    slot: Arc<Slot>,
    deadline: Arc<Deadline>,
    began: Moment,
    is_for_identity: bool,
    has_parked: AtomicBool,
    #[cfg(test)]
    is_abandoned: AtomicBool,
}

impl<T: Send + Sync + 'static> FetchTask<T> {
    /// Starts `job` on a thread of its own.
    pub fn spawn<F, J>(gate: SharedGate, deadline: Deadline, job: F) -> Result<Arc<Self>, Failure>
    where
        F: FnOnce(TaskContext) -> J + Send + 'static,
        J: Future<Output = Result<T, Failure>>,
    {
        Self::spawn_for(false, gate, deadline, job)
    }

    /// The same; `is_for_identity`: the job fetches the identity alone, with credentials that are
    /// held.
    pub fn spawn_for<F, J>(
        is_for_identity: bool,
        gate: SharedGate,
        deadline: Deadline,
        job: F,
    ) -> Result<Arc<Self>, Failure>
    where
        F: FnOnce(TaskContext) -> J + Send + 'static,
        J: Future<Output = Result<T, Failure>>,
    {
        let permit = Permit::take(gate).ok_or_else(|| {
            Failure::new(
                Kind::Connection,
                "Too many requests to AWS are under way in this process (128).",
                "Share one Session instead of making many.",
            )
        })?;
        Self::start(is_for_identity, gate, Some(permit), deadline, job)
    }

    /// Without a permit the job may send nothing to AWS and ask no question.
    pub(super) fn start<F, J>(
        is_for_identity: bool,
        gate: SharedGate,
        permit: Option<Permit>,
        deadline: Deadline,
        job: F,
    ) -> Result<Arc<Self>, Failure>
    where
        F: FnOnce(TaskContext) -> J + Send + 'static,
        J: Future<Output = Result<T, Failure>>,
    {
        panic::hide_messages();
        let task = Arc::new(Self::new(process::id(), deadline, is_for_identity));
        let worker = Arc::clone(&task);
        // Here, with Ruby's lock, because tokio 1.54 reads a variable when it makes a builder.
        let runtime = runtime::Builder::new_current_thread();
        let thread = thread::Builder::new()
            .name(panic::THREAD.into())
            .stack_size(STACK)
            .spawn(move || worker.run(gate, permit, runtime, job))
            .map_err(|error| no_thread(&error))?;
        gate.started(thread);
        Ok(task)
    }

    fn new(pid: u32, deadline: Deadline, is_for_identity: bool) -> Self {
        Self {
            outcome: OnceLock::new(),
            slot: Arc::new(Slot::new(pid)),
            deadline: Arc::new(deadline),
            began: Moment::now(),
            is_for_identity,
            has_parked: AtomicBool::new(false),
            #[cfg(test)]
            is_abandoned: AtomicBool::new(false),
        }
    }

    fn run<F, J>(
        self: Arc<Self>,
        gate: SharedGate,
        permit: Option<Permit>,
        mut runtime: runtime::Builder,
        job: F,
    ) where
        F: FnOnce(TaskContext) -> J,
        J: Future<Output = Result<T, Failure>>,
    {
        let _running = ThreadGuard::begin(gate); // except while it is parked
        let parking = Arc::clone(&self);
        let runtime = runtime
            .enable_all()
            .on_thread_park(move || {
                parking.park();
                gate.pause();
            })
            .on_thread_unpark(move || gate.resume())
            .max_blocking_threads(4)
            .thread_stack_size(STACK)
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => return self.complete(Err(no_thread(&error))),
        };
        let context = TaskContext {
            deadline: Arc::clone(&self.deadline),
            asker: Asker::new(
                Arc::clone(&self.slot),
                Arc::clone(&self.deadline),
                gate,
                permit,
            ),
        };
        let outcome = panic::caught(|| {
            runtime.block_on(async {
                let bounded = self.deadline.bound(job(context)).await;
                bounded.unwrap_or_else(|| Err(self.overdue()))
            })
        });
        self.complete(outcome.unwrap_or_else(Err));
        runtime.shutdown_background(); // does not wait for threads of the pool, which no code of ours uses
        drop(self); // what was fetched is not kept until a look-up that nobody awaits ends
        own_thread::join_abandoned(gate);
    }

    fn park(&self) {
        if !self.has_parked.swap(true, SeqCst) {
            self.wake();
        }
    }

    fn complete(&self, outcome: Result<T, Failure>) {
        let completion = Completion {
            began: self.began,
            at: Moment::now(),
            took: self.deadline.took(),
        };
        let _ = self.outcome.set((outcome, completion));
        self.wake();
    }
}

impl<T> FetchTask<T> {
    /// The outcome of the task, once it has completed. Never blocks, in any process.
    pub fn outcome(&self) -> Option<&Result<T, Failure>> {
        self.completed().map(|(outcome, _)| outcome)
    }

    /// The outcome, and when the task completed. Never blocks, in any process.
    pub fn completed(&self) -> Option<&(Result<T, Failure>, Completion)> {
        self.outcome.get()
    }

    /// False in a child forked while the task ran: no thread runs it there, and its locks may stay
    /// locked for ever.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.slot.is_ours()
    }

    /// False once the task is overdue, or in a forked child.
    #[must_use]
    pub fn may_complete(&self) -> bool {
        #[cfg(test)]
        if self.is_abandoned.load(SeqCst) {
            return false;
        }
        self.is_ours() && !self.deadline.is_abandoned()
    }

    /// How long it may take.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.deadline.limit()
    }

    /// The failure of a task that took too long.
    #[must_use]
    pub fn overdue(&self) -> Failure {
        self.deadline.overdue()
    }

    /// When the waiters of a task that took too long could abandon it first.
    #[must_use]
    pub fn abandoned(&self, now: Moment) -> Completion {
        let since = self.deadline.abandoned_since();
        Completion {
            began: self.began,
            at: now - Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX),
            took: self.deadline.took().saturating_sub(since),
        }
    }

    /// True if it fetches the identity alone, and no credentials.
    #[must_use]
    pub fn is_for_identity(&self) -> bool {
        self.is_for_identity
    }

    /// The open question, and how many changes there have been to the questions of this task.
    #[must_use]
    pub fn asked(&self) -> (Option<Asked>, u64) {
        self.slot.asked()
    }

    /// Takes the open question for `owner`, if it may, and says how long `owner` has to answer.
    #[must_use]
    pub fn take(&self, owner: u64, takes: Takes) -> Option<(Asked, Duration)> {
        self.slot.take(owner, takes)
    }

    /// Answers the question that `owner` took; returns the answer if it comes too late.
    pub fn answer(
        &self,
        owner: u64,
        outcome: Result<Answer, Failure>,
    ) -> Option<Result<Answer, Failure>> {
        self.slot.answer(owner, outcome)
    }

    /// Offers the answer to a question of an earlier task; true if it fits the open question.
    pub fn answer_untaken(&self, answer: Answer) -> bool {
        self.slot.answer_untaken(answer)
    }

    /// `owner` will not answer, so another waiter may take the question. Does nothing a second
    /// time.
    pub fn give_back(&self, owner: u64) {
        self.slot.give_back(owner);
    }

    /// The helper thread for the questions of this task has stopped.
    pub fn lose_helper(&self) {
        self.slot.lose_helper();
    }

    /// No caller needs the outcome any more, so the open question is withdrawn.
    pub fn cancel_questions(&self) {
        self.slot.close();
    }

    /// True if the task failed because no waiter took its question. Never blocks, in any process.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.slot.is_withdrawn()
    }

    /// The number of the question whose answer was a failure, or 0. Never blocks, in any process.
    #[must_use]
    pub fn failed_question(&self) -> u64 {
        self.slot.failed()
    }

    /// Blocks until the task has completed or is abandoned, or `nudge` sets `interrupted`.
    pub fn wait(&self, interrupted: &AtomicBool) -> Woken {
        self.wait_at_most(interrupted, Duration::MAX, Heed::default())
    }

    /// The same for at most `limit`, after which it returns as if interrupted; `heed` says what
    /// else ends the wait.
    pub fn wait_at_most(&self, interrupted: &AtomicBool, limit: Duration, heed: Heed) -> Woken {
        let start = Instant::now();
        if self.outcome.get().is_some() {
            return Woken::Completed;
        }
        if !self.is_ours() {
            return Woken::Abandoned;
        }
        let mut state = self.slot.lock();
        loop {
            if self.outcome.get().is_some() {
                return Woken::Completed;
            }
            if interrupted.swap(false, SeqCst) {
                return Woken::Interrupted;
            }
            if heed
                .questions_after
                .is_some_and(|seen| state.is_news_after(seen))
            {
                return Woken::Asked;
            }
            if heed.parked && self.has_parked.load(SeqCst) {
                return Woken::Parked;
            }
            if !self.may_complete() {
                return Woken::Abandoned;
            }
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Woken::Interrupted;
            }
            let sleep_limit = left.min(self.deadline.left() + GRACE);
            state = self
                .slot
                .changed
                .wait_timeout(state, sleep_limit)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Wakes the waiter that checks `interrupted`. Callable from any thread.
    pub fn nudge(&self, interrupted: &AtomicBool) {
        interrupted.store(true, SeqCst);
        self.wake();
    }

    fn wake(&self) {
        drop(self.slot.lock()); // a waiter is either before its check or already asleep
        self.slot.changed.notify_all();
    }
}

/// For tests that complete a task themselves.
#[cfg(test)]
impl<T: Send + Sync + 'static> FetchTask<T> {
    /// A task of the process `pid` without a thread.
    pub(crate) fn without_worker(pid: u32, is_for_identity: bool) -> Arc<Self> {
        let limit = Duration::from_secs(1 << 32);
        Arc::new(Self::new(pid, Deadline::new(limit, None), is_for_identity))
    }

    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }

    pub(crate) fn complete_by_hand(&self, outcome: Result<T, Failure>, completion: Completion) {
        let _ = self.outcome.set((outcome, completion));
    }

    /// Makes the task overdue.
    pub(crate) fn abandon(&self) {
        self.is_abandoned.store(true, SeqCst);
    }
}

fn no_thread(error: &std::io::Error) -> Failure {
    Failure::new(
        Kind::Connection,
        format!("Cannot start a thread for a request to AWS ({error})."),
        "Check the limits on threads and open files (ulimit -u, -n).",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::fork_gate::NoFork;

    const QUICK: Duration = Duration::from_millis(40);

    fn start<J>(
        limit: Duration,
        job: impl FnOnce(TaskContext) -> J + Send + 'static,
    ) -> Arc<FetchTask<u32>>
    where
        J: Future<Output = Result<u32, Failure>>,
    {
        FetchTask::spawn(&NoFork, Deadline::new(limit, None), job).unwrap()
    }

    fn wait(task: &FetchTask<u32>) -> Woken {
        task.wait(&AtomicBool::new(false))
    }

    #[test]
    fn all_waiters_get_the_outcome_of_one_fetch() {
        let task = start(Duration::from_secs(5), |_| async {
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
        let task = start(QUICK, |_| std::future::pending());
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
    fn a_job_that_blocks_its_thread_is_abandoned() {
        let task = start(QUICK, |_| async {
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
        let task = start(Duration::from_secs(5), |_| async { panic!("canary") });
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
    fn a_nudge_wakes_one_waiter_and_the_fetch_goes_on() {
        let task = start(Duration::from_secs(5), |_| async {
            tokio::time::sleep(QUICK * 25).await;
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
    fn a_wait_returns_after_its_limit() {
        let task = start(Duration::from_secs(5), |_| std::future::pending());
        let start = Instant::now();
        let woken = task.wait_at_most(&AtomicBool::new(false), QUICK, Heed::default());
        assert_eq!(woken, Woken::Interrupted);
        assert!(start.elapsed() >= QUICK);
        assert!(task.may_complete());
    }
}
