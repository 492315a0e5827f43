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

/// Tokens that are held at most; the one that was read longest ago makes room.
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
    /// What to do for `request` at `now`.
    pub fn look(&mut self, request: &IdentityTokenRequest, now: Moment) -> Look {
        self.leave_to_parent();
        self.reads += 1;
        let Some(entry) = self.entries.get_mut(request) else {
            return Look::Fetch;
        };
        entry.read = self.reads;
        entry.take_outcome(request, now);
        if let Some(held) = entry.held.as_ref().filter(|held| held.is_fresh(now)) {
            return Look::Ready(held.token.clone());
        }
        if let Some(task) = &entry.task {
            return Look::Wait(Arc::clone(task));
        }
        let good = entry.held.as_ref().filter(|held| held.is_good(now));
        match (&entry.failed, good) {
            (Some((at, failure)), _) if is_refusal(failure) && now.boot - at.boot < REFUSED => {
                Look::Failed(failure.clone())
            }
            (Some((at, _)), Some(held)) if now.boot - at.boot < OUTAGE => {
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
        now: Moment,
    ) -> Result<IdentityToken, Failure> {
        let entry = self.entries.get_mut(request);
        let held = entry.and_then(|entry| {
            entry.take_outcome(request, now);
            entry.held.as_ref().filter(|held| held.is_good(now))
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
    fn take_outcome(&mut self, request: &IdentityTokenRequest, now: Moment) {
        let Some(task) = self.task.take() else {
            return;
        };
        match task.completed() {
            Some((Ok(token), completion)) => {
                self.failed = None;
                // By STS's clock, as its expiration is.
                let fetched_at = now - (now.boot - completion.at.boot);
                let longest = i64::from(request.duration_seconds) * 1_000;
                self.held = Some(Held {
                    token: token.clone(),
                    life: Term::until(token.expires_at, Some(longest), fetched_at),
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
mod tests {
    use super::*;
    use crate::{
        credentials::Secret,
        failure::Kind,
        task::{deadline::Deadline, fork_gate::NoFork},
    };
    use std::{collections::BTreeMap, sync::atomic::AtomicBool, time::Duration};

    const SECOND: Millis = 1_000;
    const HOUR: Millis = 3_600 * SECOND;

    fn request(audience: &str) -> IdentityTokenRequest {
        IdentityTokenRequest {
            audience: [audience.to_owned()].into(),
            duration_seconds: 3_600,
            signing_algorithm: "RS256".to_owned(),
            tags: BTreeMap::new(),
        }
    }

    fn completed(outcome: Result<(&str, Millis), Failure>) -> Arc<TokenFetch> {
        let outcome = outcome.map(|(text, expires_at)| IdentityToken {
            text: Secret::new(text),
            expires_at,
        });
        let deadline = Deadline::new(Duration::from_secs(1), None);
        let task = TokenFetch::spawn(&NoFork, deadline, |_| async { outcome });
        let task = task.expect("a task");
        task.wait(&AtomicBool::new(false));
        task
    }

    fn outage() -> Failure {
        Failure::new(Kind::Connection, "no network.", "")
    }

    fn refusal() -> Failure {
        let mut failure = Failure::new(Kind::AccessDenied, "no.", "");
        failure.code = Some("OutboundWebIdentityFederationDisabled".to_owned());
        failure
    }

    /// The text of the token, or what else there is to do.
    fn look(store: &mut TokenStore, audience: &str, wall: Millis, boot: Millis) -> String {
        match store.look(&request(audience), Moment { wall, boot }) {
            Look::Ready(token) => token.text.expose().to_owned(),
            Look::Failed(failure) => failure.cause,
            Look::Wait(_) => "wait".to_owned(),
            Look::Fetch => "fetch".to_owned(),
        }
    }

    /// A store with one token, and when it was read.
    fn keeping(expires_at: Millis) -> (TokenStore, Millis) {
        let mut store = TokenStore::default();
        let token = completed(Ok(("token", expires_at)));
        store.add(request("a"), token);
        let boot = Moment::now().boot;
        assert_eq!(look(&mut store, "a", 0, boot), "token");
        (store, boot)
    }

    #[test]
    fn a_token_is_kept_until_the_last_minute_or_fifth_of_its_life() {
        for (life, last_fresh) in [
            (3_600_000_i64, 3_539_999_i64),
            (300_000, 239_999),
            (60_000, 47_999),
        ] {
            let mut store = TokenStore::default();
            assert_eq!(look(&mut store, "a", 0, Moment::now().boot), "fetch");
            store.add(request("a"), completed(Ok(("token", life))));
            let boot = Moment::now().boot;
            assert_eq!(look(&mut store, "a", 0, boot), "token");
            let passed = last_fresh - 500;
            assert_eq!(
                look(&mut store, "a", last_fresh - 500, boot + passed),
                "token"
            );
            let at = last_fresh + 500;
            assert_eq!(look(&mut store, "a", at, boot + passed + SECOND), "fetch");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_token_live_longer() {
        let (mut store, boot) = keeping(300_000);
        assert_eq!(look(&mut store, "a", -HOUR, boot + SECOND), "token");
        assert_eq!(
            look(&mut store, "a", 301 * SECOND - HOUR, boot + 301 * SECOND),
            "fetch"
        );
    }

    #[test]
    fn no_token_lives_longer_than_it_was_asked_for() {
        // The clock was three hours behind.
        let (mut store, boot) = keeping(4 * HOUR);
        assert_eq!(look(&mut store, "a", HOUR, boot + HOUR), "fetch");
    }

    #[test]
    fn an_outage_is_served_through_with_the_kept_token_while_it_is_good() {
        let (mut store, boot) = keeping(300_000);
        let task = completed(Err(outage()));
        store.add(request("a"), Arc::clone(&task));
        let outcome = store.outcome(
            &request("a"),
            &task,
            Moment {
                wall: 290_000,
                boot,
            },
        );
        assert_eq!(outcome.map(|token| token.expires_at), Ok(300_000));
        assert_eq!(look(&mut store, "a", 290_000, boot), "token");
        assert_eq!(look(&mut store, "a", 295_100, boot + 6 * SECOND), "fetch");
        let expired = store.outcome(
            &request("a"),
            &task,
            Moment {
                wall: 300_000,
                boot,
            },
        );
        assert_eq!(expired, Err(outage()));
    }

    #[test]
    fn a_refusal_is_remembered_for_a_minute() {
        let mut store = TokenStore::default();
        let task = completed(Err(refusal()));
        store.add(request("a"), Arc::clone(&task));
        let boot = Moment::now().boot;
        assert_eq!(
            store.outcome(&request("a"), &task, Moment { wall: 0, boot }),
            Err(refusal())
        );
        assert_eq!(look(&mut store, "a", 0, boot + 58 * SECOND), "no.");
        assert_eq!(look(&mut store, "b", 0, boot), "fetch");
        assert_eq!(look(&mut store, "a", 0, boot + 61 * SECOND), "fetch");
    }

    #[test]
    fn sixty_four_are_kept_and_those_read_last_stay() {
        let mut store = TokenStore::default();
        for number in 0..64 {
            let name = number.to_string();
            look(&mut store, &name, 0, Moment::now().boot);
            store.add(request(&name), completed(Ok(("token", 300_000))));
        }
        let boot = Moment::now().boot;
        assert_eq!(look(&mut store, "0", 0, boot), "token");
        look(&mut store, "new", 0, boot);
        store.add(request("new"), completed(Ok(("new", 300_000))));
        assert_eq!(store.entries.len(), 64);
        assert_eq!(look(&mut store, "0", 0, Moment::now().boot), "token");
        assert_eq!(look(&mut store, "1", 0, Moment::now().boot), "fetch");
        store.clear();
        assert_eq!(look(&mut store, "0", 0, Moment::now().boot), "fetch");
    }
}
