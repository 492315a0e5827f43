//! The state of a session, and how it takes in what a flight brought.

use super::{
    Fetch, SPACING,
    counters::Counters,
    event::{EventKind, Events},
    runtime::Runtime,
};
use crate::{
    attempt::Attempt,
    credentials::{Credentials, Millis, Secret},
    failure::{Failure, Kind},
    fetch::{self, FetchResult},
    identity::Identity,
    refresh::{Failed, Refresh, Rules, Succeeded, is_final},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

pub(super) struct State {
    pub(super) refresh: Refresh<Arc<Credentials>>,
    /// Counts up with every set that is taken in; 0 is none.
    pub(super) serial: u64,
    pub(super) identity: Option<CachedIdentity>,
    pub(super) identity_serial: u64,
    pub(super) task: Option<InFlight>,
    /// What can only fail again is not asked again at once.
    pub(super) last_final_error: Option<(Instant, Failure)>,
    /// A final failure of a flight nobody waited for: the next read raises it, once.
    pub(super) pending_error: Option<Failure>,
    /// When a caller last forced a flight, and what that one failed with.
    pub(super) last_forced_refresh: Option<(Instant, Option<Failure>)>,
    /// Why the held set is served although it should have been replaced.
    pub(super) degraded: Option<String>,
    pub(super) attempts: Arc<[Attempt]>,
    pub(super) region: String,
    /// How far STS's clock was ahead when it was last asked.
    pub(super) offset: Millis,
    pub(super) web_identity_token: Option<Secret>,
    /// The cache on disk had nothing: a person has to be asked for an MFA code after all.
    pub(super) code_is_needed: bool,
    /// What the user should hear, once each.
    pub(super) warnings: Vec<String>,
    /// That the time of the held set has passed was told.
    pub(super) expiry_is_recorded: bool,
    pub(super) events: Events,
    pub(super) runtime: Arc<dyn Runtime>,
}

/// The flight in the air.
pub(super) struct InFlight {
    pub(super) task: Arc<Fetch>,
    /// Somebody waits for it and will hear how it ended.
    pub(super) is_awaited: bool,
    /// Started by a caller who insists, and is to hear of a failure even if a set is held.
    pub(super) is_forced: bool,
}

/// The identity, for as long as the credentials it was asked with are good.
pub(super) struct CachedIdentity {
    pub(super) identity: Arc<Identity>,
    pub(super) until: Option<Millis>,
}

impl State {
    pub(super) fn new(rules: Rules, warnings: Vec<String>, runtime: Arc<dyn Runtime>) -> Self {
        Self {
            refresh: Refresh::new(rules),
            serial: 0,
            identity: None,
            identity_serial: 0,
            task: None,
            last_final_error: None,
            pending_error: None,
            last_forced_refresh: None,
            degraded: None,
            attempts: Arc::new([]),
            region: String::new(),
            offset: 0,
            web_identity_token: None,
            code_is_needed: false,
            warnings,
            expiry_is_recorded: false,
            events: Events::default(),
            runtime,
        }
    }

    /// The wall clock, corrected by what STS last said.
    pub(super) fn now(&self) -> Millis {
        self.runtime.now().saturating_add(self.offset)
    }

    pub(super) fn held_key(&self, now: Millis) -> Option<String> {
        self.refresh.held(now).map(|set| set.access_key_id.clone())
    }

    pub(super) fn invalidate(&mut self, access_key_id: &str) -> bool {
        let now = self.now();
        let is_held = self.refresh.invalidate(access_key_id);
        if is_held {
            self.identity = None;
            if let Some(held) = self.refresh.held(now).map(Arc::clone) {
                self.events.add(EventKind::Invalidated, &held, None, now);
            }
        }
        is_held
    }

    /// The flight in the air is one that a caller insists on.
    pub(super) fn force(&mut self) {
        if let Some(in_flight) = &mut self.task {
            in_flight.is_forced = true;
            self.last_forced_refresh = Some((self.runtime.instant(), None));
        }
    }

    /// There is a set to hand out that is good, or of which it is known that it is not.
    pub(super) fn is_servable(&self, now: Millis) -> bool {
        let held = self.refresh.held(now);
        held.is_some_and(|set| !set.is_expired_at(now) || self.refresh.is_degraded())
    }

    pub(super) fn is_spaced(&self) -> bool {
        self.last_final_error
            .as_ref()
            .is_some_and(|(at, _)| self.is_recent(*at))
    }

    /// Too short a time ago for another flight.
    pub(super) fn is_recent(&self, at: Instant) -> bool {
        self.runtime.instant().saturating_duration_since(at) < SPACING
    }

    /// Takes in what a flight brought.
    pub(super) fn apply(
        &mut self,
        in_flight: &InFlight,
        outcome: &Result<FetchResult, Failure>,
        took: Duration,
        counters: &Counters,
    ) {
        counters.completed(took, outcome.is_ok());
        match outcome {
            Ok(fetched) => self.apply_success(in_flight, fetched, counters),
            Err(failure) => self.apply_failure(in_flight, failure, counters),
        }
    }

    fn apply_success(&mut self, in_flight: &InFlight, fetched: &FetchResult, counters: &Counters) {
        if let Some(offset) = fetched.clock_offset {
            self.offset = offset;
        }
        self.region.clone_from(&fetched.region);
        self.last_final_error = None;
        for warning in &fetched.warnings {
            if !self.warnings.contains(warning) {
                self.warnings.push(warning.clone());
            }
        }
        if fetched.is_new {
            self.code_is_needed = false;
            self.refresh.set_attended(fetched.is_attended);
            self.attempts = fetched.attempts.as_slice().into();
            let now = self.now();
            let set = Arc::clone(&fetched.credentials);
            match self
                .refresh
                .succeeded(now, set, |range| self.runtime.pick(range))
            {
                Succeeded::Fresh => {
                    self.serial += 1;
                    self.expiry_is_recorded = false;
                    self.degraded = None;
                    counters.taken();
                    self.events
                        .add(EventKind::Refreshed, &fetched.credentials, None, now);
                }
                Succeeded::Degraded => {
                    self.serial += 1;
                    self.expiry_is_recorded = false;
                    self.degraded.clone_from(&fetched.credentials.degraded);
                    counters.taken();
                    counters.backed_off();
                    let reason = fetched.credentials.degraded.as_deref();
                    self.events
                        .add(EventKind::Degraded, &fetched.credentials, reason, now);
                }
                Succeeded::ServesHeld => {
                    self.serve_stale(counters, &already_expired(&fetched.credentials));
                }
                Succeeded::Refused => {
                    let failure = already_expired(&fetched.credentials);
                    if in_flight.is_forced {
                        self.last_forced_refresh = Some((self.runtime.instant(), Some(failure)));
                    }
                }
            }
        }
        match &fetched.identity {
            Some(Ok(identity)) => {
                self.identity_serial += 1;
                self.identity = Some(CachedIdentity {
                    identity: Arc::new(identity.clone()),
                    until: fetched.credentials.expires_at,
                });
            }
            Some(Err(failure)) if is_final(failure) => {
                self.last_final_error = Some((self.runtime.instant(), failure.clone()));
            }
            _ => {}
        }
    }

    fn apply_failure(&mut self, in_flight: &InFlight, failure: &Failure, counters: &Counters) {
        self.attempts = failure.attempts.as_slice().into();
        if is_code_needed(failure) {
            self.code_is_needed = true;
            return;
        }
        if in_flight.is_forced {
            self.last_forced_refresh = Some((self.runtime.instant(), Some(failure.clone())));
        }
        let is_final = is_final(failure);
        if !self.keeps_serving_after(failure, is_final, counters) && is_final {
            self.last_final_error = Some((self.runtime.instant(), failure.clone()));
            if !in_flight.is_awaited {
                self.pending_error = Some(failure.clone());
            }
        }
    }

    /// What a failed refresh means. True where the held set is served on.
    pub(super) fn keeps_serving_after(
        &mut self,
        failure: &Failure,
        is_final: bool,
        counters: &Counters,
    ) -> bool {
        let now = self.now();
        let failed = self
            .refresh
            .failed(now, is_final, |range| self.runtime.pick(range));
        match failed {
            Failed::ServesHeld => self.serve_stale(counters, failure),
            Failed::Raises => self.events.failed(failure, now),
        }
        failed == Failed::ServesHeld
    }

    /// Says once of a set that its time has passed and nothing has replaced it.
    pub(super) fn record_expiry(&mut self) {
        let now = self.now();
        let ended = self.refresh.ended(now).map(Arc::clone);
        if let Some(ended) = ended.filter(|_| !self.expiry_is_recorded) {
            self.expiry_is_recorded = true;
            let reason = self.degraded.as_deref();
            self.events.add(EventKind::Expired, &ended, reason, now);
        }
    }

    /// An outage: the held set is served on.
    fn serve_stale(&mut self, counters: &Counters, failure: &Failure) {
        counters.backed_off();
        let now = self.now();
        let was_degraded = self.degraded.is_some();
        self.degraded = Some(failure.message().clone());
        self.events.failed(failure, now);
        let held = self.refresh.held(now).map(Arc::clone);
        if let Some(held) = held.filter(|_| !was_degraded) {
            self.serial += 1; // whoever keeps the set by its serial is to see that it is degraded
            self.events
                .add(EventKind::Degraded, &held, Some(&failure.message()), now);
        }
        self.record_expiry();
    }
}

pub(super) fn is_code_needed(failure: &Failure) -> bool {
    failure.code.as_deref() == Some(fetch::CODE_NEEDED)
}

pub(super) fn already_expired(set: &Credentials) -> Failure {
    let end = set
        .expires_at
        .map(crate::util::time::format_iso8601)
        .unwrap_or_default();
    Failure::new(
        Kind::NoCredentials,
        format!("{} handed out credentials that ended at {end}.", set.source),
        "Check this machine's clock and whatever writes them.",
    )
    .answered()
}
