//! When a credential set is fetched anew, and what is served when that fails.
//!
//! The rules are those the AWS SDKs agreed on in 2026 (smithy-rs pull requests 4766, 4774,
//! 4781 and 4796; their public scenarios are in `spec/fixtures/credential-refresh-tests.json`).
//! Ours are the answers to what those leave open: sets that live five minutes or less, sets
//! their own source calls degraded, sets a person must be asked for, and clocks that step.
//!
//! Pure: no I/O, no lock, no thread. `now` is the wall clock plus the last offset seen at STS.
//! The caller's part: one flight at a time, a background final error raised once, and flights
//! after a final or first error spaced, for neither is remembered here.

use crate::{
    credentials::{Credentials, Millis},
    failure::{Failure, Kind},
};
use std::{ops::RangeInclusive, sync::Arc};

/// A range of lengths of time, both ends included.
pub type Range = RangeInclusive<Millis>;

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60 * SECOND;
/// The mandatory window: inside it a read waits for the refresh.
const MANDATORY: Millis = 60 * SECOND;
/// Up to this life the windows are shares of it: the table's would cover it whole.
const SHORT_LIFE: Millis = 300 * SECOND;
/// How long a source is left alone after a failure.
const BACK_OFF: Range = 300 * SECOND..=600 * SECOND;
/// Under this life the back-off is a share of it, so that it ends before the set does.
const BRIEF_LIFE: Millis = 30 * MINUTE;

/// What the rules need to know of a credential set.
pub trait Set {
    /// The access key id.
    fn key(&self) -> &str;
    /// When the set ends, as its source says; `None` for keys that do not end.
    fn expires_at(&self) -> Option<Millis>;
    /// True where the source itself hands out a set past its life (IMDS static stability).
    fn degraded(&self) -> bool;
}

impl Set for Credentials {
    fn key(&self) -> &str {
        &self.access_key_id
    }
    fn expires_at(&self) -> Option<Millis> {
        self.expires_at
    }
    fn degraded(&self) -> bool {
        self.degraded.is_some()
    }
}

impl<S: Set> Set for Arc<S> {
    fn key(&self) -> &str {
        (**self).key()
    }
    fn expires_at(&self) -> Option<Millis> {
        (**self).expires_at()
    }
    fn degraded(&self) -> bool {
        (**self).degraded()
    }
}

/// What a session may set. The default is the AWS SDKs' behaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Replaces the advisory window of the table. Never below the mandatory window, and
    /// bounded so that a new set is not due at once (see [`Windows::of`]).
    pub advisory_window: Option<Millis>,
    /// A person must be asked for each set (MFA): never refreshed in the background, and never
    /// served past its end. Our rule: no AWS SDK refreshes such sets unattended.
    pub attended: bool,
}

/// How long before its end a set is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// From here on a read starts a refresh and does not wait.
    pub advisory: Millis,
    /// From here on a read waits for the refresh.
    pub mandatory: Millis,
}

impl Windows {
    /// The windows of a set with this `life` left when it was fetched.
    ///
    /// The SDKs' table: up to 20 min → 5 min; under 90 min → 15 min; else 60 min; mandatory 60 s.
    /// Ours: a life of 300 s or less has half of it and a tenth of it. The caller's window may
    /// reach back to 60 s after the fetch (half of a short life), so that a window as long as
    /// the life costs a flight a minute and not a flight a read.
    #[must_use]
    pub fn of(life: Millis, rules: Rules) -> Self {
        let life = life.max(0);
        let (table, mandatory) = if life <= SHORT_LIFE {
            (life / 2, life / 10)
        } else if life <= 20 * MINUTE {
            (5 * MINUTE, MANDATORY)
        } else if life < 90 * MINUTE {
            (15 * MINUTE, MANDATORY)
        } else {
            (60 * MINUTE, MANDATORY)
        };
        let most = if life <= SHORT_LIFE {
            table
        } else {
            table.max(life - MINUTE)
        };
        let advisory = rules
            .advisory_window
            .unwrap_or(table)
            .min(most)
            .max(mandatory);
        Self {
            advisory,
            mandatory,
        }
    }
}

/// What a read does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Take the held set.
    Serve,
    /// Take the held set; a refresh is to be started that nobody waits for.
    ServeAndFetch,
    /// Wait for a flight.
    Fetch,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succeeded {
    /// It is held now.
    Fresh,
    /// It is held now although its source calls it degraded; a back-off runs.
    Degraded,
    /// It had ended, or ends before the held set: a failed refresh. The held set is served on,
    /// degraded; a back-off runs.
    ServesHeld,
    /// It had ended and there is nothing to serve: an error. Nothing is remembered.
    Refused,
}

/// What a failed refresh means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The held set is served on, even past its end, degraded; a back-off runs.
    ServesHeld,
    /// The error goes to the caller. Nothing is remembered.
    Raises,
}

