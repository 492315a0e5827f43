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
    failure::{Failure, Kind},
    fetch::{FetchRequest, FetchResult},
    identity::Identity,
    providers::CallbackAnswers,
    refresh::{Next, Rules, is_final},
    sts::limits,
    task::fetch_task::{Completion, FetchTask},
    task::fork_gate::SharedGate,
    task::question::{Answer, Asked, Question, Takes},
};
use runtime::{Runtime, SystemRuntime};
use state::{InFlight, State, already_expired};
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
    /// Wait for this task, answer what it asks, then [`Session::finish`].
    Wait(Arc<Fetch>),
    /// The fetch will ask what only the application can give: see to who answers, then
    /// [`Session::begin`] again, which says whether there is a helper thread. `waits`: whether the
    /// caller will wait for the fetch.
    Helper { waits: bool },
}

/// What a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Credentials,
    Identity,
    /// A new set, whatever is held; a failure is raised even then.
    Refresh,
    /// A fetch that the caller does not wait for.
    Prefetch,
    /// To answer the questions of the fetch in flight.
    Help,
}

/// What somebody who waits for a task does about its question.
#[derive(Clone, Debug)]
pub enum Response {
    /// Asks the application, which may take so long.
    Ask(Asked, Duration),
    /// Takes what is held meanwhile.
    Serve(u64),
    /// Gives up: nobody here may ask.
    Refuse(Failure),
    /// Waits on, having seen so many changes.
    Wait(u64),
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
            advisory_window: settings.advisory_window,
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

    /// Starts what `purpose` needs, or joins the fetch in flight. `helper`: whether a helper thread is
    /// there for the questions that need no reader; `None` where that is not known yet.
    pub fn begin(&self, purpose: Purpose, helper: Option<bool>) -> Result<Step, Failure> {
        match purpose {
            Purpose::Credentials => self.read(helper),
            Purpose::Identity => self.read_identity(helper),
            Purpose::Refresh => self.force(helper),
            Purpose::Prefetch => self.start_ahead(helper),
            Purpose::Help => Ok(self.in_flight().map_or(Step::Ready(0), Step::Wait)),
        }
    }

    /// What `task` brought to somebody who waited for it. `None`: it was lost, is of a process that is
    /// no longer this one, or came too long ago; begin again.
    pub fn finish(&self, purpose: Purpose, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        match purpose {
            Purpose::Credentials => self.settle(task),
            Purpose::Identity => self.settle_identity(task),
            Purpose::Refresh => self.settle_refresh(task),
            Purpose::Prefetch => Some(Ok(1)),
            Purpose::Help => Some(Ok(0)),
        }
    }

    /// What a read of the credentials does.
    pub fn credentials(&self) -> Result<Step, Failure> {
        self.begin(Purpose::Credentials, None)
    }

    /// What a read of the identity does.
    pub fn identity(&self) -> Result<Step, Failure> {
        self.begin(Purpose::Identity, None)
    }

    /// What a forced refresh does: the held set counts as refused by a service.
    ///
    /// Callers who ask within a second of the last one get what that one brought.
    pub fn refresh(&self) -> Result<Step, Failure> {
        self.begin(Purpose::Refresh, None)
    }

    /// Starts a fetch if none is in flight and one is due or nothing is held; waits for nothing.
    /// `Ready(0)` where there was nothing to start.
    pub fn prefetch(&self) -> Result<Step, Failure> {
        self.begin(Purpose::Prefetch, None)
    }

    fn read(&self, helper: Option<bool>) -> Result<Step, Failure> {
        let mut state = self.synced();
        if let Some(failure) = state.pending_error.take() {
            return Err(failure);
        }
        let now = state.now();
        match state.refresh.next(now) {
            Next::Serve => {}
            // Nobody waits for it, and nobody hears why it could not begin.
            Next::ServeAndFetch if state.task.is_none() && !state.is_spaced() => {
                if helper.is_none() && self.needs_helper(&state) {
                    return Ok(Step::Helper { waits: false });
                }
                let _ = self.launch(&mut state, CallbackAnswers::default(), false, helper);
            }
            Next::ServeAndFetch => {}
            Next::Fetch => return self.join(&mut state, false, helper),
        }
        self.counters.cached();
        Ok(Step::Ready(state.serial))
    }

