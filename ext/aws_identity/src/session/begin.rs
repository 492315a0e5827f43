//! How a read or a refresh begins: it is served from the held credentials, joins the fetch in
//! flight, or starts one.

use super::{
    Fetch, Session,
    state::{InFlight, State},
};
use crate::{
    credentials::{Millis, Secret},
    failure::Failure,
    fetch::{FetchRequest, HeldRegion},
    providers::{CallbackAnswers, process::current_environment},
    refresh::Next,
};
use std::sync::Arc;

/// What a caller does next.
#[derive(Clone)]
pub enum Step {
    /// The serial of the credentials or identity to use now.
    Ready(u64),
    /// Wait for this task, answer its questions, then call [`Session::finish`].
    Wait(Arc<Fetch>),
    /// The fetch will ask the application something: start a helper thread that answers, then call
    /// [`Session::begin`] again and pass whether it runs. `waits`: whether the caller will wait for
    /// the fetch.
    Helper { waits: bool },
}

/// What a fetch is started for.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub identity: bool,
    /// Whether a caller waits for it from its beginning.
    pub is_awaited: bool,
}

impl Wanted {
    /// Credentials, before a caller needs them.
    fn ahead() -> Self {
        Self {
            identity: false,
            is_awaited: false,
        }
    }
}

/// How long credentials are to last that sign a token.
const LASTING: Millis = 60_000;

/// What a caller wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Credentials,
    /// Credentials to sign a token with: a refresh that is due is waited for where they expire within
    /// a minute.
    Lasting,
    Identity,
    /// New credentials, whatever is held; a failure is raised even if held credentials are good.
    Refresh,
    /// Credentials ahead of their next read; the caller does not wait for the fetch.
    Prefetch,
    /// To answer the questions of the fetch in flight, as the helper thread does.
    Help,
}

impl State {
    pub(super) fn held_region(&self) -> HeldRegion {
        HeldRegion {
            name: self.region.clone(),
            use_fips: self.use_fips,
        }
    }

    /// What this session holds that no message may show.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let now = self.now();
        let held = self.refresh.held(now).or(self.refresh.expired(now));
        let keys = held.into_iter().flat_map(|held| {
            let token = held.session_token.iter();
            token.chain([&held.secret_access_key])
        });
        keys.chain(&self.web_identity_token)
            .chain(self.tokens.held())
            .cloned()
            .collect()
    }
}

impl Session {
    /// Starts what `purpose` needs, or joins the fetch in flight. `helper`: whether a helper thread
    /// runs for the questions that need no reader; `None` if the caller has not tried to start one.
    pub fn begin(&self, purpose: Purpose, helper: Option<bool>) -> Result<Step, Failure> {
        match purpose {
            Purpose::Credentials => self.read(helper, 0),
            Purpose::Lasting => self.read(helper, LASTING),
            Purpose::Identity => self.read_identity(helper),
            Purpose::Refresh => self.force(helper),
            Purpose::Prefetch => self.start_ahead(helper),
            Purpose::Help => Ok(self.in_flight().map_or(Step::Ready(0), Step::Wait)),
        }
    }

    /// Begins a read of the credentials.
    pub fn credentials(&self) -> Result<Step, Failure> {
        self.begin(Purpose::Credentials, None)
    }

    /// Begins a read of the identity.
    pub fn identity(&self) -> Result<Step, Failure> {
        self.begin(Purpose::Identity, None)
    }

    /// Begins a forced refresh: the held credentials count as refused by a service.
    ///
    /// A caller that forces a refresh within a second of the last one gets the outcome of the last
    /// one.
    pub fn refresh(&self) -> Result<Step, Failure> {
        self.begin(Purpose::Refresh, None)
    }

    /// Starts a fetch if none is in flight and one is due or nothing is held; the caller does not
    /// wait. `Ready(0)` if there was nothing to start.
    pub fn prefetch(&self) -> Result<Step, Failure> {
        self.begin(Purpose::Prefetch, None)
    }

    fn read(&self, helper: Option<bool>, lasting: Millis) -> Result<Step, Failure> {
        let mut state = self.synced();
        if let Some(failure) = state.take_pending_error() {
            return Err(failure);
        }
        let now = state.now();
        let next = state.refresh.next(now);
        let is_brief = match next {
            Next::ServeAndFetch => state.refresh.left(now).is_some_and(|left| left <= lasting),
            _ => state.refresh.ends_within(lasting, now) && !state.refresh.is_backing_off(now),
        };
        match next {
            Next::Serve | Next::ServeAndFetch if is_brief && !state.failed_within_spacing() => {
                return self.join(&mut state, Purpose::Credentials, helper);
            }
            // The read is served either way, so a failure to start the fetch is not raised.
            Next::ServeAndFetch if state.task.is_none() && !state.failed_within_spacing() => {
                if helper.is_none() && self.needs_helper(&state) {
                    return Ok(Step::Helper { waits: false });
                }
                let _ = self.start(
                    &mut state,
                    CallbackAnswers::default(),
                    Wanted::ahead(),
                    helper,
                );
            }
            Next::Serve | Next::ServeAndFetch => {}
            Next::Fetch => return self.join(&mut state, Purpose::Credentials, helper),
        }
        self.counters.cached();
        Ok(Step::Ready(state.serial))
    }