/// Whether a service refused the held set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rejected {
    No,
    /// Yes, and no flight has left since.
    Unasked,
    /// Yes, and a flight has left since.
    Asked,
}

/// A time that is never further away than when it was set, however the clock is turned back.
#[derive(Clone, Copy, Debug)]
struct Term {
    length: Millis,
    end: Millis,
}

impl Term {
    fn until(end: Millis, now: Millis) -> Self {
        Self {
            length: end.saturating_sub(now),
            end,
        }
    }
    fn follow(&mut self, now: Millis) {
        self.end = self.end.min(now.saturating_add(self.length));
    }
    fn left(&self, now: Millis) -> Millis {
        self.end.saturating_sub(now)
    }
}

#[derive(Clone, Debug)]
struct CachedCredentials<S> {
    set: S,
    /// Its life, counted from the fetch; `None` for keys that do not end.
    life: Option<Term>,
    degraded: bool,
}

/// The state of one session's credentials: the held set, its windows, the back-off.
///
/// A forked child goes on with its copy.
#[derive(Clone, Debug)]
pub struct Refresh<S> {
    rules: Rules,
    held: Option<CachedCredentials<S>>,
    back_off: Option<Term>,
    rejected: Rejected,
}

impl<S: Set> Refresh<S> {
    /// Nothing held, nothing remembered.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            held: None,
            back_off: None,
            rejected: Rejected::No,
        }
    }

    /// Whether a person must be asked for each set is known once the way to one is.
    pub fn set_attended(&mut self, attended: bool) {
        self.rules.attended = attended;
    }

    /// True where a person must be asked for each set.
    #[must_use]
    pub fn is_attended(&self) -> bool {
        self.rules.attended
    }

    /// What a read at `now` does. While a flight is in the air, the caller takes
    /// `ServeAndFetch` as `Serve`, and `Fetch` as joining it.
    ///
    /// SDKs: serve until the advisory window, refresh beside the reads in it, wait in the
    /// mandatory one, and leave the source alone while a back-off runs, even past the end.
    pub fn next(&mut self, now: Millis) -> Next {
        self.follow_clock(now);
        if self.held(now).is_none() {
            return Next::Fetch;
        }
        match self.due(now) {
            _ if self.is_backing_off(now) => Next::Serve,
            Next::ServeAndFetch if self.rules.attended => Next::Serve,
            due => due,
        }
    }

    /// The set a read may take at `now` without a flight. May have ended: its own expiry says so.
    #[must_use]
    pub fn held(&self, now: Millis) -> Option<&S> {
        let held = &self.held.as_ref()?.set;
        (!self.rules.attended || !has_ended(held, now)).then_some(held)
    }

    /// True from when a service refused the held set until another one is held.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.rejected != Rejected::No
    }

    /// The set whose time has passed and that nothing has replaced, whether or not it is served.
    #[must_use]
    pub fn ended(&self, now: Millis) -> Option<&S> {
        let set = &self.held.as_ref()?.set;
        has_ended(set, now).then_some(set)
    }

    /// True when nothing is held, or what is held is in its advisory window, ended or
    /// invalidated, whether or not a back-off runs.
    #[must_use]
    pub fn needs_refresh(&self, now: Millis) -> bool {
        self.held(now).is_none() || self.due(now) != Next::Serve
    }

    /// True when the held set is served for want of a newer one: the last refresh failed (not
    /// finally), or its source calls it degraded.
    #[must_use]
    pub fn is_degraded(&self) -> bool {
        self.held.as_ref().is_some_and(|held| held.degraded)
    }

    /// When the source is asked again at the earliest; `None` when no back-off runs.
    #[must_use]
    pub fn back_off_until(&self, now: Millis) -> Option<Millis> {
        self.back_off
            .filter(|term| term.left(now) > 0)
            .map(|term| term.end)
    }

    /// True while the source is left alone.
    #[must_use]
    pub fn is_backing_off(&self, now: Millis) -> bool {
        self.back_off_until(now).is_some()
    }

    /// The windows of the held set; `None` without one and for keys that do not end.
    #[must_use]
    pub fn windows(&self) -> Option<Windows> {
        let life = self.held.as_ref()?.life?;
        Some(Windows::of(life.length, self.rules))
    }

    /// To be called for each flight that leaves. True: it must not read the disk cache, for it
    /// is the first since the held set was invalidated.
    pub fn started(&mut self) -> bool {
        let skips_disk = self.rejected == Rejected::Unasked;
        if skips_disk {
            self.rejected = Rejected::Asked;
        }
        skips_disk
    }

    /// A flight brought `set`. `pick` gives a random number of the range, evenly.
    ///
    /// SDKs: windows are computed anew at each fetch; an answer that has ended is a failure.
    /// Ours: one its source calls degraded is served, on the first fetch too, unless the held
    /// set ends later; an answer with the refused key from a flight that left before the
    /// refusal does not settle the refusal.
    pub fn succeeded(
        &mut self,
        now: Millis,
        set: S,
        pick: impl FnOnce(Range) -> Millis,
    ) -> Succeeded {
        let degraded = set.degraded();
        let unusable = has_ended(&set, now) && (self.rules.attended || !degraded);
        if unusable || (degraded && self.held_outlives(&set, now)) {
            return match self.failed(now, false, pick) {
                Failed::ServesHeld => Succeeded::ServesHeld,
                Failed::Raises => Succeeded::Refused,
            };
        }
        if self.rejected == Rejected::Asked || !self.holds(set.key()) {
            self.rejected = Rejected::No;
        }
        let life = set.expires_at().map(|end| Term::until(end, now));
        self.held = Some(CachedCredentials {
            set,
            life,
            degraded,
        });
        self.back_off = None;
        if !degraded {
            return Succeeded::Fresh;
        }
        self.begin_back_off(now, pick);
        Succeeded::Degraded
    }

    /// A flight failed; `is_final` as [`is_final`] says. `pick` as in [`Self::succeeded`].
    ///
    /// SDKs: a final error and the failure of a first fetch are raised and not remembered; else
    /// the held set is served, even past its end, and the source left alone for 300 to 600 s.
    /// Ours: for sets that live under 30 min a sixth to a third of their life, at least 1 s.
    pub fn failed(
        &mut self,
        now: Millis,
        is_final: bool,
        pick: impl FnOnce(Range) -> Millis,
    ) -> Failed {
        if is_final || self.held(now).is_none() {
            return Failed::Raises;
        }
        self.begin_back_off(now, pick);
        Failed::ServesHeld
    }

    /// A service refused the set with this access key id. True when that is the held one: the
    /// disk entry is then to be removed, and the next read takes the mandatory path, unless a
    /// back-off runs (SDKs). Any other key has been replaced already.
    pub fn invalidate(&mut self, key: &str) -> bool {
        let is_held = self.holds(key);
        if is_held {
            self.rejected = Rejected::Unasked;
        }
        is_held
    }

    fn holds(&self, key: &str) -> bool {
        self.held.as_ref().is_some_and(|held| held.set.key() == key)
    }

    /// What the held set's age alone asks for.
    fn due(&self, now: Millis) -> Next {
        if self.rejected != Rejected::No {
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

    fn held_outlives(&self, set: &S, now: Millis) -> bool {
        let end = |set: &S| set.expires_at().unwrap_or(Millis::MAX);
        self.rejected == Rejected::No && self.held(now).is_some_and(|held| end(held) > end(set))
    }

    fn begin_back_off(&mut self, now: Millis, pick: impl FnOnce(Range) -> Millis) {
        let Some(held) = &mut self.held else { return };
        held.degraded = true;
        let range = match held.life {
            // What is left of a set its source calls degraded says nothing of its life.
            Some(life) if life.length < BRIEF_LIFE && !held.set.degraded() => {
                (life.length / 6).max(SECOND)..=(life.length / 3).max(SECOND)
            }
            _ => BACK_OFF,
        };
        let length = pick(range.clone()).clamp(*range.start(), *range.end());
        self.back_off = Some(Term::until(now.saturating_add(length), now));
    }

    fn follow_clock(&mut self, now: Millis) {
        let life = self.held.as_mut().and_then(|held| held.life.as_mut());
        for term in life.into_iter().chain(self.back_off.as_mut()) {
            term.follow(now);
        }
    }
}

fn has_ended(set: &impl Set, now: Millis) -> bool {
    set.expires_at().is_some_and(|end| end <= now)
}

/// True for a failure that asking again cannot cure: it is raised at once.
///
/// The SDKs' list, by the service's code: STS's refusals, SSO's, and what is wrong in the
/// configuration. All else may pass: expired base credentials, throttling, transport, 5xx.
#[must_use]
pub fn is_final(failure: &Failure) -> bool {
    if matches!(
        failure.kind,
        Kind::Configuration | Kind::ProcessLoop | Kind::NotReady
    ) {
        return true;
    }
    let Some(code) = failure.code.as_deref() else {
        return failure.kind == Kind::AccessDenied;
    };
    matches!(
        code.strip_suffix("Exception").unwrap_or(code),
        "AccessDenied"
            | "MalformedPolicyDocument"
            | "PackedPolicyTooLarge"
            | "RegionDisabled"
            | "IDPRejectedClaim"
            | "InvalidIdentityToken"
            | "Unauthorized" // SSO: the token is not, or no longer, valid
            | "InvalidGrant" // SSO-OIDC: it cannot be renewed either
    )
}
