//! When credentials are refreshed, and what is served when a refresh fails.
//!
//! The rules are those the AWS SDKs agreed on in 2026 (smithy-rs pull requests 4766, 4774,
//! 4781 and 4796; their public scenarios are in `spec/fixtures/credential-refresh-tests.json`).
//! Ours are the rules for what those leave open: credentials with a lifetime of five minutes or
//! less, credentials whose source calls them degraded, credentials that need an MFA code, and
//! clocks that step.
//!
//! Pure: no I/O, no lock, no thread. `now` is a [`Moment`], its wall clock corrected by the last
//! offset seen at STS; the later of its two clocks counts.
//! The caller runs one fetch at a time, raises a final error of a background refresh once, and
//! spaces the fetches that follow a final error or a failed first fetch: this module remembers
//! neither.

mod cause;
mod term;
mod windows;

pub use cause::{Cause, is_final};
pub use term::Term;
pub use windows::{Rules, Windows};

use crate::{
    credentials::{Credentials, Millis},
    util::time::Moment,
};
use std::{ops::RangeInclusive, sync::Arc};
use windows::{MINUTE, SECOND};

/// A range of durations, both bounds included.
pub type Range = RangeInclusive<Millis>;

/// How long a source is not asked after a retryable failure.
const BACK_OFF: Range = 300 * SECOND..=600 * SECOND;
/// Under this lifetime the back-off is a fraction of it, so that it ends before they expire.
const BRIEF_LIFE: Millis = 30 * MINUTE;

/// What the rules need to know of credentials.
pub trait Expiring {
    /// The access key id.
    fn key(&self) -> &str;
    /// The expiration its source gives; `None` for long-lived keys.
    fn expires_at(&self) -> Option<Millis>;
    /// True where the source itself hands out expired credentials (IMDS static stability).
    fn degraded(&self) -> bool;
    /// How long they were asked for; `None` where their source decides.
    fn requested(&self) -> Option<Millis> {
        None
    }
}

impl Expiring for Credentials {
    fn key(&self) -> &str {
        &self.access_key_id
    }
    fn expires_at(&self) -> Option<Millis> {
        self.expires_at
    }
    fn degraded(&self) -> bool {
        self.degraded.is_some()
    }
    fn requested(&self) -> Option<Millis> {
        self.requested
    }
}

impl<S: Expiring> Expiring for Arc<S> {
    fn key(&self) -> &str {
        (**self).key()
    }
    fn expires_at(&self) -> Option<Millis> {
        (**self).expires_at()
    }
    fn degraded(&self) -> bool {
        (**self).degraded()
    }
    fn requested(&self) -> Option<Millis> {
        (**self).requested()
    }
}

/// What a read does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It takes the held credentials.
    Serve,
    /// It takes the held credentials and starts a background refresh.
    ServeAndFetch,
    /// It waits for a fetch.
    Fetch,
}

/// What a completed fetch changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succeeded {
    /// The new credentials are held.
    Fresh,
    /// The new credentials are held although their source calls them degraded; a back-off runs.
    Degraded,
    /// The new credentials are expired, or expire before the held ones: a failed refresh. The
    /// held ones stay in service, degraded; a back-off runs.
    KeepsServing,
    /// The new credentials are expired and none are held: an error. Nothing is remembered.
    Raises,
}

/// What a failed refresh means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The held credentials stay in service, even once expired, degraded; a back-off runs.
    KeepsServing,
    /// The error goes to the caller. Nothing is remembered.
    Raises,
}

/// Whether a service rejected the held credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rejected {
    No,
    /// Yes, and no fetch has started since.
    NotFetchedSince,
    /// Yes, and a fetch has started since.
    FetchedSince,
}

#[derive(Clone, Debug)]
struct CachedCredentials<S> {
    credentials: S,
    /// Their lifetime, counted from the fetch; `None` for long-lived keys.
    life: Option<Term>,
    degraded: bool,
}

/// The refresh state of one session: the held credentials, their windows, the back-off.
///
/// A forked child continues with its copy.
#[derive(Clone, Debug)]
pub struct Refresh<S> {
    rules: Rules,
    held: Option<CachedCredentials<S>>,
    back_off: Option<Term>,
    /// How many fetches in a row have not reached the source since the held credentials expired.
    unreached: u32,
    rejected: Rejected,
    /// The file that the held credentials came from has changed.
    is_stale: bool,
}

