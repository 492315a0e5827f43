//! What only the application can give, asked in the middle of a fetch.
//!
//! The job puts a question into the slot of its task and waits for the answer, its time paused and
//! its permit given back. Those who wait for the task see the question; one of them takes it, asks
//! the application without any lock held, and answers. A taker that leaves gives the question back.

use super::{
    deadline::{Deadline, GRACE},
    fork_gate::{Permit, SharedGate},
};
use crate::{
    credentials::{Credentials, Secret},
    failure::Failure,
};
use std::{
    process,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{sleep, timeout},
};

/// How long a question waits for a reader who may take it.
const UNTAKEN: Duration = Duration::from_secs(2);
/// How often a job that was answered looks for a free permit.
const PERMIT_INTERVAL: Duration = Duration::from_millis(10);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The code that the MFA device with this serial number shows now.
    TokenCode(String),
    WebIdentityToken,
    /// The credentials of the `source`.
    Source,
}

#[derive(Clone, Debug)]
pub enum Answer {
    TokenCode(Secret),
    WebIdentityToken(Secret),
    Source(Box<Credentials>),
}

/// Which questions somebody who waits may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Takes {
    pub token_code: bool,
    pub web_identity_token: bool,
    pub source: bool,
}

impl Takes {
    fn allows(self, question: &Question) -> bool {
        match question {
            Question::TokenCode(_) => self.token_code,
            Question::WebIdentityToken => self.web_identity_token,
            Question::Source => self.source,
        }
    }
}

impl Question {
    /// The option that answers it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TokenCode(_) => "token_code",
            Self::WebIdentityToken => "web_identity_token",
            Self::Source => "source",
        }
    }

    fn description(&self) -> String {
        match self {
            Self::TokenCode(serial_number) => format!("an MFA code of {serial_number}"),
            Self::WebIdentityToken => "a token of web_identity_token".into(),
            Self::Source => "the credentials of source".into(),
        }
    }

    fn fits(&self, answer: &Answer) -> bool {
        matches!(
            (self, answer),
            (Self::TokenCode(_), Answer::TokenCode(_))
                | (Self::WebIdentityToken, Answer::WebIdentityToken(_))
                | (Self::Source, Answer::Source(_))
        )
    }
}

/// How long the application may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a reader, counted from when it takes the question.
    pub reader: Duration,
    /// For a helper thread that is there from the start, counted from when the question is asked.
    /// `None`: there is none.
    pub helper: Option<Duration>,
}

/// What those who wait see of an open question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Tells the questions of a process apart.
    pub number: u64,
    pub question: Question,
    pub is_taken: bool,
}

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

enum Reply {
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

    fn notify(&self, mut state: MutexGuard<'_, State>) {
        state.changes += 1;
        if let Some(open) = &state.open {
            let _ = open.replies.send(Reply::Changed);
        }
        drop(state);
        self.changed.notify_all();
    }

    fn open(&self, question: Question, mut limits: Limits) -> Option<UnboundedReceiver<Reply>> {
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
    fn expires(&self) -> Result<Duration, Failure> {
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
            unasked(&open.asked.question)
        };
        state.open = None;
        self.notify(state);
        Err(failure)
    }
}

fn unasked(question: &Question) -> Failure {
    Failure::no_credentials(
        format!(
            "The next credentials need {}, and no thread waits here that may ask for it.",
            question.description()
        ),
        "Read the credentials of this session on a thread of your own.",
    )
}

/// Closes the question when the job no longer waits for the answer.
struct Waits<'a>(&'a Slot);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.lock().open = None;
    }
}

/// The job's side: asks, and waits for the answer.
pub struct Asker {
    task: Option<(Arc<Slot>, Arc<Deadline>, SharedGate)>,
    permit: Mutex<Option<Permit>>,
}

impl Asker {
    /// For a job that may not ask: says what it would ask for.
    #[must_use]
    pub fn declining(self) -> Self {
        Self { task: None, ..self }
    }

    pub(super) fn new(
        slot: Arc<Slot>,
        deadline: Arc<Deadline>,
        gate: SharedGate,
        permit: Permit,
    ) -> Self {
        Self {
            task: Some((slot, deadline, gate)),
            permit: Mutex::new(Some(permit)),
        }
    }

    pub async fn ask(&self, question: Question, limits: Limits) -> Result<Answer, Failure> {
        let unasked = unasked(&question);
        let Some((slot, deadline, gate)) = &self.task else {
            return Err(unasked);
        };
        let pause = deadline.pause_for_answer();
        self.hold(None);
        let Some(mut inbox) = slot.open(question, limits) else {
            return Err(unasked);
        };
        let waits = Waits(slot);
        let outcome = loop {
            match timeout(slot.expires()?, inbox.recv()).await {
                Ok(Some(Reply::Answered(outcome))) => break *outcome,
                Ok(None) => break Err(unasked),
                Ok(Some(Reply::Changed)) | Err(_) => {} // look when it expires now
            }
        };
        drop(waits);
        drop(pause);
        if outcome.is_ok() {
            while !self.hold(Permit::take(*gate)) {
                sleep(PERMIT_INTERVAL).await;
            }
        }
        outcome
    }

    /// Replaces the permit; whether there is one now.
    fn hold(&self, permit: Option<Permit>) -> bool {
        let mut held = self.permit.lock().unwrap_or_else(PoisonError::into_inner);
        *held = permit;
        held.is_some()
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
