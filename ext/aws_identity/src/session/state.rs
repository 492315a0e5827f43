//! The state of a session.

use super::{
    event::{EventKind, Events},
    runtime::{Fetch, Removal, Runtime},
    skew::Skew,
    watch::Watch,
};
use crate::{
    attempt::Attempt,
    credentials::{Credentials, Millis, Secret},
    failure::{Failure, Kind},
    fetch::{DiskEntry, ScopedFrom},
    identity::Identity,
    providers::FetchNotes,
    refresh::{Refresh, Rules, Term, is_final},
    task::fork_gate::SharedGate,
    tokens::TokenStore,
    util::time::Moment,
};
use std::{mem, sync::Arc};

/// The least time between two fetches if a retry of the first cannot succeed, or a caller forced
/// it.
const SPACING: Millis = 1_000;
/// How long the next read raises a non-retryable error of a background fetch.
const PENDING: Millis = 5_000;

pub(super) struct State {
    pub(super) refresh: Refresh<Arc<Credentials>>,
    /// Counts up with every change of the held credentials; 0 if there were none yet.
    pub(super) serial: u64,
    pub(super) identity: Option<CachedIdentity>,
    pub(super) identity_serial: u64,
    pub(super) task: Option<InFlight>,
    /// The last failure that a retry cannot cure, and when it came.
    pub(super) last_final_error: Option<(Moment, Failure)>,
    /// Non-retryable error of a background fetch, raised once by the next read.
    pub(super) pending_error: Option<PendingError>,
    /// When a caller last forced a fetch, and the failure of that fetch, if it failed.
    pub(super) last_forced_refresh: Option<(Moment, Option<Failure>)>,
    /// Why the held credentials are served past the time of their refresh.
    pub(super) degraded: Option<String>,
    /// Where the held credentials are cached on disk.
    pub(super) disk_entry: Option<DiskEntry>,
    /// The last removal of such an entry.
    pub(super) removal: Option<Arc<Removal>>,
    gate: SharedGate,
    pub(super) attempts: Arc<[Attempt]>,
    pub(super) region: String,
    pub(super) use_fips: bool,
    pub(super) skew: Skew,
    pub(super) tokens: TokenStore,
    pub(super) web_identity_token: Option<Secret>,
    pub(super) watch: Watch,
    /// The key of the base credentials that AWS refused in the last fetch.
    pub(super) refused_base_key: Option<String>,
    /// What the held credentials were made from, in a scoped session.
    pub(super) scoped_from: Option<ScopedFrom>,
    /// The warnings for the log, each once.
    pub(super) warnings: Vec<String>,
    /// When the held credentials were fetched.
    pub(super) held_since: Millis,
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
    pub(super) until: Option<Term>,
}

/// A non-retryable error of a background fetch.
pub(super) struct PendingError {
    pub(super) failure: Failure,
    pub(super) at: Moment,
    pub(super) process: u32,
}

impl State {
    pub(super) fn new(
        rules: Rules,
        warnings: Vec<String>,
        gate: SharedGate,
        runtime: Arc<dyn Runtime>,
    ) -> Self {
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
            disk_entry: None,
            removal: None,
            gate,
            attempts: Arc::new([]),
            region: String::new(),
            use_fips: false,
            skew: Skew::default(),
            tokens: TokenStore::default(),
            web_identity_token: None,
            watch: Watch::default(),
            refused_base_key: None,
            scoped_from: None,
            warnings,
            held_since: 0,
            expiry_is_recorded: false,
            events: Events::default(),
            runtime,
        }
    }

    /// The two clocks, the wall clock corrected by the offset of STS's clock.
    pub(super) fn now(&self) -> Moment {
        self.skew.corrected(self.runtime.now())
    }

    /// The failure of a background fetch that the next read raises, once: if it is fresh, and if this
    /// process has seen it, since a fork would repeat it in each child.
    pub(super) fn take_pending_error(&mut self) -> Option<Failure> {
        let pending = self.pending_error.take()?;
        let age = self.runtime.now().boot - pending.at.boot;
        (age <= PENDING && pending.process == self.runtime.process()).then_some(pending.failure)
    }

    /// Marks the held credentials as refused by a service, if they have this key id.
    pub(super) fn invalidate(&mut self, access_key_id: &str) -> bool {
        let now = self.now();
        let was_rejected = self.refresh.rejected_key().is_some();
        let is_held = self.refresh.invalidate(access_key_id);
        if is_held {
            self.record_expiry(now);
            self.remove_entry(access_key_id);
            self.tokens.clear();
            self.identity = None;
            if let Some(held) = self.refresh.held(now).filter(|_| !was_rejected) {
                let held = Arc::clone(held);
                self.events
                    .add(EventKind::Invalidated, &held, None, now.wall);
            }
        }
        is_held
    }

    /// Removes refused credentials from the cache on disk, so that no other process takes them.
    fn remove_entry(&mut self, access_key_id: &str) {
        let Some(entry) = &self.disk_entry else {
            return;
        };
        let removal = entry.removal(access_key_id, self.gate).ok();
        if let Some(last) = mem::replace(&mut self.removal, removal)
            && !last.is_ours()
        {
            mem::forget(last); // its locks may stay locked for ever
        }
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
            self.last_forced_refresh = Some((self.runtime.now(), None));
        }
    }

    /// True if the known identity is that of the credentials in use, and their file is not to be read
    /// again first.
    pub(super) fn knows_identity(&self, now: Moment) -> bool {
        let is_read_again = self.refresh.is_stale() && !self.refresh.is_backing_off(now);
        let until = self.identity.as_ref().map(|cached| cached.until);
        !is_read_again && until.is_some_and(|until| until.is_none_or(|until| !until.has_ended(now)))
    }

    pub(super) fn failed_within_spacing(&self) -> bool {
        self.last_final_error
            .as_ref()
            .is_some_and(|(at, _)| self.is_within_spacing(*at))
    }

    /// True if a read raises `failure` whatever is held. The settings of a session do not change, so
    /// wrong configuration comes from a file or a program that may be in the middle of being
    /// replaced: good credentials are served on.
    pub(super) fn is_final(&self, failure: &Failure, now: Moment) -> bool {
        let holds_good = self.refresh.held(now).is_some() && self.refresh.expired(now).is_none();
        is_final(failure) && !(failure.kind == Kind::Configuration && holds_good)
    }

    /// True if `at` is too short a time ago for another fetch.
    pub(super) fn is_within_spacing(&self, at: Moment) -> bool {
        self.runtime.now().boot - at.boot < SPACING
    }

    /// The serial of credentials to serve while the application is asked for an MFA code.
    pub(super) fn servable_meanwhile(&self) -> Option<u64> {
        let now = self.now();
        let is_servable = self.refresh.is_servable(now) && self.refresh.rejected_key().is_none();
        is_servable.then_some(self.serial)
    }

    /// Adds an event, once, if the held credentials had expired by then and no fetch has replaced them.
    pub(super) fn record_expiry(&mut self, now: Moment) {
        let expired = self.refresh.expired(now).map(Arc::clone);
        if let Some(expired) = expired.filter(|_| !self.expiry_is_recorded) {
            self.expiry_is_recorded = true;
            let reason = self.degraded.as_deref();
            let ended = now.wall + self.refresh.left(now).unwrap_or_default();
            let at = ended.max(self.held_since); // IMDS hands out expired credentials
            self.events.add(EventKind::Expired, &expired, reason, at);
        }
    }
}
