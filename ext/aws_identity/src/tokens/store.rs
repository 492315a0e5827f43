//! The identity tokens that a session holds, by what was asked for.

use crate::{
    credentials::Millis,
    failure::Failure,
    sts::{IdentityToken, IdentityTokenRequest},
    task::fetch_task::FetchTask,
};
use std::{
    collections::HashMap,
    mem, process,
    sync::Arc,
    time::{Duration, Instant},
};

/// A request for a token, in flight or completed.
pub type TokenFetch = FetchTask<IdentityToken>;

/// Tokens that are held at most; the one that was read longest ago makes room.
const MOST: usize = 64;
/// How long a refusal is raised again without another request.
const REFUSED: Duration = Duration::from_secs(60);
/// How long a held token is served before another request after an outage.
const OUTAGE: Duration = Duration::from_secs(5);
/// A token is fetched anew in the last minute of its life, or in the last fifth of a short one.
const LAST: Millis = 60_000;

/// The tokens of one session in one process.
pub struct TokenStore {
    entries: HashMap<IdentityTokenRequest, Entry>,
    reads: u64,
    pid: u32,
}

#[derive(Default)]
struct Entry {
    held: Option<Held>,
    task: Option<Arc<TokenFetch>>,
    failed: Option<(Instant, Failure)>,
    /// The number of its last read.
    read: u64,
}

struct Held {
    token: IdentityToken,
    fetched_at: Millis,
}

impl Held {
    fn is_fresh(&self, now: Millis) -> bool {
        let life = self.token.expires_at - self.fetched_at;
        now < self.token.expires_at - LAST.min(life / 5)
    }
}

/// What a reader does next.
pub enum Look {
    Ready(IdentityToken),
    /// Raise this.
    Failed(Failure),
    /// Wait for this request, then look again.
    Wait(Arc<TokenFetch>),
    /// Start a request and [`TokenStore::add`] it.
    Fetch,
}

impl Default for TokenStore {
    fn default() -> Self {
        Self {
            entries: HashMap::new(),
            reads: 0,
            pid: process::id(),
        }
    }
}

impl TokenStore {
    /// What to do for `request` at `now`, by the wall clock and by the monotonic one.
    pub fn look(&mut self, request: &IdentityTokenRequest, now: Millis, instant: Instant) -> Look {
        self.leave_to_parent();
        self.reads += 1;
        let Some(entry) = self.entries.get_mut(request) else {
            return Look::Fetch;
        };
        entry.read = self.reads;
        entry.take_outcome(now, instant);
        if let Some(held) = entry.held.as_ref().filter(|held| held.is_fresh(now)) {
            return Look::Ready(held.token.clone());
        }
        if let Some(task) = &entry.task {
            return Look::Wait(Arc::clone(task));
        }
        let good = entry
            .held
            .as_ref()
            .filter(|held| now < held.token.expires_at);
        match (&entry.failed, good) {
            (Some((at, failure)), _)
                if is_refusal(failure) && instant.duration_since(*at) < REFUSED =>
            {
                Look::Failed(failure.clone())
            }
            (Some((at, _)), Some(held)) if instant.duration_since(*at) < OUTAGE => {
                Look::Ready(held.token.clone())
            }
            _ => Look::Fetch,
        }
    }

    /// Remembers that `task` fetches the token of `request`.
    pub fn add(&mut self, request: IdentityTokenRequest, task: Arc<TokenFetch>) {
        if self.entries.len() >= MOST && !self.entries.contains_key(&request) {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.read);
            if let Some(oldest) = oldest.map(|(request, _)| request.clone()) {
                self.entries.remove(&oldest);
            }
        }
        let entry = self.entries.entry(request).or_default();
        entry.read = self.reads;
        entry.task = Some(task);
    }

    /// What the reader of a completed `task` gets: its token; else the held one, through an outage.
    /// The entry may be gone meanwhile.
    pub fn outcome(
        &mut self,
        request: &IdentityTokenRequest,
        task: &TokenFetch,
        now: Millis,
        instant: Instant,
    ) -> Result<IdentityToken, Failure> {
        let entry = self.entries.get_mut(request);
        let held = entry.and_then(|entry| {
            entry.take_outcome(now, instant);
            entry
                .held
                .as_ref()
                .filter(|held| now < held.token.expires_at)
        });
        match task.completed() {
            Some((Ok(token), _)) => Ok(token.clone()),
            Some((Err(failure), _)) => match held.filter(|_| !is_refusal(failure)) {
                Some(held) => Ok(held.token.clone()),
                None => Err(failure.clone()),
            },
            None => Err(task.overdue()),
        }
    }

    /// Drops all tokens: the next read of each asks STS.
    pub fn clear(&mut self) {
        self.leave_to_parent();
        self.entries.clear();
    }

    /// A forked child asks for tokens of its own. Those of the parent are leaked: the lock of a task
    /// may stay locked for ever.
    fn leave_to_parent(&mut self) {
        if self.pid != process::id() {
            mem::forget(mem::take(self));
        }
    }
}

/// True where STS answered no: asking again would bring the same answer.
fn is_refusal(failure: &Failure) -> bool {
    failure.code.is_some() && !failure.is_outage()
}

fn age(completed: Instant, now: Instant) -> Millis {
    let age = now.saturating_duration_since(completed).as_millis();
    Millis::try_from(age).unwrap_or(Millis::MAX)
}

impl Entry {
    fn take_outcome(&mut self, now: Millis, instant: Instant) {
        let Some(task) = self.task.take() else {
            return;
        };
        match task.completed() {
            Some((Ok(token), completion)) => {
                self.failed = None;
                self.held = Some(Held {
                    token: token.clone(),
                    // By STS's clock, as its expiration is.
                    fetched_at: now - age(completion.instant, instant),
                });
            }
            Some((Err(failure), completion)) => {
                self.failed = Some((completion.instant, failure.clone()));
            }
            None if task.may_complete() => self.task = Some(task),
            None => self.failed = Some((instant, task.overdue())),
        }
    }
}
