//! What one session knows: the set it holds, who it is, and the flight that brings the next.

mod counters;
mod event;
mod runtime;
mod state;

pub use counters::{Counters, Tally};
pub use event::{Event, EventKind};

use crate::{
    attempt::Attempt,
    config::{Settings, TokenSource},
    credentials::{Credentials, Millis, Secret},
    failure::Failure,
    fetch::{self, FetchRequest, FetchResult},
    identity::Identity,
    providers::CallbackAnswers,
    refresh::{Next, Rules, is_final},
    sts::limits,
    task::fetch_task::FetchTask,
    task::fork_gate::SharedGate,
};
use runtime::{Runtime, SystemRuntime};
use state::{InFlight, State, already_expired, is_code_needed};
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub type Fetch = FetchTask<FetchResult>;

/// How far apart flights are kept that can only fail again, and those a caller forces.
const SPACING: Duration = Duration::from_secs(1);

/// Every method is called by a thread that holds the host's lock, never blocks and never calls the
/// host. So the mutex is free whenever the host forks, and no child inherits it locked. A flight
/// never touches a session: those who ask take in what it left.
pub struct Session {
    settings: Arc<Settings>,
    gate: SharedGate,
    state: Mutex<State>,
    counters: Counters,
}

/// What a caller does next.
#[derive(Clone)]
pub enum Step {
    /// The serial of what is to be used now.
    Ready(u64),
    /// Wait for this flight, then ask again through [`Session::settle`].
    Wait(Arc<Fetch>),
    /// Only the host can get these; then [`Session::depart`].
    Ask(Needs),
}

/// What the host has to ask for before a flight can leave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The serial number of the MFA device whose code is needed.
    pub token_code: Option<String>,
    pub web_identity_token: bool,
    pub source: bool,
}

/// What a flight that the host has to prepare is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Credentials,
    Identity,
    /// As [`Session::refresh`]: a failure is raised even if a set is held.
    Refresh,
    /// Nobody waits for it.
    Prefetch,
}

impl Needs {
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
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
            attended: false, // nothing is held yet; who brings a set says so
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

    /// What a read of the credentials does.
    pub fn credentials(&self) -> Result<Step, Failure> {
        let mut state = self.synced();
        if let Some(failure) = state.pending_error.take() {
            return Err(failure);
        }
        let now = state.now();
        match state.refresh.next(now) {
            Next::Serve => {}
            Next::ServeAndFetch => self.begin_quietly(&mut state),
            Next::Fetch => return self.join(&mut state, false),
        }
        self.counters.cached();
        Ok(Step::Ready(state.serial))
    }

    /// What a read of the identity does.
    pub fn identity(&self) -> Result<Step, Failure> {
        let mut state = self.synced();
        let now = state.now();
        if state
            .identity
            .as_ref()
            .is_some_and(|cached| cached.until.is_none_or(|end| now < end))
        {
            return Ok(Step::Ready(state.identity_serial));
        }
        self.join(&mut state, true)
    }

    /// What a forced refresh does: the held set counts as refused by a service.
    ///
    /// Callers who ask within a second of the last one get what that one brought.
    pub fn refresh(&self) -> Result<Step, Failure> {
        let mut state = self.synced();
        state.identity = None;
        if let Some(in_flight) = &mut state.task {
            in_flight.is_awaited = true;
            return Ok(Step::Wait(Arc::clone(&in_flight.task)));
        }
        if let Some((at, failure)) = &state.last_forced_refresh
            && state.is_recent(*at)
        {
            return match failure {
                Some(failure) => Err(failure.clone()),
                None => Ok(Step::Ready(state.serial)),
            };
        }
        let now = state.now();
        if let Some(key) = state.held_key(now) {
            state.invalidate(&key);
        }
        if state.refresh.is_backing_off(now) && state.refresh.held(now).is_some() {
            return Ok(Step::Ready(state.serial));
        }
        let step = self.join(&mut state, false)?;
        state.force();
        Ok(step)
    }

    /// Starts a flight if none is in the air and one is due or nothing is held; waits for nothing.
    /// `Ready(0)` where there was nothing to start.
    pub fn prefetch(&self) -> Result<Step, Failure> {
        let mut state = self.synced();
        let now = state.now();
        let is_wanted = state.refresh.needs_refresh(now) && !state.refresh.is_backing_off(now);
        if state.task.is_some() || state.is_spaced() || !is_wanted {
            return Ok(Step::Ready(0));
        }
        let needs = self.needs(&state)?;
        if !needs.is_nothing() {
            return Ok(Step::Ask(needs));
        }
        self.launch(&mut state, CallbackAnswers::default(), false)?;
        Ok(Step::Ready(1))
    }