    fn read_identity(&self, helper: Option<bool>) -> Result<Step, Failure> {
        let mut state = self.synced();
        let now = state.now();
        if state
            .identity
            .as_ref()
            .is_some_and(|cached| cached.until.is_none_or(|end| now < end))
        {
            return Ok(Step::Ready(state.identity_serial));
        }
        self.join(&mut state, true, helper)
    }

    fn force(&self, helper: Option<bool>) -> Result<Step, Failure> {
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
        if helper.is_none() && self.needs_helper(&state) {
            return Ok(Step::Helper { waits: true });
        }
        let now = state.now();
        if let Some(key) = state.held_key(now) {
            state.invalidate(&key);
        }
        if state.refresh.is_backing_off(now) && state.refresh.held(now).is_some() {
            return Ok(Step::Ready(state.serial));
        }
        let step = self.join(&mut state, false, helper)?;
        state.force();
        Ok(step)
    }

    fn start_ahead(&self, helper: Option<bool>) -> Result<Step, Failure> {
        let mut state = self.synced();
        let now = state.now();
        let is_wanted = state.refresh.needs_refresh(now) && !state.refresh.is_backing_off(now);
        if state.task.is_some() || state.is_spaced() || !is_wanted {
            return Ok(Step::Ready(0));
        }
        if helper.is_none() && self.needs_helper(&state) {
            return Ok(Step::Helper { waits: false });
        }
        self.launch(&mut state, CallbackAnswers::default(), false, helper)?;
        Ok(Step::Ready(1))
    }

    /// What somebody who waits for `task` as `owner`, and may take `takes`, does about its question.
    pub fn respond(
        &self,
        purpose: Purpose,
        task: &Arc<Fetch>,
        owner: u64,
        takes: Takes,
    ) -> Response {
        let (asked, seen) = task.asked();
        let Some(asked) = asked else {
            return Response::Wait(seen);
        };
        if let Some((asked, limit)) = task.take(owner, takes) {
            return Response::Ask(asked, limit);
        }
        if purpose == Purpose::Help || !matches!(asked.question, Question::TokenCode(_)) {
            return Response::Wait(seen);
        }
        let meanwhile = self.synced().servable_meanwhile();
        match meanwhile.filter(|_| purpose == Purpose::Credentials) {
            Some(serial) => Response::Serve(serial),
            None if asked.is_taken || takes.token_code => Response::Wait(seen),
            None => Response::Refuse(Failure::no_credentials(
                "The next credentials need an MFA code, and no person is asked in the background.",
                "Read the credentials of this session on a thread of your own.",
            )),
        }
    }

    /// Answers the question of `task` that `owner` took. An answer that comes too late serves the
    /// fetch in flight now, or starts the next one: that is returned, to be waited for instead.
    pub fn answer(
        &self,
        purpose: Purpose,
        task: &Arc<Fetch>,
        owner: u64,
        outcome: Result<Answer, Failure>,
    ) -> Option<Arc<Fetch>> {
        let outcome = outcome.and_then(checked);
        let Some(Ok(answer)) = task.answer(owner, outcome) else {
            return None;
        };
        if !task.is_ours() {
            return None; // asked by the parent of this process, which sends the answer itself
        }
        let mut state = self.synced();
        if let Some(in_flight) = &state.task {
            in_flight.task.answer_untaken(answer);
        } else {
            let now = state.now();
            if !state.refresh.needs_refresh(now) || state.is_spaced() {
                return None;
            }
            let answers = CallbackAnswers::of(answer);
            let identity = purpose == Purpose::Identity;
            self.launch(&mut state, answers, identity, None).ok()?;
        }
        let in_flight = state.task.as_mut()?;
        in_flight.is_awaited |= purpose != Purpose::Help;
        Some(Arc::clone(&in_flight.task))
    }