impl<S: Expiring> Refresh<S> {
    /// A state without credentials.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            held: None,
            back_off: None,
            unreached: 0,
            rejected: Rejected::No,
            is_stale: false,
        }
    }

    /// Sets [`Rules::needs_mfa`], which is known only once the first fetch has resolved the roles.
    pub fn set_needs_mfa(&mut self, needs_mfa: bool) {
        self.rules.needs_mfa = needs_mfa;
    }

    /// True where each fetch needs an MFA code.
    #[must_use]
    pub fn needs_mfa(&self) -> bool {
        self.rules.needs_mfa
    }

    /// What a read at `now` does. While a fetch is in flight, the caller takes
    /// `ServeAndFetch` as `Serve`, and `Fetch` as joining it.
    ///
    /// SDKs: serve until the advisory window, refresh in the background inside it, wait in the
    /// mandatory one, and do not ask the source while a back-off runs, even after expiration.
    pub fn next(&self, now: Moment) -> Next {
        if self.held(now).is_none() {
            return Next::Fetch;
        }
        match self.due(now) {
            _ if self.is_backing_off(now) => Next::Serve,
            Next::ServeAndFetch if self.rules.needs_mfa => Next::Serve,
            due => due,
        }
    }

    /// The held credentials, also while they are rejected or expired; `None` where they have expired
    /// and need an MFA code.
    #[must_use]
    pub fn held(&self, now: Moment) -> Option<&S> {
        let held = self.held.as_ref()?;
        (!self.rules.needs_mfa || !held.has_expired(now)).then_some(&held.credentials)
    }

    /// True if a caller that has waited for a fetch may take the held credentials: they are good, or
    /// a back-off runs.
    #[must_use]
    pub fn is_servable(&self, now: Moment) -> bool {
        self.held(now).is_some() && (self.is_good(now) || self.is_backing_off(now))
    }

    /// True if the held credentials have neither expired nor been rejected.
    #[must_use]
    pub fn is_good(&self, now: Moment) -> bool {
        self.rejected == Rejected::No && self.held.is_some() && self.expired(now).is_none()
    }

    /// The key id of the held credentials if a service rejected them, until others are held. No fetch
    /// may take that key from the disk cache.
    #[must_use]
    pub fn rejected_key(&self) -> Option<&str> {
        let held = self.held.as_ref()?;
        (self.rejected != Rejected::No).then(|| held.credentials.key())
    }

    /// The held credentials if they are expired, whether or not they are still served.
    #[must_use]
    pub fn expired(&self, now: Moment) -> Option<&S> {
        let held = self.held.as_ref()?;
        held.has_expired(now).then_some(&held.credentials)
    }

    /// The time until the held credentials expire; `None` without any and for long-lived keys.
    #[must_use]
    pub fn left(&self, now: Moment) -> Option<Millis> {
        Some(self.held.as_ref()?.life?.left(now))
    }

    /// True if the held credentials expire within `time` of `now`, and others of their source would last longer.
    #[must_use]
    pub fn ends_within(&self, time: Millis, now: Moment) -> bool {
        let life = self.held.as_ref().and_then(|held| held.life);
        life.is_some_and(|life| life.length > time && life.left(now) <= time)
    }

    /// In how long a read would ask the source; `None` without credentials and for long-lived keys.
    #[must_use]
    pub fn due_in(&self, now: Moment) -> Option<Millis> {
        let due = self.left(now)? - self.windows()?.advisory;
        Some(due.max(self.back_off_left(now).unwrap_or(due)))
    }

    /// True when no credentials are held, or the held ones are in their advisory window, expired
    /// or invalidated, whether or not a back-off runs.
    #[must_use]
    pub fn needs_refresh(&self, now: Moment) -> bool {
        self.held(now).is_none() || self.due(now) != Next::Serve
    }

    /// True when the last refresh failed with a retryable error, or the source of the held
    /// credentials calls them degraded.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.degraded)
    }

    /// How long the source is not asked; `None` when no back-off runs.
    #[must_use]
    pub fn back_off_left(&self, now: Moment) -> Option<Millis> {
        let left = self.back_off?.left(now);
        (left > 0).then_some(left)
    }

    /// True while a back-off runs.
    #[must_use]
    pub fn is_backing_off(&self, now: Moment) -> bool {
        self.back_off_left(now).is_some()
    }

    /// Ends a running back-off: what made the last fetch fail has been replaced, so the next read
    /// may ask the source.
    pub fn end_back_off(&mut self) {
        self.back_off = None;
    }

    /// Shortens a running back-off to `length`.
    pub fn shorten_back_off(&mut self, now: Moment, length: Millis) {
        if self.back_off.is_some() {
            self.back_off = Some(Term::of(length, now));
        }
    }

    /// The file that the held credentials came from has changed: the next read waits for a fetch.
    pub fn mark_stale(&mut self) {
        self.is_stale = self.held.is_some();
    }

    /// True from [`Self::mark_stale`] until other credentials are held.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// The windows of the held credentials; `None` without any and for long-lived keys.
    #[must_use]
    pub fn windows(&self) -> Option<Windows> {
        let life = self.held.as_ref()?.life?;
        Some(Windows::of(life.length, self.rules))
    }

    /// To be called for each fetch of credentials that has started.
    pub fn started(&mut self) {
        if self.rejected == Rejected::NotFetchedSince {
            self.rejected = Rejected::FetchedSince;
        }
    }

    /// A fetch returned `credentials`. `pick` returns a uniformly random number of the range.
    ///
    /// SDKs: windows are computed anew at each fetch; expired credentials are a failure.
    /// Ours: credentials whose source calls them degraded are served, on the first fetch too,
    /// unless the held ones expire later; a fetch that started before the held key was rejected
    /// and returns the same key does not clear the rejection.
    pub fn succeeded(
        &mut self,
        now: Moment,
        credentials: S,
        pick: impl FnOnce(Range) -> Millis,
    ) -> Succeeded {
        let degraded = credentials.degraded();
        let life = credentials
            .expires_at()
            .map(|end| Term::until(end, credentials.requested(), now));
        let has_expired = life.is_some_and(|life| life.has_ended(now));
        let unusable = has_expired && (self.rules.needs_mfa || !degraded);
        if unusable || (degraded && self.held_outlives(&credentials, now)) {
            return match self.failed(now, Cause::Answered, pick) {
                Failed::KeepsServing => Succeeded::KeepsServing,
                Failed::Raises => Succeeded::Raises,
            };
        }
        if self.rejected == Rejected::FetchedSince || !self.holds(credentials.key()) {
            self.rejected = Rejected::No;
        }
        self.held = Some(CachedCredentials {
            credentials,
            life,
            degraded,
        });
        self.back_off = None;
        self.unreached = 0;
        self.is_stale = false;
        if !degraded {
            return Succeeded::Fresh;
        }
        self.begin_back_off(now, Cause::Answered, pick);
        Succeeded::Degraded
    }

    /// A fetch failed. `pick` as in [`Self::succeeded`].
    ///
    /// SDKs: a final error and the failure of a first fetch are raised and not remembered; after
    /// any other the held credentials are served, even once expired, and the back-off is 300 to
    /// 600 s. Ours: with a lifetime under 30 min a sixth to a third of it, at least 1 s. Where the
    /// source was not reached, it ends when the held credentials expire; once they have, it is 1, 2,
    /// 4, … s.
    pub fn failed(
        &mut self,
        now: Moment,
        cause: Cause,
        pick: impl FnOnce(Range) -> Millis,
    ) -> Failed {
        if cause == Cause::Final || self.held(now).is_none() {
            return Failed::Raises;
        }
        self.begin_back_off(now, cause, pick);
        Failed::KeepsServing
    }

    /// A service rejected the credentials with this access key id. True when those are held: the
    /// cache entry is then to be removed, and the next read waits for a fetch, unless a
    /// back-off runs (SDKs). Any other key has been replaced already.
    pub fn invalidate(&mut self, key: &str) -> bool {
        let is_held = self.holds(key);
        if is_held {
            self.rejected = Rejected::NotFetchedSince;
        }
        is_held
    }

    fn holds(&self, key: &str) -> bool {
        self.held
            .as_ref()
            .is_some_and(|held| held.credentials.key() == key)
    }

    /// What a read does by the age of the held credentials alone.
    fn due(&self, now: Moment) -> Next {
        if self.is_stale || self.rejected != Rejected::No {
            return Next::Fetch;
        }
        let Some(life) = self.held.as_ref().and_then(|held| held.life) else {
            return Next::Serve;
        };
        let windows = Windows::of(life.length, self.rules);
        match life.left(now) {
            left if left <= windows.mandatory => Next::Fetch,
            left if left <= windows.advisory => Next::ServeAndFetch,
            _ => Next::Serve,
        }
    }

    fn held_outlives(&self, credentials: &S, now: Moment) -> bool {
        let expiration = |it: &S| it.expires_at().unwrap_or(Millis::MAX);
        self.rejected == Rejected::No
            && self
                .held(now)
                .is_some_and(|held| expiration(held) > expiration(credentials))
    }

    fn begin_back_off(&mut self, now: Moment, cause: Cause, pick: impl FnOnce(Range) -> Millis) {
        let left = self.left(now).unwrap_or(Millis::MAX);
        let Some(held) = &mut self.held else { return };
        held.degraded = true;
        let range = match held.life {
            // For degraded credentials the remaining lifetime is meaningless: they have the
            // default back-off.
            Some(life) if life.length < BRIEF_LIFE && !held.credentials.degraded() => {
                (life.length / 6).max(SECOND)..=(life.length / 3).max(SECOND)
            }
            _ => BACK_OFF,
        };
        let length = pick(range.clone()).clamp(*range.start(), *range.end());
        let longest = match cause {
            Cause::Unreached if left > 0 => left.max(SECOND),
            Cause::Unreached => SECOND << self.unreached.min(10),
            Cause::Answered | Cause::Final => Millis::MAX,
        };
        self.unreached = match cause {
            Cause::Unreached if left <= 0 => self.unreached + 1,
            _ => 0,
        };
        self.back_off = Some(Term::of(length.min(longest), now));
    }
}

impl<S> CachedCredentials<S> {
    fn has_expired(&self, now: Moment) -> bool {
        self.life.is_some_and(|life| life.has_ended(now))
    }
}
