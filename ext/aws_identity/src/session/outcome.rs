//! How the outcome of a fetch changes the state of a session.

use super::{
    counters::Counters,
    event::EventKind,
    expired::{already_expired, expired_in_flight},
    skew::Skew,
    state::{CachedIdentity, InFlight, PendingError, State},
};
use crate::{
    credentials::Credentials,
    failure::Failure,
    fetch::FetchResult,
    refresh::{Cause, Failed, Succeeded, Term, is_final},
    task::fetch_task::Completion,
    util::time::Moment,
};
use std::sync::Arc;

impl State {
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
            Err(failure) if in_flight.task.is_for_identity() => {
                counters.completed(completion.took, false);
                self.apply_failed_identity(failure, completion);
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
            self.skew = Skew {
                offset,
                learned_at: completion.at,
            };
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
                let credentials = &fetched.credentials;
                let at = self.skew.corrected(completion.at);
                self.identity = Some(CachedIdentity {
                    identity: Arc::new(identity.clone()),
                    until: credentials
                        .expires_at
                        .map(|end| Term::until(end, credentials.requested, at)),
                });
            }
            Some(Err(failure)) => self.apply_failed_identity(failure, completion),
            None => {}
        }
    }

    /// The credentials are kept when the request for the identity alone fails.
    fn apply_failed_identity(&mut self, failure: &Failure, completion: Completion) {
        if is_final(failure) {
            self.last_final_error = Some((completion.at, failure.clone()));
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
            self.tokens.clear();
        }
        self.refresh.set_needs_mfa(fetched.needs_mfa);
        self.attempts = fetched.attempts.as_slice().into();
        let credentials = &fetched.credentials;
        let at = self.skew.corrected(completion.at);
        let judged_at = self.judged_at(credentials, completion);
        let succeeded = self
            .refresh
            .succeeded(judged_at, Arc::clone(credentials), |range| {
                self.runtime.pick(range)
            });
        match succeeded {
            Succeeded::Fresh => {
                self.holds_new(fetched, at);
                self.degraded = None;
                counters.taken(completion.at);
                self.events
                    .add(EventKind::Refreshed, credentials, None, at.wall);
            }
            Succeeded::Degraded => {
                self.holds_new(fetched, at);
                self.degraded.clone_from(&credentials.degraded);
                counters.taken(completion.at);
                counters.backed_off();
                let reason = credentials.degraded.as_deref();
                self.events
                    .add(EventKind::Degraded, credentials, reason, at.wall);
            }
            Succeeded::KeepsServing | Succeeded::Raises => {
                let failure = already_expired(credentials);
                self.record_expiry(at);
                if succeeded == Succeeded::KeepsServing {
                    self.serve_stale(counters, &failure, at);
                }
                if in_flight.is_forced {
                    self.last_forced_refresh = Some((completion.at, Some(failure)));
                }
            }
        }
    }

    /// Other credentials are held from now on.
    fn holds_new(&mut self, fetched: &FetchResult, at: Moment) {
        self.serial += 1;
        self.expiry_is_recorded = false;
        self.held_since = at.wall;
        self.pending_error = None;
        self.disk_entry.clone_from(&fetched.disk_entry);
        self.scoped_from.clone_from(&fetched.scoped_from);
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
            self.last_forced_refresh = Some((completion.at, Some(failure.clone())));
        }
        let at = self.skew.corrected(completion.at);
        let is_final = self.is_final(failure, at);
        let absent_for = self.watch.failed(&in_flight.notes, completion.at);
        self.keep_serving(failure, at, counters);
        if let Some(pause) = absent_for {
            self.refresh.shorten_back_off(at, pause);
        }
        if is_final {
            self.last_final_error = Some((completion.at, failure.clone()));
            if !in_flight.is_awaited && in_flight.task.is_ours() {
                self.pending_error = Some(PendingError {
                    failure: failure.clone(),
                    at: completion.at,
                    process: self.runtime.process(),
                });
            }
        }
    }

    /// A fetch of credentials failed at this time, or could not start.
    pub(super) fn keep_serving(&mut self, failure: &Failure, at: Moment, counters: &Counters) {
        self.record_expiry(at);
        let cause = Cause::of(failure, self.is_final(failure, at));
        let failed = self
            .refresh
            .failed(at, cause, |range| self.runtime.pick(range));
        match failed {
            Failed::KeepsServing => self.serve_stale(counters, failure, at),
            Failed::Raises => self.events.failed(failure, at.wall),
        }
    }

    /// When the credentials of a fetch are judged: when it completed. Where they have expired since it
    /// began, the process was stopped meanwhile, and the source did its part: then when it began.
    fn judged_at(&self, credentials: &Credentials, completion: Completion) -> Moment {
        let at = self.skew.corrected(completion.at);
        if expired_in_flight(credentials, self.skew, completion) {
            self.skew.corrected(completion.began)
        } else {
            at
        }
    }

    /// Keeps serving the held credentials during an outage.
    fn serve_stale(&mut self, counters: &Counters, failure: &Failure, at: Moment) {
        counters.backed_off();
        let was_degraded = self.degraded.is_some();
        self.degraded = Some(failure.message());
        self.events.failed(failure, at.wall);
        let held = self.refresh.held(at).map(Arc::clone);
        if let Some(held) = held.filter(|_| !was_degraded) {
            self.serial += 1; // a reader that caches by serial must see that they are degraded
            self.events.add(
                EventKind::Degraded,
                &held,
                Some(&failure.message()),
                at.wall,
            );
        }
    }
}