    /// Starts the flight for which the host has asked what only it can ask for, unless another one
    /// has left meanwhile. `Ready`: what it got is no good, and there is something to read all the
    /// same.
    pub fn depart(&self, answers: CallbackAnswers, purpose: Purpose) -> Result<Step, Failure> {
        if let Err(failure) = check(&answers) {
            self.ground(failure, purpose)?;
            return Ok(Step::Ready(0));
        }
        let mut state = self.synced();
        if state.task.is_none() {
            self.launch(&mut state, answers, purpose == Purpose::Identity)?;
        }
        if purpose == Purpose::Refresh {
            state.force();
        }
        match &mut state.task {
            Some(in_flight) => {
                in_flight.is_awaited |= purpose != Purpose::Prefetch;
                Ok(Step::Wait(Arc::clone(&in_flight.task)))
            }
            None => Err(Failure::internal(
                "The fetch ended before it began.",
                "Report it; the next read works.",
            )),
        }
    }

    /// The host could not get what a flight needs: it counts as one that failed. `Ok` where there is
    /// something to read all the same.
    pub fn ground(&self, failure: Failure, purpose: Purpose) -> Result<(), Failure> {
        let mut state = self.synced();
        let keeps_serving_after =
            state.task.is_some() || state.keeps_serving_after(&failure, false, &self.counters);
        if keeps_serving_after && purpose != Purpose::Refresh {
            return Ok(());
        }
        Err(failure)
    }

    /// What `flight` brought to a reader of the credentials who waited for it. `None`: it was lost,
    /// of a process that is no longer this one, or too long ago; ask again.
    pub fn settle(&self, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        let state = self.synced();
        let now = state.now();
        match task.outcome() {
            None if !task.is_ours() => None,
            None => Some(Self::after_failure(&state, task.overdue(), now)),
            Some(Ok(_)) if state.is_servable(now) => Some(Ok(state.serial)),
            // It ended while the reader slept.
            Some(Ok(_)) if state.refresh.held(now).is_some() => None,
            Some(Ok(fetched)) => Some(Err(already_expired(&fetched.credentials))),
            Some(Err(failure)) if is_code_needed(failure) => None,
            Some(Err(failure)) => Some(Self::after_failure(&state, failure.clone(), now)),
        }
    }

    /// The same for one who forced the flight: a failure is raised even if a set is held.
    pub fn settle_refresh(&self, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        let state = self.synced();
        match task.outcome() {
            None if !task.is_ours() => None,
            None => Some(Err(task.overdue())),
            Some(Err(failure)) if is_code_needed(failure) => None,
            Some(Err(failure)) => Some(Err(failure.clone())),
            Some(Ok(fetched))
                if fetched.credentials.is_expired_at(state.now())
                    && fetched.credentials.degraded.is_none() =>
            {
                Some(Err(already_expired(&fetched.credentials)))
            }
            Some(Ok(_)) => Some(Ok(state.serial)),
        }
    }

