//! The slot of a task for its question: where it is asked, taken, given back and answered.

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
    /// How long the answer may take in all.
    fn patience(&self) -> Duration {
        self.limits.helper.unwrap_or(self.limits.reader) + GRACE
    }
}

pub(super) enum Reply {
    Answered(Box<Result<Answer, Failure>>),
    /// It was taken, or given back: look when it expires now.
    Changed,
}

#[derive(Debug, Default)]
pub(super) struct State {
    open: Option<Open>,
    /// Counts up with everything that happens to a question.
    changes: u64,
    is_closed: bool,
    has_lost_helper: bool,
}

impl State {
    /// Whether a question is open of which somebody who has seen `seen` changes does not know.
    pub(super) fn is_news_after(&self, seen: u64) -> bool {
        self.open.is_some() && self.changes != seen
    }
}

/// The slot of a task for its question, and where those who wait for the task sleep.
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

    /// False in a forked child, where nobody runs the job and the lock may be held for ever.
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
            open.expires = Instant::now() + open.patience();
        }
        let question = (open.asked.clone(), open.patience().saturating_sub(GRACE));
        self.notify(state);
        Some(question)
    }

    /// Hands `outcome` to the job; gives it back if the question is no longer `owner`'s.
    pub(super) fn answer(
        &self,
        owner: u64,
        outcome: Result<Answer, Failure>,
    ) -> Option<Result<Answer, Failure>> {
        self.reply(outcome, |open, _| {
            open.asked.is_taken && open.owner == owner
        })
    }

    /// The answer of somebody who was asked for an earlier task: whether this one has a use for it.
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

    /// Whoever has taken the question leaves: another one may take it. Does nothing a second time.
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

    /// The helper thread has ended: a question it has not taken is not waited for as long.
    pub(super) fn lose_helper(&self) {
        if !self.is_ours() {
            return;
        }
        let mut state = self.lock();
        state.has_lost_helper = true;
        if let Some(open) = state.open.as_mut().filter(|open| !open.asked.is_taken) {
            open.limits.helper = None;
            open.expires = Instant::now() + UNTAKEN;
        }
        self.notify(state);
    }

    /// Nobody will ask for the outcome any more: a question is not waited for.
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

    /// True where a question was never answered because nobody took it. Never blocks, in any process.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.is_withdrawn.load(SeqCst)
    }

    /// The number of the question whose answer was a failure, or 0. Never blocks, in any process.
    pub(super) fn failed(&self) -> u64 {
        self.failed.load(SeqCst)
    }

    /// The job no longer waits for an answer.
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
        limits.helper = limits.helper.filter(|_| !state.has_lost_helper);
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
            open.expires = Instant::now() + open.patience();
        }
        state.open = Some(open);
        self.notify(state);
        Some(inbox)
    }

    /// How long the answer may still take; if no longer, why there is none.
    pub(super) fn expires(&self) -> Result<Duration, Failure> {
        let mut state = self.lock();
        let Some(open) = &state.open else {
            return Ok(Duration::ZERO); // the answer is on its way
        };
        let left = open.expires.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            return Ok(left);
        }
        let name = open.asked.question.name();
        let failure = if open.asked.is_taken || open.limits.helper.is_some() {
            let seconds = open.patience().as_secs_f64();
            let cause =
                format!("{name} did not come within {seconds} s (token_timeout, process_timeout).");
            Failure::timeout(cause, "")
        } else {
            self.is_withdrawn.store(true, SeqCst);
            open.asked.question.unasked()
        };
        state.open = None;
        self.notify(state);
        Err(failure)
    }
}

/// For tests that play the job.
#[cfg(test)]
pub(crate) mod by_hand {
    use super::{Answer, Failure, Instant, Limits, Question, Reply, Slot, UnboundedReceiver};

    /// What the job of a task without a thread waits for.
    pub(crate) struct Inbox(UnboundedReceiver<Reply>);

    impl Slot {
        pub(crate) fn ask_by_hand(&self, question: Question, limits: Limits) -> Inbox {
            Inbox(self.open(question, limits).unwrap())
        }

        /// Time passes until the open question expires.
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
