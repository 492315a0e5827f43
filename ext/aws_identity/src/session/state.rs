//! The state of a session, and how the outcome of a fetch changes it.

use super::{
    counters::Counters,
    event::{EventKind, Events},
    look::Watch,
    runtime::{Fetch, Runtime},
};
use crate::{
    attempt::Attempt,
    credentials::{Credentials, Millis, Secret},
    failure::{Failure, Kind},
    fetch::FetchResult,
    identity::Identity,
    providers::FetchNotes,
    refresh::{Failed, Refresh, Rules, Succeeded, is_final},
    task::fetch_task::Completion,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// The least time between two fetches if a retry of the first cannot succeed, or a caller forced
/// it.
const SPACING: Duration = Duration::from_secs(1);

pub(super) struct State {
    pub(super) refresh: Refresh<Arc<Credentials>>,
    /// Counts up with every change of the held credentials; 0 if there were none yet.
    pub(super) serial: u64,
    pub(super) identity: Option<CachedIdentity>,
    pub(super) identity_serial: u64,
    pub(super) task: Option<InFlight>,
    /// The last failure that a retry cannot cure, and when it came.
    pub(super) last_final_error: Option<(Instant, Failure)>,
    /// Non-retryable error of a background fetch, raised once by the next read.
    pub(super) pending_error: Option<Failure>,
    /// When a caller last forced a fetch, and the failure of that fetch, if it failed.
    pub(super) last_forced_refresh: Option<(Instant, Option<Failure>)>,
    /// Why the held credentials are served past the time of their refresh.
    pub(super) degraded: Option<String>,
    pub(super) attempts: Arc<[Attempt]>,
    pub(super) region: String,
    pub(super) use_fips: bool,
    /// How far STS's clock was ahead of ours at its last answer.
    pub(super) offset: Millis,
    pub(super) web_identity_token: Option<Secret>,
    pub(super) watch: Watch,
    /// The key of the base credentials that AWS refused in the last fetch.
    pub(super) refused_base_key: Option<String>,
    /// The warnings for the log, each once.
    pub(super) warnings: Vec<String>,
    /// The expiry of the held credentials has its event already.
    pub(super) expiry_is_recorded: bool,
    pub(super) events: Events,
    pub(super) runtime: Arc<dyn Runtime>,
}

/// The fetch in flight.
pub(super) struct InFlight {
    pub(super) task: Arc<Fetch>,
    pub(super) notes: Arc<FetchNotes>,
    /// A caller waits for it, and gets its failure.
    pub(super) is_awaited: bool,
    /// A caller forced it, and gets its failure even if credentials are held.
    pub(super) is_forced: bool,
}

/// The identity, valid until the credentials it was asked with expire.
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
            use_fips: false,
            offset: 0,
            web_identity_token: None,
            watch: Watch::default(),
            refused_base_key: None,
            warnings,
            expiry_is_recorded: false,
            events: Events::default(),
            runtime,
        }
    }

    /// The wall clock, corrected by the offset of STS's clock.
    pub(super) fn now(&self) -> Millis {
        self.corrected(self.runtime.now())
    }

    pub(super) fn corrected(&self, at: Millis) -> Millis {
        at.saturating_add(self.offset)
    }

    pub(super) fn held_key(&self, now: Millis) -> Option<String> {
        self.refresh
            .held(now)
            .map(|held| held.access_key_id.clone())
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

    /// Ends the back-off and the pause after a final error: what the source is read from has changed.
    pub(super) fn end_back_off(&mut self) {
        self.refresh.end_back_off();
        self.last_final_error = None;
    }

    /// Marks the fetch in flight as forced by a caller.
    pub(super) fn force(&mut self) {
        if let Some(in_flight) = &mut self.task {
            in_flight.is_forced = true;
            self.last_forced_refresh = Some((self.runtime.instant(), None));
        }
    }

    /// True if the known identity is that of the credentials in use, and their file is not to be read
    /// again first.
    pub(super) fn knows_identity(&self, now: Millis) -> bool {
        let is_read_again = self.refresh.is_stale() && !self.refresh.is_backing_off(now);
        let known = self.identity.as_ref();
        !is_read_again && known.is_some_and(|cached| cached.until.is_none_or(|until| now < until))
    }

    /// True if the held credentials are good, or are marked as degraded.
    pub(super) fn is_servable(&self, now: Millis) -> bool {
        let held = self.refresh.held(now);
        held.is_some_and(|held| !held.is_expired_at(now) || self.refresh.is_degraded())
    }

    /// True if the held credentials expire before `limit` milliseconds have passed.
    pub(super) fn expires_within(&self, now: Millis, limit: Millis) -> bool {
        let held = self.refresh.held(now);
        held.is_some_and(|held| held.is_expired_at(now.saturating_add(limit)))
    }

    pub(super) fn failed_within_spacing(&self) -> bool {
        self.last_final_error
            .as_ref()
            .is_some_and(|(at, _)| self.is_within_spacing(*at))
    }

    /// True if a read raises `failure` whatever is held. The settings of a session do not change, so
    /// wrong configuration comes from a file or a program that may be in the middle of being
    /// replaced: good credentials are served on.
    pub(super) fn is_final(&self, failure: &Failure, now: Millis) -> bool {
        let held = self.refresh.held(now);
        let holds_good = held.is_some_and(|held| !held.is_expired_at(now));
        is_final(failure) && !(failure.kind == Kind::Configuration && holds_good)
    }

    /// True if `at` is too short a time ago for another fetch.
    pub(super) fn is_within_spacing(&self, at: Instant) -> bool {
        self.runtime.instant().saturating_duration_since(at) < SPACING
    }

    /// The serial of credentials to serve while the application is asked for an MFA code.
    pub(super) fn servable_meanwhile(&self) -> Option<u64> {
        let held = self.refresh.held(self.now());
        held.filter(|_| !self.refresh.is_rejected())
            .map(|_| self.serial)
    }

    /// Applies the outcome of a task, as of the time when the task completed, not when a caller
    /// reads.
    pub(super) fn apply(
        &mut self,
        in_flight: &InFlight,
        outcome: &Result<FetchResult, Failure>,
        completion: Completion,
        counters: &Counters,
    ) {
        match outcome {
            Ok(fetched) => {
                counters.completed(completion.took, true);
                self.apply_success(in_flight, fetched, completion, counters);
            }
            // AWS was not asked, so this failure starts no back-off.
            Err(failure) if in_flight.task.is_withdrawn() => {
                self.attempts = failure.attempts.as_slice().into();
            }
            Err(failure) => {
                counters.completed(completion.took, false);
                self.apply_failure(in_flight, failure, completion, counters);
            }
        }
    }

    fn apply_success(
        &mut self,
        in_flight: &InFlight,
        fetched: &FetchResult,
        completion: Completion,
        counters: &Counters,
    ) {
        if let Some(offset) = fetched.clock_offset {
            self.offset = offset;
        }
        self.region.clone_from(&fetched.region);
        self.use_fips = fetched.use_fips;
        self.last_final_error = None;
        for warning in &fetched.warnings {
            if !self.warnings.contains(warning) {
                self.warnings.push(warning.clone());
            }
        }
        if fetched.is_new {
            self.apply_credentials(in_flight, fetched, completion, counters);
        }
        if let Some(Err(failure)) = &fetched.identity
            && let Some(key) = &failure.refused_key
        {
            self.invalidate(key);
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
                self.last_final_error = Some((completion.instant, failure.clone()));
            }
            _ => {}
        }
    }

    fn apply_credentials(
        &mut self,
        in_flight: &InFlight,
        fetched: &FetchResult,
        completion: Completion,
        counters: &Counters,
    ) {
        self.refused_base_key = None;
        self.watch.succeeded(&in_flight.notes);
        if self.refresh.is_stale() {
            self.identity = None; // the file may have named another one
        }
        self.refresh.set_needs_mfa(fetched.needs_mfa);
        self.attempts = fetched.attempts.as_slice().into();
        let at = self.corrected(completion.at);
        let credentials = &fetched.credentials;
        let succeeded = self
            .refresh
            .succeeded(at, Arc::clone(credentials), |range| {
                self.runtime.pick(range)
            });
        match succeeded {
            Succeeded::Fresh => {
                self.serial += 1;
                self.expiry_is_recorded = false;
                self.degraded = None;
                counters.taken(completion.at);
                self.events.add(EventKind::Refreshed, credentials, None, at);
            }
            Succeeded::Degraded => {
                self.serial += 1;
                self.expiry_is_recorded = false;
                self.degraded.clone_from(&credentials.degraded);
                counters.taken(completion.at);
                counters.backed_off();
                let reason = credentials.degraded.as_deref();
                self.events
                    .add(EventKind::Degraded, credentials, reason, at);
            }
            Succeeded::KeepsServing => {
                self.serve_stale(counters, &already_expired(credentials), at);
            }
            Succeeded::Raises => {
                let failure = already_expired(credentials);
                if in_flight.is_forced {
                    self.last_forced_refresh = Some((completion.instant, Some(failure)));
                }
            }
        }
    }

    fn apply_failure(
        &mut self,
        in_flight: &InFlight,
        failure: &Failure,
        completion: Completion,
        counters: &Counters,
    ) {
        self.attempts = failure.attempts.as_slice().into();
        if failure.refused_key.is_some() {
            self.refused_base_key.clone_from(&failure.refused_key);
        }
        if in_flight.is_forced {
            self.last_forced_refresh = Some((completion.instant, Some(failure.clone())));
        }
        let at = self.corrected(completion.at);
        let is_final = self.is_final(failure, at);
        let absent_for = self.watch.failed(&in_flight.notes, completion.instant);
        let failed = self
            .refresh
            .failed(at, is_final, |range| self.runtime.pick(range));
        if let Some(pause) = absent_for {
            let pause = Millis::try_from(pause.as_millis()).unwrap_or_default();
            self.refresh.shorten_back_off(at, pause);
        }
        match failed {
            Failed::KeepsServing => self.serve_stale(counters, failure, at),
            Failed::Raises => self.events.failed(failure, at),
        }
        if failed == Failed::Raises && is_final {
            self.last_final_error = Some((completion.instant, failure.clone()));
            if !in_flight.is_awaited {
                self.pending_error = Some(failure.clone());
            }
        }
    }

    /// Adds an event, once, if the held credentials have expired and no fetch has replaced them.
    pub(super) fn record_expiry(&mut self) {
        let now = self.now();
        let expired = self.refresh.expired(now).map(Arc::clone);
        if let Some(expired) = expired.filter(|_| !self.expiry_is_recorded) {
            self.expiry_is_recorded = true;
            let reason = self.degraded.as_deref();
            self.events.add(EventKind::Expired, &expired, reason, now);
        }
    }

    /// Keeps serving the held credentials during an outage.
    fn serve_stale(&mut self, counters: &Counters, failure: &Failure, at: Millis) {
        counters.backed_off();
        let was_degraded = self.degraded.is_some();
        self.degraded = Some(failure.message());
        self.events.failed(failure, at);
        let held = self.refresh.held(at).map(Arc::clone);
        if let Some(held) = held.filter(|_| !was_degraded) {
            self.serial += 1; // a reader that caches by serial must see that they are degraded
            self.events
                .add(EventKind::Degraded, &held, Some(&failure.message()), at);
        }
        self.record_expiry();
    }
}

pub(super) fn already_expired(credentials: &Credentials) -> Failure {
    let expires_at = credentials
        .expires_at
        .map(crate::util::time::format_iso8601)
        .unwrap_or_default();
    Failure::new(
        Kind::NoCredentials,
        format!(
            "{} handed out credentials that expired at {expires_at}.",
            credentials.source
        ),
        "Check this machine's clock and whatever writes them.",
    )
    .answered()
}