    fn read_identity(&self, helper: Option<bool>) -> Result<Step, Failure> {
        let mut state = self.synced();
        let now = state.now();
        if state.knows_identity(now) {
            return Ok(Step::Ready(state.identity_serial));
        }
        self.join(&mut state, Purpose::Identity, helper)
    }

    fn force(&self, helper: Option<bool>) -> Result<Step, Failure> {
        let mut state = self.synced();
        state.identity = None;
        if let Some(in_flight) = &mut state.task {
            in_flight.is_awaited = true;
            return Ok(Step::Wait(Arc::clone(&in_flight.task)));
        }
        let now = state.now();
        if let Some((at, failure)) = &state.last_forced_refresh
            && state.is_within_spacing(*at)
        {
            match failure {
                Some(failure) => return Err(failure.clone()),
                None if state.refresh.is_servable(now) => return Ok(Step::Ready(state.serial)),
                None => {} // they have expired since, or were refused
            }
        }
        if helper.is_none() && self.needs_helper(&state) {
            return Ok(Step::Helper { waits: true });
        }
        let key = state.refresh.held(now).map(|it| it.access_key_id.clone());
        if let Some(key) = key {
            state.invalidate(&key);
            // Credentials that have expired are of no use to the caller, whatever the back-off.
            if state.refresh.is_backing_off(now) && state.refresh.expired(now).is_none() {
                return Ok(Step::Ready(state.serial));
            }
        }
        let step = self.join(&mut state, Purpose::Refresh, helper)?;
        state.force();
        Ok(step)
    }

    fn start_ahead(&self, helper: Option<bool>) -> Result<Step, Failure> {
        let mut state = self.synced();
        let now = state.now();
        let is_wanted = state.refresh.needs_refresh(now) && !state.refresh.is_backing_off(now);
        if state.task.is_some() || state.failed_within_spacing() || !is_wanted {
            return Ok(Step::Ready(0));
        }
        if helper.is_none() && self.needs_helper(&state) {
            return Ok(Step::Helper { waits: false });
        }
        let started = self.start(
            &mut state,
            CallbackAnswers::default(),
            Wanted::ahead(),
            helper,
        );
        match started {
            Err(_) if state.refresh.is_backing_off(now) => Ok(Step::Ready(0)),
            started => started.map(|()| Step::Ready(1)),
        }
    }

    fn join(
        &self,
        state: &mut State,
        purpose: Purpose,
        helper: Option<bool>,
    ) -> Result<Step, Failure> {
        let identity = purpose == Purpose::Identity;
        if state.task.is_none() {
            if let Some((at, failure)) = &state.last_final_error
                && state.is_within_spacing(*at)
            {
                return Err(failure.clone());
            }
            let now = state.now();
            let fetches = !identity || state.refresh.next(now) == Next::Fetch;
            if fetches && helper.is_none() && self.needs_helper(state) {
                return Ok(Step::Helper { waits: true });
            }
            let wanted = Wanted {
                identity,
                is_awaited: true,
            };
            match self.start(state, CallbackAnswers::default(), wanted, helper) {
                Err(_) if purpose == Purpose::Credentials && state.refresh.is_servable(now) => {
                    return Ok(Step::Ready(state.serial));
                }
                started => started?,
            }
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

    pub(super) fn start(
        &self,
        state: &mut State,
        mut answers: CallbackAnswers,
        wanted: Wanted,
        helper: Option<bool>,
    ) -> Result<(), Failure> {
        let Wanted {
            identity,
            is_awaited,
        } = wanted;
        let now = state.now();
        let good = matches!(state.refresh.next(now), Next::Serve | Next::ServeAndFetch);
        let held = (identity && good)
            .then(|| state.refresh.held(now).map(Arc::clone))
            .flatten();
        // No fetch after a refusal may read the refused credentials from the disk cache.
        let refused_key = state.refresh.rejected_key().map(str::to_owned);
        answers.web_identity_token = answers
            .web_identity_token
            .or_else(|| state.web_identity_token.clone());
        let is_held = state.refresh.held(now).is_some();
        let notes = state.watch.notes_for(is_held, state.runtime.now());
        let request = FetchRequest {
            notes: Arc::clone(&notes),
            has_helper: helper.unwrap_or_default(),
            is_awaited,
            environment: current_environment(),
            region: held.is_some().then(|| state.held_region()),
            held,
            identity,
            refused_key,
            refused_base_key: state.refused_base_key.clone(),
            scoped_from: state.scoped_from.clone(),
            answers,
            secrets: state.secrets(),
            clock_offset: now.wall - state.runtime.now().wall,
        };
        let fetches = request.held.is_none();
        let task = match state.runtime.start(&self.settings, request, self.gate) {
            Ok(task) => task,
            Err(failure) => {
                if fetches {
                    state.keep_serving(&failure, now, &self.counters);
                }
                return Err(failure);
            }
        };
        if fetches {
            state.refresh.started();
        }
        self.counters.started();
        state.task = Some(InFlight {
            task,
            notes,
            is_awaited: false,
            is_forced: false,
        });
        Ok(())
    }

    /// True if each fetch asks the application for the base credentials or for their web identity
    /// token.
    pub(super) fn needs_helper(&self, state: &State) -> bool {
        let has_token = self.settings.asks_for_token() && state.web_identity_token.is_some();
        self.settings.is_supplied() && !has_token
    }

    /// True if a fetch may ask the application something.
    #[must_use]
    pub fn has_callbacks(&self) -> bool {
        self.settings.token_provider || self.needs_helper(&self.synced())
    }
}
