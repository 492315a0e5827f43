//! The identity tokens that a session holds, by what was asked for.

use crate::{
    credentials::{Millis, Secret},
    failure::Failure,
    refresh::Term,
    sts::{IdentityToken, IdentityTokenRequest},
    task::fetch_task::FetchTask,
    util::time::Moment,
};
use std::{collections::HashMap, mem, process, sync::Arc};

/// A request for a token, in flight or completed.
pub type TokenFetch = FetchTask<IdentityToken>;

/// Tokens that are held at most; of those that no request is in flight for, the one that was read longest ago makes
/// room.
const MOST: usize = 64;
/// How long a refusal is raised again without another request.
const REFUSED: Millis = 60_000;
/// How long a held token is served before another request after an outage.
const OUTAGE: Millis = 5_000;
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
    failed: Option<(Moment, Failure)>,
    /// The number of its last read.
    read: u64,
}

struct Held {
    token: IdentityToken,
    life: Term,
}

impl Held {
    fn is_fresh(&self, now: Moment) -> bool {
        self.life.left(now) > LAST.min(self.life.length / 5)
    }

    fn is_good(&self, now: Moment) -> bool {
        !self.life.has_ended(now)
    }
}

/// What a reader does next.
pub enum Look {
    Ready(IdentityToken),
    /// Raise this.
    Failed(Failure),
    /// Wait for this request, then look again.
    Wait(Arc<TokenFetch>),
    /// Start a request and [`TokenStore::add`] it. This token, which is still good, is served where that fails.
    Fetch(Option<IdentityToken>),
    /// The same, without a wait for it: after an outage this token is served meanwhile.
    FetchBehind(IdentityToken),
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
    /// What to do for `request` at `now`.
    pub fn look(&mut self, request: &IdentityTokenRequest, now: Moment) -> Look {
        self.leave_to_parent();
        self.reads += 1;
        let Some(entry) = self.entries.get_mut(request) else {
            return Look::Fetch(None);
        };
        entry.read = self.reads;
        entry.take_outcome(request, now);
        if let Some(held) = entry.held.as_ref().filter(|held| held.is_fresh(now)) {
            return Look::Ready(held.token.clone());
        }
        let good = entry.held.as_ref().filter(|held| held.is_good(now));
        match (&entry.task, good) {
            // The last request has failed, so nothing says that this one will be quick.
            (Some(_), Some(held)) if entry.failed.is_some() => {
                return Look::Ready(held.token.clone());
            }
            (Some(task), _) => return Look::Wait(Arc::clone(task)),
            (None, _) => {}
        }
        match (&entry.failed, good) {
            // Other credentials may be held by the next read.
            (Some((_, failure)), _) if failure.refused_key.is_some() => {
                let failure = failure.clone();
                self.entries.remove(request);
                Look::Failed(failure)
            }
            (Some((at, failure)), _) if is_refusal(failure) && now.boot - at.boot < REFUSED => {
                Look::Failed(failure.clone())
            }
            (Some((at, _)), Some(held)) if now.boot - at.boot < OUTAGE => {
                Look::Ready(held.token.clone())
            }
            (Some(_), Some(held)) => Look::FetchBehind(held.token.clone()),
            (None, held) => Look::Fetch(held.map(|held| held.token.clone())),
            (Some(_), None) => Look::Fetch(None),
        }
    }

    /// Remembers that `task` fetches the token of `request`.
    pub fn add(&mut self, request: IdentityTokenRequest, task: Arc<TokenFetch>) {
        while self.entries.len() >= MOST && !self.entries.contains_key(&request) {
            // Without its entry a request in flight would be sent a second time.
            let idle = self
                .entries
                .iter()
                .filter(|(_, entry)| !entry.is_in_flight());
            let oldest = idle.min_by_key(|(_, entry)| entry.read);
            let Some(oldest) = oldest.map(|(request, _)| request.clone()) else {
                break;
            };
            self.entries.remove(&oldest);
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
        now: Moment,
    ) -> Result<IdentityToken, Failure> {
        let entry = self.entries.get_mut(request);
        let held = entry.and_then(|entry| {
            entry.take_outcome(request, now);
            entry.held.as_ref().filter(|held| held.is_good(now))
        });
        match task.completed() {
            Some((Ok(token), _)) => Ok(token.clone()),
            Some((Err(failure), _)) => {
                if let Some(held) = held.filter(|_| !is_refusal(failure)) {
                    return Ok(held.token.clone());
                }
                let entry = self.entries.get(request);
                if failure.refused_key.is_some() && entry.is_some_and(|entry| entry.task.is_none())
                {
                    self.entries.remove(request);
                }
                Err(failure.clone())
            }
            None => Err(task.overdue()),
        }
    }

    /// The tokens that were handed out and are held.
    pub fn held(&self) -> impl Iterator<Item = &Secret> {
        let entries = self.entries.values();
        entries.filter_map(|entry| Some(&entry.held.as_ref()?.token.text))
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

impl Entry {
    fn is_in_flight(&self) -> bool {
        let task = self.task.as_ref();
        task.is_some_and(|task| task.completed().is_none() && task.may_complete())
    }

    fn take_outcome(&mut self, request: &IdentityTokenRequest, now: Moment) {
        let Some(task) = self.task.take() else {
            return;
        };
        match task.completed() {
            Some((Ok(token), completion)) => {
                self.failed = None;
                let fetched_at = now - (now.boot - completion.at.boot);
                let sts_clock = token
                    .clock_offset
                    .map_or(fetched_at.wall, |offset| completion.at.wall + offset);
                let longest = i64::from(request.duration_seconds) * 1_000;
                let life = token.expires_at.saturating_sub(sts_clock).min(longest);
                self.held = Some(Held {
                    token: token.clone(),
                    life: Term::of(life, fetched_at),
                });
            }
            Some((Err(failure), completion)) => {
                self.failed = Some((completion.at, failure.clone()));
            }
            None if task.may_complete() => self.task = Some(task),
            None => self.failed = Some((now, task.overdue())),
        }
    }
}

#[cfg(test)]
mod tests;