    /// What `task` brought to a reader of the credentials.
    pub fn settle(&self, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        let state = self.synced();
        let now = state.now();
        match task.completed() {
            None if !task.is_ours() => None,
            None => Some(Self::after_failure(&state, task.overdue(), now)),
            Some((Ok(_), _)) if state.is_servable(now) => Some(Ok(state.serial)),
            // It had expired when it came, and nothing else is held.
            Some((Ok(fetched), completion))
                if state.refresh.held(now).is_none()
                    && fetched
                        .credentials
                        .is_expired_at(state.corrected(completion.at)) =>
            {
                Some(Err(already_expired(&fetched.credentials)))
            }
            // It expired while the reader slept.
            Some((Ok(_), _)) => None,
            Some((Err(_), _)) if task.is_withdrawn() => None,
            Some((Err(failure), _)) => Some(Self::after_failure(&state, failure.clone(), now)),
        }
    }

    /// The same for one who forced the fetch: a failure is raised even if a set is held.
    pub fn settle_refresh(&self, task: &Arc<Fetch>) -> Option<Result<u64, Failure>> {
        let state = self.synced();
        match task.completed() {
            None if !task.is_ours() => None,
            None => Some(Err(task.overdue())),
            Some((Err(_), _)) if task.is_withdrawn() => None,
            Some((Err(failure), _)) => Some(Err(failure.clone())),
            Some((Ok(fetched), completion))
                if fetched
                    .credentials
                    .is_expired_at(state.corrected(completion.at))
                    && fetched.credentials.degraded.is_none() =>
            {
                Some(Err(already_expired(&fetched.credentials)))
            }
            Some((Ok(_), _)) => Some(Ok(state.serial)),
        }
    }

    /// The same for a reader of the identity.
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
            Some(Err(_)) if task.is_withdrawn() => None,
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
            self.settings.web_identity,
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

    fn join(
        &self,
        state: &mut State,
        identity: bool,
        helper: Option<bool>,
    ) -> Result<Step, Failure> {
        if state.task.is_none() {
            if let Some((at, failure)) = &state.last_final_error
                && state.is_recent(*at)
            {
                return Err(failure.clone());
            }
            let now = state.now();
            let fetches = !identity || state.refresh.next(now) == Next::Fetch;
            if fetches && helper.is_none() && self.needs_helper(state) {
                return Ok(Step::Helper { waits: true });
            }
            self.launch(state, CallbackAnswers::default(), identity, helper)?;
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
        helper: Option<bool>,
    ) -> Result<(), Failure> {
        let now = state.now();
        let good = matches!(state.refresh.next(now), Next::Serve | Next::ServeAndFetch);
        let held = (identity && good)
            .then(|| state.refresh.held(now).map(Arc::clone))
            .flatten();
        // The first fetch after a refusal must not bring the refused set back from the disk.
        let refused_key = (held.is_none() && state.refresh.started())
            .then(|| state.held_key(now))
            .flatten();
        answers.web_identity_token = answers
            .web_identity_token
            .or_else(|| state.web_identity_token.clone());
        let order = FetchRequest {
            has_helper: helper.unwrap_or_default(),
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

    /// True where each fetch asks for the base credentials, or for what they are had with.
    fn needs_helper(&self, state: &State) -> bool {
        let needs_token = self.settings.web_identity == Some(TokenSource::Supplied)
            && state.web_identity_token.is_none();
        needs_token || self.settings.supplied_source
    }

    /// True where a fetch may ask what only the application can give.
    #[must_use]
    pub fn has_callbacks(&self) -> bool {
        self.settings.token_provider || self.needs_helper(&self.synced())
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

/// What the application gave, before it is sent. What is wrong with it may be right the next time, so
/// it is no failure of the configuration.
fn checked(answer: Answer) -> Result<Answer, Failure> {
    let outcome = match &answer {
        Answer::TokenCode(code) => limits::token_code(code.expose()),
        Answer::WebIdentityToken(token) => {
            limits::web_identity_token("web_identity_token", token.expose())
        }
        Answer::Source(_) => Ok(()),
    };
    match outcome {
        Ok(()) => Ok(answer),
        Err(failure) => Err(Failure {
            kind: Kind::NoCredentials,
            ..failure
        }),
    }
}

#[cfg(test)]
mod model_test;
