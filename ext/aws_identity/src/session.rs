//! What one session knows: the set it holds, who it is, and the flight that brings the next.

mod begin;
mod counters;
mod event;
mod finish;
mod respond;
mod runtime;
mod state;

pub use begin::{Purpose, Step};
pub use counters::{Counters, Tally};
pub use event::{Event, EventKind};
pub use respond::Response;

use crate::{
    attempt::Attempt,
    config::{Settings, TokenSource},
    credentials::{Credentials, Millis, Secret},
    failure::Failure,
    identity::Identity,
    refresh::Rules,
    sts::limits,
    task::fetch_task::Completion,
    task::fork_gate::SharedGate,
};
pub use runtime::Fetch;
use runtime::{Runtime, SystemRuntime};
use state::State;
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Every method is called by a thread that holds the host's lock, never blocks and never calls the
/// host. So the mutex is free whenever the host forks, and no child inherits it locked. A flight
/// never touches a session: those who ask take in what it left.
pub struct Session {
    settings: Arc<Settings>,
    gate: SharedGate,
    state: Mutex<State>,
    counters: Counters,
}

/// The held set as the host shows it.
#[derive(Clone, Debug)]
pub struct CachedCredentials {
    pub serial: u64,
    pub credentials: Arc<Credentials>,
    pub region: String,
    pub degraded: Option<String>,
}

impl Session {
    pub fn new(settings: Settings, gate: SharedGate) -> Self {
        Self::over(settings, gate, Arc::new(SystemRuntime))
    }

    fn over(settings: Settings, gate: SharedGate, runtime: Arc<dyn Runtime>) -> Self {
        let rules = Rules {
            advisory_window: settings.advisory_window(),
            needs_mfa: false, // nothing is held yet; who brings a set says so
        };
        let warnings = settings.warnings.iter().map(ToString::to_string).collect();
        Self {
            settings: Arc::new(settings),
            gate,
            state: Mutex::new(State::new(rules, warnings, runtime)),
            counters: Counters::default(),
        }
    }

    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The held set, whatever its age.
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

    /// The identity as it was last told, with its serial.
    pub fn known(&self) -> Option<(u64, Arc<Identity>)> {
        let state = self.synced();
        let known = state.identity.as_ref()?;
        Some((state.identity_serial, Arc::clone(&known.identity)))
    }

    /// The identity is asked anew at its next read.
    pub fn forget_identity(&self) {
        self.synced().identity = None;
    }

    /// A service refused the set with this key id. True where that is the held one.
    pub fn invalidate(&self, access_key_id: &str) -> bool {
        self.synced().invalidate(access_key_id)
    }

    pub fn needs_refresh(&self) -> bool {
        let state = self.synced();
        state.refresh.needs_refresh(state.now())
    }

    /// The flight in the air, if any: for those who want to wait for a refresh they need not.
    pub fn in_flight(&self) -> Option<Arc<Fetch>> {
        self.synced()
            .task
            .as_ref()
            .map(|in_flight| Arc::clone(&in_flight.task))
    }

    /// In how many milliseconds the held set is due for its refresh; `None` if it never is, or only
    /// when somebody is there to be asked.
    pub fn due_in(&self) -> Option<Millis> {
        let state = self.synced();
        let now = state.now();
        if state.refresh.needs_mfa() {
            return None;
        }
        let end = state.refresh.held(now)?.expires_at?;
        let due = end - state.refresh.windows()?.advisory;
        Some(due.max(state.refresh.back_off_until(now).unwrap_or(due)) - now)
    }

    pub fn attempts(&self) -> Arc<[Attempt]> {
        Arc::clone(&self.synced().attempts)
    }

    /// Replaces the web identity token on a living session.
    pub fn set_web_identity_token(&self, token: Secret) -> Result<(), Failure> {
        if !matches!(
            self.settings
                .web_identity
                .as_ref()
                .map(|token| &token.value),
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
        state.last_final_error = None; // what failed with the old one may work with this
        Ok(())
    }

    /// What has changed since event number `after`.
    pub fn events(&self, after: u64) -> Vec<Event> {
        let mut state = self.synced();
        state.record_expiry();
        state.events.since(after)
    }

    /// Read without a lock.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.counters.tally()
    }

    /// What the user should hear, once each: of the settings, and of the fetches so far.
    pub fn warnings(&self) -> Vec<String> {
        self.synced().warnings.clone()
    }

    /// The state, with a landed flight taken in, and one that will never land forgotten.
    fn synced(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(in_flight) = state.task.take() else {
            return state;
        };
        let task = Arc::clone(&in_flight.task);
        match task.completed() {
            Some((outcome, completion)) => {
                state.apply(&in_flight, outcome, *completion, &self.counters);
            }
            None if !task.is_ours() => {
                // Run by the parent: its slot may be locked for ever, so it is not even dropped.
                mem::forget(in_flight);
                mem::forget(task);
            }
            None if task.may_complete() => state.task = Some(in_flight),
            None => {
                let completion = Completion {
                    at: state.runtime.now(),
                    instant: state.runtime.instant(),
                    took: task.took(),
                };
                let outcome = Err(task.overdue());
                state.apply(&in_flight, &outcome, completion, &self.counters);
            }
        }
        state
    }
}

/// Whoever reads no more need not be asked.
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
