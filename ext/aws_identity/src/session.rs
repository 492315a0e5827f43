//! The state of one session: its credentials, its identity, and the fetch of the next ones.

mod begin;
mod counters;
mod event;
mod expired;
mod finish;
mod identity_token;
mod look;
mod outcome;
mod respond;
mod rounds;
mod runtime;
mod sign;
mod skew;
mod state;
mod watch;

pub use begin::{Purpose, Step};
pub use counters::{Counters, Tally};
pub use event::{Event, EventKind};
pub use identity_token::TokenStep;
pub use look::LOOK_LIMIT;
pub use respond::{Response, checked};
pub use rounds::Rounds;
pub use watch::Look;

use crate::{
    attempt::Attempt,
    config::{Settings, TokenSource},
    credentials::{Credentials, Millis, Secret},
    failure::Failure,
    identity::Identity,
    refresh::Rules,
    sts::limits,
    task::fork_gate::SharedGate,
};
pub use runtime::{Fetch, Removal};
use runtime::{Runtime, SystemRuntime};
use state::{InFlight, State};
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use watch::NextLook;

/// The binding calls every method on a Ruby thread with the GVL. No method blocks or calls Ruby, so
/// the mutex is free whenever the process forks, and no child inherits it locked. The thread of a
/// fetch never touches a session: the next method call applies the outcome that it left.
pub struct Session {
    settings: Arc<Settings>,
    gate: SharedGate,
    state: Mutex<State>,
    counters: Counters,
    next_look: NextLook,
}

/// The held credentials as the binding shows them.
#[derive(Clone, Debug)]
pub struct CachedCredentials {
    pub serial: u64,
    pub credentials: Arc<Credentials>,
    pub region: String,
    pub degraded: Option<String>,
}

impl Session {
    pub fn new(settings: Settings, gate: SharedGate) -> Self {
        Self::with_runtime(settings, gate, Arc::new(SystemRuntime))
    }

    fn with_runtime(settings: Settings, gate: SharedGate, runtime: Arc<dyn Runtime>) -> Self {
        let rules = Rules {
            advisory_window: settings.advisory_window(),
            needs_mfa: false, // the first fetch reports whether it needed an MFA code
        };
        let warnings = settings.warnings.iter().map(ToString::to_string).collect();
        Self {
            settings: Arc::new(settings),
            gate,
            state: Mutex::new(State::new(rules, warnings, gate, runtime)),
            counters: Counters::default(),
            next_look: NextLook::default(),
        }
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The held credentials, whatever their age.
    pub fn held(&self) -> Option<CachedCredentials> {
        let state = self.synced();
        let credentials = Arc::clone(state.refresh.held(state.now())?);
        let degraded = state.refresh.is_degraded().then(|| {
            state
                .degraded
                .clone()
                .or_else(|| credentials.degraded.clone())
                .unwrap_or_default()
        });
        Some(CachedCredentials {
            serial: state.serial,
            region: state.region.clone(),
            degraded,
            credentials,
        })
    }

    /// The identity as STS last reported it, with its serial.
    pub fn known(&self) -> Option<(u64, Arc<Identity>)> {
        let state = self.synced();
        let known = state.identity.as_ref()?;
        Some((state.identity_serial, Arc::clone(&known.identity)))
    }

    /// Makes the next read of the identity ask STS again.
    pub fn forget_identity(&self) {
        let mut state = self.synced();
        state.identity = None;
        state.tokens.clear();
    }

    /// Records that a service refused the credentials with this key id; true if they are the held
    /// ones. Their entry in the cache on disk is removed at once, by [`Session::removal`].
    pub fn invalidate(&self, access_key_id: &str) -> bool {
        let mut state = self.synced();
        let is_held = state.invalidate(access_key_id);
        self.allow_looks(&state);
        is_held
    }

    /// The removal of the refused credentials' cache entry, if one is under way.
    pub fn removal(&self) -> Option<Arc<Removal>> {
        let removal = self.synced().removal.clone();
        removal.filter(|removal| removal.outcome().is_none() && removal.may_complete())
    }

    pub fn needs_refresh(&self) -> bool {
        let state = self.synced();
        state.refresh.needs_refresh(state.now())
    }

    /// The fetch in flight, if any, for callers that wait for it although they could be served.
    pub fn in_flight(&self) -> Option<Arc<Fetch>> {
        self.synced()
            .task
            .as_ref()
            .map(|in_flight| Arc::clone(&in_flight.task))
    }

    /// In how many milliseconds the held credentials are due for a refresh; `None` if they never
    /// are, or if the refresh needs an MFA prompt.
    pub fn due_in(&self) -> Option<Millis> {
        let state = self.synced();
        let due_in = state.refresh.due_in(state.now());
        due_in.filter(|_| !state.refresh.needs_mfa())
    }

    pub fn attempts(&self) -> Arc<[Attempt]> {
        Arc::clone(&self.synced().attempts)
    }

    /// Replaces the web identity token of this session.
    pub fn set_web_identity_token(&self, token: Secret) -> Result<(), Failure> {
        if !matches!(
            self.settings.web_identity(),
            Some(TokenSource::Text(_) | TokenSource::Supplied)
        ) {
            return Err(Failure::configuration(
                "This session has no web identity token that could be replaced.",
                "Make one with web_identity_token.",
            ));
        }
        limits::web_identity_token("web_identity_token", token.expose())?;
        let mut state = self.synced();
        state.web_identity_token = Some(token);
        state.tokens.clear();
        state.end_back_off();
        Ok(())
    }

    /// Lets the next read ask the source at once, whatever the last fetch failed with: what the
    /// source is read from has changed.
    pub fn end_back_off(&self) {
        self.synced().end_back_off();
    }

    /// The events after number `after`.
    pub fn events(&self, after: u64) -> Vec<Event> {
        let mut state = self.synced();
        let now = state.now();
        state.record_expiry(now);
        state.events.since(after)
    }

    /// The counters, read without a lock.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.counters.tally()
    }

    /// The warnings of the settings and of the fetches so far, each once.
    pub fn warnings(&self) -> Vec<String> {
        self.synced().warnings.clone()
    }

    /// The state, after the outcome of a completed fetch or look is applied and an abandoned fetch is
    /// dropped.
    fn synced(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(in_flight) = state.task.take() {
            self.apply_task(&mut state, in_flight);
        }
        state.apply_look();
        state
    }

    fn apply_task(&self, state: &mut State, in_flight: InFlight) {
        let task = Arc::clone(&in_flight.task);
        match task.completed() {
            Some((outcome, completion)) => {
                state.apply(&in_flight, outcome, *completion, &self.counters);
            }
            None if !task.is_ours() => {
                // The parent process runs it: its slot may stay locked for ever, so it is not
                // dropped.
                mem::forget(in_flight);
                mem::forget(task);
            }
            None if task.may_complete() => state.task = Some(in_flight),
            None => {
                let completion = task.abandoned(state.runtime.now());
                let outcome = Err(task.overdue());
                state.apply(&in_flight, &outcome, completion, &self.counters);
            }
        }
        self.allow_looks(state);
    }
}

/// No caller reads a dropped session, so the question of its fetch is withdrawn.
impl Drop for Session {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        if let Some(in_flight) = state.task.take() {
            if in_flight.task.is_ours() {
                in_flight.task.cancel_questions();
            } else {
                mem::forget(in_flight);
            }
        }
    }
}

#[cfg(test)]
mod model_test;