    /// The same for a reader of the identity. `None`: ask again.
    pub fn settle_identity(&self, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        let state = self.synced();
        let now = state.now();
        match task.outcome() {
            None if !task.is_ours() => None,
            None => Some(Err(task.overdue())),
            Some(Ok(fetched)) => match &fetched.identity {
                Some(Ok(_)) if state.identity.is_some() => Some(Ok(state.identity_serial)),
                Some(Err(failure)) => Some(Err(failure.clone())),
                // It was under way for credentials alone, or the answer was forgotten meanwhile.
                _ => None,
            },
            Some(Err(failure)) if is_code_needed(failure) => None,
            // The held set is served on: the identity can be asked with it.
            Some(Err(failure))
                if !is_final(failure)
                    && state
                        .refresh
                        .held(now)
                        .is_some_and(|set| !set.is_expired_at(now)) =>
            {
                None
            }
            Some(Err(failure)) => Some(Err(failure.clone())),
        }
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

    /// The serial of the set to use while somebody else asks a person for the next one.
    pub fn meanwhile(&self) -> Option<u64> {
        let state = self.synced();
        let held = state.refresh.held(state.now());
        held.filter(|_| !state.refresh.is_rejected())
            .map(|_| state.serial)
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

    /// What the host has to supply for the refresh that is due now and waits for nobody.
    pub fn due(&self) -> Option<Needs> {
        let mut state = self.synced();
        let now = state.now();
        let may_begin = state.task.is_none() && !state.is_spaced();
        if !may_begin || state.refresh.next(now) != Next::ServeAndFetch {
            return None;
        }
        self.needs(&state).ok().filter(|needs| !needs.is_nothing())
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
        if state.refresh.is_attended() {
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

    fn after_failure(state: &State, failure: Failure, now: Millis) -> Result<u64, Failure> {
        if is_final(&failure) || !state.is_servable(now) {
            return Err(failure);
        }
        Ok(state.serial)
    }

    /// An advisory refresh: nobody waits for it, and nobody hears why it could not begin.
    fn begin_quietly(&self, state: &mut State) {
        let may_begin = state.task.is_none() && !state.is_spaced();
        if may_begin && self.needs(state).is_ok_and(|needs| needs.is_nothing()) {
            let _ = self.launch(state, CallbackAnswers::default(), false);
        }
    }

    fn join(&self, state: &mut State, identity: bool) -> Result<Step, Failure> {
        if state.task.is_none() {
            if let Some((at, failure)) = &state.last_final_error
                && state.is_recent(*at)
            {
                return Err(failure.clone());
            }
            let now = state.now();
            let fetches = !identity || state.refresh.next(now) == Next::Fetch;
            let needs = if fetches {
                self.needs(state)?
            } else {
                Needs::default()
            };
            if !needs.is_nothing() {
                return Ok(Step::Ask(needs));
            }
            self.launch(state, CallbackAnswers::default(), identity)?;
        }
        match &mut state.task {
            Some(in_flight) => {
                in_flight.is_awaited = true;
                Ok(Step::Wait(Arc::clone(&in_flight.task)))
            }
            None => Err(Failure::internal(
                "The fetch ended before it began.",
                "Report it; the next read works.",
            )),
        }
    }

    fn launch(
        &self,
        state: &mut State,
        mut answers: CallbackAnswers,
        identity: bool,
    ) -> Result<(), Failure> {
        let now = state.now();
        let good = matches!(state.refresh.next(now), Next::Serve | Next::ServeAndFetch);
        let held = (identity && good)
            .then(|| state.refresh.held(now).map(Arc::clone))
            .flatten();
        // The first flight after a refusal must not bring the refused set back from the disk.
        let refused_key = (held.is_none() && state.refresh.started())
            .then(|| state.held_key(now))
            .flatten();
        answers.web_identity_token = answers
            .web_identity_token
            .or_else(|| state.web_identity_token.clone());
        let asks_later = self.settings.token_provider
            && self.settings.cache.value.is_some()
            && !state.code_is_needed
            && answers.token_code.is_none();
        let order = FetchRequest {
            asks_later,
            region: held.is_some().then(|| state.region.clone()),
            held,
            identity,
            refused_key,
            answers,
            clock_offset: state.offset,
        };
        let task = state.runtime.launch(&self.settings, order, self.gate)?;
        self.counters.started();
        state.task = Some(InFlight {
            task,
            is_awaited: false,
            is_forced: false,
        });
        Ok(())
    }

    fn needs(&self, state: &State) -> Result<Needs, Failure> {
        let settings = &self.settings;
        Ok(Needs {
            // With a cache on disk it is looked at first: sharing MFA sessions is what it is for.
            token_code: if settings.token_provider
                && (settings.cache.value.is_none() || state.code_is_needed)
            {
                fetch::needed_serial(settings)?
            } else {
                None
            },
            web_identity_token: settings.asks_for_token() && state.web_identity_token.is_none(),
            source: settings.supplied_source,
        })
    }

    /// The state, with a landed flight taken in, and one that will never land forgotten.
    fn synced(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(in_flight) = state.task.take() else {
            return state;
        };
        let task = Arc::clone(&in_flight.task);
        match task.outcome() {
            Some(outcome) => state.apply(&in_flight, outcome, task.elapsed(), &self.counters),
            None if !task.is_ours() => {
                // Flown by the parent: its slot may be locked for ever, so it is not even dropped.
                mem::forget(in_flight);
                mem::forget(task);
            }
            None if task.may_complete() => state.task = Some(in_flight),
            None => {
                let outcome = Err(task.overdue());
                state.apply(&in_flight, &outcome, task.elapsed(), &self.counters);
            }
        }
        state
    }
}

/// What the host got, before it is sent.
fn check(answers: &CallbackAnswers) -> Result<(), Failure> {
    if let Some(code) = &answers.token_code {
        limits::token_code(code.expose())?;
    }
    match &answers.web_identity_token {
        Some(token) => limits::web_identity_token("web_identity_token", token.expose()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod model_test;
