//! The slot of a task for its question: it is asked, taken, given back and answered here.

use super::{
    deadline::GRACE,
    question::{Answer, Asked, Limits, Question, Takes},
};
use crate::failure::Failure;
use std::{
    process,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// How long a question waits for a reader who may take it.
const UNTAKEN: Duration = Duration::from_secs(2);

#[derive(Debug)]
struct Open {
    asked: Asked,
    limits: Limits,
    owner: u64,
    expires: Instant,
    replies: UnboundedSender<Reply>,
}

impl Open {
    /// How long the answer may take, with the grace period.
    fn answer_limit(&self) -> Duration {
        self.limits.helper.unwrap_or(self.limits.reader) + GRACE
    }
}

pub(super) enum Reply {
    Answered(Box<Result<Answer, Failure>>),
    /// A waiter took it or gave it back, so it expires at another time.
    Changed,
}

#[derive(Debug, Default)]
pub(super) struct State {
    open: Option<Open>,
    /// Counts up with everything that happens to a question.
    changes: u64,
    is_closed: bool,
    helper_has_stopped: bool,
}

impl State {
    /// True if a question is open and a waiter that has seen `seen` changes has not seen its last
    /// one.
    pub(super) fn is_news_after(&self, seen: u64) -> bool {
        self.open.is_some() && self.changes != seen
    }
}

/// Holds the question of a task, and the condition variable on which the waiters of the task sleep.
#[derive(Debug)]
pub(crate) struct Slot {
    state: Mutex<State>,
    pub(super) changed: Condvar,
    pid: u32,
    is_withdrawn: AtomicBool,
    failed: AtomicU64,
}

impl Slot {
    pub(super) fn new(pid: u32) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            pid,
            is_withdrawn: AtomicBool::new(false),
            failed: AtomicU64::new(0),
        }
    }

    /// False in a forked child, where no thread runs the job and the lock may stay locked for ever.
    pub(super) fn is_ours(&self) -> bool {
        self.pid == process::id()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open question, and how many changes there have been.
    pub(super) fn asked(&self) -> (Option<Asked>, u64) {
        if !self.is_ours() {
            return (None, 0);
        }
        let state = self.lock();
        let asked = state.open.as_ref().map(|open| open.asked.clone());
        (asked, state.changes)
    }

    pub(super) fn take(&self, owner: u64, takes: Takes) -> Option<(Asked, Duration)> {
        if !self.is_ours() {
            return None;
        }
        let mut state = self.lock();
        let open = state.open.as_mut()?;
        if open.asked.is_taken || !takes.allows(&open.asked.question) {
            return None;
        }
        open.asked.is_taken = true;
        open.owner = owner;
        if open.limits.helper.is_none() {
            open.expires = Instant::now() + open.answer_limit();
        }
        let question = (
            open.asked.clone(),
            open.answer_limit().saturating_sub(GRACE),
        );
        self.notify(state);
        Some(question)
    }

    /// Hands `outcome` to the job; returns it if the question is no longer `owner`'s.
    pub(super) fn answer(
        &self,
        owner: u64,
        outcome: Result<Answer, Failure>,
    ) -> Option<Result<Answer, Failure>> {
        self.reply(outcome, |open, _| {
            open.asked.is_taken && open.owner == owner
        })
    }

    /// Hands the answer to a question of an earlier task to the job; true if it fits the open
    /// question.
    pub(super) fn answer_untaken(&self, answer: Answer) -> bool {
        self.reply(Ok(answer), |open, outcome| {
            !open.asked.is_taken
                && outcome
                    .as_ref()
                    .is_ok_and(|answer| open.asked.question.fits(answer))
        })
        .is_none()
    }

    fn reply(
        &self,
        outcome: Result<Answer, Failure>,
        fits: impl Fn(&Open, &Result<Answer, Failure>) -> bool,
    ) -> Option<Result<Answer, Failure>> {
        if !self.is_ours() {
            return Some(outcome);
        }
        let mut state = self.lock();
        let Some(open) = state.open.take_if(|open| fits(open, &outcome)) else {
            return Some(outcome);
        };
        if outcome.is_err() {
            self.failed.store(open.asked.number, SeqCst);
        }
        let _ = open.replies.send(Reply::Answered(Box::new(outcome)));
        self.notify(state);
        None
    }

    /// `owner` leaves, so another waiter may take the question. Does nothing a second time.
    pub(super) fn give_back(&self, owner: u64) {
        if !self.is_ours() {
            return;
        }
        let mut state = self.lock();
        let Some(open) = state.open.as_mut() else {
            return;
        };
        if !open.asked.is_taken || open.owner != owner {
            return;
        }
        open.asked.is_taken = false;
        if open.limits.helper.is_none() {
            open.expires = Instant::now() + UNTAKEN;
        }
        self.notify(state);
    }

    /// The helper thread has stopped, so a question that no waiter has taken expires sooner.
    pub(super) fn lose_helper(&self) {
        if !self.is_ours() {
            return;
        }
        let mut state = self.lock();
        state.helper_has_stopped = true;
        if let Some(open) = state.open.as_mut().filter(|open| !open.asked.is_taken) {
            open.limits.helper = None;
            open.expires = Instant::now() + UNTAKEN;
        }
        self.notify(state);
    }

    /// No caller needs the outcome any more, so the job stops waiting for an answer.
    pub(super) fn close(&self) {
        if !self.is_ours() {
            return;
        }
        let mut state = self.lock();
        state.is_closed = true;
        if state.open.take().is_some() {
            self.is_withdrawn.store(true, SeqCst);
        }
        self.notify(state);
    }

    /// True if a question got no answer because no waiter took it. Never blocks, in any process.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.is_withdrawn.load(SeqCst)
    }

    /// The number of the question whose answer was a failure, or 0. Never blocks, in any process.
    pub(super) fn failed(&self) -> u64 {
        self.failed.load(SeqCst)
    }

    /// Closes the question, since the job no longer waits for its answer.
    pub(super) fn forget(&self) {
        self.lock().open = None;
    }

    fn notify(&self, mut state: MutexGuard<'_, State>) {
        state.changes += 1;
        if let Some(open) = &state.open {
            let _ = open.replies.send(Reply::Changed);
        }
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn open(
        &self,
        question: Question,
        mut limits: Limits,
    ) -> Option<UnboundedReceiver<Reply>> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let mut state = self.lock();
        if state.is_closed {
            return None;
        }
        limits.helper = limits.helper.filter(|_| !state.helper_has_stopped);
        let (replies, inbox) = unbounded_channel();
        let mut open = Open {
            asked: Asked {
                number: NUMBER.fetch_add(1, SeqCst),
                question,
                is_taken: false,
            },
            limits,
            owner: 0,
            expires: Instant::now() + UNTAKEN,
            replies,
        };
        if limits.helper.is_some() {
            open.expires = Instant::now() + open.answer_limit();
        }
        state.open = Some(open);
        self.notify(state);
        Some(inbox)
    }

    /// How long the answer may still take, or the failure once the question has expired.
    pub(super) fn expires(&self) -> Result<Duration, Failure> {
        let mut state = self.lock();
        let Some(open) = &state.open else {
            return Ok(Duration::ZERO); // the answer is in the channel
        };
        let left = open.expires.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            return Ok(left);
        }
        let name = open.asked.question.name();
        let failure = if open.asked.is_taken || open.limits.helper.is_some() {
            let seconds = open.answer_limit().as_secs_f64();
            let cause =
                format!("{name} did not come within {seconds} s (token_timeout, process_timeout).");
            Failure::timeout(cause, "Answer sooner, or allow more time.")
        } else {
            self.is_withdrawn.store(true, SeqCst);
            open.asked.question.unasked()
        };
        state.open = None;
        self.notify(state);
        Err(failure)
    }
}

/// For tests that ask in place of a job.
#[cfg(test)]
pub(crate) mod by_hand {
    use super::{Answer, Failure, Instant, Limits, Question, Reply, Slot, UnboundedReceiver};

    /// Receives the answer for the job of a task without a thread.
    pub(crate) struct Inbox(UnboundedReceiver<Reply>);

    impl Slot {
        pub(crate) fn ask_by_hand(&self, question: Question, limits: Limits) -> Inbox {
            Inbox(self.open(question, limits).unwrap())
        }

        /// Makes the open question expire now.
        pub(crate) fn expire_by_hand(&self) -> Failure {
            self.lock().open.as_mut().unwrap().expires = Instant::now();
            self.expires().unwrap_err()
        }
    }

    impl Inbox {
        pub(crate) fn answer(&mut self) -> Option<Result<Answer, Failure>> {
            loop {
                match self.0.try_recv() {
                    Ok(Reply::Answered(outcome)) => return Some(*outcome),
                    Ok(Reply::Changed) => {}
                    Err(_) => return None,
                }
            }
        }
    }
}
